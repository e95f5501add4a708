//! A frame while it is painted.

use super::publisher::Publisher;
use crate::error::Result;
use crate::memory::SlotView;
use crate::request::{Answered, Request};
use crate::ring::page::LOG_LEN;
use crate::ring::word::SlotRef;
use crate::sync::{Ordering, fence};
use framebus_frame::{
    AlphaMode, ClockDomain, Colour, Damage, DamageSummary, Descriptor, FrameLayout, HotLine, Rect,
    wire,
};
use framebus_sys::clock::monotonic_ns;
use std::fmt;
use std::ops::Range;

/// A loaned slot: paint it, describe it, publish it. Dropping it instead publishes nothing.
///
/// Nobody else writes this memory, and no subscriber that follows the protocol reads it
/// before it is published; so its pixels are an ordinary slice here.
#[must_use = "a frame that is dropped is not published"]
pub struct FrameMut<'a> {
    publisher: &'a mut Publisher,
    slot: SlotRef,
    view: SlotView,
    descriptor: Descriptor,
    metadata_len: u32,
    /// `None` for All; in a box because it is large and rare.
    damage: Option<Box<Damage>>,
    source_time: Option<(u64, ClockDomain)>,
    age: u64,
    finished: bool,
}

impl<'a> FrameMut<'a> {
    #[inline]
    pub(crate) fn new(
        publisher: &'a mut Publisher,
        slot: SlotRef,
        layout: FrameLayout,
    ) -> Result<FrameMut<'a>> {
        let next = publisher.ring.sequence() + 1;
        let Some((view, record)) = publisher.store.slot(slot) else {
            unreachable!("the ring loans only slots of segments that the store has");
        };
        assert!(
            layout.byte_len() <= view.pixel_capacity(),
            "the slot was chosen for this layout"
        );
        let same = record
            .descriptor
            .is_some_and(|descriptor| descriptor.layout == layout);
        let age = if same && record.sequence != 0 {
            next - record.sequence
        } else {
            0
        };
        // Whatever happens to the loan, the slot no longer shows that picture.
        record.sequence = 0;
        framebus_sys::fault_point!("loan.after");
        Ok(FrameMut {
            publisher,
            slot,
            view,
            descriptor: Descriptor::new(layout),
            metadata_len: 0,
            damage: None,
            source_time: None,
            age,
            finished: false,
        })
    }

    /// The layout it was loaned for.
    pub fn layout(&self) -> &FrameLayout {
        &self.descriptor.layout
    }

    /// All pixel bytes, planes and padding: [`FrameLayout::byte_len`] of them.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: the slot is loaned to this value alone; the kernel lets no other process
        // write it (its segment is sealed), this process writes slots only through loans,
        // and reads of it elsewhere in this process are volatile copies. The layout fits.
        unsafe {
            std::slice::from_raw_parts_mut(
                self.view.pixels(),
                self.descriptor.layout.byte_len() as usize,
            )
        }
    }

    /// All pixel bytes, for reading.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: as for `bytes_mut`; `&self` keeps the painter out meanwhile.
        unsafe {
            std::slice::from_raw_parts(
                self.view.pixels(),
                self.descriptor.layout.byte_len() as usize,
            )
        }
    }

    /// The bytes of row `y` of a plane, without padding; `None` if there is no such row.
    pub fn row_mut(&mut self, plane: usize, y: u32) -> Option<&mut [u8]> {
        let range = self.descriptor.layout.row_range(plane, y)?;
        self.bytes_mut().get_mut(range)
    }

    /// How many publications ago the picture in this slot was published: 1 means it shows
    /// the newest. 0 means that its bytes are undefined.
    pub fn age(&self) -> u64 {
        self.age
    }

    /// Sets the user's metadata: up to 4096 bytes that travel with the pixels.
    pub fn set_metadata(&mut self, bytes: &[u8]) -> Result<()> {
        // SAFETY: the slot is loaned and its segment mapped writable.
        unsafe { self.view.write_metadata(bytes)? };
        self.metadata_len = bytes.len() as u32;
        Ok(())
    }

    /// Says what differs from the frame published before this one. All, by default.
    /// Areas outside the picture are cut off.
    pub fn set_damage(&mut self, damage: Damage) {
        self.damage = match damage.clip(self.descriptor.layout.extent()) {
            Damage::All => None,
            less => Some(Box::new(less)),
        };
    }

    /// Says what the sample values mean.
    pub fn set_colour(&mut self, colour: Colour) {
        self.descriptor.colour = colour;
    }

    /// Says what the alpha samples mean.
    pub fn set_alpha(&mut self, alpha: AlphaMode) {
        self.descriptor.alpha = alpha;
    }

    /// Says when the source took the picture, in nanoseconds of a clock.
    pub fn set_source_time(&mut self, ns: u64, clock: ClockDomain) {
        self.source_time = Some((ns, clock));
    }

    /// Publishes the frame to all subscribers; gives its sequence, 1 for the first.
    ///
    /// Never waits, takes no lock, and makes no system call unless somebody sleeps.
    #[inline]
    pub fn publish(mut self) -> u64 {
        self.finished = true;
        let sequence = self.publisher.ring.sequence() + 1;
        if !self.publisher.has_described(&self.descriptor.layout) {
            // Against a picture of another size or format, everything differs.
            self.damage = None;
        }
        self.write_header(sequence, None);
        self.log_damage(sequence);
        if let Some((_, record)) = self.publisher.store.slot(self.slot) {
            record.sequence = sequence;
        }
        let layout = self.descriptor.layout;
        let damage = self.damage.take();
        self.publisher.publish(self.slot, damage);
        self.publisher.describe(&layout);
        sequence
    }

    /// Answers a request with the frame. Only the requester gets it; the stream's
    /// sequence and newest frame stay as they are.
    #[inline]
    pub fn reply(mut self, request: Request) -> Answered {
        self.finished = true;
        let order = self.publisher.stats.replied + 1;
        self.write_header(order, Some(request.id()));
        self.publisher.reply(self.slot, &request)
    }

    #[inline]
    fn write_header(&mut self, sequence: u64, request_id: Option<u32>) {
        let epoch = self.publisher.service.epoch;
        let Some((view, record)) = self.publisher.store.slot(self.slot) else {
            return;
        };
        record.generation = record.generation.wrapping_add(1);
        let new_descriptor = record.descriptor != Some(self.descriptor);
        if new_descriptor {
            record.descriptor = Some(self.descriptor);
            record.revision = record.revision.wrapping_add(1);
        }
        let (source_time_ns, clock_domain) = self.source_time.unzip();
        let hot = HotLine {
            sequence,
            publish_time_ns: monotonic_ns(),
            source_time_ns,
            clock_domain: clock_domain.unwrap_or_default(),
            generation: record.generation,
            request_id,
            damage: self
                .damage
                .as_ref()
                .map_or(DamageSummary::All, |damage| damage.summary()),
            metadata_len: self.metadata_len,
            descriptor_revision: record.revision,
            epoch,
        };
        // SAFETY: the slot is loaned and its segment mapped writable; offsets are multiples of 4.
        unsafe {
            if new_descriptor {
                view.write_words(wire::DESCRIPTOR, &self.descriptor.to_words());
            }
            for (at, rect) in self
                .damage
                .iter()
                .flat_map(|damage| damage.rects())
                .enumerate()
            {
                view.write_words(
                    wire::DAMAGE + at * wire::DAMAGE_RECT_BYTES,
                    &rect.to_words(),
                );
            }
            framebus_sys::fault_point!("publish.in_header");
            view.write_words(wire::HOT, &hot.to_words());
        }
    }

    /// Leaves the damage in the stream page, for subscribers that skipped this frame.
    /// Nothing is left for All, which is what a missing record means.
    #[inline]
    fn log_damage(&self, sequence: u64) {
        let Some(damage) = &self.damage else { return };
        let record = &self.publisher.service.page.damage[sequence as usize % LOG_LEN];
        // Relaxed, then a release fence: whoever reads any of the new words below and
        // looks at the sequence again afterwards sees that it has changed.
        record.sequence.store(0, Ordering::Relaxed);
        fence(Ordering::Release);
        let rects = damage.rects();
        let (kind, count) = damage.summary().codes();
        record
            .kind
            .store(u32::from(kind) | u32::from(count) << 16, Ordering::Relaxed);
        for (words, rect) in record.rects.iter().zip(rects) {
            // Both halves fit: no picture is wider or higher than 65,535.
            words[0].store(rect.x | rect.y << 16, Ordering::Relaxed);
            words[1].store(rect.width | rect.height << 16, Ordering::Relaxed);
        }
        // Release: whoever sees the sequence sees the rectangles.
        record.sequence.store(sequence as u32, Ordering::Release);
    }

    /// Makes the slot show the newest published picture.
    pub(crate) fn copy_newest(&mut self) {
        let newest = self
            .publisher
            .ring
            .newest()
            .filter(|newest| *newest != self.slot);
        let layout = self.descriptor.layout;
        let Some((source, record)) = newest.and_then(|newest| self.publisher.store.slot(newest))
        else {
            return;
        };
        if record.descriptor.map(|descriptor| descriptor.layout) != Some(layout) {
            return;
        }
        // SAFETY: the newest picture is retained, so it is not painted; it has this layout.
        let source =
            unsafe { std::slice::from_raw_parts(source.pixels(), layout.byte_len() as usize) };
        let missing = missing_damage(&self.publisher.damage, self.age);
        let target = self.bytes_mut();
        match missing {
            Damage::All => target.copy_from_slice(source),
            Damage::None => {}
            Damage::Rects(rects) => {
                for rect in rects.as_slice() {
                    for range in rows_of(&layout, *rect) {
                        target[range.clone()].copy_from_slice(&source[range]);
                    }
                }
            }
        }
        self.age = 1;
    }
}

/// What a picture published `age` publications ago lacks of the newest.
fn missing_damage(history: &std::collections::VecDeque<Damage>, age: u64) -> Damage {
    if age == 0 || age - 1 > history.len() as u64 {
        return Damage::All;
    }
    history
        .iter()
        .rev()
        .take(age as usize - 1)
        .fold(Damage::None, |all, one| all.union(one))
}

/// The byte ranges of the whole rows, of every plane, that a rectangle touches.
fn rows_of(layout: &FrameLayout, rect: Rect) -> impl Iterator<Item = Range<usize>> {
    let height = u64::from(layout.extent().height());
    (0..layout.planes().len()).flat_map(move |plane| {
        // A plane with fewer rows than the picture is subsampled: outward to whole rows.
        let rows = u64::from(layout.plane_rows(plane));
        let first = u64::from(rect.y) * rows / height;
        let end = (rect.bottom().min(height) * rows).div_ceil(height);
        (first..end.max(first)).filter_map(move |y| layout.row_range(plane, y as u32))
    })
}

impl Drop for FrameMut<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.publisher.ring.slots.give_back(self.slot);
        }
    }
}

impl fmt::Debug for FrameMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameMut")
            .field("layout", self.layout())
            .field("age", &self.age)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use framebus_frame::{Extent, LayoutError, PixelFormat};

    #[test]
    fn the_rows_of_a_rectangle_reach_every_plane() -> std::result::Result<(), LayoutError> {
        let layout = FrameLayout::packed(PixelFormat::I420, Extent::new(8, 6)?)?;
        let ranges: Vec<_> = rows_of(&layout, Rect::new(2, 3, 1, 1)).collect();
        assert_eq!(ranges, [24..32, 48 + 4..48 + 8, 60 + 4..60 + 8]);
        Ok(())
    }

    #[test]
    fn what_is_missing_is_everything_unless_history_says_less() {
        let rect = |x| Damage::from_rects(&[Rect::new(x, 0, 1, 1)]);
        let history = [rect(0), rect(2), Damage::None].into();
        assert_eq!(missing_damage(&history, 0), Damage::All);
        assert_eq!(missing_damage(&history, 1), Damage::None);
        assert_eq!(missing_damage(&history, 2), Damage::None);
        assert_eq!(missing_damage(&history, 3), rect(2));
        assert_eq!(missing_damage(&history, 5), Damage::All);
    }
}
