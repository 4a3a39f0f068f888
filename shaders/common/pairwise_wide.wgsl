// Pairwise sums in any dimension: a thread owns one row and sees four columns at a time; group.z is a chunk of 32
// coordinates of the gradient, and every chunk forms the distances again.
#if GRADIENT == 1
@compute @workgroup_size(64)
fn rows(
#else
@compute @workgroup_size(64)
fn values(
#endif
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let block = params.row_begin + row_block(group.x, groups.x) * 64u;
    let block_end = block + 64u;
    let i = block + lane;
    let row = min(i, params.n - 1u) * params.d;
    var v = 0.0;
#if GRADIENT == 1
    let chunk = group.z * 32u;
#for c in 0..32
    let c_$c = min(chunk + $(c)u, params.d - 1u);
    let x_$c = x[row + c_$c];
    var g_$c = 0.0;
#endfor
#endif
    let split_begin = group.y * params.columns;
    let split_end = min(split_begin + params.columns, params.m);
    var j = select(split_begin, max(split_begin, block), params.symmetric == 1u);
    for (; j < split_end; j += 4u) {
#for q in 0..4
        // Past the end a column is read again, and does not count.
        let y_$q = min(j + $(q)u, split_end - 1u) * params.d;
        let inside_$q = select(0.0, 1.0, j + $(q)u < split_end);
        let twice_$q = select(inside_$q, 2.0 * inside_$q, params.symmetric == 1u && j + $(q)u >= block_end);
        var s_$q = 0.0;
#endfor
        for (var c = 0u; c < params.d; c++) {
            let x_c = x[row + c];
#for q in 0..4
            let e_$q = x_c - y[y_$q + c];
            s_$q += e_$q * e_$q;
#endfor
        }
#for q in 0..4
        let k_$q = radial(s_$q);
        v += twice_$q * k_$q.x;
#if GRADIENT == 1
        let w_$q = inside_$q * k_$q.y;
#endif
#endfor
#if GRADIENT == 1
#for c in 0..32
        g_$c += w_0 * (x_$c - y[y_0 + c_$c]) + w_1 * (x_$c - y[y_1 + c_$c]) + w_2 * (x_$c - y[y_2 + c_$c]) + w_3 * (x_$c - y[y_3 + c_$c]);
#endfor
#endif
    }
    if (i < params.row_end) {
        let at = group.y * params.n + i;
#if GRADIENT == 1
        if (group.z == 0u) { value[at] = v; }
#for c in 0..32
        if (chunk + $(c)u < params.d) { gradient[at * params.d + chunk + $(c)u] = g_$c; }
#endfor
#else
        value[at] = v;
#endif
    }
}
