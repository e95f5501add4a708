//! Letters of 8x8 pixels.

use font8x8::legacy::BASIC_LEGACY;

/// Width and height of a letter, in pixels, before it is enlarged.
pub(super) const CELL: u32 = 8;

/// Whether the pixel at (`x`, `y`) of `text`, enlarged `scale` times, belongs to a letter.
///
/// Characters outside ASCII show as blanks.
pub(super) fn is_ink(text: &[u8], scale: u32, x: u32, y: u32) -> bool {
    let (column, row) = (x / scale, y / scale);
    let glyph = text
        .get((column / CELL) as usize)
        .and_then(|letter| BASIC_LEGACY.get(usize::from(*letter)));
    let Some(bits) = glyph.and_then(|glyph| glyph.get(row as usize)) else {
        return false;
    };
    // The lowest bit is the leftmost pixel.
    bits >> (column % CELL) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_ink_and_blanks_have_none() {
        let ink = |text: &str, scale| {
            (0..CELL * scale)
                .flat_map(|y| (0..CELL * scale).map(move |x| (x, y)))
                .filter(|(x, y)| is_ink(text.as_bytes(), scale, *x, *y))
                .count()
        };
        assert_eq!(ink(" ", 1), 0);
        assert!(ink("8", 1) > 10);
        assert_eq!(ink("8", 3), 9 * ink("8", 1));
        assert_ne!(ink("1", 1), ink("8", 1));
        assert!(!is_ink(b"8", 1, 8, 0));
        assert!(!is_ink(&[200], 1, 0, 0));
    }
}
