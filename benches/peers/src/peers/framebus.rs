//! framebus itself, by its public API only.
//!
//! `-` reads the pixels in place, which takes the one promise that the publisher follows the
//! protocol (the peers make it silently); `safe` copies them out row by row instead.

use framebus::{Answered, Extent, FrameLayout, PixelFormat, Publisher, Request, Subscriber};

use super::{Painter, Receiver, Setup};
use crate::Outcome;
use crate::case::{IN_FLIGHT, Wait, Work};
use crate::link::Link;
use crate::measure::{Samples, now_ns};
use crate::side::Figures;
use crate::work::brush;

use std::time::Duration;

const STREAM: &str = "peers";
/// How long a lossless stream may hold its publisher back; longer than any run.
const PATIENCE: Duration = Duration::from_secs(30);
/// Publishes that are timed together: the clock costs about as much as one of them.
const BATCH: u64 = 16;
/// Batches per run of the crowd.
const BATCHES: u64 = 2_000;

fn wait(setup: &Setup) -> framebus::Wait {
    match setup.contender.wait {
        Wait::Spin => framebus::Wait::Spin,
        Wait::Block => framebus::Wait::Block,
        Wait::Adaptive => framebus::Wait::Adaptive,
    }
}

fn layout(setup: &Setup) -> Outcome<FrameLayout> {
    let extent = Extent::new(setup.case.width, setup.case.height)?;
    Ok(FrameLayout::packed(PixelFormat::Bgra8, extent)?)
}

fn subscriber(setup: &Setup) -> Outcome<Subscriber> {
    let mut builder = Subscriber::builder(STREAM)?.wait(wait(setup));
    if setup.lossless() {
        builder = builder.queue(IN_FLIGHT as u32).lossless();
    }
    if setup.contender.variant != "safe" {
        // SAFETY: the publisher is our own painter; it writes a slot only under its loan.
        builder = unsafe { builder.trust_publisher() };
    }
    Ok(builder.connect()?)
}

fn publisher(setup: &Setup) -> Outcome<Publisher> {
    let mut builder = Publisher::builder(STREAM).wait(wait(setup));
    if setup.lossless() {
        builder = builder.lossless(PATIENCE);
    }
    if let Work::Crowd(n) = setup.case.work {
        builder = builder.max_subscribers(n);
    }
    Ok(builder.create()?)
}

struct Wants {
    subscriber: Subscriber,
    asks: bool,
    scratch: Vec<u8>,
}

struct Paints {
    publisher: Publisher,
    layout: FrameLayout,
    request: Option<Request>,
}

/// The asking side.
pub fn receiver(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Receiver>> {
    link.hear()?;
    Ok(Box::new(Wants {
        subscriber: subscriber(setup)?,
        asks: !matches!(setup.case.work, Work::Stream | Work::Paced),
        scratch: vec![0; setup.bytes()],
    }))
}

/// The painting side.
pub fn painter(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Painter>> {
    let publisher = publisher(setup)?;
    link.say("created")?;
    Ok(Box::new(Paints {
        publisher,
        layout: layout(setup)?,
        request: None,
    }))
}

impl Receiver for Wants {
    fn ask(&mut self, word: u64) -> Outcome<()> {
        self.subscriber.send_request(&word.to_le_bytes())?;
        Ok(())
    }

    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Outcome<u64> {
        let frame = match self.asks {
            true => self.subscriber.wait_reply(None)?,
            false => Some(self.subscriber.recv()?),
        };
        let frame = frame.ok_or("no reply came")?;
        match frame.bytes() {
            Some(bytes) => look(bytes),
            None => {
                let copied = frame.copy_to(&mut self.scratch);
                look(&self.scratch[..copied]);
            }
        }
        Ok(frame.publish_time_ns())
    }
}

impl Painter for Paints {
    fn settle(&mut self) -> Outcome<()> {
        match self.publisher.wait_subscribers(1, Some(PATIENCE))? {
            true => Ok(()),
            false => Err("no subscriber came".into()),
        }
    }

    fn next_ask(&mut self) -> Outcome<u64> {
        let request = self.publisher.wait_request(None)?;
        let request = request.ok_or("no request came")?;
        let word = u64::from_le_bytes(request.bytes().try_into()?);
        self.request = Some(request);
        Ok(word)
    }

    fn paint(&mut self, brush: &mut dyn FnMut(&mut [u8])) -> Outcome<()> {
        let mut frame = self.publisher.loan(&self.layout)?;
        brush(frame.bytes_mut());
        let Some(request) = self.request.take() else {
            frame.publish();
            return Ok(());
        };
        match frame.reply(request) {
            Answered::Delivered => Ok(()),
            other => Err(format!("the reply was not delivered: {other:?}").into()),
        }
    }

    fn needs_credits(&self) -> bool {
        false
    }
}

/// Subscribers of whom none waits; dropped when the painter has finished.
pub fn crowd(setup: &Setup, link: &mut Link, n: u32) -> Outcome<Vec<Subscriber>> {
    link.hear()?;
    (0..n).map(|_| subscriber(setup)).collect()
}

/// Publish to the crowd and time it.
pub fn publish_to_crowd(setup: &Setup, link: &mut Link, n: u32, max: u64) -> Outcome<Figures> {
    let mut publisher = publisher(setup)?;
    link.say("created")?;
    let layout = layout(setup)?;
    if !publisher.wait_subscribers(n as usize, Some(PATIENCE))? {
        return Err(format!("{n} subscribers did not come").into());
    }
    let batches = BATCHES.min(max.div_ceil(BATCH));
    let mut samples = Samples::with_capacity(batches as usize);
    for number in 0..batches {
        let start = now_ns();
        for _ in 0..BATCH {
            let mut frame = publisher.loan(&layout)?;
            brush(frame.bytes_mut(), number, setup.case.touch);
            frame.publish();
        }
        samples.push((now_ns() - start) / BATCH);
    }
    Ok(Figures {
        iterations: batches * BATCH,
        p50_ns: samples.quantile(0.5),
        p99_ns: samples.quantile(0.99),
        ..Figures::default()
    })
}
