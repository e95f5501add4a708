//! Subscribers.

use super::connection::{Connection, Endpoint};
use super::frame::{Frame, MappedSegment};
use super::handover::{self, Export, Ticket};
use crate::error::{ErrorKind, Result, check_option};
use crate::registry::StreamName;
use crate::ring::page::{
    INLINE_REQUEST, LOG_LEN, MAX_DEPTH, MAX_QUOTA, MAX_REQUEST, WAKE_BELL, WAKE_POLLABLE,
};
use crate::ring::publisher::Terms;
use crate::ring::subscriber::{Answer, Leased, Refused, SubscriberRing, end_lease};
use crate::ring::word::MAX_SEGMENTS;
use crate::sync::{Ordering, fence, load_acquire};
use crate::wait::{Deadline, Wait, Waiter};
use framebus_frame::{Damage, DamageSummary, Descriptor, HotLine, Rect, wire};
use framebus_sys::pollable::{Pollable, Ringer};
use framebus_sys::runtime_dir::{self, Changes};
use framebus_sys::watcher::{self, Next, Watch};
use framebus_sys::{BorrowedHandle, machine};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// How long one look for a publisher that is not there lasts at most; a change in the
/// runtime directory ends it at once.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How a subscriber is made.
#[derive(Debug)]
pub struct SubscriberBuilder {
    endpoint: Endpoint,
    depth: Option<u32>,
    lossless: bool,
    quota: u32,
    wait: Wait,
    reconnect: bool,
    wait_for_publisher: Duration,
    trusted: bool,
}

impl SubscriberBuilder {
    fn new(endpoint: Endpoint) -> SubscriberBuilder {
        SubscriberBuilder {
            endpoint,
            depth: None,
            lossless: false,
            quota: 2,
            wait: Wait::default(),
            reconnect: false,
            wait_for_publisher: Duration::ZERO,
            trusted: false,
        }
    }

    /// Delivers the newest frame, skipping what it has overtaken. The default.
    pub fn latest(mut self) -> Self {
        self.depth = None;
        self
    }

    /// Delivers frames in order, and keeps the newest `depth` (1 to 32) for this
    /// subscriber; what it is too slow for is dropped, and counted.
    pub fn queue(mut self, depth: u32) -> Self {
        self.depth = Some(depth);
        self
    }

    /// Holds the publisher back instead of missing frames, if the stream is lossless.
    /// Implies a queue.
    pub fn lossless(mut self) -> Self {
        self.lossless = true;
        self
    }

    /// Frames that may be held at a time; 1 to 8, 2 by default.
    pub fn quota(mut self, frames: u32) -> Self {
        self.quota = frames;
        self
    }

    /// How to wait for frames and replies. Adaptive by default.
    pub fn wait(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }

    /// Connects again by itself, to the next publisher of the name, when one is gone.
    pub fn reconnect(mut self, reconnect: bool) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// Waits up to so long for a publisher of the name to appear.
    pub fn wait_for_publisher(mut self, timeout: Duration) -> Self {
        self.wait_for_publisher = timeout;
        self
    }

    /// Lets [`Frame::bytes`] give slices.
    ///
    /// # Safety
    ///
    /// The publisher follows the protocol: it never writes a slot that this subscriber
    /// has a lease on. A publisher made with this library does.
    pub unsafe fn trust_publisher(mut self) -> Self {
        self.trusted = true;
        self
    }

    /// Connects.
    ///
    /// Fails with [`ErrorKind::NotFound`] if nobody publishes there,
    /// [`ErrorKind::SlotsExceeded`] or [`ErrorKind::SubscribersExceeded`] if there is no
    /// room for one more.
    pub fn connect(self) -> Result<Subscriber> {
        check_option(
            "queue depth",
            self.depth.unwrap_or(1).into(),
            1,
            MAX_DEPTH.into(),
        )?;
        check_option("quota", self.quota.into(), 1, MAX_QUOTA as u64)?;
        let queue = self.depth.is_some() || self.lossless;
        let depth = self.depth.unwrap_or(if self.lossless { 4 } else { 1 });
        let sleeps = self.wait != Wait::Spin;
        let terms = Terms {
            quota: self.quota,
            depth,
            lossless: self.lossless,
            sleeps,
        };
        let mut endpoint = self.endpoint;
        let mut deadline = Deadline::after(Some(self.wait_for_publisher));
        let connection = connect(&mut endpoint, terms, None, &mut deadline)?;
        let mut subscriber = Subscriber {
            ring: SubscriberRing::new(&connection.page, &connection.control, terms),
            connection,
            endpoint,
            terms,
            queue,
            segments: std::array::from_fn(|_| None),
            descriptors: Descriptors::default(),
            waiter: Waiter::new(self.wait),
            reconnect: self.reconnect,
            trusted: self.trusted,
            pending: None,
            demoted: false,
            cpu: 0,
            signal: None,
            stats: SubscriberStats::default(),
            not_sync: PhantomData,
        };
        subscriber.pull_all();
        Ok(subscriber)
    }
}

/// Connects, waiting until the deadline for a publisher to appear.
fn connect(
    endpoint: &mut Endpoint,
    terms: Terms,
    ringer: Option<Arc<Ringer>>,
    deadline: &mut Deadline,
) -> Result<Arc<Connection>> {
    let absent = |error: &crate::Error| matches!(error.kind(), ErrorKind::NotFound { .. });
    match Connection::open(endpoint, terms, ringer.clone()) {
        Err(error) if absent(&error) && deadline.left().is_ok() => {}
        result => return result,
    }
    // Before the next look, so that nothing that appears in between is missed.
    let changes = Changes::of(&runtime_dir::open()?)?;
    loop {
        match Connection::open(endpoint, terms, ringer.clone()) {
            Err(error) if absent(&error) => match deadline.left() {
                Ok(left) => changes.wait(left.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN))?,
                Err(()) => return Err(error),
            },
            result => return result,
        };
    }
}

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
    ring: SubscriberRing,
    connection: Arc<Connection>,
    endpoint: Endpoint,
    terms: Terms,
    queue: bool,
    segments: [Option<Arc<MappedSegment>>; MAX_SEGMENTS + 1],
    descriptors: Descriptors,
    waiter: Waiter,
    reconnect: bool,
    trusted: bool,
    /// The request that was sent and not answered, cancelled or replaced.
    pending: Option<u32>,
    demoted: bool,
    cpu: u32,
    signal: Option<Signal>,
    stats: SubscriberStats,
    not_sync: PhantomData<std::cell::Cell<()>>,
}

impl Subscriber {
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
            if let Some(frame) = self.take()? {
                return Ok(Some(frame));
            }
            if self.connection.has_ended() {
                // What was published last may have come between the look and the end.
                if let Some(frame) = self.take()? {
                    return Ok(Some(frame));
                }
                if !self.revive(deadline)? {
                    return Ok(None);
                }
                continue;
            }
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
                return self.take();
            }
        }
    }

    /// The next frame, if it is there already. Never waits.
    #[inline]
    pub fn try_recv(&mut self) -> Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(Some(frame));
            }
            if self.connection.has_ended() {
                if let Some(frame) = self.take()? {
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
            Ok(leased) => self.frame(leased, Expect::Newest).map(Some),
            Err(refused) => self.refused(refused),
        }
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

    fn refused(&self, refused: Refused) -> Result<Option<Frame>> {
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
    fn frame(&mut self, leased: Leased, expect: Expect) -> Result<Frame> {
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
        // Those that the publisher has given up need not stay mapped here.
        for (known, word) in self.segments.iter_mut().zip(&self.connection.page.segments) {
            if known
                .as_ref()
                .is_some_and(|known| known.serial != word.load(Ordering::Relaxed))
            {
                *known = None;
            }
        }
        Ok(segment)
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
    fn wait_until(
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
    fn revive(&mut self, deadline: &mut Deadline) -> Result<bool> {
        let pid = self.connection.publisher_pid();
        if !self.reconnect || self.endpoint.name().is_none() {
            return Err(ErrorKind::PublisherGone { pid }.into());
        }
        let ringer = self.signal.as_ref().map(|signal| signal.ringer.clone());
        let connection = match connect(&mut self.endpoint, self.terms, ringer, deadline) {
            Ok(connection) => connection,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound { .. }) => {
                self.look_out()?;
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        self.ring = SubscriberRing::new(&connection.page, &connection.control, self.terms);
        self.connection = connection;
        self.segments = std::array::from_fn(|_| None);
        self.descriptors = Descriptors::default();
        (self.pending, self.demoted, self.cpu) = (None, false, 0);
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

    /// Asks for a frame, without waiting for it; replaces a request that is not answered
    /// yet. Gives the request's id.
    ///
    /// Up to 4096 bytes say which frame. Fails with [`ErrorKind::PublisherGone`], or
    /// [`ErrorKind::QuotaExceeded`] if too many frames are held to take the answer.
    #[inline]
    pub fn send_request(&mut self, bytes: &[u8]) -> Result<u32> {
        if bytes.len() > MAX_REQUEST {
            return Err(ErrorKind::RequestTooLong {
                len: bytes.len(),
                limit: MAX_REQUEST,
            }
            .into());
        }
        if self.connection.has_ended() && !self.revive(&mut Deadline::now())? {
            return Err(ErrorKind::PublisherGone {
                pid: self.connection.publisher_pid(),
            }
            .into());
        }
        let Connection { page, control, .. } = &*self.connection;
        let held = control.leases[..self.terms.quota as usize].iter();
        if held
            .filter(|word| word.load(Ordering::Relaxed) != 0)
            .count()
            >= self.terms.quota as usize
        {
            return Err(ErrorKind::QuotaExceeded {
                quota: self.terms.quota,
            }
            .into());
        }
        let id = self.ring.begin_request(control);
        if bytes.len() <= INLINE_REQUEST {
            self.ring.write_inline(control, bytes);
        } else {
            control.write_request(bytes);
        }
        framebus_sys::fault_point!("request.before_id");
        let sleeps = self.ring.send_request(page, control, bytes.len() as u32);
        framebus_sys::fault_point!("request.after_id");
        if sleeps {
            self.connection.publisher_bell.ring();
        }
        self.pending = Some(id);
        Ok(id)
    }

    /// The reply to the request that was sent last, if it has come. Never waits.
    ///
    /// Fails with [`ErrorKind::Declined`].
    #[inline]
    pub fn try_reply(&mut self) -> Result<Option<Frame>> {
        let Some(id) = self.pending else {
            return Ok(None);
        };
        match self.ring.take_answer(&self.connection.control, id) {
            Ok(Answer::Frame(leased)) => {
                self.pending = None;
                framebus_sys::fault_point!("request.after_take");
                self.frame(leased, Expect::Reply(id)).map(Some)
            }
            Ok(Answer::Declined(len)) => {
                self.pending = None;
                let reason = self.connection.control.read_reason(len as usize);
                Err(ErrorKind::Declined {
                    reason: String::from_utf8_lossy(&reason).into_owned(),
                }
                .into())
            }
            Err(Refused::Nothing) if self.connection.has_ended() => {
                if self.ring.is_answered(&self.connection.control, id) {
                    return self.try_reply();
                }
                self.pending = None;
                Err(ErrorKind::PublisherGone {
                    pid: self.connection.publisher_pid(),
                }
                .into())
            }
            Err(refused) => self.refused(refused),
        }
    }

    /// Waits for the reply to the request that was sent last; `None` after `timeout`, or
    /// if there is no request. The request stands until it is cancelled or replaced.
    #[inline]
    pub fn wait_reply(&mut self, timeout: Option<Duration>) -> Result<Option<Frame>> {
        let mut deadline = Deadline::after(timeout);
        loop {
            if let Some(frame) = self.try_reply()? {
                return Ok(Some(frame));
            }
            let Some(id) = self.pending else {
                return Ok(None);
            };
            self.stats.waits += 1;
            let look =
                move |ring: &SubscriberRing, it: &Connection| ring.is_answered(&it.control, id);
            if !self.wait_until(&mut deadline, look)? {
                return self.try_reply();
            }
        }
    }

    /// Asks for a frame and waits for it. Without a timeout, waits for ever.
    ///
    /// Fails with [`ErrorKind::TimedOut`] (the request is cancelled then),
    /// [`ErrorKind::Declined`], [`ErrorKind::PublisherGone`].
    #[inline]
    pub fn request(&mut self, bytes: &[u8], timeout: Option<Duration>) -> Result<Frame> {
        self.send_request(bytes)?;
        loop {
            if let Some(frame) = self.wait_reply(timeout)? {
                return Ok(frame);
            }
            if let Some(waited) = timeout {
                self.cancel_request();
                return Err(ErrorKind::TimedOut { waited }.into());
            }
        }
    }

    /// Gives up the request that was sent last; a late reply is dropped by its publisher.
    pub fn cancel_request(&mut self) {
        self.pending = None;
        self.ring.cancel_request(&self.connection.control);
    }

    /// What differs between `frame` and the picture with the sequence `since`: the union
    /// of all damage in between, or All where that is not known.
    pub fn damage_since(&self, frame: &Frame, since: u64) -> Damage {
        let newest = frame.sequence();
        if frame.epoch() != self.connection.epoch
            || frame.request_id().is_some()
            || since == 0
            || since > newest
        {
            return Damage::All;
        }
        if since == newest {
            return Damage::None;
        }
        if newest - since >= LOG_LEN as u64 {
            return Damage::All;
        }
        (since + 1..newest).fold(frame.damage(), |all, sequence| {
            all.union(&self.logged_damage(sequence))
        })
    }

    /// The damage of a frame that was skipped, as its publisher has left it.
    fn logged_damage(&self, sequence: u64) -> Damage {
        let record = &self.connection.page.damage[sequence as usize % LOG_LEN];
        if load_acquire(&record.sequence) != sequence as u32 {
            return Damage::All;
        }
        let kind = record.kind.load(Ordering::Relaxed);
        let mut rects = [Rect::default(); crate::ring::page::DAMAGE_RECTS];
        for (rect, words) in rects.iter_mut().zip(&record.rects) {
            let (at, size) = (
                words[0].load(Ordering::Relaxed),
                words[1].load(Ordering::Relaxed),
            );
            *rect = Rect::new(at & 0xFFFF, at >> 16, size & 0xFFFF, size >> 16);
        }
        // Pairs with the release fence of `FrameMut::log_damage`: if any word above was of
        // a later record, this sees that record's sequence.
        fence(Ordering::Acquire);
        if record.sequence.load(Ordering::Relaxed) != sequence as u32 {
            return Damage::All;
        }
        match DamageSummary::from_codes(kind as u16, (kind >> 16) as u16) {
            Ok(DamageSummary::None) => Damage::None,
            Ok(DamageSummary::Rects(count)) => Damage::from_rects(&rects[..usize::from(count)]),
            Ok(DamageSummary::All) | Err(_) => Damage::All,
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
enum Expect {
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
