//! The ring under loom: every interleaving, up to a bound.

use crate::process::{self, Outcome};
use crate::workspace::Workspace;
use std::process::Command;
use std::time::Duration;

/// How often loom takes the processor from a thread that could go on. Its authors find that two or
/// three show most faults; four take about half a minute for all models, three a few seconds.
const PREEMPTIONS: &str = "4";

/// Longer than this the models have grown too large for a step that everyone waits for.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Runs the tests of the modules named `ring` with loom's atomics.
pub fn run(workspace: &Workspace) -> Outcome {
    let tests = process::count_tests(&mut cargo(workspace, &["--", "--list"]))?;
    println!("{tests} models");
    process::run_within(&mut cargo(workspace, &[]), LIMIT)
}

fn cargo(workspace: &Workspace, more: &[&str]) -> Command {
    let mut cargo = process::cargo(&workspace.root);
    // Other compiler flags would throw away what the other steps have built: a folder of its own.
    cargo.env("CARGO_TARGET_DIR", workspace.target.join("loom"));
    cargo
        .env("RUSTFLAGS", "--cfg loom")
        .env("LOOM_MAX_PREEMPTIONS", PREEMPTIONS);
    cargo
        .args(["test", "-p", "framebus", "--lib", "--release", "ring"])
        .args(more);
    cargo
}
