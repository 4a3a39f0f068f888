//! [`Code`]: categories as bits.
//!
//! K states take m = ⌈log₂ K⌉ columns, one a bit, which are 0 or 1. A model that learns a density learns them with noise ([`Noise::Normal`](crate::data::Noise)), and a
//! sample's state is the cell of the lattice that it lies in (analog bits; Chen, Zhang & Hinton 2023). Where K is no power of two, 2^m − K words are
//! left over: the most frequent states have two words each that differ in the last bit, either of which is written at random. So every cell belongs to a
//! state, and probabilities of the states add up to one.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Bits of one column at most: a million states.
const MOST_BITS: u32 = 20;

/// The words of a column's states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Code {
    /// How many bits there are.
    bits: u32,
    /// The first word of each state.
    first: Vec<u32>,
    /// Whether each state has the next word, too.
    double: Vec<bool>,
}

impl Code {
    /// A code of states that occur so often.
    ///
    /// # Errors
    /// More than 2²⁰ states.
    pub fn new(counts: &[usize]) -> Result<Self> {
        let bits = counts.len().max(1).next_power_of_two().trailing_zeros();
        if bits > MOST_BITS {
            return Err(Error::data(format!("a column has {} categories: the most is 1,048,576", counts.len())));
        }
        let mut order: Vec<usize> = (0..counts.len()).collect();
        order.sort_by_key(|&state| std::cmp::Reverse(counts[state]));
        let spare = (1 << bits) - counts.len();
        let (mut first, mut double) = (vec![0; counts.len()], vec![false; counts.len()]);
        let mut word = 0;
        for (rank, &state) in order.iter().enumerate() {
            first[state] = word;
            double[state] = rank < spare;
            word += if rank < spare { 2 } else { 1 };
        }
        Ok(Self { bits, first, double })
    }

    /// Whether every one of so many states has words of its own.
    pub fn is_of(&self, states: usize) -> bool {
        let bits = states.max(1).next_power_of_two().trailing_zeros();
        if self.bits != bits || bits > MOST_BITS || [self.first.len(), self.double.len()] != [states; 2] {
            return false;
        }
        let mut taken = vec![false; 1 << bits];
        let mut takes = |word: u32| taken.get_mut(word as usize).is_some_and(|taken| !std::mem::replace(taken, true));
        let own = |state: usize| (self.first[state], u32::from(self.double[state]));
        (0..states).map(own).all(|(first, more)| takes(first) && (more == 0 || first.checked_add(1).is_some_and(&mut takes)))
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        self.bits as usize
    }

    /// The bits of a state, the last one first; `coin` chooses between two words.
    pub fn write(&self, state: usize, coin: impl FnOnce() -> bool, into: &mut Vec<f64>) {
        let word = self.first[state] + u32::from(self.double[state] && coin());
        into.extend((0..self.bits).map(|bit| f64::from(word >> bit & 1)));
    }

    /// The words of a state.
    pub fn words(&self, state: usize) -> impl Iterator<Item = u32> + '_ {
        (0..=u32::from(self.double[state])).map(move |more| self.first[state] + more)
    }

    /// A table from words to states, for [`Code::read`].
    pub fn states_of_words(&self) -> Vec<u32> {
        let mut states = vec![0; 1 << self.bits];
        for state in 0..self.first.len() {
            self.words(state).for_each(|word| states[word as usize] = state as u32);
        }
        states
    }

    /// The state in whose cell these numbers lie.
    pub fn read(states: &[u32], bits: &[f64]) -> usize {
        let word = bits.iter().enumerate().fold(0, |word, (bit, value)| word | usize::from(*value >= 0.5) << bit);
        states[word] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_of_one_state_and_frequent_states_have_two() {
        for (counts, width) in [(vec![5], 0), (vec![1, 9], 1), (vec![1, 2, 3], 2), (vec![4; 8], 3), ((1..=700).collect(), 10)] {
            let code = Code::new(&counts).unwrap();
            assert_eq!(code.width(), width);
            assert!(code.is_of(counts.len()) && !code.is_of(counts.len() + 1));
            let states = code.states_of_words();
            let mut words = vec![0; counts.len()];
            states.iter().for_each(|&state| words[state as usize] += 1);
            let spare = (1 << width) - counts.len();
            assert_eq!(
                (words.iter().filter(|&&n| n == 2).count(), words.iter().filter(|&&n| n == 1).count()),
                (spare, counts.len() - spare)
            );
            let least_double = (0..counts.len()).filter(|&s| words[s] == 2).map(|s| counts[s]).min();
            let most_single = (0..counts.len()).filter(|&s| words[s] == 1).map(|s| counts[s]).max();
            assert!(least_double.zip(most_single).is_none_or(|(double, single)| double >= single));
            for state in 0..counts.len() {
                for coin in [false, true] {
                    let mut bits = Vec::new();
                    code.write(state, || coin, &mut bits);
                    assert_eq!(Code::read(&states, &bits), state);
                    // Noise within the cell changes nothing.
                    let noised: Vec<f64> =
                        bits.iter().enumerate().map(|(i, b)| b + if i % 2 == 0 { 0.49 } else { -0.5 }).collect();
                    assert_eq!(Code::read(&states, &noised), state);
                }
            }
        }
        assert!(Code::new(&vec![1; (1 << 20) + 1]).is_err());
    }

    #[test]
    fn words_that_two_states_have_or_that_are_none_are_no_code() {
        let code = Code::new(&[9, 4, 1]).unwrap();
        for damaged in [
            Code { bits: 40, ..code.clone() },
            Code { first: vec![0; 3], ..code.clone() },
            Code { first: vec![0, 2, u32::MAX], ..code.clone() },
            Code { double: vec![true; 3], ..code.clone() },
            Code { double: vec![true], ..code.clone() },
        ] {
            assert!(!damaged.is_of(3), "{damaged:?}");
        }
    }
}
