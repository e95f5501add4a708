//! Pollables as socket pairs.

use super::channel::wait_readable;
use crate::pollable::PollableOps;
use crate::{BorrowedHandle, Error, Handle, Result};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};
use std::os::fd::AsFd;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct PollableLeaf(Handle);

#[derive(Debug)]
pub(crate) struct RingerLeaf(Handle);

impl PollableOps for PollableLeaf {
    type Ringer = RingerLeaf;

    fn pair() -> Result<(Self, Handle)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (a, b) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)
            .map_err(|e| Error::system("socketpair", e))?;
        Ok((PollableLeaf(a), b))
    }

    fn clear(&self) {
        let mut sink = [0u8; 256];
        while let Ok((read, _)) = rustix::net::recv(&self.0, &mut sink, RecvFlags::DONTWAIT) {
            if read < sink.len() {
                return;
            }
        }
    }

    fn wait(&self, timeout: Duration) -> Result<bool> {
        wait_readable(self.0.as_fd(), timeout)
    }

    fn handle(&self) -> BorrowedHandle<'_> {
        self.0.as_fd()
    }

    fn ringer(handle: Handle) -> Result<RingerLeaf> {
        sockopt::socket_type(&handle).map_err(|e| Error::system("SO_TYPE of a ringer", e))?;
        Ok(RingerLeaf(handle))
    }

    fn ring(ringer: &RingerLeaf) {
        // DONTWAIT decides by itself; the flag on the shared file description does not.
        let _ = rustix::net::send(&ringer.0, &[1], SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
    }

    fn ringer_handle(ringer: &RingerLeaf) -> BorrowedHandle<'_> {
        ringer.0.as_fd()
    }
}

/// Implements `AsFd` for a type that has a method giving its pollable's handle.
#[macro_export]
macro_rules! impl_pollable {
    ($type:ty, $handle:ident) => {
        impl ::std::os::fd::AsFd for $type {
            fn as_fd(&self) -> ::std::os::fd::BorrowedFd<'_> {
                self.$handle()
            }
        }
        impl ::std::os::fd::AsRawFd for $type {
            fn as_raw_fd(&self) -> ::std::os::fd::RawFd {
                ::std::os::fd::AsRawFd::as_raw_fd(&self.$handle())
            }
        }
    };
}
