use proptest::prelude::*;
use pushforward::data::{ColumnRounding, Rounding, Standardisation, Table};

use crate::sentence;

fn table(cols: usize, values: &[f32]) -> Table {
    Table::unnamed(cols, values.to_vec()).unwrap()
}

#[test]
fn mean_and_deviation_are_those_of_the_columns() {
    let fit = Standardisation::fit(&table(2, &[1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 6.0, 60.0]));
    assert_eq!(fit.mean, [3.0, 30.0]);
    // ((−2)² + (−1)² + 0² + 3²) / 4
    assert_eq!(fit.scale, [3.5f64.sqrt(), 350f64.sqrt()]);
    assert!((fit.log_det() + 0.5 * 3.5f64.ln() + 0.5 * 350f64.ln()).abs() < 1e-12);
}

#[test]
fn weights_count_rows_as_if_repeated() {
    let weighted = table(2, &[1.0, 7.0, 2.0, 4.0, 5.0, 9.0]).with_weights(vec![3.0, 0.0, 1.0]).unwrap();
    let repeated = table(2, &[1.0, 7.0, 1.0, 7.0, 1.0, 7.0, 5.0, 9.0]);
    assert_eq!(Standardisation::fit(&weighted), Standardisation::fit(&repeated));
}

#[test]
fn a_constant_column_keeps_its_scale() {
    let fit = Standardisation::fit(&table(2, &[0.1, 1.0, 0.1, 2.0, 0.1, 3.0]));
    assert_eq!((fit.mean[0] as f32, fit.scale[0]), (0.1, 1.0));
    let mut values = vec![0.1, 2.0];
    fit.apply(&mut values).unwrap();
    assert!(values.iter().all(|z| z.abs() < 1e-6));
}

#[test]
fn a_large_offset_does_not_swallow_the_deviation() {
    // Squares minus the squared mean would give 0 or less here.
    let values: Vec<f32> = (0..1000).map(|i| 8_388_608.0 + (i % 2) as f32).collect();
    assert_eq!(Standardisation::fit(&table(1, &values)).scale, [0.5]);
}

#[test]
fn widths_that_do_not_fit_are_refused() {
    let fit = Standardisation::identity(3);
    assert_eq!(sentence(fit.apply(&mut [1.0, 2.0])), "standardise: 2 values do not fill whole rows of 3 columns");
    sentence(Standardisation::identity(0).undo(&mut [1.0]));
    fit.undo(&mut []).unwrap();
}

#[test]
fn it_is_kept_exactly_in_json() {
    let fit = Standardisation { mean: vec![0.1, -1.0 / 3.0], scale: vec![1e-30, 12345.678] };
    assert_eq!(serde_json::from_str::<Standardisation>(&serde_json::to_string(&fit).unwrap()).unwrap(), fit);
}

proptest! {
    #[test]
    fn standardised_columns_have_mean_zero_and_deviation_one_and_undo_gives_them_back(
        rows in proptest::collection::vec((-1e6f32..1e6, -1f32..1.0), 2..50),
    ) {
        let values: Vec<f32> = rows.iter().flat_map(|&(a, b)| [a, b]).collect();
        let table = table(2, &values);
        prop_assume!(table.kinds().iter().all(|kind| kind.max - kind.min > 1e-3 * kind.max.abs().max(1e-3)));
        let fit = Standardisation::fit(&table);
        let mut z = values.clone();
        fit.apply(&mut z).unwrap();
        let again = Standardisation::fit(&Table::unnamed(2, z.clone()).unwrap());
        for j in 0..2 {
            // z was rounded to f32, so its mean and deviation are exact to about its last digit, |z| ≤ √50.
            prop_assert!(again.mean[j].abs() < 1e-6 && (again.scale[j] - 1.0).abs() < 1e-6);
        }
        fit.undo(&mut z).unwrap();
        for (i, (back, value)) in z.iter().zip(&values).enumerate() {
            let unit = 7.1 * f64::from(f32::EPSILON) * fit.scale[i % 2] + f64::from(f32::EPSILON) * f64::from(value.abs());
            prop_assert!(f64::from(back - value).abs() <= unit, "{value} came back as {back}");
        }
    }
}

#[test]
fn rounding_follows_what_the_columns_held() {
    let table = table(2, &[1.0, 0.5, 4.0, 2.5]);
    let mut values = vec![1.4, 0.1, 3.5, 9.0, -2.0, 1.25, f32::NAN, f32::INFINITY];
    let both = Rounding::of(&table, true, true);
    assert_eq!(both.columns[1], ColumnRounding { to_integer: false, to_bounds: Some((0.5, 2.5)) });
    both.apply(&mut values).unwrap();
    assert_eq!(values[..6], [1.0, 0.5, 4.0, 2.5, 1.0, 1.25]);
    assert!(values[6].is_nan() && values[7] == 2.5);

    let mut values = vec![1.4, 9.9];
    Rounding::of(&table, true, false).apply(&mut values).unwrap();
    assert_eq!(values, [1.0, 9.9]);
    assert!(Rounding::of(&table, false, false).is_none() && !both.is_none());
    assert!(sentence(both.apply(&mut [1.0])).contains("whole rows of 2 columns"));
    assert_eq!(serde_json::from_str::<Rounding>(&serde_json::to_string(&both).unwrap()).unwrap(), both);
}
