//! ipc-channel: a pool of shared regions made once (`reuse`), or a new region per frame (`fresh`).
//!
//! The library has no pool; `reuse` is what a careful user builds from it.

use ipc_channel::TryRecvError;
use ipc_channel::ipc::{self, IpcOneShotServer, IpcReceiver, IpcSender, IpcSharedMemory};
use serde_core::{Deserialize, Serialize};

use super::{Painter, Receiver, Setup};
use crate::Outcome;
use crate::case::{IN_FLIGHT, Wait};
use crate::link::Link;
use crate::work::{stamp, stamped};

/// Index into the pool, and the regions that are new to the receiver.
type Message = (usize, Vec<IpcSharedMemory>);
/// What the painter hands over first.
type Hello = (IpcSender<u64>, IpcReceiver<Message>);

struct Wants {
    asks: IpcSender<u64>,
    frames: IpcReceiver<Message>,
    pool: Vec<IpcSharedMemory>,
    wait: Wait,
}

struct Paints {
    asks: IpcReceiver<u64>,
    frames: IpcSender<Message>,
    pool: Vec<IpcSharedMemory>,
    next: usize,
    scratch: Vec<u8>,
    wait: Wait,
}

/// The asking side.
pub fn receiver(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Receiver>> {
    let (server, name) = IpcOneShotServer::<Hello>::new()?;
    link.say(&name)?;
    let (_, (asks, frames)) = server.accept()?;
    let (_, pool) = frames.recv()?;
    let wait = setup.contender.wait;
    Ok(Box::new(Wants {
        asks,
        frames,
        pool,
        wait,
    }))
}

/// The painting side.
pub fn painter(setup: &Setup, link: &mut Link) -> Outcome<Box<dyn Painter>> {
    let hello = IpcSender::<Hello>::connect(link.hear()?)?;
    let (asks_in, asks) = ipc::channel::<u64>()?;
    let (frames, frames_out) = ipc::channel::<Message>()?;
    hello.send((asks_in, frames_out))?;
    let regions = match setup.contender.variant {
        "reuse" => IN_FLIGHT as usize,
        _ => 0,
    };
    let region = || IpcSharedMemory::from_byte(0, setup.bytes());
    let pool: Vec<IpcSharedMemory> = std::iter::repeat_with(region).take(regions).collect();
    frames.send((0, pool.clone()))?;
    Ok(Box::new(Paints {
        asks,
        frames,
        pool,
        next: 0,
        scratch: vec![0; setup.bytes()],
        wait: setup.contender.wait,
    }))
}

fn next<T: for<'de> Deserialize<'de> + Serialize>(from: &IpcReceiver<T>, wait: Wait) -> Outcome<T> {
    if wait != Wait::Spin {
        return Ok(from.recv()?);
    }
    loop {
        match from.try_recv() {
            Ok(message) => return Ok(message),
            Err(TryRecvError::Empty) => std::hint::spin_loop(),
            Err(error) => return Err(error.to_string().into()),
        }
    }
}

impl Receiver for Wants {
    fn ask(&mut self, word: u64) -> Outcome<()> {
        Ok(self.asks.send(word)?)
    }

    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Outcome<u64> {
        let (index, fresh) = next(&self.frames, self.wait)?;
        let region = fresh.first().or(self.pool.get(index));
        let region = region.ok_or_else(|| format!("no region {index}"))?;
        look(region);
        Ok(stamped(region))
    }
}

impl Painter for Paints {
    fn next_ask(&mut self) -> Outcome<u64> {
        next(&self.asks, self.wait)
    }

    fn paint(&mut self, brush: &mut dyn FnMut(&mut [u8])) -> Outcome<()> {
        let regions = self.pool.len();
        let Some(region) = self.pool.get_mut(self.next) else {
            brush(&mut self.scratch);
            stamp(&mut self.scratch);
            let region = IpcSharedMemory::from_bytes(&self.scratch);
            return Ok(self.frames.send((0, vec![region]))?);
        };
        // SAFETY: an ask or a credit gave this region back; nobody reads it now.
        let bytes = unsafe { region.deref_mut() };
        brush(bytes);
        stamp(bytes);
        self.frames.send((self.next, Vec::new()))?;
        self.next = (self.next + 1) % regions;
        Ok(())
    }

    fn needs_credits(&self) -> bool {
        true
    }
}
