//! Frame headers and layouts from anything.

use framebus_frame::{
    AlphaMode, Damage, Descriptor, Extent, FrameHeader, FrameLayout, PixelFormat, Plane, Rect,
    convert, wire,
};

/// Reads `data` as a frame header and checks what must hold if it is accepted.
///
/// With an odd first byte the rest is the header. Otherwise the second to sixth byte choose a
/// valid header (format, width, height, alignment, damage), and each three bytes from the ninth
/// on change one byte of it: offset as a little-endian u16, then the new value. Returns whether
/// the header was accepted.
pub fn frame_header(data: &[u8]) -> bool {
    let mut header = [0; wire::HEADER_BYTES];
    if data.first().is_some_and(|first| first % 2 == 1) {
        let len = (data.len() - 1).min(header.len());
        header[..len].copy_from_slice(&data[1..=len]);
    } else {
        header = valid_header(data);
        for patch in data.get(8..).unwrap_or(&[]).chunks_exact(3) {
            let at = usize::from(u16::from_le_bytes([patch[0], patch[1]]));
            header[at % wire::HEADER_BYTES] = patch[2];
        }
    }
    foreign_planes(data);
    match FrameHeader::parse(&header) {
        Ok(parsed) => {
            check(&parsed);
            true
        }
        Err(error) => {
            // A refusal can always be told.
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

fn valid_header(data: &[u8]) -> [u8; wire::HEADER_BYTES] {
    let byte = |at: usize| u32::from(data.get(at).copied().unwrap_or(0));
    let format = PixelFormat::ALL[byte(1) as usize % PixelFormat::ALL.len()];
    let extent = Extent::new(byte(2) + 1, byte(3) + 1).expect("at most 256");
    let layout = FrameLayout::new(format, extent, 1 << (byte(4) % 13)).expect("small");
    let rects = [Rect::new(0, 0, 1, 1), extent.rect()];
    let header = FrameHeader {
        hot: framebus_frame::HotLine {
            sequence: 1,
            ..Default::default()
        },
        descriptor: Descriptor::new(layout),
        damage: Damage::from_rects(&rects[..(byte(5) % 3) as usize]),
    };
    header.to_bytes()
}

/// What holds for every header that was accepted.
fn check(header: &FrameHeader) {
    let again = FrameHeader::parse(&header.to_bytes());
    assert_eq!(again, Ok(*header), "writing and reading changes nothing");
    assert!(header.hot.metadata_len as usize <= wire::MAX_METADATA_BYTES);
    let layout = &header.descriptor.layout;
    let extent = layout.extent();
    for rect in header.damage.rects() {
        assert!(!rect.is_empty() && extent.rect().contains(*rect));
    }
    assert!(extent.rect().contains(header.damage.bounds(extent)));
    check_layout(layout);
    // Large pictures would only cost time.
    if layout.byte_len() <= 1 << 16 && extent.pixels() <= 1 << 14 {
        let pixels = vec![0x5A; layout.byte_len() as usize];
        let mut rgba = vec![0; convert::rgba_len(extent) as usize];
        let colour = &header.descriptor.colour;
        let result = convert::to_rgba8(layout, colour, AlphaMode::Straight, &pixels, &mut rgba);
        if let Err(error) = result {
            assert!(matches!(
                error,
                convert::ConvertError::UnsupportedMatrix { .. }
            ));
        }
    }
}

fn check_layout(layout: &FrameLayout) {
    for plane in 0..layout.planes().len() {
        let rows = layout.plane_rows(plane);
        for y in [0, rows / 2, rows - 1] {
            let row = layout.row_range(plane, y).expect("a row");
            assert_eq!(row.len(), layout.plane_row_bytes(plane) as usize);
            assert!(row.end as u64 <= layout.byte_len());
        }
        assert!(layout.row_range(plane, rows).is_none());
    }
}

/// Planes straight from the bytes, past everything that the header checks before.
fn foreign_planes(data: &[u8]) {
    let number = |at: usize| {
        let four = data.get(at * 4..at * 4 + 4);
        four.map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    };
    let Some(format) = PixelFormat::from_code(number(0) % 32) else {
        return;
    };
    let Ok(extent) = Extent::new(number(1) % 70_000, number(2) % 70_000) else {
        return;
    };
    let planes: [Plane; 4] = core::array::from_fn(|i| Plane {
        offset: number(3 + 2 * i),
        stride: number(4 + 2 * i),
    });
    for count in 0..=planes.len() {
        if let Ok(layout) = FrameLayout::from_planes(format, extent, &planes[..count]) {
            check_layout(&layout);
        }
    }
}
