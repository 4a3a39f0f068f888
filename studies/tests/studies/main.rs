//! The paper's footnote 3: what was derived holds, the game does not converge, and the mean formulation does where it should. And what the
//! comparison of §2 makes of its runs. Footnote 9 is in `spectrum`.

mod anneal;
#[path = "../../../tests/shared/devices.rs"]
mod devices;
mod spectrum;

use devices::Devices;
use pushforward::data::toy::Toy;
use pushforward_studies::comparison::{self, Cell, Comparison, FRESH, GAUSSIAN, Record, Scores, Terms};
use pushforward_studies::saddle::{self, Adversary, STARTS, Settings};
use pushforward_studies::statistics;
use pushforward_studies::{densities, flows};

static GPU: Devices = Devices::PLAIN;

/// The distribution function of a distribution with density 2 on some intervals.
fn distribution(intervals: &[[f64; 2]], x: f64) -> f64 {
    intervals.iter().map(|[low, high]| 2.0 * (x.min(*high) - low).max(0.0)).sum()
}

const TARGET: [[f64; 2]; 2] = [[0.0, 0.25], [0.75, 1.0]];

#[test]
fn the_closed_forms_are_the_integrals() {
    let middle = |i: usize| (i as f64 + 0.5) / 20_000.0;
    for a in [0.0, 0.03, 0.2, 0.25, 0.31, 0.5] {
        let pushed = [[a, a + 0.5]];
        let squares = |x: f64| (distribution(&pushed, x) - distribution(&TARGET, x)).powi(2);
        let energy = 2.0 * (0..20_000).map(|i| squares(middle(i))).sum::<f64>() / 20_000.0;
        assert!((energy - saddle::energy(a)).abs() < 1e-6, "energy distance at {a}: {energy}");
        let inside = |intervals: &[[f64; 2]], x: f64| intervals.iter().any(|[low, high]| (*low..*high).contains(&x));
        let mean = |of: &dyn Fn(f64) -> f64, distribution: &[[f64; 2]]| {
            (0..20_000).map(middle).filter(|x| inside(distribution, *x)).map(of).sum::<f64>() / 10_000.0
        };
        let d2: f64 = (1..=saddle::FUNCTIONS)
            .map(|k| std::f64::consts::TAU * k as f64)
            .map(|t| {
                let apart = |of: &dyn Fn(f64) -> f64| mean(of, &TARGET) - mean(of, &pushed);
                (apart(&|x| (t * x).cos()).powi(2) + apart(&|x| (t * x).sin()).powi(2)) / saddle::FUNCTIONS as f64
            })
            .sum();
        assert!((d2 - saddle::d2(a)).abs() < 1e-6, "D₂² at {a}: {d2}");
        // The best f is 1 where μ₁ alone has mass, and 0 where μ_a alone has.
        let best = mean(&|x| if inside(&pushed, x) { 0.0 } else { 1.0 }, &TARGET);
        assert!((best - saddle::best_response(a)).abs() < 1e-3, "best response at {a}: {best}");
    }
}

#[test]
fn d2_has_one_stationary_point_inside_and_it_is_a_maximum() {
    let places: Vec<f64> = (0..=1000).map(|i| f64::from(i) / 2000.0).collect();
    for pair in places.windows(2) {
        let rises = saddle::d2(pair[1]) > saddle::d2(pair[0]);
        assert_eq!(rises, pair[1] <= 0.25, "between {} and {}", pair[0], pair[1]);
    }
    assert!((saddle::d2(0.13) - saddle::d2(0.37)).abs() < 1e-12);
}

#[test]
fn the_game_turns_about_the_maximizer_and_does_not_settle() {
    let settings = Settings { steps: 1000, ..Settings::default() };
    let expected = {
        // The half turns of ω = 2√(η_a η_w) in the second half of the run.
        let turn = 2.0 * f64::from(settings.learning_rate * settings.adversary_learning_rate).sqrt();
        500.0 * turn / std::f64::consts::PI
    };
    let [simultaneous, alternating] =
        [false, true].map(|order| saddle::game(&GPU, Adversary::Steps, order, 0, &settings).unwrap());
    for run in [&simultaneous, &alternating] {
        assert_eq!(run.converged, None, "{run:?}");
        assert!((run.passes as f64 - expected).abs() <= 1.5, "{} passes for {expected}", run.passes);
    }
    // From 0.2 the orbit about ¼ is 0.1 wide; simultaneous steps widen it to the walls of w, ½√(η_a/η_w) either way.
    assert!((alternating.swing - 0.1).abs() < 0.01, "{}", alternating.swing);
    let walls = 2.0 * f64::from(settings.learning_rate / settings.adversary_learning_rate).sqrt();
    assert!((simultaneous.swing - walls).abs() < 0.1 * walls, "{} and {walls}", simultaneous.swing);
}

#[test]
fn descent_of_the_mean_formulation_settles_from_every_start() {
    let settings = Settings { steps: 900, ..Settings::default() };
    for start in STARTS {
        let run = saddle::descent(&GPU, true, start, &settings).unwrap();
        let nearest = if start < 0.25 { 0.0 } else { 0.5 };
        assert!(run.converged.is_some() && run.last == nearest, "from {start}: {:?} at {}", run.converged, run.last);
        // Δ' = −8η Δ²: 1/Δ grows by 8η a step.
        let run = saddle::descent(&GPU, false, start, &settings).unwrap();
        let left = 1.0 / (1.0 / (start - 0.25).abs() + 8.0 * f64::from(settings.energy_learning_rate) * 900.0);
        assert!(((run.last - 0.25).abs() - left).abs() < 0.1 * left, "from {start}: {} and {left}", run.last);
    }
    assert!((saddle::d2(0.0) - saddle::d2(0.5)).abs() < 1e-12 && (saddle::d2(0.0) - 0.095_96).abs() < 1e-5);
}

#[test]
fn adversaries_of_local_reach_stop_steps_where_there_is_no_saddle() {
    let settings = Settings { steps: 600, ..Settings::default() };
    for (who, least) in [(Adversary::Network, 0.3), (Adversary::Table, 0.05)] {
        let run = saddle::game(&GPU, who, false, 0, &settings).unwrap();
        assert!(
            run.converged.is_some() && run.gap.unwrap() > least,
            "{who:?}: {:?} at {}, gap {:?}",
            run.converged,
            run.last,
            run.gap
        );
    }
}

#[test]
fn a_comparison_has_means_intervals_and_what_failed() {
    let settings = comparison::Settings { seeds: 2, ..Default::default() };
    let terms = Terms::new(&GPU, &settings);
    let record = |method: &str, seed: u64, root_energy: f64, c2st_accuracy: f64, smallest_mode_share: f64| Record {
        scores: Some(Scores {
            root_energy,
            sliced_w2: 0.1,
            c2st_accuracy,
            outlier_rate: root_energy - 0.1,
            smallest_mode_share: Some(smallest_mode_share),
        }),
        steps: 100,
        steps_made: 100,
        training_seconds: 2.0,
        ..Record::new(&terms, method, Toy::EightGaussians, seed)
    };
    let stopped = Record { failure: Some("loss became NaN".into()), scores: None, ..record("wgan", 1, 0.0, 0.0, 0.0) };
    let records = vec![
        record(GAUSSIAN, 0, 0.5, 0.9, 0.2),
        record(GAUSSIAN, 1, 0.7, 0.9, 0.2),
        record(FRESH, 0, 0.1, 0.5, 0.9),
        record(FRESH, 1, 0.1, 0.5, 0.9),
        record("energy", 0, 0.1, 0.5, 0.9),
        record("energy", 1, 0.2, 0.6, 0.8),
        record("energy", 2, 9.0, 1.0, 0.0), // of another seed
        record("wgan", 0, 0.4, 0.8, 0.3),
        stopped,
        record("gan", 0, 0.15, 0.5, 0.1),
        record("gan", 1, 0.15, 0.5, 0.4),
    ];
    let methods = ["energy", "wgan", "gan", "stein"].map(String::from).to_vec();
    let toys = vec![Toy::EightGaussians, Toy::Moons];
    let found = Comparison::new(&settings, methods, toys, vec![0, 1], records, None);
    let of = |method: &str| found.standing(method, Toy::EightGaussians).unwrap();
    let skill = |method: &str| of(method).skill.clone().unwrap();
    for (method, share) in [(GAUSSIAN, 0.0), (FRESH, 1.0), ("energy", 0.9), ("wgan", 0.4), ("gan", 0.9)] {
        assert!((skill(method).value - share).abs() < 1e-12, "{method}: {:?}", skill(method));
    }
    // Shares of 1 and 0.8: 0.9 ± 12.706 · 0.1.
    let [low, high] = skill("energy").interval.unwrap();
    assert!((low + 0.370_62).abs() < 1e-4 && (high - 2.170_62).abs() < 1e-4, "[{low}, {high}]");
    assert_eq!(skill("wgan").interval, None);
    assert_eq!((of("energy").runs, of("energy").step_ms, of("wgan").seconds), (2, Some(20.0), Some(2.0)));

    let failures = |method: &str| of(method).failures.iter().map(|f| (f.how.as_str(), f.runs, f.of)).collect::<Vec<_>>();
    assert_eq!(["energy", "gan", "wgan"].map(|method| of(method).failed), [0, 2, 2]);
    assert!(failures("energy").is_empty() && failures(GAUSSIAN).is_empty());
    assert_eq!(failures("gan"), [("lost a mode: the smallest mode share is at worst 0.10 of its share of the data", 2, 2)]);
    assert_eq!(
        failures("wgan"),
        [
            ("loss became NaN", 1, 2),
            ("hardly better than a Gaussian: skill 0.40", 1, 2),
            ("outliers: an outlier rate of 0.30, nearer to the fitted Gaussian's than to that of fresh data", 1, 2),
            ("lost a mode: the smallest mode share is 0.30 of its share of the data", 1, 2),
            ("distinguished from data: C2ST accuracy 0.80", 1, 2),
        ]
    );
    assert_eq!((of("stein").cell, found.standing("stein", Toy::Moons).unwrap().cell), (Cell::NotRun, Cell::NoKnownScore));
    assert!(statistics::SUBJECT.methods().all(|method| method.entry().paper.starts_with("§2")));
    let flows: Vec<&str> = flows::SUBJECT.methods().map(|method| method.name()).collect();
    assert_eq!(flows, ["score", "diffusion", "flow-matching", "interpolant", "rectified-flow"]);
    let densities: Vec<&str> = densities::SUBJECT.methods().map(|method| method.name()).collect();
    assert_eq!(densities, ["realnvp", "spline", "maf", "cnf", "vae", "iwae", "ebm"]);
}
