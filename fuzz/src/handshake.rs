//! Messages of the control connection from anything.

/// The bytes of a message.
const MESSAGE_BYTES: usize = 64;

/// Reads `data` as a message; the library checks that what it accepts is written as it was read.
///
/// With an odd first byte the rest is the message. Otherwise the second byte chooses a kind, and
/// each three bytes from the third on change a message in order: offset, and the two bytes of a
/// little-endian u16 there. Returns whether the message was accepted.
pub fn handshake(data: &[u8]) -> bool {
    if data.first().is_some_and(|first| first % 2 == 1) {
        return framebus::fuzz_message(&data[1..]);
    }
    let mut message = [0; MESSAGE_BYTES];
    message[..4].copy_from_slice(b"FBM1");
    // Kinds 1 to 9; 0 and 10 are none.
    message[4] = data.get(1).copied().unwrap_or(0) % 11;
    message[6] = 1;
    // One lease and a queue of one, where the kind has terms.
    (message[16], message[20]) = (1, 1);
    for patch in data.get(2..).unwrap_or(&[]).chunks_exact(3) {
        let at = usize::from(patch[0]) % (MESSAGE_BYTES - 1);
        message[at..at + 2].copy_from_slice(&patch[1..]);
    }
    framebus::fuzz_message(&message)
}
