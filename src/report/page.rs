//! `report.html`: one page with all of it inside, no scripts, nothing fetched; light or dark as the reader has it, and fit to print.

use std::fmt::Write as _;
use std::io;

use super::style::{self, escape, number};
use crate::metrics::columns::ColumnDifference;
use crate::metrics::scorecard::ColumnScores;
use crate::metrics::{Better, Evaluation, Score};

/// Letters from which on a fact has a line of its own.
const LONG: usize = 100;
/// Letters from which on it is folded: the names of dozens of columns.
const VERY_LONG: usize = 400;

/// A run's page. Empty parts are left out.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What was run on what: "energy on faithful.csv".
    pub title: String,
    /// The result in one sentence.
    pub headline: String,
    /// What was found and done, a paragraph each, where a headline does not tell.
    pub lead: Vec<String>,
    /// Name and value: method, data, adapter, steps, seconds, date.
    pub facts: Vec<(String, String)>,
    /// The columns of the data, the farthest off first.
    pub columns: Option<Sheet>,
    /// Small pictures, such as of each column of the data, side by side.
    pub many: Option<Many>,
    pub scores: Option<ScoreTable>,
    /// How well a column is predicted.
    pub predicted: Option<Sheet>,
    pub figures: Vec<Figure>,
    pub sheets: Vec<Sheet>,
    /// Every resolved setting, name and value.
    pub settings: Vec<(String, String)>,
    /// Commands that make the run again, one a line.
    pub commands: Vec<String>,
    /// The last line of the page: program and version.
    pub footer: String,
    /// The scores, for programs: not on the page.
    pub json: serde_json::Value,
}

/// A plot with its heading and caption.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    pub title: String,
    pub caption: String,
    pub svg: String,
}

impl Figure {
    pub fn new(title: impl Into<String>, caption: impl Into<String>, svg: String) -> Self {
        Self { title: title.into(), caption: caption.into(), svg }
    }
}

/// Small pictures under one heading, in as many rows as the page's width takes.
#[derive(Clone, Debug, Default)]
pub struct Many {
    pub title: String,
    pub caption: String,
    pub svgs: Vec<String>,
    /// One picture below them that may be wider than the page.
    pub wide: Option<(String, String)>,
}

/// A table of what a page is about, below its figures.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    pub title: String,
    /// Names of the columns.
    pub head: Vec<String>,
    /// Each cell with what is said below it in small print.
    pub rows: Vec<Vec<(String, String)>>,
    /// Whether the columns but the first are numbers, which line up on the right.
    pub numbers: bool,
    /// What is to be known of it, a paragraph a line.
    pub note: String,
}

/// Scores of several sets of rows against one reference: the samples first, then for instance a fitted Gaussian and fresh data.
#[derive(Clone, Debug, Default)]
pub struct ScoreTable {
    /// What the scores compare with: "1,000 validation rows".
    pub reference: String,
    /// The names of the sets, in the order of the cells.
    pub columns: Vec<String>,
    pub rows: Vec<ScoreRow>,
    /// What was done to the rows, and which scores there are none of: sentences.
    pub notes: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct ScoreRow {
    pub name: String,
    /// What the score says, in a few words.
    pub meaning: String,
    pub better: Better,
    /// One cell a column of the table.
    pub cells: Vec<Option<Score>>,
}

impl Page {
    pub fn write(&self, out: &mut impl io::Write) -> io::Result<()> {
        out.write_all(self.html().as_bytes())
    }

    pub fn html(&self) -> String {
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>{}</h1>\n",
            escape(&self.title),
            style::THEME,
            include_str!("page.css"),
            escape(&self.title)
        );
        if !self.headline.is_empty() {
            let _ = writeln!(html, "<p class=\"headline\">{}</p>", escape(&self.headline));
        }
        for paragraph in &self.lead {
            let _ = writeln!(html, "<p class=\"lead\">{}</p>", escape(paragraph));
        }
        if !self.facts.is_empty() {
            html.push_str("<dl class=\"facts\">\n");
            for (name, value) in &self.facts {
                let class = if value.chars().count() > LONG { " class=\"long\"" } else { "" };
                let shown = escape(value);
                let shown = match value.char_indices().nth(VERY_LONG) {
                    Some(_) => {
                        let start: String = value.chars().take(LONG).collect();
                        format!("<details><summary>{} …</summary>{shown}</details>", escape(&start))
                    }
                    None => shown,
                };
                let _ = writeln!(html, "<div{class}><dt>{}</dt><dd>{shown}</dd></div>", escape(name));
            }
            html.push_str("</dl>\n");
        }
        html.push_str("</header>\n");
        if let Some(columns) = &self.columns {
            html.push_str(&columns.html());
        }
        if let Some(many) = &self.many {
            html.push_str(&many.html());
        }
        if let Some(scores) = &self.scores {
            html.push_str(&scores.html());
        }
        if let Some(predicted) = &self.predicted {
            html.push_str(&predicted.html());
        }
        for figure in &self.figures {
            let (title, caption) = (escape(&figure.title), escape(&figure.caption));
            let _ = writeln!(
                html,
                "<section>\n<h2>{title}</h2>\n<figure>\n{}<figcaption>{caption}</figcaption>\n</figure>\n</section>",
                figure.svg
            );
        }
        for sheet in &self.sheets {
            html.push_str(&sheet.html());
        }
        if !self.settings.is_empty() {
            html.push_str("<section>\n<h2>Settings</h2>\n<table class=\"settings\">\n");
            for (name, value) in &self.settings {
                let _ = writeln!(html, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape(name), escape(value));
            }
            html.push_str("</table>\n</section>\n");
        }
        if !self.commands.is_empty() {
            let commands = escape(&self.commands.join("\n"));
            let _ = writeln!(html, "<section>\n<h2>To reproduce this</h2>\n<pre><code>{commands}</code></pre>\n</section>");
        }
        if !self.footer.is_empty() {
            let _ = writeln!(html, "<footer>{}</footer>", escape(&self.footer));
        }
        html.push_str("</main>\n</body>\n</html>\n");
        html
    }
}

/// What a narrow window, where a row of a table is a list, says before a cell.
fn label(head: Option<&String>) -> String {
    head.filter(|head| !head.is_empty()).map_or(String::new(), |head| format!(" data-label=\"{}\"", escape(head)))
}

impl Many {
    fn html(&self) -> String {
        let (title, caption) = (escape(&self.title), escape(&self.caption));
        let mut html = format!("<section>\n<h2>{title}</h2>\n<div class=\"many\">\n{}</div>\n", self.svgs.concat());
        let _ = writeln!(html, "<p class=\"note\">{caption}</p>\n</section>");
        if let Some((svg, caption)) = &self.wide {
            let _ = writeln!(
                html,
                "<section>\n<h2>Pairs of columns</h2>\n<figure>\n<div class=\"wide\">\n{svg}</div>\n<figcaption>{}</figcaption>\n</figure>\n</section>",
                escape(caption)
            );
        }
        html
    }
}

/// Columns that a page lists.
const COLUMNS: usize = 20;

impl Sheet {
    /// How far off each column is by itself, the farthest first; none where the evaluation had no names of columns.
    pub fn of_columns(found: &Evaluation) -> Option<Self> {
        let more = found.by_column.len().saturating_sub(COLUMNS);
        let row = |column: &ColumnDifference| {
            let shift = match column.shift {
                Some(shift) => format!("{} sd", number(shift, 2)),
                None if column.is_categorical() => "categories".into(),
                None => "constant".into(),
            };
            let p = if column.p_value < 1e-4 { format!("< {}", number(1e-4, 1)) } else { number(column.p_value, 2) };
            [column.column.clone(), number(column.distance, 3), p, shift].map(|cell| (cell, String::new())).to_vec()
        };
        let hidden = if more > 0 { format!(" {more} columns that are nearer are not listed.") } else { String::new() };
        (!found.by_column.is_empty()).then(|| Self {
            title: "Columns, the most different first".into(),
            head: ["column", "distance", "p", "mean shift"].map(String::from).to_vec(),
            rows: found.by_column.iter().take(COLUMNS).map(row).collect(),
            numbers: true,
            note: format!(
                "Distance: Kolmogorov–Smirnov for numbers, total variation for categories; from 0, equal, to 1. p: the probability of a distance at least as \
                 large if the column has one distribution, corrected for the number of columns (Bonferroni). Mean shift: the mean of the samples minus \
                 that of the real rows, in standard deviations (sd).{hidden}"
            ),
        })
    }

    /// The columns of a scorecard, the worst first, and what differs in them; where the evaluation has none, [`Sheet::of_columns`].
    pub fn of_scorecard(found: &Evaluation) -> Option<Self> {
        let Some(card) = found.scorecard.as_ref().filter(|card| card.has_types) else { return Self::of_columns(found) };
        let more = card.columns.len().saturating_sub(COLUMNS);
        let hidden = if more > 0 { format!(" {more} columns that are nearer are not listed.") } else { String::new() };
        let row = |column: &ColumnScores| column.cells().into_iter().map(|cell| (cell, String::new())).collect();
        Some(Self {
            title: "Columns, the most different first".into(),
            head: ["column", "type", "shape", "real rows", "missing", "coverage", "what differs"].map(String::from).to_vec(),
            rows: card.columns.iter().take(COLUMNS).map(row).collect(),
            numbers: false,
            note: format!(
                "Shape: how far the column's distribution agrees, 1 at best (the complement of the Kolmogorov–Smirnov distance for numbers and dates, of the total \
                 variation for categories). Real rows: the shape that as many real rows have on average. Missing: agreement of the shares of missing cells. \
                 Coverage: the share of the levels, or of the range, that samples have.{hidden}"
            ),
        })
    }

    fn html(&self) -> String {
        let mut html = format!("<section>\n<h2>{}</h2>\n", escape(&self.title));
        if !self.rows.is_empty() {
            let class = if self.numbers { "sheet numbers" } else { "sheet" };
            let _ = write!(html, "<div class=\"wide\">\n<table class=\"{class}\">\n<thead><tr>");
            for name in &self.head {
                let _ = write!(html, "<th scope=\"col\">{}</th>", escape(name));
            }
            html.push_str("</tr></thead>\n<tbody>\n");
            for row in &self.rows {
                html.push_str("<tr>");
                for (i, (value, below)) in row.iter().enumerate() {
                    let below = if below.is_empty() { String::new() } else { format!("<small>{}</small>", escape(below)) };
                    let value = escape(value);
                    let _ = match i {
                        0 => write!(html, "<th scope=\"row\">{value}{below}</th>"),
                        // In a narrow window it would be a name with nothing behind it.
                        _ if value.is_empty() && below.is_empty() => write!(html, "<td class=\"none\"></td>"),
                        _ => write!(html, "<td{}><span>{value}{below}</span></td>", label(self.head.get(i))),
                    };
                }
                html.push_str("</tr>\n");
            }
            html.push_str("</tbody>\n</table>\n</div>\n");
        }
        for line in self.note.lines().filter(|line| !line.is_empty()) {
            let _ = writeln!(html, "<p class=\"note\">{}</p>", escape(line));
        }
        html.push_str("</section>\n");
        html
    }
}

impl ScoreTable {
    /// The table of several evaluations against one reference, named: `[("samples", …), ("fitted Gaussian", …)]`.
    pub fn new(reference: impl Into<String>, evaluations: &[(&str, &Evaluation)]) -> Self {
        let named: Vec<Vec<_>> = evaluations.iter().map(|(_, evaluation)| evaluation.scores()).collect();
        let mut table = Self {
            reference: reference.into(),
            columns: evaluations.iter().map(|(name, _)| name.to_string()).collect(),
            rows: Vec::new(),
            notes: Evaluation::notes_of(evaluations),
        };
        for score in named.iter().flatten() {
            if table.rows.iter().all(|row| row.name != score.name) {
                let cells = named.iter().map(|of| of.iter().find(|s| s.name == score.name).map(|s| s.score.clone())).collect();
                table.rows.push(ScoreRow { name: score.name.into(), meaning: score.meaning.into(), better: score.better, cells });
            }
        }
        table
    }

    fn html(&self) -> String {
        let mut html =
            String::from("<section>\n<h2>Scores</h2>\n<div class=\"wide\">\n<table class=\"scores\">\n<thead><tr><th></th>");
        for (i, name) in self.columns.iter().enumerate() {
            let _ = write!(html, "<th scope=\"col\" class=\"{}\">{}</th>", if i == 0 { "ours" } else { "other" }, escape(name));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            let better = match row.better {
                Better::Lower => "lower is better".to_owned(),
                Better::Higher => "higher is better".to_owned(),
                Better::Near(value) => format!("best near {}", number(value, 3)),
            };
            let (name, meaning) = (escape(&row.name), escape(&row.meaning));
            let gap = if meaning.is_empty() { "" } else { "; " };
            let _ = write!(html, "<tr><th scope=\"row\">{name}<small>{meaning}{gap}{better}</small></th>");
            for (i, cell) in row.cells.iter().enumerate() {
                let class = if i == 0 { "ours" } else { "other" };
                let cell = match cell {
                    Some(score) => {
                        let (value, spread) = style::aligned(score.value, score.interval);
                        format!("{value}<small>{}</small>", uncertainty(score, spread))
                    }
                    None => "–".into(),
                };
                let _ = write!(html, "<td class=\"{class}\"{}><span>{cell}</span></td>", label(self.columns.get(i)));
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody>\n</table>\n</div>\n");
        let reference = if self.reference.is_empty() { String::new() } else { format!("Against {}. ", escape(&self.reference)) };
        let notes: String = self.notes.iter().map(|note| format!(" {}", escape(note))).collect();
        let _ = writeln!(
            html,
            "<p class=\"note\">{reference}In brackets: 95 % confidence intervals. p: the probability of a score at least as bad if both sets have one distribution.{notes}</p>\n</section>"
        );
        html
    }
}

/// The interval, or else the standard error, and below it the p-value.
fn uncertainty(score: &Score, interval: Option<String>) -> String {
    let error = score.standard_error.map(|error| format!("± {}", number(error, 2)));
    let p_value =
        score.p_value.map(|p| if p < 1e-4 { format!("p < {}", number(1e-4, 1)) } else { format!("p = {}", number(p, 2)) });
    let lines: Vec<String> = [interval.or(error), p_value].into_iter().flatten().map(|line| escape(&line)).collect();
    lines.join("<br>")
}
