//! Twin of `random`: Philox 4×32-10 word for word, and the laws drawn from it.

/// Philox 4×32-10 (Salmon et al. 2011).
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let p = u64::from(counter[0]) * 0xD251_1F53;
        let q = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [(q >> 32) as u32 ^ counter[1] ^ key[0], q as u32, (p >> 32) as u32 ^ counter[3] ^ key[1], p as u32];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

/// 24 bits in [0, 1).
pub fn unit(bits: u32) -> f64 {
    f64::from(bits >> 8) / f64::from(1 << 24)
}

/// The four numbers of one counter, by the law's name.
pub fn draw(law: &str, bits: [u32; 4], low: f64, high: f64) -> [f64; 4] {
    let normal = |a: u32, b: u32| {
        let r = (-2.0 * (1.0 - unit(a)).ln()).sqrt();
        let angle = std::f64::consts::TAU * unit(b) - std::f64::consts::PI;
        [r * angle.cos(), r * angle.sin()]
    };
    match law {
        "uniform" => bits.map(|b| low + (high - low) * unit(b)),
        "normal" => {
            let ([a, b], [c, d]) = (normal(bits[0], bits[1]), normal(bits[2], bits[3]));
            [a, b, c, d]
        }
        "cauchy" => bits.map(|b| (std::f64::consts::PI * (unit(b) - 0.5 + f64::from(2.0f32.powi(-25)))).tan()),
        "laplace" => bits.map(|b| -(1.0 - unit(b)).ln() * if b & 1 == 1 { -1.0 } else { 1.0 }),
        "sign" => bits.map(|b| 2.0 * f64::from(b & 1) - 1.0),
        _ => panic!("no law {law}"),
    }
}
