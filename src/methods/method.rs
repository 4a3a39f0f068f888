//! [`Method`]: a way to learn a sampler, with its settings; what is not yet on a device. [`Entry`] is what documentation says of it.

use super::many_step::Sampling;
use super::{Learner, Noised, Setup, Training};
use crate::Result;
use crate::settings::{Key, Settings, Values};
use serde::Serialize;
use std::path::Path;

/// What is said of a method, whatever its settings.
#[derive(Debug)]
pub struct Entry {
    pub name: &'static str,
    /// One phrase.
    pub summary: &'static str,
    /// Where the paper has it.
    pub paper: &'static str,
    /// When to use it, one sentence.
    pub use_when: &'static str,
    /// When not to, one sentence.
    pub avoid_when: &'static str,
    /// Whether a model says how likely rows are.
    pub density: bool,
    /// Whether a model's map can be run backwards.
    pub inverse: bool,
    /// Defaults of the settings that methods share.
    pub training: fn() -> Training,
}

impl Entry {
    /// What there is to say of a method of which nothing is said: a start for one's own, `Entry { name: "moments", ..Entry::UNDOCUMENTED }`.
    pub const UNDOCUMENTED: Self = Self {
        name: "undocumented",
        summary: "not documented",
        paper: "not in the paper",
        use_when: "Not documented.",
        avoid_when: "Not documented.",
        density: false,
        inverse: false,
        training: Training::default,
    };
}

/// What a method learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LearnsFrom {
    /// Rows of the distribution.
    Rows,
    /// The score of a target; rows only say where to start.
    Score,
    /// A trained model, the teacher.
    Teacher,
}

/// Which of a method's settings say how samples are drawn: those that a trained model can change.
pub enum Drawing<'m> {
    /// In one pass, or in a way that is trained.
    Fixed,
    /// By a solver.
    Solver(&'m mut Sampling),
    /// By a map between times, in so many steps.
    Map(&'m mut usize),
}

/// A way to learn a sampler, with its settings as fields: `FlowMatching { coupling: Coupling::Sinkhorn, ..Default::default() }`.
///
/// One's own is a struct made by [`settings!`](crate::settings!), an [`Entry`], and [`Method::build`].
pub trait Method: Settings + Boxed {
    /// Its name, and what documentation says of it.
    fn entry(&self) -> &'static Entry;

    /// Makes what is trained on a device.
    ///
    /// # Errors
    /// Settings that do not fit the data or each other.
    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>>;

    /// Its defaults of the settings that methods share.
    fn training(&self) -> Training {
        (self.entry().training)()
    }

    fn learns_from(&self) -> LearnsFrom {
        LearnsFrom::Rows
    }

    /// How samples are drawn.
    fn drawing(&mut self) -> Drawing<'_> {
        Drawing::Fixed
    }

    /// The expressions of the target's score, where the settings give any: the rows then only say where to start.
    fn target_score(&self) -> Option<&[String]> {
        None
    }

    /// The run whose model is the teacher.
    fn teacher(&self) -> Option<&str> {
        None
    }

    /// Chooses the teacher.
    fn set_teacher(&mut self, _run: &Path) {}

    /// The SOURCE whose rows are the base distribution, where the settings name one.
    fn source(&self) -> Option<&str> {
        None
    }

    /// Whether [`anneal`](super::anneal) can train by its loss.
    fn can_be_annealed(&self) -> bool {
        false
    }
}

/// A copy of a method in a box: every method that is `Clone` has one.
#[doc(hidden)]
pub trait Boxed {
    fn boxed(&self) -> Box<dyn Method>;
}

impl<M: Method + Clone + 'static> Boxed for M {
    fn boxed(&self) -> Box<dyn Method> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Method> {
    fn clone(&self) -> Self {
        (**self).boxed()
    }
}

/// Methods are equal by name and settings.
impl PartialEq for dyn Method + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.write() == other.write()
    }
}

impl Settings for Box<dyn Method> {
    fn keys(&self) -> Vec<Key> {
        (**self).keys()
    }

    fn read(&mut self, values: &mut Values) -> Result<()> {
        (**self).read(values)
    }

    fn write(&self) -> Values {
        (**self).write()
    }

    fn check(&self) -> Result<()> {
        (**self).check()
    }
}

impl Method for Box<dyn Method> {
    fn entry(&self) -> &'static Entry {
        (**self).entry()
    }

    fn build(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        (**self).build(setup)
    }

    fn training(&self) -> Training {
        (**self).training()
    }

    fn learns_from(&self) -> LearnsFrom {
        (**self).learns_from()
    }

    fn drawing(&mut self) -> Drawing<'_> {
        (**self).drawing()
    }

    fn target_score(&self) -> Option<&[String]> {
        (**self).target_score()
    }

    fn teacher(&self) -> Option<&str> {
        (**self).teacher()
    }

    fn set_teacher(&mut self, run: &Path) {
        (**self).set_teacher(run);
    }

    fn source(&self) -> Option<&str> {
        (**self).source()
    }

    fn can_be_annealed(&self) -> bool {
        (**self).can_be_annealed()
    }
}

/// What `pushforward methods` shows of a method.
#[derive(Serialize)]
pub struct Summary {
    pub name: &'static str,
    pub summary: &'static str,
    pub paper: &'static str,
    pub use_when: &'static str,
    pub avoid_when: &'static str,
    /// Whether `log-density` works.
    pub density: bool,
    /// Whether `push --inverse` works.
    pub inverse: bool,
    pub settings: Vec<Key>,
    pub shared_settings: Vec<Key>,
    /// The JSON schema of all of them.
    pub schema: serde_json::Value,
}

impl dyn Method + '_ {
    pub fn name(&self) -> &'static str {
        self.entry().name
    }

    /// Whether samples are the end of an integration, by a solver that can be chosen.
    pub fn integrates(&self) -> bool {
        matches!(self.boxed().drawing(), Drawing::Solver(_))
    }

    pub fn describe(&self) -> Summary {
        let Entry { name, summary, paper, use_when, avoid_when, density, inverse, .. } = *self.entry();
        let (settings, shared_settings) = (self.keys(), self.training().keys());
        let schema = crate::settings::schema(&[settings.clone(), shared_settings.clone()].concat());
        Summary { name, summary, paper, use_when, avoid_when, density, inverse, settings, shared_settings, schema }
    }

    /// Makes what is trained on a device; where rows are trained on with noise, with a network that takes it away from samples.
    ///
    /// # Errors
    /// As [`Method::build`].
    pub fn learner(&self, setup: &Setup) -> Result<Box<dyn Learner>> {
        let learner = self.build(setup)?;
        if setup.training.noise > 0.0 { Ok(Box::new(Noised::new(setup, learner)?)) } else { Ok(learner) }
    }
}
