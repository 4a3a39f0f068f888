// Normal numbers from random words (Box & Muller 1958): r = √(−2 ln(1 − u₁)), θ = 2π·u₂ − π; (r cos θ, r sin θ). The angle keeps to
// [−π, π), where WGSL promises accuracy; ln is our own, since drivers' are poor near 1 (where r is small).
#import common/philox
#import common/minus_log

// Two normal numbers from two words.
fn box_muller(a: u32, b: u32) -> vec2<f32> {
    let r = sqrt(2.0 * minus_log(1.0 - unit(a)));
    let angle = 6.2831855 * unit(b) - 3.1415927;
    return vec2<f32>(r * cos(angle), r * sin(angle));
}
