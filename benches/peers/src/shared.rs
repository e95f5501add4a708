//! One memfd mapped by both sides: what the floor and the placement check stand on.

use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::Outcome;

/// A shared, writable mapping of a whole memfd, pre-faulted.
pub struct Map {
    base: NonNull<u8>,
    len: usize,
    file: File,
}

impl Map {
    /// Make a memfd of `len` bytes and map it.
    pub fn create(len: usize) -> Outcome<Map> {
        // SAFETY: the name is a C string; the flags are plain.
        let fd = unsafe { libc::memfd_create(c"framebus-peers".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(format!("memfd_create: {}", std::io::Error::last_os_error()).into());
        }
        // SAFETY: the descriptor is fresh and nobody else owns it.
        let file = unsafe { File::from_raw_fd(fd) };
        file.set_len(len as u64)?;
        Map::over(file, len)
    }

    /// Map the memfd that another process described with [`Map::address`].
    pub fn open(address: &str) -> Outcome<Map> {
        let file = File::options().read(true).write(true).open(address)?;
        let len = usize::try_from(file.metadata()?.len())?;
        Map::over(file, len)
    }

    fn over(file: File, len: usize) -> Outcome<Map> {
        // SAFETY: a new mapping at an address of the kernel's choice; fd and length belong together.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_POPULATE,
                file.as_raw_fd(),
                0,
            )
        };
        match NonNull::new(base.cast::<u8>()) {
            Some(base) if base.as_ptr().cast() != libc::MAP_FAILED => Ok(Map { base, len, file }),
            _ => Err(format!("mmap of {len} bytes: {}", std::io::Error::last_os_error()).into()),
        }
    }

    /// Where another process of the same user finds this memfd while we live.
    pub fn address(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
    }

    /// A 32-bit word both sides may read and write.
    pub fn word(&self, offset: usize) -> &AtomicU32 {
        assert!(
            offset.is_multiple_of(4) && offset + 4 <= self.len,
            "no word at {offset} of {}",
            self.len
        );
        // SAFETY: in range and aligned (asserted); the mapping lives as long as `self`; both sides
        // touch these bytes through atomics only.
        unsafe { &*self.base.as_ptr().add(offset).cast::<AtomicU32>() }
    }

    /// A 64-bit word both sides may read and write.
    pub fn word64(&self, offset: usize) -> &AtomicU64 {
        assert!(
            offset.is_multiple_of(8) && offset + 8 <= self.len,
            "no word at {offset} of {}",
            self.len
        );
        // SAFETY: as for `word`.
        unsafe { &*self.base.as_ptr().add(offset).cast::<AtomicU64>() }
    }

    /// The bytes of one slot, for the side that may write them now.
    ///
    /// # Safety
    /// The protocol must give the caller this range alone until it hands it over.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn bytes_mut(&self, offset: usize, len: usize) -> &mut [u8] {
        assert!(
            offset.checked_add(len).is_some_and(|end| end <= self.len),
            "slot at {offset} beyond {}",
            self.len
        );
        // SAFETY: in range (asserted); sole use is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr().add(offset), len) }
    }

    /// The bytes of one slot, for a side that may read them now.
    ///
    /// # Safety
    /// The protocol must keep the other side from writing this range while the slice is used.
    pub unsafe fn bytes(&self, offset: usize, len: usize) -> &[u8] {
        assert!(
            offset.checked_add(len).is_some_and(|end| end <= self.len),
            "slot at {offset} beyond {}",
            self.len
        );
        // SAFETY: in range (asserted); that nobody writes is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr().add(offset), len) }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping made in `over`; no reference outlives `self`.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}
