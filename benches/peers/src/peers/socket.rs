//! A Unix stream socket with its default buffers.

use std::os::unix::net::{UnixListener, UnixStream};

use super::copy::Copier;
use super::{Painter, Receiver, Setup};
use crate::Outcome;
use crate::case::Wait;
use crate::link::Link;

/// The asking side; it listens.
pub fn receiver(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Receiver>> {
    let listener = UnixListener::bind(setup.dir.join("socket"))?;
    link.say("listening")?;
    Ok(Box::new(copier(setup, listener.accept()?.0)?))
}

/// The painting side.
pub fn painter(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Painter>> {
    link.hear()?;
    let stream = UnixStream::connect(setup.dir.join("socket"))?;
    Ok(Box::new(copier(setup, stream)?))
}

fn copier(setup: &Setup, stream: UnixStream) -> Outcome<Copier<UnixStream, UnixStream>> {
    stream.set_nonblocking(setup.contender.wait == Wait::Spin)?;
    Ok(Copier::new(setup, stream.try_clone()?, stream))
}
