//! Rules that keep systems in their leaves and atomics behind the shim.

use super::source::{Source, closing, find_word};
use super::{Finding, Tree};

/// The only folders inside the packages where code may ask which system it runs on.
const PLATFORM_FOLDERS: &[&str] = &["sys", "gdi", "tests"];

/// Words that ask for a system inside `cfg(...)`.
const PLATFORM_WORDS: &[&str] = &["target_os", "target_family", "unix", "windows"];

/// Where std's atomics may be named: the shim itself, and the layer below it.
const ATOMIC_PLACES: &[&str] = &["crates/framebus/src/sync.rs", "crates/sys/"];

/// Platform conditions stand in platform folders alone.
pub fn platform_cfg(tree: &Tree) -> Vec<Finding> {
    let concerned = |source: &&Source| is_in_crates(source) && !is_platform_place(source);
    tree.sources
        .iter()
        .filter(concerned)
        .flat_map(platform_cfg_in)
        .collect()
}

fn is_in_crates(source: &Source) -> bool {
    source.path.starts_with("crates/") && source.is_rust()
}

/// Whether the file lies in a platform folder inside its package, or in the package gdi. The
/// package sys is named like such a folder, but its faces are bound by the rule as well.
fn is_platform_place(source: &Source) -> bool {
    let inside = source.path.splitn(3, '/').nth(2).unwrap_or_default();
    let in_folder = inside
        .rsplit('/')
        .skip(1)
        .any(|part| PLATFORM_FOLDERS.contains(&part));
    in_folder || inside == "build.rs" || source.path.starts_with("crates/gdi/")
}

fn platform_cfg_in(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in ["cfg", "cfg_attr", "cfg!"] {
        for at in find_word(&source.code, name.trim_end_matches('!')) {
            let open = at + name.len();
            let is_condition =
                source.code[at..].starts_with(name) && source.code[open..].starts_with('(');
            if !is_condition {
                continue;
            }
            let end = closing(&source.code, open).unwrap_or(source.code.len());
            let condition = &source.code[open..end];
            for word in PLATFORM_WORDS {
                if find_word(condition, word).next().is_some() {
                    let line = source.line(at);
                    let text = format!("{name}({word}) outside sys/, gdi/ and tests/");
                    findings.push(Finding::new("platform-cfg", &source.path, line, text));
                }
            }
        }
    }
    findings
}

/// Atomics are the shim's, so that loom can take their place.
pub fn std_atomics(tree: &Tree) -> Vec<Finding> {
    let concerned = |source: &&Source| {
        is_in_crates(source)
            && !ATOMIC_PLACES
                .iter()
                .any(|place| source.path.starts_with(place))
    };
    tree.sources
        .iter()
        .filter(concerned)
        .flat_map(std_atomics_in)
        .collect()
}

fn std_atomics_in(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for root in ["std", "core"] {
        for at in find_word(&source.code, root) {
            let rest = &source.code[at..];
            let end = rest.find(';').unwrap_or(rest.len());
            let path: String = rest[..end].chars().filter(|c| !c.is_whitespace()).collect();
            if names_atomics(&path, root) {
                let line = source.line(at);
                let text = format!("{root}::sync::atomic; use the sync shim of framebus");
                findings.push(Finding::new("std-atomic", &source.path, line, text));
            }
        }
    }
    findings
}

/// Whether a path or use tree that starts at `root` has `root::sync::atomic` in it.
fn names_atomics(path: &str, root: &str) -> bool {
    use_tree(path).iter().any(|path| {
        let mut parts = path.split("::");
        (parts.next(), parts.next(), parts.next()) == (Some(root), Some("sync"), Some("atomic"))
    })
}

/// The full paths of a use tree without spaces: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn use_tree(tree: &str) -> Vec<String> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '*';
    let length = tree.find(|c| !is_path(c)).unwrap_or(tree.len());
    let (prefix, rest) = tree.split_at(length);
    if !rest.starts_with('{') {
        return vec![prefix.to_owned()];
    }
    let Some(end) = closing(rest, 0) else {
        return vec![prefix.to_owned()];
    };
    let mut paths = Vec::new();
    for branch in split_branches(&rest[1..end]) {
        paths.extend(
            use_tree(branch)
                .into_iter()
                .map(|path| format!("{prefix}{path}")),
        );
    }
    paths
}

/// Splits at the commas that stand in no inner braces.
fn split_branches(list: &str) -> Vec<&str> {
    let mut depth = 0;
    let splits = |c| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    };
    list.split(splits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(rule: fn(&Source) -> Vec<Finding>, text: &str) -> usize {
        rule(&Source::new("crates/a/src/b.rs", text)).len()
    }

    #[test]
    fn finds_platform_conditions() {
        for bad in [
            "#[cfg(target_os = \"linux\")]",
            "#[cfg(all(unix, feature = \"x\"))]",
            "#![cfg_attr(windows, allow(dead_code))]",
            "if cfg!(target_family = \"unix\") {}",
        ] {
            assert_eq!(count(platform_cfg_in, bad), 1, "{bad}");
        }
        for good in [
            "#[cfg(test)]",
            "#[cfg(feature = \"unix\")]",
            "// #[cfg(unix)]",
            "let unix = cfg(3) + windows;",
            "#[cfg(target_pointer_width = \"32\")]",
        ] {
            assert_eq!(count(platform_cfg_in, good), 0, "{good}");
        }
    }

    #[test]
    fn the_package_sys_has_faces_too() {
        let is_place = |path| is_platform_place(&Source::new(path, ""));
        assert!(!is_place("crates/sys/src/segment.rs"));
        assert!(is_place("crates/sys/src/sys/linux/segment.rs"));
        assert!(is_place("crates/gdi/src/dc.rs"));
        assert!(is_place("crates/cli/tests/pub.rs"));
        assert!(is_place("crates/cli/build.rs"));
        assert!(!is_place("crates/cli/src/tests.rs"));
    }

    #[test]
    fn finds_atomics_however_they_are_imported() {
        for bad in [
            "use std::sync::atomic::AtomicU32;",
            "use core::sync::atomic;",
            "use std::{io, sync::{Arc, atomic::{AtomicU32, Ordering}}};",
            "let x = std :: sync ::\n atomic::AtomicBool::new(true);",
        ] {
            assert_eq!(count(std_atomics_in, bad), 1, "{bad}");
        }
        for good in [
            "use crate::sync::atomic::AtomicU32;",
            "use std::sync::{Arc, Mutex};",
            "// std::sync::atomic",
            "use loom::sync::atomic::AtomicU32;",
            "use std::{sync::Arc, atomic::x};",
        ] {
            assert_eq!(count(std_atomics_in, good), 0, "{good}");
        }
    }
}
