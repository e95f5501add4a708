//! Processes by pidfd; identities from /proc.

use super::channel::wait_readable;
use crate::process::{ProcessIdentity, ProcessOps};
use crate::{BorrowedHandle, Error, Handle, Result};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct ProcessLeaf(Handle);

impl ProcessOps for ProcessLeaf {
    fn open(pid: u32) -> Result<Self> {
        let none = Error::NoSuchProcess { pid };
        let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
            return Err(none);
        };
        match rustix::process::pidfd_open(raw, PidfdFlags::empty()) {
            Ok(fd) => Ok(ProcessLeaf(fd)),
            Err(Errno::SRCH | Errno::INVAL) => Err(none),
            Err(e) => Err(Error::system("pidfd_open", e)),
        }
    }

    fn from_handle(handle: Handle) -> Self {
        ProcessLeaf(handle)
    }

    fn is_alive(&self) -> bool {
        // A pidfd becomes readable when its process has exited.
        !wait_readable(self.0.as_fd(), Duration::ZERO).unwrap_or(false)
    }

    fn handle(&self) -> BorrowedHandle<'_> {
        self.0.as_fd()
    }
}

impl AsFd for ProcessLeaf {
    fn as_fd(&self) -> BorrowedHandle<'_> {
        self.0.as_fd()
    }
}

/// The boot id as a number; 0 where /proc does not tell.
fn boot() -> u128 {
    static BOOT: OnceLock<u128> = OnceLock::new();
    *BOOT.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        u128::from_str_radix(&text.trim().replace('-', ""), 16).unwrap_or(0)
    })
}

/// The start time of a process: field 22 of its stat line, which follows a name in
/// parentheses that may itself hold blanks and parentheses.
fn start_ticks(stat: &str) -> Option<u64> {
    let after_name = &stat[stat.rfind(')')? + 1..];
    after_name.split_ascii_whitespace().nth(19)?.parse().ok()
}

pub(crate) fn identity(pid: u32) -> Result<ProcessIdentity> {
    let stat =
        std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::NoSuchProcess { pid },
            // It died between the opening and the reading of the file.
            _ if e.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => {
                Error::NoSuchProcess { pid }
            }
            _ => Error::system("read of /proc/PID/stat", e),
        })?;
    let start = start_ticks(&stat).ok_or(Error::NoSuchProcess { pid })?;
    Ok(ProcessIdentity {
        pid,
        start,
        boot: boot(),
    })
}

pub(crate) fn current_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Ends this process as SIGKILL from outside would.
#[cfg(feature = "fault-injection")]
pub(crate) fn kill_self() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}

/// Stops this process until somebody continues it.
#[cfg(feature = "fault-injection")]
pub(crate) fn stop_self() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_with_parentheses_does_not_confuse_the_start_time() {
        let line = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 9";
        assert_eq!(super::start_ticks(line), Some(4711));
        assert_eq!(super::start_ticks("7 no name"), None);
    }
}
