//! Pooling, the rule for regressions, and what is refused.

use super::super::{Record, SCHEMA, Setup, parse};
use super::*;
use proptest::prelude::*;

fn setup() -> Setup {
    Setup {
        adapter: "llvmpipe".into(),
        driver: "Mesa 25.0".into(),
        backend: "vulkan".into(),
        kernel_family: "broadcast".into(),
        vector_bits: Some(256),
        threads: Some(2),
        cpu: Some("a processor".into()),
        version: "0.1.0".into(),
        commit: None,
    }
}

/// A run of `case` with this lower quartile, median and upper quartile.
fn record(case: &str, [q25_ms, median_ms, q75_ms]: [f64; 3]) -> Record {
    Record {
        case: case.into(),
        schema: SCHEMA,
        median_ms,
        min_ms: q25_ms,
        q25_ms,
        q75_ms,
        runs: 40,
        rate: 1e3 / median_ms,
        unit: "Mpairs/s".into(),
        ceiling_share: None,
        setup: setup(),
        unix_time: Some(1_700_000_000),
    }
}

fn file(name: &str, records: impl IntoIterator<Item = (&'static str, [f64; 3])>) -> File {
    File { name: name.into(), records: records.into_iter().map(|(case, times)| record(case, times)).collect() }
}

/// A run whose quartiles lie this share of the median below and above it.
fn around(median: f64, below: f64, above: f64) -> [f64; 3] {
    [median * (1.0 - below), median, median * (1.0 + above)]
}

fn verdict(old: &[[f64; 3]], new: &[[f64; 3]]) -> Verdict {
    let runs = |times: &[[f64; 3]]| times.iter().map(|&times| ("a", times)).collect::<Vec<_>>();
    let found = compare(&[file("old", runs(old)), file("new", runs(new))], 0.05, None).expect("a comparison");
    found.cases[0].results[1].and_then(|cell| cell.verdict).expect("both have the case")
}

#[test]
fn a_slowdown_beyond_noise_and_threshold_is_a_regression() {
    let old = [around(10.0, 0.01, 0.01)];
    assert_eq!(verdict(&old, &[around(12.0, 0.01, 0.01)]), Verdict::Regression);
    // Beyond the noise, and 3 % slower: below the threshold of 5 %.
    assert_eq!(verdict(&old, &[around(10.3, 0.01, 0.01)]), Verdict::Slower);
    // 20 % slower, and the quartile ranges overlap.
    assert_eq!(verdict(&[around(10.0, 0.02, 0.15)], &[around(12.0, 0.1, 0.3)]), Verdict::WithinNoise);
    assert_eq!(verdict(&old, &[around(8.0, 0.01, 0.01)]), Verdict::Faster);
    assert_eq!(verdict(&old, &old), Verdict::WithinNoise);
}

#[test]
fn the_spread_between_runs_joins_the_noise() {
    let tight = |median| around(median, 0.001, 0.001);
    // One run each: a difference of 15 % is far beyond quartiles of 0.1 %.
    assert_eq!(verdict(&[tight(10.0)], &[tight(11.5)]), Verdict::Regression);
    // Runs of the baseline differ by more than that among themselves.
    assert_eq!(verdict(&[tight(10.0), tight(12.0), tight(9.0), tight(12.5)], &[tight(11.5)]), Verdict::WithinNoise);
    // One odd run among five does not hide a regression.
    assert_eq!(
        verdict(&[10.0, 10.1, 9.9, 10.0, 30.0].map(tight), &[11.5, 11.4, 11.6, 11.5, 11.5].map(tight)),
        Verdict::Regression
    );
}

#[test]
fn runs_are_pooled_by_medians_and_quartiles() {
    let runs = [[9.0, 10.0, 11.0], [10.0, 12.0, 13.0], [8.0, 11.0, 15.0]].map(|times| record("a", times));
    let pooled = Pooled::of(&runs).expect("three runs");
    // By hand: least of {8, 9, 10}, median of {10, 11, 12}, largest of {11, 13, 15}.
    assert_eq!((pooled.lower_ms, pooled.median_ms, pooled.upper_ms, pooled.records), (8.0, 11.0, 15.0, 3));
    assert!((pooled.noise_percent - 50.0 * 7.0 / 11.0).abs() < 1e-12);
    // Of five, the second least and the second largest.
    let runs = [3.0, 10.0, 11.0, 12.0, 40.0].map(|median| record("a", [median - 0.5, median, median + 0.5]));
    let pooled = Pooled::of(&runs).expect("five runs");
    assert_eq!((pooled.lower_ms, pooled.median_ms, pooled.upper_ms), (9.5, 11.0, 12.5));
    assert_eq!(Pooled::of(&[]), None);
}

#[test]
fn absent_cases_are_shown_and_left_out_of_the_mean() {
    let steady = |median| around(median, 0.0, 0.0);
    let old = file("old", [("a", steady(1.0)), ("b", steady(2.0)), ("only-old", steady(3.0))]);
    let new = file("new", [("b", steady(4.0)), ("a", steady(8.0)), ("only-new", steady(5.0))]);
    let found = compare(&[old, new], f64::INFINITY, None).expect("a comparison");
    assert_eq!(found.cases.iter().map(|row| row.case.as_str()).collect::<Vec<_>>(), ["a", "b", "only-old", "only-new"]);
    assert!(found.cases[2].results[1].is_none() && found.cases[3].results[0].is_none());
    assert_eq!(found.cases[3].results[1].and_then(|cell| cell.ratio), None);
    // √(8 · 2)
    let mean = &found.geometric_mean;
    assert_eq!((mean.cases, mean.ratios[0]), (2, None));
    assert!((mean.ratios[1].expect("common cases") - 4.0).abs() < 1e-12);
    assert!(found.regressions().is_empty(), "an infinite threshold knows no regression");
    assert!(found.text().contains("–") && found.text().contains("geometric mean of 2 cases"));
}

#[test]
fn what_differs_is_named_by_file() {
    let old = file("old", [("a", around(1.0, 0.0, 0.0))]);
    let mut new = old.clone();
    new.name = "new|er".into();
    let changed = Setup { driver: "Mesa 26.0".into(), version: "0.2.0".into(), vector_bits: None, ..setup() };
    new.records[0].setup = changed;
    let found = compare(&[old, new], 0.05, None).expect("a comparison");
    let text = found.text();
    assert!(
        text.starts_with("all files: adapter llvmpipe, backend vulkan, kernel family broadcast, threads 2, cpu a processor\n"),
        "{text}"
    );
    assert!(text.contains("\nold (baseline): driver Mesa 25.0, vector bits 256, version 0.1.0\n"), "{text}");
    assert!(text.contains("\nnew|er: driver Mesa 26.0, vector bits unknown, version 0.2.0\n"), "{text}");
    let markdown = found.markdown();
    assert!(markdown.contains("| case | old (ms) | new\\|er (ms) | ratio |\n|---|---:|---:|---:|\n"), "{markdown}");
    assert!(markdown.contains("| a | 1.00 ± 0.0 % | 1.00 ± 0.0 % | 1.00 |\n"), "{markdown}");
}

#[test]
fn the_picture_has_a_bar_a_ratio_and_follows_the_theme() {
    let old = file("old", [("a", around(1.0, 0.1, 0.1)), ("b", around(2.0, 0.1, 0.1))]);
    let slower = file("slower", [("a", around(30.0, 0.1, 0.1))]);
    let faster = file("faster", [("a", around(0.01, 0.1, 0.1)), ("b", around(2.0, 0.1, 0.1))]);
    let svg = compare(&[old, slower, faster], 0.05, None).and_then(|found| found.svg()).expect("a picture");
    assert_eq!(svg.matches("f-data").count() - 1, 1, "one ratio of the second file, and its class once in the style: {svg}");
    assert_eq!(svg.matches("f-samples").count() - 1, 2, "two of the third");
    assert!(svg.contains("prefers-color-scheme: dark") && svg.contains(">slower<") && svg.contains("time over that of old"));
}

#[test]
fn too_few_files_and_no_common_case_are_refused() {
    let (a, b) = (file("old", [("a", around(1.0, 0.0, 0.0))]), file("new", [("b", around(1.0, 0.0, 0.0))]));
    let said = |files: &[File], filter| compare(files, 0.05, filter).expect_err("refused").to_string();
    assert!(said(&[], None).contains("two files or more, and none was given"));
    assert!(said(std::slice::from_ref(&a), None).contains("only `old` was given"));
    assert!(said(&[a.clone(), b], None).contains("`old` and `new` have no common case (a; b)"));
    assert!(said(&[a.clone(), a], Some("gemm")).contains("whose name contains `gemm`"));
}

#[test]
fn lines_that_are_no_records_are_named() {
    let good = record("a", [1.0, 2.0, 3.0]).to_line().expect("a line");
    let said = |second: &str| parse("runs/new.json".as_ref(), &format!("{good}\n{second}\n")).expect_err("refused").to_string();
    for (second, part) in [
        ("not json".to_owned(), "column 2: this is not JSON (expected ident)"),
        (good[..40].to_owned(), "this is not JSON (EOF while parsing"),
        ("[1, 2]".to_owned(), "has no `schema`"),
        (good.replace("\"schema\":1,", ""), "has no `schema`"),
        (good.replace("\"schema\":1,", "\"schema\":2,"), "schema is 2, and this program reads schema 1"),
        (good.replace("\"q75_ms\":3.0,", ""), "missing field `q75_ms`"),
        (good.replace("\"driver\":\"Mesa 25.0\",", ""), "missing field `driver`"),
        (good.replace("\"median_ms\":2.0", "\"median_ms\":-2.0"), "times of `a` are 1, 1, -2 and 3 ms"),
    ] {
        let said = said(&second);
        assert!(said.starts_with("runs/new.json: line 2: ") && said.contains(part), "`{part}` is not in: {said}");
    }
    assert!(parse("a.json".as_ref(), "\n \n").expect_err("empty").to_string().contains("a.json: it holds no measured case"));
}

#[test]
fn a_record_survives_its_line_and_optional_fields_may_be_absent() {
    let whole = record("mmd/n8192-d2", [36.1, 36.123_456_789, 37.0]);
    let line = whole.to_line().expect("a line");
    assert!(line.starts_with(r#"{"case":"mmd/n8192-d2","#), "{line}");
    assert_eq!(parse("a".as_ref(), &line).expect("a record"), [whole]);
    let sparse = [
        "\"ceiling_share\":null,",
        "\"vector_bits\":256,",
        "\"threads\":2,",
        "\"cpu\":\"a processor\",",
        ",\"commit\":null",
        ",\"unix_time\":1700000000",
    ]
    .iter()
    .fold(line, |line, part| {
        assert!(line.contains(part), "{part} in {line}");
        line.replace(part, "")
    });
    let read = parse("a".as_ref(), &sparse.replace("{", "{\"later\":[1],")).expect("a record");
    assert_eq!((read[0].setup.threads, read[0].setup.cpu.as_deref(), read[0].unix_time), (None, None, None));
}

/// Runs of one case whose times are all within `noise` of `median`.
fn runs(median: f64, noise: f64) -> impl Strategy<Value = Vec<[f64; 3]>> {
    prop::collection::vec(prop::array::uniform3(-noise..noise), 1..6).prop_map(move |runs| {
        let sorted = |mut offsets: [f64; 3]| {
            offsets.sort_by(f64::total_cmp);
            offsets.map(|offset| median * (1.0 + offset))
        };
        runs.into_iter().map(sorted).collect()
    })
}

proptest! {
    #[test]
    fn differences_below_the_threshold_are_no_regressions(old in runs(10.0, 0.02), new in runs(10.0, 0.02)) {
        // Medians within 2 % of 10 differ by 4.1 % at most.
        prop_assert_ne!(verdict(&old, &new), Verdict::Regression);
    }

    #[test]
    fn slowdowns_larger_than_the_noise_are_regressions(old in runs(10.0, 0.04), new in runs(12.0, 0.04)) {
        // 12 · 0.96 is above 10 · 1.04 by 10 %.
        prop_assert_eq!(verdict(&old, &new), Verdict::Regression);
        prop_assert_eq!(verdict(&new, &old), Verdict::Faster);
    }

    #[test]
    fn pooling_keeps_the_order_of_quartiles_and_forgets_that_of_runs(times in runs(10.0, 0.3)) {
        let mut records: Vec<Record> = times.iter().map(|&times| record("a", times)).collect();
        let pooled = Pooled::of(&records).expect("a run");
        prop_assert!(pooled.lower_ms <= pooled.median_ms && pooled.median_ms <= pooled.upper_ms);
        records.reverse();
        prop_assert_eq!(Pooled::of(&records), Some(pooled));
    }

    #[test]
    fn no_time_is_slower_and_faster(old in runs(10.0, 0.3), new in runs(11.0, 0.3)) {
        let (there, back) = (verdict(&old, &new), verdict(&new, &old));
        prop_assert_eq!(there == Verdict::WithinNoise, back == Verdict::WithinNoise);
        prop_assert_eq!(there == Verdict::Faster, matches!(back, Verdict::Slower | Verdict::Regression));
    }
}
