//! The tape, which exists only while a step is recorded: every op leaves its gradient rule (VJP) and, where the design needs one, its
//! tangent rule (JVP). Plain data: `reverse` walks it.

use super::var::Var;
use crate::Result;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

type Vjp<R> = Rc<dyn Fn(&mut R, &mut Backward) -> Result<()>>;
type Jvp<R> = Rc<dyn Fn(&mut R, &Tangents) -> Result<Vec<Option<Var>>>>;

/// One recorded op, of a recorder `R`.
pub(super) struct Node<R> {
    pub inputs: Vec<Var>,
    pub outputs: Vec<Var>,
    pub vjp: Vjp<R>,
    pub jvp: Option<Jvp<R>>,
}

impl<R> Clone for Node<R> {
    fn clone(&self) -> Self {
        let Self { inputs, outputs, vjp, jvp } = self;
        Self { inputs: inputs.clone(), outputs: outputs.clone(), vjp: vjp.clone(), jvp: jvp.clone() }
    }
}

/// Where a rule writes a cotangent: `into = (accumulate ? into : 0) + Jᵀȳ`.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    pub into: Var,
    pub accumulate: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Cotangent {
    /// The same number everywhere, known while recording: costs nothing.
    Known(f32),
    /// Memory of its own: can be accumulated into.
    Owned(Var),
    /// Memory that is also something else's: copied before it is accumulated into.
    Shared(Var),
}

/// A reverse pass under construction, as gradient rules see it.
pub struct Backward {
    pub(super) wanted: HashSet<Var>,
    pub(super) cotangents: HashMap<Var, Cotangent>,
    pub(super) destinations: HashMap<Var, Var>,
    pub(super) uses: HashMap<Var, usize>,
}

impl Backward {
    /// Whether a gradient with respect to `x` is needed at all.
    pub fn wants(&self, x: Var) -> bool {
        self.wanted.contains(&x)
    }

    /// In how many recorded ops `x` is an input: a cotangent that has one source can be written in a fused form.
    pub fn uses(&self, x: Var) -> usize {
        self.uses.get(&x).copied().unwrap_or(0)
    }

    /// The cotangent of `y` where it is one number known while recording, as for sums and means of losses.
    pub fn known(&self, y: Var) -> Option<f32> {
        match self.cotangents.get(&y) {
            Some(Cotangent::Known(value)) => Some(*value),
            _ => None,
        }
    }
}

/// The tangents of an op's inputs, as tangent rules see them.
pub struct Tangents(pub(super) HashMap<Var, Var>);

impl Tangents {
    /// The tangent of `x`, or `None` where it is zero.
    pub fn of(&self, x: Var) -> Option<Var> {
        self.0.get(&x).copied()
    }
}
