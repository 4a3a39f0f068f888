//! Following a velocity field.

use super::ceiling::Operations;
use super::{Prepared, agree, normal, wide};
use crate::Result;
use crate::flow::{Grid, Solver, integrate};
use crate::gpu::{Gpu, Kept, Plan, Recorder, Step, Var};
use crate::nn::{Builder, Id, Parameters, Weights};
use crate::ops::activation::Activation;
use crate::reference::perceptron::Perceptron;

const COLUMNS: usize = 2;
const WIDTH: usize = 128;
/// Inputs and outputs of each layer; the time is the first one's third input.
const LAYERS: [(usize, usize); 4] = [(COLUMNS, WIDTH), (WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH, COLUMNS)];

/// A field v(x, t) of three hidden layers.
struct Field {
    parameters: Parameters,
    layers: Vec<(Id, Id)>,
    of_time: Id,
}

impl Field {
    fn new(gpu: &Gpu) -> Result<Self> {
        let mut builder = Builder::new(0);
        let bound = |inputs: usize| (3.0 / inputs as f32).sqrt();
        let layer = |(i, &(inputs, outputs)): (usize, &(usize, usize))| {
            let bias = builder.uniform(format!("{i}.bias"), 1, outputs, 0.5);
            (builder.uniform(format!("{i}.weight"), inputs, outputs, bound(inputs + usize::from(i == 0))), bias)
        };
        let layers = LAYERS.iter().enumerate().map(layer).collect();
        let of_time = builder.uniform("time", 1, WIDTH, bound(COLUMNS + 1));
        Ok(Self { parameters: builder.build(gpu)?, layers, of_time })
    }

    /// `steps` steps of Heun from t = 0 to 1.
    fn follow(&self, gpu: &Gpu, x: &[f32], steps: usize) -> Result<(Step, Kept)> {
        let start = gpu.upload(x.len() / COLUMNS, COLUMNS, x)?;
        let mut rec = Recorder::new(gpu, 0);
        let var = |rec: &mut Recorder, id| self.parameters.var(rec, id, Weights::Averaged);
        let mut layers: Vec<(Var, Var)> = Vec::new();
        for &(weight, bias) in &self.layers {
            layers.push((var(&mut rec, weight)?, var(&mut rec, bias)?));
        }
        let (of_time, bias) = (var(&mut rec, self.of_time)?, layers[0].1);
        let x = rec.tensor(&start);
        let times = Grid::Uniform.times(0.0, 1.0, steps)?;
        let x = integrate(&mut rec, Solver::Heun, &times, x, &mut |rec, x, t| {
            let t = rec.constant(t as f32, 1, 1)?;
            layers[0].1 = rec.linear(t, of_time, Some(bias), Activation::Identity)?;
            rec.perceptron(x, &layers, Activation::Silu)
        })?;
        let x = rec.keep(x);
        Ok((rec.finish()?, x))
    }

    /// Where one row ends, in f64.
    fn reference(&self, x: &[f32], steps: usize) -> Result<Vec<f64>> {
        let named = self.parameters.averaged()?;
        let values = |name: &str| named.iter().find(|slice| slice.0 == name).map_or(Vec::new(), |slice| wide(&slice.3));
        let mut flat = Vec::new();
        for i in 0..LAYERS.len() {
            flat.extend(values(&format!("{i}.weight")));
            if i == 0 {
                flat.extend(values("time"));
            }
            flat.extend(values(&format!("{i}.bias")));
        }
        let sizes = LAYERS.iter().enumerate().flat_map(|(i, (k, m))| [(k + usize::from(i == 0)) * m, *m]);
        let net = Perceptron::new(&flat, &sizes.collect::<Vec<_>>(), Activation::Silu);
        let velocity = |x: &[f64], t: f64| net.outputs(&[x[0], x[1], t], COLUMNS + 1).value;
        let moved = |x: &[f64], v: &[f64], h: f64| x.iter().zip(v).map(|(x, v)| x + h * v).collect::<Vec<_>>();
        let h = 1.0 / steps as f64;
        Ok((0..steps).fold(wide(x), |x, step| {
            let t = step as f64 * h;
            let first = velocity(&x, t);
            let second = velocity(&moved(&x, &first, h), t + h);
            moved(&moved(&x, &first, h / 2.0), &second, h / 2.0)
        }))
    }
}

/// A hundred steps of Heun.
pub(super) fn ode(gpu: &Gpu, rows: usize) -> Result<Prepared> {
    let field = Field::new(gpu)?;
    let x = normal(rows * COLUMNS, 1);
    // A few steps of as many rows run the same kernels as the whole.
    let (mut few, end) = field.follow(gpu, &x, 3)?;
    few.replay(1)?;
    let found = few.read(end)?;
    for row in (0..rows).step_by(rows / 61) {
        let own = row * COLUMNS..(row + 1) * COLUMNS;
        let value = field.reference(&x[own.clone()], 3)?;
        // What a row passes on its way is of the size of a few.
        let reference = crate::reference::Exact { scale: vec![4.0; COLUMNS], value, terms: 2 * WIDTH };
        agree("an integration", &reference, &found[own])?;
    }
    let steps = 100;
    let (step, _) = field.follow(gpu, &x, steps)?;
    let evaluations = (rows * steps * Solver::Heun.evaluations()) as f64;
    let weights: usize = LAYERS.iter().map(|(inputs, outputs)| inputs * outputs).sum();
    let operations =
        Operations { flops: 2.0 * weights as f64 * evaluations, exponentials: (3 * WIDTH) as f64 * evaluations, circles: 0.0 };
    Ok(Prepared { plan: Plan::of(step), work: rows as f64 * 1e-3, unit: "ksamples/s", operations })
}
