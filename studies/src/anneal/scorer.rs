//! What every run on a target is scored by.

use super::{Scores, Target};
use pushforward::gpu::Gpu;
use pushforward::metrics::{Points, pairs};
use pushforward::{Error, Result};

/// Pairs of sets of sampled and of fresh rows whose energy distances are averaged.
const SETS: usize = 3;
/// Seeds of fresh rows, far from those of training rows.
const REFERENCE: u64 = 0x616e_6e65_616c;
const BESIDE: u64 = 0x6265_7369_6465;
/// Rows beyond this are not scored: a square of it would overflow.
const FARTHEST: f32 = 1e9;

/// The fresh rows of a target.
pub struct Scorer {
    gpu: Gpu,
    target: Target,
    scored: usize,
    references: Vec<f32>,
}

impl Scorer {
    /// Compares sets of `scored` rows.
    pub fn new(gpu: &Gpu, target: Target, scored: usize) -> Result<Self> {
        let references = target.sample(SETS * scored, REFERENCE)?.into_single();
        Ok(Self { gpu: gpu.clone(), target, scored, references })
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Rows of a sample that [`Scorer::scores`] takes.
    pub fn rows(&self) -> usize {
        SETS * self.scored
    }

    /// As many fresh rows: others for every seed, and others than those compared with.
    pub fn beside(&self, seed: u64) -> Result<Vec<f32>> {
        Ok(self.target.sample(self.rows(), BESIDE.wrapping_add(seed))?.into_single())
    }

    /// Scores [`Scorer::rows`] rows.
    pub fn scores(&self, sample: &[f32]) -> Result<Scores> {
        let columns = self.target.columns();
        if sample.len() != self.references.len() {
            return Err(Error::shape("scores", format!("{} rows, not {}", sample.len() / columns, self.rows())));
        }
        let far = sample.iter().fold(0.0f32, |far, v| far.max(if v.is_nan() { f32::INFINITY } else { v.abs() }));
        if far > FARTHEST {
            return Err(Error::data(format!("its rows lie as far as {far:.0e} from the origin: it has diverged")));
        }
        let mut energy = 0.0;
        let size = self.scored * columns;
        for (reference, set) in self.references.chunks_exact(size).zip(sample.chunks_exact(size)) {
            let [reference, set] = [reference, set].map(|values| Points::new(values, self.scored, columns));
            energy += pairs::energy_on(&self.gpu, reference?, set?)?.value / SETS as f64;
        }
        let shares = self.target.mixture().map(|mixture| mixture.shares(sample));
        let share_error = self.target.mixture().zip(shares.as_ref()).map(|(mixture, shares)| mixture.share_error(shares));
        let outlier_rate = shares.as_ref().map(|shares| (1.0 - shares.iter().sum::<f64>()).max(0.0));
        Ok(Scores { root_energy: energy.max(0.0).sqrt(), shares: shares.unwrap_or_default(), share_error, outlier_rate })
    }
}
