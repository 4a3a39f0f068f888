//! NPY, NumPy's array file (NEP 1): versions 1 to 3, both byte orders, C and Fortran order, one or two dimensions.
//!
//! Reading does not go through the npyz crate, which writes: its header parser recurses as deep as the file says and multiplies
//! the shape unchecked, so that a few corrupt bytes can overflow the stack. The header here is one flat dictionary of three keys,
//! and nothing is allocated before the shape is held against the length of the file.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use npyz::WriterBuilder;

use super::cell::{Place, Rounded, finite, present};
use crate::data::choice::{Choice, Raw};
use crate::data::table::numbered;
use crate::data::{Table, write_atomically};
use crate::words::grouped;
use crate::{Error, Result};

/// The header of an array of 100 columns takes 128 bytes; a record array's can be long, and is refused anyway.
const LONGEST_HEADER: usize = 1 << 16;

pub(super) fn read(path: &Path, choice: &Choice) -> Result<Raw> {
    let refuse = |problem: String| Error::format(path, problem);
    let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
    let length = file.metadata().map_err(|source| Error::io("read", path, source))?.len();
    let mut file = BufReader::with_capacity(1 << 16, file);
    let (header, start) = read_header(path, &mut file)?;
    let number = Number::of(&header.descr).ok_or_else(|| refuse(unreadable(&header.descr)))?;
    let (rows, cols) = match header.shape[..] {
        [rows] => (rows, 1),
        [rows, cols] => (rows, cols),
        [] => return Err(refuse("it holds a single number, not rows: give an array of shape (rows, columns)".into())),
        _ => {
            let sizes: Vec<String> = header.shape.iter().map(|&size| grouped(size)).collect();
            return Err(refuse(format!(
                "it holds an array of {} dimensions ({}): reshape it to rows × columns, as by x.reshape(len(x), -1)",
                sizes.len(),
                sizes.join(" × ")
            )));
        }
    };
    let needed = rows.checked_mul(cols).and_then(|count| count.checked_mul(number.width));
    match needed {
        Some(bytes) if bytes as u64 <= length.saturating_sub(start) => {}
        _ => {
            return Err(refuse(format!(
                "it is cut short: {} × {} values of {} bytes do not fit into the {} bytes after its header; copy or write it again",
                grouped(rows),
                grouped(cols),
                number.width,
                grouped(length.saturating_sub(start) as usize)
            )));
        }
    }
    if rows == 0 || cols == 0 {
        return Err(refuse(format!("it holds no values (its shape is {rows} × {cols})")));
    }

    let names = numbered(cols);
    let picked = choice.among(&names, false)?;
    // places[j] is where column j goes in a row of the table, if it was picked.
    let mut places = vec![None; cols];
    for (place, &j) in picked.iter().enumerate() {
        places[j] = Some(place);
    }
    let mut values = vec![0.0; rows * picked.len()];
    let mut rounded = Rounded::new(picked.len());
    let (outer, inner) = if header.fortran { (cols, rows) } else { (rows, cols) };
    let mut stretch = vec![0; inner.min(1 << 13) * number.width];
    for i in 0..outer {
        let mut k = 0;
        while k < inner {
            let count = (inner - k).min(stretch.len() / number.width);
            let bytes = &mut stretch[..count * number.width];
            file.read_exact(bytes).map_err(|source| Error::io("read", path, source))?;
            for item in bytes.chunks_exact(number.width) {
                let (row, column) = if header.fortran { (k, i) } else { (i, k) };
                if let Some(place) = places[column] {
                    if let Some(number) = number.long(item) {
                        rounded.see(place, row + 1, number);
                    }
                    values[row * picked.len() + place] = present(finite(number.value(item)), choice.skip_missing)
                        .map_err(|fault| fault.at(&Place { path, column: &names[column], at: (row + 1).into(), rows }, None))?;
                }
                k += 1;
            }
        }
    }
    let single = vec![number.is_single(); picked.len()];
    let notes = rounded.notes(path, |place| &names[picked[place]]);
    Ok(Raw { names, header: false, picked, values, single, notes })
}

/// What the header's dictionary says.
#[derive(Debug)]
struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

/// The header, and how many bytes it takes with what stands before it.
fn read_header(path: &Path, file: &mut impl Read) -> Result<(Header, u64)> {
    let refuse = |problem: &str| Error::format(path, problem);
    let cut = |source: io::Error| match source.kind() {
        io::ErrorKind::UnexpectedEof => refuse("it is cut short in its header; copy or write it again"),
        _ => Error::io("read", path, source),
    };
    let mut magic = [0; 8];
    file.read_exact(&mut magic).map_err(cut)?;
    if &magic[..6] != b"\x93NUMPY" {
        return Err(refuse("it is not an NPY file (NumPy's numpy.save writes one)"));
    }
    let (size, before) = match magic[6] {
        1 => {
            let mut size = [0; 2];
            file.read_exact(&mut size).map_err(cut)?;
            (u16::from_le_bytes(size) as usize, 10)
        }
        2 | 3 => {
            let mut size = [0; 4];
            file.read_exact(&mut size).map_err(cut)?;
            (u32::from_le_bytes(size) as usize, 12)
        }
        version => return Err(refuse(&format!("it is of NPY version {version}, and 1 to 3 can be read"))),
    };
    if size > LONGEST_HEADER {
        return Err(refuse("its header is too long for an array of numbers; it may be damaged"));
    }
    let mut text = vec![0; size];
    file.read_exact(&mut text).map_err(cut)?;
    let header = String::from_utf8(text).ok().and_then(|text| dictionary(&text));
    match header {
        Some(header) => Ok((header, before + size as u64)),
        None => {
            Err(refuse("its header does not describe a plain array of numbers; it may be damaged, or hold records or objects"))
        }
    }
}

/// `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }`, in any order of keys.
fn dictionary(text: &str) -> Option<Header> {
    let mut rest = text.trim().strip_prefix('{')?.trim_start();
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    while !rest.starts_with('}') {
        let (key, after) = quoted(rest)?;
        rest = after.trim_start().strip_prefix(':')?.trim_start();
        match key {
            "descr" => {
                let (value, after) = quoted(rest)?;
                (descr, rest) = (Some(value.to_owned()), after);
            }
            "fortran_order" => {
                let (value, after) = match rest.strip_prefix("True") {
                    Some(after) => (true, after),
                    None => (false, rest.strip_prefix("False")?),
                };
                (fortran, rest) = (Some(value), after);
            }
            "shape" => {
                let (inside, after) = rest.strip_prefix('(')?.split_once(')')?;
                let sizes = inside.trim().strip_suffix(',').unwrap_or(inside);
                // Python 2 wrote long integers with an L.
                let size = |size: &str| size.trim().trim_end_matches('L').parse().ok();
                let sizes =
                    if sizes.trim().is_empty() { Vec::new() } else { sizes.split(',').map(size).collect::<Option<_>>()? };
                (shape, rest) = (Some(sizes), after);
            }
            _ => return None,
        }
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Some(Header { descr: descr?, fortran: fortran?, shape: shape? })
}

/// A Python string without escapes, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mark = text.chars().next().filter(|mark| ['\'', '"'].contains(mark))?;
    text[1..].split_once(mark)
}

/// How the items of an array are stored.
#[derive(Clone, Copy)]
struct Number {
    /// `f`, `i`, `u` or `b`, as NumPy calls them.
    kind: u8,
    /// Bytes an item: 1, 2, 4 or 8.
    width: usize,
    big_endian: bool,
}

impl Number {
    fn of(descr: &str) -> Option<Self> {
        let big_endian = descr.starts_with('>');
        let plain = descr.trim_start_matches(['<', '>', '|', '=']);
        let (kind, width) = match plain {
            "f4" | "f8" | "i1" | "i2" | "i4" | "i8" | "u1" | "u2" | "u4" | "u8" | "b1" => {
                (plain.as_bytes()[0], usize::from(plain.as_bytes()[1] - b'0'))
            }
            _ => return None,
        };
        Some(Self { kind, width, big_endian })
    }

    fn is_single(self) -> bool {
        self.kind == b'f' && self.width == 4
    }

    /// One item as a whole number, where its kind has some that f64 does not hold.
    fn long(self, item: &[u8]) -> Option<i128> {
        match (self.kind, self.width) {
            (b'i', 8) => Some(i128::from(self.bits(item) as i64)),
            (b'u', 8) => Some(i128::from(self.bits(item))),
            _ => None,
        }
    }

    fn bits(self, item: &[u8]) -> u64 {
        let mut bytes = [0; 8];
        let bytes_used = &mut bytes[..self.width];
        bytes_used.copy_from_slice(item);
        if self.big_endian {
            bytes_used.reverse();
        }
        u64::from_le_bytes(bytes)
    }

    /// The value of one item, `width` bytes.
    fn value(self, item: &[u8]) -> f64 {
        let bits = self.bits(item);
        let unused = 64 - 8 * self.width as u32;
        match (self.kind, self.width) {
            (b'f', 4) => f64::from(f32::from_bits(bits as u32)),
            (b'f', _) => f64::from_bits(bits),
            (b'i', _) => (((bits << unused) as i64) >> unused) as f64,
            (b'b', _) => f64::from(u8::from(bits != 0)),
            _ => bits as f64,
        }
    }
}

fn unreadable(descr: &str) -> String {
    let what = match descr.trim_start_matches(['<', '>', '|', '=']).as_bytes().first() {
        Some(b'c') => "complex numbers: save real and imaginary parts as columns",
        Some(b'U' | b'S') => "text: save numbers",
        Some(b'M' | b'm') => "dates or times: save them as numbers",
        Some(b'O') => "Python objects: save it as numbers, as by x.astype('float32')",
        _ => "a kind of number that cannot be read: save it as x.astype('float32')",
    };
    format!("it holds {what} (its type is `{}`)", super::cell::shortened(descr))
}

pub(super) fn write(table: &Table, path: &Path) -> Result<()> {
    use npyz::NpyWriter;
    write_atomically(path, |file| {
        let shape = [table.rows() as u64, table.cols() as u64];
        if table.kinds().iter().all(|kind| kind.single) {
            let mut array: NpyWriter<f32, _> =
                npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut *file).begin_nd()?;
            array.extend(table.values().iter().map(|&value| value as f32))?;
            return array.finish();
        }
        let mut array: NpyWriter<f64, _> =
            npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut *file).begin_nd()?;
        array.extend(table.values().iter().copied())?;
        array.finish()
    })
}
