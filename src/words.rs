//! Words for messages: numbers with what they count.

/// A number of things, `1 row`, `2 rows`, `5,000 rows`; `one` is one of them, of a regular plural.
///
/// ```
/// use pushforward::words::count;
/// assert_eq!([count(1, "row"), count(0, "column"), count(12_345, "row")], ["1 row", "0 columns", "12,345 rows"]);
/// ```
pub fn count(number: usize, one: &str) -> String {
    format!("{} {one}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// A whole number with thousands separated, `5,000`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
