//! [`Values`]: settings by their keys, as a file, `--set` and a model's description have them.

use super::{Settings, value};
use crate::data::nearest;
use crate::{Error, Result};
use serde::{Deserialize, Serialize, Serializer};
use toml::Value;

/// Keys and values, in the order in which they were given: the edge between texts and structs of settings.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "toml::Table")]
pub struct Values(Vec<(String, Value)>);

impl From<toml::Table> for Values {
    fn from(table: toml::Table) -> Self {
        Self(table.into_iter().collect())
    }
}

/// Their order says nothing.
impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl std::fmt::Display for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        self.0.iter().try_for_each(|(key, value)| writeln!(f, "{key} = {value}"))
    }
}

impl Values {
    /// Those of a TOML text.
    ///
    /// # Errors
    /// A text that is not TOML.
    pub fn parse(text: &str) -> Result<Self> {
        text.parse::<toml::Table>().map(Self::from).map_err(|e| Error::usage(e.to_string()))
    }

    /// Those of `key=value` as `--set` takes them; of one key the last counts.
    ///
    /// # Errors
    /// A text that is not key=value.
    pub fn of_assignments<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self> {
        let mut values = Self::default();
        for text in texts {
            let (key, value) = parse_assignment(text)?;
            values.put(&key, value);
        }
        Ok(values)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    /// Keys with their values as TOML.
    pub fn shown(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(key, value)| (key.clone(), value.to_string())).collect()
    }

    /// Sets a key.
    pub fn insert(&mut self, key: &str, value: impl Serialize) {
        self.put(key, value::written(&value));
    }

    /// These and then others, which count where both have a key.
    pub fn extend(&mut self, others: Self) {
        for (key, value) in others.0 {
            self.put(&key, value);
        }
    }

    /// Leaves out the keys that `keep` does not want.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|(key, _)| keep(key));
    }

    #[doc(hidden)]
    pub fn put(&mut self, key: &str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => *known = value,
            None => self.0.push((key.into(), value)),
        }
    }

    #[doc(hidden)]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    #[doc(hidden)]
    pub fn take(&mut self, key: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| known == key)?;
        Some(self.0.remove(at).1)
    }

    /// Reads them into structs of settings, and checks these.
    ///
    /// # Errors
    /// A key that none of them has, with the nearest one; a value of the wrong type or out of range.
    pub fn apply(&self, to: &mut [&mut dyn Settings]) -> Result<()> {
        let mut left = self.clone();
        for settings in to.iter_mut() {
            settings.read(&mut left)?;
        }
        let keys: Vec<&str> = to.iter().flat_map(|settings| settings.keys()).map(|key| key.name).collect();
        left.refuse(&keys)?;
        to.iter().try_for_each(|settings| settings.check())
    }

    /// Refuses what is left: an error names the first key, the nearest valid one, and all of them.
    ///
    /// # Errors
    /// Any key.
    pub fn refuse(&self, valid: &[&str]) -> Result<()> {
        let Some(unknown) = self.keys().next() else { return Ok(()) };
        let hint = nearest(unknown, valid.iter().copied()).map_or(String::new(), |near| format!(" (did you mean `{near}`?)"));
        Err(Error::usage(format!("there is no setting `{unknown}`{hint}; the settings are: {}", valid.join(", "))))
    }
}

/// Reads `key=value` as `--set` takes it: the value is TOML, and a bare word is a string.
///
/// # Errors
/// A text that is not key=value.
pub(super) fn parse_assignment(text: &str) -> Result<(String, Value)> {
    let (key, value) =
        text.split_once('=').ok_or_else(|| Error::usage(format!("`{text}` is not key=value (for instance batch_size=512)")))?;
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() || value.is_empty() {
        return Err(Error::usage(format!("`{text}` is not key=value (for instance batch_size=512)")));
    }
    let parsed = format!("value = {value}").parse::<toml::Table>().ok().and_then(|mut t| t.remove("value"));
    Ok((key.into(), parsed.unwrap_or_else(|| Value::String(value.into()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_toml_or_bare_words() {
        assert_eq!(parse_assignment("a=3").unwrap(), ("a".into(), Value::Integer(3)));
        assert_eq!(parse_assignment("a = [0.5, 1]").unwrap().1.as_array().unwrap().len(), 2);
        assert_eq!(parse_assignment("a=gaussian").unwrap().1, Value::String("gaussian".into()));
        assert!(parse_assignment("a").is_err());
        assert!(parse_assignment("=1").is_err());
        let values = Values::of_assignments(["a=1", "b=two", "a=3"]).unwrap();
        assert_eq!(values.shown(), [("a".into(), "3".into()), ("b".into(), "\"two\"".into())]);
    }
}
