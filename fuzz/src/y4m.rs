//! y4m streams from anything.

use framebus_cli::y4m::{Header, Reader};

/// Frames larger than this would only cost time.
const LARGEST: u64 = 1 << 20;

/// Reads `data` as a y4m stream to its end and checks what must hold for what is accepted.
///
/// Returns how many frames there were, or nothing when the header was refused.
pub fn y4m(data: &[u8]) -> Option<u64> {
    let mut reader = match Reader::new(data) {
        Ok(reader) => reader,
        Err(error) => {
            // A refusal can always be told.
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    let line = reader.header().to_string();
    let again = Header::parse(line.as_bytes()).expect("a header that was accepted");
    assert_eq!(
        &again,
        reader.header(),
        "writing and reading changes nothing"
    );
    let len = reader.layout().byte_len();
    if len > LARGEST {
        return Some(0);
    }
    let mut pixels = vec![0; len as usize];
    let mut read = 0;
    while let Ok(true) = reader.begin_frame() {
        if let Err(error) = reader.read_pixels(&mut pixels) {
            assert!(!error.to_string().is_empty());
            break;
        }
        read += 1;
        assert_eq!(reader.frames(), read);
    }
    assert!(read.saturating_mul(len) <= data.len() as u64);
    Some(read)
}
