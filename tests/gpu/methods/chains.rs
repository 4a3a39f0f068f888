//! Neural spline flows and masked autoregressive flows: maps that are undone, volumes that are told rightly, columns that see what they may, densities that
//! add up to one.

use super::{GPU, trained, trained_from};
use pushforward::data::Table;
use pushforward::data::toy::Toy;
use pushforward::gpu::Recorder;
use pushforward::methods::{self, Dataset, Learner, Setup};
use pushforward::metrics::Points;
use pushforward::metrics::likelihood::LogLikelihood;
use pushforward::nn::Weights;
use pushforward::reference::random;
use pushforward::settings::Values;

const SMALL: &str = "hidden_width = 16\nhidden_layers = 2\n";

fn built(method: &str, extra: &str, columns: usize, conditions: usize, data: Option<&Dataset>) -> Box<dyn Learner> {
    let (method, training) = methods::configured(method, &Values::parse(&format!("{SMALL}{extra}")).unwrap()).unwrap();
    let setup = Setup { gpu: &GPU, training: &training, columns, conditions, seed: 5, data, teacher: None };
    method.learner(&setup).unwrap()
}

/// `count` normal numbers.
fn normal(count: usize, stream: u32) -> Vec<f32> {
    let of = |i| random::draw("normal", random::philox([i, stream, 0, 0], [9; 2]), 0.0, 1.0);
    (0..count.div_ceil(4) as u32).flat_map(of).map(|v| v as f32).take(count).collect()
}

/// Weights that say something, and no whitening: a chain of layers alone.
fn shake(method: &dyn Learner) {
    shake_by(method, 1.0);
}

/// The same with conditioners of so much less to say.
fn shake_by(method: &dyn Learner, strength: f32) {
    let named = method.parameters().averaged().unwrap();
    let values = |name: &str| {
        let place = named.iter().position(|n| n.0 == name)?;
        let (_, rows, cols, _) = &named[place];
        let drawn = normal(rows * cols, 100 + place as u32);
        let size = match name {
            "whitening.mean" | "whitening.log_det" => 0.0,
            _ if name.starts_with("whitening") => {
                return Some((0..rows * cols).map(|i| if i / cols == i % cols { 1.0 } else { 0.0 }).collect());
            }
            _ if name.starts_with("linear") || name.starts_with("normalize") => 0.2 / (*rows as f32).sqrt(),
            // Six layers of more than this are steeper than f32 can undo.
            _ if name.ends_with("bias") => 0.2 * strength,
            _ => 0.8 * strength / (*rows as f32).sqrt(),
        };
        Some(drawn.into_iter().map(|v| size * v).collect::<Vec<f32>>())
    };
    method.parameters().load(values).unwrap();
}

/// Latents of rows, their log-densities, and the rows that the latents give back, for rows that carry given columns behind.
fn there_and_back(method: &dyn Learner, rows: &[f32], columns: usize, conditions: usize) -> [Vec<f32>; 3] {
    let all = columns + conditions;
    let x = GPU.upload(rows.len() / all, all, rows).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let x = rec.tensor(&x);
    let z = method.pull(&mut rec, x, Weights::Averaged).unwrap().expect("an inverse");
    let density = method.log_density(&mut rec, x, Weights::Averaged).unwrap().expect("a density").value;
    let behind = if conditions == 0 {
        z
    } else {
        let given = rec.columns(x, columns, conditions).unwrap();
        rec.concat(&[z, given]).unwrap()
    };
    let back = method.push(&mut rec, behind, Weights::Averaged).unwrap();
    let kept = [z, density, back].map(|var| rec.keep(var));
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    kept.map(|kept| step.read(kept).unwrap())
}

/// Learner, settings, columns, given columns.
const CHAINS: [(&str, &str, usize, usize); 13] = [
    ("realnvp", "", 1, 2),
    ("realnvp", "", 2, 0),
    ("realnvp", "mixing = 'normalize'", 3, 1),
    ("realnvp", "masks = 'random'\nmixing = 'linear'", 5, 2),
    ("spline", "", 1, 0),
    ("spline", "bins = 2", 1, 2),
    ("spline", "", 2, 0),
    ("spline", "mixing = 'normalize'\nbins = 32", 3, 1),
    ("spline", "masks = 'random'\nmixing = 'linear'", 5, 2),
    ("maf", "", 1, 0),
    ("maf", "transform = 'affine'", 3, 0),
    ("maf", "mixing = 'linear'", 3, 2),
    ("maf", "layers = 2", 5, 0),
];

#[test]
fn rows_come_back_from_their_latents() {
    // What rounding does to latents comes back multiplied by the inverse's slopes, layer by layer: of drawn matrices and drawn splines there are three each.
    let wide = [
        ("realnvp", "", 64, 0),
        // With eight drawn matrices latents lie 24,508 away from rows of size 5, and f32 loses as much in the inverse direction (0.07).
        ("realnvp", "masks = 'random'\nmixing = 'linear'\nlayers = 3", 64, 0),
        ("spline", "", 64, 0),
        ("spline", "masks = 'random'\nmixing = 'linear'\nbins = 16\nlayers = 3", 64, 3),
        ("maf", "layers = 2", 24, 0),
    ];
    for (name, extra, d, k) in CHAINS.into_iter().chain(wide) {
        let method = built(name, extra, d, k, None);
        // What rounding leaves in a latent comes back divided by a spline's slope, and among 6 × 32 × 130 drawn ones some are a thousandth: with conditioners
        // of full strength 7.5e-5 of rows came back off on a software adapter, and 6.7e-4 on a GPU.
        shake_by(method.as_ref(), if name == "spline" && d == 64 { 0.6 } else { 1.0 });
        let rows = normal(130 * (d + k), 1);
        let [z, _, back] = there_and_back(method.as_ref(), &rows, d, k);
        let (mut off, mut size, mut moved) = (0.0f64, 0.0f64, 0.0f64);
        for (i, row) in rows.chunks_exact(d + k).enumerate() {
            for j in 0..d {
                let (x, b, z) = (f64::from(row[j]), f64::from(back[i * d + j]), f64::from(z[i * d + j]));
                (off, size, moved) = (off.max((b - x).abs()), size.max(x.abs()), moved.max((z - x).abs()));
            }
        }
        println!("{name} {extra:?}, {d} + {k}: off by {:.1e} of {size:.1}; latents {moved:.2} away", off / size);
        assert!(moved > 0.2, "{name} {extra:?}, {d} + {k}: a chain that moves nothing tests nothing");
        assert!(off < 1e-4 * size, "{name} {extra:?}, {d} + {k}: rows come back off by {off} of {size}");
    }
}

#[test]
fn log_determinants_are_those_of_numeric_jacobians() {
    const STEP: f32 = 4e-3;
    for (name, extra, d, k) in CHAINS {
        let method = built(name, extra, d, k, None);
        shake(method.as_ref());
        let all = d + k;
        let rows = normal(40 * all, 2);
        let [z, density, _] = there_and_back(method.as_ref(), &rows, d, k);
        // Of each row, its 2d neighbors.
        let neighbors: Vec<f32> = rows
            .chunks_exact(all)
            .flat_map(|row| {
                let ends = (0..d).flat_map(|j| [(j, STEP), (j, -STEP)]);
                ends.flat_map(move |(j, by)| (0..all).map(move |c| row[c] + if c == j { by } else { 0.0 }))
            })
            .collect();
        let [ends, ..] = there_and_back(method.as_ref(), &neighbors, d, k);
        let mut errors: Vec<f64> = (0..40)
            .map(|i| {
                let end = |j: usize, side: usize, c: usize| f64::from(ends[((i * d + j) * 2 + side) * d + c]);
                let span = |j: usize| {
                    let (x, by) = (rows[i * all + j], STEP);
                    f64::from(x + by) - f64::from(x - by)
                };
                let jacobian = nalgebra::DMatrix::from_fn(d, d, |c, j| (end(j, 0, c) - end(j, 1, c)) / span(j));
                let squares: f64 = z[i * d..(i + 1) * d].iter().map(|&z| f64::from(z).powi(2)).sum();
                let told = f64::from(density[i]) + 0.5 * squares + 0.5 * d as f64 * std::f64::consts::TAU.ln();
                (told - jacobian.determinant().abs().ln()).abs()
            })
            .collect();
        errors.sort_by(f64::total_cmp);
        println!("{name} {extra:?}, {d} + {k}: ln|det| off by {:.1e} in the middle, {:.1e} at most", errors[20], errors[39]);
        // f32 rows moved by 4e-3 tell slopes to 1e-4; next to a knot, or in a bin that is hardly wider than the step, they tell less.
        assert!(errors[20] < 2e-3 && errors[35] < 2e-2, "{name} {extra:?}, {d} + {k}: {errors:?}");
    }
}

#[test]
fn an_autoregressive_layer_sees_the_columns_before_and_what_is_given() {
    for (extra, k) in [("layers = 1", 0), ("layers = 1\ntransform = 'affine'", 2)] {
        let d = 5;
        let method = built("maf", extra, d, k, None);
        shake(method.as_ref());
        let row = normal(d + k, 3);
        // The row, and the row with one column changed.
        let mut rows = row.clone();
        for j in 0..d + k {
            rows.extend((0..d + k).map(|c| row[c] + if c == j { 0.5 } else { 0.0 }));
        }
        let [z, ..] = there_and_back(method.as_ref(), &rows, d, k);
        for j in 0..d + k {
            for c in 0..d {
                let sees = z[(j + 1) * d + c].to_bits() != z[c].to_bits();
                // Bit for bit: a weight behind a mask multiplies by zero.
                assert_eq!(sees, j <= c || j >= d, "{extra:?}: latent {c} and column {j}");
            }
        }
    }
}

#[test]
fn a_chain_that_has_learned_nothing_is_the_fitted_gaussian() {
    for (method, extra, d) in [
        ("realnvp", "", 64),
        ("spline", "", 1),
        ("spline", "mixing = 'linear'", 3),
        ("maf", "", 3),
        ("maf", "transform = 'affine'", 2),
    ] {
        // Rows that lean on each other, away from the origin.
        let noise = normal(600 * d, 4);
        let rows: Vec<f32> = (0..600 * d)
            .map(|i| {
                let before = if i % d > 0 { noise[i - 1] } else { 0.0 };
                0.7 * (i % d) as f32 - 1.0 + noise[i] + 0.8 * before
            })
            .collect();
        let data = Dataset::new(&GPU, &rows, d, None).unwrap();
        let [_, told, _] = there_and_back(built(method, extra, d, 0, Some(&data)).as_ref(), &rows, d, 0);
        let x = nalgebra::DMatrix::from_row_iterator(600, d, rows.iter().map(|&v| f64::from(v)));
        let mean = x.row_mean();
        let centerd = nalgebra::DMatrix::from_fn(600, d, |i, j| x[(i, j)] - mean[j]);
        let covariance = centerd.transpose() * &centerd / 600.0;
        let (inverse, det) = (covariance.clone().try_inverse().unwrap(), covariance.determinant());
        for (row, told) in centerd.row_iter().zip(told) {
            let square = (row * &inverse * row.transpose())[0];
            let expected = -0.5 * (square + d as f64 * std::f64::consts::TAU.ln() + det.ln());
            // Whether standard deviations divide by n or n − 1 changes ln ρ by (square + d)/2n.
            let room = 1e-4 * (1.0 + square) + (square + d as f64) / 1200.0;
            let off = (f64::from(told) - expected).abs();
            assert!(off < room, "{method}, {d} columns: ln ρ is {told} and the Gaussian's {expected}");
        }
    }
}

#[test]
fn a_trained_density_adds_up_to_one_and_is_finite_far_away() {
    let fresh = Toy::Moons.sample(2000, 99);
    let points = Points::new(fresh.single(), 2000, 2).unwrap();
    let gaussian = LogLikelihood::of_gaussian(points, points, 0).mean;
    for (method, extra) in [
        ("realnvp", "layers = 6"),
        ("spline", "layers = 4"),
        ("spline", "layers = 3\nmixing = 'linear'"),
        ("maf", "layers = 2"),
        ("maf", "transform = 'affine'"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let settings = format!("{extra}\nsteps = 200\nhidden_width = 32\nbatch_size = 256\nlearning_rate = 5e-3");
        let model = trained(method, Toy::Moons, &settings, &folder.path().join("run")).model;
        let log_density = |rows: Vec<f32>| model.log_density(&Table::new(["x", "y"], rows).unwrap()).unwrap().unwrap().values;
        let (side, reach) = (241usize, 6.0f32);
        let at = |i: usize| reach * (2.0 * i as f32 / (side as f32 - 1.0) - 1.0);
        let density = log_density((0..side * side).flat_map(|k| [at(k % side), at(k / side)]).collect());
        let cell = f64::from(at(1) - at(0)).powi(2);
        let total: f64 = density.iter().map(|&v| f64::from(v).exp() * cell).sum();
        let nats = log_density(fresh.single().to_vec()).iter().map(|&v| f64::from(v)).sum::<f64>() / 2000.0;
        println!("{method} {extra:?}: the density adds up to {total:.4}; {nats:.3} nats, a Gaussian {gaussian:.3}");
        assert!((total - 1.0).abs() < 0.01, "{method} {extra:?}: the density adds up to {total}");
        assert!(nats > gaussian + 0.4, "{method} {extra:?}: {nats} nats where a fitted Gaussian has {gaussian}");
        let far = log_density(vec![1e3, -1e3, 1e6, 0.0, -12.0, 12.0]);
        assert!(far.iter().all(|v| v.is_finite() && *v < -10.0), "{method} {extra:?}: far away {far:?}");
    }
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    for (method, setting, valid) in [
        ("realnvp", "max_log_scale = 21.0", "above 0 and at most 20"),
        ("spline", "bins = 1", "between 2 and 32"),
        ("spline", "bins = 33", "between 2 and 32"),
        ("spline", "tail_bound = 0.0", "above 0"),
        ("spline", "layers = 0", "between 1 and 64"),
        ("maf", "transform = 'affine'\nmax_log_scale = -1.0", "above 0"),
    ] {
        let resolved = methods::configured(method, &Values::parse(setting).unwrap());
        let Err(message) = resolved.map_err(|e| e.to_string()) else { panic!("{method} takes {setting}") };
        let key = setting.rsplit('\n').next().unwrap().split(' ').next().unwrap();
        assert!(message.contains(key) && message.contains(valid), "{setting}: {message}");
    }
}

#[test]
fn an_affine_chain_stretches_latents_by_its_bound_at_most() {
    // ln|det ∂z/∂x| = ln ρ(x) − ln N(z). Where every layer is told to stretch each column without end, all of them together reach −stretch a column.
    for (name, extra, d, k, stretch) in [
        ("realnvp", "", 1, 2, 4.0),
        ("realnvp", "", 2, 0, 4.0),
        ("realnvp", "layers = 6\nstretch = 2.5", 3, 0, 2.5),
        ("maf", "transform = 'affine'\nstretch = 1.0", 2, 0, 1.0),
    ] {
        let method = built(name, extra, d, k, None);
        shake(method.as_ref());
        let named = method.parameters().averaged().unwrap();
        let pulled = |name: &str| {
            let (_, _, _, values) = named.iter().find(|n| n.0 == name)?;
            // Hidden layers are 0 and 1.
            Some(if name.ends_with(".2.bias") { vec![-50.0; values.len()] } else { values.clone() })
        };
        method.parameters().load(pulled).unwrap();
        let [z, density, _] = there_and_back(method.as_ref(), &normal(500 * (d + k), 3), d, k);
        for (z, &density) in z.chunks_exact(d).zip(&density) {
            let normal = z.iter().map(|&z| 0.5 * f64::from(z).powi(2) + 0.5 * std::f64::consts::TAU.ln()).sum::<f64>();
            let log_det = f64::from(density) + normal;
            // What single precision keeps beside a density as low as that of such latents.
            assert!(
                (log_det + stretch * d as f64).abs() < 0.01 + 1e-6 * normal,
                "{name} {extra:?}: {log_det}, {stretch} a column"
            );
        }
    }
}

/// Singular values of the map from latents to rows, where conditioners say the same to every row and nothing is shifted: it is a matrix.
fn singular_values(method: &dyn Learner, d: usize) -> Vec<f64> {
    let basis: Vec<f32> = (0..d * d).map(|i| f32::from(u8::from(i / d == i % d))).collect();
    let z = GPU.upload(d, d, &basis).unwrap();
    let mut rec = Recorder::new(&GPU, 0);
    let z = rec.tensor(&z);
    let x = method.push(&mut rec, z, Weights::Averaged).unwrap();
    let x = rec.keep(x);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    let rows = step.read(x).unwrap().into_iter().map(f64::from);
    nalgebra::DMatrix::from_row_iterator(d, d, rows).singular_values().iter().copied().collect()
}

#[test]
fn what_stands_before_layers_stretches_and_shrinks_within_its_bound_whatever_its_parameters() {
    for (name, extra, d, stretch, mixing) in [
        ("realnvp", "mixing = 'linear'", 2, 4.0, 4.0),
        ("realnvp", "mixing = 'linear'\nlayers = 1\nstretch = 1.0\nmixing_stretch = 1.5", 2, 1.0, 1.5),
        ("realnvp", "mixing = 'linear'\nmasks = 'random'\nlayers = 3", 7, 4.0, 4.0),
        ("realnvp", "mixing = 'normalize'\nlayers = 3\nmixing_stretch = 2.0", 5, 4.0, 2.0),
        ("maf", "mixing = 'linear'\ntransform = 'affine'", 5, 4.0, 4.0),
        ("maf", "mixing = 'normalize'\ntransform = 'affine'", 3, 4.0, 4.0),
    ] {
        let mut greatest: f64 = 0.0;
        let sizes = [0.3, 1.0, 50.0, 1e4, -0.3, -50.0, -1e4];
        for (size, layers) in sizes.iter().flat_map(|&size| [(size, 0.0), (size, -50.0)]) {
            let method = built(name, extra, d, 0, None);
            shake(method.as_ref());
            let named = method.parameters().averaged().unwrap();
            let values = |name: &str| {
                let place = named.iter().position(|n| n.0 == name)?;
                let (_, rows, cols, values) = &named[place];
                let mixing = name.starts_with("linear") || name.starts_with("normalize");
                Some(match name {
                    _ if mixing && name.ends_with("shift") => vec![0.0; values.len()],
                    // All of one sign, so that what one layer stretches the next does not take back.
                    _ if name.contains(".log_") => vec![-size; values.len()],
                    _ if mixing => normal(rows * cols, 500 + place as u32).into_iter().map(|v| size * v).collect(),
                    // Scales come before shifts.
                    _ if name.ends_with(".2.bias") => (0..*cols).map(|j| if j < cols / 2 { layers } else { 0.0 }).collect(),
                    _ if name.ends_with(".2.weight") => vec![0.0; values.len()],
                    _ => values.clone(),
                })
            };
            method.parameters().load(values).unwrap();
            let found = singular_values(method.as_ref(), d);
            let most = mixing + if layers < 0.0 { stretch } else { 0.0 };
            let logs = found.iter().map(|s| s.ln());
            let (low, high) = logs.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), s| (low.min(s), high.max(s)));
            assert!(
                low > -mixing - 1e-3 && high < most + 1e-3,
                "{name} {extra:?}, {size} and {layers}: from {low} to {high}, {most}"
            );
            greatest = greatest.max(high / most);
        }
        println!("{name} {extra:?}: up to {greatest:.2} of the bound");
        assert!(greatest > 0.5, "{name} {extra:?}: the bound allows what no parameters reach, {greatest} of it");
    }
}

/// Three rings of radii 2, 1 and 0.3, 0.04 thick: nothing but a thin line has any density.
fn rings(rows: usize) -> Table {
    let [angles, noise] = [1, 2].map(|stream| normal(2 * rows, 900 + stream));
    let row = |i: usize| {
        let [x, y, radius] = [[0.0, 0.0, 2.0], [3.5, -2.0, 1.0], [-3.0, -3.0, 0.3]][[0, 0, 0, 0, 0, 1, 1, 1, 2, 2][i % 10]];
        let (a, b) = (f64::from(angles[2 * i]), f64::from(angles[2 * i + 1]));
        let radius = radius + 0.04 * f64::from(noise[i]);
        [x + radius * a / a.hypot(b), y + radius * b / a.hypot(b)]
    };
    Table::new(["x", "y"], (0..rows).flat_map(row).collect()).unwrap()
}

#[test]
fn chains_with_matrices_between_their_layers_send_no_sample_away_from_thin_rings() {
    let table = rings(4000);
    for (method, extra) in [("realnvp", ""), ("spline", "layers = 4"), ("maf", "transform = 'affine'\nlayers = 6")] {
        let folder = tempfile::tempdir().unwrap();
        let settings =
            format!("mixing = 'linear'\n{extra}\nsteps = 300\nhidden_width = 32\nbatch_size = 256\nlearning_rate = 5e-3");
        let model = trained_from(table.clone(), "rings.csv", method, &settings, &folder.path().join("run")).model;
        let samples = model.sample(10_000, 7).unwrap();
        for j in 0..2 {
            let column = |table: &Table| {
                let values = table.values().iter().skip(j).step_by(2);
                values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)))
            };
            let ((low, high), found) = (column(&table), column(&samples));
            println!(
                "{method}: column {j} of the data from {low:.2} to {high:.2}, of samples from {:.2} to {:.2}",
                found.0, found.1
            );
            let wide = high - low;
            assert!(
                found.0 > low - wide && found.1 < high + wide,
                "{method}: {found:?} where the data are within {low} to {high}"
            );
        }
    }
}
