//! `bench-peers`: the same work by framebus and by other systems, side by side.

use crate::process::{self, Outcome};
use crate::tidy::licences;
use crate::workspace::Workspace;

/// Checks the licences of the peers, builds them and passes `arguments` on.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let folder = workspace.root.join("benches").join("peers");
    licences::check_folder(&folder, &workspace.root)?;
    let arguments = arguments
        .strip_prefix(&["--".to_owned()])
        .unwrap_or(arguments);
    process::run(
        process::cargo(&folder)
            // Its dependencies are not ours: they are built where they do not grow our folder.
            .env("CARGO_TARGET_DIR", workspace.target.join("peers"))
            .args(["run", "--release", "--locked", "--"])
            .args(arguments),
    )
}
