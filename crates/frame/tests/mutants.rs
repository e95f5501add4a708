//! The fuzz target's body, run on stable: valid headers with random damage, always the same ones.
//!
//! `cargo fuzz run frame_header` looks for what this misses.
#![cfg(feature = "convert")]

#[path = "../../../fuzz/src/frame_header.rs"]
mod frame_header;

/// A small generator of numbers (xorshift64*), so that every run sees the same bytes.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

#[test]
fn mutated_headers_parse_or_are_refused() {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let mut accepted = 0;
    for _ in 0..4_000 {
        // Few patches, so that many headers stay valid but for one field.
        let len = 8 + 3 * (numbers.next() % 4) as usize;
        let data: Vec<u8> = (0..len).map(|_| (numbers.next() >> 32) as u8).collect();
        accepted += u32::from(frame_header::frame_header(&data));
    }
    // Both ends are reached, or this would test nothing.
    assert!((200..3_800).contains(&accepted), "{accepted} accepted");
}

#[test]
fn raw_bytes_are_refused() {
    let mut numbers = Numbers(1);
    for len in [1, 3, 7, 8, 511, 512, 513, 4096] {
        let mut data: Vec<u8> = (0..len).map(|_| (numbers.next() >> 32) as u8).collect();
        if let Some(first) = data.first_mut() {
            // An odd first byte means: take the rest as it is.
            *first |= 1;
        }
        assert!(!frame_header::frame_header(&data), "{len} random bytes");
    }
}
