//! Who is told of compilations, and what.

/// A kernel that the driver is about to compile, or has compiled.
#[derive(Clone, Debug)]
pub struct Compilation {
    /// Shader, entry point and axes.
    pub variant: String,
    /// Its place among those that the step or plan at hand still needed, from 0, and their number.
    pub index: usize,
    pub count: usize,
    /// Wall-clock seconds that it took; none before.
    pub seconds: Option<f64>,
}

/// Who is told of compilations.
pub(super) type Watcher = Box<dyn FnMut(&Compilation) + Send>;
