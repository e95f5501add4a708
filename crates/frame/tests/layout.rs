//! Layouts against sizes worked out by hand, and against anything that can be made up.

use framebus_frame::{
    Extent, FrameLayout, LayoutError, MAX_FRAME_BYTES, MAX_STRIDE_ALIGNMENT, PixelFormat, Plane,
};
use proptest::prelude::*;

fn extent(width: u32, height: u32) -> Extent {
    Extent::new(width, height).expect("in range")
}

/// A format, offset and stride of its planes, and the bytes of the whole.
type Case = (PixelFormat, &'static [(u32, u32)], u64);

/// Offsets and strides of a 5x3 picture, whose sides are odd, without padding.
#[test]
fn odd_sizes_round_chroma_up() {
    use PixelFormat::*;
    let cases: &[Case] = &[
        (Gray8, &[(0, 5)], 15),
        (Gray16Le, &[(0, 10)], 30),
        (Rgb8, &[(0, 15)], 45),
        (Bgra8, &[(0, 20)], 60),
        (Rgb565Le, &[(0, 10)], 30),
        (Rgba16Le, &[(0, 40)], 120),
        (RgbaF32Le, &[(0, 80)], 240),
        (Yuyv, &[(0, 12)], 36),
        (Nv12, &[(0, 5), (15, 6)], 27),
        (I420, &[(0, 5), (15, 3), (21, 3)], 27),
        (I422, &[(0, 5), (15, 3), (24, 3)], 33),
        (I444, &[(0, 5), (15, 5), (30, 5)], 45),
        (P010Le, &[(0, 10), (30, 12)], 54),
        (BayerRggb16Le, &[(0, 10)], 30),
        (Mono1, &[(0, 1)], 3),
    ];
    for &(format, planes, bytes) in cases {
        let layout = FrameLayout::packed(format, extent(5, 3)).expect("small");
        let found: Vec<_> = layout
            .planes()
            .iter()
            .map(|p| (p.offset, p.stride))
            .collect();
        assert_eq!(found, planes, "{format}");
        assert_eq!(layout.byte_len(), bytes, "{format}");
        assert!(layout.is_packed());
    }
}

#[test]
fn default_strides_start_rows_on_cache_lines() {
    let layout = FrameLayout::with_default_stride(PixelFormat::I420, extent(100, 50)).unwrap();
    let plane = |offset, stride| Plane { offset, stride };
    assert_eq!(
        layout.planes(),
        [plane(0, 128), plane(6400, 64), plane(8000, 64)]
    );
    assert_eq!(layout.byte_len(), 9600);
    assert!(!layout.is_packed());
    assert_eq!(layout.row_range(1, 24), Some(7936..7986));
    assert_eq!(layout.row_range(1, 25), None);
    assert_eq!(layout.row_range(3, 0), None);
    assert_eq!((layout.plane_rows(2), layout.plane_row_bytes(2)), (25, 50));
    assert_eq!((layout.plane_rows(3), layout.plane_row_bytes(9)), (0, 0));
}

#[test]
fn four_gibibytes_are_too_many() {
    let largest = extent(65_535, 65_535);
    let error = FrameLayout::packed(PixelFormat::Bgra8, largest).unwrap_err();
    assert_eq!(
        error,
        LayoutError::TooLarge {
            format: PixelFormat::Bgra8,
            extent: largest,
            bytes: 17_179_344_900,
        }
    );
    assert!(error.to_string().contains("17179344900"), "{error}");
    // One byte a pixel just fits: 4,294,836,225 of 4,294,967,295.
    let layout = FrameLayout::packed(PixelFormat::Gray8, largest).unwrap();
    assert_eq!(layout.byte_len(), 4_294_836_225);
    // Two bytes do not, and neither does half a byte more for chroma.
    assert!(FrameLayout::packed(PixelFormat::Gray16Le, largest).is_err());
    assert!(FrameLayout::packed(PixelFormat::Nv12, largest).is_err());
}

#[test]
fn alignments_are_powers_of_two() {
    for alignment in [0, 3, 48, 8192, u32::MAX] {
        assert_eq!(
            FrameLayout::new(PixelFormat::Gray8, extent(1, 1), alignment),
            Err(LayoutError::StrideAlignment { alignment })
        );
    }
    assert!(FrameLayout::new(PixelFormat::Gray8, extent(1, 1), MAX_STRIDE_ALIGNMENT).is_ok());
}

#[test]
fn foreign_planes_may_lie_in_any_order() {
    let plane = |offset, stride| Plane { offset, stride };
    // Chroma first, luma behind it, a gap between them.
    let planes = [plane(100, 8), plane(0, 8)];
    let layout = FrameLayout::from_planes(PixelFormat::Nv12, extent(4, 4), &planes).unwrap();
    assert_eq!(layout.byte_len(), 132);
    assert_eq!(layout.planes(), planes);
    assert_eq!(layout.row_range(0, 3), Some(124..128));
}

#[test]
fn foreign_planes_that_lie_are_refused() {
    let plane = |offset, stride| Plane { offset, stride };
    let nv12 = |planes: &[Plane]| {
        let layout = FrameLayout::from_planes(PixelFormat::Nv12, extent(4, 4), planes);
        layout.expect_err("a lie")
    };
    assert_eq!(
        nv12(&[plane(0, 4)]),
        LayoutError::PlaneCount {
            format: PixelFormat::Nv12,
            expected: 2,
            found: 1
        }
    );
    assert_eq!(
        nv12(&[plane(0, 4), plane(16, 3)]),
        LayoutError::StrideTooSmall {
            plane: 1,
            stride: 3,
            row_bytes: 4
        }
    );
    assert_eq!(
        nv12(&[plane(0, 4), plane(15, 4)]),
        LayoutError::PlanesOverlap {
            first: 0,
            second: 1
        }
    );
    assert_eq!(
        nv12(&[plane(0, 4), plane(u32::MAX - 7, 4)]),
        LayoutError::PlaneOutOfBounds {
            plane: 1,
            given: plane(u32::MAX - 7, 4),
            end: u64::from(u32::MAX) + 1
        }
    );
    assert_eq!(
        nv12(&[plane(0, u32::MAX), plane(0, 4)]),
        LayoutError::PlaneOutOfBounds {
            plane: 0,
            given: plane(0, u32::MAX),
            end: 4 * u64::from(u32::MAX)
        }
    );
    // The very last byte is still allowed.
    let last = [plane(0, 4), plane(u32::MAX - 8, 4)];
    let layout = FrameLayout::from_planes(PixelFormat::Nv12, extent(4, 4), &last).unwrap();
    assert_eq!(layout.byte_len(), MAX_FRAME_BYTES);
}

fn any_format() -> impl Strategy<Value = PixelFormat> {
    proptest::sample::select(PixelFormat::ALL)
}

fn any_side() -> impl Strategy<Value = u32> {
    prop_oneof![1u32..=40, 1u32..=65_535]
}

/// No two rows of any plane share a byte, and none leaves the frame.
fn assert_rows_are_apart(layout: &FrameLayout) {
    let mut rows: Vec<_> = (0..layout.planes().len())
        .flat_map(|plane| (0..layout.plane_rows(plane)).map(move |y| (plane, y)))
        .map(|(plane, y)| layout.row_range(plane, y).expect("a row"))
        .collect();
    rows.sort_by_key(|row| row.start);
    for pair in rows.windows(2) {
        assert!(pair[0].end <= pair[1].start, "{pair:?} in {layout:?}");
    }
    let end = rows.last().expect("at least one row").end as u64;
    assert!(end <= layout.byte_len(), "{layout:?}");
}

proptest! {
    #[test]
    fn layouts_are_consistent(
        format in any_format(),
        width in 1u32..300,
        height in 1u32..200,
        align_log2 in 0u32..=12,
    ) {
        let layout = FrameLayout::new(format, extent(width, height), 1 << align_log2).unwrap();
        assert_rows_are_apart(&layout);
        for plane in layout.planes() {
            prop_assert_eq!(plane.offset % (1 << align_log2), 0);
            prop_assert_eq!(plane.stride % (1 << align_log2), 0);
        }
        // What the constructor lays out is accepted where it comes from somebody else.
        let again = FrameLayout::from_planes(format, layout.extent(), layout.planes());
        prop_assert_eq!(again, Ok(layout));
    }

    #[test]
    fn bytes_are_what_bits_promise(format in any_format(), width in any_side(), height in any_side()) {
        // Whole blocks of every format, so that nothing is rounded.
        let (width, height) = ((width & !7).max(8), (height & !1).max(2));
        let expected = u64::from(width) * u64::from(height) * u64::from(format.bits_per_pixel()) / 8;
        match FrameLayout::packed(format, extent(width, height)) {
            Ok(layout) => prop_assert_eq!(layout.byte_len(), expected),
            Err(LayoutError::TooLarge { bytes, .. }) => {
                prop_assert_eq!(bytes, expected);
                prop_assert!(expected > MAX_FRAME_BYTES);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn foreign_planes_are_consistent_or_refused(
        format in any_format(),
        width in 1u32..80,
        height in 1u32..40,
        planes in proptest::collection::vec(
            (prop_oneof![0u32..5000, any::<u32>()], prop_oneof![0u32..400, any::<u32>()]), 1..4),
    ) {
        let planes: Vec<_> =
            planes.into_iter().map(|(offset, stride)| Plane { offset, stride }).collect();
        if let Ok(layout) = FrameLayout::from_planes(format, extent(width, height), &planes) {
            assert_rows_are_apart(&layout);
            prop_assert_eq!(layout.planes(), planes);
        }
    }
}
