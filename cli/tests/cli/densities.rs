//! `reproduce densities` as a person runs it: small, but whole. What it shares with `reproduce statistics` is tested there.

use super::Desk;

const SMALL: &str = "reproduce densities --set seconds=0.2 --set seeds=1 --set rows=600 --set scored=100 --set targets=[\"moons\",\"8gaussians\"] \
                     --set methods=[\"realnvp\",\"spline\"] --set training={hidden_width=8,hidden_layers=1,batch_size=64,validation_fraction=0} --out page";

#[test]
fn the_page_has_likelihoods_and_heat_maps() {
    let desk = Desk::new();
    let printed = desk.works(&format!("{SMALL} --json"));
    let found: serde_json::Value = serde_json::from_str(&printed).expect("one object");
    let all = found["likelihoods"].as_array().expect("likelihoods");
    let nats = |method: &str, target: &str| {
        let one = all.iter().find(|l| l["method"] == method && l["target"] == target)?;
        let (mean, bits) = (one["mean"].as_f64().expect("a mean"), one["bits_per_dimension"].as_f64().expect("bits"));
        assert!((bits + mean / (2.0 * std::f64::consts::LN_2)).abs() < 1e-9, "{one}");
        Some(mean)
    };
    for target in ["moons", "8gaussians"] {
        for method in ["realnvp", "spline", "fitted Gaussian"] {
            assert!(nats(method, target).is_some_and(f64::is_finite), "{method} on {target}");
        }
    }
    // Moons have no density in closed form; eight Gaussians have, and no fitted Gaussian comes near it.
    assert!(nats("true density", "moons").is_none());
    let truth = nats("true density", "8gaussians").expect("it is known");
    assert!(truth > nats("fitted Gaussian", "8gaussians").expect("it is there") + 0.5);
    let (heat, html) = (desk.text("page/heat.svg"), desk.text("page/report.html"));
    assert!(
        heat.matches("<rect").count() > 1000 && heat.contains("mass 1.00") && heat.contains("no closed"),
        "a rectangle a run of cells"
    );
    for part in ["Log-likelihood of fresh rows", "Learned densities", "likelihoods of §3"] {
        assert!(html.contains(part), "{part}");
    }
    assert!(html.contains(&heat));
    let csv = desk.text("page/likelihoods.csv");
    assert!(csv.starts_with("method,target,seed,rows,nats,standard_error,bits_per_dimension") && csv.lines().count() == 1 + 7);
    let said = desk.works(SMALL);
    assert!(said.contains("nats per row") && said.contains("page/likelihoods.csv"), "{said}");
    desk.fails(
        "reproduce densities --set methods=[\"energy\"]",
        2,
        &["`energy` is of §2", "of §3 that learn a density: realnvp"],
    );
}
