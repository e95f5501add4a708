//! What can end a verb early, as one line for a person.

use std::fmt;
use std::io;
use std::path::PathBuf;

use framebus::{ErrorKind, Extent, LayoutError, PixelFormat};
use framebus_frame::convert::ConvertError;

use crate::y4m::Y4mError;

/// Where pixels come from or go to, as the user named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Standard input or output: `-`.
    Standard,
    /// A file or folder.
    Path(PathBuf),
}

impl Place {
    /// `-` is standard input or output, everything else a path.
    pub fn new(text: &str) -> Self {
        match text {
            "-" => Self::Standard,
            path => Self::Path(path.into()),
        }
    }
}

impl std::str::FromStr for Place {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard => f.write_str("-"),
            Self::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Why a verb could not do what it was asked to.
#[derive(Debug)]
#[non_exhaustive]
pub enum CliError {
    /// The library says so.
    Bus(framebus::Error),
    /// A size or layout that no frame can have.
    Layout(LayoutError),
    /// Pixels that cannot be converted.
    Convert(ConvertError),
    /// A y4m stream that cannot be read or written.
    Y4m {
        /// Which one.
        place: Place,
        /// What is wrong with it.
        error: Y4mError,
    },
    /// A file that is no picture.
    Image {
        /// Which one.
        path: PathBuf,
        /// What the decoder says.
        error: image::ImageError,
    },
    /// A picture that cannot be written as PNG.
    Png {
        /// Where to.
        place: Place,
        /// What the encoder says.
        error: png::EncodingError,
    },
    /// A folder without any picture.
    NoImages(PathBuf),
    /// Raw video that ends in the middle of a frame.
    RawCutShort {
        /// Which input.
        place: Place,
        /// Counted from 0.
        frame: u64,
        /// Bytes that were there.
        got: u64,
        /// Bytes that a frame has.
        expected: u64,
    },
    /// The frames changed where the output cannot follow.
    Changed {
        /// What is being written.
        place: Place,
        /// Size and format so far.
        from: (Extent, PixelFormat),
        /// Size and format now.
        to: (Extent, PixelFormat),
    },
    /// Reading or writing failed.
    Io {
        /// What was tried, as `cannot read <this>`.
        what: String,
        /// What the system says.
        error: io::Error,
    },
    /// Arguments that do not go together.
    Usage(String),
    /// A stream that ended before the one frame that was wanted.
    NoFrame(String),
    /// Frames that were not as they should be.
    WrongFrames(u64),
    /// The helper process failed.
    Peer(String),
    /// Numbers that cannot be written as JSON.
    Json(String),
    /// Ctrl-C cannot be caught.
    Signals(String),
}

impl CliError {
    /// An input or output error on something the user named.
    pub fn io(what: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        let what = what.to_string();
        move |error| Self::Io { what, error }
    }

    /// A y4m error on something the user named.
    pub fn y4m(place: &Place) -> impl FnOnce(Y4mError) -> Self {
        let place = place.clone();
        move |error| Self::Y4m { place, error }
    }

    /// Whether the reader of our output went away, which is a way to end, not a failure.
    pub fn is_closed_pipe(&self) -> bool {
        let error = match self {
            Self::Io { error, .. } => error,
            Self::Y4m {
                error: Y4mError::Io(error),
                ..
            } => error,
            Self::Png {
                error: png::EncodingError::IoError(error),
                ..
            } => error,
            _ => return false,
        };
        error.kind() == io::ErrorKind::BrokenPipe
    }

    /// The exit code: 2 where the arguments were wrong, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }

    /// What to try next, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Bus(error) => match error.kind() {
                ErrorKind::NotFound { .. } => {
                    Some("`framebus ls` shows what is there; --wait SECONDS waits for it")
                }
                ErrorKind::AlreadyExists { .. } => {
                    Some("choose another name, or end that process first")
                }
                ErrorKind::InvalidName { .. } => {
                    Some("letters, digits, `.`, `_` and `-`, with `/` between parts")
                }
                ErrorKind::SubscribersExceeded { .. } | ErrorKind::SlotsExceeded { .. } => {
                    Some("end another subscriber first")
                }
                _ => None,
            },
            Self::Y4m {
                error: Y4mError::UnknownChroma(_),
                ..
            } => Some("ffmpeg: put `-pix_fmt yuv420p` before the output"),
            Self::Y4m {
                error: Y4mError::NotY4m { .. },
                ..
            } => Some("ffmpeg: put `-f yuv4mpegpipe` before the output"),
            Self::RawCutShort { .. } => Some("do --size and --format fit the data?"),
            Self::Changed { .. } => Some("--png PATTERN takes pictures of any size"),
            Self::NoImages(_) => Some("png, jpeg, bmp and pnm files are understood"),
            _ => None,
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => write!(f, "{error}"),
            Self::Layout(error) => write!(f, "{error}"),
            Self::Convert(error) => write!(f, "{error}"),
            Self::Y4m { place, error } => write!(f, "{place}: {error}"),
            Self::Image { path, error } => write!(f, "{}: no picture: {error}", path.display()),
            Self::Png { place, error } => write!(f, "{place}: {error}"),
            Self::NoImages(path) => write!(f, "{}: no pictures in this folder", path.display()),
            Self::RawCutShort {
                place,
                frame,
                got,
                expected,
            } => write!(
                f,
                "{place}: raw video is cut short: frame {frame} has {got} of {expected} bytes"
            ),
            Self::Changed { place, from, to } => write!(
                f,
                "{place}: the frames changed from {} {} to {} {}, which this output cannot follow",
                from.0, from.1, to.0, to.1
            ),
            Self::Io { what, error } => write!(f, "{what}: {error}"),
            Self::Usage(text) => f.write_str(text),
            Self::NoFrame(name) => write!(f, "{name:?} ended without a frame"),
            Self::WrongFrames(count) => write!(f, "{count} frames were wrong"),
            Self::Peer(text) => write!(f, "the other process failed: {text}"),
            Self::Json(text) => write!(f, "cannot write JSON: {text}"),
            Self::Signals(text) => write!(f, "cannot watch for Ctrl-C: {text}"),
        }
    }
}

impl std::error::Error for CliError {}

impl From<framebus::Error> for CliError {
    fn from(error: framebus::Error) -> Self {
        Self::Bus(error)
    }
}

impl From<LayoutError> for CliError {
    fn from(error: LayoutError) -> Self {
        Self::Layout(error)
    }
}

impl From<ConvertError> for CliError {
    fn from(error: ConvertError) -> Self {
        Self::Convert(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_told_from_a_failure() {
        let closed = CliError::io("cannot write -")(io::ErrorKind::BrokenPipe.into());
        assert!(closed.is_closed_pipe());
        let full = CliError::y4m(&Place::Standard)(Y4mError::Io(io::ErrorKind::StorageFull.into()));
        assert!(!full.is_closed_pipe());
        assert_eq!(full.exit_code(), 1);
        assert_eq!(CliError::Usage(String::new()).exit_code(), 2);
    }

    #[test]
    fn a_dash_is_the_standard_stream() {
        assert_eq!(Place::new("-"), Place::Standard);
        assert_eq!(Place::new("./-").to_string(), "./-");
    }
}
