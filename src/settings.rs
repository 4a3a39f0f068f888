//! Settings: structs whose fields are the keys of `config.toml` and `--set`, with their help and defaults in one place.

use crate::data::nearest;
use crate::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One key, as `pushforward methods` shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Key {
    pub name: &'static str,
    /// What it is, with its unit and valid values.
    pub help: String,
    /// Its default, as TOML.
    pub default: String,
}

/// A struct made by [`settings!`](crate::settings!).
pub trait Settings: Serialize + DeserializeOwned + Default {
    fn keys() -> Vec<Key>;
}

/// Declares a settings struct: each field with its help (the doc comment), type and default.
#[macro_export]
macro_rules! settings {
    ($(#[$outer:meta])* pub struct $name:ident {
        $( $(#[doc = $help:literal])+ $(#[serde($($serde:tt)+)])? $field:ident : $type:ty = $default:expr ),+ $(,)?
    }) => {
        $(#[$outer])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $( $(#[doc = $help])+ $(#[serde($($serde)+)])? pub $field: $type ),+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default ),+ }
            }
        }

        impl $crate::settings::Settings for $name {
            fn keys() -> Vec<$crate::settings::Key> {
                let default = Self::default();
                vec![ $( $crate::settings::Key {
                    name: stringify!($field),
                    help: [$($help.trim()),+].join(" "),
                    default: $crate::settings::shown(&default.$field),
                } ),+ ]
            }
        }
    };
}

/// A value as TOML writes it.
pub fn shown<T: Serialize>(value: &T) -> String {
    /// TOML writes tables, and a number by its own type: 0.002 as f64 would be 0.0020000000949949026.
    #[derive(Serialize)]
    struct One<'a, T> {
        value: &'a T,
    }
    let text = toml::to_string(&One { value }).unwrap_or_default();
    text.strip_prefix("value = ").map_or_else(|| "unset".into(), |text| text.trim_end().into())
}

/// A struct of settings as a table that prints them as they were given: through TOML's text, for as f64 a single-precision 0.002 would be
/// 0.0020000000949949026.
///
/// # Errors
/// What TOML cannot write.
pub fn table_of<T: Serialize>(settings: &T) -> Result<toml::Table> {
    let text = toml::to_string(settings).map_err(|e| Error::usage(format!("the settings cannot be written: {e}")))?;
    text.parse().map_err(|e| Error::usage(format!("the settings cannot be read back: {e}")))
}

/// Takes the keys of `S` out of `table` and reads them.
///
/// # Errors
/// A value of the wrong type or out of its choices, named with its key.
pub fn take<S: Settings>(table: &mut toml::Table) -> Result<S> {
    let mut own = toml::Table::new();
    for key in S::keys() {
        if let Some(value) = table.remove(key.name) {
            let mut alone = toml::Table::new();
            alone.insert(key.name.into(), value.clone());
            if let Err(e) = alone.try_into::<S>() {
                return Err(Error::usage(format!("`{}` cannot be {value}: {} ({})", key.name, problem(&e), key.help)));
            }
            own.insert(key.name.into(), value);
        }
    }
    own.try_into().map_err(|e: toml::de::Error| Error::usage(problem(&e)))
}

/// What a value has to be, where serde speaks of Rust's types; otherwise what it says.
fn problem(error: &toml::de::Error) -> String {
    let message = error.message().trim();
    let wanted = match message.rsplit_once(", expected ").map_or("", |(_, wanted)| wanted) {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "an integer of 0 or above, and not too large",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "an integer, and not too large",
        "f32" | "f64" => "a number",
        "a boolean" | "bool" => "true or false",
        "a string" | "a borrowed string" => "a text",
        "a sequence" => "a list in square brackets",
        _ => return message.into(),
    };
    format!("it must be {wanted}")
}

/// An error that names the first key left in `table`, the nearest valid one, and all of them.
pub fn refuse_unknown(table: &toml::Table, valid: &[&str]) -> Result<()> {
    let Some(unknown) = table.keys().next() else { return Ok(()) };
    let hint = nearest(unknown, valid.iter().copied()).map_or(String::new(), |near| format!(" (did you mean `{near}`?)"));
    Err(Error::usage(format!("there is no setting `{unknown}`{hint}; the settings are: {}", valid.join(", "))))
}

/// Reads `key=value` as `--set` takes it: the value is TOML, and a bare word is a string.
pub fn parse_assignment(text: &str) -> Result<(String, toml::Value)> {
    let (key, value) =
        text.split_once('=').ok_or_else(|| Error::usage(format!("`{text}` is not key=value (for instance batch_size=512)")))?;
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() || value.is_empty() {
        return Err(Error::usage(format!("`{text}` is not key=value (for instance batch_size=512)")));
    }
    let parsed = format!("value = {value}").parse::<toml::Table>().ok().and_then(|mut t| t.remove("value"));
    Ok((key.into(), parsed.unwrap_or_else(|| toml::Value::String(value.into()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    settings! {
        /// For the tests.
        pub struct Sample {
            /// A count.
            count: usize = 3,
            /// A rate,
            /// in units.
            rate: f32 = 0.05,
            /// Whether so.
            so: bool = true,
            /// Some.
            some: Vec<i64> = vec![1],
        }
    }

    #[test]
    fn keys_carry_help_and_default() {
        let keys = Sample::keys();
        assert_eq!((keys[0].name, keys[0].default.as_str()), ("count", "3"));
        assert_eq!(keys[1].help, "A rate, in units.");
    }

    #[test]
    fn mistakes_name_the_key() {
        let mut table: toml::Table = "count = 'many'\nrates = 1.0".parse().unwrap();
        let message = take::<Sample>(&mut table).unwrap_err().to_string();
        assert!(message.contains("`count` cannot be \"many\": it must be an integer of 0 or above"), "{message}");
        let message = refuse_unknown(&table, &["count", "rate"]).unwrap_err().to_string();
        assert!(message.contains("`rates` (did you mean `rate`?)"), "{message}");
    }

    #[test]
    fn what_a_value_must_be_is_said_in_plain_words() {
        for (value, wanted) in [
            ("count = -1", "an integer of 0 or above"),
            ("count = 1.5", "an integer of 0 or above"),
            ("rate = true", "a number"),
            ("so = 1", "true or false"),
            ("some = 1", "a list in square brackets"),
            ("some = [1, 'a']", "an integer"),
        ] {
            let message = take::<Sample>(&mut value.parse().unwrap()).unwrap_err().to_string();
            assert!(message.contains(&format!(": it must be {wanted}")), "{message}");
        }
    }

    #[test]
    fn a_table_holds_what_was_given() {
        let mut given: toml::Table = "count = 4\nrate = 0.001\nso = false\nsome = [2, 3]".parse().unwrap();
        let expected = given.clone();
        assert_eq!(table_of(&take::<Sample>(&mut given).unwrap()).unwrap(), expected);
        assert_eq!(table_of(&Sample::default()).unwrap()["rate"].to_string(), "0.05");
    }

    #[test]
    fn assignments_are_toml_or_bare_words() {
        assert_eq!(parse_assignment("a=3").unwrap(), ("a".into(), toml::Value::Integer(3)));
        assert_eq!(parse_assignment("a = [0.5, 1]").unwrap().1.as_array().unwrap().len(), 2);
        assert_eq!(parse_assignment("a=gaussian").unwrap().1, toml::Value::String("gaussian".into()));
        assert!(parse_assignment("a").is_err());
        assert!(parse_assignment("=1").is_err());
    }
}
