//! What a shader and its imports declare: axes, which of their combinations exist, and numbers that Rust is to know; and the mistakes that can be
//! found in the text alone, whatever the variant.

use super::preprocess::{self, Problem, Values};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Texts that a shader may import, by name.
pub type Imports<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What an axis may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Words(Vec<String>),
    /// 0 and 1.
    Flag,
    Numbers(Vec<u32>),
    /// A number within bounds, both included; the build validates `examples` of it.
    Range {
        low: u32,
        high: u32,
        examples: Vec<u32>,
    },
}

/// One specialization.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub name: String,
    pub kind: Kind,
    /// The text that declares it.
    pub file: String,
    line: usize,
}

/// A condition without which a variant does not exist.
#[derive(Clone, Debug)]
pub struct Requirement {
    pub condition: String,
    file: String,
    line: usize,
}

/// A number that has a name outside of every condition and loop: by a `#let`, or by a `const` without a type, which no module keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Shared {
    pub name: String,
    pub rust: &'static str,
    pub value: String,
    pub file: String,
}

#[derive(Debug, Default)]
pub struct Declared {
    pub axes: Vec<Axis>,
    pub requirements: Vec<Requirement>,
    pub shared: Vec<Shared>,
    /// What `#let`s give each name, whatever the variant.
    given: HashMap<String, BTreeSet<String>>,
    /// Texts that are bound up with others: what they write depends on names of another, or another's on theirs, or what they declare
    /// depends on a condition.
    bound: BTreeSet<String>,
    /// Axes of words of which conditions of other texts tell these words from the rest.
    told: BTreeMap<String, BTreeSet<String>>,
}

impl Axis {
    /// The values that the build tells apart: all of a range's examples.
    fn values(&self) -> Vec<String> {
        match &self.kind {
            Kind::Words(words) => words.clone(),
            Kind::Flag => vec!["0".into(), "1".into()],
            Kind::Numbers(numbers) | Kind::Range { examples: numbers, .. } => numbers.iter().map(u32::to_string).collect(),
        }
    }

    fn is_range(&self) -> bool {
        matches!(self.kind, Kind::Range { .. })
    }

    fn parsed(rest: &str, file: &str, line: usize) -> Result<Self, String> {
        let (name, values) = rest.split_once(':').ok_or("expected `#axis NAME: value …`")?;
        let name = name.trim().to_string();
        let values = values.trim();
        if values.is_empty() {
            return Err(format!("axis {name} has no values"));
        }
        let number =
            |text: &str| text.trim().parse::<u32>().map_err(|_| format!("`{}` is no number for axis {name}", text.trim()));
        let kind = match values.split_once("..=") {
            Some((low, rest)) => {
                let (high, examples) = rest.split_once(" as ").ok_or("expected `#axis NAME: 1..=64 as 1 4 5`")?;
                let (low, high) = (number(low)?, number(high)?);
                let examples: Vec<u32> = examples.split_whitespace().map(number).collect::<Result<_, _>>()?;
                if let Some(outside) = examples.iter().find(|n| !(low..=high).contains(n)) {
                    return Err(format!("{outside} is outside the bounds of axis {name}"));
                }
                Kind::Range { low, high, examples }
            }
            None => {
                let words: Vec<String> = values.split_whitespace().map(String::from).collect();
                if words.iter().any(|word| words.iter().filter(|other| *other == word).count() > 1) {
                    return Err(format!("axis {name} has a value twice"));
                }
                if words.len() < 2 {
                    return Err(format!("axis {name} has one value"));
                }
                match words.iter().map(|word| number(word)).collect::<Result<Vec<u32>, _>>() {
                    Ok(numbers) if numbers == [0, 1] || numbers == [1, 0] => Kind::Flag,
                    Ok(numbers) => Kind::Numbers(numbers),
                    Err(_) if words.iter().all(|word| is_word(word)) => Kind::Words(words),
                    Err(_) => return Err(format!("the values of axis {name} are neither words nor numbers")),
                }
            }
        };
        Ok(Self { name, kind, file: file.into(), line })
    }
}

/// The words that any of these texts gives a name by `#let`.
pub fn words<'a>(texts: impl Iterator<Item = &'a str>) -> HashMap<String, BTreeSet<String>> {
    let mut found: HashMap<String, BTreeSet<String>> = HashMap::new();
    for line in texts.flat_map(str::lines) {
        if let Some((name, value)) = line.trim_start().strip_prefix("#let ").and_then(|rest| rest.split_once('='))
            && is_word(value.trim())
        {
            found.entry(name.trim().into()).or_default().insert(value.trim().into());
        }
    }
    found
}

impl Declared {
    /// What `text` and its imports declare. `words` are those that names are given anywhere ([`words`]).
    pub fn of(file: &str, text: &str, import: Imports, words: &HashMap<String, BTreeSet<String>>) -> Result<Self, Problem> {
        let mut declared = Self::default();
        declared.collect(file, text, import, &mut vec![file.to_string()])?;
        declared.bound.insert(file.into());
        let mut walk = Walk {
            declared: &mut declared,
            file: String::new(),
            sources: HashMap::new(),
            import,
            words,
            imported: Vec::new(),
            known: HashMap::new(),
            used: BTreeSet::new(),
            compared: BTreeMap::new(),
            open: Vec::new(),
        };
        walk.file(file, text)?;
        let (used, compared) = (walk.used, walk.compared);
        for axis in &declared.axes {
            let problem = |message| Err(Problem { file: axis.file.clone(), line: axis.line, message });
            if !used.contains(&axis.name) && !compared.contains_key(&axis.name) {
                return problem(format!("axis {} is never used", axis.name));
            }
            if used.contains(&axis.name) || axis.is_range() {
                continue;
            }
            // One value may be what an `#else` is for.
            let untold: Vec<String> = axis.values().into_iter().filter(|value| !compared[&axis.name].contains(value)).collect();
            if untold.len() > 1 {
                return problem(format!(
                    "no condition tells the values {} of axis {} from each other",
                    untold.join(", "),
                    axis.name
                ));
            }
        }
        Ok(declared)
    }

    fn collect(&mut self, file: &str, text: &str, import: Imports, seen: &mut Vec<String>) -> Result<(), Problem> {
        for (number, line) in text.lines().enumerate() {
            let line_number = number + 1;
            let problem = |message: String| Problem { file: file.into(), line: line_number, message };
            let line = line.trim_start();
            if let Some(rest) = line.strip_prefix("#axis ") {
                let axis = Axis::parsed(rest, file, line_number).map_err(problem)?;
                if let Some(other) = self.axes.iter().find(|other| other.name == axis.name) {
                    return Err(problem(format!("axis {} is declared in {} already", axis.name, other.file)));
                }
                self.axes.push(axis);
            } else if let Some(rest) = line.strip_prefix("#require ") {
                self.requirements.push(Requirement { condition: rest.trim().into(), file: file.into(), line: line_number });
            } else if let Some(path) = line.strip_prefix("#import ") {
                let path = path.trim().to_string();
                if !seen.contains(&path) {
                    let text = import(&path).ok_or_else(|| problem(format!("no shader named {path}")))?;
                    seen.push(path.clone());
                    self.collect(&path, &text, import, seen)?;
                }
            } else if let Some((name, value)) = line.strip_prefix("#let ").and_then(|rest| rest.split_once('=')) {
                self.given.entry(name.trim().into()).or_default().insert(value.trim().into());
            }
        }
        Ok(())
    }

    /// What each of these combinations consists of. Where what a text writes and what others write do not depend on each other, its values
    /// are a part of their own: WGSL checks a function by what others declare, not by what they do, so that a part is right in all
    /// combinations or in none. A part is conditions such as `FAMILY=tile`, separated by spaces.
    pub fn parts(&self, combinations: &[Values]) -> Vec<Vec<String>> {
        let free: BTreeSet<&str> =
            self.axes.iter().map(|axis| &axis.file[..]).filter(|file| !self.bound.contains(*file)).collect();
        let part = |values: &Values, of: &dyn Fn(&Axis, &String) -> Option<String>| {
            let given = self.axes.iter().filter_map(|axis| values.get(&axis.name).map(|value| (axis, value)));
            given.filter_map(|(axis, value)| of(axis, value)).collect::<Vec<_>>().join(" ")
        };
        let equal = |axis: &Axis, value: &String| Some(format!("{}={value}", axis.name));
        let seen_elsewhere = |axis: &Axis, value: &String| match self.told.get(&axis.name) {
            _ if !free.contains(&axis.file[..]) => equal(axis, value),
            Some(told) if told.contains(value) => equal(axis, value),
            Some(told) => Some(told.iter().map(|word| format!("{}!={word}", axis.name)).collect::<Vec<_>>().join(" ")),
            None => None,
        };
        let parts = |values: &Values| {
            let rest = part(values, &seen_elsewhere);
            let own = free.iter().map(|file| part(values, &|axis, value| equal(axis, value).filter(|_| axis.file == *file)));
            std::iter::once(rest).chain(own).collect()
        };
        combinations.iter().map(parts).collect()
    }

    /// The combinations of values that exist: of each, the values of the axes that are no ranges, and those examples of the ranges with which it exists.
    pub fn combinations(&self) -> Result<Vec<(Values, Vec<Values>)>, Problem> {
        let (ranges, others): (Vec<&Axis>, Vec<&Axis>) = self.axes.iter().partition(|axis| axis.is_range());
        let mut found = Vec::new();
        for combination in product(&others) {
            let mut examples = Vec::new();
            let mut seen = BTreeSet::new();
            for example in product(&ranges) {
                let values: Values =
                    combination.iter().chain(&example).map(|(name, value)| (name.clone(), value.clone())).collect();
                // As few as have every example of every range that there can be.
                if self.exists(&values)?
                    && (examples.is_empty() || example.iter().any(|of| !seen.contains(&(of.0.clone(), of.1.clone()))))
                {
                    seen.extend(example);
                    examples.push(values);
                }
            }
            if !examples.is_empty() {
                found.push((combination, examples));
            }
        }
        Ok(found)
    }

    fn exists(&self, values: &Values) -> Result<bool, Problem> {
        for Requirement { condition, file, line } in &self.requirements {
            let problem = |message| Problem { file: file.clone(), line: *line, message };
            if !preprocess::holds(condition, values).map_err(problem)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn product(axes: &[&Axis]) -> Vec<Values> {
    axes.iter().fold(vec![Values::new()], |all, axis| {
        let with = |values: &Values, value: String| {
            let mut values = values.clone();
            values.insert(axis.name.clone(), value);
            values
        };
        all.iter().flat_map(|values| axis.values().into_iter().map(move |value| with(values, value))).collect()
    })
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

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
struct Walk<'a> {
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
    used: BTreeSet<String>,
    /// Axes in comparisons with a value, and these values.
    compared: BTreeMap<String, BTreeSet<String>>,
    /// Conditions and loops that are open.
    open: Vec<Open>,
}

enum Open {
    /// A loop, and the name that it counts with.
    Loop(String),
    /// A branch, and whether no variant of this shader has it.
    Branch(bool),
}

impl Walk<'_> {
    fn file(&mut self, file: &str, text: &str) -> Result<(), Problem> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(text: &str) -> Result<Declared, String> {
        let import =
            |path: &str| (path == "common/one").then(|| "#axis ONE: a b\n#if ONE == a && HOW == well\n#endif\n".to_string());
        let words = words(["#let HOW = well\n#let HOW = badly", text].into_iter());
        Declared::of("test", text, &import, &words).map_err(|p| format!("{}:{}: {}", p.file, p.line, p.message))
    }

    fn told(text: &str) -> String {
        declared(text).unwrap_err()
    }

    #[test]
    fn axes_are_words_flags_numbers_and_ranges() {
        let text =
            "#axis A: x y\n#axis B: 0 1\n#axis C: 1 4\n#axis D: 1..=64 as 1 5\n#if A == x && B == 1 && C == 4 && D > 2\n#endif";
        let kinds: Vec<Kind> = declared(text).unwrap().axes.into_iter().map(|axis| axis.kind).collect();
        let words = Kind::Words(vec!["x".into(), "y".into()]);
        assert_eq!(kinds, [words, Kind::Flag, Kind::Numbers(vec![1, 4]), Kind::Range { low: 1, high: 64, examples: vec![1, 5] }]);
        assert_eq!(told("#axis A"), "test:1: expected `#axis NAME: value …`");
        assert_eq!(told("#axis A: x"), "test:1: axis A has one value");
        assert_eq!(told("#axis A: x x"), "test:1: axis A has a value twice");
        assert_eq!(told("#axis A: x 1"), "test:1: the values of axis A are neither words nor numbers");
        assert_eq!(told("#axis A: 1..=4 as 5"), "test:1: 5 is outside the bounds of axis A");
        assert_eq!(told("#axis ONE: a b\n#import common/one"), "common/one:1: axis ONE is declared in test already");
    }

    #[test]
    fn a_value_that_an_axis_does_not_have_is_told_with_its_line() {
        let family = "#axis FAMILY: tile register\n#axis D: 1..=4 as 2\n$D\n";
        assert_eq!(
            told(&format!("{family}#if FAMILY == registr\n#endif")),
            "test:4: axis FAMILY has no value registr; it has: tile, register"
        );
        assert_eq!(told(&format!("{family}#if FAMILY == tile || D == 5\n#endif")), "test:4: axis D has no value 5");
        assert_eq!(told("#import common/one"), "common/one:2: `HOW` is no axis, and no `#let` before this line gives it a value");
        assert_eq!(
            told("#let HOW = well\n#if HOW == wel\n#endif"),
            "test:2: no `#let` gives HOW the value wel; it is given: badly, well"
        );
        assert_eq!(told("#axis A: x y\n#if A == x\n#endif\n#require A == z"), "test:4: axis A has no value z; it has: x, y");
        assert_eq!(told("#axis A: x y\n#if A < x\n#endif"), "test:2: `A < x` orders words");
        assert_eq!(told("#axis A: x y\n$A"), "test:2: axis A is of words, and is used as a number");
    }

    #[test]
    fn a_name_without_a_value_is_told_with_its_line() {
        let problem = "is no axis, and no `#let` or `#for` before this line gives it a value";
        assert_eq!(told("ok\nlet a = $NOPE;"), format!("test:2: `NOPE` {problem}"));
        assert_eq!(told("#if NOPE == 1\n#endif"), format!("test:1: `NOPE` {problem}"));
        assert_eq!(told("#for I in 0..4\n$I\n#endfor\n$(I + 1)"), format!("test:4: `I` {problem}"));
        assert_eq!(told("#if 1 == 2\n$A\n#endif\n#let A = 3"), format!("test:2: `A` {problem}"));
        assert!(declared("#let A = 3\n#for I in 0..A\n$(A * I)\n#endfor").is_ok());
    }

    #[test]
    fn values_that_nothing_tells_apart_are_told() {
        assert!(declared("#axis A: x y z\n#if A == x\n#elif A == y\n#else\n#endif").is_ok());
        let text = "#axis A: x y z\n#if A == x\n#else\n#endif\n#require A != y";
        assert_eq!(told(text), "test:1: no condition tells the values y, z of axis A from each other");
        assert_eq!(told("#axis A: 1..=4 as 2\n#require A > 1"), "test:1: axis A is never used");
        assert!(declared("#axis A: 1 2 4\n$A").is_ok());
    }

    #[test]
    fn combinations_are_those_that_meet_every_requirement() {
        let text = "#axis A: x y\n#axis B: 0 1\n#axis D: 0..=9 as 1 8\n#require A == x || B == 0\n#require D > 4 || B == 0 && A == x\n\
                    #if A == x && B == 0\n$D\n#endif";
        let all: BTreeSet<String> = declared(text)
            .unwrap()
            .combinations()
            .unwrap()
            .into_iter()
            .map(|(of, examples)| format!("{}{}: {}", of["A"], of["B"], examples.iter().map(|e| &e["D"][..]).collect::<String>()))
            .collect();
        assert_eq!(all.into_iter().collect::<Vec<_>>(), ["x0: 18", "x1: 8", "y0: 8"]);
    }

    #[test]
    fn texts_that_do_not_depend_on_each_other_are_parts_of_their_own() {
        let import = |path: &str| match path {
            "common/own" => Some("#axis OWN: a b c\nfn f() {\n#if OWN == a\n#elif OWN == b\n#endif\n}".to_string()),
            "common/bound" => Some("#axis BOUND: 0 1\n#if BOUND == 1 && MINE == 1\n#endif".to_string()),
            "common/declares" => Some("#axis DECLARES: 0 1\n#if DECLARES == 1\nfn g() {}\n#endif".to_string()),
            _ => None,
        };
        let parts = |text: &str| {
            let declared = Declared::of("test", text, &import, &HashMap::new()).map_err(|p| p.message).unwrap();
            let combinations: Vec<Values> = declared.combinations().unwrap().into_iter().map(|(of, _)| of).collect();
            let all: BTreeSet<String> = declared.parts(&combinations).into_iter().flatten().collect();
            all.into_iter().collect::<Vec<_>>()
        };
        let mine = "#axis MINE: 0 1\n#if MINE == 1\n#endif\n";
        assert_eq!(parts(&format!("{mine}#import common/own")), ["MINE=0", "MINE=1", "OWN=a", "OWN=b", "OWN=c"]);
        assert_eq!(parts("#axis D: 1..=4 as 2\n$D"), [""]);
        let told = format!("{mine}#import common/own\n#if OWN == a\n#endif\n#require OWN != a || MINE == 0");
        assert_eq!(parts(&told), ["MINE=0 OWN!=a", "MINE=0 OWN=a", "MINE=1 OWN!=a", "OWN=a", "OWN=b", "OWN=c"]);
        let four = |name: &str| [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(a, b)| format!("MINE={a} {name}={b}"));
        assert_eq!(parts(&format!("{mine}#import common/bound")), four("BOUND"));
        assert_eq!(parts(&format!("{mine}#import common/declares")), four("DECLARES"));
    }

    #[test]
    fn numbers_outside_of_conditions_are_shared() {
        let text = "#let A = 3\n#let B = A * 2\n#axis X: 0 1\n#if X == 1\n#let C = 4\n#endif\n#let W = word\nconst D = 1e-3;   // why\nconst E = 4u;";
        let shared = declared(text).unwrap().shared.into_iter().map(|s| format!("{}: {} = {}", s.name, s.rust, s.value));
        assert_eq!(shared.collect::<Vec<_>>(), ["A: u32 = 3", "D: f64 = 1e-3"]);
    }
}
