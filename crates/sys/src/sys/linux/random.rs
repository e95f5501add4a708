//! Randomness by getrandom.

use rustix::rand::GetRandomFlags;

pub(crate) fn fill(bytes: &mut [u8; 16]) -> std::io::Result<()> {
    // Up to 256 bytes come whole, and uninterrupted, once the pool is up.
    match rustix::rand::getrandom(&mut *bytes, GetRandomFlags::empty())? {
        16 => Ok(()),
        _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}
