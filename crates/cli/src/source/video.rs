//! y4m as a source.

use framebus::{ChromaSiting, Colour, ColourRange, FrameLayout};

use super::raw::media_time;
use super::{Details, Source};
use crate::error::{CliError, Place};
use crate::input::{self, Buffered};
use crate::rate::FrameRate;
use crate::y4m::{Chroma, Header, Range, Reader};

/// y4m from a file or standard input.
#[derive(Debug)]
pub struct Video {
    reader: Reader<Buffered>,
    place: Place,
    looping: bool,
    frames: u64,
}

impl Video {
    /// Opens the input and reads its header.
    ///
    /// # Errors
    /// When it cannot be opened or is no y4m.
    pub fn open(place: Place, looping: bool) -> Result<Self, CliError> {
        Ok(Self {
            reader: read_header(&place)?,
            place,
            looping,
            frames: 0,
        })
    }
}

fn read_header(place: &Place) -> Result<Reader<Buffered>, CliError> {
    Reader::new(input::open(place)?).map_err(CliError::y4m(place))
}

impl Source for Video {
    fn next(&mut self) -> Result<Option<FrameLayout>, CliError> {
        let mut more = self
            .reader
            .begin_frame()
            .map_err(CliError::y4m(&self.place))?;
        if !more && self.looping && self.frames > 0 {
            self.reader = read_header(&self.place)?;
            more = self
                .reader
                .begin_frame()
                .map_err(CliError::y4m(&self.place))?;
        }
        Ok(more.then_some(*self.reader.layout()))
    }

    fn paint(&mut self, pixels: &mut [u8], _age: u64) -> Result<Details, CliError> {
        self.reader
            .read_pixels(pixels)
            .map_err(CliError::y4m(&self.place))?;
        let source_time = media_time(self.rate(), self.frames);
        self.frames += 1;
        Ok(Details {
            source_time,
            ..Details::whole(colour_of(self.reader.header()))
        })
    }

    fn rate(&self) -> Option<FrameRate> {
        self.reader.header().rate
    }
}

/// What a header says about colour; y4m has no word for the matrix, so a viewer guesses it from
/// the size as it does for any video that does not say.
fn colour_of(header: &Header) -> Colour {
    Colour {
        range: match header.range {
            Some(Range::Full) => ColourRange::Full,
            Some(Range::Limited) => ColourRange::Limited,
            None => ColourRange::Unspecified,
        },
        siting: match header.chroma {
            Chroma::C420Jpeg => ChromaSiting::Centre,
            Chroma::C420Mpeg2 => ChromaSiting::Left,
            Chroma::C420Paldv => ChromaSiting::TopLeft,
            _ => ChromaSiting::Unspecified,
        },
        ..Colour::UNSPECIFIED
    }
}
