// A Gaussian mixture with diagonal precisions P_k, K components in the columns of `table`: log p(x) = log Σ_k exp l_k,
//   l_k = c_k − ½ Σ P_kc (x_c − m_kc)²,  c_k = log weight_k + ½ Σ_c log P_kc − (d/2) log 2π,  r_k = exp(l_k − log p)
//   score    s = ∇ log p = Σ_k r_k g_k,                     g_k = P_k (m_k − x)
//   hessian  ∇²log p·v = Σ_k r_k [(g_k − s)((g_k − s)·v) − P_k v], symmetric: the score's JVP and its VJP are both this
// (Bishop 2006, §9.2: r are the responsibilities.) One invocation a row; the maximum is found first, then the sums.
#axis D: 1..=64 as 3

struct Params {
    n: u32,
    components: u32,
    accumulate: u32,
    spare: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<f32>;         // components × (2d + 1): m, P, c
@group(0) @binding(2) var<storage, read> x: array<f32>;             // n × d
@group(0) @binding(3) var<storage, read> v: array<f32>;             // n × d
@group(0) @binding(4) var<storage, read_write> out: array<f32>;     // n × d; density: n
#import common/index
#import common/lowest

const STRIDE = $(2 * D + 1)u;

fn logarithm(k: u32, row: u32) -> f32 {
    let at = k * STRIDE;
    var l = table[at + $(2 * D)u];
#for c in 0..D
    let e_$c = x[row + $(c)u] - table[at + $(c)u];
    l -= 0.5 * table[at + $(D + c)u] * e_$c * e_$c;
#endfor
    return l;
}

fn largest(row: u32) -> f32 {
    var most = logarithm(0u, row);
    for (var k = 1u; k < params.components; k++) { most = max(most, logarithm(k, row)); }
    return most;
}

@compute @workgroup_size(64)
fn density(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    let most = largest(i * $(D)u);
    var sum = 0.0;
    for (var k = 0u; k < params.components; k++) { sum += exp(max(logarithm(k, i * $(D)u) - most, LOWEST)); }
    out[i] = most + log(sum);
}

@compute @workgroup_size(64)
fn score(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    let row = i * $(D)u;
    let most = largest(row);
    var sum = 0.0;
#for c in 0..D
    var s_$c = 0.0;
#endfor
    for (var k = 0u; k < params.components; k++) {
        let at = k * STRIDE;
        let w = exp(max(logarithm(k, row) - most, LOWEST));
        sum += w;
#for c in 0..D
        s_$c += w * table[at + $(D + c)u] * (table[at + $(c)u] - x[row + $(c)u]);
#endfor
    }
#for c in 0..D
    out[row + $(c)u] = s_$c / sum;
#endfor
}

@compute @workgroup_size(64)
fn hessian(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    let row = i * $(D)u;
    let most = largest(row);
    var sum = 0.0;
#for c in 0..D
    var s_$c = 0.0;
    var h_$c = 0.0;
#endfor
    for (var k = 0u; k < params.components; k++) {
        let at = k * STRIDE;
        let w = exp(max(logarithm(k, row) - most, LOWEST));
        sum += w;
#for c in 0..D
        s_$c += w * table[at + $(D + c)u] * (table[at + $(c)u] - x[row + $(c)u]);
#endfor
    }
    let inverse = 1.0 / sum;
    // In a sweep of its own: differences to the mean score, because Σ r g gᵀ − s sᵀ would cancel.
    for (var k = 0u; k < params.components; k++) {
        let at = k * STRIDE;
        let r = exp(max(logarithm(k, row) - most, LOWEST)) * inverse;
        var along = 0.0;
#for c in 0..D
        let e_$c = table[at + $(D + c)u] * (table[at + $(c)u] - x[row + $(c)u]) - s_$c * inverse;
        along += e_$c * v[row + $(c)u];
#endfor
#for c in 0..D
        h_$c += r * (e_$c * along - table[at + $(D + c)u] * v[row + $(c)u]);
#endfor
    }
#for c in 0..D
    if (params.accumulate == 1u) { h_$c += out[row + $(c)u]; }
    out[row + $(c)u] = h_$c;
#endfor
}
