use super::{input, numbers, run};
use pushforward::reference::combine::forward;

const WIDTH: usize = 7;

#[test]
fn a_matrix_used_twice_gathers_both_gradients() {
    let (table, x) = (numbers(5 * WIDTH, 1), numbers(10, 2));
    let found = run(|rec| {
        let (t, x) = (input(rec, 5, WIDTH, &table), input(rec, 5, 2, &x));
        let y = rec.combine(t, &[(1, 2.0, x), (4, -1.0, x)])?;
        let loss = rec.sum(y)?;
        rec.backward(loss, &[x])
    });
    let ones = vec![1.0; 10];
    forward(&table, WIDTH, &[(1, 2.0, &ones), (4, -1.0, &ones)], 2).check("the gradient", &found[0]);
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    run(|rec| {
        let (t, x, y) = (input(rec, 2, 2, &[0.0; 4]), input(rec, 2, 1, &[0.0; 2]), input(rec, 1, 2, &[0.0; 2]));
        for (terms, said) in [
            (vec![], "nothing to add"),
            (vec![(0, 1.0, x); 7], "at most 6"),
            (vec![(0, 1.0, x), (0, 1.0, y)], "beside"),
            (vec![(2, 1.0, x)], "column 2"),
        ] {
            let refused = rec.combine(t, &terms).err().map(|e| e.to_string());
            assert!(refused.as_ref().is_some_and(|e| e.contains(said)), "{refused:?}");
        }
        let tall = input(rec, 3, 1, &[0.0; 3]);
        assert!(rec.combine(t, &[(0, 1.0, tall)]).is_err());
        Ok(vec![x])
    });
}
