//! Derivatives of what has been recorded: [`Recorder::backward`] appends the backward dispatches once.
//!
//! Reverse mode: a rule reads the cotangent ȳ of its output and adds Jᵀȳ to the cotangents of the inputs that are wanted.
//! Forward mode: a rule maps the inputs' tangents ẋ to the output's tangent Jẋ *with taped ops*, so that a reverse pass
//! through recorded tangents gives second order.

use super::kernels::map;
use super::recorder::Recorder;
use super::tape::{Backward, Cotangent, Node, Slot, Tangents};
use super::var::Var;
use crate::{Error, Result};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

impl Backward {
    /// The cotangent of `y` as a value, or `None` when nothing flows into it.
    pub fn of(&mut self, rec: &mut Recorder, y: Var) -> Result<Option<Var>> {
        Ok(match self.cotangents.get(&y) {
            None => None,
            Some(Cotangent::Owned(var) | Cotangent::Shared(var)) => Some(*var),
            Some(Cotangent::Known(value)) => {
                let var = rec.constant(*value, y.rows(), y.cols())?;
                self.cotangents.insert(y, Cotangent::Shared(var));
                Some(var)
            }
        })
    }

    /// Where to write the cotangent of `x`, or `None` when it is not wanted. The caller must write it.
    pub fn slot(&mut self, rec: &mut Recorder, x: Var) -> Result<Option<Slot>> {
        if !self.wants(x) {
            return Ok(None);
        }
        let existing = self.of(rec, x)?;
        if let (Some(var), Some(Cotangent::Owned(_))) = (existing, self.cotangents.get(&x)) {
            return Ok(Some(Slot { into: var, accumulate: true }));
        }
        let into = match self.destinations.get(&x) {
            Some(&destination) => destination,
            None => rec.empty(x.rows(), x.cols())?,
        };
        if let Some(shared) = existing {
            blend(rec, shared, 1.0, into, false)?;
        }
        self.cotangents.insert(x, Cotangent::Owned(into));
        Ok(Some(Slot { into, accumulate: existing.is_some() }))
    }

    /// Adds an existing value `g` to the cotangent of `x`, without a copy where none is needed.
    pub fn pass(&mut self, rec: &mut Recorder, x: Var, g: Var) -> Result<()> {
        self.pass_scaled(rec, x, g, 1.0)
    }

    /// Adds `scale`·`g` to the cotangent of `x`.
    pub fn pass_scaled(&mut self, rec: &mut Recorder, x: Var, g: Var, scale: f32) -> Result<()> {
        if !self.wants(x) {
            return Ok(());
        }
        if g.len() != x.len() {
            let problem = format!("a gradient of {} × {} for {} × {}", g.rows(), g.cols(), x.rows(), x.cols());
            return Err(Error::shape("backward", problem));
        }
        let free = !self.cotangents.contains_key(&x) && !self.destinations.contains_key(&x);
        if free && scale == 1.0 {
            self.cotangents.insert(x, Cotangent::Shared(g));
            return Ok(());
        }
        if let Some(Slot { into, accumulate }) = self.slot(rec, x)? {
            blend(rec, g, scale, into, accumulate)?;
        }
        Ok(())
    }

    /// Adds a number, the same for every element, to the cotangent of `x`.
    pub fn pass_known(&mut self, rec: &mut Recorder, x: Var, value: f32) -> Result<()> {
        if !self.wants(x) {
            return Ok(());
        }
        match self.cotangents.get(&x) {
            None if !self.destinations.contains_key(&x) => {
                self.cotangents.insert(x, Cotangent::Known(value));
                Ok(())
            }
            Some(Cotangent::Known(before)) => {
                let sum = before + value;
                self.cotangents.insert(x, Cotangent::Known(sum));
                Ok(())
            }
            _ => {
                let constant = rec.constant(value, x.rows(), x.cols())?;
                self.pass(rec, x, constant)
            }
        }
    }
}

/// `into = (accumulate ? into : 0) + scale·g`.
fn blend(rec: &mut Recorder, g: Var, scale: f32, into: Var, accumulate: bool) -> Result<()> {
    let params = map::Params { len: g.len() as u32, cols: g.cols() as u32, scale, offset: 0.0, accumulate: accumulate.into() };
    let groups = rec.groups(g.len(), map::Unary::WIDTH);
    let variant = map::Variant { unary: map::axis::Unary::Affine, binary: map::axis::Binary::Add, shape: map::axis::Shape::Same };
    rec.dispatch(map::Unary { variant, params, a: g, out: into }, groups)
}

impl Recorder {
    /// Records how gradients flow through an op that has just been dispatched.
    pub fn record(
        &mut self,
        inputs: &[Var],
        outputs: &[Var],
        vjp: impl Fn(&mut Recorder, &mut Backward) -> Result<()> + 'static,
    ) {
        self.tape.push(Node { inputs: inputs.into(), outputs: outputs.into(), vjp: Rc::new(vjp), jvp: None });
    }

    /// The same for an op that also has a tangent rule, which returns one tangent an output (`None` is zero).
    pub fn record_with_tangent(
        &mut self,
        inputs: &[Var],
        outputs: &[Var],
        vjp: impl Fn(&mut Recorder, &mut Backward) -> Result<()> + 'static,
        jvp: impl Fn(&mut Recorder, &Tangents) -> Result<Vec<Option<Var>>> + 'static,
    ) {
        let (inputs, outputs) = (inputs.to_vec(), outputs.to_vec());
        self.tape.push(Node { inputs, outputs, vjp: Rc::new(vjp), jvp: Some(Rc::new(jvp)) });
    }

    /// Appends the reverse pass of a 1×1 `loss`, pruned to `wrt`, and returns one gradient an entry of `wrt`. Values with a
    /// destination ([`Recorder::set_gradient`]) get their gradient there, and zero where nothing flows.
    pub fn backward(&mut self, loss: Var, wrt: &[Var]) -> Result<Vec<Var>> {
        if loss.len() != 1 {
            let problem = format!("the loss is {} × {}; it must be 1 × 1", loss.rows(), loss.cols());
            return Err(Error::shape("backward", problem));
        }
        self.backward_from(&[(loss, None)], wrt)
    }

    /// The same from any values, each with its cotangent (`None` is all ones).
    pub fn backward_from(&mut self, from: &[(Var, Option<Var>)], wrt: &[Var]) -> Result<Vec<Var>> {
        // What depends on `wrt`: only there do cotangents flow.
        let mut wanted: HashSet<Var> = wrt.iter().copied().collect();
        let mut uses: HashMap<Var, usize> = HashMap::new();
        for node in &self.tape {
            for &input in &node.inputs {
                *uses.entry(input).or_default() += 1;
            }
            if node.inputs.iter().any(|x| wanted.contains(x)) {
                wanted.extend(node.outputs.iter().copied());
            }
        }
        let destinations = wrt.iter().filter_map(|x| self.gradients.get(x).map(|destination| (*x, *destination))).collect();
        let mut pass = Backward { wanted, cotangents: HashMap::new(), destinations, uses };
        for &(y, cotangent) in from {
            match cotangent {
                None => pass.pass_known(self, y, 1.0)?,
                Some(g) => pass.pass(self, y, g)?,
            }
        }
        for i in (0..self.tape.len()).rev() {
            let node = &self.tape[i];
            let flows = node.outputs.iter().any(|y| pass.cotangents.contains_key(y));
            if flows && node.inputs.iter().any(|&x| pass.wants(x)) {
                let vjp = node.vjp.clone();
                vjp(self, &mut pass)?;
            }
        }
        let mut gradients = Vec::with_capacity(wrt.len());
        for &x in wrt {
            let gradient = match (pass.of(self, x)?, pass.destinations.get(&x).copied()) {
                (Some(g), Some(destination)) if g != destination => {
                    blend(self, g, 1.0, destination, false)?;
                    destination
                }
                (Some(g), _) => g,
                (None, Some(destination)) => {
                    let zero = self.constant(0.0, x.rows(), x.cols())?;
                    blend(self, zero, 1.0, destination, false)?;
                    destination
                }
                (None, None) => self.constant(0.0, x.rows(), x.cols())?,
            };
            gradients.push(gradient);
        }
        Ok(gradients)
    }

    /// Appends the forward-mode tangent of `y` along `(x, ẋ)` pairs: Σ ∂y/∂x·ẋ. `None` where `y` does not depend on them.
    pub fn tangent(&mut self, y: Var, along: &[(Var, Var)]) -> Result<Option<Var>> {
        if let Some((x, x_dot)) = along.iter().find(|(x, x_dot)| x.shape() != x_dot.shape()) {
            let problem = format!("a tangent of {} × {} for {} × {}", x_dot.rows(), x_dot.cols(), x.rows(), x.cols());
            return Err(Error::shape("tangent", problem));
        }
        let mut tangents = Tangents(along.iter().copied().collect());
        let needed = self.ancestors(y);
        for i in 0..self.tape.len() {
            let node = self.tape[i].clone();
            let depends = node.inputs.iter().any(|x| tangents.0.contains_key(x));
            if !depends || !node.outputs.iter().any(|o| needed.contains(o)) {
                continue;
            }
            let Some(jvp) = node.jvp else {
                return Err(Error::shape("tangent", "an op on the way has no tangent rule"));
            };
            for (output, tangent) in node.outputs.iter().zip(jvp(self, &tangents)?) {
                if let Some(tangent) = tangent {
                    tangents.0.insert(*output, tangent);
                }
            }
        }
        Ok(tangents.of(y))
    }

    fn ancestors(&self, y: Var) -> HashSet<Var> {
        let mut found = HashSet::from([y]);
        for node in self.tape.iter().rev() {
            if node.outputs.iter().any(|o| found.contains(o)) {
                found.extend(node.inputs.iter().copied());
            }
        }
        found
    }
}
