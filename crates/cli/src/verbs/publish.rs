//! `pub`: pictures from somewhere become a stream.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::ArgGroup;
use framebus::{Answered, Extent, FrameLayout, PixelFormat, Publisher, Request};

use crate::args::{Size, format_parser};
use crate::error::{CliError, Place};
use crate::progress::Progress;
use crate::rate::{Fps, FrameRate, Pace};
use crate::signals;
use crate::source::{Details, Images, Moving, Raw, Source, Video};
use crate::summary::Summary;

/// How long a lossless stream waits for a subscriber that does not take its frames.
const PATIENCE: Duration = Duration::from_secs(10);
/// The size of the test pattern when none is asked for.
const DEFAULT_SIZE: (u32, u32) = (1280, 720);
/// The rate of the test pattern when none is asked for.
const DEFAULT_PATTERN_FPS: u32 = 60;
/// The rate of a folder of images when none is asked for: slides, not a film.
const DEFAULT_IMAGE_FPS: u32 = 1;

/// The arguments.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("source").args(["pattern", "image", "y4m", "raw"]))]
pub struct Args {
    /// Name of the stream: letters, digits, `.`, `_`, `-`, with `/` between parts
    pub name: String,
    /// Publish a moving test pattern with frame number and time (this is the default)
    #[arg(long)]
    pub pattern: bool,
    /// Publish an image file, or all images of a folder in the order of their names
    #[arg(long, value_name = "FILE|DIR")]
    pub image: Option<PathBuf>,
    /// Publish y4m video; `-` is standard input
    #[arg(long, value_name = "FILE|-")]
    pub y4m: Option<Place>,
    /// Publish raw video of the given --size and --format; `-` is standard input
    #[arg(long, value_name = "FILE|-", requires_all = ["size", "format"])]
    pub raw: Option<Place>,
    /// Size of the test pattern or of raw video
    #[arg(long, value_name = "WxH", conflicts_with_all = ["image", "y4m"])]
    pub size: Option<Size>,
    /// Pixel format; ffmpeg's names are understood too
    #[arg(long, value_name = "FORMAT", value_parser = format_parser(), conflicts_with = "y4m")]
    pub format: Option<PixelFormat>,
    /// Frames per second, or `max` for as fast as it goes. A test pattern has 60, a folder of
    /// images 1, y4m what it says; raw video goes as fast as it comes
    #[arg(long, value_name = "N|max")]
    pub fps: Option<Fps>,
    /// End after this many frames
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Start again from the beginning when the input ends
    #[arg(long = "loop")]
    pub looping: bool,
    /// Paint only when a subscriber asks for a picture (`framebus sub --request`)
    #[arg(long)]
    pub on_demand: bool,
    /// Wait for lossless subscribers (recorders) instead of letting them miss frames
    #[arg(long, conflicts_with = "on_demand")]
    pub lossless: bool,
    /// Start when this many subscribers are there
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub subscribers: usize,
}

/// Publishes until the input ends, `--count` is reached or Ctrl-C.
///
/// # Errors
/// When the input is not what it should be, or the stream cannot be made.
pub fn run(args: &Args) -> Result<(), CliError> {
    signals::install()?;
    let source = match args.open() {
        // A pipe that had not even sent its header.
        Err(_) if signals::stopped() => {
            eprintln!("{}", Summary::new(&args.name, "published"));
            return Ok(());
        }
        source => source?,
    };
    let mut builder = Publisher::builder(&args.name);
    if args.lossless {
        builder = builder.lossless(PATIENCE);
    }
    let publisher = builder.create()?;
    let mut job = Job {
        note: args.rate(source.as_ref()).map(FrameRate::to_metadata),
        pace: Pace::new(args.pace(source.as_ref())),
        source,
        publisher,
        left: args.count,
        progress: Progress::new(&args.name, args.count),
        summary: Summary::new(&args.name, "published"),
    };
    let result = job.wait_subscribers(args.subscribers).and_then(|()| {
        if args.on_demand {
            job.answer()
        } else {
            job.stream()
        }
    });
    // What was published stays published, and is counted, whatever ended it.
    job.finish();
    match result {
        Err(_) if signals::stopped() => Ok(()),
        result => result,
    }
}

impl Args {
    fn open(&self) -> Result<Box<dyn Source>, CliError> {
        self.check()?;
        if let Some(path) = &self.image {
            let format = self.format.unwrap_or(PixelFormat::Rgba8);
            return Ok(Box::new(Images::open(path, format, self.looping)?));
        }
        if let Some(place) = &self.y4m {
            return Ok(Box::new(Video::open(place.clone(), self.looping)?));
        }
        let extent = match self.size {
            Some(size) => size.0,
            None => Extent::new(DEFAULT_SIZE.0, DEFAULT_SIZE.1)?,
        };
        let format = self.format.unwrap_or(PixelFormat::Bgra8);
        if let Some(place) = &self.raw {
            let layout = FrameLayout::packed(format, extent)?;
            let rate = match self.fps {
                Some(Fps::Rate(rate)) => Some(rate),
                _ => None,
            };
            let raw = Raw::open(place.clone(), layout, rate, self.looping)?;
            return Ok(Box::new(raw));
        }
        let layout = FrameLayout::with_default_stride(format, extent)?;
        Ok(Box::new(Moving::new(layout)?))
    }

    /// What the definitions of the arguments cannot say.
    fn check(&self) -> Result<(), CliError> {
        let standard = [&self.y4m, &self.raw].map(|place| *place == Some(Place::Standard));
        if self.looping && standard.contains(&true) {
            return Err(CliError::Usage(
                "--loop cannot start standard input again".into(),
            ));
        }
        Ok(())
    }

    /// How fast to publish.
    fn pace(&self, source: &dyn Source) -> Fps {
        self.fps
            .or_else(|| self.rate(source).map(Fps::Rate))
            .unwrap_or(Fps::Max)
    }

    /// How fast the frames are meant to be shown, which is not how fast they are published when
    /// that is `max`.
    fn rate(&self, source: &dyn Source) -> Option<FrameRate> {
        let usual = if self.image.is_some() {
            FrameRate::new(DEFAULT_IMAGE_FPS, 1)
        } else if self.y4m.is_some() || self.raw.is_some() {
            None
        } else {
            FrameRate::new(DEFAULT_PATTERN_FPS, 1)
        };
        match self.fps {
            Some(Fps::Rate(rate)) => Some(rate),
            Some(Fps::Max) => source.rate(),
            None => source.rate().or(usual),
        }
    }
}

/// Everything that publishing takes.
struct Job {
    source: Box<dyn Source>,
    publisher: Publisher,
    pace: Pace,
    /// The rate, for recorders.
    note: Option<Vec<u8>>,
    /// Frames still to come, when that was said.
    left: Option<u64>,
    progress: Progress,
    summary: Summary,
}

impl Job {
    fn wait_subscribers(&mut self, count: usize) -> Result<(), CliError> {
        while count > 0 && !signals::stopped() {
            if self
                .publisher
                .wait_subscribers(count, Some(signals::TICK))?
            {
                break;
            }
        }
        Ok(())
    }

    /// The layout of the next frame, when there is to be one.
    fn next(&mut self) -> Result<Option<FrameLayout>, CliError> {
        if signals::stopped() || self.left == Some(0) {
            return Ok(None);
        }
        self.source.next()
    }

    /// Frame after frame.
    fn stream(&mut self) -> Result<(), CliError> {
        while let Some(layout) = self.next()? {
            if let Some(due) = self.pace.next_due()
                && !signals::sleep_until(due)
            {
                break;
            }
            self.publish(&layout, None)?;
        }
        // A slide stays to be seen, and newcomers get it at once.
        while self.source.stays() && self.left.is_none() && signals::sleep(PATIENCE) {}
        self.drain()
    }

    /// Lets lossless subscribers take the last frames, as long as they move.
    fn drain(&mut self) -> Result<(), CliError> {
        let deadline = Instant::now() + PATIENCE;
        while !signals::stopped() && Instant::now() < deadline {
            if self.publisher.wait_drained(Some(signals::TICK))? {
                break;
            }
        }
        Ok(())
    }

    /// A frame for every request.
    fn answer(&mut self) -> Result<(), CliError> {
        let mut next = self.next()?;
        while let Some(layout) = next {
            match self.publisher.wait_request(Some(signals::TICK))? {
                Some(request) => {
                    self.publish(&layout, Some(request))?;
                    next = self.next()?;
                }
                None if signals::stopped() => break,
                None => {}
            }
        }
        Ok(())
    }

    /// Paints one frame in place and lets it go: to the one who asked, or to all.
    fn publish(&mut self, layout: &FrameLayout, request: Option<Request>) -> Result<(), CliError> {
        let mut frame = self.publisher.loan(layout)?;
        // Replies do not follow each other in one stream: what a slot still shows is not known.
        let age = if request.is_some() { 0 } else { frame.age() };
        let Details {
            damage,
            colour,
            alpha,
            source_time,
        } = self.source.paint(frame.bytes_mut(), age)?;
        frame.set_colour(colour);
        frame.set_alpha(alpha);
        if let Some((time, domain)) = source_time {
            frame.set_source_time(time, domain);
        }
        match request {
            Some(request) => {
                frame.set_metadata(request.bytes())?;
                if frame.reply(request) == Answered::Abandoned {
                    return Ok(());
                }
            }
            None => {
                frame.set_damage(damage);
                frame.set_metadata(self.note.as_deref().unwrap_or(&[]))?;
                frame.publish();
            }
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        self.summary.frame();
        self.progress.tick();
        Ok(())
    }

    /// Says what was done.
    fn finish(mut self) {
        let subscribers = self.publisher.subscriber_count();
        let plural = if subscribers == 1 { "" } else { "s" };
        self.summary
            .note(format!("{subscribers} subscriber{plural} now"));
        let stats = self.publisher.stats();
        if stats.waited > 0 {
            let waited = format!("waited {} times for recorders", stats.waited);
            self.summary.note(waited);
        }
        if stats.demoted > 0 {
            self.summary
                .note(format!("{} recorders were too slow", stats.demoted));
        }
        drop(self.progress);
        eprintln!("{}", self.summary);
    }
}
