// Sorting every column of a matrix by the digits of its keys, lowest first (LSD radix sort; Knuth 5.2.5): stable, the same
// answer as network.wgsl bit for bit. For software adapters, where each lane's access to memory costs as much as ten operations:
// about nine accesses a value and digit, however many rows there are. Lanes work through blocks of rows one by one, so that
// a real GPU would starve on it.
//   histogram   how often each digit occurs in a block of rows
//   scan        exclusive sums over (digit, block): where each block puts its first value with each digit
//   scatter     every value goes to its place
#import common/index

// `first`: x holds floats, in the order of the rows; `last`: keys become floats again.
struct Params { rows: u32, cols: u32, blocks: u32, block_rows: u32, shift: u32, digits: u32, first: u32, last: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;                 // rows × cols
@group(0) @binding(2) var<storage, read> x_origin: array<u32>;          // rows × cols; not read in the first pass
@group(0) @binding(3) var<storage, read_write> places: array<u32>;      // (digits · blocks) × cols
@group(0) @binding(4) var<storage, read_write> keys: array<u32>;        // rows × cols
@group(0) @binding(5) var<storage, read_write> origin: array<u32>;      // rows × cols

fn encoded(bits: u32) -> u32 { return bits ^ select(0x80000000u, 0xffffffffu, bits >= 0x80000000u); }
fn decoded(key: u32) -> u32 { return key ^ select(0xffffffffu, 0x80000000u, key >= 0x80000000u); }

fn key_at(i: u32) -> u32 {
    let bits = x[i];
    return select(bits, encoded(bits), params.first != 0u);
}

fn place_of(key: u32, block: u32, col: u32) -> u32 {
    let digit = (key >> params.shift) & (params.digits - 1u);
    return (digit * params.blocks + block) * params.cols + col;
}

@compute @workgroup_size(16)
fn histogram(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let t = flat_index(group, groups, lane, 16u);
    if (t >= params.blocks * params.cols) { return; }
    let block = t / params.cols;
    let col = t % params.cols;
    for (var digit = 0u; digit < params.digits; digit++) { places[(digit * params.blocks + block) * params.cols + col] = 0u; }
    let end = min((block + 1u) * params.block_rows, params.rows);
    for (var row = block * params.block_rows; row < end; row++) {
        places[place_of(key_at(row * params.cols + col), block, col)] += 1u;
    }
}

@compute @workgroup_size(16)
fn scan(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.cols) { return; }
    let end = params.digits * params.blocks * params.cols;
    var sum = 0u;
    for (var i = id.x; i < end; i += params.cols) {
        let here = places[i];
        places[i] = sum;
        sum += here;
    }
}

@compute @workgroup_size(16)
fn scatter(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let t = flat_index(group, groups, lane, 16u);
    if (t >= params.blocks * params.cols) { return; }
    let block = t / params.cols;
    let col = t % params.cols;
    let end = min((block + 1u) * params.block_rows, params.rows);
    for (var row = block * params.block_rows; row < end; row++) {
        let i = row * params.cols + col;
        let key = key_at(i);
        var source = row;
        if (params.first == 0u) { source = x_origin[i]; }
        let place = place_of(key, block, col);
        let to = places[place];
        places[place] = to + 1u;
        keys[to * params.cols + col] = select(key, decoded(key), params.last != 0u);
        origin[to * params.cols + col] = source;
    }
}
