//! The layout as numbers, for the test that holds docs/memory-layout.md to the code.
//!
//! Not part of the interface: it says what the code does, and promises nothing.

use crate::registry::StreamName;
use crate::ring::page::{self, ControlWords, DamageWords, StreamWords};
use crate::ring::publisher::Terms;
use crate::ring::word::{MAX_SEGMENT_SLOTS, MAX_SEGMENTS, Publication, SlotRef};
use crate::stream::protocol::{Info, Message, Refusal};
use framebus_frame::wire;
use std::mem::{offset_of, size_of};

/// Name, offset and size in bytes of a field.
pub type Field = (&'static str, usize, usize);

fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

macro_rules! fields {
    ($type:ty: $($field:ident)*) => {
        vec![$((
            stringify!($field),
            offset_of!($type, $field),
            size_of_field(|it: &$type| &it.$field),
        )),*]
    };
}

macro_rules! header {
    ($($name:literal $constant:ident $size:literal,)*) => {
        vec![$(($name, wire::$constant, $size)),*]
    };
}

/// The fields of the structure that docs/memory-layout.md marks with this name.
pub fn fields_of(structure: &str) -> Option<Vec<Field>> {
    Some(match structure {
        "stream page" => fields!(StreamWords: magic version epoch log_len published sequence_lo
            sequence_hi state waiting cpu segments log damage),
        "damage record" => fields!(DamageWords: sequence kind rects),
        "control page" => control_page(),
        "frame header" => frame_header(),
        _ => return None,
    })
}

fn control_page() -> Vec<Field> {
    let mut all = fields!(ControlWords: request_id request_len inline leases reply_taken
        acknowledged demotion_seen wake cpu reply_id reply_slot reason_len demoted granted granted_lo granted_hi
        bell publisher_bell magic version quota depth);
    all.push(("request_bytes", page::REQUEST_OFFSET, page::MAX_REQUEST));
    all.push(("reason_bytes", page::REASON_OFFSET, page::MAX_REASON));
    all
}

fn frame_header() -> Vec<Field> {
    header! {
        "magic" MAGIC 4, "layout_version" VERSION 2, "header_len" HEADER_LEN 2,
        "sequence" SEQUENCE 8, "publish_time" PUBLISH_TIME 8, "source_time" SOURCE_TIME 8,
        "flags" FLAGS 4, "generation" GENERATION 4, "request_id" REQUEST_ID 4,
        "damage_kind" DAMAGE_KIND 2, "damage_count" DAMAGE_COUNT 2,
        "metadata_len" METADATA_LEN 4, "descriptor_revision" DESCRIPTOR_REVISION 4,
        "epoch" EPOCH 4, "clock_domain" CLOCK_DOMAIN 4,
        "required_features" REQUIRED_FEATURES 4, "optional_features" OPTIONAL_FEATURES 4,
        "width" WIDTH 4, "height" HEIGHT 4, "format" FORMAT 4,
        "alpha" ALPHA 1, "primaries" PRIMARIES 1, "transfer" TRANSFER 1, "matrix" MATRIX 1,
        "range" RANGE 1, "chroma_siting" CHROMA_SITING 1, "plane_count" PLANE_COUNT 1,
        "planes" PLANES 32, "byte_len" BYTE_LEN 8,
        "pixel_offset" PIXEL_OFFSET 4, "metadata_offset" METADATA_OFFSET 4,
        "damage_rects" DAMAGE 256, "metadata" METADATA 4096,
    }
}

/// Sizes, limits and fixed values by the names that docs/memory-layout.md gives them.
pub fn values() -> Vec<(&'static str, u64)> {
    let slot = SlotRef::new(3, 5);
    vec![
        ("layout version", page::LAYOUT_VERSION.into()),
        ("magic of a stream page", page::STREAM_MAGIC.into()),
        ("magic of a control page", page::CONTROL_MAGIC.into()),
        ("magic of a frame", wire::MAGIC_VALUE.into()),
        ("bytes of a stream segment", page::STREAM_BYTES),
        ("bytes of a control segment", page::CONTROL_BYTES),
        ("entries of the log", page::LOG_LEN as u64),
        ("deepest queue", page::MAX_DEPTH.into()),
        ("largest quota", page::MAX_QUOTA as u64),
        ("segments of a stream", MAX_SEGMENTS as u64),
        ("slots of a segment", MAX_SEGMENT_SLOTS.into()),
        ("longest request", page::MAX_REQUEST as u64),
        ("longest inline request", page::INLINE_REQUEST as u64),
        ("longest reason", page::MAX_REASON as u64),
        ("most metadata", wire::MAX_METADATA_BYTES as u64),
        ("pixels in a slot", wire::PIXELS as u64),
        ("waiting: awake", page::AWAKE.into()),
        ("waiting: asleep", page::ASLEEP.into()),
        ("waiting: sleepless", page::SLEEPLESS.into()),
        ("state: closed", page::STATE_CLOSED.into()),
        ("wake: bell", page::WAKE_BELL.into()),
        ("wake: pollable", page::WAKE_POLLABLE.into()),
        ("slot 5 of segment 3", slot.word().into()),
        (
            "publication 0x1234567 in it",
            Publication::new(0x123_4567, slot).word().into(),
        ),
    ]
}

/// An encoded message and, for each field, the value that stands in its first word.
pub type Example = (&'static str, Vec<u8>, Vec<(&'static str, u32)>);

/// Every kind of message with a value in each field that no other word has: 1000 for the
/// first field, and so on; a thousand more in the high half of those of 64 bits.
pub fn messages() -> Vec<Example> {
    let terms = Terms {
        quota: 1001,
        depth: 1002,
        lossless: true,
        sleeps: false,
    };
    let admission = |first| {
        vec![
            (first, 1000),
            ("quota", 1001),
            ("depth", 1002),
            ("terms_flags", 3),
        ]
    };
    let refused = Message::Refused(Refusal::Slots {
        required: 1001,
        limit: 1002,
    });
    let hello = Message::Hello {
        required_features: 1000,
        terms,
    };
    let welcome = Message::Welcome { epoch: 1000, terms };
    let get_segment = Message::GetSegment { index: 1000 };
    let refusal = vec![("code", 6), ("value", 1001), ("limit", 1002)];
    vec![
        example("hello", hello, admission("required_features")),
        example("welcome", welcome, admission("epoch")),
        example("get_segment", get_segment, vec![("index", 1000)]),
        segment_example(),
        example("set_pollable", Message::SetPollable, Vec::new()),
        example("done", Message::Done, Vec::new()),
        example("get_info", Message::GetInfo, Vec::new()),
        info_example(),
        example("refused", refused, refusal),
    ]
}

fn example(name: &'static str, message: Message, fields: Vec<(&'static str, u32)>) -> Example {
    (name, message.to_bytes().to_vec(), fields)
}

fn segment_example() -> Example {
    let message = Message::Segment {
        index: 1000,
        serial: 1001,
        slots: 1002,
        slot_bytes: (2003 << 32) | 1003,
    };
    let fields = ["index", "serial", "slots", "slot_bytes"].into_iter();
    example("segment", message, fields.zip(1000..).collect())
}

fn info_example() -> Example {
    let message = Message::Info(Info {
        epoch: 1000,
        subscribers: 1001,
        sequence: (2002 << 32) | 1002,
        width: 1003,
        height: 1004,
        format: 1005,
        replied: 1006,
        waited: 1007,
        lossless: 1008,
        memory_bytes: (2009 << 32) | 1009,
    });
    let first = [
        "epoch",
        "subscribers",
        "sequence",
        "width",
        "height",
        "format",
    ];
    let rest = ["replied", "waited", "lossless", "memory_bytes"];
    let fields = first.into_iter().chain(rest);
    example("info", message, fields.zip(1000..).collect())
}

/// The lock file and the socket of a name, if it is one.
pub fn files_of(name: &str) -> Option<[String; 2]> {
    let name = StreamName::new(name).ok()?;
    Some([name.lock_file(), name.socket_file()])
}
