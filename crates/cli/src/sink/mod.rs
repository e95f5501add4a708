//! Where the frames that `sub` receives go.

mod pictures;
mod plain;
mod raw;
mod video;

use std::fs::File;
use std::io::{BufWriter, Write};

use framebus::{AlphaMode, Colour, FrameLayout};

use crate::error::{CliError, Place};
use crate::rate::FrameRate;
use crate::sys;

pub use pictures::{Pictures, write_png};
pub(crate) use plain::to_rgba;
pub use raw::Raw;
pub use video::Video;

/// A received frame, copied out of the stream so that its slot is free again while it is written.
#[derive(Clone, Debug)]
pub struct Received {
    /// Where its rows are in `pixels`.
    pub layout: FrameLayout,
    /// What the numbers mean as colours.
    pub colour: Colour,
    /// What alpha means.
    pub alpha: AlphaMode,
    /// All planes.
    pub pixels: Vec<u8>,
}

/// Takes frames.
pub trait Sink {
    /// Writes one frame.
    ///
    /// # Errors
    /// When it cannot be written, or its size or format is one that cannot follow the frames
    /// before; a reader that went away is told by [`CliError::is_closed_pipe`].
    fn write(&mut self, frame: &Received) -> Result<(), CliError>;

    /// How many frames this output has room for: a single file takes one.
    fn room(&self) -> Option<u64> {
        None
    }

    /// Whether frames are to be copied out and written at all.
    fn wants_pixels(&self) -> bool {
        true
    }

    /// Whether frames of video are written, which have a rate.
    fn wants_rate(&self) -> bool {
        false
    }

    /// Tells the rate before the first frame, as far as it is known.
    fn set_rate(&mut self, _rate: Option<FrameRate>) {}

    /// The arguments with which ffmpeg reads frames like this one, where it can.
    fn ffmpeg_args(&self, _frame: &Received) -> Option<String> {
        None
    }
}

/// Takes frames and keeps none.
#[derive(Debug)]
pub struct Count;

impl Sink for Count {
    fn write(&mut self, _frame: &Received) -> Result<(), CliError> {
        Ok(())
    }

    fn wants_pixels(&self) -> bool {
        false
    }
}

/// A file or standard output being written.
#[derive(Debug)]
struct Output {
    place: Place,
    file: BufWriter<File>,
}

impl Output {
    fn create(place: &Place) -> Result<Self, CliError> {
        let file = match place {
            Place::Standard => sys::stdout(),
            Place::Path(path) => File::create(path),
        };
        let file = file.map_err(CliError::io(format_args!("cannot write {place}")))?;
        Ok(Self {
            place: place.clone(),
            file: BufWriter::new(file),
        })
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        self.file
            .write_all(bytes)
            .map_err(CliError::io(format_args!("cannot write {}", self.place)))
    }

    fn flush(&mut self) -> Result<(), CliError> {
        self.file
            .flush()
            .map_err(CliError::io(format_args!("cannot write {}", self.place)))
    }
}

/// Frames of one size and format: remembers the first and refuses others.
#[derive(Debug, Default)]
struct Steady {
    first: Option<FrameLayout>,
}

impl Steady {
    /// True for the first frame.
    fn check(&mut self, place: &Place, layout: &FrameLayout) -> Result<bool, CliError> {
        let shape = |layout: &FrameLayout| (layout.extent(), layout.format());
        match &self.first {
            None => {
                self.first = Some(*layout);
                Ok(true)
            }
            Some(first) if shape(first) == shape(layout) => Ok(false),
            Some(first) => Err(CliError::Changed {
                place: place.clone(),
                from: shape(first),
                to: shape(layout),
            }),
        }
    }
}
