//! [`Fraction`]: a share of rows, or whatever is usual.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A share of rows in a setting: a number of at least 0 and below 1, or `auto`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Fraction {
    /// What the program chooses by the number of rows.
    #[default]
    Auto,
    Of(f32),
}

impl Fraction {
    /// The number, or what stands for `auto`.
    pub fn or(self, auto: f64) -> f64 {
        match self {
            Self::Auto => auto,
            Self::Of(share) => f64::from(share),
        }
    }
}

impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Of(share) => serializer.serialize_f32(*share),
        }
    }
}

impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// What a value has to be.
const WANTED: &str = "it must be `auto`, or a number of at least 0 and below 1";

struct Reader;

impl Visitor<'_> for Reader {
    type Value = Fraction;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(WANTED.trim_start_matches("it must be "))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Fraction, E> {
        match text {
            "auto" => Ok(Fraction::Auto),
            _ => Err(E::custom(WANTED)),
        }
    }

    fn visit_f64<E: de::Error>(self, share: f64) -> Result<Fraction, E> {
        match share {
            0.0..1.0 => Ok(Fraction::Of(share as f32)),
            _ => Err(E::custom(WANTED)),
        }
    }

    fn visit_i64<E: de::Error>(self, share: i64) -> Result<Fraction, E> {
        self.visit_f64(share as f64)
    }

    fn visit_u64<E: de::Error>(self, share: u64) -> Result<Fraction, E> {
        self.visit_f64(share as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct One {
        share: Fraction,
    }

    #[test]
    fn a_fraction_is_auto_or_a_number_and_reads_what_it_wrote() {
        for (text, share) in
            [("share = 'auto'", Fraction::Auto), ("share = 0.25", Fraction::Of(0.25)), ("share = 0", Fraction::Of(0.0))]
        {
            let one: One = toml::from_str(text).unwrap();
            assert_eq!(one, One { share });
            assert_eq!(toml::from_str::<One>(&toml::to_string(&one).unwrap()).unwrap(), one);
            assert_eq!(serde_json::from_str::<One>(&serde_json::to_string(&one).unwrap()).unwrap(), one);
        }
        for text in ["share = 1", "share = 1.5", "share = -0.5", "share = -1.0", "share = nan", "share = 'some'", "share = true"]
        {
            let said = toml::from_str::<One>(text).unwrap_err().to_string();
            assert!(said.contains("at least 0 and below 1"), "{text}: {said}");
        }
    }
}
