// Times, and at each the coefficients of a path x_t = α(t)·x₁ + σ(t)·x₀ + γ(t)·z between noise (t = 0) and data (t = 1), with what a
// network's output means there. One invocation a row of the table; the formulas and their sources are in
// src/reference/path.rs, whose f64 functions are the references.
//   columns   t, α, σ, γ, α̇, σ̇, γ̇,
//             c: what the network's input is multiplied by,
//             velocity = a·x + b·F, data = a·x + b·F, noise = a·x + b·F: six numbers,
//             target = a·x₁ + b·x₀ of w·F: three numbers,
//             1
// No gradient: nothing here is learned.
// Columns of the table, and what numbers of the uniform stand for; Rust has them from here.
#let TIME = 0
#let ALPHA = 1
#let SIGMA = 2
#let GAMMA = 3
#let ALPHA_RATE = 4
#let SIGMA_RATE = 5
#let GAMMA_RATE = 6
#let INPUT = 7
#let VELOCITY = 8
#let DATA = 10
#let NOISE = 12
#let TARGET = 14
#let WEIGHT = 16
#let ONE = 17
#let CURVE_STRAIGHT = 0
#let CURVE_TRIGONOMETRIC = 1
#let CURVE_ORNSTEIN_UHLENBECK = 2
#let CURVE_VP_LINEAR = 3
#let CURVE_VARIANCE_EXPLODING = 4
#let CURVE_EDM = 5
#let CURVE_ENCODING_DECODING = 6
#let GAMMA_NONE = 0
#let GAMMA_BRIDGE = 1
#let GAMMA_SINE = 2
#let PREDICTION_VELOCITY = 0
#let PREDICTION_DATA = 1
#let PREDICTION_NOISE = 2
#let PREDICTION_V = 3
#let PREDICTION_SCORE = 4
#let PREDICTION_EDM = 5
#let LAW_GIVEN = 0
#let LAW_UNIFORM = 1
#let LAW_LOGIT_NORMAL = 2
#let LAW_LOW_DISCREPANCY = 3
#let LAW_LOG_NORMAL = 4
#import common/index
#import common/normal

struct Params {
    n: u32, curve: u32, gamma: u32, prediction: u32, distribution: u32, stream: u32,
    low: f32, high: f32, center: f32, spread: f32,
    sigma_min: f32, sigma_max: f32, gamma_scale: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>;          // step, seed (low), seed (high), domain
@group(0) @binding(2) var<storage, read> given: array<f32>;          // n times, where the distribution is "given"
@group(0) @binding(3) var<storage, read_write> table: array<f32>;    // n × COLUMNS

const COLUMNS = 18u;
// Divisors are held off zero by this: a head that divides by α or σ is then large at an end of its path, and finite.
const FLOOR = 1e-3;
const PI = 3.1415927;

struct Way { alpha: f32, sigma: f32, gamma: f32, alpha_rate: f32, sigma_rate: f32, gamma_rate: f32 }

// (1 − e^{−x})/x for x ≥ 0.
fn e1(x: f32) -> f32 {
    if (x < 0.05) { return 1.0 - x * (0.5 - x * (0.16666667 - x * (0.041666668 - x * 0.008333334))); }
    return (1.0 - exp(-x)) / x;
}

fn seventh_power(x: f32) -> f32 {
    let x2 = x * x;
    return x2 * x2 * x2 * x;
}

fn seventh_root(x: f32) -> f32 { return exp(log(x) * 0.14285715); }

// d/dt B = −2u(b₀ + b₁u²), B = b₀u² + ½b₁u⁴: the exponent of a variance-preserving path, u = 1 − t.
fn preserving(u: f32, b0: f32, b1: f32) -> Way {
    let shape = b0 + 0.5 * b1 * u * u;
    let exponent = shape * u * u;
    let alpha = exp(-0.5 * exponent);
    let root = sqrt(shape * e1(exponent));
    let slope = b0 + b1 * u * u;
    return Way(alpha, u * root, 0.0, u * slope * alpha, -alpha * alpha * slope / root, 0.0);
}

fn way(t: f32) -> Way {
    let u = 1.0 - t;
    switch params.curve {
        case $(CURVE_STRAIGHT)u: {                                                    // straight
            let kept = 1.0 - params.sigma_min;
            return Way(t, 1.0 - kept * t, 0.0, 1.0, -kept, 0.0);
        }
        case $(CURVE_TRIGONOMETRIC)u: {                                                    // trigonometric
            let s = sin(0.5 * PI * t);
            let c = sin(0.5 * PI * u);                                // exactly zero at t = 1
            return Way(s, c, 0.0, 0.5 * PI * c, -0.5 * PI * s, 0.0);
        }
        case $(CURVE_ORNSTEIN_UHLENBECK)u: { return preserving(u, 10.0, 0.0); }                 // Ornstein–Uhlenbeck up to time 5
        case $(CURVE_VP_LINEAR)u: { return preserving(u, 0.1, 19.9); }                 // variance preserving, linear in β
        case $(CURVE_VARIANCE_EXPLODING)u: {                                                    // variance exploding, geometric
            let rate = log(params.sigma_max / params.sigma_min);
            let sigma = params.sigma_min * exp(rate * u);
            return Way(1.0, sigma, 0.0, 0.0, -rate * sigma, 0.0);
        }
        case $(CURVE_EDM)u: {                                                    // Karras et al., ρ = 7
            let high = seventh_root(params.sigma_max);
            let low = seventh_root(params.sigma_min);
            let root = high * u + low * t;
            let sigma = seventh_power(root);
            return Way(1.0, sigma, 0.0, 0.0, 7.0 * (low - high) * sigma / root, 0.0);
        }
        default: {                                                    // encoding–decoding
            let c = sin(PI * (0.5 - t));
            let rate = PI * sin(2.0 * PI * min(t, u));
            let late = t > 0.5;
            let square = c * c;
            let gamma_rate = select(rate, -rate, late);
            return Way(
                select(0.0, square, late), select(square, 0.0, late), 1.0 - square,
                select(0.0, rate, late), select(-rate, 0.0, late), gamma_rate);
        }
    }
}

fn with_gamma(w: Way, t: f32) -> Way {
    var way = w;
    switch params.gamma {
        case $(GAMMA_BRIDGE)u: {                                                    // a Brownian bridge's standard deviation
            let root = sqrt(max(t * (1.0 - t), 1e-6));
            way.gamma = params.gamma_scale * sqrt(t * (1.0 - t));
            way.gamma_rate = params.gamma_scale * (0.5 - t) / root;
        }
        case $(GAMMA_SINE)u: {
            let s = sin(PI * min(t, 1.0 - t));
            way.gamma = params.gamma_scale * s * s;
            let rate = params.gamma_scale * PI * sin(2.0 * PI * min(t, 1.0 - t));
            way.gamma_rate = select(rate, -rate, t > 0.5);
        }
        default: {}
    }
    return way;
}

// The time at which σ/α is r.
fn time_of_ratio(r: f32) -> f32 {
    switch params.curve {
        case $(CURVE_TRIGONOMETRIC)u: { return 0.63661975 * atan2(1.0, r); }
        case $(CURVE_ORNSTEIN_UHLENBECK)u: { return 1.0 - sqrt(log(1.0 + r * r) / 10.0); }
        case $(CURVE_VP_LINEAR)u: {
            let exponent = log(1.0 + r * r);
            return 1.0 - sqrt(2.0 * exponent / (0.1 + sqrt(0.01 + 39.8 * exponent)));
        }
        case $(CURVE_VARIANCE_EXPLODING)u: { return log(params.sigma_max / r) / log(params.sigma_max / params.sigma_min); }
        case $(CURVE_EDM)u: {
            let high = seventh_root(params.sigma_max);
            return (high - seventh_root(r)) / (high - seventh_root(params.sigma_min));
        }
        default: { return 1.0 / (1.0 - params.sigma_min + r); }
    }
}

fn time(i: u32) -> f32 {
    if (params.distribution == $(LAW_GIVEN)u) { return given[i]; }
    let index = select(i, 0u, params.distribution == $(LAW_LOW_DISCREPANCY)u);
    let bits = philox(vec4<u32>(index, params.stream, state[0], state[3]), vec2<u32>(state[1], state[2]));
    var t = unit(bits.x);
    switch params.distribution {
        case $(LAW_LOGIT_NORMAL)u: {                                                    // logit-normal
            let z = params.center + params.spread * box_muller(bits.x, bits.y).x;
            t = 1.0 / (1.0 + exp(-clamp(z, -80.0, 80.0)));
        }
        case $(LAW_LOW_DISCREPANCY)u: { t = fract(t + f32(i) / f32(params.n)); }           // low discrepancy: one shift for all rows
        case $(LAW_LOG_NORMAL)u: {                                                    // σ/α log-normal
            let z = params.center + params.spread * box_muller(bits.x, bits.y).x;
            return clamp(time_of_ratio(exp(clamp(z, -20.0, 20.0))), params.low, params.high);
        }
        default: {}
    }
    return params.low + (params.high - params.low) * t;
}

@compute @workgroup_size(64)
fn fill(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    let t = time(i);
    let w = with_gamma(way(t), t);
    let square = w.alpha * w.alpha + w.sigma * w.sigma;
    let norm = sqrt(square);
    let cross = max(w.alpha_rate * w.sigma - w.alpha * w.sigma_rate, 1e-12);
    let alpha = max(w.alpha, FLOOR);
    let sigma = max(w.sigma, FLOOR);
    // velocity, data, noise, each of (x, F); then target of (x₁, x₀), and the weight of F.
    var head = array<f32, 9>();
    switch params.prediction {
        case $(PREDICTION_VELOCITY)u: {                                                    // velocity
            head = array<f32, 9>(0.0, 1.0, -w.sigma_rate / cross, w.sigma / cross, w.alpha_rate / cross, -w.alpha / cross,
                w.alpha_rate, w.sigma_rate, 1.0);
        }
        case $(PREDICTION_DATA)u: {                                                    // data
            head = array<f32, 9>(w.sigma_rate / sigma, w.alpha_rate - w.sigma_rate * w.alpha / sigma, 0.0, 1.0,
                1.0 / sigma, -w.alpha / sigma, 1.0, 0.0, 1.0);
        }
        case $(PREDICTION_NOISE)u: {                                                    // noise
            head = array<f32, 9>(w.alpha_rate / alpha, w.sigma_rate - w.alpha_rate * w.sigma / alpha, 1.0 / alpha,
                -w.sigma / alpha, 0.0, 1.0, 0.0, 1.0, 1.0);
        }
        case $(PREDICTION_V)u: {                                                    // v
            head = array<f32, 9>((w.alpha_rate * w.alpha + w.sigma_rate * w.sigma) / square, -cross / square,
                w.alpha / square, -w.sigma / square, w.sigma / square, w.alpha / square, -w.sigma, w.alpha, 1.0);
        }
        case $(PREDICTION_SCORE)u: {                                                    // score
            head = array<f32, 9>(w.alpha_rate / alpha, -w.sigma * (w.sigma_rate - w.alpha_rate * w.sigma / alpha),
                1.0 / alpha, w.sigma * w.sigma / alpha, 0.0, -w.sigma, 0.0, -1.0, w.sigma);
        }
        default: {                                                    // preconditioned
            head = array<f32, 9>((w.alpha_rate * w.alpha + w.sigma_rate * w.sigma) / square, cross / norm, w.alpha / square,
                w.sigma / norm, w.sigma / square, -w.alpha / norm, w.sigma / norm, -w.alpha / norm, 1.0);
        }
    }
    let row = i * COLUMNS;
    table[row] = t;
    table[row + $(ALPHA)u] = w.alpha;
    table[row + $(SIGMA)u] = w.sigma;
    table[row + $(GAMMA)u] = w.gamma;
    table[row + $(ALPHA_RATE)u] = w.alpha_rate;
    table[row + $(SIGMA_RATE)u] = w.sigma_rate;
    table[row + $(GAMMA_RATE)u] = w.gamma_rate;
    table[row + $(INPUT)u] = select(1.0, 1.0 / norm, params.curve == $(CURVE_VARIANCE_EXPLODING)u || params.curve == $(CURVE_EDM)u);
    for (var k = 0u; k < 9u; k++) { table[row + $(VELOCITY)u + k] = head[k]; }
    table[row + $(ONE)u] = 1.0;
}
