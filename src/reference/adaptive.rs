//! Reference for `adaptive`: the control of an integration's steps.

/// One judgement: what the control row becomes after a step whose ratios add up to `total` over `count` numbers.
pub fn control(mut row: [f64; 16], total: f64, count: usize) -> [f64; 16] {
    if row[5] != 0.0 {
        row[13] = 0.0;
        return row;
    }
    let (t, h, end, way) = (row[0], row[1], row[6], row[14]);
    let size = if total.is_finite() { (total / count as f64).sqrt() } else { 1e30 };
    let taken = size <= 1.0;
    let factor = (0.9 * size.max(1e-10).powf(-0.2)).clamp(0.2, 5.0);
    let mut now = t;
    if taken {
        now = t + h;
        row[3] += 1.0;
    } else {
        row[4] += 1.0;
        if h.abs() < 1e-6 * way.abs() {
            row[5] = 2.0;
        }
    }
    let mut next = h * if taken { factor } else { factor.min(1.0) };
    let left = end - now;
    if taken && left.abs() <= 1e-6 * way.abs() {
        row[5] = 1.0;
        now = end;
        next = 0.0;
    } else if next.abs() >= left.abs() {
        next = left;
    }
    row[0] = now;
    row[1] = next;
    row[7] = size;
    for (k, c) in [0.2, 0.3, 0.8, 8.0 / 9.0, 1.0].into_iter().enumerate() {
        row[8 + k] = now + c * next;
    }
    row[13] = f64::from(u8::from(taken));
    row
}

/// (e/(τ + τ·max(|x|, |x'|)))².
pub fn ratio(error: f64, x: f64, moved: f64, tolerance: f64) -> f64 {
    (error / (tolerance + tolerance * x.abs().max(moved.abs()))).powi(2)
}
