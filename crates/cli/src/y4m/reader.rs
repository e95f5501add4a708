//! Reading y4m, one frame at a time, into memory of the caller's.

use std::io::{BufRead, ErrorKind, Read};

use framebus_frame::FrameLayout;

use super::error::printable;
use super::{FRAME, Header, MAGIC, MAX_LINE, Y4mError};

/// A y4m stream being read.
///
/// Every frame takes two steps, so that a caller borrows memory for the pixels only once it
/// knows that a frame is coming.
///
/// ```
/// use framebus_cli::y4m::Reader;
///
/// let mut reader = Reader::new(&b"YUV4MPEG2 W2 H1 F25:1 Cmono\nFRAME\n\x10\xEB"[..])?;
/// let mut pixels = vec![0; 2];
/// assert!(reader.begin_frame()?);
/// reader.read_pixels(&mut pixels)?;
/// assert_eq!(pixels, [0x10, 0xEB]);
/// assert!(!reader.begin_frame()?);
/// # Ok::<(), framebus_cli::y4m::Y4mError>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    header: Header,
    layout: FrameLayout,
    /// Frames whose pixels have been read.
    frames: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads the stream header.
    pub fn new(mut input: R) -> Result<Self, Y4mError> {
        let mut line = Vec::new();
        read_line(&mut input, &mut line, Y4mError::not_y4m)?;
        let header = Header::parse(&line)?;
        let layout = header.layout()?;
        Ok(Self {
            input,
            header,
            layout,
            frames: 0,
        })
    }

    /// What the first line says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The bytes of every frame.
    pub fn layout(&self) -> &FrameLayout {
        &self.layout
    }

    /// Frames read so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Reads the line before the pixels; false where the stream ends as it should.
    pub fn begin_frame(&mut self) -> Result<bool, Y4mError> {
        if at_end(&mut self.input)? {
            return Ok(false);
        }
        let frame = self.frames;
        let not_a_frame = |line: &[u8]| Y4mError::NotAFrame {
            frame,
            found: printable(line),
        };
        let mut line = Vec::new();
        read_line(&mut self.input, &mut line, not_a_frame)?;
        // Parameters of a single frame (its interlacing) may follow after a space.
        match line.strip_prefix(FRAME.as_bytes()) {
            Some([] | [b' ', ..]) => Ok(true),
            _ => Err(not_a_frame(&line)),
        }
    }

    /// Reads the pixels into `out`, which has exactly the bytes of [`Reader::layout`].
    pub fn read_pixels(&mut self, out: &mut [u8]) -> Result<(), Y4mError> {
        let expected = self.layout.byte_len();
        if u64::try_from(out.len()) != Ok(expected) {
            return Err(Y4mError::WrongLength {
                got: out.len(),
                expected,
            });
        }
        let got = read_full(&mut self.input, out).map_err(Y4mError::Io)?;
        if got < out.len() {
            return Err(Y4mError::CutShort {
                frame: self.frames,
                got: got as u64,
                expected,
            });
        }
        self.frames += 1;
        Ok(())
    }
}

/// Reads until `out` is full or the input ends; says how much came.
pub(crate) fn read_full(input: &mut impl Read, out: &mut [u8]) -> std::io::Result<usize> {
    let mut got = 0;
    while got < out.len() {
        match input.read(&mut out[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

fn at_end(input: &mut impl BufRead) -> Result<bool, Y4mError> {
    loop {
        match input.fill_buf() {
            Ok(bytes) => return Ok(bytes.is_empty()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Y4mError::Io(error)),
        }
    }
}

/// Reads one line of at most [`MAX_LINE`] bytes and drops its end. A line without an end is
/// `unexpected`: whatever this is, it is no header.
fn read_line(
    input: &mut impl BufRead,
    line: &mut Vec<u8>,
    unexpected: impl Fn(&[u8]) -> Y4mError,
) -> Result<(), Y4mError> {
    let limit = MAX_LINE as u64 + 1;
    input
        .take(limit)
        .read_until(b'\n', line)
        .map_err(Y4mError::Io)?;
    if line.pop_if(|last| *last == b'\n').is_some() {
        Ok(())
    } else if line.len() > MAX_LINE && line.starts_with(MAGIC.as_bytes()) {
        Err(Y4mError::LineTooLong)
    } else {
        Err(unexpected(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONO: &[u8] = b"YUV4MPEG2 W2 H2 F25:1 Cmono\n";

    fn reader(rest: &[u8]) -> Reader<std::io::Cursor<Vec<u8>>> {
        Reader::new(std::io::Cursor::new([MONO, rest].concat())).expect("a header")
    }

    #[test]
    fn frames_come_one_after_the_other() {
        let mut reader = reader(b"FRAME\n1234FRAME Ip XNOTE\n5678");
        let mut pixels = [0; 4];
        for expected in [b"1234", b"5678"] {
            assert!(reader.begin_frame().expect("a frame"));
            reader.read_pixels(&mut pixels).expect("pixels");
            assert_eq!(&pixels, expected);
        }
        assert!(!reader.begin_frame().expect("the end"));
        assert_eq!(reader.frames(), 2);
    }

    #[test]
    fn a_stream_cut_in_its_pixels_says_where() {
        let mut reader = reader(b"FRAME\n1234FRAME\n567");
        let mut pixels = [0; 4];
        assert!(reader.begin_frame().expect("a frame"));
        reader.read_pixels(&mut pixels).expect("pixels");
        assert!(reader.begin_frame().expect("a frame"));
        match reader.read_pixels(&mut pixels) {
            Err(Y4mError::CutShort {
                frame: 1,
                got: 3,
                expected: 4,
            }) => {}
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_stream_cut_in_its_frame_line_says_what_it_found() {
        let error = reader(b"FRA").begin_frame().expect_err("no frame");
        assert_eq!(
            error.to_string(),
            "y4m frame 0 starts with \"FRA\" instead of FRAME"
        );
        assert!(matches!(
            reader(b"FRAMES\n").begin_frame(),
            Err(Y4mError::NotAFrame { frame: 0, .. })
        ));
    }

    #[test]
    fn endless_lines_are_not_swallowed() {
        let endless = [MONO, &[b'x'; 100_000]].concat();
        let mut reader = Reader::new(&endless[..]).expect("a header");
        assert!(reader.begin_frame().is_err());
        let mut header = b"YUV4MPEG2 ".to_vec();
        header.resize(100_000, b'X');
        assert!(matches!(
            Reader::new(&header[..]),
            Err(Y4mError::LineTooLong)
        ));
    }

    #[test]
    fn memory_of_another_size_is_refused() {
        let mut reader = reader(b"FRAME\n1234");
        assert!(reader.begin_frame().expect("a frame"));
        assert!(matches!(
            reader.read_pixels(&mut [0; 5]),
            Err(Y4mError::WrongLength {
                got: 5,
                expected: 4
            })
        ));
    }
}
