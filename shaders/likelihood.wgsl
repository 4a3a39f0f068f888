// ln p(x | θ) of rows under a decoder's distribution, every column by itself (Kingma & Welling 2014, appendix C; Takahashi et al. 2018 for Student's distribution).
// Row i of θ belongs to row ⌊i/K⌋ of the data, so that K samples of a latent share one row. With m and r the location and the raw scale of a
// column, s² = f² + e^{2r} (f holds a standard deviation off zero, and no gradient ever dies) and δ = (x − m)²/s²:
//   gaussian    l = c − ½δ − ½ ln s²                       c = −½ ln 2π
//   student     l = c − ½(ν + 1) ln(1 + δ/ν) − ½ ln s²     c = ln Γ((ν+1)/2) − ln Γ(ν/2) − ½ ln νπ
//   bernoulli   l = x·m − ln(1 + e^m)                      m the logit, c = 0, no scale
// and out_i = Σ_j l_ij. Gradients, given d_out:
//   gaussian    d_m = (x − m)/s²                           d_r = (δ − 1)·e^{2r}/s²
//   student     d_m = w·(x − m)/s²,  w = (ν + 1)/(ν + δ)   d_r = (w·δ − 1)·e^{2r}/s²
//   bernoulli   d_m = x − s(m)
// None flows to x. `sample` draws rows of the distribution from given noise: m + s·noise, or 1 where noise (uniform) is below s(m).
// Raw scales are one a column, or a row's own behind its locations (`width` is then 2d): raw is then θ again.
// A row an invocation forward, an element an invocation backward.
#import common/index
#import common/minus_log
#import common/exponentials

// Families; 0 is the Gaussian.
const STUDENT = 1u;
const BERNOULLI = 2u;

struct Params { n: u32, d: u32, width: u32, copies: u32, family: u32, degrees: f32, floor2: f32, offset: f32, accumulate: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;                  // n/K × d; of `sample` the noise, n × d
@group(0) @binding(2) var<storage, read> theta: array<f32>;              // n × d, or n × 2d where scales are rows' own
@group(0) @binding(3) var<storage, read> raw: array<f32>;                // d where they are shared, or as theta
@group(0) @binding(4) var<storage, read_write> out: array<f32>;          // n; of `sample` n × d
@group(0) @binding(5) var<storage, read> d_out: array<f32>;              // n
@group(0) @binding(6) var<storage, read_write> d_theta: array<f32>;      // as theta
@group(0) @binding(7) var<storage, read_write> d_raw: array<f32>;        // n × d where they are shared: rows are added up afterwards

// e^{2r} of column j of row i.
fn spread(i: u32, j: u32) -> f32 {
    let at = select(j, i * params.width + params.d + j, params.width > params.d);
    return exp(2.0 * clamp(raw[at], -40.0, 40.0));
}

fn logistic(v: f32) -> f32 { return 1.0 / (1.0 + exp(clamp(-v, -87.0, 87.0))); }

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    let of_row = (i / params.copies) * params.d;
    var sum = f32(params.d) * params.offset;
    for (var j = 0u; j < params.d; j++) {
        let m = theta[i * params.width + j];
        let value = x[of_row + j];
        if (params.family == BERNOULLI) {
            sum += value * m - (max(m, 0.0) + log_one_plus(exp(max(-abs(m), -87.0))));
            continue;
        }
        let s2 = params.floor2 + spread(i, j);
        let delta = (value - m) * (value - m) / s2;
        let far = select(-delta, (params.degrees + 1.0) * minus_log(1.0 + delta / params.degrees), params.family == STUDENT);
        sum += 0.5 * (minus_log(s2) + far);
    }
    out[i] = sum;
}

@compute @workgroup_size(256)
fn backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let e = flat_index(group, groups, lane, 256u);
    if (e >= params.n * params.d) { return; }
    let i = e / params.d;
    let j = e % params.d;
    let at = i * params.width + j;
    let m = theta[at];
    let value = x[(i / params.copies) * params.d + j];
    let g = d_out[i];
    var d_m = value - logistic(m);
    var d_r = 0.0;
    if (params.family != BERNOULLI) {
        let v = spread(i, j);
        let s2 = params.floor2 + v;
        let delta = (value - m) * (value - m) / s2;
        let w = select(1.0, (params.degrees + 1.0) / (params.degrees + delta), params.family == STUDENT);
        d_m = w * (value - m) / s2;
        d_r = (w * delta - 1.0) * v / s2;
    }
    d_m *= g;
    d_r *= g;
    if (params.accumulate != 0u) { d_m += d_theta[at]; }
    d_theta[at] = d_m;
    if (params.width > params.d) {
        if (params.accumulate != 0u) { d_r += d_theta[at + params.d]; }
        d_theta[at + params.d] = d_r;
    } else {
        d_raw[e] = d_r;
    }
}

@compute @workgroup_size(256)
fn sample(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let e = flat_index(group, groups, lane, 256u);
    if (e >= params.n * params.d) { return; }
    let i = e / params.d;
    let j = e % params.d;
    let m = theta[i * params.width + j];
    if (params.family == BERNOULLI) {
        out[e] = select(0.0, 1.0, x[e] < logistic(m));
    } else {
        out[e] = m + sqrt(params.floor2 + spread(i, j)) * x[e];
    }
}
