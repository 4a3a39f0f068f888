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
// The way back, cotangents g of x and −λ of ln f' (l takes it off): with G = g − λ·∂ln f'/∂x, d_y = G/f', and the rest as above for the
// cotangents −G/f' of y and −λ of ln f' (the implicit function theorem).
// One invocation a row: rows are many and short, and the bins of a column are found by a walk.
#import common/index
#import common/exponentials
#axis DIRECTION: forward inverse

struct Params { n: u32, d: u32, m: u32, bins: u32, reach: f32, accumulate_in: u32, accumulate_raw: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> given: array<f32>;           // n × d: x, or y on the way back
@group(0) @binding(2) var<storage, read> raw: array<f32>;             // n × (3K − 1)m, column after column
@group(0) @binding(3) var<storage, read> roles: array<u32>;           // d
@group(0) @binding(4) var<storage, read> before: array<f32>;          // n: l₀
@group(0) @binding(5) var<storage, read_write> out: array<f32>;       // n × d
@group(0) @binding(6) var<storage, read_write> log_det: array<f32>;   // n
@group(0) @binding(7) var<storage, read> d_out: array<f32>;           // n × d
@group(0) @binding(8) var<storage, read> d_log_det: array<f32>;       // n
@group(0) @binding(9) var<storage, read_write> d_given: array<f32>;   // n × d
@group(0) @binding(10) var<storage, read_write> d_raw: array<f32>;    // n × (3K − 1)m

const MOST_BINS = 32u;
const LEAST = 1e-3;                   // µ, and ν
const FLAT = 0.53974242;              // κ = ln(e^{1−ν} − 1)

// A bin: where it is, what the softmaxes gave it, and what they gave all before it.
struct Bin {
    index: u32, x: f32, y: f32, w: f32, h: f32, d: f32, e: f32,
    p_w: f32, p_h: f32, before_w: f32, before_h: f32,
    top_w: f32, top_h: f32, sum_w: f32, sum_h: f32,
}

fn slope(a: f32) -> f32 {
    let u = a + FLAT;
    return LEAST + max(u, 0.0) + log_one_plus(exp(max(-abs(u), -87.0)));
}

// The bin that holds `value`, of the 3K − 1 numbers from `at` on.
fn bin_of(value: f32, at: u32) -> Bin {
    let bins = params.bins;
    var weights_w: array<f32, MOST_BINS>;
    var weights_h: array<f32, MOST_BINS>;
    var bin = Bin();
    bin.top_w = raw[at];
    bin.top_h = raw[at + bins];
    for (var i = 0u; i < bins; i++) {
        weights_w[i] = raw[at + i];
        weights_h[i] = raw[at + bins + i];
        bin.top_w = max(bin.top_w, weights_w[i]);
        bin.top_h = max(bin.top_h, weights_h[i]);
    }
    for (var i = 0u; i < bins; i++) {
        weights_w[i] = exp(max(weights_w[i] - bin.top_w, -87.0));
        weights_h[i] = exp(max(weights_h[i] - bin.top_h, -87.0));
        bin.sum_w += weights_w[i];
        bin.sum_h += weights_h[i];
    }
    let span = 2.0 * params.reach;
    let shared_part = 1.0 - f32(bins) * LEAST;
    var x = -params.reach;
    var y = -params.reach;
    var before_w = 0.0;
    var before_h = 0.0;
    var open = true;
    for (var i = 0u; i < bins; i++) {
        let p_w = weights_w[i] / bin.sum_w;
        let p_h = weights_h[i] / bin.sum_h;
        let w = span * (LEAST + shared_part * p_w);
        let h = span * (LEAST + shared_part * p_h);
#if DIRECTION == forward
        let inside = value < x + w || i + 1u == bins;
#else
        let inside = value < y + h || i + 1u == bins;
#endif
        if (open && inside) {
            bin.index = i;
            bin.x = x;
            bin.y = y;
            bin.w = w;
            bin.h = h;
            bin.p_w = p_w;
            bin.p_h = p_h;
            bin.before_w = before_w;
            bin.before_h = before_h;
            open = false;
        }
        x += w;
        y += h;
        before_w += p_w;
        before_h += p_h;
    }
    bin.d = 1.0;
    bin.e = 1.0;
    if (bin.index > 0u) { bin.d = slope(raw[at + 2u * bins + bin.index - 1u]); }
    if (bin.index + 1u < bins) { bin.e = slope(raw[at + 2u * bins + bin.index]); }
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
    let numbers = 3u * params.bins - 1u;
    var sum = 0.0;
    for (var j = 0u; j < params.d; j++) {
        let k = roles[j];
        var value = given[i * params.d + j];
        if (k < params.m && abs(value) < params.reach) {
            let bin = bin_of(value, (i * params.m + k) * numbers);
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

@compute @workgroup_size(64)
fn backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    let bins = params.bins;
    let numbers = 3u * bins - 1u;
    let scale = 2.0 * params.reach * (1.0 - f32(bins) * LEAST);
    for (var j = 0u; j < params.d; j++) {
        let k = roles[j];
        let value = given[i * params.d + j];
        var d_value = d_out[i * params.d + j];
        if (k < params.m) {
            let at = (i * params.m + k) * numbers;
            if (abs(value) < params.reach) {
                let bin = bin_of(value, at);
                let xi = place(bin, value);
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
                var g = d_value;
                var lambda = d_log_det[i];
#if DIRECTION == inverse
                // y_xi = f'·w.
                let moved = (d_value - lambda * l_xi / bin.w) * bin.w / y_xi;
                g = -moved;
                lambda = -lambda;
#endif
                let g_xi = g * y_xi + lambda * l_xi;
                let g_s = g * lift * (xi * xi * below - top * (1.0 - 2.0 * q))
                    + lambda * (2.0 / s + 2.0 * q / above - 2.0 * (1.0 - 2.0 * q) / below);
                let g_d = g * lift * q * (below - top) + lambda * (r * r / above - 2.0 * q / below);
                let g_e = -g * lift * top * q + lambda * (xi * xi / above - 2.0 * q / below);
                let g_w = -(g_xi * xi + g_s * s) / bin.w;
                let g_h = g_s / bin.w + g * top / below;
                let g_x = -g_xi / bin.w;
                let mean_w = g_x * bin.before_w + g_w * bin.p_w;
                let mean_h = g * bin.before_h + g_h * bin.p_h;
                for (var b = 0u; b < bins; b++) {
                    let p_w = exp(max(raw[at + b] - bin.top_w, -87.0)) / bin.sum_w;
                    let p_h = exp(max(raw[at + bins + b] - bin.top_h, -87.0)) / bin.sum_h;
                    let by_w = select(select(0.0, g_w, b == bin.index), g_x, b < bin.index);
                    let by_h = select(select(0.0, g_h, b == bin.index), g, b < bin.index);
                    give(at + b, scale * p_w * (by_w - mean_w));
                    give(at + bins + b, scale * p_h * (by_h - mean_h));
                    if (b + 1u < bins) {
                        let u = raw[at + 2u * bins + b] + FLAT;
                        let bent = 1.0 / (1.0 + exp(clamp(-u, -87.0, 87.0)));
                        let by_slope = select(select(0.0, g_d, b + 1u == bin.index), g_e, b == bin.index);
                        give(at + 2u * bins + b, bent * by_slope);
                    }
                }
#if DIRECTION == forward
                d_value = g_xi / bin.w;
#else
                d_value = moved;
#endif
            } else {
                for (var b = 0u; b < numbers; b++) { give(at + b, 0.0); }
            }
        }
        if (params.accumulate_in != 0u) { d_value += d_given[i * params.d + j]; }
        d_given[i * params.d + j] = d_value;
    }
}
