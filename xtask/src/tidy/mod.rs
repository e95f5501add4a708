//! `tidy`: the source itself is tested. One rule, one function, one file per kind of rule.
//!
//! A rule reads the tracked files and returns what it found. What must stay although a rule
//! forbids it stands in `xtask/tidy-allow.txt`, with its reason.

mod allow;
mod copies;
mod layers;
pub mod licences;
mod links;
mod manifests;
mod modules;
mod platform;
mod size;
mod source;
mod text;

use crate::metadata::{self, Package};
use crate::options::Options;
use crate::process::{self, Failure, Outcome};
use crate::workspace::Workspace;
use source::Source;
use std::fmt;
use std::path::Path;

/// Something that a rule forbids.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    rule: &'static str,
    /// The file, from the root of the repository, or the package for rules about packages.
    place: String,
    /// From 1; 0 where no line is to blame.
    line: usize,
    text: String,
}

impl Finding {
    fn new(rule: &'static str, place: &str, line: usize, text: impl Into<String>) -> Finding {
        Finding {
            rule,
            place: place.to_owned(),
            line,
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: [{}] {}", self.place, self.rule, self.text),
            line => write!(f, "{}:{line}: [{}] {}", self.place, self.rule, self.text),
        }
    }
}

/// Everything that the rules look at.
pub struct Tree<'a> {
    root: &'a Path,
    sources: Vec<Source>,
    packages: Vec<Package>,
}

/// Every rule.
const RULES: &[fn(&Tree) -> Vec<Finding>] = &[
    text::whitespace,
    text::unfinished,
    text::absolute_paths,
    platform::platform_cfg,
    platform::std_atomics,
    size::long_files,
    size::long_functions,
    copies::copied_blocks,
    modules::dead_files,
    manifests::workspace_lints,
    links::dead_links,
    layers::wrong_layers,
    licences::unknown_licences,
];

/// The verb: no arguments.
pub fn verb(workspace: &Workspace, arguments: &[String]) -> Outcome {
    Options::new(arguments).finish()?;
    run(workspace)
}

/// Applies every rule; fails with the list of what was found.
pub fn run(workspace: &Workspace) -> Outcome {
    let root = workspace.root.as_path();
    let tree = Tree {
        root,
        sources: tracked(root)?,
        packages: metadata::read(root)?,
    };
    let allowed = allow::read(root)?;
    let findings = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    let left = allow::filter(&allowed, findings);
    if left.is_empty() {
        println!("{} files, {} rules: tidy", tree.sources.len(), RULES.len());
        return Ok(());
    }
    let list: Vec<String> = left.iter().map(Finding::to_string).collect();
    Err(Failure::new(format!(
        "{} found\n{}",
        left.len(),
        list.join("\n")
    )))
}

/// The tracked text files that are there; a file deleted but not yet committed is not.
fn tracked(root: &Path) -> Outcome<Vec<Source>> {
    let list = process::output(
        // The checkout may belong to another user than the one who checks it.
        process::command("git", root).args(["-c", "safe.directory=*", "ls-files", "-z"]),
    )?;
    let names = list.split('\0').filter(|name| !name.is_empty());
    Ok(names.filter_map(|name| Source::read(root, name)).collect())
}
