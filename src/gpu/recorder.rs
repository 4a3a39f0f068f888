//! [`Recorder`]: a step under construction. Ops append dispatches over proxies ([`Var`]) and gradient rules to a tape; the
//! schedule is plain data until [`Recorder::finish`] gives every proxy its memory.

use super::kernel::{Axes, Compiled, Kernel};
use super::tape::Node;
use super::{Gpu, Tensor};
use crate::{Error, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// A handle to a value inside one recording: rows × columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Var {
    pub(super) id: u32,
    rows: u32,
    cols: u32,
}

impl Var {
    pub fn rows(self) -> usize {
        self.rows as usize
    }

    pub fn cols(self) -> usize {
        self.cols as usize
    }

    pub fn len(self) -> usize {
        self.rows() * self.cols()
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// (rows, columns), as the uniforms of kernels want them.
    pub fn shape(self) -> (u32, u32) {
        (self.rows, self.cols)
    }
}

/// A value that outlives the step and can be read after a replay.
#[derive(Clone, Copy, Debug)]
pub struct Kept(pub(super) Var);

/// Where a value's memory comes from.
pub(super) enum Storage {
    /// Memory that existed before the recording.
    External(Tensor),
    /// Memory that the step allocates; `kept` memory is shared with no other value.
    Transient { bytes: u64, kept: bool },
}

/// A range of a storage.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub storage: usize,
    pub offset: u64,
    pub bytes: u64,
}

/// One entry of the schedule.
pub(super) struct Dispatch {
    pub label: (&'static str, &'static str),
    pub compiled: Arc<Compiled>,
    pub params: Vec<u8>,
    /// (binding index, place, written).
    pub operands: Vec<(u32, Place, bool)>,
    pub groups: [u32; 3],
}

/// A step under construction.
pub struct Recorder {
    pub(super) gpu: Gpu,
    pub(super) state: Tensor,
    pub(super) places: Vec<Place>,
    pub(super) storages: Vec<Storage>,
    pub(super) dispatches: Vec<Dispatch>,
    pub(super) tape: Vec<Node>,
    pub(super) reports: Vec<(String, Var)>,
    pub(super) gradients: HashMap<Var, Var>,
    pub(super) kept: Vec<Var>,
    constants: HashMap<(u32, usize), Var>,
    externals: HashMap<(usize, u64, usize, usize), Var>,
    streams: u32,
}

/// Words of the step's state on the GPU: `[step, seed (low), seed (high), domain]`.
pub(super) const STATE_WORDS: usize = 4;

impl Recorder {
    /// Starts a step whose random numbers come from `seed`.
    pub fn new(gpu: &Gpu, seed: u64) -> Self {
        Self::with_domain(gpu, seed, 0).expect("sixteen bytes fit on every device that opened")
    }

    /// Starts a step whose random numbers differ from those of every other domain of the same seed: steps of one plan, or
    /// uses of one seed (training, sampling), each take their own.
    pub fn with_domain(gpu: &Gpu, seed: u64, domain: u32) -> Result<Self> {
        let state = gpu.upload_u32(1, STATE_WORDS, &[0, seed as u32, (seed >> 32) as u32, domain])?;
        Ok(Self {
            gpu: gpu.clone(),
            state,
            places: Vec::new(),
            storages: Vec::new(),
            dispatches: Vec::new(),
            tape: Vec::new(),
            reports: Vec::new(),
            gradients: HashMap::new(),
            kept: Vec::new(),
            constants: HashMap::new(),
            externals: HashMap::new(),
            streams: 0,
        })
    }

    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Existing memory as a value of this recording; the same tensor always gives the same value.
    pub fn tensor(&mut self, tensor: &Tensor) -> Var {
        self.slice(tensor, 0, tensor.rows(), tensor.cols()).expect("a whole tensor is a slice of itself")
    }

    /// Part of a tensor, from element `offset` (a multiple of 64) on.
    pub fn slice(&mut self, tensor: &Tensor, offset: usize, rows: usize, cols: usize) -> Result<Var> {
        if !offset.is_multiple_of(64) || offset + rows * cols > tensor.len() {
            let problem = format!("{rows} × {cols} from element {offset} of {} (offsets are multiples of 64)", tensor.len());
            return Err(Error::shape("slice", problem));
        }
        let known = self.storages.iter().position(|s| matches!(s, Storage::External(t) if t.same_memory(tensor)));
        let storage = known.unwrap_or_else(|| {
            self.storages.push(Storage::External(tensor.clone()));
            self.storages.len() - 1
        });
        let key = (storage, offset as u64, rows, cols);
        if let Some(&var) = self.externals.get(&key) {
            return Ok(var);
        }
        let bytes = super::tensor::padded_bytes(rows * cols);
        let var = self.var(Place { storage, offset: offset as u64 * 4, bytes }, rows, cols);
        self.externals.insert(key, var);
        Ok(var)
    }

    /// A new value with undefined contents, for a kernel to write.
    pub fn empty(&mut self, rows: usize, cols: usize) -> Result<Var> {
        if rows > u32::MAX as usize || cols > u32::MAX as usize {
            return Err(Error::shape("empty", format!("{rows} × {cols} is beyond 32-bit sizes")));
        }
        let bytes = super::tensor::padded_bytes(rows * cols);
        self.gpu.fits(bytes)?;
        self.storages.push(Storage::Transient { bytes, kept: false });
        Ok(self.var(Place { storage: self.storages.len() - 1, offset: 0, bytes }, rows, cols))
    }

    /// A constant rows × columns value, uploaded once.
    pub fn constant(&mut self, value: f32, rows: usize, cols: usize) -> Result<Var> {
        let key = (value.to_bits(), rows * cols);
        if let Some(&known) = self.constants.get(&key) {
            return Ok(self.view(known, rows, cols));
        }
        let tensor = self.gpu.upload(rows, cols, &vec![value; rows * cols])?;
        let var = self.tensor(&tensor);
        self.constants.insert(key, var);
        Ok(var)
    }

    /// The same memory under another shape; no gradient rule (see [`Recorder::reshape`] for the taped one).
    pub(crate) fn view(&mut self, x: Var, rows: usize, cols: usize) -> Var {
        debug_assert_eq!(x.len(), rows * cols);
        self.var(self.places[x.id as usize], rows, cols)
    }

    /// `count` rows of `x` from row `begin` (a multiple of 64) on, in the same memory; no gradient rule.
    pub(crate) fn view_rows(&mut self, x: Var, begin: usize, count: usize) -> Var {
        debug_assert!(begin.is_multiple_of(64) && begin + count <= x.rows());
        let Place { storage, offset, .. } = self.places[x.id as usize];
        let bytes = super::tensor::padded_bytes(count * x.cols());
        self.var(Place { storage, offset: offset + 4 * (begin * x.cols()) as u64, bytes }, count, x.cols())
    }

    /// One view of the memory from the first of these values to the last, and the element of it at which each begins, where all lie in
    /// one buffer; no gradient rule.
    pub(crate) fn spanning(&mut self, parts: &[Var]) -> Option<(Var, Vec<usize>)> {
        let places: Vec<Place> = parts.iter().map(|part| self.places[part.id as usize]).collect();
        let storage = places.first()?.storage;
        if places.iter().any(|place| place.storage != storage) {
            return None;
        }
        let offset = places.iter().map(|place| place.offset).min()?;
        let bytes = places.iter().map(|place| place.offset + place.bytes).max()? - offset;
        let whole = self.var(Place { storage, offset, bytes }, 1, bytes as usize / 4);
        Some((whole, places.iter().map(|place| (place.offset - offset) as usize / 4).collect()))
    }

    /// The step's counter and seed, as kernels read them: `[step, seed (low), seed (high), domain]`.
    pub fn state(&mut self) -> Var {
        let state = self.state.clone();
        self.tensor(&state)
    }

    /// A number for one stream of random numbers, unlike every other of this step.
    pub fn next_stream(&mut self) -> u32 {
        self.streams += 1;
        self.streams
    }

    /// Appends a dispatch of `groups` workgroups.
    pub fn dispatch<K: Kernel>(&mut self, kernel: K, axes: &Axes, groups: [u32; 3]) -> Result<()> {
        let name = kernel.source().name;
        if groups.contains(&0) {
            return Ok(());
        }
        if let Some(&most) = groups.iter().find(|&&g| g > 65_535) {
            return Err(Error::Limit {
                what: format!("{name}::{}", K::ENTRY),
                limit: "max_compute_workgroups_per_dimension",
                needed: most.into(),
                allowed: 65_535,
                advice: "use fewer rows at a time",
            });
        }
        let compiled = self.gpu.compile(&kernel, axes)?;
        let operands: Vec<(u32, Place, bool)> = K::BINDINGS
            .iter()
            .zip(kernel.operands())
            .map(|(binding, var)| (binding.index, self.places[var.id as usize], binding.written))
            .collect();
        for (i, (_, place, written)) in operands.iter().enumerate() {
            let clash = operands.iter().enumerate().any(|(j, (_, other, also))| {
                i != j && other.storage == place.storage && (*written != *also || *written && overlap(place, other))
            });
            if *written && clash {
                let problem = format!("binding {} is written and also bound elsewhere", K::BINDINGS[i].name);
                return Err(Error::shape(name, problem));
            }
        }
        let params = kernel.params().to_vec();
        self.dispatches.push(Dispatch { label: (name, K::ENTRY), compiled, params, operands, groups });
        Ok(())
    }

    /// Workgroups for `threads` invocations of `width` each, folded into two dimensions where one is not enough; the
    /// shader finds its index with `flat_index` of `common/index`.
    pub fn groups(&self, threads: usize, width: u32) -> [u32; 3] {
        let groups = threads.div_ceil(width as usize);
        let y = groups.div_ceil(65_535);
        [groups.div_ceil(y.max(1)) as u32, y as u32, 1]
    }

    /// Keeps a value readable after the step has run.
    pub fn keep(&mut self, x: Var) -> Kept {
        if let Storage::Transient { kept, .. } = &mut self.storages[self.places[x.id as usize].storage] {
            *kept = true;
        }
        self.kept.push(x);
        Kept(x)
    }

    /// Reports a 1×1 value under a name at every step.
    pub fn report(&mut self, name: &str, value: Var) -> Result<()> {
        if value.len() != 1 {
            let problem = format!("`{name}` is {} × {}; only 1 × 1 values are reported", value.rows, value.cols);
            return Err(Error::shape("report", problem));
        }
        if self.reports.len() == super::step::REPORTS {
            return Err(Error::shape("report", format!("a step reports at most {} scalars", super::step::REPORTS)));
        }
        self.reports.push((name.into(), value));
        Ok(())
    }

    /// Declares that the gradient with respect to `x` belongs in `destination` (a slice of a parameter buffer).
    pub fn set_gradient(&mut self, x: Var, destination: Var) {
        self.gradients.insert(x, destination);
    }

    /// How many dispatches have been recorded so far.
    pub fn len(&self) -> usize {
        self.dispatches.len()
    }

    pub fn is_empty(&self) -> bool {
        self.dispatches.is_empty()
    }

    fn var(&mut self, place: Place, rows: usize, cols: usize) -> Var {
        self.places.push(place);
        Var { id: self.places.len() as u32 - 1, rows: rows as u32, cols: cols as u32 }
    }
}

fn overlap(a: &Place, b: &Place) -> bool {
    a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes
}
