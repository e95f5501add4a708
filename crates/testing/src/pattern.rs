//! Pictures in which every byte follows from one seed, so that a torn one shows.

use crate::numbers::mix;
use framebus::Frame;

/// The seed of the frame that has this place in the stream.
pub fn frame_seed(epoch: u32, sequence: u64) -> u64 {
    mix(u64::from(epoch) << 40 ^ sequence)
}

/// The seed of the reply to a request with these bytes.
pub fn reply_seed(request: &[u8]) -> u64 {
    request
        .iter()
        .fold(0x5EED, |seed, &byte| mix(seed ^ u64::from(byte)))
}

fn word(seed: u64, at: usize) -> [u8; 8] {
    // Cheap, because millions are written; each word still tells its place and its seed.
    (seed ^ (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)).to_le_bytes()
}

/// Paints `pixels` as `seed` says.
pub fn paint(pixels: &mut [u8], seed: u64) {
    for (at, bytes) in pixels.chunks_mut(8).enumerate() {
        bytes.copy_from_slice(&word(seed, at)[..bytes.len()]);
    }
}

/// Where `pixels` differ from what `seed` says, if they do.
pub fn first_wrong(pixels: &[u8], seed: u64) -> Option<usize> {
    let mut chunks = pixels.chunks(8).enumerate();
    let (at, bytes) = chunks.find(|(at, bytes)| word(seed, *at)[..bytes.len()] != **bytes)?;
    let wrong = bytes.iter().zip(word(seed, at)).position(|(a, b)| *a != b);
    wrong.map(|byte| at * 8 + byte)
}

/// Where a received frame differs from what `seed` says; reads every pixel.
pub fn frame_first_wrong(frame: &Frame, seed: u64, scratch: &mut Vec<u8>) -> Option<usize> {
    scratch.resize(frame.layout().byte_len() as usize, 0);
    frame.copy_to(scratch);
    first_wrong(scratch, seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_byte_shows_and_every_seed_differs() {
        let mut pixels = vec![0; 101];
        paint(&mut pixels, frame_seed(3, 9));
        assert_eq!(first_wrong(&pixels, frame_seed(3, 9)), None);
        assert!(first_wrong(&pixels, frame_seed(3, 10)).is_some());
        assert!(first_wrong(&pixels, frame_seed(4, 9)).is_some());
        for at in [0, 7, 8, 50, 96, 100] {
            pixels[at] ^= 1;
            assert_eq!(first_wrong(&pixels, frame_seed(3, 9)), Some(at));
            pixels[at] ^= 1;
        }
    }
}
