//! [`Scorer`]: what every sample of a target is scored by, the same for methods and baselines.

use pushforward::data::toy::Toy;
use pushforward::gpu::Gpu;
use pushforward::metrics::{Backend, Points, c2st, manifold, pairs, sliced};
use pushforward::{Error, Result};
use serde::{Deserialize, Serialize};

/// Sets of fresh rows, and of a sample's rows, that are compared with each other: one root energy distance of equal distributions is as
/// often cut at zero as not, and the mean over nine says more.
const SETS: usize = 3;
/// Seeds of fresh rows, far from those of training rows.
const REFERENCE: u64 = 0x7265_6665_7265_6e63;
const BESIDE: u64 = 0x6265_7369_6465;
/// Standard deviations from its mean within which a row counts as its mode's, and the share of a Gaussian in the plane that lies there.
const REACH: f64 = 3.0;
const WITHIN: f64 = 0.988_891_003_461_757_7; // 1 − e^(−9/2)

/// Rows beyond this are not scored.
const FARTHEST: f32 = 1e9;

/// How near a sample is to fresh rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// √max(0, energy distance), the mean over pairs of sets.
    pub root_energy: f64,
    pub sliced_w2: f64,
    /// C2ST accuracy between the sample and fresh rows; ½ is best.
    pub c2st_accuracy: f64,
    /// Share of the sample's rows that lie where no fresh rows are: outside of every ball about one that reaches its fifth neighbor
    /// (1 − precision, Kynkäänniemi et al. 2019). Rows between the parts of a narrow distribution raise it first.
    pub outlier_rate: f64,
    /// Of a mixture of separate modes: the smallest share of a mode over its share of the data, rows far from every mode counting for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest_mode_share: Option<f64>,
}

/// The fresh rows of a target.
pub struct Scorer {
    gpu: Gpu,
    toy: Toy,
    scored: usize,
    references: Vec<Vec<f32>>,
}

impl Scorer {
    /// Compares sets of `scored` rows.
    pub fn new(gpu: &Gpu, toy: Toy, scored: usize) -> Self {
        let references = (0..SETS as u64).map(|k| toy.sample(scored, REFERENCE + k).into_single()).collect();
        Self { gpu: gpu.clone(), toy, scored, references }
    }

    pub fn toy(&self) -> Toy {
        self.toy
    }

    /// Rows of the sample that [`Scorer::scores`] takes.
    pub fn rows(&self) -> usize {
        SETS * self.scored
    }

    /// As many fresh rows: others for every seed, and others than those compared with.
    pub fn beside(&self, seed: u64) -> Vec<f32> {
        self.toy.sample(self.rows(), BESIDE.wrapping_add(seed)).into_single()
    }

    /// The sets of a sample's rows.
    fn sets<'a>(&self, sample: &'a [f32]) -> Result<Vec<Points<'a>>> {
        let sets =
            sample.chunks_exact(2 * self.scored).map(|set| Points::new(set, self.scored, 2)).collect::<Result<Vec<Points>>>()?;
        if sets.len() != SETS {
            return Err(Error::shape("scores", format!("{} sets of {} rows, not {SETS}", sets.len(), self.scored)));
        }
        // A square of it would overflow, and what is no number be taken for no distance.
        let far = sample.iter().fold(0.0f32, |far, v| far.max(v.abs()));
        if far > FARTHEST {
            return Err(Error::data(format!("its rows lie as far as {far:.0e} from the origin: it has diverged")));
        }
        Ok(sets)
    }

    fn references(&self) -> Result<Vec<Points<'_>>> {
        self.references.iter().map(|set| Points::new(set, self.scored, 2)).collect()
    }

    /// √max(0, energy distance) of each set of a sample's rows, the mean over the sets of fresh rows.
    pub fn root_energies(&self, sample: &[f32]) -> Result<Vec<f64>> {
        let references = self.references()?;
        let root = |set: Points, reference: &Points| {
            Ok(pairs::energy_on(&self.gpu, *reference, set)?.value.max(0.0).sqrt() / SETS as f64)
        };
        let mean = |set: Points| references.iter().map(|reference| root(set, reference)).sum::<Result<f64>>();
        self.sets(sample)?.into_iter().map(mean).collect()
    }

    /// Scores [`Scorer::rows`] rows of a sample.
    pub fn scores(&self, sample: &[f32]) -> Result<Scores> {
        let (sets, references) = (self.sets(sample)?, self.references()?);
        let on = &Backend::best(&self.gpu);
        let root_energy = self.root_energies(sample)?.iter().sum::<f64>() / SETS as f64;
        let mut sliced_w2 = 0.0;
        for (reference, set) in references.iter().zip(&sets) {
            sliced_w2 += sliced::wasserstein(on, *reference, *set, sliced::PROJECTIONS, 0)?.value / SETS as f64;
        }
        let (fresh, rows) = (self.references.concat(), self.rows());
        let c2st_accuracy = c2st::test(&self.gpu, Points::new(&fresh, rows, 2)?, Points::new(sample, rows, 2)?, 0)?.value;
        let outlier_rate = 1.0 - manifold::scores(on, references[0], sets[0], manifold::NEIGHBORS)?.precision.value;
        Ok(Scores {
            root_energy,
            sliced_w2,
            c2st_accuracy,
            outlier_rate,
            smallest_mode_share: smallest_mode_share(self.toy, sample),
        })
    }
}

/// The smallest share of a mode over its share of the data, for mixtures of several Gaussians with equal weights.
fn smallest_mode_share(toy: Toy, sample: &[f32]) -> Option<f64> {
    let mixture = toy.mixture().filter(|mixture| mixture.components() > 1)?;
    // Mean, precision and a constant of each component.
    let table = mixture.table();
    let distance = |mode: &[f32], row: &[f32]| -> f64 {
        (0..2).map(|j| f64::from(mode[2 + j]) * (f64::from(row[j]) - f64::from(mode[j])).powi(2)).sum()
    };
    let mut counts = vec![0u32; mixture.components()];
    for row in sample.chunks_exact(2) {
        let all = table.chunks_exact(5).map(|mode| distance(mode, row)).enumerate();
        if let Some((mode, squared)) = all.min_by(|a, b| a.1.total_cmp(&b.1))
            && squared < REACH * REACH
        {
            counts[mode] += 1;
        }
    }
    let due = WITHIN * (sample.len() / 2) as f64 / counts.len() as f64;
    counts.into_iter().min().map(|least| f64::from(least) / due)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_that_is_missing_or_half_there_is_found() {
        let rows = Toy::EightGaussians.sample(16_000, 1).into_single();
        let whole = smallest_mode_share(Toy::EightGaussians, &rows).unwrap();
        // The least of eight shares of 2,000 rows: about 1.4 standard deviations of 1/√2000 below 1.
        assert!((0.9..1.0).contains(&whole), "{whole}");
        // The mode at (2√2, 0) is three standard deviations wide at 1.77.
        let right = |row: &&[f32]| row[0] < 1.7;
        let without: Vec<f32> = rows.chunks_exact(2).filter(right).flatten().copied().collect();
        assert_eq!(smallest_mode_share(Toy::EightGaussians, &without), Some(0.0));
        // Clouds as many times as far out and as wide: three of their standard deviations away from what a mode's are.
        let blurred: Vec<f32> = rows.iter().map(|v| 2.2 * v).collect();
        assert!(smallest_mode_share(Toy::EightGaussians, &blurred).unwrap() < 0.05);
        assert_eq!(smallest_mode_share(Toy::Moons, &rows), None);
    }
}
