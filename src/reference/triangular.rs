//! Reference for `triangular`: X with X·T = B by substitution.

use super::Exact;

/// `lower`: T is unit lower triangular; else upper triangular. The scale of a number is that of its substitution's terms, errors of the
/// numbers before it included.
pub fn solve(b: &[f64], t: &[f64], d: usize, lower: bool) -> Exact {
    let (mut value, mut scale) = (vec![0.0; b.len()], vec![0.0; b.len()]);
    for at in (0..b.len()).step_by(d) {
        for step in 0..d {
            let j = if lower { d - 1 - step } else { step };
            let seen = if lower { j + 1..d } else { 0..j };
            let (mut rest, mut size) = (b[at + j], b[at + j].abs());
            for k in seen {
                rest -= value[at + k] * t[k * d + j];
                size += (value[at + k].abs() + scale[at + k]) * t[k * d + j].abs();
            }
            let diagonal = if lower { 1.0 } else { t[j * d + j] };
            value[at + j] = rest / diagonal;
            scale[at + j] = size / diagonal.abs();
        }
    }
    let mut reference = Exact::new(d);
    value.into_iter().zip(scale).for_each(|(v, s)| reference.push_scaled(v, s));
    reference
}
