// First-order jets: a value and its tangents along T directions, stacked in one matrix of (1 + T)·n rows, so that a layer multiplies them by its
// weights at once (forward mode; Griewank & Walther 2008, §3). Block 0 is the value, block k the tangent along direction k.
//   begin        out = [x; e_1; …; e_T], x being the first s columns of n wider rows
//   activate     out_0 = σ(p_0 + b),  out_k = σ'(p_0 + b) ⊙ p_k
//   rates        of v = p_0 + b and its tangents J·e_k = p_k, a row: [v, 0, Σ_k ⟨e_k, J·e_k⟩, ‖v‖², Σ_k ‖J·e_k‖²], zeros up to s columns: what a
//                continuous normalizing flow integrates (Chen et al. 2018, eq. 8; Finlay et al. 2020, eq. 8 and 10). For all unit vectors e_k the sums are
//                tr J and ‖J‖² (Frobenius), and for one probe of signs unbiased for them (Hutchinson 1989)
// Gradients, with u the cotangent of out:
//   backward_begin     d_x = u_0, and zero in the columns beyond s
//   backward_activate  d_p0 = σ'·u_0 + σ''·Σ_k p_k·u_k,  d_pk = σ'·u_k
//   backward_rates     d_p0 = u_v + 2v·u_‖v‖²,  d_pk = e_k·u_tr + 2p_k·u_‖J‖²
//   backward_bias      d_b = Σ_i d_p0 of row i
// `activate` takes an element and its tangents an invocation, four elements where a row has a multiple of four; `rates` a row; `backward_bias` sixteen
// columns a workgroup, in a fixed order.
#axis V: 1 4
// Columns behind a rate's own.
#let INTEGRALS = 3
// Columns that a workgroup of `backward_bias` adds up.
#let COLUMNS = 16
#import common/index
#import common/activation

// n rows of each block; cols of a row here: s (begin, rates: columns moved and given), width (activate, in lanes of V); d columns of v;
// wide: columns of a state.
struct Params { n: u32, cols: u32, d: u32, wide: u32, tangents: u32, accumulate: u32 }
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
@group(0) @binding(1) var<storage, read> x: array<f32>;                // n × wide
@group(0) @binding(2) var<storage, read> directions: array<f32>;       // (T·n) × s
@group(0) @binding(3) var<storage, read> y: array<f32>;                // ((1 + T)·n) × d
@group(0) @binding(4) var<storage, read> b: array<f32>;                // 1 × d
@group(0) @binding(5) var<storage, read> u: array<f32>;                // the cotangent of out
@group(0) @binding(6) var<storage, read_write> out: array<f32>;
@group(0) @binding(7) var<storage, read> p: array<Lane>;               // ((1 + T)·n) × cols
@group(0) @binding(8) var<storage, read> bias: array<Lane>;            // 1 × cols
@group(0) @binding(9) var<storage, read> d_out: array<Lane>;           // as p
@group(0) @binding(10) var<storage, read_write> h: array<Lane>;        // as p

var<workgroup> tree: array<f32, 256>;

fn put(i: u32, value: f32) {
    if (params.accumulate != 0u) { out[i] += value; } else { out[i] = value; }
}

fn put_lane(i: u32, value: Lane) {
    if (params.accumulate != 0u) { h[i] += value; } else { h[i] = value; }
}

@compute @workgroup_size(64)
fn begin(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    let block = params.n * params.cols;
    if (i >= (1u + params.tangents) * block) { return; }
    if (i < block) {
        out[i] = x[i / params.cols * params.wide + i % params.cols];
    } else {
        out[i] = directions[i - block];
    }
}

@compute @workgroup_size(64)
fn backward_begin(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n * params.wide) { return; }
    let column = i % params.wide;
    if (column < params.cols) {
        put(i, u[i / params.wide * params.cols + column]);
    } else if (params.accumulate == 0u) {
        out[i] = 0.0;
    }
}

@compute @workgroup_size(64)
fn activate(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    let block = params.n * params.cols;
    if (i >= block) { return; }
    let value = p[i] + bias[i % params.cols];
    let slope = slope_of(value);
    h[i] = act_of(value);
    for (var k = 1u; k <= params.tangents; k++) { h[k * block + i] = slope * p[k * block + i]; }
}

@compute @workgroup_size(64)
fn backward_activate(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    let block = params.n * params.cols;
    if (i >= block) { return; }
    let value = p[i] + bias[i % params.cols];
    let slope = slope_of(value);
    var bend = Lane(0.0);
    for (var k = 1u; k <= params.tangents; k++) {
        let cotangent = d_out[k * block + i];
        bend += p[k * block + i] * cotangent;
        put_lane(k * block + i, slope * cotangent);
    }
    put_lane(i, slope * d_out[i] + curvature_of(value) * bend);
}

@compute @workgroup_size(64)
fn rates(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    let at = i * (params.cols + $(INTEGRALS)u);
    var speed = 0.0;
    for (var c = 0u; c < params.cols; c++) {
        var v = 0.0;
        if (c < params.d) { v = y[i * params.d + c] + b[c]; }
        out[at + c] = v;
        speed += v * v;
    }
    var trace = 0.0;
    var square = 0.0;
    for (var k = 1u; k <= params.tangents; k++) {
        let from_y = (k * params.n + i) * params.d;
        let from_e = ((k - 1u) * params.n + i) * params.cols;
        for (var c = 0u; c < params.d; c++) {
            let t = y[from_y + c];
            trace += directions[from_e + c] * t;
            square += t * t;
        }
    }
    out[at + params.cols] = trace;
    out[at + params.cols + 1u] = speed;
    out[at + params.cols + 2u] = square;
}

// One element of y's cotangent an invocation.
@compute @workgroup_size(64)
fn backward_rates(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let e = flat_index(group, groups, lane, 64u);
    if (e >= (1u + params.tangents) * params.n * params.d) { return; }
    let row = e / params.d;
    let c = e % params.d;
    let at = row % params.n * (params.cols + $(INTEGRALS)u);
    if (row < params.n) {
        put(e, u[at + c] + 2.0 * (y[e] + b[c]) * u[at + params.cols + 1u]);
    } else {
        let direction = directions[(row - params.n) * params.cols + c];
        put(e, direction * u[at + params.cols] + 2.0 * y[e] * u[at + params.cols + 2u]);
    }
}

@compute @workgroup_size(256)
fn backward_bias(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let j = group.x * $(COLUMNS)u + lane % $(COLUMNS)u;
    var sum = 0.0;
    if (j < params.cols) {
        for (var i = lane / $(COLUMNS)u; i < params.n; i += $(256 / COLUMNS)u) { sum += u[i * params.cols + j]; }
    }
    tree[lane] = sum;
    workgroupBarrier();
    for (var width = 128u; width >= $(COLUMNS)u; width >>= 1u) {
        if (lane < width) { tree[lane] += tree[lane + width]; }
        workgroupBarrier();
    }
    if (lane < $(COLUMNS)u && j < params.cols) { put(j, tree[lane]); }
}
