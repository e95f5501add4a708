//! Bad input of every kind: a typed error that names the value, and everything else goes on.

use framebus_testing::child::{Answer, Peer, eventually};
use framebus_testing::raw::{RawSubscriber, kind, message};
use framebus_testing::stage::Stage;
use framebus_testing::sys;

fn stage() -> Stage {
    Stage::new(env!("CARGO_BIN_EXE_framebus-peer"))
}

/// A publisher `p` with a subscriber `s` in another process, to see that they go on.
struct Others {
    publisher: Peer,
    subscriber: Peer,
}

impl Others {
    fn new(stage: &Stage) -> Others {
        let (mut publisher, mut subscriber) = (stage.peer(), stage.peer());
        publisher.must("publish p name=good");
        subscriber.must("subscribe s name=good");
        Others {
            publisher,
            subscriber,
        }
    }

    fn go_on(&mut self) {
        let sequence = self.publisher.must("frame p").number("sequence");
        let frame = self.subscriber.must("receive s");
        assert_eq!(
            (frame.number("sequence"), frame.get("whole")),
            (sequence, "true")
        );
    }
}

#[test]
fn names_that_are_none() {
    let mut peer = stage().peer();
    let long = "n".repeat(129);
    for name in [
        "../up",
        "a/../b",
        "/a",
        "a//b",
        "a/",
        ".",
        "ü",
        "a:b",
        long.as_str(),
    ] {
        for line in [
            format!("publish p name={name}"),
            format!("subscribe s name={name}"),
        ] {
            let refused = peer.ask(&line);
            assert_eq!(refused.kind(), "InvalidName", "{line}");
            assert!(refused.text().contains(name), "{refused:?}");
        }
    }
    let refused = peer.ask("subscribe s name=nobody");
    assert_eq!(refused.kind(), "NotFound");
    assert!(refused.text().contains("nobody"), "{refused:?}");
}

#[test]
fn sizes_that_are_none() {
    let stage = stage();
    let mut others = Others::new(&stage);
    for (size, number) in [
        ("0x0", "0"),
        ("0x5", "0"),
        ("70000x70000", "70000"),
        ("5x65536", "65536"),
    ] {
        let refused = others.publisher.ask(&format!("frame p size={size}"));
        assert_eq!(refused.kind(), "Layout", "{size}");
        assert!(refused.text().contains(number), "{refused:?}");
    }
    // More than 4 GiB in one frame.
    let refused = others
        .publisher
        .ask("layout - size=65535x65535 format=rgba8");
    assert_eq!(refused.kind(), "Layout");
    others.go_on();
}

#[test]
fn options_out_of_range() {
    let mut peer = stage().peer();
    peer.must("publish p name=x");
    for (line, value) in [
        ("publish q slots=3", "3"),
        ("publish q slots=1025", "1025"),
        ("publish q members=0", "0"),
        ("publish q members=121", "121"),
        ("subscribe s name=x quota=0", "0"),
        ("subscribe s name=x quota=9", "9"),
        ("subscribe s name=x queue=0", "0"),
        ("subscribe s name=x queue=33", "33"),
    ] {
        let refused = peer.ask(line);
        assert_eq!(refused.kind(), "InvalidOption", "{line}");
        assert!(refused.text().contains(value), "{refused:?}");
    }
}

#[test]
fn another_user_is_refused_by_number() {
    let stage = stage();
    let mut others = Others::new(&stage);
    if framebus_sys::process::current_user() != 0 {
        // Only root can be somebody else: what remains is that we are who the kernel says.
        let about = others.subscriber.must("subscribe t name=good");
        assert_eq!(about.number("pid"), u64::from(others.publisher.pid()));
        return;
    }
    let ticket = others.publisher.must("ticket p").get("ticket").to_owned();
    // The directory keeps strangers out; so this one comes through a door left open for it.
    let outside = std::env::temp_dir().join(format!("framebus-outside-{}", std::process::id()));
    sys::make_private(&outside).expect("a directory");
    let path = outside.join("peer");
    std::fs::copy(env!("CARGO_BIN_EXE_framebus-peer"), &path).expect("a copy that others may run");
    sys::let_others_enter(&outside);
    let mut command = std::process::Command::new(&path);
    command.env(framebus_sys::runtime_dir::VARIABLE, stage.directory());
    sys::as_user(&mut command, 65534);
    let mut stranger = Peer::start(command);
    let refused = stranger.ask("subscribe s name=good");
    assert!(refused.text().contains("belongs to user 0"), "{refused:?}");
    // A handle that a process of root hands to a stranger: the publisher sees who greets.
    let mut publisher = framebus::Publisher::unnamed()
        .create()
        .expect("a publisher");
    let mut command = std::process::Command::new(&path);
    command.env(framebus_sys::runtime_dir::VARIABLE, stage.directory());
    publisher.export().expect("an offer").inherit(&mut command);
    sys::as_user(&mut command, 65534);
    let refused = Peer::start(command).ask("subscribe s");
    assert_eq!(refused.kind(), "ForeignUser");
    assert!(refused.text().contains("65534"), "{refused:?}");
    assert_eq!(publisher.subscriber_count(), 0);
    others
        .subscriber
        .must(&format!("subscribe t ticket={ticket}"));
    others.go_on();
    let _ = std::fs::remove_dir_all(outside);
}

#[test]
fn a_dead_publisher_is_named() {
    let stage = stage();
    let mut others = Others::new(&stage);
    others.go_on();
    others.publisher.kill();
    let gone = others.subscriber.ask("receive s");
    assert_eq!(gone.kind(), "PublisherGone");
    assert!(
        gone.text().contains(&others.publisher.pid().to_string()),
        "{gone:?}"
    );
    assert_eq!(
        others.subscriber.ask("subscribe t name=good").kind(),
        "NotFound"
    );
}

#[test]
fn garbage_and_other_versions_are_refused() {
    let stage = stage();
    let mut others = Others::new(&stage);
    let hello = message(kind::HELLO, &[0, 0, 2, 1, 0]);
    let changed = |at: usize, byte: u8| {
        let mut bytes = hello;
        bytes[at] = byte;
        bytes
    };
    // Refused with a code and the value: version, magic, kind, features, quota, depth, flags.
    for (bytes, code, value) in [
        (changed(6, 2), 1, 1),
        (changed(0, b'X'), 2, u32::from_le_bytes(*b"XBM1")),
        (changed(4, 99), 2, 99),
        (changed(8, 4), 3, 4),
        (changed(16, 0), 5, 0),
        (changed(16, 9), 5, 9),
        (changed(20, 200), 5, 200),
        (changed(24, 64), 5, 64),
    ] {
        let raw = RawSubscriber::connect(stage.directory(), "good").expect("a listener");
        let answer = raw.ask(&bytes).expect("an answer");
        assert_eq!(answer[1], 1 << 16 | kind::REFUSED, "{answer:?}");
        assert_eq!((answer[2], answer[3]), (code, value));
    }
    for bytes in [&hello[..10], &hello[..63], &[0xFF; 40][..], &[7; 2000][..]] {
        let raw = RawSubscriber::connect(stage.directory(), "good").expect("a listener");
        let answer = raw.ask(bytes).expect("an answer");
        assert_eq!(answer[1], 1 << 16 | kind::REFUSED, "{} bytes", bytes.len());
    }
    // A member that starts to talk nonsense goes.
    let mut raw = RawSubscriber::connect(stage.directory(), "good").expect("a listener");
    raw.enter(1, 1);
    assert_eq!(others.publisher.must("subscribers p").number("count"), 2);
    let answer = raw.ask(&hello).expect("an answer");
    assert_eq!(answer[1], 1 << 16 | kind::REFUSED);
    eventually("its end", || {
        (others.publisher.must("subscribers p").number("count") == 1).then_some(())
    });
    others.go_on();
}

#[test]
fn nobody_waits_for_a_handshake_that_stalls() {
    let stage = stage();
    let mut others = Others::new(&stage);
    // More than the publisher listens to at a time, and none of them says a word.
    let mut stalled = Vec::new();
    for _ in 0..300 {
        eventually("room in the queue", || {
            framebus_sys::channel::Channel::connect(
                stage.directory(),
                &framebus_testing::raw::socket_file("good"),
            )
            .ok()
            .flatten()
            .map(|channel| stalled.push(channel))
        });
    }
    // A stopped subscriber and one that is in the middle of its questions are the same.
    let mut stopped = stage.peer();
    stopped.must("subscribe s name=good");
    stopped.stop();
    let mut newcomer = stage.peer();
    newcomer.must("subscribe s name=good");
    others.go_on();
    assert_eq!(newcomer.must("receive s").get("whole"), "true");
    assert!(newcomer.must("list -").get("text").starts_with("good:"));
    stopped.go_on();
    assert_eq!(stopped.must("receive s").get("whole"), "true");
}

#[test]
fn a_frame_for_which_there_is_no_memory() {
    let stage = stage();
    let mut others = Others::new(&stage);
    others.publisher.must("publish q name=other");
    others.publisher.must("frame q");
    // 4 GiB in a slot, several of which no file of this process may have.
    others.publisher.must("file-size - most=100000000");
    for line in [
        "frame p size=65535x65535",
        "frame p size=32768x32768 format=bgrx8",
    ] {
        let refused = others.publisher.ask(line);
        if refused.kind() == "Layout" {
            continue;
        }
        assert_eq!(refused.kind(), "NoSpace", "{refused:?}");
        assert!(
            refused.text().chars().any(|c| c.is_ascii_digit()),
            "{refused:?}"
        );
    }
    // The stream goes on with frames that fit, and so do others of the process.
    others.go_on();
    others.publisher.must("frame q size=640x480 count=20");
}

#[test]
fn a_process_that_runs_out_of_handles_recovers() {
    let stage = stage();
    let mut others = Others::new(&stage);
    others.go_on();
    others.publisher.must("publish q name=other");
    others.publisher.must("handles - most=64");
    others.publisher.must("hoard - on=1");
    // Whoever comes now is not let in; whoever is in goes on.
    others.go_on();
    let mut newcomer = stage.peer();
    newcomer.say("subscribe s name=good");
    others.go_on();
    let refused = others.publisher.ask("frame q");
    assert_eq!(refused.kind(), "System", "{refused:?}");
    assert!(refused.text().contains("memfd_create"), "{refused:?}");
    others.go_on();
    // The newcomer gets in as soon as there is room, or was told why not.
    others.publisher.must("hoard - on=0");
    match newcomer.answer().expect("it lives") {
        Answer::Done(_) => {}
        Answer::Refused(kind, text) => {
            assert!(
                ["Protocol", "Unresponsive", "NotFound"].contains(&kind.as_str()),
                "{text}"
            );
            newcomer.must("subscribe s name=good");
        }
        Answer::Nothing => panic!("neither in nor out"),
    }
    others.publisher.must("frame q");
    others.go_on();
    assert_eq!(newcomer.must("receive s").get("whole"), "true");
}

#[test]
fn a_subscriber_that_runs_out_of_handles_recovers() {
    let stage = stage();
    let mut others = Others::new(&stage);
    others.go_on();
    others.subscriber.must("handles - most=64");
    others.subscriber.must("hoard - on=1");
    others.go_on();
    // A larger picture lies in a segment that it has no handle for.
    others.publisher.must("frame p size=1280x720");
    let refused = others.subscriber.ask("receive s");
    assert!(matches!(refused, Answer::Refused(..)), "{refused:?}");
    others.subscriber.must("hoard - on=0");
    // It may have been struck off for what it could not take; then it comes again.
    let frame = eventually("the larger picture", || {
        match others.subscriber.ask("receive s") {
            frame @ Answer::Done(_) => Some(frame),
            _ => {
                others.subscriber.must("subscribe s name=good");
                None
            }
        }
    });
    assert_eq!(
        (frame.get("whole"), frame.get("size")),
        ("true", "1280x720")
    );
    others.go_on();
}

#[test]
fn a_publisher_that_is_stopped_is_unresponsive_and_no_more() {
    let stage = stage();
    let mut others = Others::new(&stage);
    others.go_on();
    others.publisher.stop();
    // Frames that were published can still be had, and nobody hangs for ever.
    assert_eq!(
        others.subscriber.ask("receive s timeout=5"),
        Answer::Nothing
    );
    assert_eq!(others.subscriber.must("newest s").get("whole"), "true");
    let waiting = others.subscriber.ask("subscribe t name=good");
    assert_eq!(waiting.kind(), "Unresponsive");
    others.publisher.go_on();
    others.go_on();
    others.subscriber.must("subscribe t name=good");
    // A late answer is not taken for the answer to a later question.
    others.publisher.must("frame p size=1280x720");
    others.publisher.stop();
    assert_eq!(others.subscriber.ask("receive s").kind(), "Unresponsive");
    others.publisher.go_on();
    for size in ["1280x720", "2000x1000", "3000x1500"] {
        others.publisher.must(&format!("frame p size={size}"));
        let frame = others.subscriber.must("receive s");
        assert_eq!((frame.get("size"), frame.get("whole")), (size, "true"));
    }
}
