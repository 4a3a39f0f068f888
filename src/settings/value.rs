//! One value of a setting, to and from TOML.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Value;

/// A value as TOML writes it.
pub fn shown<T: Serialize>(value: &T) -> String {
    /// TOML writes tables, and a number by its own type: 0.002 as f64 would be 0.0020000000949949026.
    #[derive(Serialize)]
    struct One<'a, T> {
        value: &'a T,
    }
    let text = toml::to_string(&One { value }).unwrap_or_default();
    // A table has lines of its own.
    match text.strip_prefix("value = ") {
        Some(text) => text.trim_end().into(),
        None => written(value).to_string(),
    }
}

/// A value for a file: a number as short as it was given.
pub fn written<T: Serialize>(value: &T) -> Value {
    let exact = Value::try_from(value).unwrap_or_else(|e| Value::String(e.to_string()));
    match exact {
        // Of single precision 0.002 is 0.0020000000949949026.
        Value::Float(_) | Value::Array(_) => {
            let text = shown(value);
            let table = format!("value = {text}").parse::<toml::Table>().ok();
            table.and_then(|mut table| table.remove("value")).unwrap_or(exact)
        }
        exact => exact,
    }
}

/// The same, or the word for none.
pub fn written_or<T: Serialize>(value: &Option<T>, word: &str) -> Value {
    value.as_ref().map_or_else(|| Value::String(word.into()), written)
}

/// A field's value from a file's, or the file's value and what it must be.
///
/// # Errors
/// A value of another type, or not one of the choices.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, (Value, String)> {
    value.clone().try_into().map_err(|e| (value, problem(&e)))
}

/// The same where a word stands for none.
///
/// # Errors
/// As [`read`].
pub fn read_or<T: DeserializeOwned>(value: Value, word: &str) -> Result<Option<T>, (Value, String)> {
    if value.as_str() == Some(word) {
        return Ok(None);
    }
    read(value).map(Some).map_err(|(value, problem)| (value, format!("{problem}, or {word}")))
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
        // "unknown variant `a`, expected one of `b`, `c`"
        choices if message.starts_with("unknown variant") => {
            return format!("it must be {}", choices.trim_start_matches("one of ").replace('`', ""));
        }
        _ => return message.into(),
    };
    format!("it must be {wanted}")
}
