//! Frame rates as exact fractions, and the pace they set.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// What the note of a rate in the metadata of a frame starts with.
const METADATA_KEY: &str = "fps=";

/// Frames per second as a fraction, as video streams state it (30000/1001 is not 29.97).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameRate {
    num: NonZeroU32,
    den: NonZeroU32,
}

impl FrameRate {
    /// The fastest rate a person may ask for; beyond it `max` is the honest word.
    pub const FASTEST: u32 = 1_000_000;

    /// `num / den` frames per second, or nothing when either is zero or the rate is above
    /// [`FrameRate::FASTEST`].
    pub fn new(num: u32, den: u32) -> Option<Self> {
        let rate = Self {
            num: NonZeroU32::new(num)?,
            den: NonZeroU32::new(den)?,
        };
        (rate.per_second() <= f64::from(Self::FASTEST)).then_some(rate)
    }

    /// The rate nearest to a time between two frames: a common one when it is within 3 %,
    /// otherwise in thousandths.
    pub fn from_interval(interval: Duration) -> Option<Self> {
        const COMMON: [(u32, u32); 16] = [
            (1, 1),
            (5, 1),
            (10, 1),
            (15, 1),
            (20, 1),
            (24, 1),
            (25, 1),
            (30, 1),
            (50, 1),
            (60, 1),
            (90, 1),
            (100, 1),
            (120, 1),
            (144, 1),
            (240, 1),
            (500, 1),
        ];
        let seconds = interval.as_secs_f64();
        if seconds <= 0.0 {
            return None;
        }
        let measured = 1.0 / seconds;
        for (num, den) in COMMON {
            let common = f64::from(num) / f64::from(den);
            if (measured / common - 1.0).abs() < 0.03 {
                return Self::new(num, den);
            }
        }
        let thousandths = (measured * 1000.0).round();
        if (1.0..=f64::from(u32::MAX)).contains(&thousandths) {
            Self::new(thousandths as u32, 1000)
        } else {
            None
        }
    }

    /// The rate as `pub` notes it in the metadata of its frames: `fps=30000/1001`.
    ///
    /// Streams have no rate of their own, but a recorder must write one in its file.
    pub fn to_metadata(self) -> Vec<u8> {
        format!("{METADATA_KEY}{}/{}", self.num, self.den).into_bytes()
    }

    /// The rate in the metadata of a frame, if it is such a note.
    pub fn from_metadata(metadata: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(metadata).ok()?;
        let (num, den) = text.strip_prefix(METADATA_KEY)?.split_once('/')?;
        Self::new(num.parse().ok()?, den.parse().ok()?)
    }

    /// The rate of frames that were published at `times` (nanoseconds): the median of what lies
    /// between them, so that one late frame does not matter.
    pub fn measured(times: &[u64]) -> Option<Self> {
        let mut gaps: Vec<u64> = times
            .windows(2)
            .map(|pair| pair[1].saturating_sub(pair[0]))
            .collect();
        gaps.sort_unstable();
        let median = gaps.get(gaps.len() / 2)?;
        Self::from_interval(Duration::from_nanos(*median))
    }

    /// The numerator.
    pub fn num(self) -> u32 {
        self.num.get()
    }

    /// The denominator.
    pub fn den(self) -> u32 {
        self.den.get()
    }

    /// Frames per second, rounded to what a double holds.
    pub fn per_second(self) -> f64 {
        f64::from(self.num.get()) / f64::from(self.den.get())
    }

    /// When frame `index` is due, counted from the first one. Exact for every index: rounding
    /// errors do not add up.
    pub fn time_of(self, index: u64) -> Duration {
        let nanos =
            u128::from(index) * u128::from(self.den.get()) * 1_000_000_000 / u128::from(self.num());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den.get() == 1 {
            write!(f, "{}", self.num)
        } else {
            write!(f, "{}/{}", self.num, self.den)
        }
    }
}

/// A text that is no frame rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseRateError {
    text: String,
}

impl fmt::Display for ParseRateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no frame rate: give a number above 0 and up to {} such as 60, 29.97 or 30000/1001",
            self.text,
            FrameRate::FASTEST
        )
    }
}

impl std::error::Error for ParseRateError {}

impl FromStr for FrameRate {
    type Err = ParseRateError;

    fn from_str(text: &str) -> Result<Self, ParseRateError> {
        let bad = || ParseRateError {
            text: text.to_owned(),
        };
        if let Some((num, den)) = text.split_once(['/', ':']) {
            let num = num.parse().map_err(|_| bad())?;
            let den = den.parse().map_err(|_| bad())?;
            return Self::new(num, den).ok_or_else(bad);
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 6 {
            return Err(bad());
        }
        let den = 10_u32.pow(u32::try_from(fraction.len()).map_err(|_| bad())?);
        let num = format!("{whole}{fraction}").parse().map_err(|_| bad())?;
        Self::new(num, den).ok_or_else(bad)
    }
}

/// What `--fps` says: a rate, or as fast as it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fps {
    /// Paced.
    Rate(FrameRate),
    /// Not paced.
    Max,
}

impl fmt::Display for Fps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => write!(f, "{rate}"),
            Self::Max => f.write_str("max"),
        }
    }
}

impl FromStr for Fps {
    type Err = ParseRateError;

    fn from_str(text: &str) -> Result<Self, ParseRateError> {
        match text {
            "max" => Ok(Self::Max),
            _ => text.parse().map(Self::Rate),
        }
    }
}

/// Tells when the next frame is due.
#[derive(Debug)]
pub struct Pace {
    rate: Option<FrameRate>,
    start: Instant,
    index: u64,
}

impl Pace {
    /// How late a pace may be before it stops trying to catch up and starts anew.
    const MOST_LATE: Duration = Duration::from_millis(250);

    /// A pace whose first frame is due at once.
    pub fn new(fps: Fps) -> Self {
        Self {
            rate: match fps {
                Fps::Rate(rate) => Some(rate),
                Fps::Max => None,
            },
            start: Instant::now(),
            index: 0,
        }
    }

    /// When the next frame is due: nothing when it is due already.
    ///
    /// A source that fell far behind (a pipe that stalled) goes on from now instead of
    /// hurrying through what it missed.
    pub fn next_due(&mut self) -> Option<Instant> {
        let rate = self.rate?;
        let now = Instant::now();
        let Some(due) = self.start.checked_add(rate.time_of(self.index)) else {
            self.start = now;
            self.index = 1;
            return None;
        };
        self.index += 1;
        if due > now {
            return Some(due);
        }
        if now.duration_since(due) > Self::MOST_LATE {
            self.start = now;
            self.index = 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_parse_in_three_spellings() {
        let parse = |text: &str| text.parse::<FrameRate>().map(|r| (r.num(), r.den()));
        assert_eq!(parse("60"), Ok((60, 1)));
        assert_eq!(parse("29.97"), Ok((2997, 100)));
        assert_eq!(parse("30000/1001"), Ok((30000, 1001)));
        assert_eq!(parse("30000:1001"), Ok((30000, 1001)));
        for bad in [
            "", "0", "-1", "1/0", "0/1", ".", "x", "1e3", "9999999", "1/2/3",
        ] {
            let error = bad.parse::<FrameRate>().expect_err(bad);
            assert!(error.to_string().contains(&format!("{bad:?}")));
        }
        assert_eq!("max".parse::<Fps>(), Ok(Fps::Max));
    }

    #[test]
    fn intervals_snap_to_common_rates() {
        let rate = |ns| FrameRate::from_interval(Duration::from_nanos(ns)).map(|r| r.to_string());
        assert_eq!(rate(16_683_000).as_deref(), Some("60"));
        assert_eq!(rate(40_100_000).as_deref(), Some("25"));
        assert_eq!(rate(13_333_333).as_deref(), Some("75000/1000"));
        assert_eq!(rate(0), None);
    }

    #[test]
    fn rates_travel_in_metadata() {
        let ntsc = FrameRate::new(30000, 1001);
        let note = ntsc.expect("a rate").to_metadata();
        assert_eq!(note, b"fps=30000/1001");
        assert_eq!(FrameRate::from_metadata(&note), ntsc);
        for other in [&b""[..], b"fps=", b"fps=1", b"fps=1/0", b"FPS=1/1", b"\xff"] {
            assert_eq!(FrameRate::from_metadata(other), None);
        }
    }

    #[test]
    fn one_late_frame_does_not_change_the_measured_rate() {
        let ms = |times: &[u64]| -> Vec<u64> { times.iter().map(|t| t * 1_000_000).collect() };
        let rate = FrameRate::measured(&ms(&[0, 40, 80, 190, 200, 240]));
        assert_eq!(rate, FrameRate::new(25, 1));
        assert_eq!(FrameRate::measured(&ms(&[5])), None);
        assert_eq!(FrameRate::measured(&[]), None);
    }

    #[test]
    fn due_times_do_not_drift() {
        let ntsc = FrameRate::new(30000, 1001).expect("a rate");
        assert_eq!(ntsc.time_of(30000), Duration::from_secs(1001));
        assert_eq!(ntsc.time_of(0), Duration::ZERO);
    }

    #[test]
    fn an_unpaced_source_never_waits() {
        let mut pace = Pace::new(Fps::Max);
        assert!((0..100).all(|_| pace.next_due().is_none()));
    }
}
