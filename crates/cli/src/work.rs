//! The work that `demo` and `bench` measure: a picture made from a few bytes, and the check that
//! it is that picture and no other.

use framebus::{Extent, FrameLayout, LayoutError, PixelFormat};

/// The size of the picture that people ask for: one window's worth.
pub const SIZE: (u32, u32) = (500, 300);
/// The bytes of a request.
pub const SEED_LEN: usize = 16;

/// What a picture is made from: its number, and bits that say nothing about each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub [u8; SEED_LEN]);

impl Seed {
    /// The seed of picture `number`; never all zero.
    pub fn new(number: u64) -> Self {
        let mut bytes = [0; SEED_LEN];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        bytes[8..].copy_from_slice(&(mix(number) | 1).to_le_bytes());
        Self(bytes)
    }

    /// The seed in a request or in the metadata of a frame.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Which picture this is.
    pub fn number(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[..8]);
        u64::from_le_bytes(bytes)
    }

    /// Three shifts, one per colour, that differ from picture to picture.
    fn shifts(&self) -> [u8; 3] {
        [self.0[9], self.0[10], self.0[11]]
    }
}

/// Spreads the bits of a number so that neighbours have nothing in common (the finalizer of
/// MurmurHash3).
fn mix(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    bits ^ (bits >> 33)
}

/// How much of a picture is painted and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// Every byte.
    All,
    /// The first bytes of the first row, to see what the way costs without the work.
    Bytes(usize),
}

impl Touch {
    /// The number that stands for this in a message: 0 is all.
    pub fn code(self) -> usize {
        match self {
            Self::All => 0,
            Self::Bytes(count) => count,
        }
    }

    /// The opposite of [`Touch::code`].
    pub fn from_code(code: usize) -> Self {
        match code {
            0 => Self::All,
            count => Self::Bytes(count),
        }
    }
}

/// The layout of a picture of `width` x `height` pixels in BGRA.
///
/// # Errors
/// When no frame can have that size.
pub fn layout((width, height): (u32, u32)) -> Result<FrameLayout, LayoutError> {
    FrameLayout::packed(PixelFormat::Bgra8, Extent::new(width, height)?)
}

/// The pixels of row `y`: the textures that `x + shift`, `y + shift` and `x ^ y` make.
fn paint_row(seed: &Seed, y: u32, row: &mut [u8]) {
    let [blue, green, red] = seed.shifts().map(u32::from);
    let still = ((y + green) & 255) << 8 | 255 << 24;
    // Whole words, so that a compiler paints several pixels at once.
    for (x, pixel) in (0_u32..).zip(row.chunks_exact_mut(4)) {
        let word = (x.wrapping_add(blue) & 255) | (((x ^ y) + red) & 255) << 16 | still;
        pixel.copy_from_slice(&word.to_le_bytes());
    }
}

/// Paints the picture of `seed`; `pixels` has the bytes of `layout`, which is one plane of BGRA.
pub fn paint(seed: &Seed, touch: Touch, layout: &FrameLayout, pixels: &mut [u8]) {
    match touch {
        Touch::Bytes(count) => {
            let end = count.min(pixels.len());
            paint_row(seed, 0, &mut pixels[..end]);
        }
        Touch::All => {
            for y in 0..layout.plane_rows(0) {
                let range = layout.row_range(0, y);
                if let Some(row) = range.and_then(|range| pixels.get_mut(range)) {
                    paint_row(seed, y, row);
                }
            }
        }
    }
}

/// Checks pictures row by row.
#[derive(Debug, Default)]
pub struct Checker {
    expected: Vec<u8>,
    found: Vec<u8>,
}

impl Checker {
    /// Whether the rows that `read(y, row)` copies out are the picture of `seed`, every byte
    /// that [`paint`] has painted.
    pub fn is_right(
        &mut self,
        seed: &Seed,
        touch: Touch,
        layout: &FrameLayout,
        mut read: impl FnMut(u32, &mut [u8]),
    ) -> bool {
        let row = layout.plane_row_bytes(0) as usize;
        let (rows, bytes) = match touch {
            Touch::All => (layout.plane_rows(0), row),
            Touch::Bytes(count) => (1, count.min(row)),
        };
        self.expected.resize(bytes, 0);
        self.found.resize(bytes, 0);
        (0..rows).all(|y| {
            paint_row(seed, y, &mut self.expected);
            read(y, &mut self.found);
            self.expected == self.found
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seed: &Seed, touch: Touch, pixels: &[u8]) -> bool {
        let layout = layout(SIZE).expect("in range");
        Checker::default().is_right(seed, touch, &layout, |y, row| {
            let range = layout.row_range(0, y).expect("a row");
            row.copy_from_slice(&pixels[range][..row.len()]);
        })
    }

    #[test]
    fn one_wrong_byte_is_found() {
        let layout = layout(SIZE).expect("in range");
        let mut pixels = vec![0; layout.byte_len() as usize];
        let seed = Seed::new(7);
        paint(&seed, Touch::All, &layout, &mut pixels);
        assert!(check(&seed, Touch::All, &pixels));
        for place in [0, 63, 64, 300_001, pixels.len() - 1] {
            pixels[place] ^= 1;
            assert!(!check(&seed, Touch::All, &pixels), "{place}");
            assert_eq!(check(&seed, Touch::Bytes(64), &pixels), place >= 64);
            pixels[place] ^= 1;
        }
    }

    #[test]
    fn the_picture_before_is_another_one() {
        let layout = layout(SIZE).expect("in range");
        let mut pixels = vec![0; layout.byte_len() as usize];
        for number in 0..100 {
            paint(&Seed::new(number), Touch::All, &layout, &mut pixels);
            assert!(!check(&Seed::new(number + 1), Touch::All, &pixels));
            assert!(!check(&Seed::new(number + 1), Touch::Bytes(64), &pixels));
        }
    }

    #[test]
    fn seeds_read_back() {
        let seed = Seed::new(u64::MAX);
        assert_eq!(Seed::read(&seed.0), Some(seed));
        assert_eq!(seed.number(), u64::MAX);
        assert_eq!(Seed::read(&seed.0[1..]), None);
        assert_ne!(Seed::new(0).0, [0; SEED_LEN]);
        assert_eq!(Touch::from_code(Touch::All.code()), Touch::All);
    }
}
