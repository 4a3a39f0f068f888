// Kernelized Stein discrepancy (Liu, Lee & Jordan 2016; Chwialkowski, Strathmann & Gretton 2016; Gorham & Mackey 2017) of
// points x with scores a = s(x), s = ∇ log p, and a radial kernel k = κ(r²). With e = xᵢ − xⱼ, a = s(xᵢ), b = s(xⱼ) and
// (k, q, w, t) = (κ, −2κ′, 4κ″, −8κ‴) of common/stein_kernel:
//   u = aᵀb k + aᵀ∇_y k + bᵀ∇_x k + tr ∇_x∇_y k = k a·b + q ((a − b)·e + d) − w r²
//   ∂u/∂x = [t r² − (d + 2) w − q a·b − w (a − b)·e] e + q (a − b)        at fixed scores
//   ∂u/∂a = k b + q e
// Each row writes Σⱼ of all three over one split of the columns: value and both gradients in one pass, and no n × n matrix.
// Apart from common/pairs, whose pairs have one distance and one gradient: these have three inner products and two gradients.
// Families: `tile` shares columns through workgroup memory, `broadcast` through a subgroup (one a workgroup: nothing waits at
// a barrier), `register` reads every column itself. `wide` serves any dimension, a chunk of 16 coordinates a group. Only
// `broadcast` has more than one column at hand: elsewhere SG is 1.
#axis FAMILY: tile broadcast register wide
#axis D: 0..=16 as 5 0
#axis R: 1..=2 as 2 1
#axis SG: 1..=128 as 4 1
// Invocations of a workgroup, and coordinates that one of `wide` forms: where columns lie in workgroup memory, and else.
#let TILE_WIDTH = 128
#let OWN_WIDTH = 64
#let CHUNK = 16
#require FAMILY != wide || D == 0 && R == 1
#require FAMILY == wide || D > 0
#require FAMILY != broadcast || SG >= 4
#require FAMILY == broadcast || SG == 1

struct Params {
    n: u32,
    d: u32,
    columns: u32,                 // in one split
    distinct: u32,                // 1: a row does not meet itself
    row_begin: u32,               // of this dispatch
    row_end: u32,
    spare_0: u32,
    spare_1: u32,
    shape: array<vec4<f32>, 4>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;                       // n × d
@group(0) @binding(2) var<storage, read> scores: array<f32>;                  // n × d
@group(0) @binding(3) var<storage, read_write> value: array<f32>;             // splits × n
@group(0) @binding(4) var<storage, read_write> d_x: array<f32>;               // splits × n × d
@group(0) @binding(5) var<storage, read_write> d_scores: array<f32>;          // splits × n × d
#import common/stein_kernel

#if FAMILY == wide
@compute @workgroup_size($OWN_WIDTH)
fn rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = params.row_begin + group.x * $(OWN_WIDTH)u + lane;
    let row = min(i, params.n - 1u) * params.d;
    let self_ = select(0xffffffffu, i, params.distinct == 1u);
    let chunk = group.z * $(CHUNK)u;
    let d = f32(params.d);
    var v = 0.0;
#for c in 0..CHUNK
    let c_$c = min(chunk + $(c)u, params.d - 1u);
    let x_$c = x[row + c_$c];
    let a_$c = scores[row + c_$c];
    var g_$c = 0.0;
    var s_$c = 0.0;
#endfor
    let end = min((group.y + 1u) * params.columns, params.n);
    for (var j = group.y * params.columns; j < end; j++) {
        let other = j * params.d;
        var r2 = 0.0;
        var dot_ = 0.0;
        var cross_ = 0.0;
        for (var c = 0u; c < params.d; c++) {
            let e = x[row + c] - x[other + c];
            let a = scores[row + c];
            let b = scores[other + c];
            r2 += e * e;
            dot_ += a * b;
            cross_ += (a - b) * e;
        }
        let k = stein_kernel(r2, j != self_);
        v += k.x * dot_ + k.y * (cross_ + d) - k.z * r2;
        let along = k.w * r2 - (d + 2.0) * k.z - k.y * dot_ - k.z * cross_;
#for c in 0..CHUNK
        {
            let e = x_$c - x[other + c_$c];
            let b = scores[other + c_$c];
            g_$c += along * e + k.y * (a_$c - b);
            s_$c += k.x * b + k.y * e;
        }
#endfor
    }
    if (i < params.row_end) {
        let at = group.y * params.n + i;
        if (group.z == 0u) { value[at] = v; }
#for c in 0..CHUNK
        if (chunk + $(c)u < params.d) {
            d_x[at * params.d + chunk + $(c)u] = g_$c;
            d_scores[at * params.d + chunk + $(c)u] = s_$c;
        }
#endfor
    }
}
#else
#if FAMILY == tile
const WIDTH = $(TILE_WIDTH)u;
// Coordinates and scores of 64 columns for d ≤ 16: half of the workgroup memory there is.
var<workgroup> tile: array<f32, $(64 * 2 * D)>;
@compute @workgroup_size($TILE_WIDTH)
#elif FAMILY == broadcast
const WIDTH = $(SG)u;
@compute @workgroup_size($SG)
#else
const WIDTH = $(OWN_WIDTH)u;
@compute @workgroup_size($OWN_WIDTH)
#endif
fn rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let block = params.row_begin + group.x * ($(R)u * WIDTH);
#for r in 0..R
    let i_$r = block + $(r)u * WIDTH + lane;
    let self_$r = select(0xffffffffu, i_$r, params.distinct == 1u);
    var v_$r = 0.0;
#for c in 0..D
    let x_$(r)_$c = x[min(i_$r, params.n - 1u) * $(D)u + $(c)u];
    let a_$(r)_$c = scores[min(i_$r, params.n - 1u) * $(D)u + $(c)u];
    var g_$(r)_$c = 0.0;
    var s_$(r)_$c = 0.0;
#endfor
#endfor
    let begin = group.y * params.columns;
    let end = min(begin + params.columns, params.n);
#if FAMILY == broadcast
    for (var first = begin; first < end; first += WIDTH) {
        // Past the end a column is read again, and does not count.
        let mine = min(first + lane, end - 1u) * $(D)u;
#for c in 0..D
        let own_x_$c = x[mine + $(c)u];
        let own_a_$c = scores[mine + $(c)u];
#endfor
#elif FAMILY == tile
    for (var first = begin; first < end; first += 64u) {
        let count = min(64u, end - first);
        workgroupBarrier();
        for (var t = lane; t < count * $(D)u; t += WIDTH) {
            tile[t] = x[first * $(D)u + t];
            tile[$(64 * D)u + t] = scores[first * $(D)u + t];
        }
        workgroupBarrier();
#else
    for (var first = begin; first < end; first += 4096u) {
        let count = min(4096u, end - first);
#endif
#if FAMILY != broadcast
        for (var step = 0u; step < count; step++) {
#endif
#for q in 0..SG
        {
#if FAMILY == broadcast
            let j = first + $(q)u;
#for c in 0..D
            let y_$c = subgroupBroadcast(own_x_$c, $(q)u);
            let b_$c = subgroupBroadcast(own_a_$c, $(q)u);
#endfor
#else
            let j = first + step;
#for c in 0..D
#if FAMILY == tile
            let y_$c = tile[step * $(D)u + $(c)u];
            let b_$c = tile[$(64 * D)u + step * $(D)u + $(c)u];
#else
            let y_$c = x[j * $(D)u + $(c)u];
            let b_$c = scores[j * $(D)u + $(c)u];
#endif
#endfor
#endif
#for r in 0..R
            var r2_$r = 0.0;
            var dot_$r = 0.0;
            var cross_$r = 0.0;
#for c in 0..D
            let e_$(r)_$c = x_$(r)_$c - y_$c;
            r2_$r += e_$(r)_$c * e_$(r)_$c;
            dot_$r += a_$(r)_$c * b_$c;
            cross_$r += (a_$(r)_$c - b_$c) * e_$(r)_$c;
#endfor
            let k_$r = stein_kernel(r2_$r, j < end && j != self_$r);
            v_$r += k_$r.x * dot_$r + k_$r.y * (cross_$r + $(D).0) - k_$r.z * r2_$r;
            let along_$r = k_$r.w * r2_$r - $(D + 2).0 * k_$r.z - k_$r.y * dot_$r - k_$r.z * cross_$r;
#for c in 0..D
            g_$(r)_$c += along_$r * e_$(r)_$c + k_$r.y * (a_$(r)_$c - b_$c);
            s_$(r)_$c += k_$r.x * b_$c + k_$r.y * e_$(r)_$c;
#endfor
#endfor
        }
#endfor
#if FAMILY != broadcast
        }
#endif
    }
#for r in 0..R
    if (i_$r < params.row_end) {
        let at = group.y * params.n + i_$r;
        value[at] = v_$r;
#for c in 0..D
        d_x[at * $(D)u + $(c)u] = g_$(r)_$c;
        d_scores[at * $(D)u + $(c)u] = s_$(r)_$c;
#endfor
    }
#endfor
}
#endif
