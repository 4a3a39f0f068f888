// A sum of up to six matrices, each with a coefficient a row:
//   out = (accumulate ? out : 0) + Σ_k s_k·T[i, c_k]·V_k[i, :]        d_V_k = s_k·T[i, c_k]·d_out
// where T is a table with a row for each, or one row for all (stride 0). The gradient is this again, with one operand. No gradient of T.
// One invocation an element.
#import common/index

struct Params {
    len: u32, cols: u32, stride: u32, count: u32, accumulate: u32,
    c0: u32, c1: u32, c2: u32, c3: u32, c4: u32, c5: u32,
    s0: f32, s1: f32, s2: f32, s3: f32, s4: f32, s5: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> coefficients: array<f32>;    // rows × columns of the table
@group(0) @binding(2) var<storage, read> v0: array<f32>;              // len elements, rows of `cols`, as all operands
@group(0) @binding(3) var<storage, read> v1: array<f32>;
@group(0) @binding(4) var<storage, read> v2: array<f32>;
@group(0) @binding(5) var<storage, read> v3: array<f32>;
@group(0) @binding(6) var<storage, read> v4: array<f32>;
@group(0) @binding(7) var<storage, read> v5: array<f32>;
@group(0) @binding(8) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(256)
fn sum(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 256u);
    if (i >= params.len) { return; }
    let row = i / params.cols * params.stride;
    var total = params.s0 * coefficients[row + params.c0] * v0[i];
#for K in 1..6
    if (params.count > $(K)u) { total += params.s$K * coefficients[row + params.c$K] * v$K[i]; }
#endfor
    if (params.accumulate != 0u) { total += out[i]; }
    out[i] = total;
}
