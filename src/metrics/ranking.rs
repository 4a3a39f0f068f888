//! The area under the receiver operating characteristic: how often a row of one class ranks above one of another, ties for a half.

use super::{Score, interval};

/// The AUC of scores that should be higher for `positive` rows, with DeLong's standard error (DeLong, DeLong & Clarke-Pearson 1988); none where a class has no row. The
/// interval is that of the logit, which stays within 0 and 1.
pub fn auc(positive: &[f64], negative: &[f64]) -> Option<Score> {
    let (n, m) = (positive.len() as f64, negative.len() as f64);
    if positive.is_empty() || negative.is_empty() {
        return None;
    }
    // Of each row the share of the other class that it beats.
    let beaten = |of: &[f64], others: &[f64], above: bool| {
        let mut sorted = others.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let share = |value: &f64| {
            let (less, equal) = (sorted.partition_point(|v| v < value), sorted.partition_point(|v| v <= value));
            let tied = 0.5 * (equal - less) as f64;
            (tied + if above { less } else { sorted.len() - equal } as f64) / sorted.len() as f64
        };
        of.iter().map(share).collect::<Vec<f64>>()
    };
    let (of_positive, of_negative) = (beaten(positive, negative, true), beaten(negative, positive, false));
    let value = of_positive.iter().sum::<f64>() / n;
    let error =
        (interval::variance(of_positive.iter().copied()) / n + interval::variance(of_negative.iter().copied()) / m).sqrt();
    // At the ends the variance vanishes: as many rows that are all in order are no proof that all are.
    let interval = match value * (1.0 - value) > 0.0 && error > 0.0 {
        true => {
            let (logit, half) = ((value / (1.0 - value)).ln(), interval::Z * error / (value * (1.0 - value)));
            [-1.0, 1.0].map(|side| 1.0 / (1.0 + (-(logit + side * half)).exp()))
        }
        false => interval::wilson_of(value * n.min(m), n.min(m)),
    };
    Some(Score { value, standard_error: Some(error), interval: Some(interval), ..Score::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_by_hand() {
        // Of nine pairs six are in order, and one is a tie.
        let found = auc(&[3.0, 2.0, 0.5], &[1.0, 2.0, 0.0]).unwrap();
        assert!((found.value - 6.5 / 9.0).abs() < 1e-15);
        // Shares beaten: 1, 5/6, 1/3 and 2/3, 1/2, 1.
        let variance =
            interval::variance([1.0, 5.0 / 6.0, 1.0 / 3.0].into_iter()) + interval::variance([2.0 / 3.0, 0.5, 1.0].into_iter());
        assert!((found.standard_error.unwrap() - (variance / 3.0).sqrt()).abs() < 1e-15);
        let [low, high] = auc(&[2.0; 30], &[1.0; 40]).unwrap().interval.unwrap();
        assert!(low > 0.8 && low < 0.95 && high == 1.0);
        assert!(auc(&[], &[1.0]).is_none());
    }
}
