//! Samples outside the data, watched during training.

use super::trained_from;
use pushforward::data::Table;
use pushforward::data::toy::Toy;

/// Four clusters at (±1, ±1), so narrow that each column has a standard deviation of 1 and a range of hardly more than 2.
fn corners() -> Table {
    let noise = Toy::Gaussian.sample(3000, 4).into_values();
    let sign = |bit: usize| if bit == 0 { -1.0 } else { 1.0 };
    let values = noise.chunks_exact(2).enumerate().flat_map(|(i, z)| [sign(i & 1) + 0.002 * z[0], sign(i & 2) + 0.002 * z[1]]);
    Table::new(["x", "y"], values.collect()).unwrap()
}

#[test]
fn the_share_of_samples_out_of_range_is_reported_and_chooses_the_step() {
    let folder = tempfile::tempdir().unwrap();
    let shares = |run: &str| -> Vec<(u64, f64)> {
        let text = std::fs::read_to_string(folder.path().join(run).join("metrics.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.filter_map(|line| Some((line["step"].as_u64()?, line["outside_range"].as_f64()?))).collect()
    };
    // Of the fitted Gaussian 1 − erf(3/√2)² = 0.0054 lies beyond three standard deviations in a column; a rate of nothing leaves it as it is.
    for (run, method, extra) in [
        ("likelihood", "realnvp", "validation_fraction = 0.2"),
        // Of large batches, beside which its pairs are cheap enough to be formed every 20 steps.
        ("distance", "energy", "batch_size = 1024\nvalidation_fraction = 0.2"),
        ("neither", "realnvp", "validation_fraction = 0.0\nrefit = false"),
    ] {
        let extra = format!("steps = 40\nhidden_width = 8\nhidden_layers = 2\nlearning_rate = 1e-9\n{extra}");
        let outcome = trained_from(corners(), "rows.csv", method, &extra, &folder.path().join(run));
        let found = shares(run);
        println!("{run}: {found:?}, {:?} in the end", outcome.outside);
        let near = |share: f64| (share - 0.0054).abs() < 4.0 * (0.0054 / 2048.0_f64).sqrt();
        assert!(found.iter().map(|f| f.0).eq([0, 20, 40]) && found.iter().all(|&(_, share)| near(share)), "{run}: {found:?}");
        assert!(outcome.outside.is_some_and(|share| near(share.into())), "{run}: {:?}", outcome.outside);
    }
    // Once the clusters are learned none does, and a step is kept at which that is so.
    let extra = "steps = 300\nhidden_width = 32\nhidden_layers = 2\nlearning_rate = 4e-3\nvalidation_fraction = 0.2";
    let outcome = trained_from(corners(), "rows.csv", "realnvp", extra, &folder.path().join("learned"));
    let found = shares("learned");
    let of_kept = found.iter().find(|f| f.0 == outcome.kept).expect("it was looked at").1;
    println!("learned: {found:?}, step {} kept", outcome.kept);
    assert!(of_kept <= 1e-3 && outcome.outside.is_some_and(|share| share <= 1e-3), "{of_kept}, {:?}", outcome.outside);
}
