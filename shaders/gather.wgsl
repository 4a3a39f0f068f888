// Choosing rows and columns.
//   batch      out_i = x_{π(i)}: rows of a shuffled pass over the data. The position p = step·n + i falls into epoch ⌊p/rows⌋ at
//              place p mod rows, and π is a keyed permutation of {0 … rows−1}: a Feistel network on the next even power of two
//              (Luby & Rackoff 1988), walked until it lands inside (Black & Rogaway 2002). Every epoch visits every row once.
//   weighted   out_i = x_j, j the first row whose threshold exceeds a random word: inverse distribution function, by bisection.
//              Thresholds are running sums of the weights in units of 2⁻³², so that a small weight far down the table is as exact
//              as one at its top.
//   rows       out_i = x_{index_i}
//   block      out_i = x_{n·(step mod rows/n) + i}: blocks of n rows in turn, one a step
//   columns    out_{i, to+j} = (accumulate ? out_{i, to+j} : 0) + x_{i, first+j}: part of each row, for slices and joins.
//   pick       out_{i, k} = x_{i, index_k}: columns by number
//   put        out_{i, index_k} += x_{i, k}: its gradient, where no column is picked twice
// One invocation an element of out (batch, weighted, rows) or of the part that moves (columns, pick, put).
#import common/index
#import common/philox

struct Params { n: u32, rows: u32, cols: u32, out_cols: u32, first: u32, to: u32, count: u32, stream: u32, half_bits: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>;           // step, seed (low), seed (high), domain
@group(0) @binding(2) var<storage, read> x: array<f32>;               // rows × cols
@group(0) @binding(3) var<storage, read> thresholds: array<u32>;      // rows: running sums of the weights over their total, times 2³²
@group(0) @binding(4) var<storage, read> index: array<u32>;           // n; pick, put: count
@group(0) @binding(5) var<storage, read_write> out: array<f32>;       // n × cols; columns: n × out_cols

// Six Feistel rounds on 2·half_bits bits; the round function is one Philox word keyed by (seed, epoch).
fn feistel(value: u32, epoch: u32) -> u32 {
    let mask = (1u << params.half_bits) - 1u;
    var left = value >> params.half_bits;
    var right = value & mask;
    for (var round = 0u; round < 6u; round++) {
        let word = philox(vec4<u32>(right, params.stream + (round << 24u), epoch, state[3]), vec2<u32>(state[1], state[2])).x;
        let next = left ^ (word & mask);
        left = right;
        right = next;
    }
    return (left << params.half_bits) | right;
}

// Place `place` of the epoch's permutation. The network's domain is less than four times the rows, so the walk is short.
fn permuted(place: u32, epoch: u32) -> u32 {
    var value = feistel(place, epoch);
    for (var walk = 0u; walk < 4096u && value >= params.rows; walk++) { value = feistel(value, epoch); }
    return min(value, params.rows - 1u);
}

// Quotient and remainder of step·n + i by rows, without overflow: 64-bit long division by shifts.
fn epoch_and_place(step: u32, i: u32) -> vec2<u32> {
    let wide = wide_product(step, params.n);
    var high = wide.x;
    var low = wide.y + i;
    if (low < i) { high += 1u; }
    var quotient = 0u;
    var remainder = high % params.rows;                     // the quotient's high word is a multiple of 2³² epochs: dropped
    for (var bit = 0u; bit < 32u; bit++) {
        let carry = remainder >> 31u;
        remainder = (remainder << 1u) | ((low >> (31u - bit)) & 1u);
        quotient = quotient << 1u;
        if (carry == 1u || remainder >= params.rows) {
            remainder -= params.rows;
            quotient |= 1u;
        }
    }
    return vec2<u32>(quotient, remainder);
}

@compute @workgroup_size(64)
fn batch(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    let at = epoch_and_place(state[0], i);
    let row = permuted(at.y, at.x);
    for (var j = 0u; j < params.cols; j++) { out[i * params.cols + j] = x[row * params.cols + j]; }
}

@compute @workgroup_size(64)
fn weighted(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    // The last threshold is 2³² − 1.
    let word = min(philox(vec4<u32>(i, params.stream, state[0], state[3]), vec2<u32>(state[1], state[2])).x, 0xfffffffeu);
    var low = 0u;
    var high = params.rows - 1u;
    while (low < high) {
        let middle = (low + high) / 2u;
        if (thresholds[middle] > word) { high = middle; } else { low = middle + 1u; }
    }
    for (var j = 0u; j < params.cols; j++) { out[i * params.cols + j] = x[low * params.cols + j]; }
}

@compute @workgroup_size(64)
fn rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n * params.cols) { return; }
    let row = min(index[i / params.cols], params.rows - 1u);
    out[i] = x[row * params.cols + i % params.cols];
}

@compute @workgroup_size(64)
fn block(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    let len = params.n * params.cols;
    if (i >= len) { return; }
    out[i] = x[(state[0] % (params.rows / params.n)) * len + i];
}

@compute @workgroup_size(256)
fn columns(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let k = flat_index(group, groups, lane, 256u);
    if (k >= params.n * params.count) { return; }
    let i = k / params.count;
    let j = k % params.count;
    let to = i * params.out_cols + params.to + j;
    let value = x[i * params.cols + params.first + j];
    if (params.accumulate != 0u) { out[to] += value; } else { out[to] = value; }
}

@compute @workgroup_size(256)
fn pick(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let k = flat_index(group, groups, lane, 256u);
    if (k >= params.n * params.count) { return; }
    out[k] = x[k / params.count * params.cols + min(index[k % params.count], params.cols - 1u)];
}

@compute @workgroup_size(256)
fn put(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let k = flat_index(group, groups, lane, 256u);
    if (k >= params.n * params.count) { return; }
    out[k / params.count * params.out_cols + min(index[k % params.count], params.out_cols - 1u)] += x[k];
}
