//! The typed columns of a Parquet file, read: it says itself what they are.

use std::path::Path;

use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType};
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::schema::types::ColumnDescriptor;

use super::cell::shortened;
use super::parquet::{BATCH, PANDAS_INDEX, broken, opened, rows_of};
use super::typed::{Builder, Levels, into_table, many_levels, with_type_of};
use crate::data::choice::{Choice, distinct};
use crate::data::number_form::{MOST_DECIMALS, NumberForm, decimals_of};
use crate::data::types::Seen;
use crate::data::{Column, ColumnType, DateForm, Table, TypeOptions};
use crate::words::grouped;
use crate::{Error, Result};

/// Reads the chosen columns with their types. Nulls, NaN and empty texts are missing cells.
pub(super) fn read(path: &Path, choice: &Choice, options: &TypeOptions) -> Result<Table> {
    opened(path, |file| {
        let reader = SerializedFileReader::new(file).map_err(|error| broken(path, error))?;
        let schema = reader.metadata().file_metadata().schema_descr();
        // A column of a structure goes by its whole path, `point.x`.
        let names = distinct(schema.columns().iter().map(|column| column.path().string()).collect());
        let mut picked = choice.among(&names, true)?;
        if choice.columns.is_none() && picked.len() > 1 {
            picked.retain(|&j| names[j] != PANDAS_INDEX);
        }
        for name in options.types.keys() {
            choice.find(name, &names, true)?;
        }
        let rows = rows_of(path, &reader, picked.len())?;
        if rows == 0 {
            return Err(Error::data(format!("{} holds no rows", path.display())));
        }
        let (mut columns, mut notes) = (Vec::with_capacity(picked.len()), Vec::new());
        for j in picked {
            let name = &names[j];
            let kind = Kind::of(&schema.columns()[j]).map_err(|what| {
                Error::data(format!(
                    "column `{name}` of {} holds {what}, which cannot be learned: choose other columns with #",
                    path.display()
                ))
            })?;
            let mut sink = Sink::new(kind, options);
            for group in 0..reader.num_row_groups() {
                let group = reader.get_row_group(group).map_err(|error| broken(path, error))?;
                let (count, before) = (group.metadata().num_rows() as usize, sink.missing.len());
                let source = group.get_column_reader(j).map_err(|error| broken(path, error))?;
                sink.take(source, count, schema.columns()[j].max_def_level()).map_err(|trouble| match trouble {
                    Trouble::File(error) => broken(path, error),
                    Trouble::Cell(why) => Error::data(format!(
                        "column `{name}` of {} holds {why} in row {} (of {})",
                        path.display(),
                        grouped(sink.missing.len()),
                        grouped(rows)
                    )),
                })?;
                if sink.missing.len() - before != count {
                    return Err(Error::format(path, format!("it is damaged: column `{name}` has fewer rows than the file says")));
                }
            }
            if sink.rounded {
                notes.push(format!("the times of column `{name}` were rounded to microseconds"));
            }
            let present = sink.missing.iter().filter(|missing| !**missing).count();
            let asked = options.types.get(name).copied();
            // Who chooses a column by its name wants it learned.
            let column = sink.finish(path, name, asked, choice.columns.is_some())?;
            notes.extend(many_levels(&column, present));
            columns.push(column);
        }
        into_table(columns, choice, true, notes)
    })
}

/// What a column holds, by the file's schema.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Boolean,
    Integer {
        unsigned: bool,
    },
    Float,
    Double,
    /// Whole numbers to be divided by this power of ten.
    Decimal {
        scale: usize,
    },
    Day,
    /// This many units in a microsecond, or microseconds in a unit.
    Instant {
        unit: Unit,
        utc: bool,
    },
    Time {
        unit: Unit,
    },
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    fn of(unit: &TimeUnit) -> Self {
        match unit {
            TimeUnit::MILLIS => Self::Milliseconds,
            TimeUnit::MICROS => Self::Microseconds,
            TimeUnit::NANOS => Self::Nanoseconds,
        }
    }

    /// Microseconds, and whether they are rounded; none beyond what they can be.
    fn micros(self, value: i64) -> Option<(i64, bool)> {
        match self {
            Self::Milliseconds => value.checked_mul(1_000).map(|micros| (micros, false)),
            Self::Microseconds => Some((value, false)),
            Self::Nanoseconds => Some((value.div_euclid(1_000), value.rem_euclid(1_000) != 0)),
        }
    }
}

impl Kind {
    /// Or the words for what the column holds instead.
    fn of(column: &ColumnDescriptor) -> Result<Self, &'static str> {
        use ConvertedType as Converted;
        if column.max_rep_level() > 0 {
            return Err("lists");
        }
        let (logical, converted) = (column.logical_type_ref(), column.converted_type());
        if let Some(LogicalType::Decimal(kind)) = logical {
            return Ok(Self::Decimal { scale: usize::try_from(kind.scale).map_err(|_| "decimals of a negative scale")? });
        }
        if converted == Converted::DECIMAL {
            return Ok(Self::Decimal {
                scale: usize::try_from(column.type_scale()).map_err(|_| "decimals of a negative scale")?,
            });
        }
        match (column.physical_type(), logical, converted) {
            (Physical::BOOLEAN, ..) => Ok(Self::Boolean),
            (Physical::FLOAT, ..) => Ok(Self::Float),
            (Physical::DOUBLE, ..) => Ok(Self::Double),
            (Physical::INT96, ..) => Ok(Self::Instant { unit: Unit::Nanoseconds, utc: false }),
            (Physical::INT32 | Physical::INT64, Some(logical), _) => match logical {
                LogicalType::Integer(kind) => Ok(Self::Integer { unsigned: !kind.is_signed }),
                LogicalType::Date => Ok(Self::Day),
                LogicalType::Timestamp(kind) => Ok(Self::Instant { unit: Unit::of(&kind.unit), utc: kind.is_adjusted_to_u_t_c }),
                LogicalType::Time(kind) => Ok(Self::Time { unit: Unit::of(&kind.unit) }),
                LogicalType::Unknown => Ok(Self::Integer { unsigned: false }),
                _ => Err("something else than numbers, texts and dates"),
            },
            (Physical::INT32 | Physical::INT64, None, converted) => Ok(match converted {
                Converted::DATE => Self::Day,
                Converted::TIMESTAMP_MILLIS => Self::Instant { unit: Unit::Milliseconds, utc: true },
                Converted::TIMESTAMP_MICROS => Self::Instant { unit: Unit::Microseconds, utc: true },
                Converted::TIME_MILLIS => Self::Time { unit: Unit::Milliseconds },
                Converted::TIME_MICROS => Self::Time { unit: Unit::Microseconds },
                Converted::UINT_8 | Converted::UINT_16 | Converted::UINT_32 | Converted::UINT_64 => {
                    Self::Integer { unsigned: true }
                }
                _ => Self::Integer { unsigned: false },
            }),
            (Physical::BYTE_ARRAY, None | Some(LogicalType::String | LogicalType::Enum | LogicalType::Json), _) => Ok(Self::Text),
            (Physical::BYTE_ARRAY, ..) => Err("bytes"),
            (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Float16), _) => Err("float16 values (float32 can be)"),
            (Physical::FIXED_LEN_BYTE_ARRAY, ..) => Err("bytes"),
        }
    }
}

enum Cells {
    Booleans(Vec<bool>),
    Integers(Vec<i64>),
    Numbers(Vec<f64>),
    Micros(Vec<i64>),
    Texts(Levels, Vec<String>),
}

enum Trouble {
    File(ParquetError),
    /// What the last row holds, and what to do about it.
    Cell(String),
}

/// A column on its way.
struct Sink<'a> {
    kind: Kind,
    options: &'a TypeOptions,
    cells: Cells,
    missing: Vec<bool>,
    rounded: bool,
}

impl<'a> Sink<'a> {
    fn new(kind: Kind, options: &'a TypeOptions) -> Self {
        let cells = match kind {
            Kind::Boolean => Cells::Booleans(Vec::new()),
            Kind::Integer { .. } | Kind::Decimal { scale: 0 } => Cells::Integers(Vec::new()),
            Kind::Float | Kind::Double | Kind::Decimal { .. } => Cells::Numbers(Vec::new()),
            Kind::Day | Kind::Instant { .. } | Kind::Time { .. } => Cells::Micros(Vec::new()),
            Kind::Text => Cells::Texts(Levels::default(), Vec::new()),
        };
        Self { kind, options, cells, missing: Vec::new(), rounded: false }
    }

    /// Takes in a row group.
    fn take(&mut self, source: ColumnReader, count: usize, present: i16) -> Result<(), Trouble> {
        match source {
            ColumnReader::BoolColumnReader(source) => each(source, count, present, |value| self.push(value, Self::boolean)),
            ColumnReader::Int32ColumnReader(source) => each(source, count, present, |value| {
                let unsigned = self.kind == (Kind::Integer { unsigned: true });
                let value = value.map(|value| if unsigned { i64::from(value as u32) } else { i64::from(value) });
                self.push(value, Self::whole)
            }),
            ColumnReader::Int64ColumnReader(source) => each(source, count, present, |value| self.push(value, Self::whole)),
            ColumnReader::Int96ColumnReader(source) => {
                each(source, count, present, |value| self.push(value.map(|value| value.to_nanos()), Self::whole))
            }
            ColumnReader::FloatColumnReader(source) => {
                each(source, count, present, |value| self.push(value.map(f64::from), Self::number))
            }
            ColumnReader::DoubleColumnReader(source) => each(source, count, present, |value| self.push(value, Self::number)),
            ColumnReader::ByteArrayColumnReader(source) => each(source, count, present, |value| self.push(value, Self::bytes)),
            ColumnReader::FixedLenByteArrayColumnReader(source) => {
                each(source, count, present, |value| self.push(value.map(ByteArray::from), Self::bytes))
            }
        }
    }

    /// Takes in a cell, none where it is null. `see` takes it in where there is one, and says whether it is missing even so.
    fn push<V>(&mut self, value: Option<V>, see: impl FnOnce(&mut Self, V) -> Result<bool, String>) -> Result<(), String> {
        self.missing.push(value.is_none());
        let there = match value {
            Some(value) => see(self, value)?,
            None => false,
        };
        if !there {
            *self.missing.last_mut().expect("pushed above") = true;
            match &mut self.cells {
                Cells::Booleans(values) => values.push(false),
                Cells::Integers(values) | Cells::Micros(values) => values.push(0),
                Cells::Numbers(values) => values.push(f64::NAN),
                Cells::Texts(levels, _) => levels.push_missing(),
            }
        }
        Ok(())
    }

    fn boolean(&mut self, value: bool) -> Result<bool, String> {
        if let Cells::Booleans(values) = &mut self.cells {
            values.push(value);
        }
        Ok(true)
    }

    fn whole(&mut self, value: i64) -> Result<bool, String> {
        match (&mut self.cells, self.kind) {
            (Cells::Integers(_), Kind::Integer { unsigned: true }) if value < 0 => {
                return Err(format!(
                    "{}, which is beyond 2⁶³: write the column as text if it names rows or groups, or as float64 if it measures",
                    value as u64
                ));
            }
            (Cells::Integers(values), _) => values.push(value),
            (Cells::Numbers(values), Kind::Decimal { scale }) => values.push(decimal(i128::from(value), scale)),
            (Cells::Micros(values), Kind::Day) => values.push(value * 86_400_000_000),
            (Cells::Micros(values), Kind::Instant { unit, .. } | Kind::Time { unit }) => {
                let (micros, rounded) = unit.micros(value).ok_or("a time that is beyond the calendar: correct it")?;
                self.rounded |= rounded;
                values.push(micros);
            }
            _ => {}
        }
        Ok(true)
    }

    fn number(&mut self, value: f64) -> Result<bool, String> {
        if value.is_infinite() {
            return Err(format!("{value}: remove the row or put a finite number there"));
        }
        match &mut self.cells {
            Cells::Numbers(values) if !value.is_nan() => values.push(value),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A text, or the digits of a long decimal.
    fn bytes(&mut self, value: ByteArray) -> Result<bool, String> {
        if let Kind::Decimal { scale } = self.kind {
            let bytes = value.data();
            if bytes.is_empty() || bytes.len() > 16 {
                return Err("a decimal of more than 38 digits: write the column as float64".into());
            }
            // Big-endian two's complement.
            let sign = if bytes[0] >= 0x80 { -1 } else { 0 };
            let value = bytes.iter().fold(sign, |value: i128, &byte| (value << 8) | i128::from(byte));
            match &mut self.cells {
                Cells::Integers(values) => {
                    values.push(
                        value
                            .try_into()
                            .map_err(|_| format!("{value}, which is beyond 2⁶³: write the column as text or float64"))?,
                    );
                }
                Cells::Numbers(values) => values.push(decimal(value, scale)),
                _ => {}
            }
            return Ok(true);
        }
        let text = std::str::from_utf8(value.data())
            .map_err(|_| "bytes that are not UTF-8 text: write the column as text, or choose other columns with #".to_string())?;
        let missing = text.is_empty() || self.options.missing.as_ref().is_some_and(|words| words.iter().any(|word| word == text));
        if let (Cells::Texts(levels, _), false) = (&mut self.cells, missing) {
            levels.push(text);
        }
        Ok(!missing)
    }

    /// How the dates or times of this column are written: with the seconds' decimals that they have.
    fn date_form(&self, micros: &[i64]) -> DateForm {
        let all = |unit: i64| micros.iter().all(|micros| micros % unit == 0);
        let decimals = if all(1_000_000) {
            ""
        } else if all(1_000) {
            "%.3f"
        } else {
            "%.6f"
        };
        let (pattern, offset) = match self.kind {
            Kind::Instant { utc: true, .. } => (format!("%Y-%m-%d %H:%M:%S{decimals}%:z"), Some(0)),
            Kind::Instant { .. } => (format!("%Y-%m-%d %H:%M:%S{decimals}"), None),
            Kind::Time { .. } => (format!("%H:%M:%S{decimals}"), None),
            _ => ("%Y-%m-%d".into(), None),
        };
        DateForm { pattern, offset }
    }

    /// How the numbers of this column are written: with as many decimals as they have, by the rule for those of texts.
    fn number_form(&self, values: &[f64]) -> NumberForm {
        if let Kind::Decimal { scale } = self.kind {
            let decimals = (scale <= MOST_DECIMALS).then_some(scale as u8);
            return NumberForm { decimals, least_decimals: decimals.unwrap_or(0), ..NumberForm::default() };
        }
        // As a whole number is written in a column of numbers.
        match decimals_of(values, self.kind == Kind::Float) {
            Some(decimals) => NumberForm { decimals: Some(decimals), least_decimals: 1, ..NumberForm::default() },
            None => NumberForm::default(),
        }
    }

    /// The column.
    fn finish(mut self, path: &Path, name: &str, asked: Option<ColumnType>, chosen: bool) -> Result<Column> {
        use ColumnType as Is;
        if let Cells::Texts(levels, names) = &mut self.cells {
            let (codes, sorted) = std::mem::take(levels).sorted();
            *names = sorted;
            *levels = Levels::of_codes(codes);
        }
        let fits = match (&self.cells, asked) {
            (_, None | Some(Is::Constant | Is::Identifier)) => true,
            (Cells::Booleans(_) | Cells::Texts(..), Some(asked)) => matches!(asked, Is::Category | Is::Boolean),
            (Cells::Integers(_), Some(asked)) => asked == Is::Integer,
            (Cells::Numbers(_), Some(asked)) => asked == Is::Number,
            (Cells::Micros(_), Some(asked)) => asked == Is::Date,
        };
        if !fits {
            return self.by_texts(path, name, asked, chosen);
        }
        let mut shown = [false; 2];
        let column = match self.cells {
            Cells::Booleans(values) => {
                shown[0] = true;
                let there = |word: bool| values.iter().zip(&self.missing).any(|(value, missing)| *value == word && !missing);
                // A word that no row has is no level.
                let words: Vec<&str> =
                    [(false, "False"), (true, "True")].iter().filter(|(word, _)| there(*word)).map(|(_, text)| *text).collect();
                let both = words.len() == 2;
                let words = if words.is_empty() { vec![""] } else { words };
                Column::categories(name, values.iter().map(|value| u32::from(*value && both)).collect(), words)?
            }
            Cells::Integers(values) => {
                shown[1] = values.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
                Column::integers(name, values)
            }
            Cells::Numbers(ref values) => {
                let form = self.number_form(values);
                Column::numbers(name, values.clone()).with_form(form)
            }
            Cells::Micros(ref micros) => {
                let form = self.date_form(micros);
                Column::dates(name, micros.clone(), form)
            }
            Cells::Texts(levels, names) => {
                let mut seen = Seen::default();
                names.iter().take(3).for_each(|level| seen.see(level, 1));
                shown[0] = seen.is_boolean();
                Column::categories(name, levels.into_codes(), names)?
            }
        };
        Ok(with_type_of(column.with_missing(self.missing)?, asked, chosen, shown))
    }

    /// The column as a type that it does not have in the file: by the texts of its cells.
    fn by_texts(self, path: &Path, name: &str, asked: Option<ColumnType>, chosen: bool) -> Result<Column> {
        let form = match &self.cells {
            Cells::Micros(micros) => Some(self.date_form(micros)),
            _ => None,
        };
        let text = |row: usize| match &self.cells {
            _ if self.missing[row] => None,
            Cells::Booleans(values) => Some(if values[row] { "True".into() } else { "False".into() }),
            Cells::Integers(values) => Some(values[row].to_string()),
            Cells::Numbers(values) => Some(values[row].to_string()),
            Cells::Micros(micros) => form.as_ref().map(|form| form.write(micros[row])),
            Cells::Texts(levels, names) => Some(names[levels.codes()[row] as usize].clone()),
        };
        let rows = self.missing.len();
        let mut seen = Seen::default();
        (0..rows).filter_map(|row| Some((row, text(row)?))).for_each(|(row, cell)| seen.see(&cell, row + 1));
        let mut builder = Builder::new(seen.reading(asked, false), rows);
        for row in 0..rows {
            let cell = text(row);
            builder.push(cell.as_deref()).map_err(|wanted| {
                Error::data(format!(
                    "column `{name}` of {} holds `{}` in row {} (of {}), which is no {wanted}: correct the cell, or ask for another type",
                    path.display(),
                    shortened(cell.as_deref().unwrap_or_default()),
                    grouped(row + 1),
                    grouped(rows)
                ))
            })?;
        }
        builder.finish(name, &seen, asked, chosen)
    }
}

/// The double that is nearest to a decimal.
fn decimal(value: i128, scale: usize) -> f64 {
    // Two exact doubles have the nearest quotient; beyond that the text is read.
    match value.unsigned_abs() < 1 << 53 && scale <= 22 {
        true => value as f64 / 10f64.powi(scale as i32),
        false => format!("{value}e-{scale}").parse().unwrap_or(f64::NAN),
    }
}

/// Shows `see` the cells of a row group, none where one is null. Memory grows with what was decoded, not with what the file says that it holds.
fn each<T: DataType>(
    mut source: ColumnReaderImpl<T>,
    count: usize,
    present: i16,
    mut see: impl FnMut(Option<T::T>) -> Result<(), String>,
) -> Result<(), Trouble> {
    let (mut batch, mut levels, mut done) = (Vec::new(), Vec::new(), 0);
    while done < count {
        batch.clear();
        levels.clear();
        let wanted = (present > 0).then_some(&mut levels);
        let (records, ..) = source.read_records(BATCH.min(count - done), wanted, None, &mut batch).map_err(Trouble::File)?;
        if records == 0 {
            break;
        }
        let mut values = batch.drain(..);
        for k in 0..records {
            // Only values that are there are stored.
            let value = if levels.get(k).is_some_and(|&level| level < present) { None } else { values.next() };
            see(value).map_err(Trouble::Cell)?;
        }
        done += records;
    }
    Ok(())
}
