//! The lanes in which subscribers die and their publisher lives on.

use super::deaths::Deaths;
use super::record::Record;
use super::survivors;
use super::{REQUESTER_POINTS, SUBSCRIBER_POINTS};
use crate::pattern;
use framebus::{Extent, FrameLayout, PixelFormat, Publisher, Subscriber};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The survivors' leases: one latest, one queue that holds what it gets, one requester.
const SURVIVOR_QUOTAS: [u32; 3] = [2, 3, 2];

/// The leases of a victim.
const VICTIM_QUOTA: u32 = 2;

/// The deepest queue of anybody here.
const DEPTH: u32 = 4;

/// How many subscribers there are, and since when.
struct Members {
    count: Mutex<(usize, Instant)>,
    changed: Condvar,
}

impl Members {
    fn set(&self, count: usize) {
        let mut now = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0 != count {
            *now = (count, Instant::now());
            self.changed.notify_all();
        }
    }

    /// Waits until there are so many, or all is over; since when that is so.
    fn wait_for(&self, count: usize, record: &Record) -> Option<Instant> {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut now = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        while now.0 != count && Instant::now() < deadline && !record.is_over() {
            let wait = self.changed.wait_timeout(now, Duration::from_millis(50));
            now = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        (now.0 == count).then_some(now.1)
    }

    fn now(&self) -> usize {
        self.count.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Runs a lane until enough have been killed.
pub(super) fn run(name: &str, lossless: Option<Duration>, mut deaths: Deaths<'_>) {
    let record = deaths.record;
    let members = Members {
        count: Mutex::new((0, Instant::now())),
        changed: Condvar::new(),
    };
    let leases: u32 = SURVIVOR_QUOTAS.iter().map(|quota| quota + 1).sum();
    let slots = 2 + DEPTH + leases + VICTIM_QUOTA + 1;
    let mut builder = Publisher::builder(name).max_slots(slots);
    if let Some(timeout) = lossless {
        builder = builder.lossless(timeout);
    }
    let publisher = match builder.create() {
        Ok(publisher) => publisher,
        Err(error) => return record.fail(format!("{name}: {error}")),
    };
    std::thread::scope(|scope| {
        let members = &members;
        scope.spawn(move || publish(name, record, publisher, members));
        let subscribe = |quota: usize| {
            let builder = Subscriber::builder(name).expect("a name");
            builder.quota(SURVIVOR_QUOTAS[quota])
        };
        let (mut latest, mut queue) = (subscribe(0), subscribe(1).queue(DEPTH));
        if lossless.is_some() {
            (latest, queue) = (latest.queue(DEPTH).lossless(), queue.lossless());
        }
        let who = [0, 1, 2].map(|number| format!("survivor {number} of {name}"));
        let [first, second, third] = who;
        scope.spawn(move || survivors::receive(&first, record, latest, 0));
        scope.spawn(move || survivors::receive(&second, record, queue, 2));
        scope.spawn(move || survivors::request(&third, record, subscribe(2)));
        if members.wait_for(SURVIVOR_QUOTAS.len(), record).is_none() {
            return record.fail(format!("{name}: the survivors did not come"));
        }
        let who = format!("death of {name}");
        while !record.is_over() {
            record.beat(&who);
            kill_one(name, lossless.is_some(), &mut deaths, members);
        }
        record.rest(&who);
    });
}

/// Starts a subscriber or requester, kills it, and waits until the publisher knows.
fn kill_one(name: &str, lossless: bool, deaths: &mut Deaths<'_>, members: &Members) {
    let survivors = SURVIVOR_QUOTAS.len();
    let kinds: &[&str] = if lossless {
        &["lossless", "lossless", "latest", "request"]
    } else {
        &["latest", "queue", "request", "event-loop"]
    };
    let kind = deaths.numbers.choose(kinds);
    let points = if kind == "request" {
        REQUESTER_POINTS
    } else {
        SUBSCRIBER_POINTS
    };
    let victim = deaths.start(&["subscribe", name, kind], points);
    let dead = deaths.finish(victim);
    let was_known = members.now() > survivors;
    let Some(since) = members.wait_for(survivors, deaths.record) else {
        // At the end everybody leaves.
        if deaths.record.is_over() {
            return;
        }
        let now = members.now();
        return deaths
            .record
            .fail(format!("{name}: {now} subscribers after a death"));
    };
    if let (true, Some(at)) = (was_known, dead.at) {
        deaths.record.told(since.saturating_duration_since(at));
    }
}

/// Publishes and answers until all is over.
fn publish(name: &str, record: &Record, mut publisher: Publisher, members: &Members) {
    let who = format!("publisher of {name}");
    let sizes = [(96, 64), (64, 96), (128, 100), (3, 5)];
    let mut published = 0_usize;
    while !record.is_over() {
        record.beat(&who);
        members.set(publisher.subscriber_count());
        // Sizes change, but seldom.
        let (width, height) = sizes[published / 64 % sizes.len()];
        if let Err(error) = publish_one(&mut publisher, width, height) {
            record.fail(format!("{who}: {error}"));
            std::thread::sleep(Duration::from_millis(10));
        }
        published += 1;
        // Blocks until somebody asks, comes or goes: about a thousand frames a second.
        if let Err(error) = answer(&mut publisher, Duration::from_micros(700)) {
            record.fail(format!("{who}: {error}"));
        }
    }
    record.rest(&who);
}

/// Paints and publishes one frame whose pixels and metadata tell its place.
pub(super) fn publish_one(
    publisher: &mut Publisher,
    width: u32,
    height: u32,
) -> framebus::Result<()> {
    let layout = FrameLayout::packed(PixelFormat::Gray8, Extent::new(width, height)?)?;
    let sequence = publisher.sequence() + 1;
    let seed = pattern::frame_seed(publisher.epoch(), sequence);
    let mut frame = publisher.loan(&layout)?;
    pattern::paint(frame.bytes_mut(), seed);
    frame.set_metadata(&sequence.to_le_bytes())?;
    frame.publish();
    Ok(())
}

/// Answers requests that come within a while.
pub(super) fn answer(publisher: &mut Publisher, within: Duration) -> framebus::Result<()> {
    let mut request = publisher.wait_request(Some(within))?;
    while let Some(asked) = request {
        let layout = FrameLayout::packed(PixelFormat::Bgra8, Extent::new(20, 30)?)?;
        let mut frame = publisher.loan(&layout)?;
        pattern::paint(frame.bytes_mut(), pattern::reply_seed(asked.bytes()));
        // Whoever asked may be dead by now.
        let _ = frame.reply(asked);
        request = publisher.try_request()?;
    }
    Ok(())
}
