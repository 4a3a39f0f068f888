//! The bytes behind a path: a file, compressed by gzip or Zstandard or not, or with `-` standard input and output.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Cursor, Read, Write};
use std::path::Path;
use std::sync::Mutex;

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::data::file::{Packing, is_standard};
use crate::data::write_atomically;
use crate::{Error, Result};

/// Opens a file, unpacked where its first bytes say that it is packed.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>> {
    let packed: Box<dyn BufRead> = match is_standard(path) {
        true => Box::new(Cursor::new(standard_input()?)),
        false => Box::new(BufReader::new(File::open(path).map_err(|source| Error::io("open", path, source))?)),
    };
    unpacked(packed).map_err(|source| Error::io("read", path, source))
}

fn unpacked(mut packed: Box<dyn BufRead>) -> io::Result<Box<dyn Read>> {
    let start = packed.fill_buf()?;
    match () {
        _ if start.starts_with(&[0x1f, 0x8b]) => Ok(Box::new(MultiGzDecoder::new(packed))),
        _ if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => Ok(Box::new(zstd::Decoder::with_buffer(packed)?)),
        _ => Ok(Box::new(packed)),
    }
}

/// All that standard input has: it is read once, and kept, since a table is read in more than one pass.
pub(in crate::data) fn standard_input() -> Result<&'static [u8]> {
    static READ: Mutex<Option<&'static [u8]>> = Mutex::new(None);
    let mut read = READ.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(bytes) = *read {
        return Ok(bytes);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map_err(|source| Error::io("read", Path::new("-"), source))?;
    Ok(read.insert(bytes.leak()))
}

/// Writes a file, packed as its ending says. Who stops to read standard output has had enough.
pub(super) fn write(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    if is_standard(path) {
        let mut out = BufWriter::new(io::stdout().lock());
        return match write(&mut out).and_then(|()| out.flush()) {
            Err(source) if source.kind() != io::ErrorKind::BrokenPipe => Err(Error::io("write", path, source)),
            _ => Ok(()),
        };
    }
    write_atomically(path, |file| match Packing::of(path) {
        None => write(file),
        Some(Packing::Gzip) => {
            let mut packed = GzEncoder::new(file, flate2::Compression::default());
            write(&mut packed)?;
            packed.finish().map(drop)
        }
        Some(Packing::Zstd) => {
            let mut packed = zstd::Encoder::new(file, 0)?;
            write(&mut packed)?;
            packed.finish().map(drop)
        }
    })
}
