//! A run as it goes: a bar on a terminal, a plain line every few seconds elsewhere, or JSON.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pushforward::train::{MOST_OUTSIDE, Progress, Status};
use pushforward::words::{duration, number};
use serde_json::{Map, Value, json};

use super::console::Console;

/// Between two lines of a log that is not a terminal.
const PLAIN: Duration = Duration::from_secs(5);
const JSON: Duration = Duration::from_secs(1);

/// Shows a run on the console.
pub struct Watch {
    console: Console,
    bar: Option<ProgressBar>,
    said: Instant,
}

impl Watch {
    pub fn new(console: Console) -> Self {
        Self { console, bar: None, said: Instant::now() }
    }

    /// Takes the bar off the screen.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(status: &Status) -> String {
        let step = format!("step {} of {}", number(status.step as f64, 12), number(status.steps as f64, 12));
        format!("{step}, {}", Self::tail(status))
    }

    fn tail(status: &Status) -> String {
        let mut text = status.loss.map(|loss| format!("loss {}, ", number(f64::from(loss), 3))).unwrap_or_default();
        if let Some((now, best)) = status.validation {
            text += &format!("validation {} (best {}), ", number(f64::from(now), 3), number(f64::from(best), 3));
        }
        if status.outside > MOST_OUTSIDE {
            text += &format!("{} % of samples out of range, ", number(100.0 * f64::from(status.outside), 2));
        }
        text + &format!("{} rows/s, {} left", number(status.rows_per_second, 3), duration(left(status)))
    }
}

impl Progress for Watch {
    fn message(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.console.message(text)),
            None => self.console.message(text),
        }
    }

    fn update(&mut self, status: &Status) {
        if self.console.quiet() {
            return;
        }
        if self.console.has_bar() {
            let bar = self.bar.get_or_insert_with(|| bar(status.steps));
            bar.set_position(status.step);
            bar.set_message(Self::tail(status));
            return;
        }
        let pause = if self.console.is_json() { JSON } else { PLAIN };
        if self.said.elapsed() < pause && status.step < status.steps {
            return;
        }
        self.said = Instant::now();
        if self.console.is_json() {
            self.console.event("progress", fields(status));
        } else {
            self.console.message(&Self::line(status));
        }
    }
}

/// A bar or lines for one run after another: each begins with a message.
pub struct Watches {
    console: Console,
    watch: Option<Watch>,
}

impl Watches {
    pub fn new(console: Console) -> Self {
        Self { console, watch: None }
    }

    pub fn clear(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.clear();
        }
    }
}

impl Progress for Watches {
    fn message(&mut self, text: &str) {
        self.clear();
        self.console.message(text);
    }

    fn update(&mut self, status: &Status) {
        self.watch.get_or_insert_with(|| Watch::new(self.console)).update(status);
    }
}

/// Shows what share of long work is done, once it takes longer than a moment.
pub struct Share {
    console: Console,
    /// The bar, once there is one, and when something was last said.
    shown: Mutex<(Option<ProgressBar>, Instant)>,
}

impl Share {
    pub fn new(console: Console) -> Self {
        Self { console, shown: Mutex::new((None, Instant::now())) }
    }

    pub fn update(&self, done: f64) {
        let mut shown = self.shown.lock().expect("no holder of this lock panics");
        let (bar, said) = &mut *shown;
        if done >= 1.0 {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
            return;
        }
        let percent = (100.0 * done) as u64;
        let pause = if self.console.has_bar() { JSON } else { PLAIN };
        if let Some(bar) = bar.as_ref() {
            bar.set_position(percent);
        } else if said.elapsed() > pause {
            *said = Instant::now();
            if self.console.has_bar() {
                let style = ProgressStyle::with_template("{bar:24} {pos} %").expect("a template of known keys");
                let shown = ProgressBar::with_draw_target(Some(100), ProgressDrawTarget::stderr_with_hz(10)).with_style(style);
                shown.set_position(percent);
                *bar = Some(shown);
            } else if self.console.is_json() {
                self.console.event("progress", Map::from_iter([("share".to_string(), json!(done))]));
            } else {
                self.console.message(&format!("{percent} % done"));
            }
        }
    }
}

fn bar(steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len}  {wide_msg}").expect("a template of known keys");
    ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr_with_hz(10)).with_style(style)
}

/// Seconds to go at the mean pace so far.
fn left(status: &Status) -> f64 {
    (status.steps - status.step) as f64 * status.seconds / status.step.max(1) as f64
}

fn fields(status: &Status) -> Map<String, Value> {
    let mut value = json!({
        "step": status.step,
        "steps": status.steps,
        "loss": status.loss,
        "rows_per_second": status.rows_per_second,
        "seconds": status.seconds,
        "seconds_left": left(status),
    });
    value["outside_range"] = json!(status.outside);
    if let Some((now, best)) = status.validation {
        value["validation"] = json!(now);
        value["validation_best"] = json!(best);
    }
    value.as_object().cloned().unwrap_or_default()
}
