// Fourier statistics without barrier or subgroup: every thread reads each column itself (all threads the same one, so a
// cache serves them), in runs of at most 4,096 so that no loop is long. `wide` keeps its own row in memory too, and forms 32
// coordinates of the gradient at a time (group.z).
#if FAMILY == wide
fn turns(k: u32, i: u32) -> f32 {
    var p = 0.0;
    for (var c = 0u; c < params.d; c++) { p += (PER_TURN * b[k * params.d + c]) * x[i * params.d + c]; }
    return p;
}

fn exponent(k: u32, i: u32) -> f32 {
    var e = 0.0;
#if COMPLEX == 1
    for (var c = 0u; c < params.d; c++) { e += a[k * params.d + c] * x[i * params.d + c]; }
#endif
    return e;
}
#endif

#if COMPLEX == 1
@compute @workgroup_size($OWN_WIDTH)
fn complex_statistics(
#else
@compute @workgroup_size($OWN_WIDTH)
fn statistics(
#endif
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let own = params.begin + group.x * $(OWN_WIDTH)u + lane;
    let k = min(own, params.count - 1u);
#if FAMILY == register
#for c in 0..D
    let b_$c = PER_TURN * b[k * $(D)u + $(c)u];
#if COMPLEX == 1
    let a_$c = a[k * $(D)u + $(c)u];
#endif
#endfor
#endif
    var cosine = 0.0;
    var sine = 0.0;
    var square = 0.0;
    let to = min((group.y + 1u) * params.block, params.n);
    for (var run = group.y * params.block; run < to; run += 4096u) {
        // A run's sum on its own keeps long sums accurate.
        var run_cosine = 0.0;
        var run_sine = 0.0;
        var run_square = 0.0;
        for (var i = run; i < min(run + 4096u, to); i++) {
#if FAMILY == register
            var p = 0.0;
            var e = 0.0;
#for c in 0..D
            p += b_$c * x[i * $(D)u + $(c)u];
#if COMPLEX == 1
            e += a_$c * x[i * $(D)u + $(c)u];
#endif
#endfor
#else
            let p = turns(k, i);
            let e = exponent(k, i);
#endif
            let t = reduce_turns(p);
#if COMPLEX == 1
            let f = exp(clamp(e, -LIMIT, LIMIT));
            run_cosine += f * cos_reduced(t);
            run_sine += f * sin_reduced(t);
            run_square += f * f;
#else
            run_cosine += cos_reduced(t);
            run_sine += sin_reduced(t);
            run_square += 1.0;
#endif
        }
        cosine += run_cosine;
        sine += run_sine;
        square += run_square;
    }
    if (own < params.end) {
        let at = group.y * 3u * params.count + own;
        sums[at] = cosine;
        sums[at + params.count] = sine;
        sums[at + 2u * params.count] = square;
    }
}

#if COMPLEX == 1
@compute @workgroup_size($OWN_WIDTH)
fn complex_backward(
#else
@compute @workgroup_size($OWN_WIDTH)
fn backward(
#endif
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let own = params.begin + group.x * $(OWN_WIDTH)u + lane;
    let i = min(own, params.n - 1u);
#if FAMILY == register
#for c in 0..D
    let x_$c = x[i * $(D)u + $(c)u];
    var g_$c = 0.0;
#endfor
#else
#for c in 0..CHUNK
    let c_$c = min(group.z * $(CHUNK)u + $(c)u, params.d - 1u);
    var g_$c = 0.0;
#endfor
#endif
    let to = min((group.y + 1u) * params.block, params.count);
    for (var k = group.y * params.block; k < to; k++) {
#if FAMILY == register
        var p = 0.0;
        var e = 0.0;
#for c in 0..D
        let b_$c = b[k * $(D)u + $(c)u];
        p += x_$c * (PER_TURN * b_$c);
#if COMPLEX == 1
        let a_$c = a[k * $(D)u + $(c)u];
        e += x_$c * a_$c;
#endif
#endfor
#else
        let p = turns(k, i);
        let e = exponent(k, i);
#endif
        let t = reduce_turns(p + coefficient[params.count + k]);
#if COMPLEX == 1
        let f = exp(clamp(e, -LIMIT, LIMIT));
        let w = coefficient[k] * f * cos_reduced(t);
        let free = select(0.0, f, abs(e) <= LIMIT);
        let v = free * (coefficient[k] * sin_reduced(t) - coefficient[2u * params.count + k] * f);
#else
        let w = coefficient[k] * cos_reduced(t);
#endif
#if FAMILY == register
#for c in 0..D
        g_$c += w * b_$c;
#if COMPLEX == 1
        g_$c += v * a_$c;
#endif
#endfor
#else
#for c in 0..CHUNK
        g_$c += w * b[k * params.d + c_$c];
#if COMPLEX == 1
        g_$c += v * a[k * params.d + c_$c];
#endif
#endfor
#endif
    }
    if (own < params.end) {
#if FAMILY == register
#for c in 0..D
        gradient[(group.y * params.n + own) * $(D)u + $(c)u] = g_$c;
#endfor
#else
#for c in 0..CHUNK
        if (group.z * $(CHUNK)u + $(c)u < params.d) { gradient[(group.y * params.n + own) * params.d + c_$c] = g_$c; }
#endfor
#endif
    }
}
