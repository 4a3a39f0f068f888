//! [`Target`]: a distribution whose score ∇ log p is known.

use super::toy::Toy;
use super::{Formulas, Mixture, Origin, Source, Standardization, Table, subset_of};
use crate::words::count;
use crate::{Error, Result};

/// Rows at which a given score is tried out.
const TRIALS: usize = 16;
/// Step of its differences, as a share of a column's range: their errors are far below [`ASYMMETRY`] where the score is smooth at
/// a hundredth of the range.
const STEP: f64 = 1e-5;
/// By how much the two sides of a symmetric Jacobian may differ: of their own size, and of the largest entry's.
const ASYMMETRY: f64 = 1e-3;
const NOISE: f64 = 1e-5;

/// The score of [`Toy::Banana`].
const BANANA: [&str; 2] = ["-(x - y^2/4)", "((x - y^2/4)*y - y/2)/2"];

/// Where a score comes from; in the data's own units.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    Mixture(Mixture),
    /// One formula a column.
    Formulas(Formulas),
}

/// A distribution with a known score, in units of training. Standardizing is affine, z = (x − mean)/scale, so s_z(z) = scale ⊙ s_x(x).
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    form: Form,
    units: Standardization,
}

impl Target {
    /// The distribution of a source's rows, where its score is known: both columns of a toy target, in their order.
    pub fn of(source: &Source, units: &Standardization) -> Option<Self> {
        let Origin::Toy(toy, _) = source.origin else { return None };
        let whole = source.columns.as_ref().is_none_or(|chosen| *chosen == ["x", "y"] || *chosen == ["0", "1"]);
        let form = match toy {
            _ if !whole => return None,
            // log p = −b²/2 − y²/8 with the bend b = x − y²/4.
            Toy::Banana => Form::Formulas(Formulas::parse(&BANANA, &["x", "y"]).expect("they are formulas of x and y")),
            _ => Form::Mixture(toy.mixture()?),
        };
        Some(Self { form, units: units.clone() })
    }

    /// The distribution whose score these expressions are, one a column of `rows`, in their names and units.
    ///
    /// # Errors
    /// What is no expression; another number of them than of columns; and what cannot be a score, as far as the rows show: it is not finite
    /// at one of them, or no gradient (its Jacobian is not symmetric).
    pub fn given<T: AsRef<str>>(score: &[T], rows: &Table, units: &Standardization) -> Result<Self> {
        let columns = rows.columns();
        if score.len() != columns.len() {
            return Err(Error::usage(format!(
                "the score needs one expression per column, and has {} for {} ({})",
                count(score.len(), "expression"),
                count(columns.len(), "column"),
                columns.join(", ")
            )));
        }
        let formulas = Formulas::parse(score, columns)?;
        check_gradient(&formulas, rows)?;
        Ok(Self { form: Form::Formulas(formulas), units: units.clone() })
    }

    /// Where the score comes from, in the data's own units.
    pub fn form(&self) -> &Form {
        &self.form
    }

    pub fn units(&self) -> &Standardization {
        &self.units
    }

    /// The same distribution in other units.
    pub fn in_units(&self, units: &Standardization) -> Self {
        Self { form: self.form.clone(), units: units.clone() }
    }

    /// The score at `z`.
    pub fn score(&self, z: &[f64]) -> Vec<f64> {
        let Standardization { mean, scale } = &self.units;
        let x: Vec<f64> = z.iter().zip(mean.iter().zip(scale)).map(|(z, (mean, scale))| mean + scale * z).collect();
        let mut score = match &self.form {
            Form::Mixture(mixture) => mixture.score(&x),
            Form::Formulas(formulas) => formulas.evaluate(&x),
        };
        score.iter_mut().zip(scale).for_each(|(s, scale)| *s *= scale);
        score
    }
}

/// Refuses what is not finite, or no gradient, by central differences at a few random rows.
fn check_gradient(score: &Formulas, rows: &Table) -> Result<()> {
    let (d, names) = (rows.cols(), rows.columns());
    let range = |j: usize| {
        let (low, high) = rows.column(j).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        if high > low { high - low } else { 1.0 }
    };
    let ranges: Vec<f64> = (0..d).map(range).collect();
    for row in subset_of(rows.rows(), TRIALS, 0) {
        let mut x = rows.row(row).to_vec();
        if let Some(j) = score.evaluate(&x).iter().position(|s| !s.is_finite()) {
            return Err(Error::usage(format!(
                "the score of `{}` is not finite at row {} of {}: it must be at every row, for training starts from them",
                names[j],
                rows.row_number(row),
                rows.origin()
            )));
        }
        // ∂s_i/∂x_j in units of the columns' ranges, in which the entries are comparable.
        let mut jacobian = vec![vec![0.0; d]; d];
        for j in 0..d {
            let (at, step) = (x[j], STEP * ranges[j]);
            x[j] = at + step;
            let (above, up) = (score.evaluate(&x), x[j]);
            x[j] = at - step;
            let (below, down) = (score.evaluate(&x), x[j]);
            x[j] = at;
            for i in 0..d {
                jacobian[i][j] = (above[i] - below[i]) / (up - down) * ranges[i] * ranges[j];
            }
        }
        let largest = jacobian.iter().flatten().fold(0.0f64, |most, v| most.max(v.abs()));
        for (i, j) in (0..d).flat_map(|i| (0..i).map(move |j| (j, i))) {
            let (a, b) = (jacobian[i][j], jacobian[j][i]);
            if (a - b).abs() > ASYMMETRY * a.abs().max(b.abs()) + NOISE * largest {
                let unit = ranges[i] * ranges[j];
                return Err(Error::usage(format!(
                    "the score is not a gradient: at row {} of {}, that of `{}` changes with `{}` by {:.4} and that of `{}` with `{}` \
                     by {:.4}, and a score is ∇ log p, whose Jacobian is symmetric",
                    rows.row_number(row),
                    rows.origin(),
                    names[i],
                    names[j],
                    a / unit,
                    names[j],
                    names[i],
                    b / unit
                )));
            }
        }
    }
    Ok(())
}
