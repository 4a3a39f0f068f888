// A diagonal Gaussian encoder q(z | x) = N(m, e^{2s}) (Kingma & Welling 2014, §2.4 and appendix B; Rezende, Mohamed & Wierstra 2014), of which a row of
// `code` holds the q means and then the q log standard deviations. K rows of standard normal noise ε belong to each row of it:
//   sample       z = m + e^s·ε,   l = Σ_j ½(ε² − z²) + s = ln N(z; 0, I) − ln q(z | x)
//   divergence   k_j = ½(m² + e^{2s} − 1) − s = KL(q_j ‖ N(0, 1)), one number a row and dimension
// Gradients, given d_z and d_l (everything moves),
//   d_m = Σ_K d_z − d_l·z                        d_s = Σ_K (d_z − d_l·z)·e^s·ε + d_l
// or by way of z alone, the score of q left out, each way weighed by a number w of its own (`doubly`; Tucker et al. 2019, eq. 8, where w is
// the sample's share of the importance weights; Roeder, Wu & Duvenaud 2017 where it is 1):
//   g = w·(d_z + d_l·(ε·e^{−s} − z))             d_m = Σ_K g      d_s = Σ_K g·e^s·ε
//   d_m = d_k·m                                  d_s = d_k·(e^{2s} − 1)
// A row an invocation where l is summed, an element of the code an invocation elsewhere.
#import common/index

struct Params { n: u32, q: u32, copies: u32, doubly: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> code: array<f32>;              // n × 2q
@group(0) @binding(2) var<storage, read> noise: array<f32>;             // nK × q
@group(0) @binding(3) var<storage, read_write> z: array<f32>;           // nK × q
@group(0) @binding(4) var<storage, read_write> ratio: array<f32>;       // nK: l
@group(0) @binding(5) var<storage, read> d_z: array<f32>;               // nK × q
@group(0) @binding(6) var<storage, read> d_ratio: array<f32>;           // nK
@group(0) @binding(7) var<storage, read> weights: array<f32>;           // nK: w
@group(0) @binding(8) var<storage, read_write> d_code: array<f32>;      // n × 2q
@group(0) @binding(9) var<storage, read_write> divergences: array<f32>; // n × q: k
@group(0) @binding(10) var<storage, read> d_divergences: array<f32>;    // n × q

// Log-standard deviations beyond this are none that f32 can square.
fn log_deviation(i: u32, j: u32) -> f32 { return clamp(code[(2u * i + 1u) * params.q + j], -40.0, 40.0); }

fn mean(i: u32, j: u32) -> f32 { return code[2u * i * params.q + j]; }

@compute @workgroup_size(64)
fn sample(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let r = flat_index(group, groups, lane, 64u);
    if (r >= params.n * params.copies) { return; }
    let i = r / params.copies;
    var sum = 0.0;
    for (var j = 0u; j < params.q; j++) {
        let e = noise[r * params.q + j];
        let s = log_deviation(i, j);
        let value = mean(i, j) + exp(s) * e;
        z[r * params.q + j] = value;
        sum += 0.5 * (e - value) * (e + value) + s;
    }
    ratio[r] = sum;
}

fn put(i: u32, j: u32, d_m: f32, d_s: f32) {
    let at = 2u * i * params.q + j;
    if (params.accumulate != 0u) {
        d_code[at] += d_m;
        d_code[at + params.q] += d_s;
    } else {
        d_code[at] = d_m;
        d_code[at + params.q] = d_s;
    }
}

@compute @workgroup_size(64)
fn sample_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let e = flat_index(group, groups, lane, 64u);
    if (e >= params.n * params.q) { return; }
    let i = e / params.q;
    let j = e % params.q;
    let m = mean(i, j);
    let s = log_deviation(i, j);
    let deviation = exp(s);
    var d_m = 0.0;
    var d_s = 0.0;
    for (var k = 0u; k < params.copies; k++) {
        let r = i * params.copies + k;
        let at = r * params.q + j;
        let eps = noise[at];
        let value = m + deviation * eps;
        if (params.doubly != 0u) {
            let g = weights[r] * (d_z[at] + d_ratio[r] * (eps / deviation - value));
            d_m += g;
            d_s += g * deviation * eps;
        } else {
            let g = d_z[at] - d_ratio[r] * value;
            d_m += g;
            d_s += g * deviation * eps + d_ratio[r];
        }
    }
    put(i, j, d_m, d_s);
}

@compute @workgroup_size(64)
fn divergence(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let e = flat_index(group, groups, lane, 64u);
    if (e >= params.n * params.q) { return; }
    let i = e / params.q;
    let j = e % params.q;
    let m = mean(i, j);
    let s = log_deviation(i, j);
    divergences[e] = 0.5 * (m * m + exp(2.0 * s) - 1.0) - s;
}

@compute @workgroup_size(64)
fn divergence_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let e = flat_index(group, groups, lane, 64u);
    if (e >= params.n * params.q) { return; }
    let i = e / params.q;
    let j = e % params.q;
    let g = d_divergences[e];
    put(i, j, g * mean(i, j), g * (exp(2.0 * log_deviation(i, j)) - 1.0));
}
