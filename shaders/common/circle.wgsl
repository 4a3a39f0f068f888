// Sine and cosine of a phase given in turns (p/2π). WGSL promises both only in [−π, π], and there to 2⁻¹¹ alone; in turns
// the reduction p − round(p) is exact, so these are good to 2e-7 absolute beyond the rounding of p itself. One reduction
// serves both: with u = |r| − ¼, cos 2πr = −sin 2πu and sin 2πr = sign(r)·cos 2πu, where u lies in [−¼, ¼].
const S0 = 6.28318516;
const S1 = -41.341655;
const S2 = 81.6010041;
const S3 = -76.5497823;
const S4 = 39.536706;
const C1 = -19.7391821;
const C2 = 64.9352215;
const C3 = -85.2540074;
const C4 = 56.3406474;

struct Reduced { u: f32, r: f32 }

fn reduce_turns(p: f32) -> Reduced {
    let r = p - round(p);
    return Reduced(abs(r) - 0.25, r);
}

// Minimax polynomials on [−¼, ¼] (Lawson's iteration): 3e-9 and 5e-8 absolute before rounding.
fn cos_reduced(at: Reduced) -> f32 {
    let z = at.u * at.u;
    return -at.u * ((((S4 * z + S3) * z + S2) * z + S1) * z + S0);
}

fn sin_reduced(at: Reduced) -> f32 {
    let z = at.u * at.u;
    let size = (((C4 * z + C3) * z + C2) * z + C1) * z + 1.0;
    return bitcast<f32>(bitcast<u32>(size) | (bitcast<u32>(at.r) & 0x80000000u));
}
