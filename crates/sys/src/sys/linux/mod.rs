//! Linux: memfd, Unix sockets, futex, pidfd, epoll.

pub(crate) mod bell;
pub(crate) mod channel;
pub(crate) mod clock;
pub mod handle;
pub(crate) mod lock;
pub(crate) mod machine;
pub(crate) mod pollable;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod runtime_dir;
pub(crate) mod segment;
pub(crate) mod watcher;
