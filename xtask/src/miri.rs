//! `miri`: undefined behaviour looked for in everything that makes no system call.

use crate::options::Options;
use crate::process::{self, Failure, Outcome};
use crate::workspace::Workspace;
use std::process::Command;

/// What Miri can run: the package, and which of its tests.
const RUNS: &[&[&str]] = &[
    &["-p", "framebus-frame", "--lib"],
    &["-p", "framebus", "--lib", "ring::"],
];

/// Installs Miri for nightly if need be, then runs each of [`RUNS`].
pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    Options::new(arguments).finish()?;
    let root = &workspace.root;
    let has_miri =
        || process::output(process::nightly_cargo(root).args(["miri", "--version"])).is_ok();
    if !has_miri() {
        let mut rustup = process::command("rustup", root);
        rustup.args([
            "component",
            "add",
            "--toolchain",
            "nightly",
            "miri",
            "rust-src",
        ]);
        process::run(&mut rustup).map_err(|failure| {
            Failure::new(format!(
                "{failure}\nMiri needs nightly: `rustup toolchain install nightly --component \
                 miri,rust-src`"
            ))
        })?;
    }
    for arguments in RUNS {
        process::count_tests(cargo(workspace, arguments).args(["--", "--list"]))?;
        process::run(&mut cargo(workspace, arguments))?;
    }
    Ok(())
}

fn cargo(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut cargo = process::nightly_cargo(&workspace.root);
    cargo
        .env("CARGO_TARGET_DIR", workspace.target.join("miri"))
        // Proptest looks for files of earlier failures, and a few cases are slow enough here.
        .env(
            "MIRIFLAGS",
            "-Zmiri-disable-isolation -Zmiri-strict-provenance",
        )
        .env("PROPTEST_CASES", "8")
        .args(["miri", "test"])
        .args(arguments);
    cargo
}
