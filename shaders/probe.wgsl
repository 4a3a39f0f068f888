// What an adapter can do at best, without memory: chains of independent multiply-adds (a ← a·m + c), powers of two
// (a ← 2^−a) or sine and cosine pairs (common/circle: a ← cos + sin), 16 chains an invocation, 16 links a round.
#axis OP: fma exp circle

struct Params { rounds: u32, scale: f32, offset: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;       // one an invocation: a chain that nobody reads is removed
#import common/circle

fn both(p: f32) -> f32 {
    let at = reduce_turns(p);
    return cos_reduced(at) + sin_reduced(at);
}

fn link(a: vec4<f32>) -> vec4<f32> {
#if OP == fma
    return fma(a, vec4<f32>(params.scale), vec4<f32>(params.offset));
#elif OP == exp
    return exp2(-a);
#else
    return vec4<f32>(both(a.x), both(a.y), both(a.z), both(a.w));
#endif
}

@compute @workgroup_size(64)
fn measure(@builtin(global_invocation_id) id: vec3<u32>) {
    let start = f32(id.x % 1024u) / 1024.0;
#for I in 0..4
    var a$I = vec4<f32>(start, start + 0.1, start + 0.2, start + 0.3) + $(I).5;
#endfor
    for (var round = 0u; round < params.rounds; round++) {
#for L in 0..16
#for I in 0..4
        a$I = link(a$I);
#endfor
#endfor
    }
    let sum = (a0 + a1) + (a2 + a3);
    out[id.x] = (sum.x + sum.y) + (sum.z + sum.w);
}
