// The second stage of the pairwise statistics: partial sums of the splits, added in a fixed order.
//   loss   MMD² = c_xx Σ r(x,x) + c_yy Σ r(y,y) + c_xy Σ r(x,y) + added     (`added` takes unwanted diagonals out)
//   ∂loss/∂x = c_xx Σ_splits g(x,x) + c_xy Σ_splits g(x,y), with the kernel's slope and signs in the coefficients
#import common/index

struct Params {
    rows_xx: u32,                 // partial values of each term: splits × rows
    rows_yy: u32,
    rows_xy: u32,
    len: u32,                     // elements of the gradient
    splits_xx: u32,
    splits_xy: u32,
    c_xx: f32,
    c_yy: f32,
    c_xy: f32,
    added: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> xx: array<f32>;
@group(0) @binding(2) var<storage, read> yy: array<f32>;
@group(0) @binding(3) var<storage, read> xy: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;     // value: 1; gradient: len

var<workgroup> tree: array<f32, 256>;

@compute @workgroup_size(256)
fn value(@builtin(local_invocation_index) lane: u32) {
    var sum_xx = 0.0;
    var sum_yy = 0.0;
    var sum_xy = 0.0;
    for (var i = lane; i < params.rows_xx; i += 256u) { sum_xx += xx[i]; }
    for (var i = lane; i < params.rows_yy; i += 256u) { sum_yy += yy[i]; }
    for (var i = lane; i < params.rows_xy; i += 256u) { sum_xy += xy[i]; }
    tree[lane] = params.c_xx * sum_xx + params.c_yy * sum_yy + params.c_xy * sum_xy;
    workgroupBarrier();
    for (var width = 128u; width > 0u; width >>= 1u) {
        if (lane < width) { tree[lane] += tree[lane + width]; }
        workgroupBarrier();
    }
    if (lane == 0u) { out[0] = tree[0] + params.added; }
}

@compute @workgroup_size(64)
fn gradient(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.len) { return; }
    var sum_xx = 0.0;
    var sum_xy = 0.0;
    for (var s = 0u; s < params.splits_xx; s++) { sum_xx += xx[s * params.len + i]; }
    for (var s = 0u; s < params.splits_xy; s++) { sum_xy += xy[s * params.len + i]; }
    out[i] = params.c_xx * sum_xx + params.c_xy * sum_xy;
}
