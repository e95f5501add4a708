//! The floor: one memfd, four slots in rotation, a word each way, and nothing else.
//!
//! It moves what framebus must move: the pixels, a header line of 64 bytes that is written and read
//! in full, and a time stamp per frame. It knows no names, no leases, no second subscriber and no
//! death; nothing that does can be faster.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering, fence};

use super::{Painter, Receiver, Setup};
use crate::Outcome;
use crate::case::Wait;
use crate::link::Link;
use crate::measure::now_ns;
use crate::shared::Map;

/// Offsets on the control page; each pair of cache lines belongs to one writer.
const ASK: usize = 0;
const ASK_WORD: usize = 8;
const FRAME: usize = 128;
const ASK_SLEEPER: usize = 256;
const FRAME_SLEEPER: usize = 384;
/// Header lines, one per slot, two lines apart.
const HEADERS: usize = 1024;
/// Slots start at multiples of this, as they do in framebus.
const SLOT_ALIGN: usize = 64 * 1024;
/// How long the adaptive wait spins before it sleeps.
const SPIN_NS: u64 = 20_000;

struct Board {
    map: Map,
    wait: Wait,
    slots: u32,
    bytes: usize,
    asks: u32,
    frames: u32,
}

impl Board {
    fn new(setup: &Setup, map: Map) -> Board {
        Board {
            map,
            wait: setup.contender.wait,
            slots: slots(setup),
            bytes: setup.bytes(),
            asks: 0,
            frames: 0,
        }
    }

    /// Offsets of header line and pixels of a frame.
    fn slot(&self, frame: u32) -> (usize, usize) {
        let slot = (frame % self.slots) as usize;
        let stride = self.bytes.next_multiple_of(SLOT_ALIGN);
        (HEADERS + slot * 128, SLOT_ALIGN + slot * stride)
    }

    /// Store a word and wake its reader if that one sleeps.
    fn announce(&self, word: usize, value: u32, sleeper: usize) {
        let word = self.map.word(word);
        // Release: what was painted before is seen by whoever sees the word; pairs with `differs`.
        word.store(value, Ordering::Release);
        if self.wait == Wait::Spin {
            return;
        }
        // Pairs with the fence in `sleep`: one of the two sees the other's store.
        fence(Ordering::SeqCst);
        if self.map.word(sleeper).load(Ordering::Relaxed) != 0 {
            futex(word, libc::FUTEX_WAKE, 1);
        }
    }

    /// Wait until a word differs from `seen`.
    fn differs(&self, word: usize, seen: u32, sleeper: usize) {
        let word = self.map.word(word);
        let mut limit = 0;
        for turn in 1u32.. {
            // Acquire: pairs with the store in `announce`.
            if word.load(Ordering::Acquire) != seen {
                return;
            }
            match self.wait {
                Wait::Spin => {}
                Wait::Block => return self.sleep(word, seen, sleeper),
                Wait::Adaptive if turn.is_multiple_of(64) => match (limit, now_ns()) {
                    (0, now) => limit = now + SPIN_NS,
                    (limit, now) if now > limit => return self.sleep(word, seen, sleeper),
                    _ => {}
                },
                Wait::Adaptive => {}
            }
            std::hint::spin_loop();
        }
    }

    fn sleep(&self, word: &AtomicU32, seen: u32, sleeper: usize) {
        let sleeper = self.map.word(sleeper);
        sleeper.store(1, Ordering::Relaxed);
        // Pairs with the fence in `announce`.
        fence(Ordering::SeqCst);
        while word.load(Ordering::Acquire) == seen {
            futex(word, libc::FUTEX_WAIT, seen);
        }
        sleeper.store(0, Ordering::Relaxed);
    }
}

fn futex(word: &AtomicU32, operation: libc::c_int, value: u32) {
    let forever = std::ptr::null::<libc::timespec>();
    // SAFETY: `word` is a live, aligned 32-bit word; both operations take no other memory of ours.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, value, forever) };
}

fn slots(setup: &Setup) -> u32 {
    if setup.contender.variant == "one-slot" {
        1
    } else {
        4
    }
}

/// The asking side; it makes the memory.
pub fn receiver(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Receiver>> {
    let slot = setup.bytes().next_multiple_of(SLOT_ALIGN);
    let map = Map::create(SLOT_ALIGN + slots(setup) as usize * slot)?;
    link.say(&map.address())?;
    Ok(Box::new(Board::new(setup, map)))
}

/// The painting side.
pub fn painter(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Painter>> {
    let map = Map::open(&link.hear()?)?;
    Ok(Box::new(Board::new(setup, map)))
}

impl Receiver for Board {
    fn ask(&mut self, word: u64) -> Outcome<()> {
        self.asks = self.asks.wrapping_add(1);
        // Published by the release store of `announce`.
        self.map.word64(ASK_WORD).store(word, Ordering::Relaxed);
        self.announce(ASK, self.asks, ASK_SLEEPER);
        Ok(())
    }

    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Outcome<u64> {
        self.differs(FRAME, self.frames, FRAME_SLEEPER);
        let (header, pixels) = self.slot(self.frames);
        self.frames = self.frames.wrapping_add(1);
        // SAFETY: the painter writes this header again only after our next ask, or four frames on.
        let header: [u8; 64] = black_box(unsafe { self.map.bytes(header, 64) }.try_into()?);
        // SAFETY: as for the header.
        look(unsafe { self.map.bytes(pixels, self.bytes) });
        Ok(u64::from_le_bytes(header[..8].try_into()?))
    }
}

impl Painter for Board {
    fn next_ask(&mut self) -> Outcome<u64> {
        self.differs(ASK, self.asks, ASK_SLEEPER);
        self.asks = self.asks.wrapping_add(1);
        Ok(self.map.word64(ASK_WORD).load(Ordering::Relaxed))
    }

    fn paint(&mut self, brush: &mut dyn FnMut(&mut [u8])) -> Outcome<()> {
        let (header, pixels) = self.slot(self.frames);
        // SAFETY: an ask or a credit gave us this slot; the receiver looks once the word says so.
        brush(unsafe { self.map.bytes_mut(pixels, self.bytes) });
        self.frames = self.frames.wrapping_add(1);
        let mut line = [self.frames as u8; 64];
        line[..8].copy_from_slice(&now_ns().to_le_bytes());
        // SAFETY: as for the pixels.
        unsafe { self.map.bytes_mut(header, 64) }.copy_from_slice(&line);
        self.announce(FRAME, self.frames, FRAME_SLEEPER);
        Ok(())
    }

    fn needs_credits(&self) -> bool {
        true
    }
}
