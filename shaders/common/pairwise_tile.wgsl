// Pairwise sums through workgroup memory: 128 threads of R rows share tiles of TILE columns, padded to vec4 so that a
// column is read in as few instructions as there are. For d ≤ 8 the differences stay in registers until w is known.
const TILE = $(1024 / ((D + 3) / 4) / 64 * 64)u;
const VECTORS = $((D + 3) / 4)u;
const WIDTH = 128u;
var<workgroup> tile: array<vec4<f32>, $(1024 / ((D + 3) / 4) / 64 * 64 * ((D + 3) / 4))>;

#if GRADIENT == 1
@compute @workgroup_size(WIDTH)
fn rows(
#else
@compute @workgroup_size(WIDTH)
fn values(
#endif
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let block = params.row_begin + row_block(group.x, groups.x) * ($(R)u * WIDTH);
    let block_end = block + $(R)u * WIDTH;
#for r in 0..R
    let i_$r = min(block + $(r)u * WIDTH + lane, params.n - 1u);
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
    var j = select(split_begin, max(split_begin, block), params.symmetric == 1u);
    for (; j < split_end; j += TILE) {
        let count = min(TILE, split_end - j);
        workgroupBarrier();
        for (var t = lane; t < count * VECTORS; t += WIDTH) {
            let from_ = (j + t / VECTORS) * $(D)u + t % VECTORS * 4u;
            var column = vec4<f32>(y[from_], 0.0, 0.0, 0.0);
#for c in 1..4
            if (t % VECTORS * 4u + $(c)u < $(D)u) { column[$c] = y[from_ + $(c)u]; }
#endfor
            tile[t] = column;
        }
        workgroupBarrier();
        for (var q = 0u; q < count; q++) {
            let twice = select(1.0, 2.0, params.symmetric == 1u && j + q >= block_end);
#for p in 0..(D + 3) / 4
            let y_$p = tile[q * VECTORS + $(p)u];
#endfor
#for r in 0..R
            var s_$r = 0.0;
#for c in 0..D
            let e_$(r)_$c = x_$(r)_$c - y_$(c / 4)[$(c % 4)];
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
        let i = block + $(r)u * WIDTH + lane;
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
