//! Where scores over all pairs are computed, and the same quantities on the device, in blocks of rows.

use crate::Result;
use crate::gpu::{Gpu, Recorder, Var};

use super::Points;

/// Where work over all pairs of rows is done.
#[derive(Clone, Debug, Default)]
pub enum Backend {
    /// All cores of the host.
    #[default]
    Host,
    Gpu(Gpu),
}

impl Backend {
    /// For nearest rows and for sorting: the GPU, unless it is a software adapter. That runs on the same cores, where plain vector code
    /// is far faster: precision, recall, density and coverage of 10,000 rows a side of 2 columns take 0.28 s on the host and 6.5 s there
    /// (3,000 rows of 30 columns: 0.12 s and 9.7 s), 256 sorted directions of 50,000 rows a side 0.75 s and 12.4 s.
    pub fn best(gpu: &Gpu) -> Self {
        if gpu.is_software() { Self::Host } else { Self::Gpu(gpu.clone()) }
    }

    /// Rows of each set with which all scores of pairs of rows of `columns` columns take about five seconds together: they form some 15
    /// rows² pairs, on two cores 2.3·10⁹ a second of 2 columns, and in proportion to columns + 6. A real GPU is counted as twenty times faster. Of 40 columns
    /// these are 11,700, where the standard error of a share is .005 at most: more rows would show no difference that matters.
    pub fn pair_rows(&self, columns: usize) -> usize {
        (self.pairs(columns) / 4.0).sqrt() as usize
    }

    /// Samples whose nearest training rows are found in a few seconds, of this many.
    pub(super) fn memorization_rows(&self, columns: usize, train: usize) -> usize {
        (self.pairs(columns) / train as f64) as usize
    }

    fn pairs(&self, columns: usize) -> f64 {
        let work = match self {
            Self::Host => 2.5e10,
            Self::Gpu(_) => 5e11,
        };
        work / (columns as f64 + 6.0)
    }

    /// For sums of kernels: the GPU, and a software adapter up to 64 columns, for which the shader is written out (10,000 rows a
    /// side: 0.13 s against 0.62 s for 2 columns, 2.0 s against 5.7 s for 64).
    pub fn for_sums(gpu: &Gpu, columns: usize) -> Self {
        if gpu.is_software() && columns > 64 { Self::Host } else { Self::Gpu(gpu.clone()) }
    }
}

/// Distances at or above this stand for rows that are not there.
pub(super) const MISSING: f32 = 3.0e38;

/// Rows × rows × columns of one submission at most: under a second even at 100 Gflop/s.
const WORK: usize = 1 << 35;

/// Rows of a block against m rows of d columns.
pub(super) fn rows_at_once(m: usize, d: usize) -> usize {
    (WORK / (m * (d + 4))).clamp(64, 1 << 16)
}

/// Runs `record(rec, block of x, y)` on blocks of the rows of x against all of y, and joins what it returns row by row.
pub(super) fn by_rows(
    gpu: &Gpu,
    x: Points,
    y: Points,
    record: impl Fn(&mut Recorder, Var, Var) -> Result<Vec<Var>>,
) -> Result<Vec<Vec<f32>>> {
    let (n, d) = (x.rows(), x.columns());
    let all = gpu.upload(y.rows(), d, y.values())?;
    let block = rows_at_once(y.rows(), d);
    let mut joined: Vec<Vec<f32>> = Vec::new();
    for first in (0..n).step_by(block) {
        let rows = block.min(n - first);
        let part = gpu.upload(rows, d, &x.values()[first * d..(first + rows) * d])?;
        let mut rec = Recorder::new(gpu, 0);
        let (part, all) = (rec.tensor(&part), rec.tensor(&all));
        let kept: Vec<_> = record(&mut rec, part, all)?.into_iter().map(|var| rec.keep(var)).collect();
        let mut step = rec.finish()?;
        step.replay(1)?;
        joined.resize(kept.len(), Vec::new());
        for (whole, kept) in joined.iter_mut().zip(kept) {
            whole.extend(step.read(kept)?);
        }
    }
    Ok(joined)
}
