// The logarithm of a row's mean exponential, as importance-weighted bounds take it (Burda, Grosse & Salakhutdinov 2016, eq. 8), with the largest
// number taken out first:
//   out_i = M + ln (1/K) Σ_k e^{x_ik − M},   M = max_k x_ik;      shares   w_ik = e^{x_ik − M}/Σ_k e^{x_ik − M}
// Gradient: d_x = d_out·w. A row an invocation forward (K is small), an element of x an invocation backward, from the value.
#import common/index
#import common/lowest
#import common/minus_log

struct Params { n: u32, k: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;             // n × k
@group(0) @binding(2) var<storage, read_write> out: array<f32>;     // n
@group(0) @binding(3) var<storage, read> value: array<f32>;         // n: out
@group(0) @binding(4) var<storage, read> d_out: array<f32>;         // n
@group(0) @binding(5) var<storage, read_write> d_x: array<f32>;     // n × k: the gradient, or the shares

const LEAST = -3.0e38;

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    var most = LEAST;
    for (var k = 0u; k < params.k; k++) { most = max(most, x[i * params.k + k]); }
    var sum = 0.0;
    for (var k = 0u; k < params.k; k++) { sum += exp(max(x[i * params.k + k] - most, LOWEST)); }
    out[i] = most - minus_log(sum / f32(params.k));
}

fn share(e: u32) -> f32 {
    return exp(clamp(x[e] - value[e / params.k], LOWEST, 87.0)) / f32(params.k);
}

@compute @workgroup_size(64)
fn backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let e = flat_index(group, groups, lane, 64u);
    if (e >= params.n * params.k) { return; }
    let g = d_out[e / params.k] * share(e);
    if (params.accumulate != 0u) { d_x[e] += g; } else { d_x[e] = g; }
}

@compute @workgroup_size(64)
fn shares(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let e = flat_index(group, groups, lane, 64u);
    if (e < params.n * params.k) { d_x[e] = share(e); }
}
