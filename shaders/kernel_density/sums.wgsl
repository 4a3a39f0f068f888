// The sums of means.wgsl: S_ib = Σ_j exp(−a_b(c_ij − min_k c_ik)) of one split of the columns, for B rates a_b in one pass over the pairs
// (common/pairs), with c_ij = ‖xᵢ − yⱼ‖² (SHAPE square) or ‖xᵢ − yⱼ‖ (distance). With `same`, j = i is left out.
#axis B: 1..=8 as 3
#import common/kernel_shape
#let GRADIENT = 0
#let REDUCTION = log_sum
#let RATES = B
#let POTENTIAL = 0
#let CENTERED = 0
#let SYMMETRIC = 0

struct Params {
    n: u32,
    m: u32,
    d: u32,
    columns: u32,       // rows of y in one split
    row_begin: u32,     // rows of x of this dispatch
    row_end: u32,
    same: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read> rates: array<f32>;                // B: a_b
@group(0) @binding(5) var<storage, read_write> parts: array<f32>;          // splits × n × (1 + B): the least cost, sums relative to it
#import common/pairs

const LOG2_E = 1.442695;
// The least cost of no columns.
const NONE = 3.0e38;

fn rate(b: u32) -> f32 { return LOG2_E * rates[b]; }

fn phi(s: f32, t: f32, i: u32, j: u32) -> vec3<f32> {
#if SHAPE == square
    let c = s;
#else
    let c = sqrt(s);
#endif
    return vec3<f32>(select(-c, NOTHING, params.same == 1u && i == j), 0.0, 0.0);
}

fn put(at: u32, b: u32, sums: vec2<f32>) {
    if (b == 0u) { parts[at * $(B + 1)u] = select(-sums.x, NONE, sums.x == NOTHING); }
    parts[at * $(B + 1)u + 1u + b] = sums.y;
}
