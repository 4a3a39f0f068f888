//! Files as such: the format that an ending stands for, writing beside and renaming into place, and content hashes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// The file formats for tables, recognized by the ending of the file's name (in either case).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// `.csv`, and also `.tsv` and `.txt` (written with tabs if `.tsv`), each also packed (`.csv.gz`, `.csv.zst`), and `-` for standard input or
    /// output.
    Csv,
    /// `.npy`, NumPy's array file.
    Npy,
    /// `.parquet`
    Parquet,
}

impl FileFormat {
    /// The format that the path's ending stands for; a usage error naming the endings otherwise, or the feature without which it can be neither
    /// read nor written. A command calls this before it starts long work whose result goes to that path.
    pub fn of(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let format = Self::guess(&path.to_string_lossy()).ok_or_else(|| {
            Error::usage(format!(
                "cannot tell the format of `{}` from its ending: use a name that ends in .npy, .csv or .parquet",
                path.display()
            ))
        })?;
        if format.is_built() { Ok(format) } else { Err(format.left_out(path)) }
    }

    fn is_built(self) -> bool {
        match self {
            Self::Csv => true,
            Self::Npy => cfg!(feature = "npy"),
            Self::Parquet => cfg!(feature = "parquet"),
        }
    }

    /// The error of a format that was not built in.
    pub(super) fn left_out(self, path: &Path) -> Error {
        let (what, feature) = match self {
            Self::Csv => ("a CSV file", "default"),
            Self::Npy => ("a NumPy file", "npy"),
            Self::Parquet => ("a Parquet file", "parquet"),
        };
        let path = path.display();
        Error::usage(format!(
            "`{path}` is {what}, and pushforward was built without the feature `{feature}`: enable it, or use a .csv file"
        ))
    }

    pub(super) fn guess(name: &str) -> Option<Self> {
        if is_standard(Path::new(name)) {
            return Some(Self::Csv);
        }
        let (name, packed) = match Packing::of(Path::new(name)) {
            Some(_) => (Path::new(name).file_stem()?.to_str()?, true),
            None => (name, false),
        };
        let ending = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "npy" if !packed => Some(Self::Npy),
            "parquet" if !packed => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// How a file of text is packed, by the last ending of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "gz" => Some(Self::Gzip),
            "zst" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Whether a path stands for standard input or output.
pub(super) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Writes a file so that a reader sees either all of the new content or all of the old: into a temporary file in the same
/// folder, flushed to the disk, then renamed into place.
///
/// When `write` fails, the temporary file is removed and what was at `path` is left as it was. A symbolic link is followed,
/// an existing file's permissions are kept, and a device or pipe (`/dev/null`) is written directly, as it cannot be renamed over.
///
/// ```
/// use std::io::Write;
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("config.toml");
/// pushforward::data::write_atomically(&path, |file| writeln!(file, "seed = 7"))?;
/// assert_eq!(std::fs::read_to_string(&path)?, "seed = 7\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_atomically<F>(path: impl AsRef<Path>, write: F) -> Result<()>
where
    F: FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
{
    let path = path.as_ref();
    replace(path, write).map_err(|source| Error::io("write", path, explain(path, source)))
}

fn replace<F>(path: &Path, write: F) -> io::Result<()>
where
    F: FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
{
    // Renaming over a link would replace the link, not the file that it names.
    let target: PathBuf = if path.is_symlink() { fs::canonicalize(path)? } else { path.into() };
    let existing = fs::metadata(&target).ok();
    if let Some(found) = &existing {
        if found.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder: name a file"));
        }
        if !found.is_file() {
            let device = OpenOptions::new().write(true).open(&target)?;
            let mut buffered = BufWriter::new(&device);
            write(&mut buffered)?;
            return buffered.flush();
        }
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".pushforward-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The umask takes away from these, as for any new file; tempfile's own default is for the owner alone.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let beside = builder.tempfile_in(folder)?;
    {
        let mut buffered = BufWriter::new(beside.as_file());
        write(&mut buffered)?;
        buffered.flush()?;
    }
    if let Some(found) = existing {
        beside.as_file().set_permissions(found.permissions())?;
    }
    beside.as_file().sync_all()?;
    beside.persist(&target).map_err(|failed| failed.error)?;
    #[cfg(unix)]
    if let Ok(opened) = File::open(folder) {
        // The rename itself is safe on the disk only once the folder is; a folder that cannot be synchronized loses nothing else.
        let _ = opened.sync_all();
    }
    Ok(())
}

/// The same error with what to do about it, for the kinds where there is something to do.
fn explain(path: &Path, source: io::Error) -> io::Error {
    let kind = source.kind();
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            io::Error::new(kind, format!("{source}; make room on the disk and run it again (nothing already written was harmed)"))
        }
        io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            if folder.is_dir() {
                return source;
            }
            io::Error::new(kind, format!("there is no folder {}: make it first", folder.display()))
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            io::Error::new(kind, format!("{source}; choose a folder that you may write to"))
        }
        _ => source,
    }
}

/// SHA-256 of a file's bytes, as 64 lower-case hexadecimal digits.
pub fn file_hash(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    let mut hasher = Sha256::new();
    if is_standard(path) {
        hasher.update(super::formats::standard_input()?);
        return Ok(hex(hasher));
    }
    let mut file = File::open(path).map_err(|source| Error::io("open", path, source))?;
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(hex(hasher)),
            Ok(length) => hasher.update(&chunk[..length]),
            Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(Error::io("read", path, source)),
        }
    }
}

pub(super) fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
