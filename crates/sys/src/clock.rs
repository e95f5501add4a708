//! The clock that all processes of one machine share.
//!
//! Uses CLOCK_MONOTONIC on Linux.

/// Nanoseconds since some moment before this machine's processes started.
///
/// The same in every process of the machine; never goes backwards; stands still
/// while the machine sleeps.
#[inline]
pub fn monotonic_ns() -> u64 {
    crate::sys::platform::clock::monotonic_ns()
}
