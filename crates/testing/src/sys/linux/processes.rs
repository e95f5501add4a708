//! What /proc says about this process, and signals to others.

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, Signal};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

/// Makes a directory that only this user may enter.
pub fn make_private(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

/// How many handles this process has open.
pub fn open_handles() -> usize {
    // Without the one that reads the directory.
    std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() - 1)
}

/// How many segments of framebus this process has mapped.
pub fn mappings() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines()
        .filter(|line| line.contains("/memfd:framebus-"))
        .count()
}

/// The number that `handle` has in this process.
pub fn own_number(handle: &impl AsFd) -> i32 {
    handle.as_fd().as_raw_fd()
}

/// Bytes of shared memory that this process holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedMemory {
    /// Committed bytes of its pixel segments.
    pub pixels: u64,
    /// Bytes of its stream pages.
    pub streams: u64,
    /// Bytes of its control pages.
    pub controls: u64,
}

/// The shared memory of this process: what the kernel has committed for the pixel segments
/// it has open (their blocks), and the whole sizes of the pages it has mapped.
pub fn shared_memory() -> SharedMemory {
    let mut found = SharedMemory::default();
    let mut segments = BTreeMap::new();
    for entry in std::fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten()
    {
        let is_pixels = std::fs::read_link(entry.path())
            .is_ok_and(|target| target.to_string_lossy().contains("framebus-pixels"));
        if let (true, Ok(about)) = (is_pixels, std::fs::metadata(entry.path())) {
            segments.insert(about.ino(), about.blocks() * 512);
        }
    }
    found.pixels = segments.values().sum();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for line in maps.lines() {
        let range = line
            .split_once(' ')
            .and_then(|(range, _)| range.split_once('-'));
        let bound = |text| u64::from_str_radix(text, 16).unwrap_or(0);
        let bytes = range.map_or(0, |(start, end)| bound(end) - bound(start));
        if line.contains("framebus-stream") {
            found.streams += bytes;
        } else if line.contains("framebus-control") {
            found.controls += bytes;
        }
    }
    found
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // One that is gone already needs none.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Kills a process that nobody can warn.
pub fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

/// Stops a process.
pub fn stop(pid: u32) {
    signal(pid, Signal::STOP);
}

/// Lets a stopped process go on.
pub fn go_on(pid: u32) {
    signal(pid, Signal::CONT);
}

/// Waits in poll(2), as an event loop would, until `handle` is readable; `false` after `timeout`.
pub fn poll_readable(handle: &impl AsFd, timeout: Duration) -> bool {
    let timeout = timeout.try_into().expect("a short time");
    let mut handles = [PollFd::new(handle, PollFlags::IN)];
    rustix::event::poll(&mut handles, Some(&timeout)).expect("poll") > 0
}

/// Makes `link` lead to `target`.
pub fn link(target: &Path, link: &Path) {
    std::os::unix::fs::symlink(target, link).expect("a link");
}

/// Lets every user enter a directory.
pub fn let_others_enter(directory: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let everybody = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(directory, everybody).expect("a directory of ours");
}

/// Whether every thread of a process is stopped: a stop reaches them one by one.
pub fn is_stopped(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
    let mut states = threads.into_iter().flatten().flatten().map(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned());
        after_name.is_some_and(|rest| rest.starts_with('T'))
    });
    states.next() == Some(true) && states.all(|stopped| stopped)
}
