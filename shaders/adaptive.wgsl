// Steps whose length follows their error (Hairer, Nørsett & Wanner 1993, §II.4), decided on the device.
//   ratio    r_i = (e_i/(τ + τ·max(|x_i|, |x'_i|)))²                 e: the step's error estimate, τ: the tolerance, in the control row
//   control  ε = √(Σ r/n); the step is taken where ε ≤ 1, and the next is h·min(5, max(1/5, 0.9·ε^{−1/5})), held to the time that is
//            left. A ratio that is no number counts as an endless error. A step below 10⁻⁶ of the way that is refused ends the attempt.
//   commit   x = taken ? x' : x
// The control row: t, h, 1, steps taken, steps refused, state (0 under way, 1 arrived, 2 failed), the end, ε, the times of the stages
// t + c_i·h for i = 2 … 5 (that of the sixth is the next), t + h, whether the step just made was taken, the whole way, τ.
#let CONTROL = 16
#let T = 0
#let H = 1
#let ONE = 2
#let TAKEN = 3
#let REFUSED = 4
#let STATE = 5
#let END = 6
#let SIZE = 7
#let STAGES = 8
#let MADE = 13
#let WAY = 14
#let TOLERANCE = 15
#let ARRIVED = 1
#let FAILED = 2
#import common/index

struct Params { len: u32, count: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> error: array<f32>;            // len
@group(0) @binding(2) var<storage, read> x: array<f32>;                // len
@group(0) @binding(3) var<storage, read> moved: array<f32>;            // len: x'
@group(0) @binding(4) var<storage, read> row: array<f32>;              // 16: the control row, read
@group(0) @binding(5) var<storage, read> total: array<f32>;            // 1: Σ r
@group(0) @binding(6) var<storage, read_write> control_row: array<f32>;// 16: the control row, written
@group(0) @binding(7) var<storage, read_write> out: array<f32>;        // len

@compute @workgroup_size(256)
fn ratio(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 256u);
    if (i >= params.len) { return; }
    let r = error[i] / (row[$TOLERANCE] * (1.0 + max(abs(x[i]), abs(moved[i]))));
    out[i] = r * r;
}

@compute @workgroup_size(1)
fn control() {
    let t = control_row[$T];
    var h = control_row[$H];
    let end = control_row[$END];
    let way = control_row[$WAY];
    if (control_row[$STATE] != 0.0) {                                       // over: steps of no length change nothing
        control_row[$MADE] = 0.0;
        return;
    }
    let bits = bitcast<u32>(total[0]);
    let finite = (bits & 0x7f800000u) != 0x7f800000u;
    let size = select(1e30, sqrt(total[0] / params.count), finite);
    let taken = size <= 1.0;
    let factor = clamp(0.9 * exp(-0.2 * log(max(size, 1e-10))), 0.2, 5.0);
    var now = t;
    if (taken) {
        now = t + h;
        control_row[$TAKEN] += 1.0;
    } else {
        control_row[$REFUSED] += 1.0;
        if (abs(h) < 1e-6 * abs(way)) { control_row[$STATE] = $FAILED.0; }
    }
    h *= select(min(factor, 1.0), factor, taken);
    let left = end - now;
    // What is left within rounding is no step of its own.
    if (taken && abs(left) <= 1e-6 * abs(way)) {
        control_row[$STATE] = $ARRIVED.0;
        now = end;
        h = 0.0;
    } else if (abs(h) >= abs(left)) {
        h = left;
    }
    control_row[$T] = now;
    control_row[$H] = h;
    control_row[$SIZE] = size;
    control_row[$STAGES] = now + h * 0.2;
    control_row[$(STAGES + 1)] = now + h * 0.3;
    control_row[$(STAGES + 2)] = now + h * 0.8;
    control_row[$(STAGES + 3)] = now + h * 0.8888889;
    control_row[$(STAGES + 4)] = now + h;
    control_row[$MADE] = select(0.0, 1.0, taken);
}

@compute @workgroup_size(256)
fn commit(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 256u);
    if (i >= params.len || row[$MADE] == 0.0) { return; }
    out[i] = moved[i];
}
