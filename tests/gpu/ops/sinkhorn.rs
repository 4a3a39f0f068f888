use super::{GPU, input, numbers, on_all_families, run_on, wide};
use pushforward::gpu::{Family, Gpu};
use pushforward::metrics::{Points, wasserstein};
use pushforward::ops::sinkhorn::Sinkhorn;
use pushforward::reference::sinkhorn::{Problem, divergence, plan_gradient, soft_min};
use pushforward::reference::{Exact, check_gradient, differences};

fn even(n: usize) -> Vec<f64> {
    vec![1.0 / n as f64; n]
}

/// One soft minimum and one pull at the potentials of one update from zero: nothing accumulates, so the reference's scale holds.
fn compare(gpu: &Gpu, (n, m, d): (usize, usize, usize), p: f32, epsilon: f32) {
    let (x, mut y) = (numbers(n * d, 1), numbers(m * d, 2));
    y.iter_mut().for_each(|y| *y = 1.2 * *y + 0.3);
    // A schedule of one: the first update from zero, one averaged with it, and the last.
    let settings = Sinkhorn { exponent: p, epsilon, diameter: epsilon.powf(1.0 / p), ..Sinkhorn::default() };
    let found = run_on(gpu, |rec| {
        let (x, y) = (input(rec, n, d, &x), input(rec, m, d, &y));
        let found = rec.sinkhorn_potentials(x, y, None, None, &settings)?;
        let loss = rec.sinkhorn_divergence(x, y, None, None, &settings)?;
        let gradients = rec.backward(loss, &[x, y])?;
        Ok(vec![found.f, found.g, found.f_before, found.g_before, gradients[0], gradients[1]])
    });
    let what = format!("n={n} m={m} d={d} p={p} ε={epsilon} {:?}", gpu.family());
    let (x, y, a, b) = (wide(&x), wide(&y), even(n), even(m));
    let (p, epsilon) = (f64::from(p), f64::from(epsilon));
    let check = |what: &str, x: &[f64], y: &[f64], h: &[f32], b: &[f64], found: &[f32]| {
        let rows = soft_min(x, y, &wide(h), b, d, p, epsilon);
        Exact { value: rows.value, scale: rows.scale, terms: b.len() + d }.check(what, found);
    };
    check(&format!("{what}: f"), &x, &y, &found[3], &b, &found[0]);
    check(&format!("{what}: g"), &y, &x, &found[2], &a, &found[1]);
    // The pull of the other sample less that of its own, whose potential is not kept: from the f64 iteration.
    let problem = Problem { x: &x, y: &y, a: &a, b: &b, d, p, reach: None };
    let expected = divergence(&problem, &settings.schedule().iter().map(|&e| f64::from(e)).collect::<Vec<_>>());
    let scale =
        |x: &[f64], y: &[f64], f: &[f32], h: &[f32], b: &[f64]| plan_gradient(x, y, &wide(f), &wide(h), b, d, p, epsilon).scale;
    for (name, value, found, scale, share) in [
        ("∂x", expected.d_x, &found[4], scale(&x, &y, &found[0], &found[3], &b), 1.0 / n as f64),
        ("∂y", expected.d_y, &found[5], scale(&y, &x, &found[1], &found[2], &a), 1.0 / m as f64),
    ] {
        // Two pulls, whose potentials carry the errors of three soft minima each.
        let scale: Vec<f64> = scale.iter().map(|s| 6.0 * s * share).collect();
        let most = scale.iter().fold(0.0f64, |m, s| m.max(*s));
        let scale = scale.iter().map(|_| most).collect();
        Exact { value, scale, terms: n.max(m) + d }.check(&format!("{what}: {name}"), found);
    }
}

#[test]
fn every_cost_matches_its_reference_in_every_family() {
    on_all_families(|gpu| {
        for p in [2.0, 1.0, 1.5] {
            for d in [1, 3] {
                compare(gpu, (67, 50, d), p, 0.7);
            }
        }
    });
}

#[test]
fn sizes_around_the_tile_match_the_reference() {
    on_all_families(|gpu| {
        let tile = match gpu.family() {
            Family::Subgroup { width } => 4 * width as usize,
            Family::Workgroup => 128,
            Family::Register => 64,
        };
        for n in [1, tile - 1, tile, tile + 1, 3 * tile + 5] {
            compare(gpu, (n, 1, 2), 2.0, 0.5);
            compare(gpu, (7, n, 2), 2.0, 0.5);
        }
    });
}

#[test]
fn many_dimensions_match_the_reference() {
    on_all_families(|gpu| {
        for d in [17, 64, 70] {
            compare(gpu, (40, 70, d), 2.0, 5.0);
        }
    });
}

#[test]
fn the_references_gradients_are_derivatives_at_convergence() {
    let (n, m, d) = (4, 5, 2);
    let (x, y) = (wide(&numbers(n * d, 3)), wide(&numbers(m * d, 4)));
    let (a, b) = ([0.1, 0.2, 0.3, 0.4], [0.3, 0.1, 0.2, 0.15, 0.25]);
    let schedule = vec![0.5; 400];
    for reach in [None, Some(1.5)] {
        for p in [2.0, 1.3] {
            let solve = |x: &[f64], y: &[f64]| divergence(&Problem { x, y, a: &a, b: &b, d, p, reach }, &schedule);
            let found = solve(&x, &y);
            let what = format!("p={p} reach={reach:?}");
            check_gradient(&format!("{what} ∂x"), &found.d_x, &differences(&x, |x| solve(x, &y).value), 1e-7);
            check_gradient(&format!("{what} ∂y"), &found.d_y, &differences(&y, |y| solve(&x, y).value), 1e-7);
        }
    }
}

/// S_ε and its gradients in x and y.
fn solve(x: (&[f32], Option<&[f32]>), y: (&[f32], Option<&[f32]>), d: usize, settings: &Sinkhorn) -> Vec<Vec<f32>> {
    run_on(&GPU, |rec| {
        let weights = |rec: &mut _, w: Option<&[f32]>| w.map(|w| input(rec, w.len(), 1, w));
        let (a, b) = (weights(rec, x.1), weights(rec, y.1));
        let (x, y) = (input(rec, x.0.len() / d, d, x.0), input(rec, y.0.len() / d, d, y.0));
        let loss = rec.sinkhorn_divergence(x, y, a, b, settings)?;
        let gradients = rec.backward(loss, &[x, y])?;
        Ok(vec![loss, gradients[0], gradients[1]])
    })
}

#[test]
fn a_translate_is_at_the_squared_length_of_the_shift_whatever_epsilon_is() {
    // Closed form 5: exact at convergence for every ε and every cloud.
    let d = 3;
    let x = numbers(60 * d, 5);
    let shift = [0.9f32, -0.4, 1.1];
    let y: Vec<f32> = x.iter().enumerate().map(|(i, v)| v + shift[i % d]).collect();
    let squared: f32 = shift.iter().map(|s| s * s).sum();
    for (epsilon, extra) in [(2.0, 100), (0.5, 800), (0.1, 800)] {
        let settings = Sinkhorn { epsilon, diameter: 4.0, extra, ..Sinkhorn::default() };
        let found = solve((&x, None), (&y, None), d, &settings);
        assert!((found[0][0] - squared).abs() < 2e-4 * squared, "ε = {epsilon}: {} for {squared}", found[0][0]);
        // Its gradient in each point of x is −2·shift/n, once the potentials of single points have settled: soon for large ε.
        if epsilon < 0.5 {
            continue;
        }
        for (i, g) in found[1].iter().enumerate() {
            let expected = -2.0 * shift[i % d] / 60.0;
            assert!((g - expected).abs() < 2e-3 / 60.0, "ε = {epsilon}: ∂x is {g} for {expected}");
        }
    }
}

#[test]
fn entropic_transport_between_gaussians_meets_its_closed_form() {
    // Closed form 6 in one dimension, with quantiles for samples: ε = 2σ²; D = (4ab + σ⁴)^½;
    // OT = (m₁ − m₂)² + a + b − D + σ²(1 − log 2σ²) + σ² log(D + σ²), against the entropy H(π | Lebesgue); relative to the
    // product of the marginals, as here, it is greater by ε(h(a) + h(b))/… which cancels in the debiased divergence.
    let (n, epsilon) = (1500, 1.0f64);
    let sigma2 = epsilon / 2.0;
    let closed = |a: f64, b: f64, shift: f64| {
        let root = (4.0 * a * b + sigma2 * sigma2).sqrt();
        shift * shift + a + b - root + sigma2 * (1.0 - (2.0 * sigma2).ln()) + sigma2 * (root + sigma2).ln()
    };
    let (a, b, shift) = (1.0, 2.25, 0.7);
    let expected = closed(a, b, shift) - 0.5 * closed(a, a, 0.0) - 0.5 * closed(b, b, 0.0);
    use statrs::distribution::{ContinuousCDF, Normal};
    let normal = Normal::standard();
    let quantile = |i: usize| normal.inverse_cdf((i as f64 + 0.5) / n as f64);
    let x: Vec<f32> = (0..n).map(|i| quantile(i) as f32).collect();
    let y: Vec<f32> = (0..n).map(|i| (1.5 * quantile(i) + shift) as f32).collect();
    let settings = Sinkhorn { epsilon: epsilon as f32, diameter: 10.0, extra: 60, ..Sinkhorn::default() };
    let found = f64::from(solve((&x, None), (&y, None), 1, &settings)[0][0]);
    // Quantiles of 1,500 points have a variance 0.3 % too small.
    assert!((found - expected).abs() < 0.005 * expected, "{found} for {expected}");
}

#[test]
fn small_epsilon_approaches_exact_transport() {
    let (n, d) = (80, 2);
    let (x, mut y) = (numbers(n * d, 8), numbers(n * d, 9));
    y.iter_mut().for_each(|y| *y = 0.5 * *y + 1.0);
    let points = |v| Points::new(v, n, d).unwrap();
    let exact = wasserstein::exact(points(&x), points(&y), 1000, 0).unwrap().value.powi(2);
    let settings = Sinkhorn { epsilon: 1e-3, diameter: 5.0, scaling: 0.9, extra: 200, ..Sinkhorn::default() };
    let found = f64::from(solve((&x, None), (&y, None), d, &settings)[0][0]);
    assert!((found - exact).abs() < 0.01 * exact, "{found} against the exact {exact}");
}

#[test]
fn weights_are_repeated_rows_and_rows_without_weight_are_absent() {
    let d = 2;
    let (x, y) = (numbers(3 * d, 1), numbers(4 * d, 2));
    let repeated: Vec<f32> = [0, 0, 0, 1, 2, 2].iter().flat_map(|&i| x[i * d..(i + 1) * d].to_vec()).collect();
    let weighted: Vec<f32> = x.iter().copied().chain([50.0, -50.0]).collect();
    let weights = [0.5, 1.0 / 6.0, 1.0 / 3.0, 0.0];
    let settings = Sinkhorn { epsilon: 0.3, diameter: 4.0, extra: 20, ..Sinkhorn::default() };
    for settings in [settings.clone(), Sinkhorn { reach: Some(2.0), ..settings }] {
        let one = solve((&repeated, None), (&y, None), d, &settings);
        let other = solve((&weighted, Some(&weights)), (&y, None), d, &settings);
        assert!((one[0][0] - other[0][0]).abs() < 1e-5, "{} and {}", one[0][0], other[0][0]);
        for (a, b) in one[2].iter().zip(&other[2]) {
            assert!((a - b).abs() < 1e-5, "∂y: {a} and {b}");
        }
    }
}

#[test]
fn relaxed_marginals_match_the_reference_and_tend_to_balanced_transport() {
    let (n, m, d) = (30, 20, 2);
    let (x, y) = (numbers(n * d, 1), numbers(m * d, 2));
    let settings = Sinkhorn { epsilon: 0.3, diameter: 4.0, extra: 30, ..Sinkhorn::default() };
    let schedule: Vec<f64> = settings.schedule().iter().map(|&e| f64::from(e)).collect();
    let (wx, wy, a, b) = (wide(&x), wide(&y), even(n), even(m));
    let reference = |reach| divergence(&Problem { x: &wx, y: &wy, a: &a, b: &b, d, p: 2.0, reach }, &schedule);
    for reach in [0.1f32, 1.0, 10.0] {
        let found = solve((&x, None), (&y, None), d, &Sinkhorn { reach: Some(reach), ..settings.clone() });
        let expected = reference(Some(f64::from(reach)));
        let off = (f64::from(found[0][0]) - expected.value).abs();
        // The value is a difference of means of exp(−f/ρ) times ρ: rounding is of the size of ρ.
        assert!(off < 1e-5 * (1.0 + f64::from(reach)), "ρ = {reach}: {} for {}", found[0][0], expected.value);
        for (g, e) in found[1].iter().zip(&expected.d_x) {
            assert!((f64::from(*g) - e).abs() < 1e-5, "ρ = {reach}: ∂x is {g} for {e}");
        }
    }
    let (far, balanced) = (reference(Some(1e4)).value, reference(None).value);
    assert!((far - balanced).abs() < 1e-3 * balanced, "{far} and {balanced}");
}

#[test]
fn a_sample_is_at_zero_from_itself_and_far_clouds_do_not_overflow() {
    let x = numbers(100 * 2, 1);
    let settings = Sinkhorn { epsilon: 0.05, diameter: 4.0, ..Sinkhorn::default() };
    let same = solve((&x, None), (&x, None), 2, &settings);
    assert!(same[0][0].abs() < 1e-6, "{}", same[0][0]);
    let far: Vec<f32> = x.iter().map(|v| v + 1000.0).collect();
    // Costs of 2e6 in f32 are known to ⅛: ε stands well above that.
    let found = solve((&x, None), (&far, None), 2, &Sinkhorn { epsilon: 50.0, diameter: 1500.0, extra: 20, ..settings });
    assert!((found[0][0] - 2e6).abs() < 2e6 * 1e-5, "{}", found[0][0]);
    assert!(found[1].iter().all(|g| (g + 20.0).abs() < 0.1), "{:?}", &found[1][..4]);
}

#[test]
fn the_barycentric_map_of_a_shift_is_the_shift() {
    let x: Vec<f32> = (0..9).flat_map(|i| [(i % 3) as f32, (i / 3) as f32]).collect();
    let y: Vec<f32> = x.iter().map(|v| v + 0.25).collect();
    let settings = Sinkhorn { epsilon: 0.01, diameter: 4.0, extra: 50, ..Sinkhorn::default() };
    let found = run_on(&GPU, |rec| {
        let (x, y) = (input(rec, 9, 2, &x), input(rec, 9, 2, &y));
        Ok(vec![rec.barycentric_map(x, y, None, None, &settings)?])
    });
    for (found, expected) in found[0].iter().zip(&y) {
        assert!((found - expected).abs() < 1e-3, "{found} for {expected}");
    }
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let fine = Sinkhorn::default();
    for (settings, word) in [
        (Sinkhorn { exponent: 0.0, ..fine.clone() }, "`exponent` is 0: it must be above 0 and at most 2"),
        (Sinkhorn { exponent: 2.5, ..fine.clone() }, "`exponent` is 2.5"),
        (Sinkhorn { epsilon: -1.0, ..fine.clone() }, "`epsilon` is -1: it must be above 0"),
        (Sinkhorn { reach: Some(0.0), ..fine.clone() }, "`reach` is 0"),
        (Sinkhorn { epsilon: 1e-4, diameter: 8.0, ..fine.clone() }, "`epsilon` is 0.0001: it must be at least 0.00064"),
        (Sinkhorn { scaling: 1.0, ..fine.clone() }, "`scaling` is 1: it must be above 0 and below 1"),
        (Sinkhorn { scaling: 0.9999, ..fine.clone() }, "over 2,000 steps"),
    ] {
        let message = settings.check().unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn the_divergence_is_the_mean_of_the_three_problems_potentials() {
    let (x, y) = (numbers(40 * 2, 1), numbers(30 * 2, 2));
    let settings = Sinkhorn { epsilon: 0.3, diameter: 4.0, extra: 100, ..Sinkhorn::default() };
    let found = run_on(&GPU, |rec| {
        let (x, y) = (input(rec, 40, 2, &x), input(rec, 30, 2, &y));
        let (cross, of_x, of_y) = rec.sinkhorn_triple(x, y, None, None, &settings)?;
        let (on_x, on_y) = (rec.sub(cross.f, of_x.f)?, rec.sub(cross.g, of_y.f)?);
        Ok(vec![rec.sinkhorn_divergence(x, y, None, None, &settings)?, rec.mean(on_x)?, rec.mean(on_y)?])
    });
    let [divergence, on_x, on_y] = [0, 1, 2].map(|k| found[k][0]);
    assert!((divergence - on_x - on_y).abs() < 1e-4 * divergence, "{divergence} of {on_x} and {on_y}");
}
