// Activations on their own (a linear layer fuses its activation into its epilogue; see linear.wgsl).
//   forward             y = σ(x)
//   slope_product       out = (accumulate ? out : 0) + σ'(x)·v         the gradient (v = d_y) and the tangent (v = x_dot)
//   curvature_product   out = (accumulate ? out : 0) + σ''(x)·v·w      the gradient of a tangent with respect to x
// One invocation an element.
#import common/index
#import common/activation

struct Params { len: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;               // len
@group(0) @binding(2) var<storage, read> v: array<f32>;               // len
@group(0) @binding(3) var<storage, read> w: array<f32>;               // len
@group(0) @binding(4) var<storage, read_write> out: array<f32>;       // len

fn put(i: u32, value: f32) {
    if (params.accumulate != 0u) { out[i] += value; } else { out[i] = value; }
}

@compute @workgroup_size(256)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 256u);
    if (i < params.len) { put(i, act(x[i])); }
}

@compute @workgroup_size(256)
fn slope_product(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 256u);
    if (i < params.len) { put(i, act_slope(x[i]) * v[i]); }
}

@compute @workgroup_size(256)
fn curvature_product(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 256u);
    if (i < params.len) { put(i, act_curvature(x[i]) * v[i] * w[i]); }
}
