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
use crate::ring::word::MAX_SEGMENT_SLOTS;
use crate::sync::{AtomicBool, AtomicU32, Ordering, load_acquire};
use framebus_sys::bell::Bell;
use framebus_sys::channel::Channel;
use framebus_sys::pollable::Ringer;
use framebus_sys::process::{self, Process};
use framebus_sys::segment::{Segment, SegmentKind};
use framebus_sys::watcher::{self, Watch};
use framebus_sys::{Handle, runtime_dir};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a publisher may take to answer on the control connection. Its watcher
/// thread does, so only one that is stopped takes longer.
const ANSWER_TIME: Duration = Duration::from_secs(5);

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
    publisher: Arc<Process>,
    gone: AtomicBool,
    watch: Mutex<Option<Watch>>,
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
    ///
    /// `ringer` is rung when the publisher dies.
    pub(crate) fn open(
        endpoint: &mut Endpoint,
        terms: Terms,
        ringer: Option<Arc<Ringer>>,
    ) -> Result<Arc<Connection>> {
        let channel = endpoint.connect()?;
        let hello = Message::Hello {
            required_features: 0,
            terms,
        };
        let (welcome, handles, sender) = match protocol::ask(&channel, hello, &[], 0, ANSWER_TIME) {
            Err(error) if matches!(error.kind(), ErrorKind::PublisherGone { pid: 0 }) => {
                // It closed the connection while we came: nobody is there any more.
                return Err(match endpoint.name() {
                    Some(name) => ErrorKind::NotFound {
                        name: name.to_owned(),
                    }
                    .into(),
                    None => error,
                });
            }
            answer => answer?,
        };
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
        let publisher = Arc::new(Process::open(pid).map_err(|_| ErrorKind::PublisherGone { pid })?);
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
        let (gone, watch) = (AtomicBool::new(false), Mutex::new(None));
        let connection = Arc::new(Connection {
            page,
            control,
            epoch,
            bell,
            publisher_bell,
            channel,
            publisher,
            gone,
            watch,
        });
        connection.watch_publisher(ringer)?;
        Ok(connection)
    }

    fn watch_publisher(self: &Arc<Self>, ringer: Option<Arc<Ringer>>) -> Result<()> {
        let weak = Arc::downgrade(self);
        let watch = watcher::on_exit(&self.publisher, move || {
            if let Some(connection) = weak.upgrade() {
                // Release: whoever sees it sees everything the dead process published.
                connection.gone.store(true, Ordering::Release);
                connection.bell.ring();
            }
            if let Some(ringer) = ringer {
                ringer.ring();
            }
        })?;
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(watch);
        Ok(())
    }

    /// Whether nothing more will be published: closed in order, or dead.
    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.gone.load(Ordering::Acquire) || load_acquire(&self.page.state) == STATE_CLOSED
    }

    pub(crate) fn publisher_pid(&self) -> u32 {
        self.publisher.identity().pid
    }

    /// Pulls the segment that the stream page lists under `index`; gives its serial too.
    pub(crate) fn pull_segment(&self, index: usize) -> Result<(u32, PixelSegment)> {
        let ask = Message::GetSegment {
            index: index as u32,
        };
        let (answer, handles, _) =
            protocol::ask(&self.channel, ask, &[], self.publisher_pid(), ANSWER_TIME)?;
        let Message::Segment {
            index: found,
            serial,
            slots,
            slot_bytes,
        } = answer
        else {
            return Err(breach("it did not answer the question for a segment", 0));
        };
        if found as usize != index {
            return Err(breach("it sent another segment", found));
        }
        let in_range = (1..=MAX_SEGMENT_SLOTS).contains(&slots) && slot_bytes % 65536 == 0;
        if !in_range || !(65536..=(4 << 30) + 65536).contains(&slot_bytes) {
            return Err(ErrorKind::Protocol {
                what: "a segment of an impossible shape",
                value: slot_bytes,
            }
            .into());
        }
        let handle = handles
            .into_iter()
            .next()
            .ok_or_else(|| breach("it sent no segment", 0))?;
        let segment =
            Segment::from_handle(handle, SegmentKind::Live, slot_bytes * u64::from(slots))?;
        Ok((
            serial,
            PixelSegment::new(segment.map_read()?, slot_bytes, slots),
        ))
    }

    /// Hands the publisher a ringer to ring when this subscriber asks for it.
    pub(crate) fn set_pollable(&self, ringer: &Ringer) -> Result<()> {
        let pid = self.publisher_pid();
        match protocol::ask(
            &self.channel,
            Message::SetPollable,
            &[ringer.handle()],
            pid,
            ANSWER_TIME,
        )?
        .0
        {
            Message::Done => Ok(()),
            _ => Err(breach("it did not take the ringer", 0)),
        }
    }
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
