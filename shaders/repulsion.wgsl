// Particles that repel each other: for x (n × d) and the Riesz potential of exponent s > −2, softened by δ (Serfaty 2018),
//   k(r) = ρ^(−s/2) for s > 0,   −½ ln ρ for s = 0,   −ρ^(−s/2) for s < 0,      ρ = r² + δ², r = ‖xᵢ − xⱼ‖
//   forces (rows)      fᵢ = −∂/∂xᵢ Σⱼ k = slope·Σⱼ ρ^(−s/2−1) (xᵢ − xⱼ),      slope = |s|, or 1 where s = 0
//   energies (values)  eᵢ = Σ_{j≠i} k
#axis GRADIENT: 1 0
#axis KIND: logarithm power
#let REDUCTION = sum
#let POTENTIAL = 0
#let CENTERED = 0
#let SYMMETRIC = 0
#import common/minus_log

struct Params {
    n: u32,
    m: u32,                       // n: x and y are one
    d: u32,
    columns: u32,                 // in one split
    row_begin: u32,               // of this dispatch
    row_end: u32,
    half: f32,                    // s/2
    slope: f32,
    softening: f32,               // δ²
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read_write> value: array<f32>;      // splits × n
#import common/pairs

const LOG2_E = 1.442695;

fn weight(r2: f32) -> f32 {
    let rho = r2 + params.softening;
#if KIND == logarithm
    return 1.0 / rho;
#else
    return exp2(LOG2_E * params.half * minus_log(rho)) / rho;
#endif
}

fn potential(r2: f32) -> f32 {
    let log = minus_log(r2 + params.softening);
#if KIND == logarithm
    return 0.5 * log;
#else
    return sign(params.half) * exp2(LOG2_E * params.half * log);
#endif
}

fn phi(s: f32, t: f32, i: u32, j: u32) -> vec3<f32> {
#if GRADIENT == 1
    return vec3<f32>(0.0, 0.0, params.slope * weight(s));
#else
    return vec3<f32>(select(0.0, potential(s), i != j), 0.0, 0.0);
#endif
}

fn put(at: u32, b: u32, sums: vec2<f32>) {
#if GRADIENT == 0
    value[at] = sums.x;
#endif
}
