// Statistics of samples x (n×d) and y (m×d) averaged over P directions θ_p, the columns of theta (d×P), from sorted projections.
//   Wasserstein   mean_p W₂²(⟨θ_p,x⟩, ⟨θ_p,y⟩): the sorted samples are coupled in order (Rabin et al. 2011; Bonneel et al. 2015),
//                 for n ≠ m by quantiles: rank i of x meets rank j of y with the overlap of [i/n, (i+1)/n] and [j/m, (j+1)/m].
//                 ∂/∂x_(i) = 2 Σ_j overlap_ij (x_(i) − y_(j))
//   energy        mean_p 2E|X−Y| − E|X−X'| − E|Y−Y'| = mean_p 2∫(F−G)² (Székely & Rizzo 2013), from the pooled sorted sample: a gap
//                 Δ_k between neighbors adds Δ_k·2(F−G)², and in the unbiased form −2F(1−F)/(n−1) − 2G(1−G)/(m−1) besides.
//                 ∂/∂x_i = (2/n)·[(#y<x_i − #y>x_i)/m − (#x<x_i − #x>x_i)/n'], n' = n or n−1; equal values count zero.
// Both leave one number for each point and direction, `slopes`, with which d_x = scale·d_loss·Σ_p slopes_ip θ_p.
#import common/index
#import common/philox

// `first`, `piece`: the points of this dispatch; `offset`: points of the pooled sample before this one's. `lines`: directions of
// this dispatch, from `line` on, of `all_lines`. A row of projections is `stride_x` long and begins at `at_x`; y likewise.
struct Params {
    n: u32, m: u32, d: u32, rows: u32, first: u32, piece: u32, offset: u32, lines: u32, line: u32, all_lines: u32,
    stride_x: u32, at_x: u32, stride_y: u32, at_y: u32, accumulate: u32, scale: f32, unbiased_n: f32, unbiased_m: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;                // points; normal numbers (normalize)
@group(0) @binding(2) var<storage, read> theta: array<f32>;            // d × all_lines
@group(0) @binding(3) var<storage, read> sorted: array<f32>;           // rows × stride_x
@group(0) @binding(4) var<storage, read> other: array<f32>;            // m × stride_y: the other sample's
@group(0) @binding(5) var<storage, read> index: array<u32>;            // rows × stride_x: the points that they came from
@group(0) @binding(6) var<storage, read> slopes: array<f32>;           // lines × rows
@group(0) @binding(7) var<storage, read> d_loss: array<f32>;           // 1
@group(0) @binding(8) var<storage, read_write> blocks: array<u32>;     // blocks of 64 rows × lines
@group(0) @binding(9) var<storage, read_write> terms: array<f32>;      // rows × lines: becomes the value
@group(0) @binding(10) var<storage, read_write> out: array<f32>;

const BLOCK = 64u;

// One invocation a direction: a vector of normal numbers divided by its length is uniform on the sphere.
@compute @workgroup_size(64)
fn normalize(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.all_lines) { return; }
    var square = 0.0;
    for (var k = 0u; k < params.d; k++) {
        let v = x[k * params.all_lines + id.x];
        square += v * v;
    }
    let inverse = 1.0 / sqrt(max(square, 1e-30));
    for (var k = 0u; k < params.d; k++) { out[k * params.all_lines + id.x] = x[k * params.all_lines + id.x] * inverse; }
}

// One invocation projects four points on one direction.
@compute @workgroup_size(64)
fn project(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let t = flat_index(group, groups, lane, 64u);
    let i = params.first + 4u * (t / params.lines);
    let p = t % params.lines;
    let end = params.first + params.piece;
    if (i >= end) { return; }
    var sum = vec4<f32>(0.0);
    for (var k = 0u; k < params.d; k++) {
        let along = theta[k * params.all_lines + params.line + p];
#for R in 0..4
        sum[$R] += x[min(i + $(R)u, end - 1u) * params.d + k] * along;
#endfor
    }
#for R in 0..4
    if (i + $(R)u < end) { out[(params.offset + i + $(R)u) * params.stride_x + params.at_x + p] = sum[$R]; }
#endfor
}

// (i·m) divided by n, in 64 bits: quotient and remainder. i < n, so that the quotient is below m.
fn scaled_rank(i: u32, m: u32, n: u32) -> vec2<u32> {
    let product = wide_product(i, m);
    if (product.x == 0u) { return vec2<u32>(product.y / n, product.y % n); }
    var quotient = 0u;
    var rest = product.x % n;
    for (var bit = 32u; bit > 0u; bit--) {
        rest = 2u * rest + ((product.y >> (bit - 1u)) & 1u);
        quotient = 2u * quotient;
        if (rest >= n) { rest -= n; quotient += 1u; }
    }
    return vec2<u32>(quotient, rest);
}

// Rank i of x against the ranks of y that overlap with it, in units of 1/(n·m).
@compute @workgroup_size(64)
fn transport(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let t = flat_index(group, groups, lane, 64u);
    if (t >= params.n * params.lines) { return; }
    let i = t / params.lines;
    let p = t % params.lines;
    let v = sorted[i * params.stride_x + params.at_x + p];
    var cost = 0.0;
    var slope = 0.0;
    var left = params.m;
    var at = vec2<u32>(i, 0u);
    if (params.n != params.m) { at = scaled_rank(i, params.m, params.n); }
    var take = min(params.n - at.y, left);
    for (var j = at.x; left > 0u; j++) {
        let difference = v - other[j * params.stride_y + params.at_y + p];
        let weight = f32(take);
        cost += weight * difference * difference;
        slope += weight * difference;
        left -= take;
        take = min(params.n, left);
    }
    terms[t] = cost / f32(params.m);
    out[p * params.n + index[i * params.stride_x + params.at_x + p]] = 2.0 * slope / f32(params.m);
}

// One invocation counts the points of x in a block of 64 rows of the pooled sample (points below n are x's).
@compute @workgroup_size(64)
fn count(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let t = flat_index(group, groups, lane, 64u);
    let first = t / params.lines * BLOCK;
    let p = t % params.lines;
    if (first >= params.rows) { return; }
    var found = 0u;
    let end = min(first + BLOCK, params.rows);
    for (var k = first; k < end; k++) { found += select(0u, 1u, index[k * params.lines + p] < params.n); }
    blocks[t] = found;
}

// One invocation a direction turns the blocks' counts into the counts before them.
@compute @workgroup_size(16)
fn scan(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.lines) { return; }
    let end = (params.rows + BLOCK - 1u) / BLOCK * params.lines;
    var sum = 0u;
    for (var b = id.x; b < end; b += params.lines) {
        let here = blocks[b];
        blocks[b] = sum;
        sum += here;
    }
}

// How many of x come before a row of the pooled sample.
fn x_before(row: u32, p: u32) -> u32 {
    if (row >= params.rows) { return params.n; }
    var found = blocks[row / BLOCK * params.lines + p];
    for (var k = row / BLOCK * BLOCK; k < row; k++) { found += select(0u, 1u, index[k * params.lines + p] < params.n); }
    return found;
}

// The first of the rows low … high whose value is v or more (with `beyond`: more than v).
fn bound(low_row: u32, high_row: u32, v: f32, p: u32, beyond: bool) -> u32 {
    var low = low_row;
    var high = high_row;
    while (low < high) {
        let middle = low + (high - low) / 2u;
        let w = sorted[middle * params.lines + p];
        if ((w < v) | (beyond & (w == v))) { low = middle + 1u; } else { high = middle; }
    }
    return low;
}

// Equal values: rows low … high − 1 of the pooled sample, after x_low and with x_high points of x.
struct Ties { low: u32, x_low: u32, high: u32, x_high: u32 }

// The slopes of rows first … end − 1, all among the same equal values.
fn put_slopes(first: u32, end: u32, p: u32, ties: Ties) {
    let n = f32(params.n);
    let m = f32(params.m);
    let against_x = (f32(ties.x_low) - f32(params.n - ties.x_high)) / n;
    let against_y = (f32(ties.low - ties.x_low) - f32(params.m - (ties.high - ties.x_high))) / m;
    // 1/(n−1) = (1 + 1/(n−1))/n
    let slope_x = 2.0 / n * (against_y - against_x * (1.0 + params.unbiased_n));
    let slope_y = 2.0 / m * (against_x - against_y * (1.0 + params.unbiased_m));
    for (var k = first; k < end; k++) {
        let point = index[k * params.lines + p];
        out[p * params.rows + point] = select(slope_y, slope_x, point < params.n);
    }
}

// One invocation walks through a block of 64 rows. Equal values that reach beyond the block are searched for once.
@compute @workgroup_size(64)
fn energy(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let t = flat_index(group, groups, lane, 64u);
    let first = t / params.lines * BLOCK;
    let p = t % params.lines;
    if (first >= params.rows) { return; }
    let end = min(first + BLOCK, params.rows);
    var v = sorted[first * params.lines + p];
    var seen = blocks[t];
    var begin = first;
    var low = first;
    var x_low = seen;
    if (first > 0u) {
        if (sorted[(first - 1u) * params.lines + p] == v) {
            low = bound(0u, first, v, p, false);
            x_low = x_before(low, p);
        }
    }
    for (var k = first; k < end; k++) {
        seen += select(0u, 1u, index[k * params.lines + p] < params.n);
        let f = f32(seen) / f32(params.n);
        let g = f32(k + 1u - seen) / f32(params.m);
        let pairs = (f - g) * (f - g) - params.unbiased_n * f * (1.0 - f) - params.unbiased_m * g * (1.0 - g);
        let after = sorted[min(k + 1u, params.rows - 1u) * params.lines + p];
        terms[k * params.lines + p] = 2.0 * (after - v) * pairs;
        if (after != v) {
            put_slopes(begin, k + 1u, p, Ties(low, x_low, k + 1u, seen));
            begin = k + 1u;
            low = k + 1u;
            x_low = seen;
            v = after;
        }
    }
    if (begin < end) {
        let high = bound(end, params.rows, v, p, true);
        put_slopes(begin, end, p, Ties(low, x_low, high, x_before(high, p)));
    }
}

// One invocation forms four columns of the gradient of one point; neighboring invocations take neighboring points.
@compute @workgroup_size(64)
fn gradient(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let t = flat_index(group, groups, lane, 64u);
    let i = params.first + t % params.piece;
    let j = 4u * (t / params.piece);
    if (j >= params.d) { return; }
    var sum = vec4<f32>(0.0);
    for (var p = 0u; p < params.lines; p++) {
        let slope = slopes[p * params.rows + params.offset + i];
#for K in 0..4
        if (j + $(K)u < params.d) { sum[$K] += slope * theta[(j + $(K)u) * params.all_lines + params.line + p]; }
#endfor
    }
    let scale = params.scale * d_loss[0];
#for K in 0..4
    if (j + $(K)u < params.d) {
        let e = i * params.d + j + $(K)u;
        out[e] = select(0.0, out[e], params.accumulate != 0u) + scale * sum[$K];
    }
#endfor
}
