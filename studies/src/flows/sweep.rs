//! [`Sweep`]: quality against the number of evaluations of the network.
//!
//! A solver of s evaluations a step gets n/s steps for n of them (Euler s = 1, Heun s = 2). Every reading of a model pushes the same
//! latents, those that its score is of, and is scored as the comparison scores runs: so a method's own solver and steps (Heun in 16, for
//! most) give the very share that the comparison has, and readings differ by what the solver does alone.

use super::followed;
use crate::comparison::{self, Comparison, Record, SAMPLE, Scorer, Terms};
use pushforward::Result;
use pushforward::data::toy::Toy;
use pushforward::flow::Solver;
use pushforward::gpu::Gpu;
use pushforward::metrics::Score;
use pushforward::train::Progress;
use pushforward::train::log::{Log, Logged};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// The numbers of evaluations.
pub const EVALUATIONS: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
pub const SOLVERS: [Solver; 2] = [Solver::Euler, Solver::Heun];

/// The numbers of evaluations that a solver can spend.
fn affordable(solver: Solver) -> impl Iterator<Item = usize> {
    EVALUATIONS.into_iter().filter(move |evaluations| evaluations.is_multiple_of(solver.evaluations()))
}

/// What was measured of a run, solver and number of evaluations: a line of `sweep.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Measured {
    method: String,
    target: String,
    seed: u64,
    #[serde(flatten)]
    terms: Terms,
    /// The steps that had made the model: another training is another model.
    trained: u64,
    solver: String,
    evaluations: usize,
    /// Of each set of rows; none where the solver lost a row.
    root_energies: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

impl Logged for Measured {
    type Terms = Terms;

    fn terms(&self) -> &Terms {
        &self.terms
    }
}

impl Measured {
    fn is(&self, run: &Record, solver: Solver, evaluations: usize) -> bool {
        (&self.method, &self.target, self.seed, self.trained) == (&run.method, &run.target, run.seed, run.steps_made)
            && self.solver == solver.name()
            && self.evaluations == evaluations
    }
}

/// A point of a curve.
#[derive(Clone, Debug, Serialize)]
pub struct Reading {
    pub evaluations: usize,
    pub steps: usize,
    /// The skill: the mean over sets of rows, with its standard error and Student's 95 %
    /// interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill: Option<Score>,
    /// Why there is none, in the error's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// What the first seed's run of a method on a target comes to by one solver.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    pub method: String,
    pub target: String,
    pub solver: String,
    pub readings: Vec<Reading>,
}

impl Curve {
    /// The fewest evaluations from which the skill is at most `less` below that of the most, with the skill there.
    pub fn fewest(&self, less: f64) -> Option<(usize, f64)> {
        let skill = |reading: &Reading| Some((reading.evaluations, reading.skill.as_ref()?.value));
        let (_, most) = skill(self.readings.last()?)?;
        self.readings.iter().rev().map_while(|r| skill(r).filter(|(_, skill)| *skill >= most - less)).last()
    }
}

/// The curves of a comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Sweep {
    pub curves: Vec<Curve>,
    /// Whether readings are missing because Ctrl-C ended it.
    #[serde(skip)]
    pub interrupted: bool,
}

impl Sweep {
    /// Measures what `out` does not hold yet of the first seed's runs.
    ///
    /// # Errors
    /// A folder that holds readings on other terms; a device that fails, a full disk. A reading that fails is recorded as such.
    pub fn run(gpu: &Gpu, out: &Path, found: &Comparison, watch: &mut dyn Progress, stop: &AtomicBool) -> Result<Self> {
        let terms = Terms::new(gpu, &found.settings);
        let mut log = Log::open(&out.join("sweep.jsonl"), &terms)?;
        let mut interrupted = false;
        for &toy in &found.toys {
            let scorer = Scorer::new(gpu, toy, found.settings.scored);
            for method in &found.methods {
                let Some(run) = found.first(method, toy).filter(|run| run.failure.is_none()) else { continue };
                interrupted = interrupted || !measure(gpu, out, run, &scorer, &mut log, watch, stop)?;
            }
        }
        let measured = log.records();
        let curves = found.toys.iter().flat_map(|&toy| {
            let runs = found.methods.iter().filter_map(move |method| found.first(method, toy));
            runs.flat_map(|run| SOLVERS.map(|solver| curve(found, run, toy, solver, &measured))).collect::<Vec<_>>()
        });
        let curves = curves.filter(|curve| !curve.readings.is_empty()).collect();
        Ok(Self { curves, interrupted })
    }

    pub fn curve(&self, method: &str, toy: Toy, solver: Solver) -> Option<&Curve> {
        let is = |curve: &&Curve| curve.method == method && curve.target == toy.name() && curve.solver == solver.name();
        self.curves.iter().find(is)
    }
}

/// Reads a run's model with every number of evaluations. Whether it came to the end.
fn measure(
    gpu: &Gpu,
    out: &Path,
    run: &Record,
    scorer: &Scorer,
    log: &mut Log<Measured>,
    watch: &mut dyn Progress,
    stop: &AtomicBool,
) -> Result<bool> {
    let all = SOLVERS.into_iter().flat_map(|solver| affordable(solver).map(move |evaluations| (solver, evaluations)));
    let missing: Vec<_> = all.filter(|&(solver, n)| !log.iter().any(|there| there.is(run, solver, n))).collect();
    if missing.is_empty() {
        return Ok(true);
    }
    let Some(mut model) = comparison::model(gpu, out, &run.method, scorer.toy(), run.seed)? else { return Ok(true) };
    watch.message(&format!("{} on {}, seed {}: quality by evaluations", run.method, run.target, run.seed));
    for (solver, evaluations) in missing {
        if stop.load(Ordering::SeqCst) {
            return Ok(false);
        }
        model = followed(model, solver, evaluations / solver.evaluations())?;
        let roots = model.sample(scorer.rows(), SAMPLE).and_then(|sample| scorer.root_energies(sample.single()));
        let (root_energies, failure) = match roots {
            Ok(roots) => (roots, None),
            Err(e) if e.is_of_one_run() => (Vec::new(), Some(e.to_string())),
            Err(e) => return Err(e),
        };
        log.push(Measured {
            method: run.method.clone(),
            target: run.target.clone(),
            seed: run.seed,
            terms: run.terms.clone(),
            trained: run.steps_made,
            solver: solver.name(),
            evaluations,
            root_energies,
            failure,
        })?;
    }
    Ok(true)
}

fn curve(found: &Comparison, run: &Record, toy: Toy, solver: Solver, measured: &[Measured]) -> Curve {
    let reading = |evaluations: usize| {
        let there = measured.iter().find(|there| there.is(run, solver, evaluations))?;
        Some(Reading {
            evaluations,
            steps: evaluations / solver.evaluations(),
            skill: found.skill_by(toy, &there.root_energies),
            failure: there.failure.clone(),
        })
    };
    let readings = affordable(solver).filter_map(reading).collect();
    Curve { method: run.method.clone(), target: run.target.clone(), solver: solver.name(), readings }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heun_spends_two_evaluations_a_step() {
        let all: Vec<Vec<usize>> = SOLVERS.map(|solver| affordable(solver).collect()).to_vec();
        assert_eq!(all, [EVALUATIONS.to_vec(), EVALUATIONS[1..].to_vec()]);
    }

    #[test]
    fn the_fewest_evaluations_are_those_after_which_no_more_are_needed() {
        let curve = |shares: &[f64]| Curve {
            method: "score".into(),
            target: "moons".into(),
            solver: "euler".into(),
            readings: (EVALUATIONS.into_iter().zip(shares))
                .map(|(evaluations, &skill)| Reading {
                    evaluations,
                    steps: evaluations,
                    skill: skill.is_finite().then(|| Score::exact(skill)),
                    failure: None,
                })
                .collect(),
        };
        assert_eq!(curve(&[-3.0, 0.2, 0.92, 0.99]).fewest(0.1), Some((4, 0.92)));
        // Four are enough, and eight are not.
        assert_eq!(curve(&[0.0, 0.5, 0.95, 0.8, 0.93]).fewest(0.1), Some((16, 0.93)));
        assert_eq!(curve(&[0.5, 0.95, 0.4]).fewest(0.1), Some((1, 0.5)));
        assert_eq!(curve(&[f64::NAN, 0.95]).fewest(0.1), Some((2, 0.95)));
        assert_eq!(curve(&[0.95, f64::NAN]).fewest(0.1), None);
        assert_eq!(curve(&[]).fewest(0.1), None);
    }
}
