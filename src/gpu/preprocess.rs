//! The shader preprocessor: `#import`, `#axis`, `#require`, `#let`, `#if`, a bounded `#for`, and `$` substitution, and nothing more.
//!
//! The build script uses it to validate the variants that a shader declares (`build/declared.rs`); the engine uses it again at run
//! time to write the one variant that a dispatch asks for. Both compile this same file.
//!
//! ```text
//! #axis NAME: v1 v2 v3     a specialization and its values: words, or numbers
//! #axis NAME: 1..=64 as 1 4 5   a specialization by a number within these bounds; the build validates the three
//! #require CONDITION       variants for which it does not hold do not exist
//! #let NAME = K * 4        an integer expression or a word, from here on and in what is imported from here on
//! #import common/philox    textual, once, from shaders/common/philox.wgsl
//! #if NAME == v1 && K < 4  #elif …  #else  #endif
//! #for I in 0..$N          #endfor; bounds are integer expressions; loops nest
//! $NAME  $(K * 4 + I)      a value, or an integer expression over + - * / % and parentheses
//! ```

use std::collections::HashMap;
use std::rc::Rc;

/// What a name stands for while a shader is expanded.
pub type Values = HashMap<String, String>;

/// An expanded shader, and where each of its lines came from.
#[derive(Debug, Default)]
pub struct Expanded {
    pub text: String,
    /// (file, 1-based line) of every line of `text`.
    pub origin: Vec<(Rc<str>, usize)>,
}

/// A mistake in a directive.
#[derive(Debug)]
pub struct Problem {
    pub file: String,
    pub line: usize,
    pub message: String,
}

/// Writes the variant of `text` in which every axis has the value that `values` gives it.
pub fn expand(file: &str, text: &str, import: &dyn Fn(&str) -> Option<String>, values: &Values) -> Result<Expanded, Problem> {
    let mut expander = Expander { import, imported: Vec::new(), out: Expanded::default() };
    expander.file(file, text, &mut values.clone())?;
    Ok(expander.out)
}

struct Expander<'a> {
    import: &'a dyn Fn(&str) -> Option<String>,
    imported: Vec<String>,
    out: Expanded,
}

/// The lines of a file, and where its blocks end.
struct Lines<'a> {
    file: Rc<str>,
    lines: Vec<&'a str>,
    /// Of each `#if` and `#for`, the directive that closes it; of each branch, the one that ends it.
    close: Vec<Option<usize>>,
    next: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(file: &str, text: &'a str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let (mut close, mut next) = (vec![None; lines.len()], vec![0; lines.len()]);
        // Open blocks: where each begins, and where its branch at hand does.
        let mut open: Vec<(usize, usize)> = Vec::new();
        for (at, line) in lines.iter().map(|line| line.trim()).enumerate().filter(|(_, line)| line.starts_with('#')) {
            if line.starts_with("#if ") || line.starts_with("#for ") {
                open.push((at, at));
            } else if let Some((begin, branch)) = open.last_mut() {
                let closes = line == "#endif" || line == "#endfor";
                if closes || line == "#else" || line.starts_with("#elif ") {
                    next[*branch] = at;
                    *branch = at;
                }
                if closes {
                    close[*begin] = Some(at);
                    open.pop();
                }
            }
        }
        Self { file: file.into(), lines, close, next }
    }

    fn problem(&self, at: usize, message: String) -> Problem {
        Problem { file: self.file.to_string(), line: at + 1, message }
    }
}

impl Expander<'_> {
    fn file(&mut self, file: &str, text: &str, values: &mut Values) -> Result<(), Problem> {
        let lines = Lines::of(file, text);
        let end = self.block(&lines, (0, lines.lines.len()), values)?;
        match lines.lines.get(end) {
            None => Ok(()),
            Some(line) => Err(lines.problem(end, format!("`{}` closes nothing", line.trim()))),
        }
    }

    /// Expands lines from `at` to `end`, or to the directive that closes the block, whose index it returns.
    fn block(&mut self, of: &Lines, (mut at, end): (usize, usize), values: &mut Values) -> Result<usize, Problem> {
        while at < end {
            let line = of.lines[at].trim_start();
            let problem = |message: String| of.problem(at, message);
            if !line.starts_with('#') {
                substitute(of.lines[at], values, &mut self.out.text).map_err(problem)?;
                self.out.text.push('\n');
                self.out.origin.push((of.file.clone(), at + 1));
            } else if let Some(path) = line.strip_prefix("#import ") {
                let path = path.trim();
                if !self.imported.iter().any(|p| p == path) {
                    self.imported.push(path.into());
                    let text = (self.import)(path).ok_or_else(|| problem(format!("no shader named {path}")))?;
                    self.file(path, &text, values)?;
                }
            } else if line.starts_with("#axis ") || line.starts_with("#require ") {
                // Declares; writes nothing.
            } else if let Some(rest) = line.strip_prefix("#let ") {
                let (name, value) = rest.split_once('=').ok_or_else(|| problem("expected `#let NAME = value`".into()))?;
                let (name, value) = (name.trim().to_string(), value.trim());
                let value = match integer(value, values) {
                    Ok(number) => number.to_string(),
                    Err(_) if value.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !value.is_empty() => value.to_string(),
                    Err(message) => return Err(problem(message)),
                };
                values.insert(name, value);
            } else if let Some(rest) = line.strip_prefix("#for ") {
                let (name, range) = rest.split_once(" in ").ok_or_else(|| problem("expected `#for I in A..B`".into()))?;
                let (from, to) = range.split_once("..").ok_or_else(|| problem("expected `#for I in A..B`".into()))?;
                let from = integer(from, values).map_err(&problem)?;
                let to = integer(to, values).map_err(&problem)?;
                let name = name.trim().to_string();
                let close = of.close[at].ok_or_else(|| problem("`#for` is never closed".into()))?;
                let outer = values.get(&name).cloned();
                for i in from..to {
                    values.insert(name.clone(), i.to_string());
                    self.block(of, (at + 1, close), values)?;
                }
                match outer {
                    Some(value) => values.insert(name, value),
                    None => values.remove(&name),
                };
                at = close;
            } else if line.starts_with("#if ") {
                at = self.choose(of, at, values)?;
            } else if ["#endif", "#endfor", "#else"].contains(&line.trim_end()) || line.starts_with("#elif ") {
                return Ok(at);
            } else {
                return Err(problem(format!("unknown directive `{}`", line.trim())));
            }
            at += 1;
        }
        Ok(at)
    }

    /// Expands the first branch of the `#if` at `at` whose condition holds; returns the index of its `#endif`.
    fn choose(&mut self, of: &Lines, at: usize, values: &mut Values) -> Result<usize, Problem> {
        let close = of.close[at].ok_or_else(|| of.problem(at, "`#if` is never closed".into()))?;
        let mut branch = at;
        while branch < close {
            let line = of.lines[branch].trim();
            let condition = line.strip_prefix("#elif ").or(line.strip_prefix("#if "));
            let next = of.next[branch];
            let holds = condition.map_or(Ok(true), |condition| holds(condition, values));
            if holds.map_err(|message| of.problem(branch, message))? {
                self.block(of, (branch + 1, next), values)?;
                break;
            }
            branch = next;
        }
        Ok(close)
    }
}

fn substitute(line: &str, values: &Values, out: &mut String) -> Result<(), String> {
    let mut rest = line;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if rest.starts_with('(') {
            let mut depth = 0;
            let end = rest
                .char_indices()
                .find(|&(_, c)| {
                    depth += i32::from(c == '(') - i32::from(c == ')');
                    depth == 0
                })
                .map(|(i, _)| i)
                .ok_or("`$(` is never closed")?;
            out.push_str(&integer(&rest[1..end], values)?.to_string());
            rest = &rest[end + 1..];
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let name = &rest[..end];
            out.push_str(values.get(name).ok_or_else(|| format!("`{name}` has no value"))?);
            rest = &rest[end..];
        }
    }
    out.push_str(rest);
    Ok(())
}

/// Whether a condition holds: comparisons joined by `||`, within which `&&` binds tighter.
pub fn holds(condition: &str, values: &Values) -> Result<bool, String> {
    for any in condition.split("||") {
        let mut all = true;
        for one in any.split("&&") {
            all &= compares(one.trim(), values)?;
        }
        if all {
            return Ok(true);
        }
    }
    Ok(false)
}

fn compares(one: &str, values: &Values) -> Result<bool, String> {
    for operator in ["==", "!=", "<=", ">=", "<", ">"] {
        let Some((left, right)) = one.split_once(operator) else { continue };
        let (left, right) = (left.trim(), right.trim());
        let word = values.get(left.trim_start_matches('$')).is_some_and(|value| value.parse::<i64>().is_err());
        if !word && let (Ok(a), Ok(b)) = (integer(left, values), integer(right, values)) {
            return Ok(match operator {
                "==" => a == b,
                "!=" => a != b,
                "<=" => a <= b,
                ">=" => a >= b,
                "<" => a < b,
                _ => a > b,
            });
        }
        let left = values.get(left.trim_start_matches('$')).ok_or_else(|| format!("`{left}` has no value"))?;
        let right = values.get(right.trim_start_matches('$')).map_or(right, String::as_str);
        return match operator {
            "==" => Ok(left == right),
            "!=" => Ok(left != right),
            _ => Err(format!("`{one}` orders words")),
        };
    }
    Err(format!("`{one}` is not a comparison"))
}

/// The value of an integer expression.
fn integer(expression: &str, values: &Values) -> Result<i64, String> {
    // Most are one number or name.
    let one = expression.trim().trim_start_matches('$');
    if let Ok(number) = values.get(one).map_or(one, String::as_str).parse() {
        return Ok(number);
    }
    let mut tokens = Vec::new();
    let mut rest = expression.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len()).max(1);
        tokens.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    let tokens: Vec<&str> = tokens.into_iter().filter(|t| *t != "$").collect();
    let mut at = 0;
    let value = sum(&tokens, &mut at, values)?;
    if at < tokens.len() {
        return Err(format!("`{expression}` is not an integer expression"));
    }
    Ok(value)
}

fn sum(tokens: &[&str], at: &mut usize, values: &Values) -> Result<i64, String> {
    let mut value = product(tokens, at, values)?;
    while let Some(&operator) = tokens.get(*at).filter(|t| ["+", "-"].contains(t)) {
        *at += 1;
        let right = product(tokens, at, values)?;
        value = if operator == "+" { value + right } else { value - right };
    }
    Ok(value)
}

fn product(tokens: &[&str], at: &mut usize, values: &Values) -> Result<i64, String> {
    let mut value = atom(tokens, at, values)?;
    while let Some(&operator) = tokens.get(*at).filter(|t| ["*", "/", "%"].contains(t)) {
        *at += 1;
        let right = atom(tokens, at, values)?;
        value = match operator {
            "*" => value * right,
            _ if right == 0 => return Err("division by zero".into()),
            "/" => value / right,
            _ => value % right,
        };
    }
    Ok(value)
}

fn atom(tokens: &[&str], at: &mut usize, values: &Values) -> Result<i64, String> {
    let token = *tokens.get(*at).ok_or("an integer expression ends too early")?;
    *at += 1;
    if token == "(" {
        let value = sum(tokens, at, values)?;
        if tokens.get(*at) != Some(&")") {
            return Err("a parenthesis is never closed".into());
        }
        *at += 1;
        return Ok(value);
    }
    if token == "-" {
        return Ok(-atom(tokens, at, values)?);
    }
    let text = values.get(token).map_or(token, String::as_str);
    text.parse().map_err(|_| format!("`{token}` is not an integer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, values: &[(&str, &str)]) -> Result<String, String> {
        let values = values.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let import = |path: &str| (path == "common/one").then(|| "one\n".to_string());
        expand("test", text, &import, &values).map(|e| e.text).map_err(|p| format!("{}: {}", p.line, p.message))
    }

    #[test]
    fn loops_nest_and_substitute() {
        let text = "#for I in 0..2\n#for J in I..N\na$(I * 10 + J) $I;\n#endfor\n#endfor";
        assert_eq!(written(text, &[("N", "2")]).unwrap(), "a0 0;\na1 0;\na11 1;\n");
    }

    #[test]
    fn one_branch_is_taken() {
        let text = "#if K == a && N > 2\nx\n#elif K == b\ny\n#if N == 1\nz\n#endif\n#else\nw\n#endif";
        assert_eq!(written(text, &[("K", "a"), ("N", "3")]).unwrap(), "x\n");
        assert_eq!(written(text, &[("K", "b"), ("N", "1")]).unwrap(), "y\nz\n");
        assert_eq!(written(text, &[("K", "a"), ("N", "1")]).unwrap(), "w\n");
    }

    #[test]
    fn names_stand_for_numbers_and_words() {
        let text = "#let A = N / 2\n#let B = $A + 1\n#let KIND = some_word\n$A $B\n#if KIND == some_word && B == 4\nyes\n#endif";
        assert_eq!(written(text, &[("N", "6")]).unwrap(), "3 4\nyes\n");
        assert_eq!(written("#let A = N + 1", &[]).unwrap_err(), "1: `N` is not an integer");
        assert_eq!(written("#let A", &[]).unwrap_err(), "1: expected `#let NAME = value`");
    }

    #[test]
    fn imports_are_written_once() {
        assert_eq!(written("#import common/one\n#import common/one\ntwo", &[]).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn mistakes_name_their_line() {
        assert_eq!(written("ok\n$NOPE", &[]).unwrap_err(), "2: `NOPE` has no value");
        assert_eq!(written("#if X == 1\n", &[]).unwrap_err(), "1: `#if` is never closed");
        assert_eq!(written("#endif", &[]).unwrap_err(), "1: `#endif` closes nothing");
        assert_eq!(written("#import nope", &[]).unwrap_err(), "1: no shader named nope");
    }
}
