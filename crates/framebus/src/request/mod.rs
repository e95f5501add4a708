//! Requests: "I want a picture now", with bytes that say which.

mod answer;
mod ask;

use std::fmt;

/// Bytes that are kept in place up to the size that travels in a request's own line.
#[derive(Clone)]
pub(crate) enum RequestBytes {
    Short([u8; crate::ring::page::INLINE_REQUEST], u8),
    Long(Vec<u8>),
}

impl RequestBytes {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            RequestBytes::Short(bytes, len) => &bytes[..usize::from(*len)],
            RequestBytes::Long(bytes) => bytes,
        }
    }
}

/// A subscriber's request for a frame.
///
/// Answer it with [`FrameMut::reply`](crate::FrameMut::reply) or
/// [`Publisher::decline`](crate::Publisher::decline). If it is dropped instead, the
/// requester waits until its own timeout.
pub struct Request {
    pub(crate) key: u64,
    pub(crate) id: u32,
    pub(crate) pid: u32,
    pub(crate) bytes: RequestBytes,
}

impl Request {
    /// Tells the requests of one subscriber apart.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What the subscriber sent along, up to 4096 bytes, as it was when it was read.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// The process that asks.
    pub fn subscriber_pid(&self) -> u32 {
        self.pid
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("id", &self.id)
            .field("pid", &self.pid)
            .field("len", &self.bytes().len())
            .finish()
    }
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an abandoned request got no answer"]
pub enum Answered {
    /// The requester has it.
    Delivered,
    /// The requester is gone, or no longer waits for this answer.
    Abandoned,
}
