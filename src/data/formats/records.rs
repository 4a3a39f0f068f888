//! The records of a text of separated values: quotes are closed, and none takes room without bound.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ::csv::{ByteRecord, ReaderBuilder, Trim};

use super::csv::broken;
use super::text::{self, line_at};
use crate::Result;
use crate::data::file_form::Quotes;
use crate::data::types::At;
use crate::words::grouped;

/// Bytes of a record at most.
const MOST: usize = 1 << 28;

/// What is put behind a file's text: a record of its own, unless a quote is open there.
const END: &[u8] = b"\n\x1e\x1e";

/// The records of a file.
pub(super) struct Records {
    reader: ::csv::Reader<Bounded>,
    path: PathBuf,
    delimiter: u8,
    /// Whether a first line of its own says what parts the fields.
    said: bool,
    /// Which cells stand in quotes, as the first two records show it.
    pub quotes: Quotes,
}

impl Records {
    pub fn new(text: Box<dyn Read>, path: &Path, (delimiter, said): (u8, bool), trim: Trim, quotes: Quotes) -> Result<Self> {
        let text = Bounded { text: Box::new(text.chain(END)), most: MOST, left: MOST };
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).trim(trim).delimiter(delimiter).buffer_capacity(1 << 16);
        let mut records = Self { reader: builder.from_reader(text), path: path.to_path_buf(), delimiter, said, quotes };
        if said {
            records.read_byte_record(&mut ByteRecord::new()).map_err(|error| broken(path, error))?;
        }
        Ok(records)
    }

    /// The same records from the first on, with the blanks around their cells: the text, to be decoded or not, is not looked through again.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn again(&self, decode: bool) -> Result<Self> {
        Self::new(text::open_again(&self.path, decode)?, &self.path, (self.delimiter, self.said), Trim::None, self.quotes)
    }

    /// Reads the next record; false at the end of the file.
    ///
    /// # Errors
    /// A file that cannot be read, and a quote that is never closed, or not within reach: it would take all rows behind it into one cell.
    pub fn read_byte_record(&mut self, record: &mut ByteRecord) -> Result<bool, ::csv::Error> {
        let text = self.reader.get_mut();
        text.left = text.most;
        let there = self.reader.read_byte_record(record)?;
        let end = record.get(record.len().saturating_sub(1)).is_some_and(|last| last.ends_with(&END[1..]));
        match there && end {
            false => Ok(there),
            true if record.len() == 1 && record[0].len() == END.len() - 1 => Ok(false),
            true => {
                let line = At::of(0, record).byte.and_then(|byte| line_at(&self.path, byte));
                let line = line.map_or(String::new(), |line| format!(" of line {}", grouped(line)));
                let open = format!("a quote in the row{line} is never closed: close it, or write a quote within a cell twice");
                Err(io::Error::new(io::ErrorKind::InvalidData, open).into())
            }
        }
    }
}

/// A text of which at most so many bytes are read for one record.
struct Bounded {
    text: Box<dyn Read>,
    most: usize,
    left: usize,
}

impl Read for Bounded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.text.read(into)?;
        let Some(left) = self.left.checked_sub(read) else {
            let problem = format!("a row is longer than {} MiB: close the quote that stands open before it", self.most >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        };
        self.left = left;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_an_end_is_refused_and_a_long_text_of_rows_is_not() {
        let rows = |text: String, most| {
            let text = Box::new(io::Cursor::new(text));
            let mut records = Records::new(text, Path::new("a.csv"), (b',', false), Trim::None, Quotes::default()).unwrap();
            records.reader.get_mut().most = most;
            let mut record = ByteRecord::new();
            let mut rows = 0;
            while records.read_byte_record(&mut record).map_err(|error| error.to_string())? {
                rows += 1;
            }
            Ok::<usize, String>(rows)
        };
        assert_eq!(rows("1,2\n".repeat(1 << 20), 1 << 20), Ok(1 << 20));
        let open = format!("a,b\n1,\"2\n{}", "3,4\n".repeat(1 << 20));
        assert!(rows(open.clone(), 1 << 20).is_err_and(|said| said.contains("a row is longer than 1 MiB: close the quote")));
        assert!(rows(open, 1 << 23).is_err_and(|said| said.contains("is never closed")));
    }
}
