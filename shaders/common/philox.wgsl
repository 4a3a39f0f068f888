// Philox 4×32-10: a counter-based generator, integer-exact on every vendor (Salmon, Moraes, Dror & Shaw, "Parallel random
// numbers: as easy as 1, 2, 3", SC 2011). Ten rounds of two 32×32→64-bit products; the key is bumped between rounds.
// The project's counter is (index, stream, step, domain) and its key is the seed, so that every number of a run is a pure
// function of where it is used: no state, no order, no two alike.

// The high and low words of a·b, from 16-bit halves: WGSL has no 64-bit product.
fn wide_product(a: u32, b: u32) -> vec2<u32> {
    let al = a & 0xffffu;
    let ah = a >> 16u;
    let bl = b & 0xffffu;
    let bh = b >> 16u;
    let middle = ah * bl + ((al * bl) >> 16u);             // at most (2¹⁶−1)² + 2¹⁶−1: no overflow
    let other = al * bh + (middle & 0xffffu);
    return vec2<u32>(ah * bh + (middle >> 16u) + (other >> 16u), a * b);
}

fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
    var c = counter;
    var k = key;
#for ROUND in 0..10
    {
        let p = wide_product(0xD2511F53u, c.x);
        let q = wide_product(0xCD9E8D57u, c.z);
        c = vec4<u32>(q.x ^ c.y ^ k.x, q.y, p.x ^ c.w ^ k.y, p.y);
        k = k + vec2<u32>(0x9E3779B9u, 0xBB67AE85u);
    }
#endfor
    return c;
}

// 24 random bits as a number in [0, 1).
fn unit(bits: u32) -> f32 {
    return f32(bits >> 8u) * 5.9604644775390625e-8;
}
