//! Pixels without padding, and in the planes that video files want.

use framebus::{FrameLayout, LayoutError, PixelFormat};

use super::Received;
use crate::error::CliError;
use framebus_frame::convert;

/// Copies the rows of all planes one after the other, as ffmpeg's
/// rawvideo and y4m have them.
pub(super) fn pack(frame: &Received, out: &mut Vec<u8>) {
    out.clear();
    let layout = &frame.layout;
    for plane in 0..layout.planes().len() {
        for y in 0..layout.plane_rows(plane) {
            out.extend_from_slice(row(frame, plane, y));
        }
    }
}

/// One row of a plane; empty where the pixels end too early.
fn row(frame: &Received, plane: usize, y: u32) -> &[u8] {
    let range = frame.layout.row_range(plane, y);
    range
        .and_then(|range| frame.pixels.get(range))
        .unwrap_or(&[])
}

/// The planar format that holds a frame of `format` in a y4m file, and whether nothing is lost.
pub(super) fn planar_format(format: PixelFormat) -> (PixelFormat, bool) {
    match format {
        PixelFormat::I420
        | PixelFormat::I422
        | PixelFormat::I444
        | PixelFormat::Gray8
        | PixelFormat::Gray16Le => (format, true),
        PixelFormat::Nv12 | PixelFormat::Nv21 => (PixelFormat::I420, true),
        PixelFormat::Yuyv | PixelFormat::Uyvy => (PixelFormat::I422, true),
        _ => (PixelFormat::I444, false),
    }
}

/// Puts a frame's pixels into the packed planes of its [`planar_format`].
pub(super) fn planes(frame: &Received, out: &mut Vec<u8>) -> Result<(), CliError> {
    match frame.layout.format() {
        PixelFormat::Nv12 => split_chroma(frame, [0, 1], out),
        PixelFormat::Nv21 => split_chroma(frame, [1, 0], out),
        PixelFormat::Yuyv => split_pairs(frame, [0, 1, 3], out),
        PixelFormat::Uyvy => split_pairs(frame, [1, 0, 2], out),
        format if planar_format(format).0 == format => pack(frame, out),
        _ => by_colour(frame, out)?,
    }
    Ok(())
}

/// A plane of Y as it is, then two planes from one of pairs.
fn split_chroma(frame: &Received, order: [usize; 2], out: &mut Vec<u8>) {
    out.clear();
    for y in 0..frame.layout.plane_rows(0) {
        out.extend_from_slice(row(frame, 0, y));
    }
    for which in order {
        for y in 0..frame.layout.plane_rows(1) {
            let pairs = row(frame, 1, y).chunks_exact(2);
            out.extend(pairs.map(|pair| pair[which]));
        }
    }
}

/// Three planes from groups of four bytes; `first` are the places of the first Y, of Cb and of
/// Cr in a group, the second Y is two behind the first.
fn split_pairs(frame: &Received, first: [usize; 3], out: &mut Vec<u8>) {
    out.clear();
    let [luma, chroma @ ..] = first;
    let width = frame.layout.extent().width() as usize;
    let rows = 0..frame.layout.plane_rows(0);
    for y in rows.clone() {
        let groups = row(frame, 0, y).chunks_exact(4);
        out.extend(
            groups
                .flat_map(|group| [group[luma], group[luma + 2]])
                // The last group of an odd width has one Y too many.
                .take(width),
        );
    }
    for which in chroma {
        for y in rows.clone() {
            let groups = row(frame, 0, y).chunks_exact(4);
            out.extend(groups.map(|group| group[which]));
        }
    }
}

/// Through RGB, for formats whose samples mean something else.
fn by_colour(frame: &Received, out: &mut Vec<u8>) -> Result<(), CliError> {
    let mut rgba = Vec::new();
    to_rgba(frame, &mut rgba)?;
    let target = target_layout(frame)?;
    out.resize(usize::try_from(target.byte_len()).unwrap_or(usize::MAX), 0);
    convert::from_rgba8(&target, &video_colour(frame), &rgba, out)?;
    Ok(())
}

/// The packed layout of a frame in its [`planar_format`].
pub(super) fn target_layout(frame: &Received) -> Result<FrameLayout, LayoutError> {
    let (format, _) = planar_format(frame.layout.format());
    FrameLayout::packed(format, frame.layout.extent())
}

/// What the planes mean: as the frame says where its samples are kept, else what a reader
/// assumes of video that says nothing.
pub(super) fn video_colour(frame: &Received) -> framebus::Colour {
    if planar_format(frame.layout.format()).1 {
        frame.colour
    } else {
        framebus::Colour {
            range: framebus::ColourRange::Limited,
            ..framebus::Colour::UNSPECIFIED
        }
    }
}

/// Four bytes per pixel for people's eyes.
pub(crate) fn to_rgba(frame: &Received, out: &mut Vec<u8>) -> Result<(), CliError> {
    let layout = FrameLayout::packed(PixelFormat::Rgba8, frame.layout.extent())?;
    out.resize(usize::try_from(layout.byte_len()).unwrap_or(usize::MAX), 0);
    convert::to_rgba8(
        &frame.layout,
        &frame.colour,
        frame.alpha,
        &frame.pixels,
        out,
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use framebus::{AlphaMode, Colour, Extent};

    fn frame(format: PixelFormat, width: u32, height: u32, align: u32) -> Received {
        let extent = Extent::new(width, height).expect("in range");
        let layout = FrameLayout::new(format, extent, align).expect("fits");
        let pixels = (0..layout.byte_len()).map(|index| index as u8).collect();
        Received {
            layout,
            colour: Colour::UNSPECIFIED,
            alpha: AlphaMode::Unspecified,
            pixels,
        }
    }

    fn planar(frame: &Received) -> Vec<u8> {
        let mut out = Vec::new();
        planes(frame, &mut out).expect("planes");
        let layout = target_layout(frame).expect("fits");
        assert_eq!(out.len() as u64, layout.byte_len());
        out
    }

    #[test]
    fn padding_is_left_out() {
        let mut out = Vec::new();
        pack(&frame(PixelFormat::Gray8, 3, 2, 4), &mut out);
        assert_eq!(out, [0, 1, 2, 4, 5, 6]);
    }

    #[test]
    fn chroma_pairs_become_planes() {
        let nv12 = frame(PixelFormat::Nv12, 3, 1, 1);
        assert_eq!(nv12.pixels, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(planar(&nv12), [0, 1, 2, 3, 5, 4, 6]);
        assert_eq!(
            planar(&frame(PixelFormat::Nv21, 3, 1, 1)),
            [0, 1, 2, 4, 6, 3, 5]
        );
    }

    #[test]
    fn packed_pairs_become_planes() {
        assert_eq!(
            planar(&frame(PixelFormat::Yuyv, 3, 1, 1)),
            [0, 2, 4, 1, 5, 3, 7]
        );
        assert_eq!(
            planar(&frame(PixelFormat::Uyvy, 3, 1, 1)),
            [1, 3, 5, 0, 4, 2, 6]
        );
    }

    #[test]
    fn every_format_has_planes() {
        for format in PixelFormat::ALL {
            for (width, height) in [(1, 1), (5, 3), (16, 8)] {
                planar(&frame(*format, width, height, 64));
            }
        }
    }
}
