// Dual potentials of W₂² between n points x and n points y on each of P lines, from their sorted values: u + v ≤ |x − y|², with equality
// where matched, so that W₂² = mean u + mean v, and u, v are its influence functions (del Barrio & Loubes 2019). On a line
//   u_k = u_(k−1) + (x_k − x_(k−1))·(x_k + x_(k−1) − y_k − y_(k−1)),   u_0 = 0,   v_k = (x_k − y_k)² − u_k,
// where duality leaves u a range at each step and this is its middle. `rise` sums the steps of a block of 64 ranks, `scan` the blocks
// before each, and `walk` goes through a block and puts the potentials back into the order of the points.
#import common/index

// A row of sorted values is `stride` long; x's begin at `at_x`, y's at `at_y`.
struct Params { n: u32, lines: u32, blocks: u32, stride_x: u32, at_x: u32, stride_y: u32, at_y: u32, spare: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sorted: array<f32>;           // n × stride_x
@group(0) @binding(2) var<storage, read> other: array<f32>;            // n × stride_y
@group(0) @binding(3) var<storage, read> index: array<u32>;            // n × stride_x: the points that x's values came from
@group(0) @binding(4) var<storage, read> other_index: array<u32>;      // n × stride_y
@group(0) @binding(5) var<storage, read_write> rises: array<f32>;      // blocks × lines
@group(0) @binding(6) var<storage, read_write> costs: array<f32>;      // blocks × lines: Σ (x_k − y_k)² of a block
@group(0) @binding(7) var<storage, read_write> u: array<f32>;          // lines × n
@group(0) @binding(8) var<storage, read_write> v: array<f32>;          // lines × n

const BLOCK = 64u;

fn x_at(k: u32, p: u32) -> f32 { return sorted[k * params.stride_x + params.at_x + p]; }
fn y_at(k: u32, p: u32) -> f32 { return other[k * params.stride_y + params.at_y + p]; }

@compute @workgroup_size(64)
fn rise(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let t = flat_index(group, groups, lane, 64u);
    if (t >= params.blocks * params.lines) { return; }
    let first = t / params.lines * BLOCK;
    let p = t % params.lines;
    let end = min(first + BLOCK, params.n);
    var x0 = x_at(max(first, 1u) - 1u, p);
    var y0 = y_at(max(first, 1u) - 1u, p);
    var sum = 0.0;
    for (var k = first; k < end; k++) {
        let x1 = x_at(k, p);
        let y1 = y_at(k, p);
        sum += (x1 - x0) * ((x1 - y1) + (x0 - y0));
        x0 = x1;
        y0 = y1;
    }
    rises[t] = sum;
}

@compute @workgroup_size(16)
fn scan(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.lines) { return; }
    var sum = 0.0;
    for (var b = 0u; b < params.blocks; b++) {
        let here = rises[b * params.lines + id.x];
        rises[b * params.lines + id.x] = sum;
        sum += here;
    }
}

@compute @workgroup_size(64)
fn walk(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let t = flat_index(group, groups, lane, 64u);
    if (t >= params.blocks * params.lines) { return; }
    let first = t / params.lines * BLOCK;
    let p = t % params.lines;
    let end = min(first + BLOCK, params.n);
    var x0 = x_at(max(first, 1u) - 1u, p);
    var y0 = y_at(max(first, 1u) - 1u, p);
    var potential = rises[t];
    var total = 0.0;
    for (var k = first; k < end; k++) {
        let x1 = x_at(k, p);
        let y1 = y_at(k, p);
        potential += (x1 - x0) * ((x1 - y1) + (x0 - y0));
        let cost = (x1 - y1) * (x1 - y1);
        u[p * params.n + index[k * params.stride_x + params.at_x + p]] = potential;
        v[p * params.n + other_index[k * params.stride_y + params.at_y + p]] = cost - potential;
        total += cost;
        x0 = x1;
        y0 = y1;
    }
    costs[t] = total;
}
