//! The publisher's own book of its slots: which may be painted next.
//!
//! Which slot is reused decides much of the cost of a frame: a slot whose lines the
//! reader's cache still holds is expensive to write, and slots that together exceed
//! the shared cache are expensive to read. So loans rotate over a number of slots
//! chosen from the cache sizes, least recently used first, and further slots are
//! only touched when leases leave no other choice.

use super::word::{MAX_SEGMENTS, SlotRef};
use std::collections::VecDeque;

/// What a slot is doing, as far as the publisher alone decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotState {
    /// Never painted; its memory may not be there yet.
    Fresh,
    /// Nobody's, unless a lease says otherwise.
    Idle,
    /// Being painted.
    Loaned,
    /// Among the newest publications.
    Retained,
}

#[derive(Clone, Debug)]
struct Slot {
    state: SlotState,
    /// When it was last loaned, in loans.
    used: u64,
}

#[derive(Debug)]
struct SegmentSlots {
    slots: Vec<Slot>,
    /// No new loans: frames no longer fit.
    retiring: bool,
}

/// The slots of all segments.
#[derive(Debug)]
pub(crate) struct SlotTable {
    segments: [Option<SegmentSlots>; MAX_SEGMENTS + 1],
    /// Slots found unleased after the last fence, best first. They stay so: whoever
    /// stores a lease now cannot prove that it came in time.
    free: VecDeque<SlotRef>,
    loans: u64,
    /// Slots that were ever painted, over all segments that are not retiring.
    touched: u32,
    /// Scratch space of `refill`, so that it does not allocate.
    found: Vec<(u64, SlotRef)>,
}

impl SlotTable {
    pub(crate) fn new() -> SlotTable {
        SlotTable {
            segments: std::array::from_fn(|_| None),
            free: VecDeque::new(),
            loans: 0,
            touched: 0,
            found: Vec::new(),
        }
    }

    /// A segment index that is not in use.
    pub(crate) fn vacant_segment(&self) -> Option<usize> {
        (1..=MAX_SEGMENTS).find(|&index| self.segments[index].is_none())
    }

    pub(crate) fn add_segment(&mut self, index: usize, slots: u32) {
        assert!(self.segments[index].is_none(), "segment {index} is in use");
        let slot = Slot {
            state: SlotState::Fresh,
            used: 0,
        };
        self.segments[index] = Some(SegmentSlots {
            slots: vec![slot; slots as usize],
            retiring: false,
        });
    }

    /// Makes no more loans from the present segments, and names those that it retired.
    pub(crate) fn retire_all(&mut self) -> Vec<usize> {
        let mut retired = Vec::new();
        for (index, entry) in self.segments.iter_mut().enumerate() {
            if let Some(segment) = entry.as_mut().filter(|segment| !segment.retiring) {
                segment.retiring = true;
                retired.push(index);
            }
        }
        self.free.clear();
        self.touched = 0;
        retired
    }

    /// Takes a [`SlotTable::retire_all`] back: drops the segments that came after it,
    /// which must not have been used, and names them.
    pub(crate) fn restore(&mut self, retired: &[usize]) -> Vec<usize> {
        let mut dropped = Vec::new();
        self.free.clear();
        self.touched = 0;
        for (index, entry) in self.segments.iter_mut().enumerate() {
            let Some(segment) = entry else { continue };
            if retired.contains(&index) {
                segment.retiring = false;
                let touched = |slot: &&Slot| slot.state != SlotState::Fresh;
                self.touched += segment.slots.iter().filter(touched).count() as u32;
            } else if !segment.retiring {
                *entry = None;
                dropped.push(index);
            }
        }
        dropped
    }

    /// Slots that loans can use, over all segments that are not retiring.
    pub(crate) fn capacity(&self) -> u32 {
        self.segments
            .iter()
            .flatten()
            .filter(|s| !s.retiring)
            .map(|s| s.slots.len() as u32)
            .sum()
    }

    /// Slots that were ever painted, over all segments that are not retiring.
    #[inline]
    pub(crate) fn touched(&self) -> u32 {
        self.touched
    }

    #[cfg(test)]
    pub(crate) fn state(&self, slot: SlotRef) -> Option<SlotState> {
        self.segments[slot.segment()]
            .as_ref()?
            .slots
            .get(slot.slot() as usize)
            .map(|slot| slot.state)
    }

    #[inline]
    fn set(&mut self, slot: SlotRef, state: SlotState) {
        if let Some(segment) = &mut self.segments[slot.segment()] {
            segment.slots[slot.slot() as usize].state = state;
        }
    }

    /// Rebuilds the list of free slots; `held` says which ones somebody holds.
    ///
    /// To be called after the fence that the lease argument asks for.
    pub(crate) fn refill(&mut self, held: impl Fn(SlotRef) -> bool) {
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        for (index, segment) in self.segments.iter().enumerate() {
            let Some(segment) = segment.as_ref().filter(|segment| !segment.retiring) else {
                continue;
            };
            for (number, slot) in segment.slots.iter().enumerate() {
                let slot_ref = SlotRef::new(index, number as u32);
                if slot.state == SlotState::Idle && !held(slot_ref) {
                    found.push((slot.used, slot_ref));
                }
            }
        }
        found.sort_unstable();
        self.free.clear();
        self.free.extend(found.iter().map(|(_, slot)| *slot));
        self.found = found;
    }

    /// Whether a loan has to look at the leases first.
    #[inline]
    pub(crate) fn needs_refill(&self) -> bool {
        self.free.is_empty()
    }

    /// The slot that the next loan gets, if that is known already.
    #[inline]
    pub(crate) fn next_free(&self) -> Option<SlotRef> {
        self.free.front().copied()
    }

    /// Loans the best free slot, without touching a fresh one.
    #[inline]
    pub(crate) fn loan_free(&mut self) -> Option<SlotRef> {
        let slot = self.free.pop_front()?;
        self.loan(slot);
        Some(slot)
    }

    /// Loans a slot that was never painted. The caller sees to its memory.
    pub(crate) fn loan_fresh(&mut self) -> Option<SlotRef> {
        let slot = self
            .segments
            .iter()
            .enumerate()
            .find_map(|(index, segment)| {
                let segment = segment.as_ref().filter(|segment| !segment.retiring)?;
                let number = segment
                    .slots
                    .iter()
                    .position(|slot| slot.state == SlotState::Fresh)?;
                Some(SlotRef::new(index, number as u32))
            })?;
        self.touched += 1;
        self.loan(slot);
        Some(slot)
    }

    #[inline]
    fn loan(&mut self, slot: SlotRef) {
        self.loans += 1;
        let used = self.loans;
        if let Some(segment) = &mut self.segments[slot.segment()] {
            segment.slots[slot.slot() as usize] = Slot {
                state: SlotState::Loaned,
                used,
            };
        }
    }

    /// A loan that was not published.
    pub(crate) fn give_back(&mut self, slot: SlotRef) {
        self.set(slot, SlotState::Idle);
        // Nobody can have leased it, so it is the best choice for the next loan.
        if self.segments[slot.segment()]
            .as_ref()
            .is_some_and(|segment| !segment.retiring)
        {
            self.free.push_front(slot);
        }
    }

    /// A fresh slot whose memory could not be had.
    pub(crate) fn give_back_fresh(&mut self, slot: SlotRef) {
        self.touched -= 1;
        self.set(slot, SlotState::Fresh);
    }

    pub(crate) fn retain(&mut self, slot: SlotRef) {
        self.set(slot, SlotState::Retained);
    }

    /// A slot that is no longer among the newest, or was given to one requester only.
    pub(crate) fn release(&mut self, slot: SlotRef) {
        self.set(slot, SlotState::Idle);
    }

    /// Takes out the retiring segments that nobody uses any more, and names them.
    ///
    /// To be called after the fence that the lease argument asks for.
    pub(crate) fn remove_retired(&mut self, held: impl Fn(SlotRef) -> bool) -> Vec<usize> {
        let mut removed = Vec::new();
        for (index, entry) in self.segments.iter_mut().enumerate() {
            let Some(segment) = entry.as_ref().filter(|segment| segment.retiring) else {
                continue;
            };
            let busy = segment.slots.iter().enumerate().any(|(number, slot)| {
                matches!(slot.state, SlotState::Loaned | SlotState::Retained)
                    || held(SlotRef::new(index, number as u32))
            });
            if !busy {
                *entry = None;
                removed.push(index);
            }
        }
        removed
    }

    /// Whether any segment waits for its last user.
    pub(crate) fn any_retiring(&self) -> bool {
        self.segments
            .iter()
            .flatten()
            .any(|segment| segment.retiring)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn loans_rotate_least_recently_used_first_and_skip_what_is_held() {
        let mut table = SlotTable::new();
        table.add_segment(1, 4);
        let slots: Vec<_> = (0..4).map(|_| table.loan_fresh().unwrap()).collect();
        assert!(table.loan_fresh().is_none());
        for &slot in &slots {
            table.release(slot);
        }
        table.refill(|slot| slot == slots[1]);
        let order: Vec<_> = std::iter::from_fn(|| table.loan_free()).collect();
        assert_eq!(order, [slots[0], slots[2], slots[3]]);
    }

    #[test]
    fn a_retired_segment_goes_with_its_last_holder() {
        let mut table = SlotTable::new();
        table.add_segment(1, 2);
        let held = table.loan_fresh().unwrap();
        table.retain(held);
        table.retire_all();
        assert_eq!(table.capacity(), 0);
        assert!(table.loan_fresh().is_none());
        assert!(table.remove_retired(|_| false).is_empty());
        table.release(held);
        assert!(table.remove_retired(|slot| slot == held).is_empty());
        assert_eq!(table.remove_retired(|_| false), [1]);
        assert_eq!(table.vacant_segment(), Some(1));
    }

    #[test]
    fn a_growth_that_failed_leaves_the_old_slots_as_they_were() {
        let mut table = SlotTable::new();
        table.add_segment(1, 3);
        let slot = table.loan_fresh().unwrap();
        table.release(slot);
        let retired = table.retire_all();
        table.add_segment(2, 3);
        let fresh = table.loan_fresh().unwrap();
        table.give_back_fresh(fresh);
        assert_eq!(table.restore(&retired), [2]);
        assert_eq!((table.capacity(), table.touched()), (3, 1));
        table.refill(|_| false);
        assert_eq!(table.loan_free(), Some(slot));
    }

    #[test]
    fn an_abandoned_loan_is_loaned_next() {
        let mut table = SlotTable::new();
        table.add_segment(3, 2);
        let first = table.loan_fresh().unwrap();
        table.give_back(first);
        assert_eq!(table.loan_free(), Some(first));
        assert_eq!(table.state(first), Some(SlotState::Loaned));
    }
}
