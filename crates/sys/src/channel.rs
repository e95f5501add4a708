//! Message channels between processes: whole messages, handles beside the bytes,
//! and a sender whom the kernel vouches for.
//!
//! Uses Unix sockets of type SEQPACKET with SCM_RIGHTS and SCM_CREDENTIALS on Linux.

use crate::process::Process;
use crate::sys::platform::channel as leaf;
use crate::{BorrowedHandle, Error, Handle, Result};
use std::path::Path;
use std::time::Duration;

/// The most handles one message may carry.
pub const MAX_HANDLES: usize = 4;

/// The process and user that sent a message, as the kernel states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The process; 0 if it lives in a pid namespace that cannot be seen from here.
    pub pid: u32,
    /// The user it ran as.
    pub uid: u32,
}

/// A message that arrived.
#[derive(Debug)]
pub struct Received {
    /// How many bytes of the buffer it fills.
    pub len: usize,
    /// The handles it carried, in order; now ours.
    pub handles: Vec<Handle>,
    /// Who sent it.
    pub sender: Credentials,
}

/// What a platform has to provide for [`Channel`] and [`Listener`].
pub(crate) trait ChannelOps: Sized {
    type Listener;
    fn bind(directory: &Path, name: &str) -> Result<Self::Listener>;
    fn accept(listener: &Self::Listener) -> Result<Option<Self>>;
    fn connect(directory: &Path, name: &str) -> Result<Option<Self>>;
    fn pair() -> Result<(Self, Handle)>;
    fn from_handle(handle: Handle) -> Result<Self>;
    fn into_handle(self) -> Handle;
    fn send(&self, bytes: &[u8], handles: &[BorrowedHandle<'_>]) -> Result<()>;
    fn recv(&self, buffer: &mut [u8]) -> Result<Option<Received>>;
    fn wait_readable(&self, timeout: Duration) -> Result<bool>;
    fn peer(&self) -> Option<Handle>;
    fn shutdown(&self);
}

/// One end of a connection. Never blocks but in [`Channel::wait_readable`].
#[derive(Debug)]
pub struct Channel(pub(crate) leaf::ChannelLeaf);

impl Channel {
    /// Connects to the listener `name` in `directory`; `None` if nobody listens there.
    pub fn connect(directory: &Path, name: &str) -> Result<Option<Channel>> {
        Ok(leaf::ChannelLeaf::connect(directory, name)?.map(Channel))
    }

    /// A connected pair: our end, and a handle for a peer to make its end from.
    pub fn pair() -> Result<(Channel, Handle)> {
        let (ours, theirs) = leaf::ChannelLeaf::pair()?;
        Ok((Channel(ours), theirs))
    }

    /// The end that a handle of [`Channel::pair`] stands for.
    pub fn from_handle(handle: Handle) -> Result<Channel> {
        Ok(Channel(leaf::ChannelLeaf::from_handle(handle)?))
    }

    /// Gives the handle up, to be passed on.
    pub fn into_handle(self) -> Handle {
        self.0.into_handle()
    }

    /// Sends a message with handles, whole or not at all.
    ///
    /// [`Error::WouldBlock`] when the peer does not take its messages.
    pub fn send(&self, bytes: &[u8], handles: &[BorrowedHandle<'_>]) -> Result<()> {
        if handles.len() > MAX_HANDLES {
            return Err(Error::Oversized { limit: MAX_HANDLES });
        }
        self.0.send(bytes, handles)
    }

    /// Takes the next message, `None` if there is none yet.
    ///
    /// [`Error::Closed`] when the peer has closed its end, [`Error::Oversized`] for a
    /// message that does not fit the buffer (it is gone then).
    pub fn recv(&self, buffer: &mut [u8]) -> Result<Option<Received>> {
        self.0.recv(buffer)
    }

    /// Waits until there is something to receive (or the end of it); `false` after `timeout`.
    pub fn wait_readable(&self, timeout: Duration) -> Result<bool> {
        self.0.wait_readable(timeout)
    }

    /// Takes the next message, waiting up to `timeout` for it.
    pub fn recv_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<Option<Received>> {
        let deadline = std::time::Instant::now() + timeout;
        loop {
            if let Some(received) = self.recv(buffer)? {
                return Ok(Some(received));
            }
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() || !self.wait_readable(left)? {
                return Ok(None);
            }
        }
    }

    /// A hold on the process that sent a message over this channel.
    ///
    /// By its pid; and where that cannot be seen, because a pid namespace lies between,
    /// by what the kernel knows about the other end of a connection. That is not known
    /// of a pair, nor before Linux 6.5.
    pub fn process(&self, sender: Credentials) -> Result<Process> {
        if sender.pid != 0 {
            return Process::open(sender.pid);
        }
        let peer = self.0.peer().ok_or(Error::NoSuchProcess { pid: 0 })?;
        Process::from_handle(peer)
    }

    /// Closes the connection for both ends, whoever else holds a copy of the handle.
    pub fn shutdown(&self) {
        self.0.shutdown();
    }
}

/// Sees to it that the child of `command` inherits `handle`, and nobody else's child;
/// gives the text that the child hands to [`inherited`].
pub fn inherit(handle: Handle, command: &mut std::process::Command) -> String {
    leaf::inherit(handle, command)
}

/// The handle that a parent left to this process; `None` if the text names none.
///
/// # Safety
///
/// Nobody else in this process uses that handle, and it is taken only once.
pub unsafe fn inherited(text: &str) -> Option<Handle> {
    // SAFETY: the caller's promise is the one asked for.
    unsafe { leaf::inherited(text) }
}

/// The place where a named connection begins.
#[derive(Debug)]
pub struct Listener(pub(crate) leaf::ListenerLeaf);

impl Listener {
    /// Listens as `name` in `directory`, replacing what a dead process left there.
    ///
    /// The caller holds the lock of that name.
    pub fn bind(directory: &Path, name: &str) -> Result<Listener> {
        Ok(Listener(leaf::ChannelLeaf::bind(directory, name)?))
    }

    /// The next connection, `None` if nobody has come.
    pub fn accept(&self) -> Result<Option<Channel>> {
        Ok(leaf::ChannelLeaf::accept(&self.0)?.map(Channel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    const SECOND: Duration = Duration::from_secs(10);

    #[test]
    fn a_message_arrives_whole_with_its_handles_and_its_sender() {
        let (a, b) = Channel::pair().unwrap();
        let b = Channel::from_handle(b).unwrap();
        let (reader, writer) = std::io::pipe().unwrap();
        let handle = Handle::from(writer);
        a.send(b"hello", &[std::os::fd::AsFd::as_fd(&handle)])
            .unwrap();
        drop(handle);
        let mut buffer = [0; 64];
        let mut received = b.recv_timeout(&mut buffer, SECOND).unwrap().unwrap();
        assert_eq!(&buffer[..received.len], b"hello");
        assert_eq!(received.sender.pid, std::process::id());
        drop(received.handles.pop().unwrap());
        let mut rest = String::new();
        (&reader).read_to_string(&mut rest).unwrap();
        assert!(b.recv(&mut buffer).unwrap().is_none());
    }

    #[test]
    fn a_closed_peer_and_a_long_message_are_told_apart() {
        let (a, b) = Channel::pair().unwrap();
        let b = Channel::from_handle(b).unwrap();
        a.send(&[1; 100], &[]).unwrap();
        assert!(matches!(
            b.recv(&mut [0; 10]),
            Err(Error::Oversized { limit: 10 })
        ));
        drop(a);
        assert!(matches!(b.recv(&mut [0; 10]), Err(Error::Closed)));
    }

    #[test]
    fn a_peer_that_never_reads_does_not_block_the_sender() {
        let (a, _b) = Channel::pair().unwrap();
        let error = (0..100_000)
            .find_map(|_| a.send(&[0; 64], &[]).err())
            .unwrap();
        assert!(matches!(error, Error::WouldBlock), "{error}");
    }
}
