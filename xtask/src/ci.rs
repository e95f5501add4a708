//! `ci`: everything that must pass before a change goes in.

use crate::options::Options;
use crate::process::Outcome;
use crate::steps;
use crate::workspace::Workspace;

/// Runs every step of the table.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    Options::new(arguments).finish()?;
    steps::run(workspace, "ci", |_| true)
}
