// Activations on their own (a linear layer fuses its activation into its epilogue; see linear/tiled.wgsl).
//   forward             y = σ(x)
//   slope_product       out = (accumulate ? out : 0) + σ'(x)·v         the gradient (v = d_y) and the tangent (v = x_dot)
//   curvature_product   out = (accumulate ? out : 0) + σ''(x)·v·w      the gradient of a tangent with respect to x
// One invocation V elements, four where their number allows: software adapters load and store lane by lane, and a vec4 costs them
// hardly more than a number.
#axis V: 1 4
#import common/index
#import common/activation
// The op hands on what passes no activation.
#require ACT != identity

struct Params { len: u32, accumulate: u32 }                           // len: lanes, of V elements each
@group(0) @binding(0) var<uniform> params: Params;
#if V == 4
alias Lane = vec4<f32>;
fn act_of(x: Lane) -> Lane { return Lane(act(x.x), act(x.y), act(x.z), act(x.w)); }
fn slope_of(x: Lane) -> Lane { return Lane(act_slope(x.x), act_slope(x.y), act_slope(x.z), act_slope(x.w)); }
fn curvature_of(x: Lane) -> Lane { return Lane(act_curvature(x.x), act_curvature(x.y), act_curvature(x.z), act_curvature(x.w)); }
#else
alias Lane = f32;
fn act_of(x: Lane) -> Lane { return act(x); }
fn slope_of(x: Lane) -> Lane { return act_slope(x); }
fn curvature_of(x: Lane) -> Lane { return act_curvature(x); }
#endif
@group(0) @binding(1) var<storage, read> x: array<Lane>;              // len
@group(0) @binding(2) var<storage, read> v: array<Lane>;              // len
@group(0) @binding(3) var<storage, read> w: array<Lane>;              // len
@group(0) @binding(4) var<storage, read_write> out: array<Lane>;      // len

fn put(i: u32, value: Lane) {
    if (params.accumulate != 0u) { out[i] += value; } else { out[i] = value; }
}

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i < params.len) { put(i, act_of(x[i])); }
}

@compute @workgroup_size(64)
fn slope_product(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i < params.len) { put(i, slope_of(x[i]) * v[i]); }
}

@compute @workgroup_size(64)
fn curvature_product(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i < params.len) { put(i, curvature_of(x[i]) * v[i] * w[i]); }
}
