//! Matrix coefficients and ranges of H.273 as integer arithmetic.

use super::ConvertError;
use crate::{Colour, ColourRange, Extent, Matrix};

/// Up to this many lines a picture is taken for standard definition, as players do.
const SD_LINES: u32 = 576;

/// Bits behind the point of all coefficients.
const POINT: u32 = 16;

/// The conversions between R, G, B (0 to 1) and Y, Cb, Cr (0 to 1, and -0.5 to 0.5).
#[derive(Clone, Copy)]
pub(super) struct Model {
    forward: [[f64; 3]; 3],
    inverse: [[f64; 3]; 3],
    /// Chroma planes have the levels of luma: they are colours themselves.
    chroma_is_colour: bool,
}

impl Model {
    /// The model of a colour description; what it leaves open depends on the size.
    pub(super) fn new(colour: &Colour, extent: Extent) -> Result<Model, ConvertError> {
        let matrix = match colour.matrix {
            Matrix::UNSPECIFIED if extent.height() <= SD_LINES => Matrix::BT601_525,
            Matrix::UNSPECIFIED => Matrix::BT709,
            matrix => matrix,
        };
        match matrix {
            Matrix::BT709 => Ok(Model::weighted(0.2126, 0.0722)),
            Matrix::FCC => Ok(Model::weighted(0.30, 0.11)),
            Matrix::BT601_625 | Matrix::BT601_525 => Ok(Model::weighted(0.299, 0.114)),
            Matrix::SMPTE240 => Ok(Model::weighted(0.212, 0.087)),
            Matrix::BT2020 => Ok(Model::weighted(0.2627, 0.0593)),
            Matrix::IDENTITY => Ok(Model {
                forward: [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]],
                inverse: [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
                chroma_is_colour: true,
            }),
            Matrix::YCGCO => Ok(Model {
                forward: [[0.25, 0.5, 0.25], [-0.25, 0.5, -0.25], [0.5, 0.0, -0.5]],
                inverse: [[1.0, -1.0, 1.0], [1.0, 1.0, 0.0], [1.0, -1.0, -1.0]],
                chroma_is_colour: false,
            }),
            matrix => Err(ConvertError::UnsupportedMatrix { matrix }),
        }
    }

    /// The model of the weights of red and blue in luminance; green has the rest.
    fn weighted(red: f64, blue: f64) -> Model {
        let green = 1.0 - red - blue;
        // Chroma is the distance of blue and red from luminance, scaled to -0.5 to 0.5.
        let (cb, cr) = (2.0 * (1.0 - blue), 2.0 * (1.0 - red));
        Model {
            forward: [
                [red, green, blue],
                [-red / cb, -green / cb, (1.0 - blue) / cb],
                [(1.0 - red) / cr, -green / cr, -blue / cr],
            ],
            inverse: [
                [1.0, 0.0, cr],
                [1.0, -cb * blue / green, -cr * red / green],
                [1.0, cb, 0.0],
            ],
            chroma_is_colour: false,
        }
    }

    /// Weights of R, G, B in luminance with 16 bits behind the point; their sum is exactly one.
    ///
    /// BT.709 where the description has no luminance of its own.
    pub(super) fn luma_weights(colour: &Colour, extent: Extent) -> [u32; 3] {
        let model = match Model::new(colour, extent) {
            Ok(model) if !model.chroma_is_colour => model,
            _ => Model::weighted(0.2126, 0.0722),
        };
        let [red, _, blue] = model.forward[0];
        let (red, blue) = (fixed(red) as u32, fixed(blue) as u32);
        [red, (1 << POINT) - red - blue, blue]
    }

    /// Black and distance to white of luma, middle and whole range of chroma, for `bits` bits.
    fn levels(&self, range: ColourRange, bits: u32) -> Levels {
        let scale = f64::from(1u32 << (bits - 8));
        let full = f64::from((1u32 << bits) - 1);
        let luma = match range {
            ColourRange::Full => (0.0, full),
            ColourRange::Limited | ColourRange::Unspecified => (16.0 * scale, 219.0 * scale),
        };
        let chroma = match range {
            _ if self.chroma_is_colour => luma,
            ColourRange::Full => (128.0 * scale, full),
            ColourRange::Limited | ColourRange::Unspecified => (128.0 * scale, 224.0 * scale),
        };
        Levels {
            zero: [luma.0, chroma.0, chroma.0],
            span: [luma.1, chroma.1, chroma.1],
            full,
        }
    }

    /// Y, Cb, Cr samples of `bits` bits to R, G, B bytes.
    pub(super) fn decoder(&self, range: ColourRange, bits: u32) -> Decoder {
        let levels = self.levels(range, bits);
        let row = |row: [f64; 3]| core::array::from_fn(|i| fixed(row[i] * 255.0 / levels.span[i]));
        // By column, because a sample of chroma serves several pixels.
        let rows: [[i32; 3]; 3] = self.inverse.map(row);
        let column = |i: usize| [rows[0][i], rows[1][i], rows[2][i]];
        Decoder {
            zero: levels.zero.map(|v| v as i32),
            columns: [column(0), column(1), column(2)],
        }
    }

    /// R, G, B bytes to Y, Cb, Cr samples of `bits` bits.
    pub(super) fn encoder(&self, range: ColourRange, bits: u32) -> Encoder {
        let levels = self.levels(range, bits);
        let row = |i: usize| self.forward[i].map(|v| fixed(v * levels.span[i] / 255.0));
        Encoder {
            zero: levels.zero.map(|v| fixed(v) + (1 << (POINT - 1))),
            rows: [row(0), row(1), row(2)],
            full: levels.full as i32,
        }
    }
}

/// Where samples are zero, how far they reach, and the largest there is.
struct Levels {
    zero: [f64; 3],
    span: [f64; 3],
    full: f64,
}

fn fixed(value: f64) -> i32 {
    (value * f64::from(1u32 << POINT)).round() as i32
}

/// Y, Cb, Cr to R, G, B in integers.
pub(super) struct Decoder {
    zero: [i32; 3],
    columns: [[i32; 3]; 3],
}

impl Decoder {
    /// What a pair of chroma samples adds to R, G and B, rounding included.
    #[inline(always)]
    pub(super) fn chroma(&self, cb: u16, cr: u16) -> [i32; 3] {
        let cb = i32::from(cb) - self.zero[1];
        let cr = i32::from(cr) - self.zero[2];
        core::array::from_fn(|i| {
            self.columns[1][i] * cb + self.columns[2][i] * cr + (1 << (POINT - 1))
        })
    }

    /// The pixel of a luma sample and what its chroma adds.
    #[inline(always)]
    pub(super) fn pixel(&self, luma: u16, chroma: [i32; 3]) -> [u8; 4] {
        let luma = i32::from(luma) - self.zero[0];
        let byte = |i: usize| ((self.columns[0][i] * luma + chroma[i]) >> POINT).clamp(0, 255);
        [byte(0) as u8, byte(1) as u8, byte(2) as u8, 255]
    }
}

/// R, G, B to Y, Cb, Cr in integers.
pub(super) struct Encoder {
    zero: [i32; 3],
    rows: [[i32; 3]; 3],
    full: i32,
}

impl Encoder {
    #[inline(always)]
    fn sample(&self, index: usize, [r, g, b]: [i32; 3]) -> u16 {
        let row = self.rows[index];
        let sum = row[0] * r + row[1] * g + row[2] * b + self.zero[index];
        (sum >> POINT).clamp(0, self.full) as u16
    }

    /// The luma sample of a pixel.
    #[inline(always)]
    pub(super) fn luma(&self, [r, g, b, _]: [u8; 4]) -> u16 {
        self.sample(0, [r.into(), g.into(), b.into()])
    }

    /// The samples Cb and Cr of a mean colour.
    #[inline(always)]
    pub(super) fn chroma(&self, rgb: [i32; 3]) -> (u16, u16) {
        (self.sample(1, rgb), self.sample(2, rgb))
    }
}
