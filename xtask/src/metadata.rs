//! What `cargo metadata` tells about the packages of a workspace and their dependencies.

use crate::process::{self, Failure, Outcome};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// One package: a member of the workspace or something it depends on.
pub struct Package {
    pub name: String,
    pub version: String,
    pub licence: Option<String>,
    /// Members have a folder of ours; the others come from a registry.
    pub is_member: bool,
    pub manifest: PathBuf,
    /// The root file of every library, program, test, bench, example and build script.
    pub roots: Vec<PathBuf>,
    /// Direct dependencies that are not for tests only.
    pub dependencies: Vec<String>,
}

/// Reads the packages of the workspace in `folder`, with every feature and platform.
pub fn read(folder: &Path) -> Outcome<Vec<Package>> {
    let text = process::output(process::cargo(folder).args([
        "metadata",
        "--format-version",
        "1",
        "--all-features",
    ]))?;
    parse(&text)
}

fn parse(text: &str) -> Outcome<Vec<Package>> {
    let json: Value = serde_json::from_str(text)
        .map_err(|error| Failure::new(format!("cargo metadata wrote no JSON: {error}")))?;
    Ok(list(&json, "packages").iter().map(package).collect())
}

fn package(json: &Value) -> Package {
    Package {
        name: string(json, "name"),
        version: string(json, "version"),
        licence: json["license"].as_str().map(String::from),
        is_member: json["source"].is_null(),
        manifest: string(json, "manifest_path").into(),
        roots: list(json, "targets")
            .iter()
            .map(|target| string(target, "src_path").into())
            .collect(),
        dependencies: list(json, "dependencies")
            .iter()
            .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
            .map(|dependency| string(dependency, "name"))
            .collect(),
    }
}

fn list<'a>(json: &'a Value, key: &str) -> &'a [Value] {
    json[key].as_array().map_or(&[], Vec::as_slice)
}

fn string(json: &Value, key: &str) -> String {
    json[key].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_rules_need() {
        let packages = parse(
            r#"{"packages": [{"name": "a", "version": "1.2.3", "license": "MIT", "source": null,
            "manifest_path": "/x/a/Cargo.toml", "targets": [{"src_path": "/x/a/src/lib.rs"}],
            "dependencies": [{"name": "b", "kind": null}, {"name": "t", "kind": "dev"}]}]}"#,
        )
        .unwrap();
        let [package] = packages.as_slice() else {
            panic!("one package")
        };
        assert_eq!(
            (package.name.as_str(), package.version.as_str()),
            ("a", "1.2.3")
        );
        assert_eq!(package.licence.as_deref(), Some("MIT"));
        assert!(package.is_member);
        assert_eq!(package.roots, [PathBuf::from("/x/a/src/lib.rs")]);
        assert_eq!(package.dependencies, ["b"]);
    }

    #[test]
    fn garbage_is_a_failure() {
        assert!(parse("no").is_err());
    }
}
