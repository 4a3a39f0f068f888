use super::{GPU, input, numbers, run};
use pushforward::gpu::Recorder;
use pushforward::metrics::assignment;
use pushforward::ops::sinkhorn::Sinkhorn;
use pushforward::reference::gather::Place;
use pushforward::reference::{C, partners, sinkhorn};

/// Round the workgroup, the four rows of a counter, and sizes at which columns are split.
const SIZES: [(usize, usize); 7] = [(1, 1), (1, 7), (63, 4), (64, 65), (65, 2), (197, 700), (5, 2100)];

/// Weights of rows, with sum 1 and some rows without any.
fn weights(m: usize) -> Vec<f32> {
    let raw: Vec<f32> = (0..m).map(|j| (j % 5) as f32 + f32::from(u8::from(m < 5))).collect();
    let sum: f32 = raw.iter().sum();
    raw.iter().map(|w| w / sum).collect()
}

#[test]
fn the_partner_has_the_greatest_score() {
    for (n, m) in SIZES {
        for (d, exponent) in [(1, 2.0), (2, 1.0), (3, 1.5), (17, 2.0), (64, 2.0)] {
            for weighted in [false, true] {
                let (x, y, h) = (numbers(n * d, 1), numbers(m * d, 2), numbers(m, 3));
                let b = weights(m);
                let settings = Sinkhorn { exponent, epsilon: 0.1 * d as f32, diameter: 8.0, ..Sinkhorn::default() };
                let mut rec = Recorder::with_domain(&GPU, 99 << 32 | 5, 3).unwrap();
                let (vx, vy, vh) = (input(&mut rec, n, d, &x), input(&mut rec, m, d, &y), input(&mut rec, m, 1, &h));
                let vb = weighted.then(|| input(&mut rec, m, 1, &b));
                let found = rec.partners(vx, vy, vb, vh, &settings).unwrap();
                let found = rec.keep(found);
                let mut step = rec.finish().unwrap();
                step.set_count(8).unwrap();
                step.replay(1).unwrap();
                let found: Vec<u32> = bytemuck::cast_vec(step.read(found).unwrap());
                let b: Vec<f64> = match weighted {
                    false => vec![1.0 / m as f64; m],
                    true => b.iter().map(|&b| f64::from(b.max(f32::MIN_POSITIVE))).collect(),
                };
                let at = Place { step: 8, seed: 99 << 32 | 5, domain: 3, stream: 1 };
                let (p, epsilon) = (f64::from(exponent), f64::from(settings.epsilon));
                let reference = partners::scores(&x, &y, &h, &b, d, p, epsilon, at);
                let unit = C * f64::from(f32::EPSILON) * (d as f64).sqrt();
                for (i, &j) in found.iter().enumerate() {
                    let (row, at) = (i * m, i * m + j as usize);
                    // Where two scores are equal to within rounding, either may be taken.
                    let missed = (0..m).find(|&k| {
                        reference.value[row + k] - reference.value[at] > unit * (reference.scale[row + k] + reference.scale[at])
                    });
                    assert!((j as usize) < m, "row {i} takes {j} of {m}");
                    assert_eq!(
                        missed, None,
                        "row {i} takes {j} of {m} ({n} rows, d = {d}, p = {exponent}, weighted: {weighted})"
                    );
                }
            }
        }
    }
}

/// The potential on y of the plan between x and y.
fn potential(x: &[f32], y: &[f32], d: usize, settings: &Sinkhorn) -> Vec<f32> {
    run(|rec| {
        let (x, y) = (input(rec, x.len() / d, d, x), input(rec, y.len() / d, d, y));
        Ok(vec![rec.alternating_potentials(x, y, settings)?.1])
    })
    .remove(0)
}

#[test]
fn alternating_potentials_match_their_reference() {
    for (n, m, d) in [(1usize, 1usize, 1usize), (65, 40, 2), (33, 129, 17)] {
        let (x, y) = (numbers(n * d, 1), numbers(m * d, 2));
        let settings = Sinkhorn { epsilon: 0.5, diameter: 4.0, extra: 3, ..Sinkhorn::default() };
        let found = run(|rec| {
            let (x, y) = (input(rec, n, d, &x), input(rec, m, d, &y));
            let (f, g) = rec.alternating_potentials(x, y, &settings)?;
            Ok(vec![f, g])
        });
        let [x, y] = [&x, &y].map(|v| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>());
        let (a, b) = (vec![1.0 / n as f64; n], vec![1.0 / m as f64; m]);
        let (mut f, mut g) = (vec![0.0; n], vec![0.0; m]);
        for epsilon in settings.schedule() {
            f = sinkhorn::soft_min(&x, &y, &g, &b, d, 2.0, epsilon.into()).value;
            g = sinkhorn::soft_min(&y, &x, &f, &a, d, 2.0, epsilon.into()).value;
        }
        // Each update passes on the errors of the last, averaged, and adds its own: costs are below about 4d.
        let allowed = C * f64::from(f32::EPSILON) * (d as f64).sqrt() * 2.0 * settings.schedule().len() as f64 * 4.0 * d as f64;
        for (what, found, expected) in [("f", &found[0], &f), ("g", &found[1], &g)] {
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (f64::from(*found) - expected).abs() < allowed,
                    "{what} is {found} and should be {expected} ({n}, {m}, {d})"
                );
            }
        }
    }
}

#[test]
fn partners_come_as_often_as_the_plan_says() {
    // 20,000 copies of each of three rows: how often each takes which of eight.
    let (copies, m, d) = (20_000, 8, 2);
    let (kinds, y) = (numbers(3 * d, 4), numbers(m * d, 5));
    let settings = Sinkhorn { epsilon: 0.4, diameter: 4.0, ..Sinkhorn::default() };
    let g = potential(&kinds, &y, d, &settings);
    let x: Vec<f32> = kinds.chunks(d).flat_map(|row| row.repeat(copies)).collect();
    let found: Vec<u32> = bytemuck::cast_vec(
        run(|rec| {
            let (x, y, g) = (input(rec, 3 * copies, d, &x), input(rec, m, d, &y), input(rec, m, 1, &g));
            Ok(vec![rec.partners(x, y, None, g, &settings)?])
        })
        .remove(0),
    );
    for (kind, row) in kinds.chunks(d).enumerate() {
        let weight = |j: usize| {
            let cost: f64 = row.iter().zip(&y[j * d..]).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
            ((f64::from(g[j]) - cost) / f64::from(settings.epsilon)).exp()
        };
        let total: f64 = (0..m).map(weight).sum();
        let mut chi2 = 0.0;
        for j in 0..m {
            let expected = copies as f64 * weight(j) / total;
            let count = found[kind * copies..(kind + 1) * copies].iter().filter(|&&k| k == j as u32).count() as f64;
            let five_sigma = 5.0 * expected.sqrt() + 1.0;
            assert!((count - expected).abs() < five_sigma, "row {kind} takes {j} {count} times, {expected:.1} expected");
            chi2 += (count - expected).powi(2) / expected.max(1.0);
        }
        // 7 degrees of freedom: above 36 once in 10⁵.
        assert!(chi2 < 36.0, "row {kind}: χ² = {chi2}");
    }
}

#[test]
fn rows_draw_independently_and_anew_at_every_replay() {
    // Two rows alike, and two partners alike: the four outcomes are equally likely.
    let (n, y) = (2 * 4096, [1.0f32, 1.0]);
    let mut rec = Recorder::new(&GPU, 1);
    let (x, y, g) = (input(&mut rec, n, 1, &vec![0.0; n]), input(&mut rec, 2, 1, &y), input(&mut rec, 2, 1, &[0.0; 2]));
    let found = rec.partners(x, y, None, g, &Sinkhorn::default()).unwrap();
    let found = rec.keep(found);
    let mut step = rec.finish().unwrap();
    let mut next = || -> Vec<u32> {
        step.replay(1).unwrap();
        bytemuck::cast_vec(step.read(found).unwrap())
    };
    let (one, two) = (next(), next());
    let five_sigma = 5.0 * (4096.0f64 * 0.25 * 0.75).sqrt();
    let four = |pairs: &mut dyn Iterator<Item = (u32, u32)>| {
        let mut counts = [0.0f64; 4];
        pairs.for_each(|(a, b)| counts[(2 * a + b) as usize] += 1.0);
        counts
    };
    let neighbors = four(&mut one.chunks(2).map(|pair| (pair[0], pair[1])));
    let replays = four(&mut one.iter().zip(&two).take(4096).map(|(a, b)| (*a, *b)));
    for count in neighbors.into_iter().chain(replays) {
        assert!((count - 1024.0).abs() < five_sigma, "{neighbors:?} {replays:?}");
    }
}

#[test]
fn at_a_small_epsilon_partners_are_the_cheapest_matching() {
    for (n, d) in [(2, 1), (17, 2), (71, 3)] {
        // A shuffled set, moved by less than half the least distance between two rows: its matching is known to be unique.
        let x: Vec<f32> =
            (0..n * d).map(|k| if k % d == 0 { (k / d) as f32 * 0.5 } else { 0.3 * numbers(n * d, 6)[k] }).collect();
        let y: Vec<f32> = (0..n).flat_map(|j| x[j * 7 % n * d..][..d].to_vec()).map(|v| v + 0.1).collect();
        let settings = Sinkhorn { epsilon: 0.01, diameter: 6.0, scaling: 0.7, extra: 40, ..Sinkhorn::default() };
        let found: Vec<u32> = bytemuck::cast_vec(
            run(|rec| {
                let (x, y) = (input(rec, n, d, &x), input(rec, n, d, &y));
                let (_, g) = rec.alternating_potentials(x, y, &settings)?;
                Ok(vec![rec.partners(x, y, None, g, &settings)?])
            })
            .remove(0),
        );
        let cost: Vec<f64> = x
            .chunks(d)
            .flat_map(|x| {
                y.chunks(d).map(move |y| x.iter().zip(y).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>())
            })
            .collect();
        let best = assignment::solve(&cost, n).column_of_row;
        assert!(
            found.iter().zip(&best).all(|(&j, &best)| j as usize == best),
            "{n} rows of {d}: {found:?}, and {best:?} is best"
        );
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut rec = Recorder::new(&GPU, 0);
    let (x, y) = (input(&mut rec, 3, 2, &[0.0; 6]), input(&mut rec, 4, 2, &[0.0; 8]));
    let (g, wide) = (input(&mut rec, 4, 1, &[0.0; 4]), input(&mut rec, 3, 1, &[0.0; 3]));
    let settings = Sinkhorn::default();
    let message = rec.partners(x, y, None, wide, &settings).unwrap_err().to_string();
    assert!(message.contains("a potential of 3 for 4 rows"), "{message}");
    assert!(rec.partners(x, wide, None, g, &settings).is_err());
    assert!(rec.partners(x, y, Some(wide), g, &settings).is_err());
    assert!(rec.partners(x, y, None, g, &Sinkhorn { epsilon: 0.0, ..settings }).is_err());
}
