//! Every format to RGBA for people's eyes, and RGBA to every format for test patterns.
//!
//! [`to_rgba8`] makes the four bytes R, G, B, A that PNG, windows and web pages take, row after
//! row without padding, with straight alpha. [`from_rgba8`] is the other way. Both are meant to be
//! right and quick enough to look at (1920x1080 takes one core 1 to 12 ms, by format), not for
//! grading: 16-bit and float samples are cut to 8 bits, chroma is repeated rather than
//! interpolated (so its siting is not heeded), Bayer mosaics are interpolated bilinearly, and
//! primaries and transfer are left as they are.
//!
//! The arithmetic is integer and written here instead of taken from a conversion crate: it is
//! small, has no unsafe code, gives the same bytes on every machine, and knows all matrices and
//! ranges of H.273 for all formats of the frame model, which no single crate does.

mod bayer;
mod gray;
mod matrix;
mod rgb;
mod yuv;

use core::fmt;

use crate::{AlphaMode, Colour, Extent, FrameLayout, Matrix, PixelFormat};

/// Why pixels could not be converted; carries the numbers that were wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ConvertError {
    /// The slice of pixels is shorter than the layout says.
    PixelBytes {
        /// Bytes that the layout takes.
        needed: u64,
        /// Bytes that there are.
        found: usize,
    },
    /// The slice of RGBA is shorter than four bytes for each pixel.
    RgbaBytes {
        /// Bytes that the picture takes.
        needed: u64,
        /// Bytes that there are.
        found: usize,
    },
    /// No conversion is known for these matrix coefficients.
    UnsupportedMatrix {
        /// The code point of H.273.
        matrix: Matrix,
    },
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ConvertError::PixelBytes { needed, found } => {
                write!(f, "{found} bytes of pixels, the layout takes {needed}")
            }
            ConvertError::RgbaBytes { needed, found } => {
                write!(f, "{found} bytes of RGBA, the picture takes {needed}")
            }
            ConvertError::UnsupportedMatrix { matrix } => {
                write!(f, "cannot convert matrix coefficients {}", matrix.0)
            }
        }
    }
}

impl core::error::Error for ConvertError {}

/// Bytes of a picture as RGBA without padding: four for each pixel.
pub const fn rgba_len(extent: Extent) -> u64 {
    extent.pixels() * 4
}

/// Converts a picture to R, G, B, A bytes without padding, alpha straight.
///
/// `pixels` starts at the first pixel byte of the frame; `out` takes [`rgba_len`] bytes, what is
/// behind them stays as it is. Premultiplied colours are divided by alpha; formats without alpha
/// and `AlphaMode::Opaque` give 255. What `colour` leaves open is guessed as players do: for
/// Y, Cb, Cr the BT.601 matrix up to 576 lines and BT.709 above, limited range; full range for
/// gray. Floats are cut to 0.0 to 1.0, and what is no number is 0.
///
/// # Errors
/// [`ConvertError::PixelBytes`] or [`ConvertError::RgbaBytes`] if a slice is too short,
/// [`ConvertError::UnsupportedMatrix`] for Y, Cb, Cr with a matrix that is not linear or unknown.
///
/// ```
/// use framebus_frame::{AlphaMode, Colour, Extent, FrameLayout, PixelFormat, convert};
/// let layout = FrameLayout::packed(PixelFormat::Bgra8, Extent::new(1, 1)?)?;
/// let mut rgba = [0; 4];
/// convert::to_rgba8(&layout, &Colour::SRGB, AlphaMode::Straight, &[1, 2, 3, 4], &mut rgba)?;
/// assert_eq!(rgba, [3, 2, 1, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn to_rgba8(
    layout: &FrameLayout,
    colour: &Colour,
    alpha: AlphaMode,
    pixels: &[u8],
    out: &mut [u8],
) -> Result<(), ConvertError> {
    let out_len = check(layout, pixels.len(), out.len())?;
    let source = Source { layout, pixels };
    let out = &mut out[..out_len];
    match family(layout.format()) {
        Family::Gray => gray::decode(&source, colour, out),
        Family::Rgb => rgb::decode(&source, alpha, out),
        Family::Yuv => yuv::decode(&source, colour, out)?,
        Family::Bayer => bayer::decode(&source, out),
    }
    Ok(())
}

/// Converts R, G, B, A bytes without padding to a picture of any format.
///
/// `out` starts at the first pixel byte of the frame; padding in it stays as it is. Where the
/// format has no alpha it is dropped, not blended; where it has, it is stored straight. Unused
/// bytes (`Rgbx8`) become 255. What `colour` leaves open is chosen as [`to_rgba8`] guesses it.
/// Chroma of several pixels is their mean; gray is luminance by the matrix of `colour` (BT.709 if
/// that is the identity, as for sRGB); Bayer formats keep the one colour of each pixel; `Mono1`
/// is white from the middle on.
///
/// # Errors
/// As [`to_rgba8`].
///
/// ```
/// use framebus_frame::{Colour, Extent, FrameLayout, PixelFormat, convert};
/// let layout = FrameLayout::packed(PixelFormat::I444, Extent::new(1, 1)?)?;
/// let mut pixels = [0; 3];
/// convert::from_rgba8(&layout, &Colour::BT601_LIMITED, &[255, 0, 0, 255], &mut pixels)?;
/// assert_eq!(pixels, [81, 90, 240]); // red, as every table of BT.601 has it
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn from_rgba8(
    layout: &FrameLayout,
    colour: &Colour,
    rgba: &[u8],
    out: &mut [u8],
) -> Result<(), ConvertError> {
    let rgba_len = check(layout, out.len(), rgba.len())?;
    let rgba = &rgba[..rgba_len];
    let mut target = Target {
        layout,
        pixels: out,
    };
    match family(layout.format()) {
        Family::Gray => gray::encode(&mut target, colour, rgba),
        Family::Rgb => rgb::encode(&mut target, rgba),
        Family::Yuv => yuv::encode(&mut target, colour, rgba)?,
        Family::Bayer => bayer::encode(&mut target, rgba),
    }
    Ok(())
}

/// Which of the modules handles a format.
enum Family {
    Gray,
    Rgb,
    Yuv,
    Bayer,
}

fn family(format: PixelFormat) -> Family {
    use PixelFormat::*;
    match format {
        Gray8 | Gray16Le | GrayF32Le | Mono1 => Family::Gray,
        Rgb8 | Bgr8 | Rgba8 | Bgra8 | Rgbx8 | Bgrx8 | Rgb565Le | Rgba16Le | RgbaF32Le => {
            Family::Rgb
        }
        Yuyv | Uyvy | Nv12 | Nv21 | I420 | I422 | I444 | P010Le => Family::Yuv,
        BayerRggb8 | BayerBggr8 | BayerGrbg8 | BayerGbrg8 | BayerRggb16Le | BayerBggr16Le
        | BayerGrbg16Le | BayerGbrg16Le => Family::Bayer,
    }
}

/// Checks both slices; returns the bytes of RGBA.
fn check(layout: &FrameLayout, pixels: usize, rgba: usize) -> Result<usize, ConvertError> {
    if (pixels as u64) < layout.byte_len() {
        return Err(ConvertError::PixelBytes {
            needed: layout.byte_len(),
            found: pixels,
        });
    }
    let needed = rgba_len(layout.extent());
    match usize::try_from(needed) {
        Ok(len) if len <= rgba => Ok(len),
        _ => Err(ConvertError::RgbaBytes {
            needed,
            found: rgba,
        }),
    }
}

/// Pixels that are at least as long as their layout says.
struct Source<'a> {
    layout: &'a FrameLayout,
    pixels: &'a [u8],
}

impl<'a> Source<'a> {
    /// One row of a plane; empty if there is no such row.
    fn row(&self, plane: usize, y: u32) -> &'a [u8] {
        let range = self.layout.row_range(plane, y).unwrap_or(0..0);
        &self.pixels[range]
    }
}

/// Room for pixels, at least as long as their layout says.
struct Target<'a> {
    layout: &'a FrameLayout,
    pixels: &'a mut [u8],
}

impl Target<'_> {
    /// One row of a plane; empty if there is no such row.
    fn row(&mut self, plane: usize, y: u32) -> &mut [u8] {
        let range = self.layout.row_range(plane, y).unwrap_or(0..0);
        &mut self.pixels[range]
    }
}

/// Bytes of one row of RGBA.
fn rgba_row_bytes(layout: &FrameLayout) -> usize {
    layout.extent().width() as usize * 4
}

/// Rows of RGBA with their numbers.
fn rgba_rows<'a>(layout: &FrameLayout, rgba: &'a [u8]) -> impl Iterator<Item = (u32, &'a [u8])> {
    (0..).zip(rgba.chunks_exact(rgba_row_bytes(layout)))
}

/// Rows of RGBA to be written, with their numbers.
fn rgba_rows_mut<'a>(
    layout: &FrameLayout,
    rgba: &'a mut [u8],
) -> impl Iterator<Item = (u32, &'a mut [u8])> {
    (0..).zip(rgba.chunks_exact_mut(rgba_row_bytes(layout)))
}

/// Turns each `N` bytes of a row into four of RGBA.
fn unpack_row<const N: usize>(from: &[u8], to: &mut [u8], pixel: impl Fn([u8; N]) -> [u8; 4]) {
    let (from, _) = from.as_chunks::<N>();
    let (to, _) = to.as_chunks_mut::<4>();
    for (rgba, bytes) in to.iter_mut().zip(from) {
        *rgba = pixel(*bytes);
    }
}

/// Turns each four bytes of RGBA into `N` of a row.
fn pack_row<const N: usize>(from: &[u8], to: &mut [u8], pixel: impl Fn([u8; 4]) -> [u8; N]) {
    let (from, _) = from.as_chunks::<4>();
    let (to, _) = to.as_chunks_mut::<N>();
    for (bytes, rgba) in to.iter_mut().zip(from) {
        *bytes = pixel(*rgba);
    }
}

/// 16 bits to 8, rounded: exactly `v * 255 / 65535`.
fn narrow(v: u16) -> u8 {
    ((u32::from(v) * 255 + 32_895) >> 16) as u8
}

/// 8 bits to 16: 255 becomes 65535.
fn widen(v: u8) -> u16 {
    u16::from(v) * 257
}

/// 0.0 to 1.0 as 0 to 255, rounded; what is no number is 0.
fn from_unit(v: f32) -> u8 {
    // Float to integer casts saturate, and NaN becomes 0.
    (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
}

/// 0 to 255 as 0.0 to 1.0.
fn to_unit(v: u8) -> f32 {
    f32::from(v) / 255.0
}
