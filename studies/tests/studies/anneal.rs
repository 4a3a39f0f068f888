//! The study of annealing: its distributions, and what it makes of its runs.

use pushforward::metrics::nearer::signs;
use pushforward::ops::cooling::NoiseSchedule;
use pushforward_studies::anneal::{Arm, Change, Key, Kind, NAMES, Record, Scores, Settings, Study, Target, Terms, Verdict};
use pushforward_studies::comparison::{FRESH, GAUSSIAN};

const ROWS: usize = 20_000;

#[test]
fn rows_have_the_weights_means_and_deviation_of_their_distribution() {
    for name in NAMES {
        let target = Target::find(name).unwrap();
        let Some(mixture) = target.mixture() else {
            assert_eq!((target.kind(), target.columns()), (Kind::Control, 2));
            continue;
        };
        assert!(
            (mixture.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12 && mixture.apart() >= 10.0,
            "{name}: {}",
            mixture.apart()
        );
        let (d, rows) = (mixture.columns, target.sample(ROWS, 3).unwrap().into_single());
        let shares = mixture.shares(&rows);
        for (k, weight) in mixture.weights.iter().enumerate() {
            // Five standard errors of a share; e⁻⁸ of the rows are out of reach.
            let error = (weight * (1.0 - weight) / ROWS as f64).sqrt();
            assert!((shares[k] - weight).abs() < 5.0 * error + 1e-3, "{name}, mode {k}: {} for {weight}", shares[k]);
            let own: Vec<&[f32]> = rows.chunks_exact(d).filter(|row| mixture.mode(row) == Some(k)).collect();
            let (mut squares, bound) = (0.0, 6.0 * mixture.deviation / (own.len() as f64).sqrt());
            for j in 0..d {
                let center = mixture.centers[k * d + j];
                let mean = own.iter().map(|row| f64::from(row[j])).sum::<f64>() / own.len() as f64;
                assert!((mean - center).abs() < bound, "{name}, mode {k}, column {j}: {mean} for {center}");
                squares += own.iter().map(|row| (f64::from(row[j]) - center).powi(2)).sum::<f64>();
            }
            let deviation = (squares / (own.len() * d) as f64).sqrt();
            // Six standard errors of a standard deviation, and the rows that are cut off.
            let bound = mixture.deviation * (6.0 / (2.0 * (own.len() * d) as f64).sqrt() + 2e-3);
            assert!((deviation - mixture.deviation).abs() < bound, "{name}, mode {k}: {deviation} for {}", mixture.deviation);
        }
        let outlier_rate = 1.0 - shares.iter().sum::<f64>();
        // Outliers are 6.7 of 20,000 on average.
        assert!(
            (0.0..20.0 / ROWS as f64).contains(&outlier_rate) && mixture.share_error(&shares) < 0.02,
            "{name}: {outlier_rate}"
        );
        assert_ne!(rows, target.sample(ROWS, 4).unwrap().into_single(), "{name}: another seed, other rows");
    }
    let two = Target::find("two").unwrap();
    let mixture = two.mixture().unwrap();
    assert_eq!((mixture.weights.as_slice(), (mixture.apart() - 40.0).abs() < 1e-9), (&[0.25, 0.75][..], true));
}

#[test]
fn rows_belong_to_the_nearest_mode_or_are_outliers() {
    let two = Target::find("two").unwrap();
    let mixture = two.mixture().unwrap();
    // In the plane e⁻⁸ lies beyond four standard deviations.
    assert!((mixture.reach - 4.0 * mixture.deviation).abs() < 1e-9, "{}", mixture.reach);
    let at = |k: usize, by: f64| [mixture.centers[2 * k] as f32, (mixture.centers[2 * k + 1] + by * mixture.deviation) as f32];
    assert_eq!([mixture.mode(&at(0, 3.9)), mixture.mode(&at(1, -3.9)), mixture.mode(&at(1, 4.1))], [Some(0), Some(1), None]);
    let rows = [at(0, 0.0), at(0, 1.0), at(1, 0.0), [0.0, 0.0]].concat();
    let shares = mixture.shares(&rows);
    assert_eq!(shares, [0.5, 0.25]);
    // ½(|½ − ¼| + |¼ − ¾| + ¼).
    assert!((mixture.share_error(&shares) - 0.5).abs() < 1e-12 && (mixture.share_error(&[0.0, 0.0]) - 1.0).abs() < 1e-12);
}

#[test]
fn p_values_of_signs_are_those_of_all_signings() {
    let cases: [&[f64]; 4] = [&[0.3], &[0.3, -0.1, 0.5], &[-1.0, -2.0, 0.5, -0.25, -3.0], &[1.0, 1.0, -1.0, 2.0, 4.0, 0.5, -0.7]];
    for differences in cases {
        let n = differences.len();
        let mut sums = vec![0.0f64];
        for d in differences {
            sums = sums.iter().flat_map(|sum| [sum + d, sum - d]).collect();
        }
        let seen = differences.iter().sum::<f64>().abs();
        let extreme = sums.iter().filter(|sum| sum.abs() >= seen - 1e-12).count();
        assert_eq!((sums.len(), signs(differences).unwrap()), (1 << n, extreme as f64 / sums.len() as f64), "{differences:?}");
    }
    // Ten of one sign: the least there is.
    assert_eq!(signs(&[1.0, 0.5, 0.7, 0.9, 0.2, 0.1, 0.3, 0.8, 0.4, 0.6]).unwrap(), 2.0 / 1024.0);
}

fn settings() -> Settings {
    Settings {
        objectives: vec!["energy".into(), "gan".into()],
        noise_schedules: vec![NoiseSchedule::Geometric, NoiseSchedule::Floor],
        targets: vec!["ring".into()],
        seeds: 4,
        ..Settings::default()
    }
}

fn record(objective: &str, arm: Arm, seed: u64, root_energy: f64, share_error: f64) -> Record {
    Record {
        scores: Some(Scores { root_energy, shares: vec![0.125; 8], share_error: Some(share_error), outlier_rate: Some(0.0) }),
        steps_made: 100,
        training_seconds: 1.0,
        ..Record::new(&Terms::new(&settings()), "an adapter", Key::new("ring", objective, arm, seed))
    }
}

#[test]
fn a_study_pairs_seeds_and_says_what_intervals_say() {
    let mut records = Vec::new();
    for seed in 0..4 {
        let by = seed as f64;
        records.push(record(GAUSSIAN, Arm::Direct, seed, 0.5, 0.9));
        records.push(record(FRESH, Arm::Direct, seed, 0.1, 0.0));
        records.push(record("energy", Arm::Direct, seed, 0.4, 0.3));
        // Differences −0.2, −0.19, −0.18, −0.17; that of seed 3 is of a run half as fast.
        records.push(record("energy", Arm::Geometric, seed, 0.2 + 0.01 * by, 0.3 - 0.02 * by));
        records.push(Record { training_seconds: 2.0, ..record("energy", Arm::Floor, seed, 0.05, 0.3) });
        let failed =
            Record { scores: None, failure: Some("loss became NaN".into()), ..record("gan", Arm::Direct, seed, 0.0, 0.0) };
        records.push(if seed == 1 { failed } else { record("gan", Arm::Direct, seed, 0.2, 0.2) });
        records.push(record("gan", Arm::Geometric, seed, 0.2 + 0.1 * (by + 1.0), 0.2));
    }
    // The same run again, and a seed that is not asked for.
    records.push(record("energy", Arm::Direct, 0, 9.0, 9.0));
    records.push(record("energy", Arm::Geometric, 7, 9.0, 9.0));
    let study = Study::new(&settings(), (0..4).collect(), records, None).unwrap();
    assert_eq!((study.levels.len(), study.effects.len()), (2 + 2 * 3, 4));
    let effect = |objective: &str, arm: Arm| study.effect("ring", objective, arm).unwrap();
    let energy = effect("energy", Arm::Geometric);
    let change = energy.root_energy.as_ref().unwrap();
    assert_eq!((change.pairs, change.nearer, change.verdict), (4, 4, Verdict::Helps));
    assert!((change.mean + 0.185).abs() < 1e-12, "{change:?}");
    // s = 0.01291, t of three degrees 3.1824: ± 0.02054.
    let [low, high] = change.interval.unwrap();
    assert!((low + 0.205_54).abs() < 1e-4 && (high + 0.164_46).abs() < 1e-4, "[{low}, {high}]");
    // Two of sixteen signings; three comparisons on the target have differences.
    assert_eq!((change.p_value, change.corrected_p_value, change.stands()), (0.125, 0.375, false));
    let expected = ([0.2, 0.21, 0.22, 0.23f64].iter().map(|r| r.ln()).sum::<f64>() / 4.0).exp() / 0.4;
    let ratio = energy.ratio.as_ref().unwrap();
    assert!(
        (ratio.value - expected).abs() < 1e-12 && ratio.interval.is_some_and(|[low, high]| low < expected && expected < high)
    );
    assert_eq!(energy.step_time_ratio, Some(1.0));

    // What is below fresh rows' own distance counts as that; finding the floor takes half of the time.
    let floor = effect("energy", Arm::Floor);
    assert!((floor.ratio.as_ref().unwrap().value - 0.25).abs() < 1e-12);
    assert!(
        (floor.step_time_ratio.unwrap() - 2.0).abs() < 1e-12 && (floor.floor_time_share.unwrap() - 0.5).abs() < 1e-12,
        "{floor:?}"
    );
    let shares = floor.share_error.as_ref().unwrap();
    assert_eq!((shares.mean, shares.interval, shares.p_value, shares.verdict), (0.0, Some([0.0, 0.0]), 1.0, Verdict::Open));

    let gan = effect("gan", Arm::Geometric);
    let change = gan.root_energy.as_ref().unwrap();
    assert_eq!((gan.failed, change.pairs, change.nearer), ([1, 0], 3, 0));
    // Differences 0.1, 0.3, 0.4: the interval holds zero.
    assert_eq!((change.verdict, change.p_value), (Verdict::Open, 0.25));
    assert!(effect("gan", Arm::Floor).root_energy.is_none());
    assert_eq!((study.best("ring", "energy"), study.best("ring", "gan")), (Some(Arm::Floor), Some(Arm::Geometric)));

    let level = study.level("ring", "gan", Arm::Direct).unwrap();
    assert_eq!((level.runs, level.failed, level.step_ms), (4, 1, Some(10.0)));
    let skill = |objective: &str, arm: Arm| study.level("ring", objective, arm).unwrap().skill.clone().unwrap().value;
    assert!((skill("gan", Arm::Direct) - 0.75).abs() < 1e-12 && skill(GAUSSIAN, Arm::Direct).abs() < 1e-12);
}

#[test]
fn what_hurts_is_told_and_a_single_pair_says_nothing() {
    let hurts = Change::of(&[0.1, 0.12, 0.09, 0.11]).unwrap().unwrap();
    assert_eq!((hurts.verdict, hurts.nearer), (Verdict::Hurts, 0));
    let one = Change::of(&[-0.5]).unwrap().unwrap();
    assert_eq!((one.verdict, one.interval, one.p_value), (Verdict::Open, None, 1.0));
    assert_eq!(Change::of(&[]).unwrap(), None);
}
