//! What can be wrong with a y4m stream.

use std::fmt;
use std::io;

use framebus_frame::LayoutError;

use super::{Chroma, FRAME, MAGIC, MAX_LINE};

/// A y4m stream that cannot be read or written, with the value that was wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum Y4mError {
    /// The stream starts with something else.
    NotY4m {
        /// The first bytes, made printable.
        found: String,
    },
    /// A header line is longer than any real one.
    LineTooLong,
    /// A tag of the stream header has no or a senseless value.
    BadTag(String),
    /// The stream header lacks a tag that it must have.
    Missing(&'static str),
    /// The colour layout is not one of [`Chroma::ALL`].
    UnknownChroma(String),
    /// The size is outside what a frame may have.
    Layout(LayoutError),
    /// Something else stands where a frame should start.
    NotAFrame {
        /// Counted from 0.
        frame: u64,
        /// The bytes found, made printable.
        found: String,
    },
    /// The stream ends in the middle of a frame.
    CutShort {
        /// Counted from 0.
        frame: u64,
        /// Bytes of pixels that were there.
        got: u64,
        /// Bytes of pixels that a frame has.
        expected: u64,
    },
    /// The caller's memory does not have the size of a frame.
    WrongLength {
        /// Bytes given.
        got: usize,
        /// Bytes that a frame has.
        expected: u64,
    },
    /// Reading or writing failed.
    Io(io::Error),
}

impl Y4mError {
    pub(super) fn not_y4m(line: &[u8]) -> Self {
        Self::NotY4m {
            found: printable(line),
        }
    }
}

/// The first bytes of something unexpected, fit for an error message.
pub(super) fn printable(bytes: &[u8]) -> String {
    const SHOWN: usize = 24;
    let mut text = bytes[..bytes.len().min(SHOWN)].escape_ascii().to_string();
    if bytes.len() > SHOWN {
        text.push_str("...");
    }
    text
}

impl fmt::Display for Y4mError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotY4m { found } if found.is_empty() => {
                write!(f, "no y4m: it is empty where {MAGIC} should stand")
            }
            Self::NotY4m { found } => {
                write!(f, "no y4m: it starts with \"{found}\" instead of {MAGIC}")
            }
            Self::LineTooLong => {
                write!(f, "a y4m header line is longer than {MAX_LINE} bytes")
            }
            Self::BadTag(word) => write!(f, "the y4m header has a tag {word:?} that means nothing"),
            Self::Missing(tag) => write!(f, "the y4m header has no {tag} tag"),
            Self::UnknownChroma(tag) => {
                write!(f, "unknown y4m chroma {tag:?}; known are")?;
                for (index, chroma) in Chroma::ALL.into_iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma} {}", chroma.tag())?;
                }
                Ok(())
            }
            Self::Layout(error) => write!(f, "a y4m size that no frame can have: {error}"),
            Self::NotAFrame { frame, found } => {
                write!(
                    f,
                    "y4m frame {frame} starts with \"{found}\" instead of {FRAME}"
                )
            }
            Self::CutShort {
                frame,
                got,
                expected,
            } => write!(
                f,
                "y4m is cut short: frame {frame} has {got} of {expected} bytes"
            ),
            Self::WrongLength { got, expected } => {
                write!(f, "{got} bytes given for a y4m frame of {expected} bytes")
            }
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Y4mError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Layout(error) => Some(error),
            _ => None,
        }
    }
}
