use super::{input, numbers, run};
use pushforward::reference::{check_gradient, differences, map};

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

fn positive(name: &str) -> bool {
    ["sqrt", "log", "reciprocal"].contains(&name)
}

fn argument(name: &str, count: usize) -> Vec<f32> {
    let wide = if ["sin", "cos"].contains(&name) { 500.0 } else { 1.0 };
    numbers(count, 3).into_iter().map(|x| if positive(name) { x.abs() + 0.1 } else { wide * x }).collect()
}

#[test]
fn the_references_slopes_are_derivatives() {
    for (name, scale, offset) in UNARY {
        let a: Vec<f64> = argument(name, 20).into_iter().map(f64::from).collect();
        let (s, o) = (f64::from(scale), f64::from(offset));
        let slopes: Vec<f64> = a.iter().map(|&x| map::unary_slope(name, x, s, o)).collect();
        let expected = differences(&a, |a| a.iter().map(|&x| map::unary(name, x, s, o)).sum());
        check_gradient(name, &slopes, &expected, 1e-7);
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
