// Spectral normalization of a weight W (k × m) by one round of power iteration (Miyato et al. 2018, alg. 1):
//   v = W u/‖W u‖,   u⁺ = Wᵀ v/‖Wᵀ v‖,   σ = vᵀ W u⁺ = ‖Wᵀ v‖,   out = W/σ
// With v and u⁺ held fixed ∂σ/∂W = v u⁺ᵀ, and so (eq. 12 there)
//   d_w = (accumulate ? d_w : 0) + (d_out − ⟨d_out, out⟩ v u⁺ᵀ)/σ.
// `left` and `right` take a row or a column of W an invocation, `finish` brings both vectors to length one in one workgroup, and
// `normalize` and `backward` take an element an invocation. (llvmpipe ends all loops of an invocation together after 65,535 rounds,
// so none of them walks more than a row and a column.)
#import common/index

struct Params { k: u32, m: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> w: array<f32>;               // k × m
@group(0) @binding(2) var<storage, read> u: array<f32>;               // m
@group(0) @binding(3) var<storage, read_write> raw_v: array<f32>;     // k: W u
@group(0) @binding(4) var<storage, read_write> raw_u: array<f32>;     // m: Wᵀ v
@group(0) @binding(5) var<storage, read> to_v: array<f32>;            // k: W u, once it is known
@group(0) @binding(6) var<storage, read> to_u: array<f32>;            // m: Wᵀ v
@group(0) @binding(7) var<storage, read_write> v: array<f32>;         // k
@group(0) @binding(8) var<storage, read_write> next: array<f32>;      // m: u⁺
@group(0) @binding(9) var<storage, read_write> sigma: array<f32>;     // 1
@group(0) @binding(10) var<storage, read_write> out: array<f32>;      // k × m
@group(0) @binding(11) var<storage, read> norm: array<f32>;           // 1: σ, once it is known
@group(0) @binding(12) var<storage, read> left_vector: array<f32>;    // k: v
@group(0) @binding(13) var<storage, read> right_vector: array<f32>;   // m: u⁺
@group(0) @binding(14) var<storage, read> d_out: array<f32>;          // k × m
@group(0) @binding(15) var<storage, read> inner: array<f32>;          // 1: ⟨d_out, out⟩
@group(0) @binding(16) var<storage, read_write> d_w: array<f32>;      // k × m

const LANES = 64u;
const LEAST = 1e-12;

var<workgroup> parts: array<f32, 64>;

// Σ over the workgroup in a fixed order, the same in every invocation.
fn total(lane: u32, value: f32) -> f32 {
    parts[lane] = value;
    workgroupBarrier();
    var sum = 0.0;
    for (var l = 0u; l < LANES; l++) { sum += parts[l]; }
    workgroupBarrier();
    return sum;
}

@compute @workgroup_size(64)
fn left(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.x;
    if (i >= params.k) { return; }
    var sum = 0.0;
    for (var j = 0u; j < params.m; j++) { sum += w[i * params.m + j] * u[j]; }
    raw_v[i] = sum;
}

@compute @workgroup_size(64)
fn right(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    var squares = 0.0;
    for (var i = lane; i < params.k; i += LANES) { squares += to_v[i] * to_v[i]; }
    let to_unit = 1.0 / max(sqrt(total(lane, squares)), LEAST);
    let j = group.x * LANES + lane;
    if (j >= params.m) { return; }
    var sum = 0.0;
    for (var i = 0u; i < params.k; i++) { sum += w[i * params.m + j] * (to_v[i] * to_unit); }
    raw_u[j] = sum;
}

// A weight or a vector of nothing has no direction: u stays what it was, and σ a number to divide by.
@compute @workgroup_size(64)
fn finish(@builtin(local_invocation_index) lane: u32) {
    var squares = 0.0;
    for (var i = lane; i < params.k; i += LANES) { squares += to_v[i] * to_v[i]; }
    let to_unit = 1.0 / max(sqrt(total(lane, squares)), LEAST);
    for (var i = lane; i < params.k; i += LANES) { v[i] = to_v[i] * to_unit; }
    squares = 0.0;
    for (var j = lane; j < params.m; j += LANES) { squares += to_u[j] * to_u[j]; }
    let length = sqrt(total(lane, squares));
    for (var j = lane; j < params.m; j += LANES) { next[j] = select(u[j], to_u[j] / max(length, LEAST), length > LEAST); }
    if (lane == 0u) { sigma[0] = max(length, LEAST); }
}

@compute @workgroup_size(64)
fn normalize(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i < params.k * params.m) { out[i] = w[i] / norm[0]; }
}

@compute @workgroup_size(64)
fn backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.k * params.m) { return; }
    let value = (d_out[i] - inner[0] * left_vector[i / params.m] * right_vector[i % params.m]) / norm[0];
    if (params.accumulate != 0u) { d_w[i] += value; } else { d_w[i] = value; }
}
