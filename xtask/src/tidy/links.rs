//! Links between the pages of the repository lead somewhere.

use super::source::Source;
use super::{Finding, Tree};
use std::path::Path;

/// Links of markdown files to files that are not there.
pub fn dead_links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree
        .sources
        .iter()
        .filter(|source| source.path.ends_with(".md"))
    {
        let folder = tree
            .root
            .join(&source.path)
            .parent()
            .unwrap_or(tree.root)
            .to_path_buf();
        for (line, target) in targets(source) {
            if !leads_somewhere(&folder, tree.root, &target) {
                let text = format!("no file `{target}`");
                findings.push(Finding::new("dead-link", &source.path, line, text));
            }
        }
    }
    findings
}

fn leads_somewhere(folder: &Path, root: &Path, target: &str) -> bool {
    let file = target.split(['#', '?']).next().unwrap_or_default();
    match file.strip_prefix('/') {
        Some(from_root) => root.join(from_root).exists(),
        None => folder.join(file).exists(),
    }
}

/// The targets of `[text](target)` and `[name]: target` that mean a file, with their lines.
fn targets(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in source.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.extend(
                line_targets(&without_code(line))
                    .into_iter()
                    .map(|t| (index + 1, t)),
            );
        }
    }
    found
}

fn line_targets(line: &str) -> Vec<String> {
    let inline = line.match_indices("](").filter_map(|(at, _)| {
        let rest = &line[at + 2..];
        Some(&rest[..rest.find(')')?])
    });
    let definition = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "));
    inline
        .chain(definition.map(|(_, target)| target))
        .filter_map(file_part)
        .collect()
}

/// The target without its title; `None` for addresses and for places on the same page.
fn file_part(target: &str) -> Option<String> {
    let target = target.split_whitespace().next()?.trim_matches(['<', '>']);
    let is_address = target.contains("://") || target.starts_with("mailto:");
    (!is_address && !target.starts_with('#')).then(|| target.to_owned())
}

/// The line with its `code` blanked.
fn without_code(line: &str) -> String {
    let parts = line.split('`').enumerate();
    parts
        .map(|(index, part)| if index % 2 == 0 { part } else { " " })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_links_to_files_alone() {
        let text = "see [a](docs/a.md#part) and ![b](<b.png> \"title\") [c](https://c.org)\n\
                    `[d](d.md)` [e](#here)\n```\n[f](f.md)\n```\n[g]: ../g.md\n[h](mailto:h)\n";
        let found = targets(&Source::new("README.md", text));
        let found: Vec<_> = found
            .iter()
            .map(|(line, target)| (*line, target.as_str()))
            .collect();
        assert_eq!(found, [(1, "docs/a.md#part"), (1, "b.png"), (6, "../g.md")]);
    }

    #[test]
    fn a_link_leads_to_a_file_or_folder() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = root.join("src");
        assert!(leads_somewhere(&folder, root, "main.rs#L3"));
        assert!(leads_somewhere(&folder, root, "../Cargo.toml"));
        assert!(leads_somewhere(&folder, root, "/src/tidy"));
        assert!(!leads_somewhere(&folder, root, "none.rs"));
    }
}
