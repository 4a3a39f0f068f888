// Sums in a fixed order, in two stages, without atomics: the same bits every time.
//   all      out = scale·Σ_ij x_ij          d_x = scale·d_out everywhere
//   rows     out_j = scale·Σ_i x_ij
//   columns  out_i = scale·Σ_j x_ij
// With SQUARE = 1 each x is squared first (norms): d_x = 2·scale·x·d_out.
// Stage one leaves `parts` partial sums (all: one an invocation; rows: one a block of rows and column), stage two adds
// them up: `finish_all` by a tree in workgroup memory, `finish_rows` one column an invocation.
#axis SQUARE: 0 1

struct Params { rows: u32, cols: u32, parts: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;               // rows × cols
@group(0) @binding(2) var<storage, read_write> out: array<f32>;       // all: 1; rows: cols; columns: rows; partials: parts (× cols)

var<workgroup> tree: array<f32, 256>;

fn term(i: u32) -> f32 {
    let v = x[i];
#if SQUARE == 1
    return v * v;
#else
    return v;
#endif
}

// Invocation p of `parts` adds x_p, x_{p+parts}, …: neighbors read neighbors.
@compute @workgroup_size(256)
fn partial_all(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.parts) { return; }
    let len = params.rows * params.cols;
    var sum = 0.0;
    for (var i = id.x; i < len; i += params.parts) { sum += term(i); }
    out[id.x] = sum;
}

@compute @workgroup_size(256)
fn finish_all(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var i = lane; i < params.parts; i += 256u) { sum += term(i); }
    tree[lane] = sum;
    workgroupBarrier();
    for (var width = 128u; width > 0u; width >>= 1u) {
        if (lane < width) { tree[lane] += tree[lane + width]; }
        workgroupBarrier();
    }
    if (lane == 0u) { out[0] = params.scale * tree[0]; }
}

// Group (column block, part): part p adds the rows of its block.
@compute @workgroup_size(64)
fn partial_rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let j = group.x * 64u + lane;
    if (j >= params.cols) { return; }
    let block = (params.rows + params.parts - 1u) / params.parts;
    let first = min(group.y * block, params.rows);
    let to = min(first + block, params.rows);
    var sum = 0.0;
    for (var i = first; i < to; i++) { sum += term(i * params.cols + j); }
    out[group.y * params.cols + j] = sum;
}

@compute @workgroup_size(64)
fn finish_rows(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.cols) { return; }
    var sum = 0.0;
    for (var p = 0u; p < params.parts; p++) { sum += term(p * params.cols + id.x); }
    out[id.x] = params.scale * sum;
}

@compute @workgroup_size(64)
fn columns(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * groups.x + group.x) * 64u + lane;
    if (i >= params.rows) { return; }
    var sum = 0.0;
    for (var j = 0u; j < params.cols; j++) { sum += term(i * params.cols + j); }
    out[i] = params.scale * sum;
}
