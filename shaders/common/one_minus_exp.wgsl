// 1 − eˣ for x ≤ 0, without cancellation near zero.
fn one_minus_exp(x: f32) -> f32 {
    let near = -x * (1.0 + x * (0.5 + x * (0.16666667 + x * (0.041666668 + x * (0.008333334 + x * 0.0013888889)))));
    return select(1.0 - exp(max(x, -87.0)), near, x > -0.35);
}
