//! Shapes, trends and coverages, to the digits of SDMetrics.

use pushforward::data::{Column, ColumnType, Table};
use pushforward::metrics::scorecard::{Part, Scorecard, scorecard};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{shuffled, table};

fn found() -> Scorecard {
    scorecard(&table("real"), &table("synthetic"), 0).unwrap()
}

fn near(value: f64, expected: f64) -> bool {
    (value - expected).abs() < 1e-12
}

#[test]
fn columns_score_as_in_sdmetrics() {
    // SDMetrics 0.32.0, `KSComplement`/`TVComplement`, `MissingValueSimilarity` and `RangeCoverage`/`CategoryCoverage`.compute(real, synthetic), read by
    // pandas 3.1.1 with `joined` as datetime.
    let expected = [
        ("age", 0.9050676254066085, 0.9933333333333333, 0.9830508474576272),
        ("income", 0.665, 1.0, 0.9674488640096136),
        ("spent", 0.7124183006535948, 0.86, 0.9908082045094483),
        ("joined", 0.9333333333333333, 1.0, 0.9306122448979592),
        ("job", 0.7890236627560151, 0.9516666666666667, 0.8),
        ("member", 0.9716666666666667, 1.0, 1.0),
        ("country", 1.0, 1.0, 1.0),
    ];
    let found = found();
    assert_eq!(found.columns.len(), expected.len(), "the identifier is left out");
    for (name, shape, missing, coverage) in expected {
        let column = found.columns.iter().find(|column| column.column == name).unwrap();
        let own = column.shape.as_ref().unwrap().score.value;
        assert!(near(own, shape) && near(column.missing.score.value, missing), "{column:?}");
        assert!(near(column.coverage.as_ref().unwrap().value, coverage), "{column:?}");
    }
    // `QualityReport`, property "Column Shapes".
    assert!(near(found.shapes.unwrap().score.value, 0.8537870841166028));
    // Columns that lack cells in neither table do not count.
    let missing = [0.9933333333333333, 0.86, 1.0, 0.9516666666666667];
    assert!(near(found.missing.unwrap().score.value, missing.iter().sum::<f64>() / 4.0));
}

#[test]
fn pairs_score_as_in_sdmetrics() {
    // SDMetrics 0.32.0, `QualityReport.get_details("Column Pair Trends")` with both thresholds 0, and whether a pair meets the default ones.
    let expected = [
        ("age", "income", 0.999_892_671_300_613, false),
        ("age", "spent", 0.986_028_773_933_670_5, false),
        ("age", "job", 0.613_333_333_333_333_3, true),
        ("age", "member", 0.746_666_666_666_666_7, true),
        ("age", "joined", 0.842_836_004_079_062_3, false),
        ("age", "country", 0.846_666_666_666_666_7, false),
        ("income", "spent", 0.966_366_476_449_405_5, true),
        ("income", "job", 0.645, false),
        ("income", "member", 0.791_666_666_666_666_6, false),
        ("income", "joined", 0.958_131_581_315_302, false),
        ("income", "country", 0.856_666_666_666_666_7, false),
        ("spent", "job", 0.585, false),
        ("spent", "member", 0.691_666_666_666_666_6, false),
        ("spent", "joined", 0.969_241_381_359_835, false),
        ("spent", "country", 0.72, false),
        ("job", "member", 0.771_666_666_666_666_7, true),
        ("job", "joined", 0.545, true),
        ("job", "country", 0.78, false),
        ("member", "joined", 0.791_666_666_666_666_7, false),
        ("member", "country", 0.971_666_666_666_666_7, false),
        ("joined", "country", 0.885, false),
    ];
    let found = found();
    assert_eq!(found.pairs.len(), expected.len());
    for (a, b, trend, related) in expected {
        let pair = found.pairs.iter().find(|pair| pair.columns == [a, b]).unwrap();
        assert!(near(pair.trend.score.value, trend) && pair.related == related, "{pair:?}");
    }
    // The report's "Column Pair Trends" with default thresholds, and without.
    assert!(near(found.trends.unwrap().score.value, 0.7286066286232143));
    assert!(near(found.all_trends.unwrap().score.value, 0.8078173121478359));
    let pair = found.pairs.iter().find(|pair| pair.columns == ["income", "spent"]).unwrap();
    let [real, new] = pair.correlations.unwrap();
    assert!(near(real, 0.903_741_863_698_599_1) && near(new, 0.836_474_816_597_410_3));
}

#[test]
fn scores_do_not_depend_on_the_order_of_rows() {
    let (real, new) = (table("real"), table("synthetic"));
    assert_eq!(scorecard(&shuffled(&real, 7), &shuffled(&new, 3), 0).unwrap(), found());
}

#[test]
fn what_differs_is_said_in_words_and_the_worst_is_first() {
    let found = found();
    let said: Vec<(&str, &str)> =
        found.columns.iter().map(|column| (column.column.as_str(), column.difference.as_str())).collect();
    // In its distribution income is farthest off what as many real rows would have.
    assert_eq!(said[0].0, "income", "{said:?}");
    let of = |name: &str| said.iter().find(|(column, _)| *column == name).unwrap().1;
    assert!(of("income").contains("in real rows and") && of("job").contains("1 level is never sampled"), "{said:?}");
    assert_eq!(of("country"), "");
    let same = scorecard(&table("real"), &table("real"), 0).unwrap();
    assert!(same.columns.iter().all(|column| column.difference.is_empty()), "{:?}", same.columns);
    assert!(same.pairs.iter().all(|pair| near(pair.trend.score.value, 1.0)));
}

/// Rows of a mixed table: a number, one that follows it, a category that follows both, missing cells.
fn drawn(rows: usize, seed: u64) -> Table {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut numbers = [Vec::new(), Vec::new()];
    let (mut codes, mut missing) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let [a, b, c]: [f64; 3] = random.random();
        numbers[0].push(a);
        numbers[1].push(a + b);
        codes.push((3.0 * (0.5 * a + 0.5 * c)) as u32);
        missing.push(random.random::<f64>() < 0.2);
    }
    let [a, b] = numbers;
    Table::from_columns([
        Column::numbers("a", a),
        Column::numbers("b", b).with_missing(missing).unwrap(),
        Column::categories("c", codes, ["x", "y", "z"]).unwrap(),
    ])
    .unwrap()
}

#[test]
fn intervals_cover_equality_and_the_scores_of_large_tables() {
    // Of equal distributions every score is 1 but for chance: the mean score is what the scorecard says it is, and intervals reach 1.
    let runs = 200;
    let of = |at: u64, other: fn(usize, u64) -> Table| scorecard(&drawn(150, 2 * at), &other(120, 2 * at + 1), 0).unwrap();
    let (mut reached, mut sums) = ([0; 3], [[0.0; 2]; 3]);
    for at in 0..runs {
        let card = of(at, drawn);
        for (i, part) in [&card.shapes, &card.all_trends, &card.missing].into_iter().enumerate() {
            let part = part.as_ref().unwrap();
            reached[i] += u32::from(part.score.interval.unwrap()[1] >= 1.0 - 1e-12);
            sums[i][0] += part.score.value / runs as f64;
            sums[i][1] += part.if_equal / runs as f64;
        }
    }
    assert!(reached.iter().all(|reached| *reached >= 190), "{reached:?}");
    // Standard errors of these means are below .002, and the normal approximation of few rows errs by as much. Bins lie between the ends of the very rows that fall into them,
    // which are farther apart in other rows' bins: that errs by less than .01, for the samples.
    let apart = sums.map(|[own, expected]| own - expected);
    assert!(apart[0].abs() < 0.006 && apart[2].abs() < 0.006 && (-0.002..0.01).contains(&apart[1]), "{sums:?}");

    // Of unequal ones: the score of a large table stands for the true one.
    fn other(rows: usize, seed: u64) -> Table {
        let table = drawn(rows, seed);
        let squared: Vec<f64> = table.column(0).map(|value| value * value).collect();
        let missing = table.missing(1).unwrap().to_vec();
        let second = table.column(1).map(|value| if value.is_nan() { 0.0 } else { value }).collect();
        let codes = table.column(2).map(|code| code as u32).collect();
        Table::from_columns([
            Column::numbers("a", squared),
            Column::numbers("b", second).with_missing(missing).unwrap(),
            Column::categories("c", codes, ["x", "y", "z"]).unwrap(),
        ])
        .unwrap()
    }
    let truth = scorecard(&drawn(20_000, 7001), &other(20_000, 7002), 0).unwrap();
    let truth = [truth.shapes.unwrap(), truth.all_trends.unwrap()].map(|part| part.score.value);
    let mut covered = [0; 2];
    for at in 0..runs {
        let card = of(at, other);
        for (i, part) in [&card.shapes, &card.all_trends].into_iter().enumerate() {
            let [low, high] = part.as_ref().unwrap().score.interval.unwrap();
            covered[i] += u32::from((low..=high).contains(&truth[i]));
        }
    }
    assert!(covered.iter().all(|covered| *covered >= 187), "{covered:?}");
}

#[test]
fn columns_without_cells_or_with_one_value_have_no_score_where_there_is_none() {
    let nothing = || Column::numbers("nothing", vec![0.0; 3]).with_missing(vec![true; 3]).unwrap();
    let real = Table::from_columns([Column::numbers("one", vec![5.0; 3]), Column::numbers("x", vec![1.0, 2.0, 3.0]), nothing()])
        .unwrap();
    let new = Table::from_columns([Column::numbers("one", vec![5.0; 3]), Column::numbers("x", vec![1.0, 2.0, 4.0]), nothing()])
        .unwrap();
    let found = scorecard(&real, &new, 0).unwrap();
    let of = |name: &str| found.columns.iter().find(|column| column.column == name).unwrap();
    assert!(of("nothing").shape.is_none() && of("nothing").coverage.is_none() && of("nothing").missing.score.value == 1.0);
    assert!(of("one").coverage.is_none() && of("one").shape.as_ref().unwrap().score.value == 1.0);
    assert!(found.pairs.is_empty() && found.trends.is_none() && found.all_trends.is_none());
    assert_eq!(of("x").column_type, ColumnType::Number);
    let texts = Table::from_columns([Column::categories("x", vec![0, 1], ["a", "b"]).unwrap()]).unwrap();
    let error = scorecard(&real.select(["x"]).unwrap(), &texts, 0).unwrap_err().to_string();
    assert!(error.contains("another type"), "{error}");
}

#[test]
fn rows_count_as_they_weigh() {
    let (real, new) = (table("real"), table("synthetic"));
    // Weights of 2 and 0: rows that are there, and rows that are not.
    let weights = (0..real.rows()).map(|row| if row % 3 == 0 { 0.0 } else { 2.0 }).collect();
    let weighted = scorecard(&real.clone().with_weights(weights).unwrap(), &new, 0).unwrap();
    let kept = real.select_rows(&(0..real.rows()).filter(|row| row % 3 != 0).collect::<Vec<_>>());
    assert_eq!(weighted, scorecard(&kept, &new, 0).unwrap());
    // A column weighted by itself has a larger mean, and the scorecard sees that.
    let table = |weights: bool| {
        let table = Table::new(["x"], (0..2000).map(f64::from).collect()).unwrap();
        if weights { table.with_weights((0..2000).map(|i| i as f32).collect()).unwrap() } else { table }
    };
    // Of uniform x on [0, 1] the distribution functions are x and x²: at most ¼ apart.
    let found = scorecard(&table(true), &table(false), 0).unwrap().shapes.unwrap().score;
    assert!((found.value - 0.75).abs() < 0.03, "{found:?}");
}

#[test]
fn of_large_tables_as_many_rows_are_drawn_as_are_told() {
    let table = |first: u32| Table::new(["x"], (0..130_000).map(|i| f64::from(first + i * 7919 % 130_000)).collect()).unwrap();
    let found = scorecard(&table(0), &table(65_000), 0).unwrap();
    assert!(found.notes[0].contains("100,000 rows"), "{:?}", found.notes);
    // Two uniform distributions, one moved by a half of its range. The standard error of a share of 100,000 rows is .0016.
    let shape = found.shapes.unwrap();
    assert!((shape.score.value - 0.5).abs() < 0.01, "{shape:?}");
    assert_eq!(scorecard(&shuffled(&table(0), 7), &table(65_000), 0).unwrap().columns, found.columns);
}

#[test]
fn one_outlier_that_moves_all_bins_is_no_difference_of_dependence() {
    // Equal distributions of a number with heavy tails and a category that follows it.
    let rows = |seed: u64| {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let uniform: Vec<f64> = (0..600).map(|_| random.random::<f64>()).collect();
        let tail = uniform.iter().map(|u| (1.0 - u).powf(-0.7)).collect();
        let codes = uniform.iter().map(|u| (4.0 * u) as u32).collect();
        Table::from_columns([Column::numbers("x", tail), Column::categories("k", codes, ["a", "b", "c", "d"]).unwrap()]).unwrap()
    };
    let pairs: Vec<_> =
        (0..100).map(|at| scorecard(&rows(2 * at), &rows(2 * at + 1), 0).unwrap().pairs.remove(0).trend).collect();
    let reached = pairs.iter().filter(|pair| pair.score.interval.unwrap()[1] >= 1.0 - 1e-12).count();
    assert!(reached >= 95, "{reached}");
    let mean = |of: &dyn Fn(&Part) -> f64| pairs.iter().map(of).sum::<f64>() / 100.0;
    let (own, equal) = (mean(&|pair| pair.score.value), mean(&|pair| pair.if_equal));
    assert!(own < 0.94 && (own - equal).abs() < 0.01, "{own} and {equal}");
}

#[test]
fn pairs_of_many_levels_score_as_far_as_equal_rows_do() {
    // Most cells have a row or none.
    let rows = |seed: u64| {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut codes = || (0..1000).map(|_| (40.0 * random.random::<f64>()) as u32).collect::<Vec<u32>>();
        let (a, b) = (codes(), codes());
        let levels = || (0..40).map(|level| level.to_string());
        Table::from_columns([Column::categories("a", a, levels()).unwrap(), Column::categories("b", b, levels()).unwrap()])
            .unwrap()
    };
    let card = scorecard(&rows(1), &rows(2), 0).unwrap();
    let pair = &card.pairs[0].trend;
    // Poisson counts of mean λ = 5/8: 1 − e^{−2λ}(I₀(2λ) + I₁(2λ)) of all rows agree, .374.
    assert!((pair.if_equal - 0.374).abs() < 0.01 && (pair.score.value - pair.if_equal).abs() < 0.03, "{pair:?}");
    assert!(pair.score.interval.unwrap()[1] >= 1.0 - 1e-9, "{pair:?}");
}
