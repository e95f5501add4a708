//! The protocol by hand, as docs/memory-layout.md states it: for peers that break it.
//!
//! Nothing here uses the library's own constants or types of the protocol, so it also shows
//! that the page is enough to join from elsewhere.

use framebus::{Damage, Descriptor, FrameHeader, FrameLayout, HotLine};
use framebus_sys::channel::{Channel, Listener};
use framebus_sys::segment::{Mapping, Segment, SegmentKind};
use framebus_sys::{BorrowedHandle, Handle};
use std::path::Path;
use std::time::Duration;

/// Bytes of a stream segment.
pub const STREAM_BYTES: u64 = 0x4000;
/// Bytes of a control segment.
pub const CONTROL_BYTES: u64 = 0x3000;
/// Bytes of one slot here.
pub const SLOT_BYTES: u64 = 0x10000;
/// Slots of the one pixel segment here.
pub const SLOTS: u32 = 4;
/// Where pixels begin in a slot.
pub const PIXELS: usize = 0x2000;

/// Where the words of a stream page lie.
pub mod stream {
    #![allow(missing_docs)] // named as in docs/memory-layout.md
    pub const MAGIC: usize = 0;
    pub const VERSION: usize = 4;
    pub const EPOCH: usize = 8;
    pub const LOG_LEN: usize = 0xC;
    pub const PUBLISHED: usize = 0x40;
    pub const SEQUENCE_LO: usize = 0x44;
    pub const SEQUENCE_HI: usize = 0x48;
    pub const STATE: usize = 0x80;
    pub const WAITING: usize = 0x84;
    pub const SEGMENTS: usize = 0xC0;
    pub const LOG: usize = 0x100;
}

/// Where the words of a control page lie.
pub mod control {
    #![allow(missing_docs)] // named as in docs/memory-layout.md
    pub const REQUEST_ID: usize = 0;
    pub const REQUEST_LEN: usize = 4;
    pub const LEASES: usize = 0x80;
    pub const REPLY_TAKEN: usize = 0xA0;
    pub const ACKNOWLEDGED: usize = 0x100;
    pub const WAKE: usize = 0x180;
    pub const REPLY_ID: usize = 0x200;
    pub const REPLY_SLOT: usize = 0x204;
    pub const BELL: usize = 0x300;
    pub const PUBLISHER_BELL: usize = 0x304;
    pub const MAGIC: usize = 0x380;
    pub const VERSION: usize = 0x384;
    pub const QUOTA: usize = 0x388;
    pub const DEPTH: usize = 0x38C;
}

/// The kinds of messages.
pub mod kind {
    #![allow(missing_docs)] // named as in docs/memory-layout.md
    pub const HELLO: u32 = 1;
    pub const WELCOME: u32 = 2;
    pub const GET_SEGMENT: u32 = 3;
    pub const SEGMENT: u32 = 4;
    pub const SET_POLLABLE: u32 = 5;
    pub const DONE: u32 = 6;
    pub const GET_INFO: u32 = 7;
    pub const INFO: u32 = 8;
    pub const REFUSED: u32 = 9;
}

/// The file of a stream's socket: four FNV-1a hashes of the name in hexadecimal.
pub fn socket_file(name: &str) -> String {
    let hash = |lane: u8| {
        let bytes = std::iter::once(lane).chain(name.bytes());
        bytes.fold(0x811C_9DC5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
    };
    let digits: String = (0..4).map(|lane| format!("{:08x}", hash(lane))).collect();
    format!("{digits}.sock")
}

/// A message of 64 bytes: magic, version and kind, and the words from word 2 on.
pub fn message(kind: u32, fields: &[u32]) -> [u8; 64] {
    let mut words = [0; 16];
    words[0] = u32::from_le_bytes(*b"FBM1");
    words[1] = 1 << 16 | kind;
    words[2..2 + fields.len()].copy_from_slice(fields);
    let mut bytes = [0; 64];
    for (room, word) in bytes.chunks_exact_mut(4).zip(words) {
        room.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// The words of a message.
pub fn words(bytes: &[u8]) -> Vec<u32> {
    let word = |four: &[u8]| u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
    bytes.chunks_exact(4).map(word).collect()
}

/// The word that names a slot as a publication of `sequence`.
pub fn publication(sequence: u64, segment: u32, slot: u32) -> u32 {
    (sequence as u32) << 12 | segment << 8 | slot
}

/// Writes a word of a mapped page.
pub fn put(mapping: &Mapping, at: usize, value: u32) {
    assert!(mapping.is_writable() && at.is_multiple_of(4) && at + 4 <= mapping.len());
    // SAFETY: inside a writable mapping, and aligned.
    unsafe { mapping.as_ptr().add(at).cast::<u32>().write_volatile(value) };
}

/// Reads a word of a mapped page.
pub fn get(mapping: &Mapping, at: usize) -> u32 {
    assert!(at.is_multiple_of(4) && at + 4 <= mapping.len());
    // SAFETY: inside the mapping, and aligned.
    unsafe { mapping.as_ptr().add(at).cast::<u32>().read_volatile() }
}

/// Waits for a message; its bytes and handles.
pub fn receive(channel: &Channel) -> Option<(Vec<u8>, Vec<Handle>)> {
    let mut bytes = [0; 64];
    let received = channel
        .recv_timeout(&mut bytes, Duration::from_secs(10))
        .ok()??;
    Some((bytes[..received.len].to_vec(), received.handles))
}

/// A publisher whose every word the test chooses.
#[derive(Debug)]
pub struct RawPublisher {
    listener: Listener,
    channel: Option<Channel>,
    /// The words of the last greeting.
    pub hello: Vec<u32>,
    /// Its stream page.
    pub stream: (Segment, Mapping),
    /// The control page of its one subscriber.
    pub control: (Segment, Mapping),
    /// Its pixels.
    pub pixels: (Segment, Mapping),
}

/// What its epoch is.
pub const EPOCH: u32 = 7;

impl RawPublisher {
    /// Listens under a name, with all pages in order.
    pub fn listen(directory: &Path, name: &str) -> RawPublisher {
        let create = |kind, size, label| Segment::create(kind, size, label).expect("a segment");
        let pages = RawPublisher {
            listener: Listener::bind(directory, &socket_file(name)).expect("a listener"),
            channel: None,
            hello: Vec::new(),
            stream: create(SegmentKind::Live, STREAM_BYTES, "raw-stream"),
            control: create(SegmentKind::Shared, CONTROL_BYTES, "raw-control"),
            pixels: create(
                SegmentKind::Live,
                SLOT_BYTES * u64::from(SLOTS),
                "raw-pixels",
            ),
        };
        let page = &pages.stream.1;
        put(page, stream::MAGIC, u32::from_le_bytes(*b"FBS1"));
        put(page, stream::VERSION, 1);
        put(page, stream::EPOCH, EPOCH);
        put(page, stream::LOG_LEN, 64);
        put(page, stream::SEGMENTS + 4, 1);
        let page = &pages.control.1;
        put(page, control::MAGIC, u32::from_le_bytes(*b"FBC1"));
        put(page, control::VERSION, 1);
        pages
    }

    /// Waits for somebody to connect, and for the greeting.
    pub fn greet(&mut self) {
        let channel =
            crate::child::eventually("a connection", || self.listener.accept().expect("accept"));
        let (bytes, _) = receive(&channel).expect("a greeting");
        self.hello = words(&bytes);
        self.channel = Some(channel);
    }

    /// Sends any bytes with any handles to whoever was greeted.
    pub fn send(&self, bytes: &[u8], handles: &[BorrowedHandle<'_>]) {
        let channel = self.channel.as_ref().expect("somebody was greeted");
        channel.send(bytes, handles).expect("sent");
    }

    /// Waits for a message from whoever was greeted.
    pub fn receive(&self) -> Option<Vec<u32>> {
        let (bytes, _) = receive(self.channel.as_ref()?)?;
        Some(words(&bytes))
    }

    /// The message that lets in whoever was greeted, on its own terms.
    pub fn welcome(&self) -> [u8; 64] {
        let [quota, depth, flags] = [self.hello[4], self.hello[5], self.hello[6]];
        message(kind::WELCOME, &[EPOCH, 0, quota, depth, flags])
    }

    /// Lets in whoever was greeted.
    pub fn admit(&self) {
        let handles = [self.stream.0.handle(), self.control.0.handle()];
        self.send(&self.welcome(), &handles);
    }

    /// The message that goes with its pixels.
    pub fn segment_message(&self) -> [u8; 64] {
        message(kind::SEGMENT, &[1, 1, SLOTS, 0, SLOT_BYTES as u32, 0])
    }

    /// Waits for the question for its pixels, and answers it.
    pub fn hand_over_pixels(&self) {
        let question = self.receive().expect("a question");
        assert_eq!(question[1] & 0xFFFF, kind::GET_SEGMENT);
        self.send(&self.segment_message(), &[self.pixels.0.handle()]);
    }

    /// The bytes of a header for the frame `sequence` of a layout.
    pub fn header(layout: &FrameLayout, sequence: u64) -> [u8; 512] {
        let header = FrameHeader {
            hot: HotLine {
                sequence,
                epoch: EPOCH,
                // The reader keeps a descriptor as long as this stays the same.
                descriptor_revision: sequence as u32,
                ..HotLine::default()
            },
            descriptor: Descriptor::new(*layout),
            damage: Damage::All,
        };
        header.to_bytes()
    }

    /// Writes a header into a slot.
    pub fn write_header(&self, slot: u32, bytes: &[u8; 512]) {
        let start = slot as usize * SLOT_BYTES as usize;
        for (at, word) in words(bytes).into_iter().enumerate() {
            put(&self.pixels.1, start + at * 4, word);
        }
    }

    /// Announces a publication: any word, under any sequence.
    pub fn announce(&self, sequence: u64, word: u32) {
        let page = &self.stream.1;
        put(page, stream::LOG + (sequence % 64) as usize * 4, word);
        put(page, stream::SEQUENCE_HI, (sequence >> 32) as u32);
        put(page, stream::SEQUENCE_LO, sequence as u32);
        put(page, stream::PUBLISHED, word);
        self.ring();
    }

    /// Publishes a header as it should be done.
    pub fn publish(&self, sequence: u64, slot: u32, header: &[u8; 512]) {
        self.write_header(slot, header);
        self.announce(sequence, publication(sequence, 1, slot));
    }

    /// Wakes the subscriber, whatever it waits for.
    pub fn ring(&self) {
        let mapping = self.control.0.map_write().expect("a second mapping");
        let bell = framebus_sys::bell::Bell::create(&std::sync::Arc::new(mapping), control::BELL);
        bell.expect("a bell").ring();
    }
}

/// A subscriber whose every word the test chooses.
#[derive(Debug)]
pub struct RawSubscriber {
    /// The control connection.
    pub channel: Channel,
    /// The control page, once it was admitted.
    pub control: Option<Mapping>,
    /// The stream page, once it was admitted.
    pub stream: Option<Mapping>,
}

impl RawSubscriber {
    /// Connects and says nothing yet.
    pub fn connect(directory: &Path, name: &str) -> Option<RawSubscriber> {
        let channel = Channel::connect(directory, &socket_file(name)).expect("no error")?;
        Some(RawSubscriber {
            channel,
            control: None,
            stream: None,
        })
    }

    /// Sends bytes and waits for the answer's words; `None` if the connection is closed.
    pub fn ask(&self, bytes: &[u8]) -> Option<Vec<u32>> {
        self.channel.send(bytes, &[]).ok()?;
        receive(&self.channel).map(|(bytes, _)| words(&bytes))
    }

    /// Asks to be let in with some leases and some queue, and maps what it is given.
    pub fn enter(&mut self, quota: u32, depth: u32) {
        let hello = message(kind::HELLO, &[0, 0, quota, depth, 0]);
        self.channel.send(&hello, &[]).expect("sent");
        let (bytes, handles) = receive(&self.channel).expect("a welcome");
        let answer = words(&bytes);
        assert_eq!(answer[1] & 0xFFFF, kind::WELCOME, "{answer:?}");
        let mut handles = handles.into_iter();
        let mut next = |kind, size| {
            Segment::from_handle(handles.next().expect("a handle"), kind, size).expect("sealed")
        };
        let stream = next(SegmentKind::Live, STREAM_BYTES);
        let control = next(SegmentKind::Shared, CONTROL_BYTES);
        self.stream = Some(stream.map_read().expect("mapped"));
        self.control = Some(control.map_write().expect("mapped"));
    }
}
