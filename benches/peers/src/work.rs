//! The frame itself: what a painter writes and what a receiver checks.

use crate::case::Touch;
use crate::measure::now_ns;

/// Set in the number of the last frame of a stream.
pub const LAST: u64 = 1 << 63;
/// The ask that ends a run.
pub const STOP: u64 = u64::MAX;

const LINE: usize = 64;
const ONES: u64 = 0x0101_0101_0101_0101;

fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap_or_default())
}

/// Write frame `number`: its first 64 bytes, or all of it.
pub fn brush(bytes: &mut [u8], number: u64, touch: Touch) {
    for (i, word) in bytes[..LINE].chunks_exact_mut(8).enumerate() {
        word.copy_from_slice(&number.wrapping_add(i as u64).to_le_bytes());
    }
    if touch == Touch::Every {
        bytes[LINE..].fill(number as u8);
    }
}

/// Read a frame; its number where everything in it is right.
///
/// The first eight bytes are left out: transports without a header keep their time stamp there.
pub fn look(bytes: &[u8], touch: Touch) -> Option<u64> {
    let number = word(&bytes[8..16]).wrapping_sub(1);
    let line = bytes[16..LINE].chunks_exact(8).map(word);
    let mut right = line.zip(2..).all(|(w, i)| w == number.wrapping_add(i));
    if touch == Touch::Every {
        let words = bytes[LINE..].chunks_exact(8);
        let expected = (words.len() as u64).wrapping_mul(ONES.wrapping_mul(number & 0xff));
        right &= words.map(word).fold(0, u64::wrapping_add) == expected;
    }
    right.then_some(number)
}

/// Put the time of publication into the first eight bytes.
pub fn stamp(bytes: &mut [u8]) {
    bytes[..8].copy_from_slice(&now_ns().to_le_bytes());
}

/// The time of publication that [`stamp`] left.
pub fn stamped(bytes: &[u8]) -> u64 {
    word(&bytes[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_tells_its_number_and_notices_a_changed_byte() {
        for touch in [Touch::Line, Touch::Every] {
            let mut frame = vec![0u8; 640];
            brush(&mut frame, 0x1234 | LAST, touch);
            stamp(&mut frame);
            assert_eq!(look(&frame, touch), Some(0x1234 | LAST));
            assert!(stamped(&frame) > 0);
            frame[40] ^= 1;
            assert_eq!(look(&frame, touch), None);
        }
        let mut frame = vec![0u8; 640];
        brush(&mut frame, 7, Touch::Every);
        frame[639] ^= 1;
        assert_eq!(look(&frame, Touch::Every), None);
    }
}
