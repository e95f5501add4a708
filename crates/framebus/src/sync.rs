//! The atomics of this crate, so that loom can put its own in their place.
//!
//! Nothing else in the crate names `std::sync::atomic`; `cargo xtask tidy` sees to it.

#![allow(
    clippy::disallowed_types,
    reason = "this is the shim that all others go through"
)]

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, Ordering, fence};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, Ordering, fence};

// Flags between threads of one process, outside what loom checks.
pub(crate) use std::sync::atomic::AtomicBool;

/// Tells the processor, and loom, that this thread waits for another.
#[inline]
pub(crate) fn spin_hint() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    std::hint::spin_loop();
}

/// Loads a word of a page that this process may have mapped read-only.
///
/// Relaxed and then a fence, not an acquire load: only relaxed loads are guaranteed
/// to be plain reads on memory that cannot be written.
#[inline]
pub(crate) fn load_acquire(word: &AtomicU32) -> u32 {
    let value = word.load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    value
}
