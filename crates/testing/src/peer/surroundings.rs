//! What a peer does with the platform layer, and what it says about itself.

use super::{Order, Outcome, Peer, Result, done};
use crate::{conformance, sys};
use framebus_sys::bell::Bell;
use framebus_sys::channel::{self, Channel};
use framebus_sys::lock::FileLock;
use framebus_sys::pollable::Ringer;
use framebus_sys::process::ProcessIdentity;
use framebus_sys::segment::{Mapping, Segment, SegmentKind};
use framebus_sys::{Handle, runtime_dir};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What a peer holds of the platform layer.
#[derive(Default)]
pub(super) struct Surroundings {
    channel: Option<Channel>,
    handles: BTreeMap<String, Handle>,
    mappings: BTreeMap<String, Arc<Mapping>>,
    locks: BTreeMap<String, FileLock>,
    hoard: Vec<Handle>,
}

fn kind(order: &Order) -> SegmentKind {
    match order.text("kind") {
        "live" => SegmentKind::Live,
        "frozen" => SegmentKind::Frozen,
        _ => SegmentKind::Shared,
    }
}

impl Peer {
    /// `list -`: the streams that live now, as `NAME:PID:EPOCH:SIZE:SEQUENCE:SUBSCRIBERS`.
    pub(super) fn list(&mut self, _order: &Order) -> Result {
        let line = |info: framebus::registry::StreamInfo| {
            let size = info.extent.map_or("none".to_owned(), |extent| {
                format!("{}x{}", extent.width(), extent.height())
            });
            format!(
                "{}:{}:{}:{}:{}:{}:{}",
                info.name,
                info.pid,
                info.epoch,
                size,
                info.published,
                info.subscribers,
                info.responsive
            )
        };
        let lines: Vec<_> = framebus::registry::list()?.into_iter().map(line).collect();
        done(format!("count={} text={}", lines.len(), lines.join(" ")))
    }

    /// `count -`: open handles and mapped segments.
    pub(super) fn count(&mut self, _order: &Order) -> Result {
        done(format!(
            "handles={} mappings={}",
            sys::open_handles(),
            sys::mappings()
        ))
    }

    /// `memory -`: bytes of shared memory.
    pub(super) fn memory(&mut self, _order: &Order) -> Result {
        let memory = sys::shared_memory();
        done(format!(
            "pixels={} streams={} controls={}",
            memory.pixels, memory.streams, memory.controls
        ))
    }

    /// `handles - most=N`: lowers the limit of open handles.
    pub(super) fn limit_handles(&mut self, order: &Order) -> Result {
        sys::limit_handles(order.number("most").expect("most"));
        done("")
    }

    /// `hoard - on=1`: opens handles until there are no more; `on=0` closes them.
    pub(super) fn hoard(&mut self, order: &Order) -> Result {
        let hoard = &mut self.surroundings.hoard;
        hoard.clear();
        if order.number("on") == Some(1) {
            while let Ok(file) = std::fs::File::open("/dev/null") {
                hoard.push(file.into());
            }
        }
        done(format!("held={}", hoard.len()))
    }

    /// `file-size - most=BYTES`.
    pub(super) fn limit_file_size(&mut self, order: &Order) -> Result {
        sys::limit_file_size(order.number("most").expect("most"));
        done("")
    }

    /// `take H timeout=MS`: the next message of the inherited channel, and its first handle.
    pub(super) fn take_handle(&mut self, order: &Order) -> Result {
        let surroundings = &mut self.surroundings;
        let channel = surroundings.channel.get_or_insert_with(|| {
            let text = std::env::var(conformance::HANDLE_VARIABLE).expect("an inherited channel");
            // SAFETY: the parent left the handle for this alone, and it is taken once.
            let handle = unsafe { channel::inherited(&text) }.expect("an open handle");
            Channel::from_handle(handle).expect("a channel")
        });
        let mut bytes = [0; 256];
        let received = channel.recv_timeout(&mut bytes, Duration::from_secs(10))?;
        let Some(mut received) = received else {
            return Ok(Outcome::Nothing);
        };
        let handles = received.handles.len();
        if handles > 0 {
            let handle = received.handles.swap_remove(0);
            surroundings.handles.insert(order.subject.clone(), handle);
        }
        let text = String::from_utf8_lossy(&bytes[..received.len]).into_owned();
        let (pid, uid) = (received.sender.pid, received.sender.uid);
        done(format!("pid={pid} uid={uid} handles={handles} text={text}"))
    }

    fn handle(&self, order: &Order) -> &Handle {
        &self.surroundings.handles[&order.subject]
    }

    /// `attack H`: what worked.
    pub(super) fn attack(&mut self, order: &Order) -> Result {
        use std::os::fd::AsFd;
        let tried = sys::attack(self.handle(order).as_fd());
        let tried = tried
            .iter()
            .map(|(name, worked)| format!("{name}={worked}"));
        done(tried.collect::<Vec<_>>().join(" "))
    }

    /// `grip H`: maps a segment for writing and writes to it, whatever the library thinks of it.
    pub(super) fn grip(&mut self, order: &Order) -> Result {
        use std::os::fd::AsFd;
        sys::grip(self.handle(order).as_fd());
        done("")
    }

    /// `map H kind= size= as=NAME write=1`: checks a segment as the library does, and maps it.
    pub(super) fn map(&mut self, order: &Order) -> Result {
        let size = order.number("size").expect("size");
        let handle = self.handle(order).try_clone().expect("a copy");
        let segment = Segment::from_handle(handle, kind(order), size)?;
        let mapping = if order.get("write").is_some() {
            segment.map_write()?
        } else {
            segment.map_read()?
        };
        let mappings = &mut self.surroundings.mappings;
        mappings.insert(order.text("as").to_owned(), Arc::new(mapping));
        done("")
    }

    fn byte(&self, order: &Order) -> *mut u8 {
        let mapping = &self.surroundings.mappings[&order.subject];
        let at = order.number("at").unwrap_or(0) as usize;
        assert!(at < mapping.len(), "inside the mapping");
        // SAFETY: inside the mapping, which lives as long as the peer.
        unsafe { mapping.as_ptr().add(at) }
    }

    /// `peek M at=N`.
    pub(super) fn peek(&mut self, order: &Order) -> Result {
        // SAFETY: readable by construction.
        let value = unsafe { self.byte(order).read_volatile() };
        done(format!("value={value}"))
    }

    /// `poke M at=N value=V`.
    pub(super) fn poke(&mut self, order: &Order) -> Result {
        let value = order.number("value").expect("value") as u8;
        // SAFETY: the test maps for writing what it pokes; otherwise the system kills this process.
        unsafe { self.byte(order).write_volatile(value) };
        done("")
    }

    /// `ring M at=N`: a bell in a mapping; `ring H` without `at`: a pollable.
    pub(super) fn ring(&mut self, order: &Order) -> Result {
        match order.number("at") {
            Some(at) => self.bell(order, at)?.ring(),
            None => {
                let handle = self.handle(order).try_clone().expect("a copy");
                Ringer::from_handle(handle)?.ring();
            }
        }
        done("")
    }

    fn bell(&self, order: &Order, at: u64) -> framebus_sys::Result<Bell> {
        let mapping = &self.surroundings.mappings[&order.subject];
        Bell::open(mapping, at as usize, &mut std::iter::empty())
    }

    /// `sleep M at=N value=SEEN timeout=MS`: on a bell, as long as it has not rung since.
    pub(super) fn sleep(&mut self, order: &Order) -> Result {
        let bell = self.bell(order, order.number("at").expect("at"))?;
        let seen = order.number("value").expect("value") as u32;
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while bell.value() == seen && std::time::Instant::now() < deadline {
            bell.wait(seen, order.millis("timeout"))?;
        }
        done(format!("value={}", bell.value()))
    }

    /// `fill H`: makes the other side's handle block, if it can, and fills it.
    pub(super) fn fill(&mut self, order: &Order) -> Result {
        use std::os::fd::AsFd;
        let bytes = sys::fill_without_nonblock(self.handle(order).as_fd());
        done(format!("bytes={bytes}"))
    }

    /// `send-back H text=`: a message over the inherited channel, with that handle if there is one.
    pub(super) fn send_back(&mut self, order: &Order) -> Result {
        use std::os::fd::AsFd;
        let surroundings = &self.surroundings;
        let handles: Vec<_> = surroundings
            .handles
            .get(&order.subject)
            .map(AsFd::as_fd)
            .into_iter()
            .collect();
        let channel = surroundings.channel.as_ref().expect("a channel");
        channel.send(order.text("text").as_bytes(), &handles)?;
        done("")
    }

    /// `lock L file=NAME`: takes a lock in the runtime directory, or says who has it.
    pub(super) fn lock(&mut self, order: &Order) -> Result {
        let path = runtime_dir::open()?.join(order.text("file"));
        match FileLock::acquire(&path)? {
            Ok(lock) => {
                self.surroundings.locks.insert(order.subject.clone(), lock);
                done("holder=me")
            }
            Err(pid) => done(format!("holder={pid}")),
        }
    }

    /// `identity - pid=PID`, or of this process.
    pub(super) fn identity(&mut self, order: &Order) -> Result {
        let pid = order
            .number("pid")
            .map_or(std::process::id(), |pid| pid as u32);
        let ProcessIdentity { pid, start, boot } = ProcessIdentity::of(pid)?;
        done(format!("pid={pid} start={start} boot={boot}"))
    }

    /// `directory -`: where this process meets others.
    pub(super) fn runtime_directory(&mut self, _order: &Order) -> Result {
        let path = runtime_dir::open()?;
        done(format!("text={}", path.display()))
    }
}
