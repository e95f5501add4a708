//! `test`: all tests that need no other toolchain, in one table.

use crate::options::Options;
use crate::process::Outcome;
use crate::steps::{self, When};
use crate::workspace::Workspace;

/// Runs the steps marked [`When::Test`].
pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    Options::new(arguments).finish()?;
    println!(
        "Builds the workspace and runs its unit, integration and doc tests, the ring under loom,\n\
         and the fault harness with a few hundred kills. Installs ffmpeg through apt when it is\n\
         missing and this is root; otherwise says how."
    );
    steps::run(workspace, "test", |when| when == When::Test)
}
