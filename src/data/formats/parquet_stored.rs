//! Typed columns in a Parquet file: as what each is written.

use std::ops::Range;

use ::parquet::basic::{LogicalType, TimeUnit, Type as Physical};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::writer::SerializedColumnWriter;

use crate::data::Table;
use crate::data::dates::Holds;

/// How a column is written.
pub(super) enum Stored {
    Single,
    Double,
    Integer,
    Boolean,
    Text,
    Day,
    Time,
    Instant { utc: bool },
}

impl Stored {
    pub fn of(table: &Table, j: usize) -> Self {
        if let Some(levels) = table.levels(j) {
            let words = |level: &String| level.eq_ignore_ascii_case("true") || level.eq_ignore_ascii_case("false");
            return if levels.iter().all(words) { Self::Boolean } else { Self::Text };
        }
        match table.date_form(j) {
            Some(form) => match form.holds() {
                Holds::Date => Self::Day,
                Holds::Time => Self::Time,
                Holds::Both => Self::Instant { utc: form.pattern.ends_with('Z') },
                Holds::Zoned => Self::Instant { utc: true },
            },
            None if table.integers(j).is_some() => Self::Integer,
            None if table.kinds()[j].single => Self::Single,
            None => Self::Double,
        }
    }

    pub fn types(&self) -> (Physical, Option<LogicalType>) {
        match self {
            Self::Single => (Physical::FLOAT, None),
            Self::Double => (Physical::DOUBLE, None),
            Self::Integer => (Physical::INT64, None),
            Self::Boolean => (Physical::BOOLEAN, None),
            Self::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Self::Day => (Physical::INT32, Some(LogicalType::Date)),
            Self::Time => (Physical::INT64, Some(LogicalType::time(false, TimeUnit::MICROS))),
            Self::Instant { utc } => (Physical::INT64, Some(LogicalType::timestamp(*utc, TimeUnit::MICROS))),
        }
    }

    /// Writes these rows of the column; missing cells are nulls.
    pub fn write(
        &self,
        table: &Table,
        j: usize,
        rows: Range<usize>,
        column: &mut SerializedColumnWriter,
    ) -> Result<(), ParquetError> {
        let there = |row: &usize| table.missing(j).is_none_or(|missing| !missing[*row]);
        let levels: Option<Vec<i16>> =
            table.missing(j).map(|missing| missing[rows.clone()].iter().map(|m| i16::from(!m)).collect());
        let levels = levels.as_deref();
        let numbers = || rows.clone().filter(there).map(|row| table.row(row)[j]);
        let micros = || numbers().map(|seconds| (seconds * 1e6).round() as i64);
        match self {
            Self::Single => {
                let values: Vec<f32> = numbers().map(|value| value as f32).collect();
                column.typed::<FloatType>().write_batch(&values, levels, None)?
            }
            Self::Double => column.typed::<DoubleType>().write_batch(&numbers().collect::<Vec<_>>(), levels, None)?,
            Self::Integer => {
                let values: Vec<i64> = rows.clone().filter(there).map(|row| table.integer(row, j)).collect();
                column.typed::<Int64Type>().write_batch(&values, levels, None)?
            }
            Self::Boolean => {
                let words: Vec<bool> =
                    table.levels(j).unwrap_or_default().iter().map(|level| level.eq_ignore_ascii_case("true")).collect();
                let values: Vec<bool> = numbers().map(|code| words[code as usize]).collect();
                column.typed::<BoolType>().write_batch(&values, levels, None)?
            }
            Self::Text => {
                let texts: Vec<ByteArray> =
                    table.levels(j).unwrap_or_default().iter().map(|level| level.as_str().into()).collect();
                let values: Vec<ByteArray> = numbers().map(|code| texts[code as usize].clone()).collect();
                column.typed::<ByteArrayType>().write_batch(&values, levels, None)?
            }
            Self::Day => {
                let days: Vec<i32> = micros().map(|micros| micros.div_euclid(86_400_000_000) as i32).collect();
                column.typed::<Int32Type>().write_batch(&days, levels, None)?
            }
            Self::Time | Self::Instant { .. } => {
                column.typed::<Int64Type>().write_batch(&micros().collect::<Vec<_>>(), levels, None)?
            }
        };
        Ok(())
    }
}
