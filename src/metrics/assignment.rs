//! Linear assignment: min over permutations π of Σ_i c(i, π(i)), with its dual potentials u_i + v_j ≤ c_ij, tight where matched.
//!
//! Shortest augmenting paths after a column reduction (Jonker & Volgenant 1987, in the form of Crouse 2016). Written here because the potentials are
//! what gives W₂ its standard error, and assignment crates return the matching alone; `pathfinding` is the oracle in the tests.

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

/// Solves the `n × n` problem with finite costs `cost[i * n + j]`; O(n³) at worst, about n²·⁵ on point clouds.
pub fn solve(cost: &[f64], n: usize) -> Assignment {
    assert_eq!(cost.len(), n * n, "a square cost matrix");
    let row = |i: usize| &cost[i * n..(i + 1) * n];
    let (mut u, mut v) = (vec![0.0; n], vec![f64::INFINITY; n]);
    for i in 0..n {
        v.iter_mut().zip(row(i)).for_each(|(v, &c)| *v = v.min(c));
    }
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
