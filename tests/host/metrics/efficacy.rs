//! Machine-learning efficacy: scores to the digits of scikit-learn, models as good as its own.

use pushforward::data::{Column, Table};
use pushforward::metrics::efficacy::{Classified, efficacy, r2};

use super::{shuffled, table};

#[test]
fn accuracy_f1_auc_and_r2_are_those_of_scikit_learn() {
    // scikit-learn 1.9.1: accuracy_score, f1_score(average="macro"), roc_auc_score(multi_class="ovr"), r2_score.
    let near = |found: [f64; 3], expected: [f64; 3]| {
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    };
    let truth = [0, 1, 2, 2, 1, 0, 1, 2, 0, 2];
    let chances = vec![
        vec![0.6, 0.2, 0.1, 0.3, 0.2, 0.4, 0.7, 0.1, 0.5, 0.2],
        vec![0.3, 0.5, 0.1, 0.4, 0.6, 0.5, 0.2, 0.3, 0.2, 0.2],
        vec![0.1, 0.3, 0.8, 0.3, 0.2, 0.1, 0.1, 0.6, 0.3, 0.6],
    ];
    let found = Classified::new(chances, &truth).scores(&truth, &[1.0; 10]);
    near(found, [0.7, 0.6984126984126985, 0.8511904761904762]);
    let truth = [0, 1, 1, 0, 1, 0, 1, 1];
    let second = [0.2, 0.8, 0.4, 0.4, 0.9, 0.6, 0.6, 0.7];
    let found =
        Classified::new(vec![second.iter().map(|p| 1.0 - p).collect(), second.to_vec()], &truth).scores(&truth, &[1.0; 8]);
    near(found, [0.75, 0.7333333333333334, 0.8666666666666667]);
    let (truth, predicted) = ([1.0, 2.0, 4.0, 8.0], [1.5, 2.0, 3.0, 9.0]);
    assert!((r2(&truth, &predicted, &[1.0; 4]) - 0.9217391304347826).abs() < 1e-12);
    assert!((r2(&truth, &predicted, &[1.0, 2.0, 0.0, 3.0]) - 0.9465753424657535).abs() < 1e-12);
}

/// Three columns of numbers that fill the cube, and what depends on them with noise that they do not show: a number, three classes, and two.
fn cube(rows: std::ops::Range<usize>) -> Table {
    let along = |step: f64| rows.clone().map(|i| ((i + 1) as f64 * step).fract()).collect::<Vec<f64>>();
    let [a, b, c] = [0.6180339887498949, 0.4142135623730951, 0.7320508075688772].map(along);
    let noise = along(0.14159265358979312);
    let y = (0..a.len()).map(|i| (6.0 * a[i]).sin() + b[i] * b[i] + 2.0 * noise[i]).collect();
    let k: Vec<u32> = (0..a.len()).map(|i| (3.0 * ((a[i] + 0.9 * noise[i]) / 1.9)) as u32).collect();
    let two = k.iter().map(|&k| u32::from(k > 0)).collect();
    Table::from_columns([
        Column::numbers("a", a),
        Column::numbers("b", b),
        Column::numbers("c", c),
        Column::numbers("y", y),
        Column::categories("k", k, ["low", "middle", "high"]).unwrap(),
        Column::categories("two", two, ["no", "yes"]).unwrap(),
    ])
    .unwrap()
}

#[test]
fn models_are_as_good_as_those_of_scikit_learn() {
    // scikit-learn 1.9.1, HistGradientBoostingRegressor and -Classifier with their defaults, trained on rows 0 to 499 of columns a, b, c and scored on 500 to 799.
    let expected: [(&str, &[f64]); 3] = [
        ("y", &[0.473_790_953_912_933]),
        ("k", &[0.55, 0.515_330_017_665_981_1, 0.761_355_713_529_626_5]),
        ("two", &[0.763_333_333_333_333_3, 0.641_263_157_894_736_9, 0.851_370_851_370_851_3]),
    ];
    for (target, expected) in expected {
        let columns = ["a", "b", "c", target];
        let [test, train] = [500..800, 0..500].map(|rows| cube(rows).select(columns).unwrap());
        let found = efficacy(&test, &train, Some(&train), target, 0).unwrap();
        assert_eq!((found.training_rows, found.test_rows), (500, 300));
        for (score, expected) in found.scores.iter().zip(expected) {
            // The standard error of a share of 300 rows is .025 or less.
            assert!((score.real.value - expected).abs() < 0.04, "{target}: {score:?} for {expected}");
            // Trained on the same rows, both models are one.
            assert_eq!((score.samples.value, score.ratio.as_ref().unwrap().value), (score.real.value, 1.0));
            let [low, high] = score.real.interval.unwrap();
            assert!(low < score.real.value && score.real.value < high && high - low < 0.2, "{score:?}");
        }
        assert_eq!(found.scores.len(), expected.len());
    }
}

#[test]
fn samples_that_teach_nothing_score_worse_and_order_does_not_matter() {
    let (test, train) = (cube(500..800), cube(0..500));
    // The target of another row: nothing to learn.
    let moved: Vec<usize> = (0..500).map(|i| i * 131 % 500).collect();
    let codes = moved.iter().map(|&i| train.row(i)[4] as u32).collect();
    let levels = ["low", "middle", "high"];
    let columns = |of: &Table| of.select(["a", "b", "c", "k"]).unwrap();
    let numbers = |j: usize, name: &str| Column::numbers(name, train.column(j).collect());
    let useless =
        Table::from_columns([numbers(0, "a"), numbers(1, "b"), numbers(2, "c"), Column::categories("k", codes, levels).unwrap()])
            .unwrap();
    let (test, train) = (columns(&test), columns(&train));
    let found = efficacy(&test, &useless, Some(&train), "k", 0).unwrap();
    let auc = &found.scores[2];
    assert!(auc.samples.interval.unwrap()[1] < auc.real.interval.unwrap()[0], "{auc:?}");
    assert!((auc.samples.value - 0.5).abs() < 0.1 && auc.ratio.as_ref().unwrap().interval.unwrap()[1] < 1.0, "{auc:?}");
    let again = efficacy(&shuffled(&test, 7), &shuffled(&useless, 3), Some(&shuffled(&train, 11)), "k", 0).unwrap();
    assert_eq!(again, found);
}

#[test]
fn targets_of_every_type_with_missing_cells_are_predicted() {
    let (real, new, train) = (table("real"), table("synthetic"), table("train"));
    for (target, scores) in [("job", 3), ("member", 3), ("age", 1), ("joined", 1), ("spent", 1)] {
        for train in [None, Some(&train)] {
            let found = efficacy(&real, &new, train, target, 0).unwrap();
            assert_eq!(found.scores.len(), scores, "{found:?}");
        }
    }
    // Spent is half of the income, a good 40 percent of it, and real rows teach it better than samples with more noise.
    let found = efficacy(&real, &new, Some(&train), "spent", 0).unwrap();
    assert!(found.scores[0].real.value > 0.5, "{found:?}");
    for (target, part) in [("id", "identifies rows"), ("country", "has one value"), ("joind", "did you mean `joined`?")] {
        let error = efficacy(&real, &new, None, target, 0).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let few = real.select_rows(&(0..30).collect::<Vec<_>>());
    assert!(efficacy(&few, &new, None, "age", 0).unwrap_err().to_string().contains("at least 20"));
}
