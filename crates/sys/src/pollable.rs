//! A handle for event loops that becomes readable when somebody rings it.
//!
//! Uses a non-blocking socket pair on Linux: of an eventfd the peer could clear the
//! non-blocking flag and fill it, and the next ring would block its owner.

use crate::sys::platform::pollable as leaf;
use crate::{BorrowedHandle, Handle, Result};
use std::time::Duration;

/// What a platform has to provide for [`Pollable`] and [`Ringer`].
pub(crate) trait PollableOps: Sized {
    type Ringer;
    fn pair() -> Result<(Self, Handle)>;
    fn clear(&self);
    fn wait(&self, timeout: Duration) -> Result<bool>;
    fn handle(&self) -> BorrowedHandle<'_>;
    fn ringer(handle: Handle) -> Result<Self::Ringer>;
    fn ring(ringer: &Self::Ringer);
    fn ringer_handle(ringer: &Self::Ringer) -> BorrowedHandle<'_>;
}

/// The end that is waited for.
#[derive(Debug)]
pub struct Pollable(pub(crate) leaf::PollableLeaf);

impl Pollable {
    /// A pollable, and the handle that its ringer is made from.
    pub fn pair() -> Result<(Pollable, Handle)> {
        let (pollable, ringer) = leaf::PollableLeaf::pair()?;
        Ok((Pollable(pollable), ringer))
    }

    /// Takes back all rings so far.
    pub fn clear(&self) {
        self.0.clear();
    }

    /// Waits until it was rung; `false` after `timeout`.
    pub fn wait(&self, timeout: Duration) -> Result<bool> {
        self.0.wait(timeout)
    }

    /// The handle for an event loop. Only wait for it; do not read it.
    pub fn handle(&self) -> BorrowedHandle<'_> {
        self.0.handle()
    }
}

/// The end that rings. No peer can make it block.
#[derive(Debug)]
pub struct Ringer(leaf::RingerLeaf);

impl Ringer {
    /// A ringer from the handle of [`Pollable::pair`].
    pub fn from_handle(handle: Handle) -> Result<Ringer> {
        Ok(Ringer(<leaf::PollableLeaf as PollableOps>::ringer(handle)?))
    }

    /// The handle that another process can make a ringer from.
    pub fn handle(&self) -> BorrowedHandle<'_> {
        <leaf::PollableLeaf as PollableOps>::ringer_handle(&self.0)
    }

    /// Makes the pollable readable. A full or closed one is left as it is.
    pub fn ring(&self) {
        <leaf::PollableLeaf as PollableOps>::ring(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_readable_from_ring_to_clear_and_never_blocks_the_ringer() {
        let (pollable, handle) = Pollable::pair().unwrap();
        let ringer = Ringer::from_handle(handle).unwrap();
        assert!(!pollable.wait(Duration::ZERO).unwrap());
        for _ in 0..100_000 {
            ringer.ring();
        }
        assert!(pollable.wait(Duration::from_secs(10)).unwrap());
        pollable.clear();
        assert!(!pollable.wait(Duration::ZERO).unwrap());
    }
}
