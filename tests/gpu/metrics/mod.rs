//! Two-sample scores against closed forms and against brute force.

use pushforward::metrics::Points;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, StandardNormal};

mod c2st;
mod device;
mod diversity;
mod evaluate;
mod intervals;
mod kolmogorov;
mod manifold;
mod memorization;
mod mixed;
mod order;
mod pairs;
mod permutation;
mod sinkhorn;
mod stein;
mod wasserstein;
mod weights;

/// Rows and their shape.
struct Cloud {
    values: Vec<f32>,
    rows: usize,
    columns: usize,
}

impl Cloud {
    fn points(&self) -> Points<'_> {
        Points::new(&self.values, self.rows, self.columns).expect("finite rows")
    }
}

/// `rows` draws of N(shift·e₁, I) in `columns` dimensions.
fn normal(rows: usize, columns: usize, shift: f32, seed: u64) -> Cloud {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let draw = |i: usize| -> f32 {
        let z: f32 = StandardNormal.sample(&mut random);
        if i.is_multiple_of(columns) { z + shift } else { z }
    };
    Cloud { values: (0..rows * columns).map(draw).collect(), rows, columns }
}

/// `cloud` with `shift` added to its first column.
fn moved(cloud: &Cloud, shift: f32) -> Cloud {
    let values =
        cloud.values.iter().enumerate().map(|(i, v)| if i.is_multiple_of(cloud.columns) { v + shift } else { *v }).collect();
    Cloud { values, ..*cloud }
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} is not within {tolerance} of {expected}");
}

#[test]
fn points_name_the_row_and_column_that_is_not_finite() {
    let error = Points::new(&[0.0, 1.0, f32::NAN, 3.0], 2, 2).expect_err("not a number");
    assert!(error.to_string().contains("row 2, column 1"), "{error}");
    assert!(Points::new(&[0.0; 5], 2, 3).is_err() && Points::new(&[], 0, 3).is_err());
}

#[test]
fn a_score_leaves_absent_fields_out_of_json() {
    let score = pushforward::metrics::Score::exact(0.25);
    assert_eq!(serde_json::to_string(&score).expect("json"), r#"{"value":0.25}"#);
}
