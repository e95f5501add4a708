//! The header's bytes against a dump written by hand, and its parser against lies.

use framebus_frame::{
    AlphaMode, ClockDomain, Colour, Damage, DamageSummary, Descriptor, Extent, FrameHeader,
    FrameLayout, HeaderError, HotLine, LayoutError, PixelFormat, Rect, wire,
};
use proptest::prelude::*;

fn sample() -> FrameHeader {
    let extent = Extent::new(6, 4).expect("in range");
    FrameHeader {
        hot: HotLine {
            sequence: 0x0102_0304_0506_0708,
            publish_time_ns: 0x1112_1314_1516_1718,
            source_time_ns: Some(0x2122_2324_2526_2728),
            clock_domain: ClockDomain::Utc,
            generation: 0x3132_3334,
            request_id: Some(0x4142_4344),
            damage: DamageSummary::Rects(1),
            metadata_len: 0x0FFF,
            descriptor_revision: 0x5152_5354,
            epoch: 0x6162_6364,
        },
        descriptor: Descriptor {
            optional_features: 0x8000_0000,
            alpha: AlphaMode::Opaque,
            colour: Colour::BT709_LIMITED,
            ..Descriptor::new(FrameLayout::new(PixelFormat::Nv12, extent, 16).expect("small"))
        },
        damage: Damage::from_rects(&[Rect::new(1, 2, 3, 2)]),
    }
}

/// Every byte of the sample at the place where docs/memory-layout.md has it.
#[test]
fn bytes_are_where_the_documentation_says() {
    let mut expected = [0u8; 512];
    let mut put = |at: usize, bytes: &[u8]| expected[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x00, b"FBF1");
    put(0x04, &[1, 0, 0, 2]);
    put(0x08, &[8, 7, 6, 5, 4, 3, 2, 1]);
    put(0x10, &[0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11]);
    put(0x18, &[0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21]);
    put(0x20, &[3, 0, 0, 0]);
    put(0x24, &[0x34, 0x33, 0x32, 0x31]);
    put(0x28, &[0x44, 0x43, 0x42, 0x41]);
    put(0x2C, &[2, 0, 1, 0]);
    put(0x30, &[0xFF, 0x0F, 0, 0]);
    put(0x34, &[0x54, 0x53, 0x52, 0x51]);
    put(0x38, &[0x64, 0x63, 0x62, 0x61]);
    put(0x3C, &[3, 0, 0, 0]);
    put(0x44, &[0, 0, 0, 0x80]);
    put(0x48, &[6, 0, 0, 0, 4, 0, 0, 0]);
    put(0x50, &[15, 0, 0, 0]);
    put(0x54, &[1, 1, 1, 1]);
    put(0x58, &[1, 1, 2, 0]);
    put(0x60, &[0, 0, 0, 0, 16, 0, 0, 0]);
    put(0x68, &[64, 0, 0, 0, 16, 0, 0, 0]);
    put(0x80, &[96, 0, 0, 0, 0, 0, 0, 0]);
    put(0x88, &[0, 0x20, 0, 0, 0, 2, 0, 0]);
    put(0xC0, &[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0]);
    assert_eq!(sample().to_bytes(), expected);
    assert_eq!(FrameHeader::parse(&expected), Ok(sample()));
}

/// Changes one field of the sample's bytes and returns what the parser says.
fn with(at: usize, bytes: &[u8]) -> Result<FrameHeader, HeaderError> {
    let mut header = sample().to_bytes();
    header[at..at + bytes.len()].copy_from_slice(bytes);
    FrameHeader::parse(&header)
}

#[test]
fn each_lie_is_named_with_its_value() {
    use HeaderError::*;
    let cases: &[(usize, &[u8], HeaderError)] = &[
        (wire::MAGIC, b"FBF2", Magic { found: 0x3246_4246 }),
        (wire::VERSION, &[2, 0], Version { found: 2 }),
        (wire::HEADER_LEN, &[0, 4], HeaderLen { found: 1024 }),
        (wire::SEQUENCE, &[0; 8], ZeroSequence),
        (wire::DAMAGE_KIND, &[3, 0], DamageKind { found: 3 }),
        (
            wire::DAMAGE_KIND,
            &[0, 0],
            DamageCount { kind: 0, count: 1 },
        ),
        (
            wire::DAMAGE_COUNT,
            &[0, 0],
            DamageCount { kind: 2, count: 0 },
        ),
        (
            wire::DAMAGE_COUNT,
            &[17, 0],
            DamageCount { kind: 2, count: 17 },
        ),
        (
            wire::DAMAGE_COUNT,
            &[1, 1],
            DamageCount {
                kind: 2,
                count: 257,
            },
        ),
        (wire::METADATA_LEN, &[1, 0x10], MetadataLen { found: 4097 }),
        (wire::CLOCK_DOMAIN, &[5], ClockDomain { found: 5 }),
        (
            wire::REQUIRED_FEATURES,
            &[6],
            UnknownFeatures { unknown: 6 },
        ),
        (wire::FORMAT, &[0], Format { found: 0 }),
        (wire::FORMAT, &[30], Format { found: 30 }),
        (wire::ALPHA, &[4], AlphaMode { found: 4 }),
        (wire::RANGE, &[3], ColourRange { found: 3 }),
        (wire::CHROMA_SITING, &[9], ChromaSiting { found: 9 }),
        (wire::PIXEL_OFFSET, &[4], PixelOffset { found: 0x2004 }),
        (wire::METADATA_OFFSET, &[4], MetadataOffset { found: 0x204 }),
        (
            wire::BYTE_LEN,
            &[95],
            ByteLen {
                stated: 95,
                computed: 96,
            },
        ),
        (
            wire::BYTE_LEN + 4,
            &[1],
            ByteLen {
                stated: 0x1_0000_0060,
                computed: 96,
            },
        ),
    ];
    for (at, bytes, expected) in cases {
        assert_eq!(with(*at, bytes), Err(*expected), "at {at:#x}");
    }
}

#[test]
fn impossible_pictures_are_named_with_their_values() {
    let (width, height) = (0, 4);
    let error = with(wire::WIDTH, &[0]).unwrap_err();
    let expected = LayoutError::ExtentOutOfRange { width, height };
    assert_eq!(error, HeaderError::Layout(expected));
    assert!(error.to_string().contains("0x4"), "{error}");
    for count in [0, 1, 3, 4, 5, 255] {
        assert_eq!(
            with(wire::PLANE_COUNT, &[count]),
            Err(HeaderError::Layout(LayoutError::PlaneCount {
                format: PixelFormat::Nv12,
                expected: 2,
                found: count.into(),
            }))
        );
    }
    assert_eq!(
        with(wire::PLANES + 8, &[63]),
        Err(HeaderError::Layout(LayoutError::PlanesOverlap {
            first: 0,
            second: 1
        }))
    );
    // The area 1,2 of 3x2 leaves a picture that is only 3 pixels high.
    let extent = Extent::new(6, 3).unwrap();
    let mut header = sample();
    header.descriptor.layout = FrameLayout::packed(PixelFormat::Gray8, extent).unwrap();
    assert_eq!(
        FrameHeader::parse(&header.to_bytes()),
        Err(HeaderError::DamageRect {
            index: 0,
            rect: Rect::new(1, 2, 3, 2),
            extent
        })
    );
}

#[test]
fn what_later_versions_may_use_is_ignored() {
    // Unknown flags, unknown optional features, reserved bytes, unused planes and areas.
    let same = Ok(sample());
    assert_eq!(with(wire::FLAGS, &[0xFF, 0xFF, 0xFF, 0xFF]), same);
    for at in [
        0x5B, 0x5C, 0x70, 0x7C, 0x90, 0xBF, 0xD0, 0x1BF, 0x1C0, 0x1FF,
    ] {
        assert_eq!(with(at, &[0xAA]), same, "at {at:#x}");
    }
    let parsed = with(wire::OPTIONAL_FEATURES, &[0xFF; 4]).expect("ignored");
    assert_eq!(parsed.descriptor.optional_features, u32::MAX);
    let parsed = with(wire::PRIMARIES, &[200, 201, 202]).expect("carried");
    assert_eq!(parsed.descriptor.colour.matrix.0, 202);
}

#[test]
fn times_and_requests_count_only_with_their_flags() {
    let parsed = with(wire::FLAGS, &[0]).expect("valid");
    assert_eq!(parsed.hot.source_time_ns, None);
    assert_eq!(parsed.hot.request_id, None);
}

proptest! {
    #[test]
    fn no_words_make_the_parser_panic(hot: [u32; 16], rest in proptest::collection::vec(any::<u32>(), 32)) {
        let _ = HotLine::from_words(&hot);
        let words: [u32; 32] = rest.try_into().expect("32 of them");
        let _ = Descriptor::from_words(&words);
    }

    #[test]
    fn what_parses_comes_back_the_same(
        format in proptest::sample::select(PixelFormat::ALL),
        width in 1u32..2000,
        height in 1u32..2000,
        sequence in 1u64..,
        times: (u64, Option<u64>),
        request_id: Option<u32>,
        numbers: [u32; 3],
        clock in 0u32..5,
        alpha in 0u8..4,
    ) {
        let extent = Extent::new(width, height).unwrap();
        let layout = FrameLayout::with_default_stride(format, extent).unwrap();
        let damage = Damage::from_rects(&[Rect::new(width / 2, height / 3, 1, 1)]);
        let header = FrameHeader {
            hot: HotLine {
                sequence,
                publish_time_ns: times.0,
                source_time_ns: times.1,
                clock_domain: ClockDomain::from_code(clock).unwrap(),
                generation: numbers[0],
                request_id,
                damage: damage.summary(),
                metadata_len: numbers[1] % 4097,
                descriptor_revision: numbers[1],
                epoch: numbers[2],
            },
            descriptor: Descriptor {
                alpha: AlphaMode::from_code(alpha).unwrap(),
                ..Descriptor::new(layout)
            },
            damage,
        };
        prop_assert_eq!(FrameHeader::parse(&header.to_bytes()), Ok(header));
    }
}
