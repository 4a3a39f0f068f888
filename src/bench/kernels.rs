//! Kernel density and mean shift: sums and means over all pairs of two samples.

use super::ceiling::Operations;
use super::{Prepared, agree, normal};
use crate::Result;
use crate::gpu::{Gpu, Plan, Recorder};
use crate::ops::kernel_density::Shape;
use crate::reference::kernel_density::{kernel_means, log_kernel_sums};

/// Rows that are checked at the full size.
const CHECKED: usize = 16;
/// Eight widths about Scott's, as a leave-one-out choice tries them.
const WIDTHS: [f32; 8] = [0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2];

/// Leave-one-out log-densities of n rows of d columns at eight widths.
pub(super) fn kde(gpu: &Gpu, n: usize, d: usize) -> Result<Prepared> {
    let x = normal(n * d, 1);
    let mut rec = Recorder::new(gpu, 0);
    let tensor = gpu.upload(n, d, &x)?;
    let rows = rec.tensor(&tensor);
    let sums = rec.log_kernel_sums(rows, rows, &WIDTHS, true)?;
    let sums = rec.keep(sums);
    let mut step = rec.finish()?;
    step.replay(1)?;
    let reference = log_kernel_sums(&x[..CHECKED * d], &x, d, &WIDTHS, true);
    agree("a kernel sum", &reference, &step.read(sums)?[..CHECKED * WIDTHS.len()])?;
    let (pairs, widths) = ((n * n) as f64, WIDTHS.len() as f64);
    let operations = Operations { flops: pairs * (3.0 * d as f64 + 3.0 * widths), exponentials: pairs * widths, circles: 0.0 };
    Ok(Prepared { plan: Plan::of(step), work: pairs * 1e-6, unit: "Mpairs/s", operations })
}

/// The kernel drift of n rows between n of data and their own batch, one Gaussian kernel.
pub(super) fn drift(gpu: &Gpu, n: usize, d: usize) -> Result<Prepared> {
    let (x, y) = (normal(n * d, 1), normal(n * d, 2));
    let mut rec = Recorder::new(gpu, 0);
    let (a, b) = (gpu.upload(n, d, &x)?, gpu.upload(n, d, &y)?);
    let (rows, data) = (rec.tensor(&a), rec.tensor(&b));
    let drawn = rec.kernel_means(rows, data, Shape::Gaussian, 0.5, false)?;
    let driven = rec.kernel_means(rows, rows, Shape::Gaussian, 0.5, true)?;
    let field = rec.sub(drawn, driven)?;
    let kept = [rec.keep(drawn), rec.keep(driven), rec.keep(field)];
    let mut step = rec.finish()?;
    step.replay(1)?;
    for (what, other, same, kept) in [("a mean of data", &y, false, kept[0]), ("a mean of the own batch", &x, true, kept[1])] {
        let reference = kernel_means(&x[..CHECKED * d], other, d, Shape::Gaussian, 0.5, same);
        agree(what, &reference, &step.read(kept)?[..CHECKED * d])?;
    }
    let pairs = 2.0 * (n * n) as f64;
    // Distances twice, for the sums and for the means.
    let operations = Operations { flops: pairs * (8.0 * d as f64 + 6.0), exponentials: 2.0 * pairs, circles: 0.0 };
    Ok(Prepared { plan: Plan::of(step), work: pairs * 1e-6, unit: "Mpairs/s", operations })
}
