//! A subscriber's half of the protocol.

use super::page::{ASLEEP, ControlWords, INLINE_REQUEST, LOG_LEN, SLEEPLESS, StreamWords};
use super::publisher::{Terms, read_sequence};
use super::word::{Publication, SlotRef};
use crate::sync::{Ordering, fence, load_acquire, spin_hint};

/// How often a lease that came too late is tried anew before the caller is told
/// that there is nothing. A publisher that follows the protocol never needs so many.
#[cfg(not(loom))]
const ATTEMPTS: u32 = 10_000;
#[cfg(loom)]
const ATTEMPTS: u32 = 3;

/// A slot that is safe to read: its lease is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leased {
    /// Which entry of the control page holds the lease.
    pub(crate) entry: usize,
    pub(crate) slot: SlotRef,
}

/// Why nothing was leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nothing new.
    Nothing,
    /// All leases are in use.
    Quota,
    /// The page says what no publisher would.
    Corrupt(u32),
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Frame(Leased),
    /// Declined; the length of the reason.
    Declined(u32),
}

/// A subscriber's state beside the shared words.
pub(crate) struct SubscriberRing {
    pub(crate) terms: Terms,
    /// The word of the publication that was delivered last.
    last_word: u32,
    /// The sequence that was delivered last; 0 before the first.
    last: u64,
    /// Queues: the sequence to deliver next.
    next: u64,
    /// The publisher's having given up waiting was noticed.
    demoted: bool,
    request: u32,
}

impl SubscriberRing {
    /// Starts at what is newest now, so that a newcomer sees it at once; a lossless one
    /// where the publisher began to wait for it, so that it misses nothing.
    pub(crate) fn new(page: &StreamWords, control: &ControlWords, terms: Terms) -> SubscriberRing {
        // Before the look at the grant: if there is none after this, what comes next has
        // not been published yet, or was before the publisher knew of this subscriber.
        let newest = read_sequence(page).max(1);
        let ring = SubscriberRing {
            terms,
            last_word: 0,
            last: 0,
            next: newest,
            demoted: false,
            request: 0,
        };
        match ring.granted_from(control) {
            Some(from) if terms.lossless => SubscriberRing { next: from, ..ring },
            _ => ring,
        }
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Whether there is something that was not delivered yet. No fence, no lease.
    #[inline]
    pub(crate) fn has_news(&self, page: &StreamWords) -> bool {
        let word = load_acquire(&page.published);
        if word != self.last_word {
            return word != 0;
        }
        // The same 20 bits may stand for a later sequence; the full one decides. One that
        // does not fit the word belongs to a publication that is not complete yet.
        let newest = read_sequence(page);
        newest != self.last && Publication::from_word(word).is_some_and(|it| it.fits(newest))
    }

    /// Whether the next publication of an ordered queue is there.
    #[inline]
    pub(crate) fn has_next(&self, page: &StreamWords) -> bool {
        read_sequence(page) >= self.next
    }

    /// Stores a lease on `slot`. What proves it must be read afterwards.
    #[inline]
    fn lease(&self, control: &ControlWords, slot: SlotRef) -> Result<Leased, Refused> {
        let leases = &control.leases[..self.terms.quota as usize];
        // Relaxed: only this process writes them; a stale nonzero costs a place, no safety.
        let entry = leases
            .iter()
            .position(|word| word.load(Ordering::Relaxed) == 0)
            .ok_or(Refused::Quota)?;
        // Release: a publisher that finds this lease knows that the slot which the entry
        // held before has been read to the end.
        leases[entry].store(slot.word(), Ordering::Release);
        Ok(Leased { entry, slot })
    }

    /// Leases the newest publication, unless `seen` says that it would be delivered twice.
    #[inline]
    pub(crate) fn latest(
        &mut self,
        page: &StreamWords,
        control: &ControlWords,
        again: bool,
    ) -> Result<Leased, Refused> {
        for _ in 0..ATTEMPTS {
            if !again && !self.has_news(page) {
                return Err(Refused::Nothing);
            }
            let word = load_acquire(&page.published);
            if word == 0 {
                return Err(Refused::Nothing);
            }
            let publication = Publication::from_word(word).ok_or(Refused::Corrupt(word))?;
            let leased = self.lease(control, publication.slot())?;
            // Pairs with the fence of `PublisherRing::begin_refill`: see the lease argument.
            fence(Ordering::SeqCst);
            // It is still the newest: the publisher has to publish another, and then to
            // fence and read the leases, before it can paint this slot again. That the
            // word may have come round in between does not matter.
            if load_acquire(&page.published) == word {
                self.last_word = word;
                return Ok(leased);
            }
            end_lease(control, leased.entry);
            spin_hint();
        }
        Err(Refused::Nothing)
    }

    /// Leases the next publication in order. `dropped` counts those that are lost.
    #[inline]
    pub(crate) fn next(
        &mut self,
        page: &StreamWords,
        control: &ControlWords,
        dropped: &mut u64,
    ) -> Result<Leased, Refused> {
        for _ in 0..ATTEMPTS {
            let newest = read_sequence(page);
            if newest < self.next {
                return Err(Refused::Nothing);
            }
            // After the sequence: one that the publisher did not wait for, it published
            // after it had said so.
            if self.publisher_waits(control) {
                return self.next_lossless(page, control, newest);
            }
            self.skip_lost(control, newest, dropped);
            let word = page.log[self.next as usize % LOG_LEN].load(Ordering::Relaxed);
            let publication = Publication::from_word(word).ok_or(Refused::Corrupt(word))?;
            let leased = self.lease(control, publication.slot())?;
            // Release: whoever sees this also sees the lease, which now protects the slot.
            control
                .acknowledged
                .store(self.next as u32, Ordering::Release);
            // Pairs with the fence of `PublisherRing::begin_refill`: see the lease argument.
            fence(Ordering::SeqCst);
            // Inside the window the log entry cannot have been overwritten: the log is
            // twice as long as the deepest queue.
            if publication.fits(self.next) && self.in_window(page, control) {
                self.last_word = word;
                return Ok(leased);
            }
            end_lease(control, leased.entry);
            spin_hint();
        }
        Err(Refused::Nothing)
    }

    /// Whether the publisher waits for this subscriber to take `self.next`. Notices, and
    /// says so, if it no longer does.
    #[inline]
    fn publisher_waits(&mut self, control: &ControlWords) -> bool {
        if !self.terms.lossless || self.demoted {
            return false;
        }
        if self.is_demoted(control) {
            self.demoted = true;
            // Release: whoever sees this sees all leases that were taken on trust, which
            // the publisher has kept apart until now.
            control.demotion_seen.store(1, Ordering::Release);
            return false;
        }
        self.granted_from(control)
            .is_some_and(|from| self.next >= from)
    }

    /// Leases the next publication of a publisher that waits for this subscriber.
    ///
    /// No proof and no fence: the publisher keeps the slot until it sees the
    /// acknowledgement, and with it the lease; and if it gives up waiting, until it sees
    /// that this subscriber has noticed.
    #[inline]
    fn next_lossless(
        &mut self,
        page: &StreamWords,
        control: &ControlWords,
        newest: u64,
    ) -> Result<Leased, Refused> {
        // The word beside the sequence, where it is the one: it spares a look at the log.
        let published = page.published.load(Ordering::Relaxed);
        let word = match Publication::from_word(published) {
            Some(it) if newest == self.next && it.fits(newest) => published,
            _ => page.log[self.next as usize % LOG_LEN].load(Ordering::Relaxed),
        };
        let publication = Publication::from_word(word).ok_or(Refused::Corrupt(word))?;
        if !publication.fits(self.next) {
            return Err(Refused::Corrupt(word));
        }
        let leased = self.lease(control, publication.slot())?;
        // Release: whoever sees this also sees the lease, which now protects the slot.
        control
            .acknowledged
            .store(self.next as u32, Ordering::Release);
        if page.waiting.load(Ordering::Relaxed) != SLEEPLESS {
            // Pairs with the fence of `PublisherRing::announce`, for a publisher that
            // sleeps until this subscriber has taken something: see the wake argument.
            fence(Ordering::SeqCst);
        }
        self.last_word = word;
        Ok(leased)
    }

    /// Whether the publication `self.next` is still kept.
    fn in_window(&self, page: &StreamWords, control: &ControlWords) -> bool {
        let newest = read_sequence(page);
        newest >= self.next && newest - self.next < self.kept(control)
    }

    /// Whether the publisher has given up waiting for this lossless subscriber.
    #[inline]
    pub(crate) fn is_demoted(&self, control: &ControlWords) -> bool {
        control.demoted.load(Ordering::Relaxed) != 0
    }

    /// From where on the publisher keeps this subscriber's depth, once it says so.
    #[inline]
    fn granted_from(&self, control: &ControlWords) -> Option<u64> {
        (load_acquire(&control.granted) != 0).then(|| {
            let hi = control.granted_hi.load(Ordering::Relaxed);
            u64::from(hi) << 32 | u64::from(control.granted_lo.load(Ordering::Relaxed))
        })
    }

    /// How many publications are kept from `self.next` on: the newest only, until the
    /// publisher has taken note of this subscriber's depth.
    fn kept(&self, control: &ControlWords) -> u64 {
        match self.granted_from(control) {
            Some(from) if self.next >= from => u64::from(self.terms.depth),
            _ => 1,
        }
    }

    /// Moves on to the oldest publication that is still kept.
    fn skip_lost(&mut self, control: &ControlWords, newest: u64, dropped: &mut u64) {
        if newest - self.next < self.kept(control) {
            return;
        }
        let before = self.next;
        self.next = newest + 1 - u64::from(self.terms.depth).min(newest);
        if newest - self.next >= self.kept(control) {
            self.next = newest;
        }
        self.next = self.next.max(before);
        // What passed before the first delivery was never promised.
        if self.last != 0 {
            *dropped += self.next - before;
        }
    }

    /// Records that `sequence`, as its header states it, was delivered; gives how many
    /// publications were passed over since the last one, or `None` for a header that lies.
    #[inline]
    pub(crate) fn delivered(&mut self, sequence: u64) -> Option<u64> {
        if !Publication::from_word(self.last_word)?.fits(sequence) || sequence <= self.last {
            return None;
        }
        let skipped = if self.last == 0 {
            0
        } else {
            sequence - self.last - 1
        };
        self.last = sequence;
        self.next = sequence + 1;
        Some(skipped)
    }

    /// Whether `sequence` is the one that was delivered last, leased once more.
    pub(crate) fn is_last(&self, sequence: u64) -> bool {
        sequence == self.last
            && Publication::from_word(self.last_word).is_some_and(|it| it.fits(sequence))
    }

    /// Announces that this subscriber is about to sleep. It looks once more after this.
    pub(crate) fn announce(&self, control: &ControlWords, bits: u32) {
        control.wake.store(bits, Ordering::Relaxed);
        // Pairs with the fences of `PublisherRing::take_sleepers` and `answer`: see the wake argument.
        fence(Ordering::SeqCst);
    }

    /// Starts a new request and invalidates the old one; its bytes follow, then
    /// [`SubscriberRing::send_request`].
    #[inline]
    pub(crate) fn begin_request(&mut self, control: &ControlWords) -> u32 {
        self.cancel_request(control);
        // Release fence: a publisher that copies the bytes which follow, and then reads
        // the id again, sees that the old request has gone.
        fence(Ordering::Release);
        self.request = match self.request.wrapping_add(1) {
            0 => 1,
            id => id,
        };
        self.request
    }

    /// Puts a short request into its line.
    #[inline]
    pub(crate) fn write_inline(&self, control: &ControlWords, bytes: &[u8]) {
        let mut padded = [0; INLINE_REQUEST];
        padded[..bytes.len()].copy_from_slice(bytes);
        for (word, bytes) in control.inline.iter().zip(padded.chunks_exact(4)) {
            word.store(
                u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
                Ordering::Relaxed,
            );
        }
    }

    /// Sends the request that was begun; `true` if the publisher must be rung.
    #[inline]
    pub(crate) fn send_request(
        &self,
        page: &StreamWords,
        control: &ControlWords,
        len: u32,
    ) -> bool {
        control.request_len.store(len, Ordering::Relaxed);
        // Release: whoever sees the id sees the bytes.
        control.request_id.store(self.request, Ordering::Release);
        if page.waiting.load(Ordering::Relaxed) == SLEEPLESS {
            return false;
        }
        // Pairs with the fence of `PublisherRing::announce`: see the wake argument.
        fence(Ordering::SeqCst);
        self.publisher_sleeps(page)
    }

    /// Lossless: says that everything up to the last delivery is done with, though it was
    /// not taken in order; `true` if the publisher must be rung.
    pub(crate) fn acknowledge(&self, page: &StreamWords, control: &ControlWords) -> bool {
        // Release: whoever sees this also sees the lease on what was delivered last.
        control
            .acknowledged
            .store(self.last as u32, Ordering::Release);
        // Pairs with the fence of `PublisherRing::announce`: see the wake argument.
        fence(Ordering::SeqCst);
        self.publisher_sleeps(page)
    }

    /// Whether the publisher sleeps. After a fence that follows the news for it.
    pub(crate) fn publisher_sleeps(&self, page: &StreamWords) -> bool {
        page.waiting.load(Ordering::Relaxed) == ASLEEP
    }

    /// Gives the pending request up; its answer will be dropped.
    #[inline]
    pub(crate) fn cancel_request(&self, control: &ControlWords) {
        control.request_id.store(0, Ordering::Release);
    }

    /// Whether the request `id` has been answered.
    #[inline]
    pub(crate) fn is_answered(&self, control: &ControlWords, id: u32) -> bool {
        control.reply_id.load(Ordering::Relaxed) == id
    }

    /// Takes the answer to the request `id`, if it has come.
    #[inline]
    pub(crate) fn take_answer(&self, control: &ControlWords, id: u32) -> Result<Answer, Refused> {
        // Acquire: pairs with the release in `PublisherRing::answer`.
        if control.reply_id.load(Ordering::Acquire) != id {
            return Err(Refused::Nothing);
        }
        let word = control.reply_slot.load(Ordering::Relaxed);
        if word == 0 {
            return Ok(Answer::Declined(control.reason_len.load(Ordering::Relaxed)));
        }
        let slot = SlotRef::from_word(word).ok_or(Refused::Corrupt(word))?;
        // No proof is needed: the publisher itself holds the slot for this subscriber
        // until it sees, by the store below, that the lease has taken over.
        let leased = self.lease(control, slot)?;
        control.reply_taken.store(id, Ordering::Release);
        Ok(Answer::Frame(leased))
    }
}

/// Ends a lease.
#[inline]
pub(crate) fn end_lease(control: &ControlWords, entry: usize) {
    // Release: what was read under the lease was read before the publisher sees it gone.
    control.leases[entry].store(0, Ordering::Release);
}
