// A whole perceptron in one dispatch, on real GPUs (formula: common/perceptron). A workgroup of 64 invocations takes 32 rows, whose hidden
// units stay in its memory: 32 × 128 numbers are the 16 KiB that every device has. Each invocation sums 8 rows × 2 vec4s of columns in
// registers, for which it loads 8 vec4s of each operand a step of four terms; weights come from the cache.
#import common/perceptron
// Rows that a workgroup takes, and most hidden units.
#let TILE = 32
#let WIDEST = 128

var<workgroup> h: array<vec4<f32>, $(TILE * WIDEST / 4)>;                              // row r, columns 4q … 4q + 3: h[32 r + q]

// The columns of block c that an invocation has.
fn column(lane: u32, c: u32) -> u32 { return lane % 16u + 16u * c; }

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let quads = params.width / 4u;
    let top = group.x * $(TILE)u;
    let mine = lane / 16u * 8u;                                        // the first of its eight rows
    // Columns past the end are computed as the last and not kept.
    let q_0 = min(column(lane, 0u), quads - 1u);
    let q_1 = min(column(lane, 1u), quads - 1u);
#for R in 0..8
    var sum_$(R)_0 = b[q_0];
    var sum_$(R)_1 = b[q_1];
#endfor
    for (var k = 0u; k < params.k; k++) {
        let w_0 = w[params.first + k * quads + q_0];
        let w_1 = w[params.first + k * quads + q_1];
#for R in 0..8
        let x_$R = x[min(top + mine + $(R)u, params.n - 1u) * params.k + k];
        sum_$(R)_0 += x_$R * w_0;
        sum_$(R)_1 += x_$R * w_1;
#endfor
    }
    for (var layer = 0u; layer < params.depth; layer++) {
        workgroupBarrier();
#for C in 0..2
        if (column(lane, $(C)u) < quads) {
#for R in 0..8
            h[$(WIDEST / 4)u * (mine + $(R)u) + column(lane, $(C)u)] = act4(sum_$(R)_$C);
#endfor
        }
#endfor
        workgroupBarrier();
        let at = params.hidden_w[layer];
#for R in 0..8
        sum_$(R)_0 = w[params.hidden_b[layer] + q_0];
        sum_$(R)_1 = w[params.hidden_b[layer] + q_1];
#endfor
        for (var k = 0u; k < quads; k++) {
#for R in 0..8
            let h_$R = h[$(WIDEST / 4)u * (mine + $(R)u) + k];
#endfor
#for I in 0..4
            let w_$(I)_0 = w[at + (4u * k + $(I)u) * quads + q_0];
            let w_$(I)_1 = w[at + (4u * k + $(I)u) * quads + q_1];
#for R in 0..8
            sum_$(R)_0 += h_$R[$I] * w_$(I)_0;
            sum_$(R)_1 += h_$R[$I] * w_$(I)_1;
#endfor
#endfor
        }
    }
    workgroupBarrier();
#for C in 0..2
    if (column(lane, $(C)u) < quads) {
#for R in 0..8
        h[$(WIDEST / 4)u * (mine + $(R)u) + column(lane, $(C)u)] = act4(sum_$(R)_$C);
#endfor
    }
#endfor
    workgroupBarrier();
    // The last layer: an invocation has one row, and every second column.
    let row = top + lane % 32u;
    for (var j = lane / 32u; j < params.m; j += 2u) {
        var sum = number(params.last_b, j);
        // Rows begin in the same bank of memory: so each begins its sum elsewhere.
        for (var i = 0u; i < quads; i++) {
            let q = (i + lane) % quads;
            let v = h[$(WIDEST / 4)u * (lane % 32u) + q];
#for I in 0..4
            sum += v[$I] * number(params.last, (4u * q + $(I)u) * params.m + j);
#endfor
        }
        if (row < params.n) {
            y[row * params.m + j] = sum;
        }
    }
}
