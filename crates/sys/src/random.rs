//! Randomness that nobody can guess.

use crate::{Error, Result};

/// 128 random bits.
pub fn random() -> Result<u128> {
    let mut bytes = [0; 16];
    crate::sys::platform::random::fill(&mut bytes).map_err(|e| Error::system("getrandom", e))?;
    Ok(u128::from_le_bytes(bytes))
}
