// The affine transform of a coupling or autoregressive layer (Dinh, Sohl-Dickstein & Bengio 2017, eqs. 7–8, with a bounded scale). Of the d
// columns of a row some are kept; the m others are transformed, each by its own scale and shift, which a network gave from what it may see:
//   s_k = c·tanh(a_k/c)               a: the first m numbers of a row of `raw`, t: the other m; c: `up` where a_k > 0, else `down`
//   y_j = x_j·e^{s_k} + t_k           where role_j = k < m;   y_j = x_j where it is no such number
//   l   = l₀ + Σ_k s_k                the running ln|det ∂y/∂x|
// and back, x_j = (y_j − t_k)·e^{−s_k}, l = l₀ − Σ_k s_k. s stays between −down and up: in the inverse direction, which samples take,
// no distance grows by more than e^down a layer. Both pieces have slope 1 and no curvature at 0, where they meet.
// Gradients, given d_y and d_l (those of the way back are the same formulas with the names of x and y changed):
//   forward    d_x = d_y·e^s          d_t = d_y              d_s = d_y·x·e^s + d_l
//   inverse    d_y = d_x·e^{−s}       d_t = −d_x·e^{−s}      d_s = −d_x·x − d_l
//   d_a = d_s·(1 − (s/c)²),  d_l₀ = d_l (passed on as it is)
// One invocation a row: rows are many and short.
#import common/index
#import common/hyperbolic
#import common/direction

struct Params { n: u32, d: u32, m: u32, up: f32, down: f32, accumulate_in: u32, accumulate_raw: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> given: array<f32>;           // n × d: x, or y in the inverse direction
@group(0) @binding(2) var<storage, read> raw: array<f32>;             // n × 2m
@group(0) @binding(3) var<storage, read> roles: array<u32>;           // d
@group(0) @binding(4) var<storage, read> before: array<f32>;          // n: l₀
@group(0) @binding(5) var<storage, read_write> out: array<f32>;       // n × d
@group(0) @binding(6) var<storage, read_write> log_det: array<f32>;   // n
@group(0) @binding(7) var<storage, read> d_out: array<f32>;           // n × d
@group(0) @binding(8) var<storage, read> d_log_det: array<f32>;       // n
@group(0) @binding(9) var<storage, read_write> d_given: array<f32>;   // n × d
@group(0) @binding(10) var<storage, read_write> d_raw: array<f32>;    // n × 2m

@compute @workgroup_size(64)
fn apply(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    let at = i * params.d;
    let of_row = i * 2u * params.m;
    var sum = 0.0;
    for (var j = 0u; j < params.d; j++) {
        let k = roles[j];
        var value = given[at + j];
        if (k < params.m) {
            let a = raw[of_row + k];
            let c = select(params.down, params.up, a > 0.0);
            let s = c * hyperbolic(a / c);
            let t = raw[of_row + params.m + k];
            sum += s;
#if DIRECTION == forward
            value = value * exp(s) + t;
#else
            value = (value - t) * exp(-s);
#endif
        }
        out[at + j] = value;
    }
#if DIRECTION == forward
    log_det[i] = before[i] + sum;
#else
    log_det[i] = before[i] - sum;
#endif
}

@compute @workgroup_size(64)
fn backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    let at = i * params.d;
    let of_row = i * 2u * params.m;
    let d_l = d_log_det[i];
    for (var j = 0u; j < params.d; j++) {
        let k = roles[j];
        var g = d_out[at + j];
        if (k < params.m) {
            let a = raw[of_row + k];
            let c = select(params.down, params.up, a > 0.0);
            let u = hyperbolic(a / c);
            let s = c * u;
#if DIRECTION == forward
            let e = exp(s);
            var d_t = g;
            var d_a = (g * given[at + j] * e + d_l) * (1.0 - u * u);
#else
            let e = exp(-s);
            let x = (given[at + j] - raw[of_row + params.m + k]) * e;
            var d_t = -g * e;
            var d_a = -(g * x + d_l) * (1.0 - u * u);
#endif
            g *= e;
            if (params.accumulate_raw != 0u) {
                d_a += d_raw[of_row + k];
                d_t += d_raw[of_row + params.m + k];
            }
            d_raw[of_row + k] = d_a;
            d_raw[of_row + params.m + k] = d_t;
        }
        if (params.accumulate_in != 0u) { g += d_given[at + j]; }
        d_given[at + j] = g;
    }
}
