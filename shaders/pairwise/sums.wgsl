// Pairwise kernel sums that never store the n×m matrix: for x (n×d), y (m×d) and a radial kernel k (common/radial),
//   rᵢ = Σⱼ k(xᵢ, yⱼ)      gᵢ = Σⱼ w(xᵢ, yⱼ)·(xᵢ − yⱼ), so that ∂rᵢ/∂xᵢ = −slope·gᵢ
// and from three such sums  MMD² = c_xx Σᵢ rᵢ(x,x) + c_yy Σⱼ rⱼ(y,y) + c_xy Σᵢ rᵢ(x,y)  (Gretton et al. 2012, eq. 3 and 5).
// finish.wgsl adds the splits in a fixed order.
#axis GRADIENT: 1 0
#let REDUCTION = sum
#let POTENTIAL = 0
#let CENTERED = 1
#let SYMMETRIC = 1

struct Params {
    n: u32,
    m: u32,
    d: u32,
    columns: u32,                 // of y in one split
    row_begin: u32,               // of this dispatch
    row_end: u32,
    symmetric: u32,
    spare: u32,
    shape: array<vec4<f32>, 4>,
    alpha: array<vec4<f32>, 4>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read_write> value: array<f32>;             // splits × n
#import common/radial
#import common/pairs

fn phi(s: f32, t: f32, i: u32, j: u32) -> vec3<f32> {
    let k = radial(s);
    return vec3<f32>(k.x, 0.0, k.y);
}

fn put(at: u32, b: u32, sums: vec2<f32>) {
    value[at] = sums.x;
}
