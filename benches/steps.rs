//! Whole training steps under criterion, and what a replay costs the host: microseconds and allocations a dispatch.
//!
//! The host's part is measured with kernels that do next to nothing, one submission at a time and the device idle before
//! it. wgpu allocates in its command encoder; an allocation is counted as ours when the innermost frame outside the
//! standard library is of this crate, and of those a replay must make none.

use criterion::{Criterion, criterion_group, criterion_main};
use pushforward::bench::CASES;
use pushforward::gpu::{Gpu, Recorder, Step};
use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The system's allocator, which counts while [`TRACING`] is on.
struct Counting;

static TRACING: AtomicBool = AtomicBool::new(false);
static OURS: AtomicU64 = AtomicU64::new(0);
static OTHERS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Set while a backtrace is taken, which allocates itself.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every request goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(memory, layout, size) }
    }
}

fn count() {
    if !TRACING.load(Ordering::Relaxed) || INSIDE.replace(true) {
        return;
    }
    let trace = Backtrace::force_capture().to_string();
    let by = if caller(&trace).is_some_and(|name| name.contains("pushforward::")) { &OURS } else { &OTHERS };
    by.fetch_add(1, Ordering::Relaxed);
    INSIDE.set(false);
}

/// The innermost function that is not of the standard library, of its collections or of this allocator.
fn caller(trace: &str) -> Option<&str> {
    let names = trace.lines().filter_map(|line| line.trim().split_once(": ")).filter(|(n, _)| n.parse::<u32>().is_ok());
    let library = ["std::", "core::", "alloc::", "<std::", "<core::", "<alloc::", "steps::", "<steps::", "__", "hashbrown::"];
    names.map(|(_, name)| name).find(|name| !library.iter().any(|prefix| name.starts_with(prefix)))
}

/// `dispatches` small kernels in a chain.
fn chain(gpu: &Gpu, dispatches: usize) -> Step {
    let x = gpu.upload(1, 64, &[1.0; 64]).expect("64 numbers fit");
    let mut rec = Recorder::new(gpu, 0);
    let mut x = rec.tensor(&x);
    for _ in 0..dispatches {
        x = rec.affine(x, 0.5, 0.5).expect("an affine map records");
    }
    rec.finish().expect("the step is complete")
}

fn host(gpu: &Gpu) {
    let mut step = chain(gpu, 255);
    let mut times: Vec<f64> = (0..50)
        .map(|_| {
            gpu.synchronize().expect("the device is well");
            let start = Instant::now();
            step.replay(1).expect("the step replays");
            start.elapsed().as_secs_f64() * 1e6 / step.len() as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("host time of a replay: {:.2} µs a dispatch (median; least {:.2})", times[25], times[0]);

    for dispatches in [15, 255] {
        let mut step = chain(gpu, dispatches);
        step.replay(8).expect("the step replays");
        gpu.synchronize().expect("the device is well");
        OURS.store(0, Ordering::Relaxed);
        OTHERS.store(0, Ordering::Relaxed);
        TRACING.store(true, Ordering::Relaxed);
        let outcome = step.replay(1);
        TRACING.store(false, Ordering::Relaxed);
        outcome.expect("the step replays");
        let (ours, others) = (OURS.load(Ordering::Relaxed), OTHERS.load(Ordering::Relaxed));
        println!("allocations of a replay of {} dispatches: {ours} of ours, {others} of wgpu's", step.len());
        assert_eq!(ours, 0, "a replay allocates nothing of its own");
    }
}

fn steps(criterion: &mut Criterion) {
    // SAFETY: no other thread has been started.
    pushforward::gpu::prepare_environment(|name, value| unsafe { std::env::set_var(name, value) });
    let gpu = Gpu::open("auto").expect("benchmarks need an adapter");
    host(&gpu);
    let mut group = criterion.benchmark_group("steps");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for case in CASES.iter().filter(|case| case.name.contains("step")) {
        group.bench_function(case.name, |bencher| {
            let mut plan = case.prepare(&gpu).expect("the case prepares and agrees with its reference").plan;
            bencher.iter_custom(|replays| {
                gpu.synchronize().expect("the device is well");
                let start = Instant::now();
                plan.replay(replays as usize).expect("the step replays");
                gpu.synchronize().expect("the device is well");
                start.elapsed()
            });
        });
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
