//! Two-sample statistics of a radial kernel: MMD² and energy distance, with their gradients in the same pass and without
//! the n×m matrix: memory grows with n + m (Gretton et al. 2012; Székely & Rizzo 2013).
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::ops::pairwise::{Estimator, RadialKernel};
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let (x, y) = (gpu.upload(1, 2, &[0.0, 0.0])?, gpu.upload(1, 2, &[3.0, 4.0])?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let (x, y) = (rec.tensor(&x), rec.tensor(&y));
//! let loss = rec.mmd_squared(&RadialKernel::Energy { beta: 1.0 }, x, y, Estimator::Biased)?;
//! let loss = rec.keep(loss);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(loss)?, [10.0]); // two Diracs at distance 5
//! # Ok(())
//! # }
//! ```

pub use super::kernels::RadialKernel;
use super::pairs::{Launch, Layout, ROUNDS, Tiling, rolls};
use crate::gpu::kernels::common::radial::{self, axis::Kernel};
use crate::gpu::kernels::pairwise::finish::{Gradient, Params as FinishParams, Value};
use crate::gpu::kernels::pairwise::sums::{Params, Rows, Values, Variant};
use crate::gpu::{Backward, Family, Gpu, Recorder, Var};
use crate::{Error, Result};

/// Most widths or shapes of one kernel.
pub const WIDTHS: usize = radial::axis::B::HIGH;

/// How a double sum over one sample is averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimator {
    /// All n² pairs: never negative, too large by O(1/n).
    Biased,
    /// The n(n−1) pairs of distinct points: right on average, negative at times.
    Unbiased,
}

impl Estimator {
    /// Pairs of a sample of n.
    pub(super) fn pairs(self, n: usize) -> f64 {
        match self {
            Self::Biased => n as f64 * n as f64,
            Self::Unbiased => n as f64 * (n as f64 - 1.0),
        }
    }
}

/// A kernel as the shader wants it.
struct Form {
    kernel: Kernel,
    widths: usize,
    shape: [[f32; 4]; 4],
    alpha: [[f32; 4]; 4],
    /// ∂k/∂x = −slope·w·(x − y).
    slope: f64,
    /// k(x, x).
    diagonal: f64,
    /// Nanoseconds of a pair, beyond its coordinates, on two cores of software.
    cost: f64,
}

fn vectors(values: impl IntoIterator<Item = f64>) -> [[f32; 4]; 4] {
    let mut out = [[0.0; 4]; 4];
    for (i, v) in values.into_iter().enumerate() {
        out[i / 4][i % 4] = v as f32;
    }
    out
}

fn positive(op: &'static str, what: &str, values: &[f32]) -> Result<()> {
    if values.is_empty() || values.len() > WIDTHS {
        return Err(Error::shape(op, format!("{} {what}s; a kernel has 1 to {WIDTHS}", values.len())));
    }
    match values.iter().find(|v| !(v.is_finite() && **v > 0.0)) {
        Some(bad) => Err(Error::usage(format!("{op}: a {what} of {bad}; it must be a positive number"))),
        None => Ok(()),
    }
}

impl Form {
    fn of(kernel: &RadialKernel) -> Result<Self> {
        const OP: &str = "pairwise";
        let log2_e = std::f64::consts::LOG2_E;
        let mut form = Self {
            kernel: Kernel::Gaussian,
            widths: 1,
            shape: vectors([]),
            alpha: vectors([]),
            slope: 1.0,
            diagonal: kernel.diagonal(),
            cost: 0.3,
        };
        match kernel {
            RadialKernel::Gaussian { bandwidths } => {
                positive(OP, "bandwidth", bandwidths)?;
                form.widths = bandwidths.len();
                let scale = |&l: &f32| log2_e / (2.0 * f64::from(l) * f64::from(l));
                form.shape = vectors(bandwidths.iter().map(scale));
                // One width leaves its constant to the host; several weigh each other inside.
                form.slope = if form.widths == 1 { 2.0 * scale(&bandwidths[0]) / log2_e } else { 2.0 / log2_e };
                form.cost *= form.widths as f64;
            }
            RadialKernel::Laplace { bandwidth } => {
                positive(OP, "bandwidth", &[*bandwidth])?;
                form.kernel = Kernel::Laplace;
                form.slope = 1.0 / f64::from(*bandwidth);
                form.shape = vectors([log2_e / f64::from(*bandwidth)]);
            }
            RadialKernel::InverseMultiquadric { offset } => {
                positive(OP, "offset", &[*offset])?;
                form.kernel = Kernel::Multiquadric;
                form.shape = vectors([f64::from(*offset).powi(2)]);
            }
            RadialKernel::RationalQuadratic { alphas, bandwidth } => {
                positive(OP, "α", alphas)?;
                positive(OP, "bandwidth", &[*bandwidth])?;
                form.kernel = Kernel::Quadratic;
                form.widths = alphas.len();
                let l2 = f64::from(*bandwidth).powi(2);
                form.shape = vectors(alphas.iter().map(|&a| 1.0 / (2.0 * f64::from(a) * l2)));
                form.alpha = vectors(alphas.iter().map(|&a| f64::from(a)));
                form.slope = 1.0 / l2;
                form.cost *= 3.0 * form.widths as f64;
            }
            RadialKernel::Energy { beta } => {
                if !(*beta > 0.0 && *beta < 2.0) {
                    return Err(Error::usage(format!("the energy distance's exponent is {beta}; it lies between 0 and 2")));
                }
                form.kernel = if *beta == 1.0 { Kernel::Distance } else { Kernel::Power };
                form.shape = vectors([f64::from(*beta) / 2.0 - 1.0]);
                form.slope = f64::from(*beta);
            }
        }
        Ok(form)
    }
}

/// How a sum is cut up, and its variant of the shader.
fn tiling(gpu: &Gpu, form: &Form, (n, m, d): (usize, usize, usize), gradient: bool) -> Result<(Layout, Variant)> {
    let rolled = rolls(gpu, d);
    // Measured on llvmpipe, and few enough that compiling takes a second (two at d = 64).
    let tiling = Tiling::of(gpu, d, |family| match family {
        Family::Subgroup { .. } => match d {
            _ if form.widths > 2 => (2, 4),
            0..=8 => (4, 4),
            9..=16 if rolled => (4, 4),
            9..=16 => (4, 8),
            _ if rolled && !gpu.has_slow_compiler() => (4, 2),
            _ if rolled => (2, 4),
            _ => (2, 8),
        },
        Family::Workgroup if n < 8192 || d > 16 => (1, 1),
        Family::Workgroup => (if d <= 4 { 4 } else { 2 }, 1),
        Family::Register => (if d > 16 { 1 } else { 2 }, 1),
    });
    let layout = tiling.layout(gpu, (n, m), gradient, form.cost + 0.06 * d as f64);
    let radial = radial::Axes { kernel: form.kernel, b: form.widths.try_into()? };
    Ok((layout, Variant { gradient, pairs: tiling.axes()?, radial }))
}

/// Partial sums of one term: splits × n, and splits × (n·d).
struct Sums {
    value: Var,
    gradient: Option<Var>,
}

impl Recorder {
    /// MMD² between the samples x (n×d) and y (m×d), 1×1: mean k(x,x′) + mean k(y,y′) − 2 mean k(x,y). With
    /// [`RadialKernel::Energy`] it is the energy distance. The gradient in x is formed in the same pass and handed on
    /// by the rule; the gradient in y is formed only where the reverse pass wants it.
    pub fn mmd_squared(&mut self, kernel: &RadialKernel, x: Var, y: Var, estimator: Estimator) -> Result<Var> {
        let form = checked(kernel, x, y, estimator)?;
        let (loss, d_x) = self.mmd_forward(&form, x, y, estimator, true)?;
        let kernel = kernel.clone();
        self.record(&[x, y], &[loss], move |rec, back| {
            if let Some(d_x) = d_x {
                hand_on(rec, back, loss, x, d_x)?;
            }
            if back.wants(y) {
                let form = Form::of(&kernel)?;
                let own = rec.pairwise_sums(&form, y, y, true, false)?;
                let cross = rec.pairwise_sums(&form, y, x, true, false)?;
                let d_y = rec.pairwise_gradient(&form, y, x, &own, &cross, estimator)?;
                hand_on(rec, back, loss, y, d_y)?;
            }
            Ok(())
        });
        Ok(loss)
    }

    /// The same without any gradient rule, at about half the cost: for evaluation.
    pub fn mmd_squared_value(&mut self, kernel: &RadialKernel, x: Var, y: Var, estimator: Estimator) -> Result<Var> {
        let form = checked(kernel, x, y, estimator)?;
        Ok(self.mmd_forward(&form, x, y, estimator, false)?.0)
    }

    /// Σᵢⱼ k(xᵢ, yⱼ), 1×1, without a gradient rule.
    pub fn kernel_sum(&mut self, kernel: &RadialKernel, x: Var, y: Var) -> Result<Var> {
        let form = checked(kernel, x, y, Estimator::Biased)?;
        let sums = self.pairwise_sums(&form, x, y, false, x == y)?;
        self.sum_untaped(sums.value)
    }

    /// Σⱼ k(xᵢ, yⱼ) for each row i of x, 1 × n, without a gradient rule.
    pub fn kernel_rows(&mut self, kernel: &RadialKernel, x: Var, y: Var) -> Result<Var> {
        let form = checked(kernel, x, y, Estimator::Biased)?;
        let sums = self.pairwise_sums(&form, x, y, false, false)?;
        self.sum_rows_untaped(sums.value)
    }

    /// Σ k(xᵢ, yⱼ) over the pairs of each block of `rows` rows of x with each block of `columns` rows of y: blocks of y × blocks of x,
    /// without a gradient rule. The rows of x fill their blocks; the last block of y may be shorter.
    pub fn kernel_blocks(&mut self, kernel: &RadialKernel, x: Var, y: Var, rows: usize, columns: usize) -> Result<Var> {
        let form = checked(kernel, x, y, Estimator::Biased)?;
        if rows == 0 || columns == 0 || !x.rows().is_multiple_of(rows) || rows > ROUNDS || columns > ROUNDS {
            let problem = format!("{} rows do not fill blocks of {rows} against blocks of {columns}", x.rows());
            return Err(Error::shape("kernel_blocks", problem));
        }
        let (layout, variant) = tiling(self.gpu(), &form, (x.rows(), y.rows(), x.cols()), false)?;
        let layout = layout.split_at(columns, y.rows());
        let sums = self.pairwise_sums_in((layout, variant), &form, (x, y), false)?;
        let blocks = (layout.splits, x.rows() / rows);
        let by_row = self.view(sums.value, blocks.0 * blocks.1, rows);
        let sums = self.sum_cols_untaped(by_row)?;
        Ok(self.view(sums, blocks.0, blocks.1))
    }

    fn mmd_forward(&mut self, form: &Form, x: Var, y: Var, estimator: Estimator, gradient: bool) -> Result<(Var, Option<Var>)> {
        let xx = self.pairwise_sums(form, x, x, gradient, !gradient)?;
        let xy = self.pairwise_sums(form, x, y, gradient, false)?;
        let yy = self.pairwise_sums(form, y, y, false, true)?;
        let (n, m) = (x.rows(), y.rows());
        let unwanted = match estimator {
            Estimator::Biased => 0.0,
            Estimator::Unbiased => -form.diagonal * (1.0 / (n as f64 - 1.0) + 1.0 / (m as f64 - 1.0)),
        };
        let loss = self.empty(1, 1)?;
        let params = FinishParams {
            rows_xx: xx.value.len() as u32,
            rows_yy: yy.value.len() as u32,
            rows_xy: xy.value.len() as u32,
            c_xx: (1.0 / estimator.pairs(n)) as f32,
            c_yy: (1.0 / estimator.pairs(m)) as f32,
            c_xy: (-2.0 / (n as f64 * m as f64)) as f32,
            added: unwanted as f32,
            ..Default::default()
        };
        let finish = Value { params, xx: xx.value, yy: yy.value, xy: xy.value, out: loss };
        self.dispatch(finish, [1, 1, 1])?;
        let d_x = if gradient { Some(self.pairwise_gradient(form, x, y, &xx, &xy, estimator)?) } else { None };
        Ok((loss, d_x))
    }

    /// ∂MMD²/∂x from the partial sums of (x, x) and (x, y).
    fn pairwise_gradient(&mut self, form: &Form, x: Var, y: Var, xx: &Sums, xy: &Sums, estimator: Estimator) -> Result<Var> {
        let (Some(g_xx), Some(g_xy)) = (xx.gradient, xy.gradient) else {
            return Err(Error::shape("pairwise", "a gradient was asked of sums without one"));
        };
        let (n, m) = (x.rows(), y.rows());
        let d_x = self.empty(n, x.cols())?;
        let params = FinishParams {
            len: x.len() as u32,
            splits_xx: g_xx.rows() as u32,
            splits_xy: g_xy.rows() as u32,
            // A point moves both sides of its own set's sum.
            c_xx: (-2.0 * form.slope / estimator.pairs(n)) as f32,
            c_xy: (2.0 * form.slope / (n as f64 * m as f64)) as f32,
            ..Default::default()
        };
        let groups = self.groups(x.len(), Gradient::WIDTH);
        self.dispatch(Gradient { params, xx: g_xx, xy: g_xy, out: d_x }, groups)?;
        Ok(d_x)
    }

    /// The partial row sums of k(x, y), with their gradients in x where asked. `symmetric`: x is y and only the total matters.
    fn pairwise_sums(&mut self, form: &Form, x: Var, y: Var, gradient: bool, symmetric: bool) -> Result<Sums> {
        let tiling = tiling(self.gpu(), form, (x.rows(), y.rows(), x.cols()), gradient)?;
        self.pairwise_sums_in(tiling, form, (x, y), symmetric)
    }

    fn pairwise_sums_in(
        &mut self,
        (layout, variant): (Layout, Variant),
        form: &Form,
        (x, y): (Var, Var),
        symmetric: bool,
    ) -> Result<Sums> {
        let (n, m, d) = (x.rows(), y.rows(), x.cols());
        let value = self.empty(layout.splits, n)?;
        let d_value = if variant.gradient { Some(self.empty(layout.splits, n * d)?) } else { None };
        for Launch { row_begin, row_end, groups } in self.launches(layout) {
            let params = Params {
                n: n as u32,
                m: m as u32,
                d: d as u32,
                columns: layout.columns as u32,
                row_begin,
                row_end,
                symmetric: u32::from(symmetric),
                spare: 0,
                shape: form.shape,
                alpha: form.alpha,
            };
            match d_value {
                Some(gradient) => self.dispatch(Rows { variant, params, x, y, value, gradient }, groups)?,
                None => self.dispatch(Values { variant, params, x, y, value }, groups)?,
            }
        }
        Ok(Sums { value, gradient: d_value })
    }
}

/// Adds `gradient`·(cotangent of `loss`) to the cotangent of `x`.
pub(super) fn hand_on(rec: &mut Recorder, back: &mut Backward, loss: Var, x: Var, gradient: Var) -> Result<()> {
    if !back.wants(x) {
        return Ok(());
    }
    match back.known(loss) {
        Some(known) => back.pass_scaled(rec, x, gradient, known),
        None => match back.of(rec, loss)? {
            Some(d_loss) => {
                let scaled = rec.mul(gradient, d_loss)?;
                back.pass(rec, x, scaled)
            }
            None => Ok(()),
        },
    }
}

fn checked(kernel: &RadialKernel, x: Var, y: Var, estimator: Estimator) -> Result<Form> {
    if x.cols() != y.cols() || x.cols() == 0 {
        let problem = format!("points of {} and of {} coordinates cannot be compared", x.cols(), y.cols());
        return Err(Error::shape("pairwise", problem));
    }
    let least = if estimator == Estimator::Unbiased { 2 } else { 1 };
    for rows in [x.rows(), y.rows()] {
        if rows < least {
            return Err(Error::shape("pairwise", format!("a sample has {rows} rows; this estimator needs at least {least}")));
        }
        if rows * x.cols() > u32::MAX as usize / 64 {
            return Err(Error::shape("pairwise", format!("{rows} × {} elements are beyond 32-bit sizes", x.cols())));
        }
    }
    Form::of(kernel)
}
