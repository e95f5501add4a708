//! Luma and two samples of chroma, packed, half-planar and planar.
//!
//! Each format is only unpacked to (or packed from) rows of samples; the arithmetic is the same
//! for all of them.

use super::matrix::{Decoder, Encoder, Model};
use super::{ConvertError, Source, Target, rgba_rows, rgba_rows_mut};
use crate::{ChromaSubsampling, Colour, FrameLayout, PixelFormat};

/// One row of luma samples and the row of chroma that goes with it.
struct Samples {
    luma: Vec<u16>,
    cb: Vec<u16>,
    cr: Vec<u16>,
}

impl Samples {
    fn new(layout: &FrameLayout, across: u32) -> Samples {
        let width = layout.extent().width();
        let chroma = width.div_ceil(across) as usize;
        Samples {
            // Packed formats store pairs, also where the last pixel has no partner.
            luma: vec![0; width.next_multiple_of(2) as usize],
            cb: vec![0; chroma],
            cr: vec![0; chroma],
        }
    }
}

fn factors(format: PixelFormat) -> (u32, u32) {
    let subsampling = format.chroma_subsampling();
    subsampling.map_or((1, 1), ChromaSubsampling::factors)
}

const fn bits(format: PixelFormat) -> u32 {
    match format {
        PixelFormat::P010Le => 10,
        _ => 8,
    }
}

pub(super) fn decode(
    source: &Source<'_>,
    colour: &Colour,
    out: &mut [u8],
) -> Result<(), ConvertError> {
    let layout = source.layout;
    let format = layout.format();
    let decoder = Model::new(colour, layout.extent())?.decoder(colour.range, bits(format));
    let (across, down) = factors(format);
    let mut samples = Samples::new(layout, across);
    // Whole blocks: where the last pixel has no partner, what is made for that is not used.
    let width = layout.extent().width().next_multiple_of(across) as usize;
    let mut chroma = [(); 3].map(|()| vec![0; width]);
    for (y, to) in rgba_rows_mut(layout, out) {
        unpack_luma(source, y, &mut samples);
        if y % down == 0 {
            unpack_chroma(source, y / down, &mut samples);
            match across {
                2 => spread_chroma::<2>(&decoder, &samples, &mut chroma),
                _ => spread_chroma::<1>(&decoder, &samples, &mut chroma),
            }
        }
        decode_row(&decoder, &samples.luma, &chroma, to);
    }
    Ok(())
}

/// Works out what chroma adds to red, green and blue, once for all pixels that share it.
fn spread_chroma<const ACROSS: usize>(
    decoder: &Decoder,
    samples: &Samples,
    chroma: &mut [Vec<i32>; 3],
) {
    let pairs = samples.cb.iter().zip(&samples.cr);
    let [red, green, blue] = chroma
        .each_mut()
        .map(|adds| adds.as_chunks_mut::<ACROSS>().0);
    let pixels = red.iter_mut().zip(green).zip(blue);
    for (((red, green), blue), (&cb, &cr)) in pixels.zip(pairs) {
        let adds = decoder.chroma(cb, cr);
        (*red, *green, *blue) = ([adds[0]; ACROSS], [adds[1]; ACROSS], [adds[2]; ACROSS]);
    }
}

/// Converts a row of luma with what chroma adds to each pixel.
fn decode_row(decoder: &Decoder, luma: &[u16], chroma: &[Vec<i32>; 3], to: &mut [u8]) {
    let (pixels, _) = to.as_chunks_mut::<4>();
    let [red, green, blue] = chroma;
    let adds = red.iter().zip(green).zip(blue);
    for ((pixel, &luma), ((&red, &green), &blue)) in pixels.iter_mut().zip(luma).zip(adds) {
        *pixel = decoder.pixel(luma, [red, green, blue]);
    }
}

/// Copies bytes as samples.
fn bytes_to(samples: &mut [u16], bytes: impl Iterator<Item = u8>) {
    for (sample, byte) in samples.iter_mut().zip(bytes) {
        *sample = byte.into();
    }
}

/// The 10 bits on top of a little-endian word.
fn high_ten(word: &[u8; 2]) -> u16 {
    u16::from_le_bytes(*word) >> 6
}

fn unpack_luma(source: &Source<'_>, y: u32, samples: &mut Samples) {
    let row = source.row(0, y);
    let luma = &mut samples.luma;
    match source.layout.format() {
        PixelFormat::Yuyv => bytes_to(luma, row.iter().copied().step_by(2)),
        PixelFormat::Uyvy => bytes_to(luma, row.iter().copied().skip(1).step_by(2)),
        PixelFormat::P010Le => {
            for (sample, word) in luma.iter_mut().zip(row.as_chunks::<2>().0) {
                *sample = high_ten(word);
            }
        }
        _ => bytes_to(luma, row.iter().copied()),
    }
}

/// Reads row `y` of the chroma.
fn unpack_chroma(source: &Source<'_>, y: u32, samples: &mut Samples) {
    let Samples { cb, cr, .. } = samples;
    let mut split = |row: &[u8], (at_cb, at_cr): (usize, usize), step: usize| {
        bytes_to(cb, row.iter().copied().skip(at_cb).step_by(step));
        bytes_to(cr, row.iter().copied().skip(at_cr).step_by(step));
    };
    match source.layout.format() {
        PixelFormat::Yuyv => split(source.row(0, y), (1, 3), 4),
        PixelFormat::Uyvy => split(source.row(0, y), (0, 2), 4),
        PixelFormat::Nv12 => split(source.row(1, y), (0, 1), 2),
        PixelFormat::Nv21 => split(source.row(1, y), (1, 0), 2),
        PixelFormat::P010Le => {
            let words = source.row(1, y).as_chunks::<2>().0.as_chunks::<2>().0;
            for ((cb, cr), [first, second]) in cb.iter_mut().zip(cr).zip(words) {
                *cb = high_ten(first);
                *cr = high_ten(second);
            }
        }
        _ => {
            bytes_to(cb, source.row(1, y).iter().copied());
            bytes_to(cr, source.row(2, y).iter().copied());
        }
    }
}

pub(super) fn encode(
    target: &mut Target<'_>,
    colour: &Colour,
    rgba: &[u8],
) -> Result<(), ConvertError> {
    let layout = target.layout;
    let format = layout.format();
    let encoder = Model::new(colour, layout.extent())?.encoder(colour.range, bits(format));
    let (across, down) = factors(format);
    let mut samples = Samples::new(layout, across);
    let width = layout.extent().width() as usize;
    let row_bytes = super::rgba_row_bytes(layout);
    for (y, from) in rgba_rows(layout, rgba) {
        for (sample, &pixel) in samples.luma.iter_mut().zip(from.as_chunks::<4>().0) {
            *sample = encoder.luma(pixel);
        }
        if width < samples.luma.len() {
            // The partner that the last pixel lacks looks like it.
            samples.luma[width] = samples.luma[width - 1];
        }
        pack_luma(target, y, &samples);
        if y % down == 0 {
            // The row below shares the chroma; the last row may have none below.
            let below = rgba[y as usize * row_bytes..].get(row_bytes..2 * row_bytes);
            let below = below.unwrap_or(from);
            match (across, down) {
                (2, 2) => encode_chroma::<2, 2>(&encoder, [from, below], &mut samples),
                (2, _) => encode_chroma::<2, 1>(&encoder, [from], &mut samples),
                _ => encode_chroma::<1, 1>(&encoder, [from], &mut samples),
            }
            pack_chroma(target, y / down, &samples);
        }
    }
    Ok(())
}

/// Means of the colours of blocks of `ACROSS` by `DOWN` pixels, as chroma.
fn encode_chroma<const ACROSS: usize, const DOWN: usize>(
    encoder: &Encoder,
    rows: [&[u8]; DOWN],
    samples: &mut Samples,
) {
    let rows = rows.map(|row| row.as_chunks::<4>().0);
    let chroma = samples.cb.iter_mut().zip(&mut samples.cr);
    let blocks = rows[0].len() / ACROSS;
    for (block, (cb, cr)) in chroma.enumerate() {
        (*cb, *cr) = if block < blocks {
            let at = block * ACROSS;
            let mean = mean(rows.map(|row| row[at..at + ACROSS].as_chunks::<ACROSS>().0[0]));
            encoder.chroma(mean)
        } else {
            // Half a block at the right border of an odd width.
            encoder.chroma(mean(rows.map(|row| [row[row.len() - 1]])))
        };
    }
}

/// The mean red, green and blue of some pixels, rounded.
#[inline(always)]
fn mean<const ACROSS: usize, const DOWN: usize>(pixels: [[[u8; 4]; ACROSS]; DOWN]) -> [i32; 3] {
    let count = (ACROSS * DOWN) as i32;
    let sum = |i: usize| -> i32 { pixels.as_flattened().iter().map(|p| i32::from(p[i])).sum() };
    core::array::from_fn(|i| (sum(i) + count / 2) / count)
}

/// Stores samples as bytes, `step` bytes apart.
fn to_bytes(samples: &[u16], row: &mut [u8], first: usize, step: usize) {
    for (byte, &sample) in row.iter_mut().skip(first).step_by(step).zip(samples) {
        *byte = sample as u8;
    }
}

fn pack_luma(target: &mut Target<'_>, y: u32, samples: &Samples) {
    let format = target.layout.format();
    let row = target.row(0, y);
    match format {
        PixelFormat::Yuyv => to_bytes(&samples.luma, row, 0, 2),
        PixelFormat::Uyvy => to_bytes(&samples.luma, row, 1, 2),
        PixelFormat::P010Le => {
            for (word, &sample) in row.as_chunks_mut::<2>().0.iter_mut().zip(&samples.luma) {
                *word = (sample << 6).to_le_bytes();
            }
        }
        _ => to_bytes(&samples.luma, row, 0, 1),
    }
}

/// Writes row `y` of the chroma.
fn pack_chroma(target: &mut Target<'_>, y: u32, samples: &Samples) {
    let Samples { cb, cr, .. } = samples;
    let format = target.layout.format();
    let mut merge = |plane: usize, (at_cb, at_cr): (usize, usize), step: usize| {
        let row = target.row(plane, y);
        to_bytes(cb, row, at_cb, step);
        to_bytes(cr, row, at_cr, step);
    };
    match format {
        PixelFormat::Yuyv => merge(0, (1, 3), 4),
        PixelFormat::Uyvy => merge(0, (0, 2), 4),
        PixelFormat::Nv12 => merge(1, (0, 1), 2),
        PixelFormat::Nv21 => merge(1, (1, 0), 2),
        PixelFormat::P010Le => {
            let words = target
                .row(1, y)
                .as_chunks_mut::<2>()
                .0
                .as_chunks_mut::<2>()
                .0;
            for ([first, second], (cb, cr)) in words.iter_mut().zip(cb.iter().zip(cr)) {
                *first = (cb << 6).to_le_bytes();
                *second = (cr << 6).to_le_bytes();
            }
        }
        _ => {
            to_bytes(cb, target.row(1, y), 0, 1);
            to_bytes(cr, target.row(2, y), 0, 1);
        }
    }
}
