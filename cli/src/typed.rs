//! Tables with other columns than numbers, or with missing cells: read with the types of their columns, and encoded as numbers.

use std::collections::HashMap;

use pushforward::data::{ColumnType, Encoding, FileFormat, LoadOptions, Origin, Source, Table, TypeOptions, as_numbers};
use pushforward::train::{Encoded, TEST_NOISE, VALIDATION_NOISE};
use pushforward::words::{count, table as lined_up};
use pushforward::{Error, Result};

use super::arguments::{Levels, Types};
use super::console::Console;

/// The rows of a training as numbers.
pub struct Typed {
    pub encoded: Encoded,
    pub validation: Option<(String, Table)>,
    pub test: Option<(String, Table)>,
    /// How many columns are learned, and which are given.
    pub learned: usize,
    pub given: Vec<String>,
    /// The columns in a line each.
    described: String,
    /// What the readers have to say.
    notes: Vec<String>,
}

/// Which tables are read with the types of their columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    All,
    /// Those whose samples would not be like their rows without an encoding: of numbers alone, too.
    Encoded,
    /// Those that are not of numbers alone.
    Mixed,
}

/// What reading a source with the types of its columns has found.
pub enum Found<T> {
    Typed(T),
    /// Its columns are numbers without missing cells: the table, where it is as a reader of numbers gives it.
    Numbers(Option<Box<Table>>),
}

/// The words of an argument that stand for missing cells.
pub fn words(missing: Option<&String>) -> Option<Vec<String>> {
    missing.map(|words| words.split(',').filter(|word| !word.is_empty()).map(String::from).collect())
}

/// How the columns are read and learned, by the arguments.
pub fn options(types: &Types, levels: Option<&Levels>) -> Result<TypeOptions> {
    let pair = |text: &String| -> Result<(String, ColumnType)> {
        let (name, ty) = text
            .rsplit_once('=')
            .ok_or_else(|| Error::usage(format!("--type {text}: write COLUMN=TYPE, such as --type zip=category")))?;
        Ok((name.to_string(), ty.parse()?))
    };
    let named = types.types.iter().map(pair).collect::<Result<HashMap<_, _>>>()?;
    let min_count = levels.and_then(|levels| levels.min_count).unwrap_or(1);
    Ok(TypeOptions { types: named, missing: words(types.missing.as_ref()), min_count })
}

/// The rows of a source as numbers by the types of its columns, with those of further sets, and what was found is said. Where the columns are numbers
/// without missing cells they stay as they are, unless `which` says that these are encoded, too. `encode` is given the table, its conditions behind, and how many these are.
pub fn read(
    source: &Source,
    conditions: &[String],
    sets: [&Option<Source>; 2],
    (load, types): (&LoadOptions, &TypeOptions),
    (seed, console, which): (u64, Console, Which),
    encode: &mut dyn FnMut(Table, usize) -> Result<Encoded>,
) -> Result<Found<Typed>> {
    let table = match looked_at(source, conditions, load, types, which)? {
        Found::Typed(table) => table,
        Found::Numbers(table) => return Ok(Found::Numbers(table)),
    };
    let mut typed = Typed::encode(&table, conditions, sets, (load, types), seed, encode)?;
    for (name, levels) in typed.encoded.encoding.iter().flat_map(|encoding| encoding.pooled()) {
        if types.min_count > 1 {
            let rows = count(types.min_count, "row");
            typed.notes.push(format!(
                "{levels} categories of `{name}` have fewer than {rows} each: they are learned as one (--min-count)"
            ));
        }
    }
    console.message(typed.described.trim_end());
    typed.notes.iter().for_each(|note| console.message(&format!("warning: {note}")));
    Ok(Found::Typed(typed))
}

/// The table with its types, where it is one of these, or its conditions are all that make it one.
pub fn table(
    source: &Source,
    conditions: &[String],
    load: &LoadOptions,
    types: &TypeOptions,
    which: Which,
) -> Result<Option<Table>> {
    Ok(match looked_at(source, conditions, load, types, which)? {
        Found::Typed(table) => Some(table),
        Found::Numbers(_) => None,
    })
}

fn looked_at(
    source: &Source,
    conditions: &[String],
    load: &LoadOptions,
    types: &TypeOptions,
    which: Which,
) -> Result<Found<Table>> {
    let by_name =
        |asked: &str| Err(Error::usage(format!("{asked} is for CSV and Parquet files, and {} is neither", source.origin)));
    let format = match &source.origin {
        Origin::File(path) => Some(FileFormat::of(path)?).filter(|format| *format != FileFormat::Npy),
        Origin::Toy(..) => None,
    };
    let Some(format) = format else {
        return match (types.types.keys().next(), &types.missing) {
            (Some(name), _) => by_name(&format!("--type {name}=…")),
            (None, Some(_)) => by_name("--missing"),
            (None, None) => Ok(Found::Numbers(None)),
        };
    };
    let mut types = types.clone();
    for (name, _) in conditions.iter().filter_map(|name| name.rsplit_once(":levels")) {
        types.types.insert(name.to_string(), ColumnType::Category);
    }
    let table = source.load_typed(0, load, &types)?;
    if table.rows() < 2 {
        // Says so by itself.
        return Ok(Found::Numbers(None));
    }
    let plain_names: Vec<String> = conditions.iter().filter(|name| plain(name) == **name).cloned().collect();
    let conditions: Vec<String> = conditions.iter().map(|name| plain(name)).collect();
    let generated: Vec<&String> = table.columns().iter().filter(|name| !conditions.contains(name)).collect();
    // Numbers given texts have an encoding of their own; `NAME:levels` asks for it.
    // Those of a CSV file, that is, whose conditions are read as they show themselves.
    let asked = |name: &String| {
        let missing = || table.index_of(name).is_ok_and(|j| table.missing(j).is_some());
        types.types.contains_key(name) || types.missing.is_some() && missing()
    };
    let is_left = |table: &Table| match which {
        Which::All => false,
        Which::Encoded => Encoding::is_needless(table),
        Which::Mixed => Encoding::is_of_numbers(table),
    };
    let left = match format {
        FileFormat::Csv if plain_names.iter().any(asked) => false,
        FileFormat::Csv if generated.is_empty() => which != Which::All,
        FileFormat::Csv => is_left(&table.select(&generated)?),
        _ => is_left(&table),
    };
    Ok(match !left {
        true => Found::Typed(table),
        // A Parquet file may hold numbers in single precision, and texts that are given have another reader.
        false => Found::Numbers(as_numbers(&table).filter(|_| format == FileFormat::Csv && conditions.is_empty()).map(Box::new)),
    })
}

/// A condition's column: `NAME:levels` asks for categories.
fn plain(name: &str) -> String {
    name.strip_suffix(":levels").unwrap_or(name).to_string()
}

impl Typed {
    /// Encodes a table, its conditions behind, and further rows for validation and test as it.
    fn encode(
        table: &Table,
        conditions: &[String],
        sets: [&Option<Source>; 2],
        (load, types): (&LoadOptions, &TypeOptions),
        seed: u64,
        encode: &mut dyn FnMut(Table, usize) -> Result<Encoded>,
    ) -> Result<Self> {
        let conditions: Vec<String> = conditions.iter().map(|name| plain(name)).collect();
        for (i, name) in conditions.iter().enumerate() {
            table.index_of(name)?;
            if conditions[..i].contains(name) {
                return Err(Error::usage(format!("`condition` names `{name}` twice")));
            }
        }
        let learned = table.columns().iter().filter(|name| !conditions.contains(name));
        let table = table.select(learned.chain(&conditions))?;
        let lines: Vec<[String; 5]> = table.describe().iter().map(|column| column.cells()).collect();
        let head = ["column", "type", "distinct", "missing", "range"].map(String::from);
        let described = lined_up(&std::iter::once(head).chain(lines).map(Vec::from).collect::<Vec<_>>());
        let mut notes = table.notes().to_vec();
        let encoded = encode(table.clone(), conditions.len())?;
        // A smaller file may not show what a column is.
        let known = (0..table.cols()).map(|j| (table.columns()[j].clone(), table.column_type(j)));
        let known = known.filter(|(_, ty)| ty.is_learned()).chain(types.types.clone()).collect();
        let types = &TypeOptions { types: known, ..types.clone() };
        let mut further = |source: &Option<Source>, noise: u64| -> Result<Option<(String, Table)>> {
            let Some(source) = source else { return Ok(None) };
            let rows = source.load_typed(0, load, types)?;
            notes.extend(rows.notes().iter().cloned());
            let rows = match &encoded.encoding {
                Some(encoding) => encoding.encode(&rows, seed ^ noise)?,
                None => rows.align(table.columns())?,
            };
            Ok(Some((source.to_string(), rows)))
        };
        let (validation, test) = (further(sets[0], VALIDATION_NOISE)?, further(sets[1], TEST_NOISE)?);
        let learned = (0..table.cols() - conditions.len()).filter(|&j| table.column_type(j).is_learned()).count();
        Ok(Self { encoded, validation, test, learned, given: conditions, described, notes })
    }
}
