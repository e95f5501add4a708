//! Conversions against reference pixels that were worked out apart from the code.
#![cfg(feature = "convert")]

use framebus_frame::convert::{self, ConvertError, from_rgba8, to_rgba8};
use framebus_frame::{
    AlphaMode, ChromaSubsampling, Colour, ColourRange, Extent, FrameLayout, Matrix, PixelFormat,
};
use proptest::prelude::*;

const RED: [u8; 4] = [255, 0, 0, 255];
const GREEN: [u8; 4] = [0, 255, 0, 255];
const BLUE: [u8; 4] = [0, 0, 255, 255];
const WHITE: [u8; 4] = [255, 255, 255, 255];
const BLACK: [u8; 4] = [0, 0, 0, 255];

fn packed(format: PixelFormat, width: u32, height: u32) -> FrameLayout {
    FrameLayout::packed(format, Extent::new(width, height).expect("in range")).expect("small")
}

fn decode(layout: &FrameLayout, colour: &Colour, alpha: AlphaMode, pixels: &[u8]) -> Vec<u8> {
    let mut out = vec![0; convert::rgba_len(layout.extent()) as usize];
    to_rgba8(layout, colour, alpha, pixels, &mut out).expect("slices fit");
    out
}

fn encode(layout: &FrameLayout, colour: &Colour, rgba: &[u8]) -> Vec<u8> {
    let mut out = vec![0; layout.byte_len() as usize];
    from_rgba8(layout, colour, rgba, &mut out).expect("slices fit");
    out
}

fn decode_one(format: PixelFormat, alpha: AlphaMode, pixel: &[u8]) -> [u8; 4] {
    let rgba = decode(&packed(format, 1, 1), &Colour::SRGB, alpha, pixel);
    rgba.try_into().expect("one pixel")
}

#[test]
fn rgb_orders_and_widths() {
    use PixelFormat::*;
    let f = |values: [f32; 4]| values.map(f32::to_le_bytes).concat();
    let cases: &[(PixelFormat, &[u8], [u8; 4])] = &[
        (Rgb8, &[1, 2, 3], [1, 2, 3, 255]),
        (Bgr8, &[1, 2, 3], [3, 2, 1, 255]),
        (Rgba8, &[1, 2, 3, 4], [1, 2, 3, 4]),
        (Bgra8, &[1, 2, 3, 4], [3, 2, 1, 4]),
        (Rgbx8, &[1, 2, 3, 4], [1, 2, 3, 255]),
        (Bgrx8, &[1, 2, 3, 4], [3, 2, 1, 255]),
        // Red alone is 0xF800, stored low byte first; one level of green is 4 of 255.
        (Rgb565Le, &[0x00, 0xF8], RED),
        (Rgb565Le, &[0xE0, 0x07], GREEN),
        (Rgb565Le, &[0x1F, 0x00], BLUE),
        (Rgb565Le, &[0x20, 0x00], [0, 4, 0, 255]),
        // 0x8080 is 128 times 257; 0x0101 is 1.
        (
            Rgba16Le,
            &[0xFF, 0xFF, 0x80, 0x80, 1, 1, 0, 0],
            [255, 128, 1, 0],
        ),
        (RgbaF32Le, &f([1.0, 0.5, -3.0, 7.0]), [255, 128, 0, 255]),
        (
            RgbaF32Le,
            &f([f32::NAN, f32::INFINITY, 0.0, 1.0]),
            [0, 255, 0, 255],
        ),
    ];
    for (format, pixel, expected) in cases {
        let found = decode_one(*format, AlphaMode::Straight, pixel);
        assert_eq!(found, *expected, "{format} {pixel:?}");
    }
}

#[test]
fn alpha_comes_out_straight() {
    use PixelFormat::*;
    let half = |bytes: &[u8]| decode_one(Rgba8, AlphaMode::Premultiplied, bytes);
    assert_eq!(half(&[64, 128, 0, 128]), [128, 255, 0, 128]);
    assert_eq!(half(&[10, 20, 30, 0]), [0, 0, 0, 0]);
    // More colour than alpha is no picture, but must not wrap.
    assert_eq!(half(&[255, 0, 0, 1]), [255, 0, 0, 1]);
    let bgra = decode_one(Bgra8, AlphaMode::Premultiplied, &[64, 128, 0, 128]);
    assert_eq!(bgra, [0, 255, 128, 128]);
    let opaque = decode_one(Bgra8, AlphaMode::Opaque, &[1, 2, 3, 0]);
    assert_eq!(opaque, [3, 2, 1, 255]);
    // 0x4000 of 0x8000 is half, of 65535 it would be a quarter.
    let wide = [0, 0x40, 0, 0x80, 0, 0, 0, 0x80];
    assert_eq!(
        decode_one(Rgba16Le, AlphaMode::Premultiplied, &wide),
        [128, 255, 0, 128]
    );
    let float = [0.25f32, 0.5, 0.0, 0.5].map(f32::to_le_bytes).concat();
    assert_eq!(
        decode_one(RgbaF32Le, AlphaMode::Premultiplied, &float),
        [128, 255, 0, 128]
    );
}

#[test]
fn gray_in_all_widths() {
    use PixelFormat::*;
    let of = |format, pixel: &[u8]| decode_one(format, AlphaMode::Unspecified, pixel);
    assert_eq!(of(Gray8, &[77]), [77, 77, 77, 255]);
    assert_eq!(of(Gray16Le, &[0x34, 0x12]), [18, 18, 18, 255]); // 4660 * 255 / 65535 = 18.1
    assert_eq!(of(Gray16Le, &[0xFF, 0xFF]), WHITE);
    assert_eq!(of(GrayF32Le, &0.25f32.to_le_bytes()), [64, 64, 64, 255]); // 63.75
    let limited = Colour {
        range: ColourRange::Limited,
        ..Colour::SRGB
    };
    let levels = |format, pixels: &[u8], n| {
        let rgba = decode(&packed(format, n, 1), &limited, AlphaMode::Opaque, pixels);
        rgba.iter().step_by(4).copied().collect::<Vec<_>>()
    };
    // 126 is (126 - 16) * 255 / 219 = 128.08.
    assert_eq!(
        levels(Gray8, &[0, 16, 126, 235, 255], 5),
        [0, 0, 128, 255, 255]
    );
    assert_eq!(levels(Gray16Le, &[0, 16, 0, 126, 0, 235], 3), [0, 128, 255]);
    // Luminance of the primaries by BT.709: 0.2126, 0.7152 and 0.0722 of 255.
    let rgba = [RED, GREEN, BLUE, WHITE].concat();
    assert_eq!(
        encode(&packed(Gray8, 4, 1), &Colour::SRGB, &rgba),
        [54, 182, 18, 255]
    );
    assert_eq!(
        encode(&packed(Gray8, 4, 1), &limited, &rgba),
        [62, 172, 31, 235]
    );
}

#[test]
fn bits_run_from_the_highest() {
    let layout = packed(PixelFormat::Mono1, 10, 2);
    let pixels = [0b1010_0001, 0b0111_1111, 0, 0b1000_0000];
    let rgba = decode(&layout, &Colour::SRGB, AlphaMode::Opaque, &pixels);
    let white: Vec<_> = (0..20).filter(|i| rgba[i * 4] == 255).collect();
    // In the first row the ninth and tenth pixel are the two highest bits of the second byte.
    assert_eq!(white, [0, 2, 7, 9, 18]);
    let back = encode(&layout, &Colour::SRGB, &rgba);
    assert_eq!(back, [0b1010_0001, 0b0100_0000, 0, 0b1000_0000]);
}

/// Y, Cb, Cr of the primaries as published tables of these standards have them.
#[test]
fn primaries_by_every_matrix_and_range() {
    let full_709 = Colour {
        range: ColourRange::Full,
        ..Colour::BT709_LIMITED
    };
    let tables: &[(Colour, [[u8; 3]; 3])] = &[
        (
            Colour::BT601_LIMITED,
            [[81, 90, 240], [145, 54, 34], [41, 240, 110]],
        ),
        (
            Colour::BT709_LIMITED,
            [[63, 102, 240], [173, 42, 26], [32, 240, 118]],
        ),
        (
            Colour::BT2020_LIMITED,
            [[74, 97, 240], [164, 47, 25], [29, 240, 119]],
        ),
        (Colour::JPEG, [[76, 85, 255], [150, 44, 21], [29, 255, 107]]),
        (full_709, [[54, 99, 255], [182, 30, 12], [18, 255, 116]]),
    ];
    let layout = packed(PixelFormat::I444, 1, 1);
    for (colour, expected) in tables {
        for (rgba, yuv) in [RED, GREEN, BLUE].iter().zip(expected) {
            assert_eq!(encode(&layout, colour, rgba), yuv, "{rgba:?} in {colour}");
            let back = decode(&layout, colour, AlphaMode::Opaque, yuv);
            for (a, b) in back.iter().zip(rgba) {
                assert!(a.abs_diff(*b) <= 2, "{yuv:?} in {colour} gave {back:?}");
            }
        }
        let (black, white) = match colour.range {
            ColourRange::Full => (0, 255),
            _ => (16, 235),
        };
        assert_eq!(encode(&layout, colour, &WHITE), [white, 128, 128]);
        assert_eq!(
            decode(&layout, colour, AlphaMode::Opaque, &[white, 128, 128]),
            WHITE
        );
        assert_eq!(encode(&layout, colour, &BLACK), [black, 128, 128]);
        assert_eq!(
            decode(&layout, colour, AlphaMode::Opaque, &[black, 128, 128]),
            BLACK
        );
    }
}

#[test]
fn identity_and_ycgco() {
    let layout = packed(PixelFormat::I444, 1, 1);
    let colour = |matrix, range| Colour {
        matrix,
        range,
        ..Colour::UNSPECIFIED
    };
    // The planes are green, blue, red.
    let identity = colour(Matrix::IDENTITY, ColourRange::Full);
    assert_eq!(encode(&layout, &identity, &[10, 20, 30, 255]), [20, 30, 10]);
    let rgba = decode(&layout, &identity, AlphaMode::Opaque, &[20, 30, 10]);
    assert_eq!(rgba, [10, 20, 30, 255]);
    let limited = colour(Matrix::IDENTITY, ColourRange::Limited);
    assert_eq!(encode(&layout, &limited, &WHITE), [235, 235, 235]);
    // Y = 255 / 4, Cg = 128 - 255 / 4, Co = 128 + 255 / 2 for red.
    let ycgco = colour(Matrix::YCGCO, ColourRange::Full);
    assert_eq!(encode(&layout, &ycgco, &RED), [64, 64, 255]);
    let rgba = decode(&layout, &ycgco, AlphaMode::Opaque, &[64, 64, 255]);
    assert_eq!(rgba, [255, 0, 1, 255]);
    // BT.2020 with constant luminance is not linear.
    let constant = colour(Matrix(10), ColourRange::Limited);
    let mut rgba = [0; 4];
    assert_eq!(
        to_rgba8(&layout, &constant, AlphaMode::Opaque, &[0; 3], &mut rgba),
        Err(ConvertError::UnsupportedMatrix { matrix: Matrix(10) })
    );
}

/// What nobody said is BT.601 up to 576 lines and BT.709 above, limited.
#[test]
fn the_size_decides_where_nobody_said() {
    for (height, luma) in [(576, 81), (577, 63)] {
        let layout = packed(PixelFormat::I420, 1, height);
        let rgba = RED.repeat(height as usize);
        assert_eq!(encode(&layout, &Colour::UNSPECIFIED, &rgba)[0], luma);
    }
}

/// A 3x3 picture of three rows red, green, blue in every arrangement of BT.601 samples.
#[test]
fn arrangements_of_chroma_and_odd_sizes() {
    use PixelFormat::*;
    let rows = [RED.repeat(3), GREEN.repeat(3), BLUE.repeat(3)].concat();
    let (ry, rb, rr) = (81, 90, 240);
    let (gy, gb, gr) = (145, 54, 34);
    let (by, bb, br) = (41, 240, 110);
    // The mean of red and green is 128, 128, 0.
    let (mb, mr) = (72, 137);
    let luma = [[ry; 3], [gy; 3], [by; 3]].concat();
    let planes = |chroma: &[u8]| [&luma, chroma].concat();
    let cases: &[(PixelFormat, Vec<u8>)] = &[
        (
            I444,
            planes(&[
                rb, rb, rb, gb, gb, gb, bb, bb, bb, rr, rr, rr, gr, gr, gr, br, br, br,
            ]),
        ),
        (
            I422,
            planes(&[rb, rb, gb, gb, bb, bb, rr, rr, gr, gr, br, br]),
        ),
        (I420, planes(&[mb, mb, bb, bb, mr, mr, br, br])),
        (Nv12, planes(&[mb, mr, mb, mr, bb, br, bb, br])),
        (Nv21, planes(&[mr, mb, mr, mb, br, bb, br, bb])),
        (
            Yuyv,
            [[ry, rb, ry, rr], [gy, gb, gy, gr], [by, bb, by, br]]
                .map(|p| p.repeat(2))
                .concat(),
        ),
        (
            Uyvy,
            [[rb, ry, rr, ry], [gb, gy, gr, gy], [bb, by, br, by]]
                .map(|p| p.repeat(2))
                .concat(),
        ),
    ];
    for (format, expected) in cases {
        let layout = packed(*format, 3, 3);
        let pixels = encode(&layout, &Colour::BT601_LIMITED, &rows);
        assert_eq!(&pixels, expected, "{format}");
        let rgba = decode(&layout, &Colour::BT601_LIMITED, AlphaMode::Opaque, &pixels);
        // The last row has chroma of its own in every arrangement.
        for pixel in rgba[24..].as_chunks::<4>().0 {
            let near = pixel.iter().zip(BLUE).all(|(a, b)| a.abs_diff(b) <= 2);
            assert!(near, "{format}: {pixel:?}");
        }
    }
}

#[test]
fn ten_bits_are_the_high_ones() {
    let layout = packed(PixelFormat::P010Le, 2, 2);
    let pixels = encode(&layout, &Colour::BT2020_LIMITED, &RED.repeat(4));
    let words: Vec<u16> = pixels
        .as_chunks::<2>()
        .0
        .iter()
        .map(|w| u16::from_le_bytes(*w))
        .collect();
    // 64 + 876 * 0.2627 = 294.1; 512 - 896 * 0.2627 / 1.8814 = 386.9; 512 + 448 = 960.
    assert_eq!(
        words,
        [294 << 6, 294 << 6, 294 << 6, 294 << 6, 387 << 6, 960 << 6]
    );
    let rgba = decode(&layout, &Colour::BT2020_LIMITED, AlphaMode::Opaque, &pixels);
    assert_eq!(rgba, RED.repeat(4));
}

/// A flat colour comes out of every mosaic as itself, in 8 and 16 bits, at any size.
#[test]
fn mosaics_of_one_colour() {
    let bayer = PixelFormat::ALL
        .iter()
        .filter(|f| f.name().starts_with("bayer"));
    for &format in bayer {
        for (width, height) in [(2, 2), (3, 2), (4, 5), (7, 7)] {
            let layout = packed(format, width, height);
            let rgba = [200, 100, 50, 255].repeat((width * height) as usize);
            let mosaic = encode(&layout, &Colour::SRGB, &rgba);
            let back = decode(&layout, &Colour::SRGB, AlphaMode::Opaque, &mosaic);
            assert_eq!(back, rgba, "{format} {width}x{height}");
        }
    }
}

#[test]
fn mosaics_interpolate_between_neighbours() {
    use PixelFormat::*;
    // A 4x4 sensor, uneven so that no wrong neighbour gives the same mean.
    #[rustfmt::skip]
    let samples = [
        10, 200, 30, 40,
        50, 60, 7, 80,
        90, 100, 11, 120,
        130, 14, 150, 160,
    ];
    let rgba = |format| {
        decode(
            &packed(format, 4, 4),
            &Colour::SRGB,
            AlphaMode::Opaque,
            &samples,
        )
    };
    let at = |rgba: &[u8], x: usize, y: usize| -> [u8; 3] {
        rgba[(y * 4 + x) * 4..][..3].try_into().expect("three")
    };
    let rggb = rgba(BayerRggb8);
    // Blue at (1,1): red from its corners 10, 30, 90, 11, green from its sides 200, 50, 7, 100.
    assert_eq!(at(&rggb, 1, 1), [35, 89, 60]);
    // Green at (2,1) among blue: red above and below, 30 and 11, blue left and right, 60 and 80.
    assert_eq!(at(&rggb, 2, 1), [21, 7, 70]);
    // Green at (1,2) among red: red left and right, 90 and 11, blue above and below, 60 and 14.
    assert_eq!(at(&rggb, 1, 2), [51, 100, 37]);
    // Red at the corner: mirrored neighbours, so green is the mean of 200 and 50.
    assert_eq!(at(&rggb, 0, 0), [10, 125, 60]);
    // And at the opposite one, which is blue: red is 11, green the mean of 120 and 150.
    assert_eq!(at(&rggb, 3, 3), [11, 135, 160]);
    // The same place (1,1) in the other orders: red, green among blue, green among red.
    assert_eq!(at(&rgba(BayerBggr8), 1, 1), [60, 89, 35]);
    assert_eq!(at(&rgba(BayerGrbg8), 1, 1), [150, 60, 29]);
    assert_eq!(at(&rgba(BayerGbrg8), 1, 1), [29, 60, 150]);
}

/// The place of each colour in the four orders, which the flat pictures above cannot show.
#[test]
fn mosaics_keep_the_colour_of_their_filter() {
    use PixelFormat::*;
    let rgba = [1, 2, 3, 255].repeat(4);
    let cases = [
        (BayerRggb8, [1, 2, 2, 3]),
        (BayerBggr8, [3, 2, 2, 1]),
        (BayerGrbg8, [2, 1, 3, 2]),
        (BayerGbrg8, [2, 3, 1, 2]),
    ];
    for (format, expected) in cases {
        let mosaic = encode(&packed(format, 2, 2), &Colour::SRGB, &rgba);
        assert_eq!(mosaic, expected, "{format}");
    }
    let wide = encode(&packed(BayerGbrg16Le, 2, 2), &Colour::SRGB, &rgba);
    assert_eq!(wide, [2, 2, 3, 3, 1, 1, 2, 2]);
}

#[test]
fn short_slices_are_refused_with_both_lengths() {
    let layout = packed(PixelFormat::Nv12, 4, 4);
    let mut rgba = [0; 64];
    let short = to_rgba8(
        &layout,
        &Colour::SRGB,
        AlphaMode::Opaque,
        &[0; 23],
        &mut rgba,
    );
    let (needed, found) = (24, 23);
    assert_eq!(short, Err(ConvertError::PixelBytes { needed, found }));
    let short = from_rgba8(&layout, &Colour::SRGB, &rgba[..63], &mut [0; 24]);
    let (needed, found) = (64, 63);
    assert_eq!(short, Err(ConvertError::RgbaBytes { needed, found }));
}

#[test]
fn padding_is_neither_read_nor_written() {
    let extent = Extent::new(3, 3).unwrap();
    for &format in PixelFormat::ALL {
        let plain = packed(format, 3, 3);
        let padded = FrameLayout::new(format, extent, 64).expect("small");
        let rgba: Vec<u8> = (0..36)
            .map(|i| if i % 4 == 3 { 255 } else { i * 7 })
            .collect();
        let mut pixels = vec![0xA5; padded.byte_len() as usize];
        from_rgba8(&padded, &Colour::JPEG, &rgba, &mut pixels).expect("fits");
        for plane in 0..padded.planes().len() {
            for y in 0..padded.plane_rows(plane) {
                let row = padded.row_range(plane, y).expect("a row");
                let next = row.start + padded.planes()[plane].stride as usize;
                assert!(pixels[row.end..next].iter().all(|&b| b == 0xA5), "{format}");
            }
        }
        let from_padded = decode(&padded, &Colour::JPEG, AlphaMode::Straight, &pixels);
        let from_plain = decode(
            &plain,
            &Colour::JPEG,
            AlphaMode::Straight,
            &encode(&plain, &Colour::JPEG, &rgba),
        );
        assert_eq!(from_padded, from_plain, "{format}");
    }
}

/// How far a flat colour may be off after a round trip, for each format; `None` if it is lost.
fn tolerance(format: PixelFormat) -> Option<u8> {
    use PixelFormat::*;
    match format {
        Gray8 | Gray16Le | GrayF32Le | Mono1 => None,
        Rgb565Le => Some(4),
        _ if format.chroma_subsampling().is_some() => Some(2),
        _ => Some(0),
    }
}

proptest! {
    #[test]
    fn flat_colours_survive_every_format(
        format in proptest::sample::select(PixelFormat::ALL),
        rgb: [u8; 3],
        width in 2u32..20,
        height in 2u32..20,
        colour in proptest::sample::select(vec![
            Colour::SRGB, Colour::JPEG, Colour::BT601_LIMITED, Colour::BT709_LIMITED,
            Colour::BT2020_LIMITED, Colour::UNSPECIFIED,
        ]),
    ) {
        let layout = packed(format, width, height);
        let pixel = [rgb[0], rgb[1], rgb[2], 255];
        let rgba = pixel.repeat((width * height) as usize);
        let back = decode(&layout, &colour, AlphaMode::Straight, &encode(&layout, &colour, &rgba));
        if let Some(tolerance) = tolerance(format) {
            for (a, b) in back.iter().zip(&rgba) {
                prop_assert!(a.abs_diff(*b) <= tolerance, "{} {}: {:?} became {:?}",
                    format, colour, pixel, &back[..4]);
            }
        } else {
            prop_assert!(back.as_chunks::<4>().0.iter().all(|p| p[0] == p[1] && p[1] == p[2]));
        }
    }

    /// Each pixel against the definition of H.273 in floating point.
    #[test]
    fn decoding_agrees_with_the_definition(
        yuv: [u8; 3],
        standard in proptest::sample::select(vec![
            (Matrix::BT601_525, 0.299, 0.114), (Matrix::BT709, 0.2126, 0.0722),
            (Matrix::FCC, 0.30, 0.11), (Matrix::SMPTE240, 0.212, 0.087),
            (Matrix::BT2020, 0.2627, 0.0593),
        ]),
        full: bool,
    ) {
        let (matrix, kr, kb) = standard;
        let range = if full { ColourRange::Full } else { ColourRange::Limited };
        let colour = Colour { matrix, range, ..Colour::UNSPECIFIED };
        let layout = packed(PixelFormat::I444, 1, 1);
        let rgba = decode(&layout, &colour, AlphaMode::Opaque, &yuv);
        let [y, cb, cr] = yuv.map(f64::from);
        let (y, cb, cr) = if full {
            (y / 255.0, (cb - 128.0) / 255.0, (cr - 128.0) / 255.0)
        } else {
            ((y - 16.0) / 219.0, (cb - 128.0) / 224.0, (cr - 128.0) / 224.0)
        };
        // Y = kr R + (1 - kr - kb) G + kb B with the two differences solved for R and B.
        let red = y + 2.0 * (1.0 - kr) * cr;
        let blue = y + 2.0 * (1.0 - kb) * cb;
        let green = (y - kr * red - kb * blue) / (1.0 - kr - kb);
        for (found, exact) in rgba.iter().zip([red, green, blue]) {
            let exact = exact.clamp(0.0, 1.0) * 255.0;
            prop_assert!((f64::from(*found) - exact).abs() < 0.51, "{} for {}", found, exact);
        }
    }
}

#[test]
fn subsampling_is_what_the_names_say() {
    let of = PixelFormat::chroma_subsampling;
    assert_eq!(of(PixelFormat::P010Le), Some(ChromaSubsampling::Cs420));
    assert_eq!(of(PixelFormat::Uyvy), Some(ChromaSubsampling::Cs422));
    assert_eq!(of(PixelFormat::I444), Some(ChromaSubsampling::Cs444));
    assert_eq!(of(PixelFormat::BayerRggb8), None);
}
