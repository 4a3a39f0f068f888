use super::{input, numbers, run};
use pushforward::reference::neighbors;

#[test]
fn a_row_is_not_its_own_neighbor() {
    for (n, d) in [(1, 2), (4, 1), (65, 3), (700, 17)] {
        let x = numbers(n * d, 1);
        let found = run(|rec| {
            let x = input(rec, n, d, &x);
            Ok(vec![rec.nearest(x, x, 5, true)?.0])
        });
        neighbors::nearest(&x, &x, d, 5, true).0.check(&format!("{n} rows, {d} columns"), &found[0]);
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let refused = |n: usize, d: usize, m: usize, e: usize, k: usize, same: bool| {
        let mut rec = pushforward::gpu::Recorder::new(&super::GPU, 0);
        let (x, y) = (input(&mut rec, n, d, &vec![0.0; n * d]), input(&mut rec, m, e, &vec![0.0; m * e]));
        rec.nearest(x, y, k, same).is_err()
    };
    assert!(
        refused(3, 2, 3, 1, 1, false)
            && refused(3, 2, 4, 2, 1, true)
            && refused(3, 2, 3, 2, 0, false)
            && refused(3, 2, 3, 2, 65, false)
    );
    assert!(!refused(3, 2, 4, 2, 64, false));
}
