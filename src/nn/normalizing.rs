//! [`Normalizing`]: a chain of invertible layers between data and a standard normal latent space (a normalizing flow).
//!
//! The outermost layer is fixed: it takes the Gaussian with the data's mean and covariance to the standard one, by the symmetric root of the covariance, which
//! turns the columns as little as any (Kessy, Lewin & Strimmer 2018). All others start as the identity: an untrained chain is the fitted Gaussian.

use super::coupling::{ConditionerShape, Coupling, Transform};
use super::{Activation, Builder, Id, Parameters, Weights};
use crate::gpu::{Gpu, Recorder, Tensor, Var};
use crate::ops::coupling::Direction;
use crate::ops::random::philox;
use crate::ops::triangular::Side;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Which columns of a layer tell how the others are moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Masks {
    /// Every second column, and at the next layer the others.
    #[default]
    Alternating,
    /// A half drawn at random, and at the next layer the other half.
    Random,
}

/// What stands before each layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mixing {
    #[default]
    None,
    /// A scale and a shift of every column (Kingma & Dhariwal 2018, activation normalization). The rows that arrive at the start have mean 0 and standard deviation 1 by the fixed
    /// layer: what initializing from data would give is the identity.
    Normalize,
    /// An invertible matrix LU and a shift (Kingma & Dhariwal 2018, §3.2): L unit lower triangular, U upper with a positive diagonal.
    Linear,
}

/// How the columns of a layer see each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure {
    Coupling(Masks),
    /// In the columns' order, and at the next layer in the opposite one.
    Autoregressive,
}

/// Sizes of a chain.
#[derive(Clone, Copy, Debug)]
pub struct NormalizingShape {
    pub conditioner: ConditionerShape,
    /// Layers that move columns.
    pub layers: usize,
    pub structure: Structure,
    pub transform: Transform,
    pub mixing: Mixing,
    /// Bound b of what stands before each layer: its singular values lie between e^−b and e^b, whatever its parameters are; unset is none.
    pub mixing_bound: Option<f32>,
}

enum Layer {
    Move(Coupling),
    Normalize { log_scale: Id, shift: Id },
    Linear(Lu),
}

/// L, U and the logarithms of U's diagonal. Bounded by b in all, L = I + B, U = (I + N)·D, with a third of b for each of L, I + N and the diagonal D.
///
/// A strictly triangular B of Frobenius norm below τ ≤ 1/√2 leaves every singular value of I + B within √(1 − √2τ) and its inverse: the symmetric part of B has trace 0 and norm
/// ‖B‖/√2, so that |x·Bx| < τ/√2 for a unit x, and |x + Bx|² = 1 + 2x·Bx + |Bx|² lies between 1 − √2τ and 1 + √2τ + τ² < 1/(1 − √2τ).
struct Lu {
    lower: Id,
    upper: Id,
    log_diagonal: Id,
    shift: Id,
    below: Tensor,
    above: Tensor,
    one: Tensor,
    bound: Option<f32>,
}

/// The chain; its weights live in [`Parameters`].
pub struct Normalizing {
    shape: NormalizingShape,
    mean: Id,
    whiten: Id,
    color: Id,
    log_det: Id,
    layers: Vec<Layer>,
}

/// Of the data's largest standard deviation: directions below it are none to f32 rows.
const FLAT: f64 = 1e-5;

/// The domain of the words that draw halves.
const HALVES: u32 = 0x4a1f;

impl Normalizing {
    /// Adds the chain to `builder`, which holds nothing yet. `covariance` (columns × columns) and `mean` are the data's, or none where a trained chain is loaded.
    ///
    /// # Errors
    /// Data that lie in fewer dimensions than they have columns.
    pub fn new(
        gpu: &Gpu,
        builder: &mut Builder,
        shape: NormalizingShape,
        moments: Option<(&[f32], &nalgebra::DMatrix<f64>)>,
        seed: u64,
    ) -> Result<Self> {
        let d = shape.conditioner.columns;
        let empty = vec![0.0; d * d];
        let (mean, whiten, color, log_det) = match moments {
            None => (vec![0.0; d], empty.clone(), empty, 0.0),
            Some((mean, covariance)) => {
                let (whiten, color, log_det) = roots(covariance)?;
                (mean.to_vec(), whiten, color, log_det)
            }
        };
        let mean = builder.add("whitening.mean", 1, d, &mean);
        let whiten = builder.add("whitening.forward", d, d, &whiten);
        let color = builder.add("whitening.inverse", d, d, &color);
        let log_det = builder.add("whitening.log_det", 1, 1, &[log_det]);
        builder.fix();
        let mut layers = Vec::new();
        for layer in 0..shape.layers {
            match shape.mixing {
                Mixing::None => {}
                Mixing::Normalize => layers.push(Layer::Normalize {
                    log_scale: builder.zeros(format!("normalize.{layer}.log_scale"), 1, d),
                    shift: builder.zeros(format!("normalize.{layer}.shift"), 1, d),
                }),
                Mixing::Linear => {
                    layers.push(Layer::Linear(Lu::new(gpu, builder, &format!("linear.{layer}"), d, shape.mixing_bound)?))
                }
            }
            let name = format!("layer.{layer}");
            layers.push(Layer::Move(match shape.structure {
                Structure::Coupling(masks) => {
                    let kept = kept(masks, d, layer, seed);
                    Coupling::new(gpu, builder, &name, shape.conditioner, shape.transform, &kept)?
                }
                Structure::Autoregressive => {
                    let mut order: Vec<usize> = (0..d).collect();
                    if layer % 2 == 1 {
                        order.reverse();
                    }
                    Coupling::autoregressive(gpu, builder, &name, shape.conditioner, shape.transform, &order)?
                }
            }));
        }
        Ok(Self { shape, mean, whiten, color, log_det, layers })
    }

    fn given(&self, rec: &mut Recorder, rows: Var) -> Result<(Var, Option<Var>)> {
        let ConditionerShape { columns, conditions, .. } = self.shape.conditioner;
        match conditions {
            0 => Ok((rows, None)),
            _ => Ok((rec.columns(rows, 0, columns)?, Some(rec.columns(rows, columns, conditions)?))),
        }
    }

    /// Latents of rows, and ln|det ∂z/∂x| (n × 1): rows are n × (columns + conditions), latents n × columns.
    pub fn to_latents(&self, rec: &mut Recorder, parameters: &Parameters, rows: Var, weights: Weights) -> Result<(Var, Var)> {
        let (x, given) = self.given(rec, rows)?;
        let [mean, whiten, log_det] = self.fixed(rec, parameters, [self.mean, self.whiten, self.log_det], weights)?;
        let centerd = rec.sub(x, mean)?;
        let mut z = rec.linear(centerd, whiten, None, Activation::Identity)?;
        let zero = rec.constant(0.0, x.rows(), 1)?;
        let mut total = rec.add(zero, log_det)?;
        for layer in &self.layers {
            match layer {
                Layer::Move(layer) => {
                    (z, total) = layer.pass(rec, parameters, Direction::Forward, z, total, given, weights)?;
                }
                Layer::Normalize { log_scale, shift } => {
                    let (log_scale, shift) = (parameters.var(rec, *log_scale, weights)?, parameters.var(rec, *shift, weights)?);
                    let log_scale = within(rec, log_scale, self.shape.mixing_bound)?;
                    let scale = rec.exp(log_scale)?;
                    z = rec.mul(z, scale)?;
                    z = rec.add(z, shift)?;
                    let gained = rec.sum(log_scale)?;
                    total = rec.add(total, gained)?;
                }
                Layer::Linear(lu) => {
                    let (lower, upper, log_diagonal) = lu.factors(rec, parameters, weights)?;
                    let shift = parameters.var(rec, lu.shift, weights)?;
                    let matrix = rec.linear(lower, upper, None, Activation::Identity)?;
                    z = rec.linear(z, matrix, Some(shift), Activation::Identity)?;
                    let gained = rec.sum(log_diagonal)?;
                    total = rec.add(total, gained)?;
                }
            }
        }
        Ok((z, total))
    }

    /// Rows (n × columns) of latents, which carry their conditions behind them: n × (columns + conditions).
    pub fn to_rows(&self, rec: &mut Recorder, parameters: &Parameters, latents: Var, weights: Weights) -> Result<Var> {
        let (mut z, given) = self.given(rec, latents)?;
        let unused = rec.constant(0.0, z.rows(), 1)?;
        for layer in self.layers.iter().rev() {
            z = match layer {
                Layer::Move(layer) => layer.pass(rec, parameters, Direction::Inverse, z, unused, given, weights)?.0,
                Layer::Normalize { log_scale, shift } => {
                    let (log_scale, shift) = (parameters.var(rec, *log_scale, weights)?, parameters.var(rec, *shift, weights)?);
                    let log_scale = within(rec, log_scale, self.shape.mixing_bound)?;
                    let scale = rec.exp(log_scale)?;
                    let z = rec.sub(z, shift)?;
                    rec.div(z, scale)?
                }
                Layer::Linear(lu) => {
                    let (lower, upper, _) = lu.factors(rec, parameters, weights)?;
                    let shift = parameters.var(rec, lu.shift, weights)?;
                    let z = rec.sub(z, shift)?;
                    let z = rec.solve_triangular(Side::Upper, z, upper)?;
                    rec.solve_triangular(Side::UnitLower, z, lower)?
                }
            };
        }
        let [mean, color] = self.fixed(rec, parameters, [self.mean, self.color], weights)?;
        let x = rec.linear(z, color, None, Activation::Identity)?;
        rec.add(x, mean)
    }

    fn fixed<const N: usize>(
        &self,
        rec: &mut Recorder,
        parameters: &Parameters,
        ids: [Id; N],
        weights: Weights,
    ) -> Result<[Var; N]> {
        let mut found = Vec::with_capacity(N);
        for id in ids {
            found.push(parameters.var(rec, id, weights)?);
        }
        Ok(found.try_into().expect("one value an id"))
    }
}

impl Lu {
    fn new(gpu: &Gpu, builder: &mut Builder, name: &str, d: usize, bound: Option<f32>) -> Result<Self> {
        let where_ = |holds: fn(usize, usize) -> bool| {
            let values: Vec<f32> = (0..d * d).map(|i| f32::from(u8::from(holds(i / d, i % d)))).collect();
            gpu.upload(d, d, &values)
        };
        Ok(Self {
            lower: builder.zeros(format!("{name}.lower"), d, d),
            upper: builder.zeros(format!("{name}.upper"), d, d),
            log_diagonal: builder.zeros(format!("{name}.log_diagonal"), 1, d),
            shift: builder.zeros(format!("{name}.shift"), 1, d),
            below: where_(|row, col| row > col)?,
            above: where_(|row, col| row < col)?,
            one: where_(|row, col| row == col)?,
            bound,
        })
    }

    /// L, U and the logarithms of U's diagonal.
    fn factors(&self, rec: &mut Recorder, parameters: &Parameters, weights: Weights) -> Result<(Var, Var, Var)> {
        let (below, above, one) = (rec.tensor(&self.below), rec.tensor(&self.above), rec.tensor(&self.one));
        let third = self.bound.map(|bound| bound / 3.0);
        let lower = parameters.var(rec, self.lower, weights)?;
        let lower = rec.mul(lower, below)?;
        let upper = parameters.var(rec, self.upper, weights)?;
        let upper = rec.mul(upper, above)?;
        let log_diagonal = parameters.var(rec, self.log_diagonal, weights)?;
        let log_diagonal = within(rec, log_diagonal, third)?;
        let diagonal = rec.exp(log_diagonal)?;
        let Some(third) = third else {
            let diagonal = rec.mul(one, diagonal)?;
            return Ok((rec.add(lower, one)?, rec.add(upper, diagonal)?, log_diagonal));
        };
        let most = -(-2.0 * third).exp_m1() / std::f32::consts::SQRT_2;
        let [lower, upper] = [of_norm_below(rec, lower, most)?, of_norm_below(rec, upper, most)?];
        let (lower, upper) = (rec.add(lower, one)?, rec.add(upper, one)?);
        Ok((lower, rec.mul(upper, diagonal)?, log_diagonal))
    }
}

/// bound·tanh(x/bound); x itself without a bound.
fn within(rec: &mut Recorder, x: Var, bound: Option<f32>) -> Result<Var> {
    let Some(bound) = bound else { return Ok(x) };
    let x = rec.scale(x, 1.0 / bound)?;
    let x = rec.activation(x, Activation::Tanh)?;
    rec.scale(x, bound)
}

/// The matrix times τ/√(τ² + ‖B‖²): of a Frobenius norm below τ, and as it was where it is small.
fn of_norm_below(rec: &mut Recorder, matrix: Var, most: f32) -> Result<Var> {
    let matrix = rec.scale(matrix, 1.0 / most)?;
    let squares = rec.square(matrix)?;
    let squares = rec.sum(squares)?;
    let root = rec.affine(squares, 1.0, 1.0)?;
    let root = rec.sqrt(root)?;
    let matrix = rec.div(matrix, root)?;
    rec.scale(matrix, most)
}

/// Which columns are kept at a layer: about half, none of one.
fn kept(masks: Masks, d: usize, layer: usize, seed: u64) -> Vec<bool> {
    let key = [seed as u32, (seed >> 32) as u32];
    let order: Vec<usize> = match masks {
        Masks::Alternating => (0..d).collect(),
        Masks::Random => {
            // Two layers share a half: one moves what the other keeps.
            let mut drawn: Vec<(u32, usize)> =
                (0..d).map(|j| (philox([j as u32, layer as u32 / 2, 0, HALVES], key)[0], j)).collect();
            drawn.sort_unstable();
            let mut place = vec![0; d];
            drawn.iter().enumerate().for_each(|(k, &(_, j))| place[j] = k);
            place
        }
    };
    order.into_iter().map(|place| d > 1 && place % 2 == layer % 2).collect()
}

/// Σ^(−1/2), Σ^(1/2), row by row, and ln|det Σ^(−1/2)|.
fn roots(covariance: &nalgebra::DMatrix<f64>) -> Result<(Vec<f32>, Vec<f32>, f32)> {
    let eigen = nalgebra::SymmetricEigen::new(covariance.clone());
    let deviations = eigen.eigenvalues.map(|v| v.max(0.0).sqrt());
    // An infinite matrix, say, has no number for its largest.
    let steep = deviations.min() > FLAT * deviations.max();
    if !steep {
        return Err(Error::data(
            "the data lie on a manifold of lower dimension (a column is constant, or a linear function of others): they have no density; leave such a column out, or train with noise",
        ));
    }
    let power = |p: f64| {
        let middle = nalgebra::DMatrix::from_diagonal(&deviations.map(|s| s.powf(p)));
        let root = &eigen.eigenvectors * middle * eigen.eigenvectors.transpose();
        // Symmetric: columns are rows.
        root.iter().map(|&v| v as f32).collect::<Vec<_>>()
    };
    let log_det = -deviations.iter().map(|s| s.ln()).sum::<f64>();
    Ok((power(-1.0), power(1.0), log_det as f32))
}
