//! Peers that break the protocol on purpose: whatever they write, nobody else is harmed.

use framebus::{Extent, FrameLayout, PixelFormat, wire};
use framebus_testing::child::{Answer, Peer, eventually};
use framebus_testing::numbers::Numbers;
use framebus_testing::raw::{self, RawPublisher, RawSubscriber, control, kind, put, stream};
use framebus_testing::stage::Stage;
use framebus_testing::sys;
use std::os::fd::AsFd;

fn stage() -> Stage {
    Stage::new(env!("CARGO_BIN_EXE_framebus-peer"))
}

fn layout() -> FrameLayout {
    let extent = Extent::new(64, 48).expect("small");
    FrameLayout::packed(PixelFormat::Bgra8, extent).expect("small")
}

/// A header in order, in which one word at `at` is `value` instead.
fn lying(sequence: u64, at: usize, value: u32) -> [u8; 512] {
    let mut bytes = RawPublisher::header(&layout(), sequence);
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    bytes
}

/// A hostile publisher and a subscriber `s` that it has let in; the subscriber also has an
/// honest stream `h`.
fn admitted(stage: &Stage, options: &str) -> (RawPublisher, Peer, Peer) {
    let mut honest = stage.peer();
    honest.must("publish p name=honest");
    let mut hostile = RawPublisher::listen(stage.directory(), "hostile");
    let mut subscriber = stage.peer();
    subscriber.must("subscribe h name=honest");
    subscriber.say(&format!("subscribe s name=hostile {options}"));
    hostile.greet();
    hostile.admit();
    // A subscriber fetches what there is as soon as it is in.
    hostile.hand_over_pixels();
    subscriber.answer().expect("it lives");
    (hostile, subscriber, honest)
}

fn honest_stream_goes_on(honest: &mut Peer, subscriber: &mut Peer) {
    let sequence = honest.must("frame p").number("sequence");
    let frame = subscriber.must("receive h");
    assert_eq!(
        (frame.number("sequence"), frame.get("whole")),
        (sequence, "true")
    );
}

#[test]
fn headers_that_lie_are_refused_by_what_is_wrong() {
    let stage = stage();
    for options in ["", "queue=4"] {
        let (hostile, mut subscriber, mut honest) = admitted(&stage, options);
        let far = u32::MAX;
        let planes = wire::PLANES;
        let lies: &[(&str, usize, u32, &str)] = &[
            ("magic", wire::MAGIC, 0x1234, "Header"),
            ("version", wire::VERSION, 0x0200_0002, "Header"),
            ("header length", wire::VERSION, 0x0100_0001, "Header"),
            ("width 0", wire::WIDTH, 0, "Header"),
            ("width 70000", wire::WIDTH, 70_000, "Header"),
            ("height", wire::HEIGHT, far, "Header"),
            ("format", wire::FORMAT, 0xDEAD, "Header"),
            (
                "unknown feature",
                wire::REQUIRED_FEATURES,
                0x8000_0000,
                "Header",
            ),
            ("stride below the row", planes + 4, 3, "Header"),
            ("stride beyond everything", planes + 4, far, "Header"),
            ("offset", planes, far, "Header"),
            (
                "more rows than fit the slot",
                wire::HEIGHT,
                60_000,
                "Header",
            ),
            ("byte length", wire::BYTE_LEN, far, "Header"),
            (
                "pixels elsewhere",
                wire::PIXEL_OFFSET,
                0xFFFF_0000,
                "Header",
            ),
            ("metadata elsewhere", wire::METADATA_OFFSET, far, "Header"),
            ("metadata length", wire::METADATA_LEN, 4097, "Header"),
            ("damage kind", wire::DAMAGE_KIND, 9, "Header"),
            ("damage count", wire::DAMAGE_KIND, 17 << 16 | 2, "Header"),
            ("epoch", wire::EPOCH, 8, "Protocol"),
        ];
        let mut sequence = 0;
        for (what, at, value, expected) in lies {
            sequence += 1;
            hostile.publish(
                sequence,
                (sequence % 4) as u32,
                &lying(sequence, *at, *value),
            );
            let refused = subscriber.ask("receive s");
            assert_eq!(refused.kind(), *expected, "{what}: {refused:?}");
            // The truth is believed again.
            sequence += 1;
            let slot = (sequence % 4) as u32;
            hostile.publish(sequence, slot, &RawPublisher::header(&layout(), sequence));
            if options.is_empty() {
                let frame = subscriber.must("receive s");
                assert_eq!(frame.number("sequence"), sequence, "after {what}");
            }
        }
        honest_stream_goes_on(&mut honest, &mut subscriber);
        subscriber.must("close s");
    }
}

#[test]
fn sequences_and_slots_that_lie_are_refused() {
    let stage = stage();
    let (hostile, mut subscriber, mut honest) = admitted(&stage, "");
    let good = |sequence: u64| RawPublisher::header(&layout(), sequence);
    hostile.publish(10, 0, &good(10));
    assert_eq!(subscriber.must("receive s").number("sequence"), 10);
    // Back, and the same again: in the header, in the word, and in both.
    for (word, header) in [(9, 9), (11, 9), (11, 10), (9, 11), (5, 10)] {
        hostile.write_header(1, &good(header));
        hostile.announce(word, raw::publication(word, 1, 1));
        let answer = subscriber.ask("receive s timeout=50");
        let refused = matches!(&answer, Answer::Refused(kind, _) if kind == "SequenceWentBack");
        assert!(refused, "{word}/{header}: {answer:?}");
    }
    // Slots that are not there; segments that are not there; words that are none.
    for (sequence, word, expected) in [
        (12, raw::publication(12, 1, 4), "Protocol"),
        (13, raw::publication(13, 1, 255), "Protocol"),
        (14, raw::publication(14, 0, 0), "Protocol"),
        (15, 15 << 12 | 0xFF, "Protocol"),
    ] {
        hostile.announce(sequence, word);
        let refused = subscriber.ask("receive s timeout=50");
        assert_eq!(refused.kind(), expected, "{word:#x}: {refused:?}");
    }
    hostile.publish(20, 2, &good(20));
    assert_eq!(subscriber.must("receive s").number("sequence"), 20);
    honest_stream_goes_on(&mut honest, &mut subscriber);
}

#[test]
fn a_picture_larger_than_its_slot_is_refused() {
    let stage = stage();
    let (hostile, mut subscriber, mut honest) = admitted(&stage, "");
    // In order in itself, but longer than a slot.
    let extent = Extent::new(640, 480).expect("small");
    let large = FrameLayout::packed(PixelFormat::Bgra8, extent).expect("small");
    hostile.publish(1, 3, &RawPublisher::header(&large, 1));
    let refused = subscriber.ask("receive s");
    assert_eq!(refused.kind(), "Protocol");
    assert!(
        refused.text().contains("larger than its slot"),
        "{refused:?}"
    );
    honest_stream_goes_on(&mut honest, &mut subscriber);
}

#[test]
fn random_pages_never_harm_a_subscriber() {
    let stage = stage();
    let (hostile, mut subscriber, mut honest) = admitted(&stage, "");
    let mut numbers = Numbers::new(0xBAD);
    let mut delivered = 0;
    for round in 0..400_u64 {
        let sequence = round + 1;
        let slot = (round % 4) as u32;
        let mut header = RawPublisher::header(&layout(), sequence);
        for _ in 0..numbers.below(4) {
            let at = numbers.below(512) as usize;
            header[at] = numbers.next_u64() as u8;
        }
        hostile.write_header(slot, &header);
        if numbers.below(4) == 0 {
            // Any word, but of the one segment: for others the subscriber would ask in vain.
            let word = numbers.next_u64() as u32 & !0xF00 | 0x100;
            hostile.announce(sequence, word);
        } else {
            hostile.announce(sequence, raw::publication(sequence, 1, slot));
        }
        for at in [stream::STATE + 8, stream::WAITING] {
            put(&hostile.stream.1, at, numbers.next_u64() as u32);
        }
        if let Answer::Done(_) = subscriber.ask("try s") {
            delivered += 1;
        }
    }
    // Some were left as they should be; the rest were refused, and nobody died of them.
    assert!((20..=380).contains(&delivered), "{delivered}");
    honest_stream_goes_on(&mut honest, &mut subscriber);
}

/// Answers a greeting with whatever `answer` sends, and gives the error the subscriber reports.
fn greeting_answered(stage: &Stage, answer: impl FnOnce(&RawPublisher)) -> Answer {
    let mut hostile = RawPublisher::listen(stage.directory(), "hostile");
    let mut subscriber = stage.peer();
    subscriber.say("subscribe s name=hostile");
    hostile.greet();
    answer(&hostile);
    subscriber.answer().expect("it lives")
}

#[test]
fn welcomes_that_lie_are_refused() {
    let stage = stage();
    let pages = |it: &RawPublisher, bytes: &[u8]| {
        it.send(bytes, &[it.stream.0.handle(), it.control.0.handle()]);
    };
    let refused = greeting_answered(&stage, |it| pages(it, &[0xAA; 64]));
    assert_eq!(refused.kind(), "Protocol", "garbage");
    assert!(refused.text().contains("0xaaaaaaaa"), "{refused:?}");
    let refused = greeting_answered(&stage, |it| pages(it, &it.welcome()[..20]));
    assert_eq!(refused.kind(), "Protocol", "cut short");
    let refused = greeting_answered(&stage, |it| {
        let mut bytes = it.welcome();
        bytes[6] = 9;
        pages(it, &bytes);
    });
    assert_eq!(refused.kind(), "VersionMismatch");
    assert!(refused.text().contains('9'), "{refused:?}");
    let refused = greeting_answered(&stage, |it| pages(it, &raw::message(kind::DONE, &[])));
    assert_eq!(refused.kind(), "Protocol", "another answer");
    let refused = greeting_answered(&stage, |it| {
        pages(it, &raw::message(kind::WELCOME, &[raw::EPOCH, 0, 8, 1, 0]));
    });
    assert_eq!(refused.kind(), "Protocol", "other terms");
    let refused = greeting_answered(&stage, |it| it.send(&it.welcome(), &[]));
    assert_eq!(refused.kind(), "Protocol", "no handles");
    let refused = greeting_answered(&stage, |it| {
        put(&it.stream.1, stream::EPOCH, 99);
        it.admit();
    });
    assert_eq!(refused.kind(), "Protocol", "two epochs");
    for (at, value) in [
        (stream::MAGIC, 1),
        (stream::VERSION, 2),
        (stream::LOG_LEN, 65),
    ] {
        let refused = greeting_answered(&stage, |it| {
            put(&it.stream.1, at, value);
            it.admit();
        });
        assert_eq!(refused.kind(), "Protocol", "stream page {at:#x}");
    }
    let refused = greeting_answered(&stage, |it| {
        put(&it.control.1, control::MAGIC, 1);
        it.admit();
    });
    assert_eq!(refused.kind(), "Protocol", "control page");
}

#[test]
fn segments_that_are_none_are_refused() {
    let stage = stage();
    let with_stream = |handle: framebus_sys::Handle| {
        greeting_answered(&stage, |it| {
            it.send(&it.welcome(), &[handle.as_fd(), it.control.0.handle()]);
        })
    };
    let refused = with_stream(sys::foreign_handle());
    assert_eq!(refused.kind(), "System", "no memory: {refused:?}");
    for (size, sealed) in [(raw::STREAM_BYTES, false), (raw::STREAM_BYTES, true)] {
        let refused = with_stream(sys::plain_memory(size, sealed));
        assert!(refused.text().contains("seals"), "{refused:?}");
    }
    // Sealed as it should be, but of another size: each of the pages in the other's place.
    let refused = greeting_answered(&stage, |it| {
        it.send(
            &it.welcome(),
            &[it.pixels.0.handle(), it.control.0.handle()],
        );
    });
    assert!(refused.text().contains("size"), "{refused:?}");
    let refused = greeting_answered(&stage, |it| {
        it.send(&it.welcome(), &[it.stream.0.handle(), it.stream.0.handle()]);
    });
    assert!(refused.text().contains("size"), "{refused:?}");
}

/// What a hostile publisher does instead of answering.
type Lie<'a> = &'a dyn Fn(&RawPublisher);

#[test]
fn pixel_segments_that_are_none_are_refused_when_they_are_needed() {
    let stage = stage();
    let plain = |it: &RawPublisher, message: [u8; 64]| {
        let handle = sys::plain_memory(raw::SLOT_BYTES * u64::from(raw::SLOTS), true);
        it.send(&message, &[handle.as_fd()]);
    };
    let shape = |fields: &[u32]| raw::message(kind::SEGMENT, fields);
    let answers: [(&str, Lie<'_>); 6] = [
        ("no seals", &|it| plain(it, it.segment_message())),
        ("no handle", &|it| it.send(&it.segment_message(), &[])),
        ("no slots", &|it| {
            it.send(&shape(&[1, 1, 0, 0, 65536, 0]), &[it.pixels.0.handle()])
        }),
        ("more slots than it holds", &|it| {
            it.send(&shape(&[1, 1, 200, 0, 65536, 0]), &[it.pixels.0.handle()]);
        }),
        ("slots of any size", &|it| {
            it.send(&shape(&[1, 1, 4, 0, 1234, 0]), &[it.pixels.0.handle()]);
        }),
        ("slots beyond all memory", &|it| {
            it.send(&shape(&[1, 1, 4, 0, 0, 0xFFFF]), &[it.pixels.0.handle()]);
        }),
    ];
    for (what, answer) in answers {
        let mut hostile = RawPublisher::listen(stage.directory(), "hostile");
        let mut subscriber = stage.peer();
        subscriber.say("subscribe s name=hostile");
        hostile.greet();
        hostile.admit();
        assert_eq!(hostile.receive().expect("a question")[2], 1);
        answer(&hostile);
        subscriber.answer().expect("it lives");
        hostile.publish(1, 0, &RawPublisher::header(&layout(), 1));
        // Asked once more, now that it is needed.
        subscriber.say("receive s");
        assert_eq!(hostile.receive().expect("a question")[2], 1);
        answer(&hostile);
        let refused = subscriber.answer().expect("it lives");
        assert!(
            matches!(refused, Answer::Refused(..)),
            "{what}: {refused:?}"
        );
        // And again, honestly.
        subscriber.say("receive s");
        hostile.hand_over_pixels();
        let frame = subscriber.answer().expect("it lives");
        assert_eq!(frame.number("sequence"), 1, "{what}");
    }
}

#[test]
fn a_subscriber_that_scribbles_harms_only_itself() {
    let stage = stage();
    let (mut publisher, mut honest) = (stage.peer(), stage.peer());
    publisher.must("publish p name=cam slots=19 lossless=50");
    honest.must("subscribe s name=cam queue=8");
    honest.must("subscribe r name=cam");
    let mut hostile = RawSubscriber::connect(stage.directory(), "cam").expect("a listener");
    hostile.enter(2, 4);
    let page = hostile.control.take().expect("it was let in");
    let mut numbers = Numbers::new(0xC0FFEE);
    for round in 1..=150_u64 {
        for at in (0..0x3000).step_by(4) {
            put(&page, at, numbers.next_u64() as u32);
        }
        // Words that could be true are worse than noise.
        for at in 0..8 {
            let slot = 1 << 8 | numbers.below(256) as u32;
            put(&page, control::LEASES + at * 4, slot);
        }
        put(&page, control::REPLY_TAKEN, round as u32);
        put(&page, control::REQUEST_LEN, numbers.below(6000) as u32);
        put(&page, control::REQUEST_ID, round as u32);
        let sequence = publisher.must("frame p").number("sequence");
        assert_eq!(sequence, round);
        let frame = honest.must("receive s");
        assert_eq!(
            (frame.number("sequence"), frame.get("whole")),
            (round, "true")
        );
        if round % 10 == 0 {
            honest.must(&format!("send r text=round {round}"));
            let request = eventually("the honest request", || {
                let request = publisher.must("accept p timeout=10000");
                let answered = publisher.must("answer p");
                let ours = request.get("text") == format!("round {round}");
                (ours && answered.get("delivered") == "true").then_some(request)
            });
            assert_eq!(request.number("pid"), u64::from(honest.pid()));
            let reply = honest.must(&format!("reply r text=round {round}"));
            assert_eq!(reply.get("whole"), "true");
        }
    }
    let stats = publisher.must("published p");
    assert!(
        stats.number("wakes") <= 150 * 2 + 100,
        "a wake for each publication: {stats:?}"
    );
}

#[test]
fn a_subscriber_that_asks_without_end_keeps_nobody_waiting() {
    let stage = stage();
    let (mut publisher, mut honest) = (stage.peer(), stage.peer());
    publisher.must("publish p name=cam");
    let mut hostile = RawSubscriber::connect(stage.directory(), "cam").expect("a listener");
    hostile.enter(1, 1);
    honest.must("subscribe s name=cam");
    let page = hostile.control.take().expect("it was let in");
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let scribbler = std::thread::spawn(move || {
        let mut id = 0_u32;
        while matches!(
            stopped.try_recv(),
            Err(std::sync::mpsc::TryRecvError::Empty)
        ) {
            for _ in 0..100_000 {
                id = id.wrapping_add(1);
                put(&page, control::REQUEST_ID, id);
            }
        }
    });
    for round in 0..20 {
        // It comes back in any case, with the honest request among what it gets.
        honest.must(&format!("send s text=round {round}"));
        eventually("the honest request", || {
            match publisher.ask("accept p timeout=1") {
                Answer::Done(_) => {
                    publisher.must("answer p");
                    let reply = honest.ask(&format!("reply s timeout=1 text=round {round}"));
                    matches!(reply, Answer::Done(_)).then_some(())
                }
                other => {
                    assert_eq!(other, Answer::Nothing);
                    None
                }
            }
        });
        publisher.must("frame p");
        assert_eq!(honest.must("receive s").get("whole"), "true");
    }
    drop(stop);
    scribbler.join().expect("it wrote");
}

#[test]
fn a_subscriber_that_holds_what_it_was_never_given_costs_its_quota() {
    let stage = stage();
    let (mut publisher, mut honest) = (stage.peer(), stage.peer());
    // 2, the newest, and quota + 1 for two subscribers.
    publisher.must("publish p name=cam slots=8");
    honest.must("subscribe s name=cam quota=2");
    let mut hostile = RawSubscriber::connect(stage.directory(), "cam").expect("a listener");
    hostile.enter(1, 1);
    let page = hostile.control.take().expect("it was let in");
    publisher.must("frame p count=10");
    for slot in 0..8_u32 {
        // All eight entries, of which one was granted.
        for entry in 0..8 {
            put(
                &page,
                control::LEASES + entry * 4,
                (1 << 8) | ((slot + entry as u32) % 8),
            );
        }
        publisher.must("frame p count=100");
        honest.must("close a");
        assert_eq!(honest.must("receive s keep=a").get("whole"), "true");
    }
}
