// Random numbers from counters: one invocation turns counter (i, stream, step, domain) into four numbers 4i … 4i+3.
//   uniform   u = ⌊bits/2⁸⌋·2⁻²⁴ in [0, 1), or low + (high − low)·u
//   normal    by Box & Muller (common/normal)
//   cauchy    tan(π(u − ½));   laplace  ±ln(1 − u);   sign  ±1 (Rademacher)
// No gradient: the numbers depend on nothing that is learned.
#axis DISTRIBUTION: uniform normal cauchy laplace sign
#import common/index
#import common/normal

struct Params { len: u32, stream: u32, low: f32, high: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>;          // step, seed (low), seed (high), domain
@group(0) @binding(2) var<storage, read_write> out: array<f32>;      // len

fn laplace(bits: u32) -> f32 {
    // The lowest bit is the sign; it is not among the 24 that make the size.
    let size = minus_log(1.0 - unit(bits));
    return select(size, -size, (bits & 1u) == 1u);
}

@compute @workgroup_size(64)
fn draw(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (4u * i >= params.len) { return; }
    let bits = philox(vec4<u32>(i, params.stream, state[0], state[3]), vec2<u32>(state[1], state[2]));
#if DISTRIBUTION == uniform
    let v = params.low + (params.high - params.low) * vec4<f32>(unit(bits.x), unit(bits.y), unit(bits.z), unit(bits.w));
#elif DISTRIBUTION == normal
    let v = vec4<f32>(box_muller(bits.x, bits.y), box_muller(bits.z, bits.w));
#elif DISTRIBUTION == cauchy
    let v = tan(3.1415927 * (vec4<f32>(unit(bits.x), unit(bits.y), unit(bits.z), unit(bits.w)) - 0.49999997));
#elif DISTRIBUTION == laplace
    let v = vec4<f32>(laplace(bits.x), laplace(bits.y), laplace(bits.z), laplace(bits.w));
#else
    let v = vec4<f32>(2.0 * vec4<f32>(bits & vec4<u32>(1u)) - 1.0);
#endif
#for K in 0..4
    if (4u * i + $(K)u < params.len) { out[4u * i + $(K)u] = v[$K]; }
#endfor
}
