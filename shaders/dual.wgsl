// Kantorovich's dual of optimal transport with its constraint f(x) + g(y) ≤ c(x, y) made soft (Seguy et al. 2018, eq. 5), which never
// stores the n×m matrix. For x (n×d) with f (n), y (m×d) with g (m), a cost c = ‖x − y‖^p and t_ij = fᵢ + gⱼ − c(xᵢ, yⱼ)
//   V = mean f + mean g − 1/(nm) Σᵢⱼ P(t_ij)        entropic: P = ε(e^(t/ε) − 1)        quadratic: P = max(t, 0)²/(4ε)
//   ∂V/∂fᵢ = 1/n − 1/(nm) Σⱼ P'(t_ij)               ∂V/∂xᵢ = 1/(nm) Σⱼ P'(t_ij) ∂c/∂xᵢ,   ∂c/∂x = p‖x − y‖^(p−2)(x − y), 0 where x = y.
// The pass sums P, P' and P' ∂c/∂x over a split of the columns (common/pairs), up to factors that the host knows, and
// pairwise/finish.wgsl adds the splits in a fixed order. t is symmetric: the gradients in g and y are the same pass with the roles of
// (x, f) and (y, g) swapped, as KeOps differentiates its reductions.
// Beyond t/ε = `knee` the entropic P goes on along its tangent: with untrained potentials nothing overflows, and the gradient
// stays bounded and pushes f and g down.
#axis SOFTNESS: entropic quadratic
#axis GRADIENT: 1 0
#let REDUCTION = sum
#let POTENTIAL = 1
#let CENTERED = 0
#let SYMMETRIC = 0

struct Params {
    n: u32,
    m: u32,
    d: u32,
    columns: u32,                 // of y in one split
    row_begin: u32,               // of this dispatch
    row_end: u32,
    scale: f32,                   // of t, below: log₂e/ε (entropic, exponents are in base 2) or 1
    knee: f32,                    // of scale·t
    half: f32,                    // p/2
    slope: f32,                   // p
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read> f: array<f32>;                       // n
@group(0) @binding(5) var<storage, read> g: array<f32>;                       // m
@group(0) @binding(6) var<storage, read_write> value: array<f32>;             // splits × n: Σ of P/ε + 1, or of 4ε·P
@group(0) @binding(7) var<storage, read_write> weight: array<f32>;            // splits × n: Σ of P', or of 2ε·P'; `gradient` is the same with ∂c/∂x
#import common/transport_cost
#import common/pairs

const LN_2 = 0.6931472;

// P and P' at t = z/scale, as the bindings have them.
fn softened(z: f32) -> vec2<f32> {
#if SOFTNESS == entropic
    // Not below 2⁻¹⁰⁰, so that what w is multiplied into is no subnormal number: processors take a hundred times as long over those.
    let w = exp2(clamp(z, -100.0, params.knee));
    return vec2<f32>(w + w * (LN_2 * max(z - params.knee, 0.0)), w);
#else
    let w = max(z, 0.0);
    return vec2<f32>(w * w, w);
#endif
}

fn of_row(i: u32) -> f32 { return params.scale * f[i]; }

fn of_column(j: u32) -> f32 { return params.scale * g[j]; }

fn phi(s: f32, t: f32, i: u32, j: u32) -> vec3<f32> {
    let k = softened(t - cost(s));
    return vec3<f32>(k.x, k.y, k.y * cost_slope(s));
}

fn put(at: u32, b: u32, sums: vec2<f32>) {
    value[at] = sums.x;
    weight[at] = sums.y;
}
