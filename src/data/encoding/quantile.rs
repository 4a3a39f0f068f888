//! [`Quantile`]: a smooth map between a column's values and a standard normal variable.
//!
//! z = Φ⁻¹(F(x)) for the empirical distribution function F, at a few of its quantiles; between them a monotone rational-quadratic spline (Gregory &
//! Delbourgo 1982; Durkan et al. 2019), which is once differentiable and has its inverse in closed form. Beyond the ends it goes on straight.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

/// Knots at most.
const KNOTS: usize = 64;

/// The map of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Quantile {
    /// Values of the column, strictly increasing.
    x: Vec<f64>,
    /// Where they go, strictly increasing.
    z: Vec<f64>,
    /// dz/dx there.
    slope: Vec<f64>,
}

impl Quantile {
    /// The map of these values, in any order; none where fewer than three of them are distinct.
    pub fn fit(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let n = values.len();
        let normal = Normal::standard();
        // Even in z, so that the tails have knots, too.
        let reach = normal.inverse_cdf(1.0 - 0.5 / n.max(2) as f64);
        let wanted = |k: usize| n as f64 * normal.cdf(reach * (2.0 * k as f64 / (KNOTS - 1) as f64 - 1.0));
        // At the midpoint of the ranks that one value has: a value that comes often is one knot.
        let (mut x, mut z): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
        let (mut k, mut at) = (0, 0);
        while at < n {
            let value = values[at];
            let end = at + values[at..].partition_point(|other| *other == value);
            let passed = k < KNOTS && end as f64 > wanted(k);
            if at == 0 || end == n || passed {
                while k < KNOTS && end as f64 > wanted(k) {
                    k += 1;
                }
                x.push(value);
                z.push(normal.inverse_cdf((at + end) as f64 / (2 * n) as f64));
            }
            at = end;
        }
        if x.len() < 3 {
            return None;
        }
        let slope = slopes(&x, &z);
        Some(Self { x, z, slope })
    }

    /// Whether it is a map at all: as many numbers of each kind, all finite, the knots increasing and the slopes above 0.
    pub fn is_increasing(&self) -> bool {
        let knots = |knots: &[f64]| knots.iter().all(|knot| knot.is_finite()) && knots.windows(2).all(|pair| pair[0] < pair[1]);
        self.x.len() >= 2
            && self.z.len() == self.x.len()
            && self.slope.len() == self.x.len()
            && knots(&self.x)
            && knots(&self.z)
            && self.slope.iter().all(|slope| slope.is_finite() && *slope > 0.0)
    }

    /// z and ln dz/dx at x.
    pub fn forward(&self, x: f64) -> (f64, f64) {
        let last = self.x.len() - 1;
        if x <= self.x[0] || x >= self.x[last] {
            let end = if x <= self.x[0] { 0 } else { last };
            return (self.z[end] + self.slope[end] * (x - self.x[end]), self.slope[end].ln());
        }
        let k = self.x.partition_point(|knot| *knot <= x) - 1;
        let (h, dz) = (self.x[k + 1] - self.x[k], self.z[k + 1] - self.z[k]);
        let (s, a, b) = (dz / h, self.slope[k], self.slope[k + 1]);
        let t = (x - self.x[k]) / h;
        let (u, tu) = (1.0 - t, t * (1.0 - t));
        let below = s + (a + b - 2.0 * s) * tu;
        let z = self.z[k] + dz * (s * t * t + a * tu) / below;
        let slope = s * s * (b * t * t + 2.0 * s * tu + a * u * u) / (below * below);
        (z, slope.ln())
    }

    /// The x that goes to z.
    pub fn inverse(&self, z: f64) -> f64 {
        let last = self.z.len() - 1;
        if z <= self.z[0] || z >= self.z[last] {
            let end = if z <= self.z[0] { 0 } else { last };
            return self.x[end] + (z - self.z[end]) / self.slope[end];
        }
        let k = self.z.partition_point(|knot| *knot <= z) - 1;
        let (h, dz) = (self.x[k + 1] - self.x[k], self.z[k + 1] - self.z[k]);
        let (s, a, b) = (dz / h, self.slope[k], self.slope[k + 1]);
        // The root of a quadratic in t, in the form that does not cancel (Durkan et al. 2019, eq. 6-8).
        let y = (z - self.z[k]) / dz;
        let excess = y * (a + b - 2.0 * s);
        let (p, q, r) = ((s - a) + excess, a - excess, -s * y);
        let root = (q * q - 4.0 * p * r).max(0.0).sqrt();
        let t = 2.0 * r / (-q - root);
        self.x[k] + h * t.clamp(0.0, 1.0)
    }
}

/// Slopes at the knots that keep the spline monotone: the harmonic mean of the neighbors' (Gregory & Delbourgo 1982), at the ends the neighbor's own.
fn slopes(x: &[f64], z: &[f64]) -> Vec<f64> {
    let secant: Vec<f64> = x.windows(2).zip(z.windows(2)).map(|(x, z)| (z[1] - z[0]) / (x[1] - x[0])).collect();
    let last = secant.len() - 1;
    (0..x.len())
        .map(|k| match k {
            0 => secant[0],
            k if k > last => secant[last],
            k => 2.0 * secant[k - 1] * secant[k] / (secant[k - 1] + secant[k]),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_skewed_column_becomes_normal() {
        // Quantiles of the exponential distribution: z is Φ⁻¹ of their ranks.
        let n = 2000;
        let values: Vec<f64> = (0..n).map(|i| -(1.0 - (f64::from(i) + 0.5) / f64::from(n)).ln()).collect();
        let map = Quantile::fit(values.clone()).unwrap();
        let normal = Normal::standard();
        for (i, x) in values.iter().enumerate() {
            let (z, wanted) = (map.forward(*x).0, normal.inverse_cdf((i as f64 + 0.5) / f64::from(n)));
            assert!((z - wanted).abs() < 0.05, "{x}: {z} for {wanted}");
        }
        assert!(map.is_increasing());
        assert!(!Quantile { z: map.x.iter().rev().copied().collect(), ..map.clone() }.is_increasing());
        assert!(!Quantile { slope: Vec::new(), ..map }.is_increasing());
        assert_eq!(Quantile::fit(vec![1.0, 2.0, 1.0]), None);
    }

    #[test]
    fn values_that_come_often_are_one_knot() {
        let values = [vec![0.0; 50], (1..=50).map(f64::from).collect()].concat();
        let map = Quantile::fit(values).unwrap();
        // The midpoint of the ranks of the zeros is a quarter.
        assert!((map.forward(0.0).0 - Normal::standard().inverse_cdf(0.25)).abs() < 1e-12);
    }

    #[test]
    fn the_slope_is_the_derivative() {
        let map = Quantile::fit((1..400).map(|i| f64::from(i * i) / 100.0).collect()).unwrap();
        for x in [-5.0, 0.02, 1.0, 77.7, 500.5, 1591.0, 2000.0] {
            let h = 1e-5;
            let found = (map.forward(x + h).0 - map.forward(x - h).0) / (2.0 * h);
            assert!((found.ln() - map.forward(x).1).abs() < 1e-5, "{x}: {found}");
        }
    }

    proptest! {
        #[test]
        fn the_inverse_undoes_the_map_which_only_grows(
            values in proptest::collection::vec(-1e6f64..1e6, 3..300), at in -2e6f64..2e6,
        ) {
            let Some(map) = Quantile::fit(values.clone()) else { return Ok(()) };
            let mut all: Vec<f64> = values.into_iter().chain([at]).collect();
            all.sort_unstable_by(f64::total_cmp);
            all.dedup();
            let z: Vec<f64> = all.iter().map(|x| map.forward(*x).0).collect();
            prop_assert!(z.windows(2).all(|pair| pair[0] <= pair[1]));
            for (x, z) in all.iter().zip(&z) {
                prop_assert!((map.inverse(*z) - x).abs() < 1e-6 * x.abs().max(1.0), "{} comes back as {}", x, map.inverse(*z));
            }
        }
    }
}
