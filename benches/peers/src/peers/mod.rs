//! The systems that are compared, all behind the same two traits.

use std::path::PathBuf;

use crate::Outcome;
use crate::case::{Case, Contender, Peer, Work};
use crate::link::Link;

mod copy;
mod floor;
pub mod framebus;
mod iceoryx;
mod iceoryx_sem;
mod ipc_channel;
mod pipe;
mod socket;
#[cfg(feature = "zenoh")]
mod zenoh;

/// What an adapter needs to know.
pub struct Setup {
    /// What will be done.
    pub case: &'static Case,
    /// By whom.
    pub contender: &'static Contender,
    /// A directory that belongs to this run alone and goes away with it.
    pub dir: PathBuf,
    /// A word that is unique to this run, for names in shared places.
    pub tag: String,
}

impl Setup {
    /// Bytes of one frame.
    pub fn bytes(&self) -> usize {
        self.case.bytes()
    }

    /// Whether the painter must never lose a frame.
    pub fn lossless(&self) -> bool {
        self.case.work == Work::Stream
    }
}

/// The side that wants pictures.
pub trait Receiver {
    /// Finish connecting; called twice, with both sides present.
    fn settle(&mut self) -> Outcome<()> {
        Ok(())
    }

    /// Ask for a picture. In a stream with credits: return one credit.
    fn ask(&mut self, word: u64) -> Outcome<()>;

    /// Wait for the next frame and show its pixels; the time of its publication, in nanoseconds.
    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Outcome<u64>;
}

/// The side that paints them.
pub trait Painter {
    /// Finish connecting; called twice, with both sides present.
    fn settle(&mut self) -> Outcome<()> {
        Ok(())
    }

    /// Wait for the next ask. In a stream with credits: wait for one credit.
    fn next_ask(&mut self) -> Outcome<u64>;

    /// Paint a frame where the transport wants it, and send it.
    fn paint(&mut self, brush: &mut dyn FnMut(&mut [u8])) -> Outcome<()>;

    /// Whether a lossless stream needs credits: false where the transport holds the painter back.
    fn needs_credits(&self) -> bool;
}

/// Build the receiving side.
pub fn receiver(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Receiver>> {
    match setup.contender.peer {
        Peer::Floor => floor::receiver(setup, link),
        Peer::Framebus => framebus::receiver(setup, link),
        Peer::Iceoryx2 => iceoryx::receiver(setup, link),
        #[cfg(feature = "zenoh")]
        Peer::Zenoh => zenoh::receiver(setup, link),
        Peer::IpcChannel => ipc_channel::receiver(setup, link),
        Peer::Socket => socket::receiver(setup, link),
        Peer::Pipe => pipe::receiver(setup, link),
    }
}

/// Build the painting side.
pub fn painter(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Painter>> {
    match setup.contender.peer {
        Peer::Floor => floor::painter(setup, link),
        Peer::Framebus => framebus::painter(setup, link),
        Peer::Iceoryx2 => iceoryx::painter(setup, link),
        #[cfg(feature = "zenoh")]
        Peer::Zenoh => zenoh::painter(setup, link),
        Peer::IpcChannel => ipc_channel::painter(setup, link),
        Peer::Socket => socket::painter(setup, link),
        Peer::Pipe => pipe::painter(setup, link),
    }
}
