//! The program; its words are in [`arguments`]. Results go to standard output, messages to standard error; an error is one sentence and the exit status 1,
//! or 2 where the command itself is at fault.

mod arguments;
mod bench;
mod console;
mod device;
mod evaluate;
mod hints;
mod impute;
mod list;
mod progress;
mod reproduce;
mod tour;
mod train;
mod trained;
mod typed;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use clap::Parser;
use clap::error::ErrorKind;
use console::Console;
use pushforward::Error;

/// Exit status of a run that Ctrl-C ended, as shells have it.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    // SAFETY: the program has no other thread yet, and the driver's, which end with the instance that is asked for its version, read no
    // variable that is set here.
    pushforward::gpu::prepare_environment(|name, value| unsafe { std::env::set_var(name, value) });
    // A panic is a bug of ours: one sentence that says so and where, for a report.
    std::panic::set_hook(Box::new(|panic| {
        use std::io::Write;
        let _ = writeln!(
            std::io::stderr(),
            "error: this is a bug in pushforward, please report it: {}",
            one_line(&panic.to_string())
        );
    }));
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(e) => {
            // Help goes to standard output, a misuse to standard error.
            let _ = e.print();
            let asked = matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return ExitCode::from(if asked { 0 } else { 2 });
        }
    };
    if matches!(arguments.command, Command::Tour(_)) {
        // SAFETY: as above.
        pushforward::gpu::prepare_side_by_side(|name, value| unsafe { std::env::set_var(name, value) });
    }
    let console = Console::new(&arguments.global);
    match run(&arguments, console) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let cause = e.downcast_ref::<Error>();
            console.error(&sentence(&e, &arguments.command));
            ExitCode::from(match cause {
                Some(Error::Usage(_)) => 2,
                Some(Error::Interrupted { .. }) => INTERRUPTED,
                _ => 1,
            })
        }
    }
}

fn run(arguments: &Arguments, console: Console) -> anyhow::Result<()> {
    let adapter = arguments.global.adapter.as_str();
    match &arguments.command {
        Command::Adapters(args) => list::adapters(args),
        Command::Methods(args) => list::methods(args),
        Command::Train(args) => train::train(args, adapter, console),
        Command::Tour(args) => tour::tour(args, adapter, console),
        Command::Sample(args) => trained::sample(args, adapter, console),
        Command::Impute(args) => impute::impute(args, adapter, console),
        Command::Push(args) => trained::push(args, adapter, console),
        Command::LogDensity(args) => trained::log_density(args, adapter, console),
        Command::Evaluate(args) => evaluate::evaluate(args, adapter, console),
        Command::Reproduce(args) => reproduce::reproduce(args, adapter, console),
        Command::Bench(args) => bench::bench(args, adapter, console),
    }
}

/// The context that we added and then the library's own message, which is complete: its sources would only say it again. What it advises
/// is followed by the flag that does it.
fn sentence(error: &anyhow::Error, command: &Command) -> String {
    let mut parts = Vec::new();
    for cause in error.chain() {
        let mut said = one_line(&cause.to_string());
        if cause.is::<Error>() {
            said += &hints::hint(command, &said);
            parts.push(said);
            break;
        }
        parts.push(said);
    }
    // What happened, and then how to go on.
    if matches!(error.downcast_ref(), Some(Error::Interrupted { .. })) {
        parts.reverse();
        return parts.join("; ");
    }
    parts.join(": ")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
