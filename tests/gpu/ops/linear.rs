use super::{GPU, families, input, numbers, run_on};
use pushforward::gpu::{Family, Gpu};
use pushforward::ops::activation::Activation;
use pushforward::reference::linear::Layer;
use pushforward::reference::{Exact, activation, check_gradient, differences};

fn doubled(mut reference: Exact) -> Exact {
    reference.value.iter_mut().chain(&mut reference.scale).for_each(|v| *v *= 2.0);
    reference
}

/// Value and the three gradients of one layer, against the reference; `twice` uses every input in two layers, so that the
/// second gradient is added to the first.
fn check(gpu: &Gpu, n: usize, k: usize, m: usize, act: Activation, twice: bool) {
    let (x, w, b, d) = (numbers(n * k, 1), numbers(k * m, 2), numbers(m, 3), numbers(n * m, 4));
    let found = run_on(gpu, |rec| {
        let (x, w, b, d) = (input(rec, n, k, &x), input(rec, k, m, &w), input(rec, 1, m, &b), input(rec, n, m, &d));
        let y = rec.linear(x, w, Some(b), act)?;
        let mut ends = vec![(y, Some(d))];
        if twice {
            ends.push((rec.linear(x, w, Some(b), act)?, Some(d)));
        }
        let gradients = rec.backward_from(&ends, &[x, w, b])?;
        Ok(vec![y, gradients[0], gradients[1], gradients[2]])
    });
    let layer = Layer { x: &x, w: &w, k, m, activation: act };
    let what = format!("{:?} {n}×{k}×{m} {}{}", gpu.family(), act.name(), if twice { " twice" } else { "" });
    layer.forward(&b).check(&format!("y of {what}"), &found[0]);
    let gradients = [layer.backward_input(&d), layer.backward_weight(&d), layer.backward_bias(&d)];
    for ((name, reference), found) in ["d_x", "d_w", "d_b"].into_iter().zip(gradients).zip(&found[1..]) {
        let reference = if twice { doubled(reference) } else { reference };
        reference.check(&format!("{name} of {what}"), found);
    }
}

#[test]
fn sums_longer_than_a_chunk_and_batches_of_several_parts_match_the_reference() {
    for gpu in families() {
        check(&gpu, 700, 300, 140, Activation::Silu, false);
        check(&gpu, 1030, 129, 67, Activation::Silu, true);
        check(&gpu, 600, 68, 132, Activation::Identity, true);
    }
}

#[test]
fn every_way_to_read_and_to_add_matches_the_reference() {
    // Fewer columns than a subgroup has lanes, more of them, and as many as are read by fours.
    let columns = [3, 17, 20];
    for k in columns {
        for m in columns {
            for act in [Activation::Identity, Activation::Silu] {
                check(&GPU, 20, k, m, act, false);
                check(&GPU, 20, k, m, act, true);
            }
        }
        // Sums of more terms than a chunk: those of the product itself, and of the gradient in x.
        for long in [131, 260] {
            for act in [Activation::Identity, Activation::Silu] {
                check(&GPU, 20, long, k, act, false);
                check(&GPU, 20, k, long, act, false);
            }
        }
    }
}

#[test]
fn products_of_more_than_one_dispatch_match_the_reference() {
    // 10,000 × 512 × 512 is more than one dispatch may take on software: 9,536 rows go first.
    let (n, k, m, act) = (10_000, 512, 512, Activation::Silu);
    let (x, w, b, d) = (numbers(n * k, 1), numbers(k * m, 2), numbers(m, 3), numbers(n * m, 4));
    let found = run_on(&GPU, |rec| {
        let (x, w, b, d) = (input(rec, n, k, &x), input(rec, k, m, &w), input(rec, 1, m, &b), input(rec, n, m, &d));
        let before = rec.len();
        let y = rec.linear(x, w, Some(b), act)?;
        assert!(rec.len() - before > 1 || !rec.gpu().is_software(), "one dispatch for all rows");
        let gradients = rec.backward_from(&[(y, Some(d))], &[x, w, b])?;
        Ok(vec![y, gradients[0], gradients[1], gradients[2]])
    });
    // Rows on both sides of the cut, and the last; of d_w a few columns' worth.
    for rows in [0..2, 9_535..9_538, n - 1..n] {
        let layer = Layer { x: &x[rows.start * k..rows.end * k], w: &w, k, m, activation: act };
        layer.forward(&b).check("y", &found[0][rows.start * m..rows.end * m]);
        layer.backward_input(&d[rows.start * m..rows.end * m]).check("d_x", &found[1][rows.start * k..rows.end * k]);
    }
    let column = |values: &[f32], cols: usize, j: usize| values.iter().skip(j).step_by(cols).copied().collect::<Vec<f32>>();
    let (x3, d5) = (column(&x, k, 3), column(&d, m, 5));
    let corner = Layer { x: &x3, w: &w[..1], k: 1, m: 1, activation: act };
    corner.backward_weight(&d5).check("d_w", &found[2][3 * m + 5..3 * m + 6]);
    corner.backward_bias(&d5).check("d_b", &found[3][5..6]);
}

#[test]
fn products_large_enough_for_the_large_tile_match_the_reference() {
    // Each of the three products in turn has about 516 × 520 results, and operands that are read by fours and one by one.
    let gpu = GPU.with_family(Family::Workgroup);
    for short in [9, 12] {
        for long in [516, 517] {
            for (n, k, m) in [(520, short, long), (520, long, short), (9, 504 + short, long)] {
                check(&gpu, n, k, m, Activation::Silu, false);
            }
        }
    }
}

#[test]
fn every_activation_is_applied_to_the_input() {
    for gpu in families() {
        for act in Activation::ALL {
            check(&gpu, 20, 17, 3, act, true);
        }
    }
}

#[test]
fn the_references_gradients_are_derivatives() {
    let (n, k, m) = (3, 4, 2);
    let (x, w, b, d) = (numbers(n * k, 1), numbers(k * m, 2), numbers(m, 3), numbers(n * m, 4));
    for act in Activation::ALL {
        let all: Vec<f64> = x.iter().chain(&w).chain(&b).map(|&v| f64::from(v)).collect();
        let expected = differences(&all, |all| {
            let (x, rest) = all.split_at(n * k);
            let (w, b) = rest.split_at(k * m);
            let mut sum = 0.0;
            for i in 0..n {
                for j in 0..m {
                    let y = b[j] + (0..k).map(|q| activation::value(act, x[i * k + q]) * w[q * m + j]).sum::<f64>();
                    sum += f64::from(d[i * m + j]) * y;
                }
            }
            sum
        });
        let layer = Layer { x: &x, w: &w, k, m, activation: act };
        let parts = [layer.backward_input(&d), layer.backward_weight(&d), layer.backward_bias(&d)];
        let found: Vec<f64> = parts.into_iter().flat_map(|reference| reference.value).collect();
        check_gradient(act.name(), &found, &expected, 1e-7);
    }
}

#[test]
fn tangents_are_adjoint_to_gradients() {
    let (n, k, m) = (19, 5, 7);
    let sizes = [(n, k), (k, m), (1, m)];
    let at: Vec<Vec<f32>> = sizes.iter().zip(1..).map(|(&(r, c), seed)| numbers(r * c, seed)).collect();
    let along: Vec<Vec<f32>> = sizes.iter().zip(11..).map(|(&(r, c), seed)| numbers(r * c, seed)).collect();
    let u = numbers(n * m, 21);
    let dot = |p: &[f32], q: &[f32]| p.iter().zip(q).map(|(&p, &q)| f64::from(p) * f64::from(q)).sum::<f64>();
    let size = |p: &[f32], q: &[f32]| p.iter().zip(q).map(|(&p, &q)| f64::from(p * q).abs()).sum::<f64>();
    // Which of x, w and b move.
    for moves in [vec![0], vec![1], vec![2], vec![0, 2], vec![0, 1, 2]] {
        let found = run_on(&GPU, |rec| {
            let at: Vec<_> = sizes.iter().zip(&at).map(|(&(r, c), v)| input(rec, r, c, v)).collect();
            let y = rec.linear(at[0], at[1], Some(at[2]), Activation::Tanh)?;
            let pairs: Vec<_> = moves.iter().map(|&i| (at[i], input(rec, sizes[i].0, sizes[i].1, &along[i]))).collect();
            let y_dot = rec.tangent(y, &pairs)?.expect("y depends on each");
            let u = input(rec, n, m, &u);
            let wrt: Vec<_> = moves.iter().map(|&i| at[i]).collect();
            let mut all = vec![y_dot];
            all.extend(rec.backward_from(&[(y, Some(u))], &wrt)?);
            Ok(all)
        });
        let left = dot(&u, &found[0]);
        let right: f64 = moves.iter().zip(&found[1..]).map(|(&i, gradient)| dot(gradient, &along[i])).sum();
        let scale = size(&u, &found[0]);
        assert!((left - right).abs() < 4e-6 * scale, "{moves:?}: {left} and {right}, of {scale}");
    }
}

#[test]
fn second_order_is_a_reverse_pass_through_a_tangent() {
    // g(x, w) = ⟨u, σ'(x)⊙v · W⟩, of which ∂g/∂x and ∂g/∂w are taken.
    let (n, k, m) = (6, 4, 3);
    let (x, w, v, u) = (numbers(n * k, 1), numbers(k * m, 2), numbers(n * k, 3), numbers(n * m, 4));
    let found = run_on(&GPU, |rec| {
        let (x, w) = (input(rec, n, k, &x), input(rec, k, m, &w));
        let (v, u) = (input(rec, n, k, &v), input(rec, n, m, &u));
        let y = rec.linear(x, w, None, Activation::Gelu)?;
        let y_dot = rec.tangent(y, &[(x, v)])?.expect("y depends on x");
        rec.backward_from(&[(y_dot, Some(u))], &[x, w])
    });
    let all: Vec<f64> = x.iter().chain(&w).map(|&v| f64::from(v)).collect();
    let expected = differences(&all, |all| {
        let (x, w) = all.split_at(n * k);
        let mut sum = 0.0;
        for i in 0..n {
            for j in 0..m {
                for q in 0..k {
                    let slope = activation::slope(Activation::Gelu, x[i * k + q]);
                    sum += f64::from(u[i * m + j]) * slope * f64::from(v[i * k + q]) * w[q * m + j];
                }
            }
        }
        sum
    });
    let found: Vec<f64> = found.concat().into_iter().map(f64::from).collect();
    check_gradient("second order", &found, &expected, 2e-6);
}

#[test]
fn the_same_gradient_twice_has_the_same_bits() {
    let (n, k, m) = (1030, 40, 70);
    let (x, w, d) = (numbers(n * k, 1), numbers(k * m, 2), numbers(n * m, 4));
    for gpu in families() {
        let once = || {
            run_on(&gpu, |rec| {
                let (x, w, d) = (input(rec, n, k, &x), input(rec, k, m, &w), input(rec, n, m, &d));
                let y = rec.linear(x, w, None, Activation::Silu)?;
                rec.backward_from(&[(y, Some(d))], &[x, w])
            })
        };
        assert_eq!(once(), once(), "{gpu:?}");
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let mut rec = pushforward::gpu::Recorder::new(&GPU, 0);
    let (x, w, b) = (input(&mut rec, 2, 3, &[0.0; 6]), input(&mut rec, 4, 5, &[0.0; 20]), input(&mut rec, 1, 4, &[0.0; 4]));
    let w3 = input(&mut rec, 3, 5, &[0.0; 15]);
    let message = rec.linear(x, w, None, Activation::Identity).unwrap_err().to_string();
    assert!(message.contains("4 × 5 does not take 3 columns"), "{message}");
    let message = rec.linear(x, w3, Some(b), Activation::Identity).unwrap_err().to_string();
    assert!(message.contains("1 × 4 for 5 outputs"), "{message}");
}
