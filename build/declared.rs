//! What a shader and its imports declare: axes, which of their combinations exist, and numbers that Rust is to know; and the mistakes that can be
//! found in the text alone, whatever the variant.

#[path = "walk.rs"]
mod walk;

use super::preprocess::{self, Problem, Values};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use walk::Walk;

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
        let mut walk = Walk::new(&mut declared, import, words);
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
