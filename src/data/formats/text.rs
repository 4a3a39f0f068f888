//! The text of a file: UTF-8, or decoded as Windows-1252, which Latin-1 is a part of, where it is not.

use std::io::{self, Read};
use std::path::Path;

use encoding_rs::WINDOWS_1252;

use super::stream;

use crate::words::grouped;
use crate::{Error, Result};

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes read at a time.
const CHUNK: usize = 1 << 16;

/// A file's text as UTF-8 without a byte order mark, and what to tell of it.
pub(super) struct Text {
    pub reader: Box<dyn Read>,
    pub note: Option<String>,
}

/// Opens a file of text.
///
/// # Errors
/// UTF-16; text that is UTF-8 up to a byte that is none; what is no text.
pub(super) fn open(path: &Path) -> Result<Text> {
    let opened = || stream::open(path);
    let read = |source| Error::io("read", path, source);
    let mut mark = Vec::new();
    opened()?.take(4).read_to_end(&mut mark).map_err(read)?;
    if mark.starts_with(&[0xff, 0xfe]) || mark.starts_with(&[0xfe, 0xff]) {
        return Err(Error::format(path, "this is UTF-16 text: save it as UTF-8"));
    }
    if mark == b"PK\x03\x04" {
        return Err(Error::format(
            path,
            "this is an Excel workbook or a zip archive: save the sheet as CSV, or unpack the archive",
        ));
    }
    let foreign = first_foreign(opened()?).map_err(read)?;
    let Some(Foreign { byte, line, beyond_ascii }) = foreign else {
        return Ok(Text { reader: open_again(path, false)?, note: None });
    };
    if byte == 0 {
        let line = grouped(line);
        return Err(Error::format(
            path,
            format!("line {line} has a zero byte, as UTF-16 and files that are no text have: save it as UTF-8 text"),
        ));
    }
    let found = format!("byte 0x{byte:02X} in line {} is not UTF-8", grouped(line));
    if beyond_ascii {
        return Err(Error::format(path, format!("{found}, though letters before it are: correct it, or save the file as UTF-8")));
    }
    let note = format!(
        "{} was read as Windows-1252 (Latin-1), for {found}: where letters look wrong, save the file as UTF-8",
        path.display()
    );
    Ok(Text { reader: open_again(path, true)?, note: Some(note) })
}

/// Opens a file of text that [`open`] has looked through, which is decoded from Windows-1252 if it was then.
pub(super) fn open_again(path: &Path, decode: bool) -> Result<Box<dyn Read>> {
    let mut file = stream::open(path)?;
    if decode {
        return Ok(Box::new(Decoded { file, chunk: io::Cursor::default() }));
    }
    let mut start = Vec::new();
    file.by_ref().take(MARK.len() as u64).read_to_end(&mut start).map_err(|source| Error::io("read", path, source))?;
    if start == MARK {
        start.clear();
    }
    Ok(Box::new(io::Cursor::new(start).chain(file)))
}

/// The first byte of a text that is not UTF-8, or that is zero.
struct Foreign {
    byte: u8,
    /// From 1.
    line: usize,
    /// Whether the text before it holds more than ASCII.
    beyond_ascii: bool,
}

fn first_foreign(mut file: impl Read) -> io::Result<Option<Foreign>> {
    let (mut line, mut beyond_ascii) = (1, false);
    // What stands in `bytes` are the first bytes of a character that the chunk before cut off, and the next chunk.
    let mut bytes = Vec::with_capacity(CHUNK + 4);
    loop {
        let read = file.by_ref().take(CHUNK as u64).read_to_end(&mut bytes)?;
        let (valid, foreign) = match std::str::from_utf8(&bytes) {
            Ok(text) => (text.len(), false),
            Err(error) => (error.valid_up_to(), error.error_len().is_some() || read == 0),
        };
        let (valid, foreign) = bytes[..valid].iter().position(|&byte| byte == 0).map_or((valid, foreign), |at| (at, true));
        line += bytes[..valid].iter().filter(|&&byte| byte == b'\n').count();
        beyond_ascii |= !bytes[..valid].is_ascii();
        match () {
            _ if foreign => return Ok(Some(Foreign { byte: bytes[valid], line, beyond_ascii })),
            _ if read == 0 => return Ok(None),
            _ => bytes.drain(..valid),
        };
    }
}

/// The line, from 1, of what stands at a byte of a file's text as it is read; blank lines there are passed over.
pub(super) fn line_at(path: &Path, byte: u64) -> Option<usize> {
    let mut text = open(path).ok()?.reader;
    // Lines of old Macintosh files end with a carriage return.
    let (mut feeds, mut returns) = (0, 0);
    let mut see = |byte: u8| {
        feeds += usize::from(byte == b'\n');
        returns += usize::from(byte == b'\r');
    };
    let (mut chunk, mut left) = (vec![0; CHUNK], byte);
    while left > 0 {
        let most = chunk.len().min(usize::try_from(left).unwrap_or(CHUNK));
        let read = text.read(&mut chunk[..most]).ok().filter(|read| *read > 0)?;
        chunk[..read].iter().for_each(|byte| see(*byte));
        left -= read as u64;
    }
    io::BufReader::new(text).bytes().map_while(|byte| byte.ok().filter(|byte| matches!(byte, b'\r' | b'\n'))).for_each(see);
    Some(1 + if feeds > 0 { feeds } else { returns })
}

/// A file's bytes, each a character of Windows-1252, as UTF-8.
struct Decoded {
    file: Box<dyn Read>,
    chunk: io::Cursor<Vec<u8>>,
}

impl Read for Decoded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.chunk.position() == self.chunk.get_ref().len() as u64 {
            let mut bytes = Vec::with_capacity(CHUNK);
            self.file.by_ref().take(CHUNK as u64).read_to_end(&mut bytes)?;
            self.chunk = io::Cursor::new(WINDOWS_1252.decode_without_bom_handling(&bytes).0.into_owned().into_bytes());
        }
        self.chunk.read(into)
    }
}
