//! Publishers.

use super::frame_mut::FrameMut;
use super::handover::{Export, Ticket};
use super::service::{Limits, Link, Service};
use super::store::{SlotSize, Store};
use crate::error::{ErrorKind, Result, check_option};
use crate::registry::{Claim, StreamName};
use crate::ring::page::{AWAKE, SLEEPLESS, WAKE_BELL, WAKE_POLLABLE};
use crate::ring::publisher::{Member, PublisherRing};
use crate::ring::word::SlotRef;
use crate::sync::Ordering;
use crate::wait::{Deadline, Wait, Waiter};
use framebus_frame::{Damage, FrameLayout, MAX_DAMAGE_RECTS};
use framebus_sys::bell::{self, MAX_BELLS};
use framebus_sys::channel::{Channel, Listener};
use framebus_sys::{machine, runtime_dir};
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Subscribers of one stream, at most: a publisher sleeps on one bell for each of
/// them, one of its own, and the kernel takes 128 together.
pub const MAX_SUBSCRIBERS: u32 = 120;

const _: () = assert!((MAX_SUBSCRIBERS as usize) < MAX_BELLS);

/// Slots of one stream that loans can use, at most.
pub const MAX_SLOTS: u32 = 1024;

/// Publications whose damage the publisher itself remembers.
const DAMAGE_HISTORY: usize = MAX_DAMAGE_RECTS;

/// A member of the ring: the link, seen as its control words.
pub(crate) struct LinkRef(pub(crate) Arc<Link>);

impl Deref for LinkRef {
    type Target = crate::ring::page::ControlWords;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0.control
    }
}

/// How a publisher is made.
#[derive(Clone, Debug)]
pub struct PublisherBuilder {
    name: Option<String>,
    lossless: Option<Duration>,
    wait: Wait,
    max_slots: u32,
    max_subscribers: u32,
}

impl PublisherBuilder {
    fn new(name: Option<&str>) -> PublisherBuilder {
        PublisherBuilder {
            name: name.map(str::to_owned),
            lossless: None,
            wait: Wait::default(),
            max_slots: 256,
            max_subscribers: 64,
        }
    }

    /// Lets subscribers that ask for it hold the publisher back, so that they miss
    /// nothing. One that has not moved for `timeout` is waited for no longer, and told.
    pub fn lossless(mut self, timeout: Duration) -> Self {
        self.lossless = Some(timeout);
        self
    }

    /// How the publisher waits for requests and for lossless subscribers. Adaptive by default.
    pub fn wait(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }

    /// Slots the stream may have; 1 to [`MAX_SLOTS`], 256 by default. A slot costs
    /// memory only once it is painted. Subscribers that would need more are refused.
    pub fn max_slots(mut self, slots: u32) -> Self {
        self.max_slots = slots;
        self
    }

    /// Subscribers the stream takes; 1 to [`MAX_SUBSCRIBERS`], 64 by default.
    pub fn max_subscribers(mut self, subscribers: u32) -> Self {
        self.max_subscribers = subscribers;
        self
    }

    /// Makes the publisher, and if it has a name, takes it.
    ///
    /// Fails with [`ErrorKind::InvalidName`], or [`ErrorKind::AlreadyExists`] with the
    /// pid that has the name.
    pub fn create(self) -> Result<Publisher> {
        check_option("max_slots", self.max_slots.into(), 4, MAX_SLOTS.into())?;
        check_option(
            "max_subscribers",
            self.max_subscribers.into(),
            1,
            MAX_SUBSCRIBERS.into(),
        )?;
        let claim = match &self.name {
            Some(name) => Some(Claim::take(StreamName::new(name)?)?),
            None => None,
        };
        let epoch = match &claim {
            Some(claim) => claim.epoch(),
            None => framebus_sys::random()? as u32 | 1,
        };
        let limits = Limits {
            max_slots: self.max_slots,
            max_subscribers: self.max_subscribers,
        };
        let waiting = if self.wait == Wait::Spin {
            SLEEPLESS
        } else {
            AWAKE
        };
        let service = Service::start(epoch, limits, waiting)?;
        service.describe(|about| about.lossless = self.lossless.is_some());
        let publisher = Publisher {
            service,
            ring: PublisherRing::new(),
            store: Store::new(),
            seen_version: 0,
            waiter: Waiter::new(self.wait),
            lossless: self.lossless,
            max_slots: self.max_slots,
            cpu: 0,
            damage: VecDeque::new(),
            described: None,
            stats: PublisherStats::default(),
            claim,
            owner: std::process::id(),
            not_sync: PhantomData,
        };
        framebus_sys::fault_point!("create.before_listen");
        if let Some(claim) = &publisher.claim {
            publisher.service.open(claim.listen()?, None)?;
        }
        Ok(publisher)
    }
}

/// What a publisher has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublisherStats {
    /// Frames published.
    pub published: u64,
    /// Requests answered with a frame.
    pub replied: u64,
    /// Requests declined.
    pub declined: u64,
    /// Loans that had to wait for a lossless subscriber.
    pub waited: u64,
    /// Lossless subscribers that were given up.
    pub demoted: u64,
    /// Wakes sent.
    pub wakes: u64,
    /// Segments in use.
    pub segments: u32,
    /// Bytes of slots that have been painted at least once.
    pub slot_bytes: u64,
}

/// The writing end of a stream.
///
/// Belongs to one thread at a time. The stream ends when it is dropped; subscribers
/// keep what was published.
///
/// ```
/// use framebus::{Extent, FrameLayout, PixelFormat, Publisher};
///
/// let layout = FrameLayout::packed(PixelFormat::Bgra8, Extent::new(500, 300)?)?;
/// let mut publisher = Publisher::unnamed().create()?; // or Publisher::create("cam")
/// let mut frame = publisher.loan(&layout)?;
/// frame.bytes_mut().fill(0x80);
/// let sequence = frame.publish();
/// assert_eq!(sequence, 1);
/// # Ok::<(), framebus::Error>(())
/// ```
///
/// It cannot be used from two threads at once:
///
/// ```compile_fail
/// fn sync<T: Sync>() {}
/// sync::<framebus::Publisher>();
/// ```
#[doc(alias = "sender")]
#[doc(alias = "producer")]
pub struct Publisher {
    pub(crate) service: Arc<Service>,
    pub(crate) ring: PublisherRing<LinkRef>,
    pub(crate) store: Store,
    seen_version: u32,
    waiter: Waiter,
    lossless: Option<Duration>,
    max_slots: u32,
    cpu: u32,
    /// The damage of the newest publications since the last that changed everything,
    /// newest last.
    pub(crate) damage: VecDeque<Damage>,
    described: Option<FrameLayout>,
    pub(crate) stats: PublisherStats,
    claim: Option<Claim>,
    owner: u32,
    not_sync: PhantomData<std::cell::Cell<()>>,
}

impl Publisher {
    /// A publisher under a name, with the usual options.
    pub fn create(name: &str) -> Result<Publisher> {
        Publisher::builder(name).create()
    }

    /// A publisher under a name: 1 to 128 of ASCII letters, digits, `.`, `_`, `-`, and
    /// `/` between parts.
    pub fn builder(name: &str) -> PublisherBuilder {
        PublisherBuilder::new(Some(name))
    }

    /// A publisher without a name, which hands its stream over by [`Publisher::export`]
    /// or [`Publisher::ticket`].
    pub fn unnamed() -> PublisherBuilder {
        PublisherBuilder::new(None)
    }

    /// A slot to paint a frame in: shared memory that subscribers have mapped already.
    ///
    /// Its bytes are whatever the slot held before; see [`FrameMut::age`]. Fails with
    /// [`ErrorKind::NoSpace`] if there is no memory for it. On a lossless stream this is
    /// where the publisher is held back.
    #[inline]
    pub fn loan(&mut self, layout: &FrameLayout) -> Result<FrameMut<'_>> {
        self.sync();
        if self.lossless.is_some() {
            self.wait_for_lossless()?;
        }
        let slot = match self.store.grow_for(layout) {
            None => self.acquire()?,
            Some(before) => {
                let retired = self.ring.slots.retire_all();
                self.acquire()
                    .inspect_err(|_| self.undo_growth(before, &retired))?
            }
        };
        FrameMut::new(self, slot, *layout)
    }

    /// A slot that already shows the newest published picture, for painters that only
    /// paint what changed.
    ///
    /// Costs a copy of what the slot lacks: the areas damaged since the picture it held
    /// before, or the whole picture. If there is none of this layout yet, it is like
    /// [`Publisher::loan`], and the frame's age is 0.
    pub fn loan_preserving(&mut self, layout: &FrameLayout) -> Result<FrameMut<'_>> {
        let mut frame = self.loan(layout)?;
        frame.copy_newest();
        Ok(frame)
    }

    /// Goes back to the slots there were: frames that fit them can still be published.
    #[cold]
    fn undo_growth(&mut self, before: SlotSize, retired: &[usize]) {
        for index in self.ring.slots.restore(retired) {
            self.store.remove_segment(&self.service, index);
        }
        self.store.shrink_to(before);
        self.describe_memory();
    }

    /// Brings the list of members up to date, if it has changed.
    #[inline]
    pub(crate) fn sync(&mut self) {
        if self.service.version() != self.seen_version {
            self.sync_members();
        }
    }

    #[cold]
    fn sync_members(&mut self) {
        let (version, links) = self.service.members();
        self.seen_version = version;
        let find = |key| {
            links
                .iter()
                .find(|link| link.key == key)
                .cloned()
                .map(LinkRef)
        };
        self.ring
            .set_members(links.iter().map(|link| (link.key, link.terms)), |key| {
                find(key).expect("listed above")
            });
    }

    /// Finds a slot that nobody holds, touching fresh memory only while the rotation is
    /// short or leases leave no other choice.
    #[inline]
    fn acquire(&mut self) -> Result<SlotRef> {
        loop {
            if self.ring.slots.touched() < self.store.rotation() {
                match self.acquire_fresh() {
                    Ok(Some(slot)) => return Ok(slot),
                    Ok(None) => {}
                    // There is no more memory; what there is may do.
                    Err(error) if self.ring.slots.touched() < 2 => return Err(error),
                    Err(_) => {}
                }
            }
            if self.ring.slots.needs_refill() {
                self.refill();
            }
            if let Some(slot) = self.ring.slots.loan_free() {
                return Ok(slot);
            }
            if let Some(slot) = self.acquire_fresh()? {
                return Ok(slot);
            }
            self.add_segment()?;
        }
    }

    pub(crate) fn refill(&mut self) {
        self.ring.begin_refill();
        self.sync();
        for index in self.ring.refill() {
            self.store.remove_segment(&self.service, index);
            self.describe_memory();
        }
    }

    /// Does ahead of the next loan what need not wait for it: finds a slot, and has the
    /// processor fetch the lines that will be written first. They were read by a
    /// subscriber, so they are in another core's cache.
    #[inline]
    pub(crate) fn prepare(&mut self) {
        if let Some(slot) = self.ring.slots.next_free()
            && let Some((view, _)) = self.store.slot(slot)
        {
            view.prefetch();
        }
    }

    fn acquire_fresh(&mut self) -> Result<Option<SlotRef>> {
        let Some(slot) = self.ring.slots.loan_fresh() else {
            return Ok(None);
        };
        if let Err(error) = self.store.commit(slot) {
            self.ring.slots.give_back_fresh(slot);
            return Err(error);
        }
        self.describe_memory();
        Ok(Some(slot))
    }

    fn add_segment(&mut self) -> Result<()> {
        let capacity = self.ring.slots.capacity();
        let required = self.service.required_slots() + self.ring.entrusted();
        let required = required.max(self.store.rotation() + 1);
        let wanted = required
            .saturating_sub(capacity)
            .max(capacity)
            .min(self.max_slots.saturating_sub(capacity));
        if wanted == 0 {
            return Err(ErrorKind::NoFreeSlot {
                holders: self.holders(),
            }
            .into());
        }
        let Some(index) = self.ring.slots.vacant_segment() else {
            return Err(ErrorKind::SegmentsExhausted {
                holders: self.holders(),
            }
            .into());
        };
        let slots = self.store.add_segment(&self.service, index, wanted)?;
        self.ring.slots.add_segment(index, slots);
        Ok(())
    }

    fn holders(&self) -> Vec<(u32, usize)> {
        let pid = |key| {
            self.ring
                .members
                .iter()
                .find(|it| it.key == key)
                .map_or(0, |it| it.words.0.process.identity().pid)
        };
        self.ring
            .holders()
            .filter(|(_, slots)| *slots > 0)
            .map(|(key, slots)| (pid(key), slots))
            .collect()
    }

    fn describe_memory(&mut self) {
        let (segments, bytes) = self.store.usage();
        self.stats.segments = segments;
        self.stats.slot_bytes = bytes;
        self.service.describe(|about| about.memory_bytes = bytes);
    }

    /// Whether the frame before had this layout.
    #[inline]
    pub(crate) fn has_described(&self, layout: &FrameLayout) -> bool {
        self.described.as_ref() == Some(layout)
    }

    /// Tells whoever asks what is published now, if that has changed.
    #[inline]
    pub(crate) fn describe(&mut self, layout: &FrameLayout) {
        if !self.has_described(layout) {
            self.described = Some(*layout);
            let (extent, format) = (layout.extent(), layout.format());
            self.service.describe(|about| {
                (about.width, about.height, about.format) =
                    (extent.width(), extent.height(), format.code());
            });
        }
    }

    /// Notes which processor this runs on, for subscribers that wonder whether to spin.
    #[inline]
    pub(crate) fn note_cpu(&mut self) {
        if !self.ring.has_sleepers() {
            return;
        }
        let cpu = machine::current_cpu() + 1;
        if cpu != self.cpu {
            self.cpu = cpu;
            // Relaxed: a hint.
            self.service.page.cpu.store(cpu, Ordering::Relaxed);
        }
    }

    fn wait_for_lossless(&mut self) -> Result<()> {
        if self.ring.held_back_by().is_none() {
            return Ok(());
        }
        self.stats.waited += 1;
        let waited = self.stats.waited as u32;
        self.service.describe(|about| about.waited = waited);
        let timeout = self.lossless.unwrap_or(Duration::ZERO);
        let mut deadline = Deadline::after(Some(timeout));
        let mut last = None;
        while let Some(at) = self.ring.held_back_by() {
            // The timeout is for each subscriber that does not move, not for all together.
            let key = self.ring.members[at].key;
            if last != Some(key) {
                deadline = Deadline::after(Some(timeout));
                last = Some(key);
            }
            if !self.wait_until(&mut deadline, |ring| {
                ring.held_back_by()
                    .is_none_or(|now| ring.members[now].key != key)
            })? {
                self.ring.demote(at);
                self.stats.demoted += 1;
                wake(&mut 0, &self.ring.members[at], WAKE_BELL | WAKE_POLLABLE);
            }
            self.sync();
        }
        Ok(())
    }

    /// Waits until `look` finds something in the ring or the members change; `false`
    /// once the deadline has passed.
    pub(crate) fn wait_until(
        &mut self,
        deadline: &mut Deadline,
        mut look: impl FnMut(&mut PublisherRing<LinkRef>) -> bool,
    ) -> Result<bool> {
        let Publisher {
            ring,
            service,
            waiter,
            seen_version,
            ..
        } = self;
        let mut changed =
            |ring: &mut PublisherRing<LinkRef>| look(ring) || service.version() != *seen_version;
        let peer_cpu = match &ring.members[..] {
            [only] => only.words.cpu.load(Ordering::Relaxed),
            _ => 0,
        };
        loop {
            if waiter
                .spin(peer_cpu, deadline, || changed(ring).then_some(()))
                .is_some()
            {
                return Ok(true);
            }
            let Ok(left) = deadline.left() else {
                return Ok(changed(ring));
            };
            if waiter.strategy() == Wait::Spin {
                continue;
            }
            let mut bells = vec![(&service.bell, service.bell.value())];
            let links: Vec<_> = ring
                .members
                .iter()
                .map(|member| member.words.0.clone())
                .collect();
            bells.extend(
                links
                    .iter()
                    .map(|link| (&link.publisher_bell, link.publisher_bell.value())),
            );
            ring.announce(&service.page);
            framebus_sys::fault_point!("publisher.before_sleep");
            let found = changed(ring);
            let slept = if found {
                Ok(())
            } else {
                bell::wait_any(&bells, left)
            };
            ring.awake(&service.page);
            slept?;
            if found || changed(ring) {
                return Ok(true);
            }
        }
    }

    /// Publishes what was painted into `slot`. Called by the frame.
    #[inline]
    pub(crate) fn publish(&mut self, slot: SlotRef, damage: Option<Box<Damage>>) -> u64 {
        self.note_cpu();
        framebus_sys::fault_point!("publish.before_word");
        let sequence = self.ring.publish(&self.service.page, slot);
        framebus_sys::fault_point!("publish.after_word");
        let wakes = &mut self.stats.wakes;
        self.ring
            .take_sleepers(|member, bits| wake(wakes, member, bits));
        framebus_sys::fault_point!("publish.after_wake");
        self.remember(damage);
        self.prepare();
        self.stats.published += 1;
        sequence
    }

    /// Keeps the damage of a publication, `None` for All.
    #[inline]
    fn remember(&mut self, damage: Option<Box<Damage>>) {
        let Some(damage) = damage else {
            // What is older differs in everything.
            self.damage.clear();
            return;
        };
        if self.damage.len() == DAMAGE_HISTORY {
            self.damage.pop_front();
        }
        self.damage.push_back(*damage);
    }

    /// Subscribers now.
    pub fn subscriber_count(&mut self) -> usize {
        self.sync();
        self.ring.members.len()
    }

    /// Waits until there are at least `count` subscribers; `false` after `timeout`.
    pub fn wait_subscribers(&mut self, count: usize, timeout: Option<Duration>) -> Result<bool> {
        let mut deadline = Deadline::after(timeout);
        loop {
            self.sync();
            if self.ring.members.len() >= count {
                return Ok(true);
            }
            if !self.wait_until(&mut deadline, |_| false)? {
                return Ok(false);
            }
        }
    }

    /// Waits until every lossless subscriber has taken all that was published; `false`
    /// after `timeout`.
    pub fn wait_drained(&mut self, timeout: Option<Duration>) -> Result<bool> {
        let mut deadline = Deadline::after(timeout);
        loop {
            self.sync();
            if self.ring.drained() {
                return Ok(true);
            }
            if !self.wait_until(&mut deadline, |ring| ring.drained())? {
                return Ok(self.ring.drained());
            }
        }
    }

    /// What was done so far.
    pub fn stats(&self) -> PublisherStats {
        self.stats
    }

    /// Its name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.claim.as_ref().map(|claim| claim.name().as_str())
    }

    /// Counts the publishers of this name; for one without a name, any number.
    pub fn epoch(&self) -> u32 {
        self.service.epoch
    }

    /// The sequence of the newest frame; 0 before the first.
    pub fn sequence(&self) -> u64 {
        self.ring.sequence()
    }

    /// One connected end of the stream, for a subscriber in another process.
    pub fn export(&self) -> Result<Export> {
        let (ours, theirs) = Channel::pair()?;
        self.service.expect(ours, None, None)?;
        Ok(Export::new(theirs))
    }

    /// A text that lets one subscriber in, once, over any channel that carries text.
    pub fn ticket(&self) -> Result<Ticket> {
        let ticket = Ticket::fresh()?;
        let directory = runtime_dir::open()?;
        let listener = Listener::bind(&directory, &ticket.socket_file())?;
        self.service
            .open(listener, Some(directory.join(ticket.socket_file())))?;
        Ok(ticket)
    }
}

/// Wakes a subscriber by what it asked to be woken by.
#[cold]
pub(crate) fn wake(wakes: &mut u64, member: &Member<LinkRef>, bits: u32) {
    *wakes += 1;
    let link = &member.words.0;
    if bits & WAKE_BELL != 0 {
        link.bell.ring();
    }
    if bits & WAKE_POLLABLE != 0 {
        let ringer = link
            .ringer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(ringer) = ringer {
            ringer.ring();
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        if self.owner != std::process::id() {
            // A forked child has a copy of this value, but not of the stream.
            return;
        }
        self.sync();
        self.ring.close(&self.service.page, |member, bits| {
            wake(&mut 0, member, bits)
        });
        self.service.close();
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("name", &self.name())
            .field("sequence", &self.sequence())
            .finish_non_exhaustive()
    }
}
