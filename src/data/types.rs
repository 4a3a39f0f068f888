//! What a column of a file is: found by its cells, or asked for.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::dates::{DateForm, Forms};
use super::nearest;
use super::number_form::{Digits, MOST_DECIMALS, NumberForm, decimals, dressed, plain};
use crate::{Error, Result};
use ::csv::ByteRecord;

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
    /// How many training rows a category's level has at least: those of fewer are one state for the models, and a sample in it gets one of them as often as they
    /// come. Levels that no training row has are always pooled so; levels of a condition never.
    pub min_count: usize,
}

/// Words for a missing value, in any case.
const MISSING: [&str; 11] = ["na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nat", "nil", "?", "-"];

impl TypeOptions {
    /// Whether a cell stands for a missing value.
    pub(super) fn is_missing(&self, cell: &str) -> bool {
        match &self.missing {
            _ if cell.is_empty() => true,
            Some(words) => words.iter().any(|word| word == cell),
            None => is_usual_missing(cell),
        }
    }
}

/// Whether a cell stands for a missing value where no other words are named.
pub(super) fn is_usual_missing(cell: &str) -> bool {
    // No word is longer; most cells are not looked at twice.
    let may_be = |first: &u8| matches!(first, b'n' | b'N' | b'#' | b'<' | b'?' | b'-');
    cell.as_bytes()
        .first()
        .is_none_or(|first| may_be(first) && cell.len() <= 4 && MISSING.iter().any(|word| word.eq_ignore_ascii_case(cell)))
}

/// Where a row stands: its number, from 1, the header left out, and where it begins in the text of a file that has lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub row: usize,
    pub byte: Option<u64>,
}

impl At {
    /// The place of a record of a CSV file.
    pub fn of(row: usize, record: &ByteRecord) -> Self {
        Self { row, byte: record.position().map(::csv::Position::byte) }
    }
}

impl From<usize> for At {
    fn from(row: usize) -> Self {
        Self { row, byte: None }
    }
}

/// A cell and its place.
type Cell = (At, String);

/// What has been seen of a column.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Cells that are there.
    pub present: usize,
    /// How many of them are plain numbers, and the first that is none.
    plain: usize,
    text: Option<Cell>,
    /// Whether all that are none are the same.
    one_text: bool,
    numbers: bool,
    integers: bool,
    decimals: Option<usize>,
    least_decimals: usize,
    /// The last whole number, while they count up by one.
    counts: Option<i64>,
    /// Whether all cells are digits alone, with or without a sign, and whether one of them has more than any number of the machine holds.
    digits: bool,
    beyond: bool,
    /// The form of numbers with signs, once a cell is no plain number, and whether it fits all cells.
    dressed: Option<NumberForm>,
    all_dressed: bool,
    /// The forms of dates that fit all cells but those that are no dates: how many these are, and the first.
    dates: Forms,
    undated: usize,
    no_date: Option<Cell>,
    /// The first distinct texts, to find two words for true and false.
    words: Vec<Cell>,
}

/// Share of a column's cells up to which those that are no numbers are mistakes.
const SLIPS: f64 = 0.05;
/// Cells that are no dates from which on a column with more of them than mistakes is none of dates.
const NO_DATES: usize = 3;
/// Texts that are kept of a column to find words for true and false.
const WORDS: usize = 3;

impl Default for Seen {
    fn default() -> Self {
        Self {
            present: 0,
            plain: 0,
            text: None,
            one_text: true,
            numbers: true,
            integers: true,
            decimals: Some(0),
            least_decimals: usize::MAX,
            counts: None,
            digits: true,
            beyond: false,
            dressed: None,
            all_dressed: true,
            dates: Forms::default(),
            undated: 0,
            no_date: None,
            words: Vec::new(),
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
    /// Takes in a cell that is not missing.
    pub fn see(&mut self, cell: &str, at: impl Into<At>) {
        let (first, at) = (self.present == 0, at.into());
        self.present += 1;
        let digits = Digits::of(cell);
        let number = digits.as_ref().map_or_else(|| plain(cell), |digits| Some(digits.value()));
        match number {
            Some(_) => self.plain += 1,
            None => match &self.text {
                Some((_, text)) => self.one_text &= text == cell,
                None => self.text = Some((at, cell.to_string())),
            },
        }
        if self.words.len() < WORDS && self.words.iter().all(|(_, word)| word != cell) {
            self.words.push((at, cell.to_string()));
        }
        if self.numbers && number.is_some() {
            let whole = match &digits {
                _ if !self.integers => None,
                Some(digits) => digits.integer(),
                None => cell.parse().ok(),
            };
            if whole.is_none() && self.digits {
                self.digits = is_digits(cell);
                self.beyond |=
                    self.digits && cell.parse::<i64>().is_err() && number.is_some_and(|number| number.to_string() != cell);
            }
            self.integers = whole.is_some();
            self.counts = whole.filter(|whole| first || self.counts.and_then(|last| last.checked_add(1)) == Some(*whole));
            let here = match &digits {
                Some(digits) => Some([digits.decimals, digits.decimals_in_use()]),
                None => decimals(cell),
            };
            self.decimals = self.decimals.zip(here).map(|(most, [_, here])| most.max(here));
            self.least_decimals = self.least_decimals.min(here.map_or(0, |[all, _]| all));
            return;
        }
        if self.numbers && !first {
            self.dates = Forms::none();
        }
        self.note_form(cell, self.numbers && !first);
        self.numbers = false;
        if self.dates.is_empty() || self.dates.see(cell) {
            return;
        }
        self.undated += 1;
        if self.no_date.is_none() {
            self.no_date = Some((at, cell.to_string()));
        }
        if self.undated >= NO_DATES && self.undated as f64 > SLIPS * self.present as f64 {
            self.dates.settle();
        }
    }

    /// Keeps the one form of numbers that fits all cells.
    fn note_form(&mut self, cell: &str, plain_before: bool) {
        if !self.all_dressed {
            return;
        }
        let joined = match (&self.dressed, dressed(cell)) {
            (None, Some(found)) if plain_before => {
                let points = self.decimals.is_none_or(|most| most > 0);
                let fits = found.before.is_empty() && found.behind.is_empty() && !(found.decimal_comma && points);
                let before = NumberForm {
                    decimals: self.decimals.and_then(|most| u8::try_from(most).ok()),
                    least_decimals: u8::try_from(self.least_decimals).unwrap_or(0),
                    ..found.clone()
                };
                fits.then(|| before.joined(found, cell)).flatten()
            }
            (None, found) => found,
            (Some(form), Some(found)) => form.clone().joined(found, cell),
            (Some(_), None) => None,
        };
        match joined {
            Some(form) => self.dressed = Some(form),
            None => self.all_dressed = false,
        }
    }

    /// How the column is read, where it is not asked for otherwise; `commas` says whether decimal commas are likely in this file. A column that is not what is asked for
    /// is read as what most of its cells could be, so that the cell at fault is found.
    pub fn reading(&self, asked: Option<ColumnType>, commas: bool) -> Reading {
        let number = || {
            let decimals = self.decimals.filter(|&most| most <= MOST_DECIMALS).map(|most| most as u8);
            let least_decimals = if decimals.is_some() { self.least_decimals.min(MOST_DECIMALS) as u8 } else { 0 };
            NumberForm { decimals, least_decimals, ..NumberForm::default() }
        };
        match asked {
            Some(ColumnType::Category | ColumnType::Boolean) => Reading::Text,
            Some(ColumnType::Number) if self.numbers => Reading::Number(number()),
            Some(ColumnType::Number) => Reading::Number(self.dressed.clone().unwrap_or_default()),
            Some(ColumnType::Integer) => Reading::Integer,
            Some(ColumnType::Date) => Reading::Date(self.dates.first().unwrap_or_default()),
            _ if self.present == 0 => Reading::Text,
            _ if self.numbers && self.integers => Reading::Integer,
            // Digits that no number of the machine holds are names of things.
            _ if self.is_beyond_numbers() => Reading::Text,
            _ if self.numbers => Reading::Number(number()),
            _ => match (self.date(), self.remedy()) {
                (Some(form), _) => Reading::Date(form),
                (_, Some(form)) if commas && form.decimal_comma && form.before.is_empty() && form.behind.is_empty() => {
                    Reading::Number(form.clone())
                }
                _ => Reading::Text,
            },
        }
    }

    /// The form of a column of dates.
    fn date(&self) -> Option<DateForm> {
        self.dates.first().filter(|_| self.undated == 0)
    }

    /// The first cell that is no number in a column of numbers, or no date in one of dates, and what it is not: one cell, or a share of them that is no category's. An
    /// infinity is such a cell whatever the others are.
    pub fn slip(&self) -> Option<(At, &str, &'static str)> {
        let (at, text) = self.text.as_ref()?;
        let few = |slips: usize| slips == 1 && self.present > 2 || (slips as f64) <= SLIPS * self.present as f64;
        let infinite = text.parse::<f64>().is_ok_and(f64::is_infinite);
        if infinite || few(self.present - self.plain) && self.date().is_none() {
            return Some((*at, text.as_str(), "number"));
        }
        let (at, text) = self.no_date.as_ref()?;
        (!self.dates.is_settled() && few(self.undated)).then_some((*at, text.as_str(), "date"))
    }

    /// The one text that stands beside numbers in a column that has more of these, and how often it comes.
    pub fn one_text(&self) -> Option<(usize, &str)> {
        let texts = self.present - self.plain;
        self.text.as_ref().filter(|_| self.one_text && self.plain > texts).map(|(_, text)| (texts, text.as_str()))
    }

    /// Where the column is not of the type that was asked for, though any of its cells could be: the cell that shows it, and what is wrong with it.
    pub fn misfit(&self, asked: ColumnType) -> Option<(At, &str, String)> {
        let word = |k: usize| self.words.get(k).map(|(at, word)| (*at, word.as_str()));
        let first = word(0)?.1;
        match asked {
            ColumnType::Boolean => word(2).map(|(at, third)| {
                (at, third, format!("which is a third value beside `{first}` and `{}`", word(1).map_or("", |second| second.1)))
            }),
            ColumnType::Constant => word(1).map(|(at, second)| (at, second, format!("and `{first}` above it"))),
            _ => None,
        }
    }

    /// Whether the column holds digits alone, some of which no number of the machine holds.
    pub fn is_beyond_numbers(&self) -> bool {
        self.numbers && self.digits && self.beyond
    }

    /// Whether the whole numbers of the column count up by one.
    pub fn counts_up(&self) -> bool {
        self.numbers && self.integers && self.counts.is_some()
    }

    /// Whether the texts are two words for true and false.
    pub fn is_boolean(&self) -> bool {
        let words: BTreeSet<String> = self.words.iter().map(|(_, word)| word.to_ascii_lowercase()).collect();
        !self.numbers && BOOLEANS.iter().any(|pair| words.len() == 2 && pair.iter().all(|word| words.contains(*word)))
    }

    /// The form of a column of texts that are numbers with signs.
    pub fn remedy(&self) -> Option<&NumberForm> {
        self.dressed.as_ref().filter(|_| self.all_dressed)
    }

    /// Whether day and month of the dates could be the other way round.
    pub fn is_ambiguous(&self) -> bool {
        !self.numbers && self.dates.is_ambiguous()
    }
}

/// Whether a cell is digits alone, with or without a sign.
fn is_digits(cell: &str) -> bool {
    cell.strip_prefix(['-', '+']).unwrap_or(cell).bytes().all(|byte| byte.is_ascii_digit())
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
        let slip = |cells: &[&str]| seen(cells).slip().map(|(at, text, wanted)| (at.row, text.to_string(), wanted));
        assert_eq!(slip(&["1", "x", "3"]), Some((2, "x".into(), "number")));
        assert_eq!(slip(&["1", "x", "y"]), None);
        assert_eq!(slip(&["a", "inf", "b"]), None);
        assert_eq!(slip(&["inf", "b"]), Some((1, "inf".into(), "number")));
        let many = [vec!["1"; 60], vec!["x"; 3]].concat();
        assert_eq!(slip(&many), Some((61, "x".into(), "number")));
        assert_eq!((slip(&[&many[..], &["y"; 3]].concat()), slip(&["1", "2"])), (None, None));
    }

    #[test]
    fn a_text_among_dates_is_a_slip_and_one_of_many_words_is_none() {
        let dates = ["2012-01-01", "2012-01-02", "unknown", "2012-01-03"];
        let slip = |cells: &[&str]| seen(cells).slip().map(|(at, text, wanted)| (at.row, text.to_string(), wanted));
        assert_eq!(slip(&dates), Some((3, "unknown".into(), "date")));
        // Whichever row it stands in.
        assert_eq!(slip(&["unknown", "2012-01-01", "2012-01-02"]), Some((1, "unknown".into(), "date")));
        // A form that is not that of the others is no date, either.
        assert_eq!(slip(&["2012-01-01", "2012-01-02", "02.01.2012"]), Some((3, "02.01.2012".into(), "date")));
        assert_eq!((slip(&["12:30", "a", "b", "c"]), slip(&["2012-01-01", "b"])), (None, None));
        assert_eq!(read(&dates), Reading::Text);
        assert_eq!(seen(&["2012-01-01", "2012-01-02"]).slip(), None);
    }

    #[test]
    fn one_text_among_more_numbers_may_stand_for_missing_cells() {
        let one = |cells: &[&str]| seen(cells).one_text().map(|(count, text)| (count, text.to_string()));
        assert_eq!(one(&["1", ".", "3", ".", "4"]), Some((2, ".".into())));
        assert_eq!((one(&["1", ".", "x", "4", "5"]), one(&["1", "."]), one(&["1", "2"])), (None, None, None));
    }

    #[test]
    fn cells_that_are_not_what_is_asked_for_are_found() {
        let misfit = |cells: &[&str], asked| seen(cells).misfit(asked).map(|(at, text, why)| (at.row, text.to_string(), why));
        let third = "which is a third value beside `a` and `b`".to_string();
        assert_eq!(misfit(&["a", "b", "a", "c"], ColumnType::Boolean), Some((4, "c".into(), third)));
        assert_eq!(misfit(&["5", "5", "6"], ColumnType::Constant), Some((3, "6".into(), "and `5` above it".into())));
        assert_eq!((misfit(&["a", "b"], ColumnType::Boolean), misfit(&["a", "a"], ColumnType::Constant)), (None, None));
    }

    #[test]
    fn digits_that_no_number_holds_are_texts() {
        assert_eq!(read(&["12345678901234567890", "7"]), Reading::Text);
        assert_eq!(read(&["1e20", "7"]), Reading::Number(NumberForm::default()));
        let beyond = |cells: &[&str]| seen(cells).is_beyond_numbers();
        assert!(beyond(&["7", "12345678901234567890"]) && beyond(&["10000000000000000000000", "12345678901234567890"]));
        // Doubles as they are written without an exponent are none.
        assert!(!beyond(&["7", "8.5"]) && !beyond(&["10000000000000000000000", "-61803398874989480000"]));
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
        let comma = |decimals| NumberForm { decimal_comma: true, decimals: Some(decimals), ..NumberForm::default() };
        assert_eq!(read(&["1,5", "2", "-3,25"]), Reading::Number(comma(2)));
        assert_eq!(read(&["1", "2,50"]), Reading::Number(comma(1)));
        let thousands = NumberForm { thousands: Some('.'), least_decimals: 1, ..comma(1) };
        assert_eq!(read(&["1.234,5", "2,5"]), Reading::Number(thousands));
        assert_eq!(read(&["1.5", "2,5"]), Reading::Text);
        assert_eq!(read(&[]), Reading::Text);
    }

    #[test]
    fn numbers_with_signs_have_a_remedy() {
        let remedy = |cells: &[&str]| seen(cells).remedy().cloned();
        let form = |thousands, before: &str, behind: &str, decimals| {
            let decimals = Some(decimals);
            Some(NumberForm { thousands, before: before.into(), behind: behind.into(), decimals, ..NumberForm::default() })
        };
        assert_eq!(remedy(&["$1,200", "$15"]), form(Some(','), "$", "", 0));
        assert_eq!(remedy(&["12%", "3.5%"]), form(None, "", "%", 1));
        assert_eq!(remedy(&["1,234", "12,345,678"]), form(Some(','), "", "", 0));
        assert_eq!(remedy(&["999", "1,234", "12"]), form(Some(','), "", "", 0));
        assert_eq!(remedy(&["12%", "5"]), None);
        assert_eq!(remedy(&["5", "12%"]), None);
        assert_eq!(remedy(&["a", "12%"]), None);
        let asked = seen(&["$1,200.55", "$15.00"]).reading(Some(ColumnType::Number), false);
        let Reading::Number(form) = asked else { panic!("{asked:?}") };
        assert_eq!((form.read("$1,200.50"), form.write(1234567.25)), (Some(1200.5), "$1,234,567.25".into()));
        assert_eq!(form.write(-12.0), "-$12.00");
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
