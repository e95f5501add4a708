//! The messages of a control connection: 64 bytes each, sixteen little-endian words.
//!
//! Word 0 is the magic `FBM1`, word 1 the kind in its low and the version in its high
//! half. docs/memory-layout.md lists the rest for other languages.

use crate::error::{Error, ErrorKind, Result};
use crate::ring::page::{LAYOUT_VERSION, MAX_DEPTH, MAX_QUOTA};
use crate::ring::publisher::Terms;
use framebus_sys::Handle;
use framebus_sys::channel::Channel;
use std::time::Duration;

/// Bytes of a message.
pub(crate) const MESSAGE_BYTES: usize = 64;

const WORDS: usize = MESSAGE_BYTES / 4;
const MAGIC: u32 = u32::from_le_bytes(*b"FBM1");

const FLAG_LOSSLESS: u32 = 1;
const FLAG_SLEEPLESS: u32 = 2;

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// Subscriber: let me in, on these terms.
    Hello {
        required_features: u32,
        terms: Terms,
    },
    /// Publisher: you are in. Carries the stream and the control segment, and bells.
    Welcome { epoch: u32, terms: Terms },
    /// Subscriber: give me the segment that the stream page lists under this index.
    GetSegment { index: u32 },
    /// Publisher: here it is.
    Segment {
        index: u32,
        serial: u32,
        slots: u32,
        slot_bytes: u64,
    },
    /// Subscriber: ring this when I ask for it. Carries a ringer.
    SetPollable,
    /// Publisher: done.
    Done,
    /// Anybody: what do you publish? May be a connection's only message.
    GetInfo,
    /// Publisher: this.
    Info(Info),
    /// Publisher: no.
    Refused(Refusal),
}

/// What a publisher tells anybody who may connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Info {
    pub(crate) epoch: u32,
    pub(crate) sequence: u64,
    pub(crate) subscribers: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) format: u32,
    pub(crate) memory_bytes: u64,
    pub(crate) replied: u32,
    pub(crate) waited: u32,
    pub(crate) lossless: u32,
}

/// Why a publisher says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Version { expected: u32 },
    Malformed { value: u32 },
    Features { unknown: u32 },
    ForeignUser { uid: u32, expected: u32 },
    Terms { value: u32 },
    Slots { required: u32, limit: u32 },
    Subscribers { limit: u32 },
    NoSegment { index: u32 },
    Failed,
}

impl Refusal {
    fn to_words(self) -> (u32, u32, u32) {
        match self {
            Refusal::Version { expected } => (1, expected, 0),
            Refusal::Malformed { value } => (2, value, 0),
            Refusal::Features { unknown } => (3, unknown, 0),
            Refusal::ForeignUser { uid, expected } => (4, uid, expected),
            Refusal::Terms { value } => (5, value, 0),
            Refusal::Slots { required, limit } => (6, required, limit),
            Refusal::Subscribers { limit } => (7, limit, 0),
            Refusal::NoSegment { index } => (8, index, 0),
            Refusal::Failed => (9, 0, 0),
        }
    }

    fn from_words(code: u32, a: u32, b: u32) -> Refusal {
        match code {
            1 => Refusal::Version { expected: a },
            2 => Refusal::Malformed { value: a },
            3 => Refusal::Features { unknown: a },
            4 => Refusal::ForeignUser {
                uid: a,
                expected: b,
            },
            5 => Refusal::Terms { value: a },
            6 => Refusal::Slots {
                required: a,
                limit: b,
            },
            7 => Refusal::Subscribers { limit: a },
            8 => Refusal::NoSegment { index: a },
            _ => Refusal::Failed,
        }
    }

    /// The error that the refused side reports.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Refusal::Version { expected } => ErrorKind::VersionMismatch {
                found: expected,
                expected: LAYOUT_VERSION,
            },
            Refusal::Malformed { value } => ErrorKind::Protocol {
                what: "it calls our message malformed",
                value: value.into(),
            },
            Refusal::Features { unknown } => ErrorKind::Protocol {
                what: "it does not know a feature",
                value: unknown.into(),
            },
            Refusal::ForeignUser { uid, expected } => ErrorKind::ForeignUser { uid, expected },
            Refusal::Terms { value } => ErrorKind::Protocol {
                what: "it refuses our terms",
                value: value.into(),
            },
            Refusal::Slots { required, limit } => ErrorKind::SlotsExceeded { required, limit },
            Refusal::Subscribers { limit } => ErrorKind::SubscribersExceeded { limit },
            Refusal::NoSegment { index } => ErrorKind::Protocol {
                what: "it has no such segment",
                value: index.into(),
            },
            Refusal::Failed => ErrorKind::Protocol {
                what: "it could not serve us",
                value: 0,
            },
        }
        .into()
    }
}

fn terms_words(terms: Terms) -> (u32, u32, u32) {
    let lossless = if terms.lossless { FLAG_LOSSLESS } else { 0 };
    let sleepless = if terms.sleeps { 0 } else { FLAG_SLEEPLESS };
    (terms.quota, terms.depth, lossless | sleepless)
}

fn terms_from(quota: u32, depth: u32, flags: u32) -> std::result::Result<Terms, Refusal> {
    for (value, max) in [(quota, MAX_QUOTA as u32), (depth, MAX_DEPTH)] {
        if !(1..=max).contains(&value) {
            return Err(Refusal::Terms { value });
        }
    }
    if flags & !(FLAG_LOSSLESS | FLAG_SLEEPLESS) != 0 {
        return Err(Refusal::Terms { value: flags });
    }
    Ok(Terms {
        quota,
        depth,
        lossless: flags & FLAG_LOSSLESS != 0,
        sleeps: flags & FLAG_SLEEPLESS == 0,
    })
}

fn split(value: u64) -> (u32, u32) {
    (value as u32, (value >> 32) as u32)
}

fn join(lo: u32, hi: u32) -> u64 {
    u64::from(hi) << 32 | u64::from(lo)
}

impl Message {
    fn fields(self) -> (u16, [u32; 13]) {
        let mut w = [0; 13];
        let kind = match self {
            Message::Hello {
                required_features,
                terms,
            } => {
                w[0] = required_features;
                (w[2], w[3], w[4]) = terms_words(terms);
                1
            }
            Message::Welcome { epoch, terms } => {
                w[0] = epoch;
                (w[2], w[3], w[4]) = terms_words(terms);
                2
            }
            Message::GetSegment { index } => {
                w[0] = index;
                3
            }
            Message::Segment {
                index,
                serial,
                slots,
                slot_bytes,
            } => {
                (w[0], w[1], w[2]) = (index, serial, slots);
                (w[4], w[5]) = split(slot_bytes);
                4
            }
            Message::SetPollable => 5,
            Message::Done => 6,
            Message::GetInfo => 7,
            Message::Info(info) => {
                w[0] = info.epoch;
                w[1] = info.subscribers;
                (w[2], w[3]) = split(info.sequence);
                (w[4], w[5], w[6]) = (info.width, info.height, info.format);
                (w[7], w[8], w[9]) = (info.replied, info.waited, info.lossless);
                (w[10], w[11]) = split(info.memory_bytes);
                8
            }
            Message::Refused(refusal) => {
                (w[0], w[1], w[2]) = refusal.to_words();
                9
            }
        };
        (kind, w)
    }

    /// The bytes of the message.
    pub(crate) fn to_bytes(self) -> [u8; MESSAGE_BYTES] {
        let (kind, fields) = self.fields();
        let mut words = [0; WORDS];
        words[0] = MAGIC;
        words[1] = LAYOUT_VERSION << 16 | u32::from(kind);
        words[2..15].copy_from_slice(&fields);
        let mut bytes = [0; MESSAGE_BYTES];
        for (room, word) in bytes.chunks_exact_mut(4).zip(words) {
            room.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The message that foreign bytes are, or how to refuse them.
    pub(crate) fn parse(bytes: &[u8]) -> std::result::Result<Message, Refusal> {
        if bytes.len() != MESSAGE_BYTES {
            return Err(Refusal::Malformed {
                value: bytes.len() as u32,
            });
        }
        let word = |at: usize| {
            u32::from_le_bytes([
                bytes[at * 4],
                bytes[at * 4 + 1],
                bytes[at * 4 + 2],
                bytes[at * 4 + 3],
            ])
        };
        if word(0) != MAGIC {
            return Err(Refusal::Malformed { value: word(0) });
        }
        if word(1) >> 16 != LAYOUT_VERSION {
            return Err(Refusal::Version {
                expected: LAYOUT_VERSION,
            });
        }
        let w = |at: usize| word(at + 2);
        Ok(match word(1) & 0xFFFF {
            1 => Message::Hello {
                required_features: w(0),
                terms: terms_from(w(2), w(3), w(4))?,
            },
            2 => Message::Welcome {
                epoch: w(0),
                terms: terms_from(w(2), w(3), w(4))?,
            },
            3 => Message::GetSegment { index: w(0) },
            4 => Message::Segment {
                index: w(0),
                serial: w(1),
                slots: w(2),
                slot_bytes: join(w(4), w(5)),
            },
            5 => Message::SetPollable,
            6 => Message::Done,
            7 => Message::GetInfo,
            8 => Message::Info(Info {
                epoch: w(0),
                subscribers: w(1),
                sequence: join(w(2), w(3)),
                width: w(4),
                height: w(5),
                format: w(6),
                replied: w(7),
                waited: w(8),
                lossless: w(9),
                memory_bytes: join(w(10), w(11)),
            }),
            9 => Message::Refused(Refusal::from_words(w(0), w(1), w(2))),
            kind => return Err(Refusal::Malformed { value: kind }),
        })
    }
}

/// Parses foreign bytes as a message, for fuzzing; `true` if they are one.
///
/// A message that parses has to be written again as it was, but for words that no
/// version uses.
#[doc(hidden)]
pub fn fuzz_message(bytes: &[u8]) -> bool {
    match Message::parse(bytes) {
        Ok(message) => {
            assert_eq!(Message::parse(&message.to_bytes()), Ok(message));
            true
        }
        Err(_) => false,
    }
}

/// Sends a request of the handshake and waits for its answer.
///
/// Fails with what the peer refused, or [`ErrorKind::Unresponsive`] after `timeout`.
pub(crate) fn ask(
    channel: &Channel,
    message: Message,
    handles: &[framebus_sys::BorrowedHandle<'_>],
    pid: u32,
    timeout: Duration,
) -> Result<(Message, Vec<Handle>, framebus_sys::channel::Credentials)> {
    let gone = |error| match error {
        framebus_sys::Error::Closed => ErrorKind::PublisherGone { pid }.into(),
        other => Error::from(other),
    };
    channel.send(&message.to_bytes(), handles).map_err(gone)?;
    answer(channel, pid, timeout)
}

/// Waits for a message.
pub(crate) fn answer(
    channel: &Channel,
    pid: u32,
    timeout: Duration,
) -> Result<(Message, Vec<Handle>, framebus_sys::channel::Credentials)> {
    let mut bytes = [0; MESSAGE_BYTES];
    let received = match channel.recv_timeout(&mut bytes, timeout) {
        Ok(Some(received)) => received,
        Ok(None) => {
            return Err(ErrorKind::Unresponsive {
                pid,
                waited: timeout,
            }
            .into());
        }
        Err(framebus_sys::Error::Closed) => return Err(ErrorKind::PublisherGone { pid }.into()),
        Err(error) => return Err(error.into()),
    };
    match Message::parse(&bytes[..received.len]) {
        Ok(Message::Refused(refusal)) => Err(refusal.into_error()),
        Ok(message) => Ok((message, received.handles, received.sender)),
        Err(Refusal::Version { .. }) => {
            let found = u32::from(u16::from_le_bytes([bytes[6], bytes[7]]));
            Err(ErrorKind::VersionMismatch {
                found,
                expected: LAYOUT_VERSION,
            }
            .into())
        }
        Err(Refusal::Malformed { value } | Refusal::Terms { value }) => Err(ErrorKind::Protocol {
            what: "a malformed message",
            value: value.into(),
        }
        .into()),
        Err(_) => Err(ErrorKind::Protocol {
            what: "a malformed message",
            value: 0,
        }
        .into()),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_message_comes_back_as_it_went() {
        let terms = Terms {
            quota: 3,
            depth: 5,
            lossless: true,
            sleeps: false,
        };
        let info = Info {
            epoch: 1,
            sequence: 1 << 40,
            width: 640,
            height: 480,
            format: 6,
            waited: 9,
            ..Info::default()
        };
        for message in [
            Message::Hello {
                required_features: 7,
                terms,
            },
            Message::Welcome {
                epoch: 9,
                terms: Terms {
                    lossless: false,
                    sleeps: true,
                    ..terms
                },
            },
            Message::GetSegment { index: 3 },
            Message::Segment {
                index: 3,
                serial: 4,
                slots: 5,
                slot_bytes: 6 << 32,
            },
            Message::SetPollable,
            Message::Done,
            Message::GetInfo,
            Message::Info(info),
            Message::Refused(Refusal::Slots {
                required: 300,
                limit: 256,
            }),
        ] {
            assert_eq!(Message::parse(&message.to_bytes()), Ok(message));
        }
    }

    #[test]
    fn garbage_is_refused_with_the_value_that_is_wrong() {
        let hello = Message::GetInfo.to_bytes();
        assert_eq!(
            Message::parse(&hello[..63]),
            Err(Refusal::Malformed { value: 63 })
        );
        let mut wrong = hello;
        wrong[0] ^= 1;
        assert!(matches!(
            Message::parse(&wrong),
            Err(Refusal::Malformed { .. })
        ));
        let mut wrong = hello;
        wrong[6] = 99;
        assert_eq!(
            Message::parse(&wrong),
            Err(Refusal::Version { expected: 1 })
        );
        let mut wrong = hello;
        wrong[4] = 77;
        assert_eq!(
            Message::parse(&wrong),
            Err(Refusal::Malformed { value: 77 })
        );
        let terms = Terms {
            quota: 9,
            depth: 1,
            lossless: false,
            sleeps: true,
        };
        let wrong = Message::Hello {
            required_features: 0,
            terms,
        }
        .to_bytes();
        assert_eq!(Message::parse(&wrong), Err(Refusal::Terms { value: 9 }));
    }
}
