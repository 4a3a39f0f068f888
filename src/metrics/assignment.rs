//! Linear assignment: min over permutations π of Σ_i c(i, π(i)), with its dual potentials u_i + v_j ≤ c_ij, tight where matched.
//!
//! Shortest augmenting paths after a column reduction and bids (Jonker & Volgenant 1987, in the form of Crouse 2016). Written here because
//! the potentials are what gives W₂ its standard error, and assignment crates return the matching alone; `pathfinding` is the oracle in
//! the tests.

/// An optimal matching of `n` rows with `n` columns.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The column matched with each row.
    pub column_of_row: Vec<usize>,
    /// u: dual potentials of the rows.
    pub row_potential: Vec<f64>,
    /// v: dual potentials of the columns.
    pub column_potential: Vec<f64>,
}

const FREE: usize = usize::MAX;
/// Bids a row.
const BIDS: usize = 8;

/// Solves the `n × n` problem with finite costs `cost[i * n + j]`; O(n³) at worst, about n²·⁵ on point clouds.
pub fn solve(cost: &[f64], n: usize) -> Assignment {
    let mut v = vec![f64::INFINITY; n];
    for i in 0..n {
        v.iter_mut().zip(&cost[i * n..(i + 1) * n]).for_each(|(v, &c)| *v = v.min(c));
    }
    solve_from(cost, n, v)
}

/// The same from a guess of the columns' potentials: the nearer it is, the less is left to do.
pub fn solve_from(cost: &[f64], n: usize, mut v: Vec<f64>) -> Assignment {
    assert_eq!(cost.len(), n * n, "a square cost matrix");
    let row = |i: usize| &cost[i * n..(i + 1) * n];
    let mut u = vec![0.0; n];
    let (mut column_of_row, mut row_of_column) = (vec![FREE; n], vec![FREE; n]);
    for i in 0..n {
        let (mut best, mut slack) = (0, f64::INFINITY);
        for (j, &c) in row(i).iter().enumerate() {
            if c - v[j] < slack {
                (best, slack) = (j, c - v[j]);
            }
        }
        u[i] = slack;
        if row_of_column[best] == FREE {
            (row_of_column[best], column_of_row[i]) = (i, best);
        }
    }

    bid(cost, &mut u, &mut v, &mut column_of_row, &mut row_of_column);

    let mut shortest = vec![0.0; n];
    let mut previous_row = vec![0; n];
    let mut open: Vec<usize> = Vec::with_capacity(n);
    let mut closed: Vec<usize> = Vec::with_capacity(n);
    for start in (0..n).filter(|&i| column_of_row[i] == FREE).collect::<Vec<_>>() {
        // Dijkstra over reduced costs from one free row to the nearest free column.
        shortest.fill(f64::INFINITY);
        open.clear();
        open.extend(0..n);
        closed.clear();
        let (mut i, mut reached) = (start, 0.0);
        let sink = loop {
            let (costs, offset) = (row(i), reached - u[i]);
            let (mut nearest, mut at) = (f64::INFINITY, 0);
            for (place, &j) in open.iter().enumerate() {
                let through = offset + costs[j] - v[j];
                if through < shortest[j] {
                    (shortest[j], previous_row[j]) = (through, i);
                }
                if shortest[j] < nearest || (shortest[j] == nearest && row_of_column[j] == FREE) {
                    (nearest, at) = (shortest[j], place);
                }
            }
            let j = open.swap_remove(at);
            reached = nearest;
            if row_of_column[j] == FREE {
                break j;
            }
            closed.push(j);
            i = row_of_column[j];
        };
        u[start] += reached;
        for &j in &closed {
            u[row_of_column[j]] += reached - shortest[j];
            v[j] -= reached - shortest[j];
        }
        let mut j = sink;
        loop {
            let i = previous_row[j];
            row_of_column[j] = i;
            std::mem::swap(&mut column_of_row[i], &mut j);
            if i == start {
                break;
            }
        }
    }
    Assignment { column_of_row, row_potential: u, column_potential: v }
}

/// Bids for columns, "augmenting row reduction" (Jonker & Volgenant 1987, §3): a free row takes its cheapest column, whose potential falls
/// by what the row's second cheapest would cost more, and the row that had it is free. A bid takes one row's work and a shortest path that
/// of many: in 30 columns a third to a half of the whole time is saved, in 2 nothing. Rows that are still free after `BIDS` a row, where
/// two want the same columns over and over, are left to the paths.
fn bid(cost: &[f64], u: &mut [f64], v: &mut [f64], column_of_row: &mut [usize], row_of_column: &mut [usize]) {
    let n = v.len();
    let mut free: Vec<usize> = (0..n).filter(|&i| column_of_row[i] == FREE).collect();
    let mut bids = BIDS * n;
    for _ in 0..2 {
        let mut waiting = std::mem::take(&mut free);
        while let Some(i) = waiting.pop() {
            let (mut best, mut least, mut second, mut other) = (0, f64::INFINITY, f64::INFINITY, 0);
            for (j, (c, v)) in cost[i * n..(i + 1) * n].iter().zip(v.iter()).enumerate() {
                let slack = c - v;
                if slack < second {
                    if slack < least {
                        (second, other, least, best) = (least, best, slack, j);
                    } else {
                        (second, other) = (slack, j);
                    }
                }
            }
            u[i] = least;
            let lowered = v[best] - (second - least);
            // Where two columns are as cheap, a free one is taken, and none gets cheaper.
            let falls = lowered < v[best];
            if !falls && row_of_column[best] != FREE {
                best = other;
            }
            let before = row_of_column[best];
            if before != FREE && bids == 0 {
                continue;
            }
            bids = bids.saturating_sub(1);
            if falls {
                v[best] = lowered;
                u[i] = second;
            }
            (column_of_row[i], row_of_column[best]) = (best, i);
            if before != FREE {
                column_of_row[before] = FREE;
                if falls { waiting.push(before) } else { free.push(before) }
            }
        }
    }
    for i in (0..n).filter(|&i| column_of_row[i] == FREE) {
        u[i] = cost[i * n..(i + 1) * n].iter().zip(v.iter()).map(|(c, v)| c - v).fold(f64::INFINITY, f64::min);
    }
}
