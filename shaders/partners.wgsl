// Partners drawn from an entropic transport plan, which is never stored: row i of x (n × d) takes the row of y (m × d)
//   j = argmaxⱼ (hⱼ − c(xᵢ, yⱼ))/ε + ln bⱼ + Gᵢⱼ,   Gᵢⱼ = −ln Eᵢⱼ,   Eᵢⱼ = −ln(1 − u) exponential,
// so that P(j | i) ∝ bⱼ exp((hⱼ − c)/ε), which is row i of the plan; its potential fᵢ is the same for all j and drops out. (The maximum of
// independent Gumbel numbers G: Gumbel 1954, Maddison, Tarlow & Minka 2014; pairs from the plan: Tong et al. 2024, §3.2.)
// Exponents are in base 2, as in sinkhorn.wgsl. u of the pair (i, j) is word j mod 4 of the counter (i·⌈m/4⌉ + ⌊j/4⌋, stream, step, domain).
// One invocation is a row and a split of the columns, four at a time; `merge` joins the splits, the first of equals winning.
// No gradient: a choice has none.
#import common/index
#import common/philox
#import common/minus_log

struct Params {
    n: u32,
    m: u32,
    d: u32,
    columns: u32,                 // rows of y in one split, a multiple of 4
    row_begin: u32,               // of this dispatch
    row_end: u32,
    splits: u32,
    stream: u32,
    quads: u32,                   // ⌈m/4⌉
    scale: f32,                   // log₂e/ε
    half: f32,                    // p/2
    slope: f32,                   // p
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>;            // step, seed (low), seed (high), domain
@group(0) @binding(2) var<storage, read> x: array<f32>;                // n × d
@group(0) @binding(3) var<storage, read> y: array<f32>;                // m × d
@group(0) @binding(4) var<storage, read> h: array<f32>;                // m
@group(0) @binding(5) var<storage, read> log_b: array<f32>;            // m, base 2
@group(0) @binding(6) var<storage, read_write> best: array<f32>;       // splits × n
@group(0) @binding(7) var<storage, read_write> partner: array<u32>;    // splits × n
@group(0) @binding(8) var<storage, read> bests: array<f32>;            // what `merge` joins
@group(0) @binding(9) var<storage, read> partners: array<u32>;

// Below every score of a row of y.
const NOTHING = -3.0e38;
const LOG2_E = 1.442695;
#import common/transport_cost

// −log₂ of an exponential number; where u = 0 the middle of the 2⁻²⁴ that it stands for.
fn gumbel(bits: u32) -> f32 {
    return LOG2_E * minus_log(max(minus_log(1.0 - unit(bits)), 2.9802322e-8));
}

@compute @workgroup_size(64)
fn draw(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = params.row_begin + group.x * 64u + lane;
    if (i >= params.row_end) { return; }
    let first = group.y * params.columns;
    let end = min(first + params.columns, params.m);
    var top = NOTHING;
    var at = first;
    for (var j = first; j < end; j += 4u) {
        let bits = philox(vec4<u32>(i * params.quads + j / 4u, params.stream, state[0], state[3]), vec2<u32>(state[1], state[2]));
#for Q in 0..4
        // Past the end a row is read again, and not taken.
        let j$Q = min(j + $(Q)u, end - 1u);
        var s$Q = 0.0;
#endfor
        for (var c = 0u; c < params.d; c++) {
            let x_c = x[i * params.d + c];
#for Q in 0..4
            let e$Q = x_c - y[j$Q * params.d + c];
            s$Q += e$Q * e$Q;
#endfor
        }
#for Q in 0..4
        {
            let score = params.scale * h[j$Q] + log_b[j$Q] - cost(s$Q) + gumbel(bits[$Q]);
            if (j + $(Q)u < end && score > top) {
                top = score;
                at = j$Q;
            }
        }
#endfor
    }
    best[group.y * params.n + i] = top;
    partner[group.y * params.n + i] = at;
}

@compute @workgroup_size(64)
fn merge(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    var top = bests[i];
    var at = partners[i];
    for (var s = 1u; s < params.splits; s++) {
        let score = bests[s * params.n + i];
        if (score > top) {
            top = score;
            at = partners[s * params.n + i];
        }
    }
    partner[i] = at;
}
