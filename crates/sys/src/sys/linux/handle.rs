//! What a handle is on Linux.

/// An owned operating-system handle: a file descriptor here.
pub type Handle = std::os::fd::OwnedFd;

/// A borrowed operating-system handle: a file descriptor here.
pub type BorrowedHandle<'a> = std::os::fd::BorrowedFd<'a>;
