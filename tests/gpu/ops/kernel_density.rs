use super::{GPU, input, numbers, on_all_families, run, run_on};
use pushforward::gpu::Recorder;
use pushforward::ops::kernel_density::Shape;
use pushforward::reference::kernel_density::{kernel_means, log_kernel_sums};

/// Sizes round the workgroup, the chunks of eight rows and of sixteen columns, splits, and more columns than registers hold.
const SIZES: [(usize, usize); 6] = [(1, 1), (63, 8), (64, 300), (65, 9), (197, 2100), (5, 7)];
const WIDTHS: [f32; 8] = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 100.0];

#[test]
fn sums_match_their_reference() {
    for (n, m) in SIZES {
        for (d, b) in [(1, 8), (2, 1), (3, 5), (16, 3), (17, 8), (64, 2)] {
            let (x, y) = (numbers(n * d, 1), numbers(m * d, 2));
            let found = run(|rec| {
                let (x, y) = (input(rec, n, d, &x), input(rec, m, d, &y));
                Ok(vec![rec.log_kernel_sums(x, y, &WIDTHS[..b], false)?])
            });
            log_kernel_sums(&x, &y, d, &WIDTHS[..b], false).check(&format!("{n} rows, {m} kernels, {d} columns"), &found[0]);
        }
    }
}

#[test]
fn sums_and_means_match_their_reference_in_every_family() {
    let (n, m) = (67, 300);
    on_all_families(|gpu| {
        for d in [3, 70] {
            let (x, y) = (numbers(n * d, 1), numbers(m * d, 2));
            let what = format!("{:?} {d} columns", gpu.family());
            let found = run_on(gpu, |rec| {
                let (x, y) = (input(rec, n, d, &x), input(rec, m, d, &y));
                let sums = rec.log_kernel_sums(x, y, &WIDTHS[3..], false)?;
                Ok(vec![
                    sums,
                    rec.kernel_means(x, y, Shape::Gaussian, 0.8, false)?,
                    rec.kernel_means(x, y, Shape::Laplace, 0.8, false)?,
                ])
            });
            log_kernel_sums(&x, &y, d, &WIDTHS[3..], false).check(&what, &found[0]);
            kernel_means(&x, &y, d, Shape::Gaussian, 0.8, false).check(&format!("{what}, means"), &found[1]);
            kernel_means(&x, &y, d, Shape::Laplace, 0.8, false).check(&format!("{what}, means by distances"), &found[2]);
        }
    });
}

#[test]
fn a_row_is_left_out_of_its_own_sum() {
    for (n, d) in [(2, 1), (4, 2), (65, 3), (700, 17)] {
        let x = numbers(n * d, 1);
        let found = run(|rec| {
            let x = input(rec, n, d, &x);
            Ok(vec![rec.log_kernel_sums(x, x, &WIDTHS[..3], true)?])
        });
        log_kernel_sums(&x, &x, d, &WIDTHS[..3], true).check(&format!("{n} rows, {d} columns"), &found[0]);
    }
}

#[test]
fn rows_far_from_all_have_finite_sums_and_one_row_alone_has_none() {
    let (x, y) = (vec![1e6, -3e3, 0.0], numbers(40, 2));
    let found = run(|rec| {
        let (x, y) = (input(rec, 3, 1, &x), input(rec, 40, 1, &y));
        Ok(vec![rec.log_kernel_sums(x, y, &[0.1, 10.0], false)?])
    });
    log_kernel_sums(&x, &y, 1, &[0.1, 10.0], false).check("far rows", &found[0]);
    let alone = run(|rec| {
        let x = input(rec, 1, 1, &[2.0]);
        Ok(vec![rec.log_kernel_sums(x, x, &[1.0], true)?])
    });
    assert!(alone[0][0] < -1e37, "{alone:?}");
}

#[test]
fn shapes_and_widths_that_do_not_fit_are_refused() {
    let refused = |m: usize, e: usize, widths: &[f32], same: bool| {
        let mut rec = Recorder::new(&GPU, 0);
        let (x, y) = (input(&mut rec, 3, 2, &[0.0; 6]), input(&mut rec, m, e, &vec![0.0; m * e]));
        rec.log_kernel_sums(x, y, widths, same).is_err()
    };
    assert!(refused(3, 1, &[1.0], false) && refused(4, 2, &[1.0], true) && refused(3, 2, &[], false));
    assert!(refused(3, 2, &[1.0; 9], false) && refused(3, 2, &[0.0], false) && refused(3, 2, &[1e-30], false));
    assert!(!refused(4, 2, &[1.0], false));
    let no_means = |d: usize, widths: &[f32]| {
        let mut rec = Recorder::new(&GPU, 0);
        let x = input(&mut rec, 3, d, &vec![0.0; 3 * d]);
        rec.kernel_means_of(x, x, Shape::Gaussian, widths, true).is_err()
    };
    for d in [2, 20] {
        assert!(no_means(d, &[]) && no_means(d, &[1.0, 0.0]) && !no_means(d, &[1.0, 2.0]), "{d} columns");
    }
}

#[test]
fn means_match_their_reference() {
    for (n, m) in [(1, 1), (63, 8), (65, 9), (197, 2100), (5, 7)] {
        for (d, h, shape) in [
            (1, 0.3, Shape::Gaussian),
            (2, 1.0, Shape::Laplace),
            (3, 0.1, Shape::Gaussian),
            (17, 2.0, Shape::Laplace),
            (64, 4.0, Shape::Gaussian),
        ] {
            let (x, y) = (numbers(n * d, 1), numbers(m * d, 2));
            let found = run(|rec| {
                let (x, y) = (input(rec, n, d, &x), input(rec, m, d, &y));
                Ok(vec![rec.kernel_means(x, y, shape, h, false)?])
            });
            kernel_means(&x, &y, d, shape, h, false).check(&format!("{n} rows, {m} kernels, {d} columns, {shape:?}"), &found[0]);
        }
    }
    for (n, d) in [(2, 1), (4, 2), (65, 3), (300, 17)] {
        let x = numbers(n * d, 1);
        let found = run(|rec| {
            let x = input(rec, n, d, &x);
            Ok(vec![rec.kernel_means(x, x, Shape::Gaussian, 0.7, true)?])
        });
        kernel_means(&x, &x, d, Shape::Gaussian, 0.7, true).check(&format!("{n} rows of themselves, {d} columns"), &found[0]);
    }
}

#[test]
fn means_of_several_widths_match_their_reference() {
    for (n, m, d) in [(1, 9, 12), (2, 2, 2), (70, 270, 3), (63, 300, 17), (65, 65, 64), (130, 130, 30)] {
        let (x, y) = (numbers(n * d, 1), numbers(m * d, 2));
        // More than one pass takes, the nearest row alone and nearly all alike among them.
        let widths = [0.02, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 1e4, 3.0];
        for shape in [Shape::Gaussian, Shape::Laplace] {
            for same in [false, true] {
                let other = if same { &x } else { &y };
                let count = other.len() / d;
                if same && n == 1 {
                    continue;
                }
                let found = run(|rec| {
                    let (x, other) = (input(rec, n, d, &x), input(rec, count, d, other));
                    rec.kernel_means_of(x, other, shape, &widths, same)
                });
                for (h, found) in widths.iter().zip(&found) {
                    let what = format!("{n} rows, {count} kernels, {d} columns, {shape:?} of width {h}, same {same}");
                    kernel_means(&x, other, d, shape, *h, same).check(&what, found);
                }
            }
        }
    }
}

#[test]
fn rows_far_from_all_have_the_nearest_as_their_mean() {
    let y = numbers(40, 2);
    let found = run(|rec| {
        let (x, y) = (input(rec, 2, 1, &[1e4, -3e3]), input(rec, 40, 1, &y));
        Ok(vec![rec.kernel_means(x, y, Shape::Gaussian, 0.05, false)?])
    });
    let most = y.iter().copied().fold(f32::MIN, f32::max);
    let least = y.iter().copied().fold(f32::MAX, f32::min);
    assert!((found[0][0] - most).abs() < 0.05 && (found[0][1] - least).abs() < 0.05, "{:?} of {least} to {most}", found[0]);
}
