// Langevin dynamics of many chains with a Metropolis correction (MALA; Besag 1994, Roberts & Tweedie 1996), for a density ∝ e^{−E}. A row is a chain: its first
// `moved` numbers x move, those behind them are given to E and stay. With g = ∇E(x) and the chain's own step h,
//   propose   x' = x − h·g + √(2h)·ξ,   ξ ~ N(0, I)
//   accept    with the chance min(1, α),   ln α = E(x) − E(x') + (‖x' − x + h·g‖² − ‖x − x' + h·g'‖²)/4h
// which leaves e^{−E} as it is for every h. Without correction every finite x' is accepted (ULA): the distribution is then off by order h.
// A chain that adapts moves ln h by rate·(min(1, α) − target) (Robbins & Monro 1951; target 0.574, Roberts & Rosenthal 1998): that is no Markov chain, so
// it stops before rows are used.
//   refresh   a row becomes that of `fresh` with a given chance
// `tally` has three numbers a chain: E(x), how many moves were accepted, ln h. All in place; an invocation a chain; no gradient.
#let TALLY = 3
#import common/index
#import common/normal

struct Params { n: u32, cols: u32, moved: u32, stream: u32, corrected: u32, rate: f32, wanted: f32, chance: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>;              // step, seed (low), seed (high), domain
@group(0) @binding(2) var<storage, read_write> x: array<f32>;            // n × cols
@group(0) @binding(3) var<storage, read_write> g: array<f32>;            // n × cols: ∇E(x); what is beyond `moved` is not read
@group(0) @binding(4) var<storage, read_write> tally: array<f32>;        // n × 3
@group(0) @binding(5) var<storage, read> proposal: array<f32>;           // n × cols: x'
@group(0) @binding(6) var<storage, read> slope: array<f32>;              // n × cols: ∇E(x')
@group(0) @binding(7) var<storage, read> energy: array<f32>;             // n: E(x')
@group(0) @binding(8) var<storage, read> from_x: array<f32>;             // n × cols: x, as `propose` reads it
@group(0) @binding(9) var<storage, read> from_g: array<f32>;
@group(0) @binding(10) var<storage, read> from_tally: array<f32>;
@group(0) @binding(11) var<storage, read_write> out: array<f32>;         // n × cols: x'
@group(0) @binding(12) var<storage, read> fresh: array<f32>;             // n × cols

// Steps between e^−20 and e^3.
const LEAST = -20.0;
const MOST = 3.0;

fn words(index: u32) -> vec4<u32> {
    return philox(vec4<u32>(index, params.stream, state[0], state[3]), vec2<u32>(state[1], state[2]));
}

fn is_finite(v: f32) -> bool { return (bitcast<u32>(v) & 0x7f800000u) != 0x7f800000u; }

@compute @workgroup_size(64)
fn propose(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    let h = exp(from_tally[$(TALLY)u * i + 2u]);
    let noise = sqrt(2.0 * h);
    let at = i * params.cols;
    let pairs = (params.moved + 1u) / 2u;
    for (var p = 0u; p < pairs; p++) {
        let bits = words(i * pairs + p);
        let xi = box_muller(bits.x, bits.y);
        let j = at + 2u * p;
        out[j] = from_x[j] - h * from_g[j] + noise * xi.x;
        if (2u * p + 1u < params.moved) { out[j + 1u] = from_x[j + 1u] - h * from_g[j + 1u] + noise * xi.y; }
    }
    for (var j = params.moved; j < params.cols; j++) { out[at + j] = from_x[at + j]; }
}

@compute @workgroup_size(64)
fn accept(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    let h = exp(tally[$(TALLY)u * i + 2u]);
    let at = i * params.cols;
    var there = 0.0;
    var back = 0.0;
    for (var j = at; j < at + params.moved; j++) {
        let way = proposal[j] - x[j];
        let a = way + h * g[j];
        let b = h * slope[j] - way;
        there += a * a;
        back += b * b;
    }
    let log_alpha = tally[$(TALLY)u * i] - energy[i] + (there - back) / (4.0 * h);
    let sane = is_finite(energy[i]) && is_finite(back);
    let alpha = select(0.0, exp(clamp(log_alpha, -80.0, 0.0)), sane);
    let drawn = unit(words(i).x);
    if (sane && (params.corrected == 0u || drawn < alpha)) {
        for (var j = at; j < at + params.moved; j++) {
            x[j] = proposal[j];
            g[j] = slope[j];
        }
        tally[$(TALLY)u * i] = energy[i];
        tally[$(TALLY)u * i + 1u] += 1.0;
    }
    tally[$(TALLY)u * i + 2u] = clamp(tally[$(TALLY)u * i + 2u] + params.rate * (alpha - params.wanted), LEAST, MOST);
}

@compute @workgroup_size(64)
fn refresh(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = flat_index(group, groups, lane, 64u);
    if (i >= params.n) { return; }
    if (unit(words(i).x) < params.chance) {
        for (var j = i * params.cols; j < (i + 1u) * params.cols; j++) { x[j] = fresh[j]; }
    }
}
