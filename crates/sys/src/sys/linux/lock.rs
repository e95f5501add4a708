//! File locks as POSIX record locks.

use crate::lock::LockOps;
use crate::{Error, Result};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Flock, FlockType};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

#[derive(Debug)]
pub(crate) struct LockLeaf(File);

/// The longest content of a lock file that is read.
const MAX_CONTENT: usize = 4096;

impl LockOps for LockLeaf {
    fn acquire(path: &Path) -> Result<std::result::Result<Self, u32>> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|e| Error::system("open of a lock file", e))?;
        // Twice is enough: between the refusal and the question the holder may have died.
        for _ in 0..2 {
            match rustix::fs::fcntl_lock(&fd, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Ok(LockLeaf(File::from(fd)))),
                Err(Errno::AGAIN | Errno::ACCESS) => {}
                Err(e) => return Err(Error::system("F_SETLK", e)),
            }
            if let Some(pid) = holder_of(&fd)? {
                return Ok(Err(pid));
            }
        }
        Ok(Err(0))
    }

    fn holder(path: &Path) -> Result<Option<u32>> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(fd) => holder_of(&fd),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(Error::system("open of a lock file", e)),
        }
    }

    fn read(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; MAX_CONTENT];
        let len = self
            .0
            .read_at(&mut bytes, 0)
            .map_err(|e| Error::system("read of a lock file", e))?;
        bytes.truncate(len);
        Ok(bytes)
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        let failed = |e| Error::system("write of a lock file", e);
        // In this order: whenever this ends, the file begins with a whole old content or
        // a whole new one.
        self.0.write_all_at(bytes, 0).map_err(failed)?;
        self.0.set_len(bytes.len() as u64).map_err(failed)
    }
}

fn holder_of(fd: impl std::os::fd::AsFd) -> Result<Option<u32>> {
    let found = rustix::process::fcntl_getlk(fd, &Flock::from(FlockType::WriteLock))
        .map_err(|e| Error::system("F_GETLK", e))?;
    // A holder in another pid namespace has no pid here: it shows as 0.
    Ok(found.map(|lock| lock.pid.map_or(0, |pid| pid.as_raw_nonzero().get() as u32)))
}
