use super::{GPU, input, numbers, run};
use pushforward::gpu::Recorder;
use pushforward::ops::gather::thresholds;
use pushforward::reference::gather::{Place, batch, block, weighted};

/// Runs `steps` replays of a batch from data whose rows are their own numbers; returns each replay's rows.
fn draws(rows: usize, n: usize, steps: usize, first: u64, weights: Option<&[f32]>) -> Vec<Vec<u32>> {
    let data: Vec<f32> = (0..rows).flat_map(|i| [i as f32, -(i as f32)]).collect();
    let mut rec = Recorder::with_domain(&GPU, 99, 3).unwrap();
    let data = input(&mut rec, rows, 2, &data);
    let drawn = match weights {
        None => rec.batch(data, n).unwrap(),
        Some(w) => {
            let tensor = GPU.upload_u32(rows, 1, &thresholds(w)).unwrap();
            let thresholds = rec.tensor(&tensor);
            rec.batch_weighted(data, thresholds, n).unwrap()
        }
    };
    let drawn = rec.keep(drawn);
    let mut step = rec.finish().unwrap();
    step.set_count(first).unwrap();
    (0..steps)
        .map(|_| {
            step.replay(1).unwrap();
            let values = step.read(drawn).unwrap();
            values
                .chunks(2)
                .map(|row| {
                    assert_eq!(row[0], -row[1]);
                    row[0] as u32
                })
                .collect()
        })
        .collect()
}

#[test]
fn batches_are_those_of_the_reference() {
    for (rows, n) in [(1, 3), (2, 1), (5, 3), (64, 64), (65, 200), (1000, 7)] {
        for first in [0, 1 << 31] {
            for (step, found) in draws(rows, n, 3, first, None).iter().enumerate() {
                let at = Place { step: first as u32 + step as u32, seed: 99, domain: 3, stream: 1 };
                assert_eq!(*found, batch(n as u32, rows as u32, at), "{n} of {rows}, step {step} from {first}");
            }
        }
    }
}

#[test]
fn columns_in_blocks_are_drawn_from_the_same_rows() {
    let weights = [1.0, 0.0, 2.0, 0.5, 3.0, 1.0, 0.25];
    let columns: Vec<Vec<f32>> = (0..5).map(|j| (0..7).map(|i| (10 * j + i) as f32).collect()).collect();
    for weighted in [false, true] {
        let drawn = |widths: &[usize]| {
            let mut rec = Recorder::with_domain(&GPU, 99, 3).unwrap();
            let mut first = 0;
            let mut blocks = Vec::new();
            for &width in widths {
                let values: Vec<f32> = (0..7).flat_map(|i| columns[first..first + width].iter().map(move |c| c[i])).collect();
                blocks.push(input(&mut rec, 7, width, &values));
                first += width;
            }
            let thresholds = rec.tensor(&GPU.upload_u32(7, 1, &thresholds(&weights)).unwrap());
            let drawn = match weighted {
                false => rec.batch_of_blocks(&blocks, 6).unwrap(),
                true => rec.batch_of_weighted_blocks(&blocks, thresholds, 6).unwrap(),
            };
            let drawn = rec.keep(drawn);
            let mut step = rec.finish().unwrap();
            step.replay(2).unwrap();
            step.read(drawn).unwrap()
        };
        let whole = drawn(&[5]);
        assert!(whole.chunks(5).all(|row| (1..5).all(|j| row[j] == row[0] + 10.0 * j as f32)));
        assert_eq!((drawn(&[2, 2, 1]), drawn(&[1; 5])), (whole.clone(), whole));
    }
}

#[test]
fn every_epoch_visits_every_row_once_in_an_order_of_its_own() {
    let found: Vec<u32> = draws(60, 20, 6, 0, None).concat();
    let (mut one, mut two) = (found[..60].to_vec(), found[60..].to_vec());
    assert_ne!(one, two);
    one.sort_unstable();
    two.sort_unstable();
    assert_eq!(one, (0..60).collect::<Vec<_>>());
    assert_eq!(two, one);
}

#[test]
fn weighted_rows_come_as_often_as_their_weights_say() {
    let weights = [0.2, 0.0, 1.0, 0.8, 0.0];
    let found = draws(5, 20_000, 1, 0, Some(&weights)).concat();
    assert_eq!(found, weighted(20_000, &thresholds(&weights), Place { step: 0, seed: 99, domain: 3, stream: 1 }));
    for (row, chance) in [0.1, 0.0, 0.5, 0.4, 0.0].into_iter().enumerate() {
        let count = found.iter().filter(|&&r| r == row as u32).count() as f64;
        let variance: f64 = 20_000.0 * chance * (1.0 - chance);
        let five_sigma = 5.0 * variance.sqrt();
        assert!((count - 20_000.0 * chance).abs() <= five_sigma, "row {row} came {count} times");
    }
}

#[test]
fn a_small_weight_far_down_the_table_keeps_its_share() {
    // 2⁻²⁶ of the total, behind a row that has nearly all: sums in f32 would lose it.
    let share = 2f32.powi(-26);
    let found = thresholds(&[1.0, share, share, 0.0]);
    assert_eq!([found[1] - found[0], found[2] - found[1]], [64, 63]);
    assert_eq!(found[2..], [u32::MAX; 2]);
}

#[test]
fn blocks_take_turns() {
    for (n, blocks, cols) in [(1, 1, 1), (1, 5, 3), (63, 2, 1), (64, 3, 2), (65, 1, 17)] {
        let x = numbers(n * blocks * cols, 1);
        let mut rec = Recorder::new(&GPU, 0);
        let all = input(&mut rec, n * blocks, cols, &x);
        let part = rec.block(all, n).unwrap();
        let part = rec.keep(part);
        let mut step = rec.finish().unwrap();
        for first in [0u32, 7, u32::MAX - 1] {
            step.set_count(first.into()).unwrap();
            for at in [first, first.wrapping_add(1)] {
                step.replay(1).unwrap();
                let rows = block(n as u32, (n * blocks) as u32, at);
                let expected = &x[rows.start as usize * cols..rows.end as usize * cols];
                assert_eq!(step.read(part).unwrap(), expected, "step {at}: {blocks} blocks of {n} × {cols}");
            }
        }
    }
    let mut rec = Recorder::new(&GPU, 0);
    let x = input(&mut rec, 5, 1, &numbers(5, 1));
    for n in [0, 2, 10] {
        assert!(rec.block(x, n).unwrap_err().to_string().contains("no whole number of blocks"));
    }
}

#[test]
fn rows_are_chosen_by_number() {
    let x = numbers(15, 1);
    let found = run(|rec| {
        let v = input(rec, 5, 3, &x);
        let index = rec.gpu().upload_u32(1, 4, &[4, 0, 0, 2])?;
        let index = rec.tensor(&index);
        Ok(vec![rec.rows(v, index)?])
    });
    let expected: Vec<f32> = [4, 0, 0, 2].iter().flat_map(|&r| x[3 * r..3 * r + 3].to_vec()).collect();
    assert_eq!(found[0], expected);
}

#[test]
fn slices_and_joins_of_columns_and_their_gradients() {
    for rows in [1, 64, 257] {
        let (a, b, w) = (numbers(rows * 3, 1), numbers(rows * 2, 2), numbers(rows * 5, 3));
        let found = run(|rec| {
            let (x, y, w) = (input(rec, rows, 3, &a), input(rec, rows, 2, &b), input(rec, rows, 5, &w));
            let both = rec.concat(&[x, y])?;
            let weighted = rec.mul(both, w)?;
            // A slice across the seam, added to a sum of everything: two cotangents meet in `both`.
            let middle = rec.columns(weighted, 2, 2)?;
            let (one, two) = (rec.sum(middle)?, rec.sum(weighted)?);
            let loss = rec.add(one, two)?;
            let gradients = rec.backward(loss, &[x, y])?;
            Ok(vec![both, middle, gradients[0], gradients[1]])
        });
        let at = |i: usize, j: usize| if j < 3 { a[3 * i + j] } else { b[2 * i + j - 3] };
        for i in 0..rows {
            for j in 0..5 {
                assert_eq!(found[0][5 * i + j], at(i, j));
                let times = if (2..4).contains(&j) { 2.0 } else { 1.0 };
                let gradient = if j < 3 { found[2][3 * i + j] } else { found[3][2 * i + j - 3] };
                assert_eq!(gradient, times * w[5 * i + j], "row {i}, column {j} of {rows}");
                if times == 2.0 {
                    assert_eq!(found[1][2 * i + j - 2], at(i, j) * w[5 * i + j]);
                }
            }
        }
    }
}

#[test]
fn tangents_of_slices_and_joins_follow_their_columns() {
    let (a, v) = (numbers(6, 1), numbers(6, 2));
    let found = run(|rec| {
        let (x, v) = (input(rec, 2, 3, &a), input(rec, 2, 3, &v));
        let other = rec.constant(1.0, 2, 1)?;
        let joined = rec.concat(&[other, x])?;
        let y = rec.columns(joined, 0, 3)?;
        Ok(vec![rec.tangent(y, &[(x, v)])?.expect("y depends on x")])
    });
    assert_eq!(found[0], [0.0, v[0], v[1], 0.0, v[3], v[4]]);
}

#[test]
fn columns_are_picked_by_number_and_their_gradients_put_back() {
    for rows in [1, 64, 257] {
        let (a, w) = (numbers(rows * 4, 1), numbers(rows * 3, 2));
        let order = [3, 0, 2];
        let found = run(|rec| {
            let index = rec.gpu().upload_u32(1, 3, &order)?;
            let index = rec.tensor(&index);
            let (x, w) = (input(rec, rows, 4, &a), input(rec, rows, 3, &w));
            let picked = rec.pick(x, index)?;
            let weighted = rec.mul(picked, w)?;
            let (one, two) = (rec.sum(weighted)?, rec.sum(x)?);
            let both = rec.add(one, two)?;
            let (alone, added) = (rec.backward(one, &[x])?[0], rec.backward(both, &[x])?[0]);
            let tangent = rec.tangent(picked, &[(x, x)])?.expect("it depends on x");
            Ok(vec![picked, alone, added, tangent])
        });
        for i in 0..rows {
            for (k, &j) in order.iter().enumerate() {
                assert_eq!(found[0][3 * i + k], a[4 * i + j as usize]);
                assert_eq!(found[1][4 * i + j as usize], w[3 * i + k]);
                assert_eq!(found[2][4 * i + j as usize], 1.0 + w[3 * i + k]);
            }
            assert_eq!((found[1][4 * i + 1], found[2][4 * i + 1]), (0.0, 1.0), "no one picked it");
        }
        assert_eq!(found[0], found[3]);
    }
    run(|rec| {
        let x = input(rec, 2, 2, &[0.0; 4]);
        let index = rec.gpu().upload_u32(1, 3, &[0, 1, 1])?;
        let index = rec.tensor(&index);
        assert!(rec.pick(x, index).is_err());
        Ok(vec![x])
    });
}
