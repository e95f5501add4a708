//! Colour filter arrays: each pixel has one colour, the other two come from its neighbours.

use super::{Source, Target, narrow, rgba_rows, rgba_rows_mut, widen};
use crate::PixelFormat;

/// Column and row, 0 or 1, of red in each 2x2 pixels; blue is on the other diagonal place.
fn red_at(format: PixelFormat) -> (u32, u32) {
    use PixelFormat::*;
    match format {
        BayerBggr8 | BayerBggr16Le => (1, 1),
        BayerGrbg8 | BayerGrbg16Le => (1, 0),
        BayerGbrg8 | BayerGbrg16Le => (0, 1),
        _ => (0, 0),
    }
}

fn is_16(format: PixelFormat) -> bool {
    format.bits_per_pixel() == 16
}

/// Fills in the missing colours with the mean of the nearest samples.
///
/// Beyond the border the picture is mirrored about its outermost row or column, which keeps the
/// colours of the filter in place. A picture one pixel wide or high has no neighbours to mirror
/// on that axis; there the pixel itself stands in, and the result is gray to that degree.
pub(super) fn decode(source: &Source<'_>, out: &mut [u8]) {
    let extent = source.layout.extent();
    let (red_x, red_y) = red_at(source.layout.format());
    let last = extent.height() - 1;
    // Row y lies in lines[y % 3], as bytes, with one more sample on each side.
    let mut lines = [(); 3].map(|()| vec![0u8; extent.width() as usize + 2]);
    load(source, 0, &mut lines[0]);
    for (y, to) in rgba_rows_mut(source.layout, out) {
        if y < last {
            load(source, y + 1, &mut lines[(y as usize + 1) % 3]);
        }
        let above = if y == 0 { last.min(1) } else { y - 1 };
        let below = if y == last { above } else { y + 1 };
        let line = |y: u32| lines[y as usize % 3].as_slice();
        let red_row = y % 2 == red_y;
        // In rows with red, green is in the other columns; in rows with blue it is where red is
        // in the rows above.
        let green_first = (red_x == 0) != red_row;
        demosaic_row(
            [line(above), line(y), line(below)],
            red_row,
            green_first,
            to,
        );
    }
}

/// Reads row `y` as bytes into the middle of a line and mirrors its ends.
fn load(source: &Source<'_>, y: u32, line: &mut [u8]) {
    let row = source.row(0, y);
    let width = line.len() - 2;
    let middle = &mut line[1..=width];
    if is_16(source.layout.format()) {
        for (byte, word) in middle.iter_mut().zip(row.as_chunks::<2>().0) {
            *byte = narrow(u16::from_le_bytes(*word));
        }
    } else {
        middle.copy_from_slice(row);
    }
    let inner = width.min(2);
    line[0] = line[inner];
    line[width + 1] = line[width + 1 - inner];
}

/// Converts one row from the lines above, at and below it.
fn demosaic_row(lines: [&[u8]; 3], red_row: bool, green_first: bool, to: &mut [u8]) {
    let windows = lines.map(|line| line.array_windows::<3>());
    let [above, here, below] = windows;
    let mut green = green_first;
    let (pixels, _) = to.as_chunks_mut::<4>();
    for (pixel, ((above, here), below)) in pixels.iter_mut().zip(above.zip(here).zip(below)) {
        let [[nw, n, ne], [w, c, e], [sw, s, se]] =
            [above, here, below].map(|three| three.map(u16::from));
        // The colour of this row (red or blue), green, and the colour of the rows beside it.
        let (own, g, other) = if green {
            ((w + e).div_ceil(2), c, (n + s).div_ceil(2))
        } else {
            (c, (n + s + w + e + 2) / 4, (nw + ne + sw + se + 2) / 4)
        };
        let (r, b) = if red_row { (own, other) } else { (other, own) };
        *pixel = [r as u8, g as u8, b as u8, 255];
        green = !green;
    }
}

/// Keeps the one colour that each pixel has behind its filter.
pub(super) fn encode(target: &mut Target<'_>, rgba: &[u8]) {
    let layout = target.layout;
    let (red_x, red_y) = red_at(layout.format());
    for (y, from) in rgba_rows(layout, rgba) {
        let channel = |x: usize| match (x as u32 % 2 == red_x, y % 2 == red_y) {
            (true, true) => 0,
            (false, false) => 2,
            _ => 1,
        };
        let pixels = from.as_chunks::<4>().0.iter().enumerate();
        let samples = pixels.map(|(x, rgba)| rgba[channel(x)]);
        let to = target.row(0, y);
        if is_16(layout.format()) {
            for (word, sample) in to.as_chunks_mut::<2>().0.iter_mut().zip(samples) {
                *word = widen(sample).to_le_bytes();
            }
        } else {
            for (byte, sample) in to.iter_mut().zip(samples) {
                *byte = sample;
            }
        }
    }
}
