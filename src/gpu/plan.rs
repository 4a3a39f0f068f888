//! [`Plan`]: steps with counts, replayed as one iteration, such as five critic steps to one generator step.

use super::command::{Command, submission, submit};
use super::ring::{RING, Report};
use super::{Gpu, Recorder, Step};
use crate::Result;
use std::collections::VecDeque;
use std::time::Instant;

/// Steps that run in turn, each its count of times, an iteration.
pub struct Plan {
    parts: Vec<(Step, usize)>,
    /// The scalars of the last step first: it is the one that the others prepare.
    names: Vec<String>,
    /// Reports of each part that wait for those of the others.
    waiting: Vec<VecDeque<Report>>,
    /// Of each part, the first report of the iteration at hand that is not finite.
    bad: Vec<Option<Report>>,
    in_flight: VecDeque<wgpu::SubmissionIndex>,
    feeds: Vec<Feed>,
    /// Iterations that have been submitted.
    count: u64,
}

/// What the host prepares for the iterations ahead, a block of `every` at a time.
struct Feed {
    every: u64,
    write: Box<dyn FnMut(u64, bool) -> Result<()> + Send>,
    /// The first iteration of the block that is on the device.
    holds: Option<u64>,
}

impl Plan {
    /// A plan that runs each step its count of times, in order, an iteration. The steps must share one device, and two of them
    /// no recording's domain ([`Recorder::with_domain`]), or they draw the same random numbers.
    ///
    /// # Panics
    /// Without steps, or with a step that never runs.
    pub fn new(parts: Vec<(Step, usize)>) -> Self {
        assert!(!parts.is_empty() && parts.iter().all(|(_, count)| *count > 0), "a plan has steps, and each of them runs");
        let names = parts.iter().rev().flat_map(|(step, _)| step.report_names().to_vec()).collect();
        let waiting = parts.iter().map(|_| VecDeque::new()).collect();
        let bad = parts.iter().map(|_| None).collect();
        Self { parts, names, waiting, bad, in_flight: VecDeque::new(), feeds: Vec::new(), count: 0 }
    }

    /// The plan of one step.
    pub fn of(step: Step) -> Self {
        Self::new(vec![(step, 1)])
    }

    /// Records one step and makes it a plan.
    pub fn record(gpu: &Gpu, seed: u64, write: impl FnOnce(&mut Recorder) -> Result<()>) -> Result<Self> {
        let mut rec = Recorder::new(gpu, seed);
        write(&mut rec)?;
        Ok(Self::of(rec.finish()?))
    }

    /// The same plan with a step of another network before the others of each iteration; what it reports comes last.
    pub fn after(mut self, step: Step) -> Self {
        self.names.extend(step.report_names().to_vec());
        self.parts.insert(0, (step, 1));
        self.waiting.insert(0, VecDeque::new());
        self.bad.insert(0, None);
        self
    }

    /// Has the host prepare what a recorded step cannot make itself, such as an exact assignment: before the iterations `first` to
    /// `first + every − 1` are submitted, with `first` a multiple of `every`, `write(first)` writes to tensors that they read. Where a
    /// run goes on inside such a block ([`Plan::set_count`]) `write` is called with the block's beginning, so a feed that is a function
    /// of `first` alone leaves a resumed run bit-identical.
    ///
    /// Memory that earlier iterations read may be overwritten: a write is queued behind every submission before it and ahead of
    /// those after it (`Queue::write_buffer`), so the device sees it between the two blocks, and the host does not wait.
    ///
    /// # Panics
    /// With `every` 0.
    pub fn with_feed(self, every: usize, mut write: impl FnMut(u64) -> Result<()> + Send + 'static) -> Self {
        self.with_state_feed(every, move |first, _| write(first))
    }

    /// The same for a feed that depends on what training has reached at the block's beginning and keeps what it needs of it in a
    /// checkpoint: the second argument of `write` says whether the run goes on inside the block, where that was kept already.
    ///
    /// # Panics
    /// With `every` 0.
    pub fn with_state_feed(mut self, every: usize, write: impl FnMut(u64, bool) -> Result<()> + Send + 'static) -> Self {
        assert!(every > 0, "a feed serves a block of iterations");
        self.feeds.push(Feed { every: every as u64, write: Box::new(write), holds: None });
        self
    }

    /// Runs the plan `n` times, without waiting for the device except to keep a bounded amount of work in flight.
    pub fn replay(&mut self, n: usize) -> Result<()> {
        let end = self.count + n as u64;
        while self.count < end {
            let mut until = end;
            for feed in &mut self.feeds {
                let first = self.count - self.count % feed.every;
                if feed.holds != Some(first) {
                    feed.holds = None;
                    (feed.write)(first, self.count > first)?;
                    feed.holds = Some(first);
                }
                until = until.min(first + feed.every);
            }
            self.submit((until - self.count) as usize)?;
            self.count = until;
        }
        Ok(())
    }

    /// Whether the host prepares anything.
    pub fn is_fed(&self) -> bool {
        !self.feeds.is_empty()
    }

    /// Runs the plan `n` times on whatever is in memory: what the host prepares is left out, so that steps can be timed apart from it.
    pub fn replay_unfed(&mut self, n: usize) -> Result<()> {
        self.submit(n)?;
        self.count += n as u64;
        self.feeds.iter_mut().for_each(|feed| feed.holds = None);
        Ok(())
    }

    /// Seconds that the host will take to prepare `n` iterations from the start, measured on the first block and on the last: one plan's blocks
    /// cost alike but for the first, which may be a choice and no work. The plan is left at its
    /// start, but for what state feeds have taken down ([`Plan::with_state_feed`]).
    pub fn seconds_of_feeds(&mut self, n: u64) -> Result<f64> {
        self.set_count(0)?;
        let mut seconds = 0.0;
        for feed in &mut self.feeds {
            let blocks = n.div_ceil(feed.every);
            let mut timed = |block: u64| {
                let started = Instant::now();
                (feed.write)(block * feed.every, false)?;
                Ok::<_, crate::Error>(started.elapsed().as_secs_f64())
            };
            seconds += if blocks > 0 { timed(0)? } else { 0.0 };
            seconds += if blocks > 1 { timed(blocks - 1)? * (blocks - 1) as f64 } else { 0.0 };
        }
        Ok(seconds)
    }

    fn submit(&mut self, n: usize) -> Result<()> {
        let gpu = self.parts[0].0.gpu.clone();
        let once: usize = self.parts.iter().map(|(step, count)| step.len() * count).sum();
        let parts = &self.parts;
        gpu.compile_ahead(parts.iter().flat_map(|(step, _)| &step.commands))?;
        let iteration = || parts.iter().flat_map(|(step, count)| (0..*count).flat_map(|_| step.commands.iter()));
        let commands: &mut dyn Iterator<Item = &Command> = &mut (0..n).flat_map(|_| iteration());
        submit(&gpu, &mut self.in_flight, commands, submission(once))
    }

    pub fn gpu(&self) -> &Gpu {
        self.parts[0].0.gpu()
    }

    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.parts.iter().map(|(step, _)| step)
    }

    pub fn step_mut(&mut self, index: usize) -> Option<&mut Step> {
        self.parts.get_mut(index).map(|(step, _)| step)
    }

    /// What an iteration costs on the device ([`Step::cost`]).
    pub fn cost(&self) -> f64 {
        self.parts.iter().map(|(step, count)| step.cost() * *count as f64).sum()
    }

    /// Most iterations between two calls of [`Plan::reports`] of which no report is lost.
    pub fn window(&self) -> usize {
        RING / self.parts.iter().map(|(_, count)| *count).max().unwrap_or(1)
    }

    /// Goes on as after `count` iterations.
    pub fn set_count(&mut self, count: u64) -> Result<()> {
        self.waiting.iter_mut().for_each(VecDeque::clear);
        self.bad.fill(None);
        self.count = count;
        self.feeds.iter_mut().for_each(|feed| feed.holds = None);
        self.parts.iter_mut().try_for_each(|(step, times)| step.set_count(count * *times as u64))
    }

    /// The names under which scalars are reported: the last step's, then those of the steps before it.
    pub fn report_names(&self) -> &[String] {
        &self.names
    }

    /// The scalars of each iteration since the last call, as far as they have arrived: never waits. A step that runs several
    /// times an iteration reports its last run, or the first that is not finite.
    pub fn reports(&mut self) -> Result<Vec<Report>> {
        for ((step, count), (waiting, bad)) in self.parts.iter_mut().zip(self.waiting.iter_mut().zip(&mut self.bad)) {
            collect(step.reports()?, *count as u64, waiting, bad);
        }
        Ok(self.joined())
    }

    /// The same, but waits for everything that was submitted.
    pub fn final_reports(&mut self) -> Result<Vec<Report>> {
        for ((step, count), (waiting, bad)) in self.parts.iter_mut().zip(self.waiting.iter_mut().zip(&mut self.bad)) {
            collect(step.final_reports()?, *count as u64, waiting, bad);
        }
        Ok(self.joined())
    }

    /// The iterations of which every part has reported.
    fn joined(&mut self) -> Vec<Report> {
        let mut found = Vec::new();
        // Where one part's ring ran over, its oldest iterations are missing: those of the others are dropped with them.
        while let Some(newest) = self.waiting.iter().map(|w| w.front().map(|r| r.step)).max_by_key(|s| s.unwrap_or(u64::MAX)) {
            let Some(step) = newest else { break };
            self.waiting.iter_mut().for_each(|w| w.retain(|r| r.step >= step));
            if self.waiting.iter().all(|w| w.front().is_some_and(|r| r.step == step)) {
                let values = self.waiting.iter_mut().rev().filter_map(VecDeque::pop_front).flat_map(|r| r.values).collect();
                found.push(Report { step, values });
            }
        }
        found
    }
}

/// Keeps the report of each iteration's last run, or its first that is not finite, under the iteration's number.
fn collect(reports: Vec<Report>, count: u64, into: &mut VecDeque<Report>, bad: &mut Option<Report>) {
    for report in reports {
        if bad.is_none() && report.values.iter().any(|v| !v.is_finite()) {
            *bad = Some(report.clone());
        }
        if report.step % count == count - 1 {
            let Report { step, values } = bad.take().unwrap_or(report);
            into.push_back(Report { step: step / count, values });
        }
    }
}
