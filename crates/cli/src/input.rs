//! Reading video from a file or from standard input, so that Ctrl-C ends a read that waits.

use std::fs::File;
use std::io::{self, BufReader, Read};

use crate::error::{CliError, Place};
use crate::{signals, sys};

/// Small reads (header lines) are gathered into reads of this size; whole frames go past the
/// buffer, straight into the memory of the frame.
const BUFFER: usize = 64 * 1024;

/// An input that gives up with an error once Ctrl-C was pressed.
#[derive(Debug)]
pub struct Input {
    file: File,
    standard: bool,
}

/// An [`Input`] behind a small buffer.
pub type Buffered = BufReader<Input>;

/// Opens a file or standard input.
pub fn open(place: &Place) -> Result<Buffered, CliError> {
    let file = match place {
        Place::Standard => sys::stdin(),
        Place::Path(path) => File::open(path),
    };
    let file = file.map_err(CliError::io(format_args!("cannot read {place}")))?;
    Ok(BufReader::with_capacity(
        BUFFER,
        Input {
            file,
            standard: *place == Place::Standard,
        },
    ))
}

impl Read for Input {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if signals::stopped() {
                return Err(io::Error::other("stopped by Ctrl-C"));
            }
            if self.standard && !sys::wait_readable(&self.file, signals::TICK)? {
                continue;
            }
            match self.file.read(out) {
                // Somebody else may have made the pipe non-blocking: wait again.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }
}
