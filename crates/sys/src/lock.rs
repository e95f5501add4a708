//! Locks between processes on files that are never removed.
//!
//! Uses POSIX record locks on Linux: the kernel drops them with the process, says
//! who holds one, and does not pass them on to a forked child.

use crate::Result;
use crate::sys::platform::lock as leaf;
use std::path::Path;

/// What a platform has to provide for [`FileLock`].
pub(crate) trait LockOps: Sized {
    fn acquire(path: &Path) -> Result<std::result::Result<Self, u32>>;
    fn holder(path: &Path) -> Result<Option<u32>>;
    fn read(&self) -> Result<Vec<u8>>;
    fn write(&self, bytes: &[u8]) -> Result<()>;
}

/// An exclusive hold on a file, until drop or death.
///
/// One process must not open the same lock file twice: the operating system gives a
/// record lock up when any handle of the file is closed. The caller keeps a table.
#[derive(Debug)]
pub struct FileLock(leaf::LockLeaf);

impl FileLock {
    /// Takes the lock on `path`, creating the file if need be; the holder's pid if
    /// another process has it.
    pub fn acquire(path: &Path) -> Result<std::result::Result<FileLock, u32>> {
        Ok(leaf::LockLeaf::acquire(path)?.map(FileLock))
    }

    /// The pid of the other process that holds the lock on `path`, if one does.
    pub fn holder(path: &Path) -> Result<Option<u32>> {
        leaf::LockLeaf::holder(path)
    }

    /// What the file says.
    pub fn read(&self) -> Result<Vec<u8>> {
        self.0.read()
    }

    /// Replaces what the file says. A reader may find something behind it that was there
    /// before.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        self.0.write(bytes)
    }
}
