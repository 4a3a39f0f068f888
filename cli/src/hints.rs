//! How to do on the command line what the library's errors and verdicts advise: the library knows no flags.

use crate::arguments::Command;

/// Advice of the library, and the words that follow it on the command line.
const ADVICE: [(&str, &str); 18] = [
    ("train one with `impute` = true", "`--set impute=true`"),
    ("leave out `impute`", "`--set impute=false`"),
    ("resume it, or choose another folder", "`--resume`, or `--out FOLDER`"),
    ("choose another folder", "`--out FOLDER`"),
    ("start a new run in another folder", "`--out FOLDER`"),
    ("give their values", "`--given COLUMN=VALUE`, or `--given FILE`"),
    ("`teacher` is not set", "`--set teacher=RUN`"),
    ("or set `score` to", "`--set 'score=[\"…\", \"…\"]'`"),
    ("use a smaller batch or a smaller network", "`--batch-size N`, `--set hidden_width=N`"),
    ("lower the learning rate", "`--set learning_rate=…`"),
    ("train with noise", "`--set noise=0.1`"),
    ("choose another `solver`", "`--solver`"),
    ("use more `steps`", "`--steps`"),
    ("add flow-matching", "`--methods flow-matching,distill`"),
    ("a density needs finite rows", "`--data`"),
    ("leave out the conditioning columns", "`--condition`"),
    ("one expression per column", "`--score EXPR --score EXPR …`"),
    ("needs noise at the start", "`--solver`"),
];

/// Settings that have a flag of their own, in commands that train, and in those that use a model.
const TRAINING: [(&str, &str); 2] = [("steps", "--steps"), ("batch_size", "--batch-size")];
const SAMPLING: [(&str, &str); 2] = [("solver", "--solver"), ("solver_steps", "--steps")];

/// The flags that an error's advice needs, in parentheses; empty where there are none, or where the error names them.
pub fn hint(command: &Command, message: &str) -> String {
    let found = column(command, message).or_else(|| advised(command, message)).or_else(|| setting(command, message));
    found.filter(|_| !message.contains("--")).map_or(String::new(), |words| format!(" ({words})"))
}

/// The column that may become a condition.
fn column(command: &Command, message: &str) -> Option<String> {
    let takes_conditions = matches!(command, Command::Train(_) | Command::Tour(_));
    let rest =
        message.strip_prefix("column `").filter(|_| takes_conditions && message.contains("make it a conditioning column"))?;
    Some(format!("`--condition {}`", rest.split_once('`')?.0))
}

fn advised(command: &Command, message: &str) -> Option<String> {
    let (_, words) = ADVICE.iter().find(|(advice, _)| message.contains(advice))?;
    // In `train` the score is a setting of `stein`.
    match (command, *words) {
        (Command::Train(_), "`--score EXPR --score EXPR …`") => Some("`--set 'score=[\"…\", \"…\"]'`".into()),
        _ => Some((*words).into()),
    }
}

/// "`KEY` is …" and "`KEY` cannot be …", where KEY is a setting.
fn setting(command: &Command, message: &str) -> Option<String> {
    let (key, rest) = message.strip_prefix('`')?.split_once('`')?;
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    // A message that ends in parentheses has the setting's help there.
    if !is_key || message.ends_with(')') || !(rest.starts_with(" is ") || rest.starts_with(" cannot be ")) {
        return None;
    }
    let own: &[(&str, &str)] = match command {
        Command::Train(_) => &TRAINING,
        Command::Sample(_) | Command::Impute(_) | Command::Push(_) | Command::LogDensity(_) => &SAMPLING,
        Command::Tour(_) | Command::Reproduce(_) => &[],
        _ => return None,
    };
    let flag = own.iter().find(|(name, _)| *name == key).map(|(_, flag)| format!("`{flag}`"));
    Some(flag.unwrap_or_else(|| format!("`--set {key}=…`")))
}

/// What a verdict advises to train again with; none where it finds nothing of the kind.
pub fn of_verdict(verdict: &str) -> Option<&'static str> {
    verdict
        .contains("Values are rounded in the reference but not in the samples")
        .then_some("A model that is trained with `--set round=true` rounds its samples in columns of integers.")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::Arguments;

    fn said(command: &str, message: &str) -> String {
        let words = ["pushforward"].into_iter().chain(command.split(' '));
        hint(&Arguments::try_parse_from(words).expect("a command").command, message)
    }

    #[test]
    fn a_setting_is_named_by_its_flag_and_other_words_by_none() {
        let train = "train energy --data a.csv";
        assert_eq!(said(train, "`learning_rate` is -1: it must be above 0"), " (`--set learning_rate=…`)");
        assert_eq!(said(train, "`steps` is 0: it must be at least 1"), " (`--steps`)");
        assert_eq!(said("sample run -n 1 --out a.csv", "`solver_steps` is 0: it must be at least 1"), " (`--steps`)");
        assert_eq!(said("tour --data a.csv", "`steps` is 0: it must be at least 1"), " (`--set steps=…`)");
        let column =
            "column `city` of a.csv holds `Bergen`, which is not a number: correct it, make it a conditioning column, or …";
        assert_eq!(said(train, column), " (`--condition city`)");
        assert_eq!(said("evaluate --reference a.csv --samples b.csv", column), "");
        for plain in ["a.csv is empty", "`a.csv` is not a source of data", "--given: `x` is missing", "`stein` needs a score"] {
            assert_eq!(said(train, plain), "", "{plain}");
        }
    }
}
