// Logarithms of kernel sums, as kernel density estimates take them (Parzen 1962), for B widths in one pass over the pairs, and the means of y that
// the kernel weighs (Cheng 1995: what mean shift moves to); the n × m matrix is never stored. With c_ij = |x_i − y_j|² (SHAPE square) or |x_i − y_j| (distance):
//   sums    out_ib = ln Σ_j exp(−a_b c_ij),   a = 1/2h² (a Gaussian kernel) or 1/h (a Laplacian one)
//   means   T_i = Σ_j w_ij y_j,   w_ij = exp(−a(c_ij − min_k c_ik))/Σ_j …;     for a Gaussian kernel ∂out_i/∂x_i = (T_i − x_i)/h²
// With `same`, j = i is left out (leave-one-out cross-validation; a batch that is repelled by itself).
// The least c_ij is taken out of every exponent, so that rows far from all of y have a finite sum; sums.wgsl finds it with the sums of each
// split. Of means one invocation is a row, a split of the columns and a chunk of 16 coordinates; `merge` and `average` join the splits in order.
// D is the number of columns where they fit into registers; 0 is any number, in chunks of 16 with 8 rows of y at a time. No gradient: this is for scores.
#axis B: 1..=8 as 3
#axis D: 0..=64 as 3 0
#import common/kernel_shape
// Coordinates that an invocation forms where they are in chunks.
#let CHUNK = 16
#import common/index
#import common/lowest
#import common/minus_log

struct Params {
    n: u32,
    m: u32,
    d: u32,
    columns: u32,       // rows of y in one split
    row_begin: u32,     // rows of x of this dispatch
    row_end: u32,
    splits: u32,
    same: u32,
    width: u32,         // of which `average` writes the means
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;                    // n × d
@group(0) @binding(2) var<storage, read> y: array<f32>;                    // m × d
@group(0) @binding(3) var<storage, read> rates: array<f32>;                // B: a_b
@group(0) @binding(4) var<storage, read_write> parts: array<f32>;          // splits × n × B × (1 + d): of `means`
@group(0) @binding(5) var<storage, read> split_parts: array<f32>;          // what `merge` (of sums.wgsl) and `average` join
@group(0) @binding(6) var<storage, read_write> out: array<f32>;            // n × B; the means, n × d
@group(0) @binding(7) var<storage, read_write> least: array<f32>;          // n: min_k c_ik, from `merge`
@group(0) @binding(8) var<storage, read> nearest: array<f32>;              // n: the same, for `means`

const NONE: f32 = 3.0e38;

fn cost(square: f32) -> f32 {
#if SHAPE == square
    return square;
#else
    return sqrt(square);
#endif
}

#if D == 0
#import common/eight_squares
#endif

@compute @workgroup_size(64)
fn merge(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    var low = NONE;
    for (var s = 0u; s < params.splits; s++) { low = min(low, split_parts[(s * params.n + i) * $(B + 1)u]); }
    least[i] = low;
#for Q in 0..$B
    {
        let a = rates[$(Q)u];
        var sum = 0.0;
        for (var s = 0u; s < params.splits; s++) {
            let place = (s * params.n + i) * $(B + 1)u;
            sum += split_parts[place + $(Q + 1)u] * exp(max(-a * (split_parts[place] - low), LOWEST));
        }
        out[i * $(B)u + $(Q)u] = -a * low - minus_log(max(sum, 1e-38));
    }
#endfor
}

// Sums of w·y over a split, and of w, for each width: parts is splits × n × B × (d + 1).
@compute @workgroup_size(64)
fn means(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = params.row_begin + group.x * 64u + lane;
    if (i >= params.row_end) { return; }
    let first = group.y * params.columns;
    let end = min(first + params.columns, params.m);
    let skipped = select(params.m, i, params.same == 1u);
    let low = nearest[i];
    let place = (group.y * params.n + i) * $(B)u * (params.d + 1u);
#for Q in 0..$B
    let a$Q = rates[$(Q)u];
    var total$Q = 0.0;
#endfor
#if D == 0
    let begin = group.z * $(CHUNK)u;
#for C in 0..CHUNK
    let at$C = min(begin + $(C)u, params.d - 1u);
#for Q in 0..$B
    var sum$(Q)_$C = 0.0;
#endfor
#endfor
    for (var j = first; j < end; j += 8u) {
        squares(i, j);
#for P in 0..8
        if (j + $(P)u < end && j + $(P)u != skipped) {
            let farther = cost(s$P) - low;
            let from_row = (j + $(P)u) * params.d;
#for Q in 0..$B
            let w$Q = exp(clamp(-a$Q * farther, LOWEST, 0.0));
            total$Q += w$Q;
#endfor
#for C in 0..CHUNK
            let y$C = y[from_row + at$C];
#for Q in 0..$B
            sum$(Q)_$C += w$Q * y$C;
#endfor
#endfor
        }
#endfor
    }
#for C in 0..CHUNK
    if (begin + $(C)u < params.d) {
#for Q in 0..$B
        parts[place + $(Q)u * (params.d + 1u) + begin + $(C)u] = sum$(Q)_$C;
#endfor
    }
#endfor
#else
#for C in 0..$D
    let x$C = x[i * $(D)u + $(C)u];
#for Q in 0..$B
    var sum$(Q)_$C = 0.0;
#endfor
#endfor
    for (var j = first; j < end; j++) {
        var square = 0.0;
#for C in 0..$D
        let y$C = y[j * $(D)u + $(C)u];
        let e$C = x$C - y$C;
        square += e$C * e$C;
#endfor
        let farther = cost(square) - low;
#for Q in 0..$B
        let w$Q = select(exp(clamp(-a$Q * farther, LOWEST, 0.0)), 0.0, j == skipped);
        total$Q += w$Q;
#for C in 0..$D
        sum$(Q)_$C += w$Q * y$C;
#endfor
#endfor
    }
#for Q in 0..$B
#for C in 0..$D
    parts[place + $(Q * (D + 1) + C)u] = sum$(Q)_$C;
#endfor
#endfor
#endif
    if (group.z == 0u) {
#for Q in 0..$B
        parts[place + $(Q)u * (params.d + 1u) + params.d] = total$Q;
#endfor
    }
}

@compute @workgroup_size(64)
fn average(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let e = flat_index(group, groups, lane, 64u);
    if (e >= params.n * params.d) { return; }
    let i = e / params.d;
    var sum = 0.0;
    var total = 0.0;
    for (var s = 0u; s < params.splits; s++) {
        let place = ((s * params.n + i) * $(B)u + params.width) * (params.d + 1u);
        sum += split_parts[place + e % params.d];
        total += split_parts[place + params.d];
    }
    out[e] = sum / max(total, 1e-38);
}
