// Radial kernels k(x, y) of r² = ‖x − y‖². `radial` returns (k, w), where ∂k/∂x = −slope·w·(x − y); the factor `slope` is
// left to the host, which knows it: gaussian 1 (one width) or 2 ln 2, laplace 1/ℓ, multiquadric 1, quadratic 1/ℓ², distance
// 1, power β. Where k has a cusp (laplace, distance, power) w is 0 at coincident points.
//   gaussian      Σ_b 2^(−s_b r²)             s_b = log₂e / 2ℓ_b² in `shape`
//   laplace       2^(−s r)                    s = log₂e / ℓ
//   multiquadric  (c² + r²)^(−1/2)            c² in `shape`
//   quadratic     Σ_α (1 + h_α r²)^(−α)       h_α = 1/2αℓ² in `shape`, α in `alpha`
//   distance      −r                          the energy distance (Székely & Rizzo 2013)
//   power         −r^β                        β/2 − 1 in `shape`
#axis KERNEL: gaussian laplace multiquadric quadratic distance power
#axis B: 1..=16 as 3 1
#require KERNEL == gaussian || KERNEL == quadratic || B == 1

// Below this r² counts as 0: r = 1e-15 is under the rounding of any coordinate that is not itself as small.
const COINCIDENT = 1e-30;

fn radial(r2: f32) -> vec2<f32> {
#if KERNEL == gaussian
#if B == 1
    let k = exp2(-r2 * params.shape[0].x);
    return vec2<f32>(k, k);
#else
    var k = 0.0;
    var w = 0.0;
#for b in 0..B
    let k$b = exp2(-r2 * params.shape[$(b / 4)][$(b % 4)]);
    k += k$b;
    w += k$b * params.shape[$(b / 4)][$(b % 4)];
#endfor
    return vec2<f32>(k, w);
#endif
#elif KERNEL == laplace
    let inverse = inverseSqrt(max(r2, COINCIDENT));
    let k = exp2(-(r2 * inverse) * params.shape[0].x);
    return vec2<f32>(k, select(0.0, k * inverse, r2 > COINCIDENT));
#elif KERNEL == multiquadric
    let k = inverseSqrt(params.shape[0].x + r2);
    return vec2<f32>(k, k * k * k);
#elif KERNEL == quadratic
    var k = 0.0;
    var w = 0.0;
#for b in 0..B
    let base$b = 1.0 + r2 * params.shape[$(b / 4)][$(b % 4)];
    let k$b = exp2(-params.alpha[$(b / 4)][$(b % 4)] * log2(base$b));
    k += k$b;
    w += k$b / base$b;
#endfor
    return vec2<f32>(k, w);
#elif KERNEL == distance
    let inverse = inverseSqrt(max(r2, COINCIDENT));
    return vec2<f32>(-r2 * inverse, select(0.0, inverse, r2 > COINCIDENT));
#else
    let w = exp2(params.shape[0].x * log2(max(r2, COINCIDENT)));
    return vec2<f32>(-r2 * w, select(0.0, w, r2 > COINCIDENT));
#endif
}
