//! Where the planes of a picture lie: the one place where sizes are multiplied.

use core::fmt;
use core::ops::Range;

use crate::formats::PlaneShape;
use crate::{Extent, PixelFormat};

/// Most planes that a picture may have; the frame header has room for this many.
pub const MAX_PLANES: usize = 4;

/// Most bytes of pixels in one frame: one less than 4 GiB, so that every offset fits 32 bits.
pub const MAX_FRAME_BYTES: u64 = u32::MAX as u64;

/// Rows start at multiples of this many bytes unless asked otherwise: one cache line, and
/// enough for every SIMD load.
pub const DEFAULT_STRIDE_ALIGNMENT: u32 = 64;

/// Largest stride alignment that can be asked for: one page.
pub const MAX_STRIDE_ALIGNMENT: u32 = 4096;

/// One component image: where it starts, and how far apart its rows are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Plane {
    /// Bytes from the first pixel byte of the frame to the first row.
    pub offset: u32,
    /// Bytes from one row to the next.
    #[doc(alias = "pitch")]
    #[doc(alias = "linesize")]
    pub stride: u32,
}

/// A size or a set of planes that no frame can have; carries the numbers that were wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LayoutError {
    /// A side is 0 or more than [`MAX_DIMENSION`](crate::MAX_DIMENSION) pixels.
    ExtentOutOfRange {
        /// Pixels from left to right, as asked.
        width: u32,
        /// Pixels from top to bottom, as asked.
        height: u32,
    },
    /// The alignment is no power of two, or more than [`MAX_STRIDE_ALIGNMENT`].
    StrideAlignment {
        /// Bytes, as asked.
        alignment: u32,
    },
    /// The pixels would take more than [`MAX_FRAME_BYTES`].
    TooLarge {
        /// Format as asked.
        format: PixelFormat,
        /// Size as asked.
        extent: Extent,
        /// Bytes that this would take.
        bytes: u64,
    },
    /// The format has another number of planes.
    PlaneCount {
        /// Format as stated.
        format: PixelFormat,
        /// Planes that it has.
        expected: usize,
        /// Planes that were given.
        found: usize,
    },
    /// The rows of a plane overlap each other.
    StrideTooSmall {
        /// Which plane.
        plane: usize,
        /// Bytes from row to row, as given.
        stride: u32,
        /// Bytes that a row of this plane has.
        row_bytes: u32,
    },
    /// Two planes share bytes.
    PlanesOverlap {
        /// The plane that comes first in the list.
        first: usize,
        /// The other one.
        second: usize,
    },
    /// A plane ends beyond [`MAX_FRAME_BYTES`].
    PlaneOutOfBounds {
        /// Which plane.
        plane: usize,
        /// Its offset and stride as given.
        given: Plane,
        /// First byte behind it.
        end: u64,
    },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use LayoutError::*;
        match *self {
            ExtentOutOfRange { width, height } => write!(
                f,
                "a picture of {width}x{height} pixels: each side must be 1 to {}",
                crate::MAX_DIMENSION
            ),
            StrideAlignment { alignment } => write!(
                f,
                "stride alignment {alignment}: must be a power of two up to {MAX_STRIDE_ALIGNMENT}"
            ),
            TooLarge {
                format,
                extent,
                bytes,
            } => write!(
                f,
                "{extent} {format} takes {bytes} bytes; a frame has at most {MAX_FRAME_BYTES}"
            ),
            PlaneCount {
                format,
                expected,
                found,
            } => write!(f, "{format} has {expected} planes, not {found}"),
            StrideTooSmall {
                plane,
                stride,
                row_bytes,
            } => write!(
                f,
                "plane {plane}: stride {stride} is less than the {row_bytes} bytes of a row"
            ),
            PlanesOverlap { first, second } => {
                write!(f, "planes {first} and {second} share bytes")
            }
            PlaneOutOfBounds { plane, given, end } => write!(
                f,
                "plane {plane} (offset {}, stride {}) ends at byte {end}; a frame has at most \
                 {MAX_FRAME_BYTES}",
                given.offset, given.stride
            ),
        }
    }
}

impl core::error::Error for LayoutError {}

/// Where every row of a picture lies, checked.
///
/// All offsets count from the first pixel byte of the frame. A plane takes `stride * rows` bytes,
/// the padding behind its last row included. A picture whose size is odd has its chroma rounded
/// up. Values of this type are always consistent: nothing in them can point outside
/// [`byte_len`](Self::byte_len) bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FrameLayout {
    format: PixelFormat,
    extent: Extent,
    // Unused entries are zero, so that comparing layouts compares what is used.
    planes: [Plane; MAX_PLANES],
    byte_len: u32,
}

impl FrameLayout {
    /// Lays out a picture, each row at a multiple of `stride_alignment` bytes, plane after plane.
    ///
    /// # Errors
    /// [`LayoutError::StrideAlignment`] if that is no power of two from 1 to
    /// [`MAX_STRIDE_ALIGNMENT`], [`LayoutError::TooLarge`] over [`MAX_FRAME_BYTES`].
    pub fn new(
        format: PixelFormat,
        extent: Extent,
        stride_alignment: u32,
    ) -> Result<FrameLayout, LayoutError> {
        if !stride_alignment.is_power_of_two() || stride_alignment > MAX_STRIDE_ALIGNMENT {
            return Err(LayoutError::StrideAlignment {
                alignment: stride_alignment,
            });
        }
        let mut planes = [Plane::default(); MAX_PLANES];
        let mut end = 0u64;
        for (plane, &shape) in planes.iter_mut().zip(format.shapes()) {
            // At most 65,535 pixels of 16 bytes and one page: far below 32 bits.
            let stride = row_bytes(shape, extent).next_multiple_of(stride_alignment);
            // An offset that does not fit is never used: the end fits even less, and is checked.
            *plane = Plane {
                offset: end as u32,
                stride,
            };
            end += u64::from(stride) * u64::from(rows(shape, extent));
        }
        match u32::try_from(end) {
            Ok(byte_len) => Ok(FrameLayout {
                format,
                extent,
                planes,
                byte_len,
            }),
            Err(_) => Err(LayoutError::TooLarge {
                format,
                extent,
                bytes: end,
            }),
        }
    }

    /// Lays out a picture without any padding between rows or planes.
    ///
    /// # Errors
    /// [`LayoutError::TooLarge`].
    pub fn packed(format: PixelFormat, extent: Extent) -> Result<FrameLayout, LayoutError> {
        FrameLayout::new(format, extent, 1)
    }

    /// Lays out a picture with rows at multiples of [`DEFAULT_STRIDE_ALIGNMENT`].
    ///
    /// # Errors
    /// [`LayoutError::TooLarge`].
    pub fn with_default_stride(
        format: PixelFormat,
        extent: Extent,
    ) -> Result<FrameLayout, LayoutError> {
        FrameLayout::new(format, extent, DEFAULT_STRIDE_ALIGNMENT)
    }

    /// Takes planes that somebody else laid out, in any order and with any gaps.
    ///
    /// # Errors
    /// [`LayoutError::PlaneCount`], [`LayoutError::StrideTooSmall`],
    /// [`LayoutError::PlaneOutOfBounds`] or [`LayoutError::PlanesOverlap`].
    pub fn from_planes(
        format: PixelFormat,
        extent: Extent,
        planes: &[Plane],
    ) -> Result<FrameLayout, LayoutError> {
        let shapes = format.shapes();
        if planes.len() != shapes.len() {
            return Err(LayoutError::PlaneCount {
                format,
                expected: shapes.len(),
                found: planes.len(),
            });
        }
        let mut byte_len = 0u32;
        let mut taken = [(0u32, 0u32); MAX_PLANES];
        for (index, (&plane, &shape)) in planes.iter().zip(shapes).enumerate() {
            let span = plane_span(index, plane, shape, extent)?;
            let shares = |&(start, end): &(u32, u32)| start < span.1 && span.0 < end;
            if let Some(first) = taken[..index].iter().position(shares) {
                return Err(LayoutError::PlanesOverlap {
                    first,
                    second: index,
                });
            }
            taken[index] = span;
            byte_len = byte_len.max(span.1);
        }
        let mut own = [Plane::default(); MAX_PLANES];
        own[..planes.len()].copy_from_slice(planes);
        Ok(FrameLayout {
            format,
            extent,
            planes: own,
            byte_len,
        })
    }

    /// How the samples lie in memory.
    #[inline]
    pub const fn format(&self) -> PixelFormat {
        self.format
    }

    /// The size in pixels.
    #[inline]
    pub const fn extent(&self) -> Extent {
        self.extent
    }

    /// The planes: 1 to 3 of them, as the format has.
    pub fn planes(&self) -> &[Plane] {
        &self.planes[..self.format.plane_count()]
    }

    /// Bytes from the first pixel byte to the end of the last plane; never 0.
    #[inline]
    pub const fn byte_len(&self) -> u64 {
        self.byte_len as u64
    }

    /// Rows of a plane; 0 if the format has no such plane.
    pub fn plane_rows(&self, plane: usize) -> u32 {
        let shape = self.format.shapes().get(plane);
        shape.map_or(0, |&s| rows(s, self.extent))
    }

    /// Bytes of one row of a plane without padding; 0 if the format has no such plane.
    pub fn plane_row_bytes(&self, plane: usize) -> u32 {
        let shape = self.format.shapes().get(plane);
        shape.map_or(0, |&s| row_bytes(s, self.extent))
    }

    /// The bytes of row `y` of a plane, without padding; `None` if there is no such row.
    ///
    /// The range always lies inside `0..byte_len`.
    pub fn row_range(&self, plane: usize, y: u32) -> Option<Range<usize>> {
        let shape = *self.format.shapes().get(plane)?;
        if y >= rows(shape, self.extent) {
            return None;
        }
        let Plane { offset, stride } = self.planes[plane];
        // Cannot wrap: the whole plane ends at or before byte_len, which fits 32 bits.
        let start = (offset + stride * y) as usize;
        Some(start..start + row_bytes(shape, self.extent) as usize)
    }

    /// True if there is no padding: every row and every plane follows the one before.
    pub fn is_packed(&self) -> bool {
        FrameLayout::packed(self.format, self.extent) == Ok(*self)
    }
}

fn row_bytes(shape: PlaneShape, extent: Extent) -> u32 {
    extent.width().div_ceil(shape.block_width) * shape.block_bytes
}

fn rows(shape: PlaneShape, extent: Extent) -> u32 {
    extent.height().div_ceil(shape.block_height)
}

/// First byte and first byte behind a foreign plane, if it can be one.
fn plane_span(
    index: usize,
    plane: Plane,
    shape: PlaneShape,
    extent: Extent,
) -> Result<(u32, u32), LayoutError> {
    let needed = row_bytes(shape, extent);
    if plane.stride < needed {
        return Err(LayoutError::StrideTooSmall {
            plane: index,
            stride: plane.stride,
            row_bytes: needed,
        });
    }
    let bytes = u64::from(plane.stride) * u64::from(rows(shape, extent));
    let end = u64::from(plane.offset) + bytes;
    match u32::try_from(end) {
        Ok(end) => Ok((plane.offset, end)),
        Err(_) => Err(LayoutError::PlaneOutOfBounds {
            plane: index,
            given: plane,
            end,
        }),
    }
}
