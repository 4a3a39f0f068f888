//! How well Markov chains mix: autocorrelation time and effective sample size (Geyer 1992; Gelman et al. 2013, §11.5).

/// The integrated autocorrelation time τ = 1 + 2Σ_t ρ_t, in moves, of a number seen along several chains: `traces[t][i]` is that of chain i after move t.
/// As many moves are worth 1/τ independent draws each.
///
/// Covariances are around the mean of all chains, so that chains which stay apart count as correlated for as long as they are seen. The sum ends by Geyer's
/// rule, where the sum of two neighboring autocorrelations is no longer positive. 1 where nothing varies, or less than two moves were seen.
pub fn autocorrelation_time(traces: &[Vec<f32>]) -> f64 {
    let (moves, chains) = (traces.len(), traces.first().map_or(0, Vec::len));
    if moves < 2 || chains == 0 {
        return 1.0;
    }
    let each = || traces.iter().flatten().map(|&v| f64::from(v));
    let mean = each().sum::<f64>() / (moves * chains) as f64;
    let covariance = |lag: usize| {
        let pair = |t: usize| -> f64 {
            traces[t].iter().zip(&traces[t + lag]).map(|(&a, &b)| (f64::from(a) - mean) * (f64::from(b) - mean)).sum()
        };
        (0..moves - lag).map(pair).sum::<f64>() / ((moves - lag) * chains) as f64
    };
    let variance = covariance(0);
    if variance <= 0.0 || variance.is_nan() {
        return 1.0;
    }
    let mut sum = 0.0;
    let mut lag = 0;
    while lag + 1 < moves {
        let pair = (covariance(lag) + covariance(lag + 1)) / variance;
        if pair <= 0.0 {
            break;
        }
        sum += pair;
        lag += 2;
    }
    (2.0 * sum - 1.0).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_distr::Distribution;

    /// `chains` stationary chains x ← φx + √(1 − φ²)·ξ around `apart` times their number's sign.
    fn autoregressive(phi: f64, moves: usize, chains: usize, apart: f64) -> Vec<Vec<f32>> {
        let mut random = rand_chacha_rng();
        let mut normal = || -> f64 { rand_distr::StandardNormal.sample(&mut random) };
        let mut x: Vec<f64> = (0..chains).map(|_| normal()).collect();
        let mut move_all = || -> Vec<f32> {
            x.iter_mut().for_each(|x| *x = phi * *x + (1.0 - phi * phi).sqrt() * normal());
            x.iter().enumerate().map(|(i, x)| (x + if i % 2 == 0 { apart } else { -apart }) as f32).collect()
        };
        (0..moves).map(|_| move_all()).collect()
    }

    fn rand_chacha_rng() -> rand::rngs::ChaCha8Rng {
        rand::rngs::ChaCha8Rng::seed_from_u64(5)
    }

    #[test]
    fn an_autoregressive_chain_has_the_time_of_its_closed_form() {
        // ρ_t = φ^t, so τ = (1 + φ)/(1 − φ); its error is about τ√(2(2W + 1)/moves·chains), W the lags summed (Sokal 1997).
        for phi in [0.0, 0.5, 0.9] {
            let exact = (1.0 + phi) / (1.0 - phi);
            let found = autocorrelation_time(&autoregressive(phi, 2000, 40, 0.0));
            assert!((found - exact).abs() < 0.08 * exact, "φ = {phi}: {found} for {exact}");
        }
    }

    #[test]
    fn chains_that_never_meet_are_worth_one_draw_each() {
        let found = autocorrelation_time(&autoregressive(0.3, 200, 20, 5.0));
        assert!(found > 150.0, "{found}");
        assert_eq!(autocorrelation_time(&[vec![1.0; 5], vec![1.0; 5]]), 1.0);
        assert_eq!(autocorrelation_time(&[]), 1.0);
    }
}
