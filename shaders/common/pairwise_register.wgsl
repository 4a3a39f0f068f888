// Pairwise sums without barrier or subgroup: a thread owns R rows and reads every column itself (all threads the same one,
// so a cache serves them), in runs of at most 4,096 so that no loop is long.
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
    let block = params.row_begin + row_block(group.x, groups.x) * $(R * 64)u;
    let block_end = block + $(R * 64)u;
#for r in 0..R
    let i_$r = min(block + $(r * 64)u + lane, params.n - 1u);
    var v_$r = 0.0;
#for c in 0..D
    let x_$(r)_$c = x[i_$r * $(D)u + $(c)u];
#if GRADIENT == 1
    var g_$(r)_$c = 0.0;
#endif
#endfor
#endfor
    let split_begin = group.y * params.columns;
    let split_end = min(split_begin + params.columns, params.m);
    var run = select(split_begin, max(split_begin, block), params.symmetric == 1u);
    for (; run < split_end; run += 4096u) {
        let run_end = min(run + 4096u, split_end);
        for (var j = run; j < run_end; j++) {
            let twice = select(1.0, 2.0, params.symmetric == 1u && j >= block_end);
#for c in 0..D
            let y_$c = y[j * $(D)u + $(c)u];
#endfor
#for r in 0..R
            var s_$r = 0.0;
#for c in 0..D
            let e_$(r)_$c = x_$(r)_$c - y_$c;
            s_$r += e_$(r)_$c * e_$(r)_$c;
#endfor
            let k_$r = radial(s_$r);
            v_$r += twice * k_$r.x;
#if GRADIENT == 1
#for c in 0..D
            g_$(r)_$c += k_$r.y * e_$(r)_$c;
#endfor
#endif
#endfor
        }
    }
#for r in 0..R
    {
        let i = block + $(r * 64)u + lane;
        if (i < params.row_end) {
            let at = group.y * params.n + i;
            value[at] = v_$r;
#if GRADIENT == 1
#for c in 0..D
            gradient[at * $(D)u + $(c)u] = g_$(r)_$c;
#endfor
#endif
        }
    }
#endfor
}
