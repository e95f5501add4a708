//! Every Rust file of a package is compiled: none is forgotten when a module goes.

use super::source::{Source, closing, find_word};
use super::{Finding, Tree};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::Path;

/// Files of the workspace's packages that no target reaches.
pub fn dead_files(tree: &Tree) -> Vec<Finding> {
    let inside = |path: &Path| {
        Some(
            path.strip_prefix(tree.root)
                .ok()?
                .to_string_lossy()
                .replace('\\', "/"),
        )
    };
    let mut roots = Vec::new();
    let mut folders = Vec::new();
    for package in tree.packages.iter().filter(|package| package.is_member) {
        let folder = package.manifest.parent().and_then(inside);
        folders.extend(folder.map(|folder| format!("{folder}/")));
        roots.extend(package.roots.iter().filter_map(|root| inside(root)));
    }
    unreached(&tree.sources, &folders, &roots)
}

fn unreached(sources: &[Source], folders: &[String], roots: &[String]) -> Vec<Finding> {
    let by_path: HashMap<&str, &Source> = sources
        .iter()
        .map(|source| (source.path.as_str(), source))
        .collect();
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<(String, bool)> = roots.iter().map(|root| (root.clone(), true)).collect();
    while let Some((path, is_root)) = waiting.pop() {
        let Some(source) = by_path.get(path.as_str()) else {
            continue;
        };
        if reached.insert(path) {
            let next = references(source, is_root);
            waiting.extend(next.into_iter().map(|path| (path, false)));
        }
    }
    let is_ours = |source: &&Source| {
        source.is_rust() && folders.iter().any(|folder| source.path.starts_with(folder))
    };
    sources
        .iter()
        .filter(is_ours)
        .filter(|source| !reached.contains(&source.path))
        .map(|source| {
            Finding::new(
                "dead-file",
                &source.path,
                0,
                "no module or target reaches it",
            )
        })
        .collect()
}

/// The files that one file may pull in, whether they exist or not.
fn references(source: &Source, is_root: bool) -> Vec<String> {
    let (folder, name) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
    // Modules of `a/b.rs` lie in `a/b/`, those of a root or of `a/b/mod.rs` beside it.
    let home = if is_root || name == "mod.rs" {
        folder.to_owned()
    } else {
        format!("{folder}/{}", name.trim_end_matches(".rs"))
    };
    let mut files = module_files(source, 0..source.code.len(), &home, folder);
    for at in find_word(&source.code, "include") {
        let line = source.text[at..].lines().next().unwrap_or_default();
        files.extend(literal(line).map(|file| normal(folder, file)));
    }
    files
}

/// Files of the `mod` items in a range of the code, inline modules included.
fn module_files(source: &Source, range: Range<usize>, home: &str, folder: &str) -> Vec<String> {
    let code = &source.code[..range.end];
    let mut files = Vec::new();
    let mut done = range.start;
    for at in find_word(code, "mod") {
        if at < done {
            continue;
        }
        let name = code[at + 3..].trim_start();
        let length = name
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(name.len());
        let end = code.len() - name.len() + length;
        let (name, rest) = (&name[..length], code[end..].trim_start());
        if rest.starts_with(';') {
            match path_attribute(source, at) {
                Some(path) => files.push(normal(folder, path)),
                None => {
                    files.push(format!("{home}/{name}.rs"));
                    files.push(format!("{home}/{name}/mod.rs"));
                }
            }
        } else if rest.starts_with('{') {
            let open = code.len() - rest.len();
            let close = closing(code, open).unwrap_or(code.len());
            files.extend(module_files(
                source,
                open + 1..close,
                &format!("{home}/{name}"),
                folder,
            ));
            done = close;
        }
    }
    files
}

/// The value of `#[path = "..."]` before the `mod` at `at`, if it has one.
fn path_attribute(source: &Source, at: usize) -> Option<&str> {
    // The item begins after the end of the one before it.
    let start = source.code[..at]
        .rfind([';', '}', '{'])
        .map_or(0, |end| end + 1);
    let attribute = start + find_word(&source.code[start..at], "path").next()?;
    literal(&source.text[attribute..at])
}

/// The first string literal of a text.
fn literal(text: &str) -> Option<&str> {
    text.split('"').nth(1)
}

/// `folder` joined with a path that may go up.
fn normal(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> = files
            .iter()
            .map(|(path, text)| Source::new(path, text))
            .collect();
        let findings = unreached(&sources, &["c/".to_owned()], &["c/src/lib.rs".to_owned()]);
        findings.into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn follows_modules_of_every_form() {
        let root = "mod a;\npub(crate) mod b;\nmod inline { mod d; }\n\
                    #[cfg(x)]\n#[path = \"odd/e.rs\"]\nmod f;\n";
        let files = [
            ("c/src/lib.rs", root),
            ("c/src/a.rs", "mod g; include!(\"../data/h.rs\");"),
            ("c/src/a/g.rs", ""),
            ("c/src/b/mod.rs", "mod i;"),
            ("c/src/b/i.rs", ""),
            ("c/src/inline/d.rs", ""),
            ("c/src/odd/e.rs", ""),
            ("c/data/h.rs", ""),
            ("other/x.rs", ""),
        ];
        assert_eq!(dead(&files), Vec::<String>::new());
    }

    #[test]
    fn finds_a_file_that_nothing_reaches() {
        let files = [
            ("c/src/lib.rs", "// mod a;\nmod b;"),
            ("c/src/a.rs", ""),
            ("c/src/b.rs", ""),
            ("c/src/b.txt", ""),
            ("c/src/left/over.rs", "mod b;"),
        ];
        assert_eq!(dead(&files), ["c/src/a.rs", "c/src/left/over.rs"]);
    }
}
