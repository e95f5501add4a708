//! Zenoh with explicit shared memory over a Unix socket, asks and frames as publications.
//!
//! `unix` is the default transport; `lowlat` is its low-latency mode, which gives up quality of
//! service and fragmentation. Shared memory is initialised when the session opens, publications are
//! express and never dropped.

use std::time::{Duration, Instant};

use zenoh::handlers::FifoChannelHandler;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::CongestionControl;
use zenoh::sample::Sample;
use zenoh::shm::{
    BlockOn, GarbageCollect, PosixShmProviderBackend, ShmProvider, ShmProviderBuilder,
};
use zenoh::{Config, Session, Wait as _};

use super::{Painter, Receiver, Setup};
use crate::Outcome;
use crate::link::Link;
use crate::work::{stamp, stamped};

const ASKS: &str = "framebus/peers/asks";
const FRAMES: &str = "framebus/peers/frames";
/// Frames the pool has room for: four in flight, one in the painter's hand, slack for the collector.
const POOL: usize = 8;
/// How long the two sessions may take to find each other.
const PATIENCE: Duration = Duration::from_secs(10);

type Inbox = Subscriber<FifoChannelHandler<Sample>>;

/// Zenoh's errors are Send + Sync trait objects of another kind than ours.
fn plain<T>(result: zenoh::Result<T>) -> Outcome<T> {
    result.map_err(|error| error.to_string().into())
}

fn open(setup: &Setup, listens: bool) -> Outcome<Session> {
    let mut config = Config::default();
    let endpoint = format!(
        "[\"unixsock-stream/{}\"]",
        setup.dir.join("zenoh").display()
    );
    let mut set = |key: &str, value: &str| {
        let done = config.insert_json5(key, value);
        done.map_err(|error| format!("{key} = {value}: {error}"))
    };
    set("mode", "\"peer\"")?;
    set("scouting/multicast/enabled", "false")?;
    set("scouting/gossip/enabled", "false")?;
    set("listen/endpoints", if listens { &endpoint } else { "[]" })?;
    set("connect/endpoints", if listens { "[]" } else { &endpoint })?;
    set("transport/shared_memory/mode", "\"init\"")?;
    if setup.contender.variant == "lowlat" {
        set("transport/unicast/qos/enabled", "false")?;
        set("transport/unicast/lowlatency", "true")?;
    }
    plain(zenoh::open(config).wait())
}

fn publisher(session: &Session, key: &'static str) -> Outcome<Publisher<'static>> {
    let builder = session.declare_publisher(key).express(true);
    plain(builder.congestion_control(CongestionControl::Block).wait())
}

fn subscriber(session: &Session, key: &'static str) -> Outcome<Inbox> {
    plain(session.declare_subscriber(key).wait())
}

fn await_match(publisher: &Publisher<'static>) -> Outcome<()> {
    let limit = Instant::now() + PATIENCE;
    while !plain(publisher.matching_status().wait())?.matching() {
        if Instant::now() > limit {
            return Err("the sessions did not find each other".into());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

struct Wants {
    frames: Inbox,
    asks: Publisher<'static>,
    _session: Session,
}

struct Paints {
    asks: Inbox,
    frames: Publisher<'static>,
    pool: ShmProvider<PosixShmProviderBackend>,
    bytes: usize,
    _session: Session,
}

/// The asking side; it connects.
pub fn receiver(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Receiver>> {
    link.hear()?;
    let session = open(setup, false)?;
    Ok(Box::new(Wants {
        frames: subscriber(&session, FRAMES)?,
        asks: publisher(&session, ASKS)?,
        _session: session,
    }))
}

/// The painting side; it listens.
pub fn painter(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Painter>> {
    let session = open(setup, true)?;
    link.say("listening")?;
    let pool = ShmProviderBuilder::default_backend(setup.bytes() * POOL).wait();
    Ok(Box::new(Paints {
        asks: subscriber(&session, ASKS)?,
        frames: publisher(&session, FRAMES)?,
        pool: plain(pool)?,
        bytes: setup.bytes(),
        _session: session,
    }))
}

impl Receiver for Wants {
    fn settle(&mut self) -> Outcome<()> {
        await_match(&self.asks)
    }

    fn ask(&mut self, word: u64) -> Outcome<()> {
        plain(self.asks.put(word.to_le_bytes()).wait())
    }

    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Outcome<u64> {
        let sample = plain(self.frames.recv())?;
        let frame = sample.payload().as_shm();
        let frame: &[u8] = frame.ok_or("the frame came by copy, not by shared memory")?;
        look(frame);
        Ok(stamped(frame))
    }
}

impl Painter for Paints {
    fn settle(&mut self) -> Outcome<()> {
        await_match(&self.frames)
    }

    fn next_ask(&mut self) -> Outcome<u64> {
        let sample = plain(self.asks.recv())?;
        let bytes: [u8; 8] = sample.payload().to_bytes().as_ref().try_into()?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn paint(&mut self, brush: &mut dyn FnMut(&mut [u8])) -> Outcome<()> {
        let loan = self.pool.alloc(self.bytes);
        let mut frame = loan.with_policy::<BlockOn<GarbageCollect>>().wait()?;
        brush(&mut frame);
        stamp(&mut frame);
        plain(self.frames.put(frame).wait())
    }

    fn needs_credits(&self) -> bool {
        true
    }
}
