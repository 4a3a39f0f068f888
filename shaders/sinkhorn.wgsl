// The soft minimum of entropic optimal transport, which never stores the n×m matrix: for x (n×d), y (m×d), a potential h and
// weights b on y, a cost c = ‖x − y‖^p and a regularisation ε (Feydy et al. 2019, eq. 8; Peyré & Cuturi 2019, §4.4)
//   f_i = −ε log Σⱼ bⱼ exp((hⱼ − c(xᵢ, yⱼ))/ε)
// and, where f is given on x, the gradient of the cost averaged over the plan that f and h make (envelope theorem):
//   gᵢ = Σⱼ bⱼ exp((fᵢ + hⱼ − c(xᵢ, yⱼ))/ε) ∂c(xᵢ, yⱼ)/∂xᵢ,     ∂c/∂x = p‖x − y‖^(p−2) (x − y), 0 where x = y.
// Exponents are in base 2: t = u − k·c with k = log₂e/ε and u = k·h + log₂ b. `soft_min` keeps a running maximum M and the sum
// S of 2^(t − M), one rescaling a block of J columns, and writes (M, S) a split; `combine` joins the splits in order:
//   f = blend·old + (1 − blend)·damping·(−(M + log₂ S)/k).
// Families as in pairwise.wgsl (SG is J where there are no subgroups); `wide` serves any dimension (D is not used), the gradient in chunks of 32 coordinates.
#axis FAMILY: tile broadcast register wide
#axis COST: square distance power
#axis GRADIENT: 0 1
#axis D: 2
#axis R: 2
#axis J: 2
#axis SG: 4
#import common/index

struct Params {
    n: u32,
    m: u32,
    d: u32,
    columns: u32,                 // of y in one split
    row_begin: u32,               // of this dispatch
    row_end: u32,
    splits: u32,
    scale: f32,                   // k
    half: f32,                    // p/2
    slope: f32,                   // p
    damping: f32,
    blend: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;                       // n × d
@group(0) @binding(2) var<storage, read> y: array<f32>;                       // m × d
@group(0) @binding(3) var<storage, read> h: array<f32>;                       // m
@group(0) @binding(4) var<storage, read> log_b: array<f32>;                   // m, base 2
@group(0) @binding(5) var<storage, read> f: array<f32>;                       // n: given (gradient), old (combine)
@group(0) @binding(6) var<storage, read_write> value: array<vec2<f32>>;       // splits × n: (M, S)
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;          // splits × n × d
@group(0) @binding(8) var<storage, read_write> out: array<f32>;               // n

// Stands for no mass: finite, so that differences of two stay numbers.
const NOTHING = -1e30;
#import common/transport_cost

// 2ᵗ; nothing beside 1 stays large enough for its products to be normal numbers, since processors take a hundred times as long over others.
fn power(t: f32) -> f32 {
    return exp2(clamp(t, -100.0, 126.0));
}

#if FAMILY == tile
const WIDTH = 128u;
const SPAN = $(1024 / ((D + 4) / 4) / 64 * 64)u;
const VECTORS = $((D + 4) / 4)u;
// Each column with its u as the coordinate after the last, padded to vec4.
var<workgroup> tile: array<vec4<f32>, $(1024 / ((D + 4) / 4) / 64 * 64 * ((D + 4) / 4))>;
#elif FAMILY == broadcast
const WIDTH = $(SG)u;
const SPAN = $(SG)u;
#else
const WIDTH = 64u;
const SPAN = $(J)u;
#endif

#if FAMILY == wide
#if GRADIENT == 1
@compute @workgroup_size(64)
fn plan_gradient(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#else
@compute @workgroup_size(64)
fn soft_min(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#endif
    let i = params.row_begin + group.x * WIDTH + lane;
    let row = min(i, params.n - 1u) * params.d;
#if GRADIENT == 1
    let v = params.scale * f[min(i, params.n - 1u)];
    let chunk = group.z * 32u;
#for c in 0..32
    let c_$c = min(chunk + $(c)u, params.d - 1u);
    let x_$c = x[row + c_$c];
    var g_$c = 0.0;
#endfor
#else
    var top = NOTHING;
    var sum = 0.0;
#endif
    let begin = group.y * params.columns;
    let end = min(begin + params.columns, params.m);
    for (var j = begin; j < end; j += $(J)u) {
#for q in 0..J
        // Past the end a column is read again, and has no mass.
        let j_$q = min(j + $(q)u, end - 1u);
        let u_$q = select(NOTHING, params.scale * h[j_$q] + log_b[j_$q], j + $(q)u < end);
        var s_$q = 0.0;
#endfor
        for (var c = 0u; c < params.d; c++) {
            let x_c = x[row + c];
#for q in 0..J
            let e_$q = x_c - y[j_$q * params.d + c];
            s_$q += e_$q * e_$q;
#endfor
        }
#for q in 0..J
        let t_$q = u_$q - cost(s_$q);
#endfor
#if GRADIENT == 1
#for q in 0..J
        let w_$q = power(t_$q + v) * cost_slope(s_$q);
#for c in 0..32
        g_$c += w_$q * (x_$c - y[j_$q * params.d + c_$c]);
#endfor
#endfor
#else
        var highest = top;
#for q in 0..J
        highest = max(highest, t_$q);
#endfor
        sum = sum * power(top - highest);
#for q in 0..J
        sum += power(t_$q - highest);
#endfor
        top = highest;
#endif
    }
    if (i < params.row_end) {
        let at = group.y * params.n + i;
#if GRADIENT == 1
#for c in 0..32
        if (chunk + $(c)u < params.d) { gradient[at * params.d + chunk + $(c)u] = g_$c; }
#endfor
#else
        value[at] = vec2<f32>(top, sum);
#endif
    }
}
#else
#if GRADIENT == 1
@compute @workgroup_size(WIDTH)
fn plan_gradient(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#else
@compute @workgroup_size(WIDTH)
fn soft_min(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#endif
    let block = params.row_begin + group.x * ($(R)u * WIDTH);
#for r in 0..R
    let i_$r = min(block + $(r)u * WIDTH + lane, params.n - 1u);
#for c in 0..D
    let x_$(r)_$c = x[i_$r * $(D)u + $(c)u];
#endfor
#if GRADIENT == 1
    let v_$r = params.scale * f[i_$r];
#for c in 0..D
    var g_$(r)_$c = 0.0;
#endfor
#else
    var top_$r = NOTHING;
    var sum_$r = 0.0;
#endif
#endfor
    let begin = group.y * params.columns;
    let end = min(begin + params.columns, params.m);
    for (var j = begin; j < end; j += SPAN) {
#if FAMILY == broadcast
        let own = min(j + lane, params.m - 1u);
        let u = select(NOTHING, params.scale * h[own] + log_b[own], j + lane < end);
#for c in 0..D
        let y_$c = y[own * $(D)u + $(c)u];
#endfor
#elif FAMILY == tile
        workgroupBarrier();
        for (var q = lane; q < SPAN; q += WIDTH) {
            let own = min(j + q, params.m - 1u);
            var column = vec4<f32>();
#for c in 0..D
            column[$(c % 4)] = y[own * $(D)u + $(c)u];
#if c % 4 == 3
            tile[q * VECTORS + $(c / 4)u] = column;
#endif
#endfor
            column[$(D % 4)] = select(NOTHING, params.scale * h[own] + log_b[own], j + q < end);
            tile[q * VECTORS + $(D / 4)u] = column;
        }
        workgroupBarrier();
#endif
        // J columns at a time: y_c_q with their u_q.
#for b in 0..SG / J
#if FAMILY == tile
        for (var at = 0u; at < min(SPAN, end - j); at += $(J)u) {
#else
        {
#endif
#for q in 0..J
#if FAMILY == broadcast
            let u_$q = subgroupBroadcast(u, $(b * J + q)u);
#for c in 0..D
            let y_$(c)_$q = subgroupBroadcast(y_$c, $(b * J + q)u);
#endfor
#elif FAMILY == tile
            let u_$q = tile[(at + $(q)u) * VECTORS + $(D / 4)u][$(D % 4)];
#for c in 0..D
            let y_$(c)_$q = tile[(at + $(q)u) * VECTORS + $(c / 4)u][$(c % 4)];
#endfor
#else
            // Past the end a column is read again, and has no mass.
            let j_$q = min(j + $(q)u, end - 1u);
            let u_$q = select(NOTHING, params.scale * h[j_$q] + log_b[j_$q], j + $(q)u < end);
#for c in 0..D
            let y_$(c)_$q = y[j_$q * $(D)u + $(c)u];
#endfor
#endif
#endfor
#for r in 0..R
                {
#for q in 0..J
                var s_$q = 0.0;
#for c in 0..D
                let e_$(c)_$q = x_$(r)_$c - y_$(c)_$q;
                s_$q += e_$(c)_$q * e_$(c)_$q;
#endfor
                let t_$q = u_$q - cost(s_$q);
#endfor
#if GRADIENT == 1
#for q in 0..J
                let w_$q = power(t_$q + v_$r) * cost_slope(s_$q);
#for c in 0..D
                g_$(r)_$c += w_$q * e_$(c)_$q;
#endfor
#endfor
#else
                var highest = top_$r;
#for q in 0..J
                highest = max(highest, t_$q);
#endfor
                sum_$r = sum_$r * power(top_$r - highest)
#for q in 0..J
                    + power(t_$q - highest)
#endfor
                    ;
                top_$r = highest;
#endif
            }
#endfor
        }
#endfor
    }
#for r in 0..R
    {
        let i = block + $(r)u * WIDTH + lane;
        if (i < params.row_end) {
            let at = group.y * params.n + i;
#if GRADIENT == 1
#for c in 0..D
            gradient[at * $(D)u + $(c)u] = g_$(r)_$c;
#endfor
#else
            value[at] = vec2<f32>(top_$r, sum_$r);
#endif
        }
    }
#endfor
}
#endif

#if GRADIENT == 0
@compute @workgroup_size(64)
fn combine(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    var top = NOTHING;
    for (var s = 0u; s < params.splits; s++) { top = max(top, value[s * params.n + i].x); }
    var sum = 0.0;
    for (var s = 0u; s < params.splits; s++) {
        let part = value[s * params.n + i];
        sum += part.y * power(part.x - top);
    }
    let soft = -(top + log2(sum)) / params.scale;
    out[i] = params.blend * f[i] + (1.0 - params.blend) * params.damping * soft;
}
#endif
