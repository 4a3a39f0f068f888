//! The paper's footnote 9: the solver on the host, the fit, the scheme, and a small run of all of it.

use super::GPU;
use pushforward::flow::Energy;
use pushforward_studies::spectrum::fit::{Moment, fit};
use pushforward_studies::spectrum::solver::{Spectrum, solve};
use pushforward_studies::spectrum::{NODES, Settings, run, scheme};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;

fn of(energy: Energy, nodes: usize, count: usize) -> Spectrum {
    solve(&|x| energy.on_line(x), nodes, count).unwrap()
}

/// He_n(x)/√n!.
fn hermite(n: usize, x: f64) -> f64 {
    let (mut before, mut now) = (0.0, 1.0);
    for k in 0..n {
        (before, now) = (now, (x * now - (k as f64).sqrt() * before) / ((k + 1) as f64).sqrt());
    }
    now
}

#[test]
fn the_solver_finds_the_gaussians_rates_and_hermites_functions() {
    let spectrum = of(Energy::Quadratic, NODES, 13);
    for (n, rate) in spectrum.rates.iter().enumerate() {
        assert!((rate - n as f64).abs() < 1e-9, "λ_{n} = {rate}");
    }
    let mut values = [0.0; 7];
    for x in [-6.3, -2.0, -0.71, 0.0, 0.4, 3.3, 5.9] {
        spectrum.at(x, &mut values);
        for (n, value) in values.iter().enumerate() {
            // f is ψ e^{x²/4}: what rounding leaves of ψ grows.
            let expected = hermite(n, x);
            assert!((value - expected).abs() < 1e-7 * expected.abs().max(1.0), "f_{n}({x}) = {value}, and {expected}");
        }
    }
}

#[test]
fn the_solver_does_not_depend_on_its_nodes() {
    for energy in Energy::ALL {
        let (coarse, fine) = (of(energy, NODES / 2, 7), of(energy, NODES, 7));
        for (a, b) in coarse.rates.iter().zip(&fine.rates) {
            assert!((a - b).abs() < 1e-8, "{energy:?}: {a} and {b}");
        }
    }
}

#[test]
fn functions_are_orthonormal_and_diagonal_in_the_papers_quadratic_form() {
    let spectrum = of(Energy::DoubleWell, NODES, 6);
    let h = 1e-4;
    let slope = |x: f64| {
        let mut sides = [[0.0; 6]; 2];
        spectrum.at(x + h, &mut sides[0]);
        spectrum.at(x - h, &mut sides[1]);
        std::array::from_fn::<f64, 6, _>(|i| (sides[0][i] - sides[1][i]) / (2.0 * h))
    };
    // Beyond, functions are held, and μ has 1e-13 of its mass.
    let inside = |x: f64| spectrum.ends[0] + h < x && x < spectrum.ends[1] - h;
    let slopes: Vec<[f64; 6]> = spectrum.nodes.iter().map(|&x| if inside(x) { slope(x) } else { [0.0; 6] }).collect();
    for i in 0..6 {
        for j in 0..6 {
            let over = |f: &dyn Fn(usize) -> f64| (0..NODES).map(|k| spectrum.mass[k] * f(k)).sum::<f64>();
            let product = over(&|k| spectrum.functions[i][k] * spectrum.functions[j][k]);
            let form = over(&|k| slopes[k][i] * slopes[k][j]);
            let same = f64::from(u8::from(i == j));
            assert!((product - same).abs() < 1e-9, "⟨f_{i} f_{j}⟩ = {product}");
            // Differences of a table of cubics.
            assert!((form - same * spectrum.rates[i]).abs() < 1e-4, "⟨f_{i}' f_{j}'⟩ = {form}");
        }
    }
}

#[test]
fn high_barriers_are_crossed_at_eyring_and_kramers_rate() {
    // E = b(x² − 1)²: λ₁ ≈ √(E''(1)|E''(0)|)/π e^{−b} (1 − 3/8b), by Laplace's method to second order at the barrier and in the wells,
    // each of which takes 3/16b.
    for b in [4.0, 8.0, 12.0, 16.0] {
        let energy = |x: f64| [b * (x * x - 1.0).powi(2), 4.0 * b * x * (x * x - 1.0), b * (12.0 * x * x - 4.0)];
        let rate = solve(&energy, NODES, 2).unwrap().rates[1];
        let short = 1.0 - rate / (32f64.sqrt() * b / std::f64::consts::PI * (-b).exp());
        assert!((short - 0.375 / b).abs() < 0.5 / (b * b), "at b = {b} the rate falls short by {short}");
    }
}

#[test]
fn energies_without_a_spectrum_to_be_found_are_refused_in_words() {
    let flat = solve(&|_| [0.0; 3], NODES, 3).err().unwrap().to_string();
    assert!(flat.contains("must rise by 60") && flat.contains("keeps no particle"), "{flat}");
    let rough = solve(&|x| Energy::DoubleWell.on_line(x), 12, 3).err().unwrap().to_string();
    assert!(rough.contains("on 12 nodes") && rough.contains("needs more"), "{rough}");
}

#[test]
fn the_fit_is_unbiased_and_its_standard_error_is_right() {
    // x under the Ornstein–Uhlenbeck process from N(1, ½²), exactly: He₁ and He₂ of 400 particles, 300 times.
    let (rows, runs) = (400, 300);
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut normal = move || random.sample::<f64, _>(StandardNormal);
    let times: Vec<f64> = (0..=15).map(|j| 2.5 * (f64::from(j) / 15.0).powi(2)).collect();
    let mut departures = [Vec::new(), Vec::new()];
    let mut misfits = [0.0; 2];
    for _ in 0..runs {
        let mut x: Vec<f64> = (0..rows).map(|_| 1.0 + 0.5 * normal()).collect();
        let mut series = [Vec::<Moment>::new(), Vec::new()];
        let mut before = vec![[0.0; 2]; rows];
        for (j, &time) in times.iter().enumerate() {
            if j > 0 {
                let a = (times[j - 1] - time).exp();
                x.iter_mut().for_each(|x| *x = a * *x + (1.0 - a * a).sqrt() * normal());
            }
            let values: Vec<[f64; 2]> = x.iter().map(|&x| [hermite(1, x), hermite(2, x)]).collect();
            for (f, series) in series.iter_mut().enumerate() {
                let mean = |g: &dyn Fn(usize) -> f64| (0..rows).map(g).sum::<f64>() / rows as f64;
                let (here, last) = (mean(&|i| values[i][f]), mean(&|i| before[i][f]));
                let variance = mean(&|i| (values[i][f] - here).powi(2));
                let covariance = mean(&|i| (values[i][f] - here) * (before[i][f] - last));
                series.push(Moment { time, mean: here, variance, covariance });
            }
            before = values;
        }
        for (f, series) in series.iter().enumerate() {
            let found = fit(series, rows);
            departures[f].push((found.rate - (f + 1) as f64) / found.error);
            misfits[f] += found.chi_squared / f64::from(runs);
        }
    }
    for (f, found) in departures.iter().enumerate() {
        let n = found.len() as f64;
        let mean = found.iter().sum::<f64>() / n;
        let variance = found.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / (n - 1.0);
        // Standard normal, but for what 400 particles leave of skewness: mean 0 ± 0.06, variance 1 ± 0.08.
        assert!(mean.abs() < 0.25 && (variance - 1.0).abs() < 0.33, "He_{}: mean {mean}, variance {variance}", f + 1);
        // χ² of 15 − 1 degrees of freedom: mean 14, of 300 runs ± 0.3.
        assert!((misfits[f] - 14.0).abs() < 1.2, "He_{}: χ² {}", f + 1, misfits[f]);
    }
}

#[test]
fn a_decay_that_is_not_exponential_is_told() {
    // Two rates at once.
    let moment = |j: i32| {
        let time = 0.1 * f64::from(j);
        let mean = 0.5 * (-time).exp() + 0.5 * (-6.0 * time).exp();
        Moment { time, mean, variance: 1.0, covariance: 0.8 }
    };
    let series: Vec<Moment> = (0..20).map(moment).collect();
    let found = fit(&series, 1 << 18);
    assert!(found.chi_squared > 1000.0, "{found:?}");
}

#[test]
fn the_scheme_has_order_two_and_the_gaussians_mean_exactly() {
    let gaussian = of(Energy::Quadratic, NODES, 9);
    let h = 0.1;
    let step = scheme::step(&gaussian, Energy::Quadratic, h, 9);
    assert!((step[(0, 0)] - 1.0).abs() < 1e-9 && (step[(1, 1)] - (-h).exp()).abs() < 1e-9, "{step}");
    // He₂ decays as it should towards the scheme's own variance 2h e^{−h}/(1 − e^{−2h}) = h/sinh h.
    let ends = scheme::means(&step, &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], &[0, 400]);
    assert!((ends[1][2] - (h / h.sinh() - 1.0) / 2f64.sqrt()).abs() < 1e-8, "{}", ends[1][2]);

    let well = of(Energy::DoubleWell, NODES, 13);
    let bias = |h: f64| {
        let step = scheme::step(&well, Energy::DoubleWell, h, 13);
        [1, 2, 3, 4].map(|i| -step[(i, i)].ln() / h - well.rates[i])
    };
    let (coarse, fine) = (bias(0.008), bias(0.004));
    for i in 0..4 {
        let order = (coarse[i] / fine[i]).log2();
        println!("f_{}: bias {:.2e} at 0.004, order {order:.2}", i + 1, fine[i]);
        assert!((order - 2.0).abs() < 0.2, "f_{}: {} and {}", i + 1, coarse[i], fine[i]);
    }
}

#[test]
fn every_rate_is_within_its_errors_and_the_step_is_far_below_them() {
    let settings = Settings {
        particles: 20_000,
        functions: 3,
        duration: 2.0,
        step: 0.02,
        energy_duration: 1.5,
        energy_step: 0.005,
        ..Settings::default()
    };
    let found = run(&GPU, 3, &settings).unwrap();
    assert_eq!(found.targets.iter().map(|t| t.rates.len()).collect::<Vec<_>>(), [3, 3]);
    for target in &found.targets {
        for (rate, decay) in target.rates.iter().zip(&target.decays) {
            let what = format!("{:?} {rate:?}", target.energy);
            assert!(rate.agrees && rate.p_value > 1e-3, "{what}");
            assert!(rate.standard_error < 0.05 * rate.exact, "{what}");
            assert!(rate.step_bias.abs() < 0.1 * rate.standard_error, "{what}");
            // The start is known in closed form or by quadrature, and in the end nothing is left.
            let (first, last) = (decay.moments.first().unwrap(), decay.moments.last().unwrap());
            assert!((first.mean - decay.start).abs() < 4.0 * found.error(first), "{what}: {first:?} from {}", decay.start);
            let exact = target.exact(rate.function, last.time);
            assert!((last.mean - exact).abs() < 4.0 * found.error(last), "{what}: {last:?}, and {exact}");
        }
        let discrepancy = target.discrepancy(found.particles);
        assert!(discrepancy.windows(2).take(20).all(|w| w[1].2 < w[0].2), "{discrepancy:?}");
    }
    // Closed form 9 at the start: a_{n+1} = m a_n + n (s² − 1) a_{n−1} for a_n = E He_n of N(m, s²).
    let (m, v) = (settings.start, settings.spread.powi(2) - 1.0);
    let (second, third) = (m * m + v, m * (m * m + v) + 2.0 * v * m);
    let starts = found.targets[0].decays.iter().map(|decay| decay.start);
    for (start, exact) in starts.zip([m, second / 2f64.sqrt(), third / 6f64.sqrt()]) {
        assert!((start - exact).abs() < 1e-9, "{start} and {exact}");
    }
    let again = run(&GPU, 3, &Settings { energy: Energy::Quartic, ..settings }).unwrap();
    assert_eq!(again.targets[0].rates[0].fitted, found.targets[0].rates[0].fitted, "the same seed");
    assert!(again.targets[1].rates.iter().all(|rate| rate.agrees), "{:?}", again.targets[1].rates);
}
