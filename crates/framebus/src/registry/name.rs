//! Stream names and the files that stand for them.

use crate::error::{ErrorKind, Result};

/// The longest name.
const MAX_NAME: usize = 128;

/// A name that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamName(String);

impl StreamName {
    /// Checks a name: 1 to 128 of ASCII letters, digits, `.`, `_`, `-`, and `/` between
    /// parts that are neither empty nor `.` nor `..`.
    pub(crate) fn new(name: &str) -> Result<StreamName> {
        let wrong = |reason| {
            Err(ErrorKind::InvalidName {
                name: name.chars().take(200).collect(),
                reason,
            }
            .into())
        };
        if name.is_empty() {
            return wrong("it is empty");
        }
        if name.len() > MAX_NAME {
            return wrong("it is longer than 128 bytes");
        }
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte))
        {
            return wrong("only letters, digits, '.', '_', '-' and '/' may be in it");
        }
        if name.split('/').any(str::is_empty) {
            return wrong("a part between slashes is empty");
        }
        if name.split('/').any(|part| part == "." || part == "..") {
            return wrong("a part is '.' or '..'");
        }
        Ok(StreamName(name.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The stem of the name's files: 32 hexadecimal digits, whatever the name's length
    /// and case. Four 32-bit FNV-1a hashes of the name, each begun with its number as
    /// one byte more: simple enough for any language.
    fn stem(&self) -> String {
        (0..4u8)
            .map(|lane| format!("{:08x}", fnv1a(std::iter::once(lane).chain(self.0.bytes()))))
            .collect()
    }

    pub(crate) fn lock_file(&self) -> String {
        format!("{}.lock", self.stem())
    }

    pub(crate) fn socket_file(&self) -> String {
        format!("{}.sock", self.stem())
    }
}

fn fnv1a(bytes: impl Iterator<Item = u8>) -> u32 {
    bytes.fold(0x811C_9DC5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_escape_or_confuse_are_refused() {
        for good in ["a", "cam", "lab/cam.0", "A-b_C", "x..y", &"n".repeat(128)] {
            assert_eq!(StreamName::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            "..",
            "a/../b",
            ".",
            "a b",
            "ü",
            "a\0",
            "a\\b",
            &"n".repeat(129),
        ] {
            assert!(
                matches!(
                    StreamName::new(bad).unwrap_err().kind(),
                    ErrorKind::InvalidName { .. }
                ),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn the_hash_is_fnv_1a_and_tells_case_apart() {
        assert_eq!(fnv1a(b"".iter().copied()), 0x811C_9DC5);
        assert_eq!(fnv1a(b"a".iter().copied()), 0xE40C_292C);
        assert_eq!(fnv1a(b"foobar".iter().copied()), 0xBF9C_F968);
        let files = |name: &str| StreamName::new(name).unwrap().socket_file();
        assert_ne!(files("cam"), files("Cam"));
        assert_eq!(files("cam").len(), 32 + 5);
    }
}
