// How far data are noised in an annealed training (paper §4, "From network to optimization architecture"): the map is fitted to the distributions ρ_t of the
// Ornstein–Uhlenbeck process (5), X_t = e^{−t}X_0 + √(1 − e^{−2t})·ξ(ε), with t falling from T to 0 as steps are made. One invocation, a step:
//   row ← (α, σ, 1 − α, t),   α = e^{−t},   σ = √(1 − e^{−2t})
// With p = step/steps the share of the cooling that is over, R rounds, k = ⌊Rp⌋:
//   even        σ = σ_T(1 − k/R)               rounds of equal length, in which the noise falls evenly
//   geometric   t = T(c/T)^p                   a constant factor a step
//   floor       t = T(c/T)^{k/(R−1)}           k grows by one where the loss L has come down to what it is between two fresh batches of
//               ρ_t itself, F: mean L − mean F ≤ δ·standard deviation of F, and is never behind ⌊Rp⌋. Means are of a round's values, of which
//               the last ten count most (a value moves them by max(1/n, 1/10)); a round takes `least` steps or more.
// t = 0 (row = 1, 0, 0, 0) once p ≥ 1, or k ≥ R.
#import common/minus_log
#import common/one_minus_exp

struct Params { steps: u32, rounds: u32, least: u32, hottest: f32, log_ratio: f32, deviations: f32 }    // log_ratio: ln(c/T)
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>;             // step, …
@group(0) @binding(2) var<storage, read> loss: array<f32>;              // 1: L
@group(0) @binding(3) var<storage, read> floor_loss: array<f32>;        // 1: F
@group(0) @binding(4) var<storage, read_write> memory: array<f32>;      // 5: k, n, means of L, F, F²
@group(0) @binding(5) var<storage, read_write> row: array<f32>;         // 4


fn write_row(t: f32) {
    row[0] = exp(max(-t, -87.0));
    row[1] = sqrt(one_minus_exp(-2.0 * t));
    row[2] = one_minus_exp(-t);
    row[3] = t;
}

// t = −½ ln(1 − v) of σ² = v: near 0 by the series of artanh(v/(2 − v)), where the difference from one would lose v's digits.
fn time_of(v: f32) -> f32 {
    let s = v / (2.0 - v);
    let q = s * s;
    let near = s * (1.0 + q * (0.33333334 + q * (0.2 + q * (0.14285715 + q * 0.11111111))));
    return select(0.5 * minus_log(1.0 - v), near, v < 0.25);
}

fn geometric(share: f32) -> f32 { return params.hottest * exp(share * params.log_ratio); }

@compute @workgroup_size(1)
fn even() {
    if (state[0] >= params.steps) { write_row(0.0); return; }
    let k = state[0] * params.rounds / params.steps;
    if (k == 0u) { write_row(params.hottest); return; }
    let sigma = sqrt(one_minus_exp(-2.0 * params.hottest)) * (1.0 - f32(k) / f32(params.rounds));
    write_row(time_of(sigma * sigma));
}

@compute @workgroup_size(1)
fn geometric_by_step() {
    if (state[0] >= params.steps) { write_row(0.0); return; }
    write_row(geometric(f32(state[0]) / f32(params.steps)));
}

fn write_round(k: f32) {
    if (k >= f32(params.rounds)) { write_row(0.0); return; }
    write_row(geometric(k / max(f32(params.rounds) - 1.0, 1.0)));
}

// The row of the round that is remembered, which L and F are of.
@compute @workgroup_size(1)
fn remembered() { write_round(memory[0]); }

@compute @workgroup_size(1)
fn by_floor() {
    let n = memory[1] + 1.0;
    let new_share = max(1.0 / n, 0.1);
    var means = vec3<f32>(memory[2], memory[3], memory[4]);
    let values = vec3<f32>(loss[0], floor_loss[0], floor_loss[0] * floor_loss[0]);
    means = select(means + new_share * (values - means), values, n == 1.0);
    let deviation = sqrt(max(means.z - means.y * means.y, 0.0));
    let there = n >= f32(params.least) && means.x - means.y <= params.deviations * deviation;
    let due = f32(min(state[0] + 1u, params.steps) * params.rounds / params.steps);
    let k = max(memory[0] + select(0.0, 1.0, there), due);
    let begins = k > memory[0];
    memory[0] = min(k, f32(params.rounds));
    memory[1] = select(n, 0.0, begins);
    memory[2] = means.x;
    memory[3] = means.y;
    memory[4] = means.z;
    write_round(k);
}
