// Radial kernels k = κ(r²), r² = ‖x − y‖², with the derivatives that the Stein kernel and its gradient need, all signed so
// that they are positive: vec4(κ, −2κ′, 4κ″, −8κ‴). Zero where the pair does not count.
//   gaussian      Σ_b 2^(−s_b r²)      s_b = log₂e / 2ℓ_b² in `shape`; each derivative brings 1/ℓ_b² = s_b·2 ln 2
//   multiquadric  (c² + r²)^β          c² and β in −1 … 0 in `shape`
#axis KERNEL: gaussian multiquadric
#axis B: 1..=16 as 3 1
#require KERNEL == gaussian || B == 1

const TWO_LN2 = 1.3862943611198906;

fn stein_kernel(r2: f32, counts: bool) -> vec4<f32> {
#if KERNEL == gaussian
    var sum = vec4<f32>(0.0);
#for b in 0..B
    let h$b = params.shape[$(b / 4)][$(b % 4)] * TWO_LN2;
    let k$b = select(0.0, exp2(-r2 * params.shape[$(b / 4)][$(b % 4)]), counts);
    sum += k$b * vec4<f32>(1.0, h$b, h$b * h$b, h$b * h$b * h$b);
#endfor
    return sum;
#else
    let base = params.shape[0].x + r2;
    let beta = params.shape[0].y;
    let inverse = 1.0 / base;
    let k = select(0.0, exp2(beta * log2(base)), counts);
    let q = -2.0 * beta * inverse * k;
    let w = 2.0 * (1.0 - beta) * inverse * q;
    return vec4<f32>(k, q, w, 2.0 * (2.0 - beta) * inverse * w);
#endif
}
