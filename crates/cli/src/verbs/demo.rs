//! `demo`: see it work.
//!
//! A painter process and one that wants pictures do the same work over framebus and over a pipe,
//! and every pixel is checked.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use console::Term;
use framebus::{AlphaMode, Colour, FrameLayout, Subscriber};

use crate::error::{CliError, Place};
use crate::peer::{Measured, Painter};
use crate::preview::half_blocks;
use crate::progress::Progress;
use crate::rate::Fps;
use crate::sink::{Received, to_rgba, write_png};
use crate::table::{grouped, table, time};
use crate::verbs::painter::WAITS;
use crate::work::{self, Touch};

/// The rate of the paced parts.
const PACED: &str = "500";
/// Where `adaptive`, the default, stands in [`WAITS`].
const ADAPTIVE: usize = 1;
/// Lines of the table.
const PARTS: u64 = 8;
/// The longest queue, so that a receiver that was not scheduled for a while misses nothing.
const QUEUE: u32 = 8;
/// The most terminal cells that the picture takes.
const PREVIEW: (u16, u16) = (72, 22);

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to write the picture
    #[arg(long, value_name = "FILE", default_value = "framebus-demo.png")]
    pub png: PathBuf,
    /// How long each of the eight parts takes
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=3)
    )]
    pub seconds: u64,
}

/// One line of the table.
struct Part {
    label: &'static str,
    measured: Measured,
    /// How often the bytes of a frame are copied on their way.
    copies: u64,
}

/// Runs the demo.
///
/// # Errors
/// When a frame was wrong, or the processes cannot talk to each other.
pub fn run(args: &Args) -> Result<(), CliError> {
    let layout = work::layout(work::SIZE)?;
    let mut parts = Vec::new();
    work_through(args, &layout, &mut parts)?;

    show_picture(args, &layout, &parts)?;
    let mut out = std::io::stdout().lock();
    let wrong: u64 = parts.iter().map(|part| part.measured.wrong).sum();
    let frames: u64 = parts.iter().map(|part| part.measured.frames).sum();
    write!(out, "\n{}", report(&layout, &mut parts)).map_err(CliError::io("cannot write -"))?;
    writeln!(
        out,
        "\nEvery pixel of {} frames was checked: {}. The picture is in {}.",
        grouped(frames),
        if wrong == 0 {
            "all were right".to_owned()
        } else {
            format!("{} frames were WRONG", grouped(wrong))
        },
        args.png.display()
    )
    .map_err(CliError::io("cannot write -"))?;
    match wrong {
        0 => Ok(()),
        wrong => Err(CliError::WrongFrames(wrong)),
    }
}

/// All parts, in the order of the table.
fn work_through(args: &Args, layout: &FrameLayout, parts: &mut Vec<Part>) -> Result<(), CliError> {
    let time = Duration::from_secs(args.seconds);
    let paced: Fps = PACED
        .parse()
        .map_err(|error| CliError::Usage(format!("{error}")))?;
    let progress = Progress::parts("demo", PARTS);
    let mut painter = Painter::start()?;
    let mut add = |label, copies, measured| {
        progress.tick();
        parts.push(Part {
            label,
            measured,
            copies,
        });
    };

    let name = |what: &str| format!("demo/{}/{what}", std::process::id());
    let builder = painter.open(&name("requests"), work::SIZE, ADAPTIVE, false)?;
    let mut subscriber = builder.connect()?;
    for (label, fps) in [
        ("request/reply, 500 a second", paced),
        ("request/reply, back to back", Fps::Max),
    ] {
        let work = (fps, time, Touch::All);
        add(label, 0, painter.requests(&mut subscriber, layout, work)?);
    }
    drop(subscriber);

    let builder = painter.open(&name("stream"), work::SIZE, ADAPTIVE, true)?;
    let mut subscriber: Subscriber = builder.queue(QUEUE).lossless().connect()?;
    for (label, fps) in [
        ("stream, 500 a second", paced),
        ("stream, as fast as it goes", Fps::Max),
    ] {
        let work = (fps, time, Touch::All);
        add(label, 0, painter.stream(&mut subscriber, layout, work)?);
    }
    drop(subscriber);

    // Through a pipe every byte is copied into the kernel and out again.
    add(
        "pipe request/reply, 500 a second",
        2,
        painter.pipe_requests((paced, time))?,
    );
    add(
        "pipe request/reply, back to back",
        2,
        painter.pipe_requests((Fps::Max, time))?,
    );
    add(
        "pipe stream, 500 a second",
        2,
        painter.pipe_stream(paced, time)?,
    );
    add(
        "pipe stream, as fast as it goes",
        2,
        painter.pipe_stream(Fps::Max, time)?,
    );
    Ok(())
}

fn report(layout: &FrameLayout, parts: &mut [Part]) -> String {
    let rows: Vec<Vec<String>> = parts
        .iter_mut()
        .map(|part| {
            let measured = &mut part.measured;
            let mut percentile = |percent| {
                let nanos = measured.times.percentile(percent);
                nanos.map_or("-".to_owned(), time)
            };
            vec![
                part.label.to_owned(),
                percentile(50.0),
                percentile(99.0),
                format!("{:.0}", measured.fps()),
                format!("{:.2} s", measured.cpu_per_10_000()),
                grouped(part.copies * layout.byte_len()),
                grouped(measured.frames),
                grouped(measured.wrong),
            ]
        })
        .collect();
    let heading = [
        "500x300 BGRA, two processes",
        "p50",
        "p99",
        "frames/s",
        "CPU/10,000",
        "bytes copied/frame",
        "frames",
        "wrong",
    ];
    format!(
        "{}\np50 and p99: from asking (or publishing) to having the frame; waiting is {}.\n\
         CPU: both processes, painting and checking every pixel included.\n",
        table(&heading, &rows),
        WAITS[ADAPTIVE].1
    )
}

/// Draws a received frame on a terminal, and writes it as PNG.
fn show_picture(args: &Args, layout: &FrameLayout, parts: &[Part]) -> Result<(), CliError> {
    let Some(part) = parts.iter().find(|part| !part.measured.last.is_empty()) else {
        return Ok(());
    };
    let frame = Received {
        layout: *layout,
        colour: Colour::SRGB,
        alpha: AlphaMode::Opaque,
        pixels: part.measured.last.clone(),
    };
    let place = Place::Path(args.png.clone());
    let mut samples = Vec::new();
    write_png(&place, &frame, &mut samples)?;
    if std::io::stdout().is_terminal() {
        let (rows, columns) = Term::stdout().size();
        to_rgba(&frame, &mut samples)?;
        let picture = half_blocks(
            layout.extent(),
            &samples,
            columns.min(PREVIEW.0).into(),
            rows.min(PREVIEW.1).into(),
        );
        let mut out = std::io::stdout().lock();
        write!(out, "{picture}").map_err(CliError::io("cannot write -"))?;
    }
    Ok(())
}
