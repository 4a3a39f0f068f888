// Pairwise kernel sums that never store the n×m matrix: for x (n×d), y (m×d) and a radial kernel k (common/radial),
//   rᵢ = Σⱼ k(xᵢ, yⱼ)      gᵢ = Σⱼ w(xᵢ, yⱼ)·(xᵢ − yⱼ), so that ∂rᵢ/∂xᵢ = −slope·gᵢ
// and from three such sums  MMD² = c_xx Σᵢ rᵢ(x,x) + c_yy Σⱼ rⱼ(y,y) + c_xy Σᵢ rᵢ(x,y)  (Gretton et al. 2012, eq. 3 and 5).
// `finish_*` adds the splits in a fixed order.
#axis FAMILY: tile broadcast register wide wide_broadcast
#axis GRADIENT: 0 1
#axis D: 8
#axis R: 2
#axis J: 2
#axis SG: 4
#axis ROLL: 0 1
#let REDUCTION = sum
#let POTENTIAL = 0

struct Params {
    n: u32,
    m: u32,
    d: u32,
    columns: u32,                 // of y in one split
    row_begin: u32,               // of this dispatch
    row_end: u32,
    symmetric: u32,               // 1: x is y and only Σᵢ rᵢ is wanted: columns after a row block count twice, before it never
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

fn first_column(begin: u32, block: u32) -> u32 {
    return select(begin, max(begin, block), params.symmetric == 1u);
}

fn times(j: u32, block_end: u32) -> f32 {
    return select(1.0, 2.0, params.symmetric == 1u && j >= block_end);
}

fn put(at: u32, sums: vec2<f32>) {
    value[at] = sums.x;
}
