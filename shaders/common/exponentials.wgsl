// ln(1 + u) for u in [0, 1]: 2·atanh(u/(2 + u)).
fn log_one_plus(u: f32) -> f32 {
    let s = u / (2.0 + u);
    let q = s * s;
    return 2.0 * s * (1.0 + q * (0.33333334 + q * (0.2 + q * (0.14285715 + q * (0.11111111 + q * (0.09090909 + q * 0.07692308))))));
}

// eˣ − 1 for x ≤ 0.
fn exp_minus_one(x: f32) -> f32 {
    let near = x * (1.0 + x * (0.5 + x * (0.16666667 + x * (0.041666668 + x * (0.008333334 + x * (0.0013888889 + x * 0.0001984127))))));
    return select(exp(max(x, -87.0)) - 1.0, near, x > -0.5);
}
