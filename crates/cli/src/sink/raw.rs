//! Raw video: the bytes of the frames and nothing else.

use super::plain::pack;
use super::{Output, Received, Sink, Steady};
use crate::error::{CliError, Place};
use crate::rate::FrameRate;

/// Raw video to a file or standard output, rows packed.
#[derive(Debug)]
pub struct Raw {
    output: Output,
    steady: Steady,
    rate: Option<FrameRate>,
    packed: Vec<u8>,
}

impl Raw {
    /// Creates the file.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(place: &Place) -> Result<Self, CliError> {
        Ok(Self {
            output: Output::create(place)?,
            steady: Steady::default(),
            rate: None,
            packed: Vec::new(),
        })
    }
}

impl Sink for Raw {
    fn write(&mut self, frame: &Received) -> Result<(), CliError> {
        self.steady.check(&self.output.place, &frame.layout)?;
        if frame.layout.is_packed() {
            self.output.write_all(&frame.pixels)?;
        } else {
            pack(frame, &mut self.packed);
            self.output.write_all(&self.packed)?;
        }
        self.output.flush()
    }

    fn wants_rate(&self) -> bool {
        true
    }

    fn set_rate(&mut self, rate: Option<FrameRate>) {
        self.rate = rate;
    }

    fn ffmpeg_args(&self, frame: &Received) -> Option<String> {
        let format = frame.layout.format().ffmpeg_pix_fmt()?;
        let rate = match self.rate {
            Some(rate) => format!(" -framerate {rate}"),
            None => String::new(),
        };
        Some(format!(
            "-f rawvideo -pixel_format {format} -video_size {}{rate} -i {}",
            frame.layout.extent(),
            self.output.place
        ))
    }
}
