//! [`Parameters`]: one flat buffer each for value, gradient, moments and average; named slices, 256-byte aligned.

use crate::gpu::{Gpu, Recorder, Tensor, Var};
use crate::ops::adam::{Adam, Flat};
use crate::ops::random::{philox, unit};
use crate::{Error, Result};

/// A slice on the host: name, rows, columns, values.
pub type NamedValues = (String, usize, usize, Vec<f32>);

/// A slice of the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(usize);

/// Which weights a forward pass reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// The ones that training moves.
    Trained,
    /// Their moving average: for sampling.
    Averaged,
}

#[derive(Clone, Debug)]
struct Slice {
    name: String,
    offset: usize,
    rows: usize,
    cols: usize,
}

/// Parameters under construction.
///
/// Every initial number is a function of the seed, its slice and its place, on every machine.
pub struct Builder {
    slices: Vec<Slice>,
    values: Vec<f32>,
    /// Where the numbers begin that are learned.
    learned: usize,
    seed: u64,
    domain: u32,
}

/// Initial weights have a counter domain of their own, apart from those of steps.
const DOMAIN: u32 = 0x5eed;

impl Builder {
    pub fn new(seed: u64) -> Self {
        Self::with_domain(seed, 0)
    }

    /// Weights that differ from those of every other domain of the same seed: networks that train together each take their own.
    pub fn with_domain(seed: u64, domain: u32) -> Self {
        Self { slices: Vec::new(), values: Vec::new(), learned: 0, seed, domain }
    }

    /// A slice with given values, row by row.
    pub fn add(&mut self, name: impl Into<String>, rows: usize, cols: usize, values: &[f32]) -> Id {
        assert_eq!(values.len(), rows * cols, "the values of a slice fill it");
        let offset = self.values.len();
        self.slices.push(Slice { name: name.into(), offset, rows, cols });
        self.values.extend_from_slice(values);
        self.values.resize(self.values.len().next_multiple_of(64), 0.0);
        Id(self.slices.len() - 1)
    }

    /// What was added so far belongs to the model and stays as it is: no update moves it.
    pub fn fix(&mut self) {
        self.learned = self.values.len();
    }

    /// A slice of numbers uniform on [−bound, bound].
    pub fn uniform(&mut self, name: impl Into<String>, rows: usize, cols: usize, bound: f32) -> Id {
        let stream = self.slices.len() as u32;
        let key = [self.seed as u32, (self.seed >> 32) as u32];
        let values: Vec<f32> = (0..(rows * cols).div_ceil(4))
            .flat_map(|i| philox([i as u32, stream, self.domain, DOMAIN], key))
            .map(|bits| bound * (2.0 * unit(bits) as f32 - 1.0))
            .take(rows * cols)
            .collect();
        self.add(name, rows, cols, &values)
    }

    /// A slice of zeros.
    pub fn zeros(&mut self, name: impl Into<String>, rows: usize, cols: usize) -> Id {
        self.add(name, rows, cols, &vec![0.0; rows * cols])
    }

    /// Uploads everything; moments start at zero and the average at the values.
    pub fn build(self, gpu: &Gpu) -> Result<Parameters> {
        let len = self.values.len();
        Ok(Parameters {
            value: gpu.upload(1, len, &self.values)?,
            gradient: gpu.zeros(1, len)?,
            first: gpu.zeros(1, len)?,
            second: gpu.zeros(1, len)?,
            average: gpu.upload(1, len, &self.values)?,
            slices: self.slices,
            learned: self.learned,
        })
    }
}

/// One flat buffer each for value, gradient, moments and average.
pub struct Parameters {
    value: Tensor,
    gradient: Tensor,
    first: Tensor,
    second: Tensor,
    average: Tensor,
    slices: Vec<Slice>,
    learned: usize,
}

/// The flat buffers that a checkpoint holds, under these names.
const STATE: [&str; 4] = ["value", "first", "second", "average"];

impl Parameters {
    /// How many numbers are learned (without the padding between slices).
    pub fn count(&self) -> usize {
        self.slices.iter().map(|s| s.rows * s.cols).sum()
    }

    /// A slice as a value of the recording; the gradient of trained weights lands in the flat gradient buffer.
    pub fn var(&self, rec: &mut Recorder, id: Id, weights: Weights) -> Result<Var> {
        let Slice { offset, rows, cols, .. } = self.slices[id.0];
        match weights {
            Weights::Averaged => rec.slice(&self.average, offset, rows, cols),
            Weights::Trained => {
                let var = rec.slice(&self.value, offset, rows, cols)?;
                let gradient = rec.slice(&self.gradient, offset, rows, cols)?;
                rec.set_gradient(var, gradient)?;
                Ok(var)
            }
        }
    }

    fn all(&self, rec: &mut Recorder) -> Result<Vec<Var>> {
        let learned = (0..self.slices.len()).filter(|&i| self.slices[i].offset >= self.learned);
        learned.map(|i| self.var(rec, Id(i), Weights::Trained)).collect()
    }

    /// The averaged weights by name, as (name, rows, columns, values).
    pub fn averaged(&self) -> Result<Vec<NamedValues>> {
        Ok(self.named(&self.average.read()?))
    }

    /// A flat buffer of these weights, such as [`Parameters::average`] once was, by name.
    pub fn named(&self, flat: &[f32]) -> Vec<NamedValues> {
        let values = |s: &Slice| flat[s.offset..s.offset + s.rows * s.cols].to_vec();
        self.slices.iter().map(|s| (s.name.clone(), s.rows, s.cols, values(s))).collect()
    }

    /// Replaces values and average by named slices, as [`Parameters::averaged`] gave them.
    pub fn load(&self, find: impl Fn(&str) -> Option<Vec<f32>>) -> Result<()> {
        let mut flat = self.average.read()?;
        for s in &self.slices {
            let count = s.rows * s.cols;
            let values = find(&s.name).ok_or_else(|| Error::data(format!("the model has no weights named `{}`", s.name)))?;
            if values.len() != count {
                let problem = format!("the model's `{}` has {} numbers and {count} are needed", s.name, values.len());
                return Err(Error::data(problem));
            }
            flat[s.offset..s.offset + count].copy_from_slice(&values);
        }
        self.value.write(&flat)?;
        self.average.write(&flat)
    }

    /// All of the optimizer's state, as (name, flat values).
    pub fn state(&self) -> Result<Vec<(&'static str, Vec<f32>)>> {
        let tensors = [&self.value, &self.first, &self.second, &self.average];
        STATE.iter().zip(tensors).map(|(name, tensor)| Ok((*name, tensor.read()?))).collect()
    }

    /// Restores what [`Parameters::state`] gave.
    pub fn restore(&self, find: impl Fn(&str) -> Option<Vec<f32>>) -> Result<()> {
        for (name, tensor) in STATE.iter().zip([&self.value, &self.first, &self.second, &self.average]) {
            let values = find(name).filter(|v| v.len() == tensor.len());
            let values = values.ok_or_else(|| Error::data(format!("the checkpoint's `{name}` does not fit this network")))?;
            tensor.write(&values)?;
        }
        Ok(())
    }

    /// The averaged weights as one flat buffer.
    pub fn average(&self) -> &Tensor {
        &self.average
    }
}

impl Recorder {
    /// Appends the gradient of a 1×1 `loss` with respect to every parameter, and one update by `adam`. Returns the squared
    /// global norm of the gradient.
    pub fn minimize(&mut self, loss: Var, parameters: &Parameters, adam: &Adam) -> Result<Var> {
        let all = parameters.all(self)?;
        self.backward(loss, &all)?;
        let learned =
            |rec: &mut Self, tensor: &Tensor| rec.slice(tensor, parameters.learned, 1, tensor.cols() - parameters.learned);
        let value = learned(self, &parameters.value)?;
        let gradient = learned(self, &parameters.gradient)?;
        let first = learned(self, &parameters.first)?;
        let second = learned(self, &parameters.second)?;
        let average = learned(self, &parameters.average)?;
        self.adam(Flat { value, gradient, first, second, average }, adam)
    }
}
