//! `kill-run`: the fault harness for a long time.

use crate::options::Options;
use crate::process::{self, Outcome};
use crate::workspace::Workspace;
use std::time::Instant;

/// What "done" asks of one run.
const DEFAULT_KILLS: u32 = 10_000;

/// Runs the harness with `--kills N`, optimised, and says how long it took.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let mut options = Options::new(arguments);
    let kills = options.value::<u32>("--kills")?.unwrap_or(DEFAULT_KILLS);
    options.finish()?;
    let harness = [
        "run",
        "--release",
        "-p",
        "framebus-testing",
        "--bin",
        "fault-harness",
        "--",
    ];
    let start = Instant::now();
    process::run(
        process::cargo(&workspace.root)
            .args(harness)
            .args(["--kills", &kills.to_string()]),
    )?;
    println!(
        "{kills} kills in {:.1} minutes",
        start.elapsed().as_secs_f64() / 60.0
    );
    Ok(())
}
