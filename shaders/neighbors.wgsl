// Nearest rows by brute force, the n × m matrix never stored: for each row i of x (n × d) against the rows of y (m × d)
//   nearest   the K least |xᵢ − yⱼ|², in order, and the j of the least; with `same` row i of y is no neighbor of row i of x
//   balls     how many j have |xᵢ − yⱼ|² ≤ ρⱼ, balls of squared radius ρⱼ round the rows of y
// (precision, recall, density and coverage: Kynkäänniemi et al. 2019, Naeem et al. 2020). One invocation is a row and a split of
// the columns; splits keep lists of their own, which `merge` and `add` join in order. Squares are direct differences.
// D is the number of columns where they fit into registers; 0 is any number, in chunks of 16 with 8 rows of y at a time.
#axis K: 1..=64 as 5
#axis D: 0..=16 as 3 0
#import common/index

struct Params {
    n: u32,
    m: u32,
    d: u32,
    columns: u32,       // rows of y in one split
    row_begin: u32,     // rows of x of this dispatch
    row_end: u32,
    splits: u32,
    same: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;                    // n × d
@group(0) @binding(2) var<storage, read> y: array<f32>;                    // m × d
@group(0) @binding(3) var<storage, read> radius: array<f32>;               // m, squared
@group(0) @binding(4) var<storage, read_write> least: array<f32>;          // splits × n × K, ascending
@group(0) @binding(5) var<storage, read_write> place: array<f32>;          // splits × n: whole numbers, exact below 2²⁴
@group(0) @binding(6) var<storage, read_write> count: array<f32>;          // splits × n, likewise
@group(0) @binding(7) var<storage, read> parts: array<f32>;                // what `merge` and `add` join: lists or counts of the splits
@group(0) @binding(8) var<storage, read> places: array<f32>;

const NONE: f32 = 3.0e38;

#if D == 0
#import common/eight_squares
#endif

@compute @workgroup_size(64)
fn nearest(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = params.row_begin + group.x * 64u + lane;
    if (i >= params.row_end) { return; }
    let first = group.y * params.columns;
    let end = min(first + params.columns, params.m);
    let skipped = select(params.m, i, params.same == 1u);
#for C in 0..$D
    let x$C = x[i * $(D)u + $(C)u];
#endfor
#for Q in 0..$K
    var least$Q = NONE;
#endfor
    var at = 0u;
#if D == 0
    for (var j = first; j < end; j += 8u) {
        squares(i, j);
#for P in 0..8
        {
            let j$P = j + $(P)u;
            var v = select(NONE, s$P, j$P < end && j$P != skipped);
            if (v < least$(K - 1)) {
                at = select(at, j$P, v < least0);
#for Q in 0..$K
                let low$Q = min(least$Q, v);
                v = max(least$Q, v);
                least$Q = low$Q;
#endfor
            }
        }
#endfor
    }
#else
    for (var j = first; j < end; j++) {
        var sum = 0.0;
#for C in 0..$D
        let e$C = x$C - y[j * $(D)u + $(C)u];
        sum += e$C * e$C;
#endfor
        var v = select(sum, NONE, j == skipped);
        if (v < least$(K - 1)) {
            at = select(at, j, v < least0);
#for Q in 0..$K
            let low$Q = min(least$Q, v);
            v = max(least$Q, v);
            least$Q = low$Q;
#endfor
        }
    }
#endif
    let out = group.y * params.n + i;
#for Q in 0..$K
    least[out * $(K)u + $(Q)u] = least$Q;
#endfor
    place[out] = f32(at);
}

@compute @workgroup_size(64)
fn balls(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = params.row_begin + group.x * 64u + lane;
    if (i >= params.row_end) { return; }
    let first = group.y * params.columns;
    let end = min(first + params.columns, params.m);
#for C in 0..$D
    let x$C = x[i * $(D)u + $(C)u];
#endfor
    var inside = 0u;
#if D == 0
    for (var j = first; j < end; j += 8u) {
        squares(i, j);
#for P in 0..8
        {
            let j$P = j + $(P)u;
            inside += u32(j$P < end && s$P <= radius[min(j$P, params.m - 1u)]);
        }
#endfor
    }
#else
    for (var j = first; j < end; j++) {
        var sum = 0.0;
#for C in 0..$D
        let e$C = x$C - y[j * $(D)u + $(C)u];
        sum += e$C * e$C;
#endfor
        inside += u32(sum <= radius[j]);
    }
#endif
    count[group.y * params.n + i] = f32(inside);
}

@compute @workgroup_size(64)
fn merge(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
#for Q in 0..$K
    var least$Q = NONE;
#endfor
    var at = 0.0;
    for (var s = 0u; s < params.splits; s++) {
        let part = s * params.n + i;
        at = select(at, places[part], parts[part * $(K)u] < least0);
#for P in 0..$K
        {
            var v = parts[part * $(K)u + $(P)u];
#for Q in 0..$K
            let low$Q = min(least$Q, v);
            v = max(least$Q, v);
            least$Q = low$Q;
#endfor
        }
#endfor
    }
#for Q in 0..$K
    least[i * $(K)u + $(Q)u] = least$Q;
#endfor
    place[i] = at;
}

@compute @workgroup_size(64)
fn add(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    var sum = 0.0;
    for (var s = 0u; s < params.splits; s++) { sum += parts[s * params.n + i]; }
    count[i] = sum;
}
