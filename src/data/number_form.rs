//! [`NumberForm`]: how a column writes its numbers, with which signs, separators and decimals.

use serde::{Deserialize, Serialize};

/// How a column writes its numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NumberForm {
    /// Whether decimals follow a comma.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub decimal_comma: bool,
    /// What stands between thousands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// What stands before and behind the digits, such as signs of currency and percent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub before: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub behind: String,
    /// Whether negative numbers stand in parentheses, as accountants write them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub parentheses: bool,
    /// Decimals of the number that has most, zeros at the end left out, where no cell has more than six and none an exponent: samples have no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
    /// Decimals that every number has, be they zeros.
    #[serde(skip_serializing_if = "is_zero")]
    pub least_decimals: u8,
}

fn is_zero(number: &u8) -> bool {
    *number == 0
}

/// Decimals up to which they are taken for a property of the column.
pub(super) const MOST_DECIMALS: usize = 6;

impl NumberForm {
    /// The number that a cell is; none where it is none of this form.
    pub fn read(&self, cell: &str) -> Option<f64> {
        if self.is_plain() {
            return plain(cell);
        }
        let cell = cell.trim();
        let enclosed = cell.strip_prefix('(').and_then(|cell| cell.strip_suffix(')')).filter(|_| self.parentheses);
        // A minus stands before the sign of a currency, or behind it.
        let negated = enclosed.or_else(|| cell.strip_prefix(MINUS));
        let digits = negated.unwrap_or(cell).strip_prefix(self.before.as_str())?.strip_suffix(self.behind.as_str())?.trim();
        let mut digits = match digits.strip_prefix(MINUS) {
            Some(_) if negated.is_some() => return None,
            Some(rest) => format!("-{rest}"),
            None if negated.is_some() => format!("-{digits}"),
            None => digits.to_string(),
        };
        if let Some(mark) = self.thousands {
            digits.retain(|c| c != mark);
        }
        if self.decimal_comma {
            if digits.contains('.') {
                return None;
            }
            digits = digits.replacen(',', ".", 1);
        }
        plain(&digits)
    }

    /// The form that this and another one's cell have in common, if there is one.
    pub(super) fn joined(mut self, other: Self, cell: &str) -> Option<Self> {
        if (&self.before, &self.behind) != (&other.before, &other.behind) {
            return None;
        }
        self.decimal_comma |= other.decimal_comma;
        self.parentheses |= other.parentheses;
        self.decimals = self.decimals.zip(other.decimals).map(|(own, more)| own.max(more));
        self.least_decimals = self.least_decimals.min(other.least_decimals);
        self.thousands = self.thousands.or(other.thousands).filter(|mark| !(self.decimal_comma && *mark == ','));
        if self.decimal_comma && self.thousands.is_none() && cell.contains('.') {
            self.thousands = Some('.');
        }
        self.read(cell).is_some().then_some(self)
    }

    /// The same with as many decimals as another form.
    pub(super) fn finer(mut self, other: &Self) -> Self {
        self.decimals = self.decimals.zip(other.decimals).map(|(own, more)| own.max(more));
        self
    }

    pub(super) fn is_plain(&self) -> bool {
        !self.decimal_comma && self.thousands.is_none() && self.before.is_empty() && self.behind.is_empty() && !self.parentheses
    }

    /// The number in this form.
    pub fn write(&self, value: f64) -> String {
        let digits = match self.decimals {
            Some(decimals) => {
                let mut text = format!("{value:.*}", usize::from(decimals.max(self.least_decimals)));
                // Not the zeros that a shorter number does not have, and no minus before a zero.
                let least = text.find('.').map_or(text.len(), |point| match self.least_decimals {
                    0 => point,
                    least => point + 1 + usize::from(least),
                });
                while text.len() > least && text.ends_with(['0', '.']) {
                    text.pop();
                }
                match text.strip_prefix('-').filter(|text| text.bytes().all(|b| b == b'0' || b == b'.')) {
                    Some(zero) => zero.to_string(),
                    None => text,
                }
            }
            None => match value.abs() {
                0.0 | 1e-5..1e16 => format!("{value}"),
                _ => format!("{value:e}"),
            },
        };
        if self.is_plain() {
            return digits;
        }
        let (whole, decimals) = digits.split_once('.').map_or((digits.as_str(), None), |(whole, rest)| (whole, Some(rest)));
        let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
        let enclosed = self.parentheses && !sign.is_empty();
        let mut text = format!("{}{}", if enclosed { "(" } else { sign }, self.before);
        for (at, digit) in whole.chars().enumerate() {
            if let Some(mark) = self.thousands.filter(|_| at > 0 && (whole.len() - at).is_multiple_of(3)) {
                text.push(mark);
            }
            text.push(digit);
        }
        if let Some(decimals) = decimals {
            text.push(if self.decimal_comma { ',' } else { '.' });
            text += decimals;
        }
        text + &self.behind + if enclosed { ")" } else { "" }
    }
}

/// Decimals of the number among these that has most, where that is a property of the column; NaN is none.
#[cfg(feature = "parquet")]
pub(super) fn decimals_of(values: &[f64], single: bool) -> Option<u8> {
    let is = |value: f64, decimals: usize| {
        let unit = 10f64.powi(decimals as i32);
        let rounded = (value * unit).round() / unit;
        value.abs() < 1e15 && if single { rounded as f32 == value as f32 } else { rounded == value }
    };
    let mut most = 0;
    for &value in values.iter().filter(|value| !value.is_nan()) {
        while !is(value, most) {
            most += 1;
            if most > MOST_DECIMALS {
                return None;
            }
        }
    }
    Some(most as u8)
}

/// A number of a few digits, by its parts: what most numbers of files are, read without a search for what else they could be.
pub(super) struct Digits {
    negative: bool,
    /// Its digits, as those of a whole number.
    whole: u64,
    pub has_point: bool,
    /// Decimals.
    pub decimals: usize,
}

/// Powers of ten that doubles hold; whole numbers up to 10¹⁵, which they hold, too, have 15 digits.
const TENS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

impl Digits {
    /// A cell of a sign or none, at most 15 digits, and a point or none among them; none where it is anything else, be it a number.
    pub fn of(cell: &str) -> Option<Self> {
        let cell = cell.as_bytes();
        let (negative, digits) = match cell {
            [b'-', digits @ ..] => (true, digits),
            [b'+', digits @ ..] => (false, digits),
            _ => (false, cell),
        };
        if digits.len() > TENS.len() || matches!(digits, [b'0', b'0'..=b'9', ..]) {
            return None;
        }
        let (mut whole, mut count, mut point) = (0, 0, None);
        for &byte in digits {
            match byte {
                b'0'..=b'9' => {
                    whole = 10 * whole + u64::from(byte - b'0');
                    count += 1;
                }
                b'.' if point.is_none() => point = Some(count),
                _ => return None,
            }
        }
        (1..TENS.len()).contains(&count).then(|| Self {
            negative,
            whole,
            has_point: point.is_some(),
            decimals: point.map_or(0, |point| count - point),
        })
    }

    /// The nearest double: both of the quotient's parts are exact.
    pub fn value(&self) -> f64 {
        let value = self.whole as f64 / TENS[self.decimals];
        if self.negative { -value } else { value }
    }

    /// The whole number that it is, without a point.
    pub fn integer(&self) -> Option<i64> {
        let whole = self.whole as i64;
        (!self.has_point).then_some(if self.negative { -whole } else { whole })
    }

    /// Decimals that are left without the zeros at the end.
    pub fn decimals_in_use(&self) -> usize {
        let (mut whole, mut decimals) = (self.whole, self.decimals);
        while decimals > 0 && whole.is_multiple_of(10) {
            (whole, decimals) = (whole / 10, decimals - 1);
        }
        decimals
    }
}

/// A finite number; digits with a leading zero are a code, such as a postal one, and none.
pub(super) fn plain(cell: &str) -> Option<f64> {
    if let Some(digits) = Digits::of(cell) {
        return Some(digits.value());
    }
    let digits = cell.strip_prefix(['-', '+']).unwrap_or(cell);
    let code = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    // Words such as `infinity` are numbers to Rust.
    let number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    (number && !code).then(|| cell.parse().ok()).flatten().filter(|value: &f64| value.is_finite())
}

/// The whole number that a cell is, as some programs write it where cells of its column are missing, too: `2007.0`.
pub(super) fn whole(cell: &str) -> Option<i64> {
    cell.parse().ok().or_else(|| {
        let (whole, decimals) = plain(cell).and(cell.split_once('.'))?;
        decimals.bytes().all(|byte| byte == b'0').then(|| whole.parse().ok())?
    })
}

/// What may stand before or behind a number, beside blanks.
const SIGNS: [&str; 29] = [
    "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₪", "₫", "₦", "฿", "%", "‰", "USD", "EUR", "GBP", "CHF", "JPY", "CNY", "INR", "CAD",
    "AUD", "SEK", "NOK", "DKK", "PLN", "kr", "zł",
];
/// The hyphen and the sign of a negative number.
const MINUS: [char; 2] = ['-', '−'];
/// Thousands separators beside commas and points: apostrophes and blanks that do not break, or do.
const APART: [char; 6] = ['\'', '’', ' ', '\u{a0}', '\u{202f}', '_'];

/// The form of a number with signs, thousands separators or a decimal comma, by one cell.
pub(super) fn dressed(cell: &str) -> Option<NumberForm> {
    let cell = cell.trim();
    let enclosed = cell.strip_prefix('(').and_then(|cell| cell.strip_suffix(')'));
    let inner = enclosed.or_else(|| cell.strip_prefix(MINUS)).unwrap_or(cell);
    let first = inner.find(|c: char| c.is_ascii_digit() || c == '.')?;
    let end = inner.rfind(|c: char| c.is_ascii_digit() || c == '.')? + 1;
    let (before, behind) = (inner[..first].trim_end_matches(MINUS), &inner[end..]);
    let unsigned = &inner[first..end];
    if ![before, behind].iter().all(|sign| sign.trim().is_empty() || SIGNS.contains(&sign.trim())) {
        return None;
    }
    let groups = |mark: char, text: &str| {
        let mut parts = text.split(mark);
        let first = parts.next().unwrap_or_default();
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let rest: Vec<&str> = parts.collect();
        (1..=3).contains(&first.len())
            && digits(first)
            && !rest.is_empty()
            && rest.iter().all(|part| part.len() == 3 && digits(part))
    };
    let (decimal_comma, thousands) = match (unsigned.rfind(','), unsigned.rfind('.')) {
        (Some(comma), Some(point)) if comma > point => (true, Some('.')),
        (Some(comma), Some(point)) if point > comma => (false, Some(',')),
        (Some(_), None) if groups(',', unsigned) => (false, Some(',')),
        (comma, point) if unsigned.contains(APART) => {
            let whole = comma.or(point).map_or(unsigned, |mark| &unsigned[..mark]);
            (comma.is_some(), Some(APART.into_iter().find(|mark| groups(*mark, whole))?))
        }
        (Some(_), None) => (true, None),
        (None, Some(_)) if unsigned.matches('.').count() > 1 => (false, Some('.')),
        _ => (false, None),
    };
    let (before, behind) = (before.to_string(), behind.to_string());
    let form = NumberForm { decimal_comma, thousands, before, behind, parentheses: enclosed.is_some(), ..NumberForm::default() };
    form.read(cell)?;
    let mark = if decimal_comma { ',' } else { '.' };
    let decimals = unsigned.split_once(mark).filter(|_| thousands != Some(mark)).map_or("", |(_, decimals)| decimals);
    let few = decimals.len() <= MOST_DECIMALS;
    let trimmed = decimals.trim_end_matches('0').len() as u8;
    Some(NumberForm { decimals: few.then_some(trimmed), least_decimals: if few { decimals.len() as u8 } else { 0 }, ..form })
}

/// Decimals of a plain number, with and without zeros at its end; none where it has an exponent.
pub(super) fn decimals(cell: &str) -> Option<[usize; 2]> {
    let digits = cell.split_once('.').map_or("", |(_, rest)| rest);
    (!cell.contains(['e', 'E'])).then(|| [digits.len(), digits.trim_end_matches('0').len()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn few_digits_are_what_is_read_so() {
        let parts = |cell: &str| {
            let digits = Digits::of(cell)?;
            Some((digits.value(), digits.integer(), [digits.decimals, digits.decimals_in_use()]))
        };
        assert_eq!(parts("-12.50"), Some((-12.5, None, [2, 1])));
        assert_eq!(parts("+7"), Some((7.0, Some(7), [0, 0])));
        assert_eq!(parts("-0").map(|(value, ..)| value.is_sign_negative()), Some(true));
        assert_eq!((parts(".5"), parts("5.")), (Some((0.5, None, [1, 1])), Some((5.0, None, [0, 0]))));
        assert_eq!(parts("999999999999999"), Some((999_999_999_999_999.0, Some(999_999_999_999_999), [0, 0])));
        for other in ["", "-", ".", "007", "00.5", "1e3", "1.2.3", "1234567890123456", "--1", " 1", "1_0", "½", "nan"] {
            assert!(Digits::of(other).is_none(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn few_digits_are_read_as_any_number_is(cell in "[-+]?[0-9.]{1,17}") {
            if let Some(digits) = Digits::of(&cell) {
                prop_assert_eq!(cell.parse::<f64>().map(f64::to_bits).ok(), Some(digits.value().to_bits()));
                prop_assert_eq!(cell.parse::<i64>().ok(), digits.integer());
                prop_assert_eq!(decimals(&cell), Some([digits.decimals, digits.decimals_in_use()]));
            }
        }
    }

    #[test]
    fn numbers_are_written_with_the_decimals_that_they_had() {
        let two = NumberForm { decimals: Some(2), ..NumberForm::default() };
        assert_eq!([1.0, 1.5, -0.001, 2.675, 1e20].map(|v| two.write(v)), ["1", "1.5", "0", "2.67", "100000000000000000000"]);
        let all = NumberForm::default();
        assert_eq!([0.1, 1e-7, 1e300].map(|v| all.write(v)), ["0.1", "1e-7", "1e300"]);
        let comma = NumberForm { decimal_comma: true, thousands: Some('.'), ..two };
        assert_eq!(comma.write(-1234.5), "-1.234,5");
    }

    #[test]
    fn cells_are_read_and_written_in_their_own_form() {
        let narrow = "1\u{202f}234,50";
        for (cell, value) in [
            ("-$12.25", -12.25),
            ("($1,200)", -1200.0),
            ("12 %", 12.0),
            ("CHF 1\u{2019}200.05", 1200.05),
            (narrow, 1234.5),
            ("1 234 567", 1234567.0),
            ("1.234.567,5 €", 1234567.5),
            ("−3,5", -3.5),
            ("1.234.567", 1234567.0),
        ] {
            let form = dressed(cell).unwrap_or_else(|| panic!("{cell} has a form"));
            assert_eq!((form.read(cell), form.write(value).replace('-', "−")), (Some(value), cell.replace('-', "−")));
        }
        // The minus may also stand behind the sign.
        assert_eq!(dressed("$-12").map(|form| form.write(-12.0)), Some("-$12".into()));
        for cell in ["A12", "12-13", "--$5", "(-5)", "1,23,4 5", "$", "12 kg", "5 of 6"] {
            assert_eq!(dressed(cell), None, "{cell}");
        }
    }

    #[test]
    fn whole_numbers_may_have_zeros_behind_a_point() {
        assert_eq!(["2007", "-7.0", "5.000", "0.0"].map(whole), [Some(2007), Some(-7), Some(5), Some(0)]);
        assert_eq!(["2007.5", "x", "", "007.0", ".0", "1e3", "9223372036854775808"].map(whole), [None; 7]);
        assert_eq!(whole("9007199254740993.0"), Some(9_007_199_254_740_993));
    }
}
