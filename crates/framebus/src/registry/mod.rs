//! How streams are found by name.
//!
//! A name belongs to whoever holds the lock on its lock file, which is never removed;
//! only that holder binds the socket beside it. So a killed publisher leaves nothing
//! that a later one trips over: the operating system takes its lock away.

mod list;
mod name;

pub use list::{StreamInfo, list};
pub(crate) use name::StreamName;

use crate::error::{ErrorKind, Result};
use framebus_sys::channel::Listener;
use framebus_sys::lock::FileLock;
use framebus_sys::process::ProcessIdentity;
use framebus_sys::runtime_dir;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock files that this process holds: opening one of them a second time would
/// lose its lock (see `framebus_sys::lock`).
static HELD: Mutex<BTreeMap<PathBuf, Record>> = Mutex::new(BTreeMap::new());

fn held() -> MutexGuard<'static, BTreeMap<PathBuf, Record>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a lock file says about its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    name: String,
    epoch: u32,
    pid: u32,
    start: u64,
}

impl Record {
    const FIRST_LINE: &'static str = "framebus stream 1";

    fn to_text(&self) -> String {
        let Record {
            name,
            epoch,
            pid,
            start,
        } = self;
        format!(
            "{}\nname {name}\nepoch {epoch}\npid {pid}\nstart {start}\n",
            Self::FIRST_LINE
        )
    }

    /// The record that a file holds; `None` if it was never written, or by nobody we know.
    fn parse(text: &[u8]) -> Option<Record> {
        let text = std::str::from_utf8(text).ok()?;
        let mut lines = text.lines();
        if lines.next()? != Self::FIRST_LINE {
            return None;
        }
        let mut field = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
        Some(Record {
            name: field("name")?.to_owned(),
            epoch: field("epoch")?.parse().ok()?,
            pid: field("pid")?.parse().ok()?,
            start: field("start")?.parse().ok()?,
        })
    }
}

/// The hold on a name. Given up on drop; by the operating system on death.
#[derive(Debug)]
pub(crate) struct Claim {
    name: StreamName,
    directory: PathBuf,
    lock_path: PathBuf,
    epoch: u32,
    /// In an `Option` so that drop can order its end before that of the table entry.
    lock: Option<FileLock>,
    owner: u32,
}

impl Claim {
    /// Takes a name, or says who has it.
    pub(crate) fn take(name: StreamName) -> Result<Claim> {
        let directory = runtime_dir::open()?;
        let lock_path = directory.join(name.lock_file());
        let taken = |pid| ErrorKind::AlreadyExists {
            name: name.as_str().to_owned(),
            pid,
        };
        let mut held = held();
        if held.contains_key(&lock_path) {
            return Err(taken(std::process::id()).into());
        }
        let lock = FileLock::acquire(&lock_path)?.map_err(taken)?;
        let before = Record::parse(&lock.read()?).map_or(0, |record| record.epoch);
        let epoch = match before.wrapping_add(1) {
            0 => 1,
            epoch => epoch,
        };
        let identity = ProcessIdentity::current()?;
        let record = Record {
            name: name.as_str().to_owned(),
            epoch,
            pid: identity.pid,
            start: identity.start,
        };
        lock.write(record.to_text().as_bytes())?;
        held.insert(lock_path.clone(), record);
        let owner = std::process::id();
        Ok(Claim {
            name,
            directory,
            lock_path,
            epoch,
            lock: Some(lock),
            owner,
        })
    }

    /// Starts to listen under the name.
    pub(crate) fn listen(&self) -> Result<Listener> {
        Ok(Listener::bind(&self.directory, &self.name.socket_file())?)
    }

    /// Counts the publishers that have held this name.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    pub(crate) fn name(&self) -> &StreamName {
        &self.name
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.owner != std::process::id() {
            // A forked child has inherited the value, not the name.
            return;
        }
        let mut held = held();
        // While the lock is still ours; afterwards it may be somebody else's socket.
        remove(&self.directory.join(self.name.socket_file()));
        self.lock = None;
        held.remove(&self.lock_path);
    }
}

fn remove(path: &Path) {
    // Gone already, or a directory that was removed: either is what was wanted.
    let _ = std::fs::remove_file(path);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_anything_else_is_none() {
        let record = Record {
            name: "a/b.c-d_e".into(),
            epoch: 7,
            pid: 42,
            start: 99,
        };
        let text = record.to_text();
        assert_eq!(Record::parse(text.as_bytes()), Some(record));
        for cut in 0..text.len() - 2 {
            assert_eq!(Record::parse(&text.as_bytes()[..cut]), None, "cut at {cut}");
        }
        assert_eq!(Record::parse(b"\xFF\xFE"), None);
        assert_eq!(
            Record::parse(b"framebus stream 2\nname x\nepoch 1\npid 1\nstart 1\n"),
            None
        );
    }
}
