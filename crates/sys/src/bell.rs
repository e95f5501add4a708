//! Bells: a word in shared memory that one process rings and another sleeps on.
//!
//! Uses futexes on Linux. A sleeper reads [`Bell::value`], announces itself, looks
//! once more for what it waits for, and sleeps on the value it read; a ring in
//! between is not lost, because it changes the value.

use crate::segment::Mapping;
use crate::sys::platform::bell as leaf;
use crate::{Handle, Result};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// The most bells [`wait_any`] takes. Linux: what futex_waitv takes.
pub const MAX_BELLS: usize = 128;

/// What a platform has to provide for [`Bell`].
pub(crate) trait BellOps: Sized {
    fn create(word: Word) -> Result<Self>;
    fn share(&self) -> Vec<crate::BorrowedHandle<'_>>;
    fn open(word: Word, handles: &mut dyn Iterator<Item = Handle>) -> Result<Self>;
    fn value(&self) -> u32;
    fn ring(&self);
    fn wait(&self, seen: u32, timeout: Option<Duration>) -> Result<()>;
    fn wait_any(bells: &[(&Self, u32)], timeout: Option<Duration>) -> Result<()>;
}

/// The word of a bell, and what keeps its memory alive.
#[derive(Clone, Debug)]
pub(crate) enum Word {
    Shared {
        mapping: Arc<Mapping>,
        offset: usize,
    },
    Local(Arc<AtomicU32>),
}

impl Word {
    pub(crate) fn atomic(&self) -> &AtomicU32 {
        match self {
            Word::Shared { mapping, offset } => {
                // SAFETY: `Bell::create` and `open` checked that the word lies inside the
                // mapping and is aligned; the mapping lives as long as `self`; all
                // processes touch the word with atomic operations only.
                unsafe { AtomicU32::from_ptr(mapping.as_ptr().add(*offset).cast()) }
            }
            Word::Local(word) => word,
        }
    }
}

/// A bell.
#[derive(Debug)]
pub struct Bell(leaf::BellLeaf);

fn checked(mapping: &Arc<Mapping>, offset: usize) -> Word {
    assert!(
        mapping.is_writable() && offset.is_multiple_of(4) && offset + 4 <= mapping.len(),
        "a bell lies in writable memory"
    );
    Word::Shared {
        mapping: mapping.clone(),
        offset,
    }
}

impl Bell {
    /// A new bell whose word lies at `offset` of a writable mapping.
    pub fn create(mapping: &Arc<Mapping>, offset: usize) -> Result<Bell> {
        Ok(Bell(leaf::BellLeaf::create(checked(mapping, offset))?))
    }

    /// A bell that only threads of this process use.
    pub fn local() -> Result<Bell> {
        Ok(Bell(leaf::BellLeaf::create(Word::Local(Arc::default()))?))
    }

    /// The handles a peer needs beside the word to open this bell; none on Linux.
    pub fn share(&self) -> Vec<crate::BorrowedHandle<'_>> {
        self.0.share()
    }

    /// Opens the bell at `offset` of a mapping, taking from `handles` what [`Bell::share`] gave.
    pub fn open(
        mapping: &Arc<Mapping>,
        offset: usize,
        handles: &mut dyn Iterator<Item = Handle>,
    ) -> Result<Bell> {
        Ok(Bell(leaf::BellLeaf::open(
            checked(mapping, offset),
            handles,
        )?))
    }

    /// How often it was rung, modulo 2^32.
    pub fn value(&self) -> u32 {
        self.0.value()
    }

    /// Wakes everybody who sleeps on it.
    pub fn ring(&self) {
        self.0.ring();
    }

    /// Sleeps until it is rung, unless its value is no longer `seen`. May wake early.
    pub fn wait(&self, seen: u32, timeout: Option<Duration>) -> Result<()> {
        self.0.wait(seen, timeout)
    }
}

/// Sleeps until one of at most [`MAX_BELLS`] bells is rung, unless the value of one
/// is no longer the one seen. May wake early.
pub fn wait_any(bells: &[(&Bell, u32)], timeout: Option<Duration>) -> Result<()> {
    assert!(bells.len() <= MAX_BELLS, "at most {MAX_BELLS} bells");
    if let [(bell, seen)] = bells {
        return bell.wait(*seen, timeout);
    }
    let leaves: Vec<_> = bells.iter().map(|(bell, seen)| (&bell.0, *seen)).collect();
    leaf::BellLeaf::wait_any(&leaves, timeout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::{Segment, SegmentKind};

    #[test]
    fn a_ring_between_look_and_sleep_is_not_lost() {
        let bell = Bell::local().unwrap();
        let seen = bell.value();
        bell.ring();
        bell.wait(seen, None).unwrap();
    }

    #[test]
    fn any_of_many_bells_wakes() {
        let (_segment, mapping) = Segment::create(SegmentKind::Shared, 4096, "test").unwrap();
        let mapping = Arc::new(mapping);
        let bells: Vec<_> = (0..100)
            .map(|i| Bell::create(&mapping, i * 4).unwrap())
            .collect();
        let seen: Vec<_> = bells.iter().map(|bell| (bell, bell.value())).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(5));
                bells[77].ring();
            });
            wait_any(&seen, None).unwrap();
        });
        let before = std::time::Instant::now();
        let seen: Vec<_> = bells.iter().map(|bell| (bell, bell.value())).collect();
        wait_any(&seen, Some(Duration::from_millis(20))).unwrap();
        assert!(before.elapsed() >= Duration::from_millis(20));
    }
}
