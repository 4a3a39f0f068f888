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
        let digits = cell.trim().strip_prefix(self.before.as_str())?.strip_suffix(self.behind.as_str())?.trim();
        let mut digits = digits.to_string();
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
        !self.decimal_comma && self.thousands.is_none() && self.before.is_empty() && self.behind.is_empty()
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
        let mut text = format!("{}{sign}", self.before);
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
        text + &self.behind
    }
}

/// Decimals of the number among these that has most, where that is a property of the column; NaN is none.
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

/// A finite number; digits with a leading zero are a code, such as a postal one, and none.
pub(super) fn plain(cell: &str) -> Option<f64> {
    let digits = cell.strip_prefix(['-', '+']).unwrap_or(cell);
    let code = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    // Words such as `infinity` are numbers to Rust.
    let number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    (number && !code).then(|| cell.parse().ok()).flatten().filter(|value: &f64| value.is_finite())
}

/// Signs that may stand before or behind a number.
const SIGNS: [char; 6] = ['$', '€', '£', '¥', '₹', '%'];

/// The form of a number with signs, thousands separators or a decimal comma, by one cell.
pub(super) fn dressed(cell: &str) -> Option<NumberForm> {
    let sign = |c: char| SIGNS.contains(&c) || c == ' ';
    let digits = cell.trim_matches(sign);
    let at = cell.find(digits)?;
    let (before, behind) = (cell[..at].to_string(), cell[at + digits.len()..].to_string());
    let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
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
        (Some(_), None) => (true, None),
        (None, Some(_)) if unsigned.matches('.').count() > 1 => (false, Some('.')),
        (None, None) if groups('\'', unsigned) => (false, Some('\'')),
        _ => (false, None),
    };
    let form = NumberForm { decimal_comma, thousands, before, behind, ..NumberForm::default() };
    form.read(cell).is_some().then_some(form)
}

/// Decimals of a plain number, with and without zeros at its end; none where it has an exponent.
pub(super) fn decimals(cell: &str) -> Option<[usize; 2]> {
    let digits = cell.split_once('.').map_or("", |(_, rest)| rest);
    (!cell.contains(['e', 'E'])).then(|| [digits.len(), digits.trim_end_matches('0').len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_with_the_decimals_that_they_had() {
        let two = NumberForm { decimals: Some(2), ..NumberForm::default() };
        assert_eq!([1.0, 1.5, -0.001, 2.675, 1e20].map(|v| two.write(v)), ["1", "1.5", "0", "2.67", "100000000000000000000"]);
        let all = NumberForm::default();
        assert_eq!([0.1, 1e-7, 1e300].map(|v| all.write(v)), ["0.1", "1e-7", "1e300"]);
        let comma = NumberForm { decimal_comma: true, thousands: Some('.'), ..two };
        assert_eq!(comma.write(-1234.5), "-1.234,5");
    }
}
