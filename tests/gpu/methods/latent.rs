//! Latent-variable models on probabilistic principal components, where all is known (Tipping & Bishop 1999), and what their settings do.

use super::{GPU, distances, trained, trained_from};
use pushforward::data::Table;
use pushforward::data::toy::Toy;
use pushforward::gpu::{Kept, Recorder};
use pushforward::methods::{self, Dataset, LatentLikelihood, LatentSettings, Learner, Method as _, Setup, Training, Vae};
use pushforward::nn::Weights;
use pushforward::settings::Values;

/// Rows, columns, latents.
const SIZE: (usize, usize, usize) = (400, 4, 2);

/// Rows of x = (1, 2, 3, 4)/4 + zW + ε/2.
fn rows() -> Vec<f32> {
    let (n, d, q) = SIZE;
    let normal = Toy::Gaussian.sample(n * (d + q) / 2, 1).into_single();
    let w = [[1.5, -0.5, 0.7, 0.2], [0.1, 0.8, 0.6, -1.0]];
    let mut rows = Vec::with_capacity(n * d);
    for numbers in normal.chunks_exact(d + q) {
        rows.extend((0..d).map(|j| (j + 1) as f32 / 4.0 + numbers[0] * w[0][j] + numbers[1] * w[1][j] + 0.5 * numbers[2 + j]));
    }
    rows
}

fn built(method: &str, extra: &str, data: &Dataset) -> Box<dyn Learner> {
    let values = Values::parse(&format!("latent_dim = 2\nhidden_width = 8\n{extra}")).unwrap();
    let (method, training) = methods::configured(method, &values).unwrap();
    let setup =
        Setup { gpu: &GPU, training: &training, columns: SIZE.1, conditions: 0, seed: 1, data: Some(data), teacher: None };
    method.learner(&setup).unwrap()
}

/// ln N(x; b, WᵀW + σ²I) of the model's own weights.
fn exact(method: &dyn Learner, rows: &[f32]) -> Vec<f64> {
    let (_, d, q) = SIZE;
    let slices = method.parameters().averaged().unwrap();
    let slice =
        |name: &str| -> Vec<f64> { slices.iter().find(|s| s.0 == name).unwrap().3.iter().map(|&v| f64::from(v)).collect() };
    let (w, bias, raw) = (slice("decoder.affine.weight"), slice("decoder.affine.bias"), slice("decoder.scale"));
    let w = nalgebra::DMatrix::from_row_slice(q, d, &w);
    let noise = 1e-4 + (2.0 * raw[0]).exp();
    let covariance = w.transpose() * &w + nalgebra::DMatrix::identity(d, d) * noise;
    let cholesky = covariance.cholesky().unwrap();
    let log_det = 2.0 * cholesky.l().diagonal().map(f64::ln).sum();
    let of = |row: &[f32]| {
        let x = nalgebra::DVector::from_iterator(d, row.iter().zip(&bias).map(|(&x, b)| f64::from(x) - b));
        let whitened = cholesky.l().solve_lower_triangular(&x).unwrap();
        -0.5 * (d as f64 * std::f64::consts::TAU.ln() + log_det + whitened.norm_squared())
    };
    rows.chunks_exact(d).map(of).collect()
}

/// What a recording gives for rows.
fn of_rows(
    rows: &[f32],
    record: impl FnOnce(&mut Recorder, pushforward::gpu::Var) -> Vec<pushforward::gpu::Var>,
) -> Vec<Vec<f32>> {
    let tensor = GPU.upload(rows.len() / SIZE.1, SIZE.1, rows).unwrap();
    let mut rec = Recorder::new(&GPU, 5);
    let x = rec.tensor(&tensor);
    let kept: Vec<Kept> = record(&mut rec, x).into_iter().map(|v| rec.keep(v)).collect();
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    kept.into_iter().map(|k| step.read(k).unwrap()).collect()
}

fn log_density(method: &dyn Learner, rows: &[f32]) -> Vec<Vec<f32>> {
    of_rows(rows, |rec, x| {
        let density = method.log_density(rec, x, Weights::Averaged).unwrap().unwrap();
        std::iter::once(density.value).chain(density.error).collect()
    })
}

/// Mean and standard error.
fn mean(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    (mean, (values.map(|v| (v - mean).powi(2)).sum::<f64>() / (n * (n - 1.0))).sqrt())
}

#[test]
fn an_untrained_model_is_probabilistic_pca_and_its_bounds_are_tight() {
    let rows = rows();
    let data = Dataset::new(&GPU, &rows, SIZE.1, None).unwrap();
    for samples in [1, 8] {
        let method = built("iwae", &format!("variance = 'column'\nbound_samples = {samples}"), &data);
        let exact = exact(method.as_ref(), &rows);
        // Every weight p(x, z)/q(z | x) is p(x) where q is the posterior: no sample can be wrong.
        for (found, exact) in log_density(method.as_ref(), &rows)[0].iter().zip(&exact) {
            assert!((f64::from(*found) - exact).abs() < 2e-4, "{found} for {exact}, {samples} samples");
        }
        // And p is the maximum of the likelihood: the mean of −ln p is the entropy of a Gaussian with the fitted covariance, whose discarded
        // eigenvalues are their mean.
        let (found, _) = mean(exact.into_iter());
        let all = data.embedding(SIZE.1);
        let mut variances: Vec<f64> =
            all.chunks_exact(SIZE.1).map(|row| row.iter().map(|&v| f64::from(v).powi(2)).sum()).collect();
        let rest = 0.5 * (variances[2] + variances[3]);
        variances[2..].fill(rest);
        let entropy = 0.5 * variances.iter().map(|v| (std::f64::consts::TAU * std::f64::consts::E * v).ln()).sum::<f64>();
        assert!((found + entropy).abs() < 1e-4, "mean {found}, and −entropy is {}", -entropy);
    }
    // The bound of `vae` has its divergence in closed form, and its likelihood by samples: right in the mean.
    let method = built("vae", "variance = 'column'", &data);
    let exact = exact(method.as_ref(), &rows);
    let cost = of_rows(&rows, |rec, x| vec![method.held_out_loss(rec, x, Weights::Averaged).unwrap().unwrap()]);
    let (off, error) = mean(cost[0].iter().zip(&exact).map(|(&cost, exact)| f64::from(cost) + exact));
    assert!(off.abs() < 4.0 * error && error < 0.05, "{off} ± {error}");
}

#[test]
fn bounds_grow_with_samples_towards_the_likelihood() {
    let rows = rows();
    let data = Dataset::new(&GPU, &rows, SIZE.1, None).unwrap();
    let bound = |samples: usize| {
        let method = built("iwae", &format!("variance = 'column'\nbound_samples = {samples}"), &data);
        // An encoder that is off: means moved by 0.4 and standard deviations by a factor of 1.5.
        let weights = method.parameters().averaged().unwrap();
        let moved = |name: &str| {
            let mut values = weights.iter().find(|w| w.0 == name)?.3.clone();
            if name == "encoder.affine.bias" {
                values[..2].iter_mut().for_each(|m| *m += 0.4);
                values[2..].iter_mut().for_each(|s| *s += 1.5f32.ln());
            }
            Some(values)
        };
        method.parameters().load(moved).unwrap();
        let exact = exact(method.as_ref(), &rows);
        let found = log_density(method.as_ref(), &rows);
        // What is missing, and what the method says of its error, in the mean over rows.
        let missing = mean(exact.iter().zip(&found[0]).map(|(exact, &found)| exact - f64::from(found)));
        let said = found.get(1).map(|errors| mean(errors.iter().map(|&e| f64::from(e))).0);
        (missing, said)
    };
    let found = [1, 5, 50, 500].map(bound);
    println!("missing, and said: {found:?}");
    for pair in found.windows(2) {
        let ((more, error), (less, also)) = (pair[0].0, pair[1].0);
        assert!(more - less > 2.0 * error.hypot(also) && less > -3.0 * also, "{found:?}");
    }
    assert!(found[2].0.0 < 0.05 && found[3].0.0 < 0.01, "{found:?}");
    // Half the variance of ln w̄ is what the bound lacks (Burda et al. 2016; to first order in 1/K).
    let (missing, said) = (found[3].0.0, found[3].1.unwrap());
    assert!((0.5 * said * said - missing).abs() < 0.5 * missing + 3.0 * found[3].0.1, "{found:?}");
}

/// The gradient of one training step's loss at the encoder's bias, by way of one step of plain descent.
#[test]
fn free_bits_and_beta_act_on_the_divergence() {
    let rows = Table::new(["a", "b", "c", "d"], rows()).unwrap();
    let divergence = |extra: &str| {
        let folder = tempfile::tempdir().unwrap();
        let extra = format!(
            "steps = 150\nlatent_dim = 2\nhidden_width = 16\nbatch_size = 128\nlearning_rate = 2e-2\nvalidation_fraction = 0.0\n{extra}"
        );
        let outcome = trained_from(rows.clone(), "rows.csv", "vae", &extra, &folder.path().join("run"));
        let series = outcome.metrics.series("divergence");
        series[series.len() - 1].1
    };
    let (plain, heavy, free) = (divergence(""), divergence("beta = 8.0"), divergence("beta = 8.0\nfree_bits = 0.7"));
    println!("divergence {plain}, with beta 8 {heavy}, and of 0.7 nats free {free}");
    assert!(heavy < 0.5 * plain, "{heavy} against {plain}");
    // Two dimensions, each of which keeps its free nats.
    assert!(free > 1.2 && free > 2.0 * heavy, "{free} against {heavy}");
}

#[test]
fn variants_learn_and_say_what_they_cannot() {
    for (method, extra) in [
        ("vae", "likelihood = 'student-t'\nlatent_dim = 4"),
        ("vae", "variance = 'column'\nsamples = 4\nlatent_dim = 2"),
        ("iwae", "gradient = 'plain'\nsamples = 4"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let outcome = trained(method, Toy::Moons, &format!("hidden_width = 64\n{extra}"), &folder.path().join("run"));
        let (learned, gaussian) = distances(&outcome, Toy::Moons);
        println!("{method} {extra:?}: {learned:.4} against {gaussian:.4}");
        assert!(learned < 0.75 * gaussian, "{method} with {extra:?}: {learned} against a Gaussian's {gaussian}");
    }
}

#[test]
fn bernoulli_learns_chances_and_names_a_column_that_has_none() {
    let folder = tempfile::tempdir().unwrap();
    // Two columns that are equal nine times of ten, and one of its own.
    let rows: Vec<f32> = Toy::Gaussian
        .sample(3000, 1)
        .single()
        .chunks_exact(3)
        .flat_map(|z| [z[0] > 0.0, (z[0] > 0.0) == (z[1] < 1.2816), z[2] > 0.8416])
        .map(|v| f32::from(u8::from(v)))
        .collect();
    let table = Table::new(["wet", "cloudy", "cold"], rows).unwrap();
    let extra = "steps = 300\nhidden_width = 16\nbatch_size = 256\nlikelihood = 'bernoulli'\nstandardize = false\nvalidation_fraction = 0.0";
    let outcome = trained_from(table, "rows.csv", "iwae", extra, &folder.path().join("run"));
    let sample = outcome.model.sample(4000, 1).unwrap().into_single();
    assert!(sample.iter().all(|&v| v == 0.0 || v == 1.0));
    let share = |of: fn(&[f32]) -> bool| sample.chunks_exact(3).filter(|row| of(row)).count() as f64 / 4000.0;
    let (equal, cold) = (share(|row| row[0] == row[1]), share(|row| row[2] == 1.0));
    println!("equal {equal}, cold {cold}");
    assert!((equal - 0.9).abs() < 0.06 && (cold - 0.2).abs() < 0.05, "equal {equal}, cold {cold}");
    // Refusals.
    let data = Dataset::new(&GPU, &[0.5, 3.0, 0.1, 0.2], 2, None).unwrap().with_columns(&["wet".into(), "height".into()]);
    let refusal = |standardize: bool| {
        let latent = LatentSettings { likelihood: LatentLikelihood::Bernoulli, ..LatentSettings::default() };
        let method = Vae { latent, ..Vae::default() };
        let training = Training { standardize, ..method.training() };
        let setup =
            Setup { gpu: &GPU, training: &training, columns: 2, conditions: 0, seed: 1, data: Some(&data), teacher: None };
        method.build(&setup).err().unwrap().to_string()
    };
    assert!(refusal(false).contains("column `height` has the value 3 in row 1"), "{}", refusal(false));
    assert!(refusal(true).contains("`standardize` = false"), "{}", refusal(true));
}
