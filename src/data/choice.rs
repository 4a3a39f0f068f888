//! What a reader of files is asked for, and what it finds.

use std::path::Path;

use super::Table;
use super::missing::{LeftOut, without_missing};
use super::table::{listed, numbered, unknown_column};
use crate::{Error, Result};

/// The columns that were asked for, to be found among those of a file.
pub(super) struct Choice<'a> {
    /// The file or toy target, for messages.
    pub origin: String,
    /// By name or number; all columns if none are.
    pub columns: Option<&'a [String]>,
    pub weights: Option<&'a str>,
    pub skip_missing: bool,
}

impl Choice<'_> {
    /// Indices of the chosen columns among `names`, the weights last where there are any.
    pub fn among(&self, names: &[String], header: bool) -> Result<Vec<usize>> {
        let weights = self.weights.map(|name| self.find(name, names, header)).transpose()?;
        let mut picked = match self.columns {
            None => (0..names.len()).filter(|&j| Some(j) != weights).collect(),
            Some(chosen) => {
                let mut picked = Vec::with_capacity(chosen.len());
                for name in chosen {
                    let j = self.find(name, names, header)?;
                    if picked.contains(&j) {
                        return Err(Error::usage(format!(
                            "column `{name}` of {} is chosen twice: name each column once",
                            self.origin
                        )));
                    }
                    if Some(j) == weights {
                        return Err(Error::usage(format!(
                            "column `{name}` of {} is chosen both as data and as the weights: leave it out of one",
                            self.origin
                        )));
                    }
                    picked.push(j);
                }
                picked
            }
        };
        if picked.is_empty() {
            return Err(Error::data(format!("{} has no columns to read besides the weights", self.origin)));
        }
        picked.extend(weights);
        Ok(picked)
    }

    /// Chosen columns that are indicators `COLUMN=LEVEL`: their names, the numbers of their columns, and the levels.
    ///
    /// # Errors
    /// The indicator of a column that is not there.
    pub fn indicators(&self, names: &[String]) -> Result<Vec<(String, usize, String)>> {
        let mut found = Vec::new();
        for chosen in self.columns.into_iter().flatten().filter(|chosen| !names.contains(chosen)) {
            let Some((column, level)) = chosen.split_once('=') else { continue };
            let of = names.iter().position(|have| have == column);
            let of = of.ok_or_else(|| unknown_column(&self.origin, column, names))?;
            found.push((chosen.clone(), of, level.to_string()));
        }
        Ok(found)
    }

    pub fn find(&self, name: &str, names: &[String], header: bool) -> Result<usize> {
        let by_name = names.iter().position(|have| have == name);
        let by_number = || name.parse().ok().filter(|&j: &usize| j < names.len());
        by_name.or_else(by_number).ok_or_else(|| match header {
            true => unknown_column(&self.origin, name, names),
            false => Error::usage(format!(
                "{} has no column `{name}`; its columns have no names: choose by number, 0 to {}",
                self.origin,
                names.len().saturating_sub(1)
            )),
        })
    }
}

/// What a reader found: all names, the picked columns (the weights last), and their values, row-major.
pub(super) struct Raw {
    pub names: Vec<String>,
    pub header: bool,
    pub picked: Vec<usize>,
    pub values: Vec<f64>,
    /// Which of the picked columns the file holds in single precision.
    pub single: Vec<bool>,
    /// What to tell of the file: sentences.
    pub notes: Vec<String>,
}

impl Raw {
    pub fn into_table(self, choice: &Choice) -> Result<Table> {
        let Raw { names, header, mut picked, mut values, mut single, mut notes } = self;
        if values.is_empty() {
            return Err(Error::data(format!("{} holds no rows", choice.origin)));
        }
        let left_out = if choice.skip_missing { without_missing(&mut values, picked.len()) } else { LeftOut::default() };
        if !left_out.rows.is_empty() {
            let all: Vec<String> = picked.iter().map(|&j| names[j].clone()).collect();
            notes.extend(left_out.note(&all, values.len() / picked.len(), &choice.origin)?);
        }
        let mut weights = None;
        if choice.weights.is_some() {
            let width = picked.len();
            weights = Some(weights_of(&values, width));
            let mut at = 0;
            values.retain(|_| {
                at += 1;
                at % width != 0
            });
            picked.pop();
            single.pop();
        }
        let columns = picked.iter().map(|&j| names[j].clone());
        let table = Table::new(columns, values)?
            .from_origin(&choice.origin)
            .with_header(header)
            .with_single(&single)
            .with_notes(notes)
            .without(left_out.rows);
        match weights {
            Some(weights) => table.with_weights(weights),
            None => Ok(table),
        }
    }
}

/// The last of `width` columns, as weights: only their ratios count, so those beyond single precision are scaled into it.
fn weights_of(values: &[f64], width: usize) -> Vec<f32> {
    let weights = || values.iter().skip(width - 1).step_by(width).copied();
    let most = weights().fold(0.0, |most: f64, weight| most.max(weight.abs()));
    let unit = if most == 0.0 || (1e-30..1e30).contains(&most) { 1.0 } else { most };
    weights().map(|weight| (weight / unit) as f32).collect()
}

/// Names for every column, from those a file gives: blank ones become `x0`, `x1`, … by position, and repeated ones are
/// numbered `.1`, `.2`, …, as pandas does.
pub(super) fn distinct(given: Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(given.len());
    let mut taken = std::collections::HashSet::new();
    for (name, fallback) in given.iter().zip(numbered(given.len())) {
        let base = if name.is_empty() { fallback } else { name.clone() };
        let mut unique = base.clone();
        let mut copy = 0;
        while !taken.insert(unique.clone()) {
            copy += 1;
            unique = format!("{base}.{copy}");
        }
        names.push(unique);
    }
    names
}

/// "choose other columns" with an example that fits the file, for a column of texts.
pub(super) fn choose_advice(path: &Path, usable: &[String]) -> String {
    let condition = "make it a conditioning column";
    match usable {
        [] => "correct the cell or remove the row".into(),
        [..] if usable.len() <= 6 => {
            format!("correct it, {condition}, or choose the columns of numbers, {}#{}", path.display(), usable.join(","))
        }
        _ => format!(
            "correct it, {condition}, or choose among the columns of numbers ({}) as in {}#{}",
            listed(usable),
            path.display(),
            usable[..2].join(",")
        ),
    }
}
