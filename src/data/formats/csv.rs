//! CSV: comma-, semicolon- or tab-separated values, with or without a header (RFC 4180, quoted fields and all).

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::Path;

use ::csv::{ByteRecord, QuoteStyle, ReaderBuilder, Terminator, Trim, WriterBuilder};

use super::cell::{Fault, Place, Rounded, finite, present, row_said};
use super::records::Records;
use super::stream;
use super::text::{self, Text};
use crate::data::choice::{Choice, Raw, choose_advice, distinct};
use crate::data::file::Packing;
use crate::data::file_form::Quotes;
use crate::data::levels::{Group, groups};
use crate::data::number_form::dressed;
use crate::data::table::{WHOLE, numbered};
use crate::data::types::{At, is_usual_missing};
use crate::data::{Table, nearest};
use crate::words::grouped;
use crate::{Error, Result};

/// What the delimiter is judged by: the first records of this many bytes.
const SNIFFED: usize = 1 << 16;

/// A file's records, the first row's included, what to tell of its text, and what parts its fields.
pub(super) fn records(path: &Path) -> Result<(Records, Option<String>, u8)> {
    records_as(path, Trim::All)
}

/// The same, with the blanks around cells or without.
pub(super) fn records_as(path: &Path, trim: Trim) -> Result<(Records, Option<String>, u8)> {
    let Text { mut reader, note } = text::open(path)?;
    let mut start = Vec::new();
    reader.by_ref().take(SNIFFED as u64).read_to_end(&mut start).map_err(|source| Error::io("read", path, source))?;
    // Excel says in a first line of its own what parts the fields.
    let said = start.strip_prefix(b"sep=").filter(|rest| matches!(rest.get(1), Some(b'\r' | b'\n'))).map(|rest| rest[0]);
    let delimiter = said.unwrap_or_else(|| delimiter(&start, start.len() == SNIFFED));
    let quotes = quotes(&start, delimiter);
    let all = Box::new(io::Cursor::new(start).chain(reader));
    Ok((Records::new(all, path, (delimiter, said.is_some()), trim, quotes)?, note, delimiter))
}

/// Which cells of a text stand in quotes: where all of the first record do, texts do, and where all of the second do as well, all cells.
fn quotes(text: &[u8], delimiter: u8) -> Quotes {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text);
    let mut record = ByteRecord::new();
    let mut quoted = || -> Option<bool> {
        reader.read_byte_record(&mut record).ok().filter(|there| *there)?;
        let mut writer = WriterBuilder::new().delimiter(delimiter).quote_style(QuoteStyle::Always).from_writer(Vec::new());
        writer.write_byte_record(&record).ok()?;
        let written = writer.into_inner().ok()?;
        let from = text.get(usize::try_from(record.position()?.byte()).ok()?..)?.trim_ascii_start();
        Some(from.starts_with(written.trim_ascii_end()))
    };
    match (quoted(), quoted()) {
        (Some(true), Some(true)) => Quotes::All,
        (Some(true), _) => Quotes::Texts,
        _ => Quotes::Needed,
    }
}

/// The columns' names by the first record, which is a header where one of its cells is a text.
pub(super) fn names_of(record: &ByteRecord, header: Option<bool>) -> (Vec<String>, bool) {
    let header = header.unwrap_or_else(|| record.iter().any(|cell| matches!(parse(cell), Err(Fault::Text(_)))));
    match header {
        true => (distinct(record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()), true),
        false => (numbered(record.len()), false),
    }
}

pub(super) fn read(path: &Path, choice: &Choice, header: Option<bool>) -> Result<Raw> {
    let (mut records, note, _) = records(path)?;
    let mut next = |record: &mut ByteRecord| records.read_byte_record(record).map_err(|error| broken(path, error));

    let mut record = ByteRecord::new();
    if !next(&mut record)? {
        return Err(Error::data(format!("{} is empty", path.display())));
    }
    let (names, header) = names_of(&record, header);
    let width = names.len();
    let indicators = choice.indicators(&names)?;
    let names: Vec<String> = names.into_iter().chain(indicators.iter().map(|(name, ..)| name.clone())).collect();
    let picked = choice.among(&names, header)?;

    let mut values = Vec::new();
    let mut rounded = Rounded::new(picked.len());
    let mut rows = 0;
    let mut more = !header || next(&mut record)?;
    while more {
        rows += 1;
        let value = |j: usize| match j.checked_sub(width).map(|k| &indicators[k]) {
            None => parse(&record[j]).and_then(finite),
            Some((_, of, level)) => match parse(&record[*of]) {
                Err(Fault::Missing) => Err(Fault::Missing),
                _ => Ok(f64::from(u8::from(&record[*of] == level.as_bytes()))),
            },
        };
        let fault = match record.len() == width {
            false => Some(Bad::Ragged(record.len())),
            true => picked.iter().enumerate().find_map(|(k, &j)| match present(value(j), choice.skip_missing) {
                Ok(value) => {
                    if value.abs() >= WHOLE
                        && let Some(number) = std::str::from_utf8(&record[j]).ok().and_then(|text| text.parse().ok())
                    {
                        rounded.see(k, rows, number);
                    }
                    values.push(value);
                    None
                }
                // Of an indicator the file's own column is at fault.
                Err(fault) => Some(Bad::Cell(j.checked_sub(width).map_or(j, |k| indicators[k].1), fault)),
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
    let single = vec![false; picked.len()];
    let notes = note.into_iter().chain(rounded.notes(path, |k| &names[picked[k]])).collect();
    Ok(Raw { names, header, picked, values, single, notes })
}

/// A column of a file, looked through.
pub struct Scanned {
    pub name: String,
    /// Whether a cell of it is neither a number nor missing.
    pub texts: bool,
    /// Its distinct cells in order, missing ones left out; none where they are more than [`MOST_LEVELS`].
    pub levels: Option<Vec<String>>,
}

/// Looks through every column of a file.
pub fn scan(path: &Path) -> Result<Vec<Scanned>> {
    let mut columns: Vec<(bool, BTreeSet<Vec<u8>>)> = Vec::new();
    let names = each_row(path, |_, _, record| {
        columns.resize(columns.len().max(record.len()), (false, BTreeSet::new()));
        for ((texts, levels), cell) in columns.iter_mut().zip(record) {
            let known = levels.contains(cell);
            match parse(cell) {
                _ if known => continue,
                Err(Fault::Missing) => continue,
                Err(Fault::Text(_)) => *texts = true,
                _ => {}
            }
            if levels.len() <= MOST_LEVELS {
                levels.insert(cell.to_vec());
            }
        }
        Ok(())
    })?;
    columns.resize(names.len(), (false, BTreeSet::new()));
    let text = |cell: Vec<u8>| String::from_utf8_lossy(&cell).into_owned();
    let column = |(name, (texts, levels)): (String, (bool, BTreeSet<Vec<u8>>))| Scanned {
        name,
        texts,
        levels: (levels.len() <= MOST_LEVELS).then(|| levels.into_iter().map(text).collect()),
    };
    Ok(names.into_iter().zip(columns).map(column).collect())
}

/// Refuses a file in which a cell is none of its column's levels.
pub fn check_levels(path: &Path, groups: &[Group]) -> Result<()> {
    each_row(path, |row, names, record| {
        for group in groups.iter().filter(|group| !group.levels.is_empty()) {
            let Some(cell) = names.iter().position(|name| name == group.column).and_then(|j| record.get(j)) else { continue };
            if matches!(parse(cell), Err(Fault::Missing)) || group.levels.iter().any(|level| level.as_bytes() == cell) {
                continue;
            }
            let cell = String::from_utf8_lossy(cell);
            let guess = nearest(&cell, group.levels.iter().copied());
            return Err(Error::data(format!(
                "column `{}` of {} holds `{cell}` in row {}{}, which is not a category of the training data: correct the cell or remove the row; its \
                 categories are {}",
                group.column,
                path.display(),
                grouped(row),
                guess.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default(),
                group.levels.join(", ")
            )));
        }
        Ok(())
    })
    .map(|_| ())
}

/// Calls `see` with the number, from 1, of each row, the columns' names and the row. Returns the names.
fn each_row(path: &Path, mut see: impl FnMut(usize, &[String], &ByteRecord) -> Result<()>) -> Result<Vec<String>> {
    let (mut records, ..) = records(path)?;
    let mut next = |record: &mut ByteRecord| records.read_byte_record(record).map_err(|error| broken(path, error));
    let mut record = ByteRecord::new();
    if !next(&mut record)? {
        return Err(Error::data(format!("{} is empty", path.display())));
    }
    let (names, header) = names_of(&record, None);
    let mut more = !header || next(&mut record)?;
    let mut row = 0;
    while more {
        row += 1;
        see(row, &names, &record)?;
        more = next(&mut record)?;
    }
    Ok(names)
}

/// Different texts of a column at most.
pub const MOST_LEVELS: usize = 64;

/// What stops the reading of a row.
pub(super) enum Bad {
    Ragged(usize),
    Cell(usize, Fault),
}

impl Bad {
    pub fn sentence(
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
                "{} of {} has {fields} field{} where the {} has {}: correct the row or remove it",
                row_said(path, At::of(row, record), rows),
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
                    Fault::Text(text) if dressed(text).is_some() => {
                        Some("write the number without signs and thousands separators".to_string())
                    }
                    // Text from the first row on is a column of words, not a slip.
                    Fault::Text(_) if row == 1 => {
                        let numeric = |j: &usize| !matches!(parse(&record[*j]), Err(Fault::Text(_)));
                        let usable: Vec<String> = (0..width).filter(numeric).map(|j| names[j].clone()).collect();
                        Some(choose_advice(path, &usable))
                    }
                    _ => None,
                };
                fault.at(&Place { path, column: &names[column], at: At::of(row, record), rows }, advice)
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
        _ if is_usual_missing(text) => Err(Fault::Missing),
        _ => Err(Fault::Text(text.to_owned())),
    }
}

/// Tab, semicolon, comma or bar: the first of them by which the leading records all have the same number of fields, more than one.
/// The comma comes late, as it also stands in text and in the decimals of half of Europe, the bar last, as it parts lists within cells. Where no
/// delimiter gives equal records (a ragged file), the one that the first record has most of.
fn delimiter(text: &[u8], cut: bool) -> u8 {
    let counts = [b'\t', b';', b'|', b','].map(|delimiter| {
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text);
        let mut fields: Vec<usize> = reader.byte_records().map_while(|record| Some(record.ok()?.len())).take(50).collect();
        if cut && fields.len() > 1 && fields.len() < 50 {
            fields.pop(); // its end was not read
        }
        (delimiter, fields)
    });
    let is_even = |fields: &[usize]| fields.first().is_some_and(|&first| first > 1 && fields.iter().all(|&n| n == first));
    let even = [0, 1, 3, 2].into_iter().map(|k| &counts[k]).find(|(_, fields)| is_even(fields));
    let most = counts.iter().max_by_key(|(_, fields)| fields.first().copied().unwrap_or(0));
    let single_field = counts.iter().all(|(_, fields)| fields.first().is_none_or(|&first| first == 1));
    match (even, most) {
        (Some((delimiter, _)), _) => *delimiter,
        (None, Some((delimiter, _))) if !single_field => *delimiter,
        _ => b',',
    }
}

pub(super) fn broken(path: &Path, error: ::csv::Error) -> Error {
    Error::io("read", path, plain(error))
}

/// The system's error inside of the crate's, whose own conversion would hide that a disk is full.
pub(super) fn plain(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(source) => source,
        other => io::Error::new(io::ErrorKind::InvalidData, format!("{other:?}")),
    }
}

/// What parts the fields of a file of this ending, unless another file's rows were read with something else.
pub(super) fn delimiter_of(path: &Path) -> u8 {
    let name = if Packing::of(path).is_some() { path.with_extension("") } else { path.to_path_buf() };
    if name.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tsv")) { b'\t' } else { b',' }
}

/// Writes a table; indicators among its last `behind` columns become the texts that they stand for.
pub(super) fn write(table: &Table, behind: usize, path: &Path) -> Result<()> {
    let delimiter = match (table.form.delimiter, delimiter_of(path)) {
        (Some(read), b',') => read as u8,
        (_, own) => own,
    };
    let (numbers, given) = table.columns().split_at(table.cols() - behind);
    let groups = groups(given);
    let single = |j: usize| table.kinds()[j].single;
    // In a file of one column no delimiter of its own tells readers that another one within a text is none.
    let ambiguous = |text: &str| text.contains(['\t', ';', '|']);
    let levels = || table.levels(0).into_iter().flatten().map(String::as_str);
    let alone = numbers.len() + groups.len() == 1 && table.columns().iter().map(String::as_str).chain(levels()).any(ambiguous);
    stream::write(path, |file| {
        let mut rows = WriterBuilder::new()
            .delimiter(delimiter)
            .quote_style(match table.form.quotes {
                _ if alone => QuoteStyle::NonNumeric,
                Quotes::Needed => QuoteStyle::Necessary,
                Quotes::All => QuoteStyle::Always,
                // Which cells are texts is known here.
                Quotes::Texts => QuoteStyle::Never,
            })
            .terminator(Terminator::Any(b'\n'))
            .from_writer(file);
        let header = numbers.iter().map(String::as_str).chain(groups.iter().map(|group| group.column));
        let by_hand = !alone && table.form.quotes == Quotes::Texts;
        for name in header {
            rows.write_field(if by_hand { enclosed(name) } else { name.into() }.as_bytes()).map_err(plain)?;
        }
        rows.write_record(None::<&[u8]>).map_err(plain)?;
        let mut cell = Vec::new();
        for row in 0..table.rows() {
            let (values, given) = table.row(row).split_at(numbers.len());
            for (j, &value) in values.iter().enumerate() {
                match table.text(row, j) {
                    Some(text) => {
                        let is_text = || table.levels(j).is_some() || table.date_form(j).is_some();
                        let needs = || text.bytes().any(|byte| byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r'));
                        let quoted = by_hand && !table.is_missing(row, j) && (is_text() || needs());
                        rows.write_field(if quoted { enclosed(&text) } else { text }.as_bytes()).map_err(plain)?;
                    }
                    None => number(&mut rows, &mut cell, value, single(j))?,
                }
            }
            for group in &groups {
                let own = &given[group.first..][..group.width()];
                match group.levels.iter().zip(own).find(|(_, indicator)| **indicator == 1.0) {
                    Some((level, _)) => rows.write_field(level).map_err(plain)?,
                    None if group.levels.is_empty() => number(&mut rows, &mut cell, own[0], single(numbers.len() + group.first))?,
                    None => rows.write_field("").map_err(plain)?,
                }
            }
            rows.write_record(None::<&[u8]>).map_err(plain)?;
        }
        rows.flush()
    })
}

/// A text in quotes.
fn enclosed(text: &str) -> std::borrow::Cow<'static, str> {
    format!("\"{}\"", text.replace('"', "\"\"")).into()
}

/// One number as a field; `cell` is for its digits.
pub(super) fn number<W: Write>(rows: &mut ::csv::Writer<W>, cell: &mut Vec<u8>, value: f64, single: bool) -> io::Result<()> {
    cell.clear();
    // All print the fewest digits that read back as the same number, and whole ones every digit.
    match value.abs() {
        0.0 | 1e-5..1e16 if !single || value.fract() == 0.0 => write!(cell, "{value}")?,
        0.0 | 1e-5..1e16 => write!(cell, "{}", value as f32)?,
        _ if single => write!(cell, "{:e}", value as f32)?,
        _ => write!(cell, "{value:e}")?,
    }
    rows.write_field(&cell[..]).map_err(plain)
}
