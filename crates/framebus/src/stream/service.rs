//! The publisher's front desk: admits subscribers, answers their questions, notices
//! their deaths. Runs on the watcher thread, so that a publisher that is busy or idle
//! still serves, and a peer that stalls keeps nobody waiting.

use super::protocol::{Info, MESSAGE_BYTES, Message, Refusal};
use crate::error::Result;
use crate::memory::{ControlPage, StreamPage};
use crate::ring::page::{
    BELL_OFFSET, CONTROL_BYTES, CONTROL_MAGIC, LAYOUT_VERSION, LOG_LEN, PUBLISHER_BELL_OFFSET,
    STREAM_BYTES, STREAM_MAGIC,
};
use crate::ring::publisher::{PublisherRing, Terms, read_sequence};
use crate::ring::word::MAX_SEGMENTS;
use crate::sync::{AtomicU32, Ordering};
use framebus_sys::bell::Bell;
use framebus_sys::channel::{Channel, Listener, Received};
use framebus_sys::pollable::Ringer;
use framebus_sys::process::{self, Process};
use framebus_sys::segment::{Segment, SegmentKind};
use framebus_sys::watcher::{self, Next, Watch};
use framebus_sys::{BorrowedHandle, Error as SysError};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// How long a connection may take to say what it wants.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// Connections that have not said anything yet, at most. More are closed at once.
const MAX_PENDING: usize = 256;

/// How long nobody is accepted after this process ran out of handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Limits that the publisher was built with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_slots: u32,
    pub(crate) max_subscribers: u32,
}

/// One admitted subscriber.
pub(crate) struct Link {
    pub(crate) key: u64,
    pub(crate) terms: Terms,
    pub(crate) control: ControlPage,
    pub(crate) process: Arc<Process>,
    /// Rung by us.
    pub(crate) bell: Bell,
    /// Rung by the subscriber.
    pub(crate) publisher_bell: Bell,
    /// For a subscriber that waits in an event loop.
    pub(crate) ringer: Mutex<Option<Arc<Ringer>>>,
    channel: Arc<Channel>,
    watches: Mutex<Vec<Watch>>,
}

/// A pixel segment that subscribers may ask for.
struct SharedSegment {
    segment: Arc<Segment>,
    serial: u32,
    slots: u32,
    slot_bytes: u64,
}

/// What changes as the publisher runs, told to whoever asks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) format: u32,
    pub(crate) memory_bytes: u64,
    pub(crate) replied: u32,
    pub(crate) waited: u32,
    pub(crate) lossless: bool,
}

/// A way in.
struct Door {
    /// Held so that it ends with the entry.
    watch: Option<Watch>,
    /// The socket of a ticket, which nobody else removes.
    ticket: Option<PathBuf>,
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(self.watch.take());
        if let Some(path) = &self.ticket {
            // Gone already if it was used.
            let _ = std::fs::remove_file(path);
        }
    }
}

struct Pending {
    channel: Arc<Channel>,
    /// The door it came through, if that one closes behind it.
    door: Option<u64>,
    /// Held so that they end with the entry.
    watches: Vec<Watch>,
}

#[derive(Default)]
struct Admin {
    members: Vec<Arc<Link>>,
    pending: HashMap<u64, Pending>,
    segments: [Option<SharedSegment>; MAX_SEGMENTS + 1],
    doors: HashMap<u64, Door>,
    next_key: u64,
    about: About,
    closed: bool,
}

/// What the publisher's thread and the watcher thread share.
pub(crate) struct Service {
    pub(crate) page: StreamPage,
    pub(crate) epoch: u32,
    /// Rung when the list of members changes.
    pub(crate) bell: Bell,
    version: AtomicU32,
    segment: Segment,
    limits: Limits,
    admin: Mutex<Admin>,
}

impl Service {
    /// Makes the stream page and the desk. Nobody can reach it before a door opens.
    pub(crate) fn start(epoch: u32, limits: Limits, waiting: u32) -> Result<Arc<Service>> {
        let (segment, mapping) =
            Segment::create(SegmentKind::Live, STREAM_BYTES, "framebus-stream")?;
        segment.commit(0..STREAM_BYTES)?;
        let page = StreamPage::new(mapping);
        // Relaxed: handing the segment over orders these before any look at them.
        page.version.store(LAYOUT_VERSION, Ordering::Relaxed);
        page.epoch.store(epoch, Ordering::Relaxed);
        page.log_len.store(LOG_LEN as u32, Ordering::Relaxed);
        page.waiting.store(waiting, Ordering::Relaxed);
        page.magic.store(STREAM_MAGIC, Ordering::Relaxed);
        let (bell, version) = (Bell::local()?, AtomicU32::new(0));
        Ok(Arc::new(Service {
            page,
            epoch,
            bell,
            version,
            segment,
            limits,
            admin: Mutex::default(),
        }))
    }

    fn admin(&self) -> MutexGuard<'_, Admin> {
        // A panic while it was held cannot leave it half changed in a way that matters here.
        self.admin.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes whenever the list of members does.
    #[inline]
    pub(crate) fn version(&self) -> u32 {
        self.version.load(Ordering::Acquire)
    }

    /// The members of this moment, with the version that belongs to them.
    pub(crate) fn members(&self) -> (u32, Vec<Arc<Link>>) {
        let admin = self.admin();
        (self.version(), admin.members.clone())
    }

    /// Slots that all members together need, and the deepest queue.
    pub(crate) fn required_slots(&self) -> u32 {
        required(&self.admin().members, None)
    }

    /// Lets subscribers ask for a segment.
    pub(crate) fn share_segment(
        &self,
        index: usize,
        segment: Arc<Segment>,
        serial: u32,
        slots: u32,
        slot_bytes: u64,
    ) {
        self.admin().segments[index] = Some(SharedSegment {
            segment,
            serial,
            slots,
            slot_bytes,
        });
        // Release: whoever finds the serial finds the segment behind it.
        self.page.segments[index].store(serial, Ordering::Release);
    }

    /// Withdraws a segment that nobody uses any more.
    pub(crate) fn withdraw_segment(&self, index: usize) {
        self.page.segments[index].store(0, Ordering::Release);
        self.admin().segments[index] = None;
    }

    /// Updates what is told to whoever asks.
    pub(crate) fn describe(&self, change: impl FnOnce(&mut About)) {
        change(&mut self.admin().about);
    }

    /// Opens a door: whoever connects to `listener` may ask to be admitted. With the
    /// path of a `ticket`, the door closes behind the first who is.
    pub(crate) fn open(
        self: &Arc<Self>,
        listener: Listener,
        ticket: Option<PathBuf>,
    ) -> Result<()> {
        let key = self.fresh_key();
        let closes = ticket.is_some().then_some(key);
        let mut door = Door {
            watch: None,
            ticket,
        };
        let listener = Arc::new(listener);
        let (weak, entrance) = (Arc::downgrade(self), listener.clone());
        door.watch = Some(watcher::on_connection(&listener, move || {
            let Some(service) = weak.upgrade() else {
                return Next::Done;
            };
            service.accept(&entrance, closes)
        })?);
        self.admin().doors.insert(key, door);
        Ok(())
    }

    fn fresh_key(&self) -> u64 {
        let mut admin = self.admin();
        admin.next_key += 1;
        admin.next_key
    }

    fn accept(self: &Arc<Self>, entrance: &Listener, closes: Option<u64>) -> Next {
        loop {
            match entrance.accept() {
                // One that cannot be watched is closed, which tells the other side.
                Ok(Some(channel)) => {
                    let _ = self.expect(channel, Some(HANDSHAKE_TIME), closes);
                }
                Ok(None) => return Next::Continue,
                // Out of handles: the connection stays in the queue, and asking again
                // at once would keep the watcher busy.
                Err(_) => return Next::Pause(ACCEPT_PAUSE),
            }
        }
    }

    /// Waits, for a limited time or not, for the first message of a new connection.
    pub(crate) fn expect(
        self: &Arc<Self>,
        channel: Channel,
        limit: Option<Duration>,
        door: Option<u64>,
    ) -> Result<()> {
        let channel = Arc::new(channel);
        let key = self.fresh_key();
        let weak = Arc::downgrade(self);
        let crowded_out = {
            let mut admin = self.admin();
            if admin.closed {
                return Ok(());
            }
            // Those who come and say nothing must not keep out those who do.
            let oldest = admin.pending.keys().min().copied();
            let oldest = oldest.filter(|_| admin.pending.len() >= MAX_PENDING);
            let crowded_out = oldest.and_then(|oldest| admin.pending.remove(&oldest));
            let (channel, watches) = (channel.clone(), Vec::new());
            // First: a message may come as soon as somebody watches for it.
            admin.pending.insert(
                key,
                Pending {
                    channel,
                    door,
                    watches,
                },
            );
            crowded_out
        };
        drop(crowded_out);
        let mut watches = vec![watcher::on_message(
            &channel,
            with(weak.clone(), move |it| it.first_message(key)),
        )?];
        if let Some(limit) = limit {
            watches.push(watcher::after(
                limit,
                with(weak, move |it| it.forget_pending(key)),
            )?);
        }
        let over = match self.admin().pending.get_mut(&key) {
            Some(pending) => {
                pending.watches = watches;
                None
            }
            None => Some(watches),
        };
        // Outside the lock: dropping a watch waits for its callback, which may want the lock.
        drop(over);
        Ok(())
    }

    fn forget_pending(&self, key: u64) -> Next {
        let pending = self.admin().pending.remove(&key);
        drop(pending);
        Next::Done
    }

    fn first_message(self: &Arc<Self>, key: u64) -> Next {
        let Some(channel) = self
            .admin()
            .pending
            .get(&key)
            .map(|pending| pending.channel.clone())
        else {
            return Next::Done;
        };
        let mut bytes = [0; MESSAGE_BYTES];
        let received = match channel.recv(&mut bytes) {
            Ok(None) => return Next::Continue,
            Ok(Some(received)) => received,
            Err(error) => {
                // Says why, if there is still somebody to hear it.
                if !matches!(error, SysError::Closed) {
                    refuse(&channel, Refusal::Malformed { value: 0 });
                }
                return self.forget_pending(key);
            }
        };
        match Message::parse(&bytes[..received.len]) {
            Ok(Message::GetInfo) => {
                let _ = channel.send(&Message::Info(self.info()).to_bytes(), &[]);
                return Next::Continue;
            }
            Ok(Message::Hello {
                required_features: 0,
                terms,
            }) => {
                // First: a connection is watched by one entry at a time.
                let pending = self.admin().pending.remove(&key);
                let door = pending.and_then(|pending| pending.door);
                match self.admit(key, &channel, &received, terms, door) {
                    Ok(()) => self.close_door(door),
                    Err(refusal) => refuse(&channel, refusal),
                }
            }
            Ok(Message::Hello {
                required_features, ..
            }) => {
                refuse(
                    &channel,
                    Refusal::Features {
                        unknown: required_features,
                    },
                );
            }
            Ok(_) => refuse(&channel, Refusal::Malformed { value: 0 }),
            Err(refusal) => refuse(&channel, refusal),
        }
        self.forget_pending(key)
    }

    fn close_door(&self, door: Option<u64>) {
        let closed = door.and_then(|door| self.admin().doors.remove(&door));
        // Outside the lock: dropping a watch waits for its callback, which may want it.
        drop(closed);
    }

    fn info(&self) -> Info {
        let admin = self.admin();
        Info {
            epoch: self.epoch,
            sequence: read_sequence(&self.page),
            subscribers: admin.members.len() as u32,
            width: admin.about.width,
            height: admin.about.height,
            format: admin.about.format,
            memory_bytes: admin.about.memory_bytes
                + STREAM_BYTES
                + admin.members.len() as u64 * CONTROL_BYTES,
            replied: admin.about.replied,
            waited: admin.about.waited,
            lossless: admin.about.lossless.into(),
        }
    }

    fn admit(
        self: &Arc<Self>,
        key: u64,
        channel: &Arc<Channel>,
        received: &Received,
        terms: Terms,
        door: Option<u64>,
    ) -> std::result::Result<(), Refusal> {
        let (uid, expected) = (received.sender.uid, process::current_user());
        if uid != expected {
            return Err(Refusal::ForeignUser { uid, expected });
        }
        let process = channel
            .process(received.sender)
            .map_err(|_| Refusal::Failed)?;
        let link = make_link(key, channel.clone(), Arc::new(process), terms)
            .map_err(|_| Refusal::Failed)?;
        let (link, control) = (Arc::new(link.0), link.1);
        self.watch_member(&link).map_err(|_| Refusal::Failed)?;
        {
            let mut admin = self.admin();
            let used = door.is_some_and(|door| !admin.doors.contains_key(&door));
            if admin.closed || used {
                return Err(Refusal::Failed);
            }
            let limit = self.limits.max_subscribers;
            if admin.members.len() as u32 >= limit {
                return Err(Refusal::Subscribers { limit });
            }
            let (required, limit) = (required(&admin.members, Some(terms)), self.limits.max_slots);
            if required > limit {
                return Err(Refusal::Slots { required, limit });
            }
            admin.members.push(link.clone());
            // Release: whoever sees the version sees the member.
            self.version.fetch_add(1, Ordering::Release);
        }
        // Only now: a subscriber that reads this message is on the list, so that a
        // publisher that has seen none of its leases will look at them.
        framebus_sys::fault_point!("admit.before_welcome");
        let mut handles: Vec<BorrowedHandle<'_>> = vec![self.segment.handle(), control.handle()];
        handles.extend(link.bell.share());
        handles.extend(link.publisher_bell.share());
        let welcome = Message::Welcome {
            epoch: self.epoch,
            terms,
        };
        if channel.send(&welcome.to_bytes(), &handles).is_err() {
            self.dismiss(key);
        }
        self.bell.ring();
        Ok(())
    }

    fn watch_member(self: &Arc<Self>, link: &Arc<Link>) -> Result<()> {
        let key = link.key;
        let weak = Arc::downgrade(self);
        let messages = watcher::on_message(
            &link.channel,
            with(weak.clone(), move |it| it.member_message(key)),
        )?;
        let exit = watcher::on_exit(&link.process, move || {
            if let Some(service) = weak.upgrade() {
                service.dismiss(key);
            }
        })?;
        *link.watches.lock().unwrap_or_else(PoisonError::into_inner) = vec![messages, exit];
        Ok(())
    }

    fn member_message(&self, key: u64) -> Next {
        let Some(link) = self
            .admin()
            .members
            .iter()
            .find(|link| link.key == key)
            .cloned()
        else {
            return Next::Done;
        };
        let mut bytes = [0; MESSAGE_BYTES];
        let received = match link.channel.recv(&mut bytes) {
            Ok(None) => return Next::Continue,
            Ok(Some(received)) => received,
            Err(_) => return self.dismiss(key),
        };
        let answered = match Message::parse(&bytes[..received.len]) {
            Ok(Message::GetSegment { index }) => self.send_segment(&link, index),
            Ok(Message::SetPollable) => set_pollable(&link, received),
            Ok(Message::GetInfo) => link
                .channel
                .send(&Message::Info(self.info()).to_bytes(), &[])
                .is_ok(),
            Ok(_) | Err(_) => {
                refuse(&link.channel, Refusal::Malformed { value: 0 });
                false
            }
        };
        // One that does not take its answers, or talks nonsense, goes.
        if answered {
            Next::Continue
        } else {
            self.dismiss(key)
        }
    }

    fn send_segment(&self, link: &Link, index: u32) -> bool {
        let admin = self.admin();
        let Some(shared) = admin.segments.get(index as usize).and_then(Option::as_ref) else {
            refuse(&link.channel, Refusal::NoSegment { index });
            return true;
        };
        shared.send(link, index).is_ok()
    }

    /// Strikes a member off the list; what it held is free from then on.
    fn dismiss(&self, key: u64) -> Next {
        let link = {
            let mut admin = self.admin();
            let at = admin.members.iter().position(|link| link.key == key);
            at.map(|at| admin.members.swap_remove(at))
        };
        if let Some(link) = link {
            self.version.fetch_add(1, Ordering::Release);
            self.bell.ring();
            link.channel.shutdown();
            drop(std::mem::take(
                &mut *link.watches.lock().unwrap_or_else(PoisonError::into_inner),
            ));
        }
        Next::Done
    }

    /// Closes all doors and lets everybody go.
    pub(crate) fn close(&self) {
        // Out of the lock first: dropping a watch waits for its callback, which may want the lock.
        let admin = {
            let mut admin = self.admin();
            let closed = Admin {
                closed: true,
                next_key: admin.next_key,
                ..Admin::default()
            };
            std::mem::replace(&mut *admin, closed)
        };
        drop(admin.doors);
        drop(admin.pending);
        for link in &admin.members {
            drop(std::mem::take(
                &mut *link.watches.lock().unwrap_or_else(PoisonError::into_inner),
            ));
            // Nobody will answer questions any more: whoever has not asked for a segment
            // yet finds it among what was sent last.
            for (index, shared) in admin.segments.iter().enumerate() {
                if let Some(shared) = shared {
                    let _ = shared.send(link, index as u32);
                }
            }
            link.channel.shutdown();
        }
    }
}

impl SharedSegment {
    fn send(&self, link: &Link, index: u32) -> framebus_sys::Result<()> {
        let SharedSegment {
            segment,
            serial,
            slots,
            slot_bytes,
        } = self;
        let message = Message::Segment {
            index,
            serial: *serial,
            slots: *slots,
            slot_bytes: *slot_bytes,
        };
        link.channel.send(&message.to_bytes(), &[segment.handle()])
    }
}

/// A callback that does nothing once the service is gone.
fn with(
    weak: Weak<Service>,
    mut act: impl FnMut(&Arc<Service>) -> Next + Send + 'static,
) -> impl FnMut() -> Next + Send {
    move || weak.upgrade().map_or(Next::Done, |service| act(&service))
}

fn refuse(channel: &Channel, refusal: Refusal) {
    let _ = channel.send(&Message::Refused(refusal).to_bytes(), &[]);
}

fn set_pollable(link: &Link, mut received: Received) -> bool {
    let Some(ringer) = received
        .handles
        .pop()
        .and_then(|handle| Ringer::from_handle(handle).ok())
    else {
        refuse(&link.channel, Refusal::Malformed { value: 0 });
        return false;
    };
    *link.ringer.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(ringer));
    link.channel.send(&Message::Done.to_bytes(), &[]).is_ok()
}

fn required(members: &[Arc<Link>], newcomer: Option<Terms>) -> u32 {
    let terms = || members.iter().map(|link| link.terms).chain(newcomer);
    let depth = terms().map(|terms| terms.depth).max().unwrap_or(1);
    PublisherRing::<ControlPage>::required_slots(depth, terms().map(Terms::slots).sum())
}

fn make_link(
    key: u64,
    channel: Arc<Channel>,
    process: Arc<Process>,
    terms: Terms,
) -> Result<(Link, Segment)> {
    let (segment, mapping) =
        Segment::create(SegmentKind::Shared, CONTROL_BYTES, "framebus-control")?;
    segment.commit(0..CONTROL_BYTES)?;
    let mapping = Arc::new(mapping);
    let bell = Bell::create(&mapping, BELL_OFFSET)?;
    let publisher_bell = Bell::create(&mapping, PUBLISHER_BELL_OFFSET)?;
    let control = ControlPage::new(mapping);
    control.version.store(LAYOUT_VERSION, Ordering::Relaxed);
    control.quota.store(terms.quota, Ordering::Relaxed);
    control.depth.store(terms.depth, Ordering::Relaxed);
    control.magic.store(CONTROL_MAGIC, Ordering::Relaxed);
    let link = Link {
        key,
        terms,
        control,
        process,
        bell,
        publisher_bell,
        ringer: Mutex::default(),
        channel,
        watches: Mutex::default(),
    };
    Ok((link, segment))
}
