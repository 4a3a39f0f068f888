//! The mean log-likelihood of rows: in nats a row, and in bits a dimension as densities of many columns are compared.

use super::Points;
use super::gaussian::Gaussian;

/// The mean of ln ρ over rows.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LogLikelihood {
    pub rows: usize,
    /// Nats a row; −∞ where one row is impossible under the model.
    pub mean: f64,
    /// Standard error of `mean`; none for a single row or an infinite mean.
    #[serde(default)]
    pub standard_error: Option<f64>,
    /// −mean/(d ln 2), of d columns: lower is better.
    pub bits_per_dimension: f64,
}

impl LogLikelihood {
    /// From ln ρ of each row, of `columns` columns.
    pub fn of(values: impl ExactSizeIterator<Item = f64> + Clone, columns: usize) -> Self {
        let rows = values.len();
        let mean = values.clone().sum::<f64>() / rows as f64;
        let variance = values.map(|v| (v - mean).powi(2)).sum::<f64>() / (rows as f64 - 1.0);
        let standard_error = (rows > 1 && mean.is_finite()).then(|| (variance / rows as f64).sqrt());
        Self { rows, mean, standard_error, bits_per_dimension: -mean / (columns as f64 * std::f64::consts::LN_2) }
    }

    /// The same where rows have weights: the mean as they weigh, and its standard error √(n/(n−1) Σ s²(v − mean)²) of shares s of the whole weight, with
    /// n = 1/Σ s². Rows without weight are left out.
    pub fn of_weighted(values: &[f64], weights: Option<&[f32]>, columns: usize) -> Self {
        let Some(weights) = weights else { return Self::of(values.iter().copied(), columns) };
        let counted = || values.iter().zip(weights).filter(|(_, w)| **w > 0.0).map(|(&value, &w)| (value, f64::from(w)));
        let total: f64 = counted().map(|(_, w)| w).sum();
        let mean = counted().map(|(value, w)| w / total * value).sum::<f64>();
        let concentration: f64 = counted().map(|(_, w)| (w / total).powi(2)).sum();
        let squares: f64 = counted().map(|(value, w)| (w / total * (value - mean)).powi(2)).sum();
        let (rows, left) = (counted().count(), 1.0 - concentration);
        let standard_error = (rows > 1 && mean.is_finite() && left > 0.0).then(|| (squares / left).sqrt());
        Self { rows, mean, standard_error, bits_per_dimension: -mean / (columns as f64 * std::f64::consts::LN_2) }
    }

    /// That of `rows` under the Gaussian fitted to `train`: what any density has to beat. The last `given` columns are conditions, given which the
    /// others have a Gaussian whose mean is linear in them; conditions that depend on each other, as indicators of levels do, are no obstacle.
    pub fn of_gaussian(train: Points, rows: Points, given: usize) -> Self {
        Self::of_weighted_gaussian((train, train.weights()), (rows, rows.weights()), given)
    }

    /// The same where rows to fit, or rows to score, have weights.
    pub fn of_weighted_gaussian(train: (Points, Option<&[f32]>), rows: (Points, Option<&[f32]>), given: usize) -> Self {
        let (rows, weights) = rows;
        let values = GivenGaussian::fit(train, given).log_densities(rows);
        Self::of_weighted(&values, weights, rows.columns() - given)
    }
}

/// A Gaussian fitted to rows, of which the last columns are conditions: the others have a mean that is linear in them.
pub struct GivenGaussian {
    gaussian: Gaussian,
    given: usize,
}

impl GivenGaussian {
    /// Of rows that may have weights.
    pub fn fit((train, weights): (Points, Option<&[f32]>), given: usize) -> Self {
        let fitted = conditions_first(train, given);
        Self { gaussian: Gaussian::fit_weighted(Points { values: &fitted, ..train }, weights), given }
    }

    /// ln ρ of each row, given its conditions.
    pub fn log_densities(&self, rows: Points) -> Vec<f64> {
        let scored = conditions_first(rows, self.given);
        scored.chunks_exact(rows.columns()).map(|row| self.gaussian.log_density_given(row, self.given)).collect()
    }
}

fn conditions_first(points: Points, given: usize) -> Vec<f32> {
    let d = points.columns();
    let turned = |row: &[f32]| [&row[d - given..], &row[..d - given]].concat();
    points.values().chunks_exact(d).flat_map(turned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_its_error_and_its_bits() {
        let found = LogLikelihood::of([-1.0, -3.0].into_iter(), 2);
        assert_eq!((found.mean, found.standard_error), (-2.0, Some(1.0)));
        assert!((found.bits_per_dimension - 1.0 / std::f64::consts::LN_2).abs() < 1e-15);
        let lost = LogLikelihood::of([-1.0, f64::NEG_INFINITY].into_iter(), 1);
        assert_eq!((lost.mean, lost.standard_error), (f64::NEG_INFINITY, None));
    }

    #[test]
    fn rows_count_as_they_weigh() {
        // A row of weight 2 is two rows; one without weight is none, however unlikely.
        let twice = LogLikelihood::of([-1.0, -1.0, -4.0].into_iter(), 1);
        let weighed = LogLikelihood::of_weighted(&[-1.0, f64::NEG_INFINITY, -4.0], Some(&[2.0, 0.0, 1.0]), 1);
        assert_eq!((weighed.mean, weighed.rows), (twice.mean, 2));
        // Equal weights change nothing.
        let values = [-1.0, -3.0, -2.5];
        let [plain, equal] = [None, Some(&[0.5f32; 3][..])].map(|weights| LogLikelihood::of_weighted(&values, weights, 1));
        assert!((plain.standard_error.unwrap() - equal.standard_error.unwrap()).abs() < 1e-12 && plain.mean == equal.mean);
        // A Gaussian fitted to the left half of (−3, −1, 1, 3): mean −2, variance 2 with the divisor n − 1.
        let points = Points::new(&[-3.0, -1.0, 1.0, 3.0], 4, 1).unwrap();
        let left = Some(&[1.0, 1.0, 0.0, 0.0][..]);
        let found = LogLikelihood::of_weighted_gaussian((points, left), (points, left), 0);
        let exact = -0.5 * (std::f64::consts::TAU * 2.0).ln() - 0.25;
        assert!((found.mean - exact).abs() < 1e-12, "{found:?}");
    }

    /// y = 5·[level b] + c exactly but for ±0.3, beside one-hot levels whose covariance is singular: the regression is exact, and the residuals
    /// are ±0.3.
    #[test]
    fn a_gaussian_given_levels_is_the_linear_model() {
        let rows: Vec<f32> = (0..400u32)
            .flat_map(|i| {
                let (b, c, e) = ((i & 1) as f32, (i >> 1 & 1) as f32, if i >> 2 & 1 == 1 { 0.3 } else { -0.3 });
                [5.0 * b + c + e, 1.0 - b, b, c]
            })
            .collect();
        let points = Points::new(&rows, 400, 4).unwrap();
        let found = LogLikelihood::of_gaussian(points, points, 3);
        let variance: f64 = 0.09 * 400.0 / 399.0;
        let exact = -0.5 * (std::f64::consts::TAU * variance).ln() - 0.5 * 399.0 / 400.0;
        assert!((found.mean - exact).abs() < 1e-6, "{found:?} for {exact}");
    }

    #[test]
    fn a_gaussian_is_as_likely_as_its_formula_says() {
        // Mean (1, 0), covariance diag(2/3·…): four corners of a rectangle of sides 2 and 4.
        let corners = [0.0f32, -2.0, 2.0, -2.0, 0.0, 2.0, 2.0, 2.0];
        let points = Points::new(&corners, 4, 2).unwrap();
        let found = LogLikelihood::of_gaussian(points, points, 0);
        let (a, b) = (4.0 / 3.0, 16.0 / 3.0f64);
        let exact = -std::f64::consts::TAU.ln() - 0.5 * (a * b).ln() - 0.5 * (1.0 / a + 4.0 / b);
        assert!((found.mean - exact).abs() < 1e-12 && found.standard_error.unwrap() < 1e-12, "{found:?}");
    }
}
