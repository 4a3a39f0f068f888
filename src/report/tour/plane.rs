//! Tables of any width as points of a plane.

use glam::{DVec2, dvec2};

use crate::data::{Table, subset};
use crate::report::grid::DOTS;
use crate::tour::SAMPLE;

/// Where the rows of a table are seen.
pub(super) enum Plane {
    Columns,
    /// The columns in units of their standard deviations.
    Units(Vec<Seen>),
    /// The two directions in which training rows vary most, in the same units.
    Directions(Vec<Seen>),
}

/// How a column is seen: standardized, and along a direction of the plane.
pub(super) struct Seen {
    mean: f64,
    deviation: f64,
    direction: DVec2,
}

impl Plane {
    pub fn new(train: &Table) -> Self {
        let (n, d) = (train.rows() as f64, train.cols());
        let (means, deviations) = moments(train);
        if d == 2 {
            // Pictures have one scale in both directions, and few digits.
            let near =
                (0..2).all(|j| means[j].abs() < 1e3 * deviations[j] && (1e-3..1e3).contains(&(deviations[j] / deviations[0])));
            let seen = |j: usize| Seen { mean: means[j], deviation: deviations[j], direction: DVec2::AXES[j] };
            return if near { Self::Columns } else { Self::Units(vec![seen(0), seen(1)]) };
        }
        let mut covariance = nalgebra::DMatrix::<f64>::zeros(d, d);
        for i in 0..train.rows() {
            let row = (0..d).map(|j| (train.row(i)[j] - means[j]) / deviations[j]);
            let row = nalgebra::DVector::from_iterator(d, row);
            covariance.ger(1.0 / n, &row, &row, 1.0);
        }
        let eigen = nalgebra::SymmetricEigen::new(covariance);
        let mut order: Vec<usize> = (0..d).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let along = |k: usize, j: usize| eigen.eigenvectors[(j, order[k])];
        let seen = |j: usize| Seen { mean: means[j], deviation: deviations[j], direction: dvec2(along(0, j), along(1, j)) };
        Self::Directions((0..d).map(seen).collect())
    }

    pub fn project(&self, table: &Table) -> Vec<f32> {
        let table = &subset(table, DOTS, SAMPLE);
        let rows = table.rows();
        match self {
            Self::Columns => table.single()[..2 * rows].to_vec(),
            Self::Units(columns) | Self::Directions(columns) => {
                let place = |i: usize| {
                    let terms = table.row(i).iter().zip(columns);
                    terms.map(|(x, seen)| (x - seen.mean) / seen.deviation * seen.direction).sum::<DVec2>()
                };
                (0..rows).flat_map(|i| place(i).as_vec2().to_array()).collect()
            }
        }
    }
}

fn moments(table: &Table) -> (Vec<f64>, Vec<f64>) {
    let n = table.rows() as f64;
    let mean = |j: usize| table.column(j).sum::<f64>() / n;
    let means: Vec<f64> = (0..table.cols()).map(mean).collect();
    let deviation = |j: usize| (table.column(j).map(|x| (x - means[j]).powi(2)).sum::<f64>() / n).sqrt();
    let deviations = (0..table.cols()).map(|j| deviation(j).max(f64::MIN_POSITIVE)).collect();
    (means, deviations)
}

/// The `count` columns whose squared correlations with the others sum to most, in the table's order.
pub(super) fn dependent(table: &Table, count: usize) -> Vec<usize> {
    let (means, deviations) = moments(table);
    let d = table.cols();
    let correlation = |i: usize, j: usize| {
        let products = table.column(i).zip(table.column(j)).map(|(x, y)| (x - means[i]) * (y - means[j]));
        products.sum::<f64>() / (table.rows() as f64 * deviations[i] * deviations[j])
    };
    let mut weights = vec![0.0; d];
    for i in 0..d {
        for j in 0..i {
            let square = correlation(i, j).powi(2);
            weights[i] += square;
            weights[j] += square;
        }
    }
    let mut order: Vec<usize> = (0..d).collect();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    order.truncate(count);
    order.sort_unstable();
    order
}
