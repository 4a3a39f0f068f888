//! A comparison as an aligned text table, and as GitHub Markdown.

use super::{Cell, Comparison, Field, Verdict};

/// What stands where a file lacks a case.
const ABSENT: &str = "–";

impl Comparison {
    /// What the files were measured with, an aligned table, and how to read it.
    pub fn text(&self) -> String {
        let mut text: String = self.setups().into_iter().map(|(name, setup)| format!("{name}: {setup}\n")).collect();
        text.push('\n');
        let rows = self.rows();
        let widths: Vec<usize> = (0..rows[0].len())
            .map(|j| rows.iter().filter_map(|row| row.get(j)).map(|cell| cell.chars().count()).max().unwrap_or(0))
            .collect();
        for row in &rows {
            let cells = row.iter().zip(&widths).enumerate().map(|(j, (cell, &width))| match is_left(j) {
                true => format!("{cell:<width$}"),
                false => format!("{cell:>width$}"),
            });
            text += cells.collect::<Vec<_>>().join("  ").trim_end();
            text.push('\n');
        }
        text + "\n" + &self.notes().join("\n") + "\n"
    }

    /// The same as GitHub Markdown: a list, a table, and how to read it.
    pub fn markdown(&self) -> String {
        let safe = |text: &str| text.replace('|', "\\|");
        let list = self.setups().into_iter().map(|(name, setup)| format!("- {name}: {setup}\n"));
        let mut text: String = list.collect::<String>() + "\n";
        for (i, row) in self.rows().iter().enumerate() {
            // The word beside a ratio shares its cell.
            let cells = row.iter().enumerate().filter(|(j, _)| !is_word(*j)).map(|(j, cell)| {
                let word = row.get(j + 1).filter(|word| is_word(j + 1) && !word.is_empty());
                word.map_or_else(|| safe(cell), |word| format!("{} {word}", safe(cell)))
            });
            let cells: Vec<String> = cells.collect();
            text += &format!("| {} |\n", cells.join(" | "));
            if i == 0 {
                text += &format!("|---|{}\n", "---:|".repeat(cells.len() - 1));
            }
        }
        text + "\n" + &self.notes().join(" ") + "\n"
    }

    /// What all files share, and after it what differs, by file.
    fn setups(&self) -> Vec<(String, String)> {
        let known = |field: &Field| field.values.iter().any(Option::is_some);
        let shared = |field: &Field| self.files.iter().all(|file| file.setup.contains(field));
        let shown = |fields: Vec<&Field>| fields.into_iter().map(described).collect::<Vec<_>>().join(", ");
        let mut setups = Vec::new();
        let common: Vec<&Field> = self.files[0].setup.iter().filter(|field| shared(field) && known(field)).collect();
        if !common.is_empty() {
            setups.push(("all files".to_owned(), shown(common)));
        }
        for (i, file) in self.files.iter().enumerate() {
            let name = if i == 0 { format!("{} (baseline)", file.name) } else { file.name.clone() };
            let own: Vec<&Field> = file.setup.iter().filter(|field| !shared(field)).collect();
            setups.push((name, if own.is_empty() { "no other difference".into() } else { shown(own) }));
        }
        setups
    }

    /// The table's cells, header first: the case, the baseline's time, and of each later file its time, its ratio and a word.
    fn rows(&self) -> Vec<Vec<String>> {
        let mut header = vec!["case".to_owned(), format!("{} (ms)", self.files[0].name)];
        for file in &self.files[1..] {
            header.extend([format!("{} (ms)", file.name), "ratio".into(), String::new()]);
        }
        let mut rows = vec![header];
        for row in &self.cases {
            let mut cells = vec![row.case.clone(), time(row.results[0].as_ref())];
            for cell in &row.results[1..] {
                let ratio = cell.and_then(|cell| cell.ratio).map_or(ABSENT.into(), ratio);
                let word = cell.and_then(|cell| cell.verdict).map_or("", word);
                cells.extend([time(cell.as_ref()), ratio, word.into()]);
            }
            rows.push(cells);
        }
        let mean = &self.geometric_mean;
        let of = if mean.cases == 1 { "1 case".to_owned() } else { format!("{} cases", mean.cases) };
        let mut last = vec![format!("geometric mean of {of}"), String::new()];
        for found in &mean.ratios[1..] {
            last.extend([String::new(), found.map_or(ABSENT.into(), ratio), String::new()]);
        }
        rows.push(last);
        rows
    }

    /// How to read the table, a sentence each.
    fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            "Median time of one step ± half the interquartile range.".to_owned(),
            format!("A ratio is a time over that of {}: below 1 is faster.", self.files[0].name),
            "Faster and slower: the quartile ranges do not overlap.".to_owned(),
        ];
        if self.threshold.is_finite() {
            notes.push(format!("A regression is also slower by {} % or more.", short(100.0 * self.threshold)));
        }
        notes
    }
}

/// Columns of text rather than numbers: the case, and the words beside ratios.
fn is_left(column: usize) -> bool {
    column == 0 || is_word(column)
}

fn is_word(column: usize) -> bool {
    column >= 4 && (column - 4).is_multiple_of(3)
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::WithinNoise => "",
        Verdict::Faster => "faster",
        Verdict::Slower => "slower",
        Verdict::Regression => "regression",
    }
}

fn time(cell: Option<&Cell>) -> String {
    cell.map_or(ABSENT.into(), |cell| format!("{} ± {} %", digits(cell.time.median_ms, 3), percent(cell.time.noise_percent)))
}

/// A ratio to two decimals, or to two significant digits where it is small.
pub(super) fn ratio(value: f64) -> String {
    if value < 0.1 { digits(value, 2) } else { format!("{value:.2}") }
}

fn percent(value: f64) -> String {
    if value < 9.95 { format!("{value:.1}") } else { format!("{value:.0}") }
}

/// To so many significant digits, zeros kept; whole numbers are not rounded.
fn digits(value: f64, count: i32) -> String {
    let decimals = (count - 1 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    format!("{value:.decimals$}")
}

/// As short as it is exact to two decimals.
fn short(value: f64) -> String {
    format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A field with its value in words.
fn described(field: &Field) -> String {
    let values: Vec<&str> = field.values.iter().map(|value| value.as_deref().unwrap_or("unknown")).collect();
    format!("{} {}", field.name.replace('_', " "), values.join(" and "))
}
