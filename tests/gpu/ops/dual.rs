use super::{GPU, input, numbers, on_all_families, run_on, wide};
use pushforward::gpu::{Family, Gpu, Recorder};
use pushforward::ops::dual::{Dual, Softness};
use pushforward::ops::sinkhorn::Sinkhorn;
use pushforward::reference::dual::{self as reference, KNEE, Problem, dual};
use pushforward::reference::sinkhorn;

const BOTH: [Softness; 2] = [Softness::Entropic, Softness::Quadratic];
const EXPONENTS: [f32; 4] = [0.5, 1.0, 1.5, 2.0];

fn cost(x: &[f32], y: &[f32], p: f32) -> f64 {
    let r2: f64 = x.iter().zip(y).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    r2.powf(f64::from(p) / 2.0)
}

/// Two samples, with potentials whose sum is about the mean cost, which ε is a share of.
struct Case {
    f: Vec<f32>,
    g: Vec<f32>,
    x: Vec<f32>,
    y: Vec<f32>,
    d: usize,
    settings: Dual,
}

impl Case {
    fn new((n, m, d): (usize, usize, usize), exponent: f32, softness: Softness) -> Self {
        let (x, mut y) = (numbers(n * d, 1), numbers(m * d, 2));
        y.iter_mut().for_each(|y| *y = 1.2 * *y + 0.3);
        if n > 1 && m > 1 {
            // One pair coincides.
            y[(m - 1) * d..].copy_from_slice(&x[..d]);
        }
        let pairs = || x.chunks_exact(d).flat_map(|x| y.chunks_exact(d).map(move |y| (x, y)));
        let mean = (pairs().map(|(x, y)| cost(x, y, exponent)).sum::<f64>() / (n * m) as f64) as f32;
        let potential = |count, seed| numbers(count, seed).iter().map(|z| mean * (0.5 + 0.3 * z)).collect::<Vec<f32>>();
        let settings = Dual { exponent, epsilon: 0.3 * mean, softness };
        Self { f: potential(n, 3), g: potential(m, 4), x, y, d, settings }
    }

    /// V and its gradients in f, g, x and y.
    fn found(&self, gpu: &Gpu) -> Vec<Vec<f32>> {
        run_on(gpu, |rec| {
            let (f, g) = (input(rec, self.f.len(), 1, &self.f), input(rec, self.g.len(), 1, &self.g));
            let (x, y) = (input(rec, self.f.len(), self.d, &self.x), input(rec, self.g.len(), self.d, &self.y));
            let value = rec.kantorovich_dual(f, g, x, y, &self.settings)?;
            let gradients = rec.backward(value, &[f, g, x, y])?;
            Ok([vec![value], gradients].concat())
        })
    }

    fn expected(&self) -> reference::Dual {
        let [f, g, x, y] = [&self.f, &self.g, &self.x, &self.y].map(|v| wide(v));
        let Dual { exponent, epsilon, softness } = self.settings;
        let (p, epsilon) = (f64::from(exponent), f64::from(epsilon));
        dual(&Problem { f: &f, g: &g, x: &x, y: &y, d: self.d, p, epsilon, softness })
    }

    fn check(&self, gpu: &Gpu) {
        let expected = self.expected();
        let found = self.found(gpu);
        let (n, m, d) = (self.f.len(), self.g.len(), self.d);
        for (name, reference, found) in [
            ("value", expected.value, &found[0]),
            ("∂f", expected.d_f, &found[1]),
            ("∂g", expected.d_g, &found[2]),
            ("∂x", expected.d_x, &found[3]),
            ("∂y", expected.d_y, &found[4]),
        ] {
            reference.check(&format!("n={n} m={m} d={d} {:?} {:?}: {name}", self.settings, gpu.family()), found);
        }
    }
}

#[test]
fn gradients_in_the_potentials_alone_match_the_reference_in_every_family() {
    on_all_families(|gpu| {
        for softness in BOTH {
            for d in [3, 70] {
                let case = Case::new((67, 50, d), 2.0, softness);
                case.check(gpu);
                let found = run_on(gpu, |rec| {
                    let (f, g) = (input(rec, 67, 1, &case.f), input(rec, 50, 1, &case.g));
                    let (x, y) = (input(rec, 67, d, &case.x), input(rec, 50, d, &case.y));
                    let value = rec.kantorovich_dual(f, g, x, y, &case.settings)?;
                    rec.backward(value, &[f, g])
                });
                let expected = case.expected();
                expected.d_f.check(&format!("∂f alone, d={d} {:?}", gpu.family()), &found[0]);
                expected.d_g.check(&format!("∂g alone, d={d} {:?}", gpu.family()), &found[1]);
            }
        }
    });
}

#[test]
fn many_dimensions_match_the_reference_whatever_the_cost() {
    on_all_families(|gpu| {
        for softness in BOTH {
            for exponent in EXPONENTS {
                Case::new((40, 70, 17), exponent, softness).check(gpu);
            }
        }
    });
    for softness in BOTH {
        for exponent in EXPONENTS {
            for d in [32, 33, 64, 65] {
                Case::new((35, 70, d), exponent, softness).check(&GPU);
            }
        }
    }
}

#[test]
fn beyond_the_knee_the_gradient_is_finite_bounded_and_pushes_potentials_down() {
    on_all_families(|gpu| {
        for exponent in [1.0, 2.0] {
            let mut case = Case::new((67, 50, 2), exponent, Softness::Entropic);
            let lift = (KNEE as f32 + 5.0) * case.settings.epsilon;
            case.f.iter_mut().step_by(3).for_each(|f| *f += lift);
            case.check(gpu);
        }
        for softness in BOTH {
            let mut case = Case::new((67, 50, 2), 2.0, softness);
            case.settings.epsilon = 1e-3;
            case.f.iter_mut().for_each(|f| *f += 1e6);
            let found = case.found(gpu);
            assert!(found.iter().flatten().all(|v| v.is_finite() && v.abs() < 1e18), "{:?}", found[0]);
            assert!(found[0][0] < 0.0 && found[1].iter().chain(&found[2]).all(|g| *g < 0.0));
            if softness == Softness::Entropic {
                let bound = KNEE.exp() as f32 * 1.001;
                assert!(found[1].iter().all(|g| -g <= bound / 67.0) && found[2].iter().all(|g| -g <= bound / 50.0));
            }
        }
    });
}

#[test]
fn long_samples_are_cut_into_dispatches_without_a_change() {
    let (copies, n, m) = (30, 300, 200);
    let case = Case::new((n, m, 2), 2.0, Softness::Entropic);
    let repeat = |v: &[f32]| v.repeat(copies);
    let (f, g, x, y) = (repeat(&case.f), repeat(&case.g), repeat(&case.x), repeat(&case.y));
    let many = Case { f, g, x, y, d: 2, settings: case.settings.clone() };
    let gpu = GPU.with_family(Family::Register);
    let (one, all) = (case.found(&gpu), many.found(&gpu));
    let near = |a: f32, b: f32, size: f32| (a - b).abs() < 1e-4 * size;
    assert!(near(one[0][0], all[0][0], one[0][0].abs()), "{} and {}", one[0][0], all[0][0]);
    for (one, all) in one[1..].iter().zip(&all[1..]) {
        let largest = one.iter().fold(0.0f32, |m, g| m.max(g.abs()));
        for (i, g) in all.iter().enumerate() {
            assert!(near(g * copies as f32, one[i % one.len()], largest), "element {i}: {g}");
        }
    }
}

#[test]
fn the_swapped_pass_is_made_only_where_a_gradient_needs_it() {
    let case = Case::new((20, 30, 2), 2.0, Softness::Entropic);
    let dispatches = |wanted: &[usize]| {
        let mut rec = Recorder::new(&GPU, 0);
        let (f, g) = (input(&mut rec, 20, 1, &case.f), input(&mut rec, 30, 1, &case.g));
        let (x, y) = (input(&mut rec, 20, 2, &case.x), input(&mut rec, 30, 2, &case.y));
        let value = rec.kantorovich_dual(f, g, x, y, &case.settings).unwrap();
        let before = rec.len();
        let all = [f, g, x, y];
        rec.backward(value, &wanted.iter().map(|&k| all[k]).collect::<Vec<_>>()).unwrap();
        rec.len() - before
    };
    assert_eq!([dispatches(&[0]), dispatches(&[2]), dispatches(&[0, 2])], [1, 1, 2]);
    assert_eq!([dispatches(&[1]), dispatches(&[3]), dispatches(&[0, 1, 2, 3])], [2, 2, 5]);
}

#[test]
fn the_gradient_is_scaled_by_what_the_value_is_used_for() {
    let case = Case::new((20, 30, 2), 1.5, Softness::Quadratic);
    let plain = case.found(&GPU);
    let found = run_on(&GPU, |rec| {
        let (f, g) = (input(rec, 20, 1, &case.f), input(rec, 30, 1, &case.g));
        let (x, y) = (input(rec, 20, 2, &case.x), input(rec, 30, 2, &case.y));
        let value = rec.kantorovich_dual(f, g, x, y, &case.settings)?;
        let loss = rec.scale(value, -2.0)?;
        rec.backward(loss, &[f, g, x, y])
    });
    for (plain, found) in plain[1..].iter().zip(&found) {
        assert!(plain.iter().zip(found).all(|(a, b)| *b == -2.0 * a));
    }
}

#[test]
fn between_two_points_the_dual_is_closed_and_its_supremum_known() {
    let (x, y) = ([0.3f32, -0.2, 1.0], [1.1f32, 0.4, -0.5]);
    for softness in BOTH {
        for exponent in EXPONENTS {
            let c = cost(&x, &y, exponent);
            let epsilon = 0.4f64;
            let value = |a: f64, b: f64| {
                let settings = Dual { exponent, epsilon: epsilon as f32, softness };
                let found = run_on(&GPU, |rec| {
                    let (f, g) = (input(rec, 1, 1, &[a as f32]), input(rec, 1, 1, &[b as f32]));
                    let (x, y) = (input(rec, 1, 3, &x), input(rec, 1, 3, &y));
                    let value = rec.kantorovich_dual(f, g, x, y, &settings)?;
                    let gradients = rec.backward(value, &[f, g])?;
                    Ok(vec![value, gradients[0], gradients[1]])
                });
                [found[0][0], found[1][0], found[2][0]].map(f64::from)
            };
            let violation = 1.0 + 0.25 - c;
            let penalty = match softness {
                Softness::Entropic => epsilon * (violation / epsilon).exp_m1(),
                Softness::Quadratic => violation.max(0.0).powi(2) / (4.0 * epsilon),
            };
            let [found, ..] = value(1.0, 0.25);
            assert!((found - (1.25 - penalty)).abs() < 1e-5, "{softness:?} p={exponent}: {found} for {}", 1.25 - penalty);
            // The plan is the product: density 1, whose entropy is 0 and whose mean square is 1.
            let (best, supremum) = match softness {
                Softness::Entropic => (c, c),
                Softness::Quadratic => (c + 2.0 * epsilon, c + epsilon),
            };
            let [found, d_a, d_b] = value(best - 0.25, 0.25);
            assert!((found - supremum).abs() < 1e-5, "{softness:?} p={exponent}: {found} for {supremum}");
            assert!(d_a.abs() < 1e-5 && d_b.abs() < 1e-5, "{softness:?} p={exponent}: ∂a = {d_a}, ∂b = {d_b}");
        }
    }
}

/// V and its gradients at converged Sinkhorn potentials, those potentials, and V at perturbed ones.
fn at_sinkhorn(exponent: f32, epsilon: f32, extra: usize) {
    let (n, m, d) = (60, 45, 2);
    let (x, mut y) = (numbers(n * d, 5), numbers(m * d, 6));
    y.iter_mut().for_each(|y| *y = 0.8 * *y + 0.5);
    let transport = Sinkhorn { exponent, epsilon, diameter: 6.0, extra, ..Sinkhorn::default() };
    let settings = Dual { exponent, epsilon, softness: Softness::Entropic };
    let moves: Vec<(Vec<f32>, Vec<f32>)> = [(0.3, 0.0), (0.0, 0.3), (0.02, 0.02), (3.0, 3.0)]
        .iter()
        .map(|&(by_f, by_g)| (scaled(n, 7, by_f), scaled(m, 8, by_g)))
        .collect();
    let found = run_on(&GPU, |rec| {
        let (x, y) = (input(rec, n, d, &x), input(rec, m, d, &y));
        let at = rec.sinkhorn_potentials(x, y, None, None, &transport)?;
        let value = rec.kantorovich_dual(at.f, at.g, x, y, &settings)?;
        let mut kept = vec![value, at.f, at.g];
        kept.extend(rec.backward(value, &[at.f, at.g, x, y])?);
        for (by_f, by_g) in &moves {
            let (by_f, by_g) = (input(rec, n, 1, by_f), input(rec, m, 1, by_g));
            let (f, g) = (rec.add(at.f, by_f)?, rec.add(at.g, by_g)?);
            kept.push(rec.kantorovich_dual(f, g, x, y, &settings)?);
        }
        Ok(kept)
    });
    let what = format!("p={exponent} ε={epsilon}");
    let (value, f, g) = (f64::from(found[0][0]), wide(&found[1]), wide(&found[2]));
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let expected = mean(&f) + mean(&g);
    assert!((value - expected).abs() < 1e-4 * expected.abs().max(1.0), "{what}: {value} for ⟨f⟩ + ⟨g⟩ = {expected}");
    // Of n·∂f the plan's density is a mean: off 0 by as much as a marginal is off.
    let largest = |v: &[f32]| v.iter().fold(0.0f32, |m, g| m.max(g.abs()));
    assert!(largest(&found[3]) * (n as f32) < 2e-4, "{what}: n·∂f is {}", largest(&found[3]) * n as f32);
    assert!(largest(&found[4]) * (m as f32) < 2e-4, "{what}: m·∂g is {}", largest(&found[4]) * m as f32);
    // The gradient of OT_ε in the points: the mean pull of the f64 plan.
    let (a, b, x, y) = (vec![1.0 / n as f64; n], vec![1.0 / m as f64; m], wide(&x), wide(&y));
    let (p, epsilon) = (f64::from(exponent), f64::from(epsilon));
    let schedule: Vec<f64> = transport.schedule().iter().map(|&e| f64::from(e)).collect();
    let at = sinkhorn::potentials(&sinkhorn::Problem { x: &x, y: &y, a: &a, b: &b, d, p, reach: None }, &schedule);
    let by_x = sinkhorn::plan_gradient(&x, &y, &at.f, &at.g, &b, d, p, epsilon).value;
    let by_y = sinkhorn::plan_gradient(&y, &x, &at.g, &at.f, &a, d, p, epsilon).value;
    for (name, found, expected, rows) in [("∂x", &found[5], by_x, n), ("∂y", &found[6], by_y, m)] {
        for (found, expected) in found.iter().zip(expected) {
            let found = f64::from(*found) * rows as f64;
            assert!((found - expected).abs() < 1e-3, "{what}: {name} is {found} for {expected}");
        }
    }
    for (perturbed, (by_f, by_g)) in found[7..].iter().zip(&moves) {
        let moved = largest(by_f).max(largest(by_g));
        assert!(
            f64::from(perturbed[0]) < value - 1e-5,
            "{what}: V is {} where potentials moved by {moved}, and {value}",
            perturbed[0]
        );
    }
}

fn scaled(count: usize, seed: u64, by: f32) -> Vec<f32> {
    numbers(count, seed).iter().map(|z| by * z).collect()
}

#[test]
fn at_sinkhorn_potentials_the_dual_is_the_transport_cost_and_nowhere_greater() {
    // Updates until the potentials stand still, in f32.
    for (exponent, epsilon, extra) in [(2.0, 0.5, 600), (2.0, 0.1, 1900), (1.0, 0.2, 600), (1.5, 0.3, 600)] {
        at_sinkhorn(exponent, epsilon, extra);
    }
}

#[test]
fn no_potentials_exceed_the_cost_of_any_plan() {
    // Weak duality at the product plan, whose density is 1: V ≤ mean c, and mean c + ε for the quadratic penalty.
    for softness in BOTH {
        for (exponent, by) in EXPONENTS.iter().flat_map(|&p| [0.1f32, 1.0, 10.0].map(|by| (p, by))) {
            let mut case = Case::new((50, 40, 2), exponent, softness);
            case.f.iter_mut().zip(scaled(50, 9, by)).for_each(|(f, z)| *f += z);
            case.g.iter_mut().zip(scaled(40, 10, by)).for_each(|(g, z)| *g += z);
            let pairs = case.x.chunks_exact(2).flat_map(|x| case.y.chunks_exact(2).map(move |y| cost(x, y, exponent)));
            let mean = pairs.sum::<f64>() / 2000.0;
            let most = if softness == Softness::Entropic { mean } else { mean + f64::from(case.settings.epsilon) };
            let found = f64::from(case.found(&GPU)[0][0]);
            assert!(found < most, "{:?} moved by {by}: {found} above {most}", case.settings);
        }
    }
}

#[test]
fn settings_out_of_range_and_misfits_are_refused_by_name() {
    let fine = Dual::default();
    for (settings, word) in [
        (Dual { exponent: 0.0, ..fine.clone() }, "`exponent` is 0: it must be above 0 and at most 2"),
        (Dual { exponent: 2.5, ..fine.clone() }, "`exponent` is 2.5"),
        (Dual { exponent: f32::NAN, ..fine.clone() }, "`exponent` is NaN"),
        (Dual { epsilon: 0.0, ..fine.clone() }, "`epsilon` is 0: it must be above 0"),
        (Dual { epsilon: f32::INFINITY, ..fine.clone() }, "`epsilon` is inf"),
    ] {
        let message = settings.check().unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
    }
    let message = |f: (usize, usize), g: (usize, usize), x: (usize, usize), y: (usize, usize)| {
        let mut rec = Recorder::new(&GPU, 0);
        let [f, g, x, y] = [f, g, x, y].map(|(n, d)| input(&mut rec, n, d, &vec![0.0; n * d]));
        rec.kantorovich_dual(f, g, x, y, &fine).unwrap_err().to_string()
    };
    assert!(message((3, 1), (4, 1), (3, 2), (4, 3)).contains("3 × 2 cannot be transported to 4 × 3"));
    assert!(message((4, 1), (4, 1), (3, 2), (4, 2)).contains("potentials of 4 × 1 for 3 points"));
    assert!(message((3, 1), (1, 4), (3, 2), (4, 2)).contains("potentials of 1 × 4 for 4 points"));
}
