//! What the command line says. Help texts, man pages and completions all come from here.

use std::fmt;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use framebus::{Extent, LayoutError, PixelFormat};

use crate::error::CliError;
use crate::verbs::{bench, demo, generate, ls, painter, publish, subscribe, top};

/// Pictures from process to process without a copy.
///
/// A publisher paints into memory that its subscribers already have mapped; a wake says that the
/// picture is there. Streams are found by their names.
#[derive(Debug, Parser)]
#[command(name = "framebus", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  framebus demo
  framebus pub cam --size 1920x1080 --fps 60
  framebus sub cam --png picture.png
  ffmpeg -i in.mp4 -f yuv4mpegpipe - | framebus pub film --y4m -
  framebus sub film --y4m - | ffmpeg -i - out.mp4";

/// One verb each.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// See it work: two processes, every pixel checked, compared with a pipe
    ///
    /// A painter process is started. Pictures of 500x300 pixels in BGRA are requested from it,
    /// each with some bytes that it is painted from, then received as a stream, then both again
    /// through a pipe with copies. Exits with an error when one pixel was wrong.
    Demo(demo::Args),
    /// Publish a test pattern, images or video
    ///
    /// Pictures are painted or read straight into the memory that subscribers see. Ends when the
    /// input ends; a test pattern or an image stays until Ctrl-C. A recorder learns the rate from
    /// the metadata of the frames, where it is noted as `fps=60/1`; a frame that was asked for
    /// has the bytes of its request there.
    Pub(publish::Args),
    /// Receive a stream: write PNG, y4m or raw video, or count
    ///
    /// Ends with the stream, at --count, at Ctrl-C, or when the reader of the output goes away.
    Sub(subscribe::Args),
    /// List the streams that live now
    Ls(ls::Args),
    /// Watch the speed of the streams
    ///
    /// Subscribes to every stream and shows each second what arrived: frames and megapixels per
    /// second, the time from publishing to receiving, frames that were skipped because a newer
    /// one was there, and how often there was nothing to receive yet. Ends at Ctrl-C.
    Top(top::Args),
    /// Measure framebus on this machine
    ///
    /// Two processes: round trips, streams, and what publishing costs while others look on.
    Bench(bench::Args),
    /// Write man pages or shell completions
    Generate(generate::Args),
    /// The other process of `demo` and `bench`
    #[command(hide = true)]
    Painter(painter::Args),
}

impl Verb {
    /// Does it.
    ///
    /// # Errors
    /// Whatever ended it early.
    pub fn run(self) -> Result<(), CliError> {
        match self {
            Self::Demo(args) => demo::run(&args),
            Self::Pub(args) => publish::run(&args),
            Self::Sub(args) => subscribe::run(&args),
            Self::Ls(args) => ls::run(&args),
            Self::Top(args) => top::run(&args),
            Self::Bench(args) => bench::run(&args),
            Self::Generate(args) => generate::run(&args),
            Self::Painter(args) => painter::run(&args),
        }
    }
}

/// A size as people write it: `1280x720`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub Extent);

/// A text that is no size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseSizeError {
    /// Not two numbers with an `x` between them.
    Shape(String),
    /// Two numbers that no frame can have.
    Layout(LayoutError),
}

impl fmt::Display for ParseSizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(text) => write!(f, "{text:?} is no size: write WIDTHxHEIGHT, as 1280x720"),
            Self::Layout(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ParseSizeError {}

impl FromStr for Size {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, ParseSizeError> {
        let shape = || ParseSizeError::Shape(text.to_owned());
        let (width, height) = text.split_once('x').ok_or_else(shape)?;
        let width = width.parse().map_err(|_| shape())?;
        let height = height.parse().map_err(|_| shape())?;
        Extent::new(width, height)
            .map(Self)
            .map_err(ParseSizeError::Layout)
    }
}

/// Reads a pixel format by our name or by ffmpeg's; help and completions list ours.
pub fn format_parser() -> impl TypedValueParser<Value = PixelFormat> {
    let values = PixelFormat::ALL.iter().map(|format| {
        let value = PossibleValue::new(format.name());
        match format.ffmpeg_pix_fmt() {
            Some(alias) if alias != format.name() => value.alias(alias),
            _ => value,
        }
    });
    PossibleValuesParser::new(values)
        .try_map(|text| PixelFormat::from_ffmpeg_pix_fmt(&text).map_or_else(|| text.parse(), Ok))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_parse_or_name_what_is_wrong() {
        let size = "1280x720".parse::<Size>().expect("a size").0;
        assert_eq!((size.width(), size.height()), (1280, 720));
        for bad in ["0x0", "70000x70000", "1280", "x", "1x2x3", "-1x1", "axb"] {
            let error = bad.parse::<Size>().expect_err(bad).to_string();
            assert!(error.contains(bad), "{error}");
        }
    }

    #[test]
    fn formats_go_by_both_names() {
        let parse = |name: &str| {
            let args = ["framebus", "pub", "x", "--format", name];
            match Cli::try_parse_from(args).map(|cli| cli.verb) {
                Ok(Verb::Pub(args)) => Ok(args.format),
                Ok(verb) => panic!("{verb:?}"),
                Err(error) => Err(error.to_string()),
            }
        };
        for format in PixelFormat::ALL {
            assert_eq!(parse(format.name()), Ok(Some(*format)));
            if let Some(name) = format.ffmpeg_pix_fmt() {
                assert_eq!(parse(name), Ok(Some(*format)));
            }
        }
        assert!(parse("nv99").expect_err("unknown").contains("nv99"));
    }
}
