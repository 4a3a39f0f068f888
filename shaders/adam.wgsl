// Adam with decoupled weight decay, gradient clipping, a learning-rate schedule and an average of the parameters, one pass.
//   g ← g·min(1, clip/‖g‖)                                   global norm over all parameters; clip = 0: off
//   m ← β₁m + (1−β₁)g,   v ← β₂v + (1−β₂)g²
//   θ ← θ − η_t( m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + ε) + λθ )       Kingma & Ba 2015, alg. 1; Loshchilov & Hutter 2019, alg. 2
//   θ ← max(−c, min(c, θ))                                   c = bound: the clipped critics of Arjovsky et al. 2017; 0: off
//   a ← a + (1−α_t)(θ − a),  α_t = min(α, (1+t)/(10+t))      exponential moving average that forgets its start
//   η_t = η·min(1, t/warmup)·(floor + (1−floor)·½(1 + cos πp)),  p = (t−warmup)/(total−warmup) in [0, 1]; constant: floor = 1
// t = step + 1. A gradient that is not finite changes nothing, so that the parameters stay good while the host finds out.
// One invocation four parameters.
#import common/index
#import common/one_minus_exp

struct Params {
    len4: u32, warmup: u32, total: u32,
    rate: f32, floor: f32,
    beta1: f32, beta2: f32,
    log_beta1: f32, log_beta2: f32,            // ln β, from the host in full precision
    epsilon: f32, decay: f32, clip: f32, average_decay: f32, bound: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>;                       // step, …
@group(0) @binding(2) var<storage, read> norm2: array<f32>;                       // 1: Σ g²
@group(0) @binding(3) var<storage, read> gradient: array<vec4<f32>>;              // len4
@group(0) @binding(4) var<storage, read_write> value: array<vec4<f32>>;           // len4
@group(0) @binding(5) var<storage, read_write> first: array<vec4<f32>>;           // len4
@group(0) @binding(6) var<storage, read_write> second: array<vec4<f32>>;          // len4
@group(0) @binding(7) var<storage, read_write> average: array<vec4<f32>>;         // len4

fn learning_rate(t: f32) -> f32 {
    let warmup = f32(params.warmup);
    let warm = min(1.0, t / max(warmup, 1.0));
    let progress = clamp((t - warmup) / max(f32(params.total) - warmup, 1.0), 0.0, 1.0);
    let cosine = params.floor + (1.0 - params.floor) * 0.5 * (1.0 + cos(3.1415927 * progress));
    return params.rate * warm * cosine;
}

@compute @workgroup_size(64)
fn update(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    let squared = norm2[0];
    // By its bits: a compiler may assume that there is no infinity and no NaN.
    let finite = (bitcast<u32>(squared) & 0x7f800000u) != 0x7f800000u;
    if (i >= params.len4 || !finite) { return; }
    let t = f32(state[0] + 1u);
    let norm = sqrt(squared);
    let shrink = select(1.0, params.clip / norm, params.clip > 0.0 && norm > params.clip);
    let g = gradient[i] * shrink;
    let m = params.beta1 * first[i] + (1.0 - params.beta1) * g;
    let v = params.beta2 * second[i] + (1.0 - params.beta2) * g * g;
    let m_hat = m / one_minus_exp(t * params.log_beta1);
    let v_hat = v / one_minus_exp(t * params.log_beta2);
    let old = value[i];
    let moved = old - learning_rate(t) * (m_hat / (sqrt(v_hat) + params.epsilon) + params.decay * old);
    let new_value = select(moved, clamp(moved, vec4<f32>(-params.bound), vec4<f32>(params.bound)), params.bound > 0.0);
    let keep = min(params.average_decay, (1.0 + t) / (10.0 + t));
    first[i] = m;
    second[i] = v;
    value[i] = new_value;
    average[i] += (1.0 - keep) * (new_value - average[i]);
}
