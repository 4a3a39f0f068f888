//! Reference for `random`: the distributions drawn from Philox's words.

pub use crate::ops::random::{philox, unit};

/// The four numbers of one counter, by the distribution's name.
pub fn draw(distribution: &str, bits: [u32; 4], low: f64, high: f64) -> [f64; 4] {
    let normal = |a: u32, b: u32| {
        let r = (-2.0 * (1.0 - unit(a)).ln()).sqrt();
        let angle = std::f64::consts::TAU * unit(b) - std::f64::consts::PI;
        [r * angle.cos(), r * angle.sin()]
    };
    match distribution {
        "uniform" => bits.map(|b| low + (high - low) * unit(b)),
        "normal" => {
            let ([a, b], [c, d]) = (normal(bits[0], bits[1]), normal(bits[2], bits[3]));
            [a, b, c, d]
        }
        "cauchy" => bits.map(|b| (std::f64::consts::PI * (unit(b) - 0.5 + f64::from(2.0f32.powi(-25)))).tan()),
        "laplace" => bits.map(|b| -(1.0 - unit(b)).ln() * if b & 1 == 1 { -1.0 } else { 1.0 }),
        "sign" => bits.map(|b| 2.0 * f64::from(b & 1) - 1.0),
        _ => panic!("no distribution {distribution}"),
    }
}
