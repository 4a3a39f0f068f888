//! A source of rows, as it is written on the command line and in configuration files.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::choice::{Choice, Raw};
use super::formats::csv::{self, Scanned};
use super::levels::groups;
use super::table::numbered;
use super::{FileFormat, Table, TypeOptions, formats, nearest, toy::Toy};
use crate::{Error, Result};

/// Rows that a source gives when it does not say how many: `toy:moons` is `toy:moons:10000`.
pub const DEFAULT_TOY_ROWS: usize = 10_000;

/// The most rows that a toy target gives in one table.
pub const MAX_TOY_ROWS: usize = 100_000_000;

/// Where rows come from: a file or a toy target, and which of its columns.
///
/// | written | is |
/// |---|---|
/// | `people.csv` | every column of a CSV file, with or without a header; the delimiter is a comma, semicolon or tab |
/// | `people.csv#age,height` | two of its columns, in this order |
/// | `people.csv.gz`, `people.csv.zst`, `-` | the same packed by gzip or Zstandard, or from standard input |
/// | `x.npy`, `x.npy#0,3` | a NumPy array of one or two dimensions; columns by number from 0 (or as `x0`, `x3`) |
/// | `people.parquet#age` | a Parquet file |
/// | `toy:moons`, `toy:moons:2000` | a [toy target](super::toy), 10,000 rows unless said |
///
/// A column is looked up by its name first, then as a number counted from 0. A name that holds a comma is put in double quotes,
/// as in CSV. `Display` writes what `FromStr` reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Source {
    /// The file or toy target.
    pub origin: Origin,
    /// The columns chosen, in order; all of them if `None`.
    pub columns: Option<Vec<String>>,
}

/// What a [`Source`] reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file whose ending gives its [`FileFormat`].
    File(PathBuf),
    /// A toy target and its number of rows.
    Toy(Toy, usize),
}

/// How to read a source, beyond what its text says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// The column that holds one weight a row (looked up like any other); it is left out of the values.
    pub weights: Option<String>,
    /// Whether a CSV file's first row is a header. By default it is one unless all its cells are numbers or missing.
    pub header: Option<bool>,
    /// Whether rows with a missing value in a column that is read are left out, which [`Table::notes`] then tell, and not refused.
    pub skip_missing: bool,
}

impl Source {
    /// Reads the table. `seed` decides the rows of a toy target (two seeds give independent rows of one distribution) and does not matter to files.
    ///
    /// Refused, each naming file, row and column: cells that are empty, NaN, infinite or not numbers;
    /// rows of another length than the header; array files that are cut short or not of one or two dimensions; Parquet columns
    /// that are not numbers, unless other columns are chosen; and a table without rows.
    pub fn load(&self, seed: u64, options: &LoadOptions) -> Result<Table> {
        let choice = Choice {
            origin: self.origin.to_string(),
            columns: self.columns.as_deref(),
            weights: options.weights.as_deref(),
            skip_missing: options.skip_missing,
        };
        let raw = match &self.origin {
            Origin::Toy(toy, rows) => {
                let table = toy.sample(*rows, seed);
                let picked = choice.among(table.columns(), true)?;
                let names = table.columns().to_vec();
                let values = table.select_columns(&picked).into_values();
                let single = vec![true; picked.len()];
                Raw { names, header: true, picked, values, single, notes: Vec::new() }
            }
            Origin::File(path) => formats::read(path, &choice, options.header)?,
        };
        raw.into_table(&choice)
    }

    /// Reads the table with the types of its columns: numbers, whole numbers, categories, dates, and cells that are missing. A
    /// Parquet file says them; of a CSV file they are found by its cells; [`Table::notes`] has what should be known of that.
    ///
    /// # Errors
    /// A file that cannot be read; a row of another length than the header; a type that was asked for and that a cell is not; lists, and
    /// bytes that are no text, in a Parquet file.
    pub fn load_typed(&self, seed: u64, options: &LoadOptions, types: &TypeOptions) -> Result<Table> {
        let choice = Choice {
            origin: self.origin.to_string(),
            columns: self.columns.as_deref(),
            weights: options.weights.as_deref(),
            skip_missing: false,
        };
        let typed = match &self.origin {
            Origin::File(path) => formats::read_typed(path, &choice, options.header, types),
            Origin::Toy(..) => None,
        };
        let by_type = typed.is_some();
        let mut table = typed.unwrap_or_else(|| self.load(seed, options))?;
        table.by_type = by_type;
        table.form.missing_words = types.missing.clone();
        table.form.min_count = types.min_count;
        Ok(table)
    }

    /// The same source with its columns in the order of a conditional distribution: those to generate, and behind them those that are `given`; and
    /// how many these are. Columns are looked up as [`Source`] says. A given column of texts, or one named `COLUMN:levels`, becomes an
    /// indicator `COLUMN=LEVEL` of each of its levels. The column of `weights` is neither.
    ///
    /// # Errors
    /// A column that is not there or is given twice; no column left to generate; a column of more than 64 levels.
    pub fn with_given(&self, given: &[String], weights: Option<&str>) -> Result<(Self, usize)> {
        let scanned = self.scan()?;
        let names: Vec<String> = scanned.iter().map(|column| column.name.clone()).collect();
        let choice = Choice { origin: self.origin.to_string(), columns: None, weights: None, skip_missing: false };
        let header = names != numbered(names.len());
        let (mut columns, mut places) = (Vec::new(), Vec::new());
        for asked in given {
            let (name, always) = match asked.strip_suffix(":levels") {
                Some(name) if !names.contains(asked) => (name, true),
                _ => (asked.as_str(), false),
            };
            let place = choice.find(name, &names, header)?;
            let Scanned { name, texts, levels } = &scanned[place];
            if places.contains(&place) {
                return Err(Error::usage(format!("`condition` names `{name}` twice")));
            }
            places.push(place);
            if !(*texts || always) {
                columns.push(name.clone());
                continue;
            }
            if !self.is_csv() {
                return Err(Error::usage(format!(
                    "the condition `{asked}` asks for categories, which are read from CSV files only"
                )));
            }
            if name.contains('=') {
                return Err(Error::data(format!(
                    "column `{name}` of {} cannot be categorical, because its name contains `=`: rename it",
                    self.origin
                )));
            }
            let levels = levels.as_ref().ok_or_else(|| {
                Error::data(format!(
                    "column `{name}` of {} has more than {} categories: condition on a column with fewer, or on a numeric one",
                    self.origin,
                    csv::MOST_LEVELS
                ))
            })?;
            columns.extend(levels.iter().map(|level| format!("{name}={level}")));
        }
        let chosen: Vec<usize> = match &self.columns {
            None => (0..names.len()).collect(),
            Some(chosen) => chosen.iter().map(|name| choice.find(name, &names, header)).collect::<Result<_>>()?,
        };
        let weights = weights.map(|name| choice.find(name, &names, header)).transpose()?;
        let count = columns.len();
        let generated = chosen.into_iter().filter(|j| !places.contains(j) && Some(*j) != weights).map(|j| names[j].clone());
        let all: Vec<String> = generated.chain(columns).collect();
        if all.len() == count {
            return Err(Error::usage("every column is a conditioning column: leave one to generate"));
        }
        Ok((Self { origin: self.origin.clone(), columns: Some(all) }, count))
    }

    /// The same source with indicators in the place of each of its columns of texts that has 64 levels at most.
    pub fn with_levels(&self) -> Result<Self> {
        if !self.is_csv() {
            return Ok(self.clone());
        }
        let scanned = self.scan()?;
        let leveled = |name: &String| {
            let column = scanned.iter().find(|column| column.name == *name && column.texts);
            column.and_then(|column| column.levels.as_ref()).filter(|_| !name.contains('='))
        };
        let all = || scanned.iter().map(|column| column.name.clone()).collect();
        let chosen: Vec<String> = self.columns.clone().unwrap_or_else(all);
        if !chosen.iter().any(|name| leveled(name).is_some()) {
            return Ok(self.clone());
        }
        let each = |name: String| match leveled(&name) {
            Some(levels) => levels.iter().map(|level| format!("{name}={level}")).collect(),
            None => vec![name],
        };
        Ok(Self { origin: self.origin.clone(), columns: Some(chosen.into_iter().flat_map(each).collect()) })
    }

    /// The same source with these columns of a table behind its others.
    pub fn with_behind(&self, behind: &[String]) -> Result<Self> {
        let given: Vec<&str> = groups(behind).iter().map(|group| group.column).collect();
        let names = match &self.columns {
            Some(chosen) => chosen.clone(),
            None => self.scan()?.into_iter().map(|column| column.name).collect(),
        };
        let others = names.into_iter().filter(|name| !given.contains(&name.as_str()) && !behind.contains(name));
        Ok(Self { origin: self.origin.clone(), columns: Some(others.chain(behind.iter().cloned()).collect()) })
    }

    /// The names of its columns.
    pub fn column_names(&self) -> Result<Vec<String>> {
        match &self.columns {
            Some(chosen) => Ok(chosen.clone()),
            None => Ok(self.scan()?.into_iter().map(|column| column.name).collect()),
        }
    }

    /// Refuses texts that are none of the levels that the chosen columns stand for.
    pub fn check_levels(&self) -> Result<()> {
        let (Origin::File(path), Some(chosen)) = (&self.origin, &self.columns) else { return Ok(()) };
        if self.is_csv() { csv::check_levels(path, &groups(chosen)) } else { Ok(()) }
    }

    fn is_csv(&self) -> bool {
        matches!(&self.origin, Origin::File(path) if FileFormat::of(path).is_ok_and(|format| format == FileFormat::Csv))
    }

    /// Every column of the source. Of CSV files alone it is known what they hold besides numbers.
    fn scan(&self) -> Result<Vec<Scanned>> {
        match &self.origin {
            Origin::File(path) if FileFormat::of(path)? == FileFormat::Csv => csv::scan(path),
            origin => {
                let table = Self { origin: origin.clone(), columns: None }.load(0, &LoadOptions::default())?;
                let column = |name: &String| Scanned { name: name.clone(), texts: false, levels: Some(Vec::new()) };
                Ok(table.columns().iter().map(column).collect())
            }
        }
    }

    /// SHA-256 of the file's bytes; `None` for a toy target, whose text and seed say it all.
    pub fn file_hash(&self) -> Result<Option<String>> {
        match &self.origin {
            Origin::File(path) => super::file_hash(path).map(Some),
            Origin::Toy(..) => Ok(None),
        }
    }
}

impl Table {
    /// Reads a table: a file (`people.csv`, `people.csv#age,height`, `x.npy`, `people.parquet`) or a toy target (`toy:moons:2000`), as
    /// [`Source`] has them. A CSV file's columns have the types that their cells show, a Parquet file's those that it says.
    ///
    /// # Errors
    /// As [`Source::load_typed`].
    pub fn read(source: &str) -> Result<Self> {
        source.parse::<Source>()?.load_typed(0, &LoadOptions::default(), &TypeOptions::default())
    }
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(rest) = text.strip_prefix("toy:") {
            let (rest, columns) = match rest.split_once('#') {
                Some((rest, list)) => (rest, Some(chosen(text, list)?)),
                None => (rest, None),
            };
            let (name, rows) = match rest.split_once(':') {
                Some((name, rows)) => (name, toy_rows(text, rows)?),
                None => (rest, DEFAULT_TOY_ROWS),
            };
            return Ok(Self { origin: Origin::Toy(name.parse()?, rows), columns });
        }
        // The path ends at the first `#` that leaves a known ending before it, so that a folder's name may hold one.
        let cut = text.match_indices('#').map(|(at, _)| at).find(|&at| FileFormat::guess(&text[..at]).is_some());
        let (path, columns) = match cut {
            Some(at) => (&text[..at], Some(chosen(text, &text[at + 1..])?)),
            None => (text, None),
        };
        if FileFormat::guess(path).is_none() {
            let toys = Toy::ALL.iter().map(|toy| toy.name());
            let guess =
                nearest(path, toys).map(|name| format!("; for the toy distribution write toy:{name}")).unwrap_or_default();
            return Err(Error::usage(format!(
                "`{text}` is not a source of data: give a file ending in .npy, .csv (.csv.gz, .csv.zst) or .parquet, or - for standard input, with #column,column to choose columns, or toy:NAME[:ROWS]{guess}"
            )));
        }
        Ok(Self { origin: Origin::File(PathBuf::from(path)), columns })
    }
}

fn toy_rows(text: &str, rows: &str) -> Result<usize> {
    match rows.replace('_', "").parse() {
        Ok(rows @ 1..=MAX_TOY_ROWS) => Ok(rows),
        _ => Err(Error::usage(format!(
            "`{text}` asks for `{rows}` rows: give an integer from 1 to 100,000,000, as in toy:moons:2000"
        ))),
    }
}

/// The column names after `#`: one CSV record.
fn chosen(text: &str, list: &str) -> Result<Vec<String>> {
    let mut records = ::csv::ReaderBuilder::new().has_headers(false).trim(::csv::Trim::All).from_reader(list.as_bytes());
    let mut record = ::csv::StringRecord::new();
    let found = records.read_record(&mut record).unwrap_or(false);
    let names: Vec<String> = record.iter().map(str::to_owned).collect();
    if !found || names.iter().any(String::is_empty) {
        return Err(Error::usage(format!(
            "`{text}` chooses columns by an empty name: write them after # with commas between, as in people.csv#age,height"
        )));
    }
    Ok(names)
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.origin.fmt(f)?;
        for (j, name) in self.columns.iter().flatten().enumerate() {
            f.write_str(if j == 0 { "#" } else { "," })?;
            if name.contains([',', '"', '\n', '\r', '\u{feff}']) {
                write!(f, "\"{}\"", name.replace('"', "\"\""))?;
            } else {
                f.write_str(name)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Toy(toy, rows) => write!(f, "toy:{}:{rows}", toy.name()),
        }
    }
}

impl TryFrom<String> for Source {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}
