//! Subscribers.

use super::connection::{Connection, Endpoint};
use super::frame::{Frame, MappedSegment};
use super::handover::{self, Export, Ticket};
use super::subscriber_builder::{Options, SubscriberBuilder, connect, is_absent};
use crate::error::{ErrorKind, Result};
use crate::registry::StreamName;
use crate::ring::page::{WAKE_BELL, WAKE_POLLABLE};
use crate::ring::publisher::Terms;
use crate::ring::subscriber::{Leased, Refused, SubscriberRing, end_lease};
use crate::ring::word::MAX_SEGMENTS;
use crate::sync::{Ordering, load_acquire};
use crate::wait::{Deadline, Wait, Waiter};
use framebus_frame::{Damage, DamageSummary, Descriptor, HotLine, wire};
use framebus_sys::pollable::{Pollable, Ringer};
use framebus_sys::runtime_dir::{self, Changes};
use framebus_sys::watcher::{self, Next, Watch};
use framebus_sys::{BorrowedHandle, machine};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// What a subscriber has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriberStats {
    /// Frames delivered.
    pub received: u64,
    /// Frames that newer ones had overtaken; what `latest` is for.
    pub skipped: u64,
    /// Frames that an ordered queue lost because this subscriber was too slow.
    pub dropped: u64,
    /// Replies delivered.
    pub replies: u64,
    /// Waits for frames or replies that were not there yet.
    pub waits: u64,
    /// Those of them that slept.
    pub sleeps: u64,
    /// Publishers that were connected to after the first.
    pub reconnects: u64,
}

/// The descriptors that were read and checked last, by segment and slot.
#[derive(Default)]
struct Descriptors(Vec<Vec<Option<(u32, Descriptor)>>>);

impl Descriptors {
    fn entry(&mut self, segment: usize, slot: u32) -> &mut Option<(u32, Descriptor)> {
        let slot = slot as usize;
        if self.0.len() <= segment {
            self.0.resize(segment + 1, Vec::new());
        }
        let slots = &mut self.0[segment];
        if slots.len() <= slot {
            slots.resize(slot + 1, None);
        }
        &mut slots[slot]
    }

    fn forget(&mut self, segment: usize) {
        if let Some(slots) = self.0.get_mut(segment) {
            slots.clear();
        }
    }
}

/// For event loops.
struct Signal {
    pollable: Arc<Pollable>,
    ringer: Arc<Ringer>,
    /// Looks out for the next publisher while there is none.
    lookout: Option<Watch>,
}

/// The reading end of a stream.
///
/// Belongs to one thread at a time; the frames it gives may go to others.
///
/// ```
/// use framebus::{Extent, FrameLayout, PixelFormat, Publisher, Subscriber};
///
/// let mut publisher = Publisher::unnamed().create()?;
/// // Usually in another process, by name: Subscriber::connect("cam")
/// let mut subscriber = Subscriber::import(publisher.export()?).connect()?;
/// let layout = FrameLayout::packed(PixelFormat::Gray8, Extent::new(4, 2)?)?;
/// let mut frame = publisher.loan(&layout)?;
/// frame.bytes_mut().copy_from_slice(b"abcdefgh");
/// frame.set_metadata(b"beside the pixels")?;
/// frame.publish();
///
/// let frame = subscriber.recv()?;
/// assert_eq!(frame.row(0, 1).unwrap().to_vec(), b"efgh");
/// assert_eq!(frame.metadata(), b"beside the pixels");
/// # Ok::<(), framebus::Error>(())
/// ```
///
/// It cannot be used from two threads at once:
///
/// ```compile_fail
/// fn sync<T: Sync>() {}
/// sync::<framebus::Subscriber>();
/// ```
#[doc(alias = "receiver")]
#[doc(alias = "consumer")]
pub struct Subscriber {
    pub(crate) ring: SubscriberRing,
    pub(crate) connection: Arc<Connection>,
    endpoint: Endpoint,
    pub(crate) terms: Terms,
    queue: bool,
    segments: [Option<Arc<MappedSegment>>; MAX_SEGMENTS + 1],
    descriptors: Descriptors,
    waiter: Waiter,
    reconnect: bool,
    trusted: bool,
    /// The request that was sent and not answered, cancelled or replaced.
    pub(crate) pending: Option<u32>,
    demoted: bool,
    /// The publisher went before the pixels of what it published last were fetched.
    lost: bool,
    cpu: u32,
    signal: Option<Signal>,
    pub(crate) stats: SubscriberStats,
    not_sync: PhantomData<std::cell::Cell<()>>,
}

impl Subscriber {
    pub(crate) fn start(
        endpoint: Endpoint,
        connection: Arc<Connection>,
        terms: Terms,
        options: Options,
    ) -> Subscriber {
        let mut subscriber = Subscriber {
            ring: SubscriberRing::new(&connection.page, &connection.control, terms),
            connection,
            endpoint,
            terms,
            queue: options.queue,
            segments: std::array::from_fn(|_| None),
            descriptors: Descriptors::default(),
            waiter: Waiter::new(options.wait),
            reconnect: options.reconnect,
            trusted: options.trusted,
            pending: None,
            demoted: false,
            lost: false,
            cpu: 0,
            signal: None,
            stats: SubscriberStats::default(),
            not_sync: PhantomData,
        };
        subscriber.pull_all();
        subscriber
    }

    /// A subscriber to the stream of that name, with the usual options.
    pub fn connect(name: &str) -> Result<Subscriber> {
        Subscriber::builder(name)?.connect()
    }

    /// A subscriber to the stream of that name. Fails with [`ErrorKind::InvalidName`].
    pub fn builder(name: &str) -> Result<SubscriberBuilder> {
        Ok(SubscriberBuilder::new(Endpoint::Name(StreamName::new(
            name,
        )?)))
    }

    /// A subscriber to a stream that was handed over without a name.
    pub fn import(export: Export) -> SubscriberBuilder {
        SubscriberBuilder::new(export.into())
    }

    /// A subscriber to the stream of a ticket.
    pub fn import_ticket(ticket: &Ticket) -> SubscriberBuilder {
        SubscriberBuilder::new(Endpoint::Ticket(ticket.clone()))
    }

    /// A subscriber to the stream that the parent process left to this one by
    /// [`Export::inherit`].
    pub fn inherited() -> Result<SubscriberBuilder> {
        Ok(SubscriberBuilder::new(handover::inherited()?.into()))
    }

    /// Waits for the next frame: the newest, or the next in order, as was built.
    ///
    /// Fails with [`ErrorKind::PublisherGone`] once everything was delivered and nothing
    /// will follow; unless it was built to reconnect.
    #[inline]
    pub fn recv(&mut self) -> Result<Frame> {
        loop {
            if let Some(frame) = self.recv_until(&mut Deadline::after(None))? {
                return Ok(frame);
            }
        }
    }

    /// Like [`Subscriber::recv`]; `None` once `timeout` is over.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<Frame>> {
        self.recv_until(&mut Deadline::after(Some(timeout)))
    }

    fn recv_until(&mut self, deadline: &mut Deadline) -> Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.take_if_there()? {
                return Ok(Some(frame));
            }
            if self.has_ended() {
                // What was published last may have come between the look and the end.
                if let Some(frame) = self.take_if_there()? {
                    return Ok(Some(frame));
                }
                if !self.revive(deadline)? {
                    return Ok(None);
                }
                continue;
            }
            self.forget_withdrawn();
            self.stats.waits += 1;
            let queue = self.queue;
            let look = move |ring: &SubscriberRing, connection: &Connection| {
                if queue {
                    ring.has_next(&connection.page)
                } else {
                    ring.has_news(&connection.page)
                }
            };
            if !self.wait_until(deadline, look)? {
                return self.take_if_there();
            }
        }
    }

    /// The next frame, if it is there already. Never waits.
    #[inline]
    pub fn try_recv(&mut self) -> Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.take_if_there()? {
                return Ok(Some(frame));
            }
            if self.has_ended() {
                if let Some(frame) = self.take_if_there()? {
                    return Ok(Some(frame));
                }
                if !self.revive(&mut Deadline::now())? {
                    return Ok(None);
                }
                continue;
            }
            if self.arm() {
                return Ok(None);
            }
        }
    }

    /// The newest frame, even if it was delivered before; `None` before the first.
    pub fn latest(&mut self) -> Result<Option<Frame>> {
        match self
            .ring
            .latest(&self.connection.page, &self.connection.control, true)
        {
            Ok(leased) => {
                let frame = self.frame(leased, Expect::Newest)?;
                let Connection { page, control, .. } = &*self.connection;
                if self.terms.lossless && self.ring.acknowledge(page, control) {
                    self.connection.publisher_bell.ring();
                }
                Ok(Some(frame))
            }
            Err(refused) => self.refused(refused),
        }
    }

    /// Leases what is next, unless its pixels went with the publisher before they were
    /// fetched: then it is as if it had never been.
    #[inline]
    fn take_if_there(&mut self) -> Result<Option<Frame>> {
        match self.take() {
            Err(error) if matches!(error.kind(), ErrorKind::PublisherGone { .. }) => {
                self.lost = true;
                Ok(None)
            }
            taken => taken,
        }
    }

    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.lost || self.connection.has_ended()
    }

    /// Leases what is next, without waiting.
    #[inline]
    fn take(&mut self) -> Result<Option<Frame>> {
        let Connection { page, control, .. } = &*self.connection;
        if self.terms.lossless && !self.demoted && self.ring.is_demoted(control) {
            self.demoted = true;
            return Err(ErrorKind::Demoted.into());
        }
        let leased = if self.queue {
            self.ring.next(page, control, &mut self.stats.dropped)
        } else {
            self.ring.latest(page, control, false)
        };
        framebus_sys::fault_point!("subscriber.after_lease");
        match leased {
            Ok(leased) => {
                if self.terms.lossless && self.ring.publisher_sleeps(page) {
                    self.connection.publisher_bell.ring();
                }
                self.frame(leased, Expect::Next).map(Some)
            }
            Err(refused) => self.refused(refused),
        }
    }

    pub(crate) fn refused(&self, refused: Refused) -> Result<Option<Frame>> {
        match refused {
            Refused::Nothing => Ok(None),
            Refused::Quota => Err(ErrorKind::QuotaExceeded {
                quota: self.terms.quota,
            }
            .into()),
            Refused::Corrupt(word) => Err(ErrorKind::Protocol {
                what: "a word that names no slot",
                value: word.into(),
            }
            .into()),
        }
    }

    /// Makes a frame of a lease, checking all that the publisher says about it. The
    /// lease ends if it does not hold.
    #[inline(always)]
    pub(crate) fn frame(&mut self, leased: Leased, expect: Expect) -> Result<Frame> {
        let result = self.read_frame(leased, expect);
        if result.is_err() {
            end_lease(&self.connection.control, leased.entry);
        }
        result
    }

    #[inline(always)]
    fn read_frame(&mut self, leased: Leased, expect: Expect) -> Result<Frame> {
        let segment = self.segment(leased.slot.segment())?;
        let beyond = || ErrorKind::Protocol {
            what: "a slot beyond its segment",
            value: leased.slot.word().into(),
        };
        let view = segment.pixels.slot(leased.slot.slot()).ok_or_else(beyond)?;
        // SAFETY: the segment is mapped while `segment` lives, here and in the frame.
        let hot = HotLine::from_words(&unsafe { view.read_words(wire::HOT) })?;
        let capacity = view.pixel_capacity();
        let known = self
            .descriptors
            .entry(leased.slot.segment(), leased.slot.slot());
        let descriptor = match known {
            Some((revision, descriptor)) if *revision == hot.descriptor_revision => *descriptor,
            _ => {
                // SAFETY: as above.
                let descriptor =
                    Descriptor::from_words(&unsafe { view.read_words(wire::DESCRIPTOR) })?;
                let bytes = descriptor.layout.byte_len();
                if bytes > capacity {
                    return Err(ErrorKind::Protocol {
                        what: "a picture larger than its slot",
                        value: bytes,
                    }
                    .into());
                }
                *known = Some((hot.descriptor_revision, descriptor));
                descriptor
            }
        };
        let rects = match hot.damage {
            DamageSummary::Rects(_) => {
                // SAFETY: as above.
                let words: [u32; wire::DAMAGE_WORDS] = unsafe { view.read_words(wire::DAMAGE) };
                Some(Box::new(Damage::from_words(
                    hot.damage,
                    &words,
                    descriptor.layout.extent(),
                )?))
            }
            DamageSummary::All | DamageSummary::None => None,
        };
        let metadata = match hot.metadata_len as usize {
            0 => Box::default(),
            // SAFETY: as above; `HotLine::from_words` has checked the length.
            len => unsafe { view.read_metadata(len) },
        };
        self.account(&hot, expect)?;
        let trusted = self.trusted;
        Ok(Frame {
            segment,
            view,
            entry: leased.entry,
            hot,
            descriptor,
            rects,
            metadata,
            trusted,
        })
    }

    /// Checks that a frame is the one that was expected, and counts it.
    #[inline]
    fn account(&mut self, hot: &HotLine, expect: Expect) -> Result<()> {
        let wrong = |what, value| ErrorKind::Protocol { what, value };
        if hot.epoch != self.connection.epoch {
            return Err(wrong("a frame of another epoch", hot.epoch.into()).into());
        }
        if let Expect::Reply(id) = expect {
            if hot.request_id != Some(id) {
                return Err(wrong(
                    "a reply to another request",
                    hot.request_id.unwrap_or(0).into(),
                )
                .into());
            }
            self.stats.replies += 1;
            return Ok(());
        }
        if expect == Expect::Newest && self.ring.is_last(hot.sequence) {
            return Ok(());
        }
        let last = self.ring.last();
        let skipped = self.ring.delivered(hot.sequence);
        let skipped = skipped.ok_or(ErrorKind::SequenceWentBack {
            found: hot.sequence,
            last,
        })?;
        if !self.queue {
            self.stats.skipped += skipped;
        }
        self.stats.received += 1;
        Ok(())
    }

    /// The segment of a leased slot, pulled if it is not known yet.
    #[inline]
    fn segment(&mut self, index: usize) -> Result<Arc<MappedSegment>> {
        let serial = self.connection.page.segments[index].load(Ordering::Relaxed);
        match &self.segments[index] {
            Some(known) if known.serial == serial => Ok(known.clone()),
            _ => self.pull(index),
        }
    }

    #[cold]
    fn pull(&mut self, index: usize) -> Result<Arc<MappedSegment>> {
        let (serial, pixels) = self.connection.pull_segment(index)?;
        self.descriptors.forget(index);
        let segment = Arc::new(MappedSegment {
            serial,
            pixels,
            connection: self.connection.clone(),
        });
        self.segments[index] = Some(segment.clone());
        self.forget_withdrawn();
        Ok(segment)
    }

    /// Unmaps what the publisher has given up, once no frame needs it.
    fn forget_withdrawn(&mut self) {
        for (known, word) in self.segments.iter_mut().zip(&self.connection.page.segments) {
            if known
                .as_ref()
                .is_some_and(|known| known.serial != word.load(Ordering::Relaxed))
            {
                *known = None;
            }
        }
    }

    /// Pulls what there is, so that it can be read even if the publisher dies next.
    fn pull_all(&mut self) {
        for index in 1..=MAX_SEGMENTS {
            if load_acquire(&self.connection.page.segments[index]) != 0 {
                // One that cannot be had now is asked for again when a frame needs it.
                let _ = self.pull(index);
            }
        }
    }

    /// Waits until `look` finds something or the publisher ends; `false` once the
    /// deadline has passed.
    pub(crate) fn wait_until(
        &mut self,
        deadline: &mut Deadline,
        look: impl Fn(&SubscriberRing, &Connection) -> bool,
    ) -> Result<bool> {
        let Subscriber {
            ring,
            connection,
            waiter,
            cpu,
            stats,
            signal,
            ..
        } = self;
        let Connection {
            page,
            control,
            bell,
            ..
        } = &**connection;
        let now = machine::current_cpu() + 1;
        if *cpu != now {
            *cpu = now;
            control.cpu.store(now, Ordering::Relaxed);
        }
        let found = || look(ring, connection) || connection.has_ended();
        let armed = if signal.is_some() { WAKE_POLLABLE } else { 0 };
        loop {
            let peer_cpu = page.cpu.load(Ordering::Relaxed);
            if waiter
                .spin(peer_cpu, deadline, || found().then_some(()))
                .is_some()
            {
                return Ok(true);
            }
            let Ok(left) = deadline.left() else {
                return Ok(found());
            };
            if waiter.strategy() == Wait::Spin {
                continue;
            }
            let seen = bell.value();
            ring.announce(control, WAKE_BELL | armed);
            framebus_sys::fault_point!("subscriber.before_sleep");
            let news = found();
            let slept = if news { Ok(()) } else { bell.wait(seen, left) };
            control.wake.store(armed, Ordering::Relaxed);
            slept?;
            stats.sleeps += u64::from(!news);
            if news || found() {
                return Ok(true);
            }
        }
    }

    /// Connects to the next publisher, if that was asked for; `false` if none came in time.
    pub(crate) fn revive(&mut self, deadline: &mut Deadline) -> Result<bool> {
        let pid = self.connection.publisher_pid();
        if !self.reconnect || self.endpoint.name().is_none() {
            return Err(ErrorKind::PublisherGone { pid }.into());
        }
        let connection = match connect(&mut self.endpoint, self.terms, deadline) {
            Ok(connection) => connection,
            Err(error) if is_absent(&error) => {
                self.look_out()?;
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        self.ring = SubscriberRing::new(&connection.page, &connection.control, self.terms);
        self.connection = connection;
        self.segments = std::array::from_fn(|_| None);
        self.descriptors = Descriptors::default();
        (self.pending, self.demoted, self.lost, self.cpu) = (None, false, false, 0);
        self.stats.reconnects += 1;
        if let Some(signal) = &mut self.signal {
            signal.lookout = None;
            self.connection.set_pollable(&signal.ringer)?;
        }
        self.pull_all();
        Ok(true)
    }

    /// Rings the event loop when something changes in the runtime directory: it may be
    /// the next publisher.
    fn look_out(&mut self) -> Result<()> {
        let Some(signal) = self
            .signal
            .as_mut()
            .filter(|signal| signal.lookout.is_none())
        else {
            return Ok(());
        };
        signal.pollable.clear();
        let changes = Arc::new(Changes::of(&runtime_dir::open()?)?);
        let (ringer, seen) = (signal.ringer.clone(), changes.clone());
        signal.lookout = Some(watcher::on_change(&changes, move || {
            let _ = seen.wait(Duration::ZERO);
            ringer.ring();
            Next::Continue
        })?);
        // It may have come before anybody looked out.
        signal.ringer.ring();
        Ok(())
    }

    /// Asks to be rung at the next publication, if an event loop waits; `false` if
    /// there is something already.
    fn arm(&mut self) -> bool {
        let Some(signal) = &self.signal else {
            return true;
        };
        let Connection { page, control, .. } = &*self.connection;
        if control.wake.load(Ordering::Relaxed) & WAKE_POLLABLE != 0 {
            // Still armed since the last time; but a word that is only about to be seen
            // would have been rung for.
            return true;
        }
        signal.pollable.clear();
        self.ring.announce(control, WAKE_POLLABLE);
        let news = if self.queue {
            self.ring.has_next(page)
        } else {
            self.ring.has_news(page)
        };
        let answer = self
            .pending
            .is_some_and(|id| self.ring.is_answered(control, id));
        if answer {
            signal.ringer.ring();
        }
        !news && !self.connection.has_ended()
    }

    /// The handle for an event loop: readable when there may be a frame or a reply. Only
    /// wait for it; call [`Subscriber::try_recv`] until it gives `None`.
    ///
    /// [`AsFd`](std::os::fd::AsFd) on Linux gives the same, once this has succeeded.
    pub fn pollable(&mut self) -> Result<BorrowedHandle<'_>> {
        if self.signal.is_none() {
            let (pollable, handle) = Pollable::pair()?;
            let ringer = Arc::new(Ringer::from_handle(handle)?);
            self.connection.set_pollable(&ringer)?;
            // Readable from the start: whoever waits for it looks once.
            ringer.ring();
            self.signal = Some(Signal {
                pollable: Arc::new(pollable),
                ringer,
                lookout: None,
            });
        }
        Ok(self.signal_handle())
    }

    fn signal_handle(&self) -> BorrowedHandle<'_> {
        match &self.signal {
            Some(signal) => signal.pollable.handle(),
            None => panic!("Subscriber::pollable has not been called"),
        }
    }

    /// What was seen so far.
    pub fn stats(&self) -> SubscriberStats {
        self.stats
    }

    /// The publisher's process.
    pub fn publisher_pid(&self) -> u32 {
        self.connection.publisher_pid()
    }

    /// The name it was connected by, if there is one.
    pub fn name(&self) -> Option<&str> {
        self.endpoint.name()
    }

    /// Counts the publishers of this name.
    pub fn epoch(&self) -> u32 {
        self.connection.epoch
    }

    /// Whether the publisher has ended. What it published may still be received.
    pub fn publisher_has_ended(&self) -> bool {
        self.connection.has_ended()
    }

    #[cfg(feature = "async")]
    pub(crate) fn signal_source(&mut self) -> Result<Arc<Pollable>> {
        self.pollable()?;
        self.signal
            .as_ref()
            .map(|signal| signal.pollable.clone())
            .ok_or_else(|| unreachable!("just made"))
    }
}

framebus_sys::impl_pollable!(Subscriber, signal_handle);

/// What a leased slot must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// A publication newer than the last one.
    Next,
    /// The newest publication, which may be the last one again.
    Newest,
    /// The reply to a request.
    Reply(u32),
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("name", &self.name())
            .field("publisher", &self.publisher_pid())
            .field("sequence", &self.ring.last())
            .finish_non_exhaustive()
    }
}
