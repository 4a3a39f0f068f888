//! The program; its words are in [`cli::arguments`].

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
