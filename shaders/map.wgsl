// Elementwise maps.
//   unary   out = (accumulate ? out : 0) + f(a)           d_a = (accumulate ? d_a : 0) + f'(a)·d_out
//   binary  out = (accumulate ? out : 0) + f(a, b), where b has a's shape, or is one row, one column or one number.
// One invocation an element; `scale` and `offset` are the constants of `affine` (scale·a + offset), of `clamp`
// (between scale and offset) and of `blend` (scale·a + offset·b).
#axis UNARY: affine square sqrt exp log abs sigmoid reciprocal clamp sin cos
#axis BINARY: add sub mul div blend
#axis SHAPE: same row column scalar
#require UNARY == affine || BINARY == add && SHAPE == same
#import common/index

struct Params { len: u32, cols: u32, scale: f32, offset: f32, accumulate: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;            // len elements, rows of `cols`
@group(0) @binding(2) var<storage, read> b: array<f32>;            // by SHAPE
@group(0) @binding(3) var<storage, read> d_out: array<f32>;        // len
@group(0) @binding(4) var<storage, read_write> out: array<f32>;    // len

// x − 2π·round(x/2π) in three parts of 2π (Cody & Waite): WGSL promises sin and cos only in [−π, π].
fn reduced(x: f32) -> f32 {
    let k = round(x * 0.15915494);
    return ((x - k * 6.28125) - k * 0.0019340515) - k * 1.2556333e-6;
}

fn value(x: f32) -> f32 {
#if UNARY == affine
    return params.scale * x + params.offset;
#elif UNARY == square
    return x * x;
#elif UNARY == sqrt
    return sqrt(max(x, 0.0));
#elif UNARY == exp
    return exp(clamp(x, -87.0, 88.0));
#elif UNARY == log
    return log(max(x, 1.17549435e-38));
#elif UNARY == abs
    return abs(x);
#elif UNARY == sigmoid
    return 1.0 / (1.0 + exp(clamp(-x, -87.0, 87.0)));
#elif UNARY == reciprocal
    return 1.0 / x;
#elif UNARY == sin
    return sin(reduced(x));
#elif UNARY == cos
    return cos(reduced(x));
#else
    return clamp(x, params.scale, params.offset);
#endif
}

fn slope(x: f32) -> f32 {
#if UNARY == affine
    return params.scale;
#elif UNARY == square
    return 2.0 * x;
#elif UNARY == sqrt
    return 0.5 / sqrt(max(x, 1.17549435e-38));
#elif UNARY == exp
    return exp(clamp(x, -87.0, 88.0));
#elif UNARY == log
    return 1.0 / max(x, 1.17549435e-38);
#elif UNARY == abs
    return sign(x);
#elif UNARY == sigmoid
    let s = 1.0 / (1.0 + exp(clamp(-x, -87.0, 87.0)));
    return s * (1.0 - s);
#elif UNARY == reciprocal
    return -1.0 / (x * x);
#elif UNARY == sin
    return cos(reduced(x));
#elif UNARY == cos
    return -sin(reduced(x));
#else
    return select(0.0, 1.0, x >= params.scale && x <= params.offset);
#endif
}

fn put(i: u32, v: f32) {
    if (params.accumulate != 0u) { out[i] += v; } else { out[i] = v; }
}

@compute @workgroup_size(256)
fn unary(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 256u);
    if (i < params.len) { put(i, value(a[i])); }
}

@compute @workgroup_size(256)
fn unary_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 256u);
    if (i < params.len) { put(i, slope(a[i]) * d_out[i]); }
}

@compute @workgroup_size(256)
fn binary(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 256u);
    if (i >= params.len) { return; }
    let x = a[i];
#if SHAPE == same
    let y = b[i];
#elif SHAPE == row
    let y = b[i % params.cols];
#elif SHAPE == column
    let y = b[i / params.cols];
#else
    let y = b[0];
#endif
#if BINARY == add
    put(i, x + y);
#elif BINARY == sub
    put(i, x - y);
#elif BINARY == mul
    put(i, x * y);
#elif BINARY == div
    put(i, x / y);
#else
    put(i, params.scale * x + params.offset * y);
#endif
}
