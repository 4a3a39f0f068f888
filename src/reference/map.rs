//! Reference for `map`: elementwise maps.

use super::Exact;

/// The unary maps, named as the shader names them.
pub fn unary(name: &str, a: f64, scale: f64, offset: f64) -> f64 {
    match name {
        "affine" => scale * a + offset,
        "square" => a * a,
        "sqrt" => a.max(0.0).sqrt(),
        "exp" => a.clamp(-87.0, 88.0).exp(),
        "log" => a.max(f64::from(f32::MIN_POSITIVE)).ln(),
        "abs" => a.abs(),
        "sigmoid" => 1.0 / (1.0 + (-a).exp()),
        "reciprocal" => 1.0 / a,
        "sin" => a.sin(),
        "cos" => a.cos(),
        "clamp" => a.clamp(scale, offset),
        _ => panic!("no unary map {name}"),
    }
}

/// Derivative of a unary map.
pub fn unary_slope(name: &str, a: f64, scale: f64, offset: f64) -> f64 {
    match name {
        "affine" => scale,
        "square" => 2.0 * a,
        "sqrt" => 0.5 / a.max(f64::from(f32::MIN_POSITIVE)).sqrt(),
        "exp" => a.clamp(-87.0, 88.0).exp(),
        "log" => 1.0 / a.max(f64::from(f32::MIN_POSITIVE)),
        "abs" => {
            if a == 0.0 {
                0.0
            } else {
                a.signum()
            }
        }
        "sigmoid" => {
            let s = unary(name, a, scale, offset);
            s * (1.0 - s)
        }
        "reciprocal" => -1.0 / (a * a),
        "sin" => a.cos(),
        "cos" => -a.sin(),
        "clamp" => f64::from(u8::from(a >= scale && a <= offset)),
        _ => panic!("no unary map {name}"),
    }
}

/// The binary maps; `b` is read through `index`, which folds rows, columns and scalars.
pub fn binary(name: &str, a: &[f32], b: &[f32], index: impl Fn(usize) -> usize, scale: f64, offset: f64) -> Exact {
    let mut reference = Exact::new(1);
    for (i, &x) in a.iter().enumerate() {
        let (x, y) = (f64::from(x), f64::from(b[index(i)]));
        match name {
            "add" => reference.push([x, y]),
            "sub" => reference.push([x, -y]),
            "mul" => reference.push([x * y]),
            "div" => reference.push([x / y]),
            "blend" => reference.push([scale * x, offset * y]),
            _ => panic!("no binary map {name}"),
        }
    }
    reference
}
