//! Flows of distributions whose distribution functions are known: the probability flow between any two times, of Gaussians and of mixtures.

use super::GPU;
use pushforward::data::Mixture;
use pushforward::flow::{Curve, Grid, Path, Solver, integrate};
use pushforward::gpu::{Recorder, Var};

/// Φ(x) = ½ erfc(−x/√2), from the error function's series or its continued fraction (Abramowitz & Stegun 1964, 7.1.6 and 7.1.14).
fn normal_cdf(x: f64) -> f64 {
    let z = x.abs() / 2f64.sqrt();
    let gauss = (-z * z).exp() / std::f64::consts::PI.sqrt();
    let tail = if z < 3.0 {
        let (mut term, mut sum) = (2.0 * z, 2.0 * z);
        for n in 1..100 {
            term *= 2.0 * z * z / f64::from(2 * n + 1);
            sum += term;
        }
        1.0 - gauss * sum
    } else {
        gauss / (1..60).rev().fold(z, |below, n| z + 0.5 * f64::from(n) / below)
    };
    if x < 0.0 { 0.5 * tail } else { 1.0 - 0.5 * tail }
}

/// Weight, mean and standard deviation of each part of the data's distribution.
const PARTS: [(f64, f64, f64); 3] = [(0.5, -1.5, 0.3), (0.2, 0.4, 0.2), (0.3, 1.6, 0.5)];

/// The parts of the distribution at a time: αm and √(α²s² + σ²).
fn parts(path: Path, t: f64) -> [(f64, f64, f64); 3] {
    let c = path.at(t);
    PARTS.map(|(w, m, s)| (w, c.alpha * m, (c.alpha * c.alpha * s * s + c.sigma * c.sigma).sqrt()))
}

fn cdf(parts: [(f64, f64, f64); 3], x: f64) -> f64 {
    parts.iter().map(|(w, m, s)| w * normal_cdf((x - m) / s)).sum()
}

fn quantile(parts: [(f64, f64, f64); 3], p: f64) -> f64 {
    let (mut low, mut high) = (-20.0, 20.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if cdf(parts, middle) < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// v = α̇E[x₁|x] + σ̇E[x₀|x] with E[x₀|x] = −σs and E[x₁|x] = (x + σ²s)/α, from the exact score s of the distribution at t.
fn velocity(rec: &mut Recorder, path: Path, x: Var, t: f64) -> pushforward::Result<Var> {
    let c = path.at(t);
    let (weights, means, deviations): (Vec<f64>, Vec<f64>, Vec<f64>) = {
        let parts = parts(path, t);
        (parts.map(|p| p.0).to_vec(), parts.map(|p| p.1).to_vec(), parts.map(|p| p.2).to_vec())
    };
    let score = rec.mixture_score(&Mixture::new(1, &weights, &means, &deviations), x)?;
    let of_score = c.alpha_rate / c.alpha * c.sigma * c.sigma - c.sigma_rate * c.sigma;
    rec.weighted_sum(&[(c.alpha_rate / c.alpha, x), (of_score, score)])
}

fn carried(path: Path, times: &[f64], starts: &[f32]) -> Vec<f32> {
    let tensor = GPU.upload(starts.len(), 1, starts).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.tensor(&tensor);
    let x = integrate(&mut rec, Solver::Rk4, times, x, &mut |rec, x, t| velocity(rec, path, x, t)).unwrap();
    let x = rec.keep(x);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    step.read(x).unwrap()
}

#[test]
fn the_flow_of_a_mixture_keeps_the_share_of_mass_below_every_point() {
    // Closed form 10: on a line the flow from s to t is F_t⁻¹∘F_s, for every pair of times, forwards and backwards.
    for curve in [Curve::OrnsteinUhlenbeck, Curve::VpLinear, Curve::VarianceExploding, Curve::Edm] {
        let path = Path::from(curve);
        for (from, to) in [(0.0, 1.0), (0.3, 0.8), (1.0, 0.4)] {
            let shares: Vec<f64> = (1..40).map(|k| f64::from(k) / 40.0).collect();
            let starts: Vec<f32> = shares.iter().map(|&p| quantile(parts(path, from), p) as f32).collect();
            let found = carried(path, &Grid::Uniform.times(from, to, 200).unwrap(), &starts);
            let scale = parts(path, to).map(|p| p.2).into_iter().fold(0.0, f64::max);
            let mut worst = 0f64;
            for (start, end) in starts.iter().zip(&found) {
                let expected = quantile(parts(path, to), cdf(parts(path, from), f64::from(*start)));
                worst = worst.max((f64::from(*end) - expected).abs() / scale);
            }
            println!("{curve:?} from {from} to {to}: off by {worst:.1e} of the widest part");
            // A point in the gap between two parts moves fast: an error of f32 at noise of 80 is one of 10⁻⁵ of the data's shares.
            assert!(worst < 2e-3, "{curve:?} from {from} to {to}: off by {worst}");
        }
    }
}

#[test]
fn the_mean_velocity_of_a_gaussian_flow_meets_its_identity() {
    // Closed form 14, in its own time (t = 0 is data): ψ_{t→r}(z) = (1−r)m + (σ_r/σ_t)(z − (1−t)m), u = (z − ψ)/(t − r), and
    // u = v − (t − r)(v ∂_z u + ∂_t u): the tangent of u along (v, 1) is taken by the recorder.
    let (m, s, r) = (0.7f32, 0.4f32, 0.15f32);
    let (z, t): (Vec<f32>, Vec<f32>) = (0..60).map(|i| (3.0 * (i as f32 / 29.5 - 1.0), 0.25 + 0.012 * i as f32)).unzip();
    let mut rec = Recorder::new(&GPU, 0);
    let [z_var, t_var] = [&z, &t].map(|v| {
        let tensor = GPU.upload(60, 1, v).unwrap();
        rec.tensor(&tensor)
    });
    let u = |rec: &mut Recorder| -> pushforward::Result<Var> {
        let rest = rec.affine(t_var, -1.0, 1.0)?;
        let (data, noise) = (rec.square(rest)?, rec.square(t_var)?);
        let variance = rec.blend(data, noise, s * s, 1.0)?;
        let deviation = rec.sqrt(variance)?;
        let off = rec.blend(z_var, rest, 1.0, -m)?;
        let sigma_r = ((1.0 - r) * (1.0 - r) * s * s + r * r).sqrt();
        let scaled = rec.div(off, deviation)?;
        let end = rec.affine(scaled, sigma_r, (1.0 - r) * m)?;
        let way = rec.sub(z_var, end)?;
        let length = rec.affine(t_var, 1.0, -r)?;
        rec.div(way, length)
    };
    let u = u(&mut rec).unwrap();
    // v = E[ε − x | z] of the distribution at t.
    let v: Vec<f32> = z
        .iter()
        .zip(&t)
        .map(|(&z, &t)| {
            let (z, t, m, s) = (f64::from(z), f64::from(t), f64::from(m), f64::from(s));
            let variance = (1.0 - t).powi(2) * s * s + t * t;
            ((t - (1.0 - t) * s * s) / variance * (z - (1.0 - t) * m) - m) as f32
        })
        .collect();
    let v_tensor = GPU.upload(60, 1, &v).unwrap();
    let v_var = rec.tensor(&v_tensor);
    let one = rec.constant(1.0, 60, 1).unwrap();
    let slope = rec.tangent(u, &[(z_var, v_var), (t_var, one)]).unwrap().expect("it depends on both");
    let (u, slope) = (rec.keep(u), rec.keep(slope));
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    let (u, slope) = (step.read(u).unwrap(), step.read(slope).unwrap());
    for i in 0..60 {
        let expected = v[i] - (t[i] - r) * slope[i];
        assert!((u[i] - expected).abs() < 2e-4, "at z = {}, t = {}: u = {} and the identity says {expected}", z[i], t[i], u[i]);
    }
}
