//! What a peer could try with the handles it was given.

use framebus_sys::{BorrowedHandle, Handle};
use rustix::fs::{FallocateFlags, MemfdFlags, Mode, OFlags, SealFlags};
use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
use std::os::fd::{AsFd, AsRawFd};

type Outcome = Result<(), Errno>;

fn map(handle: BorrowedHandle<'_>, protection: ProtFlags) -> Result<*mut std::ffi::c_void, Errno> {
    let flags = MapFlags::SHARED;
    // SAFETY: a new mapping where the kernel likes; whoever writes through it knows why.
    unsafe { rustix::mm::mmap(std::ptr::null_mut(), 4096, protection, flags, handle, 0) }
}

fn unmap(start: *mut std::ffi::c_void) {
    // SAFETY: the mapping that was just made, and nobody else knows.
    let _ = unsafe { rustix::mm::munmap(start, 4096) };
}

fn map_writable(handle: BorrowedHandle<'_>) -> Outcome {
    map(handle, ProtFlags::READ | ProtFlags::WRITE).map(unmap)
}

fn protect_writable(handle: BorrowedHandle<'_>) -> Outcome {
    let start = map(handle, ProtFlags::READ)?;
    // SAFETY: the mapping that was just made.
    let result =
        unsafe { rustix::mm::mprotect(start, 4096, MprotectFlags::READ | MprotectFlags::WRITE) };
    unmap(start);
    result
}

fn reopened(handle: BorrowedHandle<'_>) -> Result<Handle, Errno> {
    let path = format!("/proc/self/fd/{}", handle.as_raw_fd());
    rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
}

fn reopen_and_map(handle: BorrowedHandle<'_>) -> Outcome {
    map_writable(reopened(handle)?.as_fd())
}

fn reopen_and_write(handle: BorrowedHandle<'_>) -> Outcome {
    rustix::io::pwrite(reopened(handle)?, b"!", 0).map(drop)
}

fn write(handle: BorrowedHandle<'_>) -> Outcome {
    rustix::io::pwrite(handle, b"!", 0).map(drop)
}

fn punch(handle: BorrowedHandle<'_>) -> Outcome {
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(handle, flags, 0, 4096)
}

fn shrink(handle: BorrowedHandle<'_>) -> Outcome {
    rustix::fs::ftruncate(handle, 0)
}

fn grow(handle: BorrowedHandle<'_>) -> Outcome {
    rustix::fs::ftruncate(handle, 1 << 30)
}

fn seal(handle: BorrowedHandle<'_>) -> Outcome {
    rustix::fs::fcntl_add_seals(handle, SealFlags::WRITE)
}

/// Tries one thing on a segment's handle.
type Attack = fn(BorrowedHandle<'_>) -> Outcome;

/// Tries everything that would change a segment behind its owner's back; gives the name of
/// each attack, and whether it worked.
pub fn attack(handle: BorrowedHandle<'_>) -> Vec<(&'static str, bool)> {
    let attacks: [(&str, Attack); 9] = [
        ("map", map_writable),
        ("mprotect", protect_writable),
        ("reopen-map", reopen_and_map),
        ("reopen-write", reopen_and_write),
        ("write", write),
        ("punch", punch),
        ("shrink", shrink),
        ("grow", grow),
        ("seal", seal),
    ];
    let tried = attacks.map(|(name, attack)| (name, attack(handle).is_ok()));
    tried.to_vec()
}

/// Makes the shared file description block, and fills it; gives how many bytes went in.
pub fn fill_without_nonblock(handle: BorrowedHandle<'_>) -> usize {
    let _ = rustix::io::ioctl_fionbio(handle, false);
    let flags = rustix::net::SendFlags::DONTWAIT | rustix::net::SendFlags::NOSIGNAL;
    let mut sent = 0;
    while let Ok(bytes) = rustix::net::send(handle, &[1; 4096], flags) {
        sent += bytes;
    }
    sent
}

/// A handle of something that is no memory at all.
pub fn foreign_handle() -> Handle {
    std::fs::File::open("/dev/null").expect("/dev/null").into()
}

/// Memory of `size` bytes with the given seals (none, or the two of size).
pub fn plain_memory(size: u64, seal_size: bool) -> Handle {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memory = rustix::fs::memfd_create("framebus-fake", flags).expect("memfd");
    rustix::fs::ftruncate(&memory, size).expect("ftruncate");
    if seal_size {
        let seals = SealFlags::GROW | SealFlags::SHRINK;
        rustix::fs::fcntl_add_seals(&memory, seals).expect("seals");
    }
    memory
}

/// What [`grip`] writes.
pub const GRIP: u8 = 9;

/// Maps a segment for writing, past the library, writes its first byte and never lets go.
pub fn grip(handle: BorrowedHandle<'_>) {
    let start = map(handle, ProtFlags::READ | ProtFlags::WRITE).expect("nothing forbids it yet");
    // SAFETY: the mapping that was just made, and is never unmapped.
    unsafe { start.cast::<u8>().write_volatile(GRIP) };
}
