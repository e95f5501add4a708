//! Errors of the operating-system layer.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// The result of an operating-system operation.
pub type Result<T> = std::result::Result<T, Error>;

/// What the operating system, or a peer behind it, did not do as asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A system call failed.
    System {
        /// The call, and what it was about.
        call: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// There is not enough memory (or file-size allowance) for a segment.
    NoSpace {
        /// The bytes that were asked for.
        bytes: u64,
        /// What the kernel said.
        source: io::Error,
    },
    /// The other end of a channel is closed.
    Closed,
    /// The other end does not take messages as fast as they come.
    WouldBlock,
    /// A peer runs as another user.
    ForeignUser {
        /// The peer's user id.
        uid: u32,
        /// The user id that was expected.
        expected: u32,
    },
    /// A message came without the credentials of its sender.
    NoCredentials,
    /// A message is longer than the receiver's buffer, or carries too many handles.
    Oversized {
        /// The bytes there was room for.
        limit: usize,
    },
    /// A segment that came from a peer is not what it should be.
    BadSegment {
        /// Which property is wrong.
        what: &'static str,
        /// What it is.
        found: u64,
        /// What it should be.
        expected: u64,
    },
    /// The runtime directory cannot be trusted or used.
    RuntimeDir {
        /// The directory.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// No process has this pid (any more).
    NoSuchProcess {
        /// The pid.
        pid: u32,
    },
}

impl Error {
    pub(crate) fn system(call: &'static str, source: impl Into<io::Error>) -> Error {
        Error::System {
            call,
            source: source.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::System { call, source } => write!(f, "{call}: {source}"),
            Error::NoSpace { bytes, source } => {
                write!(f, "no memory for a segment of {bytes} bytes: {source}")
            }
            Error::Closed => write!(f, "the other end is closed"),
            Error::WouldBlock => write!(f, "the other end does not take any more messages"),
            Error::ForeignUser { uid, expected } => {
                write!(f, "the peer runs as user {uid}, not as user {expected}")
            }
            Error::NoCredentials => write!(f, "the message does not say who sent it"),
            Error::Oversized { limit } => {
                write!(
                    f,
                    "the message exceeds {limit} bytes or carries too many handles"
                )
            }
            Error::BadSegment {
                what,
                found,
                expected,
            } => {
                write!(f, "the segment's {what} is {found:#x}, not {expected:#x}")
            }
            Error::RuntimeDir { path, reason } => {
                write!(f, "runtime directory {}: {reason}", path.display())
            }
            Error::NoSuchProcess { pid } => write!(f, "there is no process {pid}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::System { source, .. } | Error::NoSpace { source, .. } => Some(source),
            _ => None,
        }
    }
}
