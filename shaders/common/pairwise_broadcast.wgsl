// Pairwise sums, one subgroup a workgroup; a thread owns R rows and sees SG columns an iteration, J at a time. Distances
// are formed by differences. The gradient is w·(x − y) = (x − o)·Σw − Σ w·(y − o) with o near the rows: holding the differences
// until w is known would need J·D·R registers, and this is 1.5 to 4 times faster on llvmpipe (measured, d = 4 to 64).
//
// ROLL = 0 writes all out. ROLL = 1 is for many coordinates: compile time grows with the loads and stores in the text
// (linear_broadcast.wgsl), so they lie in loops whose rounds keep what they loaded under its name, and so do the columns of an iteration,
// J at a time. A shuffle from a lane that is known only at run time is one instruction at eight lanes from Mesa 24 on, and a loop before.
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
#if ROLL == 1
    // D, in words that no compiler sees through: it would write the loops out.
    let bound = min($(D)u, params.d);
#endif
#for r in 0..R
    let i_$r = min(block + $(r * SG)u + lane, params.n - 1u);
    var v_$r = 0.0;
#if ROLL == 1
#for c in 0..D
    var x_$(r)_$c = 0.0;
#endfor
#if D % 4 == 0
    for (var p = 0u; p < bound; p += 4u) {
        let loaded = x[(i_$r * $(D)u + p) / 4u];
#for c in 0..D
        x_$(r)_$c = select(x_$(r)_$c, loaded[$(c % 4)], p == $(c / 4 * 4)u);
#endfor
    }
#else
    for (var p = 0u; p < bound; p++) {
        let loaded = x[i_$r * $(D)u + p];
#for c in 0..D
        x_$(r)_$c = select(x_$(r)_$c, loaded, p == $(c)u);
#endfor
    }
#endif
#elif D % 4 == 0
#for p in 0..D / 4
    let x_$(r)v_$p = x[i_$r * $(D / 4)u + $(p)u];
#endfor
#for c in 0..D
    let x_$(r)_$c = x_$(r)v_$(c / 4)[$(c % 4)];
#endfor
#else
#for c in 0..D
    let x_$(r)_$c = x[i_$r * $(D)u + $(c)u];
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
#if ROLL == 1
    for (; j < split_end; j += $(SG)u) {
        // Past the end a column is read again, and does not count.
        let column = min(j + lane, split_end - 1u);
        let inside = select(0.0, 1.0, j + lane < split_end);
#else
    for (; j + $(SG)u <= split_end; j += $(SG)u) {
        let column = j + lane;
#endif
#if ROLL == 1
#for c in 0..D
        var y_$c = 0.0;
#endfor
#if D % 8 == 0
        for (var p = 0u; p < bound; p += 8u) {
            let even = y[(column * $(D)u + p) / 4u];
            let odd = y[(column * $(D)u + p) / 4u + 1u];
#for c in 0..D / 8
#for i in 0..4
            y_$(8 * c + i) = select(y_$(8 * c + i), even[$i], p == $(8 * c)u);
            y_$(8 * c + 4 + i) = select(y_$(8 * c + 4 + i), odd[$i], p == $(8 * c)u);
#endfor
#endfor
        }
#elif D % 4 == 0
        for (var p = 0u; p < bound; p += 4u) {
            let loaded = y[(column * $(D)u + p) / 4u];
#for c in 0..D
            y_$c = select(y_$c, loaded[$(c % 4)], p == $(c / 4 * 4)u);
#endfor
        }
#else
        for (var p = 0u; p < bound; p += 4u) {
#for i in 0..4
            let loaded_$i = y[column * $(D)u + min(p + $(i)u, $(D - 1)u)];
#endfor
#for c in 0..D
            y_$c = select(y_$c, loaded_$(c % 4), p == $(c / 4 * 4)u);
#endfor
        }
#endif
#elif D % 4 == 0
#for p in 0..D / 4
        let yv_$p = y[column * $(D / 4)u + $(p)u];
#endfor
#for c in 0..D
        let y_$c = yv_$(c / 4)[$(c % 4)];
#endfor
#else
#for c in 0..D
        let y_$c = y[column * $(D)u + $(c)u];
#endfor
#endif
#if GRADIENT == 1 && ROLL == 0
#for c in 0..D
        let z_$c = y_$c - o_$c;
#endfor
#endif
        let twice = select(1.0, 2.0, params.symmetric == 1u && j >= block_end);
#if ROLL == 1
        for (var h = 0u; h < $(SG)u; h += $(J)u) {
#endif
#for H in 0..BLOCKS
        {
#for r in 0..R
#for q in 0..J
            var s_$(r)_$q = 0.0;
#endfor
#endfor
#for c in 0..D
#for q in 0..J
#if ROLL == 1
            let y_$(c)_$q = subgroupShuffle(y_$c, h + $(q)u);
#else
            let y_$(c)_$q = subgroupBroadcast(y_$c, $(H * J + q)u);
#endif
#for r in 0..R
            let e_$(r)_$(c)_$q = x_$(r)_$c - y_$(c)_$q;
            s_$(r)_$q += e_$(r)_$(c)_$q * e_$(r)_$(c)_$q;
#endfor
#endfor
#endfor
#for r in 0..R
#for q in 0..J
#if ROLL == 1
            let k_$(r)_$q = subgroupShuffle(inside, h + $(q)u) * radial(s_$(r)_$q);
#else
            let k_$(r)_$q = radial(s_$(r)_$q);
#endif
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
#if ROLL == 1
            let z_$(c)_$q = y_$(c)_$q - o_$c;
#else
            let z_$(c)_$q = subgroupBroadcast(z_$c, $(H * J + q)u);
#endif
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
#if ROLL == 1
        }
#endif
    }
#if ROLL == 0
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
#endif
#for r in 0..R
    {
        let i = block + $(r * SG)u + lane;
        if (i < params.row_end) {
            let at = group.y * params.n + i;
            value[at] = v_$r;
#if GRADIENT == 1 && ROLL == 1
            for (var p = 0u; p < bound; p++) {
                var out = 0.0;
#for c in 0..D
                out = select(out, w_$r * (x_$(r)_$c - o_$c) - g_$(r)_$c, p == $(c)u);
#endfor
                gradient[at * $(D)u + p] = out;
            }
#elif GRADIENT == 1
#for c in 0..D
            gradient[at * $(D)u + $(c)u] = w_$r * (x_$(r)_$c - o_$c) - g_$(r)_$c;
#endfor
#endif
        }
    }
#endfor
}
