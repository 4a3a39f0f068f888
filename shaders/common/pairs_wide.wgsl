// Pairs of any number of coordinates: a thread owns one row and sees Q columns at a time. group.z is a chunk of the gradient's coordinates, and
// every chunk forms the distances again.
#if FAMILY == wide_broadcast
// One subgroup a workgroup, and a lane loads one of Q columns.
#let WIDTH = SG
#let Q = SG
#let CHUNK = BROADCAST_CHUNK
#else
#let Q = 4
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
    let block = params.row_begin + row_block(group.x, groups.x) * $(WIDTH)u;
    let block_end = block + $(WIDTH)u;
    let i = min(block + lane, params.n - 1u);
    let row = i * params.d;
#if ROLL == 1
    // CHUNK, in words that no compiler sees through: it would write the loops out.
    let bound = min($(CHUNK)u, params.d);
#endif
#if REDUCTION == log_sum
#for b in 0..RATES
    let rate_$b = rate($(b)u);
#endfor
    var top = NOTHING;
#for b in 0..RATES
    var sum_$b = 0.0;
#endfor
#else
    var sums = vec2<f32>();
#endif
#if POTENTIAL == 1
    let v = of_row(i);
#else
    let v = 0.0;
#endif
#if GRADIENT == 1
#if CENTERED == 1
    var w = 0.0;
#endif
    let chunk = group.z * $(CHUNK)u;
#if ROLL == 1
#for c in 0..CHUNK
    var x_$c = 0.0;
#endfor
    for (var p = 0u; p < bound; p++) {
        let loaded = x[row + min(chunk + p, params.d - 1u)];
#for c in 0..CHUNK
        x_$c = select(x_$c, loaded, p == $(c)u);
#endfor
    }
#else
#for c in 0..CHUNK
    let c_$c = min(chunk + $(c)u, params.d - 1u);
    let x_$c = x[row + c_$c];
#endfor
#endif
#for c in 0..CHUNK
    var g_$c = 0.0;
#if CENTERED == 1
    let o_$c = subgroupAdd(x_$c) * (1.0 / $(SG).0);
#endif
#endfor
#endif
    let begin = group.y * params.columns;
    let end = min(begin + params.columns, params.m);
    for (var j = first_column(begin, block); j < end; j += $(Q)u) {
        // Past the end a column is read again, and does not count.
#if FAMILY == wide_broadcast
        let column = min(j + lane, end - 1u);
        let y_row = column * params.d;
#if POTENTIAL == 1
        let u = of_column(column);
#endif
#endif
#for q in 0..Q
        let j_$q = min(j + $(q)u, end - 1u);
        var s_$q = 0.0;
#if POTENTIAL == 0
        let u_$q = 0.0;
#elif FAMILY == wide_broadcast
        let u_$q = subgroupBroadcast(u, $(q)u);
#else
        let u_$q = of_column(j_$q);
#endif
#endfor
        var c = 0u;
#if ROLL == 1
        for (; c < params.d; c += 4u) {
#for p in 0..4
            // Past the last coordinate both are 0.
            let own_$p = select(0.0, 1.0, c + $(p)u < params.d);
            let x_c_$p = own_$p * x[row + min(c + $(p)u, params.d - 1u)];
            let y_c_$p = own_$p * y[y_row + min(c + $(p)u, params.d - 1u)];
#endfor
#for p in 0..4
#for q in 0..Q
            let e_$(p)_$q = x_c_$p - subgroupBroadcast(y_c_$p, $(q)u);
            s_$q += e_$(p)_$q * e_$(p)_$q;
#endfor
#endfor
        }
#elif FAMILY == wide_broadcast
        for (; c + 8u <= params.d; c += 8u) {
#for p in 0..8
            let x_c_$p = x[row + c + $(p)u];
            let y_c_$p = y[y_row + c + $(p)u];
#endfor
#for p in 0..8
#for q in 0..Q
            let e_$(p)_$q = x_c_$p - subgroupBroadcast(y_c_$p, $(q)u);
            s_$q += e_$(p)_$q * e_$(p)_$q;
#endfor
#endfor
        }
#endif
#if ROLL == 0
        for (; c < params.d; c++) {
            let x_c = x[row + c];
#if FAMILY == wide_broadcast
            let y_c = y[y_row + c];
#endif
#for q in 0..Q
#if FAMILY == wide_broadcast
            let e_$q = x_c - subgroupBroadcast(y_c, $(q)u);
#else
            let e_$q = x_c - y[j_$q * params.d + c];
#endif
            s_$q += e_$q * e_$q;
#endfor
        }
#endif
#for q in 0..Q
        let inside_$q = j + $(q)u < end;
#if REDUCTION == log_sum
        let k_$q = select(vec3<f32>(NOTHING, 0.0, 0.0), phi(s_$q, v + u_$q, i, j_$q), inside_$q);
#else
        let k_$q = select(vec3<f32>(), phi(s_$q, v + u_$q, i, j_$q), inside_$q);
#endif
#endfor
#if REDUCTION == log_sum
        var highest = top;
#for q in 0..Q
        highest = max(highest, k_$q.x);
#endfor
#for b in 0..RATES
        sum_$b = sum_$b * power(rate_$b * (top - highest))
#for q in 0..Q
            + power(rate_$b * (k_$q.x - highest))
#endfor
        ;
#endfor
        top = highest;
#else
#for q in 0..Q
        sums += times(j + $(q)u, block_end) * k_$q.xy;
#endfor
#endif
#if GRADIENT == 1
#if CENTERED == 1
        w += k_0.z
#for q in 1..Q
            + k_$q.z
#endfor
        ;
#endif
#if ROLL == 1
#for c in 0..CHUNK
        var y_$c = 0.0;
#endfor
        for (var p = 0u; p < bound; p += 8u) {
#for i in 0..8
            let loaded_$i = y[y_row + min(chunk + p + $(i)u, params.d - 1u)];
#endfor
#for c in 0..CHUNK
            y_$c = select(y_$c, loaded_$(c % 8), p == $(c / 8 * 8)u);
#endfor
        }
#endif
#for c in 0..CHUNK
        {
#if FAMILY == wide_broadcast
#if ROLL == 0
            let y_$c = y[y_row + c_$c];
#endif
#if CENTERED == 1
            let z = y_$c - o_$c;
            g_$c -= k_0.z * subgroupBroadcast(z, 0u)
#for q in 1..Q
                + k_$q.z * subgroupBroadcast(z, $(q)u)
#endfor
            ;
#else
            let z = y_$c;
            g_$c += k_0.z * (x_$c - subgroupBroadcast(z, 0u))
#for q in 1..Q
                + k_$q.z * (x_$c - subgroupBroadcast(z, $(q)u))
#endfor
            ;
#endif
#else
            g_$c += k_0.z * (x_$c - y[j_0 * params.d + c_$c])
#for q in 1..Q
                + k_$q.z * (x_$c - y[j_$q * params.d + c_$c])
#endfor
            ;
#endif
        }
#endfor
#endif
    }
    if (block + lane < params.row_end) {
        let at = group.y * params.n + block + lane;
#if GRADIENT == 1
        if (group.z == 0u) { put(at, 0u, sums); }
#for c in 0..CHUNK
#if CENTERED == 1
        let out_$c = w * (x_$c - o_$c) + g_$c;
#else
        let out_$c = g_$c;
#endif
#if ROLL == 0
        if (chunk + $(c)u < params.d) { gradient[at * params.d + chunk + $(c)u] = out_$c; }
#endif
#endfor
#if ROLL == 1
        for (var p = 0u; p < min(bound, params.d - chunk); p++) {
            var out = 0.0;
#for c in 0..CHUNK
            out = select(out, out_$c, p == $(c)u);
#endfor
            gradient[at * params.d + chunk + p] = out;
        }
#endif
#elif REDUCTION == log_sum
#for b in 0..RATES
        put(at, $(b)u, vec2<f32>(top, sum_$b));
#endfor
#else
        put(at, 0u, sums);
#endif
    }
}
