use super::{GPU, input, numbers, run, wide};
use pushforward::gpu::Recorder;
use pushforward::reference::line_potentials::line_potentials;

/// Numbers with few bits, so that projections on directions with few bits are exact and both sides sort alike.
fn rounded(count: usize, seed: u64, unit: f32) -> Vec<f32> {
    numbers(count, seed).into_iter().map(|v| (v / unit).round() * unit).collect()
}

#[test]
fn potentials_match_their_reference() {
    for (n, d, lines, unit) in [
        (1, 1, 1, 256.0),
        (2, 3, 1, 256.0),
        (63, 2, 3, 256.0),
        (64, 1, 1, 256.0),
        (65, 17, 5, 256.0),
        (257, 2, 70, 256.0),
        (1000, 3, 9, 256.0),
        (4100, 2, 2, 256.0),
        // Many equal values.
        (300, 1, 1, 2.0),
    ] {
        let (x, y) = (rounded(n * d, 1, 1.0 / unit), rounded(n * d, 2, 1.0 / unit));
        let theta = rounded(d * lines, 3, 1.0 / 64.0);
        let found = run(|rec| {
            let (x, y, theta) = (input(rec, n, d, &x), input(rec, n, d, &y), input(rec, d, lines, &theta));
            let found = rec.line_potentials(x, y, theta)?;
            Ok(vec![found.squares, found.u, found.v])
        });
        let expected = line_potentials(&wide(&x), &wide(&y), d, &wide(&theta));
        let what = format!("{n} rows, {d} columns, {lines} lines");
        expected.squares.check(&format!("{what}: squares"), &found[0]);
        expected.u.check(&format!("{what}: u"), &found[1]);
        expected.v.check(&format!("{what}: v"), &found[2]);
    }
}

/// u_i + v_j ≤ |x_i − y_j|² everywhere, and mean u + mean v = W₂².
#[test]
fn potentials_are_feasible_and_add_up_to_the_distance() {
    let (n, unit) = (150, 1.0 / 256.0);
    let (x, y) = (rounded(n, 5, unit), rounded(n, 6, unit));
    let found = run(|rec| {
        let (x, y, theta) = (input(rec, n, 1, &x), input(rec, n, 1, &y), input(rec, 1, 1, &[1.0]));
        let found = rec.line_potentials(x, y, theta)?;
        Ok(vec![found.squares, found.u, found.v])
    });
    for (x, u) in x.iter().zip(&found[1]) {
        assert!(y.iter().zip(&found[2]).all(|(y, v)| u + v <= (x - y).powi(2) + 1e-5));
    }
    let total: f32 = found[1].iter().chain(&found[2]).sum();
    assert!((total / n as f32 - found[0][0]).abs() < 1e-5);
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let refused = |n: usize, m: usize, rows: usize| {
        let mut rec = Recorder::new(&GPU, 0);
        let (x, y) = (input(&mut rec, n, 2, &vec![0.0; 2 * n]), input(&mut rec, m, 2, &vec![0.0; 2 * m]));
        let theta = input(&mut rec, rows, 3, &vec![1.0; 3 * rows]);
        rec.line_potentials(x, y, theta).is_err()
    };
    assert!(refused(3, 4, 2) && refused(3, 3, 1) && !refused(3, 3, 2));
}
