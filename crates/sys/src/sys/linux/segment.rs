//! Segments as sealed memfds.

use crate::segment::{SegmentKind, SegmentOps};
use crate::{BorrowedHandle, Error, Handle, Result};
use rustix::fs::{FallocateFlags, MemfdFlags, OFlags, SealFlags};
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags};
use std::ops::Range;
use std::os::fd::AsFd;
use std::ptr::NonNull;

#[derive(Debug)]
pub(crate) struct SegmentLeaf(Handle);

/// The seals that make a segment of a kind, in the order FUTURE_WRITE, SEAL last.
fn seals(kind: SegmentKind) -> SealFlags {
    let size = SealFlags::GROW | SealFlags::SHRINK;
    match kind {
        SegmentKind::Live => size | SealFlags::FUTURE_WRITE | SealFlags::SEAL,
        // WRITE and SEAL follow in `freeze`: a SEAL set now would forbid them.
        SegmentKind::Frozen => size,
        SegmentKind::Shared => size | SealFlags::SEAL,
    }
}

/// Whether a file may grow to `bytes`. Asking for more ends the process by SIGXFSZ.
fn within_file_size_limit(bytes: u64) -> bool {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
    limit.is_none_or(|limit| bytes <= limit)
}

fn no_space(bytes: u64, errno: Errno, call: &'static str) -> Error {
    match errno {
        Errno::NOMEM | Errno::NOSPC | Errno::FBIG | Errno::DQUOT | Errno::FAULT => Error::NoSpace {
            bytes,
            source: errno.into(),
        },
        other => Error::system(call, other),
    }
}

/// Bytes that can be had without driving the machine, or this process's control
/// group, out of memory; `None` where neither tells.
fn available_memory() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let machine = meminfo_bytes(&meminfo, "MemAvailable:")?
        + meminfo_bytes(&meminfo, "SwapFree:").unwrap_or(0);
    Some(control_group_left().map_or(machine, |group| group.min(machine)))
}

fn meminfo_bytes(meminfo: &str, field: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim()
        .strip_suffix(" kB")?
        .trim()
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

/// What the memory limit of this process's control group (version 2) leaves.
fn control_group_left() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let number = |file: &str| {
        std::fs::read_to_string(format!("/sys/fs/cgroup/{path}/{file}"))
            .ok()?
            .trim()
            .parse::<u64>()
            .ok()
    };
    // "max" is no number: no limit.
    Some(number("memory.max")?.saturating_sub(number("memory.current")?))
}

impl SegmentOps for SegmentLeaf {
    fn create(label: &str, size: u64) -> Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let fd = match rustix::fs::memfd_create(label, flags | MemfdFlags::NOEXEC_SEAL) {
            // Linux before 6.3 does not know NOEXEC_SEAL.
            Err(Errno::INVAL) => rustix::fs::memfd_create(label, flags),
            result => result,
        }
        .map_err(|e| Error::system("memfd_create", e))?;
        if !within_file_size_limit(size) {
            return Err(no_space(size, Errno::FBIG, "ftruncate of a memfd"));
        }
        rustix::fs::ftruncate(&fd, size).map_err(|e| no_space(size, e, "ftruncate of a memfd"))?;
        Ok(SegmentLeaf(fd))
    }

    fn seal(&self, kind: SegmentKind) -> Result<()> {
        rustix::fs::fcntl_add_seals(&self.0, seals(kind))
            .map_err(|e| Error::system("F_ADD_SEALS", e))
    }

    fn freeze(&self) -> Result<()> {
        for seal in [SealFlags::WRITE, SealFlags::SEAL] {
            rustix::fs::fcntl_add_seals(&self.0, seal)
                .map_err(|e| Error::system("F_ADD_SEALS", e))?;
        }
        Ok(())
    }

    fn from_handle(handle: Handle) -> Self {
        SegmentLeaf(handle)
    }

    fn check(&self, kind: SegmentKind, size: u64) -> Result<()> {
        // F_GET_SEALS fails on anything that is no memfd (or other shmem file).
        let found =
            rustix::fs::fcntl_get_seals(&self.0).map_err(|e| Error::system("F_GET_SEALS", e))?;
        let expected = match kind {
            SegmentKind::Frozen => seals(kind) | SealFlags::WRITE | SealFlags::SEAL,
            SegmentKind::Live | SegmentKind::Shared => seals(kind),
        };
        if !found.contains(expected) {
            return Err(Error::BadSegment {
                what: "seals",
                found: found.bits().into(),
                expected: expected.bits().into(),
            });
        }
        let stat =
            rustix::fs::fstat(&self.0).map_err(|e| Error::system("fstat of a segment", e))?;
        let found = u64::try_from(stat.st_size).unwrap_or(0);
        if found != size {
            return Err(Error::BadSegment {
                what: "size",
                found,
                expected: size,
            });
        }
        let flags = rustix::fs::fcntl_getfl(&self.0).map_err(|e| Error::system("F_GETFL", e))?;
        if flags.contains(OFlags::PATH) {
            return Err(Error::BadSegment {
                what: "open flags",
                found: flags.bits().into(),
                expected: 0,
            });
        }
        Ok(())
    }

    fn map(&self, size: usize, writable: bool) -> Result<NonNull<u8>> {
        let protection = if writable {
            ProtFlags::READ | ProtFlags::WRITE
        } else {
            ProtFlags::READ
        };
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let start = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                size,
                protection,
                MapFlags::SHARED,
                &self.0,
                0,
            )
        }
        .map_err(|e| no_space(size as u64, e, "mmap of a segment"))?;
        if writable {
            // A forked child that kept a writable view would be a second writer.
            // SAFETY: the range is the mapping just made.
            unsafe { rustix::mm::madvise(start, size, Advice::LinuxDontFork) }
                .map_err(|e| Error::system("MADV_DONTFORK", e))?;
        }
        NonNull::new(start.cast()).ok_or(Error::system("mmap of a segment", Errno::NOMEM))
    }

    fn commit(&self, range: Range<u64>) -> Result<()> {
        let bytes = range.end - range.start;
        // The kernel would start killing processes rather than refuse.
        if available_memory().is_some_and(|available| bytes > available) {
            return Err(no_space(bytes, Errno::NOMEM, "fallocate of a segment"));
        }
        loop {
            match rustix::fs::fallocate(&self.0, FallocateFlags::empty(), range.start, bytes) {
                Err(Errno::INTR) => continue,
                result => return result.map_err(|e| no_space(bytes, e, "fallocate of a segment")),
            }
        }
    }

    fn handle(&self) -> BorrowedHandle<'_> {
        self.0.as_fd()
    }

    unsafe fn unmap(start: NonNull<u8>, len: usize) {
        // SAFETY: the caller owns the range and promises that nobody uses it.
        let _ = unsafe { rustix::mm::munmap(start.as_ptr().cast(), len) };
    }

    fn populate(start: NonNull<u8>, range: Range<usize>) -> Result<()> {
        // SAFETY: the caller checked that the range lies inside its mapping.
        let result = unsafe {
            rustix::mm::madvise(
                start.as_ptr().add(range.start).cast(),
                range.len(),
                Advice::LinuxPopulateWrite,
            )
        };
        match result {
            // Linux before 5.14: the pages come at first touch instead.
            Err(Errno::INVAL) => Ok(()),
            result => result.map_err(|e| no_space(range.len() as u64, e, "MADV_POPULATE_WRITE")),
        }
    }
}
