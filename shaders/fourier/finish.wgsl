// Between the two walks of walk.wgsl: the splits' sums become means, the loss, and what the gradient needs of each
// frequency. With c + i s = φ̂(x), c′ + i s′ = φ̂(y), q = mean|f|² and ρ = 1/(n−1) (unbiased) or 0 (biased):
//   loss = Σ_k τ [(c − c′)² + (s − s′)² + ρ(c² + s² − q) + ρ′(c′² + s′² − q′)]
//   P = 2τ((1 + ρ)c − c′)/n    Q = 2τ((1 + ρ)s − s′)/n    A = √(P² + Q²)    θ = atan2(P, Q)    D = 2τρ/n
#import common/circle
#import common/index

struct Params {
    count: u32,
    splits: u32,
    inverse_n: f32,
    rho: f32,
    rho_other: f32,
    len: u32,                     // of the gradient
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;                    // splits × 3 × count
@group(0) @binding(2) var<storage, read> other: array<f32>;                   // 3 × count: means of y
@group(0) @binding(3) var<storage, read> tau: array<f32>;                     // count
@group(0) @binding(4) var<storage, read_write> coefficient: array<f32>;       // 3 × count: A, θ in turns, D
@group(0) @binding(5) var<storage, read_write> out: array<f32>;               // mean: 3 × count; coefficients: 1; gradient: len
@group(0) @binding(6) var<storage, read> partial: array<f32>;                 // splits × len

const PER_TURN = 0.15915494309189535;
var<workgroup> tree: array<f32, 256>;

fn total(at: u32) -> f32 {
    var sum = 0.0;
    for (var s = 0u; s < params.splits; s++) { sum += sums[s * 3u * params.count + at]; }
    return sum * params.inverse_n;
}

@compute @workgroup_size(64)
fn mean(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < 3u * params.count) { out[id.x] = total(id.x); }
}

@compute @workgroup_size(256)
fn coefficients(@builtin(local_invocation_index) lane: u32) {
    var loss = 0.0;
    for (var k = lane; k < params.count; k += 256u) {
        let c = total(k);
        let s = total(k + params.count);
        let q = total(k + 2u * params.count);
        let c_other = other[k];
        let s_other = other[k + params.count];
        let q_other = other[k + 2u * params.count];
        let dc = c - c_other;
        let ds = s - s_other;
        loss += tau[k] * (dc * dc + ds * ds + params.rho * (c * c + s * s - q)
            + params.rho_other * (c_other * c_other + s_other * s_other - q_other));
        let scale = 2.0 * tau[k] * params.inverse_n;
        let p_ = scale * (dc + params.rho * c);
        let q_ = scale * (ds + params.rho * s);
        let largest = max(abs(p_), abs(q_));
        var size = 0.0;
        var angle = 0.0;
        if (largest > 0.0) {
            let sine = p_ / largest;
            let cosine = q_ / largest;
            let length = sqrt(sine * sine + cosine * cosine);
            size = largest * length;
            // WGSL lets atan2 be 4,096 ulp off: one Newton step with our own sine and cosine makes it exact.
            angle = PER_TURN * atan2(sine, cosine);
            let at = reduce_turns(angle);
            angle += PER_TURN * (sine * cos_reduced(at) - cosine * sin_reduced(at)) / length;
        }
        coefficient[k] = size;
        coefficient[k + params.count] = angle;
        coefficient[k + 2u * params.count] = scale * params.rho;
    }
    tree[lane] = loss;
    workgroupBarrier();
    for (var width = 128u; width > 0u; width >>= 1u) {
        if (lane < width) { tree[lane] += tree[lane + width]; }
        workgroupBarrier();
    }
    if (lane == 0u) { out[0] = tree[0]; }
}

@compute @workgroup_size(64)
fn gradient(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.len) { return; }
    var sum = 0.0;
    for (var s = 0u; s < params.splits; s++) { sum += partial[s * params.len + i]; }
    out[i] = sum;
}
