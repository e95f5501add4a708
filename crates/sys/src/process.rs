//! Processes: who one is, beyond a pid that will be reused, and whether it lives.
//!
//! Uses pidfds on Linux.

use crate::sys::platform::process as leaf;
use crate::{BorrowedHandle, Handle, Result};
use std::fmt;

/// A process, told apart from every other that had or will have its pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProcessIdentity {
    /// The process id.
    pub pid: u32,
    /// When it started, in ticks of the machine since boot.
    pub start: u64,
    /// Which boot of the machine that was.
    pub boot: u128,
}

impl ProcessIdentity {
    /// This process.
    pub fn current() -> Result<ProcessIdentity> {
        ProcessIdentity::of(std::process::id())
    }

    /// The process that has `pid` now.
    pub fn of(pid: u32) -> Result<ProcessIdentity> {
        leaf::identity(pid)
    }
}

impl fmt::Display for ProcessIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pid)
    }
}

/// What a platform has to provide for [`Process`].
pub(crate) trait ProcessOps: Sized {
    fn open(pid: u32) -> Result<Self>;
    fn from_handle(handle: Handle) -> Self;
    fn is_alive(&self) -> bool;
    fn handle(&self) -> BorrowedHandle<'_>;
}

/// A hold on one process: it means that process for ever, even after its death.
#[derive(Debug)]
pub struct Process {
    pub(crate) leaf: leaf::ProcessLeaf,
    identity: ProcessIdentity,
}

impl Process {
    /// Opens the process that has `pid` now.
    pub fn open(pid: u32) -> Result<Process> {
        let leaf = leaf::ProcessLeaf::open(pid)?;
        // Read after the hold exists: if the process still lives then, this is its identity.
        let identity = ProcessIdentity::of(pid)?;
        if !leaf.is_alive() {
            return Err(crate::Error::NoSuchProcess { pid });
        }
        Ok(Process { leaf, identity })
    }

    /// The process of a handle, of which nothing else can be seen from here: its pid
    /// is 0, and its identity differs from that of every process that can be seen.
    pub(crate) fn from_handle(handle: Handle) -> Result<Process> {
        let leaf = leaf::ProcessLeaf::from_handle(handle);
        let identity = ProcessIdentity {
            pid: 0,
            start: 0,
            boot: 0,
        };
        Ok(Process { leaf, identity })
    }

    /// Who it is.
    pub fn identity(&self) -> ProcessIdentity {
        self.identity
    }

    /// Whether it has not exited yet.
    pub fn is_alive(&self) -> bool {
        self.leaf.is_alive()
    }

    /// The handle.
    pub fn handle(&self) -> BorrowedHandle<'_> {
        self.leaf.handle()
    }
}

/// The user this process acts as.
pub fn current_user() -> u32 {
    leaf::current_user()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_child_is_dead_and_a_living_one_has_its_own_identity() {
        let mut child = std::process::Command::new("sleep")
            .arg("100")
            .spawn()
            .unwrap();
        let process = Process::open(child.id()).unwrap();
        assert!(process.is_alive());
        assert_ne!(process.identity(), ProcessIdentity::current().unwrap());
        assert_eq!(process.identity(), ProcessIdentity::of(child.id()).unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!process.is_alive());
    }

    #[test]
    fn a_pid_nobody_has_is_an_error() {
        let error = Process::open(u32::MAX >> 1).unwrap_err();
        assert!(
            matches!(error, crate::Error::NoSuchProcess { .. }),
            "{error}"
        );
    }
}
