//! YUV4MPEG2 streams: the uncompressed video that ffmpeg and its kin pass through pipes.
//!
//! A stream is one header line (`YUV4MPEG2 W1280 H720 F60:1 Ip A1:1 C420jpeg`), then per frame a
//! line `FRAME` and the planes, rows packed without padding, chroma sizes rounded up. That is
//! exactly [`FrameLayout::packed`], so frames are read straight into the memory that subscribers
//! will see. Tags as ffmpeg's `yuv4mpegpipe` muxer writes them and its demuxer reads them.

mod error;
mod reader;
mod writer;

use std::fmt;

use framebus_frame::{Extent, FrameLayout, PixelFormat};

use crate::rate::FrameRate;

pub use error::Y4mError;
pub use reader::Reader;
pub(crate) use reader::read_full;
pub use writer::Writer;

/// The first word of every stream.
const MAGIC: &str = "YUV4MPEG2";
/// The first word of every frame.
const FRAME: &str = "FRAME";
/// The longest header line taken. ffmpeg's own reader stops at about a hundred bytes; comments
/// (X tags) of other writers are longer.
const MAX_LINE: usize = 1024;

/// How a stream stores colour: its `C` tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chroma {
    /// `420jpeg`, also what a stream without any `C` tag means: chroma between the pixels.
    C420Jpeg,
    /// `420mpeg2`: chroma on the left pixel column.
    C420Mpeg2,
    /// `420paldv`: chroma on the top left pixel.
    C420Paldv,
    /// `420`: chroma position not said.
    C420,
    /// `422`.
    C422,
    /// `444`.
    C444,
    /// `mono`: luma only.
    Mono,
    /// `mono16`: luma only, 16 bits little-endian.
    Mono16,
}

impl Chroma {
    /// All that are understood.
    pub const ALL: [Self; 8] = [
        Self::C420Jpeg,
        Self::C420Mpeg2,
        Self::C420Paldv,
        Self::C420,
        Self::C422,
        Self::C444,
        Self::Mono,
        Self::Mono16,
    ];

    /// The text after the `C`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::C420Jpeg => "420jpeg",
            Self::C420Mpeg2 => "420mpeg2",
            Self::C420Paldv => "420paldv",
            Self::C420 => "420",
            Self::C422 => "422",
            Self::C444 => "444",
            Self::Mono => "mono",
            Self::Mono16 => "mono16",
        }
    }

    /// The meaning of a tag.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|chroma| chroma.tag() == tag)
    }

    /// The pixel format with the same bytes.
    pub fn format(self) -> PixelFormat {
        match self {
            Self::C420Jpeg | Self::C420Mpeg2 | Self::C420Paldv | Self::C420 => PixelFormat::I420,
            Self::C422 => PixelFormat::I422,
            Self::C444 => PixelFormat::I444,
            Self::Mono => PixelFormat::Gray8,
            Self::Mono16 => PixelFormat::Gray16Le,
        }
    }

    /// The tag for frames of `format`, when y4m can carry them as they are.
    pub fn from_format(format: PixelFormat) -> Option<Self> {
        match format {
            PixelFormat::I420 => Some(Self::C420Jpeg),
            PixelFormat::I422 => Some(Self::C422),
            PixelFormat::I444 => Some(Self::C444),
            PixelFormat::Gray8 => Some(Self::Mono),
            PixelFormat::Gray16Le => Some(Self::Mono16),
            _ => None,
        }
    }
}

/// How fields are interlaced: the `I` tag. Frames are passed on whole either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Interlace {
    /// `?`, or no tag.
    #[default]
    Unknown,
    /// `p`.
    Progressive,
    /// `t`: the top field is older.
    TopFirst,
    /// `b`: the bottom field is older.
    BottomFirst,
    /// `m`: it differs from frame to frame.
    Mixed,
}

impl Interlace {
    /// The letter after the `I`.
    pub fn letter(self) -> char {
        match self {
            Self::Unknown => '?',
            Self::Progressive => 'p',
            Self::TopFirst => 't',
            Self::BottomFirst => 'b',
            Self::Mixed => 'm',
        }
    }

    fn from_tag(tag: &str) -> Option<Self> {
        [
            Self::Unknown,
            Self::Progressive,
            Self::TopFirst,
            Self::BottomFirst,
            Self::Mixed,
        ]
        .into_iter()
        .find(|interlace| tag.chars().eq([interlace.letter()]))
    }
}

/// Whether luma uses all code values: ffmpeg's `XCOLORRANGE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Range {
    /// 16 to 235.
    Limited,
    /// 0 to 255.
    Full,
}

/// What the first line of a stream says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The size of every frame.
    pub extent: Extent,
    /// Frames per second; a stream may leave it open (`F0:0`).
    pub rate: Option<FrameRate>,
    /// How fields are interlaced.
    pub interlace: Interlace,
    /// Width and height of one pixel; `0:0` is unknown.
    pub aspect: (u32, u32),
    /// How colour is stored.
    pub chroma: Chroma,
    /// Whether luma uses all code values, when the stream says so.
    pub range: Option<Range>,
}

impl Header {
    /// The header of a progressive stream with square pixels and nothing said about its range.
    pub fn new(extent: Extent, rate: Option<FrameRate>, chroma: Chroma) -> Self {
        Self {
            extent,
            rate,
            interlace: Interlace::Progressive,
            aspect: (1, 1),
            chroma,
            range: None,
        }
    }

    /// The bytes of one frame.
    pub fn layout(&self) -> Result<FrameLayout, Y4mError> {
        FrameLayout::packed(self.chroma.format(), self.extent).map_err(Y4mError::Layout)
    }

    /// Reads the first line, without its line end.
    pub fn parse(line: &[u8]) -> Result<Self, Y4mError> {
        let text = std::str::from_utf8(line).map_err(|_| Y4mError::not_y4m(line))?;
        let mut words = text.split(' ');
        if words.next() != Some(MAGIC) {
            return Err(Y4mError::not_y4m(line));
        }
        let mut tags = Tags::default();
        for word in words.filter(|word| !word.is_empty()) {
            tags.take(word)?;
        }
        let width = tags.width.ok_or(Y4mError::Missing("W"))?;
        let height = tags.height.ok_or(Y4mError::Missing("H"))?;
        Ok(Self {
            extent: Extent::new(width, height).map_err(Y4mError::Layout)?,
            rate: tags.rate,
            interlace: tags.interlace,
            aspect: tags.aspect,
            chroma: tags.chroma.unwrap_or(Chroma::C420Jpeg),
            range: tags.range,
        })
    }
}

/// The tags of a header line, in whatever order they come.
#[derive(Default)]
struct Tags {
    width: Option<u32>,
    height: Option<u32>,
    rate: Option<FrameRate>,
    interlace: Interlace,
    aspect: (u32, u32),
    chroma: Option<Chroma>,
    range: Option<Range>,
}

impl Tags {
    fn take(&mut self, word: &str) -> Result<(), Y4mError> {
        let bad = || Y4mError::BadTag(word.to_owned());
        let (tag, value) = word.split_at_checked(1).ok_or_else(bad)?;
        match tag {
            "W" => self.width = Some(value.parse().map_err(|_| bad())?),
            "H" => self.height = Some(value.parse().map_err(|_| bad())?),
            "F" => self.rate = parse_rate(value).ok_or_else(bad)?,
            "I" => self.interlace = Interlace::from_tag(value).ok_or_else(bad)?,
            "A" => self.aspect = parse_pair(value).ok_or_else(bad)?,
            "C" => {
                let unknown = || Y4mError::UnknownChroma(value.to_owned());
                self.chroma = Some(Chroma::from_tag(value).ok_or_else(unknown)?);
            }
            "X" => match value {
                "COLORRANGE=FULL" => self.range = Some(Range::Full),
                "COLORRANGE=LIMITED" => self.range = Some(Range::Limited),
                // Everything else behind an X is a comment.
                _ => {}
            },
            _ => return Err(bad()),
        }
        Ok(())
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (num, den) = self.rate.map_or((0, 0), |rate| (rate.num(), rate.den()));
        write!(
            f,
            "{MAGIC} W{} H{} F{num}:{den} I{} A{}:{} C{}",
            self.extent.width(),
            self.extent.height(),
            self.interlace.letter(),
            self.aspect.0,
            self.aspect.1,
            self.chroma.tag()
        )?;
        match self.range {
            Some(Range::Full) => f.write_str(" XCOLORRANGE=FULL"),
            Some(Range::Limited) => f.write_str(" XCOLORRANGE=LIMITED"),
            None => Ok(()),
        }
    }
}

fn parse_pair(value: &str) -> Option<(u32, u32)> {
    let (left, right) = value.split_once(':')?;
    Some((left.parse().ok()?, right.parse().ok()?))
}

/// `Some(None)` is the rate that a stream leaves open.
fn parse_rate(value: &str) -> Option<Option<FrameRate>> {
    match parse_pair(value)? {
        (0, 0) => Some(None),
        (num, den) => FrameRate::new(num, den).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Header, Y4mError> {
        Header::parse(line.as_bytes())
    }

    #[test]
    fn what_ffmpeg_writes_is_understood() {
        let header =
            parse("YUV4MPEG2 W1280 H720 F60:1 Ip A1:1 C420jpeg XYSCSS=420JPEG XCOLORRANGE=LIMITED")
                .expect("a header");
        assert_eq!((header.extent.width(), header.extent.height()), (1280, 720));
        assert_eq!(header.rate, FrameRate::new(60, 1));
        assert_eq!(header.interlace, Interlace::Progressive);
        assert_eq!(header.aspect, (1, 1));
        assert_eq!(header.chroma, Chroma::C420Jpeg);
        assert_eq!(header.range, Some(Range::Limited));
        let layout = header.layout().expect("fits");
        assert_eq!(layout.byte_len(), 1280 * 720 * 3 / 2);
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let header = parse("YUV4MPEG2 H3 W5").expect("a header");
        assert_eq!(header.chroma, Chroma::C420Jpeg);
        assert_eq!(header.rate, None);
        // 5x3 luma and two planes of 3x2.
        assert_eq!(header.layout().expect("fits").byte_len(), 15 + 6 + 6);
    }

    #[test]
    fn every_wrong_header_names_its_value() {
        for (line, part) in [
            ("", "YUV4MPEG2"),
            ("RIFF....AVI", "RIFF"),
            ("YUV4MPEG2 W2", "H"),
            ("YUV4MPEG2 H2", "W"),
            ("YUV4MPEG2 W0 H7", "0x7"),
            ("YUV4MPEG2 W70000 H70000", "70000"),
            ("YUV4MPEG2 W-2 H2", "W-2"),
            ("YUV4MPEG2 W99999999999 H2", "W99999999999"),
            ("YUV4MPEG2 W2 H2 F60", "F60"),
            ("YUV4MPEG2 W2 H2 F1:0", "F1:0"),
            ("YUV4MPEG2 W2 H2 Iq", "Iq"),
            ("YUV4MPEG2 W2 H2 A1", "A1"),
            ("YUV4MPEG2 W2 H2 C420p10", "420p10"),
            ("YUV4MPEG2 W2 H2 C", "\"\""),
            ("YUV4MPEG2 W2 H2 Q9", "Q9"),
            ("YUV4MPEG2 W2 H2 \u{e9}", "\u{e9}"),
        ] {
            let error = parse(line).expect_err(line).to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn a_header_reads_back_as_written() {
        for chroma in Chroma::ALL {
            let header = Header {
                extent: Extent::new(7, 9).expect("in range"),
                rate: FrameRate::new(30000, 1001),
                interlace: Interlace::TopFirst,
                aspect: (16, 15),
                chroma,
                range: Some(Range::Full),
            };
            assert_eq!(parse(&header.to_string()).expect("own header"), header);
        }
    }
}
