//! Settings: structs whose fields are the keys of `config.toml` and `--set`. One declaration of a field has its help, type, default and range;
//! from it come the struct, the help text, reading and writing, the check, and a JSON schema.
//!
//! ```
//! pushforward::settings! {
//!     /// Settings of a kernel.
//!     pub struct Kernel {
//!         /// Bandwidth (auto: the median distance between rows).
//!         bandwidth: Option<f32> = None, or auto, in above(0.0),
//!         /// Number of frequencies.
//!         frequencies: usize = 256, in 1..=32_768,
//!     }
//! }
//! # use pushforward::settings::Settings;
//! # fn main() {
//! let wrong = Kernel { frequencies: 0, ..Kernel::default() };
//! assert!(wrong.check().unwrap_err().to_string().contains("`frequencies` is 0: it must be between 1 and 32,768"));
//! assert_eq!(wrong.keys()[0].help, "Bandwidth (auto: the median distance between rows); above 0, or auto.");
//! # }
//! ```

mod range;
mod schema;
mod value;
mod values;

#[doc(hidden)]
pub use range::Ranged;
pub use range::{Range, above, items};
pub use schema::schema;
pub(crate) use value::shown;
pub use values::Values;

#[doc(hidden)]
pub use serde::{Deserialize, Deserializer, Serialize, Serializer};
#[doc(hidden)]
pub use value::{read, read_or, written, written_or};

use crate::{Error, Result};
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// One key, as `pushforward methods` shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Key {
    pub name: &'static str,
    /// What it is, with its unit and valid values.
    pub help: String,
    /// Its default, as TOML; `auto` or `none` without quotes.
    pub default: String,
    /// Its JSON schema.
    #[serde(skip)]
    pub schema: serde_json::Value,
}

/// A struct made by [`settings!`](crate::settings!): what its declaration says, for every struct alike.
pub trait Settings: Debug + Send + Sync {
    /// Its keys, those of its groups among them, with its own values as the defaults.
    fn keys(&self) -> Vec<Key>;

    /// Takes its keys out of `values`.
    ///
    /// # Errors
    /// A value of the wrong type or out of its choices, named with its key.
    fn read(&mut self, values: &mut Values) -> Result<()>;

    /// Its keys and values.
    fn write(&self) -> Values;

    /// Refuses values out of range, and values that do not go together.
    ///
    /// # Errors
    /// The first of them: what it is, and what it must be.
    fn check(&self) -> Result<()>;
}

/// The relations between fields of settings that have none. A struct that has some has a function `validate(&self) -> Result<()>` of its own, which is called in place
/// of this one.
#[doc(hidden)]
pub trait Relations {
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

impl<S: Settings> Relations for S {}

/// Declares a struct of settings. Each field has its help (the doc comment, without range and default), type and default, and then:
///
/// - `or auto`, `or none` or another word: the field is an `Option`, and the word stands for `None` in files and on the command line;
/// - `in 1..=64`, `in 0.0..1.0`, `in above(0.0).below(2.0)`, `in items(1..=16, above(0.0))`: its range ([`Range`](crate::settings::Range));
/// - `as group`: the field is another struct of settings, whose keys stand beside the others.
///
/// Relations between fields are checked by a function `validate(&self) -> Result<()>` of the struct, where it has one.
#[macro_export]
macro_rules! settings {
    ($(#[$outer:meta])* pub struct $name:ident {
        $( $(#[doc = $help:literal])+ $field:ident : $type:ty = $default:expr
            $(, or $word:ident)? $(, in $range:expr)? $(, as $kind:ident)? ),+ $(,)?
    }) => {
        $(#[$outer])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name { $( $(#[doc = $help])+ pub $field: $type ),+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default ),+ }
            }
        }

        impl $crate::settings::Settings for $name {
            fn keys(&self) -> Vec<$crate::settings::Key> {
                #[allow(unused_imports)]
                use $crate::settings::{above, items};
                let mut keys = Vec::new();
                $( $crate::setting!(key keys, self, $field, [$($help),+] [$($word)?] [$($range)?] [$($kind)?]); )+
                keys
            }

            fn read(&mut self, values: &mut $crate::settings::Values) -> $crate::Result<()> {
                $( $crate::setting!(read values, self, $field, [$($word)?] [$($kind)?]); )+
                Ok(())
            }

            fn write(&self) -> $crate::settings::Values {
                let mut values = $crate::settings::Values::default();
                $( $crate::setting!(write values, self, $field, [$($word)?] [$($kind)?]); )+
                values
            }

            fn check(&self) -> $crate::Result<()> {
                #[allow(unused_imports)]
                use $crate::settings::{Relations as _, above, items};
                $( $crate::setting!(check self, $field, [$($word)?] [$($range)?] [$($kind)?]); )+
                self.validate()
            }
        }

        impl $crate::settings::Serialize for $name {
            fn serialize<S: $crate::settings::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::settings::Serialize::serialize(&$crate::settings::Settings::write(self), serializer)
            }
        }

        impl<'de> $crate::settings::Deserialize<'de> for $name {
            fn deserialize<D: $crate::settings::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::settings::deserialize(deserializer)
            }
        }
    };
}

/// What [`settings!`](crate::settings!) does with one field.
#[doc(hidden)]
#[macro_export]
macro_rules! setting {
    (key $keys:ident, $self:ident, $field:ident, [$($help:literal),+] [$($word:ident)?] [$($range:expr)?] []) => {
        #[allow(unused_mut, unused_assignments)]
        let (mut word, mut range): (Option<&str>, Option<$crate::settings::Range>) = (None, None);
        $( word = Some(stringify!($word)); )?
        $( range = Some($range.into()); )?
        let default = $crate::setting!(written &$self.$field, [$($word)?]);
        $keys.push($crate::settings::Key::new(
            stringify!($field),
            [$($help),+].map(str::trim).join(" "),
            $crate::settings::Probed::of(&$self.$field, word),
            &default,
            range,
        ));
    };
    (key $keys:ident, $self:ident, $field:ident, [$($help:literal),+] [] [] [group]) => {
        $keys.extend($crate::settings::Settings::keys(&$self.$field));
    };
    (written $value:expr, []) => { $crate::settings::written($value) };
    (written $value:expr, [$word:ident]) => { $crate::settings::written_or($value, stringify!($word)) };
    (read $values:ident, $self:ident, $field:ident, [] []) => {
        if let Some(value) = $values.take(stringify!($field)) {
            $self.$field = $crate::settings::read(value).map_err(|problem| $crate::settings::cannot_be($self, stringify!($field), problem))?;
        }
    };
    (read $values:ident, $self:ident, $field:ident, [$word:ident] []) => {
        if let Some(value) = $values.take(stringify!($field)) {
            $self.$field = $crate::settings::read_or(value, stringify!($word))
                .map_err(|problem| $crate::settings::cannot_be($self, stringify!($field), problem))?;
        }
    };
    (read $values:ident, $self:ident, $field:ident, [] [group]) => {
        $crate::settings::Settings::read(&mut $self.$field, $values)?;
    };
    (write $values:ident, $self:ident, $field:ident, [$($word:ident)?] []) => {
        $values.put(stringify!($field), $crate::setting!(written &$self.$field, [$($word)?]));
    };
    (write $values:ident, $self:ident, $field:ident, [] [group]) => {
        $values.extend($crate::settings::Settings::write(&$self.$field));
    };
    (check $self:ident, $field:ident, [$($word:ident)?] [] []) => {};
    (check $self:ident, $field:ident, [] [$range:expr] []) => {
        $crate::settings::Range::from($range).check(stringify!($field), &$self.$field, None)?;
    };
    (check $self:ident, $field:ident, [$word:ident] [$range:expr] []) => {
        $crate::settings::Range::from($range).check(stringify!($field), &$self.$field, Some(stringify!($word)))?;
    };
    (check $self:ident, $field:ident, [] [] [group]) => {
        $crate::settings::Settings::check(&$self.$field)?;
    };
}

/// The type of a field, for its schema and help.
#[doc(hidden)]
pub struct Probed {
    schema: serde_json::Value,
    word: Option<String>,
}

impl Probed {
    pub fn of<T: DeserializeOwned>(_: &T, word: Option<&str>) -> Self {
        Self { schema: schema::of::<T>(), word: word.map(String::from) }
    }
}

impl Key {
    #[doc(hidden)]
    pub fn new(name: &'static str, help: String, probed: Probed, default: &toml::Value, range: Option<Range>) -> Self {
        let Probed { schema, word } = probed;
        let is_bool = schema["type"] == "boolean" && !help.contains("true or false");
        let valid = match (&range, is_bool) {
            (Some(range), _) => Some(range.said()),
            (None, true) => Some("true or false".into()),
            (None, false) => None,
        };
        // Another word than these is one of the choices that the help has.
        let general = word.as_deref().filter(|word| ["auto", "none"].contains(word));
        let help = help.trim_end_matches('.').to_string();
        let colon = if help.contains(": ") { ";" } else { ":" };
        let help = match (valid, general) {
            (None, None) => help + ".",
            (None, Some(word)) => format!("{help}, or {word}."),
            (Some(valid), None) => format!("{help}{colon} {valid}."),
            (Some(valid), Some(word)) => format!("{help}{colon} {valid}, or {word}."),
        };
        let schema = schema::described(schema, word.as_deref(), range.as_ref(), &help, default);
        let default = match default {
            toml::Value::String(text) if Some(text) == word.as_ref() => text.clone(),
            value => value.to_string(),
        };
        Self { name, help, default, schema }
    }
}

/// Says that a key cannot have a value.
#[doc(hidden)]
pub fn cannot_be(settings: &dyn Settings, key: &str, (value, problem): (toml::Value, String)) -> Error {
    let help = settings.keys().into_iter().find(|known| known.name == key).map_or(String::new(), |known| known.help);
    Error::usage(format!("`{key}` cannot be {value}: {problem} ({})", help.trim_end_matches('.')))
}

/// Reads settings that were written.
#[doc(hidden)]
pub fn deserialize<'de, S: Settings + Default, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<S, D::Error> {
    let mut settings = S::default();
    Values::deserialize(deserializer)?.apply(&mut [&mut settings]).map_err(serde::de::Error::custom)?;
    Ok(settings)
}

impl Serialize for dyn Settings + '_ {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.write().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    settings! {
        /// A group.
        pub struct Group {
            /// Number of probes (auto: by the columns).
            probes: Option<usize> = None, or auto, in 1..=1024,
            /// Whether so.
            so: bool = true,
        }
    }

    settings! {
        /// For the tests.
        pub struct Sample {
            /// A count.
            count: usize = 3, in 1..=4_096,
            /// A rate,
            /// in units.
            rate: f32 = 0.05, in above(0.0).below(2.0),
            /// Some.
            some: Vec<i64> = vec![1], in items(1..=3, 0..),
            /// Least share.
            share: f32 = 0.5, in 0.005..=10.0,
            /// A group.
            group: Group = Group { so: false, ..Group::default() }, as group,
            /// Where to look.
            place: Option<String> = None, or none,
        }
    }

    impl Sample {
        fn validate(&self) -> Result<()> {
            match self.count as f32 * self.share {
                0.0..1.0 => Err(Error::usage("`count` times `share` is below 1")),
                _ => Ok(()),
            }
        }
    }

    fn read(text: &str) -> Result<Sample> {
        let mut sample = Sample::default();
        Values::parse(text)?.apply(&mut [&mut sample])?;
        Ok(sample)
    }

    fn refused(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn keys_carry_help_with_the_range_and_default() {
        let keys = Sample::default().keys();
        let said: Vec<(&str, &str, &str)> = keys.iter().map(|key| (key.name, key.default.as_str(), key.help.as_str())).collect();
        assert_eq!(
            said,
            [
                ("count", "3", "A count: between 1 and 4,096."),
                ("rate", "0.05", "A rate, in units: above 0 and below 2."),
                ("some", "[1]", "Some: 1 to 3 numbers, each 0 or above."),
                ("share", "0.5", "Least share: between 0.005 and 10."),
                ("probes", "auto", "Number of probes (auto: by the columns); between 1 and 1,024, or auto."),
                ("so", "false", "Whether so: true or false."),
                ("place", "none", "Where to look, or none."),
            ]
        );
    }

    #[test]
    fn ranges_are_refused_by_name_and_relations_after_them() {
        for (text, said) in [
            ("count = 0", "`count` is 0: it must be between 1 and 4,096"),
            ("rate = 2", "`rate` is 2: it must be above 0 and below 2"),
            ("rate = 0.0", "`rate` is 0: it must be above 0 and below 2"),
            ("rate = nan", "`rate` is NaN: it must be above 0 and below 2"),
            ("some = [1, -1]", "`some` is [1, -1]: it must be 1 to 3 numbers, each 0 or above"),
            ("some = []", "`some` is []: it must be 1 to 3 numbers, each 0 or above"),
            ("share = 0.004", "`share` is 0.004: it must be between 0.005 and 10"),
            ("probes = 0", "`probes` is 0: it must be between 1 and 1,024, or auto"),
            ("count = 1", "`count` times `share` is below 1"),
        ] {
            assert!(refused(text).ends_with(said), "{text}: {}", refused(text));
        }
        // A bound of a single-precision number is that number.
        assert!(read("share = 0.005\ncount = 4000").is_ok());
    }

    #[test]
    fn mistakes_name_the_key() {
        assert!(refused("count = 'many'").contains("`count` cannot be \"many\": it must be an integer of 0 or above"));
        assert!(refused("rates = 1.0").contains("`rates` (did you mean `rate`?)"));
    }

    #[test]
    fn what_a_value_must_be_is_said_in_plain_words() {
        for (text, wanted) in [
            ("count = -1", "an integer of 0 or above"),
            ("count = 1.5", "an integer of 0 or above"),
            ("rate = true", "a number"),
            ("so = 1", "true or false"),
            ("some = 1", "a list in square brackets"),
            ("some = [1, 'a']", "an integer"),
            ("probes = 'none'", "an integer of 0 or above, and not too large, or auto"),
        ] {
            assert!(refused(text).contains(&format!(": it must be {wanted}")), "{text}: {}", refused(text));
        }
    }

    #[test]
    fn settings_read_what_they_wrote() {
        let text = "count = 4\nrate = 0.001\nsome = [2, 3]\nshare = 0.5\nprobes = 8\nso = true\nplace = \"here\"\n";
        let sample = read(text).unwrap();
        assert_eq!((sample.group.probes, sample.place.as_deref()), (Some(8), Some("here")));
        assert_eq!(toml::to_string(&sample).unwrap().lines().count(), 7);
        assert_eq!(read(&toml::to_string(&sample).unwrap()).unwrap(), sample);
        let given = Values::parse(text).unwrap();
        assert_eq!(sample.write(), given);
        assert_eq!(read("probes = 'auto'\nplace = 'none'").unwrap(), Sample::default());
        assert!(toml::to_string(&Sample::default()).unwrap().contains("probes = \"auto\""));
    }

    #[test]
    fn a_schema_has_types_ranges_words_and_defaults() {
        let schema = schema(&Sample::default().keys());
        assert_eq!(schema["additionalProperties"], false);
        let of = |key: &str| schema["properties"][key].clone();
        assert_eq!((of("count")["type"].clone(), of("count")["maximum"].clone()), ("integer".into(), 4096.into()));
        assert_eq!((of("rate")["exclusiveMinimum"].clone(), of("rate")["exclusiveMaximum"].clone()), (0.into(), 2.into()));
        assert_eq!(of("some")["items"]["minimum"], 0);
        assert_eq!((of("some")["minItems"].clone(), of("some")["maxItems"].clone()), (1.into(), 3.into()));
        assert_eq!(of("probes")["anyOf"][1]["const"], "auto");
        assert_eq!(of("so")["type"], "boolean");
        assert_eq!(of("share")["default"], 0.5);
    }
}
