//! PNG files.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use framebus::{AlphaMode, PixelFormat};
use png::{BitDepth, ColorType, Compression};

use super::plain::{pack, to_rgba};
use super::{Output, Received, Sink};
use crate::error::{CliError, Place};

/// One PNG, or one for every frame.
#[derive(Debug)]
pub struct Pictures {
    target: Target,
    written: u64,
    samples: Vec<u8>,
}

/// Where pictures go.
#[derive(Debug)]
enum Target {
    One(Place),
    /// Everything before the number, its least number of digits, and everything behind it.
    Numbered {
        before: String,
        digits: usize,
        behind: String,
    },
}

impl Pictures {
    /// Takes a path, `-`, or a pattern with one `%d` or `%05d` that stands for the number of the
    /// picture, counted from 1. `%%` is a percent sign.
    ///
    /// # Errors
    /// When there is another or more than one `%`.
    pub fn new(pattern: &str) -> Result<Self, CliError> {
        Ok(Self {
            target: Target::parse(pattern)?,
            written: 0,
            samples: Vec::new(),
        })
    }
}

impl Target {
    fn parse(pattern: &str) -> Result<Self, CliError> {
        let bad = || {
            CliError::Usage(format!(
                "{pattern:?}: a pattern has one %d (or %05d and the like); %% is a percent sign"
            ))
        };
        let mut text = String::new();
        let mut number: Option<(String, usize)> = None;
        let mut rest = pattern;
        while let Some((before, behind)) = rest.split_once('%') {
            text.push_str(before);
            if let Some(behind) = behind.strip_prefix('%') {
                text.push('%');
                rest = behind;
                continue;
            }
            let (digits, behind) = behind.split_once('d').ok_or_else(bad)?;
            let digits = match digits.strip_prefix('0') {
                None if digits.is_empty() => 0,
                Some(count) if count.len() == 1 => count.parse().map_err(|_| bad())?,
                _ => return Err(bad()),
            };
            if number.is_some() {
                return Err(bad());
            }
            number = Some((std::mem::take(&mut text), digits));
            rest = behind;
        }
        text.push_str(rest);
        Ok(match number {
            None => Self::One(Place::new(&text)),
            Some((before, digits)) => Self::Numbered {
                before,
                digits,
                behind: text,
            },
        })
    }

    fn place(&self, number: u64) -> Place {
        match self {
            Self::One(place) => place.clone(),
            Self::Numbered {
                before,
                digits,
                behind,
            } => Place::Path(format!("{before}{number:0digits$}{behind}").into()),
        }
    }
}

impl Sink for Pictures {
    fn write(&mut self, frame: &Received) -> Result<(), CliError> {
        let place = self.target.place(self.written + 1);
        write_png(&place, frame, &mut self.samples)?;
        self.written += 1;
        Ok(())
    }

    fn room(&self) -> Option<u64> {
        match self.target {
            Target::One(_) => Some(1),
            Target::Numbered { .. } => None,
        }
    }
}

/// Writes one picture. A file appears under its name only when it is whole, so that a viewer
/// that watches the folder never sees half of one.
///
/// # Errors
/// When the frame cannot be converted or the file not be written.
pub fn write_png(place: &Place, frame: &Received, samples: &mut Vec<u8>) -> Result<(), CliError> {
    let (colour, depth) = fill_samples(frame, samples)?;
    match place {
        Place::Standard => {
            let mut output = Output::create(place)?;
            encode(&mut output.file, place, frame, (colour, depth), samples)?;
            output.flush()
        }
        Place::Path(path) => {
            let part = part_of(path);
            let result = File::create(&part)
                .map_err(CliError::io(format_args!("cannot write {place}")))
                .map(BufWriter::new)
                .and_then(|mut file| {
                    encode(&mut file, place, frame, (colour, depth), samples)?;
                    file.into_inner()
                        .map_err(|error| error.into_error())
                        .and_then(|_| std::fs::rename(&part, path))
                        .map_err(CliError::io(format_args!("cannot write {place}")))
                });
            if result.is_err() {
                // What is left of it helps nobody; that it cannot be removed matters less than
                // the error that is told.
                let _ = std::fs::remove_file(&part);
            }
            result
        }
    }
}

/// The name of a file that is being written: beside the final one, on the same file system.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Puts the samples in PNG's order: as they are where PNG has the same, else as RGB or RGBA.
fn fill_samples(
    frame: &Received,
    samples: &mut Vec<u8>,
) -> Result<(ColorType, BitDepth), CliError> {
    match frame.layout.format() {
        PixelFormat::Gray8 => {
            pack(frame, samples);
            Ok((ColorType::Grayscale, BitDepth::Eight))
        }
        PixelFormat::Gray16Le => {
            pack(frame, samples);
            // PNG stores the high byte first.
            samples.chunks_exact_mut(2).for_each(<[u8]>::reverse);
            Ok((ColorType::Grayscale, BitDepth::Sixteen))
        }
        PixelFormat::Rgb8 => {
            pack(frame, samples);
            Ok((ColorType::Rgb, BitDepth::Eight))
        }
        format => {
            to_rgba(frame, samples)?;
            if format.has_alpha() && frame.alpha != AlphaMode::Opaque {
                return Ok((ColorType::Rgba, BitDepth::Eight));
            }
            drop_alpha(samples);
            Ok((ColorType::Rgb, BitDepth::Eight))
        }
    }
}

/// Moves the first three of every four bytes together.
fn drop_alpha(samples: &mut Vec<u8>) {
    let pixels = samples.len() / 4;
    for pixel in 0..pixels {
        samples.copy_within(pixel * 4..pixel * 4 + 3, pixel * 3);
    }
    samples.truncate(pixels * 3);
}

fn encode(
    output: impl Write,
    place: &Place,
    frame: &Received,
    (colour, depth): (ColorType, BitDepth),
    samples: &[u8],
) -> Result<(), CliError> {
    let extent = frame.layout.extent();
    let mut encoder = png::Encoder::new(output, extent.width(), extent.height());
    encoder.set_color(colour);
    encoder.set_depth(depth);
    encoder.set_compression(Compression::Fast);
    encoder
        .write_header()
        .and_then(|mut writer| {
            writer.write_image_data(samples)?;
            writer.finish()
        })
        .map_err(|error| CliError::Png {
            place: place.clone(),
            error,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(pattern: &str, number: u64) -> String {
        let target = Target::parse(pattern).expect(pattern);
        target.place(number).to_string()
    }

    #[test]
    fn patterns_number_their_pictures() {
        assert_eq!(place("a.png", 7), "a.png");
        assert_eq!(place("a%d.png", 7), "a7.png");
        assert_eq!(place("a-%05d.png", 7), "a-00007.png");
        assert_eq!(place("100%%-%03d.png", 1234), "100%-1234.png");
        assert_eq!(place("100%%.png", 7), "100%.png");
    }

    #[test]
    fn wrong_patterns_are_refused() {
        for pattern in ["%", "%s.png", "%d%d.png", "%5d.png", "%0d", "%012d", "%-1d"] {
            let error = Target::parse(pattern).expect_err(pattern);
            assert!(error.to_string().contains(pattern), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn alpha_is_taken_out_in_place() {
        let mut samples = vec![1, 2, 3, 255, 4, 5, 6, 255];
        drop_alpha(&mut samples);
        assert_eq!(samples, [1, 2, 3, 4, 5, 6]);
    }
}
