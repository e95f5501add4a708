//! Every package takes its lints from the workspace.

use super::{Finding, Tree};

/// `[lints] workspace = true` stands in the manifest of every member.
pub fn workspace_lints(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.packages.iter().filter(|package| package.is_member) {
        let text = std::fs::read_to_string(&package.manifest).unwrap_or_default();
        if !inherits_lints(&text) {
            let place = package
                .manifest
                .strip_prefix(tree.root)
                .unwrap_or(&package.manifest);
            let text = "lacks `[lints]` with `workspace = true`";
            findings.push(Finding::new("lints", &place.to_string_lossy(), 0, text));
        }
    }
    findings
}

fn inherits_lints(manifest: &str) -> bool {
    let mut section = "";
    manifest.lines().any(|line| {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.starts_with('[') {
            section = line;
        }
        let bare: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        (section == "[lints]" && bare == "workspace=true") || bare == "lints.workspace=true"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_spellings() {
        assert!(inherits_lints(
            "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"
        ));
        assert!(inherits_lints(
            "lints.workspace = true # all of them\n[package]\n"
        ));
        assert!(!inherits_lints("[package]\nworkspace = true\n"));
        assert!(!inherits_lints(
            "[lints]\n# workspace = true\n[lints.rust]\nworkspace = true\n"
        ));
    }
}
