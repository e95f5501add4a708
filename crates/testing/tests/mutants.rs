//! The fuzz target of the handshake, run on stable with made-up bytes, always the same ones.
//!
//! `cargo fuzz run handshake` looks for what this misses.

use framebus_testing::numbers::Numbers;

#[path = "../../../fuzz/src/handshake.rs"]
mod handshake;

#[test]
fn mutated_messages_parse_or_are_refused() {
    let mut numbers = Numbers::new(0xFB);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let patches = 3 * numbers.below(3) as usize;
        let mut data: Vec<u8> = (0..2 + patches).map(|_| numbers.next_u64() as u8).collect();
        data[0] &= !1;
        accepted += u32::from(handshake::handshake(&data));
    }
    // Both ends are reached, or this would test nothing.
    assert!((2_000..19_000).contains(&accepted), "{accepted} accepted");
}

#[test]
fn raw_bytes_are_refused() {
    let mut numbers = Numbers::new(1);
    for len in [0, 1, 8, 63, 64, 65, 4096] {
        let mut data = vec![1];
        data.extend((0..len).map(|_| numbers.next_u64() as u8));
        assert!(!handshake::handshake(&data), "{len} random bytes");
    }
}
