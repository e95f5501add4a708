//! `top`: how fast the streams are.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use framebus::Subscriber;
use framebus::registry::{self, StreamInfo};
use serde::Serialize;

use crate::error::CliError;
use crate::samples::Samples;
use crate::signals;
use crate::table::{table, time};

/// How often numbers are shown.
const PERIOD: Duration = Duration::from_secs(1);

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these streams; all that live, if none is named
    pub names: Vec<String>,
    /// Write one line of JSON for each stream and second
    #[arg(long)]
    pub json: bool,
    /// End after this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub count: Option<u64>,
}

/// What happened to one stream in one period.
#[derive(Debug, Serialize)]
struct Line {
    name: String,
    pid: u32,
    fps: f64,
    mpixel_per_s: f64,
    /// From publishing to receiving here; null when nothing was received.
    latency_p50_us: Option<f64>,
    latency_p99_us: Option<f64>,
    /// Frames that newer ones had overtaken before they were looked at here.
    skipped: u64,
    /// How often the publisher had to wait for a lossless subscriber.
    waited: u32,
    subscribers: u32,
}

/// Watches until Ctrl-C, or as long as asked.
///
/// # Errors
/// When the registry cannot be read, or standard output not be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    signals::install()?;
    let mut watched: BTreeMap<(String, u32), Watch> = BTreeMap::new();
    let mut screen = Screen::new(args.json);
    let mut next = Instant::now();
    for period in 0.. {
        let streams = wanted(args)?;
        watched.retain(|key, _| streams.iter().any(|info| key_of(info) == *key));
        for info in &streams {
            watched
                .entry(key_of(info))
                .or_insert_with(|| Watch::start(info));
        }
        if period > 0 {
            let lines: Vec<Line> = streams
                .iter()
                .filter_map(|info| watched.get_mut(&key_of(info)).map(|watch| watch.line(info)))
                .collect();
            screen.show(&lines)?;
        }
        next += PERIOD;
        if args.count == Some(period) || !signals::sleep_until(next) {
            break;
        }
    }
    // Every watcher ends within a tick.
    signals::stop();
    Ok(())
}

fn wanted(args: &Args) -> Result<Vec<StreamInfo>, CliError> {
    let mut streams = registry::list()?;
    if !args.names.is_empty() {
        streams.retain(|info| args.names.contains(&info.name));
    }
    Ok(streams)
}

/// A publisher that starts again is another stream.
fn key_of(info: &StreamInfo) -> (String, u32) {
    (info.name.clone(), info.epoch)
}

/// What a watcher thread has seen since it was last asked.
#[derive(Debug, Default)]
struct Seen {
    latency: Samples,
    /// Since the start.
    skipped: u64,
}

/// A thread that receives one stream, and the totals when they were last looked at.
struct Watch {
    seen: Arc<Mutex<Seen>>,
    since: Instant,
    skipped: u64,
    published: u64,
    replied: u32,
    waited: u32,
}

impl Watch {
    fn start(info: &StreamInfo) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let name = info.name.clone();
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || watch(&name, &shared));
        Self {
            seen,
            since: Instant::now(),
            skipped: 0,
            published: info.published,
            replied: info.replied,
            waited: info.waited,
        }
    }

    /// The period since the last call, in numbers.
    fn line(&mut self, info: &StreamInfo) -> Line {
        let seconds = self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
        let published = info.published.saturating_sub(self.published);
        let replied = info.replied.wrapping_sub(self.replied);
        let fps = (published + u64::from(replied)) as f64 / seconds;
        let pixels = info.extent.map_or(0, |extent| extent.pixels());
        let mut seen = lock(&self.seen);
        let mut percentile = |percent| {
            let nanos = seen.latency.percentile(percent)?;
            Some(nanos as f64 / 1e3)
        };
        let line = Line {
            name: info.name.clone(),
            pid: info.pid,
            fps: rounded(fps),
            mpixel_per_s: rounded(fps * pixels as f64 / 1e6),
            latency_p50_us: percentile(50.0),
            latency_p99_us: percentile(99.0),
            skipped: seen.skipped - self.skipped,
            waited: info.waited.wrapping_sub(self.waited),
            subscribers: info.subscribers,
        };
        self.skipped = seen.skipped;
        self.published = info.published;
        self.replied = info.replied;
        self.waited = info.waited;
        seen.latency.clear();
        line
    }
}

/// Two digits behind the point are more than is known.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Receives until the stream or the verb ends. A stream that cannot be received shows no latency:
/// its publisher may have no room for one more subscriber.
fn watch(name: &str, seen: &Mutex<Seen>) {
    let Ok(mut subscriber) = Subscriber::connect(name) else {
        return;
    };
    while !signals::stopped() {
        match subscriber.recv_timeout(signals::TICK) {
            Ok(Some(frame)) => {
                let latency = u64::try_from(frame.latency().as_nanos()).unwrap_or(u64::MAX);
                drop(frame);
                let mut seen = lock(seen);
                seen.latency.push(latency);
                seen.skipped = subscriber.stats().skipped;
            }
            Ok(None) => {}
            Err(_) => return,
        }
    }
}

/// Where the numbers go.
struct Screen {
    json: bool,
    /// Lines to draw over, on a terminal.
    drawn: usize,
    term: Option<Term>,
}

impl Screen {
    fn new(json: bool) -> Self {
        let terminal = !json && std::io::stdout().is_terminal();
        Self {
            json,
            drawn: 0,
            term: terminal.then(Term::stdout),
        }
    }

    fn show(&mut self, lines: &[Line]) -> Result<(), CliError> {
        let text = if self.json {
            json_lines(lines)?
        } else {
            table_of(lines)
        };
        let mut write = || {
            if let Some(term) = &self.term {
                term.clear_last_lines(self.drawn)?;
                self.drawn = text.lines().count();
            }
            let mut out = std::io::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()
        };
        write().map_err(CliError::io("cannot write -"))
    }
}

fn json_lines(lines: &[Line]) -> Result<String, CliError> {
    let mut text = String::new();
    for line in lines {
        text += &serde_json::to_string(line).map_err(|error| CliError::Json(error.to_string()))?;
        text.push('\n');
    }
    Ok(text)
}

fn table_of(lines: &[Line]) -> String {
    let micros = |value: Option<f64>| {
        value.map_or_else(|| "-".to_owned(), |value| time((value * 1e3) as u64))
    };
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                line.name.clone(),
                format!("{:.1}", line.fps),
                format!("{:.1}", line.mpixel_per_s),
                micros(line.latency_p50_us),
                micros(line.latency_p99_us),
                line.skipped.to_string(),
                line.waited.to_string(),
                line.subscribers.to_string(),
            ]
        })
        .collect();
    let heading = [
        "STREAM",
        "FPS",
        "MPIXEL/S",
        "P50",
        "P99",
        "SKIPPED",
        "WAITED",
        "SUBSCRIBERS",
    ];
    table(&heading, &rows)
}
