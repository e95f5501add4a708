//! What a stream costs: memory and system calls.

use framebus_testing::stage::Stage;

fn stage() -> Stage {
    Stage::new(env!("CARGO_BIN_EXE_framebus-peer"))
}

#[test]
fn a_stream_costs_its_slots_64_kib_and_16_kib_for_each_subscriber() {
    let stage = stage();
    let (mut publisher, mut subscriber) = (stage.peer(), stage.peer());
    publisher.must("publish p name=cam");
    for subscribers in [0, 1, 8, 64_u64] {
        let before = publisher.must("subscribers p").number("count");
        if subscribers > before {
            let more = subscribers - before;
            subscriber.must(&format!(
                "subscribe s{subscribers}- name=cam count={} ",
                more.max(2)
            ));
            if more == 1 {
                subscriber.must(&format!("close s{subscribers}-1"));
            }
        }
        framebus_testing::child::eventually("all of them", || {
            (publisher.must("subscribers p").number("count") == subscribers).then_some(())
        });
        publisher.must("frame p size=640x480 format=bgra8 count=100");
        let stats = publisher.must("published p");
        let memory = publisher.must("memory -");
        // A slot is the pixels, 8 KiB of header and metadata, rounded up to 64 KiB.
        let slot = (640 * 480 * 4 + 0x2000_u64).next_multiple_of(0x10000);
        assert_eq!(stats.number("bytes") % slot, 0);
        let slots = stats.number("bytes") / slot;
        println!("{subscribers} subscribers: {slots} slots, {memory:?}");
        assert_eq!(
            memory.number("pixels"),
            slots * slot,
            "not a byte beside the slots"
        );
        assert!(
            slots <= 2 + 1 + 8,
            "a rotation of 8, whoever subscribes and holds nothing"
        );
        assert!(memory.number("streams") <= 64 << 10, "{memory:?}");
        assert!(
            memory.number("controls") <= subscribers * (16 << 10),
            "{memory:?}"
        );
    }
}

#[test]
fn publishing_makes_no_system_call_while_nobody_waits() {
    for subscribers in [0, 1, 8, 64_u32] {
        let stage = stage();
        let (mut publisher, mut subscriber) = (stage.peer(), stage.peer());
        publisher.must("publish p name=cam");
        publisher.must("frame p size=128x128");
        for number in 0..subscribers {
            subscriber.must(&format!("subscribe s{number} name=cam"));
        }
        publisher.say("silently p size=128x128 count=10000");
        assert_eq!(publisher.answer(), None, "it ends without a word");
        assert!(publisher.wait().success(), "{subscribers} subscribers");
        if subscribers > 0 {
            let last = subscriber.must("receive s0");
            assert_eq!(last.number("sequence"), 10_065);
        }
    }
}

#[test]
fn the_filter_of_system_calls_would_have_told() {
    let stage = stage();
    let mut publisher = stage.peer();
    publisher.must("publish p name=cam");
    publisher.say("silently p count=10 and-one-call=1");
    assert_eq!(publisher.answer(), None);
    assert!(!publisher.wait().success(), "killed at its first call");
}
