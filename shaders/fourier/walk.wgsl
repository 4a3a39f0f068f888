// Fourier and moment-generating statistics: for frequencies t_k = a_k + i b_k and f_k(x) = exp((a_k + i b_k)·x),
//   φ̂_k = (1/n) Σᵢ f_k(xᵢ)      loss = Σ_k τ_k |φ̂_k(x) − φ̂_k(y)|²
// with |φ̂|² of one sample replaced, in the unbiased form, by (|Σf|² − Σ|f|²)/(n(n−1)). Per frequency the derivative in a
// sample's f is (P, Q)/n, so that with P = A sin θ, Q = A cos θ and e = exp(a·x), p = b·x
//   ∂loss/∂xᵢ = Σ_k A_k e [b_k cos(p + θ_k) + a_k sin(p + θ_k)] − D_k a_k e²          (one sine and cosine a phase, not two)
// Nothing of size n×K is stored: `statistics` (a thread owns frequencies and walks samples), `coefficients` (one group), and
// `backward` (a thread owns samples and walks frequencies) evaluate the phases afresh. Phases are in turns (common/circle).
// COMPLEX = 0 is a = 0. Families as in common/pairs, whose skeleton is for distances: a phase is an inner product; `wide` serves any dimension.
#axis FAMILY: broadcast register wide
#axis COMPLEX: 0 1
#axis D: 0..=64 as 3 0
#axis R: 1..=4 as 2 1
#axis J: 1..=16 as 2 1
#axis SG: 1..=128 as 4 1
// Invocations of a workgroup but for `broadcast`, and coordinates of the gradient that one of `wide` forms.
#let OWN_WIDTH = 64
#let CHUNK = 32
#require FAMILY != wide || D == 0
#require FAMILY == wide || D > 0
#require FAMILY == broadcast || R == 1 && J == 1 && SG == 1
#require FAMILY != broadcast || SG >= 4 && SG % J == 0

struct Params {
    n: u32,                       // samples
    count: u32,                   // frequencies
    d: u32,
    block: u32,                   // samples (statistics) or frequencies (backward) in one split
    begin: u32,                   // of this dispatch: first frequency, or first sample
    end: u32,
    splits: u32,
    accumulate: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;                       // n × d
@group(0) @binding(2) var<storage, read> b: array<f32>;                       // count × d
@group(0) @binding(3) var<storage, read> a: array<f32>;                       // count × d
@group(0) @binding(4) var<storage, read> coefficient: array<f32>;             // 3 × count: A, θ in turns, D
@group(0) @binding(5) var<storage, read_write> sums: array<f32>;              // splits × 3 × count: Σ Re f, Σ Im f, Σ|f|²
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;          // splits × n × d
#import common/circle

const PER_TURN = 0.15915494309189535;
// |a·x| is kept within this; its gradient is 0 outside.
const LIMIT = 40.0;

#if FAMILY == broadcast
#import common/fourier_broadcast
#else
#import common/fourier_register
#endif
