//! The one error of the library.

use framebus_frame::{HeaderError, LayoutError};
use std::fmt;
use std::time::Duration;

/// The result of a framebus operation.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, with the values that were wrong.
///
/// One pointer wide, so that results stay small on the path of a frame.
#[derive(Debug)]
pub struct Error(Box<ErrorKind>);

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A stream name that is none.
    InvalidName {
        /// The name.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// Nobody publishes under this name.
    NotFound {
        /// The name.
        name: String,
    },
    /// Somebody publishes under this name already.
    AlreadyExists {
        /// The name.
        name: String,
        /// The process that has it; 0 if it lives in another pid namespace.
        pid: u32,
    },
    /// The publisher has ended, orderly or not, and everything it published was delivered.
    PublisherGone {
        /// Its pid.
        pid: u32,
    },
    /// The publisher lives but did not answer in time.
    Unresponsive {
        /// Its pid; 0 if even that is not known yet.
        pid: u32,
        /// How long it was waited for.
        waited: Duration,
    },
    /// All leases that this subscriber was granted are in use.
    QuotaExceeded {
        /// How many those are.
        quota: u32,
    },
    /// The publisher would need more slots than it may have to admit this subscriber.
    SlotsExceeded {
        /// Slots that all its subscribers together would need.
        required: u32,
        /// Slots it may have.
        limit: u32,
    },
    /// The publisher has as many subscribers as it takes.
    SubscribersExceeded {
        /// How many that is.
        limit: u32,
    },
    /// No slot can be loaned: others hold them all.
    NoFreeSlot {
        /// Pids of the subscribers that hold slots, and how many each.
        holders: Vec<(u32, usize)>,
    },
    /// There is no memory for the frame.
    NoSpace {
        /// The bytes that were asked for.
        bytes: u64,
    },
    /// A peer runs as another user.
    ForeignUser {
        /// Its user id.
        uid: u32,
        /// Ours.
        expected: u32,
    },
    /// A peer speaks another version of the protocol.
    VersionMismatch {
        /// Its version.
        found: u32,
        /// Ours.
        expected: u32,
    },
    /// A peer does not follow the protocol.
    Protocol {
        /// What it did.
        what: &'static str,
        /// The value that was wrong.
        value: u64,
    },
    /// The header of a frame lies.
    Header(HeaderError),
    /// A frame's sequence does not follow the one before it.
    SequenceWentBack {
        /// The sequence its header states.
        found: u64,
        /// The sequence that was delivered last.
        last: u64,
    },
    /// The layout is impossible, or is not what this stream can carry.
    Layout(LayoutError),
    /// User metadata is too long.
    MetadataTooLong {
        /// Its length.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// A request is too long.
    RequestTooLong {
        /// Its length.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// The publisher declined a request.
    Declined {
        /// The reason it gave.
        reason: String,
    },
    /// No answer came in time; the request is cancelled.
    TimedOut {
        /// How long it was waited for.
        waited: Duration,
    },
    /// This lossless subscriber was too slow: the publisher no longer waits for it.
    /// Said once; what follows may have gaps.
    Demoted,
    /// An option is out of its range.
    InvalidOption {
        /// The option.
        option: &'static str,
        /// The value.
        value: u64,
        /// What it may be.
        range: (u64, u64),
    },
    /// A ticket that is none, or one that was used before.
    InvalidTicket {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// All fifteen segments of the stream are held by leases on frames of other sizes.
    SegmentsExhausted {
        /// Pids of the subscribers that hold slots, and how many each.
        holders: Vec<(u32, usize)>,
    },
    /// The operating system refused something.
    System(framebus_sys::Error),
}

impl Error {
    /// What kind of error this is.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Error {
        Error(Box::new(kind))
    }
}

impl From<framebus_sys::Error> for Error {
    fn from(error: framebus_sys::Error) -> Error {
        match error {
            framebus_sys::Error::NoSpace { bytes, .. } => ErrorKind::NoSpace { bytes },
            framebus_sys::Error::ForeignUser { uid, expected } => {
                ErrorKind::ForeignUser { uid, expected }
            }
            other => ErrorKind::System(other),
        }
        .into()
    }
}

impl From<LayoutError> for Error {
    fn from(error: LayoutError) -> Error {
        ErrorKind::Layout(error).into()
    }
}

impl From<HeaderError> for Error {
    fn from(error: HeaderError) -> Error {
        ErrorKind::Header(error).into()
    }
}

fn write_holders(f: &mut fmt::Formatter<'_>, holders: &[(u32, usize)]) -> fmt::Result {
    for (at, (pid, slots)) in holders.iter().enumerate() {
        write!(
            f,
            "{} process {pid} holds {slots}",
            if at == 0 { ":" } else { "," }
        )?;
    }
    Ok(())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ErrorKind::InvalidName { name, reason } => {
                write!(f, "{name:?} is no stream name: {reason}")
            }
            ErrorKind::NotFound { name } => write!(f, "nobody publishes {name:?}"),
            ErrorKind::AlreadyExists { name, pid } => {
                write!(f, "process {pid} already publishes {name:?}")
            }
            ErrorKind::PublisherGone { pid } => write!(f, "the publisher, process {pid}, is gone"),
            ErrorKind::QuotaExceeded { quota } => {
                write!(f, "all {quota} leases of this subscriber are in use")
            }
            ErrorKind::SlotsExceeded { required, limit } => {
                write!(
                    f,
                    "with this subscriber the stream would need {required} slots, and it may have {limit}"
                )
            }
            ErrorKind::SubscribersExceeded { limit } => {
                write!(f, "the stream has {limit} subscribers, and takes no more")
            }
            ErrorKind::NoFreeSlot { holders } => {
                write!(f, "no free slot")?;
                write_holders(f, holders)
            }
            ErrorKind::NoSpace { bytes } => write!(f, "no memory for {bytes} bytes"),
            ErrorKind::Layout(error) => error.fmt(f),
            ErrorKind::MetadataTooLong { len, limit } => {
                write!(f, "{len} bytes of metadata; the limit is {limit}")
            }
            ErrorKind::RequestTooLong { len, limit } => {
                write!(f, "a request of {len} bytes; the limit is {limit}")
            }
            ErrorKind::TimedOut { waited } => write!(f, "no answer within {waited:?}"),
            ErrorKind::InvalidOption {
                option,
                value,
                range,
            } => {
                write!(f, "{option} {value} is not in {}..={}", range.0, range.1)
            }
            ErrorKind::InvalidTicket { reason } => write!(f, "the ticket is not valid: {reason}"),
            ErrorKind::SegmentsExhausted { holders } => {
                write!(f, "frames of too many sizes are held")?;
                write_holders(f, holders)
            }
            ErrorKind::System(error) => error.fmt(f),
            by_peer => write_peer(f, by_peer),
        }
    }
}

/// What the other side said or did.
fn write_peer(f: &mut fmt::Formatter<'_>, kind: &ErrorKind) -> fmt::Result {
    match kind {
        ErrorKind::Unresponsive { pid: 0, waited } => {
            write!(f, "the publisher did not answer within {waited:?}")
        }
        ErrorKind::Unresponsive { pid, waited } => {
            write!(
                f,
                "the publisher, process {pid}, did not answer within {waited:?}"
            )
        }
        ErrorKind::ForeignUser { uid, expected } => {
            write!(
                f,
                "the other side runs as user {uid}, not as user {expected}"
            )
        }
        ErrorKind::VersionMismatch { found, expected } => {
            write!(
                f,
                "the other side speaks version {found} of the protocol, not version {expected}"
            )
        }
        ErrorKind::Protocol { what, value } => write!(
            f,
            "the other side does not follow the protocol: {what} ({value:#x})"
        ),
        ErrorKind::Header(error) => write!(f, "a frame header that lies: {error}"),
        ErrorKind::SequenceWentBack { found, last } => {
            write!(f, "a frame header that lies: sequence {found} after {last}")
        }
        ErrorKind::Declined { reason } => {
            write!(f, "the publisher declined the request: {reason}")
        }
        ErrorKind::Demoted => write!(
            f,
            "too slow: the publisher no longer waits for this subscriber"
        ),
        by_us => unreachable!("written by the caller: {by_us:?}"),
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            ErrorKind::Header(error) => Some(error),
            ErrorKind::Layout(error) => Some(error),
            ErrorKind::System(error) => Some(error),
            _ => None,
        }
    }
}

/// Checks an option against its range.
pub(crate) fn check_option(option: &'static str, value: u64, min: u64, max: u64) -> Result<()> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(ErrorKind::InvalidOption {
        option,
        value,
        range: (min, max),
    }
    .into())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn each_names(cases: impl IntoIterator<Item = (ErrorKind, &'static str)>) {
        for (kind, expected) in cases {
            let text = Error::from(kind).to_string();
            assert!(text.contains(expected), "{text:?} lacks {expected:?}");
        }
    }

    #[test]
    fn what_we_refuse_names_the_value_that_was_wrong() {
        let holders = || vec![(41, 2), (43, 1)];
        let waited = Duration::from_millis(17);
        let name = || "cam".to_owned();
        let cases = [
            (
                ErrorKind::InvalidName {
                    name: name(),
                    reason: "r",
                },
                "cam",
            ),
            (ErrorKind::NotFound { name: name() }, "cam"),
            (
                ErrorKind::AlreadyExists {
                    name: name(),
                    pid: 41,
                },
                "41",
            ),
            (ErrorKind::PublisherGone { pid: 41 }, "41"),
            (ErrorKind::Unresponsive { pid: 0, waited }, "17ms"),
            (ErrorKind::Unresponsive { pid: 41, waited }, "41"),
            (ErrorKind::QuotaExceeded { quota: 3 }, "3"),
            (
                ErrorKind::SlotsExceeded {
                    required: 300,
                    limit: 256,
                },
                "300",
            ),
            (ErrorKind::SubscribersExceeded { limit: 64 }, "64"),
            (
                ErrorKind::NoFreeSlot { holders: holders() },
                "process 43 holds 1",
            ),
            (ErrorKind::NoSpace { bytes: 4711 }, "4711"),
            (
                ErrorKind::MetadataTooLong {
                    len: 5000,
                    limit: 4096,
                },
                "5000",
            ),
            (
                ErrorKind::RequestTooLong {
                    len: 5000,
                    limit: 4096,
                },
                "5000",
            ),
        ];
        each_names(cases);
    }

    #[test]
    fn what_others_did_names_the_value_that_was_wrong() {
        let holders = || vec![(41, 2), (43, 1)];
        let waited = Duration::from_millis(17);
        let cases = [
            (
                ErrorKind::ForeignUser {
                    uid: 1,
                    expected: 0,
                },
                "user 1",
            ),
            (
                ErrorKind::VersionMismatch {
                    found: 9,
                    expected: 1,
                },
                "version 9",
            ),
            (
                ErrorKind::Protocol {
                    what: "w",
                    value: 0xAB,
                },
                "0xab",
            ),
            (
                ErrorKind::Header(HeaderError::Magic { found: 0xAB }),
                "lies",
            ),
            (
                ErrorKind::SequenceWentBack { found: 3, last: 5 },
                "3 after 5",
            ),
            (
                ErrorKind::Layout(framebus_frame::Extent::new(0, 7).unwrap_err()),
                "7",
            ),
            (
                ErrorKind::Declined {
                    reason: "busy".into(),
                },
                "busy",
            ),
            (ErrorKind::TimedOut { waited }, "17ms"),
            (ErrorKind::Demoted, "slow"),
            (
                ErrorKind::InvalidOption {
                    option: "quota",
                    value: 9,
                    range: (1, 8),
                },
                "quota 9",
            ),
            (ErrorKind::InvalidTicket { reason: "used" }, "used"),
            (
                ErrorKind::SegmentsExhausted { holders: holders() },
                "process 41 holds 2",
            ),
            (ErrorKind::System(framebus_sys::Error::Closed), "closed"),
        ];
        each_names(cases);
    }
}
