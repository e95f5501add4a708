//! What the sample values mean: colour, alpha and the clock of the source.
//!
//! Colour is described by the code points of ITU-T H.273, as video streams and containers do.

use core::fmt;

/// Defines a one-byte code point of H.273 with named values.
macro_rules! code_point {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $constant:ident = $value:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub struct $name(pub u8);

        impl $name {
            /// Nobody said.
            pub const UNSPECIFIED: $name = $name(2);
            $($(#[$doc])* pub const $constant: $name = $name($value);)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self::UNSPECIFIED
            }
        }
    };
}

code_point! {
    /// Colour primaries, a code point of H.273 section 8.1; any value is carried.
    Primaries {
        /// BT.709 and sRGB.
        BT709 = 1,
        /// BT.601 with 625 lines (PAL).
        BT601_625 = 5,
        /// BT.601 with 525 lines (NTSC).
        BT601_525 = 6,
        /// BT.2020 and BT.2100.
        BT2020 = 9,
        /// DCI-P3 with the D65 white point (Display P3).
        DISPLAY_P3 = 12,
    }
}

code_point! {
    /// Transfer characteristics, a code point of H.273 section 8.2; any value is carried.
    Transfer {
        /// BT.709.
        BT709 = 1,
        /// BT.601.
        BT601 = 6,
        /// Linear light.
        LINEAR = 8,
        /// sRGB.
        SRGB = 13,
        /// BT.2020 with 10 bits.
        BT2020_10 = 14,
        /// Perceptual quantizer (BT.2100, HDR10).
        PQ = 16,
        /// Hybrid log-gamma (BT.2100).
        HLG = 18,
    }
}

code_point! {
    /// Matrix coefficients from R, G, B to Y, Cb, Cr, a code point of H.273 section 8.3.
    Matrix {
        /// None: the planes are G, B, R; also what RGB formats state.
        IDENTITY = 0,
        /// BT.709.
        BT709 = 1,
        /// United States FCC 73.682.
        FCC = 4,
        /// BT.601 with 625 lines, the same numbers as with 525.
        BT601_625 = 5,
        /// BT.601 with 525 lines.
        BT601_525 = 6,
        /// SMPTE 240M.
        SMPTE240 = 7,
        /// YCgCo.
        YCGCO = 8,
        /// BT.2020, non-constant luminance.
        BT2020 = 9,
    }
}

/// Defines an enumeration that is stored as a small number.
macro_rules! stored_enum {
    ($(#[$meta:meta])* $name:ident: $int:ty {
        $($(#[$doc:meta])* $variant:ident = $value:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
        pub enum $name {
            /// Nobody said.
            #[default]
            Unspecified = 0,
            $($(#[$doc])* $variant = $value,)*
        }

        impl $name {
            /// The number that the frame header carries.
            #[inline]
            pub const fn code(self) -> $int {
                self as $int
            }

            /// The value with this number, or `None` for one this version does not know.
            #[inline]
            pub const fn from_code(code: $int) -> Option<$name> {
                match code {
                    0 => Some($name::Unspecified),
                    $($value => Some($name::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

stored_enum! {
    /// What the alpha samples mean.
    AlphaMode: u8 {
        /// Every pixel is opaque, whatever its alpha sample says.
        Opaque = 1,
        /// Colour samples are independent of alpha, as PNG stores them.
        Straight = 2,
        /// Colour samples are already multiplied by alpha, as compositors want them.
        Premultiplied = 3,
    }
}

stored_enum! {
    /// Which sample values mean black and white.
    ColourRange: u8 {
        /// Of 8 bits, 16 to 235 for Y and 16 to 240 for Cb and Cr ("TV").
        Limited = 1,
        /// All values ("PC", "JPEG").
        Full = 2,
    }
}

stored_enum! {
    /// Where a chroma sample lies among the pixels that share it.
    ChromaSiting: u8 {
        /// On the left column, between the rows (MPEG-2 and later).
        Left = 1,
        /// In the middle of all of them (JPEG, MPEG-1).
        Centre = 2,
        /// On the top left pixel (BT.2020).
        TopLeft = 3,
    }
}

stored_enum! {
    /// Which clock a source timestamp was read from.
    ClockDomain: u32 {
        /// The monotonic clock of this machine, the one of publish times.
        Monotonic = 1,
        /// The clock of the device that took the picture.
        Device = 2,
        /// Nanoseconds since 1970-01-01 00:00 UTC.
        Utc = 3,
        /// Nanoseconds since the stream began, as in a file of video.
        MediaTime = 4,
    }
}

/// What the sample values of a picture mean as colours.
///
/// ```
/// use framebus_frame::{Colour, ColourRange, Matrix};
/// let colour = Colour { range: ColourRange::Full, ..Colour::BT709_LIMITED };
/// assert_eq!(colour.matrix, Matrix::BT709);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[doc(alias = "Color")]
pub struct Colour {
    /// Which red, green, blue and white.
    pub primaries: Primaries,
    /// From light to sample values.
    pub transfer: Transfer,
    /// From R, G, B to Y, Cb, Cr.
    pub matrix: Matrix,
    /// Which values are black and white.
    pub range: ColourRange,
    /// Where chroma samples lie.
    pub siting: ChromaSiting,
}

impl Colour {
    /// Nobody said anything.
    pub const UNSPECIFIED: Colour = Colour::of(2, 2, 2, ColourRange::Unspecified);

    /// RGB as screens and web pages have it (IEC 61966-2-1).
    pub const SRGB: Colour = Colour::of(1, 13, 0, ColourRange::Full);

    /// High-definition video: BT.709, limited range, chroma on the left.
    pub const BT709_LIMITED: Colour =
        Colour::of(1, 1, 1, ColourRange::Limited).sited(ChromaSiting::Left);

    /// Standard-definition video of 525 lines: BT.601, limited range, chroma on the left.
    pub const BT601_LIMITED: Colour =
        Colour::of(6, 6, 6, ColourRange::Limited).sited(ChromaSiting::Left);

    /// JPEG files (JFIF): sRGB primaries through the BT.601 matrix, full range, chroma centred.
    pub const JPEG: Colour = Colour::of(1, 13, 6, ColourRange::Full).sited(ChromaSiting::Centre);

    /// Ultra-high-definition video: BT.2020 with 10 bits, limited range, chroma at the top left.
    pub const BT2020_LIMITED: Colour =
        Colour::of(9, 14, 9, ColourRange::Limited).sited(ChromaSiting::TopLeft);

    /// High dynamic range video: BT.2020 with the PQ transfer of BT.2100.
    pub const BT2100_PQ: Colour =
        Colour::of(9, 16, 9, ColourRange::Limited).sited(ChromaSiting::TopLeft);

    const fn of(primaries: u8, transfer: u8, matrix: u8, range: ColourRange) -> Colour {
        Colour {
            primaries: Primaries(primaries),
            transfer: Transfer(transfer),
            matrix: Matrix(matrix),
            range,
            siting: ChromaSiting::Unspecified,
        }
    }

    const fn sited(self, siting: ChromaSiting) -> Colour {
        Colour { siting, ..self }
    }
}

impl fmt::Display for Colour {
    /// The code points in the order H.273 lists them, as `1/13/0 full`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = match self.range {
            ColourRange::Unspecified => "unspecified",
            ColourRange::Limited => "limited",
            ColourRange::Full => "full",
        };
        let (p, t, m) = (self.primaries.0, self.transfer.0, self.matrix.0);
        write!(f, "{p}/{t}/{m} {range}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_numbers_are_those_of_the_layout() {
        assert_eq!(AlphaMode::Premultiplied.code(), 3);
        assert_eq!(ColourRange::Full.code(), 2);
        assert_eq!(ChromaSiting::TopLeft.code(), 3);
        assert_eq!(ClockDomain::MediaTime.code(), 4);
        for code in 0..=255u8 {
            let known = AlphaMode::from_code(code);
            assert_eq!(known.map(AlphaMode::code), (code < 4).then_some(code));
        }
        assert_eq!(ColourRange::from_code(3), None);
        assert_eq!(ChromaSiting::from_code(4), None);
        assert_eq!(ClockDomain::from_code(5), None);
    }

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(Colour::default(), Colour::UNSPECIFIED);
        assert_eq!(Colour::SRGB.to_string(), "1/13/0 full");
    }
}
