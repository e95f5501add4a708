//! Raw video: pixels one after the other, with nothing between them.

use std::io::BufRead as _;

use framebus::{ClockDomain, Colour, FrameLayout};

use super::{Details, Source};
use crate::error::{CliError, Place};
use crate::input::{self, Buffered};
use crate::rate::FrameRate;
use crate::y4m::read_full;

/// Raw video of one layout from a file or standard input.
#[derive(Debug)]
pub struct Raw {
    input: Buffered,
    place: Place,
    layout: FrameLayout,
    rate: Option<FrameRate>,
    looping: bool,
    frames: u64,
}

impl Raw {
    /// Opens the input.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(
        place: Place,
        layout: FrameLayout,
        rate: Option<FrameRate>,
        looping: bool,
    ) -> Result<Self, CliError> {
        Ok(Self {
            input: input::open(&place)?,
            place,
            layout,
            rate,
            looping,
            frames: 0,
        })
    }

    fn at_end(&mut self) -> Result<bool, CliError> {
        let ahead = self
            .input
            .fill_buf()
            .map_err(CliError::io(format_args!("cannot read {}", self.place)))?;
        Ok(ahead.is_empty())
    }
}

impl Source for Raw {
    fn next(&mut self) -> Result<Option<FrameLayout>, CliError> {
        if self.at_end()? {
            if !self.looping || self.frames == 0 {
                return Ok(None);
            }
            self.input = input::open(&self.place)?;
            if self.at_end()? {
                return Ok(None);
            }
        }
        Ok(Some(self.layout))
    }

    fn paint(&mut self, pixels: &mut [u8], _age: u64) -> Result<Details, CliError> {
        let got = read_full(&mut self.input, pixels)
            .map_err(CliError::io(format_args!("cannot read {}", self.place)))?;
        if got < pixels.len() {
            return Err(CliError::RawCutShort {
                place: self.place.clone(),
                frame: self.frames,
                got: got as u64,
                expected: self.layout.byte_len(),
            });
        }
        let source_time = media_time(self.rate, self.frames);
        self.frames += 1;
        Ok(Details {
            source_time,
            ..Details::whole(Colour::UNSPECIFIED)
        })
    }

    fn rate(&self) -> Option<FrameRate> {
        self.rate
    }
}

/// When a frame of a video is to be seen, counted from the first one.
pub(super) fn media_time(rate: Option<FrameRate>, index: u64) -> Option<(u64, ClockDomain)> {
    let nanos = u64::try_from(rate?.time_of(index).as_nanos()).ok()?;
    Some((nanos, ClockDomain::MediaTime))
}
