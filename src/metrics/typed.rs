//! The scores that need the types of the columns, beside those of rows as numbers.

use super::Evaluation;
use super::closest::closest;
use super::efficacy::efficacy;
use super::scorecard::scorecard;
use crate::Result;
use crate::data::{ColumnType, Encoding, Table, Unseen};
use crate::words::{count, listed};

/// Levels of a column that are shown as one each.
const MOST_INDICATORS: usize = 64;

/// Adds the scorecard, the efficacy for a target where one is named, and distances to the closest training row where those are given.
///
/// # Errors
/// As [`scorecard`], [`efficacy`] and [`closest`].
pub(super) fn add(
    found: &mut Evaluation,
    reference: &Table,
    samples: &Table,
    train: Option<&Table>,
    (target, seed): (Option<&str>, u64),
) -> Result<()> {
    if train.is_some_and(|train| train.hash() == reference.hash()) {
        found.notes.push(
            "The training rows are the reference's own: efficacy, closest records and membership inference need others as reference"
                .into(),
        );
    }
    found.scorecard = Some(scorecard(reference, samples, seed)?);
    found.efficacy = target.map(|target| efficacy(reference, samples, train, target, seed)).transpose()?;
    found.closest = train.map(|train| closest(reference, samples, train, seed)).transpose()?;
    Ok(())
}

/// A column of an encoding: its place and its name.
type Place = (usize, String);

/// Encoded tables, the samples second, each with a column more for every column of which samples have cells that the encoding does not know: 1 for these, and 0 for all others.
/// So they are a value of their own, and the distances of other rows stay as they are. With the names of these columns.
///
/// # Errors
/// None for tables of one encoding.
pub(super) fn marked(encoding: &Encoding, tables: &[Unseen]) -> Result<(Vec<Table>, Vec<Place>)> {
    let types = encoding.types();
    let has_unseen = |at: usize| tables[1].cells[at].contains(&true);
    let unseen: Vec<Place> = (0..types.len()).filter(|&at| has_unseen(at)).map(|at| (at, types[at].0.to_string())).collect();
    let marked = |of: &Unseen| {
        let names = of.table.columns().iter().cloned().chain(unseen.iter().map(|(_, name)| format!("{name} (unseen)")));
        let marks = |row: usize| unseen.iter().map(move |(at, _)| f64::from(u8::from(of.cells[*at][row])));
        let values =
            (0..of.table.rows()).flat_map(|row| of.table.row(row).iter().copied().chain(marks(row))).collect::<Vec<f64>>();
        let table = Table::new(names, values)?.from_origin(of.table.origin());
        match of.table.weights() {
            Some(weights) => table.with_weights(weights.to_vec()),
            None => Ok(table),
        }
    };
    let tables = tables.iter().map(marked).collect::<Result<Vec<_>>>()?;
    Ok((tables, unseen))
}

/// What the samples have that the reference does not, in a sentence.
pub(super) fn unseen_said(samples: &Unseen, unseen: &[Place]) -> Option<String> {
    let own: Vec<(usize, &str)> = unseen
        .iter()
        .map(|(at, name)| (samples.cells[*at].iter().filter(|is| **is).count(), name.as_str()))
        .filter(|(cells, _)| *cells > 0)
        .collect();
    let cells = own.iter().map(|(cells, _)| cells).sum::<usize>();
    let names: Vec<String> = own.iter().map(|(_, name)| format!("`{name}`")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    (cells > 0).then(|| {
        format!(
            "{} of the samples have values that the reference does not have, and these count as one further value of their column: in {}",
            count(cells, "cell"),
            listed(&names)
        )
    })
}

/// The columns of two tables as plain numbers, for distances of single columns: categories as a column `NAME=LEVEL` of 0 and 1 for each level of either, missing cells below all
/// others. Columns with one value in both are left out, and those of identifiers.
///
/// # Errors
/// A column that a table does not have.
pub(super) fn shown(tables: [&Table; 2], unseen: &[Place]) -> Result<[Table; 2]> {
    let reference = tables[0];
    let mut names: Vec<String> = Vec::new();
    let mut columns: [Vec<Vec<f64>>; 2] = Default::default();
    for (j, name) in reference.columns().iter().enumerate() {
        let varies = unseen.iter().any(|(_, other)| other == name);
        match reference.column_type(j) {
            ColumnType::Identifier => continue,
            ColumnType::Constant if !varies => continue,
            _ => {}
        }
        let places = [j, tables[1].index_of(name)?];
        let cells = [0, 1].map(|set| {
            let (table, at) = (tables[set], places[set]);
            let level = |value: f64| table.levels(at).map(|levels| levels[value as usize].as_str());
            let cell = |row: usize| (!table.is_missing(row, at)).then(|| table.row(row)[at]);
            (0..table.rows()).map(|row| cell(row).map(|value| (value, level(value)))).collect::<Vec<_>>()
        });
        let mut levels: Vec<&str> = cells.iter().flatten().flatten().filter_map(|(_, level)| *level).collect();
        levels.sort_unstable();
        levels.dedup();
        let any_missing = cells.iter().flatten().any(Option::is_none);
        if reference.levels(j).is_some() && levels.len() <= MOST_INDICATORS {
            let missing = any_missing.then_some(None);
            for level in levels.into_iter().map(Some).chain(missing) {
                names.push(format!("{name}={}", level.unwrap_or("(missing)")));
                for set in [0, 1] {
                    let is = |cell: &Option<(f64, Option<&str>)>| cell.and_then(|(_, level)| level) == level;
                    columns[set].push(cells[set].iter().map(|cell| f64::from(u8::from(is(cell)))).collect());
                }
            }
            continue;
        }
        let number = |(value, level): (f64, Option<&str>)| match level {
            Some(level) => levels.binary_search(&level).map_or(-1.0, |place| place as f64),
            None => value,
        };
        let (low, high) = cells
            .iter()
            .flatten()
            .flatten()
            .map(|cell| number(*cell))
            .fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        let below = if low > high { 0.0 } else { low - (0.1 * (high - low)).max(f64::from(u8::from(high == low))) };
        names.push(name.clone());
        for set in [0, 1] {
            columns[set].push(cells[set].iter().map(|cell| cell.map_or(below, number)).collect());
        }
    }
    let table = |set: usize| {
        let values =
            (0..tables[set].rows()).flat_map(|row| columns[set].iter().map(move |column| column[row])).collect::<Vec<f64>>();
        let table = Table::new(names.clone(), values)?.from_origin(tables[set].origin());
        match tables[set].weights() {
            Some(weights) => table.with_weights(weights.to_vec()),
            None => Ok(table),
        }
    };
    Ok([table(0)?, table(1)?])
}
