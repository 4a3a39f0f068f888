//! The Gaussian fitted to rows: mean, principal directions, and the regression on given columns.

/// The Gaussian fitted to the data, and to the data given some columns.
pub(super) struct Fitted {
    pub mean: Vec<f32>,
    /// Principal directions, each times its standard deviation, largest first.
    pub directions: Vec<Vec<f32>>,
    pub given_mean: Vec<f32>,
    /// Conditions × columns: least squares of the columns on the given ones.
    pub slopes: Vec<f32>,
    /// Principal directions of what these leave.
    pub rest: Vec<Vec<f32>>,
}

impl Fitted {
    /// `added` is the variance of the noise in each column.
    pub fn new(values: &[f32], cols: usize, conditions: usize, weights: Option<&[f32]>, added: &[f64]) -> Self {
        let (mean, mut covariance) = moments(values, cols, weights);
        let columns = cols - conditions;
        (0..columns).for_each(|j| covariance[(j, j)] += added[j]);
        let own = covariance.view((0, 0), (columns, columns)).into_owned();
        let directions = principal(own.clone());
        let across = covariance.view((columns, 0), (conditions, columns)).into_owned();
        let given = covariance.view((columns, columns), (conditions, conditions)).into_owned();
        // Indicators of all levels sum to one: the least-norm solution.
        let slopes = match conditions {
            0 => across.clone(),
            _ => given.svd(true, true).solve(&across, 1e-9).unwrap_or_else(|_| across.clone() * 0.0),
        };
        let rest = if conditions == 0 { directions.clone() } else { principal(own - across.transpose() * &slopes) };
        let single = |v: &[f64]| v.iter().map(|&v| v as f32).collect();
        Self {
            mean: single(&mean[..columns]),
            directions,
            given_mean: single(&mean[columns..]),
            slopes: slopes.transpose().iter().map(|&v| v as f32).collect(),
            rest,
        }
    }
}

fn moments(values: &[f32], cols: usize, weights: Option<&[f32]>) -> (Vec<f64>, nalgebra::DMatrix<f64>) {
    let rows = values.len() / cols;
    let weight = |i: usize| weights.map_or(1.0, |w| f64::from(w[i]));
    let total: f64 = (0..rows).map(weight).sum();
    let mut mean = vec![0.0; cols];
    for (i, row) in values.chunks_exact(cols).enumerate() {
        mean.iter_mut().zip(row).for_each(|(m, &x)| *m += weight(i) * f64::from(x) / total);
    }
    let mut covariance = nalgebra::DMatrix::<f64>::zeros(cols, cols);
    for (i, row) in values.chunks_exact(cols).enumerate() {
        let centerd = nalgebra::DVector::from_iterator(cols, row.iter().zip(&mean).map(|(&x, m)| f64::from(x) - m));
        covariance.ger(weight(i) / total, &centerd, &centerd, 1.0);
    }
    (mean, covariance)
}

/// Principal directions, each times its standard deviation, largest first.
fn principal(covariance: nalgebra::DMatrix<f64>) -> Vec<Vec<f32>> {
    let eigen = nalgebra::SymmetricEigen::new(covariance);
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    order
        .into_iter()
        .map(|k| {
            let deviation = eigen.eigenvalues[k].max(0.0).sqrt();
            eigen.eigenvectors.column(k).iter().map(|v| (deviation * v) as f32).collect()
        })
        .collect()
}
