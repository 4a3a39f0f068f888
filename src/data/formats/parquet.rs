//! Parquet column files, through the column readers of the parquet crate: columns of floats, whole numbers, decimals and booleans.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::{Arc, Once};

use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::DataType;
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::{ColumnDescriptor, Type};

use super::cell::{Fault, Place, Rounded, finite, present};
use super::parquet_stored::Stored;
use crate::data::choice::{Choice, Raw, distinct};
use crate::data::table::listed;
use crate::data::{Table, write_atomically};
use crate::words::{count, grouped};
use crate::{Error, Result};

/// Records read from a column at a time.
pub(super) const BATCH: usize = 1 << 13;

/// Rows of a group in a file that is written.
const GROUP: usize = 1 << 20;

/// Where pandas keeps a table's index; not data unless it is asked for.
pub(super) const PANDAS_INDEX: &str = "__index_level_0__";

pub(super) fn read(path: &Path, choice: &Choice) -> Result<Raw> {
    opened(path, |file| read_file(path, file, choice))
}

/// What `read` makes of an opened file.
pub(super) fn opened<T>(path: &Path, read: impl FnOnce(File) -> Result<T>) -> Result<T> {
    let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
    match without_panic(|| read(file)) {
        Some(outcome) => outcome,
        None => Err(Error::format(path, "it is damaged, or not a Parquet file; copy or write it again")),
    }
}

fn read_file(path: &Path, file: File, choice: &Choice) -> Result<Raw> {
    let reader = SerializedFileReader::new(file).map_err(|error| broken(path, error))?;
    let metadata = reader.metadata();
    let schema = metadata.file_metadata().schema_descr();
    // A nested column goes by its whole path, `point.x`.
    let names = distinct(schema.columns().iter().map(|column| column.path().string()).collect());
    let mut picked = choice.among(&names, true)?;
    if choice.columns.is_none() && picked.len() > 1 {
        picked.retain(|&j| names[j] != PANDAS_INDEX);
    }
    let numbers = picked.iter().map(|&j| Number::of(schema.columns()[j].as_ref())).collect::<Vec<_>>();
    if let Some(at) = numbers.iter().position(Result::is_err) {
        let usable: Vec<String> =
            (0..names.len()).filter(|&j| Number::of(&schema.columns()[j]).is_ok()).map(|j| names[j].clone()).collect();
        let what = numbers[at].as_ref().err().copied().unwrap_or_default();
        return Err(Error::data(format!(
            "column `{}` of {} holds {what}, which cannot be read as numbers: choose other columns with #; its columns of numbers are {}",
            names[picked[at]],
            path.display(),
            listed(&usable)
        )));
    }
    let numbers: Vec<Number> = numbers.into_iter().flatten().collect();

    let rows = rows_of(path, &reader, picked.len())?;
    let mut values = Vec::new();
    let mut rounded = Rounded::new(picked.len());
    let mut before = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|error| broken(path, error))?;
        let count = group.metadata().num_rows() as usize;
        let mut columns = Vec::with_capacity(picked.len());
        for (k, (&j, number)) in picked.iter().zip(&numbers).enumerate() {
            let source = group.get_column_reader(j).map_err(|error| broken(path, error))?;
            let see = |row: usize, number: i128| rounded.see(k, before + row + 1, number);
            let column = number.read(source, count, choice.skip_missing, see).map_err(|trouble| match trouble {
                Trouble::File(error) => broken(path, error),
                Trouble::Cell(at, fault) => {
                    fault.at(&Place { path, column: &names[j], at: (before + at + 1).into(), rows }, None)
                }
            })?;
            if column.len() != count {
                return Err(Error::format(
                    path,
                    format!("it is damaged: column `{}` has fewer rows than the file says", names[j]),
                ));
            }
            columns.push(column);
        }
        for row in 0..count {
            values.extend(columns.iter().map(|column| column[row]));
        }
        before += count;
    }
    let notes = rounded.notes(path, |k| &names[picked[k]]);
    let single = picked.iter().map(|&j| schema.columns()[j].physical_type() == Physical::FLOAT).collect();
    Ok(Raw { names, header: true, picked, values, single, notes })
}

/// Cells that a file may say it has whatever its length, and as many more for each of its bytes: runs of equal values and of nulls take next to no room in a file,
/// and a cell of a table takes eight bytes.
const FREE_CELLS: usize = 1 << 24;
const CELLS_PER_BYTE: usize = 1 << 12;

/// The rows of a file, of which so many columns are read.
///
/// # Errors
/// Row counts that make no sense, or for which there would be no room though hardly anything is in the file.
pub(super) fn rows_of(path: &Path, reader: &SerializedFileReader<File>, columns: usize) -> Result<usize> {
    let damaged = |what: &str| Error::format(path, format!("it is damaged: {what}"));
    let rows = (0..reader.num_row_groups())
        .map(|group| usize::try_from(reader.metadata().row_group(group).num_rows()).ok())
        .try_fold(0usize, |sum, rows| sum.checked_add(rows?))
        .ok_or_else(|| damaged("its row counts make no sense"))?;
    let bytes = std::fs::metadata(path).map_err(|source| Error::io("read", path, source))?.len() as usize;
    let most = bytes.saturating_mul(CELLS_PER_BYTE).saturating_add(FREE_CELLS);
    if rows.saturating_mul(columns) > most {
        let (rows, columns, bytes) = (grouped(rows), count(columns, "column"), count(bytes, "byte"));
        return Err(damaged(&format!("it says that it has {rows} rows of {columns}, in {bytes}")));
    }
    Ok(rows)
}

/// How a column's numbers are stored.
#[derive(Clone, Copy)]
struct Number {
    unsigned: bool,
    /// What a decimal's whole number is divided by; 1 otherwise.
    divisor: f64,
    /// The definition level of a value that is there; 0 where nulls cannot be.
    present: i16,
}

enum Trouble {
    File(ParquetError),
    /// Row within the group, from 0.
    Cell(usize, Fault),
}

impl Number {
    /// Or the words for what the column holds instead.
    fn of(column: &ColumnDescriptor) -> Result<Self, &'static str> {
        use ::parquet::basic::ConvertedType as Converted;
        if column.max_rep_level() > 0 {
            return Err("lists");
        }
        let plain = Self { unsigned: false, divisor: 1.0, present: column.max_def_level() };
        let decimal = |scale: i32| Self { divisor: 10f64.powi(scale.clamp(0, 300)), ..plain };
        match column.physical_type() {
            Physical::BOOLEAN | Physical::FLOAT | Physical::DOUBLE => Ok(plain),
            Physical::INT32 | Physical::INT64 => match (column.logical_type_ref(), column.converted_type()) {
                (Some(LogicalType::Integer(kind)), _) => Ok(Self { unsigned: !kind.is_signed, ..plain }),
                (Some(LogicalType::Decimal(kind)), _) => Ok(decimal(kind.scale)),
                (Some(LogicalType::Date | LogicalType::Time(_) | LogicalType::Timestamp(_)), _) => Err("dates or times"),
                (Some(_), _) => Err("something else"),
                (None, Converted::DECIMAL) => Ok(decimal(column.type_scale())),
                (None, Converted::UINT_8 | Converted::UINT_16 | Converted::UINT_32 | Converted::UINT_64) => {
                    Ok(Self { unsigned: true, ..plain })
                }
                (None, Converted::NONE | Converted::INT_8 | Converted::INT_16 | Converted::INT_32 | Converted::INT_64) => {
                    Ok(plain)
                }
                (None, _) => Err("dates or times"),
            },
            Physical::INT96 => Err("dates or times"),
            Physical::BYTE_ARRAY => Err("text"),
            Physical::FIXED_LEN_BYTE_ARRAY => match column.logical_type_ref() {
                Some(LogicalType::Float16) => Err("float16 values (float32 can be)"),
                Some(LogicalType::Decimal(_)) => Err("long decimals (float64 can be)"),
                _ => Err("bytes"),
            },
        }
    }

    /// The numbers of a column; `see` is shown long whole ones, with their rows from 0.
    fn read(self, source: ColumnReader, count: usize, skip: bool, mut see: impl FnMut(usize, i128)) -> Result<Vec<f64>, Trouble> {
        match source {
            ColumnReader::BoolColumnReader(source) => self.collect(source, count, skip, |_, value| f64::from(u8::from(value))),
            ColumnReader::Int32ColumnReader(source) => self.collect(source, count, skip, |_, value| {
                (if self.unsigned { f64::from(value as u32) } else { f64::from(value) }) / self.divisor
            }),
            ColumnReader::Int64ColumnReader(source) => self.collect(source, count, skip, |row, value| {
                let number = if self.unsigned { i128::from(value as u64) } else { i128::from(value) };
                if self.divisor == 1.0 {
                    see(row, number);
                }
                number as f64 / self.divisor
            }),
            ColumnReader::FloatColumnReader(source) => self.collect(source, count, skip, |_, value| f64::from(value)),
            ColumnReader::DoubleColumnReader(source) => self.collect(source, count, skip, |_, value| value),
            _ => Err(Trouble::File(ParquetError::General("a column changed its type".into()))),
        }
    }

    /// At most `count` values. Memory grows with what was decoded, not with what the file says that it holds.
    fn collect<T: DataType>(
        self,
        mut source: ColumnReaderImpl<T>,
        count: usize,
        skip: bool,
        mut number: impl FnMut(usize, T::T) -> f64,
    ) -> Result<Vec<f64>, Trouble> {
        let mut column = Vec::new();
        let (mut batch, mut levels) = (Vec::new(), Vec::new());
        while column.len() < count {
            batch.clear();
            levels.clear();
            let wanted = BATCH.min(count - column.len());
            let levels_wanted = (self.present > 0).then_some(&mut levels);
            let (records, _, _) = source.read_records(wanted, levels_wanted, None, &mut batch).map_err(Trouble::File)?;
            if records == 0 {
                break;
            }
            // Only values that are there are stored.
            let mut values = batch.drain(..);
            for k in 0..records {
                let row = column.len();
                let value = match levels.get(k).is_some_and(|&level| level < self.present) {
                    true => Err(Fault::Missing),
                    false => values.next().ok_or(Fault::Missing).and_then(|value| finite(number(row, value))),
                };
                column.push(present(value, skip).map_err(|fault| Trouble::Cell(row, fault))?);
            }
        }
        Ok(column)
    }
}

pub(super) fn broken(path: &Path, error: ParquetError) -> Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(source) => Error::io("read", path, *source),
            Err(other) => Error::format(path, format!("it is damaged, or not a Parquet file ({other})")),
        },
        ParquetError::General(why) if why.starts_with("Disabled feature at compile time") => {
            let codec = why.rsplit(' ').next().unwrap_or("?");
            Error::format(path, format!("it is compressed by {codec}: write it with snappy, zstd or gzip, which can be read"))
        }
        other => Error::format(path, format!("it is damaged, or not a Parquet file ({other})")),
    }
}

/// What `work` gives, or `None` if it panicked: the parquet crate still has assertions that a damaged file can reach. The panic's
/// message is kept from standard error, on this thread and for this call alone.
pub(super) fn without_panic<T>(work: impl FnOnce() -> T) -> Option<T> {
    thread_local!(static QUIET: Cell<bool> = const { Cell::new(false) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
    QUIET.set(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    outcome.ok()
}

pub(super) fn write(table: &Table, path: &Path) -> Result<()> {
    write_atomically(path, |file| {
        let mut write = || -> Result<(), ParquetError> {
            let stored: Vec<Stored> = (0..table.cols()).map(|j| Stored::of(table, j)).collect();
            let fields = stored
                .iter()
                .enumerate()
                .map(|(j, stored)| {
                    let (physical, logical) = stored.types();
                    let nulls = if table.missing(j).is_some() { Repetition::OPTIONAL } else { Repetition::REQUIRED };
                    let field = Type::primitive_type_builder(&table.columns()[j], physical);
                    field.with_logical_type(logical).with_repetition(nulls).build().map(Arc::new)
                })
                .collect::<Result<Vec<_>, _>>()?;
            let schema = Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?);
            let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
            let mut writer = SerializedFileWriter::new(&mut *file, schema, Arc::new(properties))?;
            for start in (0..table.rows()).step_by(GROUP) {
                let mut group = writer.next_row_group()?;
                let end = table.rows().min(start + GROUP);
                for (j, stored) in stored.iter().enumerate() {
                    let mut column = group.next_column()?.ok_or_else(|| ParquetError::General("a column too many".into()))?;
                    stored.write(table, j, start..end, &mut column)?;
                    column.close()?;
                }
                group.close()?;
            }
            writer.close()?;
            Ok(())
        };
        write().map_err(|error| match error {
            ParquetError::External(inner) => inner.downcast::<io::Error>().map_or_else(io::Error::other, |source| *source),
            other => io::Error::other(other),
        })
    })
}
