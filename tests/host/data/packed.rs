//! CSV files packed by gzip and Zstandard.

use pushforward::data::{Column, Table};

use super::{read, sentence};

/// The lines `a,b` and `1,2`, packed by Python's gzip and by the zstd library.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b, 0xd4, 0x49, 0xe2, 0x32, 0xd4, 0x31, 0xe2, 0x02, 0x00, 0x7b,
    0x07, 0x97, 0x0a, 0x08, 0x00, 0x00, 0x00,
];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x08, 0x41, 0x00, 0x00, 0x61, 0x2c, 0x62, 0x0a, 0x31, 0x2c, 0x32, 0x0a];
/// The same of `3,4` alone.
const GZIP_MORE: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x33, 0xd6, 0x31, 0xe1, 0x02, 0x00, 0x3e, 0x2d, 0x72, 0xa9, 0x04,
    0x00, 0x00, 0x00,
];

#[test]
fn packed_files_are_read_whatever_their_ending_says() {
    for name in ["a.csv.gz", "a.csv", "a.txt.zst"] {
        for content in [GZIP, ZSTD] {
            let table = read(name, content).unwrap();
            assert_eq!((table.columns(), table.values()), (&["a".to_string(), "b".to_string()][..], &[1.0, 2.0][..]), "{name}");
        }
    }
    assert_eq!(read("a.csv.gz#b", GZIP).unwrap().values(), [2.0]);
    // A file of several parts, as `cat a.gz b.gz` makes it, is one text.
    assert_eq!(read("a.csv.gz", [GZIP, GZIP_MORE].concat()).unwrap().values(), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn packed_files_are_written_by_their_ending() {
    let folder = tempfile::tempdir().unwrap();
    let table = Table::from_columns([Column::integers("n", (0..1000).collect()), Column::numbers("x", vec![0.5; 1000])]).unwrap();
    for (name, start) in [("a.csv.gz", &GZIP[..2]), ("a.tsv.zst", &ZSTD[..4])] {
        let path = folder.path().join(name);
        table.write(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.starts_with(start) && bytes.len() < 4000, "{name}: {} bytes", bytes.len());
        assert_eq!(Table::read(&path.display().to_string()).unwrap().values(), table.values());
    }
    assert!(table.write(folder.path().join("a.npy.gz")).unwrap_err().to_string().contains("cannot tell the format"));
}

#[test]
fn damaged_packed_files_are_refused_with_their_name() {
    for (name, content) in [("a.csv.gz", GZIP), ("a.csv.zst", ZSTD)] {
        for length in 4..content.len() - 1 {
            let text = sentence(read(name, &content[..length]));
            assert!(text.contains(name), "{length}: {text}");
        }
    }
}
