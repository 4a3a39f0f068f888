//! CSV: comma-, semicolon- or tab-separated values, with or without a header (RFC 4180, quoted fields and all).

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use ::csv::{ByteRecord, ReaderBuilder, Terminator, Trim, WriterBuilder};

use super::cell::{Fault, Place, grouped, single};
use super::source::{Choice, Raw, choose_advice, distinct};
use super::table::numbered;
use super::{Table, write_atomically};
use crate::{Error, Result};

/// What the delimiter is judged by: the first records of this many bytes.
const SNIFFED: usize = 1 << 16;

pub(super) fn read(path: &Path, choice: &Choice, header: Option<bool>) -> Result<Raw> {
    let mut file = File::open(path).map_err(|source| Error::io("open", path, source))?;
    let mut start = Vec::new();
    Read::by_ref(&mut file).take(SNIFFED as u64).read_to_end(&mut start).map_err(|source| Error::io("read", path, source))?;
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return Err(Error::format(path, "this is UTF-16 text: save it as UTF-8"));
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    let mut records = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .delimiter(delimiter(text, start.len() == SNIFFED))
        .from_reader(text.chain(file));
    let mut next = |record: &mut ByteRecord| records.read_byte_record(record).map_err(|error| broken(path, error));

    let mut record = ByteRecord::new();
    if !next(&mut record)? {
        return Err(Error::data(format!("{} is empty", path.display())));
    }
    let header = header.unwrap_or_else(|| record.iter().any(|cell| matches!(parse(cell), Err(Fault::Text(_)))));
    let names = match header {
        true => distinct(record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()),
        false => numbered(record.len()),
    };
    let width = names.len();
    let indicators = if header { choice.indicators(&names) } else { Vec::new() };
    let names: Vec<String> = names.into_iter().chain(indicators.iter().map(|(name, ..)| name.clone())).collect();
    let picked = choice.among(&names, header)?;

    let mut values = Vec::new();
    let mut rows = 0;
    let mut more = !header || next(&mut record)?;
    while more {
        rows += 1;
        let value = |j: usize| match j.checked_sub(width).map(|k| &indicators[k]) {
            None => parse(&record[j]).and_then(single),
            Some((_, of, level)) => match parse(&record[*of]) {
                Err(Fault::Missing) => Err(Fault::Missing),
                _ => Ok(f32::from(u8::from(&record[*of] == level.as_bytes()))),
            },
        };
        let fault = match record.len() == width {
            false => Some(Bad::Ragged(record.len())),
            true => picked.iter().find_map(|&j| match value(j) {
                Ok(value) => {
                    values.push(value);
                    None
                }
                Err(fault) => Some(Bad::Cell(j, fault)),
            }),
        };
        if let Some(bad) = fault {
            let broken_row = record.clone();
            let mut total = rows;
            while next(&mut record).unwrap_or(false) {
                total += 1;
            }
            return Err(bad.sentence(path, &names, width, &broken_row, (rows, total), header));
        }
        more = next(&mut record)?;
    }
    Ok(Raw { names, header, picked, values })
}

/// The names of a file's columns, and where `of` is given the distinct texts of that column in order, none where it holds numbers alone.
pub(super) fn scan(path: &Path, of: Option<(&str, bool)>) -> Result<(Vec<String>, Option<Vec<String>>)> {
    let mut file = File::open(path).map_err(|source| Error::io("open", path, source))?;
    let mut start = Vec::new();
    Read::by_ref(&mut file).take(SNIFFED as u64).read_to_end(&mut start).map_err(|source| Error::io("read", path, source))?;
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    let mut records = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .delimiter(delimiter(text, start.len() == SNIFFED))
        .from_reader(text.chain(file));
    let mut record = ByteRecord::new();
    if !records.read_byte_record(&mut record).map_err(|e| broken(path, e))? {
        return Err(Error::data(format!("{} is empty", path.display())));
    }
    if !record.iter().any(|cell| matches!(parse(cell), Err(Fault::Text(_)))) {
        return Ok((numbered(record.len()), None));
    }
    let names = distinct(record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect());
    let place = of.and_then(|(name, always)| Some((names.iter().position(|have| have == name)?, always)));
    let Some((j, always)) = place else { return Ok((names, None)) };
    let (mut texts, mut words) = (std::collections::BTreeSet::new(), always);
    while records.read_byte_record(&mut record).map_err(|e| broken(path, e))? {
        let Some(cell) = record.get(j) else { continue };
        match parse(cell) {
            Err(Fault::Missing) => continue,
            Err(Fault::Text(_)) => words = true,
            _ => {}
        }
        texts.insert(String::from_utf8_lossy(cell).into_owned());
        if texts.len() > MOST_LEVELS && words {
            return Err(Error::data(format!(
                "column `{}` of {} holds more than {MOST_LEVELS} different texts: give one with fewer, or a number",
                names[j],
                path.display()
            )));
        }
    }
    Ok((names, words.then(|| texts.into_iter().collect())))
}

/// Different texts of a column at most.
const MOST_LEVELS: usize = 64;

/// What stops the reading of a row.
enum Bad {
    Ragged(usize),
    Cell(usize, Fault),
}

impl Bad {
    fn sentence(
        self,
        path: &Path,
        names: &[String],
        width: usize,
        record: &ByteRecord,
        (row, rows): (usize, usize),
        header: bool,
    ) -> Error {
        match self {
            Self::Ragged(fields) => Error::data(format!(
                "row {} (of {}) of {} has {fields} field{} where the {} has {}: correct the row or remove it",
                grouped(row),
                grouped(rows),
                path.display(),
                if fields == 1 { "" } else { "s" },
                if header { "header" } else { "first row" },
                width
            )),
            Self::Cell(column, fault) => {
                let advice = match &fault {
                    Fault::Text(text) if text.replacen(',', ".", 1).parse::<f64>().is_ok() => {
                        Some("write decimals with a point".to_string())
                    }
                    // Text from the first row on is a column of words, not a slip.
                    Fault::Text(_) if row == 1 => {
                        let numeric = |j: &usize| !matches!(parse(&record[*j]), Err(Fault::Text(_)));
                        let usable: Vec<String> = (0..width).filter(numeric).map(|j| names[j].clone()).collect();
                        Some(choose_advice(path, &usable))
                    }
                    _ => None,
                };
                fault.at(&Place { path, column: &names[column], row, rows }, advice)
            }
        }
    }
}

/// A cell as a number; `true` and `false` count as 1 and 0.
fn parse(cell: &[u8]) -> Result<f64, Fault> {
    let text = std::str::from_utf8(cell).map(str::trim).map_err(|_| Fault::Text(String::from_utf8_lossy(cell).into_owned()))?;
    if let Ok(number) = text.parse::<f64>() {
        return Ok(number);
    }
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(1.0),
        "false" => Ok(0.0),
        "" | "na" | "n/a" | "#n/a" | "<na>" | "null" | "none" | "?" => Err(Fault::Missing),
        _ => Err(Fault::Text(text.to_owned())),
    }
}

/// Tab, semicolon or comma: the first of them by which the leading records all have the same number of fields, more than one.
/// The comma comes last, as it also stands in text and in the decimals of half of Europe. Where no delimiter gives equal
/// records (a ragged file), the one that the first record has most of.
fn delimiter(text: &[u8], cut: bool) -> u8 {
    let counts = [b'\t', b';', b','].map(|delimiter| {
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text);
        let mut fields: Vec<usize> = reader.byte_records().map_while(|record| Some(record.ok()?.len())).take(50).collect();
        if cut && fields.len() > 1 && fields.len() < 50 {
            fields.pop(); // its end was not read
        }
        (delimiter, fields)
    });
    let even =
        counts.iter().find(|(_, fields)| fields.first().is_some_and(|&first| first > 1 && fields.iter().all(|&n| n == first)));
    let most = counts.iter().max_by_key(|(_, fields)| fields.first().copied().unwrap_or(0));
    let single_field = counts.iter().all(|(_, fields)| fields.first().is_none_or(|&first| first == 1));
    match (even, most) {
        (Some((delimiter, _)), _) => *delimiter,
        (None, Some((delimiter, _))) if !single_field => *delimiter,
        _ => b',',
    }
}

fn broken(path: &Path, error: ::csv::Error) -> Error {
    Error::io("read", path, plain(error))
}

/// The system's error inside of the crate's, whose own conversion would hide that a disk is full.
fn plain(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(source) => source,
        other => io::Error::new(io::ErrorKind::InvalidData, format!("{other:?}")),
    }
}

pub(super) fn write(table: &Table, path: &Path) -> Result<()> {
    let tabs = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tsv"));
    write_atomically(path, |file| {
        let mut rows = WriterBuilder::new()
            .delimiter(if tabs { b'\t' } else { b',' })
            .terminator(Terminator::Any(b'\n'))
            .from_writer(&mut *file);
        rows.write_record(table.columns()).map_err(plain)?;
        let mut cell = Vec::new();
        for row in 0..table.rows() {
            for &value in table.row(row) {
                cell.clear();
                // Both ways print the fewest digits that read back as the same f32.
                match value.abs() {
                    0.0 | 1e-5..1e16 => write!(cell, "{value}")?,
                    _ => write!(cell, "{value:e}")?,
                }
                rows.write_field(&cell).map_err(plain)?;
            }
            rows.write_record(None::<&[u8]>).map_err(plain)?;
        }
        rows.flush()
    })
}
