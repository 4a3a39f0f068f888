//! Annealed training: data move from the fitted Gaussian to what they are, and any objective follows them.

use super::{GPU, Silent, distances, job, trained};
use pushforward::Error;
use pushforward::data::toy::Toy;
use pushforward::gpu::Recorder;
use pushforward::methods::anneal::Annealed;
use pushforward::methods::{self, Anneal, Dataset, Method, Sinkhorn};
use pushforward::settings::Values;
use pushforward::train::{self, Job};
use std::sync::atomic::AtomicBool;

/// Mean and covariance of rows of two columns.
fn moments(rows: &[f32], cols: usize) -> [f64; 5] {
    let n = (rows.len() / cols) as f64;
    let mean = [0, 1].map(|j| rows.iter().skip(j).step_by(cols).map(|&v| f64::from(v)).sum::<f64>() / n);
    let both = |i: usize, j: usize| {
        rows.chunks_exact(cols).map(|row| (f64::from(row[i]) - mean[i]) * (f64::from(row[j]) - mean[j])).sum::<f64>() / n
    };
    [mean[0], mean[1], both(0, 0), both(0, 1), both(1, 1)]
}

fn batch(data: &Dataset, rows: usize) -> Vec<f32> {
    let mut rec = Recorder::new(&GPU, 5);
    let x = data.batch(&mut rec, rows).unwrap();
    let x = rec.keep(x);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    step.read(x).unwrap()
}

#[test]
fn mean_and_covariance_of_moving_data_are_the_datas_at_all_times() {
    let rows: Vec<f32> = Toy::Banana.sample(20_000, 1).into_single().iter().map(|v| v + 1.0).collect();
    let data = Dataset::new(&GPU, &rows, 2, None).unwrap();
    let expected = moments(&rows, 2);
    for t in [0.0f32, 0.05, 0.7, 30.0] {
        let alpha = (-t).exp();
        let row = GPU.upload(1, 4, &[alpha, (1.0 - alpha * alpha).sqrt(), 1.0 - alpha, t]).unwrap();
        let moved = batch(&data.moving(&row, 2).unwrap(), 20_000);
        for (found, expected) in moments(&moved, 2).iter().zip(expected) {
            // Five standard errors of a mean and of a (fourth-moment heavy) variance of 20,000 rows.
            assert!((found - expected).abs() < 0.2, "t = {t}: {found} for {expected}");
        }
        // In between the distribution's third moment E(x − m)³, 17.8 of this banana, is e^{−3t} of the data's: the Gaussian has none.
        let third = |rows: &[f32], m: f64| rows.iter().step_by(2).map(|&x| (f64::from(x) - m).powi(3)).sum::<f64>() / 20_000.0;
        let [of_data, found] = [third(&rows, expected[0]), third(&moved, expected[0])];
        let decayed = of_data * f64::from(-3.0 * t).exp();
        assert!((found - decayed).abs() < 0.15 * of_data, "t = {t}: third moment {found} for {decayed}");
    }
}

#[test]
fn where_columns_are_given_data_move_to_the_conditional_gaussian() {
    // y = (c + e, 2c − e)·1 with c given: at the end y | c ~ N((c, 2c), …) still, and c is not touched.
    let noise = Toy::Gaussian.sample(20_000, 1);
    let rows: Vec<f32> = (0..20_000)
        .flat_map(|i| {
            let [c, e] = [noise.single()[2 * i], noise.single()[2 * i + 1]];
            [c + 0.5 * e, 2.0 * c - 0.5 * e, c]
        })
        .collect();
    let data = Dataset::with_conditions(&GPU, &rows, 3, 1, None).unwrap();
    let row = GPU.upload(1, 4, &[0.0, 1.0, 1.0, 40.0]).unwrap();
    let moved = batch(&data.moving(&row, 2).unwrap(), 20_000);
    let rest: Vec<f32> = moved.chunks_exact(3).flat_map(|r| [r[0] - r[2], r[1] - 2.0 * r[2]]).collect();
    for (found, expected) in moments(&rest, 2).iter().zip([0.0, 0.0, 0.25, -0.25, 0.25]) {
        assert!((found - expected).abs() < 0.02, "{:?}", moments(&rest, 2));
    }
    let known: std::collections::HashSet<u32> = rows.iter().skip(2).step_by(3).map(|c| c.to_bits()).collect();
    assert!(moved.chunks_exact(3).all(|r| known.contains(&r[2].to_bits())) && moved.iter().all(|v| v.is_finite()));
}

#[test]
fn every_objective_learns_moving_data() {
    for (extra, share) in [
        ("objective = 'mmd'\nnoise_schedule = 'rounds'", 0.5),
        ("objective = 'characteristic'\nnoise_schedule = 'floor'\nsteps = 300", 0.5),
        ("objective = 'energy'\nnoise_schedule = 'floor'", 0.5),
        ("objective = 'sinkhorn'\nbatch_size = 256\nsteps = 200", 0.6),
        ("objective = 'gan'\ncritic_hidden_width = 64\ncritic_hidden_layers = 2\nnoise_schedule = 'floor'\nsteps = 300", 0.75),
        ("objective = 'wgan'\ncritic_steps = 3\ncritic_hidden_layers = 3\nsteps = 200", 0.75),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let batch = if extra.contains("batch_size") { "" } else { "batch_size = 256\n" };
        let extra = format!("{batch}hidden_width = 32\n{extra}");
        let outcome = trained("anneal", Toy::Moons, &extra, &folder.path().join("run"));
        let (learned, gaussian) = distances(&outcome, Toy::Moons);
        let times = outcome.metrics.series("time");
        println!("{extra:?}: {learned:.4} against {gaussian:.4}; t from {:.3}", times[0].1);
        assert!(times[0].1 > 1.0 && times.windows(2).all(|w| w[1].1 <= w[0].1), "{extra:?}: {times:?}");
        assert_eq!(times.last().map(|at| at.1), Some(0.0), "{extra:?}");
        assert!(learned < share * gaussian, "{extra:?}: {learned} against a Gaussian's {gaussian}");
    }
}

#[test]
fn at_rest_the_map_stays_the_fitted_gaussian() {
    // t = 40 to the last step but one: ρ_t is ρ_∞ = ξ_#ν, where the map starts.
    let folder = tempfile::tempdir().unwrap();
    let extra = "max_time = 40.0\nmin_time = 40.0\nnoise_fraction = 1.0\nsteps = 200";
    let outcome = trained("anneal", Toy::EightGaussians, extra, &folder.path().join("run"));
    let (learned, gaussian) = distances(&outcome, Toy::EightGaussians);
    assert!((learned / gaussian - 1.0).abs() < 0.1, "{learned} and a fitted Gaussian's {gaussian}");
}

#[test]
fn a_fall_by_the_floor_goes_on_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str, stop: bool, resume: bool| {
        let extra = "steps = 60\nbatch_size = 64\nnoise_schedule = 'floor'\nrounds = 4\nnoise_fraction = 0.9\nhidden_width = 16";
        let job = Job { resume, ..job(Toy::Moons.sample(6000, 1), "toy:moons", "anneal", extra, &folder.path().join(name)) };
        train::train(&GPU, job, &mut Silent, &AtomicBool::new(stop))
    };
    let whole = of("whole", false, false).unwrap();
    assert!(matches!(of("run", true, false), Err(Error::Interrupted { step }) if step < 60));
    let resumed = of("run", false, true).unwrap();
    let [a, b] = [&whole, &resumed].map(|outcome| outcome.model.sample(200, 1).unwrap().into_single());
    assert_eq!(a, b);
    assert_eq!(whole.metrics.series("time"), resumed.metrics.series("time"));
}

#[test]
fn settings_are_those_of_the_objective_too_and_wrong_ones_are_told() {
    let settings = |text: &str| methods::configured("anneal", &Values::parse(text).unwrap());
    let (method, training) = settings("objective = 'sinkhorn'\nblur = 0.1").unwrap();
    // The objective's own defaults are taken over.
    assert_eq!((training.steps, training.batch_size), (3000, 512));
    let objective = Annealed::new(Sinkhorn { blur: Some(0.1), ..Sinkhorn::default() }).unwrap();
    let same: Box<dyn Method> = Box::new(Anneal { objective, ..Anneal::default() });
    assert!(*method == *same);
    for (wrong, said) in [
        ("objective = 'spline'", "one of mmd, energy"),
        ("objective = 'mmdd'", "did you mean `mmd`"),
        ("objective = 'mmd'\nbeta = 1.5", "beta"),
        ("noise_fraction = 0.0", "`noise_fraction`"),
        ("min_time = 5.0", "`min_time`"),
        ("rounds = 0", "`rounds`"),
    ] {
        let told = settings(wrong).unwrap_err().to_string();
        assert!(told.contains(said), "{wrong}: {told}");
    }
}
