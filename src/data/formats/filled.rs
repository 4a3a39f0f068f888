//! A CSV file with its missing cells filled in, and every other cell in its own characters.

use std::path::Path;

use ::csv::{ByteRecord, QuoteStyle, Terminator, Trim, WriterBuilder};

use super::csv::{broken, names_of, number, plain, records_as};
use crate::data::file_form::Quotes;
use crate::data::{Table, TypeOptions, write_atomically};
use crate::words::count;
use crate::{Error, Result};

impl Table {
    /// Writes the CSV file that this table was read from, with the table's cells in place of its missing ones. All other cells keep their characters, and the file its
    /// order, its separators and its quotes. Returns how many cells were filled.
    ///
    /// # Errors
    /// A file of other rows or columns than the table; one that cannot be written.
    pub fn write_filled(&self, file: &Path, options: &TypeOptions, out: &Path) -> Result<usize> {
        let mut first = ByteRecord::new();
        let mut rows = 0;
        let (mut records, ..) = records_as(file, Trim::None)?;
        let mut record = ByteRecord::new();
        while records.read_byte_record(&mut record).map_err(|error| broken(file, error))? {
            if rows == 0 {
                first = record.clone();
            }
            rows += 1;
        }
        let mut trimmed = first.clone();
        trimmed.trim();
        let (names, header) = names_of(&trimmed, None);
        let place = |name: &String| self.columns().iter().position(|column| column == name);
        let places: Vec<Option<usize>> = names.iter().map(place).collect();
        if rows - usize::from(header && rows > 0) != self.rows() {
            let (path, own) = (file.display(), count(self.rows(), "row"));
            return Err(Error::data(format!("{path} no longer has the {own} that were read from it: keep the file as it is")));
        }
        let (mut records, _, delimiter) = records_as(file, Trim::None)?;
        let mut filled = 0;
        write_atomically(out, |to| {
            let mut writer = WriterBuilder::new()
                .delimiter(delimiter)
                .flexible(true)
                .quote_style(match records.quotes {
                    Quotes::Needed => QuoteStyle::Necessary,
                    Quotes::Texts => QuoteStyle::NonNumeric,
                    Quotes::All => QuoteStyle::Always,
                })
                .terminator(Terminator::Any(b'\n'))
                .from_writer(&mut *to);
            if header && records.read_byte_record(&mut record).map_err(plain)? {
                writer.write_byte_record(&record).map_err(plain)?;
            }
            let mut cell = Vec::new();
            let mut row = 0;
            while row < self.rows() && records.read_byte_record(&mut record).map_err(plain)? {
                for (j, own) in record.iter().enumerate() {
                    let place = places.get(j).copied().flatten();
                    let missing = |own: &[u8]| options.is_missing(std::str::from_utf8(own).unwrap_or_default().trim());
                    match place.filter(|&k| missing(own) && !self.is_missing(row, k)) {
                        None => writer.write_field(own).map_err(plain)?,
                        Some(k) => {
                            filled += 1;
                            match self.text(row, k) {
                                Some(text) => writer.write_field(text.as_bytes()).map_err(plain)?,
                                None => number(&mut writer, &mut cell, self.row(row)[k], self.kinds()[k].single)?,
                            }
                        }
                    }
                }
                writer.write_record(None::<&[u8]>).map_err(plain)?;
                row += 1;
            }
            writer.flush()
        })?;
        Ok(filled)
    }
}
