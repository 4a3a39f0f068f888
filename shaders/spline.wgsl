// The monotone rational-quadratic transform of a coupling or autoregressive layer (Durkan et al. 2019, §3.1, eqs. 4–8; Gregory & Delbourgo 1982).
// Of the d columns of a row some are kept; the m others each pass a spline of K bins on [−B, B] that a network gave by 3K − 1 numbers
// a: K widths, K heights, K − 1 slopes at the inner knots. Outside the line is y = x, and the slopes at ±B are 1.
//   w_i = 2B·(µ + (1 − Kµ)·softmax(a_w)_i)   h_i = the same of a_h   d_i = ν + softplus(a_d + κ), κ such that a = 0 gives d = 1
//   x_i = −B + Σ_{j<i} w_j,  y_i = −B + Σ_{j<i} h_j;  all a = 0: the identity.
// In bin i, with ξ = (x − x_i)/w, s = h/w, q = ξ(1 − ξ), r = 1 − ξ, and the slopes d, e at its ends, β = d + e − 2s:
//   N = sξ² + dq     D = s + βq     M = eξ² + 2sq + dr²
//   y = y_i + h·N/D      f' = s²·M/D²      l = l₀ + Σ ln f'
// Back: ξ = 2c/(−b − √(b² − 4ac)), a = h(s − d) + (y − y_i)β, b = h·d − (y − y_i)β, c = −s(y − y_i): the root that does not cancel.
// Gradients for cotangents g of y and λ of ln f':
//   by ξ   g·h(N_ξD − N·D_ξ)/D² + λ(M_ξ/M − 2D_ξ/D)      N_ξ = 2sξ + d(1 − 2ξ), D_ξ = β(1 − 2ξ), M_ξ = 2eξ + 2s(1 − 2ξ) − 2dr
//   by s   g·h(ξ²D − N(1 − 2q))/D² + λ(2/s + 2q/M − 2(1 − 2q)/D)
//   by d   g·h·q(D − N)/D² + λ(r²/M − 2q/D)              by e   −g·h·N·q/D² + λ(ξ²/M − 2q/D)
//   and through ξ and s: by x  G_ξ/w, by x_i  −G_ξ/w, by y_i  g, by w  −(G_ξ·ξ + G_s·s)/w, by h  G_s/w + g·N/D.
//   A width of a bin before the i-th moves x_i, and so on: with G the gradient by widths, d_a = 2B(1 − Kµ)·p·(G − Σ_j G_j·p_j), p the softmax.
// The backward pass, cotangents g of x and −λ of ln f' (l takes it off): with G = g − λ·∂ln f'/∂x, d_y = G/f', and the rest as above for the
// cotangents −G/f' of y and −λ of ln f' (the implicit function theorem).
// One invocation a row. Numbers are read once and bins unrolled: a software adapter pays for every load and store of a lane alike, and runs through both
// sides of a condition, but not through a loop that no lane enters (so kept columns are passed in a loop of their own).
// Measured on one (1024 rows of two columns, 8 bins, forward and backward): 0.32 ms, and 1.6 ms with loops over bins that read numbers as they went.
#import common/index
#import common/exponentials
#import common/direction
#axis K: 2..=32 as 3

struct Params { n: u32, d: u32, m: u32, reach: f32, accumulate_in: u32, accumulate_raw: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> given: array<f32>;           // n × d: x, or y in the inverse direction
@group(0) @binding(2) var<storage, read> raw: array<f32>;             // n × (3K − 1)m, column after column
@group(0) @binding(3) var<storage, read> roles: array<u32>;           // d
@group(0) @binding(4) var<storage, read> before: array<f32>;          // n: l₀
@group(0) @binding(5) var<storage, read_write> out: array<f32>;       // n × d
@group(0) @binding(6) var<storage, read_write> log_det: array<f32>;   // n
@group(0) @binding(7) var<storage, read> d_out: array<f32>;           // n × d
@group(0) @binding(8) var<storage, read> d_log_det: array<f32>;       // n
@group(0) @binding(9) var<storage, read_write> d_given: array<f32>;   // n × d
@group(0) @binding(10) var<storage, read_write> d_raw: array<f32>;    // n × (3K − 1)m

const LEAST = 1e-3;                   // µ, and ν
const FLAT = 0.53974242;              // κ = ln(e^{1−ν} − 1)
const NUMBERS = $(3 * K - 1)u;

// A bin: where it is, and what the softmaxes gave all bins.
struct Bin {
    index: u32, x: f32, y: f32, w: f32, h: f32, d: f32, e: f32,
    p_w: array<f32, $K>, p_h: array<f32, $K>,
}

fn slope(a: f32) -> f32 {
    let u = a + FLAT;
    return LEAST + max(u, 0.0) + log_one_plus(exp(max(-abs(u), -87.0)));
}

// The bin that holds `value`, of the 3K − 1 numbers from `at` on.
fn bin_of(value: f32, at: u32) -> Bin {
    var bin = Bin();
#for I in 0..$K
    bin.p_w[$I] = raw[at + $(I)u];
    bin.p_h[$I] = raw[at + $(K + I)u];
#endfor
    var top_w = bin.p_w[0];
    var top_h = bin.p_h[0];
#for I in 1..$K
    top_w = max(top_w, bin.p_w[$I]);
    top_h = max(top_h, bin.p_h[$I]);
#endfor
    var sum_w = 0.0;
    var sum_h = 0.0;
#for I in 0..$K
    bin.p_w[$I] = exp(max(bin.p_w[$I] - top_w, -87.0));
    bin.p_h[$I] = exp(max(bin.p_h[$I] - top_h, -87.0));
    sum_w += bin.p_w[$I];
    sum_h += bin.p_h[$I];
#endfor
    let span = 2.0 * params.reach;
    let shared_part = 1.0 - f32($K) * LEAST;
    let per_w = 1.0 / sum_w;
    let per_h = 1.0 / sum_h;
    var x = -params.reach;
    var y = -params.reach;
    // The last bin that begins at or below the value.
#for I in 0..$K
    {
        bin.p_w[$I] *= per_w;
        bin.p_h[$I] *= per_h;
        let w = span * (LEAST + shared_part * bin.p_w[$I]);
        let h = span * (LEAST + shared_part * bin.p_h[$I]);
#if I == 0
        let begun = true;
#elif DIRECTION == forward
        let begun = value >= x;
#else
        let begun = value >= y;
#endif
        bin.index = select(bin.index, $(I)u, begun);
        bin.x = select(bin.x, x, begun);
        bin.y = select(bin.y, y, begun);
        bin.w = select(bin.w, w, begun);
        bin.h = select(bin.h, h, begun);
        x += w;
        y += h;
    }
#endfor
    let knot = at + $(2 * K)u + bin.index;
    bin.d = select(slope(raw[max(knot, at + $(2 * K + 1)u) - 1u]), 1.0, bin.index == 0u);
    bin.e = select(slope(raw[min(knot, at + NUMBERS - 1u)]), 1.0, bin.index == $(K - 1)u);
    return bin;
}

// Where in its bin a value lies, from 0 to 1.
fn place(bin: Bin, value: f32) -> f32 {
#if DIRECTION == forward
    return clamp((value - bin.x) / bin.w, 0.0, 1.0);
#else
    let s = bin.h / bin.w;
    let rise = clamp(value - bin.y, 0.0, bin.h);
    let bend = rise * (bin.d + bin.e - 2.0 * s);
    let a = bin.h * (s - bin.d) + bend;
    let b = bin.h * bin.d - bend;
    let c = -s * rise;
    return clamp(2.0 * c / (-b - sqrt(max(b * b - 4.0 * a * c, 0.0))), 0.0, 1.0);
#endif
}

@compute @workgroup_size(64)
fn apply(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    var sum = 0.0;
    var j = 0u;
    loop {
        while (j < params.d && roles[j] >= params.m) {
            out[i * params.d + j] = given[i * params.d + j];
            j++;
        }
        if (j >= params.d) { break; }
        var value = given[i * params.d + j];
        if (abs(value) < params.reach) {
            let bin = bin_of(value, (i * params.m + roles[j]) * NUMBERS);
            let xi = place(bin, value);
            let s = bin.h / bin.w;
            let q = xi * (1.0 - xi);
            let below = s + (bin.d + bin.e - 2.0 * s) * q;
            let above = bin.e * xi * xi + 2.0 * s * q + bin.d * (1.0 - xi) * (1.0 - xi);
            let root = s / below;
            sum += log(root * root * above);
#if DIRECTION == forward
            value = bin.y + bin.h * (s * xi * xi + bin.d * q) / below;
#else
            value = bin.x + bin.w * xi;
#endif
        }
        out[i * params.d + j] = value;
        j++;
    }
#if DIRECTION == forward
    log_det[i] = before[i] + sum;
#else
    log_det[i] = before[i] - sum;
#endif
}

fn give(at: u32, value: f32) {
    if (params.accumulate_raw != 0u) { d_raw[at] += value; } else { d_raw[at] = value; }
}

fn give_value(at: u32, value: f32) {
    if (params.accumulate_in != 0u) { d_given[at] += value; } else { d_given[at] = value; }
}

@compute @workgroup_size(64)
fn backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    let scale = 2.0 * params.reach * (1.0 - f32($K) * LEAST);
    var j = 0u;
    loop {
        while (j < params.d && roles[j] >= params.m) {
            give_value(i * params.d + j, d_out[i * params.d + j]);
            j++;
        }
        if (j >= params.d) { break; }
        let value = given[i * params.d + j];
        let inside = abs(value) < params.reach;
        let at = (i * params.m + roles[j]) * NUMBERS;
        // Of a value outside, the gradients that are found here are of the end that it is held to, and are dropped.
        let held = clamp(value, -params.reach, params.reach);
        let bin = bin_of(held, at);
        let xi = place(bin, held);
        let r = 1.0 - xi;
        let turn = 1.0 - 2.0 * xi;
        let s = bin.h / bin.w;
        let q = xi * r;
        let beta = bin.d + bin.e - 2.0 * s;
        let top = s * xi * xi + bin.d * q;
        let below = s + beta * q;
        let above = bin.e * xi * xi + 2.0 * s * q + bin.d * r * r;
        let of_below = beta * turn;
        let lift = bin.h / (below * below);
        let y_xi = lift * ((2.0 * s * xi + bin.d * turn) * below - top * of_below);
        let l_xi = (2.0 * bin.e * xi + 2.0 * s * turn - 2.0 * bin.d * r) / above - 2.0 * of_below / below;
        let d_value = d_out[i * params.d + j];
        var g = d_value;
        var lambda = d_log_det[i];
#if DIRECTION == inverse
        // y_xi = f'·w.
        let moved = (d_value - lambda * l_xi / bin.w) * bin.w / y_xi;
        g = -moved;
        lambda = -lambda;
#endif
        let g_xi = g * y_xi + lambda * l_xi;
#if DIRECTION == forward
        let moved = g_xi / bin.w;
#endif
        let g_s = g * lift * (xi * xi * below - top * (1.0 - 2.0 * q))
            + lambda * (2.0 / s + 2.0 * q / above - 2.0 * (1.0 - 2.0 * q) / below);
        let g_d = g * lift * q * (below - top) + lambda * (r * r / above - 2.0 * q / below);
        let g_e = -g * lift * top * q + lambda * (xi * xi / above - 2.0 * q / below);
        let g_w = -(g_xi * xi + g_s * s) / bin.w;
        let g_h = g_s / bin.w + g * top / below;
        let g_x = -g_xi / bin.w;
        var by_w: array<f32, $K>;
        var by_h: array<f32, $K>;
        var mean_w = 0.0;
        var mean_h = 0.0;
#for I in 0..$K
        by_w[$I] = select(select(0.0, g_w, $(I)u == bin.index), g_x, $(I)u < bin.index);
        by_h[$I] = select(select(0.0, g_h, $(I)u == bin.index), g, $(I)u < bin.index);
        mean_w += by_w[$I] * bin.p_w[$I];
        mean_h += by_h[$I] * bin.p_h[$I];
#endfor
#for I in 0..$K
        give(at + $(I)u, select(0.0, scale * bin.p_w[$I] * (by_w[$I] - mean_w), inside));
        give(at + $(K + I)u, select(0.0, scale * bin.p_h[$I] * (by_h[$I] - mean_h), inside));
#endfor
        // softplus' = 1 − e^{−softplus}.
        let bent_d = g_d * (1.0 - exp(max(LEAST - bin.d, -87.0)));
        let bent_e = g_e * (1.0 - exp(max(LEAST - bin.e, -87.0)));
#for I in 0..$(K - 1)
        give(at + $(2 * K + I)u, select(0.0, select(select(0.0, bent_d, $(I + 1)u == bin.index), bent_e, $(I)u == bin.index), inside));
#endfor
        give_value(i * params.d + j, select(d_value, moved, inside));
        j++;
    }
}
