//! `sub`: a stream becomes files, or a number.

use std::time::{Duration, Instant};

use clap::ArgGroup;
use framebus::{ErrorKind, Frame, Subscriber};

use crate::error::{CliError, Place};
use crate::progress::Progress;
use crate::rate::FrameRate;
use crate::signals;
use crate::sink::{Count, Pictures, Raw, Received, Sink, Video};
use crate::summary::Summary;

/// The longest queue of a stream: how many frames a recorder may lag behind before it misses
/// some.
const LONGEST_QUEUE: u32 = 32;
/// How many frames are held back to measure the rate of a stream that does not say its own.
const MEASURED_FRAMES: usize = 9;
/// When to stop measuring: a slow stream's recording should not start empty.
const MEASURED_TIME: Duration = Duration::from_secs(2);

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("output").args(["png", "y4m", "raw"]))]
pub struct Args {
    /// Name of the stream
    pub name: String,
    /// Write one PNG, or one for every frame when the path has a `%d` (or `%05d`) for its number
    #[arg(long, value_name = "PATH|PATTERN")]
    pub png: Option<String>,
    /// Write y4m video; `-` is standard output
    #[arg(long, value_name = "FILE|-")]
    pub y4m: Option<Place>,
    /// Write raw video, rows packed; `-` is standard output
    #[arg(long, value_name = "FILE|-")]
    pub raw: Option<Place>,
    /// End after this many frames
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Tell on standard error with which arguments ffmpeg reads the output
    #[arg(long, requires = "output")]
    pub print_ffmpeg_args: bool,
    /// The rate to write into video; otherwise what the publisher says, or what is measured
    #[arg(long, value_name = "N")]
    pub fps: Option<FrameRate>,
    /// Wait this long for the stream to appear
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub wait: Option<Duration>,
    /// Take every frame, lagging behind by at most this many; a `pub --lossless` waits, others go
    /// on (the default for video and numbered PNGs, with 32)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(LONGEST_QUEUE)))]
    pub queue: Option<u32>,
    /// Take the newest frame, skipping what came between (the default for one PNG and counting)
    #[arg(long, conflicts_with = "queue")]
    pub latest: bool,
    /// Ask for every frame, with these bytes for the publisher
    #[arg(
        long,
        value_name = "TEXT",
        num_args = 0..=1,
        default_missing_value = "",
        conflicts_with_all = ["queue", "latest"]
    )]
    pub request: Option<String>,
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| format!("{text:?} is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| format!("{text}: {error}"))
}

/// Receives until the stream ends, `--count` is reached, Ctrl-C or a closed pipe.
///
/// # Errors
/// When there is no such stream, or the output cannot be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    signals::install()?;
    let sink = args.sink()?;
    let single = sink.room() == Some(1);
    let left = [args.count, sink.room()].into_iter().flatten().min();
    let Some(subscriber) = args.connect(sink.as_ref())? else {
        eprintln!("{}", Summary::new(&args.name, "received"));
        return Ok(());
    };
    let mut job = Job {
        subscriber,
        request: args.request.as_deref().map(str::as_bytes),
        writer: FrameWriter {
            rate: RateFinder::new(args.fps, sink.wants_rate()),
            sink,
            print_args: args.print_ffmpeg_args,
        },
        progress: Progress::new(&args.name, left),
        left,
        summary: Summary::new(&args.name, "received"),
    };
    let result = job.receive();
    let frames = job.summary.frames;
    job.finish();
    match result {
        Err(_) if signals::stopped() => Ok(()),
        Ok(()) if frames == 0 && single && !signals::stopped() => {
            Err(CliError::NoFrame(args.name.clone()))
        }
        result => result,
    }
}

impl Args {
    fn sink(&self) -> Result<Box<dyn Sink>, CliError> {
        Ok(if let Some(pattern) = &self.png {
            Box::new(Pictures::new(pattern)?)
        } else if let Some(place) = &self.y4m {
            Box::new(Video::create(place)?)
        } else if let Some(place) = &self.raw {
            Box::new(Raw::create(place)?)
        } else {
            Box::new(Count)
        })
    }

    /// The queue to ask for: none for the newest frame only.
    fn queue(&self, sink: &dyn Sink) -> Option<u32> {
        let records = sink.wants_rate() || (self.png.is_some() && sink.room().is_none());
        match self.queue {
            Some(depth) => Some(depth),
            None => (records && !self.latest && self.request.is_none()).then_some(LONGEST_QUEUE),
        }
    }

    /// Connects, waiting for the stream as long as asked; nothing when Ctrl-C came first.
    fn connect(&self, sink: &dyn Sink) -> Result<Option<Subscriber>, CliError> {
        let start = Instant::now();
        loop {
            let mut builder = Subscriber::builder(&self.name)?;
            if let Some(depth) = self.queue(sink) {
                // A stream that does not let itself be held back ignores this.
                builder = builder.queue(depth).lossless();
            }
            let left = self.wait.map(|wait| wait.saturating_sub(start.elapsed()));
            if let Some(left) = left {
                builder = builder.wait_for_publisher(left.min(signals::TICK));
            }
            match builder.connect() {
                Ok(subscriber) => return Ok(Some(subscriber)),
                Err(error) if !matches!(error.kind(), ErrorKind::NotFound { .. }) => {
                    return Err(error.into());
                }
                Err(_) if signals::stopped() => return Ok(None),
                Err(error) if left.is_none_or(|left| left.is_zero()) => return Err(error.into()),
                Err(_) => {}
            }
        }
    }
}

/// Everything that receiving takes.
struct Job<'a> {
    subscriber: Subscriber,
    request: Option<&'a [u8]>,
    writer: FrameWriter,
    progress: Progress,
    /// Frames still to come, when that was said.
    left: Option<u64>,
    summary: Summary,
}

impl Job<'_> {
    fn receive(&mut self) -> Result<(), CliError> {
        while self.left != Some(0) {
            let Some(frame) = self.next()? else {
                break;
            };
            let received = self.writer.take(&frame);
            let time = frame.publish_time_ns();
            let rate = FrameRate::from_metadata(frame.metadata());
            // The slot is free again while the copy is written.
            drop(frame);
            self.left = self.left.map(|left| left - 1);
            self.summary.frame();
            self.progress.tick();
            if let Some(received) = received {
                self.writer.write(received, time, rate)?;
            }
        }
        self.writer.flush()
    }

    /// The next frame; nothing when the stream or the user ended it.
    fn next(&mut self) -> Result<Option<Frame>, CliError> {
        if let Some(bytes) = self.request {
            self.subscriber.send_request(bytes)?;
        }
        while !signals::stopped() {
            let result = match self.request {
                Some(_) => self.subscriber.wait_reply(Some(signals::TICK)),
                None => self.subscriber.recv_timeout(signals::TICK),
            };
            match result {
                Ok(Some(frame)) => return Ok(Some(frame)),
                Ok(None) => {}
                Err(error) => match error.kind() {
                    ErrorKind::PublisherGone { .. } => return Ok(None),
                    // Said once, and frames go on coming.
                    ErrorKind::Demoted => self.progress.say(&format!("framebus: {error}")),
                    _ => return Err(error.into()),
                },
            }
        }
        Ok(None)
    }

    fn finish(mut self) {
        let stats = self.subscriber.stats();
        self.summary.note(format!("{} skipped", stats.skipped));
        if stats.dropped > 0 {
            self.summary.note(format!("{} dropped", stats.dropped));
        }
        drop(self.progress);
        eprintln!("{}", self.summary);
    }
}

/// Hands frames to the output once their rate is known.
struct FrameWriter {
    sink: Box<dyn Sink>,
    rate: RateFinder,
    print_args: bool,
}

impl FrameWriter {
    /// Copies a frame out of its slot, if anybody wants its pixels.
    fn take(&self, frame: &Frame) -> Option<Received> {
        self.sink.wants_pixels().then(|| Received {
            layout: *frame.layout(),
            colour: frame.colour(),
            alpha: frame.alpha(),
            pixels: frame.to_vec(),
        })
    }

    fn write(
        &mut self,
        frame: Received,
        time: u64,
        noted: Option<FrameRate>,
    ) -> Result<(), CliError> {
        for frame in self.rate.pass(frame, time, noted) {
            self.put(&frame)?;
        }
        Ok(())
    }

    /// Writes what was held back to measure the rate.
    fn flush(&mut self) -> Result<(), CliError> {
        for frame in self.rate.release() {
            self.put(&frame)?;
        }
        Ok(())
    }

    fn put(&mut self, frame: &Received) -> Result<(), CliError> {
        self.sink.set_rate(self.rate.known);
        if std::mem::take(&mut self.print_args) {
            match self.sink.ffmpeg_args(frame) {
                Some(args) => eprintln!("{args}"),
                None => eprintln!(
                    "framebus: ffmpeg has no name for {} as raw video",
                    frame.layout.format()
                ),
            }
        }
        self.sink.write(frame)
    }
}

/// Finds out the rate of a stream.
struct RateFinder {
    known: Option<FrameRate>,
    /// Frames held back, with when they were published; none once the search has ended.
    held: Option<(Instant, Vec<(u64, Received)>)>,
}

impl RateFinder {
    fn new(known: Option<FrameRate>, wanted: bool) -> Self {
        Self {
            known,
            held: (known.is_none() && wanted).then(|| (Instant::now(), Vec::new())),
        }
    }

    /// Takes a frame and gives those that can be written now.
    fn pass(&mut self, frame: Received, time: u64, noted: Option<FrameRate>) -> Vec<Received> {
        let Some((since, frames)) = &mut self.held else {
            return vec![frame];
        };
        if frames.is_empty() {
            *since = Instant::now();
        }
        let late = since.elapsed() > MEASURED_TIME;
        frames.push((time, frame));
        if noted.is_some() {
            self.known = noted;
        } else if frames.len() < MEASURED_FRAMES && !late {
            return Vec::new();
        }
        self.release()
    }

    /// Ends the search and gives all that was held back.
    fn release(&mut self) -> Vec<Received> {
        let Some((_, frames)) = self.held.take() else {
            return Vec::new();
        };
        if self.known.is_none() {
            let times: Vec<u64> = frames.iter().map(|(time, _)| *time).collect();
            self.known = FrameRate::measured(&times);
        }
        frames.into_iter().map(|(_, frame)| frame).collect()
    }
}
