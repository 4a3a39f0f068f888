// What every kernel of a whole perceptron is given:
//   h_1 = xW_0 + b_0,   h_{l+1} = σ(h_l)·W_l + b_l,   y = h_L
// for n rows. All weights and biases but b_0 lie in one buffer, at places that are multiples of four numbers; b_0 has its own, because it
// may be a function of a learned one (the shift that a network's time makes).
#import common/activation

struct Params {
    hidden_w: vec4<u32>,                                               // places of W_1 … W_{L−2} in `w`, in vec4s
    hidden_b: vec4<u32>,                                               // and of their biases
    n: u32, k: u32, m: u32,                                            // rows, inputs, outputs
    width: u32,                                                        // hidden units of a layer: a multiple of four
    depth: u32,                                                        // products between hidden layers: L − 2
    first: u32, last: u32, last_b: u32,                                // places of W_0, W_{L−1} and b_{L−1}
    rows: u32,                                                         // that a workgroup takes
    spare_0: u32, spare_1: u32, spare_2: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;               // n × k
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;         // see above
@group(0) @binding(3) var<storage, read> b: array<vec4<f32>>;         // width
@group(0) @binding(4) var<storage, read_write> y: array<f32>;         // n × m

fn act4(v: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(act(v.x), act(v.y), act(v.z), act(v.w));
}

// Number i of what begins at place `at`.
fn number(at: u32, i: u32) -> f32 {
    return w[at + i / 4u][i % 4u];
}
