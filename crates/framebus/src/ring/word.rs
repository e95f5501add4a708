//! The 32-bit words that name a slot or a publication.

/// A slot of a segment: 4 bits of segment index, which is never 0, and 8 bits of
/// slot index. So no slot reference is 0, and 0 can mean none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SlotRef(u32);

/// Segment indices are 1..=15.
pub(crate) const MAX_SEGMENTS: usize = 15;

/// Slots of one segment, at most.
pub(crate) const MAX_SEGMENT_SLOTS: u32 = 256;

impl SlotRef {
    /// The slot `slot` (below 256) of the segment `segment` (1..=15).
    pub(crate) fn new(segment: usize, slot: u32) -> SlotRef {
        assert!(
            (1..=MAX_SEGMENTS).contains(&segment) && slot < MAX_SEGMENT_SLOTS,
            "slot {segment}/{slot}"
        );
        SlotRef((segment as u32) << 8 | slot)
    }

    /// The slot that a foreign word names; `None` for words that name none.
    #[inline]
    pub(crate) fn from_word(word: u32) -> Option<SlotRef> {
        (0x100..0x1000).contains(&word).then_some(SlotRef(word))
    }

    #[inline]
    pub(crate) fn word(self) -> u32 {
        self.0
    }

    #[inline]
    pub(crate) fn segment(self) -> usize {
        (self.0 >> 8) as usize
    }

    #[inline]
    pub(crate) fn slot(self) -> u32 {
        self.0 & 0xFF
    }
}

/// A publication: the low 20 bits of its sequence and its slot. 0 means none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Publication(u32);

impl Publication {
    #[inline]
    pub(crate) fn new(sequence: u64, slot: SlotRef) -> Publication {
        Publication((sequence as u32) << 12 | slot.word())
    }

    /// The publication that a foreign word names; `None` for words that name none.
    #[inline]
    pub(crate) fn from_word(word: u32) -> Option<Publication> {
        SlotRef::from_word(word & 0xFFF).map(|_| Publication(word))
    }

    #[inline]
    pub(crate) fn word(self) -> u32 {
        self.0
    }

    #[inline]
    pub(crate) fn slot(self) -> SlotRef {
        SlotRef(self.0 & 0xFFF)
    }

    /// Whether it may be the publication of `sequence`: the low 20 bits agree.
    #[inline]
    pub(crate) fn fits(self, sequence: u64) -> bool {
        self.0 >> 12 == (sequence as u32) & 0xF_FFFF
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn words_name_what_they_were_made_from_and_zero_names_nothing() {
        for (segment, slot) in [(1, 0), (1, 255), (15, 0), (15, 255), (7, 100)] {
            let slot_ref = SlotRef::new(segment, slot);
            assert_eq!(SlotRef::from_word(slot_ref.word()), Some(slot_ref));
            assert_eq!((slot_ref.segment(), slot_ref.slot()), (segment, slot));
            for sequence in [1, 0xF_FFFF, 0x10_0000, u64::MAX] {
                let publication = Publication::new(sequence, slot_ref);
                assert_eq!(
                    Publication::from_word(publication.word()),
                    Some(publication)
                );
                assert_eq!(publication.slot(), slot_ref);
                assert!(publication.fits(sequence) && !publication.fits(sequence.wrapping_add(1)));
            }
        }
        assert_eq!(SlotRef::from_word(0), None);
        assert_eq!(SlotRef::from_word(0xFF), None);
        assert_eq!(SlotRef::from_word(0x1000), None);
        assert_eq!(Publication::from_word(0), None);
        assert_eq!(Publication::from_word(0xFFFF_F0FF), None);
    }
}
