//! What a picture is: formats, sizes, plane layouts, colour, damage and the frame header.
//!
//! This crate knows no operating system and contains no unsafe code, so it compiles the same for
//! every target and can be fuzzed and run under Miri. Everything that the bytes of a frame mean
//! is decided here and nowhere else:
//!
//! * [`PixelFormat`] names the order of bytes in memory, and converts to and from DRM FourCC
//!   codes and the names that ffmpeg uses.
//! * [`FrameLayout`] is the one place where sizes are multiplied, with checks.
//! * [`Colour`] and [`AlphaMode`] say what the numbers mean, apart from how they are stored.
//! * [`Damage`] says which areas differ from the frame before.
//! * [`FrameHeader`] is the 512 bytes in front of every picture; [`wire`] lists their offsets.
//! * The module `convert` (a feature, on by default) turns every format into RGBA for people's
//!   eyes, and back.
//!
//! ```
//! use framebus_frame::{Extent, FrameLayout, PixelFormat};
//!
//! let extent = Extent::new(1920, 1080)?;
//! let layout = FrameLayout::packed(PixelFormat::Nv12, extent)?;
//! assert_eq!(layout.byte_len(), 1920 * 1080 * 3 / 2);
//! assert_eq!(layout.planes().len(), 2);
//! # Ok::<(), framebus_frame::LayoutError>(())
//! ```
#![forbid(unsafe_code)]

mod colour;
mod damage;
mod formats;
mod header;
mod layout;
mod rect;
pub mod wire;

#[cfg(feature = "convert")]
pub mod convert;

pub use colour::{
    AlphaMode, ChromaSiting, ClockDomain, Colour, ColourRange, Matrix, Primaries, Transfer,
};
pub use damage::{Damage, DamageRects, MAX_DAMAGE_RECTS};
pub use formats::{ChromaSubsampling, FourCc, ParsePixelFormatError, PixelFormat};
pub use header::{
    DamageSummary, Descriptor, FrameHeader, HeaderError, HotLine, KNOWN_REQUIRED_FEATURES,
};
pub use layout::{
    DEFAULT_STRIDE_ALIGNMENT, FrameLayout, LayoutError, MAX_FRAME_BYTES, MAX_PLANES,
    MAX_STRIDE_ALIGNMENT, Plane,
};
pub use rect::{Extent, MAX_DIMENSION, Rect};
