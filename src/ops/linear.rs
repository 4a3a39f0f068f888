//! A linear layer, y = σ(x)·W + b, whose activation is that of its *input*: a chain of layers stores every pre-activation
//! once and nothing else, and each gradient comes ready for the layer below.
//!
//! ```
//! # use pushforward::gpu::{Gpu, Recorder};
//! # use pushforward::ops::activation::Activation;
//! # fn main() -> pushforward::Result<()> {
//! let gpu = Gpu::open("auto")?;
//! let (x, w) = (gpu.upload(1, 2, &[1.0, -1.0])?, gpu.upload(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?);
//! let mut rec = Recorder::new(&gpu, 0);
//! let (x, w) = (rec.tensor(&x), rec.tensor(&w));
//! let y = rec.linear(x, w, None, Activation::Relu)?;
//! let y = rec.keep(y);
//! let mut step = rec.finish()?;
//! step.replay(1)?;
//! assert_eq!(step.read(y)?, [1.0, 2.0, 3.0]);
//! # Ok(())
//! # }
//! ```

use super::activation::Activation;
use crate::gpu::kernels::common::linear::{self as operands, axis::Product};
use crate::gpu::kernels::linear::broadcast::axis::{Cv, Keep};
use crate::gpu::kernels::linear::tiled::axis::{Design, Tile};
use crate::gpu::kernels::linear::{broadcast, tiled};
use crate::gpu::{Backward, Family, Recorder, Slot, Var};
use crate::{Error, Result};

/// A kernel for GPUs and for adapters without subgroups, or one for software adapters with them.
#[derive(Clone, Copy)]
enum Variant {
    Tiled(tiled::Variant),
    Broadcast(broadcast::Variant),
}

/// How a product is laid over workgroups.
struct Layout {
    variant: Variant,
    groups: [u32; 3],
    /// Rows a workgroup takes.
    rows: u32,
    /// Terms of the sum that a part of `Weight` takes, and how many parts there are.
    depth: u32,
    splits: u32,
}

/// Sizes of a layer: n rows, k inputs, m outputs.
#[derive(Clone, Copy)]
struct Sizes {
    n: usize,
    k: usize,
    m: usize,
}

impl Sizes {
    /// Rows and columns of a product's result, and the terms of each sum: of y = σ(x)·W + b, d_x = σ'(x) ⊙ (d_y·Wᵀ), d_w = σ(x)ᵀ·d_y.
    fn of(self, product: Product) -> (usize, usize, usize) {
        match product {
            Product::Forward => (self.n, self.m, self.k),
            Product::Input => (self.n, self.k, self.m),
            Product::Weight => (self.k, self.m, self.n),
        }
    }

    fn params(self, layout: &Layout, accumulate: u32) -> (u32, u32, u32, u32, u32, u32, u32) {
        (self.n as u32, self.k as u32, self.m as u32, layout.rows, layout.depth, layout.splits, accumulate)
    }
}

/// Nanoseconds of one multiplication and addition on two cores of software, about.
pub(super) const PRODUCT: f64 = 0.04;
/// Rows and columns of the tiles.
const SMALL: usize = Tile::Tile64 as usize;
const LARGE: usize = Tile::Tile128 as usize;
/// Rows of the batch that one part of `Weight` should at least take.
const PART: usize = 256;

/// Floating-point operations of one dispatch at most: about a tenth of a second on two cores of software, and as much on a
/// small GPU. Larger products go out a few rows of the batch at a time.
pub(super) fn most_rows(rec: &Recorder, weights: usize) -> usize {
    let most = if rec.gpu().is_software() { 5e9 } else { 3e11 };
    ((most / (2.0 * weights as f64)) as usize / 64 * 64).max(64)
}

/// What a workgroup of the subgroup family holds of B, and how it walks down A (shaders/linear/broadcast.wgsl).
struct Shape {
    /// Rows of B, columns of it that a lane holds, blocks of columns, and how many such blocks there are.
    chunk: usize,
    span: usize,
    held: usize,
    all: usize,
    /// Rows of A that are loaded at once, rows accumulated at once, and groups of these in the text.
    loaded: usize,
    accumulated: usize,
    groups: usize,
    /// Rows of B that a round loads.
    loads: usize,
}

impl Shape {
    fn of(sizes: Sizes, quads: operands::Axes, width: usize, slow_compiler: bool) -> Self {
        let product = quads.product;
        let (_, cols, terms) = sizes.of(product);
        let span = if cols > width { 4 } else { 1 };
        let all = cols.div_ceil(span * width);
        let wide = width >= 16;
        // Deep enough to use each number of A often, shallow enough to compile in a second: what the compiler has to keep apart are
        // `chunk · span · held` numbers.
        let deepest = if slow_compiler { 32 } else { 128 };
        let chunk = terms.next_power_of_two().clamp(4, deepest);
        let held = match chunk {
            _ if slow_compiler => all.min(2),
            // A small chunk of B leaves room for more of its columns.
            ..=16 if product != Product::Weight => all.div_ceil(all.div_ceil(4)),
            // Eight lanes hold 32 columns; two such blocks are what 16 lanes hold, and halve the loads of A.
            128 if width == 8 && all >= 8 => 2,
            _ => 1,
        };
        let in_quads = match product {
            Product::Forward | Product::Weight => quads.kv,
            Product::Input => quads.mv,
        };
        // Four rows of A that one load takes.
        let in_one_load = if product == Product::Weight { in_quads } else { !in_quads && 4 * chunk <= width };
        let accumulated = match (slow_compiler, held, span) {
            (false, ..) => {
                if wide && held == 1 {
                    4
                } else {
                    1
                }
            }
            (true, ..) if in_one_load && product != Product::Weight => 1,
            (true, 1, _) => 2,
            (true, ..) => 1,
        };
        // A turn of a loop over the rows costs drivers that compile fast more than four rows in the text do.
        let loaded = if !slow_compiler || in_one_load { 4 } else { accumulated };
        let groups = if slow_compiler { 1 } else { loaded / accumulated };
        // Numbers of B that one load brings, or four loads where a lane's columns do not lie side by side.
        let loads = match product {
            // As fast as without rounds, and compiled in a third of the time.
            _ if !slow_compiler => chunk.min(16),
            Product::Input if in_quads => 4,
            Product::Input if span == 4 => 1,
            _ => 2,
        };
        Self { chunk, span, held, all, loaded, accumulated, groups, loads }
    }

    fn variant(&self, activation: Activation, linear: operands::Axes, keep: Keep, width: usize) -> Result<broadcast::Variant> {
        Ok(broadcast::Variant {
            sg: width.try_into()?,
            kc: self.chunk.try_into()?,
            cv: if self.span == 4 { Cv::Cv4 } else { Cv::Cv1 },
            rs: self.loaded.try_into()?,
            ri: self.accumulated.try_into()?,
            groups: self.groups.try_into()?,
            loads: self.loads.try_into()?,
            nb: self.held.try_into()?,
            keep,
            linear,
            act: activation.axis(),
        })
    }
}

/// `added`: whether the product is added to what its destination holds.
fn layout(rec: &Recorder, product: Product, sizes: Sizes, activation: Activation, added: bool) -> Result<Layout> {
    let (rows, cols, terms) = sizes.of(product);
    // Reading a few columns as vec4 would leave most lanes of a subgroup idle.
    let few = if let Family::Subgroup { width } = rec.gpu().family() { width as usize } else { 0 };
    let in_quads = |size: usize| size.is_multiple_of(4) && size > few;
    let operands = operands::Axes { product, kv: in_quads(sizes.k), mv: in_quads(sizes.m) };
    let parallel = rec.gpu().parallel_groups() as usize;
    match rec.gpu().family() {
        Family::Subgroup { width } => {
            let width = width as usize;
            let shape = Shape::of(sizes, operands, width, rec.gpu().has_slow_compiler());
            let Shape { chunk, held, all, .. } = shape;
            let blocks = all.div_ceil(held);
            let (per_group, depth) = match product {
                // Half the parallelism is worth twice the rows over which a chunk of B is loaded.
                Product::Forward | Product::Input => {
                    let spread = parallel.div_ceil(2 * blocks).max(1);
                    let per_group = rows.div_ceil(spread).clamp(64, 512).max(rows.div_ceil(65_535));
                    (per_group.next_multiple_of(4), terms)
                }
                // Splitting over rows of d_w loads d_y again; splitting over the batch adds up parts afterwards.
                Product::Weight => {
                    let by_rows = (parallel / (2 * blocks)).min(rows.div_ceil(32)).max(1);
                    let spread = if by_rows * blocks > 1 { 1 } else { parallel.min(terms.div_ceil(PART)) };
                    (rows.div_ceil(by_rows).next_multiple_of(4), terms.div_ceil(spread).next_multiple_of(chunk))
                }
            };
            let splits = if product == Product::Weight { terms.div_ceil(depth) } else { 1 };
            let scaled = product == Product::Input && activation != Activation::Identity;
            let keep = match (added && splits == 1, depth > chunk) {
                (true, _) if scaled => Keep::Scaled,
                (false, false) => Keep::Nothing,
                _ => Keep::Sum,
            };
            Ok(Layout {
                variant: Variant::Broadcast(shape.variant(activation, operands, keep, width)?),
                groups: [rows.div_ceil(per_group) as u32, blocks as u32, splits as u32],
                rows: per_group as u32,
                depth: depth as u32,
                splits: splits as u32,
            })
        }
        family => {
            // Large tiles reuse more, small ones fill a device sooner.
            let large = rows.div_ceil(LARGE) * cols.div_ceil(LARGE) >= 2 * parallel;
            let (tile, side) = if family == Family::Workgroup && large { (Tile::Tile128, LARGE) } else { (Tile::Tile64, SMALL) };
            let tiles = rows.div_ceil(side) * cols.div_ceil(side);
            let spread = if product == Product::Weight { (parallel / tiles).min(terms.div_ceil(PART)).max(1) } else { 1 };
            let depth = terms.div_ceil(spread).next_multiple_of(tiled::DEPTH as usize);
            let splits = if product == Product::Weight { terms.div_ceil(depth) } else { 1 };
            let design = if family == Family::Workgroup { Design::Tile } else { Design::Register };
            Ok(Layout {
                variant: Variant::Tiled(tiled::Variant { design, tile, linear: operands, act: activation.axis() }),
                groups: [rows.div_ceil(side) as u32, cols.div_ceil(side) as u32, splits as u32],
                rows: side as u32,
                depth: depth as u32,
                splits: splits as u32,
            })
        }
    }
}

/// Dispatches one entry point of the family's shader: both have the same parameters and bindings.
macro_rules! dispatch {
    ($rec:expr, $layout:expr, $sizes:expr, $accumulate:expr, $entry:ident { $($field:ident: $value:expr),* }) => {{
        let (n, k, m, rows, depth, splits, accumulate) = $sizes.params(&$layout, $accumulate);
        match $layout.variant {
            Variant::Broadcast(variant) => {
                let params = broadcast::Params { n, k, m, rows, depth, splits, accumulate };
                $rec.dispatch(broadcast::$entry { variant, params, $($field: $value),* }, $layout.groups)
            }
            Variant::Tiled(variant) => {
                let params = tiled::Params { n, k, m, rows, depth, splits, accumulate };
                $rec.dispatch(tiled::$entry { variant, params, $($field: $value),* }, $layout.groups)
            }
        }
    }};
}

impl Recorder {
    /// σ(x)·W + b, where x is n × k, W is k × m (inputs by outputs) and b is 1 × m.
    ///
    /// # Errors
    /// When the shapes do not fit together, or something is empty.
    pub fn linear(&mut self, x: Var, w: Var, b: Option<Var>, activation: Activation) -> Result<Var> {
        let sizes = Sizes { n: x.rows(), k: x.cols(), m: w.cols() };
        if w.rows() != x.cols() {
            let problem = format!("a weight of {} × {} does not take {} columns", w.rows(), w.cols(), x.cols());
            return Err(Error::shape("linear", problem));
        }
        if let Some(b) = b
            && b.len() != w.cols()
        {
            let problem = format!("a bias of {} × {} for {} outputs", b.rows(), b.cols(), w.cols());
            return Err(Error::shape("linear", problem));
        }
        if x.is_empty() || w.is_empty() {
            let problem = format!("{} × {} times {} × {}: nothing to multiply", x.rows(), x.cols(), w.rows(), w.cols());
            return Err(Error::shape("linear", problem));
        }
        let bias = match b {
            Some(b) => b,
            None => self.constant(0.0, 1, sizes.m)?,
        };
        let y = self.empty(sizes.n, sizes.m)?;
        self.linear_forward(x, w, bias, activation, Slot { into: y, accumulate: false })?;
        let inputs: Vec<Var> = [x, w].into_iter().chain(b).collect();
        let vjp = move |rec: &mut Recorder, back: &mut Backward| {
            let Some(d_y) = back.of(rec, y)? else { return Ok(()) };
            if let Some(slot) = back.slot(rec, x)? {
                rec.linear_input(x, w, d_y, activation, slot)?;
            }
            let wanted_w = back.slot(rec, w)?;
            let wanted_b = match b {
                Some(b) => back.slot(rec, b)?,
                None => None,
            };
            if wanted_w.is_some() || wanted_b.is_some() {
                rec.linear_weight(x, d_y, activation, wanted_w, wanted_b)
            } else {
                Ok(())
            }
        };
        self.record_with_tangent(&inputs, &[y], vjp, move |rec, tangents| {
            let b_dot = b.and_then(|b| tangents.of(b));
            Ok(vec![rec.linear_tangent(x, w, activation, [tangents.of(x), tangents.of(w), b_dot])?])
        });
        Ok(y)
    }

    /// Σ_k x_k·W_k + b of several inputs (n × k_k) and their weights (k_k × m): what one layer makes of them side by side.
    ///
    /// # Errors
    /// When the shapes do not fit together, or there is nothing to add.
    pub fn linear_sum(&mut self, parts: &[(Var, Var)], b: Var) -> Result<Var> {
        let Some(&(first, weight)) = parts.first() else { return Err(Error::shape("linear", "there is nothing to add")) };
        let (n, m) = (first.rows(), weight.cols());
        for &(x, w) in parts {
            if (x.rows(), w.cols()) != (n, m) || x.cols() != w.rows() || b.len() != m || x.is_empty() || w.is_empty() {
                let (x, w, b) = (x.shape(), w.shape(), b.shape());
                let problem =
                    format!("{} × {} times {} × {} with a bias of {} × {} in a sum of {n} × {m}", x.0, x.1, w.0, w.1, b.0, b.1);
                return Err(Error::shape("linear", problem));
            }
        }
        let y = self.empty(n, m)?;
        let zero = self.constant(0.0, 1, m)?;
        for (k, &(x, w)) in parts.iter().enumerate() {
            let bias = if k == 0 { b } else { zero };
            self.linear_forward(x, w, bias, Activation::Identity, Slot { into: y, accumulate: k > 0 })?;
        }
        let inputs: Vec<Var> = parts.iter().flat_map(|&(x, w)| [x, w]).chain([b]).collect();
        let (of_rule, of_tangent) = (parts.to_vec(), parts.to_vec());
        let vjp = move |rec: &mut Recorder, back: &mut Backward| {
            let Some(d_y) = back.of(rec, y)? else { return Ok(()) };
            let mut wanted_b = back.slot(rec, b)?;
            for (k, &(x, w)) in of_rule.iter().enumerate() {
                if let Some(slot) = back.slot(rec, x)? {
                    rec.linear_input(x, w, d_y, Activation::Identity, slot)?;
                }
                let wanted_w = back.slot(rec, w)?;
                if wanted_w.is_some() || (k == 0 && wanted_b.is_some()) {
                    rec.linear_weight(x, d_y, Activation::Identity, wanted_w, wanted_b.take())?;
                }
            }
            Ok(())
        };
        self.record_with_tangent(&inputs, &[y], vjp, move |rec, tangents| {
            let mut sum = None;
            for (k, &(x, w)) in of_tangent.iter().enumerate() {
                let b_dot = if k == 0 { tangents.of(b) } else { None };
                let part = rec.linear_tangent(x, w, Activation::Identity, [tangents.of(x), tangents.of(w), b_dot])?;
                sum = match (sum, part) {
                    (Some(sum), Some(part)) => Some(rec.add(sum, part)?),
                    (sum, part) => sum.or(part),
                };
            }
            Ok(vec![sum])
        });
        Ok(y)
    }

    /// y = (accumulate ? y : 0) + σ(x)·W + b.
    fn linear_forward(&mut self, x: Var, w: Var, b: Var, activation: Activation, slot: Slot) -> Result<()> {
        self.in_pieces(Sizes { n: x.rows(), k: x.cols(), m: w.cols() }, |rec, sizes, begin, _| {
            let layout = layout(rec, Product::Forward, sizes, activation, slot.accumulate)?;
            let [x, y] = [x, slot.into].map(|v| rec.view_rows(v, begin, sizes.n));
            dispatch!(rec, layout, sizes, slot.accumulate.into(), Forward { x: x, w: w, b: b, y: y })
        })
    }

    /// ẏ = (σ'(x) ⊙ ẋ)·W + σ(x)·Ẇ + ḃ along [ẋ, Ẇ, ḃ], of which none is zero; none where all are.
    pub(super) fn linear_tangent(
        &mut self,
        x: Var,
        w: Var,
        activation: Activation,
        along: [Option<Var>; 3],
    ) -> Result<Option<Var>> {
        let [x_dot, w_dot, b_dot] = along;
        let mut sum = None;
        if let Some(x_dot) = x_dot {
            let t = self.activation_tangent(x, x_dot, activation)?;
            let bias = if w_dot.is_none() { b_dot } else { None };
            sum = Some(self.linear(t, w, bias, Activation::Identity)?);
        }
        if let Some(w_dot) = w_dot {
            let part = self.linear(x, w_dot, b_dot, activation)?;
            sum = Some(match sum {
                Some(other) => self.add(other, part)?,
                None => part,
            });
        }
        if let (None, Some(b_dot)) = (sum, b_dot) {
            let zero = self.constant(0.0, x.rows(), w.cols())?;
            let row = self.reshape(b_dot, 1, w.cols())?;
            sum = Some(self.add(zero, row)?);
        }
        Ok(sum)
    }

    /// A·Bᵀ of a (n × d) and b (m × d), n × m: every inner product of two sets of rows. Not taped.
    ///
    /// # Errors
    /// Rows of different lengths, or none.
    pub fn inner_products(&mut self, a: Var, b: Var) -> Result<Var> {
        if a.cols() != b.cols() || a.is_empty() || b.is_empty() {
            let problem = format!("{} × {} beside {} × {}", a.rows(), a.cols(), b.rows(), b.cols());
            return Err(Error::shape("inner_products", problem));
        }
        let out = self.empty(a.rows(), b.rows())?;
        // What a layer of weights B hands back to its inputs. These themselves are read only where an activation is between: a stands for them.
        self.in_pieces(Sizes { n: a.rows(), k: b.rows(), m: a.cols() }, |rec, sizes, begin, _| {
            let layout = layout(rec, Product::Input, sizes, Activation::Identity, false)?;
            let [a, out] = [a, out].map(|v| rec.view_rows(v, begin, sizes.n));
            dispatch!(rec, layout, sizes, 0, BackwardInput { x: a, w: b, d_y: a, d_x: out })
        })?;
        Ok(out)
    }

    /// d_x = (accumulate ? d_x : 0) + σ'(x) ⊙ (d_y·Wᵀ).
    pub(super) fn linear_input(&mut self, x: Var, w: Var, d_y: Var, activation: Activation, slot: Slot) -> Result<()> {
        self.in_pieces(Sizes { n: x.rows(), k: x.cols(), m: w.cols() }, |rec, sizes, begin, _| {
            let layout = layout(rec, Product::Input, sizes, activation, slot.accumulate)?;
            let [x, d_y, d_x] = [x, d_y, slot.into].map(|v| rec.view_rows(v, begin, sizes.n));
            dispatch!(rec, layout, sizes, slot.accumulate.into(), BackwardInput { x: x, w: w, d_y: d_y, d_x: d_x })
        })
    }

    /// Hands a layer on in pieces of rows that one dispatch may take: their sizes, first rows, and whether each is the first.
    fn in_pieces(&mut self, sizes: Sizes, mut piece: impl FnMut(&mut Self, Sizes, usize, bool) -> Result<()>) -> Result<()> {
        self.add_cost(PRODUCT * (sizes.n * sizes.k * sizes.m) as f64);
        let most = most_rows(self, sizes.k * sizes.m);
        (0..sizes.n)
            .step_by(most)
            .try_for_each(|begin| piece(self, Sizes { n: most.min(sizes.n - begin), ..sizes }, begin, begin == 0))
    }

    /// d_w and d_b, either of which may not be wanted.
    pub(super) fn linear_weight(
        &mut self,
        x: Var,
        d_y: Var,
        activation: Activation,
        w: Option<Slot>,
        b: Option<Slot>,
    ) -> Result<()> {
        let sizes = Sizes { n: x.rows(), k: x.cols(), m: d_y.cols() };
        let unwanted = |rec: &mut Recorder, slot: Option<Slot>, rows, cols| match slot {
            Some(slot) => Ok(slot),
            None => rec.empty(rows, cols).map(|into| Slot { into, accumulate: false }),
        };
        let w = unwanted(self, w, sizes.k, sizes.m)?;
        let b = unwanted(self, b, 1, sizes.m)?;
        self.in_pieces(sizes, |rec, sizes, begin, first| {
            let (x, d_y) = (rec.view_rows(x, begin, sizes.n), rec.view_rows(d_y, begin, sizes.n));
            let added = |slot: Slot| Slot { accumulate: slot.accumulate || !first, ..slot };
            rec.linear_weight_piece(x, d_y, activation, added(w), added(b))
        })
    }

    /// The part of d_w and d_b that some rows of the batch make.
    fn linear_weight_piece(&mut self, x: Var, d_y: Var, activation: Activation, w: Slot, b: Slot) -> Result<()> {
        let sizes = Sizes { n: x.rows(), k: x.cols(), m: d_y.cols() };
        let accumulate = u32::from(w.accumulate) | u32::from(b.accumulate) << 1;
        let layout = layout(self, Product::Weight, sizes, activation, w.accumulate)?;
        if layout.splits == 1 {
            return dispatch!(self, layout, sizes, accumulate, BackwardWeight { x: x, d_y: d_y, d_w: w.into, d_b: b.into });
        }
        let splits = layout.splits as usize;
        let parts_w = self.empty(splits * sizes.k, sizes.m)?;
        let parts_b = self.empty(splits, sizes.m)?;
        dispatch!(self, layout, sizes, 0, BackwardWeight { x: x, d_y: d_y, d_w: parts_w, d_b: parts_b })?;
        let (n, k, m, rows, depth, splits, accumulate) = sizes.params(&layout, accumulate);
        let params = tiled::Params { n, k, m, rows, depth, splits, accumulate };
        let mv = sizes.m.is_multiple_of(4);
        let linear = operands::Axes { product: Product::Weight, kv: false, mv };
        let act = Activation::Identity.axis();
        let variant = tiled::Variant { design: Design::Register, tile: Tile::Tile64, linear, act };
        let groups = self.groups((sizes.k + 1) * sizes.m / if mv { 4 } else { 1 }, tiled::Finish::WIDTH);
        self.dispatch(tiled::Finish { variant, params, parts_w, parts_b, sum_w: w.into, sum_b: b.into }, groups)
    }
}
