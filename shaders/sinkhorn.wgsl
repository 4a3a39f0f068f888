// The soft minimum of entropic optimal transport, which never stores the n×m matrix: for x (n×d), y (m×d), a potential h and
// weights b on y, a cost c = ‖x − y‖^p and a regularization ε (Feydy et al. 2019, eq. 8; Peyré & Cuturi 2019, §4.4)
//   f_i = −ε log Σⱼ bⱼ exp((hⱼ − c(xᵢ, yⱼ))/ε)
// and, where f is given on x, the gradient of the cost averaged over the plan that f and h make (envelope theorem):
//   gᵢ = Σⱼ bⱼ exp((fᵢ + hⱼ − c(xᵢ, yⱼ))/ε) ∂c(xᵢ, yⱼ)/∂xᵢ,     ∂c/∂x = p‖x − y‖^(p−2) (x − y), 0 where x = y.
// Exponents are in base 2: t = u − k·c with k = log₂e/ε and u = k·h + log₂ b. Without GRADIENT a split's result is the maximum M of t and
// the sum S of 2^(t − M) (common/pairs); `combine` joins the splits in order:
//   f = blend·old + (1 − blend)·damping·(−(M + log₂ S)/k).
#axis GRADIENT: 1 0
#if GRADIENT == 1
#let REDUCTION = sum
#else
#let REDUCTION = log_sum
#let RATES = 1
#endif
#let POTENTIAL = 1
#let CENTERED = 0
#let SYMMETRIC = 0
#import common/index

struct Params {
    n: u32,
    m: u32,
    d: u32,
    columns: u32,                 // of y in one split
    row_begin: u32,               // of this dispatch
    row_end: u32,
    splits: u32,
    scale: f32,                   // k
    half: f32,                    // p/2
    slope: f32,                   // p
    damping: f32,
    blend: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read> h: array<f32>;                       // m
@group(0) @binding(5) var<storage, read> log_b: array<f32>;                   // m, base 2
@group(0) @binding(6) var<storage, read> f: array<f32>;                       // n: given (gradient), old (combine)
@group(0) @binding(7) var<storage, read_write> value: array<vec2<f32>>;       // splits × n: (M, S)
@group(0) @binding(8) var<storage, read_write> out: array<f32>;               // n
#import common/transport_cost
#import common/pairs

fn of_column(j: u32) -> f32 { return params.scale * h[j] + log_b[j]; }

#if GRADIENT == 1
fn of_row(i: u32) -> f32 { return params.scale * f[i]; }

fn phi(s: f32, t: f32, i: u32, j: u32) -> vec3<f32> {
    return vec3<f32>(0.0, 0.0, power(t - cost(s)) * cost_slope(s));
}

fn put(at: u32, b: u32, sums: vec2<f32>) {}
#else
fn of_row(i: u32) -> f32 { return 0.0; }

fn rate(b: u32) -> f32 { return 1.0; }

fn phi(s: f32, t: f32, i: u32, j: u32) -> vec3<f32> {
    return vec3<f32>(t - cost(s), 0.0, 0.0);
}

fn put(at: u32, b: u32, sums: vec2<f32>) { value[at] = sums; }
#endif

#if GRADIENT == 0
@compute @workgroup_size(64)
fn combine(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    var top = NOTHING;
    for (var s = 0u; s < params.splits; s++) { top = max(top, value[s * params.n + i].x); }
    var sum = 0.0;
    for (var s = 0u; s < params.splits; s++) {
        let part = value[s * params.n + i];
        sum += part.y * power(part.x - top);
    }
    let soft = -(top + log2(sum)) / params.scale;
    out[i] = params.blend * f[i] + (1.0 - params.blend) * params.damping * soft;
}
#endif
