// Pairwise sums in any dimension, one subgroup a workgroup: a thread owns one row and sees SG columns at a time, of which each
// lane loads one. group.z is a chunk of 64 coordinates of the gradient, and every chunk forms the distances again.
#if GRADIENT == 1
@compute @workgroup_size($SG)
fn rows(
#else
@compute @workgroup_size($SG)
fn values(
#endif
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let block = params.row_begin + row_block(group.x, groups.x) * $(SG)u;
    let block_end = block + $(SG)u;
    let i = block + lane;
    let row = min(i, params.n - 1u) * params.d;
    var v = 0.0;
#if GRADIENT == 1
    var w = 0.0;
    let chunk = group.z * 64u;
#for c in 0..64
    let c_$c = min(chunk + $(c)u, params.d - 1u);
    let x_$c = x[row + c_$c];
    let o_$c = subgroupAdd(x_$c) * (1.0 / $(SG).0);
    var g_$c = 0.0;
#endfor
#endif
    let split_begin = group.y * params.columns;
    let split_end = min(split_begin + params.columns, params.m);
    var j = select(split_begin, max(split_begin, block), params.symmetric == 1u);
    for (; j < split_end; j += $(SG)u) {
        // Past the end a column is read again, and does not count.
        let column = min(j + lane, split_end - 1u) * params.d;
#for q in 0..SG
        var s_$q = 0.0;
#endfor
        var c = 0u;
        for (; c + 8u <= params.d; c += 8u) {
#for p in 0..8
            let x_c_$p = x[row + c + $(p)u];
            let y_c_$p = y[column + c + $(p)u];
#endfor
#for p in 0..8
#for q in 0..SG
            let e_$(p)_$q = x_c_$p - subgroupBroadcast(y_c_$p, $(q)u);
            s_$q += e_$(p)_$q * e_$(p)_$q;
#endfor
#endfor
        }
        for (; c < params.d; c++) {
            let x_c = x[row + c];
            let y_c = y[column + c];
#for q in 0..SG
            let e_$q = x_c - subgroupBroadcast(y_c, $(q)u);
            s_$q += e_$q * e_$q;
#endfor
        }
        let twice = select(1.0, 2.0, params.symmetric == 1u && j >= block_end);
#for q in 0..SG
        let inside_$q = select(0.0, 1.0, j + $(q)u < split_end);
        let k_$q = radial(s_$q);
#if GRADIENT == 1
        let w_$q = inside_$q * k_$q.y;
#endif
#endfor
        v += twice * (inside_0 * k_0.x
#for q in 1..SG
            + inside_$q * k_$q.x
#endfor
        );
#if GRADIENT == 1
        w += w_0
#for q in 1..SG
            + w_$q
#endfor
        ;
#for c in 0..64
        {
            let z = y[column + c_$c] - o_$c;
            g_$c += w_0 * subgroupBroadcast(z, 0u)
#for q in 1..SG
                + w_$q * subgroupBroadcast(z, $(q)u)
#endfor
            ;
        }
#endfor
#endif
    }
    if (i < params.row_end) {
        let at = group.y * params.n + i;
#if GRADIENT == 1
        if (group.z == 0u) { value[at] = v; }
#for c in 0..64
        if (chunk + $(c)u < params.d) { gradient[at * params.d + chunk + $(c)u] = w * (x_$c - o_$c) - g_$c; }
#endfor
#else
        value[at] = v;
#endif
    }
}
