use proptest::prelude::*;
use pushforward::data::{ColumnRounding, Rounding, Standardization, Table};

use super::sentence;

fn table(cols: usize, values: &[f32]) -> Table {
    Table::unnamed(cols, values.to_vec()).unwrap()
}

#[test]
fn mean_and_deviation_are_those_of_the_columns() {
    let fit = Standardization::fit(&table(2, &[1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 6.0, 60.0]));
    assert_eq!(fit.mean, [3.0, 30.0]);
    // ((−2)² + (−1)² + 0² + 3²) / 4
    assert_eq!(fit.scale, [3.5f64.sqrt(), 350f64.sqrt()]);
    assert!((fit.log_det() + 0.5 * 3.5f64.ln() + 0.5 * 350f64.ln()).abs() < 1e-12);
}

#[test]
fn weights_count_rows_as_if_repeated() {
    let weighted = table(2, &[1.0, 7.0, 2.0, 4.0, 5.0, 9.0]).with_weights(vec![3.0, 0.0, 1.0]).unwrap();
    let repeated = table(2, &[1.0, 7.0, 1.0, 7.0, 1.0, 7.0, 5.0, 9.0]);
    assert_eq!(Standardization::fit(&weighted), Standardization::fit(&repeated));
}

#[test]
fn a_constant_column_keeps_its_scale() {
    let fit = Standardization::fit(&table(2, &[0.1, 1.0, 0.1, 2.0, 0.1, 3.0]));
    assert_eq!((fit.mean[0], fit.scale[0]), (f64::from(0.1f32), 1.0));
    assert_eq!(fit.apply(&[f64::from(0.1f32), 2.0]).unwrap(), [0.0, 0.0]);
}

#[test]
fn a_large_offset_does_not_swallow_the_deviation() {
    // Squares minus the squared mean would give 0 or less here.
    let values: Vec<f32> = (0..1000).map(|i| 8_388_608.0 + (i % 2) as f32).collect();
    assert_eq!(Standardization::fit(&table(1, &values)).scale, [0.5]);
}

#[test]
fn widths_that_do_not_fit_are_refused() {
    let fit = Standardization::identity(3);
    assert_eq!(sentence(fit.apply(&[1.0, 2.0])), "standardize: 2 values do not fill whole rows of 3 columns");
    sentence(Standardization::identity(0).undo(&[1.0]));
    fit.undo(&[]).unwrap();
}

#[test]
fn it_is_kept_exactly_in_json() {
    let fit = Standardization { mean: vec![0.1, -1.0 / 3.0], scale: vec![1e-30, 12345.678] };
    assert_eq!(serde_json::from_str::<Standardization>(&serde_json::to_string(&fit).unwrap()).unwrap(), fit);
}

proptest! {
    #[test]
    fn standardized_columns_have_mean_zero_and_deviation_one_and_undo_gives_them_back(
        rows in proptest::collection::vec((-1e6f32..1e6, -1f32..1.0), 2..50),
    ) {
        let values: Vec<f32> = rows.iter().flat_map(|&(a, b)| [a, b]).collect();
        let table = table(2, &values);
        prop_assume!(table.kinds().iter().all(|kind| kind.max - kind.min > 1e-3 * kind.max.abs().max(1e-3)));
        let fit = Standardization::fit(&table);
        let z = fit.apply(table.values()).unwrap();
        let again = Standardization::fit(&Table::unnamed(2, z.clone()).unwrap());
        for j in 0..2 {
            // z was rounded to f32, so its mean and standard deviation are exact to about its last digit, |z| ≤ √50.
            prop_assert!(again.mean[j].abs() < 1e-6 && (again.scale[j] - 1.0).abs() < 1e-6);
        }
        let back = fit.undo(&z).unwrap();
        for (i, (back, value)) in back.iter().zip(table.values()).enumerate() {
            // Half a unit in the last place of |z| ≤ √50 < 8, and half as much for the digits left out.
            let unit = 0.75 * 4.0 * f64::from(f32::EPSILON) * fit.scale[i % 2];
            prop_assert!((back - value).abs() <= unit, "{value} came back as {back}");
        }
        // As many digits as tell the numbers apart that single precision tells apart.
        prop_assert_eq!(fit.apply(&back).unwrap(), z);
    }
}

#[test]
fn rounding_follows_what_the_columns_held() {
    let table = table(2, &[1.0, 0.5, 4.0, 2.5]);
    let mut values = vec![1.4, 0.1, 3.5, 9.0, -2.0, 1.25, f64::NAN, f64::INFINITY];
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

/// Uniform on [0, 1), the same every time: Weyl's sequence of the golden ratio.
fn uniform(i: usize) -> f64 {
    (i as f64 * 0.618_033_988_749_894_9).fract()
}

#[test]
fn columns_of_any_offset_and_order_come_back_as_distinct_as_they_were() {
    // Seconds since 1970 within 20, identifiers, 10¹⁵ with a range of 8, and orders whose squares single and double precision lose.
    for (offset, range) in
        [(1.7e9, 20.0), (2e7, 50.0), (-1e15, 8.0), (0.0, 1e25), (0.0, 1e-25), (0.0, 1e200), (0.0, 1e-200), (1e300, 1e299)]
    {
        let x: Vec<f64> = (0..1000).map(|i| offset + range * uniform(i)).collect();
        let table = Table::unnamed(1, x.clone()).unwrap();
        table.check_trainable().unwrap();
        let fit = Standardization::fit(&table);
        // Of the uniform distribution, to what 1,000 evenly spread points leave: mean ½ and variance 1/12.
        assert!(((fit.mean[0] - offset) / range - 0.5).abs() < 2e-3, "{offset}, {range}: {fit:?}");
        assert!((fit.scale[0] / range - 12f64.sqrt().recip()).abs() < 1e-3, "{offset}, {range}: {fit:?}");
        let z = fit.apply(&x).unwrap();
        let (mean, square) = z.iter().fold((0.0, 0.0), |(m, s), &z| (m + f64::from(z) / 1e3, s + f64::from(z).powi(2) / 1e3));
        assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-6, "{offset}, {range}: {mean}, {square}");
        // |z| < 2: half a unit in its last place is 2⁻²⁴ standard deviations, and half as much are the digits left out.
        let back = fit.undo(&z).unwrap();
        let worst = x.iter().zip(&back).map(|(x, back)| ((x - back) / fit.scale[0]).abs()).fold(0.0, f64::max);
        let ulp = f64::EPSILON * (offset.abs() + range) / fit.scale[0];
        assert!(worst < 0.75 * f64::from(f32::EPSILON) + ulp, "{offset}, {range}: {worst}");
        let distinct = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<std::collections::HashSet<_>>().len();
        assert_eq!(distinct(&back), distinct(&x), "{offset}, {range}");
    }
}

#[test]
fn samples_have_no_more_digits_than_single_precision_tells() {
    let fit = Standardization { mean: vec![3.7, 0.0, 1.7e9], scale: vec![1.2, 1.0, 5.0] };
    // 3.7 + 1.2 · 0.123456791043. The last place of it and 0.1 is 2⁻²⁷ = 7.5e-9, of which half is 4.5e-9 with the scale 1.2: nine decimals.
    assert_eq!(fit.undo(&[0.123_456_79, 0.1, -0.5]).unwrap(), [3.848_148_149, 0.100_000_001, 1.7e9 - 2.5]);
    // Small numbers keep theirs, as far as f64 has powers of ten for them.
    assert_eq!(Standardization::identity(1).undo(&[1e-12, 1e-38]).unwrap(), [1e-12, f64::from(1e-38f32)]);
}

#[test]
fn what_is_always_whole_is_no_whole_number() {
    let whole = |table: Table| table.kinds()[0].integer;
    let reals: Vec<f64> = (0..100).map(|i| 5e9 + 1e9 * uniform(i)).collect();
    assert!(!whole(Table::unnamed(1, reals.clone()).unwrap()));
    // In single precision there is nothing but whole numbers up there, nor in double precision beyond 2⁵³.
    let single: Vec<f32> = reals.iter().map(|&x| x as f32).collect();
    assert!(single.iter().all(|x| x.fract() == 0.0));
    let single = Table::unnamed(1, single).unwrap();
    assert!(!whole(single.select_rows(&[1, 2, 3])) && !whole(single.select_columns(&[0])) && !whole(single));
    assert!(!whole(Table::unnamed(1, reals.iter().map(|x| x * 1e9).collect::<Vec<_>>()).unwrap()));
    assert!(whole(Table::unnamed(1, vec![20_000_001.0, 5e9]).unwrap()));
}

#[test]
fn identifiers_are_rounded_and_held_to_their_bounds_exactly() {
    let table = Table::unnamed(1, vec![20_000_001.0, 20_000_049.0]).unwrap();
    let mut values = vec![20_000_012.6, 20_000_003.2, 2e7, 3e7];
    Rounding::of(&table, true, true).apply(&mut values).unwrap();
    assert_eq!(values, [20_000_013.0, 20_000_003.0, 20_000_001.0, 20_000_049.0]);
}
