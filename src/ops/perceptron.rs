//! A whole perceptron in one dispatch, h₁ = xW₀ + b₀, h_{l+1} = σ(h_l)·W_l + b_l, where a kernel that keeps hidden units on the chip is faster
//! than layers one after another; else those.
//!
//! Derivatives take the layers: the first that is asked for records them, and what they hold serves all that follow. So whoever wants only
//! the value pays for it alone (an integration), and whoever wants more gets it right (a density along the way).
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::ops::activation::Activation;
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let one = |rows, cols| gpu.upload(rows, cols, &vec![1.0; rows * cols]);
//! let (x, w, b, v, c) = (gpu.upload(1, 1, &[-3.0])?, one(1, 4)?, one(1, 4)?, one(4, 1)?, one(1, 1)?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let [x, w, b, v, c] = [x, w, b, v, c].map(|t| rec.tensor(&t));
//! let y = rec.perceptron(x, &[(w, b), (v, c)], Activation::Relu)?;
//! let y = rec.keep(y);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(y)?, [1.0]);
//! # Ok(())
//! # }
//! ```

use super::activation::Activation;
use super::linear::{PRODUCT, most_rows};
use crate::gpu::kernels::perceptron::{broadcast, workgroup};
use crate::gpu::{Backward, Family, Recorder, Slot, Var};
use crate::{Error, Result};
use std::cell::RefCell;

/// Hidden units of a row that a workgroup of real GPUs has memory for.
const WIDEST: usize = workgroup::WIDEST as usize;
/// Products between hidden layers at most: the places of their weights are one vec4.
const DEEPEST: usize = broadcast::axis::Depth::HIGH;
/// Numbers between hidden layers that a software adapter's stack is to hold, and the vectors of lanes that they are.
const HELD: usize = 2 * 128 * 128;
const VECTORS: usize = HELD / 8;

/// Weight and bias of each layer.
type Layers = Vec<(Var, Var)>;

/// How the fused kernel runs on this device.
struct Fused {
    weights: Var,
    /// Where the weights of each layer begin in `weights`, and then the biases of all layers but the first, in vec4s.
    places: Vec<u32>,
    variant: Variant,
}

/// The kernel of real GPUs, or that of software adapters with the rows that share a weight there.
#[derive(Clone, Copy)]
enum Variant {
    Workgroup(workgroup::Variant),
    Broadcast(broadcast::Variant, usize),
}

/// The activation of what a layer is given: the network's own input passes none.
fn given(layer: usize, activation: Activation) -> Activation {
    if layer == 0 { Activation::Identity } else { activation }
}

/// Whether the layers have the shape, and `n` rows are enough, for one dispatch to be faster here; and if so, how.
fn fused(rec: &mut Recorder, n: usize, layers: &[(Var, Var)], activation: Activation) -> Option<Fused> {
    let (inputs, width) = layers.first()?.0.shape();
    let (inputs, width, outputs) = (inputs as usize, width as usize, layers.last()?.0.cols());
    let depth = layers.len().checked_sub(2)?;
    if !width.is_multiple_of(4) || width > WIDEST || depth > DEEPEST || layers[..=depth].iter().any(|(w, _)| w.cols() != width) {
        return None;
    }
    let act = activation.axis();
    let variant = match rec.gpu().family() {
        Family::Workgroup => Variant::Workgroup(workgroup::Variant { act }),
        Family::Subgroup { width: lanes } => {
            let lanes = lanes as usize;
            if rec.gpu().has_slow_compiler() {
                // 30 to 70 s at width 128, and 3 at 64.
                return None;
            }
            // Its text names each weight, a vector of lanes at a time: to compile it costs what as many rows gain in a few hundred
            // evaluations. Measured at width 128, four layers: 4 s of 16 lanes, 13 of 8, once (drivers keep it); 0.7 and 0.9 µs a row.
            let count: usize = layers.iter().map(|(w, _)| w.len()).sum();
            let held = depth * width * width;
            let fits = held <= HELD.min(VECTORS * lanes) && inputs.max(outputs) <= lanes;
            if !width.is_multiple_of(4 * lanes) || !fits || n < count {
                return None;
            }
            // Three quarters of the registers hold sums; of 512 bits there are 32, of 256 on many processors 16.
            let rows = (if lanes >= 16 { 24 } else { 12 } / (width / lanes)).max(1);
            let variant = broadcast::Variant {
                sg: lanes.try_into().ok()?,
                width: width.try_into().ok()?,
                depth: depth.try_into().ok()?,
                inputs: inputs.try_into().ok()?,
                rows: rows.try_into().ok()?,
                act,
            };
            Variant::Broadcast(variant, rows)
        }
        Family::Register => return None,
    };
    let weights = layers.iter().map(|layer| layer.0);
    let parts: Vec<Var> = weights.chain(layers[1..].iter().map(|layer| layer.1)).collect();
    let (weights, places) = rec.spanning(&parts)?;
    Some(Fused { weights, places: places.into_iter().map(|place| (place / 4) as u32).collect(), variant })
}

impl Fused {
    fn dispatch(&self, rec: &mut Recorder, x: Var, bias: Var, y: Var, layers: usize) -> Result<()> {
        let (n, depth) = (x.rows(), layers - 2);
        let mut hidden_w = [0; DEEPEST];
        let mut hidden_b = [0; DEEPEST];
        hidden_w[..depth].copy_from_slice(&self.places[1..=depth]);
        hidden_b[..depth].copy_from_slice(&self.places[layers..layers + depth]);
        let (first, last, last_b) = (self.places[0], self.places[layers - 1], self.places[layers + depth]);
        let (k, m, width, depth) = (x.cols() as u32, y.cols() as u32, bias.len() as u32, depth as u32);
        let (n, weights) = (n as u32, self.weights);
        match self.variant {
            Variant::Workgroup(variant) => {
                let params =
                    workgroup::Params { hidden_w, hidden_b, n, k, m, width, depth, first, last, last_b, ..Default::default() };
                let groups = [n.div_ceil(workgroup::TILE), 1, 1];
                rec.dispatch(workgroup::Forward { variant, params, x, w: weights, b: bias, y }, groups)
            }
            Variant::Broadcast(variant, together) => {
                // Loading the weights is worth a few hundred rows.
                let rows = n.div_ceil(rec.gpu().parallel_groups()).max(512).next_multiple_of(together as u32);
                let params = broadcast::Params {
                    hidden_w,
                    hidden_b,
                    n,
                    k,
                    m,
                    width,
                    depth,
                    first,
                    last,
                    last_b,
                    rows,
                    ..Default::default()
                };
                rec.dispatch(broadcast::Forward { variant, params, x, w: weights, b: bias, y }, [n.div_ceil(rows), 1, 1])
            }
        }
    }
}

impl Recorder {
    /// The perceptron of these weights (inputs by outputs) and biases (1 × outputs), first layer first: n × inputs → n × outputs.
    ///
    /// # Errors
    /// When the shapes do not fit together, or there are no layers.
    pub fn perceptron(&mut self, x: Var, layers: &[(Var, Var)], activation: Activation) -> Result<Var> {
        let mut cols = x.cols();
        for (layer, &(w, b)) in layers.iter().enumerate() {
            if w.rows() != cols || b.len() != w.cols() {
                let (w, b) = (w.shape(), b.shape());
                let problem = format!("layer {layer}: {} × {} with a bias of {} × {} on {cols} columns", w.0, w.1, b.0, b.1);
                return Err(Error::shape("perceptron", problem));
            }
            cols = w.cols();
        }
        if layers.is_empty() || x.is_empty() {
            let problem = format!("{} layers on {} × {}: nothing to compute", layers.len(), x.rows(), x.cols());
            return Err(Error::shape("perceptron", problem));
        }
        let Some(fused) = fused(self, x.rows(), layers, activation) else {
            let mut each = layers.iter().enumerate();
            return each.try_fold(x, |h, (layer, &(w, b))| self.linear(h, w, Some(b), given(layer, activation)));
        };
        let y = self.empty(x.rows(), cols)?;
        let weights = layers.iter().map(|(w, _)| w.len()).sum();
        self.add_cost(PRODUCT * (x.rows() * weights) as f64);
        let most = most_rows(self, weights);
        for begin in (0..x.rows()).step_by(most) {
            let count = most.min(x.rows() - begin);
            let (x, y) = (self.view_rows(x, begin, count), self.view_rows(y, begin, count));
            fused.dispatch(self, x, layers[0].1, y, layers.len())?;
        }
        let inputs: Vec<Var> = std::iter::once(x).chain(layers.iter().flat_map(|&(w, b)| [w, b])).collect();
        let held = std::rc::Rc::new(Held { x, layers: layers.to_vec(), activation, given: RefCell::default() });
        let again = held.clone();
        self.record_with_tangent(
            &inputs,
            &[y],
            move |rec, back| held.backward(rec, back, y),
            move |rec, tangents| {
                let mut t = tangents.of(x);
                for (layer, &h) in again.given(rec)?.iter().enumerate() {
                    let (w, b) = again.layers[layer];
                    t = rec.linear_tangent(h, w, given(layer, activation), [t, tangents.of(w), tangents.of(b)])?;
                }
                Ok(vec![t])
            },
        );
        Ok(y)
    }
}

/// What the derivatives of a fused perceptron need.
struct Held {
    x: Var,
    layers: Layers,
    activation: Activation,
    /// What each layer is given, once it has been recorded.
    given: RefCell<Vec<Var>>,
}

impl Held {
    fn given(&self, rec: &mut Recorder) -> Result<Vec<Var>> {
        if self.given.borrow().is_empty() {
            let mut held = vec![self.x];
            for (layer, &(w, b)) in self.layers[..self.layers.len() - 1].iter().enumerate() {
                let h = rec.linear(held[layer], w, Some(b), given(layer, self.activation))?;
                held.push(h);
            }
            self.given.replace(held);
        }
        Ok(self.given.borrow().clone())
    }

    fn backward(&self, rec: &mut Recorder, back: &mut Backward, y: Var) -> Result<()> {
        let Some(mut d) = back.of(rec, y)? else { return Ok(()) };
        for (layer, h) in self.given(rec)?.into_iter().enumerate().rev() {
            let ((w, b), activation) = (self.layers[layer], given(layer, self.activation));
            let (d_w, d_b) = (back.slot(rec, w)?, back.slot(rec, b)?);
            if d_w.is_some() || d_b.is_some() {
                rec.linear_weight(h, d, activation, d_w, d_b)?;
            }
            let slot = match layer {
                0 => back.slot(rec, self.x)?,
                _ => Some(Slot { into: rec.empty(h.rows(), h.cols())?, accumulate: false }),
            };
            if let Some(slot) = slot {
                rec.linear_input(h, w, d, activation, slot)?;
                d = slot.into;
            }
        }
        Ok(())
    }
}
