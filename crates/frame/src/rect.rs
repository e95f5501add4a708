//! Sizes and areas in pixels.

use core::fmt;

use crate::LayoutError;

/// Most pixels in each direction: what 16 bits count, as GDI, X11 and many codecs do.
pub const MAX_DIMENSION: u32 = 65_535;

/// The size of a picture: 1 to 65,535 pixels in each direction.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "size")]
#[doc(alias = "resolution")]
pub struct Extent {
    width: u32,
    height: u32,
}

impl Extent {
    /// Checks a size.
    ///
    /// # Errors
    /// [`LayoutError::ExtentOutOfRange`] if a side is 0 or over [`MAX_DIMENSION`].
    pub const fn new(width: u32, height: u32) -> Result<Extent, LayoutError> {
        if width == 0 || height == 0 || width > MAX_DIMENSION || height > MAX_DIMENSION {
            return Err(LayoutError::ExtentOutOfRange { width, height });
        }
        Ok(Extent { width, height })
    }

    /// Pixels from left to right.
    pub const fn width(self) -> u32 {
        self.width
    }

    /// Pixels from top to bottom.
    pub const fn height(self) -> u32 {
        self.height
    }

    /// Number of pixels.
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// The whole picture as an area.
    pub const fn rect(self) -> Rect {
        Rect::new(0, 0, self.width, self.height)
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl fmt::Debug for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extent({self})")
    }
}

/// An area of a picture in pixels, from the top left corner.
///
/// Any numbers are allowed: an area may lie outside a picture or be empty. Its right and bottom
/// edges are computed in 64 bits, so that no arithmetic here overflows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Rect {
    /// First column.
    pub x: u32,
    /// First row.
    pub y: u32,
    /// Number of columns.
    pub width: u32,
    /// Number of rows.
    pub height: u32,
}

impl Rect {
    /// An area from its corner and size.
    pub const fn new(x: u32, y: u32, width: u32, height: u32) -> Rect {
        Rect {
            x,
            y,
            width,
            height,
        }
    }

    /// The first column to the right of the area.
    pub const fn right(self) -> u64 {
        self.x as u64 + self.width as u64
    }

    /// The first row below the area.
    pub const fn bottom(self) -> u64 {
        self.y as u64 + self.height as u64
    }

    /// True if the area has no pixels.
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// Number of pixels.
    pub const fn area(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// The smallest area that holds both; an empty one adds nothing.
    ///
    /// A side that does not fit 32 bits is cut to them, which no picture is large enough to meet.
    pub fn union(self, other: Rect) -> Rect {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        let right = self.right().max(other.right());
        let bottom = self.bottom().max(other.bottom());
        Rect::between(self.x.min(other.x), self.y.min(other.y), right, bottom)
    }

    /// The area that both share; `Rect::default()` if there is none.
    pub fn intersection(self, other: Rect) -> Rect {
        let right = self.right().min(other.right());
        let bottom = self.bottom().min(other.bottom());
        let both = Rect::between(self.x.max(other.x), self.y.max(other.y), right, bottom);
        if both.is_empty() {
            Rect::default()
        } else {
            both
        }
    }

    /// The part that lies inside a picture; `Rect::default()` if there is none.
    pub fn clip(self, extent: Extent) -> Rect {
        self.intersection(extent.rect())
    }

    /// True if every pixel of `other` is in this area; an empty one always is.
    pub fn contains(self, other: Rect) -> bool {
        other.is_empty()
            || (self.x <= other.x
                && self.y <= other.y
                && self.right() >= other.right()
                && self.bottom() >= other.bottom())
    }

    /// The four numbers as the frame header stores them: x, y, width, height.
    pub const fn to_words(self) -> [u32; 4] {
        [self.x, self.y, self.width, self.height]
    }

    /// The area that four words of a frame header describe, unchecked.
    pub const fn from_words(words: [u32; 4]) -> Rect {
        Rect::new(words[0], words[1], words[2], words[3])
    }

    fn between(x: u32, y: u32, right: u64, bottom: u64) -> Rect {
        let side = |from: u32, to: u64| {
            let length = to.saturating_sub(u64::from(from));
            u32::try_from(length).unwrap_or(u32::MAX)
        };
        Rect::new(x, y, side(x, right), side(y, bottom))
    }
}

impl fmt::Display for Rect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}+{}+{}", self.width, self.height, self.x, self.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_have_limits_and_say_what_was_wrong() {
        assert!(Extent::new(1, 1).is_ok());
        assert!(Extent::new(65_535, 65_535).is_ok());
        for (width, height) in [(0, 1), (1, 0), (65_536, 1), (1, 70_000), (u32::MAX, 0)] {
            assert_eq!(
                Extent::new(width, height),
                Err(LayoutError::ExtentOutOfRange { width, height })
            );
        }
    }

    #[test]
    fn union_and_intersection() {
        let a = Rect::new(0, 0, 10, 10);
        let b = Rect::new(5, 8, 10, 10);
        assert_eq!(a.union(b), Rect::new(0, 0, 15, 18));
        assert_eq!(a.intersection(b), Rect::new(5, 8, 5, 2));
        assert_eq!(a.union(Rect::new(900, 900, 0, 4)), a);
        assert!(a.intersection(Rect::new(10, 0, 1, 1)).is_empty());
    }

    #[test]
    fn extreme_numbers_do_not_overflow() {
        let far = Rect::new(u32::MAX, u32::MAX, u32::MAX, u32::MAX);
        let extent = Extent::new(4, 4).unwrap();
        assert!(far.clip(extent).is_empty());
        let all = Rect::new(0, 0, u32::MAX, u32::MAX);
        assert_eq!(all.clip(extent), extent.rect());
        assert!(all.union(far).contains(all));
        assert!(extent.rect().contains(Rect::new(7, 7, 0, 0)));
    }
}
