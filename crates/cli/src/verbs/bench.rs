//! `bench`: framebus alone, in two processes.
//!
//! The comparison with other systems is elsewhere, in `benches/peers`.

use std::io::Write as _;
use std::time::Duration;

use framebus::{Subscriber, SubscriberBuilder};

use crate::error::CliError;
use crate::peer::{Measured, Painter};
use crate::progress::Progress;
use crate::rate::Fps;
use crate::table::{grouped, table, time};
use crate::verbs::painter::WAITS;
use crate::work::{self, Touch};

/// What is touched of a frame where the way is measured, not the work.
const LITTLE: Touch = Touch::Bytes(64);
/// A small and a large picture: what a frame costs should not know its size.
const SIZES: [(u32, u32); 2] = [(64, 64), (3840, 2160)];
/// How many subscribers look on while publishing is measured.
const SUBSCRIBERS: [usize; 4] = [0, 1, 8, 64];
/// Lines of all tables: three waits with two touches and two sizes, and the subscribers.
const PARTS: u64 = 3 * 2 + 3 * 2 + SUBSCRIBERS.len() as u64;
/// Frames published for each of them.
const PUBLISHED: u64 = 20_000;
/// Where `spin` stands in [`WAITS`].
const SPIN: usize = 0;

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run every part for a moment only, to see that it works
    #[arg(long)]
    pub once: bool,
}

/// Runs the benchmark.
///
/// # Errors
/// When a frame was wrong, or the processes cannot talk to each other.
pub fn run(args: &Args) -> Result<(), CliError> {
    let mut bench = Bench {
        painter: Painter::start()?,
        time: Duration::from_millis(if args.once { 20 } else { 1000 }),
        published: if args.once { 100 } else { PUBLISHED },
        progress: Progress::parts("bench", PARTS),
        streams: 0,
        wrong: 0,
    };
    let mut text = bench.round_trips()?;
    text += "\n";
    text += &bench.streams()?;
    text += "\n";
    text += &bench.costs()?;
    let wrong = bench.wrong;
    drop(bench);
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .map_err(CliError::io("cannot write -"))?;
    match wrong {
        0 => Ok(()),
        wrong => Err(CliError::WrongFrames(wrong)),
    }
}

struct Bench {
    painter: Painter,
    time: Duration,
    published: u64,
    progress: Progress,
    streams: u32,
    wrong: u64,
}

impl Bench {
    /// A stream of a name that was not used before, and what it takes to connect to it.
    fn open(
        &mut self,
        size: (u32, u32),
        wait: usize,
        lossless: bool,
    ) -> Result<SubscriberBuilder, CliError> {
        self.progress.tick();
        self.streams += 1;
        let name = self.name();
        self.painter.open(&name, size, wait, lossless)
    }

    /// The name of the stream opened last.
    fn name(&self) -> String {
        format!("bench/{}/{}", std::process::id(), self.streams)
    }

    fn round_trips(&mut self) -> Result<String, CliError> {
        let mut rows = Vec::new();
        for touch in [LITTLE, Touch::All] {
            for (wait, (_, label)) in WAITS.iter().enumerate() {
                let mut subscriber = self.open(work::SIZE, wait, false)?.connect()?;
                let layout = work::layout(work::SIZE)?;
                let work = (Fps::Max, self.time, touch);
                let measured = self.painter.requests(&mut subscriber, &layout, work)?;
                rows.push(self.row(format!("{} {label}", words(touch)), measured));
            }
        }
        let heading = ["request/reply, 500x300 BGRA", "p50", "p99", "frames/s"];
        Ok(table(&heading, &rows))
    }

    fn streams(&mut self) -> Result<String, CliError> {
        let mut rows = Vec::new();
        for size in SIZES {
            for (wait, (_, label)) in WAITS.iter().enumerate() {
                let builder = self.open(size, wait, true)?;
                let mut subscriber = builder.queue(8).lossless().connect()?;
                let layout = work::layout(size)?;
                let work = (Fps::Max, self.time, LITTLE);
                let measured = self.painter.stream(&mut subscriber, &layout, work)?;
                rows.push(self.row(format!("{}x{} {label}", size.0, size.1), measured));
            }
        }
        let heading = [
            "stream, 64 bytes touched, none lost",
            "p50",
            "p99",
            "frames/s",
        ];
        Ok(table(&heading, &rows))
    }

    fn costs(&mut self) -> Result<String, CliError> {
        let mut rows = Vec::new();
        for count in SUBSCRIBERS {
            self.open(work::SIZE, SPIN, false)?;
            let name = self.name();
            let subscribers = (0..count)
                .map(|_| Subscriber::connect(&name))
                .collect::<Result<Vec<_>, _>>()?;
            let each = self.painter.cost(self.published, LITTLE)?;
            drop(subscribers);
            let nanos = u64::try_from(each.as_nanos()).unwrap_or(u64::MAX);
            rows.push(vec![count.to_string(), time(nanos)]);
        }
        let heading = ["subscribers that do not wait", "a frame published"];
        Ok(table(&heading, &rows))
    }

    fn row(&mut self, label: String, mut measured: Measured) -> Vec<String> {
        self.wrong += measured.wrong;
        let mut percentile = |percent| {
            let nanos = measured.times.percentile(percent);
            nanos.map_or_else(|| "-".to_owned(), time)
        };
        let (p50, p99) = (percentile(50.0), percentile(99.0));
        vec![label, p50, p99, grouped(measured.fps() as u64)]
    }
}

fn words(touch: Touch) -> String {
    match touch {
        Touch::All => "every byte,".to_owned(),
        Touch::Bytes(count) => format!("{count} bytes,"),
    }
}
