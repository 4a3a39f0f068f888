//! No reader panics, aborts or gives a table that is not finite, whatever the bytes: files of random bytes, and valid files with bytes
//! changed, removed, inserted and cut off.

use parquet::basic::Compression;
use proptest::prelude::*;
use pushforward::data::{LoadOptions, Table};

use super::{load, npy, parquet as parquet_file};

/// What is done to a valid file at a place given as a share of its length.
#[derive(Clone, Debug)]
enum Damage {
    Set(f64, u8),
    Flip(f64, u8),
    Remove(f64, usize),
    Insert(f64, Vec<u8>),
    Repeat(f64, usize),
    Cut(f64),
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let place = || 0.0..1.0f64;
    let one = prop_oneof![
        4 => (place(), prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(0x7f), Just(0x80)]).prop_map(|(at, byte)| Damage::Set(at, byte)),
        4 => (place(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => (place(), 1..9usize).prop_map(|(at, count)| Damage::Remove(at, count)),
        1 => (place(), proptest::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        1 => (place(), 1..40usize).prop_map(|(at, count)| Damage::Repeat(at, count)),
        1 => place().prop_map(Damage::Cut),
    ];
    proptest::collection::vec(one, 1..6)
}

fn damaged(valid: &[u8], damage: &[Damage]) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for one in damage {
        let place = |share: &f64| (share * bytes.len() as f64) as usize;
        match one {
            _ if bytes.is_empty() => {}
            Damage::Set(at, byte) => {
                let at = place(at);
                bytes[at] = *byte;
            }
            Damage::Flip(at, bit) => {
                let at = place(at);
                bytes[at] ^= 1 << bit;
            }
            Damage::Remove(at, count) => {
                let at = place(at);
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Damage::Insert(at, new) => {
                let at = place(at);
                bytes.splice(at..at, new.iter().copied());
            }
            Damage::Repeat(at, count) => {
                let at = place(at);
                let again = bytes[at..(at + count).min(bytes.len())].to_vec();
                bytes.splice(at..at, again);
            }
            Damage::Cut(at) => bytes.truncate(place(at)),
        }
    }
    bytes
}

/// Reads the bytes under that ending: an error that says what is wrong, or a finite table.
fn survives(ending: &str, content: &[u8]) -> Result<(), TestCaseError> {
    for options in [LoadOptions::default(), LoadOptions { weights: Some("1".into()), header: Some(true), skip_missing: true }] {
        match load(&format!("a.{ending}"), content, &options) {
            Ok(table) => {
                prop_assert!(table.rows() > 0 && table.values().len() == table.rows() * table.cols());
                prop_assert!(table.values().iter().all(|value| value.is_finite()));
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
    typed(ending, content)
}

/// Reads the bytes by their columns' types: an error that names the file, or a table of finite numbers and missing cells.
fn typed(ending: &str, content: &[u8]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("a.{ending}"));
    std::fs::write(&path, content).unwrap();
    match Table::read(&path.display().to_string()) {
        Ok(table) => {
            prop_assert!(table.rows() > 0 && table.values().len() == table.rows() * table.cols());
            for j in 0..table.cols() {
                let missing = |row: usize| table.missing(j).is_some_and(|missing| missing[row]);
                prop_assert!(table.column(j).enumerate().all(|(row, value)| value.is_finite() != missing(row)));
                if let Some(levels) = table.levels(j) {
                    prop_assert!(table.column(j).all(|code| code.is_nan() || (code as usize) < levels.len()));
                }
            }
            table.write(folder.path().join("b.csv")).unwrap();
        }
        Err(error) => prop_assert!(error.to_string().contains(&format!("a.{ending}")), "{error}"),
    }
    Ok(())
}

/// How many cases each test tries: many in a long run.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(300)
}

fn packed(ending: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("a.{ending}"));
    Table::new(["a", "b"], (0..400).map(f64::from).collect()).unwrap().write(&path).unwrap();
    std::fs::read(path).unwrap()
}

const CSV: &str = "name;age;\"height, in m\"\r\nAda;36;1.65\r\n\"A \"\"T\"\"\";41;1e0\r\nEmmy;53;-.5\r\n";

fn array(fortran: &str, descr: &str) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': (4, 3), }}");
    npy::file(&header, &(0..96).collect::<Vec<u8>>())
}

fn pyarrow() -> &'static [u8] {
    include_bytes!("fixtures/pyarrow.parquet")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..Default::default() })]

    #[test]
    fn csv_damaged(damage in damage()) {
        survives("csv", &damaged(CSV.as_bytes(), &damage))?;
    }

    #[test]
    fn csv_of_its_own_characters(text in "[-+0-9.,;\t\"\r\n eNa]{0,60}") {
        survives("csv", text.as_bytes())?;
    }

    #[test]
    fn npy_damaged(damage in damage(), fortran in prop_oneof!["True", "False"], descr in prop_oneof!["<f8", ">f4", ">i2", "u1", "b1"]) {
        survives("npy", &damaged(&array(&fortran, &descr), &damage))?;
    }

    #[test]
    fn npy_header_of_its_own_words(words in proptest::collection::vec(
        prop_oneof!["'descr'", "'shape'", "'fortran_order'", ":", ",", "\\{", "\\}", "\\(", "\\)", "\\[", "True", "'<f4'", "[0-9]{1,20}", " ", "'", "L", "-"], 0..20,
    )) {
        survives("npy", &npy::file(&words.concat(), &[0; 64]))?;
    }

    #[test]
    fn parquet_damaged(damage in damage(), compression in prop_oneof![Just(Compression::UNCOMPRESSED), Just(Compression::SNAPPY)]) {
        survives("parquet", &damaged(&parquet_file::small(&["a", "b"], compression), &damage))?;
    }

    #[test]
    fn parquet_of_pyarrow_damaged(damage in damage()) {
        let content = damaged(pyarrow(), &damage);
        survives("parquet", &content)?;
        for columns in ["f32,i8,bool,u32", "decimal,nested.x", "f64,i64,u64", "holes"] {
            let _ = load(&format!("a.parquet#{columns}"), &content, &LoadOptions::default());
        }
    }

    #[test]
    fn packed_damaged(damage in damage(), ending in prop_oneof![Just("csv.gz"), Just("csv.zst")]) {
        survives(ending, &damaged(&packed(ending), &damage))?;
    }

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for ending in ["csv", "npy", "parquet"] {
            survives(ending, &bytes)?;
        }
        survives("npy", &[b"\x93NUMPY\x01\x00", &bytes[..]].concat())?;
        survives("parquet", &[b"PAR1", &bytes[..], &(bytes.len() as u32).to_le_bytes(), b"PAR1"].concat())?;
    }
}
