//! y4m: what is written reads back, and nothing that is read can do harm.

#[path = "../../../fuzz/src/y4m.rs"]
mod fuzz;

use framebus_cli::rate::FrameRate;
use framebus_cli::y4m::{Chroma, Header, Interlace, Range, Reader, Writer, Y4mError};
use framebus_frame::Extent;
use proptest::prelude::*;
use proptest::sample::select;

fn headers() -> impl Strategy<Value = Header> {
    let sizes = (1..40_u32, 1..40_u32);
    let rates = proptest::option::of((1..60_000_u32, 1..2000_u32));
    let interlaces = select(vec![
        Interlace::Unknown,
        Interlace::Progressive,
        Interlace::TopFirst,
        Interlace::BottomFirst,
        Interlace::Mixed,
    ]);
    let ranges = select(vec![None, Some(Range::Limited), Some(Range::Full)]);
    let chromas = select(Chroma::ALL.to_vec());
    let aspects = (0..100_u32, 0..100_u32);
    (sizes, rates, interlaces, aspects, chromas, ranges).prop_map(
        |((width, height), rate, interlace, aspect, chroma, range)| Header {
            extent: Extent::new(width, height).expect("in range"),
            rate: rate.and_then(|(num, den)| FrameRate::new(num, den)),
            interlace,
            aspect,
            chroma,
            range,
        },
    )
}

/// A stream of `count` frames whose bytes count up.
fn stream(header: &Header, count: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let len = header.layout().expect("fits").byte_len() as usize;
    let frames: Vec<Vec<u8>> = (0..count)
        .map(|frame| (0..len).map(|index| (frame + index) as u8).collect())
        .collect();
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, header).expect("a header");
    for frame in &frames {
        writer.write_frame(frame).expect("written");
    }
    (bytes, frames)
}

/// All frames of a stream, and the error that ended it.
fn read_all(bytes: &[u8]) -> (Vec<Vec<u8>>, Option<Y4mError>) {
    let mut reader = match Reader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut frames = Vec::new();
    let mut pixels = vec![0; reader.layout().byte_len() as usize];
    loop {
        match reader.begin_frame() {
            Ok(false) => return (frames, None),
            Err(error) => return (frames, Some(error)),
            Ok(true) => match reader.read_pixels(&mut pixels) {
                Ok(()) => frames.push(pixels.clone()),
                Err(error) => return (frames, Some(error)),
            },
        }
    }
}

proptest! {
    #[test]
    fn streams_read_back(header in headers(), count in 0..4_usize) {
        let (bytes, frames) = stream(&header, count);
        let reader = Reader::new(&bytes[..]).expect("own header");
        prop_assert_eq!(reader.header(), &header);
        let (read, error) = read_all(&bytes);
        prop_assert!(error.is_none(), "{:?}", error);
        prop_assert_eq!(read, frames);
    }

    #[test]
    fn a_cut_stream_keeps_its_whole_frames(header in headers(), cut in 0.0..1.0_f64) {
        let (bytes, frames) = stream(&header, 3);
        let end = (bytes.len() as f64 * cut) as usize;
        let (read, error) = read_all(&bytes[..end]);
        prop_assert_eq!(&read[..], &frames[..read.len()]);
        let body = bytes.len() - header.to_string().len() - 1;
        let ends_between_frames = (1..=3).any(|left| end == bytes.len() - left * body / 3);
        prop_assert_eq!(error.is_none(), ends_between_frames);
        if let Some(Y4mError::CutShort { frame, got, expected }) = error {
            prop_assert_eq!(frame, read.len() as u64);
            prop_assert!(got < expected);
        }
    }

    #[test]
    fn garbage_is_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        fuzz::y4m(&bytes);
    }

    #[test]
    fn damaged_streams_are_refused_or_read(
        header in headers(),
        place in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let (mut bytes, _) = stream(&header, 2);
        let place = place.index(bytes.len());
        bytes[place] = value;
        fuzz::y4m(&bytes);
    }

    #[test]
    fn header_lines_of_known_letters_are_refused_or_read(line in "YUV4MPEG2( [WHFIACXQ][0-9:a-zA-Z=]{0,12}){0,8}\n(FRAME\n)?") {
        fuzz::y4m(line.as_bytes());
    }
}

#[test]
fn the_fuzz_target_reads_frames() {
    let header = Header::new(Extent::new(4, 4).expect("in range"), None, Chroma::C420);
    assert_eq!(fuzz::y4m(&stream(&header, 3).0), Some(3));
    assert_eq!(fuzz::y4m(b"RIFF"), None);
}
