//! The typed columns of a CSV file: a first pass finds what each column is, a second one reads it.

use std::collections::HashMap;
use std::path::Path;

use ::csv::{ByteRecord, Trim};
use foldhash::fast::RandomState;

use super::blocks::each_block;
use super::cell::{row_said, shortened};
use super::csv::{Bad, broken, delimiter_of, names_of, records_as};
use super::records::Records;
use crate::data::choice::Choice;
use crate::data::column::Cells;
use crate::data::file_form::FileForm;
use crate::data::number_form::{NumberForm, dressed, whole};
use crate::data::types::{At, Reading, Seen};
use crate::data::{Column, ColumnType, Table, TypeOptions};
use crate::words::grouped;
use crate::{Error, Result};

/// Rows from which on texts that are all distinct, or numbers that count up, are taken for identifiers.
const LEAST_IDENTIFIERS: usize = 20;
/// Share of its cells from which on a column's distinct texts are told: most levels then stand in one row.
const MANY_LEVELS: f64 = 0.5;

/// Reads the chosen columns with their types.
pub(in crate::data) fn read(path: &Path, choice: &Choice, header: Option<bool>, options: &TypeOptions) -> Result<Table> {
    let First { names, header, seen, rows, note, delimiter, missing_word, mut again } = first_pass(path, header, options)?;
    // Decimals may follow commas where these do not part the fields.
    let commas = delimiter != b',';
    let picked = choice.among(&names, header)?;
    if rows == 0 {
        return Err(Error::data(format!("{} holds no rows", path.display())));
    }
    for name in options.types.keys().filter(|name| !names.contains(name)) {
        choice.find(name, &names, header)?;
    }
    let asked = |j: usize| options.types.get(&names[j]).copied();
    let holds = |j: usize, text: &str, at: At| {
        format!("column `{}` of {} holds `{}` in {}", names[j], path.display(), shortened(text), row_said(path, at, rows))
    };
    for &j in &picked {
        let found = match asked(j) {
            None => {
                seen[j].slip().map(|(at, text, wanted)| (at, text, format!("which is not a {wanted} as its other cells are")))
            }
            Some(asked) => seen[j].misfit(asked),
        };
        let Some((at, text, why)) = found else { continue };
        let remedy = match (asked(j), seen[j].remedy()) {
            (Some(ColumnType::Constant), _) => {
                "a constant has one value; ask for the type `identifier` to leave the column out".to_string()
            }
            (Some(_), _) => "correct the cell, or ask for another type".to_string(),
            (None, _) if !matches!(seen[j].reading(None, commas), Reading::Text) => continue,
            (None, Some(form)) => format!("correct the cell, or {}", as_number(&names[j], form)),
            (None, None) if dressed(text).is_some() => {
                "write the number without signs and separators, or ask for the type `category`".to_string()
            }
            (None, None) => format!(
                "correct the cell, name it as a missing value (--missing {}), or ask for the type `category`",
                shortened(text)
            ),
        };
        return Err(Error::data(format!("{}, {why}: {remedy}", holds(j, text, at))));
    }
    let mut builders: Vec<Builder> = picked.iter().map(|&j| Builder::new(seen[j].reading(asked(j), commas), rows)).collect();
    let mut next = |record: &mut ByteRecord| again.read_byte_record(record).map_err(|error| broken(path, error));
    if header {
        next(&mut ByteRecord::new())?;
    }
    let (read, wrong) = each_block(next, &mut builders, |k, builder, block| {
        block.cells(picked[k]).find_map(|(at, cell)| {
            let cell = std::str::from_utf8(cell).unwrap_or_default();
            let cell = if options.is_missing(cell) { None } else { Some(cell) };
            let wanted = builder.push(cell).err()?.to_string();
            Some((at, wanted, cell.unwrap_or_default().to_string()))
        })
    })?;
    if let Some((k, (at, wanted, cell))) = wrong.into_iter().min_by_key(|(_, (at, ..))| at.row) {
        let holds = holds(picked[k], &cell, at);
        return Err(Error::data(format!("{holds}, which is no {wanted}: correct the cell, or ask for another type")));
    }
    if read != rows {
        return Err(Error::data(format!("{} was changed while it was read: read it again", path.display())));
    }
    let mut notes: Vec<String> = note.into_iter().collect();
    let mut columns = Vec::with_capacity(picked.len());
    for (builder, &j) in builders.into_iter().zip(&picked) {
        let name = &names[j];
        if seen[j].is_ambiguous() && matches!(builder.cells, Building::Date(..)) {
            notes.push(format!("the dates of column `{name}` were read with the month first"));
        }
        let text = asked(j).is_none() && matches!(builder.cells, Building::Text(_));
        let remedy = seen[j].remedy().filter(|_| text);
        if let Some(form) = remedy {
            notes.push(format!(
                "column `{name}` was read as text, and its cells look like numbers such as {}: {}",
                form.write(1234.5),
                as_number(name, form)
            ));
        }
        if let Some((count, word)) = seen[j].one_text().filter(|_| text) {
            notes.push(format!(
                "column `{name}` was read as text, for {} of its {} cells hold `{word}` and the others numbers: name it if it stands for a missing value (--missing {word})",
                grouped(count),
                grouped(seen[j].present)
            ));
        }
        if text && seen[j].is_beyond_numbers() {
            notes.push(format!(
                "column `{name}` has digits beyond 2⁶³, which no number holds, and was read as text: ask for the type `number` (--type {name}=number) if it measures something"
            ));
        }
        // Who chooses a column by its name wants it learned.
        let chosen = choice.columns.is_some();
        let column = builder.finish(name, &seen[j], asked(j), chosen)?;
        notes.extend(many_levels(&column, seen[j].present).filter(|_| remedy.is_none()));
        columns.push(column);
    }
    let mut table = into_table(columns, choice, header, notes)?;
    let delimiter = (delimiter != delimiter_of(path)).then_some(char::from(delimiter));
    table.form = FileForm { delimiter, quotes: again.quotes, missing_word, ..FileForm::default() };
    Ok(table)
}

/// The remedy for a column of numbers with signs.
fn as_number(name: &str, form: &NumberForm) -> String {
    let parts = [
        (form.decimal_comma, "decimal commas"),
        (form.thousands.is_some(), "thousands separators"),
        (form.behind.contains('%'), "percent signs"),
        (!form.before.is_empty() || !form.behind.is_empty() && !form.behind.contains('%'), "signs of currency"),
        (form.parentheses, "negative numbers in parentheses"),
    ];
    let parts: Vec<&str> = parts.into_iter().filter(|(has, _)| *has).map(|(_, part)| part).collect();
    format!("ask for the type `number` (--type {name}=number), which reads {}", parts.join(" and "))
}

/// What to tell of a column with nearly as many texts as cells.
pub(super) fn many_levels(column: &Column, present: usize) -> Option<String> {
    let (Cells::Categories { levels, .. }, None | Some(ColumnType::Boolean)) = (&column.cells, column.ty) else { return None };
    let many = levels.len() as f64 > MANY_LEVELS * present as f64 && present >= LEAST_IDENTIFIERS;
    many.then(|| {
        format!(
            "column `{}` has {} different texts in {} cells: samples repeat these texts; ask for the type `identifier` to leave it out",
            column.name,
            grouped(levels.len()),
            grouped(present)
        )
    })
}

/// The table of these columns, of which the last one is the weights where there are any.
pub(super) fn into_table(mut columns: Vec<Column>, choice: &Choice, header: bool, notes: Vec<String>) -> Result<Table> {
    let weights = choice.weights.is_some().then(|| columns.pop()).flatten();
    let table = Table::from_columns(columns)?.from_origin(&choice.origin).with_header(header).with_notes(notes);
    match weights {
        None => Ok(table),
        Some(column) if matches!(column.cells, Cells::Categories { .. } | Cells::Dates { .. }) || column.missing.is_some() => {
            let name = &column.name;
            Err(Error::data(format!("the weights, column `{name}` of {}, must be numbers in every row", choice.origin)))
        }
        Some(column) => {
            let weights = (0..column.rows()).map(|row| column.number(row) as f32).collect();
            table.with_weights(weights)
        }
    }
}

/// What the first pass found.
struct First {
    names: Vec<String>,
    header: bool,
    seen: Vec<Seen>,
    rows: usize,
    /// What is to be told of the file: that its text was decoded.
    note: Option<String>,
    delimiter: u8,
    /// The word that most missing cells have, where most have one.
    missing_word: Option<String>,
    /// The records once more, the header's included.
    again: Records,
}

/// What the first pass finds of a column: what its cells are, and each word for a missing one, with how often it comes and the first row that has it.
#[derive(Clone, Default)]
struct Looked {
    seen: Seen,
    blanks: Vec<(String, usize, usize)>,
}

fn first_pass(path: &Path, header: Option<bool>, options: &TypeOptions) -> Result<First> {
    let (mut records, note, delimiter) = records_as(path, Trim::None)?;
    let again = records.again(note.is_some())?;
    let mut next = |record: &mut ByteRecord| records.read_byte_record(record).map_err(|error| broken(path, error));
    let mut start = ByteRecord::new();
    if !next(&mut start)? {
        return Err(Error::data(format!("{} is empty", path.display())));
    }
    let mut trimmed = start.clone();
    trimmed.trim();
    let (names, header) = names_of(&trimmed, header);
    let mut start = (!header).then_some(start);
    let mut rows = 0;
    let next = |record: &mut ByteRecord| {
        match start.take() {
            Some(start) => *record = start,
            None if !next(record)? => return Ok(false),
            None => {}
        }
        rows += 1;
        if record.len() == names.len() {
            return Ok(true);
        }
        let (bad, mut total) = (record.clone(), rows);
        while next(record).unwrap_or(false) {
            total += 1;
        }
        Err(Bad::Ragged(bad.len()).sentence(path, &names, names.len(), &bad, (rows, total), header))
    };
    let mut columns = vec![Looked::default(); names.len()];
    let (rows, _) = each_block(next, &mut columns, |j, Looked { seen, blanks }, block| {
        for (at, cell) in block.cells(j) {
            let cell = std::str::from_utf8(cell).unwrap_or_default();
            if !options.is_missing(cell) {
                seen.see(cell, at);
                continue;
            }
            match blanks.iter_mut().find(|(word, ..)| word == cell) {
                Some((_, count, _)) => *count += 1,
                None => blanks.push((cell.to_string(), 1, at.row)),
            }
        }
        None::<()>
    })?;
    let missing_word = most_frequent(columns.iter().map(|column| column.blanks.as_slice()));
    let seen = columns.into_iter().map(|column| column.seen).collect();
    Ok(First { names, header, seen, rows, note, delimiter, missing_word, again })
}

/// The word that most missing cells have, by those of each column: where some come as often, the first in the file, and none where the empty cell does.
fn most_frequent<'a>(blanks: impl Iterator<Item = &'a [(String, usize, usize)]>) -> Option<String> {
    let mut all: HashMap<&str, (usize, (usize, usize))> = HashMap::new();
    for (j, (word, count, row)) in blanks.enumerate().flat_map(|(j, own)| own.iter().map(move |blank| (j, blank))) {
        let (sum, first) = all.entry(word).or_insert((0, (*row, j)));
        *sum += count;
        *first = (*first).min((*row, j));
    }
    let empty = all.remove("").map_or(0, |(count, _)| count);
    let (word, (count, _)) = all.into_iter().max_by_key(|(_, (count, first))| (*count, std::cmp::Reverse(*first)))?;
    (count > empty).then(|| word.to_string())
}

/// A column on its way.
pub(super) struct Builder {
    cells: Building,
    missing: Vec<bool>,
    /// What an error calls the cells that are wanted.
    wanted: String,
}

enum Building {
    Number(NumberForm, Vec<f64>),
    Integer(Vec<i64>),
    Date(crate::data::DateForm, Vec<i64>),
    Text(Levels),
}

/// Texts as codes, in the order in which they came.
#[derive(Default)]
pub(super) struct Levels {
    codes: Vec<u32>,
    known: HashMap<Box<str>, u32, RandomState>,
}

/// What a Parquet file's dictionaries are read by.
#[cfg(feature = "parquet")]
impl Levels {
    /// Those of a column whose texts are known.
    pub fn of_codes(codes: Vec<u32>) -> Self {
        Self { codes, known: HashMap::default() }
    }

    /// Of each row.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    pub fn into_codes(self) -> Vec<u32> {
        self.codes
    }
}

impl Levels {
    pub fn push(&mut self, cell: &str) {
        let next = self.known.len() as u32;
        let code = match self.known.get(cell) {
            Some(&code) => code,
            None => {
                self.known.insert(cell.into(), next);
                next
            }
        };
        self.codes.push(code);
    }

    /// Takes in a missing cell.
    pub fn push_missing(&mut self) {
        self.codes.push(u32::MAX);
    }

    /// Codes of the levels in their own order, which does not depend on that of the rows. A column without a cell has one level, which no row
    /// shows.
    pub fn sorted(self) -> (Vec<u32>, Vec<String>) {
        let mut levels: Vec<(Box<str>, u32)> = self.known.into_iter().collect();
        levels.sort_unstable();
        let mut place = vec![0; levels.len()];
        for (at, (_, code)) in levels.iter().enumerate() {
            place[*code as usize] = at as u32;
        }
        let codes = self.codes.into_iter().map(|code| if code == u32::MAX { 0 } else { place[code as usize] }).collect();
        let levels: Vec<String> = levels.into_iter().map(|(level, _)| level.into_string()).collect();
        (codes, if levels.is_empty() { vec![String::new()] } else { levels })
    }
}

impl Builder {
    pub fn new(reading: Reading, rows: usize) -> Self {
        let wanted = match &reading {
            Reading::Integer => "integer".into(),
            Reading::Number(form) if form.is_plain() => "number".into(),
            Reading::Number(form) => format!("number such as {}", form.write(1234.5)),
            Reading::Date(form) => format!("date such as {}", form.write(0)),
            Reading::Text => "text".into(),
        };
        let cells = match reading {
            Reading::Number(form) => Building::Number(form, Vec::with_capacity(rows)),
            Reading::Integer => Building::Integer(Vec::with_capacity(rows)),
            Reading::Date(form) => Building::Date(form, Vec::with_capacity(rows)),
            Reading::Text => Building::Text(Levels::default()),
        };
        Self { cells, missing: Vec::with_capacity(rows), wanted }
    }

    /// Takes in a cell, none where it is missing.
    ///
    /// # Errors
    /// What the cell should have been.
    pub fn push(&mut self, cell: Option<&str>) -> Result<(), &str> {
        self.missing.push(cell.is_none());
        let wanted = self.wanted.as_str();
        match &mut self.cells {
            Building::Number(form, values) => values.push(match cell {
                Some(cell) => form.read(cell).ok_or(wanted)?,
                None => f64::NAN,
            }),
            Building::Integer(values) => values.push(cell.map_or(Some(0), whole).ok_or(wanted)?),
            Building::Date(form, micros) => micros.push(cell.map_or(Some(0), |cell| form.read(cell)).ok_or(wanted)?),
            Building::Text(levels) => match cell {
                Some(cell) => levels.push(cell),
                None => levels.push_missing(),
            },
        }
        Ok(())
    }

    /// The column, with the type that its cells show where none is asked for.
    pub fn finish(self, name: &str, seen: &Seen, asked: Option<ColumnType>, chosen: bool) -> Result<Column> {
        let Self { cells, missing, .. } = self;
        let column = match cells {
            Building::Number(form, values) => Column::numbers(name, values).with_form(form),
            Building::Integer(values) => Column::integers(name, values),
            Building::Date(form, micros) => Column::dates(name, micros, form),
            Building::Text(levels) => {
                let (codes, levels) = levels.sorted();
                Column::categories(name, codes, levels)?
            }
        };
        Ok(with_type_of(column.with_missing(missing)?, asked, chosen, [seen.is_boolean(), seen.counts_up()]))
    }
}

/// The column with the type that was asked for, or that its cells show: whether its texts are two words for true and false, and whether its whole numbers
/// count up by one. A column that was chosen by its name is no identifier.
pub(super) fn with_type_of(column: Column, asked: Option<ColumnType>, chosen: bool, [boolean, counts_up]: [bool; 2]) -> Column {
    let rows = column.rows();
    let present = rows - column.missing.as_ref().map_or(0, |missing| missing.iter().filter(|missing| **missing).count());
    let complete = present == rows;
    let ty = match asked {
        Some(asked) => asked,
        None if present == 0 => ColumnType::Constant,
        None if column.is_constant() && complete => ColumnType::Constant,
        None => match &column.cells {
            Cells::Categories { levels, .. } if levels.len() == present && present >= LEAST_IDENTIFIERS && !chosen => {
                ColumnType::Identifier
            }
            Cells::Categories { .. } if boolean => ColumnType::Boolean,
            Cells::Integers(_) if counts_up && complete && rows >= LEAST_IDENTIFIERS && !chosen => ColumnType::Identifier,
            _ => return column,
        },
    };
    column.with_type(ty)
}
