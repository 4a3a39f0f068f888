// Rows solved against a triangular matrix: X·T = B for X, given B (n × d) and T (d × d), by substitution,
//   LOWER   x_j = (b_j − Σ_{k>j} x_k·T_kj)/T_jj, j from d − 1 down          UPPER   x_j = (b_j − Σ_{k<j} x_k·T_kj)/T_jj, j from 0 up
// (Golub & Van Loan 2013, §3.1: as backward stable as arithmetic allows). Numbers on the other side of the diagonal are not read; with UNIT
// the diagonal is taken to be one. No gradient: this is the way from the latent space to data. One invocation a row.
#import common/index
#axis SIDE: lower upper
#axis UNIT: 0 1
#require SIDE == lower && UNIT == 1 || SIDE == upper && UNIT == 0

struct Params { n: u32, d: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> b: array<f32>;               // n × d
@group(0) @binding(2) var<storage, read> t: array<f32>;               // d × d
@group(0) @binding(3) var<storage, read_write> x: array<f32>;         // n × d

@compute @workgroup_size(64)
fn solve(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    let d = params.d;
    for (var step = 0u; step < d; step++) {
#if SIDE == lower
        let j = d - 1u - step;
        let first = j + 1u;
#else
        let j = step;
        let first = 0u;
#endif
        var rest = b[i * d + j];
        for (var k = first; k < first + step; k++) { rest -= x[i * d + k] * t[k * d + j]; }
#if UNIT == 1
        x[i * d + j] = rest;
#else
        x[i * d + j] = rest / t[j * d + j];
#endif
    }
}
