//! What the operating system gives framebus: memory that several processes have
//! mapped, messages that carry handles, wakes, and the identity and death of
//! processes.
//!
//! Each public file is the platform-free face of one thing; the file of the same
//! name below `sys/linux/` is its leaf and implements a crate-private trait, so
//! that the signatures of two platforms cannot drift apart. Nothing here knows
//! what a frame is.

pub mod bell;
pub mod channel;
pub mod clock;
mod error;
#[cfg(feature = "fault-injection")]
pub mod fault;
pub mod lock;
pub mod machine;
pub mod pollable;
pub mod process;
mod random;
pub mod runtime_dir;
pub mod segment;
mod sys;
pub mod volatile;
pub mod watcher;

pub use error::{Error, Result};
pub use random::random;
pub use sys::platform::handle::{BorrowedHandle, Handle};

/// Stops the process at a named point of the protocol when a test asked for it.
///
/// Compiles to nothing without the feature `fault-injection`.
#[macro_export]
macro_rules! fault_point {
    ($name:literal) => {
        #[cfg(feature = "fault-injection")]
        $crate::fault::hit($name);
    };
}
