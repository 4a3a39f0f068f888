//! The walk over every line that some variant of a shader may have, which finds names and values that no axis has.

use super::super::preprocess::Problem;
use super::{Axis, Declared, Imports, Kind, Shared, is_word};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A mistake in the line at hand, or in what it imports.
enum Told {
    Here(String),
    There(Problem),
}

impl Told {
    fn placed(self, file: &str, line: usize) -> Problem {
        match self {
            Self::Here(message) => Problem { file: file.into(), line, message },
            Self::There(problem) => problem,
        }
    }
}

impl<T: Into<String>> From<T> for Told {
    fn from(message: T) -> Self {
        Self::Here(message.into())
    }
}

/// The names in an integer expression.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    expression
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|token| token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
}

/// A walk over every line that some variant may have.
pub struct Walk<'a> {
    declared: &'a mut Declared,
    /// The text at hand, and the one that gives each name.
    file: String,
    sources: HashMap<String, String>,
    import: Imports<'a>,
    words: &'a HashMap<String, BTreeSet<String>>,
    imported: Vec<String>,
    /// How often each name has been given a meaning by a `#let`, or by a `#for` that is not closed.
    known: HashMap<String, usize>,
    /// Axes in expressions.
    pub used: BTreeSet<String>,
    /// Axes in comparisons with a value, and these values.
    pub compared: BTreeMap<String, BTreeSet<String>>,
    /// Conditions and loops that are open.
    open: Vec<Open>,
}

enum Open {
    /// A loop, and the name that it counts with.
    Loop(String),
    /// A branch, and whether no variant of this shader has it.
    Branch(bool),
}

impl<'a> Walk<'a> {
    pub fn new(declared: &'a mut Declared, import: Imports<'a>, words: &'a HashMap<String, BTreeSet<String>>) -> Self {
        Self {
            declared,
            file: String::new(),
            sources: HashMap::new(),
            import,
            words,
            imported: Vec::new(),
            known: HashMap::new(),
            used: BTreeSet::new(),
            compared: BTreeMap::new(),
            open: Vec::new(),
        }
    }

    pub fn file(&mut self, file: &str, text: &str) -> Result<(), Problem> {
        let importer = std::mem::replace(&mut self.file, file.into());
        for (number, line) in text.lines().enumerate() {
            let declares = line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '@');
            if declares && self.open.iter().any(|open| matches!(open, Open::Branch(_))) {
                self.declared.bound.insert(file.into());
            }
            self.line(file, line.trim()).map_err(|told| told.placed(file, number + 1))?;
        }
        self.file = importer;
        Ok(())
    }

    /// A text that uses another's names is bound up with it.
    fn mention(&mut self, name: &str) {
        let source = self.axis(name).map(|axis| &axis.file).or(self.sources.get(name)).cloned();
        if let Some(source) = source.filter(|source| *source != self.file) {
            self.declared.bound.extend([source, self.file.clone()]);
        }
    }

    fn line(&mut self, file: &str, line: &str) -> Result<(), Told> {
        if line == "#endif" || line == "#endfor" {
            match self.open.pop() {
                Some(Open::Loop(name)) if line == "#endfor" => *self.known.entry(name).or_default() -= 1,
                Some(Open::Branch(_)) if line == "#endif" => {}
                _ => return Err(Told::Here(format!("`{line}` closes nothing"))),
            }
            return Ok(());
        }
        if line == "#else" || line.starts_with("#elif ") {
            self.open.pop();
        }
        let dead = self.open.iter().any(|open| matches!(open, Open::Branch(true)));
        if line == "#else" {
            self.open.push(Open::Branch(false));
        } else if let Some(condition) = line.strip_prefix("#if ").or(line.strip_prefix("#elif ")) {
            if !dead {
                self.condition(condition)?;
            }
            self.open.push(Open::Branch(self.never(condition)));
        } else if dead {
            if line.starts_with("#for ") {
                self.open.push(Open::Loop(String::new()));
                *self.known.entry(String::new()).or_default() += 1;
            }
        } else if let Some(path) = line.strip_prefix("#import ") {
            let path = path.trim().to_string();
            if !self.imported.contains(&path) {
                let text = (self.import)(&path).ok_or_else(|| format!("no shader named {path}"))?;
                self.imported.push(path.clone());
                self.file(&path, &text).map_err(Told::There)?;
            }
        } else if let Some(rest) = line.strip_prefix("#let ") {
            let (name, value) = rest.split_once('=').ok_or("expected `#let NAME = value`")?;
            self.given(file, name.trim(), value.trim())?;
        } else if let Some(rest) = line.strip_prefix("#for ") {
            let (name, range) = rest.split_once(" in ").ok_or("expected `#for I in A..B`")?;
            self.expression(range)?;
            *self.known.entry(name.trim().into()).or_default() += 1;
            self.sources.insert(name.trim().into(), file.into());
            self.open.push(Open::Loop(name.trim().into()));
        } else if let Some(condition) = line.strip_prefix("#require ") {
            // What exists tells no values apart.
            let (used, compared) = (self.used.clone(), self.compared.clone());
            self.condition(condition)?;
            (self.used, self.compared) = (used, compared);
        } else if !line.starts_with('#') {
            self.substituted(line)?;
            let constant = line.strip_prefix("const ").and_then(|rest| rest.split(';').next()?.split_once(" = "));
            if self.open.is_empty()
                && let Some((name, value)) = constant
                && !name.contains(':')
                && value.contains(['.', 'e'])
                && value.parse::<f64>().is_ok()
            {
                self.declared.shared.push(Shared { name: name.into(), rust: "f64", value: value.into(), file: file.into() });
            }
        }
        Ok(())
    }

    /// Whether a condition holds in no variant, for no `#let` of this shader gives the value that it asks for.
    fn never(&self, condition: &str) -> bool {
        let never = |one: &str| {
            let Some((left, right)) = one.split_once("==") else { return false };
            let (left, right) = (left.trim().trim_start_matches('$'), right.trim());
            let plain = |value: &str| is_word(value) || value.parse::<u32>().is_ok();
            let given = self.declared.given.get(left).filter(|_| self.axis(left).is_none());
            plain(right) && given.is_some_and(|values| values.iter().all(|value| plain(value) && value != right))
        };
        condition.split("||").all(|any| any.split("&&").any(never))
    }

    fn given(&mut self, file: &str, name: &str, value: &str) -> Result<(), String> {
        if self.axis(name).is_some() {
            let here = self.axis(name).is_some_and(|axis| axis.file == file);
            // An import may lay down what an axis would choose, where it has no choice; a shader that does so to its own axis is mistaken.
            if here && self.open.is_empty() {
                return Err(format!("`{name}` is an axis already"));
            }
        }
        if !is_word(value) || self.known.get(value).is_some_and(|times| *times > 0) {
            self.expression(value)?;
        }
        if self.open.is_empty() && value.parse::<u32>().is_ok() {
            self.declared.shared.push(Shared { name: name.into(), rust: "u32", value: value.into(), file: file.into() });
        }
        *self.known.entry(name.into()).or_default() += 1;
        self.sources.insert(name.into(), file.into());
        Ok(())
    }

    fn axis(&self, name: &str) -> Option<&Axis> {
        self.declared.axes.iter().find(|axis| axis.name == name)
    }

    /// Every name of an integer expression must have a value, and a number.
    fn expression(&mut self, expression: &str) -> Result<(), String> {
        for name in names(expression) {
            self.mention(name);
            match self.axis(name).map(|axis| matches!(axis.kind, Kind::Words(_))) {
                Some(true) => return Err(format!("axis {name} is of words, and is used as a number")),
                Some(false) => {
                    self.used.insert(name.into());
                }
                None if self.known.get(name).is_some_and(|times| *times > 0) => {}
                None => return Err(format!("`{name}` is no axis, and no `#let` or `#for` before this line gives it a value")),
            }
        }
        Ok(())
    }

    fn condition(&mut self, condition: &str) -> Result<(), String> {
        condition.split("||").flat_map(|any| any.split("&&")).try_for_each(|one| self.comparison(one.trim()))
    }

    fn comparison(&mut self, one: &str) -> Result<(), String> {
        let split = ["==", "!=", "<=", ">=", "<", ">"]
            .iter()
            .find_map(|operator| one.split_once(operator).map(|sides| (operator, sides)));
        let (operator, (left, right)) = split.ok_or_else(|| format!("`{one}` is not a comparison"))?;
        let (left, right) = (left.trim().trim_start_matches('$'), right.trim());
        let equality = ["==", "!="].contains(operator);
        let axis = self.axis(left).cloned();
        if let Some(Axis { name, kind: Kind::Words(words), .. }) = &axis {
            if !equality {
                return Err(format!("`{one}` orders words"));
            }
            if !words.iter().any(|word| word == right) {
                return Err(format!("axis {name} has no value {right}; it has: {}", words.join(", ")));
            }
            self.compared.entry(name.clone()).or_default().insert(right.into());
            if axis.as_ref().is_some_and(|axis| axis.file != self.file) {
                self.declared.told.entry(name.clone()).or_default().insert(right.into());
            }
            return Ok(());
        }
        self.mention(left);
        if axis.is_none()
            && let Some(words) = self.words.get(left)
            && equality
            && is_word(right)
        {
            if !self.known.contains_key(left) {
                return Err(format!("`{left}` is no axis, and no `#let` before this line gives it a value"));
            }
            if !words.contains(right) {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                return Err(format!("no `#let` gives {left} the value {right}; it is given: {}", words.join(", ")));
            }
            return Ok(());
        }
        match (&axis, right.parse::<u32>()) {
            (Some(axis), Ok(number)) if equality => {
                let has = match &axis.kind {
                    Kind::Range { low, high, .. } => (*low..=*high).contains(&number),
                    _ => axis.values().contains(&right.to_string()),
                };
                if !has {
                    return Err(format!("axis {} has no value {number}", axis.name));
                }
                self.compared.entry(axis.name.clone()).or_default().insert(right.into());
                Ok(())
            }
            _ => {
                self.expression(left)?;
                self.expression(right)
            }
        }
    }

    /// `$NAME` and `$(expression)` of a line that is written.
    fn substituted(&mut self, line: &str) -> Result<(), String> {
        let mut rest = line;
        while let Some(dollar) = rest.find('$') {
            rest = &rest[dollar + 1..];
            let end = if rest.starts_with('(') {
                let mut depth = 0;
                rest.char_indices()
                    .find(|&(_, c)| {
                        depth += i32::from(c == '(') - i32::from(c == ')');
                        depth == 0
                    })
                    .map(|(i, _)| i + 1)
                    .ok_or("`$(` is never closed")?
            } else {
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
            };
            self.expression(&rest[..end])?;
            rest = &rest[end..];
        }
        Ok(())
    }
}
