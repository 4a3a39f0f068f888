//! Tables of any shape, names and values come back from every format as they were written, in double and in single precision.

use super::{load_path, names};
use proptest::prelude::*;
use pushforward::data::{LoadOptions, Table};

/// Names that a column may have, at least one of which is no number, so that a first line of them is a header.
fn header(columns: usize) -> impl Strategy<Value = Vec<String>> {
    let name = "[a-zA-Z_][ a-zA-Z0-9_,;\"'#é→]{0,12}[a-z]";
    proptest::collection::hash_set(name, columns).prop_map(|names| names.into_iter().collect())
}

/// Finite numbers of all sizes: whole, round, tiny, huge, negative zero.
fn number() -> impl Strategy<Value = f64> {
    let finite = proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO;
    prop_oneof![finite, (-1000i32..1000).prop_map(f64::from), (-1e6..1e6f64), Just(0.1), Just(f64::MAX), Just(f64::MIN_POSITIVE)]
}

fn table() -> impl Strategy<Value = (Vec<String>, Vec<f64>)> {
    (1usize..6, 1usize..20)
        .prop_flat_map(|(columns, rows)| (header(columns), proptest::collection::vec(number(), rows * columns)))
}

/// Written and read, with the columns' names where the format has them; a text holds the digits that a number's precision needs.
fn there_and_back(table: &Table, ending: &str, named: bool, equal: fn(f64, f64) -> bool) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("a.{ending}"));
    table.write(&path).unwrap();
    let options = LoadOptions { header: (ending == "csv").then_some(true), ..LoadOptions::default() };
    let back = load_path(&path, None, &options).map_err(|e| TestCaseError::fail(e.to_string()))?;
    prop_assert_eq!((back.rows(), back.cols()), (table.rows(), table.cols()));
    if named {
        prop_assert_eq!(names(&back), names(table));
    }
    for (found, value) in back.values().iter().zip(table.values()) {
        prop_assert!(equal(*found, *value), "{} for {}", found, value);
    }
    Ok(())
}

fn same(a: f64, b: f64) -> bool {
    a == b
}

fn single(a: f64, b: f64) -> bool {
    a as f32 == b as f32
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn csv_gives_back_what_it_was_given((names, values) in table()) {
        there_and_back(&Table::new(names, values).unwrap(), "csv", true, same)?;
    }

    #[cfg(feature = "npy")]
    #[test]
    fn npy_gives_back_what_it_was_given((names, values) in table()) {
        there_and_back(&Table::new(names, values).unwrap(), "npy", false, same)?;
    }

    #[cfg(feature = "parquet")]
    #[test]
    fn parquet_gives_back_what_it_was_given((names, values) in table()) {
        there_and_back(&Table::new(names, values).unwrap(), "parquet", true, same)?;
    }

    #[test]
    fn single_precision_stays_what_it_is((names, values) in table()) {
        let rounded: Vec<f32> = values.iter().map(|&v| v as f32).map(|v| if v.is_finite() { v } else { f32::MAX }).collect();
        let table = Table::new(names, rounded).unwrap();
        there_and_back(&table, "csv", true, single)?;
        #[cfg(feature = "npy")]
        there_and_back(&table, "npy", false, single)?;
        #[cfg(feature = "parquet")]
        there_and_back(&table, "parquet", true, single)?;
    }
}
