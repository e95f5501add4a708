//! Pixel segments and their slots.

use crate::error::{ErrorKind, Result};
use framebus_frame::wire;
use framebus_sys::segment::{Mapping, Segment};
use framebus_sys::volatile;

/// Slots start at multiples of this, so that Windows can map one alone.
const SLOT_ALIGNMENT: u64 = 64 << 10;

/// The size of a slot with room for `pixels` bytes of pixels.
pub(crate) fn slot_bytes(pixels: u64) -> u64 {
    (wire::PIXELS as u64 + pixels).next_multiple_of(SLOT_ALIGNMENT)
}

/// A segment of slots, mapped.
#[derive(Debug)]
pub(crate) struct PixelSegment {
    mapping: Mapping,
    slot_bytes: usize,
    slots: u32,
}

impl PixelSegment {
    /// Maps a segment whose size was checked to be `slots * slot_bytes`.
    pub(crate) fn new(mapping: Mapping, slot_bytes: u64, slots: u32) -> PixelSegment {
        assert_eq!(
            mapping.len() as u64,
            slot_bytes * u64::from(slots),
            "the size was checked before"
        );
        PixelSegment {
            mapping,
            slot_bytes: slot_bytes as usize,
            slots,
        }
    }

    pub(crate) fn slot_bytes(&self) -> u64 {
        self.slot_bytes as u64
    }

    /// The slot with this index, which may be foreign; `None` beyond the last.
    #[inline]
    pub(crate) fn slot(&self, index: u32) -> Option<SlotView> {
        (index < self.slots).then(|| SlotView {
            // SAFETY: the index is below the number of slots, so the offset is inside the mapping.
            start: unsafe { self.mapping.as_ptr().add(index as usize * self.slot_bytes) },
            len: self.slot_bytes,
        })
    }

    /// Makes sure that a slot's memory is there, so that painting it cannot fail.
    pub(crate) fn commit(&self, segment: &Segment, index: u32) -> Result<()> {
        let start = u64::from(index) * self.slot_bytes as u64;
        segment.commit(start..start + self.slot_bytes as u64)?;
        let start = start as usize;
        self.mapping.populate(start..start + self.slot_bytes)?;
        Ok(())
    }
}

/// The address range of one slot. Copying it is safe; using it needs the segment alive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotView {
    start: *mut u8,
    len: usize,
}

// SAFETY: an address range; its users answer for races and lifetime.
unsafe impl Send for SlotView {}
// SAFETY: as above.
unsafe impl Sync for SlotView {}

impl SlotView {
    /// Where the pixels start.
    pub(crate) fn pixels(self) -> *mut u8 {
        // SAFETY: a slot is longer than its header.
        unsafe { self.start.add(wire::PIXELS) }
    }

    /// Has the lines ready that painting and publishing write first.
    #[inline]
    pub(crate) fn prefetch(self) {
        volatile::prefetch_for_write(self.start);
        volatile::prefetch_for_write(self.pixels());
    }

    /// Room for pixels.
    pub(crate) fn pixel_capacity(self) -> u64 {
        (self.len - wire::PIXELS) as u64
    }

    /// Reads words of the header, each once.
    ///
    /// # Safety
    ///
    /// The segment is mapped; offset is a multiple of 4.
    #[inline]
    pub(crate) unsafe fn read_words<const N: usize>(self, offset: usize) -> [u32; N] {
        const { assert!(N * 4 <= wire::HEADER_BYTES) };
        assert!(offset + N * 4 <= wire::HEADER_BYTES, "inside the header");
        let mut words = [0; N];
        for (at, word) in words.iter_mut().enumerate() {
            // SAFETY: inside the header, checked above; the caller vouches for the rest.
            *word = u32::from_le(unsafe {
                self.start.add(offset).cast::<u32>().add(at).read_volatile()
            });
        }
        words
    }

    /// Writes words of the header.
    ///
    /// # Safety
    ///
    /// The segment is mapped writable and the slot is loaned; offset is a multiple of 4.
    #[inline]
    pub(crate) unsafe fn write_words(self, offset: usize, words: &[u32]) {
        assert!(
            offset + words.len() * 4 <= wire::HEADER_BYTES,
            "inside the header"
        );
        for (at, word) in words.iter().enumerate() {
            // SAFETY: inside the header, checked above; the caller vouches for the rest.
            unsafe {
                self.start
                    .add(offset)
                    .cast::<u32>()
                    .add(at)
                    .write(word.to_le())
            };
        }
    }

    /// Copies the metadata out; its length was checked against the limit.
    ///
    /// # Safety
    ///
    /// The segment is mapped.
    pub(crate) unsafe fn read_metadata(self, len: usize) -> Box<[u8]> {
        assert!(len <= wire::MAX_METADATA_BYTES, "checked with the header");
        let mut bytes = vec![0; len];
        // SAFETY: metadata lies between the header and the pixels; the caller vouches for the rest.
        unsafe { volatile::copy_out(self.start.add(wire::METADATA), bytes.as_mut_ptr(), len) };
        bytes.into_boxed_slice()
    }

    /// Writes the metadata.
    ///
    /// # Safety
    ///
    /// The segment is mapped writable and the slot is loaned.
    pub(crate) unsafe fn write_metadata(self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > wire::MAX_METADATA_BYTES {
            return Err(ErrorKind::MetadataTooLong {
                len: bytes.len(),
                limit: wire::MAX_METADATA_BYTES,
            }
            .into());
        }
        // SAFETY: metadata lies between the header and the pixels; the caller vouches for the rest.
        unsafe { volatile::copy_in(bytes.as_ptr(), self.start.add(wire::METADATA), bytes.len()) };
        Ok(())
    }
}
