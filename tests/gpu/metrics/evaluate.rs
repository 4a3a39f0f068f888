use pushforward::data::{Standardization, Table, Target};
use pushforward::metrics::columns::ColumnDifference;
use pushforward::metrics::{Evaluation, Options, Score, evaluate_points};
use pushforward::report::ScoreTable;

use super::normal;

#[test]
fn json_has_a_field_a_score_and_reads_back() {
    let (real, samples, train) = (normal(200, 2, 0.0, 1), normal(150, 2, 0.3, 2), normal(180, 2, 0.0, 3));
    let options = Options { permutations: 39, projections: 32, ..Options::default() };
    let found = evaluate_points(real.points(), samples.points(), Some(train.points()), &options).expect("scores");
    let json = serde_json::to_value(&found).expect("json");
    for name in ["mmd2", "energy", "sliced_w2", "w2", "precision", "recall", "density", "coverage", "ks"] {
        assert!(json[name]["value"].is_f64() && json[name]["interval"][1].is_f64(), "{name}: {}", json[name]);
    }
    assert!(json["mmd2"]["p_value"].is_f64() && json["memorization"]["ratio"]["value"].is_f64());
    assert_eq!(json["ks"]["columns"].as_array().map(Vec::len), Some(2));
    assert!(json.get("c2st").is_none(), "absent until a classifier is trained");
    assert_eq!(serde_json::from_value::<Evaluation>(json).expect("read back"), found);
    assert_eq!(evaluate_points(real.points(), samples.points(), Some(train.points()), &options).expect("again"), found);
}

#[test]
fn subsampled_scores_say_how_many_rows_they_took() {
    let (real, samples) = (normal(150, 2, 0.0, 1), normal(150, 2, 0.0, 2));
    let options = Options { permutations: 9, projections: 16, pair_rows: Some(100), w2_rows: 50, ..Options::default() };
    let found = evaluate_points(real.points(), samples.points(), None, &options).expect("scores");
    assert_eq!([found.energy.rows_used, found.coverage.rows_used, found.w2.rows_used], [Some(100), Some(100), Some(50)]);
    assert_eq!(found.sliced_w2.rows_used, None);
    assert!(found.memorization.is_none() && found.scores().len() == 9);
}

#[test]
fn a_known_score_adds_the_stein_discrepancy_of_the_samples_alone() {
    let (real, samples) = (normal(120, 2, 0.0, 1), normal(300, 2, 0.8, 2));
    let table = Table::new(["a", "b"], real.values.clone()).expect("a table");
    let target = Target::given(&["-a", "-b"], &table, &Standardization::identity(2)).expect("a score");
    let options = Options { permutations: 49, projections: 16, pair_rows: Some(200), target: Some(target), ..Options::default() };
    let of = |samples: &super::Cloud| evaluate_points(real.points(), samples.points(), None, &options).expect("scores");
    let found = of(&samples);
    let ksd2 = found.ksd2.as_ref().expect("a discrepancy");
    assert_eq!((ksd2.rows_used, ksd2.p_value), (Some(200), Some(0.02)));
    let names: Vec<_> = found.scores().iter().map(|score| score.name).collect();
    assert_eq!((names.len(), names[2]), (10, "KSD²"));
    let json = serde_json::to_value(&found).expect("json");
    assert!(json["ksd2"]["interval"][1].is_f64(), "{json}");
    assert_eq!(serde_json::from_value::<Evaluation>(json).expect("read back"), found);
    let own = of(&normal(150, 2, 0.0, 4)).ksd2.expect("a discrepancy");
    assert!(own.p_value > Some(0.05) && own.rows_used.is_none(), "{own:?}");
    let other = Options { target: None, ..options.clone() };
    let without = evaluate_points(real.points(), samples.points(), None, &other).expect("scores");
    assert!(without.ksd2.is_none() && !serde_json::to_string(&without).expect("json").contains("ksd2"));
    assert_eq!(Evaluation { ksd2: None, ..found }, without);
    let wide =
        evaluate_points(normal(50, 3, 0.0, 1).points(), normal(50, 3, 0.0, 2).points(), None, &options).expect_err("two columns");
    assert!(wide.to_string().contains("rows of 3 columns and a score on 2"), "{wide}");
}

/// Five seconds' rows, for the host: fewer the more columns there are.
#[test]
fn by_default_pairs_take_as_many_rows_as_the_time_allows() {
    let host = pushforward::metrics::Backend::Host;
    let [narrow, wide] = [2, 64].map(|columns| host.pair_rows(columns));
    assert!((25_000..30_000).contains(&narrow) && (9_000..10_000).contains(&wide), "{narrow} {wide}");
}

#[test]
fn a_table_has_a_row_for_every_score_that_any_column_has() {
    let (real, samples) = (normal(60, 1, 0.0, 1), normal(60, 1, 0.0, 2));
    let options = Options { permutations: 9, ..Options::default() };
    let plain = evaluate_points(real.points(), samples.points(), None, &options).expect("scores");
    let mut judged = plain.clone();
    judged.c2st = Some(Score::exact(0.55));
    let table = ScoreTable::new("60 rows", &[("samples", &plain), ("fresh data", &judged)]);
    let row = table.rows.iter().find(|row| row.name == "C2ST accuracy").expect("a row");
    assert!(row.cells[0].is_none() && row.cells[1].as_ref().is_some_and(|s| s.value == 0.55));
    assert_eq!(table.rows.len(), 10);
}

#[test]
fn scores_that_there_are_none_of_are_told_with_the_reason() {
    let (mut real, samples) = (normal(40, 2, 0.0, 1), normal(15, 2, 0.0, 2));
    real.values.iter_mut().step_by(2).for_each(|x| *x = 1.0);
    let names = vec!["height".to_string(), "age".to_string()];
    let options = Options { classifier: true, names, permutations: 9, projections: 8, ..Options::default() };
    let found = evaluate_points(real.points(), samples.points(), None, &options).expect("scores");
    let [classifier, constant] = found.notes.as_slice() else { panic!("{:?}", found.notes) };
    assert_eq!(classifier, "There is no C2ST accuracy: the smaller set has 15 rows, and a classifier needs 20 or more of each.");
    assert!(constant.ends_with("constant in the reference: `height`."), "{constant}");
    assert!(found.by_column.iter().all(|column| !column.is_categorical()), "{:?}", found.by_column);
    // A page says so of all sets, or of the one that it is of.
    let enough = evaluate_points(real.points(), normal(30, 2, 0.0, 3).points(), None, &options).expect("scores");
    assert!(enough.c2st.is_some());
    let table = ScoreTable::new("40 rows", &[("samples", &found), ("fresh data", &enough)]);
    assert_eq!(table.notes, [format!("Of samples: {classifier}"), constant.clone()]);
    // A network where trees make no mistake; a memorization ratio where the training rows repeat.
    let [mut near, mut far] = [6, 4].map(|seed| normal(40, 2, 0.0, seed));
    near.values.iter_mut().step_by(2).for_each(|x| *x = 1.0);
    far.values.iter_mut().step_by(2).for_each(|x| *x = 9.0);
    let gpu = Some(crate::shared::Devices::PLAIN.clone());
    let train = super::Cloud { values: [1.0, 2.0].repeat(30), ..normal(30, 2, 0.0, 5) };
    let options = Options { gpu, ..options };
    let found = evaluate_points(near.points(), far.points(), Some(train.points()), &options).expect("scores");
    let said = found.notes.join(" ");
    assert!(said.contains("no accuracy of a neural network") && said.contains("no memorization ratio"), "{said}");
}

#[test]
fn a_column_that_is_rounded_in_the_reference_alone_is_named() {
    // Of 300 rows rounded to quarters nearly all share their value with another; of as many reals none does.
    let (mut real, samples) = (normal(300, 2, 0.0, 1), normal(500, 2, 0.0, 2));
    real.values.iter_mut().step_by(2).for_each(|x| *x = (*x * 4.0).round() / 4.0);
    let names = vec!["height".to_string(), "age".to_string()];
    let options = Options { classifier: true, names, permutations: 39, projections: 16, ..Options::default() };
    let found = evaluate_points(real.points(), samples.points(), None, &options).expect("scores");
    let of = |name: &str| found.by_column.iter().find(|column| column.column == name).expect("the column");
    let [reference, drawn] = of("height").repeated.expect("a numeric column");
    assert!(reference > 0.97 && drawn < 0.01 && of("age").repeated == Some([0.0, 0.0]), "{:?}", found.by_column);
    let verdict = found.verdict();
    assert!(
        verdict.ends_with("rounded in the reference but not in the samples, in: `height`.")
            && !verdict.contains("depend on each other"),
        "{verdict}"
    );
    // The other way about nothing is wrong with the samples but what a classifier sees.
    let found = evaluate_points(samples.points(), real.points(), None, &options).expect("scores");
    assert!(!found.verdict().contains("rounded"), "{}", found.verdict());
}

/// Columns and rows as a whole are tests of their own: a verdict that takes either at .05 would be wrong in up to one of ten cases.
#[test]
fn a_verdict_is_corrected_for_its_tests() {
    let column = |p_value: f64| ColumnDifference { column: "a".into(), p_value, ..ColumnDifference::default() };
    let p = |p_value: f64| Score::exact(0.0).with_p_value(p_value);
    let says = |mmd2: f64, c2st: Option<f64>, by_column: Vec<ColumnDifference>| {
        let found = Evaluation { mmd2: p(mmd2), c2st: c2st.map(p), by_column, ..Evaluation::default() };
        !found.verdict().starts_with("No difference is found")
    };
    assert!(says(0.04, None, Vec::new()) && !says(0.06, None, Vec::new()));
    assert!(says(0.02, None, vec![column(1.0)]) && !says(0.03, None, vec![column(1.0)]));
    assert!(says(1.0, None, vec![column(0.02)]) && !says(1.0, None, vec![column(0.03)]));
    // Of two tests of the whole each has half of its half.
    assert!(says(1.0, Some(0.012), vec![column(1.0)]) && !says(0.013, Some(0.02), vec![column(1.0)]));
}
