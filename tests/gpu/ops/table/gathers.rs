//! Rows and columns that are chosen, joined and sorted.

use super::case::{Case, Operand, Wide, exact};
use super::driver::Size;
use pushforward::gpu::{Recorder, Var};
use pushforward::reference::sort;

pub fn rows(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let index: Vec<u32> = (0..rows + 3).map(|i| (7 * i + 2) as u32 % rows.max(1) as u32).collect();
    let reference = move |x: &Wide| vec![exact(x[1].iter().flat_map(|&r| x[0][r as usize * columns..][..columns].to_vec()))];
    let operands = vec![Operand::new(rows, columns, 1), Operand::words(index)];
    vec![Case::new("", operands, |rec, x| Ok(vec![rec.rows(x[0], x[1])?]), reference)]
}

/// The first of two blocks: it is the first step.
pub fn block(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let record = move |rec: &mut Recorder, x: &[Var]| Ok(vec![rec.block(x[0], rows)?]);
    vec![Case::new("", vec![Operand::new(2 * rows, columns, 1)], record, move |x| vec![exact(x[0][..rows * columns].to_vec())])]
}

/// Each range of columns that starts or ends the matrix, and one within.
pub fn columns(size: Size) -> Vec<Case> {
    let width = size.columns;
    let ranges = [(0, width), (0, width.div_ceil(2)), (width / 2, width - width / 2), (width / 3, 1)];
    let case = |(first, count): (usize, usize)| {
        let case = Case::new(
            format!("{count} from {first}"),
            vec![Operand::new(size.rows, width, 1)],
            move |rec, x| Ok(vec![rec.columns(x[0], first, count)?]),
            move |x| vec![exact(x[0].chunks_exact(width).flat_map(|row| row[first..first + count].to_vec()))],
        );
        case.differentiable(&[0])
    };
    ranges.map(case).into()
}

/// Columns by number, each at most once, backwards.
pub fn pick(size: Size) -> Vec<Case> {
    let width = size.columns;
    let order: Vec<u32> = (0..width as u32).rev().filter(|j| width < 3 || j % 3 != 1).collect();
    let case = Case::new(
        "",
        vec![Operand::new(size.rows, width, 1), Operand::words(order)],
        |rec, x| Ok(vec![rec.pick(x[0], x[1])?]),
        move |x| vec![exact(x[0].chunks_exact(width).flat_map(|row| x[1].iter().map(|&j| row[j as usize])))],
    );
    vec![case.differentiable(&[0])]
}

pub fn concat(size: Size) -> Vec<Case> {
    let Size { rows, columns, .. } = size;
    let widths = [columns, 1, 5];
    let case = Case::new(
        "",
        widths.iter().zip(1..).map(|(&width, seed)| Operand::new(rows, width, seed)).collect(),
        |rec, x| Ok(vec![rec.concat(x)?]),
        move |x| vec![exact((0..rows).flat_map(|i| x.iter().zip(widths).flat_map(move |(x, w)| x[i * w..(i + 1) * w].to_vec())))],
    );
    vec![case.differentiable(&[0, 1, 2])]
}

pub fn sort_columns(size: Size) -> Vec<Case> {
    let width = size.columns;
    let sorted = move |x: &Wide| sort::columns(&x[0].iter().map(|&v| v as f32).collect::<Vec<_>>(), width);
    let case = |what: &str, values: Operand| {
        let case = Case::new(
            what,
            vec![values],
            |rec, x| Ok(vec![rec.sort_columns(x[0])?.values]),
            move |x| vec![exact(sorted(x).0.into_iter().map(f64::from))],
        );
        // Every cotangent goes back to its row.
        case.differentiable(&[0]).gradient(move |x, u| {
            let mut gradient = vec![0.0; x[0].len()];
            for (i, row) in sorted(x).1.into_iter().enumerate() {
                gradient[row as usize * width + i % width] = u[0][i];
            }
            vec![exact(gradient)]
        })
    };
    let Size { rows, columns, .. } = size;
    vec![case("numbers", Operand::new(rows, columns, 5)), case("ties", Operand::mapped(rows, columns, 5, |v| (4.0 * v).round()))]
}
