//! The watcher: one thread per process that notices what happens elsewhere.
//!
//! It waits for connections, messages, rings and deaths, and calls back. Callbacks
//! run one after the other on that thread and must not block. Uses epoll on Linux.

use crate::Result;
use crate::channel::{Channel, Listener};
use crate::pollable::Pollable;
use crate::process::Process;
use crate::runtime_dir::Changes;
use crate::sys::platform::watcher as leaf;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// What a callback wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Be called again at the next event.
    Continue,
    /// Never be called again.
    Done,
    /// Not be called for a while although the event persists.
    Pause(Duration),
}

type Callback = Box<dyn FnMut() -> Next + Send>;

/// What a platform has to provide for the watcher.
pub(crate) trait WatcherOps: Sized {
    type Source: Send + 'static;
    fn new() -> Result<Self>;
    fn add(&self, source: &Self::Source, token: u64) -> Result<()>;
    fn arm(&self, source: &Self::Source, token: u64, on: bool);
    fn remove(&self, source: &Self::Source);
    /// Waits for events; gives their tokens.
    fn wait(&self, timeout: Option<Duration>, tokens: &mut Vec<u64>);
    /// Ends a running `wait`.
    fn nudge(&self);
}

struct Entry {
    callback: Arc<Mutex<Option<Callback>>>,
    source: Option<<leaf::WatcherLeaf as WatcherOps>::Source>,
    /// When to call a timer, or to arm a paused source again.
    due: Option<Instant>,
}

struct Shared {
    leaf: leaf::WatcherLeaf,
    entries: Mutex<HashMap<u64, Entry>>,
    thread: OnceLock<ThreadId>,
}

impl Shared {
    fn entries(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A hold on a callback: it is not called any more once this is dropped.
///
/// Dropping waits for a call that is running, except inside that call.
#[must_use = "dropping it ends the watch"]
pub struct Watch {
    shared: &'static Shared,
    token: u64,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("token", &self.token).finish()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(entry) = self.shared.entries().remove(&self.token) else {
            return;
        };
        if let Some(source) = &entry.source {
            self.shared.leaf.remove(source);
        }
        if self.shared.thread.get() != Some(&std::thread::current().id()) {
            // Taking the callback's lock waits for a call that is running.
            drop(
                entry
                    .callback
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take(),
            );
        }
    }
}

fn shared() -> Result<&'static Shared> {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    static START: Mutex<()> = Mutex::new(());
    if let Some(shared) = SHARED.get() {
        return Ok(shared);
    }
    let _guard = START.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(shared) = SHARED.get() {
        return Ok(shared);
    }
    let fresh = Shared {
        leaf: leaf::WatcherLeaf::new()?,
        entries: Mutex::default(),
        thread: OnceLock::new(),
    };
    let shared = SHARED.get_or_init(|| fresh);
    std::thread::Builder::new()
        .name("framebus-watch".into())
        .spawn(move || run(shared))
        .map_err(|e| crate::Error::system("start of the watcher thread", e))?;
    Ok(shared)
}

fn run(shared: &'static Shared) {
    let _ = shared.thread.set(std::thread::current().id());
    let mut tokens = Vec::new();
    loop {
        let next_due = shared
            .entries()
            .values()
            .filter_map(|entry| entry.due)
            .min();
        let timeout = next_due.map(|due| due.saturating_duration_since(Instant::now()));
        tokens.clear();
        shared.leaf.wait(timeout, &mut tokens);
        wake_paused(shared, &mut tokens);
        for &token in &tokens {
            call(shared, token);
        }
    }
}

/// Arms sources whose pause is over and collects timers that are due.
fn wake_paused(shared: &Shared, tokens: &mut Vec<u64>) {
    let now = Instant::now();
    for (&token, entry) in shared.entries().iter_mut() {
        if entry.due.is_some_and(|due| due <= now) {
            entry.due = None;
            match &entry.source {
                Some(source) => shared.leaf.arm(source, token, true),
                None => tokens.push(token),
            }
        }
    }
}

fn call(shared: &Shared, token: u64) {
    let Some(callback) = shared
        .entries()
        .get(&token)
        .map(|entry| entry.callback.clone())
    else {
        return;
    };
    let mut slot = callback.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(function) = slot.as_mut() else {
        return;
    };
    match function() {
        Next::Continue => {}
        Next::Done => {
            *slot = None;
            if let Some(source) = shared
                .entries()
                .get(&token)
                .and_then(|entry| entry.source.as_ref())
            {
                shared.leaf.arm(source, token, false);
            }
        }
        Next::Pause(span) => {
            if let Some(entry) = shared.entries().get_mut(&token) {
                entry.due = Some(Instant::now() + span);
                if let Some(source) = &entry.source {
                    shared.leaf.arm(source, token, false);
                }
            }
        }
    }
}

fn watch(
    source: Option<<leaf::WatcherLeaf as WatcherOps>::Source>,
    due: Option<Instant>,
    callback: Callback,
) -> Result<Watch> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static TOKENS: AtomicU64 = AtomicU64::new(1);
    let shared = shared()?;
    // Relaxed: only has to differ from all others.
    let token = TOKENS.fetch_add(1, Ordering::Relaxed);
    let mut entries = shared.entries();
    if let Some(source) = &source {
        shared.leaf.add(source, token)?;
    }
    entries.insert(
        token,
        Entry {
            callback: Arc::new(Mutex::new(Some(callback))),
            source,
            due,
        },
    );
    drop(entries);
    if due.is_some() {
        shared.leaf.nudge();
    }
    Ok(Watch { shared, token })
}

/// Calls back whenever somebody waits to be accepted.
pub fn on_connection(
    listener: &Arc<Listener>,
    callback: impl FnMut() -> Next + Send + 'static,
) -> Result<Watch> {
    watch(
        Some(leaf::listener(listener.clone())),
        None,
        Box::new(callback),
    )
}

/// Calls back whenever a message, or the end of the connection, waits to be received.
pub fn on_message(
    channel: &Arc<Channel>,
    callback: impl FnMut() -> Next + Send + 'static,
) -> Result<Watch> {
    watch(
        Some(leaf::channel(channel.clone())),
        None,
        Box::new(callback),
    )
}

/// Calls back whenever a pollable was rung.
pub fn on_ring(
    pollable: &Arc<Pollable>,
    callback: impl FnMut() -> Next + Send + 'static,
) -> Result<Watch> {
    watch(
        Some(leaf::pollable(pollable.clone())),
        None,
        Box::new(callback),
    )
}

/// Calls back whenever something appears in, or changes in, a directory.
pub fn on_change(
    changes: &Arc<Changes>,
    callback: impl FnMut() -> Next + Send + 'static,
) -> Result<Watch> {
    watch(
        Some(leaf::changes(changes.clone())),
        None,
        Box::new(callback),
    )
}

/// Calls back once when a process has exited.
pub fn on_exit(process: &Arc<Process>, callback: impl FnOnce() + Send + 'static) -> Result<Watch> {
    let mut callback = Some(callback);
    let once = move || {
        if let Some(callback) = callback.take() {
            callback();
        }
        Next::Done
    };
    watch(Some(leaf::process(process.clone())), None, Box::new(once))
}

/// Calls back once when `span` is over, and again when the callback pauses.
pub fn after(span: Duration, callback: impl FnMut() -> Next + Send + 'static) -> Result<Watch> {
    watch(None, Some(Instant::now() + span), Box::new(callback))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn a_death_is_told_once() {
        let mut child = std::process::Command::new("sleep")
            .arg("100")
            .spawn()
            .unwrap();
        let process = Arc::new(Process::open(child.id()).unwrap());
        let (tell, told) = mpsc::channel();
        let _watch = on_exit(&process, move || tell.send(()).unwrap()).unwrap();
        child.kill().unwrap();
        told.recv_timeout(LONG).unwrap();
        child.wait().unwrap();
        assert!(told.recv_timeout(Duration::from_millis(50)).is_err());
    }

    #[test]
    fn messages_come_until_the_watch_is_dropped() {
        let (a, b) = Channel::pair().unwrap();
        let b = Arc::new(Channel::from_handle(b).unwrap());
        let (tell, told) = mpsc::channel();
        let receiver = b.clone();
        let watch = on_message(&b, move || {
            let mut buffer = [0; 8];
            while let Ok(Some(received)) = receiver.recv(&mut buffer) {
                tell.send(buffer[..received.len].to_vec()).unwrap();
            }
            Next::Continue
        })
        .unwrap();
        a.send(b"one", &[]).unwrap();
        assert_eq!(told.recv_timeout(LONG).unwrap(), b"one");
        drop(watch);
        a.send(b"two", &[]).unwrap();
        assert!(told.recv_timeout(Duration::from_millis(50)).is_err());
    }

    #[test]
    fn a_timer_fires_and_pauses() {
        let (tell, told) = mpsc::channel();
        let mut left = 3;
        let _watch = after(Duration::from_millis(2), move || {
            let _ = tell.send(());
            left -= 1;
            if left == 0 {
                Next::Done
            } else {
                Next::Pause(Duration::from_millis(2))
            }
        })
        .unwrap();
        for _ in 0..3 {
            told.recv_timeout(LONG).unwrap();
        }
        assert!(told.recv_timeout(Duration::from_millis(50)).is_err());
    }
}
