//! y4m to a file or standard output.

use std::fs::File;
use std::io::BufWriter;

use framebus::{ChromaSiting, ColourRange};

use super::plain::{planar_format, planes, target_layout, video_colour};
use super::{Output, Received, Sink, Steady};
use crate::error::{CliError, Place};
use crate::rate::FrameRate;
use crate::y4m::{Chroma, Header, Range, Writer, Y4mError};

/// The header is written with the first frame: only it says what there is to write.
#[derive(Debug)]
enum State {
    Empty(Output),
    Started(Writer<BufWriter<File>>),
    /// Writing the header failed, and that was told.
    Failed,
}

/// y4m to a file or standard output. Formats that y4m has no word for become 4:4:4 of 8 bits.
#[derive(Debug)]
pub struct Video {
    place: Place,
    state: State,
    steady: Steady,
    rate: Option<FrameRate>,
    planes: Vec<u8>,
}

impl Video {
    /// Creates the file.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(place: &Place) -> Result<Self, CliError> {
        Ok(Self {
            place: place.clone(),
            state: State::Empty(Output::create(place)?),
            steady: Steady::default(),
            rate: None,
            planes: Vec::new(),
        })
    }

    fn start(&mut self, frame: &Received) -> Result<(), CliError> {
        let format = frame.layout.format();
        if !planar_format(format).1 {
            eprintln!("framebus: y4m has no word for {format}: writing 4:4:4 of 8 bits");
        }
        let header = header_of(frame, self.rate)?;
        if let State::Empty(output) = std::mem::replace(&mut self.state, State::Failed) {
            let writer = Writer::new(output.file, &header).map_err(CliError::y4m(&self.place))?;
            self.state = State::Started(writer);
        }
        Ok(())
    }
}

/// The header for a stream that begins with `frame`.
fn header_of(frame: &Received, rate: Option<FrameRate>) -> Result<Header, CliError> {
    let layout = target_layout(frame)?;
    let colour = video_colour(frame);
    let chroma = match (Chroma::from_format(layout.format()), colour.siting) {
        (Some(Chroma::C420Jpeg), ChromaSiting::Left) => Chroma::C420Mpeg2,
        (Some(Chroma::C420Jpeg), ChromaSiting::TopLeft) => Chroma::C420Paldv,
        (Some(chroma), _) => chroma,
        (None, _) => Chroma::C444,
    };
    let range = match colour.range {
        ColourRange::Full => Some(Range::Full),
        ColourRange::Limited => Some(Range::Limited),
        ColourRange::Unspecified => None,
    };
    Ok(Header {
        range,
        ..Header::new(layout.extent(), rate, chroma)
    })
}

impl Sink for Video {
    fn write(&mut self, frame: &Received) -> Result<(), CliError> {
        if self.steady.check(&self.place, &frame.layout)? {
            self.start(frame)?;
        }
        planes(frame, &mut self.planes)?;
        let result = match &mut self.state {
            State::Started(writer) => writer
                .write_frame(&self.planes)
                .and_then(|()| writer.flush()),
            State::Empty(_) | State::Failed => Err(Y4mError::Io(std::io::Error::other(
                "the header could not be written",
            ))),
        };
        result.map_err(CliError::y4m(&self.place))
    }

    fn wants_rate(&self) -> bool {
        true
    }

    fn set_rate(&mut self, rate: Option<FrameRate>) {
        self.rate = rate;
    }

    fn ffmpeg_args(&self, _frame: &Received) -> Option<String> {
        Some(format!("-f yuv4mpegpipe -i {}", self.place))
    }
}
