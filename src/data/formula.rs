//! Formulas of a row's columns, as a person writes them: `-x1 + 0.5*x2`.
//!
//! ```text
//! sum     = product { ("+" | "-") product }
//! product = signed { ("*" | "/") signed }
//! signed  = { "+" | "-" } power
//! power   = atom [ "^" signed ]              the exponent is a number; -x^2 is -(x^2), and 2^3^2 is 2^(3^2)
//! atom    = number | pi | column | function "(" sum ")" | "(" sum ")"
//! ```
//!
//! The parser is our own because those of the registry give no tree, or no position of a mistake. What it makes is a list, not a
//! tree: later nodes name earlier ones, equal ones are one, and nothing that walks it recurses, however long a formula is.

use super::nearest;
use crate::{Error, Result};

/// Parentheses, functions and exponents within one another at most, so that no text overflows the stack.
const DEEPEST: usize = 64;
/// Nodes of all formulas together at most: each is a dispatch where they are recorded.
const MOST_NODES: usize = 2_000;
/// Largest exponent: beyond it a power is no number in single precision, but for bases close to 1.
const LARGEST_EXPONENT: f64 = 64.0;

/// A function of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Exp,
    Log,
    Sqrt,
    Sin,
    Cos,
    Tanh,
    Abs,
    Sigmoid,
}

impl Function {
    pub const ALL: [Self; 8] = [Self::Exp, Self::Log, Self::Sqrt, Self::Sin, Self::Cos, Self::Tanh, Self::Abs, Self::Sigmoid];

    /// The name in formulas.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Sqrt => "sqrt",
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Tanh => "tanh",
            Self::Abs => "abs",
            Self::Sigmoid => "sigmoid",
        }
    }

    /// Its value.
    pub fn of(self, x: f64) -> f64 {
        match self {
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Tanh => x.tanh(),
            Self::Abs => x.abs(),
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        }
    }
}

/// One operation; a `usize` names an earlier node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Node {
    Column(usize),
    Number(f64),
    /// scale · of + offset
    Affine {
        of: usize,
        scale: f64,
        offset: f64,
    },
    Add(usize, usize),
    Sub(usize, usize),
    Mul(usize, usize),
    Div(usize, usize),
    Power(usize, f64),
    Apply(Function, usize),
}

impl Node {
    /// The nodes that it is made of.
    fn parts(self) -> impl Iterator<Item = usize> {
        let (a, b) = match self {
            Self::Column(_) | Self::Number(_) => (None, None),
            Self::Affine { of: a, .. } | Self::Power(a, _) | Self::Apply(_, a) => (Some(a), None),
            Self::Add(a, b) | Self::Sub(a, b) | Self::Mul(a, b) | Self::Div(a, b) => (Some(a), Some(b)),
        };
        a.into_iter().chain(b)
    }

    fn renamed(self, names: &[usize]) -> Self {
        match self {
            Self::Column(_) | Self::Number(_) => self,
            Self::Affine { of, scale, offset } => Self::Affine { of: names[of], scale, offset },
            Self::Add(a, b) => Self::Add(names[a], names[b]),
            Self::Sub(a, b) => Self::Sub(names[a], names[b]),
            Self::Mul(a, b) => Self::Mul(names[a], names[b]),
            Self::Div(a, b) => Self::Div(names[a], names[b]),
            Self::Power(a, p) => Self::Power(names[a], p),
            Self::Apply(f, a) => Self::Apply(f, names[a]),
        }
    }
}

/// Several formulas of the same columns.
///
/// ```
/// use pushforward::data::Formulas;
/// let score = Formulas::parse(&["-age", "2*height^2 - pi"], &["age", "height"])?;
/// assert_eq!(score.evaluate(&[3.0, 2.0]), [-3.0, 8.0 - std::f64::consts::PI]);
/// let mistake = Formulas::parse(&["-age", "2*hieght"], &["age", "height"]).unwrap_err();
/// assert!(mistake.to_string().contains("character 3") && mistake.to_string().contains("did you mean `height`?"));
/// # Ok::<(), pushforward::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Formulas {
    columns: usize,
    nodes: Vec<Node>,
    outputs: Vec<usize>,
}

impl Formulas {
    /// Reads formulas of these columns. A column goes by its name where that is an identifier, and by its place, x1 to xd, unless some
    /// column is itself named x with a number. A column's name wins over pi.
    ///
    /// # Errors
    /// What is no formula, with the place and what was expected there, and names that are none, with the nearest valid one.
    pub fn parse<T: AsRef<str>, C: AsRef<str>>(texts: &[T], columns: &[C]) -> Result<Self> {
        let mut formulas = Self { columns: columns.len(), nodes: Vec::new(), outputs: Vec::new() };
        let names = names(columns);
        for (i, text) in texts.iter().enumerate() {
            let text = text.as_ref();
            let letters: Vec<char> = text.chars().collect();
            let mut parser = Parser { letters: &letters, at: 0, depth: 0, names: &names, nodes: &mut formulas.nodes };
            let output = parser.whole().map_err(|Mistake { at, problem }| {
                let shown: String = match letters.len() {
                    0..=80 => text.into(),
                    _ => letters[..79].iter().chain(&['…']).collect(),
                };
                Error::usage(format!("expression {} is `{shown}`: at character {}, {problem}", i + 1, at + 1))
            })?;
            formulas.outputs.push(output);
        }
        formulas.prune();
        Ok(formulas)
    }

    /// Leaves out what no output needs any more.
    fn prune(&mut self) {
        let mut needed = vec![false; self.nodes.len()];
        self.outputs.iter().for_each(|&output| needed[output] = true);
        for i in (0..self.nodes.len()).rev() {
            if needed[i] {
                self.nodes[i].parts().for_each(|part| needed[part] = true);
            }
        }
        let mut names = vec![0; self.nodes.len()];
        let mut kept = Vec::new();
        for (i, node) in self.nodes.iter().enumerate().filter(|(i, _)| needed[*i]) {
            names[i] = kept.len();
            kept.push(node.renamed(&names));
        }
        self.outputs.iter_mut().for_each(|output| *output = names[*output]);
        self.nodes = kept;
    }

    /// How many columns a row has.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Every operation, each after those that it is made of.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of each formula.
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// The value of each formula at one row. Outside of a function's domain it is not a number.
    pub fn evaluate(&self, row: &[f64]) -> Vec<f64> {
        let mut values: Vec<f64> = Vec::with_capacity(self.nodes.len());
        for &node in &self.nodes {
            values.push(match node {
                Node::Column(j) => row[j],
                Node::Number(value) => value,
                Node::Affine { of, scale, offset } => scale * values[of] + offset,
                Node::Add(a, b) => values[a] + values[b],
                Node::Sub(a, b) => values[a] - values[b],
                Node::Mul(a, b) => values[a] * values[b],
                Node::Div(a, b) => values[a] / values[b],
                Node::Power(a, p) => values[a].powf(p),
                Node::Apply(function, a) => function.of(values[a]),
            });
        }
        self.outputs.iter().map(|&output| values[output]).collect()
    }
}

/// The names that columns go by, each with its column.
fn names<C: AsRef<str>>(columns: &[C]) -> Vec<(String, usize)> {
    let by_place =
        |name: &str| name.strip_prefix('x').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    let identifier = |name: &str| name.starts_with(starts_name) && name.chars().all(continues_name);
    let named = columns.iter().enumerate().map(|(j, name)| (name.as_ref().to_string(), j));
    let mut names: Vec<(String, usize)> = named.filter(|(name, _)| identifier(name)).collect();
    if !columns.iter().any(|name| by_place(name.as_ref())) {
        names.extend((0..columns.len()).map(|j| (format!("x{}", j + 1), j)));
    }
    names
}

fn starts_name(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn continues_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What is wrong with a text, and where.
struct Mistake {
    at: usize,
    problem: String,
}

type Parsed<T> = std::result::Result<T, Mistake>;

/// What a part of a formula comes to: a number that is known, or a node.
#[derive(Clone, Copy)]
enum Part {
    Number(f64),
    Node(usize),
}

struct Parser<'a> {
    letters: &'a [char],
    at: usize,
    depth: usize,
    names: &'a [(String, usize)],
    nodes: &'a mut Vec<Node>,
}

const VALUE: &str = "a number, a column, a function or `(`";

impl Parser<'_> {
    fn whole(&mut self) -> Parsed<usize> {
        let output = self.sum()?;
        match self.peek() {
            None => match output {
                Part::Node(node) => Ok(node),
                Part::Number(value) => self.listed(Node::Number(value), 0),
            },
            Some(')') => Err(self.mistake(self.at, "there is a `)` that closes nothing")),
            Some(_) => Err(self.unexpected("an operator (+ - * / ^) or the end")),
        }
    }

    fn sum(&mut self) -> Parsed<Part> {
        self.deeper()?;
        let mut left = self.product()?;
        while let Some(sign) = self.take(&['+', '-']) {
            let (at, right) = (self.at, self.product()?);
            let sign = if sign == '+' { 1.0 } else { -1.0 };
            left = match (left, right) {
                (Part::Number(a), Part::Number(b)) => self.known(a + sign * b, at)?,
                (Part::Node(a), Part::Number(b)) => self.affine(a, 1.0, sign * b, at)?,
                (Part::Number(a), Part::Node(b)) => self.affine(b, sign, a, at)?,
                (Part::Node(a), Part::Node(b)) => self.node(if sign > 0.0 { Node::Add(a, b) } else { Node::Sub(a, b) }, at)?,
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn product(&mut self) -> Parsed<Part> {
        let mut left = self.signed()?;
        while let Some(sign) = self.take(&['*', '/']) {
            let (at, right) = (self.at, self.signed()?);
            left = match (left, sign, right) {
                (Part::Number(a), '*', Part::Number(b)) => self.known(a * b, at)?,
                (Part::Number(a), _, Part::Number(b)) => self.known(a / b, at)?,
                (Part::Node(a), '*', Part::Number(b)) | (Part::Number(b), '*', Part::Node(a)) => self.affine(a, b, 0.0, at)?,
                (Part::Node(a), _, Part::Number(b)) => self.affine(a, 1.0 / b, 0.0, at)?,
                (Part::Number(a), _, Part::Node(b)) => {
                    let inverse = self.listed(Node::Power(b, -1.0), at)?;
                    self.affine(inverse, a, 0.0, at)?
                }
                (Part::Node(a), '*', Part::Node(b)) => self.node(Node::Mul(a, b), at)?,
                (Part::Node(a), _, Part::Node(b)) => self.node(Node::Div(a, b), at)?,
            };
        }
        Ok(left)
    }

    fn signed(&mut self) -> Parsed<Part> {
        let (at, mut negative) = (self.at, false);
        while let Some(sign) = self.take(&['+', '-']) {
            negative ^= sign == '-';
        }
        match (self.power()?, negative) {
            (part, false) => Ok(part),
            (Part::Number(a), true) => Ok(Part::Number(-a)),
            (Part::Node(a), true) => self.affine(a, -1.0, 0.0, at),
        }
    }

    fn power(&mut self) -> Parsed<Part> {
        let base = self.atom()?;
        if self.take(&['^']).is_none() {
            return Ok(base);
        }
        self.peek();
        let at = self.at;
        self.deeper()?;
        let exponent = self.signed()?;
        self.depth -= 1;
        let Part::Number(exponent) = exponent else {
            return Err(self.mistake(at, "the exponent is not a number: write a^b as exp(b*log(a))"));
        };
        if exponent.abs() > LARGEST_EXPONENT {
            let problem = format!("the exponent is {exponent}: it must be between -{LARGEST_EXPONENT} and {LARGEST_EXPONENT}");
            return Err(self.mistake(at, problem));
        }
        match base {
            Part::Number(a) => self.known(a.powf(exponent), at),
            Part::Node(_) if exponent == 0.0 => Ok(Part::Number(1.0)),
            Part::Node(_) if exponent == 1.0 => Ok(base),
            Part::Node(a) => self.node(Node::Power(a, exponent), at),
        }
    }

    fn atom(&mut self) -> Parsed<Part> {
        match self.peek() {
            Some('(') => self.parenthesis(),
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if starts_name(c) => self.name(),
            _ => Err(self.unexpected(VALUE)),
        }
    }

    fn parenthesis(&mut self) -> Parsed<Part> {
        let open = self.at;
        self.at += 1;
        let inside = self.sum()?;
        match self.take(&[')']) {
            Some(_) => Ok(inside),
            None if self.peek().is_none() => {
                Err(self.mistake(self.at, format!("the expression ends, and `(` of character {} is not closed", open + 1)))
            }
            None => Err(self.unexpected("an operator (+ - * / ^) or `)`")),
        }
    }

    fn number(&mut self) -> Parsed<Part> {
        let start = self.at;
        let digits = |from: usize| from + self.letters[from..].iter().take_while(|c| c.is_ascii_digit()).count();
        let mut end = digits(start);
        if self.letters.get(end) == Some(&'.') {
            end = digits(end + 1);
        }
        if matches!(self.letters.get(end), Some('e' | 'E')) {
            let from = end + 1 + usize::from(matches!(self.letters.get(end + 1), Some('+' | '-')));
            // Not an exponent where no digit follows: `2e` is a mistake that the next step reports.
            if self.letters.get(from).is_some_and(char::is_ascii_digit) {
                end = digits(from);
            }
        }
        let text: String = self.letters[start..end].iter().collect();
        self.at = end;
        match text.parse() {
            Ok(value) => self.known(value, start),
            Err(_) => Err(self.mistake(start, format!("`{text}` is not a number"))),
        }
    }

    fn name(&mut self) -> Parsed<Part> {
        let start = self.at;
        let length = self.letters[start..].iter().take_while(|c| continues_name(**c)).count();
        let name: String = self.letters[start..start + length].iter().collect();
        self.at += length;
        if self.peek() == Some('(')
            && let Some(function) = Function::ALL.into_iter().find(|f| f.name() == name)
        {
            return match self.parenthesis()? {
                Part::Number(value) => self.known(function.of(value), start),
                Part::Node(of) => self.node(Node::Apply(function, of), start),
            };
        }
        if let Some((_, column)) = self.names.iter().find(|(known, _)| *known == name) {
            return self.node(Node::Column(*column), start);
        }
        if name == "pi" {
            return Ok(Part::Number(std::f64::consts::PI));
        }
        if Function::ALL.iter().any(|f| f.name() == name) {
            return Err(self.mistake(start, format!("`{name}` is a function: write {name}(…)")));
        }
        let functions = Function::ALL.map(Function::name);
        let columns: Vec<&str> = self.names.iter().map(|(name, _)| name.as_str()).collect();
        let near = nearest(&name, columns.iter().copied().chain(["pi"]).chain(functions));
        let hint = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
        let (columns, functions) = (columns.join(", "), functions.join(", "));
        let problem =
            format!("`{name}` is unknown{hint}; the columns are {columns}, and there are pi and the functions {functions}");
        Err(self.mistake(start, problem))
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.mistake(self.at, format!("it nests more than {DEEPEST} deep: write it with fewer parentheses")));
        }
        Ok(())
    }

    /// The next letter after blanks.
    fn peek(&mut self) -> Option<char> {
        while self.letters.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.letters.get(self.at).copied()
    }

    fn take(&mut self, any: &[char]) -> Option<char> {
        let found = self.peek().filter(|c| any.contains(c))?;
        self.at += 1;
        Some(found)
    }

    fn mistake(&self, at: usize, problem: impl Into<String>) -> Mistake {
        Mistake { at, problem: problem.into() }
    }

    fn unexpected(&mut self, expected: &str) -> Mistake {
        let problem = match self.peek() {
            Some(found) => format!("`{found}` stands where {expected} is expected"),
            None => format!("the expression ends where {expected} is expected"),
        };
        self.mistake(self.at, problem)
    }

    fn known(&self, value: f64, at: usize) -> Parsed<Part> {
        if (value as f32).is_finite() {
            return Ok(Part::Number(value));
        }
        Err(self.mistake(at, format!("a number comes to {value:e}, which is not finite in single precision")))
    }

    /// scale · of + offset, in one node where `of` is of that kind itself.
    fn affine(&mut self, of: usize, scale: f64, offset: f64, at: usize) -> Parsed<Part> {
        let (of, scale, offset) = match self.nodes[of] {
            Node::Affine { of, scale: inner, offset: before } => (of, scale * inner, scale * before + offset),
            _ => (of, scale, offset),
        };
        self.known(scale, at)?;
        self.known(offset, at)?;
        if (scale, offset) == (1.0, 0.0) {
            return Ok(Part::Node(of));
        }
        self.node(Node::Affine { of, scale, offset }, at)
    }

    fn node(&mut self, node: Node, at: usize) -> Parsed<Part> {
        self.listed(node, at).map(Part::Node)
    }

    /// The node's place in the list, where equal nodes are one.
    fn listed(&mut self, node: Node, at: usize) -> Parsed<usize> {
        if let Some(known) = self.nodes.iter().position(|known| *known == node) {
            return Ok(known);
        }
        if self.nodes.len() == MOST_NODES {
            return Err(self.mistake(at, format!("the expressions have more than {MOST_NODES} operations: shorten them")));
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }
}
