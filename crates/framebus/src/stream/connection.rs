//! A subscriber's connection to one publisher.

use super::handover::Ticket;
use super::protocol::{self, Message};
use crate::error::{ErrorKind, Result};
use crate::memory::{ControlPage, PixelSegment, StreamPage};
use crate::registry::StreamName;
use crate::ring::page::{
    BELL_OFFSET, CONTROL_BYTES, CONTROL_MAGIC, LAYOUT_VERSION, LOG_LEN, PUBLISHER_BELL_OFFSET,
    STATE_CLOSED, STREAM_BYTES, STREAM_MAGIC,
};
use crate::ring::publisher::Terms;
use crate::ring::word::{MAX_SEGMENT_SLOTS, MAX_SEGMENTS};
use crate::sync::{AtomicBool, AtomicU32, Ordering, load_acquire};
use framebus_sys::bell::Bell;
use framebus_sys::channel::{Channel, Credentials};
use framebus_sys::pollable::Ringer;
use framebus_sys::process::{self, Process};
use framebus_sys::segment::{Segment, SegmentKind};
use framebus_sys::watcher::{self, Watch};
use framebus_sys::{Handle, runtime_dir};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a publisher may take to answer on the control connection. Its watcher
/// thread does, so only one that is stopped takes longer.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Answers that are looked at for one question: late ones to questions that were given
/// up may come first, and a publisher that follows the protocol owes no more of them.
const MAX_ANSWERS: usize = 64;

/// Where a subscriber finds its publisher.
#[derive(Debug)]
pub(crate) enum Endpoint {
    Name(StreamName),
    Handle(Option<Handle>),
    Ticket(Ticket),
}

impl Endpoint {
    fn connect(&mut self) -> Result<Channel> {
        match self {
            Endpoint::Name(name) => {
                let not_found = || ErrorKind::NotFound {
                    name: name.as_str().to_owned(),
                };
                match Channel::connect(&runtime_dir::open()?, &name.socket_file()) {
                    Ok(channel) => channel.ok_or_else(|| not_found().into()),
                    // Its queue of newcomers is full: it is stopped, or drowning.
                    Err(framebus_sys::Error::WouldBlock) => Err(ErrorKind::Unresponsive {
                        pid: 0,
                        waited: Duration::ZERO,
                    }
                    .into()),
                    Err(error) => Err(error.into()),
                }
            }
            Endpoint::Handle(handle) => {
                let gone = ErrorKind::InvalidTicket {
                    reason: "the handle was used before",
                };
                Ok(Channel::from_handle(handle.take().ok_or(gone)?)?)
            }
            Endpoint::Ticket(ticket) => ticket.connect(),
        }
    }

    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Endpoint::Name(name) => Some(name.as_str()),
            Endpoint::Handle(_) | Endpoint::Ticket(_) => None,
        }
    }
}

/// The connection: what both sides share, and how to wake the other.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) page: StreamPage,
    pub(crate) control: ControlPage,
    pub(crate) epoch: u32,
    pub(crate) bell: Bell,
    pub(crate) publisher_bell: Bell,
    channel: Channel,
    pid: u32,
    gone: AtomicBool,
    /// Rung when the publisher dies, for a subscriber that waits in an event loop.
    ringer: Mutex<Option<Arc<Ringer>>>,
    watch: Mutex<Option<Watch>>,
    /// Segments that came before anybody asked for them: index, serial, pixels.
    stash: Mutex<Vec<(usize, u32, PixelSegment)>>,
}

/// What a publisher sent.
enum Answer {
    /// The segment of this index, which is in the stash now.
    Segment(usize),
    Other(Message),
}

fn breach(what: &'static str, value: u32) -> crate::Error {
    ErrorKind::Protocol {
        what,
        value: value.into(),
    }
    .into()
}

fn expect_word(word: &AtomicU32, expected: u32, what: &'static str) -> Result<()> {
    match word.load(Ordering::Relaxed) {
        found if found == expected => Ok(()),
        found => Err(breach(what, found)),
    }
}

impl Connection {
    /// Connects, and checks all that the publisher hands over before it is used.
    pub(crate) fn open(endpoint: &mut Endpoint, terms: Terms) -> Result<Arc<Connection>> {
        let channel = endpoint.connect()?;
        let (welcome, handles, sender) = Self::greet(&channel, endpoint, terms)?;
        let expected = process::current_user();
        if sender.uid != expected {
            return Err(ErrorKind::ForeignUser {
                uid: sender.uid,
                expected,
            }
            .into());
        }
        let Message::Welcome {
            epoch,
            terms: granted,
        } = welcome
        else {
            return Err(breach("it did not answer the greeting", 0));
        };
        if granted != terms {
            return Err(breach("it granted other terms", granted.quota));
        }
        let pid = sender.pid;
        let publisher = match channel.process(sender) {
            Ok(process) => Some(Arc::new(process)),
            // Gone since it let us in; what it published before is ours to read.
            Err(framebus_sys::Error::NoSuchProcess { pid: 1.. }) => None,
            Err(error) => return Err(error.into()),
        };
        let mut handles = handles.into_iter();
        let (page, mapping) = map_pages(&mut handles)?;
        expect_word(&page.epoch, epoch, "the epoch of its stream page")?;
        let control = ControlPage::new(mapping.clone());
        expect_word(
            &control.magic,
            CONTROL_MAGIC,
            "the magic of its control page",
        )?;
        let bell = Bell::open(&mapping, BELL_OFFSET, &mut handles)?;
        let publisher_bell = Bell::open(&mapping, PUBLISHER_BELL_OFFSET, &mut handles)?;
        let (gone, watch) = (AtomicBool::new(publisher.is_none()), Mutex::new(None));
        let (ringer, stash) = (Mutex::default(), Mutex::default());
        let connection = Arc::new(Connection {
            page,
            control,
            epoch,
            bell,
            publisher_bell,
            channel,
            pid,
            gone,
            ringer,
            watch,
            stash,
        });
        if let Some(publisher) = publisher {
            connection.watch_publisher(&publisher)?;
        }
        Ok(connection)
    }

    fn greet(
        channel: &Channel,
        endpoint: &Endpoint,
        terms: Terms,
    ) -> Result<(Message, Vec<Handle>, Credentials)> {
        let hello = Message::Hello {
            required_features: 0,
            terms,
        };
        match protocol::ask(channel, hello, &[], 0, ANSWER_TIME) {
            Err(error) if matches!(error.kind(), ErrorKind::PublisherGone { pid: 0 }) => {
                // It closed the connection while we came: nobody is there any more.
                Err(match endpoint.name() {
                    Some(name) => ErrorKind::NotFound {
                        name: name.to_owned(),
                    }
                    .into(),
                    None => error,
                })
            }
            answer => answer,
        }
    }

    fn watch_publisher(self: &Arc<Self>, publisher: &Arc<Process>) -> Result<()> {
        let weak = Arc::downgrade(self);
        let watch = watcher::on_exit(publisher, move || {
            let Some(connection) = weak.upgrade() else {
                return;
            };
            // Release: whoever sees it sees everything the dead process published.
            connection.gone.store(true, Ordering::Release);
            connection.bell.ring();
            if let Some(ringer) = &*lock(&connection.ringer) {
                ringer.ring();
            }
        })?;
        *lock(&self.watch) = Some(watch);
        Ok(())
    }

    /// Whether nothing more will be published: closed in order, or dead.
    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.gone.load(Ordering::Acquire) || load_acquire(&self.page.state) == STATE_CLOSED
    }

    pub(crate) fn publisher_pid(&self) -> u32 {
        self.pid
    }

    /// Pulls the segment that the stream page lists under `index`; gives its serial too.
    ///
    /// A publisher that ended in order has sent all there were without being asked.
    pub(crate) fn pull_segment(&self, index: usize) -> Result<(u32, PixelSegment)> {
        let question = Message::GetSegment {
            index: index as u32,
        };
        let mut asked = false;
        for _ in 0..MAX_ANSWERS {
            // Anew each time: without a lease on it, a segment may give way to another.
            let listed = load_acquire(&self.page.segments[index]);
            let mut stash = lock(&self.stash);
            let at = stash.iter().position(|it| (it.0, it.1) == (index, listed));
            if let Some((_, serial, pixels)) = at.map(|at| stash.swap_remove(at)) {
                // Late answers to questions that were given up are of no use any more.
                stash.retain(|it| load_acquire(&self.page.segments[it.0]) == it.1);
                return Ok((serial, pixels));
            }
            drop(stash);
            if !asked {
                match self.channel.send(&question.to_bytes(), &[]) {
                    Ok(()) | Err(framebus_sys::Error::Closed) => asked = true,
                    Err(error) => return Err(error.into()),
                }
            }
            match self.answer()? {
                // If it is the one that is listed, it is found next; if not, it was another
                // by the time of the answer, and is asked for again.
                Answer::Segment(found) => asked = found != index,
                // Late: what it confirms was given up.
                Answer::Other(Message::Done) => {}
                Answer::Other(_) => {
                    return Err(breach("it did not answer the question for a segment", 0));
                }
            }
        }
        Err(breach("it sends other segments", index as u32))
    }

    /// Hands the publisher a ringer to ring when this subscriber asks for it. One that
    /// has ended needs none.
    pub(crate) fn set_pollable(&self, ringer: &Arc<Ringer>) -> Result<()> {
        *lock(&self.ringer) = Some(ringer.clone());
        let message = Message::SetPollable.to_bytes();
        match self.channel.send(&message, &[ringer.handle()]) {
            Ok(()) => {}
            Err(framebus_sys::Error::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        for _ in 0..MAX_ANSWERS {
            match self.answer() {
                Ok(Answer::Other(Message::Done)) => return Ok(()),
                Ok(Answer::Segment(_)) => {}
                Ok(Answer::Other(_)) => break,
                Err(error) if matches!(error.kind(), ErrorKind::PublisherGone { .. }) => {
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Err(breach("it did not take the ringer", 0))
    }

    /// The next message. A segment is put into the stash.
    fn answer(&self) -> Result<Answer> {
        let (message, handles, _) =
            protocol::answer(&self.channel, self.publisher_pid(), ANSWER_TIME)?;
        let Message::Segment {
            index,
            serial,
            slots,
            slot_bytes,
        } = message
        else {
            return Ok(Answer::Other(message));
        };
        let index = index as usize;
        if !(1..=MAX_SEGMENTS).contains(&index) {
            return Err(breach("a segment without a place", index as u32));
        }
        let pixels = map_segment(handles, slots, slot_bytes)?;
        lock(&self.stash).push((index, serial, pixels));
        Ok(Answer::Segment(index))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Maps a segment that a message brought, after checking all the message says about it.
fn map_segment(handles: Vec<Handle>, slots: u32, slot_bytes: u64) -> Result<PixelSegment> {
    let in_range = (1..=MAX_SEGMENT_SLOTS).contains(&slots) && slot_bytes.is_multiple_of(65536);
    if !in_range || !(65536..=(4 << 30) + 65536).contains(&slot_bytes) {
        let what = "a segment of an impossible shape";
        let value = slot_bytes;
        return Err(ErrorKind::Protocol { what, value }.into());
    }
    let handle = handles.into_iter().next();
    let handle = handle.ok_or_else(|| breach("it sent no segment", 0))?;
    let bytes = slot_bytes * u64::from(slots);
    let segment = Segment::from_handle(handle, SegmentKind::Live, bytes)?;
    Ok(PixelSegment::new(segment.map_read()?, slot_bytes, slots))
}

fn map_pages(
    handles: &mut impl Iterator<Item = Handle>,
) -> Result<(StreamPage, Arc<framebus_sys::segment::Mapping>)> {
    let mut next = || {
        handles
            .next()
            .ok_or_else(|| breach("it sent too few handles", 0))
    };
    let stream = Segment::from_handle(next()?, SegmentKind::Live, STREAM_BYTES)?;
    let page = StreamPage::new(stream.map_read()?);
    expect_word(&page.magic, STREAM_MAGIC, "the magic of its stream page")?;
    expect_word(
        &page.version,
        LAYOUT_VERSION,
        "the version of its stream page",
    )?;
    expect_word(
        &page.log_len,
        LOG_LEN as u32,
        "the log length of its stream page",
    )?;
    let control = Segment::from_handle(next()?, SegmentKind::Shared, CONTROL_BYTES)?;
    Ok((page, Arc::new(control.map_write()?)))
}
