//! A small picture in a terminal: two pixels per character cell, in half blocks.

use std::fmt::Write as _;

use framebus_frame::Extent;

/// The upper half of a cell in the foreground colour, the lower in the background colour.
const HALF: char = '\u{2580}';

/// Shrinks an RGBA picture to fit `columns` by `rows` cells and draws it with 24-bit colours.
///
/// `rgba` holds the rows of a picture of `extent`, four bytes per pixel. Each cell shows the
/// averages of two areas of the picture; a small picture is not enlarged. Every line ends with
/// the colours put back.
pub fn half_blocks(extent: Extent, rgba: &[u8], columns: u32, rows: u32) -> String {
    let (width, height) = fit(extent, columns.max(1), rows.max(1) * 2);
    let mut text = String::new();
    for top in (0..height).step_by(2) {
        for x in 0..width {
            let [r, g, b] = average(extent, rgba, (x, width), (top, height));
            let _ = write!(text, "\x1b[38;2;{r};{g};{b}m");
            if top + 1 < height {
                let [r, g, b] = average(extent, rgba, (x, width), (top + 1, height));
                let _ = write!(text, "\x1b[48;2;{r};{g};{b}m");
            }
            text.push(HALF);
        }
        text.push_str("\x1b[0m\n");
    }
    text
}

/// The largest size of the same shape within the limits, at least one pixel.
fn fit(extent: Extent, columns: u32, lines: u32) -> (u32, u32) {
    let (width, height) = (u64::from(extent.width()), u64::from(extent.height()));
    let (columns, lines) = (u64::from(columns).min(width), u64::from(lines).min(height));
    // The side that is tighter decides.
    let (fit_width, fit_height) = if width * lines > height * columns {
        (columns, height * columns / width)
    } else {
        (width * lines / height, lines)
    };
    let narrow = |value: u64| u32::try_from(value.max(1)).unwrap_or(1);
    (narrow(fit_width), narrow(fit_height))
}

/// The mean colour of the part of the picture that the small pixel (`x.0` of `x.1`, `y.0` of
/// `y.1`) stands for.
fn average(extent: Extent, rgba: &[u8], x: (u32, u32), y: (u32, u32)) -> [u8; 3] {
    let part = |(index, count): (u32, u32), length: u32| {
        let edge = |i: u32| u64::from(i) * u64::from(length) / u64::from(count);
        let start = edge(index) as usize;
        start..(edge(index + 1) as usize).max(start + 1)
    };
    let columns = part(x, extent.width());
    let mut sums = [0_u64; 3];
    let mut count = 0;
    for row in part(y, extent.height()) {
        let start = row * extent.width() as usize;
        let pixels = rgba.get((start + columns.start) * 4..(start + columns.end) * 4);
        for pixel in pixels.unwrap_or(&[]).chunks_exact(4) {
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum += u64::from(*value);
            }
            count += 1;
        }
    }
    sums.map(|sum| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(width: u32, height: u32) -> Extent {
        Extent::new(width, height).expect("in range")
    }

    #[test]
    fn one_cell_shows_two_pixels() {
        let rgba = [255, 0, 0, 255, 0, 0, 255, 255];
        assert_eq!(
            half_blocks(extent(1, 2), &rgba, 80, 24),
            "\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m\u{2580}\x1b[0m\n"
        );
    }

    #[test]
    fn the_last_odd_line_has_no_lower_half() {
        let text = half_blocks(extent(1, 1), &[1, 2, 3, 255], 80, 24);
        assert_eq!(text, "\x1b[38;2;1;2;3m\u{2580}\x1b[0m\n");
    }

    #[test]
    fn areas_are_averaged() {
        let rgba = [[0, 10, 255, 0], [255, 30, 255, 0]].concat();
        let text = half_blocks(extent(2, 1), &rgba, 1, 1);
        assert_eq!(text, "\x1b[38;2;127;20;255m\u{2580}\x1b[0m\n");
    }

    #[test]
    fn the_shape_is_kept_within_the_terminal() {
        assert_eq!(fit(extent(500, 300), 80, 48), (80, 48));
        assert_eq!(fit(extent(300, 500), 80, 48), (28, 48));
        assert_eq!(fit(extent(65_535, 1), 80, 48), (80, 1));
        assert_eq!(fit(extent(1, 65_535), 80, 48), (1, 48));
        assert_eq!(fit(extent(4, 3), 80, 48), (4, 3));
        for size in [(65_535, 65_535), (1, 1), (640, 480)] {
            let (width, height) = fit(extent(size.0, size.1), 7, 5);
            assert!((1..=7).contains(&width) && (1..=5).contains(&height));
        }
    }

    #[test]
    fn too_few_pixels_draw_black_instead_of_panicking() {
        assert!(half_blocks(extent(4, 4), &[], 4, 4).contains("38;2;0;0;0"));
    }
}
