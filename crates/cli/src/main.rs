//! The command `framebus`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;
use framebus_cli::args::Cli;

fn main() -> ExitCode {
    match Cli::parse().verb.run() {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads from us has what they wanted.
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            let hint = error.hint().map(|hint| format!(" ({hint})"));
            eprintln!("framebus: error: {error}{}", hint.unwrap_or_default());
            ExitCode::from(error.exit_code())
        }
    }
}
