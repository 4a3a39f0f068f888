//! Single kernels under criterion: the cases of `pushforward bench` that are not whole training steps.

use criterion::{Criterion, criterion_group, criterion_main};
use pushforward::bench::CASES;
use pushforward::gpu::Gpu;
use std::time::{Duration, Instant};

fn kernels(criterion: &mut Criterion) {
    // SAFETY: no other thread has been started.
    pushforward::gpu::prepare_environment(|name, value| unsafe { std::env::set_var(name, value) });
    let gpu = Gpu::open("auto").expect("benchmarks need an adapter");
    let mut group = criterion.benchmark_group("kernels");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for case in CASES.iter().filter(|case| !case.name.contains("step")) {
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

criterion_group!(benches, kernels);
criterion_main!(benches);
