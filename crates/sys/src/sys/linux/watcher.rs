//! The watcher's waiting, by epoll.

use crate::channel::{Channel, Listener};
use crate::pollable::Pollable;
use crate::process::Process;
use crate::runtime_dir::Changes;
use crate::watcher::WatcherOps;
use crate::{BorrowedHandle, Error, Handle, Result};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct WatcherLeaf {
    epoll: Handle,
    /// Only this process has it, so an eventfd is safe here.
    nudge: Handle,
}

/// The token of the nudge; callbacks count from 1.
const NUDGE: u64 = 0;

/// Something with a file descriptor, kept open while it is watched.
pub(crate) enum Source {
    Listener(Arc<Listener>),
    Channel(Arc<Channel>),
    Pollable(Arc<Pollable>),
    Process(Arc<Process>),
    Changes(Arc<Changes>),
}

pub(crate) fn listener(it: Arc<Listener>) -> Source {
    Source::Listener(it)
}

pub(crate) fn channel(it: Arc<Channel>) -> Source {
    Source::Channel(it)
}

pub(crate) fn pollable(it: Arc<Pollable>) -> Source {
    Source::Pollable(it)
}

pub(crate) fn process(it: Arc<Process>) -> Source {
    Source::Process(it)
}

pub(crate) fn changes(it: Arc<Changes>) -> Source {
    Source::Changes(it)
}

impl Source {
    fn fd(&self) -> BorrowedHandle<'_> {
        match self {
            Source::Listener(it) => it.0.as_fd(),
            Source::Channel(it) => it.0.as_fd(),
            Source::Pollable(it) => it.handle(),
            Source::Process(it) => it.leaf.as_fd(),
            Source::Changes(it) => it.0.as_fd(),
        }
    }
}

impl WatcherOps for WatcherLeaf {
    type Source = Source;

    fn new() -> Result<Self> {
        let epoll =
            epoll::create(CreateFlags::CLOEXEC).map_err(|e| Error::system("epoll_create", e))?;
        let nudge = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|e| Error::system("eventfd", e))?;
        epoll::add(&epoll, &nudge, EventData::new_u64(NUDGE), EventFlags::IN)
            .map_err(|e| Error::system("epoll_ctl", e))?;
        Ok(WatcherLeaf { epoll, nudge })
    }

    fn add(&self, source: &Source, token: u64) -> Result<()> {
        epoll::add(
            &self.epoll,
            source.fd(),
            EventData::new_u64(token),
            EventFlags::IN,
        )
        .map_err(|e| Error::system("epoll_ctl", e))
    }

    fn arm(&self, source: &Source, token: u64, on: bool) {
        // Without IN, only a hang-up would still report, over and over: take it out.
        if on {
            let _ = epoll::add(
                &self.epoll,
                source.fd(),
                EventData::new_u64(token),
                EventFlags::IN,
            );
        } else {
            let _ = epoll::delete(&self.epoll, source.fd());
        }
    }

    fn remove(&self, source: &Source) {
        let _ = epoll::delete(&self.epoll, source.fd());
    }

    fn wait(&self, timeout: Option<Duration>, tokens: &mut Vec<u64>) {
        // One millisecond more than asked for, so that what is due then is due.
        let timeout =
            timeout.and_then(|span| Timespec::try_from(span + Duration::from_millis(1)).ok());
        let mut events: [_; 64] = std::array::from_fn(|_| std::mem::MaybeUninit::uninit());
        let Ok((events, _)) = epoll::wait(&self.epoll, &mut events, timeout.as_ref()) else {
            return;
        };
        for event in events.iter() {
            match event.data.u64() {
                NUDGE => {
                    let mut count = [0; 8];
                    let _ = rustix::io::read(&self.nudge, &mut count);
                }
                token => tokens.push(token),
            }
        }
    }

    fn nudge(&self) {
        let _ = rustix::io::write(&self.nudge, &1u64.to_ne_bytes());
    }
}
