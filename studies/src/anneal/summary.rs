//! [`Study`]: what the runs come to: means of each arm, and of the paired differences between an annealed arm and the direct one.

use super::{Arm, Record, Scores, Settings, Target};
use crate::comparison::{FRESH, GAUSSIAN};
use pushforward::Result;
use pushforward::metrics::nearer::{holm, signs};
use pushforward::metrics::{Score, interval};
use serde::Serialize;

/// A difference stands if its p-value, corrected for all of its target, is below this.
pub const STANDS: f64 = 0.05;

/// What a 95 % interval of the paired differences says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The interval lies below zero: annealed runs are nearer.
    Helps,
    Hurts,
    /// The interval holds zero, or there is none.
    Open,
}

impl Verdict {
    pub fn words(self) -> &'static str {
        match self {
            Self::Helps => "helps",
            Self::Hurts => "hurts",
            Self::Open => "no difference seen",
        }
    }
}

/// Paired differences of a distance, annealed − direct: below zero where annealing is nearer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Seeds of which both runs have scores, and those of them in which the annealed one is nearer.
    pub pairs: usize,
    pub nearer: usize,
    pub mean: f64,
    /// Student's, at 95 %; none for a single pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Exact, of the signs of the differences; and corrected for all comparisons on the target (Holm 1979).
    pub p_value: f64,
    pub corrected_p_value: f64,
    pub verdict: Verdict,
}

impl Change {
    /// Of these differences; none where there are none.
    pub fn of(differences: &[f64]) -> Result<Option<Self>> {
        let Some((mean, interval)) = interval::student(differences) else { return Ok(None) };
        let verdict = match interval {
            Some([_, high]) if high < 0.0 => Verdict::Helps,
            Some([low, _]) if low > 0.0 => Verdict::Hurts,
            _ => Verdict::Open,
        };
        let p_value = signs(differences)?;
        let nearer = differences.iter().filter(|d| **d < 0.0).count();
        Ok(Some(Self { pairs: differences.len(), nearer, mean, interval, p_value, corrected_p_value: p_value, verdict }))
    }

    /// Whether the difference is one after correction too.
    pub fn stands(&self) -> bool {
        self.verdict != Verdict::Open && self.corrected_p_value < STANDS
    }
}

/// An arm of an objective, or a baseline, on a target: means over its runs with Student's 95 % intervals.
#[derive(Clone, Debug, Serialize)]
pub struct Level {
    pub target: String,
    pub objective: String,
    pub arm: Arm,
    pub runs: usize,
    /// Runs that an error ended.
    pub failed: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_energy: Option<Score>,
    /// The share of the way from the fitted Gaussian (0) to fresh rows (1) in root energy distance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill: Option<Score>,
    /// Total variation of the modes' shares, and the outlier rate, of distributions with modes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_error: Option<Score>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outlier_rate: Option<Score>,
    /// Milliseconds of a step and seconds of training, of runs that no error ended: medians.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// What annealing in one way does to an objective on a target.
#[derive(Clone, Debug, Serialize)]
pub struct Effect {
    pub target: String,
    pub objective: String,
    pub arm: Arm,
    /// Of root energy distances, and of the total variation of shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_energy: Option<Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_error: Option<Change>,
    /// The ratio of geometric means of root energy distances, annealed to direct, those below fresh rows' own counting as these; with its interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Score>,
    /// Runs that an error ended, direct and annealed.
    pub failed: [usize; 2],
    /// Seconds of a step over those of a direct one, of pairs on one adapter: the median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_time_ratio: Option<f64>,
    /// Of the schedule `floor`: the share of its time that `geometric` does not take, which is what comparing two fresh batches costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_time_share: Option<f64>,
}

/// All runs and what they come to.
#[derive(Clone, Debug, Serialize)]
pub struct Study {
    pub settings: Settings,
    pub objectives: Vec<String>,
    pub arms: Vec<Arm>,
    #[serde(skip)]
    pub targets: Vec<Target>,
    pub seeds: Vec<u64>,
    pub levels: Vec<Level>,
    pub effects: Vec<Effect>,
    #[serde(skip)]
    pub records: Vec<Record>,
    /// The step of a run at which the study was interrupted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<u64>,
}

impl Study {
    /// Of the runs that the settings and seeds ask for, among others or not; of two lines of one run the first counts.
    pub fn new(settings: &Settings, seeds: Vec<u64>, records: Vec<Record>, interrupted: Option<u64>) -> Result<Self> {
        let objectives: Vec<String> = settings.objectives()?.iter().map(|method| method.name().into()).collect();
        let (arms, targets) = (settings.arms(), settings.targets()?);
        let asked = |record: &Record| {
            let baseline = [GAUSSIAN, FRESH].contains(&record.key.objective.as_str());
            seeds.contains(&record.key.seed)
                && targets.iter().any(|target| target.name == record.key.target)
                && (baseline || objectives.contains(&record.key.objective) && arms.contains(&record.key.arm))
        };
        let mut kept: Vec<Record> = Vec::new();
        for record in records.into_iter().filter(asked) {
            if kept.iter().all(|of| of.key != record.key) {
                kept.push(record);
            }
        }
        let mut study = Self {
            settings: settings.clone(),
            objectives,
            arms,
            targets,
            seeds,
            levels: Vec::new(),
            effects: Vec::new(),
            records: kept,
            interrupted,
        };
        study.levels = study.all_levels();
        study.effects = study.all_effects()?;
        Ok(study)
    }

    pub fn level(&self, target: &str, objective: &str, arm: Arm) -> Option<&Level> {
        self.levels.iter().find(|level| level.target == target && level.objective == objective && level.arm == arm)
    }

    pub fn effect(&self, target: &str, objective: &str, arm: Arm) -> Option<&Effect> {
        self.effects.iter().find(|effect| effect.target == target && effect.objective == objective && effect.arm == arm)
    }

    /// The annealed arm with the least mean root energy distance.
    pub fn best(&self, target: &str, objective: &str) -> Option<Arm> {
        let arms = self.arms.iter().copied().filter(|arm| *arm != Arm::Direct);
        let mean = |arm: Arm| Some((arm, self.level(target, objective, arm)?.root_energy.as_ref()?.value));
        arms.filter_map(mean).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(arm, _)| arm)
    }

    /// The most pairs that a comparison has.
    pub fn pairs_at_most(&self) -> usize {
        self.effects.iter().filter_map(|effect| Some(effect.root_energy.as_ref()?.pairs)).max().unwrap_or(0)
    }

    /// Seconds of an arm's steps over those of direct ones: the median over objectives and targets.
    pub fn cost(&self, arm: Arm) -> Option<f64> {
        middle(self.effects.iter().filter(|effect| effect.arm == arm).filter_map(|effect| effect.step_time_ratio).collect())
    }

    fn runs<'a>(&'a self, target: &'a str, objective: &'a str, arm: Arm) -> impl Iterator<Item = &'a Record> + Clone {
        self.records.iter().filter(move |r| r.key.target == target && r.key.objective == objective && r.key.arm == arm)
    }

    /// Mean root energy distances of the fitted Gaussian and of fresh rows.
    pub fn ends(&self, target: &str) -> Option<[f64; 2]> {
        let mean = |name: &str| {
            let values: Vec<f64> =
                self.runs(target, name, Arm::Direct).filter_map(|r| Some(r.scores.as_ref()?.root_energy)).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        Some([mean(GAUSSIAN)?, mean(FRESH)?])
    }

    /// The share of the way from the fitted Gaussian to fresh rows.
    pub fn skill(&self, target: &str, root_energy: f64) -> Option<f64> {
        let [gaussian, fresh] = self.ends(target)?;
        (gaussian > fresh).then(|| 1.0 - (root_energy - fresh) / (gaussian - fresh))
    }

    fn all_levels(&self) -> Vec<Level> {
        let mut all = Vec::new();
        for target in &self.targets {
            all.push(self.level_of(target.name, GAUSSIAN, Arm::Direct));
            for objective in &self.objectives {
                all.extend(self.arms.iter().map(|&arm| self.level_of(target.name, objective, arm)));
            }
            all.push(self.level_of(target.name, FRESH, Arm::Direct));
        }
        all
    }

    fn level_of(&self, target: &str, objective: &str, arm: Arm) -> Level {
        let runs = self.runs(target, objective, arm);
        let mean = |value: &dyn Fn(&Scores) -> Option<f64>| {
            let values: Vec<f64> = runs.clone().filter_map(|record| value(record.scores.as_ref()?)).collect();
            interval::student(&values).map(|(mean, interval)| Score { interval, ..Score::exact(mean) })
        };
        let timed = runs.clone().filter(|record| record.failure.is_none() && record.steps_made > 0);
        Level {
            target: target.into(),
            objective: objective.into(),
            arm,
            runs: runs.clone().count(),
            failed: runs.clone().filter(|record| record.failure.is_some()).count(),
            root_energy: mean(&|scores| Some(scores.root_energy)),
            skill: mean(&|scores| self.skill(target, scores.root_energy)),
            share_error: mean(&|scores| scores.share_error),
            outlier_rate: mean(&|scores| scores.outlier_rate),
            step_ms: middle(timed.clone().map(|record| 1000.0 * record.training_seconds / record.steps_made as f64).collect()),
            seconds: middle(timed.map(|record| record.training_seconds).collect()),
        }
    }

    fn all_effects(&self) -> Result<Vec<Effect>> {
        let mut all = Vec::new();
        for target in &self.targets {
            let mut of_target = Vec::new();
            for objective in &self.objectives {
                for &arm in self.arms.iter().filter(|arm| **arm != Arm::Direct) {
                    of_target.push(self.effect_of(target.name, objective, arm)?);
                }
            }
            corrected(&mut of_target, |effect| &mut effect.root_energy);
            corrected(&mut of_target, |effect| &mut effect.share_error);
            all.extend(of_target);
        }
        Ok(all)
    }

    fn effect_of(&self, target: &str, objective: &str, arm: Arm) -> Result<Effect> {
        let pairs = self.pairs(target, objective, [Arm::Direct, arm]);
        let differences = |value: fn(&Scores) -> Option<f64>| -> Vec<f64> {
            let of = |record: &Record| value(record.scores.as_ref()?);
            pairs.iter().filter_map(|[direct, annealed]| Some(of(annealed)? - of(direct)?)).collect()
        };
        let least = self.ends(target).map_or(0.0, |[_, fresh]| fresh);
        let ln = |record: &Record| {
            let floored = record.scores.as_ref()?.root_energy.max(least);
            (floored > 0.0).then(|| floored.ln())
        };
        let ratios: Vec<f64> = pairs.iter().filter_map(|[direct, annealed]| Some(ln(annealed)? - ln(direct)?)).collect();
        let ratio = interval::student(&ratios)
            .map(|(mean, ends)| Score { interval: ends.map(|ends| ends.map(f64::exp)), ..Score::exact(mean.exp()) });
        let failed = [Arm::Direct, arm].map(|arm| self.runs(target, objective, arm).filter(|r| r.failure.is_some()).count());
        let without_floor =
            (arm == Arm::Floor).then(|| times(&self.pairs(target, objective, [Arm::Floor, Arm::Geometric]))).flatten();
        Ok(Effect {
            target: target.into(),
            objective: objective.into(),
            arm,
            root_energy: Change::of(&differences(|scores| Some(scores.root_energy)))?,
            share_error: Change::of(&differences(|scores| scores.share_error))?,
            ratio,
            failed,
            step_time_ratio: times(&pairs),
            floor_time_share: without_floor.map(|geometric| 1.0 - geometric),
        })
    }

    /// Runs of one seed in two arms.
    fn pairs<'a>(&'a self, target: &'a str, objective: &'a str, [a, b]: [Arm; 2]) -> Vec<[&'a Record; 2]> {
        let partner = |record: &Record| self.runs(target, objective, b).find(|of| of.key.seed == record.key.seed);
        self.runs(target, objective, a).filter_map(|record| Some([record, partner(record)?])).collect()
    }
}

/// How many times as long a step of the second takes, in the median over pairs on one adapter.
fn times(pairs: &[[&Record; 2]]) -> Option<f64> {
    let step = |record: &Record| {
        (record.failure.is_none() && record.steps_made > 0).then(|| record.training_seconds / record.steps_made as f64)
    };
    let ratio = |[a, b]: &[&Record; 2]| {
        let both = if a.adapter == b.adapter { step(a).zip(step(b)) } else { None };
        both.filter(|(a, b)| *a > 0.0 && *b > 0.0).map(|(a, b)| (b / a).ln())
    };
    let logs: Vec<f64> = pairs.iter().filter_map(ratio).collect();
    middle(logs).map(f64::exp)
}

/// The median: first runs compile shaders, and a machine does other work now and then.
fn middle(mut values: Vec<f64>) -> Option<f64> {
    interval::median(&mut values).map(|(median, _)| median)
}

/// Writes Holm's p-values into one measure of these effects.
fn corrected(effects: &mut [Effect], of: fn(&mut Effect) -> &mut Option<Change>) {
    let mut changes: Vec<&mut Change> = effects.iter_mut().filter_map(|effect| of(effect).as_mut()).collect();
    let p_values: Vec<f64> = changes.iter().map(|change| change.p_value).collect();
    for (change, p) in changes.iter_mut().zip(holm(&p_values)) {
        change.corrected_p_value = p;
    }
}
