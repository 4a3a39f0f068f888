//! Dates and times in texts: which of the known forms a column has, and the numbers that stand for them.

use std::fmt::Write;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

/// What a form holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Date,
    Time,
    Both,
    /// Date, time and offset from UTC, which is written as it was in the first row.
    Zoned,
}

/// The forms that are looked for, the first that fits a column wins: so a date that could be read both ways is month first.
const FORMS: &[(Holds, &str)] = &[
    (Holds::Date, "%Y-%m-%d"),
    (Holds::Date, "%Y/%m/%d"),
    (Holds::Date, "%m/%d/%Y"),
    (Holds::Date, "%-m/%-d/%Y"),
    (Holds::Date, "%d/%m/%Y"),
    (Holds::Date, "%-d/%-m/%Y"),
    (Holds::Date, "%d.%m.%Y"),
    (Holds::Date, "%-d.%-m.%Y"),
    (Holds::Date, "%d-%m-%Y"),
    (Holds::Date, "%d-%b-%Y"),
    (Holds::Date, "%d %b %Y"),
    (Holds::Date, "%b %d %Y"),
    (Holds::Date, "%b %d, %Y"),
    (Holds::Date, "%b %-d, %Y"),
    (Holds::Date, "%B %-d, %Y"),
    (Holds::Both, "%Y-%m-%d %H:%M"),
    (Holds::Both, "%Y-%m-%d %H:%M:%S"),
    (Holds::Both, "%Y-%m-%d %H:%M:%S%.3f"),
    (Holds::Both, "%Y-%m-%d %H:%M:%S%.6f"),
    (Holds::Both, "%Y-%m-%dT%H:%M"),
    (Holds::Both, "%Y-%m-%dT%H:%M:%S"),
    (Holds::Both, "%Y-%m-%dT%H:%M:%S%.3f"),
    (Holds::Both, "%Y-%m-%dT%H:%M:%S%.6f"),
    (Holds::Both, "%Y-%m-%dT%H:%M:%SZ"),
    (Holds::Both, "%Y-%m-%dT%H:%M:%S%.3fZ"),
    (Holds::Both, "%Y-%m-%dT%H:%M:%S%.6fZ"),
    (Holds::Both, "%Y/%m/%d %H:%M"),
    (Holds::Both, "%Y/%m/%d %H:%M:%S"),
    (Holds::Both, "%m/%d/%Y %H:%M"),
    (Holds::Both, "%m/%d/%Y %H:%M:%S"),
    (Holds::Both, "%-m/%-d/%Y %-H:%M"),
    (Holds::Both, "%-m/%-d/%Y %H:%M"),
    (Holds::Both, "%-m/%-d/%Y %H:%M:%S"),
    (Holds::Both, "%d/%m/%Y %H:%M"),
    (Holds::Both, "%d/%m/%Y %H:%M:%S"),
    (Holds::Both, "%d.%m.%Y %H:%M"),
    (Holds::Both, "%d.%m.%Y %H:%M:%S"),
    (Holds::Zoned, "%Y-%m-%d %H:%M:%S%:z"),
    (Holds::Zoned, "%Y-%m-%d %H:%M:%S%.3f%:z"),
    (Holds::Zoned, "%Y-%m-%d %H:%M:%S%.6f%:z"),
    (Holds::Zoned, "%Y-%m-%dT%H:%M:%S%:z"),
    (Holds::Zoned, "%Y-%m-%dT%H:%M:%S%.3f%:z"),
    (Holds::Zoned, "%Y-%m-%dT%H:%M:%S%.6f%:z"),
    (Holds::Zoned, "%Y-%m-%dT%H:%M:%S%z"),
    (Holds::Time, "%H:%M"),
    (Holds::Time, "%H:%M:%S"),
    (Holds::Time, "%H:%M:%S%.3f"),
    (Holds::Time, "%H:%M:%S%.6f"),
];

/// The form of a column of dates or times.
///
/// Its cells are microseconds from the first of January 1970, or from midnight where there is no date; each is written in the very
/// characters that it was read in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateForm {
    /// A pattern as `strftime` has it.
    pub pattern: String,
    /// Minutes east of UTC that times are written with, where the pattern has an offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<i32>,
}

/// The forms that all dates seen so far could have.
#[derive(Clone, Debug)]
pub(super) struct Forms {
    left: Vec<(Holds, DateForm)>,
    /// Whether no more cells are looked at.
    settled: bool,
}

impl Default for Forms {
    fn default() -> Self {
        let form = |(holds, pattern): &(Holds, &str)| (*holds, DateForm { pattern: (*pattern).into(), offset: None });
        Self { left: FORMS.iter().map(form).collect(), settled: false }
    }
}

impl Forms {
    /// Of a column that holds something else.
    pub fn none() -> Self {
        Self { left: Vec::new(), settled: true }
    }

    /// Takes in a cell; false where it has none of the forms, which stay. Once settled it costs nothing.
    pub fn see(&mut self, cell: &str) -> bool {
        if self.settled {
            return false;
        }
        let fits: Vec<bool> = self.left.iter().map(|(_, form)| form.fits(cell)).collect();
        if !fits.contains(&true) {
            return false;
        }
        let mut fits = fits.into_iter();
        self.left.retain_mut(|(_, form)| {
            if form.has_offset() && form.offset.is_none() {
                form.offset = form.offset_of(cell);
            }
            fits.next() == Some(true)
        });
        true
    }

    /// Looks at no more cells, for the column is none of dates.
    pub fn settle(&mut self) {
        self.left.truncate(1);
        self.settled = true;
    }

    pub fn is_settled(&self) -> bool {
        self.settled
    }

    /// The first form that fits the dates of the column.
    pub fn first(&self) -> Option<DateForm> {
        self.left.first().map(|(_, form)| form.clone())
    }

    /// Whether day and month could be the other way round.
    pub fn is_ambiguous(&self) -> bool {
        let has = |start: &str| self.left.iter().any(|(_, form)| form.pattern.replace('-', "").starts_with(start));
        has("%m/%d") && has("%d/%m")
    }

    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }
}

impl Default for DateForm {
    /// `2012-01-31`.
    fn default() -> Self {
        Self { pattern: FORMS[0].1.into(), offset: None }
    }
}

impl DateForm {
    pub(super) fn has_offset(&self) -> bool {
        self.pattern.ends_with('z')
    }

    pub(super) fn holds(&self) -> Holds {
        FORMS.iter().find(|(_, pattern)| *pattern == self.pattern).map_or(Holds::Both, |(holds, _)| *holds)
    }

    /// Whether a cell is written in this form, with its offset where it has one already.
    fn fits(&self, cell: &str) -> bool {
        if fixed(&self.pattern, cell).is_some() {
            return true;
        }
        let written = |form: &Self| form.read(cell).is_some_and(|micros| form.write(micros) == cell);
        match self.has_offset() && self.offset.is_none() {
            true => written(&Self { offset: self.offset_of(cell), ..self.clone() }),
            false => written(self),
        }
    }

    fn offset_of(&self, cell: &str) -> Option<i32> {
        let zoned = DateTime::parse_from_str(cell, &self.pattern).ok()?;
        Some(zoned.offset().local_minus_utc() / 60)
    }

    /// The cell's microseconds; none where it is not of this form.
    pub fn read(&self, cell: &str) -> Option<i64> {
        let pattern = self.pattern.as_str();
        if let Some(micros) = fixed(pattern, cell) {
            return Some(micros);
        }
        match self.holds() {
            Holds::Date => {
                let date = NaiveDate::parse_from_str(cell, pattern).ok()?;
                Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
            }
            Holds::Time => {
                let time = NaiveTime::parse_from_str(cell, pattern).ok()?;
                (time - NaiveTime::MIN).num_microseconds()
            }
            Holds::Both => Some(NaiveDateTime::parse_from_str(cell, pattern).ok()?.and_utc().timestamp_micros()),
            Holds::Zoned => Some(DateTime::parse_from_str(cell, pattern).ok()?.timestamp_micros()),
        }
    }

    /// These microseconds in this form, in ISO 8601's where the pattern is none. Those beyond the years that a calendar has are moved to its ends.
    pub fn write(&self, micros: i64) -> String {
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        let at = DateTime::from_timestamp_micros(micros).unwrap_or(if micros < 0 { first } else { last });
        let mut text = String::new();
        let written = match self.holds() {
            Holds::Zoned => {
                let offset = FixedOffset::east_opt(self.offset.unwrap_or(0).saturating_mul(60));
                let offset = offset.unwrap_or(FixedOffset::east_opt(0).expect("UTC"));
                write!(text, "{}", at.with_timezone(&offset).format(&self.pattern))
            }
            _ => write!(text, "{}", at.naive_utc().format(&self.pattern)),
        };
        // A pattern that is none: as a standard has it.
        if written.is_ok() { text } else { at.to_rfc3339() }
    }

    /// The unit of the form in microseconds: what cells are multiples of.
    pub fn unit(&self) -> i64 {
        const SECOND: i64 = 1_000_000;
        match self.pattern.as_str() {
            p if p.contains("%.6f") => 1,
            p if p.contains("%.3f") => 1_000,
            p if p.contains("%S") => SECOND,
            p if p.contains("%M") => 60 * SECOND,
            _ => 86_400 * SECOND,
        }
    }
}

/// The number of the next digits of a cell, as many as are asked for.
fn digits(cell: &mut &[u8], count: usize) -> Option<u32> {
    let (own, rest) = cell.split_at_checked(count)?;
    *cell = rest;
    own.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| 10 * sum + u32::from(byte - b'0')))
}

/// The microseconds of a cell in a pattern of digits alone, each field as wide as the pattern says, which writes them in the same characters; none where it is
/// anything else, be it a date.
fn fixed(pattern: &str, cell: &str) -> Option<i64> {
    let (mut pattern, mut cell) = (pattern.as_bytes(), cell.as_bytes());
    let (mut year, mut month, mut day) = (1970, 1, 1);
    let (mut hour, mut minute, mut second, mut micros) = (0, 0, 0, 0);
    while let [first, rest @ ..] = pattern {
        pattern = match (first, rest) {
            (b'%', [b'.', b'3', b'f', rest @ ..]) => {
                cell = cell.strip_prefix(b".")?;
                micros = 1_000 * digits(&mut cell, 3)?;
                rest
            }
            (b'%', [b'.', b'6', b'f', rest @ ..]) => {
                cell = cell.strip_prefix(b".")?;
                micros = digits(&mut cell, 6)?;
                rest
            }
            (b'%', [field, rest @ ..]) => {
                match field {
                    b'Y' => year = digits(&mut cell, 4)?,
                    b'm' => month = digits(&mut cell, 2)?,
                    b'd' => day = digits(&mut cell, 2)?,
                    b'H' => hour = digits(&mut cell, 2)?,
                    b'M' => minute = digits(&mut cell, 2)?,
                    b'S' => second = digits(&mut cell, 2)?,
                    _ => return None,
                }
                rest
            }
            (literal, rest) => {
                cell = cell.strip_prefix(&[*literal])?;
                rest
            }
        };
    }
    if !cell.is_empty() || second > 59 {
        return None;
    }
    let at = NaiveDate::from_ymd_opt(year as i32, month, day)?.and_hms_micro_opt(hour, minute, second, micros)?;
    Some(at.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(cells: &[&str]) -> Option<DateForm> {
        let mut forms = Forms::default();
        cells.iter().all(|cell| forms.see(cell)).then(|| forms.first()).flatten()
    }

    #[test]
    fn a_form_fits_every_cell_and_writes_it_again() {
        let day = 86_400_000_000;
        for (cells, pattern, first) in [
            (&["2012-01-01", "1969-12-31"][..], "%Y-%m-%d", 15_340 * day),
            (&["01/02/2012", "02/28/2012"], "%m/%d/%Y", 15_341 * day),
            (&["01/02/2012", "28/02/2012"], "%d/%m/%Y", 15_371 * day),
            (&["1/2/2012", "12/31/2012"], "%-m/%-d/%Y", 15_341 * day),
            (&["01.02.2012 13:45"], "%d.%m.%Y %H:%M", 15_371 * day + 49_500_000_000),
            (&["Jun 12 1998", "Jan 01 2000"], "%b %d %Y", 10_389 * day),
            (&["1970-01-01T00:00:01.250"], "%Y-%m-%dT%H:%M:%S%.3f", 1_250_000),
            (&["1970-01-01T02:00:00+02:00"], "%Y-%m-%dT%H:%M:%S%:z", 0),
            (&["07:30", "23:59"], "%H:%M", 27_000_000_000),
        ] {
            let found = form(cells).unwrap_or_else(|| panic!("{cells:?} have a form"));
            assert_eq!((found.pattern.as_str(), found.read(cells[0])), (pattern, Some(first)), "{cells:?}");
            for cell in cells {
                assert_eq!(found.write(found.read(cell).unwrap()), *cell);
            }
        }
    }

    #[test]
    fn cells_of_digits_are_read_as_the_calendar_reads_them() {
        use proptest::prelude::*;
        let cells = "[0-9]{4}-[01][0-9]-[0-3][0-9]|[0-3][0-9]/[01][0-9]/[0-9]{4}|[0-9]{4}-0[1-9]-[0-2][0-9][T ][0-2][0-9]:[0-5][0-9](:[0-6][0-9]([.][0-9]{3}|[.][0-9]{6})?Z?)?|[0-2][0-9]:[0-5][0-9](:[0-6][0-9])?";
        proptest!(|(cell in cells)| {
            for (holds, pattern) in FORMS {
                let Some(micros) = fixed(pattern, &cell) else { continue };
                let read = match holds {
                    Holds::Date => NaiveDate::parse_from_str(&cell, pattern).map(|date| date.and_time(NaiveTime::MIN).and_utc()),
                    Holds::Time => NaiveTime::parse_from_str(&cell, pattern).map(|time| NaiveDate::default().and_time(time).and_utc()),
                    _ => NaiveDateTime::parse_from_str(&cell, pattern).map(|at| at.and_utc()),
                };
                prop_assert_eq!(read.map(|at| at.timestamp_micros()).ok(), Some(micros), "{}", pattern);
                let form = DateForm { pattern: (*pattern).into(), offset: None };
                prop_assert_eq!(form.write(micros), cell.clone(), "{}", pattern);
            }
        });
        assert_eq!(fixed("%Y-%m-%d", "2012-02-29"), Some(15_399 * 86_400_000_000));
        for cell in ["2012-02-30", "2012-2-03", "+012-02-03", "2012-02-03 ", "2012-02-0", "1²12-02-03"] {
            assert_eq!(fixed("%Y-%m-%d", cell), None, "{cell}");
        }
    }

    #[test]
    fn what_is_no_date_has_no_form() {
        for cells in [
            &["2012"][..],
            &["2012-13-01"],
            &["2012-01-01", "2012-01-02 10:00"],
            &["a"],
            &[""],
            &["1970-01-01T02:00:00+02:00", "1970-01-01T02:00:00+01:00"],
        ] {
            assert_eq!(form(cells), None, "{cells:?}");
        }
        let mut forms = Forms::default();
        forms.see("01/02/2012");
        assert!(forms.is_ambiguous());
        forms.see("01/13/2012");
        assert!(!forms.is_ambiguous());
    }

    #[test]
    fn times_beyond_the_calendar_are_written_at_its_ends() {
        let date = DateForm { pattern: "%Y-%m-%d".into(), offset: None };
        assert_eq!(date.unit(), 86_400_000_000);
        assert!(date.write(i64::MAX).contains('-') && date.write(i64::MIN).starts_with('-'));
        let none = |pattern: &str, offset| DateForm { pattern: pattern.into(), offset }.write(0);
        assert_eq!(none("%Q", None), "1970-01-01T00:00:00+00:00");
        assert_eq!(none("%Y-%m-%d %H:%M:%S%:z", Some(i32::MAX)), "1970-01-01 00:00:00+00:00");
    }
}
