// A linear layer on software adapters: y = (accumulate ? y : 0) + σ(x)·W + b and its gradients
//   d_x = (accumulate ? d_x : 0) + σ'(x) ⊙ (d_y·Wᵀ)      d_w = σ(x)ᵀ·d_y      d_b = Σ_rows d_y
// Each is a product A·B of R rows. A load costs a software adapter a dozen instructions a number (a loop over lanes), an
// operand in registers or on the stack nothing: so a workgroup, which is one subgroup of SG lanes, holds KC rows × CV·SG
// columns of B, lane by lane, and walks down its rows of A, which the lanes load once and share by broadcast. Measured
// against loading both operands tile by tile: 2 to 3 times as fast (KC = 128, SG = 16).
//   PRODUCT   A (rows, sum over)          B                  columns of B
//   forward   σ(x)      (n, k)            W   (k × m)        m
//   input     d_y       (n, m)            Wᵀ  (m × k)        k
//   weight    σ(x)ᵀ     (k, n)            d_y (n × m)        m; the sum over n is split over workgroups (group.z), and
//                                                            `finish` of tiled.wgsl adds the parts in order
// NB such blocks of columns are held at once where there is room: A is loaded and broadcast once for all of them.
// RS rows of A are loaded a turn, and RI of them accumulated at once, as many as registers hold; where four rows of A fit one
// load, one load takes them.
//
// Compile time: since Mesa 24 a driver writes a branch for each lane of every load and store in the text, and its compiler takes
// longer than linearly over them (256 loads: 32 s; the same loads in a loop: 1 s). So B is loaded LOADS rows a round, and a round keeps
// what it loaded under the names of that round; GROUPS = 1 turns over RI rows at a time in a loop, GROUPS = RS / RI writes them out.
#axis SG: 4..=128 as 8
#axis KC: 4..=128 as 8 4
#axis CV: 1 4
#axis RS: 1..=4 as 4 2 1
#axis RI: 1..=4 as 2 1
#axis GROUPS: 1..=4 as 4 2 1
#axis LOADS: 1..=16 as 4
#axis NB: 1..=4 as 2
#axis KEEP: nothing sum scaled
#require CV == 4 || PRODUCT == input && KV == 0 || PRODUCT != input && MV == 0
#require GROUPS == 1 && RS % RI == 0 || GROUPS * RI == RS
#require KC % LOADS == 0
#require LOADS % 4 == 0 || PRODUCT != input || MV == 0
#require KEEP != scaled || PRODUCT == input && ACT != identity
#import common/linear

// The columns of B and of the output that lane `lane` of column block `block` holds: four neighbors where rows of the
// output are read as vec4, else CV of them SG apart.
#if PRODUCT == input && KV == 1 || PRODUCT != input && MV == 1
alias Cols = vec4<f32>;
fn first_column(block: u32, lane: u32) -> u32 { return 4u * (block * $(SG)u + lane); }
fn column(first: u32, c: u32) -> u32 { return first + c; }
#else
#if CV == 1
alias Cols = f32;
#else
alias Cols = vec4<f32>;
#endif
fn first_column(block: u32, lane: u32) -> u32 { return block * $(CV * SG)u + lane; }
fn column(first: u32, c: u32) -> u32 { return first + c * $(SG)u; }
#endif

#if PRODUCT == forward
fn b_at(q: u32, first: u32) -> Cols {
#if MV == 1
    return w4(q, first);
#elif CV == 1
    return w1(q, first);
#else
    return vec4<f32>(w1(q, column(first, 0u)), w1(q, column(first, 1u)), w1(q, column(first, 2u)), w1(q, column(first, 3u)));
#endif
}

fn bias_at(first: u32) -> Cols {
#if MV == 1
    return b4(first);
#elif CV == 1
    return b1(first);
#else
    return vec4<f32>(b1(column(first, 0u)), b1(column(first, 1u)), b1(column(first, 2u)), b1(column(first, 3u)));
#endif
}
#elif PRODUCT == weight
fn b_at(q: u32, first: u32) -> Cols {
#if MV == 1
    return d4(q, first);
#elif CV == 1
    return d1(q, first);
#else
    return vec4<f32>(d1(q, column(first, 0u)), d1(q, column(first, 1u)), d1(q, column(first, 2u)), d1(q, column(first, 3u)));
#endif
}
#elif MV == 0
fn b_at(q: u32, first: u32) -> Cols {
#if KV == 0 && CV == 1
    return w1(first, q);
#else
    return vec4<f32>(w1(column(first, 0u), q), w1(column(first, 1u), q), w1(column(first, 2u), q), w1(column(first, 3u), q));
#endif
}
#endif

// Writes the products of one row: out = (kept ? out : 0) + value, times σ' in d_x. A load or store that a branch leaves out
// still costs its loop over the lanes, so KEEP says what can happen: `nothing`, one chunk of terms and nothing to add to; `sum`, the sum of the
// chunks so far, or what the product is added to, may lie in `out`; `scaled`, every chunk, already times σ', adds to what is there.
#if PRODUCT == input && KV == 1 || PRODUCT != input && MV == 1
fn put(part: u32, row: u32, first: u32, value: vec4<f32>, kept: bool, last: bool) {
#if PRODUCT == forward
    if (row < params.n && first < params.m) {
        let i = row * (params.m / 4u) + first / 4u;
#elif PRODUCT == input
    if (row < params.n && first < params.k) {
        let i = row * (params.k / 4u) + first / 4u;
#else
    if (row < params.k && first < params.m) {
        let i = (part * params.k + row) * (params.m / 4u) + first / 4u;
#endif
        var v = value;
#if KEEP == sum
        if (kept) { v += out_at(i); }
#endif
#if PRODUCT == input && ACT != identity
#if KEEP == sum
        if (last) { v *= slope4(x[i]); }
#else
        v *= slope4(x[i]);
#endif
#endif
#if KEEP == scaled
        v += out_at(i);
#endif
        write_at(i, v);
    }
}
alias Element = vec4<f32>;
#else
fn put_one(part: u32, row: u32, col: u32, value: f32, kept: bool, last: bool) {
#if PRODUCT == forward
    if (row < params.n && col < params.m) {
        let i = row * params.m + col;
#elif PRODUCT == input
    if (row < params.n && col < params.k) {
        let i = row * params.k + col;
#else
    if (row < params.k && col < params.m) {
        let i = (part * params.k + row) * params.m + col;
#endif
        var v = value;
#if KEEP == sum
        if (kept) { v += out_at(i); }
#endif
#if PRODUCT == input && ACT != identity
#if KEEP == sum
        if (last) { v *= act_slope(x[i]); }
#else
        v *= act_slope(x[i]);
#endif
#endif
#if KEEP == scaled
        v += out_at(i);
#endif
        write_at(i, v);
    }
}
alias Element = f32;
fn put(part: u32, row: u32, first: u32, value: Cols, kept: bool, last: bool) {
#if CV == 1
    put_one(part, row, first, value, kept, last);
#else
#for C in 0..4
    put_one(part, row, column(first, $(C)u), value[$C], kept, last);
#endfor
#endif
}
#endif

// One element of A, where a row of it is not read as vec4.
#if PRODUCT == forward && KV == 0
fn a_at(i: u32, q: u32) -> f32 { return act(x1(i, q)); }
#elif PRODUCT == input && MV == 0
fn a_at(i: u32, q: u32) -> f32 { return d1(i, q); }
#endif

#if PRODUCT == forward
fn out_at(i: u32) -> Element { return y[i]; }
fn write_at(i: u32, v: Element) { y[i] = v; }
#elif PRODUCT == input
fn out_at(i: u32) -> Element { return d_x[i]; }
fn write_at(i: u32, v: Element) { d_x[i] = v; }
#else
fn out_at(i: u32) -> Element { return d_w[i]; }
fn write_at(i: u32, v: Element) { d_w[i] = v; }
#endif

@compute @workgroup_size($SG)
#if PRODUCT == forward
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let size = params.n;
    let begin = 0u;
    let end = params.k;
#elif PRODUCT == input
fn backward_input(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let size = params.n;
    let begin = 0u;
    let end = params.m;
#if ACT == identity
    _ = x[0];                                                          // every variant binds the same buffers
#endif
#else
fn backward_weight(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let size = params.k;
    let begin = group.z * params.depth;
    let end = min(begin + params.depth, params.n);
#for W in 0..NB
    var bias_$W = Cols();
#endfor
#endif
#for W in 0..NB
    let first_$W = first_column($(NB)u * group.y + $(W)u, lane);
#endfor
    let top = group.x * params.rows;
    let bottom = min(top + params.rows, size);
    // Bounds in words that no compiler sees through: it would write short loops out.
    let rounds = min($(KC / LOADS)u, params.splits << 16u);
    let turns = min($(RS)u, params.splits << 16u);
#if PRODUCT == forward
#for W in 0..NB
    let bias_$W = bias_at(first_$W);
#endfor
#endif
    for (var k0 = begin; k0 < end; k0 += $(KC)u) {
        let kept = k0 > begin || (params.accumulate & 1u) != 0u;
#for W in 0..NB
#if PRODUCT == forward
        let start_$W = select(Cols(), bias_$W, k0 == 0u);
#else
        let start_$W = Cols();
#endif
#endfor
        // The chunk of B that stays.
#if LOADS < KC
#for W in 0..NB
#for Q in 0..KC
        var b_$(W)_$Q = Cols();
#endfor
#endfor
        for (var round = 0u; round < rounds; round++) {
            let at = k0 + round * $(LOADS)u;
#else
        let at = k0;
#endif
#for W in 0..NB
#if PRODUCT == input && MV == 1
#for P in 0..LOADS / 4
#if KV == 1 || CV == 4
#for C in 0..4
            let row_$(W)_$(P)_$C = w4(column(first_$W, $(C)u), at + $(4 * P)u);
#endfor
#for I in 0..4
            let new_$(W)_$(4 * P + I) = Cols(row_$(W)_$(P)_0[$I], row_$(W)_$(P)_1[$I], row_$(W)_$(P)_2[$I], row_$(W)_$(P)_3[$I]);
#endfor
#else
            let row_$(W)_$P = w4(first_$W, at + $(4 * P)u);
#for I in 0..4
            let new_$(W)_$(4 * P + I) = row_$(W)_$P[$I];
#endfor
#endif
#endfor
#else
#for I in 0..LOADS
            let new_$(W)_$I = b_at(at + $(I)u, first_$W);
#endfor
#endif
#if PRODUCT == weight
#for I in 0..LOADS
            bias_$W += new_$(W)_$I;
#endfor
#endif
#endfor
#if LOADS < KC
#for T in 0..KC / LOADS
            let now_$T = round == $(T)u;
#for W in 0..NB
#for I in 0..LOADS
            b_$(W)_$(LOADS * T + I) = select(b_$(W)_$(LOADS * T + I), new_$(W)_$I, now_$T);
#endfor
#endfor
#endfor
        }
#else
#for W in 0..NB
#for Q in 0..KC
        let b_$(W)_$Q = new_$(W)_$Q;
#endfor
#endfor
#endif
        for (var row = top; row < bottom; row += $(RS)u) {
            // RS rows of A, spread over the lanes.
#if PRODUCT == weight && KV == 1
#for V in 0..(KC + SG - 1) / SG
            let four_$V = act4(x4(k0 + $(V * SG)u + lane, row));
#endfor
#elif PRODUCT == weight
#for R in 0..RS
#for V in 0..(KC + SG - 1) / SG
            let a_$(R)_$V = act(x1(k0 + $(V * SG)u + lane, row + $(R)u));
#endfor
#endfor
#elif PRODUCT == forward && KV == 1
#for R in 0..RS
#for V in 0..(KC + 4 * SG - 1) / (4 * SG)
            let a_$(R)_$V = act4(x4(row + $(R)u, k0 + 4u * ($(V * SG)u + lane)));
#endfor
#endfor
#elif PRODUCT == input && MV == 1
#for R in 0..RS
#for V in 0..(KC + 4 * SG - 1) / (4 * SG)
            let a_$(R)_$V = d4(row + $(R)u, k0 + 4u * ($(V * SG)u + lane));
#endfor
#endfor
#elif RS * KC <= SG
            let a = a_at(row + lane / $(KC)u, k0 + lane % $(KC)u);
#else
#for R in 0..RS
#for V in 0..(KC + SG - 1) / SG
            let a_$(R)_$V = a_at(row + $(R)u, k0 + $(V * SG)u + lane);
#endfor
#endfor
#endif
#if GROUPS == 1 && RS > RI
            for (var g = 0u; g < turns; g += $(RI)u) {
#if PRODUCT == weight && KV == 1
#for V in 0..(KC + SG - 1) / SG
#for R in 0..RI
            let a_$(R)_$V = four_$V[g + $(R)u];
#endfor
#endfor
#endif
#else
            let g = 0u;
#if PRODUCT == weight && KV == 1
#for V in 0..(KC + SG - 1) / SG
#for R in 0..RS
            let a_$(R)_$V = four_$V[$R];
#endfor
#endfor
#endif
#endif
#for G in 0..GROUPS
#for R in G * RI..G * RI + RI
#for W in 0..NB
            var c_$(W)_$R = start_$W;
#endfor
#endfor
#for Q in 0..KC
#for R in G * RI..G * RI + RI
#if PRODUCT == forward && KV == 1 || PRODUCT == input && MV == 1
            let s_$(Q)_$R = subgroupBroadcast(a_$(R)_$(Q / (4 * SG))[$(Q % 4)], $(Q % (4 * SG) / 4)u);
#elif PRODUCT != weight && RS * KC <= SG && GROUPS == 1 && RS > RI
            let s_$(Q)_$R = subgroupShuffle(a, (g + $(R)u) * $(KC)u + $(Q)u);
#elif PRODUCT != weight && RS * KC <= SG
            let s_$(Q)_$R = subgroupBroadcast(a, $(R * KC + Q)u);
#else
            let s_$(Q)_$R = subgroupBroadcast(a_$(R)_$(Q / SG), $(Q % SG)u);
#endif
#for W in 0..NB
            c_$(W)_$R += s_$(Q)_$R * b_$(W)_$Q;
#endfor
#endfor
#endfor
#for R in G * RI..G * RI + RI
#for W in 0..NB
#if PRODUCT == weight
            put(group.z, row + g + $(R)u, first_$W, c_$(W)_$R, kept, true);
#else
            put(0u, row + g + $(R)u, first_$W, c_$(W)_$R, kept, k0 + $(KC)u >= end);
#endif
#endfor
#endfor
#endfor
#if GROUPS == 1 && RS > RI
            }
#endif
        }
    }
#if PRODUCT == weight
    if (group.x == 0u) {
        let keep = (params.accumulate & 2u) != 0u;
#for W in 0..NB
#if MV == 1
        if (first_$W < params.m) {
            let i = (group.z * params.m + first_$W) / 4u;
            d_b[i] = select(vec4<f32>(), d_b[i], keep) + bias_$W;
        }
#elif CV == 1
        if (first_$W < params.m) {
            let i = group.z * params.m + first_$W;
            d_b[i] = select(0.0, d_b[i], keep) + bias_$W;
        }
#else
#for C in 0..4
        if (column(first_$W, $(C)u) < params.m) {
            let i = group.z * params.m + column(first_$W, $(C)u);
            d_b[i] = select(0.0, d_b[i], keep) + bias_$W[$C];
        }
#endfor
#endif
#endfor
    }
#endif
}
