//! Distributions whose score is known: by a toy target, or in words.

use pushforward::Result;
use pushforward::data::toy::Toy;
use pushforward::data::{Source, Standardization, Table, Target};

fn rows() -> Table {
    Table::new(["age", "height"], (0..80).map(|i| ((i * 37) % 19) as f32 - 6.5).collect()).expect("two columns")
}

fn given(score: &[&str]) -> Result<Target> {
    Target::given(score, &rows(), &Standardization::identity(2))
}

#[test]
fn toy_targets_score_as_their_distributions_do_in_any_units() {
    let units = Standardization { mean: vec![0.4, -1.1], scale: vec![1.7, 0.6] };
    for toy in Toy::ALL {
        let source: Source = format!("toy:{toy}").parse().expect("a source");
        let target = Target::of(&source, &units);
        assert_eq!(target.is_some(), toy.score([0.0; 2]).is_some(), "{toy}");
        let Some(target) = target else { continue };
        for z in [[0.1, 0.2], [-0.8, 1.3]] {
            let expected = toy.score([0.4 + 1.7 * z[0], -1.1 + 0.6 * z[1]]).expect("known");
            for ((found, expected), scale) in target.score(&z).iter().zip(expected).zip(&units.scale) {
                assert!((found - scale * expected).abs() < 1e-10 * expected.abs().max(1.0), "{toy} at {z:?}");
            }
        }
        let one: Source = format!("toy:{toy}#y").parse().expect("a source");
        assert_eq!(Target::of(&one, &units), None, "{toy}: the distribution of a margin is another");
    }
}

#[test]
fn gradients_pass_for_scores() {
    // ∇ of quadratics, of products, of a mixture of two normal distributions, and of what is steep.
    for score in [
        ["-age + 0.5*height", "-height + 0.5*age"],
        ["-1e-6*age", "-1e6*height"],
        ["height*cos(age*height) - age^3", "age*cos(age*height)"],
        ["-age + 2*tanh(2*age)", "-height/4"],
        ["-50*age + 150*tanh(150*(age + height))", "-50*height + 150*tanh(150*(age + height))"],
    ] {
        given(&score).unwrap_or_else(|e| panic!("{score:?}: {e}"));
    }
}

#[test]
fn what_is_no_gradient_or_not_finite_names_the_columns() {
    let message = |score: &[&str]| given(score).expect_err("refused").to_string();
    let turned = message(&["-age + 0.5*height", "-height - 0.5*age"]);
    for part in ["not a gradient", "`age` changes with `height` by 0.5000", "`height` with `age` by -0.5000", "symmetric"] {
        assert!(turned.contains(part), "`{part}` is not in: {turned}");
    }
    assert!(message(&["-age + 0.5*height", "-height + 0.501*age"]).contains("not a gradient"));
    let infinite = message(&["1/(age + 6.5)", "-height"]);
    assert!(infinite.contains("`age` is not finite at row 1"), "{infinite}");
    assert!(message(&["-age", "log(height - 100)"]).contains("`height` is not finite"));
    let few = message(&["-age"]);
    assert!(few.contains("1 expression for 2 columns (age, height)"), "{few}");
}
