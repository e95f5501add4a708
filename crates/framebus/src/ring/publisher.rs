//! The publisher's half of the protocol.

use super::page::{ASLEEP, AWAKE, ControlWords, LOG_LEN, STATE_CLOSED, StreamWords};
use super::slots::SlotTable;
use super::word::{Publication, SlotRef};
use crate::sync::{Ordering, fence, load_acquire};
use std::collections::VecDeque;
use std::ops::Deref;

/// How a subscriber was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Leases it may hold.
    pub(crate) quota: u32,
    /// Publications kept for it; 1 unless it reads an ordered queue.
    pub(crate) depth: u32,
    /// It may hold the publisher back.
    pub(crate) lossless: bool,
    /// It may sleep; if nobody may, publishing needs no fence.
    pub(crate) sleeps: bool,
}

impl Terms {
    /// Slots this subscriber can keep from being painted: its leases, and the place
    /// of one reply that it has not taken yet.
    pub(crate) fn slots(self) -> u32 {
        self.quota + 1
    }
}

/// A subscriber as the publisher sees it.
pub(crate) struct Member<W> {
    /// Tells members apart over the publisher's life.
    pub(crate) key: u64,
    pub(crate) words: W,
    pub(crate) terms: Terms,
    /// The last request that was read.
    seen_request: u32,
    /// The slot of a reply until the subscriber took it, and the request it answers.
    reply: Option<(SlotRef, u32)>,
    granted: bool,
    /// Lossless: the last sequence it is known to have taken.
    acknowledged: u64,
    demoted: bool,
    /// Slots it may have leased on trust, until it is known to have noticed its demotion.
    entrusted: Vec<SlotRef>,
}

impl<W> Member<W> {
    pub(crate) fn new(key: u64, words: W, terms: Terms) -> Member<W> {
        Member {
            key,
            words,
            terms,
            seen_request: 0,
            reply: None,
            granted: false,
            acknowledged: 0,
            demoted: false,
            entrusted: Vec::new(),
        }
    }
}

/// What came of an attempt to reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replied {
    /// The requester has it.
    Delivered,
    /// The requester is gone, or has cancelled or replaced the request.
    Abandoned,
}

/// The publisher's state beside the shared words.
pub(crate) struct PublisherRing<W> {
    pub(crate) slots: SlotTable,
    pub(crate) members: Vec<Member<W>>,
    sequence: u64,
    /// The newest publications, newest last.
    retained: VecDeque<SlotRef>,
    /// How many of them are kept.
    depth: u32,
    /// Whether any member may sleep.
    sleepers: bool,
    /// Where the next search for a request starts.
    next_member: usize,
}

impl<W: Deref<Target = ControlWords>> PublisherRing<W> {
    pub(crate) fn new() -> PublisherRing<W> {
        PublisherRing {
            slots: SlotTable::new(),
            members: Vec::new(),
            sequence: 0,
            retained: VecDeque::new(),
            depth: 1,
            sleepers: false,
            next_member: 0,
        }
    }

    /// Whether any member may sleep.
    #[inline]
    pub(crate) fn has_sleepers(&self) -> bool {
        self.sleepers
    }

    /// The sequence of the newest publication; 0 before the first.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The slot of the newest publication.
    pub(crate) fn newest(&self) -> Option<SlotRef> {
        self.retained.back().copied()
    }

    /// Slots that must exist so that a loan always finds one: the one being painted,
    /// one more so that the newest need not be the next to go, the retained, and
    /// whatever the subscribers may hold.
    pub(crate) fn required_slots(depth: u32, held_by_members: u32) -> u32 {
        2 + depth + held_by_members
    }

    /// Replaces the list of members by `fresh`, keeping the state of those that stay.
    pub(crate) fn set_members(
        &mut self,
        fresh: impl Iterator<Item = (u64, Terms)>,
        words: impl Fn(u64) -> W,
    ) {
        let mut old = std::mem::take(&mut self.members);
        for (key, terms) in fresh {
            let kept = old
                .iter()
                .position(|member| member.key == key)
                .map(|at| old.swap_remove(at));
            self.members
                .push(kept.unwrap_or_else(|| Member::new(key, words(key), terms)));
        }
        // What is left in `old` is gone: its leases and its reply die with it.
        self.depth = self
            .members
            .iter()
            .map(|member| member.terms.depth)
            .max()
            .unwrap_or(1)
            .max(1);
        self.sleepers = self.members.iter().any(|member| member.terms.sleeps);
        self.trim_retained();
        self.grant();
    }

    /// Tells new members from which sequence on their depth is kept.
    fn grant(&mut self) {
        // The retained publications exist already and will now be kept to full depth.
        let from = self.sequence + 1 - self.retained.len() as u64;
        for member in self.members.iter_mut().filter(|member| !member.granted) {
            member.granted = true;
            member.acknowledged = from - 1;
            member
                .words
                .granted_lo
                .store(from as u32, Ordering::Relaxed);
            member
                .words
                .granted_hi
                .store((from >> 32) as u32, Ordering::Relaxed);
            // Release: whoever sees the flag sees the sequence.
            member.words.granted.store(1, Ordering::Release);
        }
    }

    #[inline]
    fn trim_retained(&mut self) {
        while self.retained.len() > self.depth as usize {
            if let Some(slot) = self.retained.pop_front() {
                self.slots.release(slot);
            }
        }
    }

    /// The first half of a search for free slots. The caller brings the list of
    /// members up to date between this and [`PublisherRing::refill`].
    ///
    /// The order matters: a subscriber that was admitted late may already hold a
    /// lease, proven against what was published before this fence.
    pub(crate) fn begin_refill(&self) {
        // Pairs with the fence of `SubscriberRing::lease`: see the lease argument.
        fence(Ordering::SeqCst);
    }

    /// Slots that demoted members keep beside what their terms allow.
    pub(crate) fn entrusted(&self) -> u32 {
        self.members
            .iter()
            .map(|member| member.entrusted.len() as u32)
            .sum()
    }

    /// Looks at all leases and lists the free slots anew. Gives the indices of
    /// segments that nobody uses any more.
    pub(crate) fn refill(&mut self) -> Vec<usize> {
        let mut held = [[0u64; 4]; 16];
        let mut hold = |slot: SlotRef| {
            held[slot.segment()][slot.slot() as usize / 64] |= 1 << (slot.slot() % 64)
        };
        for member in &mut self.members {
            Self::settle_reply(member);
            if let Some((slot, _)) = member.reply {
                hold(slot);
            }
            // Acquire: pairs with the release in `SubscriberRing::publisher_waits`, so that
            // the leases that were taken on trust are seen by the loads that follow.
            if !member.entrusted.is_empty()
                && member.words.demotion_seen.load(Ordering::Acquire) != 0
            {
                member.entrusted.clear();
            }
            member.entrusted.iter().copied().for_each(&mut hold);
            let leases = &member.words.leases[..member.terms.quota as usize];
            // Relaxed: the fence in `begin_refill` has ordered these loads after the publication.
            leases
                .iter()
                .filter_map(|word| SlotRef::from_word(word.load(Ordering::Relaxed)))
                .for_each(&mut hold);
        }
        // Acquire: what a subscriber read before it cleared its lease, it read before
        // the slot is painted again.
        fence(Ordering::Acquire);
        let is_held = |slot: SlotRef| {
            held[slot.segment()][slot.slot() as usize / 64] >> (slot.slot() % 64) & 1 == 1
        };
        self.slots.refill(is_held);
        if self.slots.any_retiring() {
            self.slots.remove_retired(is_held)
        } else {
            Vec::new()
        }
    }

    /// Gives up the hold on a reply that was taken, cancelled or replaced.
    #[inline]
    fn settle_reply(member: &mut Member<W>) {
        let Some((_, id)) = member.reply else { return };
        // Acquire, both: pair with the subscriber's releases, so that the lease by which it
        // took the reply is seen by the loads that follow. The request first: its line is
        // here already, and looking at the other one takes that away from the subscriber.
        if member.words.request_id.load(Ordering::Acquire) != id
            || member.words.reply_taken.load(Ordering::Acquire) == id
        {
            member.reply = None;
        }
    }

    /// Publishes a painted slot. The caller then wakes whoever
    /// [`PublisherRing::take_sleepers`] names.
    #[inline]
    pub(crate) fn publish(&mut self, page: &StreamWords, slot: SlotRef) -> u64 {
        let sequence = self.sequence + 1;
        let publication = Publication::new(sequence, slot);
        // Relaxed: a reader gets here by the sequence, which is released below.
        page.log[sequence as usize % LOG_LEN].store(publication.word(), Ordering::Relaxed);
        // High before low: a reader between the two sees a sequence far in the future,
        // which makes it distrust its lease; the other way round it might trust one.
        if (sequence >> 32) as u32 != (self.sequence >> 32) as u32 {
            page.sequence_hi
                .store((sequence >> 32) as u32, Ordering::Release);
        }
        // Release: whoever sees the sequence sees the header, the pixels and the log.
        page.sequence_lo.store(sequence as u32, Ordering::Release);
        // Release: as above, for those who only look at this word.
        page.published.store(publication.word(), Ordering::Release);
        self.sequence = sequence;
        self.slots.retain(slot);
        self.retained.push_back(slot);
        self.trim_retained();
        sequence
    }

    /// Calls `wake` with each member that sleeps, or waits in an event loop, and what
    /// it asked to be woken by. No system call, and no fence if nobody may sleep.
    #[inline]
    pub(crate) fn take_sleepers(&self, mut wake: impl FnMut(&Member<W>, u32)) {
        if !self.sleepers {
            return;
        }
        // Pairs with the fence of `SubscriberRing::announce`: see the wake argument.
        fence(Ordering::SeqCst);
        for member in &self.members {
            Self::take_sleeper(member, &mut wake);
        }
    }

    #[inline]
    fn take_sleeper(member: &Member<W>, wake: &mut impl FnMut(&Member<W>, u32)) {
        if member.words.wake.load(Ordering::Relaxed) != 0 {
            // Taken, so that the next publication does not wake it a second time.
            let bits = member.words.wake.swap(0, Ordering::AcqRel);
            if bits != 0 {
                wake(member, bits);
            }
        }
    }

    /// The members that hold slots now, and how many each.
    pub(crate) fn holders(&self) -> impl Iterator<Item = (u64, usize)> {
        self.members.iter().map(|member| {
            let leases = member.words.leases[..member.terms.quota as usize].iter();
            let leased = leases
                .filter(|word| word.load(Ordering::Relaxed) != 0)
                .count();
            (member.key, leased + usize::from(member.reply.is_some()))
        })
    }

    /// The next new request: the index of the member and the request's id.
    #[inline]
    pub(crate) fn poll_request(&mut self) -> Option<(usize, u32)> {
        let members = self.members.len();
        for step in 0..members {
            let at = (self.next_member + step) % members;
            let member = &mut self.members[at];
            // Acquire: pairs with the release in `SubscriberRing::send_request`.
            let id = member.words.request_id.load(Ordering::Acquire);
            if id != 0 && id != member.seen_request {
                member.seen_request = id;
                // The next search starts behind this one, so that nobody starves.
                self.next_member = (at + 1) % members;
                return Some((at, id));
            }
        }
        None
    }

    /// Whether there is a new request.
    #[inline]
    pub(crate) fn has_request(&self) -> bool {
        self.members.iter().any(|member| {
            let id = member.words.request_id.load(Ordering::Relaxed);
            id != 0 && id != member.seen_request
        })
    }

    /// Whether the request read by [`PublisherRing::poll_request`] still stands after
    /// its bytes were copied; a torn copy does not.
    #[inline]
    pub(crate) fn request_stands(&self, at: usize, id: u32) -> bool {
        // Acquire fence: the copy before it is complete before the id is read again.
        fence(Ordering::Acquire);
        self.members[at].words.request_id.load(Ordering::Relaxed) == id
    }

    #[inline]
    fn requester(&mut self, key: u64, id: u32) -> Option<usize> {
        let at = self.members.iter().position(|member| member.key == key)?;
        let member = &mut self.members[at];
        Self::settle_reply(member);
        let stands = member.words.request_id.load(Ordering::Acquire) == id;
        // One request has one answer; a second would give away a slot that is read.
        let answered = member.words.reply_id.load(Ordering::Relaxed) == id;
        (stands && !answered).then_some(at)
    }

    /// Gives a painted slot to one requester, and to nobody else.
    #[inline]
    pub(crate) fn reply(
        &mut self,
        key: u64,
        id: u32,
        slot: SlotRef,
        wake: impl FnMut(&Member<W>, u32),
    ) -> Replied {
        let Some(at) = self.requester(key, id) else {
            self.slots.give_back(slot);
            return Replied::Abandoned;
        };
        self.members[at].reply = Some((slot, id));
        self.slots.release(slot);
        self.members[at]
            .words
            .reply_slot
            .store(slot.word(), Ordering::Relaxed);
        self.answer(at, id, wake);
        Replied::Delivered
    }

    /// Declines a request. The caller has written the reason.
    pub(crate) fn decline(
        &mut self,
        key: u64,
        id: u32,
        reason_len: u32,
        wake: impl FnMut(&Member<W>, u32),
    ) -> Replied {
        let Some(at) = self.requester(key, id) else {
            return Replied::Abandoned;
        };
        self.members[at]
            .words
            .reply_slot
            .store(0, Ordering::Relaxed);
        self.members[at]
            .words
            .reason_len
            .store(reason_len, Ordering::Relaxed);
        self.answer(at, id, wake);
        Replied::Delivered
    }

    #[inline]
    fn answer(&mut self, at: usize, id: u32, mut wake: impl FnMut(&Member<W>, u32)) {
        let member = &self.members[at];
        // Release: whoever sees the id sees the slot's words, header and pixels.
        member.words.reply_id.store(id, Ordering::Release);
        if member.terms.sleeps {
            // Pairs with the fence of `SubscriberRing::announce`: see the wake argument.
            fence(Ordering::SeqCst);
            Self::take_sleeper(member, &mut wake);
        }
    }

    /// Announces that the publisher is about to sleep. It looks once more after this.
    pub(crate) fn announce(&self, page: &StreamWords) {
        page.waiting.store(ASLEEP, Ordering::Relaxed);
        // Pairs with the fence of `SubscriberRing::send_request` and `lease`: see the wake argument.
        fence(Ordering::SeqCst);
    }

    /// Takes the announcement back.
    pub(crate) fn awake(&self, page: &StreamWords) {
        page.waiting.store(AWAKE, Ordering::Relaxed);
    }

    /// The lossless member that the next publication would overrun, if there is one.
    #[inline]
    pub(crate) fn held_back_by(&mut self) -> Option<usize> {
        let next = self.sequence + 1;
        for (at, member) in self.members.iter_mut().enumerate() {
            if !member.terms.lossless || member.demoted {
                continue;
            }
            if next - member.acknowledged > u64::from(member.terms.depth) {
                // Acquire: what it took, it took before the slot is painted again.
                let word = member.words.acknowledged.load(Ordering::Acquire);
                member.acknowledged = clamp_acknowledged(word, member.acknowledged, self.sequence);
                if next - member.acknowledged > u64::from(member.terms.depth) {
                    return Some(at);
                }
            }
        }
        None
    }

    /// Whether every lossless member has taken all there is.
    pub(crate) fn drained(&self) -> bool {
        let behind = |member: &&Member<W>| member.terms.lossless && !member.demoted;
        self.members.iter().filter(behind).all(|member| {
            member.words.acknowledged.load(Ordering::Acquire) == self.sequence as u32
                || self.sequence == 0
        })
    }

    /// No longer waits for a lossless member, and tells it.
    pub(crate) fn demote(&mut self, at: usize) {
        let member = &mut self.members[at];
        member.demoted = true;
        // It leases without proof what it believes to be waited for: the newest of its
        // depth, at most. A stopped process may notice at any later time.
        let depth = member.terms.depth as usize;
        let newest = self.retained.iter().rev().take(depth).copied();
        member.entrusted.extend(newest);
        // Release: whoever finds a later publication finds this first.
        member.words.demoted.store(1, Ordering::Release);
    }

    /// Says that nothing will follow, and wakes everybody.
    pub(crate) fn close(&self, page: &StreamWords, wake: impl FnMut(&Member<W>, u32)) {
        page.state.store(STATE_CLOSED, Ordering::Release);
        self.take_sleepers(wake);
    }
}

/// The sequence that a foreign acknowledgement means: never before what is known,
/// never beyond what was published.
fn clamp_acknowledged(word: u32, known: u64, newest: u64) -> u64 {
    let ahead = word.wrapping_sub(known as u32);
    let claimed = known + u64::from(ahead);
    if claimed <= newest { claimed } else { known }
}

/// Reads the sequence of the newest publication from a page that is being written.
#[inline]
pub(crate) fn read_sequence(page: &StreamWords) -> u64 {
    let mut hi = load_acquire(&page.sequence_hi);
    loop {
        let lo = load_acquire(&page.sequence_lo);
        let again = load_acquire(&page.sequence_hi);
        if again == hi {
            return u64::from(hi) << 32 | u64::from(lo);
        }
        hi = again;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_is_believed_only_where_it_can_be_true() {
        assert_eq!(clamp_acknowledged(7, 5, 9), 7);
        assert_eq!(clamp_acknowledged(5, 5, 9), 5);
        assert_eq!(clamp_acknowledged(10, 5, 9), 5);
        assert_eq!(clamp_acknowledged(4, 5, 9), 5);
        let across = (1u64 << 32) - 2;
        assert_eq!(clamp_acknowledged(1, across, across + 5), across + 3);
    }
}
