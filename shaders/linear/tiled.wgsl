// A linear layer of which the activation is that of its input:  y = (accumulate ? y : 0) + σ(x)·W + b, and its gradients
//   d_x = (accumulate ? d_x : 0) + σ'(x) ⊙ (d_y·Wᵀ)      d_w = (accumulate ? d_w : 0) + σ(x)ᵀ·d_y      d_b likewise, Σ_rows d_y
// σ is applied as x is read, so that a chain of layers stores each pre-activation once and nothing else, and σ' lies in the
// epilogue of d_x. Blocked products with 8 × 8 results an invocation (Volkov & Demmel 2008; the layout of CUTLASS):
//   DESIGN tile       TILE × TILE results a workgroup of (TILE/8)² invocations; slices of 8 terms go through workgroup
//                     memory, double-buffered: the next slice is on its way while this one is used, one barrier a slice
//   DESIGN register   8 × 8 results an invocation read straight from memory: no barrier, no subgroup
// An invocation's rows and columns are two blocks of four, half a tile apart, so that neighbors read neighboring vec4s
// of workgroup memory. backward_weight sums over n in `splits` parts (group.z), which `finish` adds up in order.
#axis DESIGN: tile register
#axis TILE: 64 128
#require DESIGN == tile || TILE == 64
#import common/index
#import common/linear

#if MV == 1
alias Quad = vec4<f32>;
const QUAD = 4u;
#else
alias Quad = f32;
const QUAD = 1u;
#endif
@group(0) @binding(9) var<storage, read> parts_w: array<Quad>;        // splits × (k × m)
@group(0) @binding(10) var<storage, read> parts_b: array<Quad>;       // splits × m
@group(0) @binding(11) var<storage, read_write> sum_w: array<Quad>;   // k × m
@group(0) @binding(12) var<storage, read_write> sum_b: array<Quad>;   // m

const HALF = $(TILE / 2)u;                     // from an invocation's first four rows (columns) to its other four
const WIDTH = $(TILE / 8)u;                    // invocations along a side of the tile

#if PRODUCT == forward
fn put_y(row: u32, col: u32, v: vec4<f32>) {
#if MV == 1
    if (row < params.n && col < params.m) {
        let i = row * (params.m / 4u) + col / 4u;
        if (params.accumulate != 0u) { y[i] += v; } else { y[i] = v; }
    }
#else
#for C in 0..4
    if (row < params.n && col + $(C)u < params.m) {
        let i = row * params.m + col + $(C)u;
        if (params.accumulate != 0u) { y[i] += v[$C]; } else { y[i] = v[$C]; }
    }
#endfor
#endif
}
#elif PRODUCT == input
fn put_d_x(row: u32, col: u32, v: vec4<f32>) {
#if KV == 1
    if (row < params.n && col < params.k) {
        let i = row * (params.k / 4u) + col / 4u;
        let value = v * slope4(x[i]);
        if (params.accumulate != 0u) { d_x[i] += value; } else { d_x[i] = value; }
    }
#else
#for C in 0..4
    if (row < params.n && col + $(C)u < params.k) {
        let i = row * params.k + col + $(C)u;
        let value = v[$C] * act_slope(x[i]);
        if (params.accumulate != 0u) { d_x[i] += value; } else { d_x[i] = value; }
    }
#endfor
#endif
}
#else
fn put_d_w(part: u32, row: u32, col: u32, v: vec4<f32>) {
    let keep = (params.accumulate & 1u) != 0u;
#if MV == 1
    if (row < params.k && col < params.m) {
        let i = (part * params.k + row) * (params.m / 4u) + col / 4u;
        if (keep) { d_w[i] += v; } else { d_w[i] = v; }
    }
#else
#for C in 0..4
    if (row < params.k && col + $(C)u < params.m) {
        let i = (part * params.k + row) * params.m + col + $(C)u;
        if (keep) { d_w[i] += v[$C]; } else { d_w[i] = v[$C]; }
    }
#endfor
#endif
}

fn put_d_b(part: u32, col: u32, v: vec4<f32>) {
    let keep = (params.accumulate & 2u) != 0u;
#if MV == 1
    if (col < params.m) {
        let i = (part * params.m + col) / 4u;
        if (keep) { d_b[i] += v; } else { d_b[i] = v; }
    }
#else
#for C in 0..4
    if (col + $(C)u < params.m) {
        let i = part * params.m + col + $(C)u;
        if (keep) { d_b[i] += v[$C]; } else { d_b[i] = v[$C]; }
    }
#endfor
#endif
}
#endif

// A and B four operands at a time: *_terms are four terms of one row of A (column of B), *_lines one term of four of them.
#if PRODUCT == forward
fn a_terms(row: u32, q: u32) -> vec4<f32> { return act4(x4(row, q)); }
fn b_lines(q: u32, col: u32) -> vec4<f32> { return w4(q, col); }
#elif PRODUCT == input
fn a_terms(row: u32, q: u32) -> vec4<f32> { return d4(row, q); }
fn b_terms(col: u32, q: u32) -> vec4<f32> { return w4(col, q); }
#else
fn a_lines(q: u32, row: u32) -> vec4<f32> { return act4(x4(q, row)); }
fn b_lines(q: u32, col: u32) -> vec4<f32> { return d4(q, col); }
#endif

#if DESIGN == tile
const QUADS = $(TILE / 4)u;                    // vec4s along a side of the tile
const DEPTH = 8u;                              // terms of a slice
// Two slices of A and of B: [slice][term][quad of rows or columns].
var<workgroup> tile_a: array<vec4<f32>, $(4 * TILE)>;
var<workgroup> tile_b: array<vec4<f32>, $(4 * TILE)>;

// Operand `load` of a slice that starts at term q0, on its way from memory.
fn fetch_a(load: u32, row: u32, q0: u32) -> vec4<f32> {
#if PRODUCT == weight
    return a_lines(q0 + load / QUADS, row + 4u * (load % QUADS));
#else
    return a_terms(row + load / 2u, q0 + 4u * (load % 2u));
#endif
}

fn fetch_b(load: u32, col: u32, q0: u32) -> vec4<f32> {
#if PRODUCT == input
    return b_terms(col + load / 2u, q0 + 4u * (load % 2u));
#else
    return b_lines(q0 + load / QUADS, col + 4u * (load % QUADS));
#endif
}

fn place_a(slice: u32, load: u32, v: vec4<f32>) {
#if PRODUCT == weight
    tile_a[slice * DEPTH * QUADS + load] = v;
#else
    let r = load / 2u;
#for C in 0..4
    tile_a[(slice * DEPTH + 4u * (load % 2u) + $(C)u) * QUADS + r / 4u][r % 4u] = v[$C];
#endfor
#endif
}

fn place_b(slice: u32, load: u32, v: vec4<f32>) {
#if PRODUCT == input
    let r = load / 2u;
#for C in 0..4
    tile_b[(slice * DEPTH + 4u * (load % 2u) + $(C)u) * QUADS + r / 4u][r % 4u] = v[$C];
#endfor
#else
    tile_b[slice * DEPTH * QUADS + load] = v;
#endif
}
#endif

@compute @workgroup_size($(TILE / 8 * TILE / 8))
#if PRODUCT == forward
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = 0u;
    let end = params.k;
#elif PRODUCT == input
fn backward_input(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = 0u;
    let end = params.m;
#else
fn backward_weight(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.z * params.depth;
    let end = min(begin + params.depth, params.n);
    var bias_0 = vec4<f32>();
    var bias_1 = vec4<f32>();
#endif
    let tx = lane % WIDTH;
    let ty = lane / WIDTH;
    let top = group.x * $(TILE)u;
    let left = group.y * $(TILE)u;
    let row = top + 4u * ty;
    let col = left + 4u * tx;
#for R in 0..8
    var c_$(R)_0 = vec4<f32>();
    var c_$(R)_1 = vec4<f32>();
#endfor
#if DESIGN == tile
#for L in 0..128 / TILE
    place_a(0u, lane + $(L)u * WIDTH * WIDTH, fetch_a(lane + $(L)u * WIDTH * WIDTH, top, begin));
    place_b(0u, lane + $(L)u * WIDTH * WIDTH, fetch_b(lane + $(L)u * WIDTH * WIDTH, left, begin));
#endfor
    workgroupBarrier();
    var slice = 0u;
    for (var q0 = begin; q0 < end; q0 += DEPTH) {
#for L in 0..128 / TILE
        let next_a_$L = fetch_a(lane + $(L)u * WIDTH * WIDTH, top, q0 + DEPTH);
        let next_b_$L = fetch_b(lane + $(L)u * WIDTH * WIDTH, left, q0 + DEPTH);
#endfor
        let base_a = slice * DEPTH * QUADS + ty;
        let base_b = slice * DEPTH * QUADS + tx;
#for Q in 0..8
        let a_$(Q)_0 = tile_a[base_a + $(Q)u * QUADS];
        let a_$(Q)_1 = tile_a[base_a + $(Q)u * QUADS + WIDTH];
        let b_$(Q)_0 = tile_b[base_b + $(Q)u * QUADS];
        let b_$(Q)_1 = tile_b[base_b + $(Q)u * QUADS + WIDTH];
#for R in 0..8
        c_$(R)_0 += a_$(Q)_$(R / 4)[$(R % 4)] * b_$(Q)_0;
        c_$(R)_1 += a_$(Q)_$(R / 4)[$(R % 4)] * b_$(Q)_1;
#endfor
#if PRODUCT == weight
        if (group.x == 0u) { bias_0 += b_$(Q)_0; bias_1 += b_$(Q)_1; }
#endif
#endfor
        slice = 1u - slice;
#for L in 0..128 / TILE
        place_a(slice, lane + $(L)u * WIDTH * WIDTH, next_a_$L);
        place_b(slice, lane + $(L)u * WIDTH * WIDTH, next_b_$L);
#endfor
        workgroupBarrier();
    }
#else
    for (var q0 = begin; q0 < end; q0 += 4u) {
#for H in 0..2
#for I in 0..4
#if PRODUCT == weight
        let a_$(I)_$H = a_lines(q0 + $(I)u, row + $(H)u * HALF);
#else
        let a_$(I)_$H = a_terms(row + $(H)u * HALF + $(I)u, q0);
#endif
#if PRODUCT == input
        let t_$(I)_$H = b_terms(col + $(H)u * HALF + $(I)u, q0);
#else
        let b_$(I)_$H = b_lines(q0 + $(I)u, col + $(H)u * HALF);
#endif
#endfor
#if PRODUCT == input
#for I in 0..4
        let b_$(I)_$H = vec4<f32>(t_0_$H[$I], t_1_$H[$I], t_2_$H[$I], t_3_$H[$I]);
#endfor
#endif
#endfor
#for Q in 0..4
#for R in 0..8
#if PRODUCT == weight
        c_$(R)_0 += a_$(Q)_$(R / 4)[$(R % 4)] * b_$(Q)_0;
        c_$(R)_1 += a_$(Q)_$(R / 4)[$(R % 4)] * b_$(Q)_1;
#else
        c_$(R)_0 += a_$(R % 4)_$(R / 4)[$Q] * b_$(Q)_0;
        c_$(R)_1 += a_$(R % 4)_$(R / 4)[$Q] * b_$(Q)_1;
#endif
#endfor
#if PRODUCT == weight
        bias_0 += b_$(Q)_0;
        bias_1 += b_$(Q)_1;
#endif
#endfor
    }
#endif
#if PRODUCT == forward
    let bias_0 = b4(col);
    let bias_1 = b4(col + HALF);
#endif
#for H in 0..2
#for R in 0..8
#if PRODUCT == forward
    put_y(row + $(R / 4)u * HALF + $(R % 4)u, col + $(H)u * HALF, c_$(R)_$H + bias_$H);
#elif PRODUCT == input
    put_d_x(row + $(R / 4)u * HALF + $(R % 4)u, col + $(H)u * HALF, c_$(R)_$H);
#else
    put_d_w(group.z, row + $(R / 4)u * HALF + $(R % 4)u, col + $(H)u * HALF, c_$(R)_$H);
#endif
#endfor
#if PRODUCT == weight
    if (group.x == 0u && ty == 0u) { put_d_b(group.z, col + $(H)u * HALF, bias_$H); }
#endif
#endfor
}

// Adds the parts of d_w and d_b in order, one quad an invocation.
@compute @workgroup_size(64)
fn finish(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    let len_b = params.m / QUAD;
    let len_w = params.k * len_b;
    var sum = Quad();
    if (i < len_w) {
        for (var s = 0u; s < params.splits; s++) { sum += parts_w[s * len_w + i]; }
        if ((params.accumulate & 1u) != 0u) { sum += sum_w[i]; }
        sum_w[i] = sum;
    } else if (i < len_w + len_b) {
        let j = i - len_w;
        for (var s = 0u; s < params.splits; s++) { sum += parts_b[s * len_b + j]; }
        if ((params.accumulate & 2u) != 0u) { sum += sum_b[j]; }
        sum_b[j] = sum;
    }
}
