//! Linear layers, networks of them, and what is stacked for their derivatives.

use super::case::{Case, Operand, Wide, exact};
use super::driver::Size;
use super::maps::variants;
use crate::shared::numbers;
use pushforward::ops::activation::Activation;
use pushforward::ops::triangular::Side;
use pushforward::reference::perceptron::Perceptron;
use pushforward::reference::{Exact, activation as reference, jet as jets, spectral, triangular};
use std::f64::consts::TAU;

/// y_ij = b_j + Σ_k σ(x_ik) w_kj, with the sizes of its terms: an activation's rounding is one of its argument.
fn layer(x: &[f64], w: &[f64], b: Option<&[f64]>, outputs: usize, act: Activation) -> Exact {
    let inputs = w.len() / outputs;
    let mut y = Exact::new(inputs + 1);
    for row in x.chunks_exact(inputs) {
        for j in 0..outputs {
            let (mut value, mut scale) = b.map_or((0.0, 0.0), |b| (b[j], b[j].abs()));
            for (k, &x) in row.iter().enumerate() {
                let (s, w) = (reference::value(act, x), w[k * outputs + j]);
                value += s * w;
                scale += (s.abs() + 0.5 * x.abs()) * w.abs();
            }
            y.push_scaled(value, scale);
        }
    }
    y
}

/// Its gradients by x, w and b, for cotangents u of y.
fn layer_backward(x: &[f64], w: &[f64], outputs: usize, act: Activation, u: &[f64]) -> [Exact; 3] {
    let inputs = w.len() / outputs;
    let rows = x.len() / inputs;
    let slopes: Vec<(f64, f64)> = x.iter().map(|&x| (reference::slope(act, x), 1.0 + 0.5 * x.abs())).collect();
    let values: Vec<(f64, f64)> =
        x.iter().map(|&x| (reference::value(act, x), reference::value(act, x).abs() + 0.5 * x.abs())).collect();
    let (mut d_x, mut d_w, mut d_b) = (Exact::new(outputs + 1), Exact::new(rows), Exact::new(rows));
    for i in 0..rows {
        for k in 0..inputs {
            let (slope, size) = slopes[i * inputs + k];
            let terms = || (0..outputs).map(|j| u[i * outputs + j] * w[k * outputs + j]);
            d_x.push_scaled(slope * terms().sum::<f64>(), size * terms().map(f64::abs).sum::<f64>());
        }
    }
    for k in 0..inputs {
        for j in 0..outputs {
            let terms = || (0..rows).map(|i| (values[i * inputs + k], u[i * outputs + j]));
            d_w.push_scaled(terms().map(|((v, _), u)| v * u).sum(), terms().map(|((_, size), u)| size * u.abs()).sum());
        }
    }
    (0..outputs).for_each(|j| d_b.push(u.iter().skip(j).step_by(outputs).copied()));
    [d_x, d_w, d_b]
}

/// As many outputs as inputs where that is allowed by what a test may take, and 7.
fn outputs(size: Size) -> Vec<usize> {
    if size.rows > 300 { vec![7] } else { vec![7, size.columns] }
}

pub fn linear(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let case = |act: Activation, m: usize, bias: bool| {
        let mut operands = vec![Operand::new(rows, columns, 1), Operand::new(columns, m, 2)];
        operands.extend(bias.then(|| Operand::new(1, m, 3)));
        let by: Vec<usize> = (0..operands.len()).collect();
        let case = Case::new(
            format!("{} to {m}, bias: {bias}", act.name()),
            operands,
            move |rec, x| Ok(vec![rec.linear(x[0], x[1], x.get(2).copied(), act)?]),
            move |x| vec![layer(&x[0], &x[1], x.get(2).map(|b| &b[..]), m, act)],
        );
        let count = by.len();
        case.differentiable(&by)
            .gradient(move |x, u| layer_backward(&x[0], &x[1], m, act, &u[0]).into_iter().take(count).collect())
    };
    let all = variants(size).flat_map(|act| outputs(size).into_iter().map(move |m| (act, m)));
    all.flat_map(|(act, m)| [case(act, m, true), case(act, m, false)]).collect()
}

pub fn linear_sum(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let case = |m: usize| {
        let operands = vec![
            Operand::new(rows, columns, 1),
            Operand::new(columns, m, 2),
            Operand::new(rows, 3, 3),
            Operand::new(3, m, 4),
            Operand::new(1, m, 5),
        ];
        let case = Case::new(
            format!("to {m}"),
            operands,
            |rec, x| Ok(vec![rec.linear_sum(&[(x[0], x[1]), (x[2], x[3])], x[4])?]),
            move |x| {
                let mut one = layer(&x[0], &x[1], Some(&x[4]), m, Activation::Identity);
                let other = layer(&x[2], &x[3], None, m, Activation::Identity);
                one.value.iter_mut().zip(other.value).for_each(|(a, b)| *a += b);
                one.scale.iter_mut().zip(other.scale).for_each(|(a, b)| *a += b);
                vec![Exact { terms: one.terms + 3, ..one }]
            },
        );
        case.differentiable(&[0, 1, 2, 3, 4]).gradient(move |x, u| {
            let [d_x, d_w, d_b] = layer_backward(&x[0], &x[1], m, Activation::Identity, &u[0]);
            let [d_z, d_v, _] = layer_backward(&x[2], &x[3], m, Activation::Identity, &u[0]);
            vec![d_x, d_w, d_z, d_v, d_b]
        })
    };
    outputs(size).into_iter().map(case).collect()
}

/// Of each row of a with each of b.
pub fn inner_products(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let operands = vec![Operand::new(rows, columns, 1), Operand::new(7, columns, 2)];
    let reference = move |x: &Wide| {
        let mut reference = Exact::new(columns);
        for a in x[0].chunks_exact(columns) {
            x[1].chunks_exact(columns).for_each(|b| reference.push(a.iter().zip(b).map(|(a, b)| a * b)));
        }
        vec![reference]
    };
    vec![Case::new("", operands, |rec, x| Ok(vec![rec.inner_products(x[0], x[1])?]), reference)]
}

/// Networks of one hidden layer and of two, whose widths are divisible by four and not.
pub fn perceptron(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    // Differences of many rows would keep the reference too long. What takes one dispatch has its weights in one tensor: see `perceptron.rs`.
    if rows > 200 || rows * columns > 300 {
        return Vec::new();
    }
    let case = |act: Activation, widths: &[usize]| {
        let shapes: Vec<(usize, usize)> = widths.windows(2).map(|w| (w[0], w[1])).collect();
        let mut operands = vec![Operand::new(rows, columns, 1)];
        for (k, &(i, o)) in shapes.iter().enumerate() {
            operands.push(Operand::mapped(i, o, 2 + 2 * k as u64, |w| w / (i as f32).sqrt()));
            operands.push(Operand::new(1, o, 3 + 2 * k as u64));
        }
        let by = [0, 1, 2, operands.len() - 1];
        let case = Case::new(
            format!("{} of {widths:?}", act.name()),
            operands,
            move |rec, x| {
                let layers: Vec<_> = x[1..].chunks_exact(2).map(|layer| (layer[0], layer[1])).collect();
                Ok(vec![rec.perceptron(x[0], &layers, act)?])
            },
            move |x| {
                let (flat, sizes) = (x[1..].concat(), x[1..].iter().map(Vec::len).collect::<Vec<_>>());
                vec![Perceptron::new(&flat, &sizes, act).outputs(&x[0], columns)]
            },
        );
        case.differentiable(&by).tolerance(2e-5)
    };
    variants(size).flat_map(|act| [case(act, &[columns, 20, 3]), case(act, &[columns, 16, 13, 2])]).collect()
}

pub fn spectral_normalize(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let operands = vec![Operand::new(rows, columns, 1), Operand::new(1, columns, 2)];
    let record = |rec: &mut pushforward::gpu::Recorder, x: &[pushforward::gpu::Var]| {
        let found = rec.spectral_normalize(x[0], x[1])?;
        Ok(vec![found.weight, found.u, found.sigma])
    };
    let all = Case::new("", operands, record, |x| {
        let found = spectral::spectral(&x[0], &x[1]);
        vec![found.weight, found.u, found.sigma]
    });
    // The gradient is that at fixed singular vectors.
    let operands = vec![Operand::new(rows, columns, 1), Operand::new(1, columns, 2)];
    let weight = Case::new(
        "weight",
        operands,
        |rec, x| Ok(vec![rec.spectral_normalize(x[0], x[1])?.weight]),
        |x| vec![spectral::spectral(&x[0], &x[1]).weight],
    );
    let gradient = |x: &Wide, u: &Wide| vec![spectral::gradient(&spectral::spectral(&x[0], &x[1]), &u[0])];
    vec![all, weight.reverse_only(&[0]).gradient(gradient)]
}

pub fn solve_triangular(size: Size) -> Vec<Case> {
    let (rows, d) = (size.rows, size.columns);
    let case = |side: Side, lower: bool| {
        // No number on the side that is not read.
        let value = |(at, v): (usize, f32)| {
            let (row, column) = (at / d, at % d);
            match if lower { row <= column } else { row > column } {
                true => f32::NAN,
                false if row == column => 1.0 + v.abs(),
                false => 0.3 * v,
            }
        };
        let t = numbers(d * d, 2).into_iter().enumerate().map(value).collect();
        Case::new(
            format!("{side:?}"),
            vec![Operand::new(rows, d, 1), Operand::of(d, d, t)],
            move |rec, x| Ok(vec![rec.solve_triangular(side, x[0], x[1])?]),
            move |x| vec![triangular::solve(&x[0], &x[1], d, lower)],
        )
    };
    vec![case(Side::UnitLower, true), case(Side::Upper, false)]
}

/// Rows above as many directions for each; a condition stays behind.
pub fn jet(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let case = |behind: usize, tangents: usize| {
        let width = columns + behind;
        let case = Case::new(
            format!("{tangents} tangents, {behind} columns behind"),
            vec![Operand::new(rows, width, 1), Operand::new(tangents * rows, columns, 2)],
            |rec, x| Ok(vec![rec.jet(x[0], x[1])?]),
            move |x| vec![exact(x[0].chunks_exact(width).flat_map(|row| row[..columns].to_vec()).chain(x[1].clone()))],
        );
        case.reverse_only(&[0])
    };
    vec![case(0, 1), case(2, 3)]
}

pub fn jet_activation(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let case = |act: Activation, tangents: usize| {
        let case = Case::new(
            format!("{}, {tangents} tangents", act.name()),
            vec![Operand::new((1 + tangents) * rows, columns, 1), Operand::new(1, columns, 2)],
            move |rec, x| Ok(vec![rec.jet_activation(x[0], x[1], tangents, act)?]),
            move |x| vec![jets::activated(&x[0], &x[1], tangents, act)],
        );
        case.reverse_only(&[0, 1]).tolerance(2e-5)
    };
    variants(size).flat_map(|act| [case(act, 1), case(act, 3)]).collect()
}

pub fn jet_rates(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let case = |behind: usize, tangents: usize| {
        let width = columns + behind;
        let case = Case::new(
            format!("{tangents} tangents, {behind} columns behind"),
            vec![
                Operand::new((1 + tangents) * rows, columns, 1),
                Operand::new(1, columns, 2),
                Operand::new(tangents * rows, width, 3),
            ],
            |rec, x| Ok(vec![rec.jet_rates(x[0], x[1], x[2])?]),
            move |x| vec![jets::rates(&x[0], &x[1], &x[2], width)],
        );
        case.reverse_only(&[0, 1])
    };
    vec![case(0, 1), case(2, 3)]
}

/// Cosines and sines of times; the columns are the frequencies.
pub fn time_embedding(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let frequencies = (0..columns).map(|k| 0.5 * (k as f32 / 3.0).exp2().min(200.0)).collect();
    let case = Case::new(
        "",
        vec![Operand::new(rows, 1, 1), Operand::of(1, columns, frequencies)],
        |rec, x| Ok(vec![rec.time_embedding(x[0], x[1])?]),
        |x| {
            let mut reference = Exact::new(1);
            for t in &x[0] {
                for wave in [f64::cos, f64::sin] {
                    // A rounding of the phase is one of the value.
                    x[1].iter().map(|f| TAU * f * t).for_each(|angle| reference.push_scaled(wave(angle), 1.0 + angle.abs()));
                }
            }
            vec![reference]
        },
    );
    // A rounding of a phase of 200 turns.
    vec![case.differentiable(&[0]).tolerance(if columns > 5 { 4e-4 } else { 1e-5 })]
}
