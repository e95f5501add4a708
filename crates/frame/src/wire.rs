//! Byte offsets and fixed values of a frame in a slot: the layout as numbers.
//!
//! All numbers are little-endian, all offsets count from the start of the slot. This is version
//! [`LAYOUT_VERSION`] of the layout; docs/memory-layout.md draws it. Every offset is derived from
//! the one before, and the assertions at the end pin them to what is documented.
//!
//! | bytes | content | rewritten |
//! | --- | --- | --- |
//! | [`HOT`], 64 | what every frame changes, one cache line | for every frame |
//! | [`DESCRIPTOR`], 128 | format, size, planes, colour | when it changes |
//! | [`DAMAGE`], 256 | up to 16 areas | when there are any |
//! | [`METADATA`], at most 4096 | bytes of the user | when there are any |
//! | [`PIXELS`] | the picture | for every frame |

use crate::{MAX_DAMAGE_RECTS, MAX_PLANES};

/// The first four bytes of every frame: `FBF1`.
pub const MAGIC_VALUE: u32 = u32::from_le_bytes(*b"FBF1");

/// Version of this layout; its own number, apart from any package's.
pub const LAYOUT_VERSION: u16 = 1;

/// Start of the line that every frame rewrites.
pub const HOT: usize = 0;
/// u32: [`MAGIC_VALUE`].
pub const MAGIC: usize = HOT;
/// u16: [`LAYOUT_VERSION`].
pub const VERSION: usize = MAGIC + 4;
/// u16: [`HEADER_BYTES`].
pub const HEADER_LEN: usize = VERSION + 2;
/// u64: frame order, from 1.
pub const SEQUENCE: usize = HEADER_LEN + 2;
/// u64: machine-wide monotonic nanoseconds.
pub const PUBLISH_TIME: usize = SEQUENCE + 8;
/// u64: nanoseconds in the clock of [`CLOCK_DOMAIN`]; 0 unless the flag says so.
pub const SOURCE_TIME: usize = PUBLISH_TIME + 8;
/// u32: [`FLAG_HAS_SOURCE_TIME`], [`FLAG_REPLY`]; readers ignore other bits.
pub const FLAGS: usize = SOURCE_TIME + 8;
/// u32: how often the slot was reused.
pub const GENERATION: usize = FLAGS + 4;
/// u32: the request that this frame answers; 0 unless the flag says so.
pub const REQUEST_ID: usize = GENERATION + 4;
/// u16: [`DAMAGE_KIND_ALL`], [`DAMAGE_KIND_NONE`] or [`DAMAGE_KIND_RECTS`].
pub const DAMAGE_KIND: usize = REQUEST_ID + 4;
/// u16: number of damage areas; above 0 only with [`DAMAGE_KIND_RECTS`].
pub const DAMAGE_COUNT: usize = DAMAGE_KIND + 2;
/// u32: bytes of user metadata.
pub const METADATA_LEN: usize = DAMAGE_COUNT + 2;
/// u32: changes whenever the descriptor of this slot does.
pub const DESCRIPTOR_REVISION: usize = METADATA_LEN + 4;
/// u32: which start of the publisher this frame is from.
pub const EPOCH: usize = DESCRIPTOR_REVISION + 4;
/// u32: which clock the source time is from.
pub const CLOCK_DOMAIN: usize = EPOCH + 4;

/// Start of what is rewritten only when it changes.
pub const DESCRIPTOR: usize = CLOCK_DOMAIN + 4;
/// u32: features that a reader must know; it refuses a frame with others.
pub const REQUIRED_FEATURES: usize = DESCRIPTOR;
/// u32: features that a reader may ignore.
pub const OPTIONAL_FEATURES: usize = REQUIRED_FEATURES + 4;
/// u32: pixels from left to right.
pub const WIDTH: usize = OPTIONAL_FEATURES + 4;
/// u32: pixels from top to bottom.
pub const HEIGHT: usize = WIDTH + 4;
/// u32: code of the pixel format.
pub const FORMAT: usize = HEIGHT + 4;
/// u8: alpha mode.
pub const ALPHA: usize = FORMAT + 4;
/// u8: colour primaries, a code point of H.273.
pub const PRIMARIES: usize = ALPHA + 1;
/// u8: transfer characteristics, a code point of H.273.
pub const TRANSFER: usize = PRIMARIES + 1;
/// u8: matrix coefficients, a code point of H.273.
pub const MATRIX: usize = TRANSFER + 1;
/// u8: colour range.
pub const RANGE: usize = MATRIX + 1;
/// u8: chroma siting.
pub const CHROMA_SITING: usize = RANGE + 1;
/// u8: number of planes; one reserved byte and a reserved u32 follow.
pub const PLANE_COUNT: usize = CHROMA_SITING + 1;
/// Four times u32 offset (from the first pixel byte) and u32 stride; unused ones are 0.
pub const PLANES: usize = PLANE_COUNT + 1 + 1 + 4;
/// u64: bytes of pixels.
pub const BYTE_LEN: usize = PLANES + MAX_PLANES * PLANE_BYTES;
/// u32: [`PIXELS`].
pub const PIXEL_OFFSET: usize = BYTE_LEN + 8;
/// u32: [`METADATA`]; 48 reserved bytes follow.
pub const METADATA_OFFSET: usize = PIXEL_OFFSET + 4;

/// Start of the damage areas: four u32 x, y, width, height each.
pub const DAMAGE: usize = DESCRIPTOR + DESCRIPTOR_BYTES;

/// Bytes of one plane: offset and stride.
pub const PLANE_BYTES: usize = 8;
/// Bytes of one damage area.
pub const DAMAGE_RECT_BYTES: usize = 16;
/// Bytes of the line that every frame rewrites: one cache line.
pub const HOT_BYTES: usize = 64;
/// Bytes of what is rewritten only when it changes.
pub const DESCRIPTOR_BYTES: usize = 128;
/// Bytes of the room for damage areas.
pub const DAMAGE_BYTES: usize = MAX_DAMAGE_RECTS * DAMAGE_RECT_BYTES;
/// Bytes of the whole header; some at its end are reserved.
pub const HEADER_BYTES: usize = 512;

/// Start of the user's metadata.
pub const METADATA: usize = HEADER_BYTES;
/// Most bytes of the user's metadata.
pub const MAX_METADATA_BYTES: usize = 4096;
/// Start of the pixels: the first page boundary behind the metadata.
pub const PIXELS: usize = (METADATA + MAX_METADATA_BYTES).next_multiple_of(4096);

/// Flag: the source time means something.
pub const FLAG_HAS_SOURCE_TIME: u32 = 1;
/// Flag: the frame answers a request.
pub const FLAG_REPLY: u32 = 1 << 1;

/// Damage kind: everything may have changed.
pub const DAMAGE_KIND_ALL: u16 = 0;
/// Damage kind: nothing changed.
pub const DAMAGE_KIND_NONE: u16 = 1;
/// Damage kind: the areas changed.
pub const DAMAGE_KIND_RECTS: u16 = 2;

/// 32-bit words of the line that every frame rewrites.
pub const HOT_WORDS: usize = HOT_BYTES / 4;
/// 32-bit words of the descriptor.
pub const DESCRIPTOR_WORDS: usize = DESCRIPTOR_BYTES / 4;
/// 32-bit words of the room for damage areas.
pub const DAMAGE_WORDS: usize = DAMAGE_BYTES / 4;

// What docs/memory-layout.md says, as numbers: another process may be another program.
const _: () = {
    assert!(MAGIC_VALUE == 0x3146_4246);
    assert!(MAGIC == 0x00 && VERSION == 0x04 && HEADER_LEN == 0x06);
    assert!(SEQUENCE == 0x08 && PUBLISH_TIME == 0x10 && SOURCE_TIME == 0x18);
    assert!(FLAGS == 0x20 && GENERATION == 0x24 && REQUEST_ID == 0x28);
    assert!(DAMAGE_KIND == 0x2C && DAMAGE_COUNT == 0x2E && METADATA_LEN == 0x30);
    assert!(DESCRIPTOR_REVISION == 0x34 && EPOCH == 0x38 && CLOCK_DOMAIN == 0x3C);
    assert!(DESCRIPTOR == 0x40 && DESCRIPTOR == HOT + HOT_BYTES);
    assert!(REQUIRED_FEATURES == 0x40 && OPTIONAL_FEATURES == 0x44);
    assert!(WIDTH == 0x48 && HEIGHT == 0x4C && FORMAT == 0x50);
    assert!(ALPHA == 0x54 && PRIMARIES == 0x55 && TRANSFER == 0x56 && MATRIX == 0x57);
    assert!(RANGE == 0x58 && CHROMA_SITING == 0x59 && PLANE_COUNT == 0x5A);
    assert!(PLANES == 0x60 && BYTE_LEN == 0x80);
    assert!(PIXEL_OFFSET == 0x88 && METADATA_OFFSET == 0x8C);
    assert!(METADATA_OFFSET + 4 <= DAMAGE && DAMAGE == 0xC0);
    assert!(DAMAGE + DAMAGE_BYTES == 0x1C0 && DAMAGE + DAMAGE_BYTES <= HEADER_BYTES);
    assert!(METADATA == 0x200 && PIXELS == 0x2000);
    // Numbers of 64 bits lie at multiples of 8, so that no compiler pads before them.
    assert!(SEQUENCE.is_multiple_of(8) && BYTE_LEN.is_multiple_of(8));
};
