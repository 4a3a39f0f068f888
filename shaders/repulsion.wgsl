// Particles that repel each other: for x (n × d) and the Riesz potential of exponent s > −2, softened by δ (Serfaty 2018),
//   k(r) = ρ^(−s/2) for s > 0,   −½ ln ρ for s = 0,   −ρ^(−s/2) for s < 0,      ρ = r² + δ², r = ‖xᵢ − xⱼ‖
//   forces   fᵢ = −∂/∂xᵢ Σⱼ k = slope·Σⱼ ρ^(−s/2−1) (xᵢ − xⱼ),      slope = |s|, or 1 where s = 0
//   energy   eᵢ = Σ_{j≠i} k
// Differences are multiplied before they are added: the weights grow beyond all bounds at small distances, where the Σ w·xᵢ − Σ w·xⱼ of
// other pairwise sums would cancel. One invocation is a row and a split of the others. D is the number of columns where they fit into
// registers; 0 is any number, four rows at a time, and the force in chunks of 32 coordinates.
#axis KIND: logarithm power
#axis D: 2 0
#import common/minus_log

struct Params {
    n: u32,
    d: u32,
    columns: u32,                 // rows in one split
    row_begin: u32,               // of this dispatch
    row_end: u32,
    half: f32,                    // s/2
    slope: f32,
    softening: f32,               // δ²
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;                // n × d
@group(0) @binding(2) var<storage, read_write> force: array<f32>;      // splits × n × d
@group(0) @binding(3) var<storage, read_write> value: array<f32>;      // splits × n

const LOG2_E = 1.442695;

fn weight(r2: f32) -> f32 {
    let rho = r2 + params.softening;
#if KIND == logarithm
    return 1.0 / rho;
#else
    return exp2(LOG2_E * params.half * minus_log(rho)) / rho;
#endif
}

fn potential(r2: f32) -> f32 {
    let log = minus_log(r2 + params.softening);
#if KIND == logarithm
    return 0.5 * log;
#else
    return sign(params.half) * exp2(LOG2_E * params.half * log);
#endif
}

#if D == 0
#for Q in 0..4
var<private> s$Q: f32;
#endfor

// ‖xᵢ − x_{j+q}‖² for q in 0..4, into s0 … s3; past the end a row is read again.
fn squares(i: u32, j: u32, end: u32) {
#for Q in 0..4
    s$Q = 0.0;
    let at$Q = min(j + $(Q)u, end - 1u) * params.d;
#endfor
    for (var c = 0u; c < params.d; c++) {
        let x_c = x[i * params.d + c];
#for Q in 0..4
        let e$Q = x_c - x[at$Q + c];
        s$Q += e$Q * e$Q;
#endfor
    }
}
#endif

@compute @workgroup_size(64)
fn forces(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = params.row_begin + group.x * 64u + lane;
    if (i >= params.row_end) { return; }
    let first = group.y * params.columns;
    let end = min(first + params.columns, params.n);
    let out = group.y * params.n + i;
#if D == 0
    let chunk = group.z * 32u;
#for C in 0..32
    let c$C = min(chunk + $(C)u, params.d - 1u);
    let x$C = x[i * params.d + c$C];
    var f$C = 0.0;
#endfor
    for (var j = first; j < end; j += 4u) {
        squares(i, j, end);
#for Q in 0..4
        {
            let w = select(0.0, weight(s$Q), j + $(Q)u < end);
            let at = min(j + $(Q)u, end - 1u) * params.d;
#for C in 0..32
            f$C += w * (x$C - x[at + c$C]);
#endfor
        }
#endfor
    }
#for C in 0..32
    if (chunk + $(C)u < params.d) { force[out * params.d + chunk + $(C)u] = params.slope * f$C; }
#endfor
#else
#for C in 0..$D
    let x$C = x[i * $(D)u + $(C)u];
    var f$C = 0.0;
#endfor
    for (var j = first; j < end; j++) {
        var r2 = 0.0;
#for C in 0..$D
        let e$C = x$C - x[j * $(D)u + $(C)u];
        r2 += e$C * e$C;
#endfor
        let w = weight(r2);
#for C in 0..$D
        f$C += w * e$C;
#endfor
    }
#for C in 0..$D
    force[out * $(D)u + $(C)u] = params.slope * f$C;
#endfor
#endif
}

@compute @workgroup_size(64)
fn energy(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = params.row_begin + group.x * 64u + lane;
    if (i >= params.row_end) { return; }
    let first = group.y * params.columns;
    let end = min(first + params.columns, params.n);
    var sum = 0.0;
#if D == 0
    for (var j = first; j < end; j += 4u) {
        squares(i, j, end);
#for Q in 0..4
        sum += select(0.0, potential(s$Q), j + $(Q)u < end && j + $(Q)u != i);
#endfor
    }
#else
#for C in 0..$D
    let x$C = x[i * $(D)u + $(C)u];
#endfor
    for (var j = first; j < end; j++) {
        var r2 = 0.0;
#for C in 0..$D
        let e$C = x$C - x[j * $(D)u + $(C)u];
        r2 += e$C * e$C;
#endfor
        sum += select(0.0, potential(r2), j != i);
    }
#endif
    value[group.y * params.n + i] = sum;
}
