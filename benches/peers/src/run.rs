//! Starts the two sides of every run, in interleaved rounds, and collects their rows.

use std::fs;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::case::{CASES, CONTENDERS, Case, Contender, PACE_NS, Work};
use crate::measure::cores;
use crate::options::Options;
use crate::row::{Row, Status};
use crate::side::{Figures, Plan};

/// A run that takes longer than this on top of its budget hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// The painter ends right after the receiver; later than this it hangs.
const TAIL: Duration = Duration::from_secs(5);

/// How often a run is tried whose cores are misplaced.
const ATTEMPTS: u32 = 3;
/// What all repetitions together may take.
const AGAIN: Duration = Duration::from_secs(120);

/// Run everything the options ask for; `note` hears each row as it comes.
pub fn run(options: &Options, mut note: impl FnMut(&Row)) -> Outcome<Vec<Row>> {
    let cores = match options.cores {
        Some(pair) => pair,
        None => match cores()[..] {
            [first, second, ..] => (first, second),
            _ => return Err("two cores are needed: one for each side".into()),
        },
    };
    let place = Place::new()?;
    let mut rows = Vec::new();
    let mut again_left = match options.once {
        true => Duration::ZERO,
        false => AGAIN / options.haste as u32,
    };
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id()));
    for case in CASES.iter().filter(|case| options.wants_case(case)) {
        for round in 0..options.rounds {
            let mut order: Vec<&'static Contender> = CONTENDERS
                .iter()
                .filter(|contender| contender.enters(case) && options.wants(contender))
                .collect();
            dice.shuffle(&mut order);
            for contender in order {
                for attempt in 0..ATTEMPTS {
                    let begun = Instant::now();
                    let (status, figures) = place.run(options, case, contender, cores)?;
                    let again = status == Status::Misplaced && again_left > Duration::ZERO;
                    let row = Row {
                        case: case.id.into(),
                        contender: contender.id(),
                        round,
                        status,
                        figures,
                    };
                    note(&row);
                    rows.push(row);
                    if attempt > 0 {
                        again_left = again_left.saturating_sub(begun.elapsed());
                    }
                    if !again {
                        break;
                    }
                }
            }
        }
    }
    Ok(rows)
}

/// A small generator: the order of contenders must not depend on the order of the table.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, (self.next() % (i as u64 + 1)) as usize);
        }
    }
}

/// The directory and the name prefix that belong to this process alone.
struct Place {
    dir: PathBuf,
    tag: String,
}

/// What the names of our directories and of files in /dev/shm begin with; a pid and `-` follow.
const PREFIX: &str = "framebus-peers-";

impl Place {
    fn new() -> Outcome<Place> {
        Place::sweep_interrupted();
        let tag = format!("{PREFIX}{}-", std::process::id());
        let dir = std::env::temp_dir().join(&tag);
        private_dir(&dir)?;
        Ok(Place { dir, tag })
    }

    /// Clean up behind earlier comparisons that were interrupted.
    fn sweep_interrupted() {
        let temp = std::env::temp_dir();
        for entry in fs::read_dir(&temp).into_iter().flatten().flatten() {
            let tag = entry.file_name().to_string_lossy().into_owned();
            let pid = tag
                .strip_prefix(PREFIX)
                .and_then(|rest| rest.strip_suffix('-'));
            if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                let dir = entry.path();
                drop(Place { dir, tag });
            }
        }
    }

    /// One run in two new processes.
    fn run(
        &self,
        options: &Options,
        case: &Case,
        contender: &Contender,
        cores: (usize, usize),
    ) -> Outcome<(Status, Figures)> {
        let dir = self.dir.join("run");
        private_dir(&dir)?;
        let (left, right) = UnixStream::pair()?;
        let painter_core = if case.shared_core { cores.0 } else { cores.1 };
        let budget_us = case.budget_ms * 1_000 / options.haste;
        let most = match case.work {
            Work::Paced => budget_us * 1_000 / PACE_NS,
            _ => u64::MAX >> 1,
        };
        let max = if options.once { 1 } else { most };
        let start = |role: &str, core: usize, link: UnixStream| {
            let mut words = Plan::arguments(case, contender, core, budget_us, max);
            words.push(dir.display().to_string());
            words.push(self.tag.clone());
            self.start(role, &words, &dir, link)
        };
        let mut receiver = Kept(start("__receive", cores.0, left)?);
        let mut painter = Kept(start("__paint", painter_core, right)?);
        let limit = Instant::now() + PATIENCE + Duration::from_micros(budget_us);
        let text = read_until(&mut receiver.0, limit);
        let ended = text.is_some() && painter.ends(Instant::now() + TAIL);
        let result = match text.as_deref().and_then(Figures::parse) {
            Some(figures) if ended => (status(case, &figures), figures),
            _ if text.is_none() => (Status::Hung, Figures::default()),
            _ => (Status::Failed(complaint(&dir)), Figures::default()),
        };
        drop((receiver, painter));
        self.sweep_shared_memory();
        fs::remove_dir_all(&dir)?;
        Ok(result)
    }

    fn start(&self, role: &str, words: &[String], dir: &Path, link: UnixStream) -> Outcome<Child> {
        let log = fs::File::create(dir.join(format!("{role}.log")))?;
        let child = Command::new(std::env::current_exe()?)
            .arg(role)
            .args(words)
            .env("TMPDIR", dir)
            .env("FRAMEBUS_RUNTIME_DIR", dir)
            .stdin(Stdio::from(OwnedFd::from(link)))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        Ok(child)
    }

    /// Whatever a run left in /dev/shm: files with our own prefix, and Zenoh's that nobody uses.
    ///
    /// The last two processes of a Zenoh session each leave its segments to the other one. Whoever
    /// uses a segment holds a lock on it, and every Zenoh process removes those without one when
    /// it starts: we do the same.
    fn sweep_shared_memory(&self) {
        let entries = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let unused = || fs::File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
            if name.starts_with(&self.tag) || (name.ends_with(".zenoh") && unused()) {
                // Somebody else may have removed it meanwhile: then it is gone all the same.
                let _ = fs::remove_file(&path);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.sweep_shared_memory();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn private_dir(path: &Path) -> Outcome<()> {
    Ok(fs::DirBuilder::new().mode(0o700).create(path)?)
}

/// A child that does not outlive its run.
struct Kept(Child);

impl Kept {
    fn ends(&mut self, limit: Instant) -> bool {
        loop {
            match self.0.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) if Instant::now() < limit => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                _ => return false,
            }
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Both fail only where the child has ended and been reaped already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// All the child prints until it ends; nothing when the limit passes first.
fn read_until(child: &mut Child, limit: Instant) -> Option<String> {
    let mut out = child.stdout.take()?;
    let mut text = String::new();
    let left = limit.saturating_duration_since(Instant::now());
    let mut wait = libc::pollfd {
        fd: out.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one valid pollfd, and the count says one.
    let ready = unsafe { libc::poll(&mut wait, 1, left.as_millis() as libc::c_int) };
    if ready != 1 {
        return None;
    }
    // A side prints its one line at its very end, so the rest follows at once.
    out.read_to_string(&mut text).ok()?;
    Some(text)
}

/// The last words of the two sides.
fn complaint(dir: &Path) -> String {
    let mut words = Vec::new();
    for role in ["__receive", "__paint"] {
        let log = fs::read_to_string(dir.join(format!("{role}.log"))).unwrap_or_default();
        if let Some(line) = log.lines().rev().find(|line| !line.trim().is_empty()) {
            words.push(format!("{}: {}", role.trim_start_matches('_'), line.trim()));
        }
    }
    match words.is_empty() {
        true => "ended without a word".into(),
        false => words.join("; ").replace('\t', " "),
    }
}

fn status(case: &Case, figures: &Figures) -> Status {
    let placed = |ns: u64| (85..=200).contains(&ns);
    match case.shared_core || (placed(figures.hop_before_ns) && placed(figures.hop_after_ns)) {
        true => Status::Kept,
        false => Status::Misplaced,
    }
}
