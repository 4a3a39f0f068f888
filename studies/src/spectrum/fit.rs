//! The rate of a decay from means that were taken of the same particles at several times.
//!
//! If −Lf = λf then E[f(X_t)|X_s] = e^{−λ(t−s)} f(X_s): with a_j = e^{−λ(t_j−t_{j−1})}, the innovations
//!
//!   r_j = m_j − a_j m_{j−1},   m_j the mean of f at time t_j,
//!
//! have mean zero at the true λ and are uncorrelated, while the m_j themselves are not: means of one set of particles. λ̂ is the weighted
//! least squares of the innovations, Σ r_j²/V_j with V_j = (v_j − 2 a_j c_j + a_j² v_{j−1})/n, where v_j is the variance of f and c_j its
//! covariance with f at the time before, both measured: nothing but the estimate's model takes a decay to be exponential, and
//! Σ r_j²/V_j says whether it is, as χ² of one degree of freedom less than there are innovations. Late times, when only noise is left,
//! weigh what they are worth: nothing.

/// One function at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    pub time: f64,
    pub mean: f64,
    pub variance: f64,
    /// With the same function of the same particles at the time before.
    pub covariance: f64,
}

/// A rate and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    pub rate: f64,
    pub error: f64,
    pub chi_squared: f64,
}

/// Rates that are looked at first, a tenth apart.
const RATES: std::ops::Range<i32> = -70..70;
/// Steps of Gauss and Newton: far more than it takes.
const ROUNDS: usize = 50;

/// Fits the rate of a decay, from means over `particles`.
pub fn fit(series: &[Moment], particles: usize) -> Fit {
    let pairs: Vec<(Moment, Moment)> = series.windows(2).map(|w| (w[0], w[1])).collect();
    // Σ gr/V, Σ g²/V and Σ r²/V, where g = dr/dλ.
    let sums = |rate: f64, weighed_at: f64| {
        pairs.iter().fold([0.0; 3], |[gr, gg, rr], (before, now)| {
            let gap = now.time - before.time;
            let (a, b) = ((-rate * gap).exp(), (-weighed_at * gap).exp());
            let variance = (now.variance - 2.0 * b * now.covariance + b * b * before.variance) / particles as f64;
            let (r, g) = (now.mean - a * before.mean, gap * a * before.mean);
            [gr + g * r / variance, gg + g * g / variance, rr + r * r / variance]
        })
    };
    // Where to begin: the best of many, each weighed alike.
    let candidates = RATES.map(|k| (f64::from(k) / 10.0).exp());
    let misfit = |rate: f64| -> f64 {
        let one = |(before, now): &(Moment, Moment)| {
            (now.mean - (-rate * (now.time - before.time)).exp() * before.mean).powi(2) / now.variance
        };
        pairs.iter().map(one).sum()
    };
    let mut rate = candidates.min_by(|a, b| misfit(*a).total_cmp(&misfit(*b))).unwrap_or(1.0);
    for _ in 0..ROUNDS {
        let [gr, gg, _] = sums(rate, rate);
        rate = (rate - gr / gg).clamp(rate / 2.0, rate * 2.0);
    }
    let [_, gg, chi_squared] = sums(rate, rate);
    Fit { rate, error: gg.recip().sqrt(), chi_squared }
}
