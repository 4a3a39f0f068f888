//! What first starts cost: every kernel that a method's default settings use compiles quickly, and once. Mesa's software adapter compiles at
//! the first dispatch, on one thread, and forgets kernels beyond a budget of instructions. The test starts this binary again for itself alone:
//! processor time is a process's, and so is the switch of the driver's cache on disk.

use crate::shared::{Silent, prepare};
use cpu_time::ProcessTime;
use pushforward::data::toy::Toy;
use pushforward::gpu::{Compilation, Gpu};
use pushforward::methods::{self, Dataset, LearnsFrom, Method, Setup, Training};
use pushforward::train::{self, Job};
use std::collections::HashMap;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

/// Processor time that one kernel, and all of one method's, may take to compile, in seconds of the machine that the budget was set on.
const KERNEL: f64 = 2.0;
const METHOD: f64 = 10.0;
/// What [`slowness`] sorts takes there, two cores of an AMD EPYC with nothing else running, in seconds.
const SORTING: f64 = 0.04;
/// A replay that compiles takes at least this many seconds more than one that does not.
const AGAIN: f64 = 0.1;
/// Set in the process that measures.
const ALONE: &str = "COMPILE_TIMES_ALONE";

/// What the driver has compiled.
#[derive(Default)]
struct Compiled {
    /// Processor seconds of each kernel.
    seconds: HashMap<String, f64>,
    started: Option<ProcessTime>,
}

fn watch(gpu: &Gpu) -> Arc<Mutex<Compiled>> {
    let compiled: Arc<Mutex<Compiled>> = Arc::default();
    let told = compiled.clone();
    gpu.watch_compilations(move |compilation: &Compilation| {
        let mut compiled = told.lock().unwrap();
        match compiled.started.take() {
            None => compiled.started = Some(ProcessTime::now()),
            Some(started) => {
                compiled.seconds.insert(compilation.variant.clone(), started.elapsed().as_secs_f64());
            }
        }
    });
    compiled
}

/// How many times as long as the budget's machine this one takes at the moment: a machine that others use can be half as fast for minutes,
/// and a compiler's time is spent much as that of sorting and searching.
fn slowness() -> f64 {
    let sorting = || {
        let started = ProcessTime::now();
        let mut numbers: Vec<u64> = (0..1 << 17).map(|i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        numbers.sort_unstable();
        let tree: std::collections::BTreeMap<u64, usize> = numbers.iter().rev().copied().zip(0..).collect();
        assert_eq!(tree.len(), numbers.len());
        started.elapsed().as_secs_f64()
    };
    let least = (0..3).map(|_| sorting()).fold(f64::INFINITY, f64::min);
    (least / SORTING).max(1.0)
}

/// Trains for two steps with the method's defaults, validation included, and draws samples.
fn train_and_sample(gpu: &Gpu, method: &dyn Method) {
    let folder = tempfile::tempdir().unwrap();
    let training = Training { steps: 2, refit: false, ..method.training() };
    let job = Job {
        method: method.boxed(),
        training,
        seed: 3,
        // A target whose score is known: one method asks for it.
        source: "toy:8gaussians".into(),
        source_hash: None,
        table: Toy::EightGaussians.sample(2_000, 1),
        encoding: None,
        split: None,
        conditions: 0,
        validation: None,
        test: None,
        out: Some(folder.path().join("run")),
        resume: false,
        command: "a test".into(),
    };
    let outcome = train::train(gpu, job, &mut Silent, &AtomicBool::new(false)).unwrap();
    outcome.model.sample(1_000, 1).unwrap();
}

/// Processor seconds of three replays of the method's training, on a device that knows its kernels.
fn replays(gpu: &Gpu, method: &dyn Method) -> Vec<f64> {
    let training = Training { steps: 2, ..method.training() };
    let data = Dataset::new(gpu, Toy::Moons.sample(2_000, 1).single(), 2, None).unwrap();
    let setup = Setup { gpu, training: &training, columns: 2, conditions: 0, seed: 3, data: Some(&data), teacher: None };
    let mut plan = method.learner(&setup).unwrap().plan(gpu, 3, &data).unwrap();
    let mut replay = || {
        let started = ProcessTime::now();
        plan.replay_unfed(1).unwrap();
        gpu.synchronize().unwrap();
        started.elapsed().as_secs_f64()
    };
    (0..3).map(|_| replay()).collect()
}

#[test]
fn no_method_keeps_its_user_waiting_for_the_compiler() {
    if std::env::var_os(ALONE).is_some() {
        return measure();
    }
    let name = std::thread::current().name().expect("the test's name").to_string();
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command.args(["--exact", &name, "--nocapture"]).env(ALONE, "1").env("MESA_SHADER_CACHE_DISABLE", "true");
    let ended = command.output().expect("this binary starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    println!("{}", text(&ended.stdout));
    assert!(ended.status.success(), "{}", text(&ended.stderr));
}

fn measure() {
    prepare();
    let wanted = std::env::var("METHODS").unwrap_or_default();
    let gpu = Gpu::open("auto").expect("an adapter (the software one will do)");
    println!("{} ({}), {:?}", gpu.summary().name, gpu.summary().driver, gpu.family());

    let mut problems = Vec::new();
    // What starts from a trained model uses the kernels of the method that trained it.
    let asked = |method: &dyn Method| wanted.is_empty() || wanted.split(',').any(|wanted| wanted == method.name());
    for method in methods::all() {
        let (method, entry) = (method.as_ref(), method.entry());
        if method.learns_from() == LearnsFrom::Teacher || !asked(method) {
            continue;
        }
        // A device a method: what they share counts in each.
        let gpu = Gpu::open("auto").unwrap();
        let compiled = watch(&gpu);
        let before = slowness();
        train_and_sample(&gpu, method);
        let slowness = before.max(slowness());
        let (count, total, worst) = {
            let compiled = compiled.lock().unwrap();
            let mut each: Vec<_> = compiled.seconds.iter().collect();
            each.sort_by(|a, b| b.1.total_cmp(a.1));
            problems.extend(
                each.iter().filter(|e| *e.1 > KERNEL * slowness).map(|e| format!("{}: {} takes {:.1} s", entry.name, e.0, e.1)),
            );
            let worst: Vec<String> = each
                .iter()
                .filter(|e| *e.1 > if wanted.is_empty() { 0.5 } else { 0.1 })
                .map(|e| format!("    {:.2} s {}", e.1, e.0))
                .collect();
            (each.len(), each.iter().map(|e| e.1).sum::<f64>(), worst)
        };
        println!("{:<24} {count:>4} kernels {total:>6.2} s (this machine now: {slowness:.2} × the budget's)", entry.name);
        worst.iter().for_each(|line| println!("{line}"));
        if total > METHOD * slowness {
            problems.push(format!("{}: its kernels take {total:.1} s", entry.name));
        }
        let known = compiled.lock().unwrap().seconds.len();
        let times = if method.learns_from() == LearnsFrom::Score { Vec::new() } else { replays(&gpu, method) };
        if let [first, second, third] = times[..]
            && compiled.lock().unwrap().seconds.len() == known
            && (first > third + AGAIN || second > third + AGAIN)
        {
            problems.push(format!("{}: kernels are compiled again: {first:.2}, {second:.2} and {third:.2} s a step", entry.name));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
