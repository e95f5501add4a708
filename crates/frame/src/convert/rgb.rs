//! Red, green, blue and perhaps alpha, in several orders and widths.

use super::{
    Source, Target, from_unit, narrow, pack_row, rgba_rows, rgba_rows_mut, to_unit, unpack_row,
    widen,
};
use crate::{AlphaMode, PixelFormat};

pub(super) fn decode(source: &Source<'_>, alpha: AlphaMode, out: &mut [u8]) {
    let format = source.layout.format();
    let premultiplied = alpha == AlphaMode::Premultiplied;
    for (y, to) in rgba_rows_mut(source.layout, out) {
        let from = source.row(0, y);
        decode_row(format, premultiplied, from, to);
        if alpha == AlphaMode::Opaque {
            for rgba in to.as_chunks_mut::<4>().0 {
                rgba[3] = 255;
            }
        }
    }
}

fn decode_row(format: PixelFormat, premultiplied: bool, from: &[u8], to: &mut [u8]) {
    use PixelFormat::*;
    match (format, premultiplied) {
        (Rgba8, false) => to.copy_from_slice(from),
        (Rgba8, true) => unpack_row(from, to, divide_bytes),
        (Bgra8, false) => unpack_row(from, to, |[b, g, r, a]| [r, g, b, a]),
        (Bgra8, true) => unpack_row(from, to, |[b, g, r, a]| divide_bytes([r, g, b, a])),
        (Rgbx8, _) => unpack_row(from, to, |[r, g, b, _]: [u8; 4]| [r, g, b, 255]),
        (Bgrx8, _) => unpack_row(from, to, |[b, g, r, _]: [u8; 4]| [r, g, b, 255]),
        (Bgr8, _) => unpack_row(from, to, |[b, g, r]| [r, g, b, 255]),
        (Rgb565Le, _) => unpack_row(from, to, |bytes| from_565(u16::from_le_bytes(bytes))),
        (Rgba16Le, false) => unpack_row(from, to, |bytes| samples_16(bytes).map(narrow)),
        (Rgba16Le, true) => unpack_row(from, to, |bytes| {
            divide(samples_16(bytes).map(|v| f32::from(v) / 65_535.0)).map(from_unit)
        }),
        (RgbaF32Le, false) => unpack_row(from, to, |bytes| samples_f32(bytes).map(from_unit)),
        (RgbaF32Le, true) => {
            unpack_row(from, to, |bytes| divide(samples_f32(bytes)).map(from_unit))
        }
        // Rgb8 is what is left: other families never come here.
        _ => unpack_row(from, to, |[r, g, b]| [r, g, b, 255]),
    }
}

pub(super) fn encode(target: &mut Target<'_>, rgba: &[u8]) {
    let layout = target.layout;
    for (y, from) in rgba_rows(layout, rgba) {
        encode_row(layout.format(), from, target.row(0, y));
    }
}

fn encode_row(format: PixelFormat, from: &[u8], to: &mut [u8]) {
    use PixelFormat::*;
    match format {
        Rgba8 => to.copy_from_slice(from),
        Bgra8 => pack_row(from, to, |[r, g, b, a]| [b, g, r, a]),
        Rgbx8 => pack_row(from, to, |[r, g, b, _]| [r, g, b, 255]),
        Bgrx8 => pack_row(from, to, |[r, g, b, _]| [b, g, r, 255]),
        Bgr8 => pack_row(from, to, |[r, g, b, _]| [b, g, r]),
        Rgb565Le => pack_row(from, to, |rgba| to_565(rgba).to_le_bytes()),
        Rgba16Le => pack_row(from, to, |rgba| {
            let mut bytes = [0; 8];
            for (two, v) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(rgba) {
                *two = widen(v).to_le_bytes();
            }
            bytes
        }),
        RgbaF32Le => pack_row(from, to, |rgba| {
            let mut bytes = [0; 16];
            for (four, v) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(rgba) {
                *four = to_unit(v).to_le_bytes();
            }
            bytes
        }),
        // Rgb8 is what is left: other families never come here.
        _ => pack_row(from, to, |[r, g, b, _]| [r, g, b]),
    }
}

fn samples_16(bytes: [u8; 8]) -> [u16; 4] {
    core::array::from_fn(|i| u16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]))
}

fn samples_f32(bytes: [u8; 16]) -> [f32; 4] {
    core::array::from_fn(|i| {
        let at = 4 * i;
        f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    })
}

/// Takes alpha out of premultiplied bytes, rounded; fully transparent is black.
fn divide_bytes([r, g, b, a]: [u8; 4]) -> [u8; 4] {
    if a == 0 {
        return [0; 4];
    }
    let alpha = u32::from(a);
    let part = |v: u8| ((u32::from(v) * 255 + alpha / 2) / alpha).min(255) as u8;
    [part(r), part(g), part(b), a]
}

/// Takes alpha out of premultiplied samples; fully transparent is black.
fn divide([r, g, b, a]: [f32; 4]) -> [f32; 4] {
    if a > 0.0 {
        [r / a, g / a, b / a, a]
    } else {
        [0.0; 4]
    }
}

/// Five and six bits to eight: the high bits are repeated below, so that white is 255.
fn from_565(v: u16) -> [u8; 4] {
    let five = |v: u16| ((v & 31) << 3 | (v & 31) >> 2) as u8;
    let six = |v: u16| ((v & 63) << 2 | (v & 63) >> 4) as u8;
    [five(v >> 11), six(v >> 5), five(v), 255]
}

/// Eight bits to five and six, to the nearest level.
fn to_565([r, g, b, _]: [u8; 4]) -> u16 {
    let level = |v: u8, top: u16| (u16::from(v) * top + 127) / 255;
    level(r, 31) << 11 | level(g, 63) << 5 | level(b, 31)
}
