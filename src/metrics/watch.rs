//! What an evaluation is at.

use std::fmt;
use std::sync::Arc;

/// A score that is about to be found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage<'a> {
    pub name: &'a str,
    /// Rows of each set at most.
    pub rows: usize,
    /// Stages that are over, and all of them.
    pub done: usize,
    pub of: usize,
}

type Listener = dyn Fn(&Stage) + Send + Sync;

/// Called before each score is computed; nothing is called by default.
#[derive(Clone, Default)]
pub struct Watch(Option<Arc<Listener>>);

impl Watch {
    pub fn new(listener: impl Fn(&Stage) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    pub(super) fn tell(&self, stage: &Stage) {
        if let Some(listener) = &self.0 {
            listener(stage);
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Watch" } else { "no one" })
    }
}
