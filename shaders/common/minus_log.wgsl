// −ln(x) for positive normal x, since drivers' logarithms are poor near 1: x = m·2^e with m in [√½, √2), and ln m = 2·atanh(s),
// s = (m − 1)/(m + 1), by its series.
fn minus_log(x: f32) -> f32 {
    let bits = bitcast<u32>(x) - 0x3f3504f3u;                         // √½: the exponent's carry splits at √½, not at 1
    let e = bitcast<i32>(bits) >> 23u;
    let m = bitcast<f32>((bits & 0x007fffffu) + 0x3f3504f3u);
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    let series = 2.0 * s * (1.0 + q * (0.33333334 + q * (0.2 + q * (0.14285715 + q * 0.11111111))));
    return -(f32(e) * 0.6931472 + series);
}
