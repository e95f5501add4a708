//! Everything that is built may be given on under MIT or Apache-2.0.

use super::{Finding, Tree, allow};
use crate::metadata::{self, Package};
use crate::process::{Failure, Outcome};
use std::path::Path;

/// Licences that ask for no more than their notice. Those that ask for the source of changes (MPL,
/// EPL) or more (LGPL, GPL, AGPL) are not here: whoever links framebus statically would have to
/// mind them.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// Dependencies of the workspace under a licence that is not allowed.
pub fn unknown_licences(tree: &Tree) -> Vec<Finding> {
    tree.packages.iter().filter_map(judge).collect()
}

/// The same for a workspace of its own in `folder`.
pub fn check_folder(folder: &Path, root: &Path) -> Outcome {
    let findings = metadata::read(folder)?.iter().filter_map(judge).collect();
    let left = allow::excuse(&allow::read(root)?, findings);
    if left.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = left.iter().map(Finding::to_string).collect();
    Err(Failure::new(list.join("\n")))
}

fn judge(package: &Package) -> Option<Finding> {
    let text = match &package.licence {
        None => "names no licence".to_owned(),
        Some(text) => match is_allowed(text) {
            Some(true) => return None,
            Some(false) => format!("`{text}` is not allowed"),
            None => format!("`{text}` is no licence expression"),
        },
    };
    Some(Finding::new(
        "licence",
        &package.name,
        0,
        format!("{}: {text}", package.version),
    ))
}

/// Whether an SPDX expression leaves a choice of allowed licences; `None` if it is malformed.
fn is_allowed(expression: &str) -> Option<bool> {
    // Before SPDX expressions a slash stood for OR.
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut left = words.as_slice();
    let verdict = any(&mut left)?;
    left.is_empty().then_some(verdict)
}

/// `all OR all ...`
fn any(words: &mut &[&str]) -> Option<bool> {
    let mut verdict = all(words)?;
    while words.first() == Some(&"OR") {
        *words = &words[1..];
        verdict |= all(words)?;
    }
    Some(verdict)
}

/// `one AND one ...`
fn all(words: &mut &[&str]) -> Option<bool> {
    let mut verdict = one(words)?;
    while words.first() == Some(&"AND") {
        *words = &words[1..];
        verdict &= one(words)?;
    }
    Some(verdict)
}

/// A licence, one WITH an exception, or an expression in brackets.
fn one(words: &mut &[&str]) -> Option<bool> {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let verdict = any(words)?;
            *words = words.strip_prefix(&[")"])?;
            Some(verdict)
        }
        [")" | "OR" | "AND" | "WITH", ..] | [] => None,
        [licence, "WITH", exception, rest @ ..] => {
            *words = rest;
            Some(ALLOWED.contains(&format!("{licence} WITH {exception}").as_str()))
        }
        [licence, rest @ ..] => {
            *words = rest;
            Some(ALLOWED.contains(licence))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_expressions() {
        let cases = [
            ("MIT", Some(true)),
            ("MIT/Apache-2.0", Some(true)),
            ("GPL-3.0-only OR MIT", Some(true)),
            ("MIT AND GPL-3.0-only", Some(false)),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", Some(true)),
            ("MIT OR Apache-2.0 AND AGPL-3.0", Some(true)),
            ("(MIT OR Apache-2.0) AND MPL-2.0", Some(false)),
            ("Apache-2.0 WITH LLVM-exception", Some(true)),
            ("GPL-2.0 WITH Classpath-exception-2.0", Some(false)),
            ("", None),
            ("MIT OR", None),
            ("(MIT", None),
            ("MIT Apache-2.0", None),
            ("MIT)", None),
        ];
        for (expression, expected) in cases {
            assert_eq!(is_allowed(expression), expected, "{expression}");
        }
    }
}
