// What a kernel weighs rows of many columns by, where their distances come from a product of matrices: with p_ij = ⟨x_i, y_j⟩ and B rates a_b,
//   c_ij = max(0, |x_i|² + |y_j|² − 2p_ij)   (SHAPE square), or its root (distance)
//   w_bij = exp(−a_b(c_ij − min_k c_ik)),    W_bi = Σ_j w_bij
// so that the means of means.wgsl, T_bi = Σ_j w_bij y_j/W_bi, are a product of matrices again, of B·n rows, and a division (`average`). The
// least c_ij is the same for every width, for exponents fall with c; the nearest row weighs 1, and W ≥ 1. With `same`, w_bii = 0.
// A row of x is a workgroup, so that neighbors read and write neighbors, and two barriers are all it needs whatever B: every lane adds up the
// lanes' least costs by itself, and lane b the sums of width b. No gradient: this is for fields that are held fixed.
#axis B: 1..=8 as 3
#import common/kernel_shape
#import common/index
#import common/lowest

struct Params { n: u32, m: u32, d: u32, same: u32, first: u32, stride: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> products: array<f32>;             // n × m: p
@group(0) @binding(2) var<storage, read> of_x: array<f32>;                 // n: |x|²
@group(0) @binding(3) var<storage, read> of_y: array<f32>;                 // m: |y|²
@group(0) @binding(4) var<storage, read> rates: array<f32>;                // B: a_b
@group(0) @binding(5) var<storage, read_write> weights: array<f32>;        // Bn × m: w
@group(0) @binding(6) var<storage, read_write> totals: array<f32>;         // Bn: W
@group(0) @binding(7) var<storage, read> weighed: array<f32>;              // Bn × stride: Σ_j w_bij y_j, and what its rows are filled up with
@group(0) @binding(8) var<storage, read> sums: array<f32>;                 // Bn: what was written to `totals`
@group(0) @binding(9) var<storage, read_write> out: array<f32>;            // n × d: T of the width whose rows begin at `first`

const NONE: f32 = 3.0e38;

var<workgroup> lows: array<f32, 64>;
var<workgroup> parts: array<f32, $(64 * B)>;

fn cost(i: u32, j: u32, x: f32) -> f32 {
    let square = max(x + of_y[j] - 2.0 * products[i * params.m + j], 0.0);
#if SHAPE == square
    return square;
#else
    return sqrt(square);
#endif
}

@compute @workgroup_size(64)
fn weigh(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = group.y * groups.x + group.x;
    if (i >= params.n) { return; }
    let x = of_x[i];
    let skipped = select(params.m, i, params.same == 1u);
    var low = NONE;
    for (var j = lane; j < params.m; j += 64u) { low = select(min(low, cost(i, j, x)), low, j == skipped); }
    lows[lane] = low;
    workgroupBarrier();
    for (var other = 0u; other < 64u; other++) { low = min(low, lows[other]); }
#for Q in 0..$B
    let a$Q = rates[$(Q)u];
    var sum$Q = 0.0;
#endfor
    for (var j = lane; j < params.m; j += 64u) {
        let farther = cost(i, j, x) - low;
#for Q in 0..$B
        let w$Q = select(exp(max(-a$Q * farther, LOWEST)), 0.0, j == skipped);
        sum$Q += w$Q;
        weights[($(Q)u * params.n + i) * params.m + j] = w$Q;
#endfor
    }
#for Q in 0..$B
    parts[$(Q * 64)u + lane] = sum$Q;
#endfor
    workgroupBarrier();
    if (lane >= $(B)u) { return; }
    var total = 0.0;
    for (var other = 0u; other < 64u; other++) { total += parts[lane * 64u + other]; }
    totals[lane * params.n + i] = total;
}

@compute @workgroup_size(64)
fn average(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let e = flat_index(group, groups, lane, 64u);
    if (e >= params.n * params.d) { return; }
    let row = params.first + e / params.d;
    out[e] = weighed[row * params.stride + e % params.d] / sums[row];
}
