//! The publisher's segments: making them as frames and subscribers need them, and
//! knowing what each slot shows.

use super::service::Service;
use crate::error::{ErrorKind, Result};
use crate::memory::{PixelSegment, SlotView, slot_bytes};
use crate::ring::word::{MAX_SEGMENT_SLOTS, MAX_SEGMENTS, SlotRef};
use framebus_frame::{Descriptor, FrameLayout};
use framebus_sys::machine;
use framebus_sys::segment::{Segment, SegmentKind};
use std::sync::Arc;

/// Slots of a segment, at least, so that few segments serve many subscribers.
const MIN_SEGMENT_SLOTS: u32 = 4;

/// Slots in rotation, at most: beyond this no reader's cache still holds the oldest.
const MAX_ROTATION: u64 = 8;

/// What is in a slot, as far as its publisher knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct SlotRecord {
    /// The descriptor that its header holds.
    pub(crate) descriptor: Option<Descriptor>,
    pub(crate) revision: u32,
    pub(crate) generation: u32,
    /// The sequence of the picture in it; 0 for none or one that was not published.
    pub(crate) sequence: u64,
}

/// The size of the slots that new segments get.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotSize {
    bytes: u64,
    /// How many of them loans rotate over.
    rotation: u32,
}

#[derive(Debug)]
struct StoredSegment {
    pixels: PixelSegment,
    segment: Arc<Segment>,
    records: Vec<SlotRecord>,
    committed: u32,
}

/// All segments of a publisher.
#[derive(Debug)]
pub(crate) struct Store {
    segments: [Option<StoredSegment>; MAX_SEGMENTS + 1],
    slots: SlotSize,
    next_serial: u32,
}

impl Store {
    pub(crate) fn new() -> Store {
        Store {
            segments: std::array::from_fn(|_| None),
            slots: SlotSize {
                bytes: 0,
                rotation: 2,
            },
            next_serial: 1,
        }
    }

    /// Sees to it that new slots have room for such a frame. If the present ones have
    /// not, gives their size, and the caller retires their segments.
    #[inline]
    pub(crate) fn grow_for(&mut self, layout: &FrameLayout) -> Option<SlotSize> {
        let needed = slot_bytes(layout.byte_len());
        if needed <= self.slots.bytes {
            return None;
        }
        let rotation = (machine::caches().l3 / 2 / needed).clamp(2, MAX_ROTATION) as u32;
        let bytes = needed;
        Some(std::mem::replace(
            &mut self.slots,
            SlotSize { bytes, rotation },
        ))
    }

    /// Takes the size back that [`Store::grow_for`] gave.
    pub(crate) fn shrink_to(&mut self, before: SlotSize) {
        self.slots = before;
    }

    /// How many slots loans should rotate over: as many as stay well inside the last
    /// cache, and no more than make a difference.
    #[inline]
    pub(crate) fn rotation(&self) -> u32 {
        self.slots.rotation
    }

    /// Adds a segment under `index` with about `wanted` slots; gives how many it has.
    pub(crate) fn add_segment(
        &mut self,
        service: &Service,
        index: usize,
        wanted: u32,
    ) -> Result<u32> {
        let slots = wanted.clamp(MIN_SEGMENT_SLOTS, MAX_SEGMENT_SLOTS);
        let bytes = u64::from(slots) * self.slots.bytes;
        let (segment, mapping) = Segment::create(SegmentKind::Live, bytes, "framebus-pixels")?;
        let segment = Arc::new(segment);
        let pixels = PixelSegment::new(mapping, self.slots.bytes, slots);
        let serial = self.next_serial;
        // 0 means no segment.
        self.next_serial = self.next_serial.checked_add(1).unwrap_or(1);
        service.share_segment(index, segment.clone(), serial, slots, self.slots.bytes);
        let records = vec![SlotRecord::default(); slots as usize];
        self.segments[index] = Some(StoredSegment {
            pixels,
            segment,
            records,
            committed: 0,
        });
        Ok(slots)
    }

    pub(crate) fn remove_segment(&mut self, service: &Service, index: usize) {
        service.withdraw_segment(index);
        self.segments[index] = None;
    }

    /// Sees to the memory of a slot that is painted for the first time.
    pub(crate) fn commit(&mut self, slot: SlotRef) -> Result<()> {
        let Some(stored) = &mut self.segments[slot.segment()] else {
            return Err(ErrorKind::NoSpace {
                bytes: self.slots.bytes,
            }
            .into());
        };
        stored.pixels.commit(&stored.segment, slot.slot())?;
        stored.committed += 1;
        Ok(())
    }

    /// The memory of a slot and what it shows.
    #[inline]
    pub(crate) fn slot(&mut self, slot: SlotRef) -> Option<(SlotView, &mut SlotRecord)> {
        let stored = self.segments[slot.segment()].as_mut()?;
        Some((
            stored.pixels.slot(slot.slot())?,
            stored.records.get_mut(slot.slot() as usize)?,
        ))
    }

    /// How many segments there are, and the bytes that they have committed.
    pub(crate) fn usage(&self) -> (u32, u64) {
        let all = self.segments.iter().flatten();
        all.fold((0, 0), |(count, bytes), it| {
            (
                count + 1,
                bytes + u64::from(it.committed) * it.pixels.slot_bytes(),
            )
        })
    }
}
