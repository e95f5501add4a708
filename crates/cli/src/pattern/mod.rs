//! The moving test pattern: bars, a box on its way, the frame number and the time of day.
//!
//! Only what moves is painted anew. A slot that comes back still shows an older picture of the
//! same pattern, and the age of a loan says how old, so a 1080p frame costs about as much as its
//! text.

mod area;
mod bars;
mod text;

use std::time::{Duration, SystemTime};

use framebus_frame::convert;
use framebus_frame::{Colour, Damage, Extent, FrameLayout, LayoutError, Rect};

use crate::error::CliError;

use area::Picture;
use bars::{Bars, Rgba};

/// Every area is a multiple of these, so that it starts at a byte of its own in every format
/// (`Mono1` packs 8 pixels in a byte, subsampled and Bayer formats work in pairs of rows).
const GRID: (u32, u32) = (16, 2);
/// Rows converted at once when the bars are painted: on the grid, and little memory even for
/// the widest picture.
const STRIP: u32 = 64;
/// How many letters the text has: `#0000000 00:00:00.000`.
const TEXT_LEN: u32 = 21;
/// The colour of the box.
const ORANGE: Rgba = [255, 120, 0, 255];

/// A test pattern of one size and format.
#[derive(Debug)]
pub struct Pattern {
    layout: FrameLayout,
    colour: Colour,
    bars: Bars,
    /// The bars alone, in the format of the frames.
    still: Vec<u8>,
    text_area: Rect,
    text_scale: u32,
    /// Frames painted so far.
    index: u64,
    /// The part being painted, and the same in the format of the frames.
    rgba: Vec<u8>,
    converted: Vec<u8>,
}

impl Pattern {
    /// A pattern for frames of `layout`.
    pub fn new(layout: FrameLayout, colour: Colour) -> Result<Self, CliError> {
        let extent = layout.extent();
        let (text_area, text_scale) = text_area(extent);
        let mut pattern = Self {
            layout,
            colour,
            bars: Bars::new(extent),
            still: Vec::new(),
            text_area,
            text_scale,
            index: 0,
            rgba: Vec::new(),
            converted: Vec::new(),
        };
        let mut still = vec![0; to_usize(layout.byte_len())];
        for y in (0..extent.height()).step_by(STRIP as usize) {
            let strip = Rect::new(0, y, extent.width(), STRIP).clip(extent);
            pattern.draw(&mut still, strip, |_, _, bar| bar)?;
        }
        pattern.still = still;
        Ok(pattern)
    }

    /// The layout of every frame.
    pub fn layout(&self) -> &FrameLayout {
        &self.layout
    }

    /// Paints the next frame over `pixels`, which show what this pattern painted `age` frames
    /// ago (0: anything), and says what differs from the frame before it.
    ///
    /// `pixels` has exactly the bytes of [`Pattern::layout`].
    pub fn paint(
        &mut self,
        pixels: &mut [u8],
        age: u64,
        time: SystemTime,
    ) -> Result<Damage, CliError> {
        let index = self.index;
        let extent = self.layout.extent();
        let older = match age {
            0 => None,
            age => index.checked_sub(age),
        };
        match older {
            Some(older) => self.restore(pixels, box_area(extent, older))?,
            None => pixels.copy_from_slice(&self.still),
        }
        let text = format!("#{:07} {}", index % 10_000_000, clock(time));
        let moved = box_area(extent, index);
        let (text, ink) = (text.as_bytes(), self.ink());
        for area in [moved, self.text_area] {
            self.draw(pixels, area, |x, y, bar| match ink.at(text, x, y) {
                Some(true) => [255; 4],
                Some(false) => [0, 0, 0, 255],
                None if covers(moved, x, y) => ORANGE,
                None => bar,
            })?;
        }
        self.index += 1;
        Ok(match index.checked_sub(1) {
            None => Damage::All,
            Some(before) => Damage::from_rects(&[self.text_area, moved, box_area(extent, before)]),
        })
    }

    /// Puts the bars back where something moved away.
    fn restore(&self, pixels: &mut [u8], area: Rect) -> Result<(), CliError> {
        let from = Picture {
            layout: &self.layout,
            pixels: &self.still[..],
            origin: (area.x, area.y),
        };
        let mut to = Picture {
            layout: &self.layout,
            pixels,
            origin: from.origin,
        };
        Ok(area::copy(&from, &mut to, extent_of(area)?)?)
    }

    /// Paints `area`: each pixel as `colour_of(x, y, bar)` says, where `bar` is the colour of
    /// the bars there.
    fn draw(
        &mut self,
        pixels: &mut [u8],
        area: Rect,
        colour_of: impl Fn(u32, u32, Rgba) -> Rgba,
    ) -> Result<(), CliError> {
        self.rgba.clear();
        for y in area.y..area.y + area.height {
            let row = &self.bars.row(y)[area.x as usize * 4..];
            for (x, bar) in (area.x..area.x + area.width).zip(row.chunks_exact(4)) {
                let bar = [bar[0], bar[1], bar[2], bar[3]];
                self.rgba.extend_from_slice(&colour_of(x, y, bar));
            }
        }
        let part = FrameLayout::packed(self.layout.format(), extent_of(area)?)?;
        self.converted.resize(to_usize(part.byte_len()), 0);
        convert::from_rgba8(&part, &self.colour, &self.rgba, &mut self.converted)?;
        let from = Picture {
            layout: &part,
            pixels: &self.converted[..],
            origin: (0, 0),
        };
        let mut to = Picture {
            layout: &self.layout,
            pixels,
            origin: (area.x, area.y),
        };
        Ok(area::copy(&from, &mut to, part.extent())?)
    }

    fn ink(&self) -> Ink {
        Ink {
            area: self.text_area,
            scale: self.text_scale,
        }
    }
}

/// Where the text is, and how large.
#[derive(Clone, Copy)]
struct Ink {
    area: Rect,
    scale: u32,
}

impl Ink {
    /// Whether the text has ink at a pixel; nothing outside the text's area.
    fn at(self, text: &[u8], x: u32, y: u32) -> Option<bool> {
        covers(self.area, x, y).then(|| {
            let x = x.checked_sub(self.area.x + self.scale);
            let y = y.checked_sub(self.area.y + self.scale);
            matches!((x, y), (Some(x), Some(y)) if text::is_ink(text, self.scale, x, y))
        })
    }
}

/// Where the text stands, and how much its letters are enlarged: about three quarters of the
/// width, below the middle.
fn text_area(extent: Extent) -> (Rect, u32) {
    let (width, height) = (extent.width(), extent.height());
    let scale = (width * 3 / 4 / (TEXT_LEN * text::CELL))
        .min(height / 60)
        .max(1);
    let text_width = (TEXT_LEN * text::CELL + 2) * scale;
    let x = width.saturating_sub(text_width) / 2;
    let area = Rect {
        x,
        y: height / 2,
        width: text_width,
        height: (text::CELL + 2) * scale,
    };
    (on_grid(extent, area), scale)
}

/// Where the box is in frame `index`: it bounces along both axes at different speeds.
fn box_area(extent: Extent, index: u64) -> Rect {
    let (width, height) = (extent.width(), extent.height());
    let side = (width.min(height) / 8).max(1);
    let area = Rect {
        x: bounce(index * 4, width - side),
        y: bounce(index * 2, height - side),
        width: side,
        height: side,
    };
    on_grid(extent, area)
}

/// Back and forth between 0 and `range`.
fn bounce(step: u64, range: u32) -> u32 {
    let range = u64::from(range);
    if range == 0 {
        return 0;
    }
    let phase = step % (2 * range);
    u32::try_from(phase.min(2 * range - phase)).unwrap_or(0)
}

/// The smallest area on the grid that holds `area`, cut off where the picture ends.
fn on_grid(extent: Extent, area: Rect) -> Rect {
    let down = |value: u32, grid: u32| value / grid * grid;
    let x = down(area.x, GRID.0);
    let y = down(area.y, GRID.1);
    let right = (area.x + area.width).next_multiple_of(GRID.0);
    let bottom = (area.y + area.height).next_multiple_of(GRID.1);
    Rect {
        x,
        y,
        width: right.min(extent.width()) - x,
        height: bottom.min(extent.height()) - y,
    }
}

fn covers(area: Rect, x: u32, y: u32) -> bool {
    area.contains(Rect::new(x, y, 1, 1))
}

fn extent_of(area: Rect) -> Result<Extent, LayoutError> {
    Extent::new(area.width, area.height)
}

/// The time of day in UTC.
fn clock(time: SystemTime) -> String {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let day = since.as_secs() % 86_400;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        day / 3600,
        day / 60 % 60,
        day % 60,
        since.subsec_millis()
    )
}

fn to_usize(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use framebus_frame::PixelFormat;

    const NOON: Duration = Duration::from_secs(12 * 3600);

    fn layout(format: PixelFormat, width: u32, height: u32) -> FrameLayout {
        let extent = Extent::new(width, height).expect("in range");
        FrameLayout::with_default_stride(format, extent).expect("fits")
    }

    fn paint(pattern: &mut Pattern, pixels: &mut [u8], age: u64) -> Damage {
        pattern
            .paint(pixels, age, SystemTime::UNIX_EPOCH + NOON)
            .expect("painted")
    }

    #[test]
    fn incremental_painting_equals_painting_anew() {
        for format in PixelFormat::ALL {
            for (width, height) in [(1, 1), (17, 3), (97, 61), (400, 90)] {
                let layout = layout(*format, width, height);
                let colour = Colour::UNSPECIFIED;
                let mut incremental = Pattern::new(layout, colour).expect("a pattern");
                let mut anew = Pattern::new(layout, colour).expect("a pattern");
                let empty = vec![0xEE; layout.byte_len() as usize];
                let mut slots = vec![empty.clone(); 3];
                for index in 0..12 {
                    let slot = &mut slots[index % 3];
                    let age = if index < 3 { 0 } else { 3 };
                    paint(&mut incremental, slot, age);
                    let mut fresh = empty.clone();
                    paint(&mut anew, &mut fresh, 0);
                    assert!(*slot == fresh, "{format} {width}x{height} frame {index}");
                }
            }
        }
    }

    #[test]
    fn damage_covers_all_that_changed() {
        let layout = layout(PixelFormat::Rgba8, 320, 180);
        let mut pattern = Pattern::new(layout, Colour::SRGB).expect("a pattern");
        let mut before = vec![0; layout.byte_len() as usize];
        assert_eq!(paint(&mut pattern, &mut before, 0), Damage::All);
        for _ in 0..50 {
            let mut now = before.clone();
            let damage = paint(&mut pattern, &mut now, 1);
            let Damage::Rects(rects) = damage else {
                panic!("{damage:?}");
            };
            let mut changed = 0;
            for (index, (old, new)) in before.chunks(4).zip(now.chunks(4)).enumerate() {
                if old != new {
                    changed += 1;
                    let (x, y) = (index as u32 % 320, index as u32 / 320);
                    assert!(rects.iter().any(|rect| covers(*rect, x, y)), "{x},{y}");
                }
            }
            assert!(changed > 0, "nothing moves");
            before = now;
        }
    }

    #[test]
    fn the_box_stays_inside_and_moves() {
        for (width, height) in [(1, 1), (15, 15), (500, 300), (65_535, 3)] {
            let extent = Extent::new(width, height).expect("in range");
            for index in [0, 1, 7, 1_000_003, u64::from(u32::MAX)] {
                let area = box_area(extent, index);
                assert!(!area.is_empty() && extent.rect().contains(area), "{area}");
            }
        }
        let extent = Extent::new(500, 300).expect("in range");
        assert_ne!(box_area(extent, 0), box_area(extent, 20));
    }

    #[test]
    fn the_clock_shows_the_time_of_day() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(86_400_000 * 3 + 3_723_045);
        assert_eq!(clock(time), "01:02:03.045");
    }
}
