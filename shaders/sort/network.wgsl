// Sorting every column of a matrix, each value with the number of its row; equal values keep the order of their rows.
// A bitonic network (Batcher 1968) in its form with one direction: stage s merges blocks of 2^s rows, first comparing row i of
// a block with its mirror image 2^s − 1 − i, then rows at distances 2^(s−2), …, 2, 1. In this form rows beyond the last are
// +∞ that never move, so that any number of rows will do.
// An invocation holds HELD rows of one column in registers and runs log₂ HELD levels of the network on them: no barrier, no
// workgroup memory. Neighboring invocations hold neighboring columns, so that loads are contiguous at every distance.
// Values are compared as integers: positive floats order as their bits do, negative ones the other way round; a NaN goes to
// one of the ends and nothing is lost.
//   backward   d_x at (index_kj, j) = (accumulate ? d_x : 0) + d_out_kj: each column's rows go back where they came from
//   follow     out_kj = x at (index_kj, j)
#let HELD = 16
#import common/index

// `distance`: rows between two that an invocation holds; `last`: keys become floats again.
struct Params { rows: u32, cols: u32, distance: u32, last: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;                 // rows × cols, floats by their bits
@group(0) @binding(2) var<storage, read> index: array<u32>;             // rows × cols
@group(0) @binding(3) var<storage, read_write> keys: array<u32>;        // rows × cols
@group(0) @binding(4) var<storage, read_write> origin: array<u32>;      // rows × cols: the row that a key came from
@group(0) @binding(5) var<storage, read> values: array<f32>;            // rows × cols
@group(0) @binding(6) var<storage, read_write> out: array<f32>;         // rows × cols

struct Held { keys: array<u32, $HELD>, origin: array<u32, $HELD> }

fn encoded(bits: u32) -> u32 { return bits ^ select(0x80000000u, 0xffffffffu, bits >= 0x80000000u); }
fn decoded(key: u32) -> u32 { return key ^ select(0xffffffffu, 0x80000000u, key >= 0x80000000u); }

fn order(h: ptr<function, Held>, i: u32, j: u32) {
    let a = (*h).keys[i];
    let b = (*h).keys[j];
    let p = (*h).origin[i];
    let q = (*h).origin[j];
    let swap = (a > b) | ((a == b) & (p > q));      // || and && would branch
    (*h).keys[i] = select(a, b, swap);
    (*h).keys[j] = select(b, a, swap);
    (*h).origin[i] = select(p, q, swap);
    (*h).origin[j] = select(q, p, swap);
}

// All stages within HELD rows. The sizes B and distances B / Q are the divisors of a power of two, which are its powers.
fn sort_held(h: ptr<function, Held>) {
#for B in 2..$(HELD + 1)
#if HELD % B == 0
#for C in 0..$(HELD / 2)
    order(h, $(C / (B / 2) * B + C % (B / 2))u, $(C / (B / 2) * B + B - 1 - C % (B / 2))u);
#endfor
#for Q in 4..$(B + 1)
#if B % Q == 0
#for C in 0..$(HELD / 2)
    order(h, $(C / (B / Q) * 2 * (B / Q) + C % (B / Q))u, $(C / (B / Q) * 2 * (B / Q) + C % (B / Q) + B / Q)u);
#endfor
#endif
#endfor
#endif
#endfor
}

// The levels of one stage from distance HELD / FIRST (in held rows) on.
#for FIRST in 2..5
#if FIRST != 3
fn disperse_held_$(FIRST)(h: ptr<function, Held>) {
#for Q in FIRST..$(HELD + 1)
#if HELD % Q == 0
#for C in 0..$(HELD / 2)
    order(h, $(C / (HELD / Q) * 2 * (HELD / Q) + C % (HELD / Q))u, $(C / (HELD / Q) * 2 * (HELD / Q) + C % (HELD / Q) + HELD / Q)u);
#endfor
#endif
#endfor
}
#endif
#endfor

fn load(h: ptr<function, Held>, k: u32, row: u32, col: u32) {
    if (row < params.rows) {
        (*h).keys[k] = keys[row * params.cols + col];
        (*h).origin[k] = origin[row * params.cols + col];
    } else {
        (*h).keys[k] = 0xffffffffu;
        (*h).origin[k] = 0xffffffffu;
    }
}

fn store(h: ptr<function, Held>, k: u32, row: u32, col: u32) {
    if (row < params.rows) {
        let key = (*h).keys[k];
        keys[row * params.cols + col] = select(key, decoded(key), params.last != 0u);
        origin[row * params.cols + col] = (*h).origin[k];
    }
}

// Reads x, and leaves every block of HELD rows in order.
@compute @workgroup_size(64)
fn start(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let t = flat_index(group, groups, lane, 64u);
    let base = t / params.cols * $(HELD)u;
    let col = t % params.cols;
    if (base >= params.rows) { return; }
    var h: Held;
#for K in 0..HELD
    h.origin[$K] = base + $(K)u;
    if (base + $(K)u < params.rows) {
        h.keys[$K] = encoded(x[(base + $(K)u) * params.cols + col]);
    } else {
        h.keys[$K] = 0xffffffffu;
    }
#endfor
    sort_held(&h);
#for K in 0..HELD
    store(&h, $(K)u, base + $(K)u, col);
#endfor
}

// The first levels of a stage that merges blocks of HELD·distance rows: mirror images, then ever smaller distances.
@compute @workgroup_size(64)
fn flip(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let t = flat_index(group, groups, lane, 64u);
    let g = t / params.cols;
    let col = t % params.cols;
    let low = g % params.distance;
    let base = g / params.distance * params.distance * $(HELD)u;
    if (base + low >= params.rows) { return; }
    let first = base + low;
    let mirrored = base + params.distance - 1u - low;
    var h: Held;
#for K in 0..$(HELD / 2)
    load(&h, $(K)u, first + $(K)u * params.distance, col);
    load(&h, $(K + HELD / 2)u, mirrored + $(K + HELD / 2)u * params.distance, col);
#endfor
#for C in 0..$(HELD / 2)
    order(&h, $(C)u, $(HELD - 1 - C)u);
#endfor
    disperse_held_4(&h);
#for K in 0..$(HELD / 2)
    store(&h, $(K)u, first + $(K)u * params.distance, col);
    store(&h, $(K + HELD / 2)u, mirrored + $(K + HELD / 2)u * params.distance, col);
#endfor
}

// Further levels of a stage: distances HELD/2·distance, …, distance. (Levels that were done already do nothing.)
@compute @workgroup_size(64)
fn disperse(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let t = flat_index(group, groups, lane, 64u);
    let g = t / params.cols;
    let col = t % params.cols;
    let low = g % params.distance;
    let base = g / params.distance * params.distance * $(HELD)u;
    if (base + low >= params.rows) { return; }
    var h: Held;
#for K in 0..HELD
    load(&h, $(K)u, base + low + $(K)u * params.distance, col);
#endfor
    disperse_held_2(&h);
#for K in 0..HELD
    store(&h, $(K)u, base + low + $(K)u * params.distance, col);
#endfor
}

@compute @workgroup_size(256)
fn backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 256u);
    if (i >= params.rows * params.cols) { return; }
    let to = index[i] * params.cols + i % params.cols;
    if (params.accumulate != 0u) { out[to] += values[i]; } else { out[to] = values[i]; }
}

@compute @workgroup_size(256)
fn follow(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 256u);
    if (i >= params.rows * params.cols) { return; }
    out[i] = values[index[i] * params.cols + i % params.cols];
}
