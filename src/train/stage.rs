//! One training: its rows, what they are standardized by, the method made for them, and the recorded plan.

use super::Job;
use super::masks::{Masked, copies, masked, noise};
use crate::data::{Standardization, Table, Target, dependent_column};
use crate::gpu::{Gpu, Plan};
use crate::methods::{Dataset, Learner, Setup, Training};
use crate::model::Masks;
use crate::{Error, Result};

pub(super) struct Stage {
    pub train: Table,
    pub standardization: Standardization,
    pub target: Option<Target>,
    pub learner: Box<dyn Learner>,
    pub plan: Plan,
    /// Of the rows, standardized: what bandwidths are multiples of.
    pub median_distance: f32,
}

impl Stage {
    /// Everything at its start: the map is the Gaussian of these rows.
    pub fn new(gpu: &Gpu, job: &Job, train: Table) -> Result<Self> {
        train.check_trainable()?;
        let own = match job.training.standardize {
            // As if uniform noise were added, so that a rare bit is no larger than the others.
            // Whatever noise a method learns with, if any: a teacher's units are its student's.
            true if job.encoding.is_some() => Standardization::fit(&train).with_noise(&job.encoded_spacings()),
            true => Standardization::fit(&train),
            false => {
                train.check_unscaled()?;
                Standardization::identity(train.cols())
            }
        };
        let (teacher, standardization) = match job.teacher(gpu, train.columns(), &own)? {
            Some((teacher, units)) => (Some(teacher), units),
            None => (None, own),
        };
        let values = standard(&standardization, &train)?;
        let mut set = Masked { values, weights: train.weights().map(<[f32]>::to_vec) };
        let mut conditions = job.conditions;
        if let Some(encoding) = job.any_given() {
            let masks = Masks::of(encoding);
            conditions = masks.conditions();
            // A learner as it is made for a model that is there already says how it is trained.
            let (columns, teacher) = (masks.columns(), teacher.clone());
            let setup = Setup { gpu, training: &job.training, columns, conditions, seed: job.seed, data: None, teacher };
            let learner = job.method.learner(&setup).map_err(|e| refused(e, &job.training))?;
            let noise = noise(gpu, learner.as_ref(), columns + conditions)?;
            set = masked(encoding, (&train, &set.values), copies(&masks, train.rows()), noise, job.seed)?;
        }
        let (columns, weights) = (train.cols() - job.conditions, set.weights.as_deref());
        let data = Dataset::with_noise(gpu, &set.values, columns + conditions, conditions, weights, job.training.noise)?;
        let spacings = job.spacings();
        let mut widths: Vec<f32> =
            spacings.iter().zip(&standardization.scale).map(|(spacing, scale)| (spacing / scale) as f32).collect();
        widths.resize(columns + conditions, 0.0);
        let data = data.with_widths(&set.values, weights, &widths, job.noise())?;
        let target = job.target(&standardization)?;
        let source = job.source_distribution(&train, &standardization)?;
        let data = data.with_target(target.clone()).with_source(source).with_columns(train.columns());
        let setup = Setup { gpu, training: &job.training, columns, conditions, seed: job.seed, data: Some(&data), teacher };
        let learner = job.method.learner(&setup).map_err(|e| match (e, dependent_column(&train, job.conditions)) {
            (Error::Data(said), Some(column)) => {
                Error::data(format!("{said} (`{column}` is a linear function of the columns before it)"))
            }
            (e, _) => refused(e, &job.training),
        })?;
        let plan = learner.plan(gpu, job.seed, &data)?;
        Ok(Self { train, standardization, target, learner, plan, median_distance: data.median_distance() })
    }

    /// The rows of a table in this training's units.
    pub fn standard(&self, table: &Table) -> Result<Vec<f32>> {
        standard(&self.standardization, table)
    }
}

/// The error of a method that takes no conditions, where these are all columns.
fn refused(e: Error, training: &Training) -> Error {
    match e {
        Error::Usage(said) if training.impute && said.contains("conditioning columns") => {
            Error::usage(format!("{said} (with `impute` = true they are all columns)"))
        }
        e => e,
    }
}

fn standard(standardization: &Standardization, table: &Table) -> Result<Vec<f32>> {
    standardization.apply(table.values())
}
