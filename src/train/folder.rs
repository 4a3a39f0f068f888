//! The run folder: `config.toml`, `checkpoint.safetensors`, `model.safetensors`, `metrics.jsonl`, `report.html`.

use super::checkpoint::{Checkpoint, Header};
use super::lock::Lock;
use super::{Job, Sets};
use crate::data::{ColumnType, write_atomically};
use crate::gpu::Gpu;
use crate::methods::Learner;
use crate::model::{FORMAT, check_config, read_tensors, write_tensors};
use crate::nn::Parameters;
use crate::settings::Settings;
use crate::{Error, Result};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A run's folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// How a run was found. Without a folder it is kept in memory alone.
#[derive(Default)]
pub(super) struct Opened {
    pub folder: Option<Folder>,
    /// Held while the run is made.
    _lock: Option<Lock>,
    /// The steps that the run had, where it is to be trained for more.
    pub fewer: Option<u64>,
    config: String,
}

/// `config.toml`: all that made the run.
#[derive(Serialize)]
struct Config<'a> {
    format: u64,
    method: &'a str,
    seed: u64,
    version: &'a str,
    command: &'a str,
    adapter: &'a str,
    driver: &'a str,
    data: DataConfig<'a>,
    training: &'a crate::methods::Training,
    settings: &'a dyn Settings,
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
    /// Types of the columns, where they are not all numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<BTreeMap<&'a str, ColumnType>>,
    /// Words for missing cells, where they are not the usual ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<&'a [String]>,
    /// Of the rows trained on, standardized: what bandwidths are multiples of.
    median_distance: f32,
    /// Rows of each set.
    train_rows: usize,
    validation_rows: usize,
    test_rows: usize,
    /// Where validation and test rows were given: else they are split off, by the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    validation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_sha256: Option<String>,
}

/// Files of a run.
const CONFIG: &str = "config.toml";
const CHECKPOINT: &str = "checkpoint.safetensors";
const SEARCH: &str = "search.safetensors";

impl Folder {
    /// Makes the folder of a new run, or checks that the one there is of this run, or of its first steps.
    pub(super) fn open(job: &Job, gpu: &Gpu, sets: &Sets, median_distance: f32) -> Result<Opened> {
        let Some(out) = &job.out else { return Ok(Opened::default()) };
        let folder = Self { path: out.clone() };
        let columns = job.columns();
        let (columns, given) = (&columns.0, &columns.0[columns.0.len() - columns.1..]);
        let config = toml::to_string(&Config {
            format: FORMAT,
            method: job.method.name(),
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
                columns,
                given,
                types: job.encoding.as_ref().map(|encoding| encoding.types().into_iter().collect()),
                missing: job.encoding.as_ref().and_then(|encoding| encoding.missing_words()),
                median_distance,
                train_rows: sets.train.rows(),
                validation_rows: sets.validation.as_ref().map_or(0, |set| set.rows.rows()),
                test_rows: sets.test.as_ref().map_or(0, |set| set.rows.rows()),
                validation: job.validation.as_ref().map(|(source, _)| source.as_str()),
                validation_sha256: job.validation.as_ref().map(|(_, rows)| rows.hash()),
                test: job.test.as_ref().map(|(source, _)| source.as_str()),
                test_sha256: job.test.as_ref().map(|(_, rows)| rows.hash()),
            },
            training: &job.training,
            settings: &job.method,
        })
        .map_err(|e| Error::usage(format!("the settings cannot be written: {e}")))?;
        let path = folder.file(CONFIG);
        if job.resume && !path.exists() {
            return Err(Error::usage(format!("{} holds no run to resume: start a new one", folder.path.display())));
        }
        std::fs::create_dir_all(&folder.path).map_err(|e| Error::io("make the folder", &folder.path, e))?;
        let _lock = Some(Lock::take(&folder.path)?);
        if job.resume {
            let fewer = folder.compare(&path, &config)?;
            return Ok(Opened { folder: Some(folder), _lock, fewer, config });
        }
        if path.exists() {
            return Err(Error::usage(format!(
                "{} already holds a run: resume it, or choose another folder",
                folder.path.display()
            )));
        }
        let opened = Opened { folder: Some(folder), _lock, fewer: None, config };
        opened.write_config()?;
        Ok(opened)
    }

    /// Refuses to go on with another run; the steps of the one that is there, where it had fewer and all else is the same.
    fn compare(&self, path: &Path, config: &str) -> Result<Option<u64>> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
        let parse = |text: &str| text.parse::<toml::Table>().map_err(|e| Error::format(path, format!("is damaged: {e}")));
        let (old, new) = (parse(&text)?, parse(config)?);
        check_config(path, &text)?;
        let of = |t: &toml::Table, path: &[&str]| -> Option<toml::Value> {
            let (last, tables) = path.split_last()?;
            tables.iter().try_fold(t, |t, key| t.get(*key)?.as_table())?.get(*last).cloned()
        };
        let steps = |t: &toml::Table| of(t, &["training", "steps"])?.as_integer().and_then(|steps| u64::try_from(steps).ok());
        let fewer = steps(&old).zip(steps(&new)).filter(|(old, new)| old < new).map(|(old, _)| old);
        let shown = |value: Option<toml::Value>| value.map_or_else(|| "not set".into(), |value| value.to_string());
        let refuse = |what: &str, there: String, asked: String| {
            Err(Error::usage(format!(
                "{what} is {asked}, and {} was made with {there}: resume with the same settings and data, or choose another folder",
                self.path.display()
            )))
        };
        for table in ["training", "settings"] {
            let keys = |t: &toml::Table| of(t, &[table]).and_then(|t| Some(t.as_table()?.keys().cloned().collect::<Vec<_>>()));
            for key in [keys(&new), keys(&old)].into_iter().flatten().flatten() {
                let [there, asked] = [&old, &new].map(|t| of(t, &[table, &key]));
                let longer = key == "steps" && fewer.is_some();
                if !longer && there != asked {
                    return refuse(&format!("`{key}`"), shown(there), shown(asked));
                }
            }
        }
        for key in ["method", "seed"] {
            let [there, asked] = [&old, &new].map(|t| of(t, &[key]));
            if there != asked {
                return refuse(&format!("`{key}`"), shown(there), shown(asked));
            }
        }
        for (key, what) in [("table", "the data"), ("validation", "the validation set"), ("test", "the test set")] {
            let [there, asked] = [&old, &new].map(|t| of(t, &["data", &format!("{key}_sha256")]));
            if there != asked {
                return Err(Error::usage(format!(
                    "{what} is not what {} was made with: resume with the same settings and data, or choose another folder",
                    self.path.display()
                )));
            }
        }
        Ok(fewer)
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

    pub(super) fn save_checkpoint(&self, at: &Checkpoint, learner: &dyn Learner) -> Result<()> {
        let mut tensors: Vec<(String, usize, usize, Vec<f32>)> = Vec::new();
        for (prefix, parameters) in networks(learner) {
            let state = parameters.state()?.into_iter();
            tensors.extend(state.map(|(name, values)| (format!("{prefix}{name}"), 1, values.len(), values)));
        }
        if let Some(best) = &at.best {
            tensors.push(("best".into(), 1, best.average.len(), best.average.clone()));
        }
        write_tensors(&self.file(CHECKPOINT), &tensors, "run", &at.header())
    }

    /// Keeps the checkpoint of the first training, from which it can be made longer, while the training on all rows writes its own.
    pub(super) fn keep_search(&self) -> Result<()> {
        let (from, to) = (self.file(CHECKPOINT), self.file(SEARCH));
        let bytes = std::fs::read(&from).map_err(|e| Error::io("read", &from, e))?;
        write_atomically(&to, |file| file.write_all(&bytes))
    }

    pub(super) fn load_checkpoint(&self) -> Result<(Checkpoint, State)> {
        self.load(CHECKPOINT)
    }

    /// The end of the first training.
    pub(super) fn load_search(&self) -> Result<(Checkpoint, State)> {
        self.load(SEARCH)
    }

    fn load(&self, name: &str) -> Result<(Checkpoint, State)> {
        let path = self.file(name);
        let (mut tensors, header): (_, Header) = read_tensors(&path, "run")?;
        let best = tensors.remove("best");
        if header.best_step.is_some() && best.is_none() {
            return Err(Error::format(&path, "does not hold the best weights: start the run again"));
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
            // A validation loss is of the weights after `step` steps; a loss is of the step that begins there.
            let before = |line: &Map<String, Value>| {
                let limit = match (at.searched, is_refit(line)) {
                    (Some(_), false) => u64::MAX,
                    (None, true) => 0,
                    _ => at.step + u64::from(is_evaluation(line)),
                };
                line.get("step").and_then(Value::as_u64).is_some_and(|s| s < limit)
            };
            lines = known.filter(before).collect();
        }
        Ok(Metrics { path: Some(path), lines, started: std::time::Instant::now(), before: at.seconds })
    }
}

/// Everything that training moves, with the prefix of its names in a checkpoint.
fn networks(learner: &dyn Learner) -> Vec<(String, &Parameters)> {
    let companions = learner.companions().into_iter().map(|(name, parameters)| (format!("{name}."), parameters));
    std::iter::once((String::new(), learner.parameters())).chain(companions).collect()
}

/// Everything that training moves, as a checkpoint holds it.
pub(super) struct State {
    tensors: HashMap<String, Vec<f32>>,
    path: PathBuf,
}

impl State {
    pub fn restore(&self, learner: &dyn Learner) -> Result<()> {
        for (prefix, parameters) in networks(learner) {
            let restored = parameters.restore(|name| self.tensors.get(&format!("{prefix}{name}")).cloned());
            restored.map_err(|e| Error::format(&self.path, e.to_string()))?;
        }
        Ok(())
    }
}

impl Opened {
    pub fn write_config(&self) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        write_atomically(folder.file(CONFIG), |file| file.write_all(self.config.as_bytes()))
    }
}

/// The name of the validation loss in `metrics.jsonl`.
pub(super) const VALIDATION: &str = "validation";
/// The share of samples outside three times the range of the training rows.
pub(super) const OUTSIDE: &str = "outside_range";

/// Whether a line is of the weights after its step, and not of the step that begins there.
fn is_evaluation(line: &Map<String, Value>) -> bool {
    line.contains_key(VALIDATION) || line.contains_key(OUTSIDE)
}

/// What the names of scalars begin with that are of the training anew.
pub(super) const REFIT: &str = "refit_";

fn is_refit(line: &Map<String, Value>) -> bool {
    line.keys().any(|key| key.starts_with(REFIT))
}

/// What was measured during training, one object a report; `metrics.jsonl` in a run folder.
pub struct Metrics {
    /// The file; none where a run is kept in memory alone.
    path: Option<PathBuf>,
    lines: Vec<Map<String, Value>>,
    started: std::time::Instant,
    /// Seconds of training before this process.
    before: f64,
}

impl Metrics {
    /// Of a run that is kept in memory alone.
    pub(super) fn in_memory() -> Self {
        Self { path: None, lines: Vec::new(), started: std::time::Instant::now(), before: 0.0 }
    }

    pub(super) fn scalars(&mut self, step: u64, names: &[String], values: &[f32]) {
        let mut line = Map::new();
        line.insert("step".into(), step.into());
        for (name, &value) in names.iter().zip(values) {
            line.insert(name.clone(), f64::from(value).into());
        }
        line.insert("seconds".into(), (self.before + self.started.elapsed().as_secs_f64()).into());
        self.lines.push(line);
    }

    /// One scalar over the steps at which it was reported, (step, value): `loss`, `validation`, `outside_range`, and what else the method reports.
    pub fn series(&self, name: &str) -> Vec<(f64, f64)> {
        let point = |line: &Map<String, Value>| Some((line.get("step")?.as_f64()?, line.get(name)?.as_f64()?));
        self.lines.iter().filter_map(point).collect()
    }

    pub(super) fn flush(&self) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        // Losses come back later than validation losses, by as much as the device lags: the order of steps is the file's.
        let mut lines: Vec<_> = self.lines.iter().collect();
        lines.sort_by_key(|line| (is_refit(line), line.get("step").and_then(Value::as_u64), !is_evaluation(line)));
        write_atomically(path, |file| {
            for line in lines {
                serde_json::to_writer(&mut *file, line)?;
                file.write_all(b"\n")?;
            }
            Ok(())
        })
    }
}
