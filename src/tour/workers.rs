//! Methods of a tour that are trained side by side, each on a thread and a device of its own.
//!
//! A training of a small table is hundreds of short operations that wait for each other: a second core of a software adapter does little for it. Two trainings, each computed
//! in its own thread, use both cores fully. The result of a given number of steps is the same.

use super::training::{Made, Task, Trainer};
use super::{Plan, Scorer};
use crate::gpu::Gpu;
use crate::train::{Progress, Status};
use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;
use std::time::Instant;

/// The most methods side by side: they all hold tables and networks in memory.
const MOST: usize = 4;
/// Values of a table above which methods are made one after the other: each holds them two or three times.
const LARGE: usize = 1 << 26;

/// Messages of a training thread.
enum Said {
    Message(String),
    Update(Box<Status>),
    Made(Box<Made>),
    /// Its thread has ended without an answer.
    Lost,
}

/// A running task: its thread, when it began, and the seconds that it is expected to take.
struct Busy {
    worker: usize,
    name: &'static str,
    since: Instant,
    expected: f64,
}

/// The threads.
pub(super) struct Workers {
    tasks: Vec<Sender<Task>>,
    said: Receiver<(usize, Said)>,
    /// In the order in which they began.
    busy: VecDeque<Busy>,
}

/// How many methods are trained at once: one per core, where a software adapter computes in the calling thread.
pub(super) fn at_once(gpu: &Gpu, values: usize) -> usize {
    let own_thread = std::env::var("LP_NUM_THREADS").is_ok_and(|threads| threads.trim() == "0");
    if !gpu.is_software() || !own_thread || values > LARGE {
        return 1;
    }
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST))
}

impl Workers {
    /// So many threads, which end when this is dropped; a training ends early where one of `stops` is raised.
    pub fn start<'s, 'a: 's>(
        scope: &'s Scope<'s, 'a>,
        count: usize,
        (gpu, plan, scorer): (&'a Gpu, &'a Plan, &'a Scorer),
        stops: [&'a AtomicBool; 2],
    ) -> Self {
        let (say, said) = channel();
        let worker = |worker: usize| {
            let (task, tasks) = channel::<Task>();
            let say = say.clone();
            scope.spawn(move || {
                let mut teller = Teller { worker, say };
                let mut trainer = None;
                for task in tasks {
                    let made = match trainer.take().map_or_else(|| device(gpu, count), Ok) {
                        Ok(gpu) => {
                            let own = Trainer { gpu, plan, scorer };
                            let made = own.make(task, &mut teller, stops);
                            trainer = Some(own.gpu);
                            made
                        }
                        Err(e) => Made { method: task.method, record: task.record, drawn: Err(e), took: 0.0 },
                    };
                    teller.say(Said::Made(Box::new(made)));
                }
            });
            task
        };
        Self { tasks: (0..count).map(worker).collect(), said, busy: VecDeque::new() }
    }

    /// Whether a thread waits for a task.
    pub fn is_free(&self) -> bool {
        self.busy.len() < self.tasks.len()
    }

    pub fn is_idle(&self) -> bool {
        self.busy.is_empty()
    }

    /// Whether this method is under way.
    pub fn makes(&self, name: &str) -> bool {
        self.busy.iter().any(|busy| busy.name == name)
    }

    /// Seconds that the tasks under way still take, all together; none where there are none.
    pub fn seconds_left(&self) -> Option<f64> {
        let left = |busy: &Busy| (busy.expected - busy.since.elapsed().as_secs_f64()).max(0.0);
        (!self.is_idle()).then(|| self.busy.iter().map(left).sum())
    }

    /// Hands a task to a thread that waits for one.
    pub fn give(&mut self, task: Task) {
        let free = (0..self.tasks.len()).find(|&worker| self.busy.iter().all(|busy| busy.worker != worker));
        let worker = free.expect("a task is given where a thread is free");
        self.busy.push_back(Busy { worker, name: task.method.name(), since: Instant::now(), expected: task.expected });
        // One that is gone has said so.
        let _ = self.tasks[worker].send(task);
    }

    /// Waits for a task to end, and passes on what is said meanwhile: of the steps, those of the training that began first. None where a thread has broken down.
    pub fn next(&mut self, watch: &mut dyn Progress) -> Option<Made> {
        loop {
            let (worker, said) = self.said.recv().ok()?;
            match said {
                Said::Message(text) => watch.message(&text),
                Said::Update(status) if self.busy.front().is_some_and(|busy| busy.worker == worker) => watch.update(&status),
                Said::Update(_) => {}
                Said::Made(made) => {
                    self.busy.retain(|busy| busy.worker != worker);
                    return Some(*made);
                }
                Said::Lost => return None,
            }
        }
    }
}

/// The device of a thread: of several each has its own, as one computes in a single thread.
fn device(gpu: &Gpu, count: usize) -> crate::Result<Gpu> {
    if count == 1 { Ok(gpu.clone()) } else { gpu.another() }
}

/// Tells the tour what happens on a thread.
struct Teller {
    worker: usize,
    say: Sender<(usize, Said)>,
}

impl Teller {
    fn say(&self, said: Said) {
        // Nobody listens to the end of a tour that has failed.
        let _ = self.say.send((self.worker, said));
    }
}

impl Progress for Teller {
    fn message(&mut self, text: &str) {
        self.say(Said::Message(text.into()));
    }

    fn update(&mut self, status: &Status) {
        self.say(Said::Update(Box::new(status.clone())));
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.say(Said::Lost);
        }
    }
}
