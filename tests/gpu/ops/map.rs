use super::{input, numbers, run};
use pushforward::gpu::{Recorder, Var};
use pushforward::reference::{Twin, check_gradient, differences, map};

const SIZES: [(usize, usize); 6] = [(1, 1), (255, 1), (64, 4), (257, 1), (3, 17), (773, 3)];
const UNARY: [(&str, f32, f32); 11] = [
    ("affine", -1.5, 0.25),
    ("square", 0.0, 0.0),
    ("sqrt", 0.0, 0.0),
    ("exp", 0.0, 0.0),
    ("log", 0.0, 0.0),
    ("abs", 0.0, 0.0),
    ("sigmoid", 0.0, 0.0),
    ("reciprocal", 0.0, 0.0),
    ("clamp", -0.4, 0.7),
    ("sin", 0.0, 0.0),
    ("cos", 0.0, 0.0),
];

fn apply(rec: &mut Recorder, name: &str, a: Var, scale: f32, offset: f32) -> pushforward::Result<Var> {
    match name {
        "affine" => rec.affine(a, scale, offset),
        "square" => rec.square(a),
        "sqrt" => rec.sqrt(a),
        "exp" => rec.exp(a),
        "log" => rec.log(a),
        "abs" => rec.abs(a),
        "sigmoid" => rec.sigmoid(a),
        "reciprocal" => rec.reciprocal(a),
        "sin" => rec.sin(a),
        "cos" => rec.cos(a),
        _ => rec.clamp(a, scale, offset),
    }
}

fn positive(name: &str) -> bool {
    ["sqrt", "log", "reciprocal"].contains(&name)
}

fn argument(name: &str, count: usize) -> Vec<f32> {
    let wide = if ["sin", "cos"].contains(&name) { 500.0 } else { 1.0 };
    numbers(count, 3).into_iter().map(|x| if positive(name) { x.abs() + 0.1 } else { wide * x }).collect()
}

#[test]
fn unary_maps_and_their_gradients_match_their_twins() {
    for (name, scale, offset) in UNARY {
        for (rows, cols) in SIZES {
            let (a, w) = (argument(name, rows * cols), numbers(rows * cols, 5));
            let found = run(|rec| {
                let (x, weights) = (input(rec, rows, cols, &a), input(rec, rows, cols, &w));
                let y = apply(rec, name, x, scale, offset)?;
                let weighted = rec.mul(y, weights)?;
                let loss = rec.sum(weighted)?;
                let gradient = rec.backward(loss, &[x])?[0];
                Ok(vec![y, gradient])
            });
            let (mut value, mut gradient) = (Twin::new(1), Twin::new(1));
            for (&x, &w) in a.iter().zip(&w) {
                let (x, s, o) = (f64::from(x), f64::from(scale), f64::from(offset));
                let y = map::unary(name, x, s, o);
                // The logarithm's error is absolute near 1.
                value.push_scaled(y, y.abs().max(x.abs()).max(1.0));
                let slope = f64::from(w) * map::unary_slope(name, x, s, o);
                // The errors of sine and cosine are absolute.
                let floor = if ["sin", "cos"].contains(&name) { f64::from(w).abs() } else { 0.0 };
                gradient.push_scaled(slope, slope.abs().max(floor));
            }
            value.check(name, &found[0]);
            gradient.check(name, &found[1]);
        }
    }
}

#[test]
fn the_twins_slopes_are_derivatives() {
    for (name, scale, offset) in UNARY {
        let a: Vec<f64> = argument(name, 20).into_iter().map(f64::from).collect();
        let (s, o) = (f64::from(scale), f64::from(offset));
        let slopes: Vec<f64> = a.iter().map(|&x| map::unary_slope(name, x, s, o)).collect();
        let expected = differences(&a, |a| a.iter().map(|&x| map::unary(name, x, s, o)).sum());
        check_gradient(name, &slopes, &expected, 1e-7);
    }
}

#[test]
fn binary_maps_and_their_gradients_match_their_twins() {
    for name in ["add", "sub", "mul", "div", "blend"] {
        for (rows, cols) in SIZES {
            for (b_rows, b_cols) in [(rows, cols), (1, cols), (rows, 1), (1, 1)] {
                let a = numbers(rows * cols, 11);
                let b: Vec<f32> = numbers(b_rows * b_cols, 12).into_iter().map(|x| x.abs() + 0.5).collect();
                let index = |i: usize| match (b_rows == rows, b_cols == cols) {
                    (true, true) => i,
                    (false, true) => i % cols,
                    (true, false) => i / cols,
                    (false, false) => 0,
                };
                let found = run(|rec| {
                    let (x, z) = (input(rec, rows, cols, &a), input(rec, b_rows, b_cols, &b));
                    let y = match name {
                        "add" => rec.add(x, z)?,
                        "sub" => rec.sub(x, z)?,
                        "mul" => rec.mul(x, z)?,
                        "div" => rec.div(x, z)?,
                        _ => rec.blend(x, z, 0.3, -2.0)?,
                    };
                    let squares = rec.square(y)?;
                    let loss = rec.sum(squares)?;
                    let gradients = rec.backward(loss, &[x, z])?;
                    Ok(vec![y, gradients[0], gradients[1]])
                });
                let twin = map::binary(name, &a, &b, index, f64::from(0.3f32), -2.0);
                let what = format!("{name} {rows}×{cols} with {b_rows}×{b_cols}");
                twin.check(&what, &found[0]);
                // loss = Σy²: ∂loss/∂a = 2y·∂y/∂a, and ∂loss/∂b sums 2y·∂y/∂b over the elements that share b.
                let mut d_a = Twin::new(2);
                let (mut value, mut scale) = (vec![0.0; b.len()], vec![0.0; b.len()]);
                for (i, &x) in a.iter().enumerate() {
                    let (x, z, y) = (f64::from(x), f64::from(b[index(i)]), twin.value[i]);
                    let (by_a, by_b) = match name {
                        "add" => (1.0, 1.0),
                        "sub" => (1.0, -1.0),
                        "mul" => (z, x),
                        "div" => (1.0 / z, -y / z),
                        _ => (f64::from(0.3f32), -2.0),
                    };
                    d_a.push_scaled(2.0 * y * by_a, 2.0 * twin.scale[i] * by_a.abs());
                    value[index(i)] += 2.0 * y * by_b;
                    scale[index(i)] += 2.0 * twin.scale[i] * by_b.abs();
                }
                d_a.check(&what, &found[1]);
                Twin { value, scale, terms: a.len() / b.len() + 3 }.check(&what, &found[2]);
            }
        }
    }
}

#[test]
fn tangents_are_adjoint_to_gradients() {
    // ⟨u, J v⟩ = ⟨Jᵀ u, v⟩ along a chain of maps.
    let (a, v, u) = (argument("log", 51), numbers(51, 21), numbers(51, 22));
    let found = run(|rec| {
        let (x, v, u) = (input(rec, 3, 17, &a), input(rec, 3, 17, &v), input(rec, 3, 17, &u));
        let log = rec.log(x)?;
        let soft = rec.sigmoid(log)?;
        let ratio = rec.div(soft, x)?;
        let root = rec.sqrt(ratio)?;
        let y = rec.mul(root, log)?;
        let y_dot = rec.tangent(y, &[(x, v)])?.expect("y depends on x");
        let gradient = rec.backward_from(&[(y, Some(u))], &[x])?[0];
        Ok(vec![y_dot, gradient])
    });
    let dot = |p: &[f32], q: &[f32]| p.iter().zip(q).map(|(&p, &q)| f64::from(p) * f64::from(q)).sum::<f64>();
    let size = |p: &[f32], q: &[f32]| p.iter().zip(q).map(|(&p, &q)| f64::from(p * q).abs()).sum::<f64>();
    let (left, right) = (dot(&u, &found[0]), dot(&found[1], &v));
    assert!((left - right).abs() < 4e-6 * size(&u, &found[0]), "{left} and {right}");
}
