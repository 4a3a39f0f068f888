//! What a column of a file is: found by its cells, or asked for.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::dates::{DateForm, Forms};
use super::nearest;
use super::number_form::{MOST_DECIMALS, NumberForm, decimals, dressed, plain};
use crate::{Error, Result};

/// The type of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Numbers, some of them not whole.
    #[default]
    Number,
    /// Whole numbers.
    Integer,
    /// Two words for true and false.
    Boolean,
    /// Texts that come again.
    Category,
    /// Dates, times, or both.
    Date,
    /// One value in every row: nothing to learn.
    Constant,
    /// Texts of which each stands in one row, or whole numbers that count up by one: nothing to learn.
    Identifier,
}

impl ColumnType {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 7] =
        [Self::Number, Self::Integer, Self::Boolean, Self::Category, Self::Date, Self::Constant, Self::Identifier];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Category => "category",
            Self::Date => "date",
            Self::Constant => "constant",
            Self::Identifier => "identifier",
        }
    }

    /// Whether there is something to learn.
    pub fn is_learned(self) -> bool {
        !matches!(self, Self::Constant | Self::Identifier)
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ColumnType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = match text.to_ascii_lowercase().as_str() {
            "categorical" => "category".into(),
            "numeric" | "float" => "number".into(),
            "bool" => "boolean".into(),
            "int" => "integer".into(),
            "datetime" => "date".into(),
            "id" => "identifier".into(),
            text => text.to_string(),
        };
        Self::ALL.into_iter().find(|ty| ty.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            let hint = nearest(&text, names).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            Error::usage(format!("there is no column type `{text}`{hint}; the types are {}", names.join(", ")))
        })
    }
}

/// How typed columns are read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TypeOptions {
    /// Types of columns, by name, in place of those that their cells show. A column of numbers with currency or percent signs or thousands
    /// separators is one if it is asked for.
    pub types: HashMap<String, ColumnType>,
    /// The cells that stand for a missing value, beside empty ones, in place of the usual words (`NA`, `NaN`, `null`, `-`, …). An empty list leaves the empty
    /// cell alone.
    pub missing: Option<Vec<String>>,
}

/// Words for a missing value, in any case.
const MISSING: [&str; 11] = ["na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nat", "nil", "?", "-"];

impl TypeOptions {
    /// Whether a cell stands for a missing value.
    pub(super) fn is_missing(&self, cell: &str) -> bool {
        match &self.missing {
            _ if cell.is_empty() => true,
            Some(words) => words.iter().any(|word| word == cell),
            // No word is longer; most cells are not looked at twice.
            None => cell.len() <= 4 && MISSING.iter().any(|word| word.eq_ignore_ascii_case(cell)),
        }
    }
}

/// What has been seen of a column.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Cells that are there.
    pub present: usize,
    /// How many of them are plain numbers, and the row and text of the first that is none.
    plain: usize,
    text: Option<(usize, String)>,
    numbers: bool,
    integers: bool,
    decimals: Option<usize>,
    least_decimals: usize,
    /// The last whole number, while they count up by one.
    counts: Option<i64>,
    /// The form of numbers with signs that fits all cells, once one is no plain number; none where no form does.
    dressed: Option<Option<NumberForm>>,
    dates: Forms,
    /// The first distinct texts, to find two words for true and false.
    words: BTreeSet<String>,
}

/// Share of a column's cells up to which those that are no numbers are mistakes.
const SLIPS: f64 = 0.05;
/// Texts that are kept of a column to find words for true and false.
const WORDS: usize = 3;

impl Default for Seen {
    fn default() -> Self {
        Self {
            present: 0,
            plain: 0,
            text: None,
            numbers: true,
            integers: true,
            decimals: Some(0),
            least_decimals: usize::MAX,
            counts: None,
            dressed: None,
            dates: Forms::default(),
            words: BTreeSet::new(),
        }
    }
}

/// Pairs of words for false and true.
const BOOLEANS: [[&str; 2]; 3] = [["false", "true"], ["no", "yes"], ["f", "t"]];

/// How the cells of a column are read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reading {
    Number(NumberForm),
    Integer,
    Date(DateForm),
    Text,
}

impl Seen {
    /// Takes in a cell that is not missing, of this row, from 1.
    pub fn see(&mut self, cell: &str, row: usize) {
        let first = self.present == 0;
        self.present += 1;
        match plain(cell) {
            Some(_) => self.plain += 1,
            None if self.text.is_none() => self.text = Some((row, cell.to_string())),
            None => {}
        }
        if self.words.len() < WORDS && !self.words.contains(cell) {
            self.words.insert(cell.to_string());
        }
        if self.numbers {
            if plain(cell).is_some() {
                let whole = self.integers.then(|| cell.parse::<i64>().ok()).flatten();
                self.integers = whole.is_some();
                self.counts = whole.filter(|whole| first || self.counts.and_then(|last| last.checked_add(1)) == Some(*whole));
                let here = decimals(cell);
                self.decimals = self.decimals.zip(here).map(|(most, [_, here])| most.max(here));
                self.least_decimals = self.least_decimals.min(here.map_or(0, |[all, _]| all));
                return;
            }
            self.numbers = false;
            if !first {
                self.dates = Forms::none();
            }
            self.note_form(cell, !first);
        } else {
            self.note_form(cell, false);
        }
        if !self.dates.is_empty() {
            self.dates.see(cell);
        }
    }

    /// Keeps the one form of numbers that fits all cells.
    fn note_form(&mut self, cell: &str, plain_before: bool) {
        let found = dressed(cell);
        self.dressed = Some(match (self.dressed.take(), found) {
            (None, Some(found)) if plain_before => {
                let points = self.decimals.is_none_or(|most| most > 0);
                let fits = found.before.is_empty() && found.behind.is_empty() && !(found.decimal_comma && points);
                fits.then_some(found)
            }
            (None, found) => found,
            (Some(Some(form)), Some(found)) => form.joined(found, cell),
            _ => None,
        });
    }

    /// How the column is read, where it is not asked for otherwise; `commas` says whether decimal commas are likely in this file.
    pub fn reading(&self, asked: Option<ColumnType>, commas: bool) -> Reading {
        let number = || {
            let decimals = self.decimals.filter(|&most| most <= MOST_DECIMALS).map(|most| most as u8);
            let least_decimals = if decimals.is_some() { self.least_decimals.min(MOST_DECIMALS) as u8 } else { 0 };
            NumberForm { decimals, least_decimals, ..NumberForm::default() }
        };
        let dressed = || self.dressed.clone().flatten();
        match asked {
            Some(ColumnType::Category | ColumnType::Boolean) => Reading::Text,
            Some(ColumnType::Number) if self.numbers => Reading::Number(number()),
            Some(ColumnType::Number) => Reading::Number(dressed().unwrap_or_default()),
            Some(ColumnType::Integer) => Reading::Integer,
            Some(ColumnType::Date) => self.dates.found().map_or(Reading::Text, Reading::Date),
            _ if self.present == 0 => Reading::Text,
            _ if self.numbers && self.integers => Reading::Integer,
            _ if self.numbers => Reading::Number(number()),
            _ => match self.dates.found() {
                Some(form) => Reading::Date(form),
                None => match dressed()
                    .filter(|form| commas && form.decimal_comma && form.before.is_empty() && form.behind.is_empty())
                {
                    Some(form) => Reading::Number(form),
                    None => Reading::Text,
                },
            },
        }
    }

    /// The row and the text of the first cell that is no number in a column of numbers: one cell, or a share of them that is no category's. An infinity is such a
    /// cell whatever the others are.
    pub fn slip(&self) -> Option<(usize, &str)> {
        let (row, text) = self.text.as_ref()?;
        let texts = self.present - self.plain;
        let infinite = text.parse::<f64>().is_ok_and(f64::is_infinite);
        let few = texts == 1 && self.plain > 1 || (texts as f64) <= SLIPS * self.present as f64;
        (infinite || few && self.dates.found().is_none()).then_some((*row, text.as_str()))
    }

    /// Whether the whole numbers of the column count up by one.
    pub fn counts_up(&self) -> bool {
        self.numbers && self.integers && self.counts.is_some()
    }

    /// Whether the texts are two words for true and false.
    pub fn is_boolean(&self) -> bool {
        let words: BTreeSet<String> = self.words.iter().map(|word| word.to_ascii_lowercase()).collect();
        !self.numbers && BOOLEANS.iter().any(|pair| words.len() == 2 && pair.iter().all(|word| words.contains(*word)))
    }

    /// The remedy for a column of texts that are numbers with signs.
    pub fn remedy(&self) -> Option<&NumberForm> {
        self.dressed.as_ref().and_then(Option::as_ref)
    }

    /// Whether day and month of the dates could be the other way round.
    pub fn is_ambiguous(&self) -> bool {
        !self.numbers && self.dates.is_ambiguous()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(cells: &[&str]) -> Seen {
        let mut seen = Seen::default();
        cells.iter().zip(1..).for_each(|(cell, row)| seen.see(cell, row));
        seen
    }

    #[test]
    fn a_text_among_numbers_is_a_slip() {
        assert_eq!(seen(&["1", "x", "3"]).slip(), Some((2, "x")));
        assert_eq!(seen(&["1", "x", "y"]).slip(), None);
        assert_eq!(seen(&["a", "inf", "b"]).slip(), None);
        assert_eq!(seen(&["inf", "b"]).slip(), Some((1, "inf")));
        let many = [vec!["1"; 60], vec!["x"; 3]].concat();
        assert_eq!((seen(&many).slip(), seen(&[&many[..], &["y"; 3]].concat()).slip()), (Some((61, "x")), None));
        assert_eq!(seen(&["1", "2"]).slip(), None);
    }

    fn read(cells: &[&str]) -> Reading {
        seen(cells).reading(None, true)
    }

    #[test]
    fn columns_are_read_as_what_all_their_cells_are() {
        assert_eq!(read(&["1", "-2", "+3"]), Reading::Integer);
        let number = |decimals| Reading::Number(NumberForm { decimals, ..NumberForm::default() });
        assert_eq!(read(&["1", "2.5", "-0.25"]), number(Some(2)));
        // As pandas writes whole numbers in a column with missing cells.
        let whole = NumberForm { decimals: Some(0), least_decimals: 1, ..NumberForm::default() };
        assert_eq!(read(&["181.0", "195.0"]), Reading::Number(whole.clone()));
        assert_eq!([181.0, 1e3].map(|v| whole.write(v)), ["181.0", "1000.0"]);
        assert_eq!(read(&["1.1234567", "2"]), number(None));
        assert_eq!(read(&["1e-3", "2"]), number(None));
        // A leading zero makes a code, a word no number.
        assert_eq!(read(&["00501", "10001"]), Reading::Text);
        assert_eq!(read(&["inf", "1"]), Reading::Text);
        assert_eq!(read(&["1", "x"]), Reading::Text);
        assert!(matches!(read(&["2012-01-01", "2012-02-01"]), Reading::Date(_)));
        let comma = NumberForm { decimal_comma: true, ..NumberForm::default() };
        assert_eq!(read(&["1,5", "2", "-3,25"]), Reading::Number(comma.clone()));
        assert_eq!(read(&["1", "2,5"]), Reading::Number(comma.clone()));
        assert_eq!(read(&["1.234,5", "2,5"]), Reading::Number(NumberForm { thousands: Some('.'), ..comma }));
        assert_eq!(read(&["1.5", "2,5"]), Reading::Text);
        assert_eq!(read(&[]), Reading::Text);
    }

    #[test]
    fn numbers_with_signs_have_a_remedy() {
        let remedy = |cells: &[&str]| seen(cells).remedy().cloned();
        let form = |thousands, before: &str, behind: &str| {
            Some(NumberForm { thousands, before: before.into(), behind: behind.into(), ..NumberForm::default() })
        };
        assert_eq!(remedy(&["$1,200", "$15"]), form(Some(','), "$", ""));
        assert_eq!(remedy(&["12%", "3.5%"]), form(None, "", "%"));
        assert_eq!(remedy(&["1,234", "12,345,678"]), form(Some(','), "", ""));
        assert_eq!(remedy(&["12%", "5"]), None);
        assert_eq!(remedy(&["5", "12%"]), None);
        assert_eq!(remedy(&["a", "12%"]), None);
        let asked = seen(&["$1,200.50", "$15"]).reading(Some(ColumnType::Number), false);
        let Reading::Number(form) = asked else { panic!("{asked:?}") };
        assert_eq!((form.read("$1,200.50"), form.write(1234567.25)), (Some(1200.5), "$1,234,567.25".into()));
        assert_eq!(form.write(-12.0), "$-12");
    }

    #[test]
    fn words_for_true_and_false_and_numbers_that_count_up_are_known() {
        assert!(seen(&["True", "False", "True"]).is_boolean() && seen(&["no", "yes"]).is_boolean());
        assert!(!seen(&["True"]).is_boolean() && !seen(&["yes", "no", "maybe"]).is_boolean() && !seen(&["0", "1"]).is_boolean());
        assert!(seen(&["7", "8", "9"]).counts_up());
        assert!(!seen(&["7", "9"]).counts_up() && !seen(&["1", "2", "2"]).counts_up());
    }

    #[test]
    fn types_go_by_several_names() {
        assert_eq!("categorical".parse::<ColumnType>().unwrap(), ColumnType::Category);
        assert!("catgory".parse::<ColumnType>().unwrap_err().to_string().contains("did you mean `category`?"));
    }

    #[test]
    fn missing_words_can_be_named() {
        let usual = TypeOptions::default();
        assert!(["", "NA", "nan", "NULL", "-", "None"].iter().all(|cell| usual.is_missing(cell)) && !usual.is_missing("nano"));
        let own = TypeOptions { missing: Some(vec!["999".into()]), ..TypeOptions::default() };
        assert!(own.is_missing("999") && own.is_missing("") && !own.is_missing("NA"));
    }
}
