use super::{input, numbers, run};
use pushforward::gpu::Var;
use pushforward::reference::combine::forward;

const SIZES: [(usize, usize); 5] = [(1, 1), (255, 1), (64, 4), (257, 3), (31, 17)];
const WIDTH: usize = 7;

#[test]
fn sums_and_their_gradients_match_their_twins() {
    for (rows, cols) in SIZES {
        for count in [1, 2, 3, 6] {
            for of_table in [rows, 1] {
                let table = numbers(of_table * WIDTH, 1);
                let values: Vec<Vec<f32>> = (0..count).map(|k| numbers(rows * cols, 2 + k as u64)).collect();
                let weights = numbers(rows * cols, 9);
                let place = |k: usize| ((3 * k + 1) % WIDTH, 0.5 - k as f32);
                let found = run(|rec| {
                    let t = input(rec, of_table, WIDTH, &table);
                    let w = input(rec, rows, cols, &weights);
                    let operands: Vec<Var> = values.iter().map(|v| input(rec, rows, cols, v)).collect();
                    let terms: Vec<_> = operands.iter().enumerate().map(|(k, &v)| (place(k).0, place(k).1, v)).collect();
                    let y = rec.combine(t, &terms)?;
                    let weighted = rec.mul(y, w)?;
                    let loss = rec.sum(weighted)?;
                    let gradients = rec.backward(loss, &operands)?;
                    // ⟨w, Jv⟩ along the operands themselves is ⟨w, y⟩, since the sum is linear.
                    let along: Vec<_> = operands.iter().map(|&v| (v, v)).collect();
                    let tangent = rec.tangent(y, &along)?.expect("it depends on them");
                    Ok([vec![y, tangent], gradients].concat())
                });
                let terms: Vec<_> = values.iter().enumerate().map(|(k, v)| (place(k).0, place(k).1, &v[..])).collect();
                let twin = forward(&table, WIDTH, &terms, cols);
                twin.check("the sum", &found[0]);
                twin.check("its tangent", &found[1]);
                for k in 0..count {
                    let (column, scale) = place(k);
                    forward(&table, WIDTH, &[(column, scale, &weights)], cols).check("a gradient", &found[2 + k]);
                }
            }
        }
    }
}

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
