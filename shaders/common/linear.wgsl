// The operands of a linear layer, for every kernel family of it. y = σ(x)·W + b, where σ is applied to x as it is read.
// KV = 1 when k is a multiple of four (x and d_x are read as vec4), MV = 1 when m is (w, y and d_y).
// Reads outside a matrix give zero and stay inside its buffer, so that edges need no branches.
#import common/activation
#axis PRODUCT: forward input weight
#axis KV: 0 1
#axis MV: 0 1

struct Params {
    n: u32, k: u32, m: u32,
    rows: u32,           // rows of the product a workgroup takes (broadcast)
    depth: u32,          // terms of the sum a workgroup of backward_weight takes: a multiple of the tile's depth
    splits: u32,         // partial sums of backward_weight
    accumulate: u32,     // bit 0: add to what y, d_x or d_w holds; bit 1: to what d_b holds
}
@group(0) @binding(0) var<uniform> params: Params;
#if KV == 1
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;         // n × k
@group(0) @binding(6) var<storage, read_write> d_x: array<vec4<f32>>; // n × k
#else
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_x: array<f32>;
#endif
#if MV == 1
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;         // k × m
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;   // n × m
@group(0) @binding(5) var<storage, read> d_y: array<vec4<f32>>;       // n × m
@group(0) @binding(7) var<storage, read_write> d_w: array<vec4<f32>>; // k × m, or `splits` of them one after another
@group(0) @binding(3) var<storage, read> b: array<vec4<f32>>;         // m
@group(0) @binding(8) var<storage, read_write> d_b: array<vec4<f32>>; // m, or `splits` of them
#else
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read> d_y: array<f32>;
@group(0) @binding(7) var<storage, read_write> d_w: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(8) var<storage, read_write> d_b: array<f32>;
#endif

fn act4(v: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(act(v.x), act(v.y), act(v.z), act(v.w));
}

fn slope4(v: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(act_slope(v.x), act_slope(v.y), act_slope(v.z), act_slope(v.w));
}

// One element at (row i, column j).
#if KV == 0
fn x1(i: u32, j: u32) -> f32 {
    return select(0.0, x[min(i, params.n - 1u) * params.k + min(j, params.k - 1u)], i < params.n && j < params.k);
}
#endif
#if MV == 0
fn w1(i: u32, j: u32) -> f32 {
    return select(0.0, w[min(i, params.k - 1u) * params.m + min(j, params.m - 1u)], i < params.k && j < params.m);
}

fn d1(i: u32, j: u32) -> f32 {
    return select(0.0, d_y[min(i, params.n - 1u) * params.m + min(j, params.m - 1u)], i < params.n && j < params.m);
}

fn b1(j: u32) -> f32 {
    return select(0.0, b[min(j, params.m - 1u)], j < params.m);
}
#endif

// Four elements at (row i, columns j … j + 3), j a multiple of four.
fn x4(i: u32, j: u32) -> vec4<f32> {
#if KV == 1
    let v = x[min(i, params.n - 1u) * (params.k / 4u) + min(j, params.k - 4u) / 4u];
    return select(vec4<f32>(), v, vec4<bool>(i < params.n && j < params.k));
#else
    return vec4<f32>(x1(i, j), x1(i, j + 1u), x1(i, j + 2u), x1(i, j + 3u));
#endif
}

fn w4(i: u32, j: u32) -> vec4<f32> {
#if MV == 1
    let v = w[min(i, params.k - 1u) * (params.m / 4u) + min(j, params.m - 4u) / 4u];
    return select(vec4<f32>(), v, vec4<bool>(i < params.k && j < params.m));
#else
    return vec4<f32>(w1(i, j), w1(i, j + 1u), w1(i, j + 2u), w1(i, j + 3u));
#endif
}

fn d4(i: u32, j: u32) -> vec4<f32> {
#if MV == 1
    let v = d_y[min(i, params.n - 1u) * (params.m / 4u) + min(j, params.m - 4u) / 4u];
    return select(vec4<f32>(), v, vec4<bool>(i < params.n && j < params.m));
#else
    return vec4<f32>(d1(i, j), d1(i, j + 1u), d1(i, j + 2u), d1(i, j + 3u));
#endif
}

fn b4(j: u32) -> vec4<f32> {
#if MV == 1
    return select(vec4<f32>(), b[min(j, params.m - 4u) / 4u], vec4<bool>(j < params.m));
#else
    return vec4<f32>(b1(j), b1(j + 1u), b1(j + 2u), b1(j + 3u));
#endif
}
