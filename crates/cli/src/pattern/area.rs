//! Copying a rectangle between pictures of one format, whatever its planes are.

use framebus_frame::{Extent, FrameLayout, LayoutError, PixelFormat};

/// Pixels with what is needed to find a row in them.
pub(super) struct Picture<'a, P> {
    pub layout: &'a FrameLayout,
    pub pixels: P,
    /// The pixel at which the rectangle starts, on the grid.
    pub origin: (u32, u32),
}

/// Copies a rectangle of `extent` from one picture to another of the same format.
///
/// Both origins lie on the grid, so every plane's part starts at a byte and a row of its own:
/// the size of a picture that ends there is the offset of what begins there.
pub(super) fn copy(
    from: &Picture<'_, &[u8]>,
    to: &mut Picture<'_, &mut [u8]>,
    extent: Extent,
) -> Result<(), LayoutError> {
    let format = from.layout.format();
    let part = FrameLayout::packed(format, extent)?;
    for plane in 0..format.plane_count() {
        let bytes = part.plane_row_bytes(plane) as usize;
        let (from_left, from_top) = start(format, from.origin, plane)?;
        let (to_left, to_top) = start(format, to.origin, plane)?;
        for row in 0..part.plane_rows(plane) {
            let source = from.layout.row_range(plane, from_top + row);
            let target = to.layout.row_range(plane, to_top + row);
            let (Some(source), Some(target)) = (source, target) else {
                break;
            };
            to.pixels[target][to_left..to_left + bytes]
                .copy_from_slice(&from.pixels[source][from_left..from_left + bytes]);
        }
    }
    Ok(())
}

/// The byte in a row and the row of `plane` at which the pixel `origin` lies.
fn start(
    format: PixelFormat,
    origin: (u32, u32),
    plane: usize,
) -> Result<(usize, u32), LayoutError> {
    let left = match origin.0 {
        0 => 0,
        x => FrameLayout::packed(format, Extent::new(x, 1)?)?.plane_row_bytes(plane) as usize,
    };
    let top = match origin.1 {
        0 => 0,
        y => FrameLayout::packed(format, Extent::new(1, y)?)?.plane_rows(plane),
    };
    Ok((left, top))
}
