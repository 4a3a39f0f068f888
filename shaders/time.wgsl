// A time as cosines and sines: e(t) = (cos 2πf_1 t, …, cos 2πf_K t, sin 2πf_1 t, …, sin 2πf_K t)  (Tancik et al. 2020, with fixed
// frequencies), and d_t = Σ_k 2πf_k (cos(2πf_k t)·d_sin,k − sin(2πf_k t)·d_cos,k).
#import common/index
#import common/circle

struct Params { n: u32, count: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> t: array<f32>;               // n
@group(0) @binding(2) var<storage, read> frequencies: array<f32>;     // K, in turns
@group(0) @binding(3) var<storage, read_write> e: array<f32>;         // n × 2K
@group(0) @binding(4) var<storage, read> d_e: array<f32>;             // n × 2K
@group(0) @binding(5) var<storage, read_write> d_t: array<f32>;       // n

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n * params.count) { return; }
    let row = i / params.count;
    let k = i % params.count;
    let at = reduce_turns(frequencies[k] * t[row]);
    e[row * 2u * params.count + k] = cos_reduced(at);
    e[row * 2u * params.count + params.count + k] = sin_reduced(at);
}

@compute @workgroup_size(64)
fn backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = flat_index(group, groups, lane, 64u);
    if (row >= params.n) { return; }
    var sum = 0.0;
    for (var k = 0u; k < params.count; k++) {
        let at = reduce_turns(frequencies[k] * t[row]);
        let begin = row * 2u * params.count + k;
        sum += 6.2831853 * frequencies[k] * (cos_reduced(at) * d_e[begin + params.count] - sin_reduced(at) * d_e[begin]);
    }
    if (params.accumulate != 0u) { sum += d_t[row]; }
    d_t[row] = sum;
}
