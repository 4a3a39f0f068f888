// Activations σ(x) with first and second derivatives, chosen by the axis ACT. Written out where drivers are poor: tanh near
// zero (7 % relative error on one), log near one, exp beyond its range.
//   silu x·s(x), s(x) = 1/(1 + e⁻ˣ)     relu max(x, 0)      gelu ½x(1 + tanh(√(2/π)(x + 0.044715x³)))  (Hendrycks & Gimpel 2016)
//   tanh     elu x > 0 ? x : eˣ − 1      softplus ln(1 + eˣ)     sigmoid s(x)      identity x
#import common/hyperbolic
#import common/exponentials
#axis ACT: identity silu relu gelu tanh elu softplus sigmoid

fn logistic(x: f32) -> f32 {
    return 1.0 / (1.0 + exp(clamp(-x, -87.0, 87.0)));
}

// What silu and gelu let through: nothing at all where it would be less than e⁻⁶⁰. Units that are off would else hand on numbers whose products are
// subnormal, and processors take a hundred times as long over those.
fn gate(x: f32) -> f32 {
    return select(0.0, logistic(x), x > -60.0);
}

const GELU_A: f32 = 0.7978846;       // √(2/π)
const GELU_B: f32 = 0.044715;

fn act(x: f32) -> f32 {
#if ACT == silu
    return x * gate(x);
#elif ACT == relu
    return max(x, 0.0);
#elif ACT == gelu
    return x * gate(2.0 * GELU_A * (x + GELU_B * x * x * x));      // ½(1 + tanh v) = s(2v)
#elif ACT == tanh
    return hyperbolic(x);
#elif ACT == elu
    return select(exp_minus_one(min(x, 0.0)), x, x > 0.0);
#elif ACT == softplus
    return max(x, 0.0) + log_one_plus(exp(max(-abs(x), -87.0)));
#elif ACT == sigmoid
    return logistic(x);
#else
    return x;
#endif
}

fn act_slope(x: f32) -> f32 {
#if ACT == silu
    let s = gate(x);
    return s * (1.0 + x * (1.0 - s));
#elif ACT == relu
    return select(0.0, 1.0, x > 0.0);
#elif ACT == gelu
    let s = gate(2.0 * GELU_A * (x + GELU_B * x * x * x));
    return s + x * s * (1.0 - s) * 2.0 * GELU_A * (1.0 + 3.0 * GELU_B * x * x);
#elif ACT == tanh
    let t = hyperbolic(x);
    return 1.0 - t * t;
#elif ACT == elu
    return select(exp(clamp(x, -87.0, 0.0)), 1.0, x > 0.0);
#elif ACT == softplus
    return logistic(x);
#elif ACT == sigmoid
    let s = logistic(x);
    return s * (1.0 - s);
#else
    return 1.0;
#endif
}

fn act_curvature(x: f32) -> f32 {
#if ACT == silu
    let s = gate(x);
    return s * (1.0 - s) * (2.0 + x * (1.0 - 2.0 * s));
#elif ACT == gelu
    let s = gate(2.0 * GELU_A * (x + GELU_B * x * x * x));
    let v = 2.0 * GELU_A * (1.0 + 3.0 * GELU_B * x * x);               // derivative of the logistic's argument
    return s * (1.0 - s) * (2.0 * v + x * (v * v * (1.0 - 2.0 * s) + 12.0 * GELU_A * GELU_B * x));
#elif ACT == tanh
    let t = hyperbolic(x);
    return -2.0 * t * (1.0 - t * t);
#elif ACT == elu
    return select(exp(clamp(x, -87.0, 0.0)), 0.0, x > 0.0);
#elif ACT == softplus
    let s = logistic(x);
    return s * (1.0 - s);
#elif ACT == sigmoid
    let s = logistic(x);
    return s * (1.0 - s) * (1.0 - 2.0 * s);
#else
    return 0.0;
#endif
}
