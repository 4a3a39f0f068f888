//! Characteristic-function matching: the mean formulation D₂² (paper §2, eq. 3) with 𝓕 = {x ↦ e^{t·x} | t ∈ T},
//!
//!   D₂²(μ, μ₁; τ) = Σ_k τ_k |⟨f_k|μ⟩ − ⟨f_k|μ₁⟩|².
//!
//! T is imaginary (characteristic functions) or complex (moment-generating functions, for bounded data). Frequencies drawn
//! from a distribution Λ, with equal weights, make D₂² the MMD of the kernel that is Λ's Fourier transform: Gaussian frequencies give
//! the Gaussian kernel, Cauchy the Laplace kernel, Laplace the inverse quadratic, column by column. If they are redrawn at every step,
//! the gradient of every step is right on average. Integers k give the Fourier series of the data's box, as in Fig. 1.

use super::one_step::OneStep;
use super::{Dataset, Entry, Learner, Method, Objective, Setup, Training, estimator};
use crate::gpu::{Recorder, Tensor, Var};
use crate::ops::fourier::Frequencies;
use crate::ops::random::Distribution;
use crate::{Result, settings};

/// Where frequencies come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FrequencyDistribution {
    Gaussian,
    Cauchy,
    Laplace,
    /// The integer vectors of smallest norm, one of each pair ±k, times 2π over the period.
    Integer,
}

/// The weights τ_k before they are made to sum to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tau {
    Uniform,
    /// ∝ 1/‖t‖.
    Inverse,
}

settings! {
    /// Settings of `characteristic`.
    pub struct Characteristic {
        /// Distribution of the frequencies: gaussian, cauchy, laplace, integer.
        distribution: FrequencyDistribution = FrequencyDistribution::Gaussian,
        /// Number of frequencies.
        frequencies: usize = 1024, in 1..=32_768,
        /// Scales of the frequencies in units of 1/(median distance), each for an equal share of them (not for integer).
        scales: Vec<f32> = vec![1.0, 2.0, 4.0, 8.0], in items(1..=32_768, above(0.0)),
        /// Period of integer frequencies as a multiple of the widest column's range.
        period: f32 = 1.25, in above(0.0),
        /// Scale of the exponents' real part in units of 1/(median distance); above 0 for moment-generating functions, on bounded data.
        growth: f32 = 0.0, in 0.0..,
        /// Weights τ: uniform, or inverse (proportional to 1/‖t‖).
        tau: Tau = Tau::Uniform,
        /// Redraw of the frequencies at every step (never for integer).
        redraw: bool = true,
        /// Unbiased estimate of ⟨f|μ⟩², from independent pairs (the value can be negative).
        unbiased: bool = true,
    }
}

static ENTRY: Entry = Entry {
    name: "characteristic",
    summary: "characteristic or moment-generating functions at many frequencies, in the mean",
    paper: "§2, eq. (3) with f(x) = e^(tx), and Fig. 1",
    use_when: "You want to match statistics with large batches: the cost grows with rows × frequencies, not with the square of the rows.",
    avoid_when: "The table is small and wide: on 30 columns and 569 rows the skill is 0.5, where energy reaches about 1; it also has no density.",
    density: false,
    inverse: false,
    training: Training::default,
};

impl Method for Characteristic {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        Ok(Box::new(CharacteristicLearner { core: OneStep::new(setup)?, settings: self.clone(), seed: setup.seed }))
    }

    fn can_be_annealed(&self) -> bool {
        true
    }
}

/// Trains φ by D₂² between a generated and a data batch.
struct CharacteristicLearner {
    core: OneStep,
    settings: Characteristic,
    seed: u64,
}

/// Fixed frequencies are drawn in a counter domain of their own.
const DOMAIN: u32 = 0xf0e1;

impl CharacteristicLearner {
    /// t = a + i b, K × d each, and τ, 1 × K.
    fn frequencies(&self, rec: &mut Recorder, data: &Dataset) -> Result<(Frequencies, Var)> {
        let s = &self.settings;
        let d = data.cols();
        let b = match s.distribution {
            FrequencyDistribution::Integer => {
                let integers = integer_vectors(s.frequencies, d);
                let unit = std::f32::consts::TAU / (s.period * data.range());
                let values: Vec<f32> = integers.iter().flatten().map(|&k| unit * k as f32).collect();
                let tensor = rec.gpu().upload(s.frequencies, d, &values)?;
                rec.tensor(&tensor)
            }
            distribution => {
                let distribution = match distribution {
                    FrequencyDistribution::Cauchy => Distribution::Cauchy,
                    FrequencyDistribution::Laplace => Distribution::Laplace,
                    _ => Distribution::Normal,
                };
                self.drawn(rec, distribution, data)?
            }
        };
        let frequencies = if s.growth > 0.0 {
            let a = self.drawn(rec, Distribution::Normal, data)?;
            Frequencies::complex(rec.scale(a, s.growth)?, b)
        } else {
            Frequencies::real(b)
        };
        Ok((frequencies, self.tau(rec, b)?))
    }

    /// K × d numbers of a distribution, each row times its scale; fresh at every step, or the same at all.
    fn drawn(&self, rec: &mut Recorder, distribution: Distribution, data: &Dataset) -> Result<Var> {
        let (count, d) = (self.settings.frequencies, data.cols());
        let scales = &self.settings.scales;
        let per_row: Vec<f32> = (0..count).map(|k| scales[k % scales.len()] / data.median_distance()).collect();
        let scaled = |rec: &mut Recorder| {
            let numbers = rec.random(distribution, count, d)?;
            let scales = rec.gpu().upload(count, 1, &per_row)?;
            let scales = rec.tensor(&scales);
            rec.mul(numbers, scales)
        };
        if self.settings.redraw {
            return scaled(rec);
        }
        let mut once = Recorder::with_domain(rec.gpu(), self.seed, DOMAIN)?;
        let numbers = scaled(&mut once)?;
        let numbers = once.keep(numbers);
        let mut step = once.finish()?;
        step.replay(1)?;
        let fixed: Tensor = step.tensor(numbers)?;
        Ok(rec.tensor(&fixed))
    }

    fn tau(&self, rec: &mut Recorder, b: Var) -> Result<Var> {
        let count = b.rows();
        if self.settings.tau == Tau::Uniform {
            return rec.constant(1.0 / count as f32, 1, count);
        }
        let squares = rec.square(b)?;
        let squares = rec.sum_cols(squares)?;
        // A frequency of zero has nothing to say; the floor only keeps its weight finite.
        let floored = rec.affine(squares, 1.0, 1e-6)?;
        let norm = rec.sqrt(floored)?;
        let inverse = rec.reciprocal(norm)?;
        let total = rec.sum(inverse)?;
        let share = rec.div(inverse, total)?;
        rec.reshape(share, 1, count)
    }
}

/// The `frequencies` integer vectors of dimension d with the smallest norms, one of each pair ±k and none zero.
fn integer_vectors(count: usize, d: usize) -> Vec<Vec<i32>> {
    let mut found: Vec<Vec<i32>> = Vec::new();
    let mut most = 1;
    // A shell of squared norm at a time, until there are enough.
    while found.len() < count {
        let mut shell = Vec::new();
        vectors_of(most, &mut vec![0; d], 0, &mut shell);
        shell.retain(|k| k.iter().find(|&&c| c != 0).is_some_and(|&c| c > 0));
        found.extend(shell);
        most += 1;
    }
    found.truncate(count);
    found
}

/// All integer vectors of squared norm `left`, from coordinate `at` on.
fn vectors_of(left: i32, k: &mut Vec<i32>, at: usize, out: &mut Vec<Vec<i32>>) {
    if at == k.len() {
        if left == 0 {
            out.push(k.clone());
        }
        return;
    }
    let most = left.isqrt();
    for c in -most..=most {
        k[at] = c;
        vectors_of(left - c * c, k, at + 1, out);
    }
    k[at] = 0;
}

impl Objective for CharacteristicLearner {
    fn core(&self) -> &OneStep {
        &self.core
    }

    fn loss(&self, rec: &mut Recorder, y: Var, x: Var, data: &Dataset) -> Result<Var> {
        let (frequencies, tau) = self.frequencies(rec, data)?;
        let target = rec.fourier_statistics(frequencies, x)?;
        rec.fourier_loss(frequencies, y, target, tau, estimator(self.settings.unbiased))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_vectors_come_by_norm_without_their_negatives() {
        assert_eq!(integer_vectors(3, 1), [[1], [2], [3]]);
        let plane = integer_vectors(8, 2);
        assert_eq!(plane[..4], [[0, 1], [1, 0], [1, -1], [1, 1]]);
        for k in &plane {
            let negative: Vec<i32> = k.iter().map(|c| -c).collect();
            assert!(!plane.contains(&negative), "{k:?}");
        }
        assert_eq!(integer_vectors(100, 17).len(), 100);
    }
}
