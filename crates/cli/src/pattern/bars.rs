//! Colour bars in the manner of SMPTE's: bands that do not change from row to row.

use framebus_frame::Extent;

/// One RGBA pixel.
pub(super) type Rgba = [u8; 4];

/// Grey, yellow, cyan, green, magenta, red, blue at three quarters.
const BARS: [Rgba; 7] = [
    [191, 191, 191, 255],
    [191, 191, 0, 255],
    [0, 191, 191, 255],
    [0, 191, 0, 255],
    [191, 0, 191, 255],
    [191, 0, 0, 255],
    [0, 0, 191, 255],
];
/// Below them every other bar in reverse order, so that blue alone shows wrong chroma.
const REVERSE: [Rgba; 7] = [BARS[6], BLACK, BARS[4], BLACK, BARS[2], BLACK, BARS[0]];
/// In-phase and quadrature patches with white between, then steps around black.
const LEVELS: [Rgba; 7] = [
    [0, 33, 76, 255],
    [255, 255, 255, 255],
    [50, 0, 106, 255],
    BLACK,
    [9, 9, 9, 255],
    [29, 29, 29, 255],
    BLACK,
];
const BLACK: Rgba = [0, 0, 0, 255];

/// The rows of the picture: one template per band, and where each band ends.
#[derive(Debug)]
pub(super) struct Bars {
    bands: [(u32, Vec<u8>); 4],
}

impl Bars {
    pub(super) fn new(extent: Extent) -> Self {
        let height = extent.height();
        let width = extent.width();
        let band = |end: u32, row: fn(u32, u32) -> Rgba| {
            let pixels = (0..width).flat_map(|x| row(x, width)).collect();
            (end, pixels)
        };
        Self {
            bands: [
                band(part(height, 7, 12), |x, width| BARS[seventh(x, width)]),
                band(part(height, 8, 12), |x, width| REVERSE[seventh(x, width)]),
                band(part(height, 10, 12), ramp),
                band(height, |x, width| LEVELS[seventh(x, width)]),
            ],
        }
    }

    /// The RGBA bytes of row `y`, all of its width.
    pub(super) fn row(&self, y: u32) -> &[u8] {
        let band = self.bands.iter().find(|(end, _)| y < *end);
        &band.unwrap_or(&self.bands[3]).1
    }
}

/// `length * numerator / denominator`, which fits since the fraction is at most one.
fn part(length: u32, numerator: u32, denominator: u32) -> u32 {
    length * numerator / denominator
}

fn seventh(x: u32, width: u32) -> usize {
    (x * 7 / width) as usize
}

/// Black to white from left to right.
fn ramp(x: u32, width: u32) -> Rgba {
    let level = x * 255 / width.saturating_sub(1).max(1);
    let level = u8::try_from(level).unwrap_or(u8::MAX);
    [level, level, level, 255]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_follow_each_other() {
        let bars = Bars::new(Extent::new(70, 24).expect("in range"));
        assert_eq!(bars.row(0)[..4], BARS[0]);
        assert_eq!(bars.row(0)[69 * 4..], BARS[6]);
        assert_eq!(bars.row(14)[..4], REVERSE[0]);
        assert_eq!(bars.row(16)[..4], BLACK);
        assert_eq!(bars.row(19)[69 * 4..], [255; 4]);
        assert_eq!(bars.row(23)[10 * 4..11 * 4], LEVELS[1]);
    }

    #[test]
    fn the_smallest_and_widest_pictures_have_rows() {
        for (width, height) in [(1, 1), (65_535, 1), (1, 65_535)] {
            let bars = Bars::new(Extent::new(width, height).expect("in range"));
            assert_eq!(bars.row(height - 1).len(), width as usize * 4);
        }
    }
}
