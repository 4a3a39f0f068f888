// Kantorovich's dual of optimal transport with its constraint f(x) + g(y) ≤ c(x, y) made soft (Seguy et al. 2018, eq. 5), which never
// stores the n×m matrix. For x (n×d) with f (n), y (m×d) with g (m), a cost c = ‖x − y‖^p and t_ij = fᵢ + gⱼ − c(xᵢ, yⱼ)
//   V = mean f + mean g − 1/(nm) Σᵢⱼ P(t_ij)        entropic: P = ε(e^(t/ε) − 1)        quadratic: P = max(t, 0)²/(4ε)
//   ∂V/∂fᵢ = 1/n − 1/(nm) Σⱼ P'(t_ij)               ∂V/∂xᵢ = 1/(nm) Σⱼ P'(t_ij) ∂c/∂xᵢ,   ∂c/∂x = p‖x − y‖^(p−2)(x − y), 0 where x = y.
// Group (row block, column split) writes its split's Σⱼ of P, of P' and of P' ∂c/∂x, up to factors that the host knows, and
// `pairwise_finish` adds the splits in a fixed order. t is symmetric: the gradients in g and y are the same pass with the roles of
// (x, f) and (y, g) swapped, as KeOps differentiates its reductions.
// Beyond t/ε = `knee` the entropic P goes on along its tangent: with untrained potentials nothing overflows, and the gradient
// stays bounded and pushes f and g down.
// Families as in pairwise.wgsl (SG is J where there are no subgroups); `wide` serves any dimension (D is not used), the gradient in chunks of 32 coordinates.
#axis FAMILY: tile broadcast register wide
#axis COST: square distance power
#axis SOFTNESS: entropic quadratic
#axis GRADIENT: 0 1
#axis D: 2
#axis R: 2
#axis J: 2
#axis SG: 4

struct Params {
    n: u32,
    m: u32,
    d: u32,
    columns: u32,                 // of y in one split
    row_begin: u32,               // of this dispatch
    row_end: u32,
    scale: f32,                   // of t, below: log₂e/ε (entropic, exponents are in base 2) or 1
    knee: f32,                    // of scale·t
    half: f32,                    // p/2
    slope: f32,                   // p
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;                       // n × d
@group(0) @binding(2) var<storage, read> y: array<f32>;                       // m × d
@group(0) @binding(3) var<storage, read> f: array<f32>;                       // n
@group(0) @binding(4) var<storage, read> g: array<f32>;                       // m
@group(0) @binding(5) var<storage, read_write> value: array<f32>;             // splits × n: Σ of P/ε + 1, or of 4ε·P
@group(0) @binding(6) var<storage, read_write> weight: array<f32>;            // splits × n: Σ of P', or of 2ε·P'
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;          // splits × n × d: the same with ∂c/∂x
#import common/transport_cost

// The potential of a column that does not count: finite, so that sums with it stay numbers.
const NOTHING = -1e30;
const LN_2 = 0.6931472;

// P and P' at t = z/scale, as the bindings have them.
fn softened(z: f32) -> vec2<f32> {
#if SOFTNESS == entropic
    // Not below 2⁻¹⁰⁰, so that what w is multiplied into is no subnormal number: processors take a hundred times as long over those.
    let w = exp2(clamp(z, -100.0, params.knee));
    return vec2<f32>(w + w * (LN_2 * max(z - params.knee, 0.0)), w);
#else
    let w = max(z, 0.0);
    return vec2<f32>(w * w, w);
#endif
}

#if FAMILY == tile
const WIDTH = 128u;
const SPAN = $(1024 / ((D + 4) / 4) / 64 * 64)u;
const VECTORS = $((D + 4) / 4)u;
// Each column with its potential as the coordinate after the last, padded to vec4.
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
fn rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#else
@compute @workgroup_size(64)
fn weights(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#endif
    let i = params.row_begin + group.x * WIDTH + lane;
    let row = min(i, params.n - 1u) * params.d;
    let v = params.scale * f[min(i, params.n - 1u)];
    var value_i = 0.0;
    var weight_i = 0.0;
#if GRADIENT == 1
    let chunk = group.z * 32u;
#for c in 0..32
    let c_$c = min(chunk + $(c)u, params.d - 1u);
    let x_$c = x[row + c_$c];
    var g_$c = 0.0;
#endfor
#endif
    let begin = group.y * params.columns;
    let end = min(begin + params.columns, params.m);
    for (var j = begin; j < end; j += SPAN) {
#for q in 0..J
        // Past the end a column is read again, and does not count.
        let j_$q = min(j + $(q)u, end - 1u);
        let u_$q = select(NOTHING, params.scale * g[j_$q], j + $(q)u < end);
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
        let k_$q = softened(v + u_$q - cost(s_$q));
        value_i += k_$q.x;
        weight_i += k_$q.y;
#if GRADIENT == 1
        let w_$q = k_$q.y * cost_slope(s_$q);
#for c in 0..32
        g_$c += w_$q * (x_$c - y[j_$q * params.d + c_$c]);
#endfor
#endif
#endfor
    }
    if (i < params.row_end) {
        let at = group.y * params.n + i;
        if (group.z == 0u) {
            value[at] = value_i;
            weight[at] = weight_i;
        }
#if GRADIENT == 1
#for c in 0..32
        if (chunk + $(c)u < params.d) { gradient[at * params.d + chunk + $(c)u] = g_$c; }
#endfor
#endif
    }
}
#else
#if GRADIENT == 1
@compute @workgroup_size(WIDTH)
fn rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#else
@compute @workgroup_size(WIDTH)
fn weights(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#endif
    let block = params.row_begin + group.x * ($(R)u * WIDTH);
#for r in 0..R
    let i_$r = min(block + $(r)u * WIDTH + lane, params.n - 1u);
    let v_$r = params.scale * f[i_$r];
    var value_$r = 0.0;
    var weight_$r = 0.0;
#for c in 0..D
    let x_$(r)_$c = x[i_$r * $(D)u + $(c)u];
#if GRADIENT == 1
    var g_$(r)_$c = 0.0;
#endif
#endfor
#endfor
    let begin = group.y * params.columns;
    let end = min(begin + params.columns, params.m);
    for (var j = begin; j < end; j += SPAN) {
#if FAMILY == broadcast
        // Past the end a column is read again, and does not count.
        let own = min(j + lane, end - 1u);
        let u = select(NOTHING, params.scale * g[own], j + lane < end);
#for c in 0..D
        let y_$c = y[own * $(D)u + $(c)u];
#endfor
#elif FAMILY == tile
        workgroupBarrier();
        for (var q = lane; q < SPAN; q += WIDTH) {
            let own = min(j + q, end - 1u);
            var column = vec4<f32>();
#for c in 0..D
            column[$(c % 4)] = y[own * $(D)u + $(c)u];
#if c % 4 == 3
            tile[q * VECTORS + $(c / 4)u] = column;
#endif
#endfor
            column[$(D % 4)] = select(NOTHING, params.scale * g[own], j + q < end);
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
            let j_$q = min(j + $(q)u, end - 1u);
            let u_$q = select(NOTHING, params.scale * g[j_$q], j + $(q)u < end);
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
                let k_$q = softened(v_$r + u_$q - cost(s_$q));
#endfor
                value_$r += k_0.x
#for q in 1..J
                    + k_$q.x
#endfor
                    ;
                weight_$r += k_0.y
#for q in 1..J
                    + k_$q.y
#endfor
                    ;
#if GRADIENT == 1
#for q in 0..J
                let w_$q = k_$q.y * cost_slope(s_$q);
#endfor
#for c in 0..D
                g_$(r)_$c += w_0 * e_$(c)_0
#for q in 1..J
                    + w_$q * e_$(c)_$q
#endfor
                    ;
#endfor
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
            value[at] = value_$r;
            weight[at] = weight_$r;
#if GRADIENT == 1
#for c in 0..D
            gradient[at * $(D)u + $(c)u] = g_$(r)_$c;
#endfor
#endif
        }
    }
#endfor
}
#endif
