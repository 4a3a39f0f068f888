//! Sums over rows, columns and terms.

use super::case::{Case, Operand};
use super::driver::Size;
use pushforward::gpu::{Recorder, Var};
use pushforward::reference::Exact;
use pushforward::reference::log_mean_exp::{log_mean_exp as reference, shares};

type Reduction = fn(&mut Recorder, Var) -> pushforward::Result<Var>;

/// A reduction, whose every result is a sum of terms of the elements (column, value) that `groups` tells apart.
fn reduction(
    size: Size,
    record: Reduction,
    results: usize,
    group: fn(usize, usize) -> usize,
    term: fn(f64, usize) -> f64,
) -> Vec<Case> {
    let columns = size.columns;
    let reference = move |x: &[Vec<f64>]| {
        let mut groups = vec![Vec::new(); results];
        for (i, &v) in x[0].iter().enumerate() {
            groups[group(i, columns).min(results - 1)].push(term(v, x[0].len()));
        }
        let mut reference = Exact::new(x[0].len() / results);
        groups.into_iter().for_each(|terms| reference.push(terms));
        vec![reference]
    };
    let case = Case::new("", vec![Operand::new(size.rows, columns, 1)], move |rec, x| Ok(vec![record(rec, x[0])?]), reference);
    vec![case.differentiable(&[0])]
}

pub fn sum(size: Size) -> Vec<Case> {
    reduction(size, Recorder::sum, 1, |_, _| 0, |v, _| v)
}

pub fn mean(size: Size) -> Vec<Case> {
    reduction(size, Recorder::mean, 1, |_, _| 0, |v, n| v / n as f64)
}

pub fn mean_square(size: Size) -> Vec<Case> {
    reduction(size, Recorder::mean_square, 1, |_, _| 0, |v, n| v * v / n as f64)
}

pub fn sum_rows(size: Size) -> Vec<Case> {
    reduction(size, Recorder::sum_rows, size.columns, |i, columns| i % columns, |v, _| v)
}

pub fn sum_cols(size: Size) -> Vec<Case> {
    reduction(size, Recorder::sum_cols, size.rows, |i, columns| i / columns, |v, _| v)
}

/// Columns of the table of coefficients.
const WIDTH: usize = 7;

/// Σ_k scale_k · table[row, column_k] · x_k, for a table with a row for each and one with a row for all.
pub fn combine(size: Size) -> Vec<Case> {
    let Size { rows, columns, typical } = size;
    let place = |k: usize| ((3 * k + 1) % WIDTH, 0.5 - k as f32);
    let counts: &[usize] = if typical { &[1, 2, 3, 6] } else { &[3] };
    let case = |count: usize, of_table: usize| {
        let mut operands = vec![Operand::new(of_table, WIDTH, 1)];
        operands.extend((0..count).map(|k| Operand::new(rows, columns, 2 + k as u64)));
        let case = Case::new(
            format!("of {count} terms, a table of {of_table} rows"),
            operands,
            move |rec, x| {
                let terms: Vec<_> = x[1..].iter().enumerate().map(|(k, &v)| (place(k).0, place(k).1, v)).collect();
                Ok(vec![rec.combine(x[0], &terms)?])
            },
            move |x| {
                let mut reference = Exact::new(count);
                for i in 0..x[1].len() {
                    let row = if of_table == rows { i / columns } else { 0 };
                    reference.push((0..count).map(|k| f64::from(place(k).1) * x[0][row * WIDTH + place(k).0] * x[1 + k][i]));
                }
                vec![reference]
            },
        );
        case.differentiable(&(1..=count).collect::<Vec<_>>())
    };
    counts.iter().flat_map(|&count| [rows, 1].map(|of_table| case(count, of_table))).collect()
}

pub fn weighted_sum(size: Size) -> Vec<Case> {
    let weights = [0.3, -1.0, 2.0, 0.5, 0.7, -0.2];
    let case = Case::new(
        "",
        (0..weights.len()).map(|k| Operand::new(size.rows, size.columns, k as u64)).collect(),
        move |rec, x| Ok(vec![rec.weighted_sum(&weights.into_iter().zip(x.iter().copied()).collect::<Vec<_>>())?]),
        move |x| {
            let mut reference = Exact::new(weights.len());
            (0..x[0].len()).for_each(|i| reference.push(weights.iter().zip(x).map(|(w, x)| w * x[i])));
            vec![reference]
        },
    );
    vec![case.differentiable(&[0, 3, 5])]
}

pub fn log_mean_exp(size: Size) -> Vec<Case> {
    let columns = size.columns;
    let case = |by: f32| {
        let case = Case::new(
            format!("of size {by}"),
            vec![Operand::mapped(size.rows, columns, 1, |v| by * v)],
            |rec, x| Ok(vec![rec.log_mean_exp(x[0])?]),
            move |x| vec![reference(&x[0], columns)],
        );
        case.reverse_only(&[0]).tolerance(2e-5)
    };
    [1.0, 30.0].map(case).into()
}

pub fn shares_into(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let case = Case::new(
        "",
        vec![Operand::new(rows, columns, 1), Operand::of(rows, columns, vec![f32::NAN; rows * columns])],
        |rec, x| {
            let value = rec.log_mean_exp(x[0])?;
            rec.shares_into(x[0], value, x[1])?;
            Ok(vec![x[1]])
        },
        move |x| {
            // A rounding of the exponent is one of the share.
            let mut reference = Exact::new(columns);
            shares(&x[0], columns).into_iter().for_each(|share| reference.push_scaled(share, 3.0 * share));
            vec![reference]
        },
    );
    vec![case]
}
