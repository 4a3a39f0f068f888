// Pairs of up to 64 coordinates, all written out. ROLL = 1 is for many of them on drivers whose compile time grows with the loads and stores in
// the text (linear/broadcast.wgsl): they lie in loops whose rounds keep what they loaded under its name, and so do the columns of a round, J at a
// time. A shuffle from a lane that is known only at run time is one instruction at eight lanes from Mesa 24 on, and a loop before.
#if FAMILY == tile
#let WIDTH = TILE_WIDTH
#let VECTORS = (D + POTENTIAL + 3) / 4
#let SPAN = 1024 / VECTORS / 4 * 4
// Columns, each with its number as the coordinate after the last, padded to vec4 so that they are read in as few instructions as there are.
var<workgroup> tile: array<vec4<f32>, $(SPAN * VECTORS)>;
#elif FAMILY == broadcast
#let WIDTH = SG
#endif
#if FAMILY != broadcast
#let CENTERED = 0
#let ROLL = 0
#endif

#if GRADIENT == 1
@compute @workgroup_size($WIDTH)
fn rows(
#else
@compute @workgroup_size($WIDTH)
fn values(
#endif
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let block = params.row_begin + row_block(group.x, groups.x) * $(WIDTH * R)u;
    let block_end = block + $(WIDTH * R)u;
#if ROLL == 1
    // D, in words that no compiler sees through: it would write the loops out.
    let bound = min($(D)u, params.d);
#endif
#if REDUCTION == log_sum
#for b in 0..RATES
    let rate_$b = rate($(b)u);
#endfor
#endif
#for r in 0..R
    let i_$r = min(block + $(r * WIDTH)u + lane, params.n - 1u);
#if REDUCTION == log_sum
    var top_$r = NOTHING;
#for b in 0..RATES
    var sum_$(r)_$b = 0.0;
#endfor
#else
    var sums_$r = vec2<f32>();
#endif
#if POTENTIAL == 1
    let v_$r = of_row(i_$r);
#else
    let v_$r = 0.0;
#endif
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
#elif FAMILY == broadcast && D % 4 == 0
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
#if GRADIENT == 1 && CENTERED == 1
#for c in 0..D
    let o_$c = subgroupAdd(x_0_$c) * (1.0 / $(WIDTH).0);
#endfor
#endif
    let begin = group.y * params.columns;
    let end = min(begin + params.columns, params.m);
    var j = first_column(begin, block);
#if FAMILY == tile
    while (j < end) {
        let first = j;
        let stop = min(j + $(SPAN)u, end);
        workgroupBarrier();
        for (var t = lane; t < (stop - first) * $(VECTORS)u; t += $(WIDTH)u) {
            let column = first + t / $(VECTORS)u;
            var four = vec4<f32>();
#for c in 0..4
            {
                let at = t % $(VECTORS)u * 4u + $(c)u;
                if (at < $(D)u) { four[$c] = y[column * $(D)u + at]; }
#if POTENTIAL == 1
                if (at == $(D)u) { four[$c] = of_column(column); }
#endif
            }
#endfor
            tile[t] = four;
        }
        workgroupBarrier();
#else
    let stop = end;
#endif
    // Part 0 takes whole blocks of J columns; part 1 what is left, one by one, and of `broadcast` every lane the same one.
#let PARTS = 2 - ROLL
#if J == 1 && FAMILY != broadcast
#let PARTS = 1
#endif
#for PART in 0..PARTS
#let Q = J - PART * (J - 1)
#if ROLL == 1
    for (; j < stop; j += $(WIDTH)u) {
        // Past the end a column is read again, and does not count.
        let column = min(j + lane, stop - 1u);
        let inside = select(0.0, 1.0, j + lane < stop);
#elif PART == 1
    for (; j < stop; j++) {
        let column = j;
#elif FAMILY == broadcast
    for (; j + $(WIDTH)u <= stop; j += $(WIDTH)u) {
        let column = j + lane;
#else
    for (; j + $(J)u <= stop; j += $(J)u) {
#endif
        let counts = times(j, block_end);
#if FAMILY == broadcast
#if POTENTIAL == 1
        let u = of_column(column);
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
#if GRADIENT == 1 && CENTERED == 1 && ROLL == 0
#for c in 0..D
        let z_$c = y_$c - o_$c;
#endfor
#endif
#endif
#if ROLL == 1
        for (var h = 0u; h < $(WIDTH)u; h += $(J)u) {
#endif
#let BLOCKS = 1
#if FAMILY == broadcast && ROLL == 0 && PART == 0
#let BLOCKS = WIDTH / J
#endif
#for H in 0..BLOCKS
        {
#for q in 0..Q
#if ROLL == 1
            let at_$q = h + $(q)u;
            let j_$q = j + at_$q;
#else
            let j_$q = j + $(H * J + q)u;
#endif
            // The number of column j_q.
#if POTENTIAL == 0
            let u_$q = 0.0;
#elif FAMILY == tile
            let u_$q = tile[(j_$q - first) * $(VECTORS)u + $(D / 4)u][$(D % 4)];
#elif FAMILY == register
            let u_$q = of_column(j_$q);
#elif ROLL == 1
            let u_$q = subgroupShuffle(u, at_$q);
#elif PART == 0
            let u_$q = subgroupBroadcast(u, $(H * J + q)u);
#else
            let u_$q = u;
#endif
#for r in 0..R
            var s_$(r)_$q = 0.0;
#endfor
#endfor
#for c in 0..D
#for q in 0..Q
#if FAMILY == tile
            let y_$(c)_$q = tile[(j_$q - first) * $(VECTORS)u + $(c / 4)u][$(c % 4)];
#elif FAMILY == register
            let y_$(c)_$q = y[j_$q * $(D)u + $(c)u];
#elif ROLL == 1
            let y_$(c)_$q = subgroupShuffle(y_$c, at_$q);
#elif PART == 0
            let y_$(c)_$q = subgroupBroadcast(y_$c, $(H * J + q)u);
#else
            let y_$(c)_$q = y_$c;
#endif
#for r in 0..R
            let e_$(r)_$(c)_$q = x_$(r)_$c - y_$(c)_$q;
            s_$(r)_$q += e_$(r)_$(c)_$q * e_$(r)_$(c)_$q;
#endfor
#endfor
#endfor
#for r in 0..R
#for q in 0..Q
#if ROLL == 0
            let k_$(r)_$q = phi(s_$(r)_$q, v_$r + u_$q, i_$r, j_$q);
#elif REDUCTION == log_sum
            let k_$(r)_$q = select(vec3<f32>(NOTHING, 0.0, 0.0), phi(s_$(r)_$q, v_$r + u_$q, i_$r, j_$q), subgroupShuffle(inside, at_$q) > 0.0);
#else
            let k_$(r)_$q = subgroupShuffle(inside, at_$q) * phi(s_$(r)_$q, v_$r + u_$q, i_$r, j_$q);
#endif
#endfor
#if REDUCTION == log_sum
            var highest_$r = top_$r;
#for q in 0..Q
            highest_$r = max(highest_$r, k_$(r)_$q.x);
#endfor
#for b in 0..RATES
            sum_$(r)_$b = sum_$(r)_$b * power(rate_$b * (top_$r - highest_$r))
#for q in 0..Q
                + power(rate_$b * (k_$(r)_$q.x - highest_$r))
#endfor
            ;
#endfor
            top_$r = highest_$r;
#else
            sums_$r += counts * (k_$(r)_0.xy
#for q in 1..Q
                + k_$(r)_$q.xy
#endfor
            );
#endif
#if GRADIENT == 1 && CENTERED == 1
            w_$r += k_$(r)_0.z
#for q in 1..Q
                + k_$(r)_$q.z
#endfor
            ;
#endif
#endfor
#if GRADIENT == 1
#for c in 0..D
#if CENTERED == 1
#for q in 0..Q
#if ROLL == 1 || PART == 1
            let z_$(c)_$q = y_$(c)_$q - o_$c;
#else
            let z_$(c)_$q = subgroupBroadcast(z_$c, $(H * J + q)u);
#endif
#endfor
#for r in 0..R
            g_$(r)_$c -= k_$(r)_0.z * z_$(c)_0
#for q in 1..Q
                + k_$(r)_$q.z * z_$(c)_$q
#endfor
            ;
#endfor
#else
#for r in 0..R
            g_$(r)_$c += k_$(r)_0.z * e_$(r)_$(c)_0
#for q in 1..Q
                + k_$(r)_$q.z * e_$(r)_$(c)_$q
#endfor
            ;
#endfor
#endif
#endfor
#endif
        }
#endfor
#if ROLL == 1
        }
#endif
    }
#endfor
#if FAMILY == tile
    }
#endif
#for r in 0..R
    {
        let i = block + $(r * WIDTH)u + lane;
        if (i < params.row_end) {
            let at = group.y * params.n + i;
#if REDUCTION == log_sum
#for b in 0..RATES
            put(at, $(b)u, vec2<f32>(top_$r, sum_$(r)_$b));
#endfor
#else
            put(at, 0u, sums_$r);
#endif
#if GRADIENT == 1
#for c in 0..D
#if CENTERED == 1
            let g_$c = w_$r * (x_$(r)_$c - o_$c) + g_$(r)_$c;
#else
            let g_$c = g_$(r)_$c;
#endif
#endfor
#if ROLL == 1
            for (var p = 0u; p < bound; p++) {
                var out = 0.0;
#for c in 0..D
                out = select(out, g_$c, p == $(c)u);
#endfor
                gradient[at * $(D)u + p] = out;
            }
#else
#for c in 0..D
            gradient[at * $(D)u + $(c)u] = g_$c;
#endfor
#endif
#endif
        }
    }
#endfor
}
