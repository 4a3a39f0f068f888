//! Paths, and what a network on one says.

use pushforward::flow::{Curve, Gamma, Path, Prediction};
use pushforward::ops::path::{FLOOR, Linear, row};

/// Every path, with and without noise over it.
fn paths() -> Vec<Path> {
    let plain = Curve::ALL.map(Path::from);
    let noised = [Gamma::Bridge, Gamma::Sine].map(|gamma| Path { gamma, gamma_scale: 0.7, ..Curve::Straight.into() });
    let rough = Path { sigma_min: 0.1, ..Curve::Straight.into() };
    plain.into_iter().chain(noised).chain([rough]).collect()
}

#[test]
fn paths_begin_and_end_at_their_distributions_and_their_rates_are_slopes() {
    for path in paths() {
        let (first, last) = (path.at(0.0), path.at(1.0));
        let (alpha, sigma) = match path.curve {
            Curve::OrnsteinUhlenbeck => ((-5.0f64).exp(), 0.0),
            Curve::VpLinear => ((-5.025f64).exp(), 0.0),
            Curve::VarianceExploding => (1.0, 0.01),
            Curve::Edm => (1.0, 0.002),
            _ => (0.0, path.sigma_min),
        };
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        let noise = if path.explodes() { path.sigma_max } else { (1.0 - alpha * alpha).sqrt() };
        assert!(near(first.alpha, alpha) && (first.sigma - noise).abs() < 1e-9, "{path:?} begins at {first:?}");
        assert!(near(last.alpha, 1.0) && near(last.sigma, sigma), "{path:?} ends at {last:?}");
        assert!(near(first.gamma, 0.0) && near(last.gamma, 0.0), "{path:?}");
        for t in [0.1, 0.3, 0.499, 0.501, 0.62, 0.93] {
            let h = 1e-6;
            let (below, above, here) = (path.at(t - h), path.at(t + h), path.at(t));
            for (slope, rate) in [
                ((above.alpha - below.alpha) / (2.0 * h), here.alpha_rate),
                ((above.sigma - below.sigma) / (2.0 * h), here.sigma_rate),
                ((above.gamma - below.gamma) / (2.0 * h), here.gamma_rate),
            ] {
                assert!((slope - rate).abs() < 1e-6 * (1.0 + rate.abs()), "{path:?} at {t}: slope {slope}, rate {rate}");
            }
        }
    }
}

#[test]
fn the_ornstein_uhlenbeck_path_is_that_of_its_equation() {
    // Closed form 8: after a time s the mean is e^{−s}x and the noise's variance 1 − e^{−2s}; here s = 5(1 − t)².
    let path = Path::from(Curve::OrnsteinUhlenbeck);
    for t in [0.0, 0.2, 0.7, 0.999] {
        let s = 5.0 * (1.0f64 - t).powi(2);
        let c = path.at(t);
        assert!((c.alpha - (-s).exp()).abs() < 1e-14 && (c.sigma.powi(2) - (1.0 - (-2.0 * s).exp())).abs() < 1e-14, "{c:?}");
        // Its own diffusion is 2 ds/dt.
        let g2 = path.diffusion(t).expect("it has one");
        assert!((g2 - 2.0 * 10.0 * (1.0 - t)).abs() < 1e-9, "g² = {g2}");
    }
}

#[test]
fn times_of_ratios_are_where_the_path_has_them() {
    for curve in Curve::DIFFUSIONS {
        let path = Path::from(curve);
        for t in [0.05, 0.4, 0.8, 0.99] {
            let c = path.at(t);
            let found = path.time_of_ratio(c.sigma / c.alpha);
            assert!((found - t).abs() < 1e-9, "{curve:?}: {found} for {t}");
        }
    }
}

#[test]
fn every_prediction_reads_velocity_data_and_noise_back() {
    for curve in Curve::DIFFUSIONS {
        let path = Path::from(curve);
        for prediction in Prediction::ALL {
            for t in [0.1, 0.5, 0.9] {
                let c = path.at(t);
                let (x1, x0) = (0.7, -1.3);
                let x = c.alpha * x1 + c.sigma * x0;
                let r = prediction.read(c);
                let (a, b, w) = r.target;
                let output = (a * x1 + b * x0) / w;
                let of = |l: Linear| l.of_x * x + l.of_output * output;
                let velocity = c.alpha_rate * x1 + c.sigma_rate * x0;
                for (found, expected) in [(of(r.velocity), velocity), (of(r.data), x1), (of(r.noise), x0)] {
                    assert!(
                        (found - expected).abs() < 1e-9 * (1.0 + expected.abs() + x.abs()),
                        "{curve:?}, {prediction:?} at {t}"
                    );
                }
            }
        }
    }
}

#[test]
fn edm_is_the_preconditioning_of_its_paper_and_leaves_nothing_to_say_of_a_gaussian() {
    // Karras et al. (2022), table 1, with σ_data = 1; closed form 20: D = x/(1 + σ²) for N(0, 1).
    let path = Path::from(Curve::Edm);
    for t in [0.0, 0.3, 0.8, 1.0] {
        let (sigma, r) = (path.at(t).sigma, Prediction::Edm.read(path.at(t)));
        let root = (1.0 + sigma * sigma).sqrt();
        let c_skip = 1.0 / (1.0 + sigma * sigma);
        assert!((r.data.of_x - c_skip).abs() < 1e-12 && (r.data.of_output - sigma / root).abs() < 1e-12);
        assert!((row(&path, Prediction::Edm, t)[7] - 1.0 / root).abs() < 1e-12);
    }
}

#[test]
fn both_ends_of_every_path_are_safe() {
    for curve in Curve::DIFFUSIONS {
        for prediction in Prediction::ALL {
            for t in [0.0, 1.0] {
                let numbers = row(&Path::from(curve), prediction, t);
                let most = if Path::from(curve).explodes() { 1e5 } else { 2e1 / FLOOR };
                assert!(numbers.iter().all(|v| v.is_finite() && v.abs() < most), "{curve:?}, {prediction:?}: {numbers:?}");
            }
        }
    }
}
