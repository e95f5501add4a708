//! How a subscriber finds its publisher, and on which terms.

use super::connection::{Connection, Endpoint};
use super::subscriber::Subscriber;
use crate::error::{ErrorKind, Result, check_option};
use crate::ring::page::{MAX_DEPTH, MAX_QUOTA};
use crate::ring::publisher::Terms;
use crate::wait::{Deadline, Wait};
use framebus_sys::runtime_dir::{self, Changes};
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
    pub(crate) fn new(endpoint: Endpoint) -> SubscriberBuilder {
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

    /// Lets [`Frame::bytes`](crate::Frame::bytes) give slices.
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
        let connection = connect(&mut endpoint, terms, &mut deadline)?;
        let options = Options {
            wait: self.wait,
            queue,
            reconnect: self.reconnect,
            trusted: self.trusted,
        };
        Ok(Subscriber::start(endpoint, connection, terms, options))
    }
}

/// What a subscriber is told beside its terms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) wait: Wait,
    pub(crate) queue: bool,
    pub(crate) reconnect: bool,
    pub(crate) trusted: bool,
}

/// Connects, waiting until the deadline for a publisher to appear.
pub(crate) fn connect(
    endpoint: &mut Endpoint,
    terms: Terms,
    deadline: &mut Deadline,
) -> Result<Arc<Connection>> {
    // Only a name can find another publisher.
    let absent =
        |endpoint: &Endpoint, error: &crate::Error| endpoint.name().is_some() && is_absent(error);
    match Connection::open(endpoint, terms) {
        Err(error) if absent(endpoint, &error) && deadline.left().is_ok() => {}
        result => return result,
    }
    // Before the next look, so that nothing that appears in between is missed.
    let changes = Changes::of(&runtime_dir::open()?)?;
    loop {
        match Connection::open(endpoint, terms) {
            Err(error) if absent(endpoint, &error) => match deadline.left() {
                Ok(left) => changes.wait(left.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN))?,
                Err(()) => return Err(error),
            },
            result => return result,
        };
    }
}

/// Whether nobody publishes there: not yet, or no longer.
pub(crate) fn is_absent(error: &crate::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound { .. } | ErrorKind::PublisherGone { .. }
    )
}
