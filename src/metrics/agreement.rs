//! Scores of the form 1 − |difference|, their averages, and intervals of both.
//!
//! The difference of two distributions that are sampled is never 0, even where they are equal: its mean is then b, which is known for each score. With the
//! standard error s of the influence of single rows, the interval is [score − 1.96 s, score + b + 1.96 s], cut to [0, 1]: the estimate is low by b at most, and
//! by less the more the distributions differ. It covers what it should at equality too, and more than 95 % in between. Influences of
//! several columns on one row add up, so that those of an average need no assumption of independence.

use super::{Score, interval};

/// A difference, what each row of both sets adds to it, and what it is on average between equal distributions.
#[derive(Clone, Debug)]
pub struct Difference {
    pub value: f64,
    /// Of each row of both sets, of mean zero: by how much the difference changes, times the rows of the set.
    pub influence: [Vec<f64>; 2],
    pub if_equal: f64,
}

impl Difference {
    /// 1 − the difference.
    pub fn score(&self) -> Score {
        scored(1.0 - self.value, standard_error(&self.influence), self.if_equal)
    }

    /// The mean of several; none of none.
    pub fn mean<'a>(all: impl Iterator<Item = &'a Self>) -> Option<Self> {
        let (mut sum, mut count) = (None::<Self>, 0.0);
        for one in all {
            count += 1.0;
            match &mut sum {
                None => sum = Some(one.clone()),
                Some(sum) => {
                    sum.value += one.value;
                    sum.if_equal += one.if_equal;
                    for (sums, influence) in sum.influence.iter_mut().zip(&one.influence) {
                        sums.iter_mut().zip(influence).for_each(|(sum, add)| *sum += add);
                    }
                }
            }
        }
        let mut sum = sum?;
        sum.value /= count;
        sum.if_equal /= count;
        sum.influence.iter_mut().flatten().for_each(|influence| *influence /= count);
        Some(sum)
    }
}

/// √(Σa²/n² + Σb²/m²).
pub fn standard_error(influence: &[Vec<f64>; 2]) -> f64 {
    let of = |influence: &Vec<f64>| influence.iter().map(|a| a * a).sum::<f64>() / (influence.len() as f64).powi(2);
    influence.iter().map(of).sum::<f64>().sqrt()
}

/// A score 1 − d with its interval, where d is `if_equal` on average between equal distributions.
pub fn scored(value: f64, standard_error: f64, if_equal: f64) -> Score {
    let half = interval::Z * standard_error;
    Score {
        value,
        standard_error: Some(standard_error),
        interval: Some([(value - half).max(0.0), (value + if_equal + half).min(1.0)]),
        ..Score::default()
    }
}

/// The mean of |x| over the standard deviation, of a normal variable of mean zero.
pub const MEAN_SIZE: f64 = 0.797_884_560_802_865_4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_knows_that_its_parts_move_together() {
        let one = Difference { value: 0.2, influence: [vec![1.0, -1.0], vec![0.0, 0.0]], if_equal: 0.1 };
        let same = Difference::mean([&one, &one].into_iter()).unwrap();
        assert_eq!((same.value, same.if_equal, standard_error(&same.influence)), (0.2, 0.1, 0.5_f64.sqrt()));
        let other = Difference { influence: [vec![-1.0, 1.0], vec![0.0, 0.0]], ..one.clone() };
        assert_eq!(standard_error(&Difference::mean([&one, &other].into_iter()).unwrap().influence), 0.0);
        assert_eq!(one.score().interval, Some([0.0, 1.0]));
        assert!(Difference::mean(std::iter::empty()).is_none());
    }
}
