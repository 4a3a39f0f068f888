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

    /// That of `rows` under the Gaussian fitted to `train`: what any density has to beat. The last `given` columns are conditions.
    pub fn of_gaussian(train: Points, rows: Points, given: usize) -> Self {
        let d = rows.columns();
        let behind =
            |points: Points| points.values().chunks_exact(d).flat_map(|row| row[d - given..].to_vec()).collect::<Vec<f32>>();
        let joint = Gaussian::fit(train);
        let of_given = match given {
            0 => None,
            _ => Points::new(&behind(train), train.rows(), given).ok().map(Gaussian::fit),
        };
        let each = |row: &[f32]| joint.log_density(row) - of_given.as_ref().map_or(0.0, |g| g.log_density(&row[d - given..]));
        let values: Vec<f64> = rows.values().chunks_exact(d).map(each).collect();
        Self::of(values.into_iter(), d - given)
    }
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
