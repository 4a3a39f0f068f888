//! The noise that whole numbers and bits are learned with, so that they have a density: rounding takes it off again (Theis, van den Oord & Bethge 2016, §3.1).

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Standard deviation of [`Noise::Normal`], of the cell's width.
pub(crate) const STANDARD_DEVIATION: f64 = 0.15;
/// How often [`Noise::proposed`] is uniform over the cell, so that no ratio of densities is large.
const UNIFORM_SHARE: f64 = 0.2;

/// How noise lies in the cell of the numbers that round to the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noise {
    /// Uniform over the cell: whole numbers next to each other become one smooth density.
    Uniform,
    /// Normal, of 0.15 of the cell's width, reflected at the cell's ends: each cell has a peak of its own, and fewer samples end up in the wrong one.
    Normal,
}

impl Noise {
    /// Its variance in a cell of width 1. What reflecting the normal one takes away is less than 0.1 % of it.
    pub(crate) fn variance(self) -> f64 {
        match self {
            Self::Uniform => 1.0 / 12.0,
            Self::Normal => STANDARD_DEVIATION * STANDARD_DEVIATION,
        }
    }

    /// A draw in a cell of width 1.
    pub(crate) fn draw(self, random: &mut ChaCha8Rng) -> f64 {
        match self {
            Self::Uniform => f64::from(random.random_range(-0.5f32..0.5)),
            Self::Normal => {
                let x = STANDARD_DEVIATION * random.sample::<f64, _>(StandardNormal);
                2.0 * x.clamp(-0.5, 0.5) - x
            }
        }
    }

    /// A draw of r in a cell of width 1, and −ln r there: r = 0.8 · 2 (1 − 2|x|) + 0.2, a triangle and a uniform distribution. The mean of q/r is the integral of a
    /// model's density q over all of the cell, whatever noise it was trained with, and q²/r integrates to at most 1.4 where q is the normal noise or uniform.
    pub(crate) fn proposed(random: &mut ChaCha8Rng) -> (f64, f64) {
        let mut uniform = |width: f64| width * random.random_range(-0.5..0.5);
        let is_uniform = uniform(1.0) + 0.5 < UNIFORM_SHARE;
        // The sum of two uniform numbers has a triangle for its density.
        let x: f64 = if is_uniform { uniform(1.0) } else { uniform(0.5) + uniform(0.5) };
        (x, -(UNIFORM_SHARE + (1.0 - UNIFORM_SHARE) * 2.0 * (1.0 - 2.0 * x.abs())).ln())
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn noise_has_its_variance_and_stays_in_the_cell() {
        let mut random = ChaCha8Rng::seed_from_u64(0);
        for noise in [Noise::Uniform, Noise::Normal] {
            let drawn: Vec<f64> = (0..100_000).map(|_| noise.draw(&mut random)).collect();
            let variance = drawn.iter().map(|x| x * x).sum::<f64>() / drawn.len() as f64;
            // Four standard errors of a normal one's variance, and what reflecting takes away.
            assert!((variance / noise.variance() - 1.0).abs() < 4.0 * (2.0 / 1e5f64).sqrt() + 0.001, "{noise:?}: {variance}");
            assert!(drawn.iter().all(|x| x.abs() <= 0.5));
        }
    }

    /// E[f/r] is the integral of f over the cell, for f of which the moments are known.
    #[test]
    fn means_of_ratios_are_integrals_over_the_cell() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let draws: Vec<(f64, f64)> = (0..200_000).map(|_| Noise::proposed(&mut random)).collect();
        let second =
            |q: &dyn Fn(f64) -> f64| draws.iter().map(|(x, minus_ln)| (q(*x) * minus_ln.exp()).powi(2)).sum::<f64>() / 2e5;
        let normal =
            |x: f64| (-0.5 * (x / STANDARD_DEVIATION).powi(2)).exp() / (STANDARD_DEVIATION * std::f64::consts::TAU.sqrt());
        assert!(second(&normal) < 1.4 && second(&|_| 1.0) < 1.4);
        for (integral, of) in [(1.0, 0), (1.0 / 12.0, 2), (1.0 / 80.0, 4)] {
            let ratios = draws.iter().map(|(x, minus_ln)| x.powi(of) * minus_ln.exp());
            let (mean, square) = ratios.fold((0.0, 0.0), |(mean, square), v| (mean + v / 2e5, square + v * v / 2e5));
            let error = ((square - mean * mean) / 2e5).sqrt();
            assert!((mean - integral).abs() < 4.0 * error, "x^{of}: {mean} ± {error}");
        }
    }
}
