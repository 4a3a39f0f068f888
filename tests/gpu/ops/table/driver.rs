//! Runs cases: every size, every kernel family, value, gradient, a gradient that is added to another, and tangent.

use super::case::{Case, Values, Wide};
use crate::shared::{families, numbers, run_on, wide};
use pushforward::Result;
use pushforward::gpu::{Family, Gpu, Recorder, Var};
use pushforward::reference::{Exact, check_gradient, differences};

/// The rows and columns of the first operand, and whether this is the one size at which all variants of an op are run.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub rows: usize,
    pub columns: usize,
    pub typical: bool,
}

pub type Cases = fn(Size) -> Vec<Case>;

/// The rows that a workgroup works on: of the widest kernels of each family.
fn tile(gpu: &Gpu) -> usize {
    match gpu.family() {
        Family::Subgroup { width } => 4 * width as usize,
        Family::Workgroup => 128,
        Family::Register => 64,
    }
}

fn sized(sizes: &[(usize, usize)]) -> Vec<Size> {
    sizes.iter().map(|&(rows, columns)| Size { rows, columns, typical: (rows, columns) == (65, 3) }).collect()
}

/// One; odd numbers; below, at and above a workgroup; columns that no vector of four divides; many of each; rows enough for several
/// workgroups to share a sum.
fn everywhere() -> Vec<Size> {
    sized(&[(1, 1), (1, 64), (2, 3), (63, 2), (64, 4), (65, 3), (65, 17), (33, 64), (257, 1), (1030, 5), (9001, 2)])
}

/// Few sizes at which an op dispatches all that it ever does.
pub fn telling() -> Vec<Size> {
    sized(&[(33, 64), (65, 3), (9001, 2)])
}

/// Below, at and above a tile, and several tiles.
fn around(tile: usize) -> Vec<Size> {
    sized(&[(tile - 1, 1), (tile, 2), (tile + 1, 3), (3 * tile + 5, 2)])
}

/// Every case of an op, in every family.
pub fn check(op: &str, cases: Cases) {
    everywhere().into_iter().for_each(|size| check_size(op, cases, size));
    for gpu in &families() {
        around(tile(gpu)).into_iter().for_each(|size| check_on(std::slice::from_ref(gpu), op, cases, size));
    }
}

/// The cases of one size, in every family.
pub fn check_size(op: &str, cases: Cases, size: Size) {
    check_on(&families(), op, cases, size);
}

fn check_on(families: &[Gpu], op: &str, cases: Cases, size: Size) {
    for case in cases(size) {
        let expected = Expected::of(&case);
        for gpu in families {
            let what = format!("{op} {} of {} × {}, {}", case.what, size.rows, size.columns, gpu.family().name());
            expected.check(gpu, &what, &case);
        }
    }
}

/// Seeds of cotangents, of what else is added to a gradient, and of tangents.
const COTANGENT: u64 = 100;
const ADDED: u64 = 200;
const ALONG: u64 = 300;

/// Records a case: its outputs, their gradients by each operand, their tangents where there is a rule, and the gradients added to others.
pub fn record(rec: &mut Recorder, what: &str, case: &Case) -> Result<Vec<Var>> {
    let given = case.operands.iter().map(|operand| operand.upload(rec)).collect::<Result<Vec<_>>>()?;
    let outputs = (case.record)(rec, &given)?;
    let wrt: Vec<_> = case.differentiable.iter().map(|&i| given[i]).collect();
    let mut all = outputs.clone();
    if wrt.is_empty() {
        return Ok(all);
    }
    let some = |rec: &mut Recorder, like: Var, seed: u64| {
        let tensor = rec.gpu().upload(like.rows(), like.cols(), &numbers(like.len(), seed)).expect("uploads");
        rec.tensor(&tensor)
    };
    let mut ends: Vec<_> = outputs.iter().zip(COTANGENT..).map(|(y, seed)| (*y, Some(some(rec, *y, seed)))).collect();
    all.extend(rec.backward_from(&ends, &wrt)?);
    let along: Vec<_> = wrt.iter().zip(ALONG..).map(|(x, seed)| (*x, some(rec, *x, seed))).collect();
    for y in &outputs {
        match rec.tangent(*y, &along) {
            Ok(tangent) => {
                assert!(case.tangent, "{what}: it has a tangent; the table says that it has none");
                all.push(tangent.expect("an output depends on what it is differentiated by"));
            }
            Err(refused) => assert!(!case.tangent, "{what}: {refused}"),
        }
    }
    // A second use of each operand, whose gradient is there first.
    for (x, seed) in wrt.iter().zip(ADDED..) {
        let again = rec.scale(*x, 1.0)?;
        ends.push((again, Some(some(rec, *x, seed))));
    }
    all.extend(rec.backward_from(&ends, &wrt)?);
    Ok(all)
}

/// What a case must give.
struct Expected {
    outputs: Vec<Exact>,
    cotangents: Vec<Vec<f64>>,
    gradients: Vec<Slopes>,
}

/// A gradient by one operand.
enum Slopes {
    /// Of the reference's own.
    Exact(Exact),
    /// All of it, by differences.
    All(Vec<f64>),
    /// Along a direction, which every element is part of, and of three elements, with what a difference of sums loses.
    Some { along: f64, elements: [(usize, f64); 3], floor: f64 },
}

impl Expected {
    fn of(case: &Case) -> Self {
        let operands: Vec<Vec<f64>> = case.operands.iter().map(|operand| operand.wide()).collect();
        let outputs = (case.reference)(&operands);
        let cotangents: Vec<Vec<f64>> =
            outputs.iter().zip(COTANGENT..).map(|(reference, seed)| wide(&numbers(reference.value.len(), seed))).collect();
        let gradients = match &case.gradient {
            Some(gradient) => gradient(&operands, &cotangents).into_iter().map(Slopes::Exact).collect(),
            None => {
                let by = case.differentiable.iter().zip(ALONG..);
                by.map(|(&by, seed)| Slopes::by_differences(case, &operands, &cotangents, by, seed)).collect()
            }
        };
        Self { outputs, cotangents, gradients }
    }

    fn check(&self, gpu: &Gpu, what: &str, case: &Case) {
        let mut outputs = run_on(gpu, |rec| record(rec, what, case));
        let mut rest = outputs.split_off(self.outputs.len());
        for (k, (reference, found)) in self.outputs.iter().zip(&outputs).enumerate() {
            reference.check(&format!("{what}: output {k}"), found);
        }
        if case.differentiable.is_empty() {
            return;
        }
        let count = case.differentiable.len();
        let added = rest.split_off(rest.len() - count);
        let tangents = rest.split_off(count);
        let (mut slope, mut scale) = (0.0, 0.0);
        for (((by, expected), found), seed) in case.differentiable.iter().zip(&self.gradients).zip(&rest).zip(ALONG..) {
            let (found, along) = (wide(found), wide(&numbers(found.len(), seed)));
            let terms = || found.iter().zip(&along).map(|(g, v)| g * v);
            let own = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
            expected.check(&format!("{what}: by operand {by}"), &found, own, case.tolerance);
            slope += own.0;
            scale += own.1;
        }
        if case.tangent {
            // ⟨u, J v⟩ = ⟨Jᵀu, v⟩.
            let pairs = tangents.iter().zip(&self.cotangents);
            let terms = || pairs.clone().flat_map(|(found, u)| found.iter().zip(u).map(|(t, u)| f64::from(*t) * u));
            let (found, scale) = (terms().sum::<f64>(), scale + terms().map(f64::abs).sum::<f64>());
            assert!(
                (found - slope).abs() <= case.tolerance * scale + 1e-30,
                "{what}: a tangent of {found}, for {slope} (of {scale})"
            );
        }
        for (i, (one, two)) in rest.iter().zip(&added).enumerate() {
            let more = numbers(one.len(), ADDED + i as u64);
            for (e, ((one, two), more)) in one.iter().zip(two).zip(more).enumerate() {
                let (sum, off) = (one + more, (one + more - two).abs());
                assert!(
                    off <= 4e-6 * (one.abs() + more.abs()),
                    "{what}: gradient {i}, element {e} is {two} where {sum} is added up"
                );
            }
        }
    }
}

impl Slopes {
    fn by_differences(case: &Case, operands: &Wide, cotangents: &Wide, by: usize, seed: u64) -> Self {
        // ⟨u, outputs⟩ with one operand replaced.
        let mut operands = operands.to_vec();
        let at = operands[by].clone();
        let mut weighed = |values: &[f64]| -> f64 {
            operands[by].copy_from_slice(values);
            let outputs = (case.reference)(&operands);
            outputs.iter().zip(cotangents).flat_map(|(y, u)| y.value.iter().zip(u).map(|(y, u)| y * u)).sum()
        };
        if at.len() <= 24 {
            return Self::All(differences(&at, weighed));
        }
        let along = wide(&numbers(at.len(), seed));
        let h = 1e-6;
        let mut moved = |k: f64| weighed(&at.iter().zip(&along).map(|(x, v)| x + k * h * v).collect::<Vec<_>>());
        let slope = (8.0 * (moved(1.0) - moved(-1.0)) - (moved(2.0) - moved(-2.0))) / (12.0 * h);
        // The corners, where edges of tiles are.
        let elements = [0, at.len() / 2, at.len() - 1].map(|e| {
            let mut values = at.clone();
            let found = differences(&[at[e]], |value| {
                values[e] = value[0];
                weighed(&values)
            });
            (e, found[0])
        });
        Self::Some { along: slope, elements, floor: 1e-9 * weighed(&at).abs() + 1e-30 }
    }

    /// `own` is the slope of what was found along the direction, and the sum of its terms' sizes.
    fn check(&self, what: &str, found: &[f64], own: (f64, f64), tolerance: f64) {
        match self {
            Self::Exact(reference) => reference.check(what, &found.iter().map(|&v| v as f32).collect::<Vec<_>>()),
            Self::All(expected) => check_gradient(what, found, expected, tolerance),
            Self::Some { along, elements, floor } => {
                let (slope, scale) = own;
                assert!(
                    (slope - along).abs() <= tolerance * scale + floor,
                    "{what}: a slope of {slope}, for {along} (of {scale})"
                );
                let norm = found.iter().fold(0.0f64, |m, g| m.max(g.abs()));
                for &(e, expected) in elements {
                    let off = (found[e] - expected).abs();
                    assert!(off <= 4.0 * tolerance * norm + 100.0 * floor, "{what}: element {e} is {} for {expected}", found[e]);
                }
            }
        }
    }
}

/// Records an op on no rows: it has to refuse them, or to give outputs without an element that was never written.
pub fn check_nothing(gpu: &Gpu, op: &str, cases: Cases) {
    for case in cases(Size { rows: 0, columns: 3, typical: false }) {
        let what = format!("{op} {} of no rows", case.what);
        let mut rec = Recorder::new(gpu, 0);
        let outputs = case.operands.iter().map(|operand| match &operand.values {
            Values::Numbers(_) if operand.len() == 0 => rec.empty(operand.rows, operand.columns),
            _ => operand.upload(&mut rec),
        });
        let Ok(given) = outputs.collect::<pushforward::Result<Vec<_>>>() else { continue };
        let Ok(outputs) = (case.record)(&mut rec, &given) else { continue };
        let kept: Vec<_> = outputs.iter().map(|y| rec.keep(*y)).collect();
        let Ok(mut step) = rec.finish() else { continue };
        step.replay(1).unwrap_or_else(|e| panic!("{what}: {e}"));
        for found in kept.into_iter().filter_map(|kept| step.read(kept).ok()) {
            assert!(found.iter().all(|v| !v.is_nan()), "{what}: {found:?}");
        }
    }
}
