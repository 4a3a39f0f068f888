//! How many methods of a tour fit into the time that is left, and the seconds that each of them gets.

/// Seconds that a method's compilation, scoring and page are expected to take at first, at most a share of its time.
const OVERHEAD: f64 = 8.0;
const OVERHEAD_SHARE: f64 = 0.4;
/// The number of methods that this expectation counts as when it is averaged with measured times.
const OVERHEAD_WEIGHT: f64 = 3.0;
/// The most that one method counts as, in units of the expectation: the first ones also compile what the others share.
const OVERHEAD_MOST: f64 = 2.5;
/// The least seconds of training of a method, and the least share of what the others got: with less, it is left out.
pub(super) const LEAST: f64 = 2.0;
pub(super) const LEAST_SHARE: f64 = 0.7;

/// What fits into the time that is left.
#[derive(Debug, PartialEq)]
pub(super) struct Slots {
    /// Methods that fit, at most those that are to come.
    pub count: usize,
    /// Seconds of training for the next, and what it takes besides.
    pub seconds: f64,
    pub overhead: f64,
}

/// As many methods as fit, the last ones left out: each gets the same seconds of training, at least [`LEAST`] and, once the first method has had `each`, at
/// least [`LEAST_SHARE`] of that.
pub(super) fn slots(time: f64, left: usize, seen: &[f64], each: Option<f64>) -> Slots {
    let least = each.map_or(LEAST, |each| LEAST_SHARE * each);
    let of = |count: usize| {
        let share = time / count as f64;
        let overhead = overhead(OVERHEAD.min(OVERHEAD_SHARE * share), seen);
        (count, share - overhead, overhead)
    };
    let (count, seconds, overhead) =
        (1..=left).rev().map(of).find(|(_, seconds, _)| *seconds >= least).unwrap_or((0, 0.0, overhead(OVERHEAD, seen)));
    Slots { count, seconds: each.unwrap_or(f64::INFINITY).min(seconds), overhead }
}

/// Seconds that the next method is expected to take beside its training.
fn overhead(expected: f64, seen: &[f64]) -> f64 {
    let seen_in_all: f64 = seen.iter().map(|seconds| seconds.min(OVERHEAD_MOST * expected)).sum();
    (OVERHEAD_WEIGHT * expected + seen_in_all) / (OVERHEAD_WEIGHT + seen.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_methods_fit_as_get_enough_and_the_time_is_shared_among_these() {
        // Nothing seen: all fit, and share what they take besides.
        let all = slots(550.0, 26, &[], None);
        assert_eq!((all.count, all.overhead), (26, 8.0));
        assert!((all.seconds - (550.0 / 26.0 - 8.0)).abs() < 1e-9);
        // Six seconds besides: of 110 seconds 13 methods get two and more, and 26 would get none.
        let some = slots(110.0, 26, &[6.0; 100], Some(2.5));
        assert!((13..=15).contains(&some.count) && some.seconds >= 0.7 * 2.5, "{some:?}");
        // The same for all, also where more is left.
        assert_eq!(slots(500.0, 2, &[6.0; 100], Some(2.5)).seconds, 2.5);
        // Too little for one.
        assert_eq!(slots(3.0, 5, &[6.0; 100], Some(2.5)).count, 0);
        assert_eq!(slots(0.0, 5, &[], None).count, 0);
    }

    #[test]
    fn what_the_first_compile_does_not_starve_the_rest_and_what_all_need_is_learned() {
        assert_eq!(overhead(8.0, &[]), 8.0);
        // Seen on a processor with nothing compiled, where the mean is 19.5 and a share 21.
        assert!(overhead(8.0, &[12.7, 26.2]) < 12.0);
        assert!((overhead(8.0, &[2.0; 100]) - 2.0).abs() < 0.2 && (overhead(8.0, &[15.0; 100]) - 15.0).abs() < 0.3);
    }
}
