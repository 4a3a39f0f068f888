//! [`Range`]: which numbers a setting may be.

use crate::words::grouped;
use crate::{Error, Result};
use std::fmt::Debug;
use std::ops;

/// An end of a range: none, or a number that is itself in the range or not.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Open,
    With(f64),
    Without(f64),
}

/// Numbers that are valid for a setting; of a list, for each of its items, and how many items it may have. Written as Rust's ranges (`1..=64`, `0.0..1.0`, `0..`), or
/// from [`above`], [`Range::below`] and [`items`] where an end itself is not in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    low: End,
    high: End,
    count: Option<(usize, usize)>,
}

const ANY: Range = Range { low: End::Open, high: End::Open, count: None };

/// Numbers above this one.
pub fn above(low: f64) -> Range {
    Range { low: End::Without(low), ..ANY }
}

/// Lists of so many items, each in a range.
pub fn items(count: ops::RangeInclusive<usize>, each: impl Into<Range>) -> Range {
    Range { count: Some((*count.start(), *count.end())), ..each.into() }
}

impl Range {
    /// These numbers below `high`.
    pub fn below(self, high: f64) -> Self {
        Self { high: End::Without(high), ..self }
    }

    /// These numbers up to `high`.
    pub fn up_to(self, high: f64) -> Self {
        Self { high: End::With(high), ..self }
    }

    fn has(&self, number: f64) -> bool {
        let low = match self.low {
            End::Open => true,
            End::With(low) => number >= low,
            End::Without(low) => number > low,
        };
        let high = match self.high {
            End::Open => true,
            End::With(high) => number <= high,
            End::Without(high) => number < high,
        };
        low && high && number.is_finite()
    }

    /// In words, behind "it must be".
    pub fn said(&self) -> String {
        let each = match (self.low, self.high) {
            (End::Open, End::Open) => String::new(),
            (End::With(low), End::With(high)) => format!("between {} and {}", shown(low), shown(high)),
            (End::With(0.0), End::Open) => "0 or above".into(),
            (low, high) => {
                let low = match low {
                    End::Open => None,
                    End::With(low) => Some(format!("at least {}", shown(low))),
                    End::Without(low) => Some(format!("above {}", shown(low))),
                };
                let high = match high {
                    End::Open => None,
                    End::With(high) => Some(format!("at most {}", shown(high))),
                    End::Without(high) => Some(format!("below {}", shown(high))),
                };
                [low, high].into_iter().flatten().collect::<Vec<_>>().join(" and ")
            }
        };
        let Some((least, most)) = self.count else { return each };
        let count = match most {
            usize::MAX => format!("{} or more", grouped(least)),
            _ => format!("{} to {}", grouped(least), grouped(most)),
        };
        if each.is_empty() { format!("{count} items") } else { format!("{count} numbers, each {each}") }
    }

    /// Refuses a value that is not in the range; `word` may stand in its place.
    ///
    /// # Errors
    /// What it is and what it must be.
    pub fn check<T: Ranged>(&self, key: &str, value: &T, word: Option<&str>) -> Result<()> {
        let counted = self.count.is_none_or(|(least, most)| value.count().is_none_or(|count| (least..=most).contains(&count)));
        if counted && value.all(&|number| self.has(number)) {
            return Ok(());
        }
        let word = word.map_or(String::new(), |word| format!(", or {word}"));
        Err(Error::usage(format!("`{key}` is {}: it must be {}{word}", value.said(), self.said())))
    }

    /// Its keywords in a JSON schema, of a number or of an item of a list.
    pub(super) fn bounds(&self) -> Vec<(&'static str, f64)> {
        let low = match self.low {
            End::Open => None,
            End::With(low) => Some(("minimum", low)),
            End::Without(low) => Some(("exclusiveMinimum", low)),
        };
        let high = match self.high {
            End::Open => None,
            End::With(high) => Some(("maximum", high)),
            End::Without(high) => Some(("exclusiveMaximum", high)),
        };
        low.into_iter().chain(high).collect()
    }

    /// The same of a list.
    pub(super) fn counts(&self) -> Vec<(&'static str, usize)> {
        let counts = self.count.map(|(least, most)| [("minItems", least), ("maxItems", most)]);
        counts.into_iter().flatten().filter(|&(_, number)| number < usize::MAX).collect()
    }
}

/// A bound: 4,096, 0.005, 1e18.
fn shown(number: f64) -> String {
    let size = number.abs();
    if number.fract() == 0.0 && size < 1e15 {
        let sign = if number < 0.0 { "-" } else { "" };
        return format!("{sign}{}", grouped(size as usize));
    }
    if (1e-4..1e15).contains(&size) { number.to_string() } else { format!("{number:e}") }
}

macro_rules! from_ranges {
    ($($number:ty),+) => { $(
        impl From<ops::RangeInclusive<$number>> for Range {
            fn from(range: ops::RangeInclusive<$number>) -> Self {
                Self { low: End::With(*range.start() as f64), high: End::With(*range.end() as f64), count: None }
            }
        }

        impl From<ops::Range<$number>> for Range {
            fn from(range: ops::Range<$number>) -> Self {
                Self { low: End::With(range.start as f64), high: End::Without(range.end as f64), count: None }
            }
        }

        impl From<ops::RangeFrom<$number>> for Range {
            fn from(range: ops::RangeFrom<$number>) -> Self {
                Self { low: End::With(range.start as f64), ..ANY }
            }
        }

        impl From<ops::RangeToInclusive<$number>> for Range {
            fn from(range: ops::RangeToInclusive<$number>) -> Self {
                Self { high: End::With(range.end as f64), ..ANY }
            }
        }
    )+ };
}

from_ranges!(i64, f64);

/// The type of a setting that can have a range: numbers, lists of them, and either where there may be none.
#[doc(hidden)]
pub trait Ranged {
    /// Whether all of its numbers are as `valid` says.
    fn all(&self, valid: &dyn Fn(f64) -> bool) -> bool;

    /// As an error says it.
    fn said(&self) -> String;

    /// How many items a list has.
    fn count(&self) -> Option<usize> {
        None
    }
}

macro_rules! ranged {
    ($($number:ty),+) => { $(
        impl Ranged for $number {
            fn all(&self, valid: &dyn Fn(f64) -> bool) -> bool {
                // The decimal that was given: a bound is compared with what a person wrote, not with its nearest single-precision number.
                valid(self.to_string().parse().unwrap_or(f64::NAN))
            }

            fn said(&self) -> String {
                self.to_string()
            }
        }
    )+ };
}

ranged!(f32, f64, u32, u64, usize, i64);

impl<T: Ranged + Debug> Ranged for Vec<T> {
    fn all(&self, valid: &dyn Fn(f64) -> bool) -> bool {
        self.iter().all(|item| item.all(valid))
    }

    fn said(&self) -> String {
        format!("{self:?}")
    }

    fn count(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl Ranged for String {
    fn all(&self, _: &dyn Fn(f64) -> bool) -> bool {
        true
    }

    fn said(&self) -> String {
        format!("{self:?}")
    }
}

impl<T: Ranged> Ranged for Option<T> {
    fn all(&self, valid: &dyn Fn(f64) -> bool) -> bool {
        self.as_ref().is_none_or(|value| value.all(valid))
    }

    fn said(&self) -> String {
        self.as_ref().map_or_else(|| "none".into(), Ranged::said)
    }

    fn count(&self) -> Option<usize> {
        self.as_ref().and_then(Ranged::count)
    }
}
