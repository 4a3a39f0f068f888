//! Formulas of columns, recorded operation by operation: gradients flow as through anything taped.
//!
//! ```
//! # use pushforward::data::Formulas;
//! # use pushforward::gpu::{Gpu, Recorder};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let x = gpu.upload(2, 1, &[1.0, 3.0])?;
//! let mut rec = Recorder::new(&gpu, 0);
//! let x = rec.tensor(&x);
//! let cubes = rec.formulas(&Formulas::parse(&["2*age^3"], &["age"])?, &[x])?[0];
//! let cubes = rec.keep(cubes);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(cubes)?, [2.0, 54.0]);
//! # Ok(())
//! # }
//! ```

use super::activation::Activation;
use crate::data::{Formulas, Function, Node};
use crate::gpu::{Recorder, Var};
use crate::{Error, Result};

impl Recorder {
    /// Each formula at each row, n × 1, of columns given one by one (n × 1 each). Outside of a function's domain the nearest argument in it is
    /// taken ([`Recorder::sqrt`], [`Recorder::log`], [`Recorder::exp`]).
    pub fn formulas(&mut self, formulas: &Formulas, columns: &[Var]) -> Result<Vec<Var>> {
        let rows = columns.first().map_or(0, |c| c.rows());
        if columns.len() != formulas.columns() || columns.iter().any(|c| c.shape() != (rows as u32, 1)) {
            let problem = format!("{} columns for formulas of {}, each one wide", columns.len(), formulas.columns());
            return Err(Error::shape("formulas", problem));
        }
        let mut values: Vec<Var> = Vec::with_capacity(formulas.nodes().len());
        for &node in formulas.nodes() {
            let value = match node {
                Node::Column(j) => columns[j],
                Node::Number(value) => self.constant(value as f32, rows, 1)?,
                Node::Affine { of, scale, offset } => self.affine(values[of], scale as f32, offset as f32)?,
                Node::Add(a, b) => self.add(values[a], values[b])?,
                Node::Sub(a, b) => self.sub(values[a], values[b])?,
                Node::Mul(a, b) if a == b => self.square(values[a])?,
                Node::Mul(a, b) => self.mul(values[a], values[b])?,
                Node::Div(a, b) => self.div(values[a], values[b])?,
                Node::Power(a, p) => self.power(values[a], p)?,
                Node::Apply(function, a) => match function {
                    Function::Exp => self.exp(values[a])?,
                    Function::Log => self.log(values[a])?,
                    Function::Sqrt => self.sqrt(values[a])?,
                    Function::Sin => self.sin(values[a])?,
                    Function::Cos => self.cos(values[a])?,
                    Function::Tanh => self.activation(values[a], Activation::Tanh)?,
                    Function::Abs => self.abs(values[a])?,
                    Function::Sigmoid => self.sigmoid(values[a])?,
                },
            };
            values.push(value);
        }
        Ok(formulas.outputs().iter().map(|&output| values[output]).collect())
    }

    /// aᵖ: by squaring where p is a whole number, else exp(p ln a), for a above 0.
    fn power(&mut self, a: Var, p: f64) -> Result<Var> {
        if p == 0.5 {
            return self.sqrt(a);
        }
        if p != p.trunc() {
            let log = self.log(a)?;
            let scaled = self.scale(log, p as f32)?;
            return self.exp(scaled);
        }
        let (mut rest, mut square, mut product) = (p.abs() as u32, a, None);
        loop {
            if rest % 2 == 1 {
                product = Some(match product {
                    None => square,
                    Some(product) => self.mul(product, square)?,
                });
            }
            rest /= 2;
            match (rest, product) {
                (0, Some(product)) => return if p < 0.0 { self.reciprocal(product) } else { Ok(product) },
                (0, None) => return self.constant(1.0, a.rows(), a.cols()),
                _ => square = self.square(square)?,
            }
        }
    }
}
