//! How a reduction over the pairs of n rows with m columns is cut up, for every op that forms one and stores no n × m matrix. A workgroup
//! owns a block of rows and walks one split of the columns; partial results of the splits are joined in a second stage, in a fixed order.
//! [`Tiling`] is for the ops that share the skeleton of `shaders/common/pairs.wgsl`; the others bring their own [`Pairs`].

use crate::Result;
use crate::gpu::kernels::common::pairs::{self, axis};
use crate::gpu::{Family, Gpu, Recorder};

/// Largest dimension whose shader is written out for it; beyond, one shader serves all.
const WRITTEN_OUT: usize = axis::D::HIGH;

/// Most rounds of a kernel's loop: some software drivers end loops silently after 65,535.
pub(super) const ROUNDS: usize = 49_152;
/// Splits begin at multiples of this, so that no tile and no vector of columns straddles two.
const ALIGNMENT: usize = 64;
/// Partial results of a split together, at most: 64 MiB, unless one split alone needs more.
const PARTIAL: usize = 16 << 20;
/// Nanoseconds that a dispatch takes at most, about, on two cores of software, where nothing else runs meanwhile.
const DISPATCH: f64 = 1e8;

/// The variant of the skeleton.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiling {
    family: axis::Family,
    /// Of a workgroup.
    threads: usize,
    /// Rows of a thread.
    rows: usize,
    /// Columns that a thread sees at once.
    columns: usize,
    rolled: bool,
    d: usize,
}

impl Tiling {
    /// For d coordinates; `sizes` says how many rows a thread owns and how many columns it sees at once.
    pub fn of(gpu: &Gpu, d: usize, sizes: impl Fn(Family) -> (usize, usize)) -> Self {
        let family = gpu.family();
        let (rows, columns) = sizes(family);
        // Several columns at once are as many loads of each coordinate in the text, where lanes do not share them.
        let shared = matches!(family, Family::Subgroup { .. });
        let wide = d > if columns == 1 || shared { WRITTEN_OUT } else { WRITTEN_OUT / 2 };
        let (rows, columns) = if wide { (1, 4) } else { (rows, columns) };
        let (family, threads) = match family {
            Family::Subgroup { width } if wide => (axis::Family::WideBroadcast, width),
            Family::Subgroup { width } => (axis::Family::Broadcast, width),
            _ if wide => (axis::Family::Wide, pairs::WIDTH),
            Family::Workgroup => (axis::Family::Tile, pairs::TILE_WIDTH),
            Family::Register => (axis::Family::Register, pairs::WIDTH),
        };
        let threads = threads as usize;
        let columns = if shared { columns.min(threads) } else { columns };
        Self { family, threads, rows, columns, rolled: shared && rolls(gpu, d), d }
    }

    /// The axes of every shader on the skeleton.
    pub fn axes(&self) -> Result<pairs::Axes> {
        use axis::Family::{Broadcast, Wide, WideBroadcast};
        let wide = matches!(self.family, Wide | WideBroadcast);
        let shared = matches!(self.family, Broadcast | WideBroadcast);
        Ok(pairs::Axes {
            family: self.family,
            d: if wide { 0 } else { self.d }.try_into()?,
            r: self.rows.try_into()?,
            j: if wide { 1 } else { self.columns }.try_into()?,
            sg: if shared { self.threads } else { 1 }.try_into()?,
            roll: self.rolled,
        })
    }

    /// `n` rows with `m` columns, of which each takes `cost` nanoseconds, for partial results of `partial` numbers and a gradient where asked.
    pub fn layout(&self, gpu: &Gpu, (n, m): (usize, usize), gradient: bool, cost: f64) -> Layout {
        // Coordinates of the gradient that one workgroup of a wide shader forms.
        let chunks = match self.family {
            axis::Family::WideBroadcast if gradient => self.d.div_ceil(pairs::BROADCAST_CHUNK as usize),
            axis::Family::Wide if gradient => self.d.div_ceil(pairs::CHUNK as usize),
            _ => 1,
        };
        let pairs = Pairs {
            rows: n,
            columns: m,
            pace: match self.family {
                axis::Family::Broadcast => BROADCAST,
                axis::Family::WideBroadcast => WIDE_BROADCAST,
                _ => OTHERS,
            },
            rows_of_group: self.rows * self.threads,
            columns_of_round: if self.family == axis::Family::Register { self.columns } else { 4 },
            chunks,
            groups: gpu.parallel_groups() as usize,
            partial: if gradient { self.d } else { 2 },
            cost,
        };
        pairs.layout(gpu)
    }
}

/// Whether the loads and columns of d coordinates lie in loops: few coordinates are few loads.
pub(super) fn rolls(gpu: &Gpu, d: usize) -> bool {
    gpu.has_cheap_shuffles() && d > 8
}

/// What the launch of a pairwise kernel depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pairs {
    pub rows: usize,
    pub columns: usize,
    /// How many times as long as by broadcast a pair takes on software: [`BROADCAST`] and the others.
    pub pace: f64,
    /// Rows of a workgroup.
    pub rows_of_group: usize,
    /// Columns that a round of the kernel's loop takes at least.
    pub columns_of_round: usize,
    /// Workgroups over chunks of coordinates, each of which sees every pair.
    pub chunks: usize,
    /// Workgroups below which columns are split to make more of them.
    pub groups: usize,
    /// Numbers that a row's partial result is.
    pub partial: usize,
    /// Nanoseconds of a pair and chunk on two cores of software, in the family that shares columns by broadcast.
    pub cost: f64,
}

/// How many times as long a pair takes on software in the families that share columns by broadcast, and in the others.
pub(super) const BROADCAST: f64 = 1.0;
pub(super) const WIDE_BROADCAST: f64 = 4.0;
pub(super) const OTHERS: f64 = 20.0;

/// How the rows × columns are cut up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    rows: usize,
    rows_of_group: usize,
    rows_of_dispatch: usize,
    chunks: usize,
    /// What all pairs cost ([`Recorder::add_cost`]).
    nanoseconds: f64,
    /// Columns of a split.
    pub columns: usize,
    pub splits: usize,
}

/// One dispatch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Launch {
    pub row_begin: u32,
    pub row_end: u32,
    pub groups: [u32; 3],
}

impl Pairs {
    pub fn layout(&self, gpu: &Gpu) -> Layout {
        let Self { rows: n, columns: m, rows_of_group, chunks, .. } = *self;
        let pace = if gpu.is_software() { self.pace } else { 0.2 };
        let pair = pace * chunks as f64 * self.cost;
        // Beside products of matrices, pairs cost other devices what they cost the best family of software.
        let counted = if gpu.is_software() { pair } else { chunks as f64 * self.cost };
        let most = (DISPATCH / (pair * m as f64)) as usize / rows_of_group * rows_of_group;
        let rows_of_dispatch = most.clamp(rows_of_group, n.next_multiple_of(rows_of_group)).min(65_535 * rows_of_group);

        let wanted = self.groups.div_ceil(rows_of_dispatch / rows_of_group);
        let affordable = (PARTIAL / (n * self.partial)).max(1);
        let longest = ROUNDS * self.columns_of_round;
        let splits = wanted.min(affordable).clamp(1, m.div_ceil(ALIGNMENT)).max(m.div_ceil(longest));
        let columns = m.div_ceil(splits).next_multiple_of(ALIGNMENT);
        let nanoseconds = counted * n as f64 * m as f64;
        Layout { rows: n, rows_of_group, rows_of_dispatch, chunks, nanoseconds, columns, splits: m.div_ceil(columns) }
    }
}

impl Layout {
    /// The same with `columns` of the m columns in a split.
    pub fn split_at(self, columns: usize, m: usize) -> Self {
        Self { columns, splits: m.div_ceil(columns), ..self }
    }

    /// Every dispatch, each a block of rows.
    fn launches(self) -> impl Iterator<Item = Launch> {
        (0..self.rows).step_by(self.rows_of_dispatch).map(move |begin| {
            let end = (begin + self.rows_of_dispatch).min(self.rows);
            let groups = [(end - begin).div_ceil(self.rows_of_group), self.splits, self.chunks].map(|count| count as u32);
            Launch { row_begin: begin as u32, row_end: end as u32, groups }
        })
    }
}

impl Recorder {
    /// Every dispatch of a reduction that is about to be recorded, each a block of rows; counts what they cost.
    pub(super) fn launches(&mut self, layout: Layout) -> impl Iterator<Item = Launch> + use<> {
        self.add_cost(layout.nanoseconds);
        layout.launches()
    }
}
