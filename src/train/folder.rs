//! The run folder: `config.toml`, `checkpoint.safetensors`, `model.safetensors`, `metrics.jsonl`, `report.html`.

use super::Job;
use super::checkpoint::{Checkpoint, Header};
use crate::data::write_atomically;
use crate::gpu::Gpu;
use crate::methods::Method;
use crate::model::{read_tensors, write_tensors};
use crate::nn::Parameters;
use crate::{Error, Result};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A run's folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// `config.toml`: all that made the run.
#[derive(Serialize)]
struct Config<'a> {
    method: &'a str,
    seed: u64,
    version: &'a str,
    command: &'a str,
    adapter: &'a str,
    driver: &'a str,
    data: DataConfig<'a>,
    training: &'a crate::methods::Training,
    settings: &'a toml::Table,
}

#[derive(Serialize)]
struct DataConfig<'a> {
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_sha256: Option<&'a str>,
    /// Of the values and column names that were trained on.
    table_sha256: String,
    rows: usize,
    columns: &'a [String],
    /// Columns that are given: the last of them.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    given: &'a [String],
    /// Of the rows trained on, standardised: what bandwidths are multiples of.
    median_distance: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<&'a str>,
    /// Of the rows that training stops by, where they were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    test_sha256: Option<String>,
}

/// What must be the same for a run to be resumed.
const IDENTITY: [&str; 4] = ["method", "seed", "training", "settings"];

impl Folder {
    /// Makes the folder of a new run, or checks that the one there is of this run.
    pub(super) fn open(job: &Job, gpu: &Gpu, median_distance: f32) -> Result<Self> {
        let folder = Self { path: job.out.clone() };
        let config = toml::to_string(&Config {
            method: job.entry.name,
            seed: job.seed,
            version: env!("CARGO_PKG_VERSION"),
            command: &job.command,
            adapter: &gpu.summary().name,
            driver: &gpu.summary().driver,
            data: DataConfig {
                source: &job.source,
                file_sha256: job.source_hash.as_deref(),
                table_sha256: job.table.hash(),
                rows: job.table.rows(),
                columns: job.table.columns(),
                given: &job.table.columns()[job.table.cols() - job.conditions..],
                median_distance,
                test: job.test.as_ref().map(|(source, _)| source.as_str()),
                test_sha256: job.test.as_ref().map(|(_, table)| table.hash()),
            },
            training: &job.training,
            settings: &job.settings,
        })
        .map_err(|e| Error::usage(format!("the settings cannot be written: {e}")))?;
        let path = folder.file("config.toml");
        match (path.exists(), job.resume) {
            (true, false) => Err(Error::usage(format!(
                "{} already holds a run: go on with it by --resume, or choose another folder by --out",
                folder.path.display()
            ))),
            (false, true) => Err(Error::usage(format!("{} holds no run to resume: leave out --resume", folder.path.display()))),
            (true, true) => folder.check_same(&path, &config).map(|()| folder),
            (false, false) => {
                std::fs::create_dir_all(&folder.path).map_err(|e| Error::io("make the folder", &folder.path, e))?;
                write_atomically(&path, |file| file.write_all(config.as_bytes()))?;
                Ok(folder)
            }
        }
    }

    fn check_same(&self, path: &Path, config: &str) -> Result<()> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
        let parse = |text: &str| text.parse::<toml::Table>().map_err(|e| Error::format(path, format!("is damaged: {e}")));
        let (old, new) = (parse(&text)?, parse(config)?);
        let changed = IDENTITY.iter().find(|key| old.get(**key) != new.get(**key));
        let hash = |t: &toml::Table, key: &str| t.get("data").and_then(|d| d.get(key)).cloned();
        let what = match changed {
            Some(key) => format!("`{key}`"),
            None if hash(&old, "table_sha256") != hash(&new, "table_sha256") => "the data".into(),
            None if hash(&old, "test_sha256") != hash(&new, "test_sha256") => "`--test`".into(),
            None => return Ok(()),
        };
        Err(Error::usage(format!(
            "{what} is not what {} was made with: resume with the same command, or choose another folder by --out",
            self.path.display()
        )))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn model(&self) -> PathBuf {
        self.file("model.safetensors")
    }

    pub(super) fn save_checkpoint(&self, at: &Checkpoint, method: &dyn Method) -> Result<()> {
        let mut tensors: Vec<(String, usize, usize, Vec<f32>)> = Vec::new();
        for (prefix, parameters) in networks(method) {
            let state = parameters.state()?.into_iter();
            tensors.extend(state.map(|(name, values)| (format!("{prefix}{name}"), 1, values.len(), values)));
        }
        if let Some(best) = &at.best {
            tensors.push(("best".into(), 1, best.average.len(), best.average.clone()));
        }
        write_tensors(&self.file("checkpoint.safetensors"), &tensors, "run", &at.header())
    }

    pub(super) fn load_checkpoint(&self) -> Result<(Checkpoint, State)> {
        let path = self.file("checkpoint.safetensors");
        let (mut tensors, header): (_, Header) = read_tensors(&path, "run")?;
        let best = tensors.remove("best");
        if header.best_step.is_some() && best.is_none() {
            return Err(Error::format(&path, "does not hold the best weights that it speaks of: start the run again"));
        }
        Ok((Checkpoint::restore(header, best), State { tensors, path }))
    }

    /// Opens `metrics.jsonl`, keeping what was written of steps before those that `at` has still to make.
    pub(super) fn metrics(&self, at: &Checkpoint) -> Result<Metrics> {
        let path = self.file("metrics.jsonl");
        let mut lines = Vec::new();
        if (at.step > 0 || at.searched.is_some()) && path.exists() {
            let text = std::fs::read_to_string(&path).map_err(|e| Error::io("read", &path, e))?;
            // A last line that a kill cut short is dropped with those of steps that will be made again.
            let known = text.lines().filter_map(|line| serde_json::from_str::<Map<String, Value>>(line).ok());
            // A held-out value is of the weights after `step` steps; a loss is of the step that begins there.
            let before = |line: &Map<String, Value>| {
                let limit = match (at.searched, is_refit(line)) {
                    (Some(_), false) => u64::MAX,
                    (None, true) => 0,
                    _ => at.step + u64::from(line.contains_key("held_out")),
                };
                line.get("step").and_then(Value::as_u64).is_some_and(|s| s < limit)
            };
            lines = known.filter(before).collect();
        }
        Ok(Metrics { path, lines, started: std::time::Instant::now() })
    }
}

/// Everything that training moves, with the prefix of its names in a checkpoint.
fn networks(method: &dyn Method) -> Vec<(String, &Parameters)> {
    let companions = method.companions().into_iter().map(|(name, parameters)| (format!("{name}."), parameters));
    std::iter::once((String::new(), method.parameters())).chain(companions).collect()
}

/// Everything that training moves, as a checkpoint holds it.
pub(super) struct State {
    tensors: HashMap<String, Vec<f32>>,
    path: PathBuf,
}

impl State {
    pub fn restore(&self, method: &dyn Method) -> Result<()> {
        for (prefix, parameters) in networks(method) {
            let restored = parameters.restore(|name| self.tensors.get(&format!("{prefix}{name}")).cloned());
            restored.map_err(|e| Error::format(&self.path, e.to_string()))?;
        }
        Ok(())
    }
}

/// What the names of scalars begin with that are of the training anew.
pub(super) const REFIT: &str = "refit_";

fn is_refit(line: &Map<String, Value>) -> bool {
    line.keys().any(|key| key.starts_with(REFIT))
}

/// `metrics.jsonl`: one object a report.
pub struct Metrics {
    path: PathBuf,
    lines: Vec<Map<String, Value>>,
    started: std::time::Instant,
}

impl Metrics {
    pub(super) fn scalars(&mut self, step: u64, names: &[String], values: &[f32]) {
        let mut line = Map::new();
        line.insert("step".into(), step.into());
        for (name, &value) in names.iter().zip(values) {
            line.insert(name.clone(), f64::from(value).into());
        }
        line.insert("seconds".into(), self.started.elapsed().as_secs_f64().into());
        self.lines.push(line);
    }

    /// One scalar over the steps at which it was reported.
    pub fn series(&self, name: &str) -> Vec<(f64, f64)> {
        let point = |line: &Map<String, Value>| Some((line.get("step")?.as_f64()?, line.get(name)?.as_f64()?));
        self.lines.iter().filter_map(point).collect()
    }

    pub(super) fn flush(&self) -> Result<()> {
        // Losses come back later than held-out values, by as much as the device lags: the order of steps is the file's.
        let mut lines: Vec<_> = self.lines.iter().collect();
        lines.sort_by_key(|line| (is_refit(line), line.get("step").and_then(Value::as_u64), !line.contains_key("held_out")));
        write_atomically(&self.path, |file| {
            for line in lines {
                serde_json::to_writer(&mut *file, line)?;
                file.write_all(b"\n")?;
            }
            Ok(())
        })
    }
}
