//! `assets`: man pages and shell completions, kept in the repository, written by the command.

use crate::options::Options;
use crate::process::{self, Failure, Outcome};
use crate::workspace::Workspace;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What `framebus generate` can write; each kind lies in a folder of its own.
const KINDS: &[&str] = &["man", "completions"];

/// Writes the assets, or with `--check` compares them.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let mut options = Options::new(arguments);
    let only_check = options.flag("--check");
    options.finish()?;
    if only_check {
        return check(workspace);
    }
    let assets = workspace.root.join("assets");
    for kind in KINDS {
        let folder = assets.join(kind);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| failed("remove", &folder, &error))?;
        }
    }
    generate(workspace, &assets)
}

/// Fails when the assets differ from what the command generates now.
pub fn check(workspace: &Workspace) -> Outcome {
    let fresh = workspace.target.join("assets");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(|error| failed("remove", &fresh, &error))?;
    }
    generate(workspace, &fresh)?;
    let mut differences = Vec::new();
    for kind in KINDS {
        let kept = read_folder(&workspace.root.join("assets").join(kind))?;
        let made = read_folder(&fresh.join(kind))?;
        if made.is_empty() {
            return Err(Failure::new(format!(
                "`framebus generate {kind}` wrote no file"
            )));
        }
        differences.extend(compare(kind, &kept, &made));
    }
    if differences.is_empty() {
        return Ok(());
    }
    let list = differences.join("\n  ");
    Err(Failure::new(format!(
        "run `cargo xtask assets`; not current:\n  {list}"
    )))
}

fn generate(workspace: &Workspace, folder: &Path) -> Outcome {
    for kind in KINDS {
        let to = folder.join(kind);
        fs::create_dir_all(&to).map_err(|error| failed("make", &to, &error))?;
        process::run(
            process::cargo(&workspace.root)
                .args([
                    "run",
                    "--quiet",
                    "--release",
                    "-p",
                    "framebus-cli",
                    "--",
                    "generate",
                    kind,
                ])
                .arg(&to),
        )?;
    }
    Ok(())
}

type Files = BTreeMap<String, Vec<u8>>;

/// The files of one folder by name; no folder is no files.
fn read_folder(folder: &Path) -> Outcome<Files> {
    let mut files = Files::new();
    if !folder.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder).map_err(|error| failed("list", folder, &error))? {
        let path = entry
            .map_err(|error| failed("list", folder, &error))?
            .path();
        let bytes = fs::read(&path).map_err(|error| failed("read", &path, &error))?;
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        files.insert(name, bytes);
    }
    Ok(files)
}

fn compare(kind: &str, kept: &Files, made: &Files) -> Vec<String> {
    let changed = made
        .iter()
        .filter_map(|(name, bytes)| match kept.get(name) {
            None => Some(format!("{kind}/{name} is missing")),
            Some(old) if old != bytes => Some(format!("{kind}/{name} differs")),
            Some(_) => None,
        });
    let extra = kept.keys().filter(|name| !made.contains_key(*name));
    changed
        .chain(extra.map(|name| format!("{kind}/{name} is no longer generated")))
        .collect()
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(pairs: &[(&str, &str)]) -> Files {
        pairs
            .iter()
            .map(|(name, text)| (name.to_string(), text.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn tells_missing_changed_and_left_over_files() {
        let kept = files(&[("same.1", "a"), ("old.1", "b"), ("changed.1", "c")]);
        let made = files(&[("same.1", "a"), ("changed.1", "d"), ("new.1", "e")]);
        assert_eq!(
            compare("man", &kept, &made),
            [
                "man/changed.1 differs",
                "man/new.1 is missing",
                "man/old.1 is no longer generated"
            ]
        );
        assert!(compare("man", &kept, &kept).is_empty());
    }
}
