//! Where the repository and its build folder lie.

use crate::process::{Failure, Outcome};
use std::path::{Path, PathBuf};

/// The repository that the verb works on.
pub struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// The folder cargo builds into: `CARGO_TARGET_DIR`, or `target` in the root.
    pub target: PathBuf,
}

impl Workspace {
    /// Finds the repository by the folder of this package, which cargo passes on.
    pub fn find() -> Outcome<Workspace> {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| {
            Failure::new("start me as `cargo xtask VERB`: CARGO_MANIFEST_DIR is not set")
        })?;
        let root = Path::new(&package)
            .parent()
            .ok_or_else(|| Failure::new(format!("{package:?} has no parent folder")))?
            .to_path_buf();
        // Cargo reads a relative CARGO_TARGET_DIR from where the user stands.
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => std::path::absolute(&folder)
                .map_err(|error| Failure::new(format!("CARGO_TARGET_DIR {folder:?}: {error}")))?,
            None => root.join("target"),
        };
        Ok(Workspace { root, target })
    }
}
