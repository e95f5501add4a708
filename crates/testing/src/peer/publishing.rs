//! What a peer does as a publisher.

use super::{Order, Outcome, Peer, Result, done};
use crate::{pattern, sys};
use framebus::{
    AlphaMode, Answered, ClockDomain, Colour, Damage, Error, Extent, FrameLayout, FrameMut,
    PixelFormat, Publisher, Rect, Subscriber, Wait,
};
use std::str::FromStr;

/// The layout that `size=WIDTHxHEIGHT format=NAME stride=ALIGNMENT` means; small by default.
fn layout(order: &Order) -> std::result::Result<FrameLayout, Error> {
    let size = order.get("size").unwrap_or("64x48");
    let (width, height) = size.split_once('x').expect("WIDTHxHEIGHT");
    let number = |text: &str| text.parse().expect("a number of pixels");
    let extent = Extent::new(number(width), number(height))?;
    let format = order.get("format").unwrap_or("gray8");
    let format = PixelFormat::from_str(format).expect("a format");
    let stride = order.number("stride").unwrap_or(1) as u32;
    Ok(FrameLayout::new(format, extent, stride)?)
}

/// Rectangles as `x,y,width,height` with `;` between, or `none`, or `all`.
fn damage(text: &str) -> Damage {
    let rect = |text: &str| {
        let numbers: Vec<u32> = text.split(',').filter_map(|n| n.parse().ok()).collect();
        Rect::new(numbers[0], numbers[1], numbers[2], numbers[3])
    };
    match text {
        "none" => Damage::None,
        "all" => Damage::All,
        rects => Damage::from_rects(&rects.split(';').map(rect).collect::<Vec<_>>()),
    }
}

/// Damage as [`damage`] reads it.
pub(super) fn damage_text(damage: &Damage) -> String {
    let rect = |rect: &Rect| {
        let [x, y, width, height] = rect.to_words();
        format!("{x},{y},{width},{height}")
    };
    match damage {
        Damage::All => "all".to_owned(),
        Damage::None => "none".to_owned(),
        Damage::Rects(_) => damage
            .rects()
            .iter()
            .map(rect)
            .collect::<Vec<_>>()
            .join(";"),
    }
}

pub(super) fn wait(order: &Order) -> Wait {
    match order.get("how") {
        Some("spin") => Wait::Spin,
        Some("block") => Wait::Block,
        _ => Wait::Adaptive,
    }
}

/// Sets what travels beside the pixels, as far as the order says.
fn describe(frame: &mut FrameMut<'_>, order: &Order) -> framebus::Result<()> {
    if let Some(text) = order.get("metadata") {
        frame.set_metadata(text.as_bytes())?;
    }
    if let Some(bytes) = order.number("metadata-bytes") {
        frame.set_metadata(&vec![b'm'; bytes as usize])?;
    }
    if let Some(text) = order.get("damage") {
        frame.set_damage(damage(text));
    }
    if order.get("colour") == Some("srgb") {
        frame.set_colour(Colour::SRGB);
    }
    if order.get("alpha") == Some("straight") {
        frame.set_alpha(AlphaMode::Straight);
    }
    if let Some(ns) = order.number("source") {
        frame.set_source_time(ns, ClockDomain::Device);
    }
    Ok(())
}

impl Peer {
    /// `publish P name=NAME`, or without a name; `lossless=MS slots=N members=N how=`.
    pub(super) fn publish(&mut self, order: &Order) -> Result {
        let mut builder = match order.get("name") {
            Some(name) => Publisher::builder(name),
            None => Publisher::unnamed(),
        };
        builder = builder.wait(wait(order));
        if let Some(timeout) = order.millis("lossless") {
            builder = builder.lossless(timeout);
        }
        if let Some(slots) = order.number("slots") {
            builder = builder.max_slots(slots as u32);
        }
        if let Some(members) = order.number("members") {
            builder = builder.max_subscribers(members as u32);
        }
        let publisher = builder.create()?;
        let epoch = publisher.epoch();
        self.publishers.insert(order.subject.clone(), publisher);
        done(format!("epoch={epoch}"))
    }

    /// `frame P size= format= stride= count=N`, and what travels along; `preserve=1` keeps
    /// what the slot shows. Tells the last sequence and the age of its slot.
    pub(super) fn frame(&mut self, order: &Order) -> Result {
        let layout = layout(order)?;
        let preserve = order.get("preserve").is_some();
        let publisher = self.publisher(order);
        let (mut sequence, mut age) = (0, 0);
        for _ in 0..order.number("count").unwrap_or(1) {
            let seed = pattern::frame_seed(publisher.epoch(), publisher.sequence() + 1);
            let mut frame = if preserve {
                publisher.loan_preserving(&layout)?
            } else {
                publisher.loan(&layout)?
            };
            age = frame.age();
            if preserve {
                // The first pixel only: the rest has to be there already.
                let old = frame.bytes()[0];
                frame.bytes_mut()[0] = old.wrapping_add(1);
            } else {
                pattern::paint(frame.bytes_mut(), seed);
            }
            describe(&mut frame, order)?;
            sequence = frame.publish();
        }
        done(format!("sequence={sequence} age={age}"))
    }

    /// `hold P`: loans a slot and gives it back unpublished.
    pub(super) fn hold_loan(&mut self, order: &Order) -> Result {
        let layout = layout(order)?;
        let frame = self.publisher(order).loan(&layout)?;
        done(format!("age={}", frame.age()))
    }

    /// `layout - size=`: only checks the numbers.
    pub(super) fn layout(&mut self, order: &Order) -> Result {
        done(format!("bytes={}", layout(order)?.byte_len()))
    }

    /// `accept P timeout=MS`: waits for a request and keeps it.
    pub(super) fn accept_request(&mut self, order: &Order) -> Result {
        let timeout = order.millis("timeout");
        let Some(request) = self.publisher(order).wait_request(timeout)? else {
            return Ok(Outcome::Nothing);
        };
        let (id, pid) = (request.id(), request.subscriber_pid());
        let text = String::from_utf8_lossy(request.bytes()).into_owned();
        self.requests.insert(order.subject.clone(), request);
        done(format!("id={id} pid={pid} text={text}"))
    }

    /// `answer P size=`: answers the request that was kept, painted as its bytes say.
    pub(super) fn answer(&mut self, order: &Order) -> Result {
        let layout = layout(order)?;
        let request = self.requests.remove(&order.subject).expect("a request");
        let mut frame = self.publisher(order).loan(&layout)?;
        pattern::paint(frame.bytes_mut(), pattern::reply_seed(request.bytes()));
        describe(&mut frame, order)?;
        let delivered = frame.reply(request) == Answered::Delivered;
        done(format!("delivered={delivered}"))
    }

    /// `decline P text=REASON`.
    pub(super) fn decline(&mut self, order: &Order) -> Result {
        let request = self.requests.remove(&order.subject).expect("a request");
        let answered = self.publisher(order).decline(request, order.text("text"))?;
        done(format!("delivered={}", answered == Answered::Delivered))
    }

    /// `subscribers P`, or with `at-least=N timeout=MS` waits for them.
    pub(super) fn subscribers(&mut self, order: &Order) -> Result {
        let publisher = self.publisher(order);
        if let Some(least) = order.number("at-least") {
            let timeout = order.millis("timeout");
            if !publisher.wait_subscribers(least as usize, timeout)? {
                return Ok(Outcome::Nothing);
            }
        }
        done(format!("count={}", publisher.subscriber_count()))
    }

    /// `drained P timeout=MS`.
    pub(super) fn drained(&mut self, order: &Order) -> Result {
        let timeout = order.millis("timeout");
        let drained = self.publisher(order).wait_drained(timeout)?;
        done(format!("drained={drained}"))
    }

    /// `published P`: its statistics.
    pub(super) fn published(&mut self, order: &Order) -> Result {
        let stats = self.publisher(order).stats();
        done(format!(
            "published={} replied={} declined={} waited={} demoted={} wakes={} segments={} bytes={}",
            stats.published,
            stats.replied,
            stats.declined,
            stats.waited,
            stats.demoted,
            stats.wakes,
            stats.segments,
            stats.slot_bytes
        ))
    }

    /// `ticket P`.
    pub(super) fn ticket(&mut self, order: &Order) -> Result {
        let ticket = self.publisher(order).ticket()?;
        done(format!("ticket={ticket}"))
    }

    /// `spread P program=PATH count=N`: as many more publishers, each subscribed to by one
    /// subscriber of this process.
    pub(super) fn spread(&mut self, order: &Order) -> Result {
        let layout = layout(order)?;
        let mut received = 0;
        let mut pairs = Vec::new();
        for _ in 0..order.number("count").unwrap_or(1) {
            let publisher = Publisher::unnamed().create()?;
            let subscriber = Subscriber::import(publisher.export()?).connect()?;
            pairs.push((publisher, subscriber));
        }
        for (publisher, subscriber) in &mut pairs {
            let seed = pattern::frame_seed(publisher.epoch(), 1);
            let mut frame = publisher.loan(&layout)?;
            pattern::paint(frame.bytes_mut(), seed);
            frame.publish();
            let frame = subscriber.recv()?;
            let wrong = pattern::frame_first_wrong(&frame, seed, &mut Vec::new());
            received += u64::from(wrong.is_none());
        }
        done(format!("received={received}"))
    }

    /// `silently P count=N`: publishes so often without a single system call, and then ends
    /// with status 0; the system kills it at the first call otherwise. With `and-one-call=1`
    /// it makes one, to show that.
    pub(super) fn publish_silently(&mut self, order: &Order) -> Result {
        let layout = layout(order)?;
        let count = order.number("count").unwrap_or(1);
        let calls = order.get("and-one-call").is_some();
        let publisher = self.publisher(order);
        // Memory is had, and members are known, before the doors close.
        for _ in 0..64 {
            publisher.loan(&layout)?.publish();
        }
        sys::forbid_system_calls();
        for _ in 0..count {
            let Ok(mut frame) = publisher.loan(&layout) else {
                panic!("no slot");
            };
            frame.bytes_mut()[0] = 1;
            frame.publish();
        }
        if calls {
            sys::open_handles();
        }
        sys::leave()
    }
}
