//! Byte streams: the frame is copied into the kernel and out again.

use std::io::{ErrorKind, Read, Write};

use super::{Painter, Receiver, Setup};
use crate::Outcome;
use crate::work::{stamp, stamped};

/// Both directions of a byte stream, and the one buffer of this side.
pub struct Copier<R, W> {
    read: R,
    write: W,
    frame: Vec<u8>,
}

impl<R: Read, W: Write> Copier<R, W> {
    /// One side of a connection. The streams may be non-blocking: then both directions spin.
    pub fn new(setup: &Setup, read: R, write: W) -> Copier<R, W> {
        Copier {
            read,
            write,
            frame: vec![0; setup.bytes()],
        }
    }
}

/// How far one read or write got; nothing where it would have blocked.
fn progress(result: std::io::Result<usize>) -> Outcome<usize> {
    match result {
        Ok(0) => Err("the other side closed the stream".into()),
        Ok(n) => Ok(n),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(0),
            _ => Err(error.into()),
        },
    }
}

fn read_all(from: &mut impl Read, mut to: &mut [u8]) -> Outcome<()> {
    while !to.is_empty() {
        let n = progress(from.read(to))?;
        to = &mut to[n..];
    }
    Ok(())
}

fn write_all(to: &mut impl Write, mut from: &[u8]) -> Outcome<()> {
    while !from.is_empty() {
        from = &from[progress(to.write(from))?..];
    }
    Ok(())
}

impl<R: Read, W: Write> Receiver for Copier<R, W> {
    fn ask(&mut self, word: u64) -> Outcome<()> {
        write_all(&mut self.write, &word.to_le_bytes())
    }

    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Outcome<u64> {
        read_all(&mut self.read, &mut self.frame)?;
        look(&self.frame);
        Ok(stamped(&self.frame))
    }
}

impl<R: Read, W: Write> Painter for Copier<R, W> {
    fn next_ask(&mut self) -> Outcome<u64> {
        let mut word = [0; 8];
        read_all(&mut self.read, &mut word)?;
        Ok(u64::from_le_bytes(word))
    }

    fn paint(&mut self, brush: &mut dyn FnMut(&mut [u8])) -> Outcome<()> {
        brush(&mut self.frame);
        stamp(&mut self.frame);
        write_all(&mut self.write, &self.frame)
    }

    fn needs_credits(&self) -> bool {
        false
    }
}
