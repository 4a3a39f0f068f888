//! How many steps a time is enough for, measured before a run is made.

use super::{Job, Making};
use crate::Result;
use crate::gpu::Gpu;
use std::time::Instant;

/// What the host prepares is measured in a run shorter by this: pairs of a teacher take as long as many steps.
const SHORTER: u32 = 8;

/// As many steps as take about `seconds` here, at least one and at most as many as `job(None)` asks for, by some steps that are made for about
/// `measured` seconds once its shaders are compiled. What the host prepares between steps, such as a teacher's pairs, is counted, as if it grew with the
/// steps: it is measured on `job(Some(…))`, a shorter run. No run is left behind, and no folder touched.
///
/// # Errors
/// Whatever keeps the run from being prepared or its steps from being made.
pub fn steps_within(gpu: &Gpu, seconds: f64, measured: f64, job: &dyn Fn(Option<u32>) -> Result<Job>) -> Result<u32> {
    let asked = job(None)?;
    let most = asked.training.steps;
    let mut run = Rehearsal::new(gpu, asked)?;
    let each = run.seconds_a_step(measured)?;
    let fit = |each: f64| ((seconds / each) as u32).clamp(1, most);
    if !run.run.stage.plan.is_fed() {
        return Ok(fit(each));
    }
    let fewer = (fit(each) / SHORTER).max(1);
    let mut run = Rehearsal::new(gpu, job(Some(fewer))?)?;
    let feeds = run.run.stage.plan.seconds_of_feeds(u64::from(fewer))?;
    Ok(fit(each + feeds / f64::from(fewer)))
}

/// A run that leaves nothing.
struct Rehearsal {
    run: Making,
}

impl Rehearsal {
    fn new(gpu: &Gpu, job: Job) -> Result<Self> {
        let run = Making::prepare(gpu, Job { out: None, resume: false, ..job })?;
        Ok(Self { run })
    }

    /// Without what the host prepares.
    fn seconds_a_step(&mut self, measured: f64) -> Result<f64> {
        let plan = &mut self.run.stage.plan;
        let mut timed = |count: u32| -> Result<f64> {
            let started = Instant::now();
            plan.replay_unfed(count as usize)?;
            plan.final_reports()?;
            Ok(started.elapsed().as_secs_f64() / f64::from(count))
        };
        timed(2)?;
        let mut each = vec![timed(1)?];
        let started = Instant::now();
        // The median: other work on the machine comes and goes.
        while each.len() < 3 || started.elapsed().as_secs_f64() < measured {
            let last = each[each.len() - 1].max(1e-6);
            each.push(timed((0.1 * measured / last).clamp(1.0, 256.0) as u32)?);
        }
        each.sort_by(f64::total_cmp);
        Ok(each[each.len() / 2].max(1e-7))
    }
}
