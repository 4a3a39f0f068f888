//! Reference for `activation`: values and first two derivatives.

use crate::ops::activation::Activation;

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// What silu and gelu let through: nothing below e⁻⁶⁰.
fn gate(x: f64) -> f64 {
    if x > -60.0 { logistic(x) } else { 0.0 }
}

/// σ(x).
pub fn value(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Identity => x,
        Activation::Silu => x * gate(x),
        Activation::Relu => x.max(0.0),
        // ½(1 + tanh v) = s(2v), which does not cancel for negative v.
        Activation::Gelu => x * gate(2.0 * (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))),
        Activation::Tanh => x.tanh(),
        Activation::Elu => {
            if x > 0.0 {
                x
            } else {
                x.exp_m1()
            }
        }
        Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Activation::Sigmoid => logistic(x),
    }
}

/// σ'(x).
pub fn slope(activation: Activation, x: f64) -> f64 {
    let s = logistic(x);
    match activation {
        Activation::Identity => 1.0,
        Activation::Silu => s * (1.0 + x * (1.0 - s)),
        Activation::Relu => f64::from(u8::from(x > 0.0)),
        Activation::Gelu => {
            let a = (2.0 / std::f64::consts::PI).sqrt();
            let t = (a * (x + 0.044715 * x.powi(3))).tanh();
            0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * a * (1.0 + 3.0 * 0.044715 * x * x)
        }
        Activation::Tanh => 1.0 - x.tanh().powi(2),
        Activation::Elu => x.min(0.0).exp(),
        Activation::Softplus => s,
        Activation::Sigmoid => s * (1.0 - s),
    }
}

/// σ''(x).
pub fn curvature(activation: Activation, x: f64) -> f64 {
    let s = logistic(x);
    match activation {
        Activation::Identity | Activation::Relu => 0.0,
        Activation::Silu => s * (1.0 - s) * (2.0 + x * (1.0 - 2.0 * s)),
        Activation::Gelu => {
            let (a, b) = ((2.0 / std::f64::consts::PI).sqrt(), 0.044715);
            let t = (a * (x + b * x.powi(3))).tanh();
            let v = a * (1.0 + 3.0 * b * x * x);
            let d = 1.0 - t * t;
            d * v + 0.5 * x * (d * 6.0 * a * b * x - 2.0 * t * d * v * v)
        }
        Activation::Tanh => -2.0 * x.tanh() * (1.0 - x.tanh().powi(2)),
        Activation::Elu => {
            if x > 0.0 {
                0.0
            } else {
                x.exp()
            }
        }
        Activation::Softplus => s * (1.0 - s),
        Activation::Sigmoid => s * (1.0 - s) * (1.0 - 2.0 * s),
    }
}
