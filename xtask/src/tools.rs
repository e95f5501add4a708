//! Programs that tests call, installed through apt where that is possible.

use crate::process::{self, Failure, Outcome};
use crate::workspace::Workspace;
use std::path::Path;

/// Programs that the steps start, and the Debian package of each.
const FOR_TESTS: &[(&str, &str)] = &[("git", "git"), ("ffmpeg", "ffmpeg")];

/// Makes sure that everything in [`FOR_TESTS`] can be started.
pub fn ensure_for_tests(workspace: &Workspace) -> Outcome {
    ensure(&workspace.root, FOR_TESTS)
}

/// Installs the packages of those `programs` that are missing, or fails with the command to run.
pub fn ensure(folder: &Path, programs: &[(&str, &str)]) -> Outcome {
    let missing: Vec<&(&str, &str)> = programs
        .iter()
        .filter(|(program, _)| !process::exists(program))
        .collect();
    if missing.is_empty() {
        println!("nothing is missing");
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    if !process::exists("apt-get") || !is_root(folder) {
        let names: Vec<&str> = missing.iter().map(|(program, _)| *program).collect();
        let (names, packages) = (names.join(", "), packages.join(" "));
        return Err(Failure::new(format!(
            "{names}: not installed; on Debian run `sudo apt-get install -y {packages}`"
        )));
    }
    let apt = || {
        let mut apt = process::command("apt-get", folder);
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    // A fresh machine has no package lists. A foreign source that cannot be reached is no reason to
    // stop: the install itself decides.
    if let Err(failure) = process::run(apt().args(["update", "-qq"])) {
        println!("going on without new package lists: {failure}");
    }
    process::run(
        apt()
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(packages),
    )
}

/// Whether this process may install packages and make a chroot.
pub fn is_root(folder: &Path) -> bool {
    process::output(process::command("id", folder).arg("-u")).is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_installed_again() {
        ensure(Path::new("."), &[("sh", "a-package-that-does-not-exist")]).unwrap();
    }
}
