//! One sample of luminance for each pixel, or one bit.

use super::matrix::Model;
use super::{
    Source, Target, from_unit, pack_row, rgba_rows, rgba_rows_mut, to_unit, unpack_row, widen,
};
use crate::{Colour, ColourRange, PixelFormat};

/// Scales samples between black and white to 0 to 255.
struct Levels {
    black: u32,
    /// 255 over the distance from black to white, with 32 bits behind the point.
    factor: u64,
}

impl Levels {
    fn new(black: u32, white: u32) -> Levels {
        Levels {
            black,
            factor: (255 << 32) / u64::from(white - black) + 1,
        }
    }

    fn scale(&self, sample: u32) -> u8 {
        let above = u64::from(sample.saturating_sub(self.black));
        // Rounded; the factor is a hair too large so that exact results are not cut below.
        let scaled = (above * self.factor + (1 << 31)) >> 32;
        scaled.min(255) as u8
    }
}

pub(super) fn decode(source: &Source<'_>, colour: &Colour, out: &mut [u8]) {
    let limited = colour.range == ColourRange::Limited;
    let format = source.layout.format();
    let levels = match (format, limited) {
        (PixelFormat::Gray16Le, true) => Levels::new(16 << 8, 235 << 8),
        (PixelFormat::Gray16Le, false) => Levels::new(0, 65_535),
        (_, true) => Levels::new(16, 235),
        (_, false) => Levels::new(0, 255),
    };
    let gray = |v: u8| [v, v, v, 255];
    let table: [u8; 256] = core::array::from_fn(|v| levels.scale(v as u32));
    for (y, to) in rgba_rows_mut(source.layout, out) {
        let from = source.row(0, y);
        match format {
            PixelFormat::Gray16Le => unpack_row(from, to, |bytes: [u8; 2]| {
                gray(levels.scale(u16::from_le_bytes(bytes).into()))
            }),
            PixelFormat::GrayF32Le => unpack_row(from, to, |bytes: [u8; 4]| {
                gray(from_unit(f32::from_le_bytes(bytes)))
            }),
            PixelFormat::Mono1 => {
                for (eight, byte) in to.chunks_mut(8 * 4).zip(from) {
                    for (bit, rgba) in eight.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                        *rgba = gray(if byte << bit & 0x80 == 0 { 0 } else { 255 });
                    }
                }
            }
            _ => unpack_row(from, to, |[v]: [u8; 1]| gray(table[usize::from(v)])),
        }
    }
}

pub(super) fn encode(target: &mut Target<'_>, colour: &Colour, rgba: &[u8]) {
    let limited = colour.range == ColourRange::Limited;
    let luma = Model::luma_weights(colour, target.layout.extent());
    let luma = |[r, g, b, _]: [u8; 4]| {
        let sum = luma[0] * u32::from(r) + luma[1] * u32::from(g) + luma[2] * u32::from(b);
        ((sum + 32_768) >> 16) as u8
    };
    let layout = target.layout;
    for (y, from) in rgba_rows(layout, rgba) {
        let to = target.row(0, y);
        match layout.format() {
            PixelFormat::Gray16Le => pack_row(from, to, |rgba| {
                let level = luma(rgba);
                let sample = if limited {
                    // The levels of 8 bits, 16 to 235, each worth 256 here.
                    ((u32::from(level) * (219 << 8) + 127) / 255 + (16 << 8)) as u16
                } else {
                    widen(level)
                };
                sample.to_le_bytes()
            }),
            PixelFormat::GrayF32Le => pack_row(from, to, |rgba| to_unit(luma(rgba)).to_le_bytes()),
            PixelFormat::Mono1 => {
                for (byte, eight) in to.iter_mut().zip(from.chunks(8 * 4)) {
                    let pixels = eight.as_chunks::<4>().0.iter().enumerate();
                    *byte = pixels.fold(0, |bits, (bit, &rgba)| {
                        bits | if luma(rgba) >= 128 { 0x80 >> bit } else { 0 }
                    });
                }
            }
            _ => pack_row(from, to, |rgba| {
                let level = luma(rgba);
                [if limited {
                    ((u32::from(level) * 219 + 127) / 255 + 16) as u8
                } else {
                    level
                }]
            }),
        }
    }
}
