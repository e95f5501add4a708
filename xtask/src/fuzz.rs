//! `fuzz`: every fuzz target for some seconds.

use crate::options::Options;
use crate::process::{self, Failure, Outcome};
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};

/// How long each target runs when nobody says.
const DEFAULT_SECONDS: u32 = 60;

/// Runs all targets of `fuzz/`, or the one named by `--target`.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let mut options = Options::new(arguments);
    let seconds = options
        .value::<u32>("--seconds")?
        .unwrap_or(DEFAULT_SECONDS);
    let only = options.value::<String>("--target")?;
    options.finish()?;
    let tool = cargo_fuzz(workspace)?;
    let folder = workspace.root.join("fuzz");
    let all = targets(&tool, &folder)?;
    let chosen: Vec<&String> = all
        .iter()
        .filter(|name| only.as_ref().is_none_or(|only| only == *name))
        .collect();
    if chosen.is_empty() {
        let wanted = only.unwrap_or_default();
        return Err(Failure::new(format!(
            "no target `{wanted}`; there are: {}",
            all.join(", ")
        )));
    }
    for name in chosen {
        process::run(call(&tool, &folder).args([
            "run",
            name,
            "--",
            &format!("-max_total_time={seconds}"),
        ]))?;
    }
    Ok(())
}

/// Where cargo-fuzz lies: as the user has it, else in the target folder, installed now if need be.
fn cargo_fuzz(workspace: &Workspace) -> Outcome<PathBuf> {
    if process::exists("cargo-fuzz") {
        return Ok("cargo-fuzz".into());
    }
    let tools = workspace.target.join("tools");
    let tool = tools.join("bin").join("cargo-fuzz");
    if !tool.exists() {
        let mut install = process::cargo(&workspace.root);
        install
            .args(["install", "cargo-fuzz", "--locked", "--root"])
            .arg(&tools);
        process::run(&mut install)?;
    }
    Ok(tool)
}

fn targets(tool: &Path, folder: &Path) -> Outcome<Vec<String>> {
    let list = process::output(call(tool, folder).arg("list"))?;
    Ok(list
        .lines()
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(String::from)
        .collect())
}

/// cargo-fuzz under nightly, which it needs for the sanitizer.
fn call(tool: &Path, folder: &Path) -> std::process::Command {
    let mut rustup = process::command("rustup", folder);
    rustup
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .env_remove("RUSTUP_TOOLCHAIN");
    rustup.args(["run", "nightly"]).arg(tool);
    rustup
}
