//! Elementwise maps.

use super::case::{Case, Operand, exact};
use super::driver::Size;
use pushforward::gpu::{Recorder, Var};
use pushforward::ops::activation::Activation;
use pushforward::reference::{Exact, activation as reference, map};

type Unary = fn(&mut Recorder, Var) -> pushforward::Result<Var>;

/// A map of each element, named as the reference names it; `scale` and `offset` are its numbers.
fn unary(name: &'static str, size: Size, [scale, offset]: [f32; 2], values: Operand, record: Unary) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    assert_eq!((values.rows, values.columns), (rows, columns));
    let case = Case::new(
        "",
        vec![values],
        move |rec, x| Ok(vec![record(rec, x[0])?]),
        move |x| {
            let mut reference = Exact::new(1);
            for &x in &x[0] {
                let y = map::unary(name, x, scale.into(), offset.into());
                // The logarithm's error is absolute near 1, and so are those of sine and cosine.
                reference.push_scaled(y, y.abs().max(x.abs()).max(1.0));
            }
            vec![reference]
        },
    );
    vec![case.differentiable(&[0])]
}

fn without_tangent(cases: Vec<Case>) -> Vec<Case> {
    cases.into_iter().map(|case| Case { tangent: false, ..case }).collect()
}

fn plain(size: Size) -> Operand {
    Operand::new(size.rows, size.columns, 3)
}

fn positive(size: Size) -> Operand {
    Operand::mapped(size.rows, size.columns, 3, |x| x.abs() + 0.1)
}

/// Far beyond a turn.
fn turns(size: Size) -> Operand {
    Operand::mapped(size.rows, size.columns, 3, |x| 500.0 * x)
}

pub fn affine(size: Size) -> Vec<Case> {
    unary("affine", size, [-1.5, 0.25], plain(size), |rec, x| rec.affine(x, -1.5, 0.25))
}

pub fn scale(size: Size) -> Vec<Case> {
    unary("affine", size, [-1.5, 0.0], plain(size), |rec, x| rec.scale(x, -1.5))
}

pub fn square(size: Size) -> Vec<Case> {
    unary("square", size, [0.0; 2], plain(size), Recorder::square)
}

pub fn sqrt(size: Size) -> Vec<Case> {
    unary("sqrt", size, [0.0; 2], positive(size), Recorder::sqrt)
}

pub fn exp(size: Size) -> Vec<Case> {
    unary("exp", size, [0.0; 2], plain(size), Recorder::exp)
}

pub fn log(size: Size) -> Vec<Case> {
    unary("log", size, [0.0; 2], positive(size), Recorder::log)
}

pub fn abs(size: Size) -> Vec<Case> {
    without_tangent(unary("abs", size, [0.0; 2], plain(size), Recorder::abs))
}

pub fn sigmoid(size: Size) -> Vec<Case> {
    unary("sigmoid", size, [0.0; 2], plain(size), Recorder::sigmoid)
}

pub fn reciprocal(size: Size) -> Vec<Case> {
    unary("reciprocal", size, [0.0; 2], positive(size), Recorder::reciprocal)
}

pub fn sin(size: Size) -> Vec<Case> {
    unary("sin", size, [0.0; 2], turns(size), Recorder::sin)
}

pub fn cos(size: Size) -> Vec<Case> {
    unary("cos", size, [0.0; 2], turns(size), Recorder::cos)
}

pub fn clamp(size: Size) -> Vec<Case> {
    without_tangent(unary("clamp", size, [-0.4, 0.7], plain(size), |rec, x| rec.clamp(x, -0.4, 0.7)))
}

type Binary = fn(&mut Recorder, Var, Var) -> pushforward::Result<Var>;

const S: f32 = 0.3;
const T: f32 = -2.0;

/// A map of two elements; the second operand is of the same shape, a row, a column or one number.
fn binary(name: &'static str, size: Size, record: Binary) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let shapes = [(rows, columns), (1, columns), (rows, 1), (1, 1)];
    let case = |(b_rows, b_columns): (usize, usize)| {
        let b = Operand::mapped(b_rows, b_columns, 12, |x| x.abs() + 0.5);
        let case = Case::new(
            format!("with {b_rows} × {b_columns}"),
            vec![Operand::new(rows, columns, 11), b],
            move |rec, x| Ok(vec![record(rec, x[0], x[1])?]),
            move |x| {
                let mut reference = Exact::new(2);
                for (i, &a) in x[0].iter().enumerate() {
                    let row = if b_rows == rows { i / columns } else { 0 };
                    let column = if b_columns == columns { i % columns } else { 0 };
                    let b = x[1][row * b_columns + column];
                    match name {
                        "add" => reference.push([a, b]),
                        "sub" => reference.push([a, -b]),
                        "mul" => reference.push([a * b]),
                        "div" => reference.push([a / b]),
                        _ => reference.push([f64::from(S) * a, f64::from(T) * b]),
                    }
                }
                vec![reference]
            },
        );
        case.differentiable(&[0, 1])
    };
    shapes.into_iter().map(case).collect()
}

pub fn add(size: Size) -> Vec<Case> {
    binary("add", size, Recorder::add)
}

pub fn sub(size: Size) -> Vec<Case> {
    binary("sub", size, Recorder::sub)
}

pub fn mul(size: Size) -> Vec<Case> {
    binary("mul", size, Recorder::mul)
}

pub fn div(size: Size) -> Vec<Case> {
    binary("div", size, Recorder::div)
}

pub fn blend(size: Size) -> Vec<Case> {
    binary("blend", size, |rec, a, b| rec.blend(a, b, S, T))
}

pub fn reshape(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let record = move |rec: &mut Recorder, x: &[Var]| Ok(vec![rec.reshape(x[0], columns, rows)?]);
    vec![Case::new("", vec![plain(size)], record, |x| vec![exact(x[0].clone())]).differentiable(&[0])]
}

pub fn copy_into(size: Size) -> Vec<Case> {
    let record = |rec: &mut Recorder, x: &[Var]| {
        rec.copy_into(x[0], x[1])?;
        Ok(vec![x[1]])
    };
    vec![Case::new("", vec![plain(size), Operand::new(size.rows, size.columns, 4)], record, |x| vec![exact(x[0].clone())])]
}

/// No gradient passes: of x + detach(x) it is that of x alone.
pub fn detach(size: Size) -> Vec<Case> {
    let record = |rec: &mut Recorder, x: &[Var]| {
        let still = rec.detach(x[0]);
        Ok(vec![rec.add(x[0], still)?])
    };
    let case = Case::new("", vec![plain(size)], record, |x| vec![exact(x[0].iter().map(|x| 2.0 * x))]);
    vec![case.differentiable(&[0]).gradient(|_, u| vec![exact(u[0].clone())])]
}

pub fn activation(size: Size) -> Vec<Case> {
    let case = |act: Activation| {
        let case = Case::new(
            act.name(),
            vec![Operand::mapped(size.rows, size.columns, 1, |x| 3.0 * x)],
            move |rec, x| Ok(vec![rec.activation(x[0], act)?]),
            move |x| {
                let mut reference = Exact::new(1);
                for &x in &x[0] {
                    let y = self::reference::value(act, x);
                    reference.push_scaled(y, y.abs() * (1.0 + x.abs()) + 1e-25);
                }
                vec![reference]
            },
        );
        case.differentiable(&[0])
    };
    variants(size).map(case).collect()
}

pub fn activation_tangent(size: Size) -> Vec<Case> {
    let case = |act: Activation| {
        let case = Case::new(
            act.name(),
            vec![Operand::new(size.rows, size.columns, 1), Operand::new(size.rows, size.columns, 2)],
            move |rec, x| Ok(vec![rec.activation_tangent(x[0], x[1], act)?]),
            move |x| {
                let mut reference = Exact::new(1);
                for (&x, &v) in x[0].iter().zip(&x[1]) {
                    reference.push_scaled(v * self::reference::slope(act, x), 2.0 * v.abs());
                }
                vec![reference]
            },
        );
        // The identity's tangent is the tangent itself.
        Case { tangent: act == Activation::Identity, ..case.reverse_only(&[0, 1]) }
    };
    variants(size).map(case).collect()
}

/// All activations at the typical size, one elsewhere.
pub fn variants(size: Size) -> impl Iterator<Item = Activation> {
    Activation::ALL.into_iter().filter(move |act| size.typical || *act == Activation::Silu)
}
