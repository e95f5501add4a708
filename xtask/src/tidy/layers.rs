//! Who may know whom.

use super::{Finding, Tree};
use crate::metadata::Package;

/// The packages of this workspace that each one may depend on. Tests may use more.
const LAYERS: &[(&str, &[&str])] = &[
    ("framebus-frame", &[]),
    ("framebus-sys", &[]),
    ("framebus", &["framebus-frame", "framebus-sys"]),
    // The frame model is part of the library's public face.
    ("framebus-cli", &["framebus", "framebus-frame"]),
    (
        "framebus-testing",
        &["framebus", "framebus-frame", "framebus-sys"],
    ),
    ("xtask", &[]),
];

/// Dependencies between members that the table does not have.
pub fn wrong_layers(tree: &Tree) -> Vec<Finding> {
    let members: Vec<&Package> = tree
        .packages
        .iter()
        .filter(|package| package.is_member)
        .collect();
    members
        .iter()
        .flat_map(|package| wrong_in(package, &members))
        .collect()
}

fn wrong_in(package: &Package, members: &[&Package]) -> Vec<Finding> {
    let name = &package.name;
    let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| layer == name) else {
        let text = "a new package: say in xtask/src/tidy/layers.rs whom it may know";
        return vec![Finding::new("layers", name, 0, text)];
    };
    let is_wrong = |dependency: &&String| {
        members.iter().any(|member| member.name == **dependency)
            && !allowed.contains(&dependency.as_str())
    };
    let wrong = package.dependencies.iter().filter(is_wrong);
    wrong
        .map(|other| Finding::new("layers", name, 0, format!("may not know {other}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            version: "0.1.0".to_owned(),
            licence: None,
            is_member: true,
            manifest: "Cargo.toml".into(),
            roots: Vec::new(),
            dependencies: dependencies.iter().map(|name| name.to_string()).collect(),
        }
    }

    #[test]
    fn the_operating_system_never_sees_a_frame() {
        let frame = package("framebus-frame", &["serde"]);
        let sys = package("framebus-sys", &["framebus-frame", "libc"]);
        let new = package("framebus-new", &[]);
        let members = [&frame, &sys, &new];
        assert!(wrong_in(&frame, &members).is_empty());
        let texts: Vec<String> = wrong_in(&sys, &members)
            .iter()
            .map(|f| f.to_string())
            .collect();
        assert_eq!(
            texts,
            ["framebus-sys: [layers] may not know framebus-frame"]
        );
        assert_eq!(wrong_in(&new, &members).len(), 1);
    }
}
