//! Formulas: what they mean, what is refused, and that no text brings the parser down.

use proptest::prelude::*;
use pushforward::data::{Formulas, Function, Node};

fn value(text: &str, row: &[f64]) -> f64 {
    let columns: Vec<String> = ["u", "v", "w"].map(String::from)[..row.len()].to_vec();
    Formulas::parse(&[text], &columns).unwrap_or_else(|e| panic!("{e}")).evaluate(row)[0]
}

#[test]
fn operators_bind_as_in_mathematics() {
    for (text, expected) in [
        ("-u^2", -9.0),
        ("2^3^2", 512.0),
        ("2^-1 * u", 1.5),
        ("u - v - 1", 0.0),
        ("u / v / 3", 0.5),
        ("2 - -u", 5.0),
        ("- - u", 3.0),
        ("+u*-v", -6.0),
        ("(u + v)*(u - v)", 5.0),
        ("1.5e1 + .5 + 2.", 17.5),
        ("1e-1*u", 0.3),
        ("8/u^(2 - 1)*3", 8.0),
        ("u^0.5^2", 3f64.powf(0.25)),
        ("u^(-2)", 1.0 / 9.0),
        ("6/u", 2.0),
        ("abs(-u) + sqrt(v*2) + log(exp(u)) + cos(0)", 9.0),
        ("tanh(0) + sigmoid(0) + sin(pi/2)", 1.5),
        ("x1 + 10*x2", 23.0),
        ("2*(3*(u + 1) - 4)", 16.0),
    ] {
        assert!((value(text, &[3.0, 2.0]) - expected).abs() < 1e-14, "{text} is {}", value(text, &[3.0, 2.0]));
    }
}

#[test]
fn equal_parts_are_computed_once_and_numbers_never() {
    let bent = Formulas::parse(&["-(u - v^2/4)", "((u - v^2/4)*v - v/2)/2"], &["u", "v"]).unwrap();
    // u, v, v², v²/4, the bend, its negative, bend·v, v/2, their difference, its half.
    assert_eq!(bent.nodes().len(), 10);
    assert_eq!(Formulas::parse(&["2*pi*(1 + sqrt(4))"], &["u"]).unwrap().nodes(), [Node::Number(6.0 * std::f64::consts::PI)]);
    let merged = Formulas::parse(&["-(2*(3 - u))"], &["u"]).unwrap();
    assert_eq!(merged.nodes()[1..], [Node::Affine { of: 0, scale: 2.0, offset: -6.0 }]);
}

#[test]
fn a_column_goes_by_its_name_or_its_place() {
    let at = |columns: &[&str], text: &str| Formulas::parse(&[text], columns).map(|f| f.evaluate(&[5.0, 7.0])[0]);
    assert_eq!(at(&["age in days", "height"], "x1 - height").unwrap(), -2.0);
    // Arrays name their columns x0, x1: there, x1 is the second.
    assert_eq!(at(&["x0", "x1"], "x1").unwrap(), 7.0);
    let message = at(&["x0", "x1"], "x2").unwrap_err().to_string();
    assert!(message.contains("the columns are x0, x1,"), "{message}");
    assert_eq!(at(&["pi", "exp"], "pi + exp").unwrap(), 12.0);
    assert_eq!(at(&["größe", "b_2"], "größe*b_2").unwrap(), 35.0);
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, at, parts) in [
        ("", 1, &["ends", "a number, a column"][..]),
        ("-u + ", 6, &["ends", "a number, a column"]),
        ("u * * v", 5, &["`*`", "a number, a column"]),
        ("2 u", 3, &["`u`", "an operator"]),
        ("(u + v", 7, &["`(` of character 1 is not closed"]),
        ("exp(u v)", 7, &["`v`", "`)`"]),
        ("u + v)", 6, &["closes nothing"]),
        ("u^v", 3, &["the exponent is not a number", "exp(b*log(a))"]),
        ("u^ 65", 4, &["between -64 and 64"]),
        ("3 + sqr(u)", 5, &["`sqr` is unknown", "did you mean `sqrt`?", "the columns are u, v, x1, x2"]),
        ("exp + 1", 1, &["`exp` is a function: write exp(…)"]),
        ("u/0", 3, &["comes to inf", "single precision"]),
        ("log(-1)*u", 1, &["comes to NaN"]),
        ("u + 1e39", 5, &["comes to 1e39"]),
        ("2e*u", 2, &["`e`", "an operator"]),
        (".*u", 1, &["`.` is not a number"]),
        ("u + é$", 5, &["`é` is unknown"]),
        ("u % v", 3, &["`%`", "an operator"]),
    ] {
        let message = Formulas::parse(&["u", text], &["u", "v"]).unwrap_err().to_string();
        let place = format!("expression 2 is `{text}`: at character {at}, ");
        for part in parts.iter().copied().chain([place.as_str()]) {
            assert!(message.contains(part), "{text}: `{part}` is not in: {message}");
        }
    }
}

#[test]
fn long_and_deep_texts_are_refused_and_not_fatal() {
    let deep = |open: &str, close: &str| open.repeat(100_000) + "u" + &close.repeat(100_000);
    for text in [deep("(", ")"), deep("exp(", ")"), "u^".repeat(100_000) + "2", deep("(-", "")] {
        let message = Formulas::parse(&[text], &["u"]).unwrap_err().to_string();
        assert!(message.contains("nests more than 64 deep") && message.contains('…'), "{message}");
    }
    assert_eq!(value(&deep("-", ""), &[2.0]), 2.0);
    let many = (0..3000).map(|i| format!("exp({i}*u)")).collect::<Vec<_>>().join("+");
    let message = Formulas::parse(&[many], &["u"]).unwrap_err().to_string();
    assert!(message.contains("more than 2000 operations"), "{message}");
    let message = Formulas::parse(&[vec!["u"; 100_000].join("+")], &["u"]).unwrap_err().to_string();
    assert!(message.contains("more than 2000 operations"), "{message}");
    assert_eq!(value(&vec!["1"; 100_000].join("+"), &[0.0]), 100_000.0);
}

/// A formula by construction: what the parser should make of its text.
#[derive(Clone, Debug)]
enum Tree {
    Column(usize),
    Number(f64),
    Sign(Box<Self>),
    Binary(char, Box<Self>, Box<Self>),
    Power(Box<Self>, i32),
    Apply(Function, Box<Self>),
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Self::Column(j) => ["u", "v"][*j].into(),
            Self::Number(value) => format!("{value:e}"),
            Self::Sign(a) => format!("(-{})", a.text()),
            Self::Binary(sign, a, b) => format!("({} {sign} {})", a.text(), b.text()),
            Self::Power(a, p) => format!("({})^{p}", a.text()),
            Self::Apply(function, a) => format!("{}({})", function.name(), a.text()),
        }
    }

    fn value(&self, row: &[f64]) -> f64 {
        match self {
            Self::Column(j) => row[*j],
            Self::Number(value) => *value,
            Self::Sign(a) => -a.value(row),
            Self::Binary('+', a, b) => a.value(row) + b.value(row),
            Self::Binary('-', a, b) => a.value(row) - b.value(row),
            Self::Binary('*', a, b) => a.value(row) * b.value(row),
            Self::Binary(_, a, b) => a.value(row) / b.value(row),
            Self::Power(a, p) => a.value(row).powi(*p),
            Self::Apply(function, a) => function.of(a.value(row)),
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![(0..2usize).prop_map(Tree::Column), (0.1..3.0f64).prop_map(Tree::Number)];
    leaf.prop_recursive(5, 24, 2, |inner| {
        let sign = prop_oneof![Just('+'), Just('-'), Just('*'), Just('/')];
        let function = (0..Function::ALL.len()).prop_map(|i| Function::ALL[i]);
        prop_oneof![
            inner.clone().prop_map(|a| Tree::Sign(a.into())),
            (sign, inner.clone(), inner.clone()).prop_map(|(sign, a, b)| Tree::Binary(sign, a.into(), b.into())),
            (inner.clone(), -3..4).prop_map(|(a, p)| Tree::Power(a.into(), p)),
            (function, inner).prop_map(|(function, a)| Tree::Apply(function, a.into())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_is_a_formula_or_an_error(text in "\\PC{0,40}") {
        survives(&text)?;
    }

    #[test]
    fn any_words_are_a_formula_or_an_error(words in proptest::collection::vec(
        prop_oneof!["[-+*/^() ,]", "u|v|x1|w", "exp|log|sqrt|sin|abs|pi|e", "[0-9.]{1,4}", "1e-?[0-9]{0,3}"], 0..30,
    )) {
        survives(&words.concat())?;
    }

    #[test]
    fn a_formula_means_what_it_was_written_from(tree in tree(), row in [0.1..2.0f64, -2.0..2.0f64]) {
        match Formulas::parse(&[tree.text()], &["u", "v"]) {
            Ok(formulas) => {
                let (found, expected) = (formulas.evaluate(&row)[0], tree.value(&row));
                // The parser computes in another order, which shows where a value is huge or next to a pole.
                let near = (found - expected).abs() <= 1e-6 * expected.abs().max(1.0);
                prop_assert!(near || !steady(&tree, &row), "{} is {found}, not {expected}", tree.text());
            }
            // Numbers that come to none of single precision.
            Err(e) => prop_assert!(e.to_string().contains("single precision"), "{}: {e}", tree.text()),
        }
    }
}

/// Whether a value is of moderate size and stays where it is as the row moves by 1e-12.
fn steady(tree: &Tree, row: &[f64]) -> bool {
    let moved: Vec<f64> = row.iter().map(|x| x * (1.0 + 1e-12)).collect();
    tree.value(row).abs() < 1e6 && (tree.value(&moved) - tree.value(row)).abs() < 1e-8
}

fn survives(text: &str) -> Result<(), TestCaseError> {
    match Formulas::parse(&[text], &["u", "v"]) {
        Ok(formulas) => prop_assert_eq!(formulas.evaluate(&[0.5, -1.5]).len(), 1),
        Err(e) => prop_assert!(e.to_string().contains("at character"), "{}", e),
    }
    Ok(())
}
