//! The program as a person runs it: what it prints, what it leaves, and how it fails.

mod anneal;
mod bench;
mod compared;
mod densities;
mod flows;
mod given;
mod impute;
mod mistakes;
mod mixed;
mod resume;
mod run;
mod settings;
mod statistics;
mod studies;
mod tour;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A network and a run that take a moment: what is tested is the program, not the samples.
const TINY: &str = "--set hidden_width=8 --set hidden_layers=1 --set warmup_steps=2 --batch-size 32";

/// An empty folder to work in.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), content).expect("a file");
        self
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("text")
    }

    /// The program with these words, to run in this folder. Words with blanks are not needed here.
    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("pushforward"));
        command.args(words.split_whitespace()).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, words: &str) -> Ended {
        Ended::of(self.command(words), words)
    }

    /// Runs what must work, and gives its standard output.
    #[track_caller]
    fn works(&self, words: &str) -> String {
        let ended = self.run(words);
        assert_eq!(ended.status, Some(0), "{words}: {}", ended.err);
        ended.out
    }

    /// Runs what must fail with this status and one sentence that holds all of `parts`.
    #[track_caller]
    fn fails(&self, words: &str, status: i32, parts: &[&str]) -> Ended {
        let ended = self.run(words);
        ended.failed(status, parts);
        ended
    }

    /// A run of 20 steps in `run`.
    fn trained(&self) -> &Self {
        self.works(&format!("train energy --data toy:moons:200 --out run --steps 20 {TINY}"));
        self
    }
}

/// How a command ended.
struct Ended {
    words: String,
    status: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    fn of(mut command: Command, words: &str) -> Self {
        let output = command.output().expect("the program starts");
        Self::from_output(output, words)
    }

    fn from_output(output: Output, words: &str) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Self { words: words.into(), status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The last line of standard error is the one error; nothing in it speaks of a panic.
    #[track_caller]
    fn failed(&self, status: i32, parts: &[&str]) {
        let Self { words, err, .. } = self;
        assert_eq!(self.status, Some(status), "{words}: {err}");
        let errors: Vec<&str> = err.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{words}: one error, not: {err}");
        for part in parts {
            assert!(errors[0].contains(part), "{words}: `{part}` is not in: {}", errors[0]);
        }
        assert!(!err.contains("panicked") && !err.contains("RUST_BACKTRACE"), "{words}: {err}");
    }
}

/// The bytes of an NPY file: its header's dictionary, and what follows.
fn npy(header: &str, body: &[u8]) -> Vec<u8> {
    let mut header = header.to_string();
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(body);
    bytes
}

/// The lines of `metrics.jsonl` without what depends on the clock.
fn metrics(path: &Path) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let text = std::fs::read_to_string(path).expect("metrics.jsonl");
    let parse = |line: &str| {
        let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).expect("one object a line");
        assert!(object.remove("seconds").is_some_and(|s| s.is_number()), "{line}");
        object
    };
    text.lines().map(parse).collect()
}
