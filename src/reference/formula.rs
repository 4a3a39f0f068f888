//! Reference for formulas: each operation in f64, with what its rounding and that of its parts can amount to.

use super::Exact;
use crate::data::{Formulas, Function, Node};

/// Every formula at every row (row-major), row by row. The scale of a node is its own size and those of its parts, each times the slope
/// in it: errors of single precision are proportional to it.
pub fn formulas(formulas: &Formulas, rows: &[f64]) -> Exact {
    let mut reference = Exact::new(formulas.nodes().len());
    for row in rows.chunks_exact(formulas.columns()) {
        let mut found: Vec<(f64, f64)> = Vec::new();
        for &node in formulas.nodes() {
            found.push(match node {
                Node::Column(j) => (row[j], row[j].abs()),
                Node::Number(value) => (value, value.abs()),
                Node::Affine { of: a, scale, offset } => (scale * found[a].0 + offset, scale.abs() * found[a].1 + offset.abs()),
                Node::Add(a, b) => (found[a].0 + found[b].0, found[a].1 + found[b].1),
                Node::Sub(a, b) => (found[a].0 - found[b].0, found[a].1 + found[b].1),
                Node::Mul(a, b) => {
                    let ((a, of_a), (b, of_b)) = (found[a], found[b]);
                    (a * b, a.abs() * of_b + b.abs() * of_a)
                }
                Node::Div(a, b) => {
                    let ((a, of_a), (b, of_b)) = (found[a], found[b]);
                    (a / b, of_a / b.abs() + (a / (b * b)).abs() * of_b)
                }
                Node::Power(a, p) => {
                    let (a, of_a) = found[a];
                    let (value, slope) = (a.powf(p), p * a.powf(p - 1.0));
                    // By the logarithm where p is no whole number: its error is times p.
                    let own = if p == p.trunc() { 1.0 } else { 1.0 + (p * a.ln()).abs() + p.abs() };
                    (value, value.abs() * own + slope.abs() * of_a)
                }
                Node::Apply(function, a) => {
                    let (a, of_a) = found[a];
                    let (value, slope) = (function.of(a), slope(function, a));
                    // The errors of these are absolute near zero.
                    let own = match function {
                        Function::Log | Function::Sin | Function::Cos | Function::Tanh => 1.0,
                        _ => value.abs(),
                    };
                    (value, own + slope.abs() * of_a)
                }
            });
        }
        for &output in formulas.outputs() {
            let (value, scale) = found[output];
            reference.push_scaled(value, scale);
        }
    }
    reference
}

fn slope(function: Function, x: f64) -> f64 {
    match function {
        Function::Exp => x.exp(),
        Function::Log => 1.0 / x,
        Function::Sqrt => 0.5 / x.sqrt(),
        Function::Sin => x.cos(),
        Function::Cos => -x.sin(),
        Function::Tanh => 1.0 - x.tanh().powi(2),
        Function::Abs => 1.0,
        Function::Sigmoid => {
            let s = function.of(x);
            s * (1.0 - s)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{check_gradient, differences};

    #[test]
    fn the_reference_is_what_formulas_evaluate_to() {
        let known = Formulas::parse(&["exp(-u^2)/(1 + v^2) - 3*u", "u*v + u^1.5 - 2", "7"], &["u", "v"]).expect("formulas");
        let rows = [0.3, -1.2, 2.0, 0.5];
        let expected: Vec<f64> = rows.chunks(2).flat_map(|row| known.evaluate(row)).collect();
        assert_eq!(formulas(&known, &rows).value, expected);
    }

    #[test]
    fn slopes_are_derivatives() {
        for function in Function::ALL {
            let x = [0.2, 0.9, 1.7];
            let slopes: Vec<f64> = x.iter().map(|&x| slope(function, x)).collect();
            check_gradient(function.name(), &slopes, &differences(&x, |x| x.iter().map(|&x| function.of(x)).sum()), 1e-7);
        }
    }
}
