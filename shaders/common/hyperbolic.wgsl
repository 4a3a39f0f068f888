// tanh by its series near zero and by one exponential elsewhere.
fn hyperbolic(x: f32) -> f32 {
    let q = x * x;
    let near = x * (1.0 + q * (-0.33333334 + q * (0.13333334 + q * (-0.05396825 + q * 0.021869488))));
    let far = 1.0 - 2.0 / (exp(clamp(2.0 * x, -40.0, 40.0)) + 1.0);
    return select(far, near, q < 0.0625);
}
