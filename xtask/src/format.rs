//! `rustfmt` over the workspace and over those that stand beside it.

use crate::process::{self, Failure, Outcome};
use crate::workspace::Workspace;

/// Workspaces of their own, which the root's commands don't reach.
const OTHERS: &[&str] = &["fuzz", "benches/peers"];

/// Fails when rustfmt would change a file, after looking at all of them.
pub fn check(workspace: &Workspace) -> Outcome {
    let root = &workspace.root;
    let mut unformatted = Vec::new();
    let mut check = |place: &str, more: &[&str]| {
        let mut cargo = process::cargo(&root.join(place));
        if process::run(cargo.args(["fmt", "--check"]).args(more)).is_err() {
            unformatted.push(format!("`cargo fmt {}` in {place}", more.join(" ")));
        }
    };
    check(".", &["--all"]);
    for other in OTHERS {
        check(other, &[]);
    }
    if unformatted.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("to do: {}", unformatted.join(", "))))
}
