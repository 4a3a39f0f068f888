//! A case: operands, what is recorded of them, and what that must be.

use crate::shared::numbers;
use pushforward::Result;
use pushforward::gpu::{Recorder, Var};
use pushforward::reference::Exact;
use std::cell::Cell;

thread_local! {
    /// What is added to the seeds of operands.
    static SALT: Cell<u64> = const { Cell::new(0) };
}

/// Runs with other operands than the table's.
pub fn salted(salt: u64, run: impl FnOnce()) {
    SALT.set(salt);
    run();
    SALT.set(0);
}

/// An operand: its shape and its values.
pub struct Operand {
    pub rows: usize,
    pub columns: usize,
    pub values: Values,
}

pub enum Values {
    Numbers(Vec<f32>),
    /// Indices: the reference sees them as numbers.
    Words(Vec<u32>),
}

impl Operand {
    /// Numbers of about unit size.
    pub fn new(rows: usize, columns: usize, seed: u64) -> Self {
        Self::mapped(rows, columns, seed, |v| v)
    }

    /// The same numbers mapped.
    pub fn mapped(rows: usize, columns: usize, seed: u64, map: impl Fn(f32) -> f32) -> Self {
        Self::of(rows, columns, numbers(rows * columns, seed + 1000 * SALT.get()).into_iter().map(map).collect())
    }

    pub fn of(rows: usize, columns: usize, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), rows * columns);
        Self { rows, columns, values: Values::Numbers(values) }
    }

    pub fn words(values: Vec<u32>) -> Self {
        Self { rows: 1, columns: values.len(), values: Values::Words(values) }
    }

    pub fn len(&self) -> usize {
        self.rows * self.columns
    }

    pub fn upload(&self, rec: &mut Recorder) -> Result<Var> {
        let tensor = match &self.values {
            Values::Numbers(values) => rec.gpu().upload(self.rows, self.columns, values)?,
            Values::Words(words) => rec.gpu().upload_u32(self.rows, self.columns, words)?,
        };
        Ok(rec.tensor(&tensor))
    }

    /// The values in double precision.
    pub fn wide(&self) -> Vec<f64> {
        match &self.values {
            Values::Numbers(values) => values.iter().map(|&v| v.into()).collect(),
            Values::Words(words) => words.iter().map(|&w| w.into()).collect(),
        }
    }
}

/// Operands in double precision.
pub type Wide = [Vec<f64>];
type Record = Box<dyn Fn(&mut Recorder, &[Var]) -> Result<Vec<Var>>>;
type Reference = Box<dyn Fn(&Wide) -> Vec<Exact>>;
type Gradient = Box<dyn Fn(&Wide, &Wide) -> Vec<Exact>>;

/// One use of an op.
pub struct Case {
    /// Which variant.
    pub what: String,
    pub operands: Vec<Operand>,
    /// The op on its operands, and its outputs.
    pub record: Record,
    /// The outputs.
    pub reference: Reference,
    /// The operands that gradients are taken by.
    pub differentiable: Vec<usize>,
    /// The gradients by these operands, given the outputs' cotangents; central differences of the reference unless given.
    pub gradient: Option<Gradient>,
    /// Whether the op has a tangent rule.
    pub tangent: bool,
    /// How far gradients may be from differences, relative to the sum of their terms.
    pub tolerance: f64,
}

impl Case {
    pub fn new(
        what: impl Into<String>,
        operands: Vec<Operand>,
        record: impl Fn(&mut Recorder, &[Var]) -> Result<Vec<Var>> + 'static,
        reference: impl Fn(&Wide) -> Vec<Exact> + 'static,
    ) -> Self {
        Self {
            what: what.into(),
            operands,
            record: Box::new(record),
            reference: Box::new(reference),
            differentiable: Vec::new(),
            gradient: None,
            tangent: false,
            tolerance: 1e-5,
        }
    }

    /// Gradients by these operands, and tangents along them.
    pub fn differentiable(self, by: &[usize]) -> Self {
        Self { differentiable: by.to_vec(), tangent: true, ..self }
    }

    /// Gradients by these operands alone: the op has no tangent rule.
    pub fn reverse_only(self, by: &[usize]) -> Self {
        Self { differentiable: by.to_vec(), ..self }
    }

    /// The reference's own gradients.
    pub fn gradient(self, gradient: impl Fn(&Wide, &Wide) -> Vec<Exact> + 'static) -> Self {
        Self { gradient: Some(Box::new(gradient)), ..self }
    }

    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }
}

/// A reference of values, each of the size of its own terms.
pub fn exact(values: impl IntoIterator<Item = f64>) -> Exact {
    let mut reference = Exact::new(1);
    values.into_iter().for_each(|v| reference.push_scaled(v, v.abs()));
    reference
}

/// A reference of values and their scales.
pub fn scaled(value: Vec<f64>, scale: Vec<f64>, terms: usize) -> Exact {
    Exact { value, scale, terms }
}
