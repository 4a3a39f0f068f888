// Fourier statistics, one subgroup a workgroup: a lane loads one column (a sample, or a frequency), constant-lane
// broadcasts share it, J at a time, over the R rows of every thread.
#if COMPLEX == 1
@compute @workgroup_size($SG)
fn complex_statistics(
#else
@compute @workgroup_size($SG)
fn statistics(
#endif
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let first = params.begin + group.x * $(SG * R)u + lane;
#for r in 0..R
    let k_$r = min(first + $(r * SG)u, params.count - 1u);
    var cos_$r = 0.0;
    var sin_$r = 0.0;
    var square_$r = 0.0;
#for c in 0..D
    let b_$(r)_$c = PER_TURN * b[k_$r * $(D)u + $(c)u];
#if COMPLEX == 1
    let a_$(r)_$c = a[k_$r * $(D)u + $(c)u];
#endif
#endfor
#endfor
    let to = min((group.y + 1u) * params.block, params.n);
    var i = group.y * params.block;
    for (; i + $(SG)u <= to; i += $(SG)u) {
#for c in 0..D
        let x_$c = x[(i + lane) * $(D)u + $(c)u];
#endfor
#for h in 0..SG / J
        {
#for r in 0..R
#for q in 0..J
            var p_$(r)_$q = 0.0;
            var e_$(r)_$q = 0.0;
#endfor
#endfor
#for c in 0..D
#for q in 0..J
            let x_$(c)_$q = subgroupBroadcast(x_$c, $(h * J + q)u);
#for r in 0..R
            p_$(r)_$q += b_$(r)_$c * x_$(c)_$q;
#if COMPLEX == 1
            e_$(r)_$q += a_$(r)_$c * x_$(c)_$q;
#endif
#endfor
#endfor
#endfor
#for r in 0..R
#for q in 0..J
            let t_$(r)_$q = reduce_turns(p_$(r)_$q);
#if COMPLEX == 1
            let f_$(r)_$q = exp(clamp(e_$(r)_$q, -LIMIT, LIMIT));
#endif
#endfor
#if COMPLEX == 1
            cos_$r += f_$(r)_0 * cos_reduced(t_$(r)_0)
#for q in 1..J
                + f_$(r)_$q * cos_reduced(t_$(r)_$q)
#endfor
            ;
            sin_$r += f_$(r)_0 * sin_reduced(t_$(r)_0)
#for q in 1..J
                + f_$(r)_$q * sin_reduced(t_$(r)_$q)
#endfor
            ;
            square_$r += f_$(r)_0 * f_$(r)_0
#for q in 1..J
                + f_$(r)_$q * f_$(r)_$q
#endfor
            ;
#else
            cos_$r += cos_reduced(t_$(r)_0)
#for q in 1..J
                + cos_reduced(t_$(r)_$q)
#endfor
            ;
            sin_$r += sin_reduced(t_$(r)_0)
#for q in 1..J
                + sin_reduced(t_$(r)_$q)
#endfor
            ;
#endif
#endfor
        }
#endfor
    }
    // Fewer than SG samples are left: every lane reads the same one.
    for (; i < to; i++) {
#for r in 0..R
        var p_$r = 0.0;
        var e_$r = 0.0;
#for c in 0..D
        p_$r += b_$(r)_$c * x[i * $(D)u + $(c)u];
#if COMPLEX == 1
        e_$r += a_$(r)_$c * x[i * $(D)u + $(c)u];
#endif
#endfor
        let t_$r = reduce_turns(p_$r);
        let f_$r = exp(clamp(e_$r, -LIMIT, LIMIT));
        cos_$r += f_$r * cos_reduced(t_$r);
        sin_$r += f_$r * sin_reduced(t_$r);
        square_$r += f_$r * f_$r;
#endfor
    }
#for r in 0..R
    if (first + $(r * SG)u < params.end) {
        let at = group.y * 3u * params.count + first + $(r * SG)u;
        sums[at] = cos_$r;
        sums[at + params.count] = sin_$r;
#if COMPLEX == 1
        sums[at + 2u * params.count] = square_$r;
#else
        sums[at + 2u * params.count] = f32(to - min(group.y * params.block, to));
#endif
    }
#endfor
}

#if COMPLEX == 1
@compute @workgroup_size($SG)
fn complex_backward(
#else
@compute @workgroup_size($SG)
fn backward(
#endif
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let first = params.begin + group.x * $(SG * R)u + lane;
#for r in 0..R
#for c in 0..D
    let x_$(r)_$c = x[min(first + $(r * SG)u, params.n - 1u) * $(D)u + $(c)u];
    var g_$(r)_$c = 0.0;
#endfor
#endfor
    let to = min((group.y + 1u) * params.block, params.count);
    var k = group.y * params.block;
    for (; k + $(SG)u <= to; k += $(SG)u) {
#for c in 0..D
        let b_$c = b[(k + lane) * $(D)u + $(c)u];
        let turns_$c = PER_TURN * b_$c;
#if COMPLEX == 1
        let a_$c = a[(k + lane) * $(D)u + $(c)u];
#endif
#endfor
        let size = coefficient[k + lane];
        let angle = coefficient[params.count + k + lane];
#if COMPLEX == 1
        let own = coefficient[2u * params.count + k + lane];
#endif
#for h in 0..SG / J
        {
#for q in 0..J
            let angle_$q = subgroupBroadcast(angle, $(h * J + q)u);
            let size_$q = subgroupBroadcast(size, $(h * J + q)u);
#if COMPLEX == 1
            let own_$q = subgroupBroadcast(own, $(h * J + q)u);
#endif
#for r in 0..R
            var p_$(r)_$q = angle_$q;
            var e_$(r)_$q = 0.0;
#endfor
#endfor
#for c in 0..D
#for q in 0..J
            let turns_$(c)_$q = subgroupBroadcast(turns_$c, $(h * J + q)u);
#if COMPLEX == 1
            let a_$(c)_$q = subgroupBroadcast(a_$c, $(h * J + q)u);
#endif
#for r in 0..R
            p_$(r)_$q += x_$(r)_$c * turns_$(c)_$q;
#if COMPLEX == 1
            e_$(r)_$q += x_$(r)_$c * a_$(c)_$q;
#endif
#endfor
#endfor
#endfor
#for r in 0..R
#for q in 0..J
            let t_$(r)_$q = reduce_turns(p_$(r)_$q);
#if COMPLEX == 1
            let f_$(r)_$q = exp(clamp(e_$(r)_$q, -LIMIT, LIMIT));
            let free_$(r)_$q = select(0.0, f_$(r)_$q, abs(e_$(r)_$q) <= LIMIT);
            let w_$(r)_$q = size_$q * f_$(r)_$q * cos_reduced(t_$(r)_$q);
            let v_$(r)_$q = free_$(r)_$q * (size_$q * sin_reduced(t_$(r)_$q) - own_$q * f_$(r)_$q);
#else
            let w_$(r)_$q = size_$q * cos_reduced(t_$(r)_$q);
#endif
#endfor
#endfor
#for c in 0..D
#for q in 0..J
            let b_$(c)_$q = subgroupBroadcast(b_$c, $(h * J + q)u);
#endfor
#for r in 0..R
            g_$(r)_$c += w_$(r)_0 * b_$(c)_0
#for q in 1..J
                + w_$(r)_$q * b_$(c)_$q
#endfor
#if COMPLEX == 1
#for q in 0..J
                + v_$(r)_$q * a_$(c)_$q
#endfor
#endif
            ;
#endfor
#endfor
        }
#endfor
    }
    for (; k < to; k++) {
#for r in 0..R
        var p_$r = coefficient[params.count + k];
        var e_$r = 0.0;
#for c in 0..D
        p_$r += x_$(r)_$c * (PER_TURN * b[k * $(D)u + $(c)u]);
#if COMPLEX == 1
        e_$r += x_$(r)_$c * a[k * $(D)u + $(c)u];
#endif
#endfor
        let t_$r = reduce_turns(p_$r);
        let f_$r = exp(clamp(e_$r, -LIMIT, LIMIT));
        let w_$r = coefficient[k] * f_$r * cos_reduced(t_$r);
#if COMPLEX == 1
        let free_$r = select(0.0, f_$r, abs(e_$r) <= LIMIT);
        let v_$r = free_$r * (coefficient[k] * sin_reduced(t_$r) - coefficient[2u * params.count + k] * f_$r);
#endif
#for c in 0..D
        g_$(r)_$c += w_$r * b[k * $(D)u + $(c)u];
#if COMPLEX == 1
        g_$(r)_$c += v_$r * a[k * $(D)u + $(c)u];
#endif
#endfor
#endfor
    }
#for r in 0..R
    if (first + $(r * SG)u < params.end) {
#for c in 0..D
        gradient[(group.y * params.n + first + $(r * SG)u) * $(D)u + $(c)u] = g_$(r)_$c;
#endfor
    }
#endfor
}
