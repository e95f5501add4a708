//! What a peer does as a subscriber.

use super::publishing::{damage_text, wait};
use super::{Order, Outcome, Peer, Result, done};
use crate::{pattern, sys};
use framebus::{ClockDomain, Frame, Subscriber, Ticket};
use futures_lite::StreamExt;
use std::time::Duration;

/// Everything a frame says, and whether all its pixels follow from `seed`.
fn tell(frame: &Frame, seed: u64) -> String {
    let wrong = pattern::frame_first_wrong(frame, seed, &mut Vec::new());
    let layout = frame.layout();
    let extent = layout.extent();
    let source = match frame.source_time() {
        Some((ns, ClockDomain::Device)) => format!("{ns}@device"),
        Some((ns, clock)) => format!("{ns}@{clock:?}"),
        None => "none".to_owned(),
    };
    format!(
        "sequence={} epoch={} size={}x{} format={} stride={} whole={} damage={} source={} colour={} alpha={:?} request={} metadata-bytes={} text={}",
        frame.sequence(),
        frame.epoch(),
        extent.width(),
        extent.height(),
        layout.format(),
        layout.planes()[0].stride,
        wrong.is_none(),
        damage_text(&frame.damage()),
        source,
        if frame.colour() == framebus::Colour::SRGB {
            "srgb"
        } else {
            "other"
        },
        frame.alpha(),
        frame.request_id().unwrap_or(0),
        frame.metadata().len(),
        String::from_utf8_lossy(frame.metadata()),
    )
}

fn stream_seed(frame: &Frame) -> u64 {
    pattern::frame_seed(frame.epoch(), frame.sequence())
}

impl Peer {
    /// `subscribe S name=NAME`, or `ticket=TEXT`, or neither for the inherited stream;
    /// `queue=N lossless=1 quota=N how= reconnect=1 patience=MS trust=1`.
    pub(super) fn subscribe(&mut self, order: &Order) -> Result {
        let mut builder = if let Some(name) = order.get("name") {
            Subscriber::builder(name)?
        } else if let Some(ticket) = order.get("ticket") {
            Subscriber::import_ticket(&ticket.parse::<Ticket>()?)
        } else {
            Subscriber::inherited()?
        };
        builder = builder
            .wait(wait(order))
            .reconnect(order.get("reconnect").is_some())
            .wait_for_publisher(order.millis("patience").unwrap_or_default());
        if let Some(depth) = order.number("queue") {
            builder = builder.queue(depth as u32);
        }
        if order.get("lossless").is_some() {
            builder = builder.lossless();
        }
        if let Some(quota) = order.number("quota") {
            builder = builder.quota(quota as u32);
        }
        let count = order.number("count").unwrap_or(1);
        if count > 1 {
            return self.subscribe_often(order, count);
        }
        let subscriber = builder.connect()?;
        let (epoch, pid) = (subscriber.epoch(), subscriber.publisher_pid());
        self.subscribers.insert(order.subject.clone(), subscriber);
        done(format!("epoch={epoch} pid={pid}"))
    }

    /// As many subscribers as asked for, named `S0`, `S1` and so on.
    fn subscribe_often(&mut self, order: &Order, count: u64) -> Result {
        for number in 0..count {
            let mut values = order.values.clone();
            values.remove("count");
            let subject = format!("{}{number}", order.subject);
            let verb = order.verb.clone();
            self.subscribe(&Order {
                verb,
                subject,
                values,
            })?;
        }
        done(format!("count={count}"))
    }

    fn keep(&mut self, order: &Order, frame: Frame, seed: u64) -> Result {
        let told = tell(&frame, seed);
        if let Some(name) = order.get("keep") {
            self.frames.insert(name.to_owned(), frame);
        }
        done(told)
    }

    fn keep_if_any(&mut self, order: &Order, frame: Option<Frame>) -> Result {
        match frame {
            Some(frame) => {
                let seed = stream_seed(&frame);
                self.keep(order, frame, seed)
            }
            None => Ok(Outcome::Nothing),
        }
    }

    /// `receive S timeout=MS keep=NAME`: without `keep`, the lease ends at once.
    pub(super) fn receive(&mut self, order: &Order) -> Result {
        let timeout = order.millis("timeout").unwrap_or(Duration::from_secs(10));
        let frame = self.subscriber(order).recv_timeout(timeout)?;
        self.keep_if_any(order, frame)
    }

    /// `try S keep=NAME`.
    pub(super) fn try_receive(&mut self, order: &Order) -> Result {
        let frame = self.subscriber(order).try_recv()?;
        self.keep_if_any(order, frame)
    }

    /// `newest S keep=NAME`: even if it was received before.
    pub(super) fn newest(&mut self, order: &Order) -> Result {
        let frame = self.subscriber(order).latest()?;
        self.keep_if_any(order, frame)
    }

    /// `verify F`: reads a kept frame once more.
    pub(super) fn verify(&mut self, order: &Order) -> Result {
        let frame = &self.frames[&order.subject];
        let told = tell(frame, stream_seed(frame));
        done(told)
    }

    /// `request S timeout=MS keep=NAME text=BYTES`, or `bytes=N` of them.
    pub(super) fn request(&mut self, order: &Order) -> Result {
        let bytes = request_bytes(order);
        let timeout = order.millis("timeout").or(Some(Duration::from_secs(10)));
        let frame = self.subscriber(order).request(&bytes, timeout)?;
        self.keep(order, frame, pattern::reply_seed(&bytes))
    }

    /// `send S text=BYTES`.
    pub(super) fn send_request(&mut self, order: &Order) -> Result {
        let id = self.subscriber(order).send_request(&request_bytes(order))?;
        done(format!("id={id}"))
    }

    /// `reply S timeout=MS keep=NAME text=BYTES`: the bytes that were sent.
    pub(super) fn reply(&mut self, order: &Order) -> Result {
        let seed = pattern::reply_seed(&request_bytes(order));
        let timeout = order.millis("timeout").or(Some(Duration::from_secs(10)));
        match self.subscriber(order).wait_reply(timeout)? {
            Some(frame) => self.keep(order, frame, seed),
            None => Ok(Outcome::Nothing),
        }
    }

    /// `cancel S`.
    pub(super) fn cancel(&mut self, order: &Order) -> Result {
        self.subscriber(order).cancel_request();
        done("")
    }

    /// `since S frame=F sequence=N`: what differs.
    pub(super) fn since(&mut self, order: &Order) -> Result {
        let frame = &self.frames[order.text("frame")];
        let subscriber = &self.subscribers[&order.subject];
        let damage = subscriber.damage_since(frame, order.number("sequence").expect("sequence"));
        done(format!("damage={}", damage_text(&damage)))
    }

    /// `poll S timeout=MS`: waits as an event loop does, then takes all there is.
    pub(super) fn poll(&mut self, order: &Order) -> Result {
        let timeout = order.millis("timeout").unwrap_or(Duration::from_secs(10));
        let subscriber = self.subscriber(order);
        subscriber.pollable()?;
        // An event loop looks first, and again after each wait.
        let deadline = std::time::Instant::now() + timeout;
        let mut sequences = Vec::new();
        loop {
            while let Some(frame) = subscriber.try_recv()? {
                sequences.push(frame.sequence().to_string());
            }
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            if !sequences.is_empty() {
                return done(format!("sequences={}", sequences.join(",")));
            }
            if left.is_zero() || !sys::poll_readable(subscriber, left) {
                return Ok(Outcome::Nothing);
            }
        }
    }

    /// `stream S count=N`: the subscriber becomes a `futures::Stream`, and ends; tells the
    /// sequences, and the error if the stream ended with one.
    pub(super) fn stream(&mut self, order: &Order) -> Result {
        let subscriber = self.subscribers.remove(&order.subject).expect("subscriber");
        let count = order.number("count").unwrap_or(1);
        let mut frames = subscriber.into_stream()?;
        let (mut sequences, mut error, mut ended) = (Vec::new(), None, false);
        futures_lite::future::block_on(async {
            while (sequences.len() as u64) < count {
                match frames.next().await {
                    Some(Ok(frame)) => sequences.push(frame.sequence().to_string()),
                    Some(Err(problem)) => error = Some(problem),
                    None => {
                        ended = true;
                        return;
                    }
                }
            }
        });
        let error = error.map_or("none".to_owned(), |it| super::kind_name(it.kind()));
        let sequences = sequences.join(",");
        done(format!("sequences={sequences} error={error} ended={ended}"))
    }

    /// `received S`: its statistics.
    pub(super) fn received(&mut self, order: &Order) -> Result {
        let stats = self.subscriber(order).stats();
        done(format!(
            "received={} skipped={} dropped={} replies={} sleeps={} reconnects={}",
            stats.received,
            stats.skipped,
            stats.dropped,
            stats.replies,
            stats.sleeps,
            stats.reconnects
        ))
    }
}

fn request_bytes(order: &Order) -> Vec<u8> {
    match order.number("bytes") {
        Some(len) => vec![b'r'; len as usize],
        None => order.get("text").unwrap_or_default().as_bytes().to_vec(),
    }
}
