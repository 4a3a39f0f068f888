// Pairwise sums, one subgroup a workgroup; a thread owns R rows and sees SG columns an iteration, J at a time. Distances
// are formed by differences. The gradient is w·(x − y) = (x − o)·Σw − Σ w·(y − o) with o near the rows: holding the differences
// until w is known would need J·D·R registers, and this is 1.5 to 4 times faster on llvmpipe (measured, d = 4 to 64).
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
    let block = params.row_begin + row_block(group.x, groups.x) * $(SG * R)u;
    let block_end = block + $(SG * R)u;
#for r in 0..R
    let i_$r = min(block + $(r * SG)u + lane, params.n - 1u);
    var v_$r = 0.0;
#if D % 4 == 0
#for p in 0..D / 4
    let x_$(r)v_$p = x[(i_$r) * $(D / 4)u + $(p)u];
#endfor
#for c in 0..D
    let x_$(r)_$c = x_$(r)v_$(c / 4)[$(c % 4)];
#endfor
#else
#for c in 0..D
    let x_$(r)_$c = x[(i_$r) * $(D)u + $(c)u];
#endfor
#endif
#if GRADIENT == 1
    var w_$r = 0.0;
#for c in 0..D
    var g_$(r)_$c = 0.0;
#endfor
#endif
#endfor
#if GRADIENT == 1
#for c in 0..D
    let o_$c = subgroupAdd(x_0_$c) * (1.0 / $(SG).0);
#endfor
#endif
    let split_begin = group.y * params.columns;
    let split_end = min(split_begin + params.columns, params.m);
    var j = select(split_begin, max(split_begin, block), params.symmetric == 1u);
    for (; j + $(SG)u <= split_end; j += $(SG)u) {
#if D % 4 == 0
#for p in 0..D / 4
        let yv_$p = y[(j + lane) * $(D / 4)u + $(p)u];
#endfor
#for c in 0..D
        let y_$c = yv_$(c / 4)[$(c % 4)];
#endfor
#else
#for c in 0..D
        let y_$c = y[(j + lane) * $(D)u + $(c)u];
#endfor
#endif
#if GRADIENT == 1
#for c in 0..D
        let z_$c = y_$c - o_$c;
#endfor
#endif
        let twice = select(1.0, 2.0, params.symmetric == 1u && j >= block_end);
#for h in 0..SG / J
        {
#for r in 0..R
#for q in 0..J
            var s_$(r)_$q = 0.0;
#endfor
#endfor
#for c in 0..D
#for q in 0..J
            let y_$(c)_$q = subgroupBroadcast(y_$c, $(h * J + q)u);
#for r in 0..R
            let e_$(r)_$(c)_$q = x_$(r)_$c - y_$(c)_$q;
            s_$(r)_$q += e_$(r)_$(c)_$q * e_$(r)_$(c)_$q;
#endfor
#endfor
#endfor
#for r in 0..R
#for q in 0..J
            let k_$(r)_$q = radial(s_$(r)_$q);
#endfor
            v_$r += twice * (k_$(r)_0.x
#for q in 1..J
                + k_$(r)_$q.x
#endfor
            );
#if GRADIENT == 1
            w_$r += k_$(r)_0.y
#for q in 1..J
                + k_$(r)_$q.y
#endfor
            ;
#endif
#endfor
#if GRADIENT == 1
#for c in 0..D
#for q in 0..J
            let z_$(c)_$q = subgroupBroadcast(z_$c, $(h * J + q)u);
#endfor
#for r in 0..R
            g_$(r)_$c += k_$(r)_0.y * z_$(c)_0
#for q in 1..J
                + k_$(r)_$q.y * z_$(c)_$q
#endfor
            ;
#endfor
#endfor
#endif
        }
#endfor
    }
    // Fewer than SG columns are left: every lane reads the same one.
    for (; j < split_end; j++) {
        let twice = select(1.0, 2.0, params.symmetric == 1u && j >= block_end);
#if D % 4 == 0
#for p in 0..D / 4
        let yv_$p = y[(j) * $(D / 4)u + $(p)u];
#endfor
#for c in 0..D
        let y_$c = yv_$(c / 4)[$(c % 4)];
#endfor
#else
#for c in 0..D
        let y_$c = y[(j) * $(D)u + $(c)u];
#endfor
#endif
#for r in 0..R
        var s_$r = 0.0;
#for c in 0..D
        let e_$(r)_$c = x_$(r)_$c - y_$c;
        s_$r += e_$(r)_$c * e_$(r)_$c;
#endfor
        let k_$r = radial(s_$r);
        v_$r += twice * k_$r.x;
#if GRADIENT == 1
        w_$r += k_$r.y;
#for c in 0..D
        g_$(r)_$c += k_$r.y * (y_$c - o_$c);
#endfor
#endif
#endfor
    }
#for r in 0..R
    {
        let i = block + $(r * SG)u + lane;
        if (i < params.row_end) {
            let at = group.y * params.n + i;
            value[at] = v_$r;
#if GRADIENT == 1
#for c in 0..D
            gradient[at * $(D)u + $(c)u] = w_$r * (x_$(r)_$c - o_$c) - g_$(r)_$c;
#endfor
#endif
        }
    }
#endfor
}
