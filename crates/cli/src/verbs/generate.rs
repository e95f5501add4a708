//! `generate`: man pages and shell completions, from the definitions that parse the arguments.

use std::fs;
use std::path::PathBuf;

use clap::{CommandFactory as _, ValueEnum};
use clap_complete::Shell;

use crate::args::Cli;
use crate::error::CliError;

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to write
    pub what: What,
    /// The folder to write to; it is made where it does not exist
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// What can be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// One page per verb, for section 1
    Man,
    /// For bash, zsh, fish, elvish and PowerShell
    Completions,
}

/// Writes the files.
///
/// # Errors
/// When the folder cannot be made or written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let folder = &args.folder;
    let cannot_write = || CliError::io(format!("cannot write to {}", folder.display()));
    fs::create_dir_all(folder).map_err(cannot_write())?;
    let mut command = Cli::command().disable_help_subcommand(true);
    match args.what {
        What::Completions => {
            for shell in Shell::value_variants() {
                clap_complete::generate_to(*shell, &mut command, "framebus", folder)
                    .map_err(cannot_write())?;
            }
        }
        What::Man => {
            clap_mangen::generate_to(command, folder).map_err(cannot_write())?;
        }
    }
    Ok(())
}
