//! The JSON schema of settings. A field's type is asked of serde: a deserializer that has nothing to give and notes what it is asked for.

use super::{Key, Range};
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value, json};
use std::fmt;

/// The JSON schema of settings with these keys.
pub fn schema(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_string(), key.schema.clone())).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

/// The schema of a type, without its range.
pub(super) fn of<T: DeserializeOwned>() -> Value {
    T::deserialize(Probe).map_or_else(|found| found.0, |_| json!({}))
}

/// A type's schema with a word for none, its range, help and default.
pub(super) fn described(
    mut schema: Value,
    word: Option<&str>,
    range: Option<&Range>,
    help: &str,
    default: &toml::Value,
) -> Value {
    if let (Some(range), Some(own)) = (range, schema.as_object_mut()) {
        let number = |value: f64| if value.fract() == 0.0 && value.abs() < 1e15 { json!(value as i64) } else { json!(value) };
        let each = match own.get_mut("items").and_then(Value::as_object_mut) {
            Some(items) => items,
            None => &mut *own,
        };
        each.extend(range.bounds().into_iter().map(|(name, value)| (name.to_string(), number(value))));
        own.extend(range.counts().into_iter().map(|(name, value)| (name.to_string(), json!(value))));
    }
    if let Some(word) = word {
        schema = json!({ "anyOf": [schema, { "const": word }] });
    }
    schema["description"] = help.into();
    schema["default"] = json!(default);
    schema
}

struct Probe;

/// What a type asked for.
#[derive(Debug)]
struct Found(Value);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Found {}

impl de::Error for Found {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(json!({}))
    }
}

macro_rules! asked_for {
    ($($($method:ident)+ => $schema:expr),+ $(,)?) => { $( $(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
            Err(Found($schema))
        }
    )+ )+ };
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Found;

    asked_for! {
        deserialize_bool => json!({ "type": "boolean" }),
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 => json!({ "type": "integer" }),
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 => json!({ "type": "integer", "minimum": 0 }),
        deserialize_f32 deserialize_f64 => json!({ "type": "number" }),
        deserialize_char deserialize_str deserialize_string deserialize_identifier => json!({ "type": "string" }),
        deserialize_map => json!({ "type": "object" }),
        deserialize_any deserialize_ignored_any deserialize_bytes deserialize_byte_buf deserialize_unit => json!({}),
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Found> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Found> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Found> {
        let items = visitor.visit_seq(Items).map_or_else(|found| found.0, |_| json!({}));
        Err(Found(json!({ "type": "array", "items": items })))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Found> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, visitor: V) -> Result<V::Value, Found> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, _: V) -> Result<V::Value, Found> {
        Err(Found(json!({})))
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], _: V) -> Result<V::Value, Found> {
        Err(Found(json!({ "type": "object" })))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Found> {
        Err(Found(json!({ "enum": variants })))
    }
}

/// A list that asks its first item for its type.
struct Items;

impl<'de> SeqAccess<'de> for Items {
    type Error = Found;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Found> {
        seed.deserialize(Probe).map(Some)
    }
}
