//! Logarithms of Gaussian kernel sums of several widths over pairs that are never stored; `shaders/kernel_density.wgsl` has the formulas.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! // Far from both rows of y: ln(e^−½·100² + e^−½·101²), which is e^−101 over single precision's least number.
//! let (x, y) = (gpu.upload(1, 1, &[100.0])?, gpu.upload(2, 1, &[0.0, -1.0])?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let (x, y) = (rec.tensor(&x), rec.tensor(&y));
//! let sums = rec.log_kernel_sums(x, y, &[1.0], false)?;
//! let sums = rec.keep(sums);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(sums)?, [-5000.0]);
//! # Ok(())
//! # }
//! ```

use crate::gpu::kernels::kernel_density::{Merge, Params, Sums};
use crate::gpu::{Axes, Recorder, Var};
use crate::{Error, Result};

/// Widths of one pass.
pub const WIDTHS: usize = 8;
/// Columns up to which a row is held in registers.
const REGISTERS: usize = 16;
/// Rows of y in a split at most: some drivers end loops silently after 65,535 rounds.
const LONGEST: usize = 32_768;
/// Pairs × (columns + widths) in a dispatch at most, far below a second on any device.
const WORK: usize = 1 << 29;

impl Recorder {
    /// ln Σ_j exp(−‖xᵢ − yⱼ‖²/2h²) for each row of `x` (n × d) over the rows of `y` (m × d) and each of up to [`WIDTHS`] widths h: n × widths. With `same`,
    /// row i of `y` is left out for row i of `x`; where nothing is left the sum is −3·10³⁸ or less. Not taped.
    ///
    /// # Errors
    /// Shapes that do not belong together, no width or more than [`WIDTHS`], a width that is not above 0.
    pub fn log_kernel_sums(&mut self, x: Var, y: Var, widths: &[f32], same: bool) -> Result<Var> {
        let (n, m, d) = (x.rows(), y.rows(), x.cols());
        if y.cols() != d || x.is_empty() || y.is_empty() || same && n != m {
            let problem = format!("{n} × {d} against {m} × {}: the columns must agree, and no side be empty", y.cols());
            return Err(Error::shape("log_kernel_sums", problem));
        }
        let rates: Vec<f32> = widths.iter().map(|h| (0.5 / f64::from(*h).powi(2)) as f32).collect();
        if widths.is_empty() || widths.len() > WIDTHS || !rates.iter().zip(widths).all(|(a, h)| *h > 0.0 && a.is_finite()) {
            return Err(Error::shape("log_kernel_sums", format!("widths {widths:?}: give 1 to {WIDTHS} above 0")));
        }
        let b = widths.len();
        let rates = self.gpu().upload(1, b, &rates)?;
        let rates = self.tensor(&rates);
        // Enough groups to fill the device, and no split longer than a loop may be; whole numbers of eight rows.
        let wanted = (4 * self.gpu().parallel_groups() as usize).div_ceil(n.div_ceil(64));
        let wanted = wanted.min(m.div_ceil(256)).max(m.div_ceil(LONGEST)).max(1);
        let columns = m.div_ceil(wanted).next_multiple_of(8);
        let splits = m.div_ceil(columns);
        let whole = Params {
            n: n as u32,
            m: m as u32,
            d: d as u32,
            columns: columns as u32,
            row_begin: 0,
            row_end: n as u32,
            splits: splits as u32,
            same: u32::from(same),
        };
        let axes = Axes::none().set("B", b).set("D", if d <= REGISTERS { d } else { 0 });
        let parts = self.empty(splits * n, 1 + b)?;
        let at_once = (WORK / (m * (d + 4 * b))).clamp(64, 65_535 * 64) / 64 * 64;
        for begin in (0..n).step_by(at_once) {
            let end = (begin + at_once).min(n);
            let params = Params { row_begin: begin as u32, row_end: end as u32, ..whole };
            let groups = [(end - begin).div_ceil(64) as u32, splits as u32, 1];
            self.dispatch(Sums { params, x, y, rates, parts }, &axes, groups)?;
        }
        let out = self.empty(n, b)?;
        let groups = self.groups(n, 64);
        self.dispatch(Merge { params: whole, rates, split_parts: parts, out }, &axes, groups)?;
        Ok(out)
    }
}
