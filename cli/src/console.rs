//! What the program says: results to standard output, everything else to standard error. No write here can panic.

use std::io::{self, IsTerminal, Write};

use pushforward::data::Table;
use pushforward::{Error, Result};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::arguments::{Global, LogFormat};

/// How messages are shown.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    quiet: bool,
    format: LogFormat,
}

impl Console {
    pub fn new(global: &Global) -> Self {
        Self { quiet: global.quiet, format: global.log_format }
    }

    pub fn quiet(&self) -> bool {
        self.quiet
    }

    pub fn is_json(&self) -> bool {
        self.format == LogFormat::Json
    }

    /// Whether a progress bar can be shown.
    pub fn has_bar(&self) -> bool {
        !self.quiet && !self.is_json() && io::stderr().is_terminal()
    }

    /// A line for people, or `{"event": "message", "text": …}`.
    pub fn message(&self, text: &str) {
        if !self.quiet {
            match self.format {
                LogFormat::Text => line(text),
                LogFormat::Json => line(&json!({ "event": "message", "text": text }).to_string()),
            }
        }
    }

    /// What to tell of tables that were read.
    pub fn notes<'a>(&self, tables: impl IntoIterator<Item = &'a Table>) {
        tables.into_iter().flat_map(Table::notes).for_each(|note| self.message(&format!("warning: {note}")));
    }

    /// One event of a JSON log.
    pub fn event(&self, name: &str, mut fields: Map<String, Value>) {
        if !self.quiet && self.is_json() {
            fields.insert("event".into(), name.into());
            line(&Value::Object(fields).to_string());
        }
    }

    pub fn error(&self, text: &str) {
        match self.format {
            LogFormat::Text => line(&format!("error: {text}")),
            LogFormat::Json => line(&json!({ "event": "error", "text": text }).to_string()),
        }
    }
}

/// Standard error may be closed; there is then nobody to tell.
fn line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Standard output. A reader that has gone away (`| head`) has seen what it wanted: that is no error.
pub struct Results;

impl Write for Results {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match io::stdout().lock().write(bytes) {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            outcome => outcome,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match io::stdout().lock().flush() {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            outcome => outcome,
        }
    }
}

/// Prints a result.
pub fn print(text: &str) -> Result<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let written = Results.write_all(format!("{text}{end}").as_bytes()).and_then(|()| Results.flush());
    written.map_err(|e| Error::io("write", "standard output", e))
}

/// The version of the objects that `--json` prints. It grows when a field is renamed or removed, or when its meaning or unit changes.
const SCHEMA: u64 = 1;

/// Prints one JSON object, with its schema.
pub fn print_object(content: &impl Serialize) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Object<'a, T> {
        schema: u64,
        #[serde(flatten)]
        content: &'a T,
    }
    Ok(print(&serde_json::to_string(&Object { schema: SCHEMA, content })?)?)
}
