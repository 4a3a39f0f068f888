//! The engine's own promises: record once, replay the same, report, refuse.

mod tape;

use crate::shared::{Devices, prepare};
use pushforward::Error;
use pushforward::gpu::{Gpu, Options, Plan, Recorder, Step};
use std::sync::{Arc, Mutex};

pub static GPU: Devices = Devices::CHECKED;

/// A step that adds a fresh normal number to each of four cells and reports their sum.
fn walk(seed: u64, domain: u32) -> (Step, pushforward::gpu::Tensor) {
    walk_on(&GPU, seed, domain)
}

fn walk_on(gpu: &Gpu, seed: u64, domain: u32) -> (Step, pushforward::gpu::Tensor) {
    let cells = gpu.zeros(1, 4).unwrap();
    let mut rec = Recorder::with_domain(gpu, seed, domain).unwrap();
    let (now, noise) = (rec.tensor(&cells), rec.normal(1, 4).unwrap());
    let next = rec.add(now, noise).unwrap();
    let total = rec.sum(next).unwrap();
    rec.report("total", total).unwrap();
    rec.copy_into(next, now).unwrap();
    (rec.finish().unwrap(), cells)
}

#[test]
fn a_replay_of_n_steps_is_n_replays_of_one() {
    let ((mut once, a), (mut often, b)) = (walk(1, 0), walk(1, 0));
    once.replay(700).unwrap();
    for _ in 0..700 {
        often.replay(1).unwrap();
    }
    assert_eq!(a.read().unwrap(), b.read().unwrap());
    assert_eq!(once.count().unwrap(), 700);
}

#[test]
fn a_counter_set_back_gives_the_same_steps_again() {
    let (mut step, cells) = walk(1, 0);
    step.replay(5).unwrap();
    let five = cells.read().unwrap();
    step.replay(3).unwrap();
    let eight = cells.read().unwrap();
    cells.write(&five).unwrap();
    step.set_count(5).unwrap();
    step.replay(3).unwrap();
    assert_eq!(cells.read().unwrap(), eight);
}

#[test]
fn every_report_arrives_once_and_in_order() {
    let (mut step, _) = walk(2, 0);
    let mut found = Vec::new();
    for count in [1, 10, 100, 300] {
        step.replay(count).unwrap();
        found.extend(step.reports().unwrap());
    }
    found.extend(step.final_reports().unwrap());
    assert_eq!(step.report_names(), ["total"]);
    let numbers: Vec<u64> = found.iter().map(|r| r.step).collect();
    assert_eq!(numbers, (0..411).collect::<Vec<_>>());
    assert!(found.iter().all(|r| r.values.len() == 1 && r.values[0].is_finite()));
}

#[test]
fn a_plan_runs_each_step_its_count_of_times() {
    let ((five, _), (one, _)) = (walk(3, 0), walk(3, 1));
    let mut plan = Plan::new(vec![(five, 5), (one, 1)]);
    plan.replay(7).unwrap();
    let counts: Vec<u64> = plan.steps().map(|s| s.count().unwrap()).collect();
    assert_eq!(counts, [35, 7]);
}

#[test]
fn the_last_report_arrives_whoever_polls() {
    // Threads that share a device run each other's callbacks.
    let gpu: &Gpu = &GPU;
    std::thread::scope(|scope| {
        for seed in 0..4 {
            scope.spawn(move || {
                let (mut step, _) = walk_on(gpu, seed, 3);
                for count in 1..=150 {
                    step.replay(1).unwrap();
                    let found = step.final_reports().unwrap();
                    assert_eq!(found.last().map(|r| r.step + 1), Some(count), "thread {seed}");
                }
            });
        }
    });
}

#[test]
fn a_plan_reports_each_iteration_once_with_the_last_run_of_every_step() {
    let ((mut alone, _), (two, _), (one, _)) = (walk(3, 0), walk(3, 0), walk(3, 1));
    let mut plan = Plan::new(vec![(two, 2), (one, 1)]);
    assert_eq!(plan.report_names(), ["total", "total"]);
    let mut found = Vec::new();
    for count in [1, 10, 100, 300] {
        plan.replay(count).unwrap();
        found.extend(plan.reports().unwrap());
    }
    found.extend(plan.final_reports().unwrap());
    let numbers: Vec<u64> = found.iter().map(|r| r.step).collect();
    assert_eq!(numbers, (0..411).collect::<Vec<_>>());
    alone.replay(822).unwrap();
    let runs = alone.final_reports().unwrap();
    for report in &found {
        assert_eq!(report.values[1], runs[2 * report.step as usize + 1].values[0], "iteration {}", report.step);
    }
    assert_eq!(plan.window(), 512);
}

/// A plan that adds what a feed of `every` iterations prepares to a cell, and the firsts that the feed was called with.
fn fed(every: usize) -> (Plan, pushforward::gpu::Tensor, Arc<Mutex<Vec<u64>>>) {
    let (sum, pool) = (GPU.zeros(1, 1).unwrap(), GPU.zeros(every, 1).unwrap());
    let plan = Plan::record(&GPU, 0, |rec| {
        let (before, pool) = (rec.tensor(&sum), rec.tensor(&pool));
        let now = rec.block(pool, 1)?;
        // Order matters: sums of another order are other numbers.
        let half = rec.scale(before, 0.5)?;
        let next = rec.add(half, now)?;
        rec.report("sum", next)?;
        rec.copy_into(next, before)
    });
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = calls.clone();
    let plan = plan.unwrap().with_feed(every, move |first| {
        seen.lock().unwrap().push(first);
        pool.write(&(first..first + every as u64).map(|i| ((i * i) as f32).sin()).collect::<Vec<_>>())
    });
    (plan, sum, calls)
}

#[test]
fn a_feed_is_called_before_each_of_its_blocks() {
    // Far more iterations than one submission takes, so that the pool is written while earlier blocks are still to run.
    let (mut plan, sum, calls) = fed(4);
    plan.replay(2001).unwrap();
    let expected = (0..2001u64).fold(0.0f32, |sum, i| 0.5 * sum + ((i * i) as f32).sin());
    assert_eq!(sum.read().unwrap(), [expected]);
    assert_eq!(*calls.lock().unwrap(), (0..=2000).step_by(4).collect::<Vec<u64>>());
}

#[test]
fn a_fed_replay_of_n_is_n_replays_of_one() {
    let ((mut once, a, calls), (mut often, b, each)) = (fed(8), fed(8));
    once.replay(50).unwrap();
    (0..50).for_each(|_| often.replay(1).unwrap());
    assert_eq!(a.read().unwrap(), b.read().unwrap());
    assert_eq!(*calls.lock().unwrap(), *each.lock().unwrap());
    let (mut split, c, _) = fed(3);
    [1, 2, 30, 17].into_iter().for_each(|n| split.replay(n).unwrap());
    assert_eq!(a.read().unwrap(), c.read().unwrap(), "whatever the block is");
}

#[test]
fn a_fed_plan_goes_on_inside_a_block() {
    let (mut plan, sum, calls) = fed(8);
    plan.replay(21).unwrap();
    let middle = sum.read().unwrap();
    plan.replay(10).unwrap();
    let end = sum.read().unwrap();
    for again in [fed(8), (plan, sum, calls)] {
        let (mut plan, sum, calls) = again;
        sum.write(&middle).unwrap();
        plan.set_count(21).unwrap();
        calls.lock().unwrap().clear();
        plan.replay(10).unwrap();
        assert_eq!(sum.read().unwrap(), end);
        assert_eq!(*calls.lock().unwrap(), [16, 24]);
    }
}

#[test]
fn what_a_feed_takes_is_told_apart_from_the_steps() {
    let nap = std::time::Duration::from_millis(20);
    let (plan, sum, calls) = fed(4);
    let first_is_free = move |first: u64| {
        std::thread::sleep(if first == 0 { std::time::Duration::ZERO } else { nap });
        Ok(())
    };
    let mut plan = plan.with_feed(10, first_is_free);
    assert!(
        plan.is_fed()
            && !Plan::record(&GPU, 0, |rec| rec.constant(0.0, 1, 1).map(|zero| rec.report("zero", zero))?).unwrap().is_fed()
    );
    // Blocks at 0, 10 and 20.
    let told = plan.seconds_of_feeds(25).unwrap();
    // No upper bound: a machine may sleep longer.
    assert!(told >= 0.04, "{told} s for two naps of 0.02 s");
    assert_eq!(*calls.lock().unwrap(), [0, 24], "the other feed's first block and last");
    calls.lock().unwrap().clear();
    plan.replay_unfed(3).unwrap();
    assert!(calls.lock().unwrap().is_empty() && sum.read().unwrap()[0].is_finite());
    sum.write(&[0.0]).unwrap();
    plan.set_count(0).unwrap();
    plan.replay(25).unwrap();
    let (mut whole, other, _) = fed(4);
    whole.replay(25).unwrap();
    assert_eq!(sum.read().unwrap(), other.read().unwrap(), "measuring leaves the plan at its start");
}

#[test]
fn a_feed_that_fails_stops_the_plan_before_its_block() {
    let (plan, sum, _) = fed(4);
    let mut first_time = true;
    let mut plan = plan.with_feed(4, move |first| match first {
        8 if std::mem::take(&mut first_time) => Err(Error::usage("not now")),
        _ => Ok(()),
    });
    assert_eq!(plan.replay(10).unwrap_err().to_string(), "not now");
    assert_eq!(plan.steps().next().unwrap().count().unwrap(), 8);
    plan.replay(2).unwrap();
    let (mut whole, other, _) = fed(4);
    whole.replay(10).unwrap();
    assert_eq!(sum.read().unwrap(), other.read().unwrap());
}

#[test]
fn values_that_do_not_live_together_share_memory() {
    let mut rec = Recorder::new(&GPU, 0);
    let mut x = rec.normal(1000, 10).unwrap();
    for _ in 0..20 {
        x = rec.affine(x, 1.0, 1.0).unwrap();
    }
    let kept = rec.keep(x);
    let mut step = rec.finish().unwrap();
    step.replay(1).unwrap();
    assert!(step.memory_bytes() < 4 * 40_960, "{} bytes for a chain of 20 values of 40,000", step.memory_bytes());
    let mean = step.read(kept).unwrap().iter().sum::<f32>() / 10_000.0;
    assert!((mean - 20.0).abs() < 0.05, "{mean}");
}

#[test]
fn mistakes_end_in_sentences() {
    let mut rec = Recorder::new(&GPU, 0);
    let (a, b) = (rec.normal(3, 4).unwrap(), rec.normal(4, 3).unwrap());
    let message = rec.add(a, b).unwrap_err().to_string();
    assert_eq!(message, "add: 4 × 3 does not spread over 3 × 4");
    let message = rec.report("a", a).unwrap_err().to_string();
    assert!(message.contains("`a` is 3 × 4; only 1 × 1 values are reported"), "{message}");
    assert!(rec.backward(a, &[b]).is_err());
    assert!(rec.reshape(a, 5, 5).is_err());
    assert!(GPU.upload(2, 2, &[0.0; 3]).is_err());
    prepare();
    assert!(Gpu::open("no such adapter").unwrap_err().to_string().contains("no adapter's name contains"));
}

#[test]
fn sizes_beyond_the_adapters_limits_are_refused_by_name() {
    prepare();
    let gpu = Gpu::with_options(Options { baseline: true, ..Options::default() }).unwrap();
    for (rows, expected) in [((1 << 16) + 1, "max_storage_buffer_binding_size"), (1 << 18, "max_buffer_size")] {
        match gpu.zeros(rows, 1 << 9) {
            Err(Error::Limit { limit, needed, .. }) => assert_eq!((limit, needed), (expected, (rows as u64) << 11)),
            other => panic!("{rows} rows: {other:?}"),
        }
    }
}

#[test]
fn a_cost_grows_with_the_rows_and_with_what_is_done_to_them() {
    let cost = |rows: usize, products: usize| {
        let mut rec = Recorder::new(&GPU, 0);
        let w = rec.constant(0.1, 64, 64).unwrap();
        let mut x = rec.normal(rows, 64).unwrap();
        for _ in 0..products {
            x = rec.linear(x, w, None, pushforward::nn::Activation::Identity).unwrap();
        }
        rec.keep(x);
        rec.finish().unwrap()
    };
    let (one, twice, longer) = (cost(4096, 8), cost(8192, 8), cost(4096, 16));
    for other in [&twice, &longer] {
        let ratio = other.cost() / one.cost();
        assert!((1.9..2.0).contains(&ratio), "{ratio}");
    }
    // No clock: recorded again it is the same to the bit, and a plan's is that of its steps as often as they run.
    assert_eq!(one.cost().to_bits(), cost(4096, 8).cost().to_bits());
    let whole = 3.0 * one.cost() + longer.cost();
    assert_eq!(Plan::new(vec![(one, 3), (longer, 1)]).cost(), whole);
}
