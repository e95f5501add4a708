//! `painter`: the other process of `demo` and `bench`. It paints what it is asked for, over a
//! stream or over its standard output, and says what that cost.
//!
//! Orders come as lines on standard input, one at a time; each is answered by a line when it is
//! done. The process ends with its standard input.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::str::FromStr;
use std::time::{Duration, Instant};

use framebus::{Answered, FrameLayout, Publisher, Wait};

use crate::error::CliError;
use crate::rate::{Fps, Pace};
use crate::signals;
use crate::sys;
use crate::work::{self, SEED_LEN, Seed, Touch};

/// How long to wait for a request before it is clear that none will come.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// The metadata of the last frame of a stream, the last request, and the end of frames in a pipe.
pub const END: [u8; SEED_LEN] = [0; SEED_LEN];
/// What stands before a frame in a pipe: its seed, and when it was sent.
pub const PIPE_HEADER: usize = SEED_LEN + 8;

/// Paints for `demo` and `bench`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// How to wait, as a word.
pub const WAITS: [(Wait, &str); 3] = [
    (Wait::Spin, "spin"),
    (Wait::Adaptive, "adaptive"),
    (Wait::Block, "block"),
];

/// What the painter can be told to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Make a stream for pictures of a size; replaces the one before.
    Open {
        /// Its name.
        name: String,
        /// Width and height.
        size: (u32, u32),
        /// How the publisher waits, an index into [`WAITS`].
        wait: usize,
        /// Whether subscribers may hold it back.
        lossless: bool,
    },
    /// Answer requests until one is [`END`].
    Requests(Touch),
    /// Publish for some time, then a frame with [`END`].
    Stream(Fps, Duration, Touch),
    /// Publish so many frames as fast as it goes, and say how long that took.
    Cost(u64, Touch),
    /// As `Requests`, over standard input and output.
    PipeRequests,
    /// As `Stream`, over standard output.
    PipeStream(Fps, Duration),
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open {
                name,
                size,
                wait,
                lossless,
            } => write!(f, "open {name} {} {} {wait} {lossless}", size.0, size.1),
            Self::Requests(touch) => write!(f, "requests {}", touch.code()),
            Self::Stream(fps, time, touch) => {
                write!(f, "stream {fps} {} {}", time.as_millis(), touch.code())
            }
            Self::Cost(count, touch) => write!(f, "cost {count} {}", touch.code()),
            Self::PipeRequests => f.write_str("pipe-requests"),
            Self::PipeStream(fps, time) => write!(f, "pipe-stream {fps} {}", time.as_millis()),
        }
    }
}

impl FromStr for Order {
    type Err = CliError;

    fn from_str(line: &str) -> Result<Self, CliError> {
        let bad = || CliError::Usage(format!("no such order: {line:?}"));
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let mut word = || words.next().ok_or_else(bad);
        fn number<T: FromStr>(word: &str, bad: impl Fn() -> CliError) -> Result<T, CliError> {
            word.parse().map_err(|_| bad())
        }
        Ok(match verb {
            "open" => Self::Open {
                name: word()?.to_owned(),
                size: (number(word()?, bad)?, number(word()?, bad)?),
                wait: number(word()?, bad)?,
                lossless: number(word()?, bad)?,
            },
            "requests" => Self::Requests(Touch::from_code(number(word()?, bad)?)),
            "stream" => Self::Stream(
                number(word()?, bad)?,
                Duration::from_millis(number(word()?, bad)?),
                Touch::from_code(number(word()?, bad)?),
            ),
            "cost" => Self::Cost(
                number(word()?, bad)?,
                Touch::from_code(number(word()?, bad)?),
            ),
            "pipe-requests" => Self::PipeRequests,
            "pipe-stream" => Self::PipeStream(
                number(word()?, bad)?,
                Duration::from_millis(number(word()?, bad)?),
            ),
            _ => return Err(bad()),
        })
    }
}

/// What an order took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Frames painted.
    pub frames: u64,
    /// CPU time of the painter's process.
    pub cpu: Duration,
    /// From the first to the last frame.
    pub elapsed: Duration,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cpu, elapsed) = (self.cpu.as_nanos(), self.elapsed.as_nanos());
        write!(f, "done {} {cpu} {elapsed}", self.frames)
    }
}

impl FromStr for Done {
    type Err = CliError;

    fn from_str(line: &str) -> Result<Self, CliError> {
        let bad = || CliError::Peer(format!("it said {line:?}"));
        let numbers = line.strip_prefix("done ").ok_or_else(bad)?;
        let mut numbers = numbers.split(' ').map(|word| word.parse::<u64>());
        let mut next = || numbers.next().and_then(Result::ok).ok_or_else(bad);
        Ok(Self {
            frames: next()?,
            cpu: Duration::from_nanos(next()?),
            elapsed: Duration::from_nanos(next()?),
        })
    }
}

/// Follows orders until standard input ends.
///
/// # Errors
/// When an order makes no sense, or the stream fails.
pub fn run(_args: &Args) -> Result<(), CliError> {
    let mut painter = Painter {
        input: BufReader::new(sys::stdin().map_err(CliError::io("cannot read -"))?),
        output: sys::stdout().map_err(CliError::io("cannot write -"))?,
        stream: None,
    };
    let mut line = String::new();
    loop {
        line.clear();
        let read = painter.input.read_line(&mut line);
        if read.map_err(CliError::io("cannot read -"))? == 0 {
            return Ok(());
        }
        let cpu = sys::cpu_time();
        let start = Instant::now();
        let frames = painter.follow(&line.parse()?)?;
        let done = Done {
            frames,
            cpu: sys::cpu_time().saturating_sub(cpu),
            elapsed: start.elapsed(),
        };
        painter.send(format!("{done}\n").as_bytes())?;
    }
}

struct Painter {
    input: BufReader<std::fs::File>,
    output: std::fs::File,
    stream: Option<(Publisher, FrameLayout)>,
}

impl Painter {
    /// Follows one order; says how many frames it took.
    fn follow(&mut self, order: &Order) -> Result<u64, CliError> {
        match *order {
            Order::Open {
                ref name,
                size,
                wait,
                lossless,
            } => self.open(name, size, wait, lossless),
            Order::Requests(touch) => self.requests(touch),
            Order::Stream(fps, time, touch) => self.publish(fps, time, touch),
            Order::Cost(count, touch) => self.cost(count, touch),
            Order::PipeRequests => self.pipe_requests(),
            Order::PipeStream(fps, time) => self.pipe_stream(fps, time),
        }
    }

    fn open(
        &mut self,
        name: &str,
        size: (u32, u32),
        wait: usize,
        lossless: bool,
    ) -> Result<u64, CliError> {
        // The name is free before it is taken again.
        self.stream = None;
        let (wait, _) = WAITS[wait % WAITS.len()];
        let mut builder = Publisher::builder(name).wait(wait);
        if lossless {
            builder = builder.lossless(PATIENCE);
        }
        self.stream = Some((builder.create()?, work::layout(size)?));
        Ok(0)
    }

    fn stream(&mut self) -> Result<(&mut Publisher, FrameLayout), CliError> {
        match &mut self.stream {
            Some((publisher, layout)) => Ok((publisher, *layout)),
            None => Err(CliError::Usage("no stream is open".into())),
        }
    }

    fn requests(&mut self, touch: Touch) -> Result<u64, CliError> {
        let (publisher, layout) = self.stream()?;
        let mut frames = 0;
        loop {
            let Some(request) = publisher.wait_request(Some(PATIENCE))? else {
                return Err(CliError::Peer(format!(
                    "no request came within {PATIENCE:?}"
                )));
            };
            let seed = Seed::read(request.bytes());
            let mut frame = publisher.loan(&layout)?;
            if let Some(seed) = seed {
                work::paint(&seed, touch, &layout, frame.bytes_mut());
            }
            frame.set_metadata(request.bytes())?;
            let last = request.bytes() == END;
            if frame.reply(request) == Answered::Abandoned {
                return Err(CliError::Peer("nobody waits for the picture".into()));
            }
            if last {
                return Ok(frames);
            }
            frames += 1;
        }
    }

    fn publish(&mut self, fps: Fps, time: Duration, touch: Touch) -> Result<u64, CliError> {
        let (publisher, layout) = self.stream()?;
        let mut frames = 0;
        each_frame(fps, time, |seed| {
            let mut frame = publisher.loan(&layout)?;
            work::paint(&seed, touch, &layout, frame.bytes_mut());
            frame.set_metadata(&seed.0)?;
            frame.publish();
            frames += 1;
            Ok(())
        })?;
        let mut frame = publisher.loan(&layout)?;
        frame.set_metadata(&END)?;
        frame.publish();
        Ok(frames)
    }

    fn cost(&mut self, count: u64, touch: Touch) -> Result<u64, CliError> {
        let (publisher, layout) = self.stream()?;
        let seed = Seed::new(0);
        for _ in 0..count {
            let mut frame = publisher.loan(&layout)?;
            work::paint(&seed, touch, &layout, frame.bytes_mut());
            frame.publish();
        }
        Ok(count)
    }

    fn pipe_requests(&mut self) -> Result<u64, CliError> {
        let layout = work::layout(work::SIZE)?;
        let mut record = record_of(&layout);
        let mut seed = END;
        for frames in 0.. {
            let read = self.input.read_exact(&mut seed);
            read.map_err(CliError::io("cannot read -"))?;
            if seed == END {
                return Ok(frames);
            }
            fill(&mut record, &layout, Seed(seed));
            self.send(&record)?;
        }
        Ok(0)
    }

    fn pipe_stream(&mut self, fps: Fps, time: Duration) -> Result<u64, CliError> {
        let layout = work::layout(work::SIZE)?;
        let mut record = record_of(&layout);
        let mut frames = 0;
        each_frame(fps, time, |seed| {
            fill(&mut record, &layout, seed);
            frames += 1;
            self.send(&record)
        })?;
        record[..SEED_LEN].copy_from_slice(&END);
        self.send(&record)?;
        Ok(frames)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        let result = self.output.write_all(bytes);
        result.map_err(CliError::io("cannot write -"))
    }
}

/// Calls `work` with one seed after the other, at the rate and for the time asked for.
///
/// # Errors
/// The first that `work` gives.
pub fn each_frame(
    fps: Fps,
    time: Duration,
    mut work: impl FnMut(Seed) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut pace = Pace::new(fps);
    let start = Instant::now();
    for number in 0.. {
        if start.elapsed() >= time {
            break;
        }
        if let Some(due) = pace.next_due() {
            signals::sleep_until(due);
        }
        work(Seed::new(number))?;
    }
    Ok(())
}

/// Room for what a pipe carries for one frame.
pub fn record_of(layout: &FrameLayout) -> Vec<u8> {
    vec![0; PIPE_HEADER + usize::try_from(layout.byte_len()).unwrap_or(0)]
}

fn fill(record: &mut [u8], layout: &FrameLayout, seed: Seed) {
    let (header, pixels) = record.split_at_mut(PIPE_HEADER);
    work::paint(&seed, Touch::All, layout, pixels);
    header[..SEED_LEN].copy_from_slice(&seed.0);
    // A stream stamps its frames when they are published: painted already.
    header[SEED_LEN..].copy_from_slice(&framebus::now_ns().to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_read_back() {
        let second = Duration::from_secs(1);
        for order in [
            Order::Open {
                name: "demo/1".into(),
                size: (500, 300),
                wait: 1,
                lossless: true,
            },
            Order::Requests(Touch::Bytes(64)),
            Order::Stream("500".parse().expect("a rate"), second, Touch::All),
            Order::Stream(Fps::Max, second, Touch::All),
            Order::Cost(1000, Touch::All),
            Order::PipeRequests,
            Order::PipeStream(Fps::Max, second),
        ] {
            assert_eq!(order.to_string().parse::<Order>().expect("an order"), order);
        }
        for bad in ["", "open", "open x 1", "cost -1 0", "dance"] {
            assert!(bad.parse::<Order>().is_err(), "{bad}");
        }
    }

    #[test]
    fn answers_read_back() {
        let done = Done {
            frames: 3,
            cpu: Duration::from_micros(5),
            elapsed: Duration::from_secs(7),
        };
        assert_eq!(done.to_string().parse::<Done>().expect("an answer"), done);
        assert!("done 1".parse::<Done>().is_err());
    }
}
