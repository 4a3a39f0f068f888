//! [`Recorder`]: a step under construction. Ops append dispatches over proxies ([`Var`]) and gradient rules to a tape; the
//! schedule is plain data until [`Recorder::finish`] gives every proxy its memory.

use super::kernel::{Compiled, Kernel};
use super::schedule::{Dispatch, Place, REPORTS, STATE_WORDS, Storage};
use super::tape::Node;
use super::var::{Kept, Var};
use super::{Gpu, Tensor};
use crate::{Error, Result};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A step under construction.
pub struct Recorder {
    /// Which recording of this process it is: every [`Var`] carries the number of its own.
    pub(super) recording: u32,
    pub(super) gpu: Gpu,
    pub(super) state: Tensor,
    pub(super) places: Vec<Place>,
    pub(super) storages: Vec<Storage>,
    pub(super) dispatches: Vec<Dispatch>,
    pub(super) tape: Vec<Node<Recorder>>,
    pub(super) reports: Vec<(String, Var)>,
    pub(super) gradients: HashMap<Var, Var>,
    pub(super) kept: Vec<Var>,
    constants: HashMap<(u32, usize), Var>,
    externals: HashMap<(usize, u64, usize, usize), Var>,
    streams: u32,
    /// See `Step::cost`.
    pub(super) cost: f64,
}

/// The number of a new recording. A process that has made 2³² of them stops rather than mistake one's values for another's.
fn next_recording() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |number| number.checked_add(1));
    next.expect("a process makes fewer than 2³² recordings")
}

/// Nanoseconds on two cores of software, about, of a dispatch and of each number that it writes, beyond what an op counts for itself.
const DISPATCH: f64 = 2e3;
const WRITTEN: f64 = 0.5;

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
            recording: next_recording(),
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
            cost: 0.0,
        })
    }

    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Existing memory as a value of this recording; the same tensor always gives the same value.
    ///
    /// # Panics
    /// With a tensor of another device.
    pub fn tensor(&mut self, tensor: &Tensor) -> Var {
        assert!(self.gpu.is_same_device(tensor.gpu()), "a tensor of another device was given to a recording");
        self.slice(tensor, 0, tensor.rows(), tensor.cols()).expect("a whole tensor of this device is a slice of itself")
    }

    /// Part of a tensor, from element `offset` (a multiple of 64) on.
    pub fn slice(&mut self, tensor: &Tensor, offset: usize, rows: usize, cols: usize) -> Result<Var> {
        if !self.gpu.is_same_device(tensor.gpu()) {
            return Err(Error::shape("slice", "the tensor belongs to another device"));
        }
        let end = rows.checked_mul(cols).and_then(|len| len.checked_add(offset));
        if !offset.is_multiple_of(64) || end.is_none_or(|end| end > tensor.len()) {
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
        // Kernels count elements in 32 bits.
        if rows.checked_mul(cols).is_none_or(|len| len > u32::MAX as usize) || rows.max(cols) > u32::MAX as usize {
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

    /// Where a value lies, if it is one of this recording.
    pub(super) fn place(&self, x: Var) -> Option<Place> {
        if x.recording == self.recording { self.places.get(x.id as usize).copied() } else { None }
    }

    /// The same for a value that an op has used already, or that its caller must have from this recording.
    ///
    /// # Panics
    /// With a value of another recording.
    fn own(&self, x: Var) -> Place {
        self.place(x).expect("a value of another recording was given to this one")
    }

    /// The same memory under another shape; no gradient rule (see [`Recorder::reshape`] for the taped one).
    pub(crate) fn view(&mut self, x: Var, rows: usize, cols: usize) -> Var {
        assert_eq!(x.len(), rows * cols, "a view has as many elements as what it views");
        self.var(self.own(x), rows, cols)
    }

    /// `count` rows of `x` from row `begin` (a multiple of 64) on, in the same memory; no gradient rule.
    pub(crate) fn view_rows(&mut self, x: Var, begin: usize, count: usize) -> Var {
        assert!(begin.is_multiple_of(64) && begin + count <= x.rows(), "a view lies within what it views");
        let Place { storage, offset, .. } = self.own(x);
        let bytes = super::tensor::padded_bytes(count * x.cols());
        self.var(Place { storage, offset: offset + 4 * (begin * x.cols()) as u64, bytes }, count, x.cols())
    }

    /// One view of the memory from the first of these values to the last, and the element of it at which each begins, where all lie in
    /// one buffer; no gradient rule.
    pub(crate) fn spanning(&mut self, parts: &[Var]) -> Option<(Var, Vec<usize>)> {
        let places: Vec<Place> = parts.iter().map(|part| self.own(*part)).collect();
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
    pub(crate) fn dispatch<K: Kernel>(&mut self, kernel: K, groups: [u32; 3]) -> Result<()> {
        if groups.contains(&0) {
            return Ok(());
        }
        let compiled = self.gpu.compile(&kernel)?;
        let operands: Vec<_> = K::BINDINGS
            .iter()
            .zip(kernel.operands())
            .map(|(binding, var)| (binding.name, binding.index, binding.written, var))
            .collect();
        self.append(kernel.source().name, compiled, kernel.params().to_vec(), &operands, groups)
    }

    /// Appends a dispatch whose operands are (name, binding index, written, value).
    pub(super) fn append(
        &mut self,
        op: &'static str,
        compiled: Arc<Compiled>,
        params: Vec<u8>,
        operands: &[(&str, u32, bool, Var)],
        groups: [u32; 3],
    ) -> Result<()> {
        if groups.contains(&0) {
            return Ok(());
        }
        if let Some(&most) = groups.iter().find(|&&g| g > 65_535) {
            return Err(Error::Limit {
                what: compiled.label.clone(),
                limit: "max_compute_workgroups_per_dimension",
                needed: most.into(),
                allowed: 65_535,
                advice: "use fewer rows at a time",
            });
        }
        let mut placed: Vec<(u32, Place, bool)> = Vec::with_capacity(operands.len());
        for &(name, index, written, var) in operands {
            let Some(place) = self.place(var) else {
                return Err(Error::shape(op, format!("`{name}` is a value of another recording")));
            };
            placed.push((index, place, written));
        }
        for (i, (_, place, written)) in placed.iter().enumerate() {
            let clash = placed.iter().enumerate().any(|(j, (_, other, also))| {
                i != j && other.storage == place.storage && (*written != *also || *written && overlap(place, other))
            });
            if *written && clash {
                return Err(Error::shape(op, format!("binding {} is written and also bound elsewhere", operands[i].0)));
            }
        }
        let written: u64 = placed.iter().filter(|operand| operand.2).map(|operand| operand.1.bytes / 4).sum();
        self.add_cost(DISPATCH + WRITTEN * written as f64);
        self.dispatches.push(Dispatch { compiled, params, operands: placed, groups });
        Ok(())
    }

    /// Counts so many nanoseconds more to what a replay costs, about, on two cores of software: what an op takes beyond writing its result.
    pub(crate) fn add_cost(&mut self, nanoseconds: f64) {
        self.cost += nanoseconds;
    }

    /// Workgroups for `threads` invocations of `width` each, folded into two dimensions where one is not enough; the
    /// shader finds its index with `flat_index` of `common/index`.
    pub fn groups(&self, threads: usize, width: u32) -> [u32; 3] {
        let groups = threads.div_ceil(width as usize);
        let y = groups.div_ceil(65_535);
        [groups.div_ceil(y.max(1)) as u32, y as u32, 1]
    }

    /// Keeps a value readable after the step has run.
    ///
    /// # Panics
    /// With a value of another recording.
    pub fn keep(&mut self, x: Var) -> Kept {
        let storage = self.own(x).storage;
        if let Storage::Transient { kept, .. } = &mut self.storages[storage] {
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
        if self.reports.len() == REPORTS {
            return Err(Error::shape("report", format!("a step reports at most {} scalars", REPORTS)));
        }
        self.reports.push((name.into(), value));
        Ok(())
    }

    /// Declares that the gradient with respect to `x` belongs in `destination` (a slice of a parameter buffer, of the same shape).
    pub fn set_gradient(&mut self, x: Var, destination: Var) -> Result<()> {
        if x.shape() != destination.shape() {
            let problem = format!("a gradient of {} × {} in {} × {}", x.rows, x.cols, destination.rows, destination.cols);
            return Err(Error::shape("set_gradient", problem));
        }
        self.gradients.insert(x, destination);
        Ok(())
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
        Var { recording: self.recording, id: self.places.len() as u32 - 1, rows: rows as u32, cols: cols as u32 }
    }
}

fn overlap(a: &Place, b: &Place) -> bool {
    a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes
}
