//! Where the shared words lie: the stream page, and one control page per subscriber.
//!
//! docs/memory-layout.md draws these bytes; the assertions below pin them. Lines of
//! 64 bytes are grouped by who writes them how often, so that a processor that polls
//! a line is only disturbed by news.

use crate::sync::AtomicU32;

/// First word of a stream page: the bytes `FBS1`.
pub(crate) const STREAM_MAGIC: u32 = u32::from_le_bytes(*b"FBS1");

/// The magic of a control page: the bytes `FBC1`.
pub(crate) const CONTROL_MAGIC: u32 = u32::from_le_bytes(*b"FBC1");

/// Version of the layout of both pages and of the handshake.
pub(crate) const LAYOUT_VERSION: u32 = 1;

/// Publications that the log remembers.
#[cfg(not(loom))]
pub(crate) const LOG_LEN: usize = 64;
#[cfg(loom)]
pub(crate) const LOG_LEN: usize = 4;

/// The deepest queue: half the log, so that an entry that is still in the window
/// of a queue is never the one being overwritten.
pub(crate) const MAX_DEPTH: u32 = LOG_LEN as u32 / 2;

/// The most leases one subscriber may hold, so that they share a line.
pub(crate) const MAX_QUOTA: usize = 8;

/// Bytes of a request that travel in the request's own line.
pub(crate) const INLINE_REQUEST: usize = 56;

/// The longest request.
pub(crate) const MAX_REQUEST: usize = 4096;

/// The longest reason of a declined request.
pub(crate) const MAX_REASON: usize = 512;

/// Rectangles a damage record holds.
pub(crate) const DAMAGE_RECTS: usize = 16;

/// Size of the stream segment.
pub(crate) const STREAM_BYTES: u64 = 0x4000;

/// Size of a control segment.
pub(crate) const CONTROL_BYTES: u64 = 0x3000;

/// Where the bytes of a long request lie in the control segment.
pub(crate) const REQUEST_OFFSET: usize = 0x1000;

/// Where the reason of a declined request lies in the control segment.
pub(crate) const REASON_OFFSET: usize = 0x2000;

/// The stream page: written by the publisher, read by all subscribers.
#[repr(C)]
pub(crate) struct StreamWords {
    // Line 0: constant.
    pub(crate) magic: AtomicU32,
    pub(crate) version: AtomicU32,
    pub(crate) epoch: AtomicU32,
    pub(crate) log_len: AtomicU32,
    reserved0: [AtomicU32; 12],
    // Line 1: rewritten by every publication.
    /// The newest publication; 0 before the first.
    pub(crate) published: AtomicU32,
    /// Its full sequence. Low word first in memory, high word first in time.
    pub(crate) sequence_lo: AtomicU32,
    pub(crate) sequence_hi: AtomicU32,
    reserved1: [AtomicU32; 13],
    // Line 2: rarely written.
    /// 0 open, 1 closed.
    pub(crate) state: AtomicU32,
    /// [`AWAKE`], [`ASLEEP`] or [`SLEEPLESS`].
    pub(crate) waiting: AtomicU32,
    /// The processor the publisher ran on when it last published or replied, plus 1.
    pub(crate) cpu: AtomicU32,
    reserved2: [AtomicU32; 13],
    // Line 3: the serial of each segment, by index; 0 for none. Entry 0 is not used.
    pub(crate) segments: [AtomicU32; 16],
    // Lines 4 to 7: the publication of sequence s at index s % LOG_LEN.
    pub(crate) log: [AtomicU32; LOG_LEN],
    // Lines 8 on: the damage of sequence s at index s % LOG_LEN.
    pub(crate) damage: [DamageWords; LOG_LEN],
}

/// The damage of one publication.
#[repr(C)]
pub(crate) struct DamageWords {
    /// Low word of the sequence; 0 while the record is being written.
    pub(crate) sequence: AtomicU32,
    /// 0 all, 1 none, 2 rectangles in the low half; their number in the high half.
    pub(crate) kind: AtomicU32,
    reserved: [AtomicU32; 6],
    /// Each rectangle as x | y << 16, width | height << 16.
    pub(crate) rects: [[AtomicU32; 2]; DAMAGE_RECTS],
    pad: [AtomicU32; 8],
}

/// One subscriber's control page: shared by that subscriber and the publisher.
///
/// A line that one side polls is written by the other only when there is news for it,
/// and lies 128 bytes from the next, because processors fetch lines in pairs: what else
/// is written beside a polled word makes every poll, and every write, a transfer
/// between cores.
#[repr(C)]
pub(crate) struct ControlWords {
    // 0x000: polled by the publisher; written once per request.
    /// The pending request; 0 for none. Whoever writes a request writes this last.
    pub(crate) request_id: AtomicU32,
    /// Bytes of the request.
    pub(crate) request_len: AtomicU32,
    /// The request itself, if it is short.
    pub(crate) inline: [AtomicU32; INLINE_REQUEST / 4],
    reserved0: [AtomicU32; 16],
    // 0x080: written by the subscriber with every frame; read when slots run out.
    /// Slots that must not be reused; 0 for none.
    pub(crate) leases: [AtomicU32; MAX_QUOTA],
    /// The request whose reply was taken last.
    pub(crate) reply_taken: AtomicU32,
    reserved1: [AtomicU32; 23],
    // 0x100: polled by a publisher that is held back.
    /// Lossless: the low word of the last sequence this subscriber took.
    pub(crate) acknowledged: AtomicU32,
    /// Lossless: 1 once this subscriber has noticed that it was demoted.
    pub(crate) demotion_seen: AtomicU32,
    reserved2: [AtomicU32; 30],
    // 0x180: read at every publication; written by the subscriber when it goes to sleep.
    /// What to wake: bit 0 the bell, bit 1 the pollable. Whoever wakes clears it.
    pub(crate) wake: AtomicU32,
    /// The processor the subscriber ran on when it last waited, plus 1.
    pub(crate) cpu: AtomicU32,
    reserved3: [AtomicU32; 30],
    // 0x200: polled by the subscriber; written by the publisher once per reply.
    /// The request that was answered last.
    pub(crate) reply_id: AtomicU32,
    /// The slot of the reply; 0 if the request was declined.
    pub(crate) reply_slot: AtomicU32,
    /// Bytes of the reason of a declined request.
    pub(crate) reason_len: AtomicU32,
    reserved4: [AtomicU32; 29],
    // 0x280: written by the publisher, once each.
    /// 1 if the publisher gave up waiting for this lossless subscriber.
    pub(crate) demoted: AtomicU32,
    /// 1 once `granted_*` are set.
    pub(crate) granted: AtomicU32,
    /// From this sequence on, `depth` publications are kept for this subscriber.
    pub(crate) granted_lo: AtomicU32,
    pub(crate) granted_hi: AtomicU32,
    reserved5: [AtomicU32; 28],
    // 0x300: the bells; each counts its rings.
    /// Rung by the publisher.
    pub(crate) bell: AtomicU32,
    /// Rung by the subscriber.
    pub(crate) publisher_bell: AtomicU32,
    reserved6: [AtomicU32; 30],
    // 0x380: constant.
    pub(crate) magic: AtomicU32,
    pub(crate) version: AtomicU32,
    pub(crate) quota: AtomicU32,
    pub(crate) depth: AtomicU32,
    reserved7: [AtomicU32; 28],
}

/// Bits of [`ControlWords::wake`].
pub(crate) const WAKE_BELL: u32 = 1;
/// See [`WAKE_BELL`].
pub(crate) const WAKE_POLLABLE: u32 = 2;

/// Value of [`StreamWords::waiting`]: the publisher is busy, and may sleep later.
pub(crate) const AWAKE: u32 = 0;
/// Value of [`StreamWords::waiting`]: the publisher sleeps, or is about to.
pub(crate) const ASLEEP: u32 = 1;
/// Value of [`StreamWords::waiting`]: this publisher spins and never sleeps.
pub(crate) const SLEEPLESS: u32 = 2;

/// Value of [`StreamWords::state`] after an orderly end.
pub(crate) const STATE_CLOSED: u32 = 1;

#[cfg(not(loom))]
const _: () = {
    use std::mem::{offset_of, size_of};
    assert!(offset_of!(StreamWords, published) == 0x40);
    assert!(offset_of!(StreamWords, sequence_lo) == 0x44);
    assert!(offset_of!(StreamWords, sequence_hi) == 0x48);
    assert!(offset_of!(StreamWords, state) == 0x80);
    assert!(offset_of!(StreamWords, waiting) == 0x84);
    assert!(offset_of!(StreamWords, cpu) == 0x88);
    assert!(offset_of!(StreamWords, segments) == 0xC0);
    assert!(offset_of!(StreamWords, log) == 0x100);
    assert!(offset_of!(StreamWords, damage) == 0x200);
    assert!(size_of::<DamageWords>() == 0xC0);
    assert!(offset_of!(DamageWords, rects) == 0x20);
    assert!(size_of::<StreamWords>() as u64 <= STREAM_BYTES);
    assert!(offset_of!(ControlWords, inline) == 0x08);
    assert!(offset_of!(ControlWords, leases) == 0x80);
    assert!(offset_of!(ControlWords, reply_taken) == 0xA0);
    assert!(offset_of!(ControlWords, acknowledged) == 0x100);
    assert!(offset_of!(ControlWords, demotion_seen) == 0x104);
    assert!(offset_of!(ControlWords, wake) == 0x180);
    assert!(offset_of!(ControlWords, cpu) == 0x184);
    assert!(offset_of!(ControlWords, reply_id) == 0x200);
    assert!(offset_of!(ControlWords, reply_slot) == 0x204);
    assert!(offset_of!(ControlWords, reason_len) == 0x208);
    assert!(offset_of!(ControlWords, demoted) == 0x280);
    assert!(offset_of!(ControlWords, granted) == 0x284);
    assert!(offset_of!(ControlWords, granted_lo) == 0x288);
    assert!(offset_of!(ControlWords, bell) == 0x300);
    assert!(offset_of!(ControlWords, publisher_bell) == 0x304);
    assert!(offset_of!(ControlWords, magic) == 0x380);
    assert!(size_of::<ControlWords>() <= REQUEST_OFFSET);
    assert!(REQUEST_OFFSET + MAX_REQUEST <= REASON_OFFSET);
    assert!((REASON_OFFSET + MAX_REASON) as u64 <= CONTROL_BYTES);
};

/// Offset of the bell that the publisher rings, in a control segment.
#[cfg(not(loom))]
pub(crate) const BELL_OFFSET: usize = std::mem::offset_of!(ControlWords, bell);
/// Offset of the bell that the subscriber rings, in a control segment.
#[cfg(not(loom))]
pub(crate) const PUBLISHER_BELL_OFFSET: usize = std::mem::offset_of!(ControlWords, publisher_bell);

/// Pages of their own memory, for loom, which cannot lay its atomics over bytes.
#[cfg(all(test, loom))]
pub(crate) mod owned {
    use super::*;

    fn words<const N: usize>() -> [AtomicU32; N] {
        std::array::from_fn(|_| AtomicU32::new(0))
    }

    pub(crate) fn stream() -> StreamWords {
        let word = || AtomicU32::new(0);
        StreamWords {
            magic: word(),
            version: word(),
            epoch: word(),
            log_len: word(),
            reserved0: words(),
            published: word(),
            sequence_lo: word(),
            sequence_hi: word(),
            reserved1: words(),
            state: word(),
            waiting: word(),
            cpu: word(),
            reserved2: words(),
            segments: words(),
            log: words(),
            damage: std::array::from_fn(|_| DamageWords {
                sequence: word(),
                kind: word(),
                reserved: words(),
                rects: std::array::from_fn(|_| words()),
                pad: words(),
            }),
        }
    }

    pub(crate) fn control() -> ControlWords {
        let word = || AtomicU32::new(0);
        ControlWords {
            request_id: word(),
            request_len: word(),
            inline: words(),
            reserved0: words(),
            leases: words(),
            reply_taken: word(),
            reserved1: words(),
            acknowledged: word(),
            demotion_seen: word(),
            reserved2: words(),
            wake: word(),
            cpu: word(),
            reserved3: words(),
            reply_id: word(),
            reply_slot: word(),
            reason_len: word(),
            reserved4: words(),
            demoted: word(),
            granted: word(),
            granted_lo: word(),
            granted_hi: word(),
            reserved5: words(),
            bell: word(),
            publisher_bell: word(),
            reserved6: words(),
            magic: word(),
            version: word(),
            quota: word(),
            depth: word(),
            reserved7: words(),
        }
    }
}
