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
//                                                            `finish` of linear.wgsl adds the parts in order
// NB such blocks of columns are held at once where there is room: A is loaded and broadcast once for all of them.
// RI rows are accumulated at once: as many as registers hold. Where four rows of A fit one load, one load takes them.
#axis PRODUCT: forward input weight
#axis SG: 16
#axis KC: 4 8
#axis CV: 1 4
#axis RI: 2
#axis NB: 2
#axis KEEP: 0 1 2
#import common/linear

// The columns of B and of the output that lane `lane` of column block `block` holds: four neighbours where rows of the
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
#endif

// Writes the products of one row: out = (kept ? out : 0) + value, times σ' in d_x. A load or store that a branch leaves out
// still costs its loop over the lanes, so KEEP says what can happen: 0 one chunk of terms and nothing to add to; 1 several
// chunks, the sum of those so far lies in `out`; 2 every chunk adds to what is there.
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
#if KEEP == 1
        if (kept) { v += out_at(i); }
#endif
#if PRODUCT == input && ACT != identity
#if KEEP == 1
        if (last) { v *= slope4(x[i]); }
#else
        v *= slope4(x[i]);
#endif
#endif
#if KEEP == 2
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
#if KEEP == 1
        if (kept) { v += out_at(i); }
#endif
#if PRODUCT == input && ACT != identity
#if KEEP == 1
        if (last) { v *= act_slope(x[i]); }
#else
        v *= act_slope(x[i]);
#endif
#endif
#if KEEP == 2
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
#if PRODUCT == forward
#for W in 0..NB
#if MV == 0 && CV == 1
    let bias_$W = b1(first_$W);
#else
    let bias_$W = Cols(b1(column(first_$W, 0u)), b1(column(first_$W, 1u)), b1(column(first_$W, 2u)), b1(column(first_$W, 3u)));
#endif
#endfor
#endif
    for (var k0 = begin; k0 < end; k0 += $(KC)u) {
        // The chunk of B that stays.
#for W in 0..NB
#if PRODUCT == forward
        let start_$W = select(Cols(), bias_$W, k0 == 0u);
#else
        let start_$W = Cols();
#endif
#if PRODUCT == input
#if MV == 1
#for Q in 0..KC / 4
#if KV == 1 || CV == 4
#for C in 0..4
        let t_$(W)_$(Q)_$C = w4(column(first_$W, $(C)u), k0 + $(4 * Q)u);
#endfor
#for I in 0..4
        let b_$(W)_$(4 * Q + I) = Cols(t_$(W)_$(Q)_0[$I], t_$(W)_$(Q)_1[$I], t_$(W)_$(Q)_2[$I], t_$(W)_$(Q)_3[$I]);
#endfor
#else
        let t_$(W)_$(Q) = w4(first_$W, k0 + $(4 * Q)u);
#for I in 0..4
        let b_$(W)_$(4 * Q + I) = t_$(W)_$(Q)[$I];
#endfor
#endif
#endfor
#else
#for Q in 0..KC
#if KV == 1 || CV == 4
        let b_$(W)_$Q = Cols(w1(column(first_$W, 0u), k0 + $(Q)u), w1(column(first_$W, 1u), k0 + $(Q)u), w1(column(first_$W, 2u), k0 + $(Q)u), w1(column(first_$W, 3u), k0 + $(Q)u));
#else
        let b_$(W)_$Q = w1(first_$W, k0 + $(Q)u);
#endif
#endfor
#endif
#else
#for Q in 0..KC
        let b_$(W)_$Q = b_at(k0 + $(Q)u, first_$W);
#endfor
#endif
#if PRODUCT == weight
#for Q in 0..KC
        bias_$W += b_$(W)_$Q;
#endfor
#endif
#endfor
        for (var row = top; row < bottom; row += 4u) {
            // Four rows of A, spread over the lanes.
#if PRODUCT == forward
#for R in 0..4
#if KV == 1
#for V in 0..(KC + 4 * SG - 1) / (4 * SG)
            let a_$(R)_$V = act4(x4(row + $(R)u, k0 + 4u * ($(V * SG)u + lane)));
#endfor
#elif 4 * KC > SG
#for V in 0..(KC + SG - 1) / SG
            let a_$(R)_$V = act(x1(row + $(R)u, k0 + $(V * SG)u + lane));
#endfor
#endif
#endfor
#if KV == 0 && 4 * KC <= SG
            let a = act(x1(row + lane / $(KC)u, k0 + lane % $(KC)u));
#endif
#elif PRODUCT == input
#for R in 0..4
#if MV == 1
#for V in 0..(KC + 4 * SG - 1) / (4 * SG)
            let a_$(R)_$V = d4(row + $(R)u, k0 + 4u * ($(V * SG)u + lane));
#endfor
#elif 4 * KC > SG
#for V in 0..(KC + SG - 1) / SG
            let a_$(R)_$V = d1(row + $(R)u, k0 + $(V * SG)u + lane);
#endfor
#endif
#endfor
#if MV == 0 && 4 * KC <= SG
            let a = d1(row + lane / $(KC)u, k0 + lane % $(KC)u);
#endif
#else
#for V in 0..(KC + SG - 1) / SG
#if KV == 1
            let a_$V = act4(x4(k0 + $(V * SG)u + lane, row));
#else
#for R in 0..4
            let a_$(R)_$V = act(x1(k0 + $(V * SG)u + lane, row + $(R)u));
#endfor
#endif
#endfor
#endif
#for G in 0..4 / RI
#for R in G * RI..G * RI + RI
#for W in 0..NB
            var c_$(W)_$R = start_$W;
#endfor
#endfor
#for Q in 0..KC
#for R in G * RI..G * RI + RI
#if PRODUCT == weight && KV == 1
            let s_$(Q)_$R = subgroupBroadcast(a_$(Q / SG)[$R], $(Q % SG)u);
#elif PRODUCT == forward && KV == 1 || PRODUCT == input && MV == 1
            let s_$(Q)_$R = subgroupBroadcast(a_$(R)_$(Q / (4 * SG))[$(Q % 4)], $(Q % (4 * SG) / 4)u);
#elif PRODUCT != weight && 4 * KC <= SG
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
            put(group.z, row + $(R)u, first_$W, c_$(W)_$R, k0 > begin, true);
#else
            put(0u, row + $(R)u, first_$W, c_$(W)_$R, k0 > begin, k0 + $(KC)u >= end);
#endif
#endfor
#endfor
#endfor
        }
    }
#if PRODUCT == weight
    if (group.x == 0u) {
        let keep = (params.accumulate & 2u) != 0u;
#for W in 0..NB
#if MV == 0 && CV == 1
        if (first_$W < params.m) {
            let i = group.z * params.m + first_$W;
            if (keep) { d_b[i] += bias_$W; } else { d_b[i] = bias_$W; }
        }
#else
#for C in 0..4
        if (column(first_$W, $(C)u) < params.m) {
            let i = group.z * params.m + column(first_$W, $(C)u);
            if (keep) { d_b[i] += bias_$W[$C]; } else { d_b[i] = bias_$W[$C]; }
        }
#endfor
#endif
#endfor
    }
#endif
}
