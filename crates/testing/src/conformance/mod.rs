//! What every platform layer has to do, against real peer processes.
//!
//! [`CASES`] lists it all; the test `conformance` runs each case by its name. A new platform
//! passes when they do, with its own attacks in this crate's `sys`.

mod channels;
mod processes;
mod segments;
mod wakes;

use crate::child::Peer;
use crate::stage::Stage;
use framebus_sys::channel::{self, Channel};
use framebus_sys::{BorrowedHandle, Handle};

/// The environment variable that tells a peer which channel it inherited.
pub const HANDLE_VARIABLE: &str = "FRAMEBUS_TEST_HANDLE";

/// A case: what has to hold, and how to find out.
pub type Case = (&'static str, fn(&Stage));

/// All cases.
pub const CASES: &[&[Case]] = &[
    segments::CASES,
    channels::CASES,
    wakes::CASES,
    processes::CASES,
];

/// A peer, and a channel to it.
struct Linked {
    peer: Peer,
    channel: Channel,
}

impl Linked {
    fn new(stage: &Stage) -> Linked {
        let (channel, theirs) = Channel::pair().expect("a pair");
        let mut command = stage.command();
        let text = channel::inherit(theirs, &mut command);
        command.env(HANDLE_VARIABLE, text);
        Linked {
            peer: Peer::start(command),
            channel,
        }
    }

    /// Sends a handle, which the peer keeps under `name`.
    fn hand_over(&mut self, name: &str, handle: BorrowedHandle<'_>) {
        self.channel.send(b"take", &[handle]).expect("sent");
        let taken = self.peer.must(&format!("take {name}"));
        assert_eq!(taken.number("handles"), 1);
    }

    /// The next message: its text and handles.
    fn receive(&self) -> (String, Vec<Handle>) {
        let (bytes, handles) = crate::raw::receive(&self.channel).expect("a message");
        (String::from_utf8_lossy(&bytes).into_owned(), handles)
    }
}
