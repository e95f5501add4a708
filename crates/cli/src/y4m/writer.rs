//! Writing y4m.

use std::io::Write;

use framebus_frame::FrameLayout;

use super::{FRAME, Header, Y4mError};

/// A y4m stream being written.
///
/// ```
/// use framebus_cli::y4m::{Chroma, Header, Writer};
/// use framebus_frame::Extent;
///
/// let extent = Extent::new(2, 1).expect("in range");
/// let mut bytes = Vec::new();
/// let mut writer = Writer::new(&mut bytes, &Header::new(extent, None, Chroma::Mono))?;
/// writer.write_frame(&[0x10, 0xEB])?;
/// assert_eq!(bytes, b"YUV4MPEG2 W2 H1 F0:0 Ip A1:1 Cmono\nFRAME\n\x10\xEB");
/// # Ok::<(), framebus_cli::y4m::Y4mError>(())
/// ```
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    layout: FrameLayout,
}

impl<W: Write> Writer<W> {
    /// Writes the stream header.
    pub fn new(mut output: W, header: &Header) -> Result<Self, Y4mError> {
        let layout = header.layout()?;
        writeln!(output, "{header}").map_err(Y4mError::Io)?;
        Ok(Self { output, layout })
    }

    /// The bytes of every frame.
    pub fn layout(&self) -> &FrameLayout {
        &self.layout
    }

    /// Writes one frame: `pixels` has exactly the bytes of [`Writer::layout`].
    pub fn write_frame(&mut self, pixels: &[u8]) -> Result<(), Y4mError> {
        let expected = self.layout.byte_len();
        if u64::try_from(pixels.len()) != Ok(expected) {
            return Err(Y4mError::WrongLength {
                got: pixels.len(),
                expected,
            });
        }
        writeln!(self.output, "{FRAME}")
            .and_then(|()| self.output.write_all(pixels))
            .map_err(Y4mError::Io)
    }

    /// Hands everything written so far to the operating system.
    pub fn flush(&mut self) -> Result<(), Y4mError> {
        self.output.flush().map_err(Y4mError::Io)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Chroma, Reader};
    use super::*;
    use framebus_frame::Extent;

    #[test]
    fn pixels_of_another_length_are_refused() {
        let extent = Extent::new(3, 3).expect("in range");
        let header = Header::new(extent, None, Chroma::C420Jpeg);
        let mut writer = Writer::new(Vec::new(), &header).expect("a header");
        assert!(matches!(
            writer.write_frame(&[0; 16]),
            Err(Y4mError::WrongLength {
                got: 16,
                expected: 17
            })
        ));
    }

    #[test]
    fn what_is_written_reads_back() {
        let extent = Extent::new(3, 3).expect("in range");
        let header = Header::new(extent, None, Chroma::C420Jpeg);
        let mut bytes = Vec::new();
        let pixels: Vec<u8> = (0..17).collect();
        let mut writer = Writer::new(&mut bytes, &header).expect("a header");
        writer.write_frame(&pixels).expect("written");
        writer.flush().expect("flushed");
        let mut reader = Reader::new(&bytes[..]).expect("a header");
        assert_eq!(reader.header(), &header);
        assert!(reader.begin_frame().expect("a frame"));
        let mut back = [0; 17];
        reader.read_pixels(&mut back).expect("pixels");
        assert_eq!(&back[..], &pixels[..]);
    }
}
