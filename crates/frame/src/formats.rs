//! Pixel formats: the order of bytes in memory, and the names others have for it.

use core::fmt;
use core::str::FromStr;

/// How the samples of a picture lie in memory.
///
/// The name gives the order of bytes at rising addresses: `Bgra8` is blue first. `Le` marks
/// samples wider than a byte, always little-endian. The numeric code is what the frame header
/// carries; codes are never reused or renumbered.
///
/// Alpha mode and colour are separate ([`AlphaMode`](crate::AlphaMode),
/// [`Colour`](crate::Colour)).
///
/// | code | format | memory | DRM FourCC | ffmpeg |
/// | --- | --- | --- | --- | --- |
/// | 1 | `Gray8` | one byte of luminance | `R8  ` (`GREY` is read too) | `gray` |
/// | 2 | `Gray16Le` | u16 | `R16 ` | `gray16le` |
/// | 3 | `Rgb8` | R, G, B | `BG24` | `rgb24` |
/// | 4 | `Bgr8` | B, G, R | `RG24` | `bgr24` |
/// | 5 | `Rgba8` | R, G, B, A | `AB24` | `rgba` |
/// | 6 | `Bgra8` | B, G, R, A | `AR24` (`ARGB8888`) | `bgra` |
/// | 7 | `Rgbx8` | R, G, B, unused | `XB24` | `rgb0` |
/// | 8 | `Bgrx8` | B, G, R, unused | `XR24` | `bgr0` |
/// | 9 | `Rgb565Le` | u16, red in the high bits | `RG16` | `rgb565le` |
/// | 10 | `Rgba16Le` | u16 R, G, B, A | `AB48` | `rgba64le` |
/// | 11 | `GrayF32Le` | f32, 0.0 black to 1.0 white | `R  F` | `grayf32le` |
/// | 12 | `RgbaF32Le` | f32 R, G, B, A | `AB8F` | `rgbaf32le` (ffmpeg 6 on) |
/// | 13 | `Yuyv` | Y0, Cb, Y1, Cr for two pixels | `YUYV` | `yuyv422` |
/// | 14 | `Uyvy` | Cb, Y0, Cr, Y1 for two pixels | `UYVY` | `uyvy422` |
/// | 15 | `Nv12` | plane Y, plane Cb Cr at 2x2 | `NV12` | `nv12` |
/// | 16 | `Nv21` | plane Y, plane Cr Cb at 2x2 | `NV21` | `nv21` |
/// | 17 | `I420` | planes Y, Cb, Cr at 2x2 | `YU12` | `yuv420p` |
/// | 18 | `I422` | planes Y, Cb, Cr at 2x1 | `YU16` | `yuv422p` |
/// | 19 | `I444` | planes Y, Cb, Cr | `YU24` | `yuv444p` |
/// | 20 | `P010Le` | as `Nv12`, 10 bits on top of a u16 | `P010` | `p010le` |
/// | 21..24 | `BayerRggb8`, `Bggr8`, `Grbg8`, `Gbrg8` | a byte behind a colour filter | none | `bayer_rggb8` … |
/// | 25..28 | `BayerRggb16Le` … | u16 behind a colour filter | none | `bayer_rggb16le` … |
/// | 29 | `Mono1` | 8 pixels a byte, leftmost in the highest bit, 1 is white | `R1  ` | `monob` |
///
/// FourCC codes are those of Linux's `drm_fourcc.h`, which names the bits of a little-endian
/// word from the top, hence the turned order. It has no Bayer formats (those codes are V4L2's,
/// another namespace), so [`fourcc`](Self::fourcc) says `None` there. The two float codes and
/// `R1` are younger than the others; old headers lack them. A Bayer name gives the first row's
/// two colours and then the second row's. Bayer samples of 16 bits use the whole range.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
#[repr(u32)]
#[doc(alias = "pix_fmt")]
pub enum PixelFormat {
    /// One byte of luminance.
    Gray8 = 1,
    /// 16 bits of luminance, little-endian.
    Gray16Le = 2,
    /// Bytes R, G, B.
    Rgb8 = 3,
    /// Bytes B, G, R.
    Bgr8 = 4,
    /// Bytes R, G, B, A.
    Rgba8 = 5,
    /// Bytes B, G, R, A; what Windows and DRM call ARGB.
    Bgra8 = 6,
    /// Bytes R, G, B and one that means nothing.
    Rgbx8 = 7,
    /// Bytes B, G, R and one that means nothing.
    Bgrx8 = 8,
    /// 16 bits little-endian: red in bits 11..16, green in 5..11, blue in 0..5.
    Rgb565Le = 9,
    /// Four 16-bit little-endian samples R, G, B, A.
    Rgba16Le = 10,
    /// One little-endian `f32` of luminance, 0.0 to 1.0.
    GrayF32Le = 11,
    /// Four little-endian `f32` R, G, B, A, 0.0 to 1.0.
    RgbaF32Le = 12,
    /// Bytes Y0, Cb, Y1, Cr for each two pixels.
    Yuyv = 13,
    /// Bytes Cb, Y0, Cr, Y1 for each two pixels.
    Uyvy = 14,
    /// A plane of Y, then one of Cb, Cr pairs for each 2x2 pixels.
    Nv12 = 15,
    /// A plane of Y, then one of Cr, Cb pairs for each 2x2 pixels.
    Nv21 = 16,
    /// Planes Y, Cb, Cr; chroma for each 2x2 pixels.
    I420 = 17,
    /// Planes Y, Cb, Cr; chroma for each 2x1 pixels.
    I422 = 18,
    /// Planes Y, Cb, Cr of full size.
    I444 = 19,
    /// As `Nv12` with 16-bit little-endian samples; the 10 bits are the high ones.
    P010Le = 20,
    /// 8-bit colour filter array: rows R G R G …, then G B G B ….
    BayerRggb8 = 21,
    /// 8-bit colour filter array: rows B G B G …, then G R G R ….
    BayerBggr8 = 22,
    /// 8-bit colour filter array: rows G R G R …, then B G B G ….
    BayerGrbg8 = 23,
    /// 8-bit colour filter array: rows G B G B …, then R G R G ….
    BayerGbrg8 = 24,
    /// 16-bit little-endian colour filter array: rows R G R G …, then G B G B ….
    BayerRggb16Le = 25,
    /// 16-bit little-endian colour filter array: rows B G B G …, then G R G R ….
    BayerBggr16Le = 26,
    /// 16-bit little-endian colour filter array: rows G R G R …, then B G B G ….
    BayerGrbg16Le = 27,
    /// 16-bit little-endian colour filter array: rows G B G B …, then R G R G ….
    BayerGbrg16Le = 28,
    /// Eight pixels a byte, the leftmost in the highest bit; 1 is white.
    Mono1 = 29,
}

/// How one plane cuts the picture into blocks of whole bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaneShape {
    /// Pixels that one block spans from left to right.
    pub block_width: u32,
    /// Pixels that one block spans from top to bottom.
    pub block_height: u32,
    /// Bytes of one block.
    pub block_bytes: u32,
}

/// What the table below knows about one format.
struct Facts {
    format: PixelFormat,
    name: &'static str,
    fourcc: Option<FourCc>,
    ffmpeg: &'static str,
    bits_per_pixel: u32,
    planes: &'static [PlaneShape],
}

const fn shape(block_width: u32, block_height: u32, block_bytes: u32) -> PlaneShape {
    PlaneShape {
        block_width,
        block_height,
        block_bytes,
    }
}

const B1: &[PlaneShape] = &[shape(1, 1, 1)];
const B2: &[PlaneShape] = &[shape(1, 1, 2)];
const B3: &[PlaneShape] = &[shape(1, 1, 3)];
const B4: &[PlaneShape] = &[shape(1, 1, 4)];
const B8: &[PlaneShape] = &[shape(1, 1, 8)];
const B16: &[PlaneShape] = &[shape(1, 1, 16)];
const PAIR: &[PlaneShape] = &[shape(2, 1, 4)];
const SEMI8: &[PlaneShape] = &[shape(1, 1, 1), shape(2, 2, 2)];
const SEMI16: &[PlaneShape] = &[shape(1, 1, 2), shape(2, 2, 4)];
const PLANAR420: &[PlaneShape] = &[shape(1, 1, 1), shape(2, 2, 1), shape(2, 2, 1)];
const PLANAR422: &[PlaneShape] = &[shape(1, 1, 1), shape(2, 1, 1), shape(2, 1, 1)];
const PLANAR444: &[PlaneShape] = &[shape(1, 1, 1), shape(1, 1, 1), shape(1, 1, 1)];
const BITS: &[PlaneShape] = &[shape(8, 1, 1)];

const fn facts(
    format: PixelFormat,
    name: &'static str,
    fourcc: Option<&'static [u8; 4]>,
    ffmpeg: &'static str,
    bits_per_pixel: u32,
    planes: &'static [PlaneShape],
) -> Facts {
    let fourcc = match fourcc {
        Some(bytes) => Some(FourCc(*bytes)),
        None => None,
    };
    Facts {
        format,
        name,
        fourcc,
        ffmpeg,
        bits_per_pixel,
        planes,
    }
}

/// One row for each format, in the order of the codes.
#[rustfmt::skip]
static TABLE: [Facts; FORMATS] = {
    use PixelFormat::*;
    [
        facts(Gray8,         "gray8",          Some(b"R8  "), "gray",           8,   B1),
        facts(Gray16Le,      "gray16le",       Some(b"R16 "), "gray16le",       16,  B2),
        facts(Rgb8,          "rgb8",           Some(b"BG24"), "rgb24",          24,  B3),
        facts(Bgr8,          "bgr8",           Some(b"RG24"), "bgr24",          24,  B3),
        facts(Rgba8,         "rgba8",          Some(b"AB24"), "rgba",           32,  B4),
        facts(Bgra8,         "bgra8",          Some(b"AR24"), "bgra",           32,  B4),
        facts(Rgbx8,         "rgbx8",          Some(b"XB24"), "rgb0",           32,  B4),
        facts(Bgrx8,         "bgrx8",          Some(b"XR24"), "bgr0",           32,  B4),
        facts(Rgb565Le,      "rgb565le",       Some(b"RG16"), "rgb565le",       16,  B2),
        facts(Rgba16Le,      "rgba16le",       Some(b"AB48"), "rgba64le",       64,  B8),
        facts(GrayF32Le,     "grayf32le",      Some(b"R  F"), "grayf32le",      32,  B4),
        facts(RgbaF32Le,     "rgbaf32le",      Some(b"AB8F"), "rgbaf32le",      128, B16),
        facts(Yuyv,          "yuyv",           Some(b"YUYV"), "yuyv422",        16,  PAIR),
        facts(Uyvy,          "uyvy",           Some(b"UYVY"), "uyvy422",        16,  PAIR),
        facts(Nv12,          "nv12",           Some(b"NV12"), "nv12",           12,  SEMI8),
        facts(Nv21,          "nv21",           Some(b"NV21"), "nv21",           12,  SEMI8),
        facts(I420,          "i420",           Some(b"YU12"), "yuv420p",        12,  PLANAR420),
        facts(I422,          "i422",           Some(b"YU16"), "yuv422p",        16,  PLANAR422),
        facts(I444,          "i444",           Some(b"YU24"), "yuv444p",        24,  PLANAR444),
        facts(P010Le,        "p010le",         Some(b"P010"), "p010le",         24,  SEMI16),
        facts(BayerRggb8,    "bayer_rggb8",    None,          "bayer_rggb8",    8,   B1),
        facts(BayerBggr8,    "bayer_bggr8",    None,          "bayer_bggr8",    8,   B1),
        facts(BayerGrbg8,    "bayer_grbg8",    None,          "bayer_grbg8",    8,   B1),
        facts(BayerGbrg8,    "bayer_gbrg8",    None,          "bayer_gbrg8",    8,   B1),
        facts(BayerRggb16Le, "bayer_rggb16le", None,          "bayer_rggb16le", 16,  B2),
        facts(BayerBggr16Le, "bayer_bggr16le", None,          "bayer_bggr16le", 16,  B2),
        facts(BayerGrbg16Le, "bayer_grbg16le", None,          "bayer_grbg16le", 16,  B2),
        facts(BayerGbrg16Le, "bayer_gbrg16le", None,          "bayer_gbrg16le", 16,  B2),
        facts(Mono1,         "mono1",          Some(b"R1  "), "monob",          1,   BITS),
    ]
};

/// Number of formats, and the highest code.
const FORMATS: usize = 29;

// The table is indexed by code - 1: a row in the wrong place must not compile.
const _: () = {
    let mut i = 0;
    while i < TABLE.len() {
        assert!(TABLE[i].format as usize == i + 1);
        assert!(!TABLE[i].planes.is_empty() && TABLE[i].planes.len() <= crate::MAX_PLANES);
        i += 1;
    }
};

impl PixelFormat {
    /// Every format, in the order of the codes.
    pub const ALL: &'static [PixelFormat] = &{
        let mut all = [PixelFormat::Gray8; FORMATS];
        let mut i = 0;
        while i < FORMATS {
            all[i] = TABLE[i].format;
            i += 1;
        }
        all
    };

    const fn facts(self) -> &'static Facts {
        &TABLE[self as usize - 1]
    }

    pub(crate) const fn shapes(self) -> &'static [PlaneShape] {
        self.facts().planes
    }

    /// The stable number that the frame header carries.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The format with this code, or `None` for a code this version does not know.
    pub const fn from_code(code: u32) -> Option<PixelFormat> {
        if code >= 1 && code <= FORMATS as u32 {
            Some(TABLE[code as usize - 1].format)
        } else {
            None
        }
    }

    /// The name in lower case, as the command line takes and prints it.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The code of Linux's `drm_fourcc.h`, or `None` where it has none (Bayer).
    ///
    /// ```
    /// use framebus_frame::{FourCc, PixelFormat};
    /// // Bytes B, G, R, A are what DRM calls ARGB8888: it reads the word from the top.
    /// assert_eq!(PixelFormat::Bgra8.fourcc(), Some(FourCc(*b"AR24")));
    /// ```
    pub const fn fourcc(self) -> Option<FourCc> {
        self.facts().fourcc
    }

    /// The format with this DRM code, or `None` where the frame model has none.
    ///
    /// `GREY` (DRM's luminance-only `Y8`) is read as [`Gray8`](Self::Gray8), whose own code is
    /// the older and more widely understood `R8`.
    pub fn from_fourcc(fourcc: FourCc) -> Option<PixelFormat> {
        if fourcc == FourCc(*b"GREY") {
            return Some(PixelFormat::Gray8);
        }
        let matches = |f: &PixelFormat| f.fourcc() == Some(fourcc);
        Self::ALL.iter().copied().find(matches)
    }

    /// The name that ffmpeg's `-pix_fmt` takes.
    ///
    /// Every format of today has one; `None` is for formats to come. `rgbaf32le` needs
    /// ffmpeg 6 or later.
    pub const fn ffmpeg_pix_fmt(self) -> Option<&'static str> {
        Some(self.facts().ffmpeg)
    }

    /// The format that ffmpeg calls `name`, or `None`.
    ///
    /// Names that only differ by a colour range in ffmpeg (`yuvj420p`) are not formats here:
    /// the range is part of [`Colour`](crate::Colour).
    pub fn from_ffmpeg_pix_fmt(name: &str) -> Option<PixelFormat> {
        let matches = |f: &PixelFormat| f.ffmpeg_pix_fmt() == Some(name);
        Self::ALL.iter().copied().find(matches)
    }

    /// How many planes a picture of this format has: 1, 2 or 3.
    pub const fn plane_count(self) -> usize {
        self.facts().planes.len()
    }

    /// Bits of memory for one pixel, averaged over all planes, padding bits of samples included.
    pub const fn bits_per_pixel(self) -> u32 {
        self.facts().bits_per_pixel
    }

    /// True if a pixel carries an alpha sample.
    pub const fn has_alpha(self) -> bool {
        use PixelFormat::*;
        matches!(self, Rgba8 | Bgra8 | Rgba16Le | RgbaF32Le)
    }

    /// How coarse the chroma is, or `None` for formats that are not Y, Cb, Cr.
    pub const fn chroma_subsampling(self) -> Option<ChromaSubsampling> {
        use PixelFormat::*;
        match self {
            Nv12 | Nv21 | I420 | P010Le => Some(ChromaSubsampling::Cs420),
            Yuyv | Uyvy | I422 => Some(ChromaSubsampling::Cs422),
            I444 => Some(ChromaSubsampling::Cs444),
            _ => None,
        }
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No pixel format has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsePixelFormatError {
    name: String,
}

impl ParsePixelFormatError {
    /// The name that was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ParsePixelFormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no pixel format is called {:?} (known:", self.name)?;
        for format in PixelFormat::ALL {
            write!(f, " {format}")?;
        }
        f.write_str(")")
    }
}

impl core::error::Error for ParsePixelFormatError {}

impl FromStr for PixelFormat {
    type Err = ParsePixelFormatError;

    /// Reads a [`name`](PixelFormat::name), in any case of letters.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let matches = |f: &PixelFormat| f.name().eq_ignore_ascii_case(name);
        let found = Self::ALL.iter().copied().find(matches);
        found.ok_or_else(|| ParsePixelFormatError {
            name: name.to_owned(),
        })
    }
}

/// Four bytes that name a pixel format, as in Linux's `drm_fourcc.h`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FourCc(pub [u8; 4]);

impl FourCc {
    /// The code as the 32-bit number of the C headers: the first letter in the lowest byte.
    pub const fn code(self) -> u32 {
        u32::from_le_bytes(self.0)
    }

    /// The four bytes of a 32-bit code of the C headers.
    pub const fn from_code(code: u32) -> FourCc {
        FourCc(code.to_le_bytes())
    }
}

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FourCc({self})")
    }
}

/// How many pixels share one pair of chroma samples.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ChromaSubsampling {
    /// One pair for each 2x2 pixels.
    Cs420,
    /// One pair for each two pixels of a row.
    Cs422,
    /// One pair for each pixel.
    Cs444,
}

impl ChromaSubsampling {
    /// Pixels that share a chroma sample, across and down.
    pub const fn factors(self) -> (u32, u32) {
        match self {
            ChromaSubsampling::Cs420 => (2, 2),
            ChromaSubsampling::Cs422 => (2, 1),
            ChromaSubsampling::Cs444 => (1, 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_come_back() {
        for &format in PixelFormat::ALL {
            assert_eq!(PixelFormat::from_code(format.code()), Some(format));
            assert_eq!(format.name().parse(), Ok(format));
            assert_eq!(format.name().to_uppercase().parse(), Ok(format));
            let ffmpeg = format.ffmpeg_pix_fmt().expect("all have one today");
            assert_eq!(PixelFormat::from_ffmpeg_pix_fmt(ffmpeg), Some(format));
            if let Some(fourcc) = format.fourcc() {
                assert_eq!(PixelFormat::from_fourcc(fourcc), Some(format));
                assert_eq!(FourCc::from_code(fourcc.code()), fourcc);
            }
        }
        assert_eq!(PixelFormat::ALL.len(), 29);
        assert_eq!(PixelFormat::from_code(0), None);
        assert_eq!(PixelFormat::from_code(30), None);
        assert_eq!(PixelFormat::from_code(u32::MAX), None);
        assert_eq!(PixelFormat::from_fourcc(FourCc(*b"RGGB")), None);
        assert_eq!(
            PixelFormat::from_fourcc(FourCc(*b"GREY")),
            Some(PixelFormat::Gray8)
        );
    }

    /// The numbers of `drm_fourcc.h` as its macro computes them, written out.
    #[test]
    fn fourcc_numbers_are_those_of_drm() {
        let number = |f: PixelFormat| f.fourcc().map(FourCc::code);
        assert_eq!(number(PixelFormat::Bgra8), Some(0x3432_5241));
        assert_eq!(number(PixelFormat::Bgrx8), Some(0x3432_5258));
        assert_eq!(number(PixelFormat::Rgba8), Some(0x3432_4241));
        assert_eq!(number(PixelFormat::Nv12), Some(0x3231_564E));
        assert_eq!(number(PixelFormat::Mono1), Some(0x2020_3152));
        assert_eq!(number(PixelFormat::BayerRggb8), None);
    }

    #[test]
    fn unknown_names_are_named() {
        let error = "yuv9".parse::<PixelFormat>().unwrap_err();
        assert_eq!(error.name(), "yuv9");
        assert!(error.to_string().contains("\"yuv9\""), "{error}");
        assert!(error.to_string().contains(" nv12"), "{error}");
    }

    #[test]
    fn bits_agree_with_the_planes() {
        for &format in PixelFormat::ALL {
            // 16x16 is whole in blocks of every format.
            let plane_bits =
                |s: &PlaneShape| (16 / s.block_width) * (16 / s.block_height) * s.block_bytes * 8;
            let bits: u32 = format.shapes().iter().map(plane_bits).sum();
            assert_eq!(bits, format.bits_per_pixel() * 256, "{format}");
        }
    }
}
