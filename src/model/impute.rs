//! Rows of which any cells are given, of a model that was trained with random masks: new rows, and missing cells imputed.

use super::{Masks, Model, Told};
use crate::data::{ColumnType, Encoding, Table, nearest};
use crate::{Error, Result};

/// Rows whose cells are imputed at once.
const BLOCK: usize = 1 << 16;
/// Rows that are drawn for one incomplete row in order to find one without missing cells: so many for a large table, and up to so many for a small one.
const LEAST_TRIES: usize = 64;
const MOST_TRIES: usize = 1024;
/// Rows that are drawn at once where most rows are complete already, and for one of them.
const AT_ONCE: usize = 1 << 14;
const EACH: usize = 64;

impl Model {
    /// The rows of a table with their missing cells imputed: drawn from p(missing cells | the row's other cells). The other cells stay as they are. Another seed
    /// gives another draw.
    ///
    /// Where the training data have missing cells in a column, the model learned when a cell is missing, too. It is then told that the cells are not missing: the values are those of rows like
    /// this one that have them, which is right where cells are missing at random given the others. A draw that is missing all the same is drawn again, given the cells
    /// that are found already; a cell that is missing in all of at least 64 draws stays so, for rows like this one hardly ever have it. A missing constant is that constant; missing
    /// identifiers, and columns that the model does not know, stay as they are.
    ///
    /// # Errors
    /// A model that was not trained with `impute`; a learned column that the table does not have; a category that the training data did not have.
    pub fn impute(&self, rows: &Table, seed: u64) -> Result<Table> {
        let Some((encoding, masks)) = self.any_given() else {
            return Err(Error::usage(
                "this model cannot impute cells: it was trained without random masks; train one with `impute` = true",
            ));
        };
        let learned = learned(encoding);
        if let Some(name) = learned.iter().find(|name| !rows.columns().iter().any(|column| column == *name)) {
            let near = nearest(name, rows.columns().iter().map(String::as_str));
            let hint = near.map(|near| format!(" (is it `{near}`?)")).unwrap_or_default();
            return Err(Error::data(format!(
                "{} has no column `{name}`{hint}, which the model learned: add the column, with empty cells where it is not known",
                rows.origin()
            )));
        }
        // Identifiers are not to be made up.
        let filled = encoding.types().into_iter().filter(|(_, ty)| *ty != ColumnType::Identifier);
        let filled: Vec<usize> = filled.filter_map(|(name, _)| rows.index_of(name).ok()).collect();
        let learned: Vec<usize> = learned.iter().map(|name| rows.index_of(name)).collect::<Result<_>>()?;
        let incomplete: Vec<usize> = (0..rows.rows()).filter(|&row| filled.iter().any(|&j| rows.is_missing(row, j))).collect();
        if incomplete.is_empty() {
            return Ok(rows.clone());
        }
        let tries = (AT_ONCE * EACH / incomplete.len()).clamp(LEAST_TRIES, MOST_TRIES);
        let mut whole = rows.clone();
        let mut place: Vec<usize> = (0..rows.rows()).collect();
        for (block, chosen) in incomplete.chunks(BLOCK).enumerate() {
            let part = rows.select_rows(chosen);
            let found = Filling { model: self, encoding, masks: &masks, learned: &learned, filled: &filled, tries };
            let found = found.fill(part, mixed(seed, block as u64))?;
            chosen.iter().enumerate().for_each(|(k, &row)| place[row] = whole.rows() + k);
            whole = whole.stacked(&found)?;
        }
        let whole = whole.select_rows(&place);
        // Weights, and what is not of the columns, are the table's own.
        rows.with_cells(&whole, |row, j| rows.is_missing(row, j))
    }

    /// Whether any columns can be given, and how.
    pub(super) fn any_given(&self) -> Option<(&Encoding, Masks)> {
        self.description.encoding.as_ref().zip(self.description.masks())
    }

    /// `each` rows for every row of `given`, whose columns are any of the model's.
    pub(super) fn sample_any_given(&self, encoding: &Encoding, given: &Table, each: usize, seed: u64) -> Result<Table> {
        let columns = encoding.types();
        let known = |name: &String| columns.iter().any(|(column, _)| column == name);
        if let Some(unknown) = given.columns().iter().find(|name| !known(name)) {
            let hint = nearest(unknown, columns.iter().map(|column| column.0)).map(|near| format!(" (did you mean `{near}`?)"));
            let names: Vec<&str> = columns.iter().map(|column| column.0).collect();
            return Err(Error::usage(format!(
                "{} has a column `{unknown}`{}, which the model does not know; its columns are {}",
                given.origin(),
                hint.unwrap_or_default(),
                names.join(", ")
            )));
        }
        let learned = learned(encoding);
        let is_given: Vec<bool> = learned.iter().map(|name| given.columns().iter().any(|column| column == name)).collect();
        if !is_given.contains(&true) {
            return Err(Error::usage(format!(
                "nothing is learned given `{}`, which has one value or identifies rows: give other columns",
                given.columns().join("`, `")
            )));
        }
        let said = |given: &bool| if *given { Told::Given } else { Told::Nothing };
        let said: Vec<Told> = is_given.iter().map(said).collect();
        let conditions = self.any_conditions(encoding, given, &said.repeat(given.rows()), seed)?;
        let drawn = self.drawn_any_given(encoding, &conditions, each, seed)?;
        // What was given comes back as it was.
        let over: Vec<usize> = (0..drawn.rows()).map(|row| row / each).collect();
        let of_columns = |j: usize| learned.iter().zip(&is_given).any(|(name, given)| *given && *name == drawn.columns()[j]);
        drawn.with_cells(&given.select_rows(&over), |_, j| of_columns(j))
    }

    /// What the map is told of rows, by what is said of each learned column's cell.
    fn any_conditions(&self, encoding: &Encoding, rows: &Table, said: &[Told], seed: u64) -> Result<Asked> {
        let masks = Masks::of(encoding);
        let shown: Vec<bool> = said.iter().map(|said| *said == Told::Given).collect();
        let numbers = encoding.encode_shown(rows, &shown, seed)?;
        let standard = self.description.standardization.apply(&numbers)?;
        let mut conditions = Vec::with_capacity(rows.rows() * masks.conditions());
        for (row, said) in standard.chunks_exact(masks.columns()).zip(said.chunks_exact(masks.cells())) {
            masks.write(row, said, &mut conditions);
        }
        Ok(Asked { conditions, numbers, shown })
    }

    /// `each` rows of the data's columns for each of these rows.
    fn drawn_any_given(&self, encoding: &Encoding, asked: &Asked, each: usize, seed: u64) -> Result<Table> {
        let values = self.generated(&asked.conditions, self.description.behind(), each, seed)?;
        let drawn = self.finish(&values, &format!("a sample of {}", self.description.method.name()))?;
        encoding.decode(&encoding.with_given(&drawn, each, &asked.numbers, &asked.shown)?, seed)
    }
}

/// Rows of which some cells are given.
struct Asked {
    /// What the map is told of them.
    conditions: Vec<f32>,
    /// Their encoded numbers, and which cells are given.
    numbers: Vec<f64>,
    shown: Vec<bool>,
}

/// The columns that are learned.
fn learned(encoding: &Encoding) -> Vec<&str> {
    encoding.widths().into_iter().filter(|(_, width)| *width > 0).map(|(name, _)| name).collect()
}

/// A seed of its own for each of a sequence (the step of SplitMix64).
fn mixed(seed: u64, place: u64) -> u64 {
    let z = seed.wrapping_add((place + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 27)
}

/// How the cells of some rows are imputed.
struct Filling<'a> {
    model: &'a Model,
    encoding: &'a Encoding,
    masks: &'a Masks,
    /// Columns of the rows that are learned, in the order of the encoding, and those that are filled: constants, too.
    learned: &'a [usize],
    filled: &'a [usize],
    tries: usize,
}

impl Filling<'_> {
    /// The rows, with what was found for their missing cells.
    fn fill(&self, mut rows: Table, seed: u64) -> Result<Table> {
        let mut open: Vec<usize> = (0..rows.rows()).collect();
        let (mut tried, mut round) = (0, 0);
        while !open.is_empty() && tried < self.tries {
            let each = if tried == 0 { 1 } else { (AT_ONCE / open.len()).clamp(1, EACH.min(self.tries - tried)) };
            let part = self.once(&rows.select_rows(&open), each, mixed(seed, round))?;
            let mut place: Vec<usize> = (0..rows.rows()).collect();
            open.iter().enumerate().for_each(|(k, &row)| place[row] = rows.rows() + k);
            rows = rows.stacked(&part)?.select_rows(&place);
            open.retain(|&row| self.learned.iter().any(|&j| rows.is_missing(row, j)));
            (tried, round) = (tried + each, round + 1);
        }
        Ok(rows)
    }

    /// The same by one draw: of `each` for a row the first of those that leave the fewest cells missing.
    fn once(&self, rows: &Table, each: usize, seed: u64) -> Result<Table> {
        let said = |row: usize, j: usize| if rows.is_missing(row, j) { Told::Present } else { Told::Given };
        let said = |row: usize| self.learned.iter().map(move |&j| said(row, j));
        let said: Vec<Told> = (0..rows.rows()).flat_map(said).collect();
        let conditions = self.model.any_conditions(self.encoding, rows, &said, seed)?;
        let drawn = self.model.drawn_any_given(self.encoding, &conditions, each, seed)?;
        let names: Vec<usize> = self.learned.iter().map(|&j| drawn.index_of(&rows.columns()[j])).collect::<Result<_>>()?;
        let lacking = |row: usize, draw: usize| {
            let said = &said[row * self.masks.cells()..][..self.masks.cells()];
            names.iter().zip(said).filter(|(k, said)| **said == Told::Present && drawn.is_missing(draw, **k)).count()
        };
        let best = |row: usize| (row * each..(row + 1) * each).min_by_key(|&draw| lacking(row, draw)).unwrap_or(row);
        let drawn = drawn.select_rows(&(0..rows.rows()).map(best).collect::<Vec<_>>());
        rows.with_cells(&drawn, |row, j| self.filled.contains(&j) && rows.is_missing(row, j))
    }
}
