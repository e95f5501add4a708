//! The 512 bytes in front of every picture, between values and 32-bit words.
//!
//! The parts convert to and from words because that is how shared memory is read and written:
//! one 32-bit access after the other, copied out once, and only then looked at. Nothing in here
//! trusts a word: whatever 512 bytes are given, the result is a consistent value or a typed error.

use core::fmt;

use crate::wire;
use crate::{
    AlphaMode, ChromaSiting, ClockDomain, Colour, ColourRange, Damage, Extent, FrameLayout,
    LayoutError, MAX_DAMAGE_RECTS, MAX_PLANES, Matrix, PixelFormat, Plane, Primaries, Rect,
    Transfer,
};

/// Bits of the required features that this version understands: none so far.
pub const KNOWN_REQUIRED_FEATURES: u32 = 0;

/// Bytes that are no frame header; carries the numbers that were wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HeaderError {
    /// The first four bytes are not [`wire::MAGIC_VALUE`].
    Magic {
        /// What they are.
        found: u32,
    },
    /// The layout has another version than [`wire::LAYOUT_VERSION`].
    Version {
        /// Version as stated.
        found: u16,
    },
    /// The header has another length than [`wire::HEADER_BYTES`].
    HeaderLen {
        /// Bytes as stated.
        found: u16,
    },
    /// The sequence number is 0; the first frame has 1.
    ZeroSequence,
    /// The damage kind is unknown.
    DamageKind {
        /// Kind as stated.
        found: u16,
    },
    /// The number of damage areas does not go with their kind.
    DamageCount {
        /// Kind as stated.
        kind: u16,
        /// Number as stated.
        count: u16,
    },
    /// Fewer words than the damage areas need.
    DamageWords {
        /// Words that they need.
        needed: usize,
        /// Words that there are.
        found: usize,
    },
    /// A damage area is empty or reaches out of the picture.
    DamageRect {
        /// Which of the areas.
        index: usize,
        /// The area as stated.
        rect: Rect,
        /// The picture.
        extent: Extent,
    },
    /// More metadata than [`wire::MAX_METADATA_BYTES`].
    MetadataLen {
        /// Bytes as stated.
        found: u32,
    },
    /// The clock of the source time is unknown.
    ClockDomain {
        /// Number as stated.
        found: u32,
    },
    /// The frame needs features that this version does not know.
    UnknownFeatures {
        /// The unknown bits.
        unknown: u32,
    },
    /// The pixel format is unknown.
    Format {
        /// Code as stated.
        found: u32,
    },
    /// Size, planes and format do not go together.
    Layout(LayoutError),
    /// The stated number of pixel bytes is not what the planes take.
    ByteLen {
        /// Bytes as stated.
        stated: u64,
        /// Bytes that the planes take.
        computed: u64,
    },
    /// The alpha mode is unknown.
    AlphaMode {
        /// Number as stated.
        found: u8,
    },
    /// The colour range is unknown.
    ColourRange {
        /// Number as stated.
        found: u8,
    },
    /// The chroma siting is unknown.
    ChromaSiting {
        /// Number as stated.
        found: u8,
    },
    /// The pixels do not start at [`wire::PIXELS`].
    PixelOffset {
        /// Offset as stated.
        found: u32,
    },
    /// The metadata does not start at [`wire::METADATA`].
    MetadataOffset {
        /// Offset as stated.
        found: u32,
    },
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use HeaderError::*;
        match *self {
            Magic { found } => write!(
                f,
                "no frame: starts with {found:#010x} instead of {:#010x}",
                wire::MAGIC_VALUE
            ),
            Version { found } => write!(
                f,
                "frame layout version {found}; this program reads version {}",
                wire::LAYOUT_VERSION
            ),
            HeaderLen { found } => write!(
                f,
                "frame header of {found} bytes instead of {}",
                wire::HEADER_BYTES
            ),
            ZeroSequence => f.write_str("frame with sequence number 0; the first is 1"),
            DamageKind { found } => write!(f, "unknown damage kind {found}"),
            DamageCount { kind, count } => write!(
                f,
                "{count} damage areas with damage kind {kind}; kind 2 has 1 to \
                 {MAX_DAMAGE_RECTS}, the others 0"
            ),
            DamageWords { needed, found } => {
                write!(f, "damage areas need {needed} words, there are {found}")
            }
            DamageRect {
                index,
                rect,
                extent,
            } => write!(
                f,
                "damage area {index} ({rect}) is empty or leaves the picture of {extent}"
            ),
            MetadataLen { found } => write!(
                f,
                "{found} bytes of metadata; at most {} are allowed",
                wire::MAX_METADATA_BYTES
            ),
            ClockDomain { found } => write!(f, "unknown clock domain {found}"),
            UnknownFeatures { unknown } => write!(
                f,
                "frame needs features {unknown:#x}, which this program does not know"
            ),
            Format { found } => write!(f, "unknown pixel format code {found}"),
            Layout(ref error) => write!(f, "impossible picture: {error}"),
            ByteLen { stated, computed } => write!(
                f,
                "header states {stated} bytes of pixels, its planes take {computed}"
            ),
            AlphaMode { found } => write!(f, "unknown alpha mode {found}"),
            ColourRange { found } => write!(f, "unknown colour range {found}"),
            ChromaSiting { found } => write!(f, "unknown chroma siting {found}"),
            PixelOffset { found } => write!(
                f,
                "pixels at offset {found:#x} instead of {:#x}",
                wire::PIXELS
            ),
            MetadataOffset { found } => write!(
                f,
                "metadata at offset {found:#x} instead of {:#x}",
                wire::METADATA
            ),
        }
    }
}

impl core::error::Error for HeaderError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            HeaderError::Layout(error) => Some(error),
            _ => None,
        }
    }
}

impl From<LayoutError> for HeaderError {
    fn from(error: LayoutError) -> Self {
        HeaderError::Layout(error)
    }
}

/// How much damage a frame has: what its first cache line says, without the areas.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DamageSummary {
    /// Everything may have changed.
    #[default]
    All,
    /// Nothing changed.
    None,
    /// This many areas changed: 1 to [`MAX_DAMAGE_RECTS`].
    Rects(u8),
}

impl DamageSummary {
    /// The numbers that the header carries: kind and count.
    #[inline]
    pub const fn codes(self) -> (u16, u16) {
        match self {
            DamageSummary::All => (wire::DAMAGE_KIND_ALL, 0),
            DamageSummary::None => (wire::DAMAGE_KIND_NONE, 0),
            DamageSummary::Rects(count) => (wire::DAMAGE_KIND_RECTS, count as u16),
        }
    }

    /// Reads kind and count.
    ///
    /// # Errors
    /// [`HeaderError::DamageKind`], [`HeaderError::DamageCount`].
    #[inline]
    pub fn from_codes(kind: u16, count: u16) -> Result<DamageSummary, HeaderError> {
        let summary = match (kind, u8::try_from(count)) {
            (wire::DAMAGE_KIND_ALL, Ok(0)) => DamageSummary::All,
            (wire::DAMAGE_KIND_NONE, Ok(0)) => DamageSummary::None,
            (wire::DAMAGE_KIND_RECTS, Ok(count)) => DamageSummary::Rects(count),
            (0..=wire::DAMAGE_KIND_RECTS, _) => {
                return Err(HeaderError::DamageCount { kind, count });
            }
            _ => return Err(HeaderError::DamageKind { found: kind }),
        };
        summary.check()?;
        Ok(summary)
    }

    pub(crate) fn check(self) -> Result<(), HeaderError> {
        match self {
            DamageSummary::Rects(count) if count == 0 || usize::from(count) > MAX_DAMAGE_RECTS => {
                Err(HeaderError::DamageCount {
                    kind: wire::DAMAGE_KIND_RECTS,
                    count: count.into(),
                })
            }
            _ => Ok(()),
        }
    }
}

/// What every frame changes: the first 64 bytes of its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HotLine {
    /// Order of frames in the stream, from 1; of replies to one requester, their order.
    pub sequence: u64,
    /// When it was published: nanoseconds of the machine's monotonic clock.
    pub publish_time_ns: u64,
    /// When the source took the picture, in nanoseconds of `clock_domain`, if it said.
    pub source_time_ns: Option<u64>,
    /// Which clock `source_time_ns` was read from.
    pub clock_domain: ClockDomain,
    /// How often the slot was reused.
    pub generation: u32,
    /// The request that this frame answers, if it is a reply.
    pub request_id: Option<u32>,
    /// How much changed against the frame before.
    pub damage: DamageSummary,
    /// Bytes of user metadata, 0 to [`wire::MAX_METADATA_BYTES`].
    pub metadata_len: u32,
    /// Changes whenever the descriptor in this slot does.
    pub descriptor_revision: u32,
    /// Which start of the publisher this frame is from.
    pub epoch: u32,
}

const fn word(offset: usize, base: usize) -> usize {
    (offset - base) / 4
}

const fn low(value: u64) -> u32 {
    value as u32
}

const fn high(value: u64) -> u32 {
    (value >> 32) as u32
}

/// The 64-bit number whose low word is `words[at]`.
const fn long(words: &[u32], at: usize) -> u64 {
    words[at] as u64 | (words[at + 1] as u64) << 32
}

/// Two 16-bit numbers as a word, the first at the lower address.
const fn pair(first: u16, second: u16) -> u32 {
    first as u32 | (second as u32) << 16
}

const fn unpair(word: u32) -> (u16, u16) {
    (word as u16, (word >> 16) as u16)
}

impl HotLine {
    /// The line as 32-bit words.
    ///
    /// A publisher writes only what it has checked; nothing is validated here.
    #[inline]
    pub fn to_words(&self) -> [u32; wire::HOT_WORDS] {
        const fn at(offset: usize) -> usize {
            word(offset, wire::HOT)
        }
        let mut flags = 0;
        if self.source_time_ns.is_some() {
            flags |= wire::FLAG_HAS_SOURCE_TIME;
        }
        if self.request_id.is_some() {
            flags |= wire::FLAG_REPLY;
        }
        let source_time = self.source_time_ns.unwrap_or(0);
        let (kind, count) = self.damage.codes();
        let mut words = [0; wire::HOT_WORDS];
        words[at(wire::MAGIC)] = wire::MAGIC_VALUE;
        words[at(wire::VERSION)] = pair(wire::LAYOUT_VERSION, wire::HEADER_BYTES as u16);
        words[at(wire::SEQUENCE)] = low(self.sequence);
        words[at(wire::SEQUENCE) + 1] = high(self.sequence);
        words[at(wire::PUBLISH_TIME)] = low(self.publish_time_ns);
        words[at(wire::PUBLISH_TIME) + 1] = high(self.publish_time_ns);
        words[at(wire::SOURCE_TIME)] = low(source_time);
        words[at(wire::SOURCE_TIME) + 1] = high(source_time);
        words[at(wire::FLAGS)] = flags;
        words[at(wire::GENERATION)] = self.generation;
        words[at(wire::REQUEST_ID)] = self.request_id.unwrap_or(0);
        words[at(wire::DAMAGE_KIND)] = pair(kind, count);
        words[at(wire::METADATA_LEN)] = self.metadata_len;
        words[at(wire::DESCRIPTOR_REVISION)] = self.descriptor_revision;
        words[at(wire::EPOCH)] = self.epoch;
        words[at(wire::CLOCK_DOMAIN)] = self.clock_domain.code();
        words
    }

    /// Reads and checks a line that was copied out of shared memory.
    ///
    /// # Errors
    /// The [`HeaderError`] that says which word lies.
    #[inline]
    pub fn from_words(words: &[u32; wire::HOT_WORDS]) -> Result<HotLine, HeaderError> {
        const fn at(offset: usize) -> usize {
            word(offset, wire::HOT)
        }
        let magic = words[at(wire::MAGIC)];
        if magic != wire::MAGIC_VALUE {
            return Err(HeaderError::Magic { found: magic });
        }
        let (version, header_len) = unpair(words[at(wire::VERSION)]);
        if version != wire::LAYOUT_VERSION {
            return Err(HeaderError::Version { found: version });
        }
        if usize::from(header_len) != wire::HEADER_BYTES {
            return Err(HeaderError::HeaderLen { found: header_len });
        }
        let sequence = long(words, at(wire::SEQUENCE));
        if sequence == 0 {
            return Err(HeaderError::ZeroSequence);
        }
        let metadata_len = words[at(wire::METADATA_LEN)];
        if metadata_len > wire::MAX_METADATA_BYTES as u32 {
            return Err(HeaderError::MetadataLen {
                found: metadata_len,
            });
        }
        let clock = words[at(wire::CLOCK_DOMAIN)];
        let clock_domain =
            ClockDomain::from_code(clock).ok_or(HeaderError::ClockDomain { found: clock })?;
        let (kind, count) = unpair(words[at(wire::DAMAGE_KIND)]);
        let flags = words[at(wire::FLAGS)];
        let has = |flag: u32| flags & flag != 0;
        let source_time = long(words, at(wire::SOURCE_TIME));
        Ok(HotLine {
            sequence,
            publish_time_ns: long(words, at(wire::PUBLISH_TIME)),
            source_time_ns: has(wire::FLAG_HAS_SOURCE_TIME).then_some(source_time),
            clock_domain,
            generation: words[at(wire::GENERATION)],
            request_id: has(wire::FLAG_REPLY).then_some(words[at(wire::REQUEST_ID)]),
            damage: DamageSummary::from_codes(kind, count)?,
            metadata_len,
            descriptor_revision: words[at(wire::DESCRIPTOR_REVISION)],
            epoch: words[at(wire::EPOCH)],
        })
    }
}

/// What a picture is: the 128 bytes of the header that are rewritten only when they change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptor {
    /// Features that a reader must know: bits of [`KNOWN_REQUIRED_FEATURES`].
    pub required_features: u32,
    /// Features that a reader may ignore.
    pub optional_features: u32,
    /// Format, size and planes.
    pub layout: FrameLayout,
    /// What alpha samples mean.
    pub alpha: AlphaMode,
    /// What sample values mean.
    pub colour: Colour,
}

impl Descriptor {
    /// A picture of which only the layout is known.
    #[inline]
    pub const fn new(layout: FrameLayout) -> Descriptor {
        Descriptor {
            required_features: 0,
            optional_features: 0,
            layout,
            alpha: AlphaMode::Unspecified,
            colour: Colour::UNSPECIFIED,
        }
    }

    /// The descriptor as 32-bit words.
    pub fn to_words(&self) -> [u32; wire::DESCRIPTOR_WORDS] {
        const fn at(offset: usize) -> usize {
            word(offset, wire::DESCRIPTOR)
        }
        let Colour {
            primaries,
            transfer,
            matrix,
            range,
            siting,
        } = self.colour;
        let planes = self.layout.planes();
        let extent = self.layout.extent();
        let mut words = [0; wire::DESCRIPTOR_WORDS];
        words[at(wire::REQUIRED_FEATURES)] = self.required_features;
        words[at(wire::OPTIONAL_FEATURES)] = self.optional_features;
        words[at(wire::WIDTH)] = extent.width();
        words[at(wire::HEIGHT)] = extent.height();
        words[at(wire::FORMAT)] = self.layout.format().code();
        words[at(wire::ALPHA)] =
            u32::from_le_bytes([self.alpha.code(), primaries.0, transfer.0, matrix.0]);
        words[at(wire::RANGE)] =
            u32::from_le_bytes([range.code(), siting.code(), planes.len() as u8, 0]);
        for (index, plane) in planes.iter().enumerate() {
            words[at(wire::PLANES) + index * 2] = plane.offset;
            words[at(wire::PLANES) + index * 2 + 1] = plane.stride;
        }
        words[at(wire::BYTE_LEN)] = low(self.layout.byte_len());
        words[at(wire::BYTE_LEN) + 1] = high(self.layout.byte_len());
        words[at(wire::PIXEL_OFFSET)] = wire::PIXELS as u32;
        words[at(wire::METADATA_OFFSET)] = wire::METADATA as u32;
        words
    }

    /// Reads and checks a descriptor that was copied out of shared memory.
    ///
    /// The layout is complete and consistent afterwards; whether its bytes fit the slot is for
    /// the one who knows the slot. Reserved words and unused planes are ignored.
    ///
    /// # Errors
    /// The [`HeaderError`] that says which word lies.
    pub fn from_words(words: &[u32; wire::DESCRIPTOR_WORDS]) -> Result<Descriptor, HeaderError> {
        const fn at(offset: usize) -> usize {
            word(offset, wire::DESCRIPTOR)
        }
        let required_features = words[at(wire::REQUIRED_FEATURES)];
        let unknown = required_features & !KNOWN_REQUIRED_FEATURES;
        if unknown != 0 {
            return Err(HeaderError::UnknownFeatures { unknown });
        }
        let [alpha, primaries, transfer, matrix] = words[at(wire::ALPHA)].to_le_bytes();
        let [range, siting, plane_count, _reserved] = words[at(wire::RANGE)].to_le_bytes();
        let layout = read_layout(words, plane_count)?;
        let found = words[at(wire::PIXEL_OFFSET)];
        if found as usize != wire::PIXELS {
            return Err(HeaderError::PixelOffset { found });
        }
        let found = words[at(wire::METADATA_OFFSET)];
        if found as usize != wire::METADATA {
            return Err(HeaderError::MetadataOffset { found });
        }
        Ok(Descriptor {
            required_features,
            optional_features: words[at(wire::OPTIONAL_FEATURES)],
            layout,
            alpha: AlphaMode::from_code(alpha).ok_or(HeaderError::AlphaMode { found: alpha })?,
            colour: Colour {
                primaries: Primaries(primaries),
                transfer: Transfer(transfer),
                matrix: Matrix(matrix),
                range: ColourRange::from_code(range)
                    .ok_or(HeaderError::ColourRange { found: range })?,
                siting: ChromaSiting::from_code(siting)
                    .ok_or(HeaderError::ChromaSiting { found: siting })?,
            },
        })
    }
}

fn read_layout(
    words: &[u32; wire::DESCRIPTOR_WORDS],
    plane_count: u8,
) -> Result<FrameLayout, HeaderError> {
    const fn at(offset: usize) -> usize {
        word(offset, wire::DESCRIPTOR)
    }
    let code = words[at(wire::FORMAT)];
    let format = PixelFormat::from_code(code).ok_or(HeaderError::Format { found: code })?;
    let extent = Extent::new(words[at(wire::WIDTH)], words[at(wire::HEIGHT)])?;
    let mut planes = [Plane::default(); MAX_PLANES];
    for (index, plane) in planes.iter_mut().enumerate() {
        plane.offset = words[at(wire::PLANES) + index * 2];
        plane.stride = words[at(wire::PLANES) + index * 2 + 1];
    }
    let found = usize::from(plane_count);
    let planes = planes.get(..found).ok_or(LayoutError::PlaneCount {
        format,
        expected: format.plane_count(),
        found,
    })?;
    let layout = FrameLayout::from_planes(format, extent, planes)?;
    let stated = long(words, at(wire::BYTE_LEN));
    if stated != layout.byte_len() {
        return Err(HeaderError::ByteLen {
            stated,
            computed: layout.byte_len(),
        });
    }
    Ok(layout)
}

/// A whole frame header, for tools that look at 512 bytes at once.
///
/// ```
/// use framebus_frame::{
///     Damage, Descriptor, Extent, FrameHeader, FrameLayout, HotLine, PixelFormat,
/// };
///
/// let layout = FrameLayout::packed(PixelFormat::Bgra8, Extent::new(500, 300)?)?;
/// let header = FrameHeader {
///     hot: HotLine { sequence: 7, ..HotLine::default() },
///     descriptor: Descriptor::new(layout),
///     damage: Damage::All,
/// };
/// assert_eq!(FrameHeader::parse(&header.to_bytes())?, header);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// What every frame changes.
    pub hot: HotLine,
    /// What changes seldom.
    pub descriptor: Descriptor,
    /// What changed against the frame before; its summary is `hot.damage`.
    pub damage: Damage,
}

impl FrameHeader {
    /// Reads and checks a header.
    ///
    /// # Errors
    /// The [`HeaderError`] that says which field lies.
    pub fn parse(bytes: &[u8; wire::HEADER_BYTES]) -> Result<FrameHeader, HeaderError> {
        let hot = HotLine::from_words(&words_of(bytes, wire::HOT))?;
        let descriptor = Descriptor::from_words(&words_of(bytes, wire::DESCRIPTOR))?;
        let rects: [u32; wire::DAMAGE_WORDS] = words_of(bytes, wire::DAMAGE);
        let damage = Damage::from_words(hot.damage, &rects, descriptor.layout.extent())?;
        Ok(FrameHeader {
            hot,
            descriptor,
            damage,
        })
    }

    /// The 512 bytes; the summary of `damage` is written, whatever `hot.damage` says.
    pub fn to_bytes(&self) -> [u8; wire::HEADER_BYTES] {
        let hot = HotLine {
            damage: self.damage.summary(),
            ..self.hot
        };
        let mut bytes = [0; wire::HEADER_BYTES];
        put(&mut bytes[wire::HOT..], &hot.to_words());
        put(&mut bytes[wire::DESCRIPTOR..], &self.descriptor.to_words());
        let rects = bytes[wire::DAMAGE..].chunks_exact_mut(wire::DAMAGE_RECT_BYTES);
        for (room, rect) in rects.zip(self.damage.rects()) {
            put(room, &rect.to_words());
        }
        bytes
    }
}

/// The words of the header from byte `start` on.
fn words_of<const N: usize>(bytes: &[u8; wire::HEADER_BYTES], start: usize) -> [u32; N] {
    let mut words = [0; N];
    for (word, four) in words.iter_mut().zip(bytes[start..].chunks_exact(4)) {
        *word = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
    }
    words
}

fn put(room: &mut [u8], words: &[u32]) {
    for (four, word) in room.chunks_exact_mut(4).zip(words) {
        four.copy_from_slice(&word.to_le_bytes());
    }
}
