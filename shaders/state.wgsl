// The last dispatch of a step: writes the step's reported scalars into a ring that the host reads when it likes, together
// with the number of the step (a reader that finds another number knows that the row is not yet, or no longer, its own),
// and advances the counter that random numbers and schedules read.
//   ring[step mod length] = (step, s0 … s5);  step ← step + 1
// Words of a row of the ring.
#let WORDS = 8
struct Params { length: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> state: array<u32>;   // step, seed (low), seed (high), domain
@group(0) @binding(2) var<storage, read_write> ring: array<u32>;    // length × 8: step + 1, six scalars, unused
@group(0) @binding(3) var<storage, read> s0: array<u32>;
@group(0) @binding(4) var<storage, read> s1: array<u32>;
@group(0) @binding(5) var<storage, read> s2: array<u32>;
@group(0) @binding(6) var<storage, read> s3: array<u32>;
@group(0) @binding(7) var<storage, read> s4: array<u32>;
@group(0) @binding(8) var<storage, read> s5: array<u32>;

@compute @workgroup_size(1)
fn advance() {
    let step = state[0];
    let row = $(WORDS)u * (step % params.length);
    ring[row] = step + 1u;
    ring[row + 1u] = s0[0];
    ring[row + 2u] = s1[0];
    ring[row + 3u] = s2[0];
    ring[row + 4u] = s3[0];
    ring[row + 5u] = s4[0];
    ring[row + 6u] = s5[0];
    state[0] = step + 1u;
}
