// A whole perceptron in one dispatch, on software adapters (formula: common/perceptron). A workgroup is one subgroup of SG lanes, which hold
// all weights, column by column, on the stack; a row's hidden units lie across the lanes as the product before left them, and are what
// the next one broadcasts: between x and y nothing is loaded or stored, and such an adapter takes a dozen instructions for each number
// that is. Measured (SG = 16, width 128, four layers, 65,536 rows): 2.2 times as fast as layer by layer.
// ROWS rows share each weight that comes from the stack. All columns of a row are summed at once: in parts, the same broadcasts would be
// kept for the second part in memory, at twice the time.
#axis SG: 4..=128 as 4
#axis WIDTH: 16..=128 as 16
#axis DEPTH: 0..=4 as 2 0
#axis INPUTS: 1..=128 as 2
#axis ROWS: 1..=24 as 3
#require WIDTH % (4 * SG) == 0
#require INPUTS <= SG
#import common/perceptron

@compute @workgroup_size($SG)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let top = group.x * params.rows;
    let bottom = min(top + params.rows, params.n);
#for V in 0..WIDTH / (4 * SG)
    let b_$V = b[$(V * SG)u + lane];
#for K in 0..INPUTS
    let first_$(K)_$V = w[params.first + $(K * WIDTH / 4 + V * SG)u + lane];
#endfor
#endfor
    // A load is a branch for each lane and number, and thousands of them take a driver a minute to compile. So a loop has a few loads,
    // and each round keeps what it loaded under the names of that round.
#for L in 0..DEPTH
#for V in 0..WIDTH / (4 * SG)
    let hidden_b_$(L)_$V = w[params.hidden_b[$L] + $(V * SG)u + lane];
#for K in 0..WIDTH
    var w_$(L)_$(K)_$V = vec4<f32>();
#endfor
#endfor
    for (var round = 0u; round < $(WIDTH / 8)u; round++) {
        let at = params.hidden_w[$L] + round * $(2 * WIDTH)u + lane;
#for K in 0..8
#for V in 0..WIDTH / (4 * SG)
        let new_$(K)_$V = w[at + $(K * WIDTH / 4 + V * SG)u];
#endfor
#endfor
#for R in 0..WIDTH / 8
        let now_$R = vec4<bool>(round == $(R)u);
#for K in 0..8
#for V in 0..WIDTH / (4 * SG)
        w_$(L)_$(8 * R + K)_$V = select(w_$(L)_$(8 * R + K)_$V, new_$(K)_$V, now_$R);
#endfor
#endfor
#endfor
    }
#endfor
    // Of the last layer a lane holds one column.
    let column = min(lane, params.m - 1u);
    let last_b = number(params.last_b, column);
#for K in 0..WIDTH
    var last_$K = 0.0;
#endfor
    for (var round = 0u; round < $(WIDTH / 8)u; round++) {
#for K in 0..8
        let new_$K = number(params.last, (8u * round + $(K)u) * params.m + column);
#endfor
#for R in 0..WIDTH / 8
        let now_$R = round == $(R)u;
#for K in 0..8
        last_$(8 * R + K) = select(last_$(8 * R + K), new_$K, now_$R);
#endfor
#endfor
    }
    for (var row = top; row < bottom; row += $(ROWS)u) {
#for R in 0..ROWS
        let x_$R = x[min(row + $(R)u, params.n - 1u) * $(INPUTS)u + min(lane, $(INPUTS - 1)u)];
#for V in 0..WIDTH / (4 * SG)
        var first_sum_$(R)_$V = b_$V;
#endfor
#for K in 0..INPUTS
        let x_$(R)_$K = subgroupBroadcast(x_$R, $(K)u);
#for V in 0..WIDTH / (4 * SG)
        first_sum_$(R)_$V += x_$(R)_$K * first_$(K)_$V;
#endfor
#endfor
#for V in 0..WIDTH / (4 * SG)
        let h_0_$(R)_$V = act4(first_sum_$(R)_$V);
#endfor
#endfor
#for L in 0..DEPTH
#for R in 0..ROWS
#for V in 0..WIDTH / (4 * SG)
        var sum_$(L)_$(R)_$V = hidden_b_$(L)_$V;
#endfor
#endfor
#for K in 0..WIDTH
#for R in 0..ROWS
        let s_$(L)_$(K)_$R = subgroupBroadcast(h_$(L)_$(R)_$(K / (4 * SG))[$(K % 4)], $(K % (4 * SG) / 4)u);
#for V in 0..WIDTH / (4 * SG)
        sum_$(L)_$(R)_$V += s_$(L)_$(K)_$R * w_$(L)_$(K)_$V;
#endfor
#endfor
#endfor
#for R in 0..ROWS
#for V in 0..WIDTH / (4 * SG)
        let h_$(L + 1)_$(R)_$V = act4(sum_$(L)_$(R)_$V);
#endfor
#endfor
#endfor
        // Even and odd terms apart: half the wait for the sum before.
#for R in 0..ROWS
        var even_$R = last_b;
        var odd_$R = 0.0;
#endfor
#for K in 0..WIDTH / 2
#for R in 0..ROWS
        even_$R += subgroupBroadcast(h_$(DEPTH)_$(R)_$(2 * K / (4 * SG))[$(2 * K % 4)], $(2 * K % (4 * SG) / 4)u) * last_$(2 * K);
        odd_$R += subgroupBroadcast(h_$(DEPTH)_$(R)_$(2 * K / (4 * SG))[$(2 * K % 4 + 1)], $(2 * K % (4 * SG) / 4)u) * last_$(2 * K + 1);
#endfor
#endfor
#for R in 0..ROWS
        if (lane < params.m && row + $(R)u < bottom) {
            y[(row + $(R)u) * params.m + lane] = even_$R + odd_$R;
        }
#endfor
    }
}
