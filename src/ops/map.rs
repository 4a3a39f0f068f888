//! Elementwise maps of one or two values, with broadcasting of a row, a column or a number.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let (x, b) = (gpu.upload(2, 2, &[1.0, 2.0, 3.0, 4.0])?, gpu.upload(1, 2, &[10.0, 20.0])?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let (x, b) = (rec.tensor(&x), rec.tensor(&b));
//! let y = rec.add(x, b)?;
//! let y = rec.keep(y);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(y)?, [11.0, 22.0, 13.0, 24.0]);
//! # Ok(())
//! # }
//! ```

use crate::gpu::kernels::map::axis::{Binary as Pair, Shape, Unary as Function};
use crate::gpu::kernels::map::{Binary, Params, Unary, UnaryBackward, Variant};
use crate::gpu::{Backward, Recorder, Var};
use crate::{Error, Result};

/// How the second operand of a binary map fits the first.
impl Shape {
    fn of(op: &'static str, a: Var, b: Var) -> Result<Self> {
        if a.shape() == b.shape() {
            Ok(Self::Same)
        } else if b.len() == 1 {
            Ok(Self::Scalar)
        } else if b.rows() == 1 && b.cols() == a.cols() {
            Ok(Self::Row)
        } else if b.cols() == 1 && b.rows() == a.rows() {
            Ok(Self::Column)
        } else {
            let (b, a) = (b.shape(), a.shape());
            let problem = format!("{} × {} does not spread over {} × {}", b.0, b.1, a.0, a.1);
            Err(Error::shape(op, problem))
        }
    }
}

/// The variant of a map of one value.
fn of_one(unary: Function) -> Variant {
    Variant { unary, binary: Pair::Add, shape: Shape::Same }
}

/// The op's name, for errors.
fn name(binary: Pair) -> &'static str {
    match binary {
        Pair::Add => "add",
        Pair::Sub => "sub",
        Pair::Mul => "mul",
        Pair::Div => "div",
        Pair::Blend => "blend",
    }
}

fn params(a: Var, scale: f32, offset: f32, accumulate: bool) -> Params {
    Params { len: a.len() as u32, cols: a.cols() as u32, scale, offset, accumulate: accumulate.into() }
}

impl Recorder {
    /// scale·a + offset.
    pub fn affine(&mut self, a: Var, scale: f32, offset: f32) -> Result<Var> {
        self.unary(Function::Affine, a, scale, offset)
    }

    /// scale·a.
    pub fn scale(&mut self, a: Var, scale: f32) -> Result<Var> {
        self.unary(Function::Affine, a, scale, 0.0)
    }

    /// a².
    pub fn square(&mut self, a: Var) -> Result<Var> {
        self.unary(Function::Square, a, 0.0, 0.0)
    }

    /// √a, with negative arguments taken as zero.
    pub fn sqrt(&mut self, a: Var) -> Result<Var> {
        self.unary(Function::Sqrt, a, 0.0, 0.0)
    }

    /// eᵃ, with the argument clamped to [−87, 88].
    pub fn exp(&mut self, a: Var) -> Result<Var> {
        self.unary(Function::Exp, a, 0.0, 0.0)
    }

    /// ln a, with arguments below the smallest normal number taken as that number.
    pub fn log(&mut self, a: Var) -> Result<Var> {
        self.unary(Function::Log, a, 0.0, 0.0)
    }

    /// |a|, whose gradient at zero is zero.
    pub fn abs(&mut self, a: Var) -> Result<Var> {
        self.unary(Function::Abs, a, 0.0, 0.0)
    }

    /// 1/(1 + e⁻ᵃ).
    pub fn sigmoid(&mut self, a: Var) -> Result<Var> {
        self.unary(Function::Sigmoid, a, 0.0, 0.0)
    }

    /// 1/a.
    pub fn reciprocal(&mut self, a: Var) -> Result<Var> {
        self.unary(Function::Reciprocal, a, 0.0, 0.0)
    }

    /// sin a, for |a| up to about 10⁴ (the argument is reduced to [−π, π] first).
    pub fn sin(&mut self, a: Var) -> Result<Var> {
        self.unary(Function::Sin, a, 0.0, 0.0)
    }

    /// cos a, for |a| up to about 10⁴ (the argument is reduced to [−π, π] first).
    pub fn cos(&mut self, a: Var) -> Result<Var> {
        self.unary(Function::Cos, a, 0.0, 0.0)
    }

    /// a held between two bounds; the gradient is zero outside them.
    pub fn clamp(&mut self, a: Var, low: f32, high: f32) -> Result<Var> {
        self.unary(Function::Clamp, a, low, high)
    }

    fn unary(&mut self, function: Function, a: Var, scale: f32, offset: f32) -> Result<Var> {
        let out = self.empty(a.rows(), a.cols())?;
        let groups = self.groups(a.len(), Unary::WIDTH);
        self.dispatch(Unary { variant: of_one(function), params: params(a, scale, offset, false), a, out }, groups)?;
        let vjp = move |rec: &mut Recorder, back: &mut Backward| {
            if function == Function::Affine {
                return match (back.known(out), back.of(rec, out)?) {
                    (Some(known), _) => back.pass_known(rec, a, scale * known),
                    (None, Some(d_out)) => back.pass_scaled(rec, a, d_out, scale),
                    (None, None) => Ok(()),
                };
            }
            let Some(d_out) = back.of(rec, out)? else { return Ok(()) };
            let Some(slot) = back.slot(rec, a)? else { return Ok(()) };
            let params = params(a, scale, offset, slot.accumulate);
            rec.dispatch(UnaryBackward { variant: of_one(function), params, a, d_out, out: slot.into }, groups)
        };
        self.record_with_tangent(&[a], &[out], vjp, move |rec, tangents| {
            let Some(a_dot) = tangents.of(a) else { return Ok(vec![None]) };
            let one_plus = |rec: &mut Recorder, y: Var, scale, offset| rec.affine(y, scale, offset);
            let slope = match function {
                Function::Affine => return Ok(vec![Some(rec.scale(a_dot, scale)?)]),
                Function::Square => rec.scale(a, 2.0)?,
                Function::Sqrt => {
                    let inverse = rec.reciprocal(out)?;
                    rec.scale(inverse, 0.5)?
                }
                Function::Exp => out,
                Function::Log => rec.reciprocal(a)?,
                Function::Sin => rec.cos(a)?,
                Function::Cos => {
                    let sine = rec.sin(a)?;
                    rec.scale(sine, -1.0)?
                }
                Function::Sigmoid => {
                    let rest = one_plus(rec, out, -1.0, 1.0)?;
                    rec.mul(out, rest)?
                }
                Function::Reciprocal => {
                    let square = rec.square(out)?;
                    rec.scale(square, -1.0)?
                }
                Function::Abs => return Err(Error::shape("abs", "has no tangent rule")),
                Function::Clamp => return Err(Error::shape("clamp", "has no tangent rule")),
            };
            Ok(vec![Some(rec.mul(slope, a_dot)?)])
        });
        Ok(out)
    }

    /// a + b.
    pub fn add(&mut self, a: Var, b: Var) -> Result<Var> {
        self.binary(Pair::Add, a, b, 1.0, 1.0)
    }

    /// a − b.
    pub fn sub(&mut self, a: Var, b: Var) -> Result<Var> {
        self.binary(Pair::Sub, a, b, 1.0, -1.0)
    }

    /// a·b, element by element.
    pub fn mul(&mut self, a: Var, b: Var) -> Result<Var> {
        self.binary(Pair::Mul, a, b, 1.0, 1.0)
    }

    /// a/b, element by element.
    pub fn div(&mut self, a: Var, b: Var) -> Result<Var> {
        self.binary(Pair::Div, a, b, 1.0, 1.0)
    }

    /// s·a + t·b.
    pub fn blend(&mut self, a: Var, b: Var, s: f32, t: f32) -> Result<Var> {
        self.binary(Pair::Blend, a, b, s, t)
    }

    fn apply(&mut self, binary: Pair, a: Var, b: Var, params: Params, out: Var) -> Result<()> {
        let variant = Variant { unary: Function::Affine, binary, shape: Shape::of(name(binary), a, b)? };
        let groups = self.groups(a.len(), Binary::WIDTH);
        self.dispatch(Binary { variant, params, a, b, out }, groups)
    }

    fn binary(&mut self, pair: Pair, a: Var, b: Var, s: f32, t: f32) -> Result<Var> {
        let shape = Shape::of(name(pair), a, b)?;
        let out = self.empty(a.rows(), a.cols())?;
        self.apply(pair, a, b, params(a, s, t, false), out)?;
        let vjp = move |rec: &mut Recorder, back: &mut Backward| {
            let Some(d_out) = back.of(rec, out)? else { return Ok(()) };
            match pair {
                Pair::Mul | Pair::Div => {
                    if let Some(slot) = back.slot(rec, a)? {
                        rec.apply(pair, d_out, b, params(a, 1.0, 1.0, slot.accumulate), slot.into)?;
                    }
                }
                _ => back.pass_scaled(rec, a, d_out, s)?,
            }
            if !back.wants(b) {
                return Ok(());
            }
            // ∂out/∂b times the cotangent, in the shape of a; then summed back to the shape of b.
            let (full, scale) = match pair {
                Pair::Mul => (rec.product(d_out, a)?, 1.0),
                Pair::Div => {
                    let quotient = rec.product(d_out, out)?;
                    let full = rec.empty(a.rows(), a.cols())?;
                    rec.apply(Pair::Div, quotient, b, params(a, 1.0, 1.0, false), full)?;
                    (full, -1.0)
                }
                _ => (d_out, t),
            };
            let summed = match shape {
                Shape::Same => full,
                Shape::Row => rec.sum_rows_untaped(full)?,
                Shape::Column => rec.sum_cols_untaped(full)?,
                Shape::Scalar => rec.sum_untaped(full)?,
            };
            back.pass_scaled(rec, b, summed, scale)
        };
        self.record_with_tangent(&[a, b], &[out], vjp, move |rec, tangents| {
            let (a_dot, b_dot) = (tangents.of(a), tangents.of(b));
            let spread = |rec: &mut Recorder, v: Var| {
                let zero = rec.constant(0.0, a.rows(), a.cols())?;
                rec.add(zero, v)
            };
            let tangent = match pair {
                Pair::Mul => {
                    let left = a_dot.map(|d| rec.mul(d, b)).transpose()?;
                    let right = b_dot.map(|d| rec.mul(a, d)).transpose()?;
                    sum_of(rec, left, right)?
                }
                Pair::Div => {
                    let left = a_dot.map(|d| rec.div(d, b)).transpose()?;
                    let right = match b_dot {
                        None => None,
                        Some(d) => {
                            let ratio = rec.div(out, b)?;
                            let product = rec.mul(ratio, d)?;
                            Some(rec.scale(product, -1.0)?)
                        }
                    };
                    sum_of(rec, left, right)?
                }
                _ => match (a_dot, b_dot) {
                    (Some(da), Some(db)) => Some(rec.blend(da, db, s, t)?),
                    (Some(da), None) => Some(rec.scale(da, s)?),
                    (None, Some(db)) => {
                        let full = spread(rec, db)?;
                        Some(rec.scale(full, t)?)
                    }
                    (None, None) => None,
                },
            };
            Ok(vec![tangent])
        });
        Ok(out)
    }

    fn product(&mut self, a: Var, b: Var) -> Result<Var> {
        let out = self.empty(a.rows(), a.cols())?;
        self.apply(Pair::Mul, a, b, params(a, 1.0, 1.0, false), out)?;
        Ok(out)
    }

    /// Overwrites `into` (existing memory of as many elements) with `a`: for state that one step hands to the next. Not taped.
    pub fn copy_into(&mut self, a: Var, into: Var) -> Result<()> {
        if a.len() != into.len() {
            let problem = format!("{} × {} into {} × {}", a.rows(), a.cols(), into.rows(), into.cols());
            return Err(Error::shape("copy_into", problem));
        }
        let groups = self.groups(a.len(), Unary::WIDTH);
        self.dispatch(Unary { variant: of_one(Function::Affine), params: params(a, 1.0, 0.0, false), a, out: into }, groups)
    }

    /// The same value as a constant of the reverse pass: no gradient flows through it.
    pub fn detach(&mut self, a: Var) -> Var {
        self.view(a, a.rows(), a.cols())
    }

    /// The same values under another shape with as many elements, in the same memory.
    pub fn reshape(&mut self, a: Var, rows: usize, cols: usize) -> Result<Var> {
        if a.len() != rows * cols {
            let problem = format!("{} × {} does not become {rows} × {cols}", a.rows(), a.cols());
            return Err(Error::shape("reshape", problem));
        }
        let out = self.view(a, rows, cols);
        let vjp = move |rec: &mut Recorder, back: &mut Backward| match back.of(rec, out)? {
            Some(d_out) => {
                let d_a = rec.view(d_out, a.rows(), a.cols());
                back.pass(rec, a, d_a)
            }
            None => Ok(()),
        };
        self.record_with_tangent(&[a], &[out], vjp, move |rec, tangents| {
            Ok(vec![tangents.of(a).map(|a_dot| rec.reshape(a_dot, rows, cols)).transpose()?])
        });
        Ok(out)
    }
}

fn sum_of(rec: &mut Recorder, a: Option<Var>, b: Option<Var>) -> Result<Option<Var>> {
    match (a, b) {
        (Some(a), Some(b)) => Ok(Some(rec.add(a, b)?)),
        (a, b) => Ok(a.or(b)),
    }
}
