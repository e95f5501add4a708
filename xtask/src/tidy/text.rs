//! Rules about the text of any file.

use super::source::{Source, find_word};
use super::{Finding, Tree};

/// No tabs, no space at the end of a line, no carriage returns, one newline at the end.
pub fn whitespace(tree: &Tree) -> Vec<Finding> {
    tree.sources
        .iter()
        .filter(|source| !is_foreign(source))
        .flat_map(whitespace_in)
        .collect()
}

/// Files whose bytes are not ours to choose.
fn is_foreign(source: &Source) -> bool {
    // A licence stays as its authors wrote it, a lock file as cargo writes it; tab-separated rows
    // are made of tabs; assets are generated; test data is what it is.
    source.path.starts_with("LICENSE")
        || source.path.ends_with("Cargo.lock")
        || source.path.ends_with(".tsv")
        || source.path.starts_with("assets/")
        || source.is_below("data")
}

fn whitespace_in(source: &Source) -> Vec<Finding> {
    let finding = |line, text: &str| Finding::new("whitespace", &source.path, line, text);
    let mut findings = Vec::new();
    for (index, line) in source.text.split('\n').enumerate() {
        if line.contains('\t') {
            findings.push(finding(index + 1, "a tab"));
        }
        if line.ends_with('\r') {
            findings.push(finding(index + 1, "a carriage return"));
        } else if line.trim_end() != line {
            findings.push(finding(index + 1, "space at the end of the line"));
        }
    }
    if !source.text.is_empty() && (!source.text.ends_with('\n') || source.text.ends_with("\n\n")) {
        findings.push(finding(0, "does not end with exactly one newline"));
    }
    findings
}

/// Marks of work that is not done. Written in two halves, since this file is checked too.
const MARKS: &[&str] = &[
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("TO", "DO"),
];

/// Macros of the same kind.
const MACROS: &[&str] = &[concat!("to", "do!"), concat!("unimple", "mented!")];

/// Nothing that is still to be made, and no test that is switched off.
pub fn unfinished(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().flat_map(unfinished_in).collect()
}

fn unfinished_in(source: &Source) -> Vec<Finding> {
    const CODE: &[&str] = &[".rs", ".toml", ".sh", ".c", ".h", ".py", "/run"];
    if !CODE.iter().any(|end| source.path.ends_with(end)) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut found = |at, word: &str| {
        findings.push(Finding::new(
            "unfinished",
            &source.path,
            source.line(at),
            word,
        ));
    };
    for mark in MARKS {
        find_word(&source.text, mark).for_each(|at| found(at, mark));
    }
    for name in MACROS {
        let bare = name.trim_end_matches('!');
        let is_call = |at: &usize| source.code[*at..].starts_with(name);
        find_word(&source.code, bare)
            .filter(is_call)
            .for_each(|at| found(at, name));
    }
    for at in find_word(&source.code, "ignore") {
        if source.code[..at].trim_end().ends_with("#[") {
            found(at, "an ignored test");
        }
    }
    findings
}

/// Folders that exist on one machine only.
const MACHINE_FOLDERS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
];

/// No path of somebody's machine.
pub fn absolute_paths(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().flat_map(absolute_paths_in).collect()
}

fn absolute_paths_in(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for folder in MACHINE_FOLDERS {
        for (at, _) in source.text.match_indices(folder) {
            // Further parts before it make it the inside of a relative path or of an address.
            let before = source.text[..at].chars().next_back();
            if before.is_none_or(|c| !c.is_alphanumeric() && !"._-/~}".contains(c)) {
                let line = source.line(at);
                findings.push(Finding::new("absolute-path", &source.path, line, *folder));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(findings: &[Finding]) -> Vec<(usize, &str)> {
        findings
            .iter()
            .map(|finding| (finding.line, finding.text.as_str()))
            .collect()
    }

    #[test]
    fn finds_bad_whitespace() {
        let findings = whitespace_in(&Source::new("a.md", "a\tb\nc \nd\r\nok\n\n"));
        assert_eq!(
            texts(&findings),
            [
                (1, "a tab"),
                (2, "space at the end of the line"),
                (3, "a carriage return"),
                (0, "does not end with exactly one newline"),
            ]
        );
        assert!(whitespace_in(&Source::new("a.md", "a\n\nb\n")).is_empty());
        assert!(whitespace_in(&Source::new("a.md", "")).is_empty());
        assert!(is_foreign(&Source::new(
            "benches/peers/results/reference.tsv",
            "a\tb"
        )));
    }

    #[test]
    fn finds_what_is_not_done() {
        let (call, mark) = (MACROS[0], MARKS[0]);
        let text = format!("fn f() {{ {call}() }} // {mark}\n#[ignore]\nfn g() {{}}\n");
        let findings = unfinished_in(&Source::new("a.rs", &text));
        assert_eq!(
            texts(&findings),
            [(1, mark), (1, call), (2, "an ignored test")]
        );
        let fine = "let ignore = \"#[ignore]\"; // ignore it\nlet x = todo_list();\n";
        assert!(unfinished_in(&Source::new("a.rs", fine)).is_empty());
        assert!(unfinished_in(&Source::new("a.md", mark)).is_empty());
    }

    #[test]
    fn finds_paths_of_a_machine() {
        let folder = MACHINE_FOLDERS[0];
        let text = format!("see {folder}x\nsee crates{folder}x\nsee https://a.org{folder}\n");
        assert_eq!(
            texts(&absolute_paths_in(&Source::new("a.md", &text))),
            [(1, folder)]
        );
    }
}
