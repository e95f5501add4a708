//! The directory in which the processes of one user find each other.
//!
//! Linux: `$FRAMEBUS_RUNTIME_DIR`, else `$XDG_RUNTIME_DIR/framebus`, else
//! `/tmp/framebus-UID`; made with mode 0700 and refused if it belongs to anybody
//! else or anybody else may enter it.

use crate::Result;
use crate::sys::platform::runtime_dir as leaf;
use std::path::PathBuf;
use std::time::Duration;

/// The environment variable that sets the directory.
pub const VARIABLE: &str = "FRAMEBUS_RUNTIME_DIR";

/// The runtime directory, made if it is missing and checked.
pub fn open() -> Result<PathBuf> {
    let path = leaf::path();
    leaf::ensure(&path)?;
    Ok(path)
}

/// Waits for something to appear in, or change in, a directory.
#[derive(Debug)]
pub struct Changes(pub(crate) leaf::ChangesLeaf);

impl Changes {
    /// Starts to look.
    pub fn of(directory: &std::path::Path) -> Result<Changes> {
        Ok(Changes(leaf::ChangesLeaf::of(directory)?))
    }

    /// Waits for the next change; `false` after `timeout`.
    pub fn wait(&self, timeout: Duration) -> Result<bool> {
        self.0.wait(timeout)
    }
}
