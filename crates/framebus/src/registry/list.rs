//! What lives now.

use super::{Record, held, remove};
use crate::error::Result;
use crate::registry::StreamName;
use crate::stream::protocol::{self, Info, Message};
use framebus_frame::{Extent, PixelFormat};
use framebus_sys::channel::Channel;
use framebus_sys::{lock::FileLock, runtime_dir};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long all publishers together have to say what they publish.
const ANSWER_TIME: Duration = Duration::from_millis(500);

/// A stream that lives now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StreamInfo {
    /// Its name.
    pub name: String,
    /// Its publisher's process; 0 if it lives in another pid namespace.
    pub pid: u32,
    /// Counts the publishers of this name.
    pub epoch: u32,
    /// Whether the publisher answered; if not, it is stopped or very busy, and what
    /// follows is not known.
    pub responsive: bool,
    /// The format of the newest frame, if there is one.
    pub format: Option<PixelFormat>,
    /// The size of the newest frame, if there is one.
    pub extent: Option<Extent>,
    /// Frames published so far.
    pub published: u64,
    /// Requests answered so far, modulo 2^32.
    pub replied: u32,
    /// Loans that had to wait for a lossless subscriber so far, modulo 2^32.
    pub waited: u32,
    /// Subscribers now.
    pub subscribers: u32,
    /// Whether subscribers may hold the publisher back.
    pub lossless: bool,
    /// Bytes of shared memory in use.
    pub memory_bytes: u64,
}

impl StreamInfo {
    fn new(record: Record, pid: u32, answer: Option<Info>) -> StreamInfo {
        let info = answer.unwrap_or_default();
        StreamInfo {
            name: record.name,
            pid,
            epoch: record.epoch,
            responsive: answer.is_some(),
            format: PixelFormat::from_code(info.format),
            extent: Extent::new(info.width, info.height).ok(),
            published: info.sequence,
            replied: info.replied,
            waited: info.waited,
            subscribers: info.subscribers,
            lossless: info.lossless != 0,
            memory_bytes: info.memory_bytes,
        }
    }
}

/// The streams of this user that live now, by name.
///
/// Takes at most half a second longer than usual if publishers are stopped; those are
/// listed as not responsive.
pub fn list() -> Result<Vec<StreamInfo>> {
    let directory = runtime_dir::open()?;
    let mut asked = Vec::new();
    for entry in std::fs::read_dir(&directory)
        .into_iter()
        .flatten()
        .flatten()
    {
        let path = entry.path();
        let is = |extension: &str| path.extension().is_some_and(|it| it == extension);
        if is("lock") {
            if let Some((record, pid)) = holder(&path) {
                let channel = ask(&directory, &record.name);
                asked.push((record, pid, channel));
            }
        } else if is("sock")
            && path
                .file_name()
                .is_some_and(|it| it.as_encoded_bytes().starts_with(b"ticket-"))
        {
            sweep(&directory, &path);
        }
    }
    let deadline = Instant::now() + ANSWER_TIME;
    let mut streams: Vec<_> = asked
        .into_iter()
        .map(|(record, pid, channel)| {
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = channel.and_then(|channel| protocol::answer(&channel, pid, left).ok());
            let info = answer.and_then(|(message, ..)| {
                if let Message::Info(info) = message {
                    Some(info)
                } else {
                    None
                }
            });
            StreamInfo::new(record, pid, info)
        })
        .collect();
    streams.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(streams)
}

/// Who holds a lock file, and what it says.
fn holder(path: &Path) -> Option<(Record, u32)> {
    // Under the table's lock: this process must not open what it holds itself.
    let held = held();
    if let Some(record) = held.get(path) {
        return Some((record.clone(), std::process::id()));
    }
    let pid = FileLock::holder(path).ok()??;
    let record = Record::parse(&std::fs::read(path).ok()?)?;
    Some((record, pid))
}

fn ask(directory: &Path, name: &str) -> Option<Channel> {
    let name = StreamName::new(name).ok()?;
    let channel = Channel::connect(directory, &name.socket_file()).ok()??;
    channel.send(&Message::GetInfo.to_bytes(), &[]).ok()?;
    Some(channel)
}

/// Removes the door of a ticket whose publisher died before anybody used it.
fn sweep(directory: &Path, path: &Path) {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return;
    };
    if let Ok(None) = Channel::connect(directory, name) {
        remove(path);
    }
}
