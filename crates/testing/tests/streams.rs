//! Streams between processes: what publishers and subscribers see of each other.

use framebus_testing::child::{Answer, Peer, eventually};
use framebus_testing::stage::Stage;

fn stage() -> Stage {
    Stage::new(env!("CARGO_BIN_EXE_framebus-peer"))
}

/// A publisher `p` of the stream `cam` and a subscriber `s` to it, in two processes.
fn pair(stage: &Stage, publisher: &str, subscriber: &str) -> (Peer, Peer) {
    let (mut one, mut other) = (stage.peer(), stage.peer());
    one.must(&format!("publish p name=cam {publisher}"));
    other.must(&format!("subscribe s name=cam {subscriber}"));
    (one, other)
}

/// The sequence of a frame all of whose pixels are right.
fn sequence(answer: &Answer) -> u64 {
    assert_eq!(answer.get("whole"), "true", "{answer:?}");
    answer.number("sequence")
}

#[test]
fn what_is_published_is_received_whole() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "", "");
    for expected in 1..=50 {
        publisher.must("frame p size=500x300 format=bgra8");
        assert_eq!(sequence(&subscriber.must("receive s")), expected);
    }
    assert_eq!(subscriber.ask("try s"), Answer::Nothing);
    let stats = subscriber.must("received s");
    assert_eq!((stats.number("received"), stats.number("skipped")), (50, 0));
}

#[test]
fn latest_skips_to_the_newest_and_counts_what_it_skipped() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "", "");
    publisher.must("frame p count=3");
    assert_eq!(sequence(&subscriber.must("receive s")), 3);
    publisher.must("frame p count=97");
    assert_eq!(sequence(&subscriber.must("receive s")), 100);
    assert_eq!(subscriber.ask("receive s timeout=1"), Answer::Nothing);
    // Once more, on demand.
    assert_eq!(sequence(&subscriber.must("newest s")), 100);
    let stats = subscriber.must("received s");
    assert_eq!((stats.number("received"), stats.number("skipped")), (2, 96));
}

#[test]
fn a_queue_keeps_its_depth_in_order_and_counts_what_it_lost() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "", "queue=5");
    publisher.must("frame p");
    assert_eq!(sequence(&subscriber.must("receive s")), 1);
    publisher.must("frame p count=12");
    let seen: Vec<u64> = (0..5)
        .map(|_| sequence(&subscriber.must("receive s")))
        .collect();
    assert_eq!(seen, [9, 10, 11, 12, 13]);
    assert_eq!(subscriber.ask("try s"), Answer::Nothing);
    assert_eq!(subscriber.must("received s").number("dropped"), 7);
}

#[test]
fn a_lossless_subscriber_gets_everything_and_holds_the_publisher_back() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "lossless=10000", "lossless=1 queue=3");
    // More than the queue holds: the publisher has to wait for the subscriber.
    publisher.say("frame p count=200");
    for expected in 1..=200 {
        assert_eq!(sequence(&subscriber.must("receive s")), expected);
    }
    assert_eq!(
        publisher.answer().expect("it lives").number("sequence"),
        200
    );
    assert_eq!(
        publisher.must("drained p timeout=10000").get("drained"),
        "true"
    );
    let stats = publisher.must("published p");
    assert!(stats.number("waited") > 0, "{stats:?}");
    assert_eq!(stats.number("demoted"), 0);
}

#[test]
fn a_lossless_subscriber_that_does_not_move_is_demoted_and_told_once() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "lossless=30", "lossless=1 queue=2");
    publisher.must("frame p count=10");
    assert_eq!(publisher.must("published p").number("demoted"), 1);
    assert_eq!(subscriber.ask("receive s").kind(), "Demoted");
    assert!(sequence(&subscriber.must("receive s")) >= 9);
    publisher.must("frame p count=50");
    assert_eq!(publisher.must("published p").number("demoted"), 1);
}

#[test]
fn looking_at_the_newest_does_not_stall_a_lossless_stream() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "lossless=400", "lossless=1 queue=4");
    publisher.must("frame p count=4");
    assert_eq!(sequence(&subscriber.must("newest s")), 4);
    // All four are done with: four more have room.
    publisher.must("frame p count=4");
    assert_eq!(publisher.must("published p").number("demoted"), 0);
    for expected in 5..=8 {
        assert_eq!(sequence(&subscriber.must("receive s")), expected);
    }
}

#[test]
fn a_newcomer_sees_the_newest_at_once() {
    let stage = stage();
    let (mut publisher, mut subscriber) = (stage.peer(), stage.peer());
    publisher.must("publish p name=cam");
    publisher.must("frame p count=7");
    for options in ["", "queue=4", "lossless=1"] {
        subscriber.must(&format!("subscribe s name=cam {options}"));
        assert_eq!(sequence(&subscriber.must("try s")), 7);
        assert_eq!(subscriber.ask("try s"), Answer::Nothing);
        subscriber.must("close s");
    }
}

#[test]
fn leases_keep_frames_and_the_quota_bounds_them() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "", "quota=3");
    for name in ["a", "b", "c"] {
        publisher.must("frame p");
        subscriber.must(&format!("receive s keep={name}"));
    }
    // However much is published, what is held does not change.
    publisher.must("frame p count=300");
    for (name, expected) in [("a", 1), ("b", 2), ("c", 3)] {
        assert_eq!(
            sequence(&subscriber.must(&format!("verify {name}"))),
            expected
        );
    }
    let refused = subscriber.ask("receive s");
    assert_eq!(refused.kind(), "QuotaExceeded");
    assert!(refused.text().contains("all 3 leases"), "{refused:?}");
    subscriber.must("close b");
    assert_eq!(sequence(&subscriber.must("receive s")), 303);
}

#[test]
fn a_subscriber_that_would_need_too_many_slots_is_refused_by_the_numbers() {
    let stage = stage();
    let (_publisher, mut subscriber) = pair(&stage, "slots=8 members=2", "quota=2");
    let refused = subscriber.ask("subscribe t name=cam quota=3");
    assert_eq!(refused.kind(), "SlotsExceeded");
    // 2, the newest, and quota + 1 for each.
    assert!(
        refused.text().contains("10 slots") && refused.text().contains('8'),
        "{refused:?}"
    );
    subscriber.must("subscribe t name=cam quota=1");
    let refused = subscriber.ask("subscribe u name=cam quota=1");
    assert_eq!(refused.kind(), "SubscribersExceeded");
    subscriber.must("close t");
    eventually("the place", || {
        match subscriber.ask("subscribe t name=cam quota=1") {
            Answer::Done(_) => Some(()),
            _ => None,
        }
    });
}

#[test]
fn a_tight_stream_never_runs_out_while_everybody_holds_the_quota() {
    let stage = stage();
    let (mut publisher, mut one) = pair(&stage, "slots=9", "quota=2");
    let mut other = stage.peer();
    other.must("subscribe s name=cam quota=2");
    for round in 0..20 {
        for peer in [&mut one, &mut other] {
            publisher.must("frame p count=3");
            peer.must(&format!("close f{}", round % 2));
            peer.must(&format!("receive s keep=f{}", round % 2));
        }
    }
    publisher.must("frame p count=100");
}

#[test]
fn the_same_stream_serves_sixty_four_subscribers_in_several_processes() {
    let stage = stage();
    let mut publisher = stage.peer();
    publisher.must("publish p name=cam");
    let mut peers: Vec<Peer> = (0..4).map(|_| stage.peer()).collect();
    for (number, peer) in peers.iter_mut().enumerate() {
        let how = ["", "queue=4", "quota=1", "how=block"][number];
        peer.must(&format!("subscribe s name=cam count=16 {how}"));
    }
    assert_eq!(publisher.must("subscribers p").number("count"), 64);
    assert_eq!(
        peers[0].ask("subscribe t name=cam").kind(),
        "SubscribersExceeded"
    );
    for expected in 1..=5 {
        publisher.must("frame p");
        for peer in &mut peers {
            for number in 0..16 {
                let frame = peer.must(&format!("receive s{number}"));
                assert_eq!(sequence(&frame), expected);
            }
        }
    }
    // A quarter of them dies; the rest goes on.
    peers[0].kill();
    eventually("their end", || {
        (publisher.must("subscribers p").number("count") == 48).then_some(())
    });
    publisher.must("frame p");
    assert_eq!(sequence(&peers[3].must("receive s15")), 6);
}

#[test]
fn one_process_publishes_many_streams() {
    let stage = stage();
    let (mut publisher, mut subscriber) = (stage.peer(), stage.peer());
    for number in 0..12 {
        publisher.must(&format!("publish p{number} name=cam/{number}"));
        subscriber.must(&format!("subscribe s{number} name=cam/{number}"));
    }
    for number in 0..12 {
        publisher.must(&format!("frame p{number} count={}", number + 1));
    }
    for number in 0..12 {
        let frame = subscriber.must(&format!("receive s{number}"));
        assert_eq!(sequence(&frame), number + 1);
    }
    assert_eq!(publisher.must("spread p count=10").number("received"), 10);
}

#[test]
fn everything_that_travels_with_the_pixels_arrives_with_them() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "", "");
    publisher.must(
        "frame p size=33x17 format=rgba8 stride=64 damage=1,2,3,4;20,1,50,60 colour=srgb alpha=straight source=123456 metadata=frame-one",
    );
    let frame = subscriber.must("receive s");
    assert_eq!(sequence(&frame), 1);
    assert_eq!((frame.get("size"), frame.get("format")), ("33x17", "rgba8"));
    assert_eq!(frame.get("stride"), "192");
    assert_eq!(
        (frame.get("colour"), frame.get("alpha")),
        ("srgb", "Straight")
    );
    assert_eq!(
        (frame.get("source"), frame.get("text")),
        ("123456@device", "frame-one")
    );
    // The first frame differs from nothing everywhere.
    assert_eq!(frame.get("damage"), "all");
    publisher.must("frame p size=33x17 format=rgba8 stride=64 damage=1,2,3,4;20,1,50,60");
    let frame = subscriber.must("receive s");
    assert_eq!(
        frame.get("damage"),
        "1,2,3,4;20,1,13,16",
        "cut at the edges"
    );
    assert_eq!(
        (frame.get("source"), frame.get("text")),
        ("none", ""),
        "nothing is left over"
    );
    assert_eq!(
        (frame.get("colour"), frame.get("alpha")),
        ("other", "Unspecified")
    );
    publisher.must("frame p size=33x17 format=rgba8 stride=64 damage=none metadata-bytes=4096");
    let frame = subscriber.must("receive s");
    assert_eq!(
        (frame.get("damage"), frame.get("metadata-bytes")),
        ("none", "4096")
    );
    let refused = publisher.ask("frame p size=33x17 format=rgba8 metadata-bytes=4097");
    assert_eq!(refused.kind(), "MetadataTooLong");
    assert!(refused.text().contains("4097") && refused.text().contains("4096"));
    publisher.must("frame p size=33x17 format=rgba8");
    assert_eq!(
        sequence(&subscriber.must("receive s")),
        4,
        "the refused one was not published"
    );
}

#[test]
fn damage_of_skipped_frames_adds_up() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "", "");
    publisher.must("frame p");
    subscriber.must("receive s");
    publisher.must("frame p damage=0,0,2,2");
    publisher.must("frame p damage=none");
    publisher.must("frame p damage=10,10,3,3");
    let frame = subscriber.must("receive s keep=f");
    assert_eq!(frame.get("damage"), "10,10,3,3");
    let mut since = |sequence: u64| {
        let told = subscriber.must(&format!("since s frame=f sequence={sequence}"));
        told.get("damage").to_owned()
    };
    assert_eq!(since(4), "none");
    assert_eq!(since(3), "10,10,3,3");
    assert_eq!(since(2), "10,10,3,3");
    let both = since(1);
    assert!(
        both.contains("0,0,2,2") && both.contains("10,10,3,3"),
        "{both}"
    );
    // The first one damaged everything; and nothing is known of what never was.
    assert_eq!((since(0), since(9)), ("all".to_owned(), "all".to_owned()));
    // Of what the log has forgotten, everything.
    publisher.must("frame p damage=1,1,1,1 count=80");
    subscriber.must("close f");
    subscriber.must("receive s keep=f");
    let told = |subscriber: &mut Peer, sequence: u64| {
        let told = subscriber.must(&format!("since s frame=f sequence={sequence}"));
        told.get("damage").to_owned()
    };
    assert_eq!(told(&mut subscriber, 4), "all");
    assert_eq!(told(&mut subscriber, 60), "1,1,1,1");
}

#[test]
fn a_painter_that_preserves_finds_the_newest_picture() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "", "");
    assert_eq!(publisher.must("frame p preserve=1").number("age"), 0);
    let first = publisher.must("frame p");
    assert_eq!(first.number("sequence"), 2);
    subscriber.must("receive s keep=old");
    for _ in 0..20 {
        let frame = publisher.must("frame p preserve=1 damage=0,0,1,1");
        assert_eq!(frame.number("age"), 1, "it shows the newest");
    }
    // Twenty painters in a row have counted the first pixel up, and nothing else.
    let frame = subscriber.must("newest s keep=new");
    assert_eq!(frame.number("sequence"), 22);
    // Another size: nothing to preserve.
    assert_eq!(
        publisher
            .must("frame p preserve=1 size=20x20")
            .number("age"),
        0
    );
}

#[test]
fn size_and_format_change_in_mid_stream_and_old_segments_end() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "", "quota=3");
    let sizes = [
        "64x48",
        "1280x720",
        "320x200",
        "1920x1080",
        "3x3",
        "2560x1440",
    ];
    let formats = ["gray8", "bgra8", "nv12", "rgba16le", "yuyv", "i420"];
    publisher.must("frame p");
    subscriber.must("receive s keep=first");
    for (number, (size, format)) in sizes.iter().zip(formats).enumerate() {
        let format = if size.ends_with('3') { "rgb8" } else { format };
        publisher.must(&format!("frame p size={size} format={format} count=3"));
        let frame = subscriber.must("receive s");
        assert_eq!(sequence(&frame), 4 + 3 * number as u64);
        assert_eq!((frame.get("size"), frame.get("format")), (*size, format));
    }
    // The first frame is still there, in its old segment, which ends with it.
    assert_eq!(sequence(&subscriber.must("verify first")), 1);
    assert!(publisher.must("published p").number("segments") >= 2);
    subscriber.must("close first");
    publisher.must("frame p size=2560x1440 count=40");
    assert_eq!(publisher.must("published p").number("segments"), 1);
    // It is unmapped on both sides, and its handle closed.
    assert_eq!(publisher.must("memory -").number("streams"), 0x4000);
    subscriber.must("receive s");
    publisher.must("frame p size=4000x2000");
    subscriber.must("receive s");
    publisher.must("frame p size=4000x2000 count=40");
    subscriber.must("receive s");
    assert_eq!(subscriber.ask("receive s timeout=1"), Answer::Nothing);
    let (ours, theirs) = (publisher.must("count -"), subscriber.must("count -"));
    // A stream page, a control page, and the pixels in use.
    assert_eq!((ours.number("mappings"), theirs.number("mappings")), (3, 3));
}

#[test]
fn a_subscriber_drains_what_a_dead_publisher_published() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "", "queue=8");
    publisher.must("frame p");
    subscriber.must("receive s");
    publisher.must("frame p count=5");
    let pid = publisher.pid();
    publisher.kill();
    for expected in 2..=6 {
        assert_eq!(sequence(&subscriber.must("receive s")), expected);
    }
    for _ in 0..2 {
        let gone = subscriber.ask("receive s");
        assert_eq!(gone.kind(), "PublisherGone");
        assert!(gone.text().contains(&pid.to_string()), "{gone:?}");
    }
    assert_eq!(subscriber.ask("send s text=?").kind(), "PublisherGone");
}

#[test]
fn an_orderly_end_is_drained_too() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "", "queue=4");
    publisher.must("frame p count=2");
    publisher.must("close p");
    for expected in 1..=2 {
        assert_eq!(sequence(&subscriber.must("receive s")), expected);
    }
    assert_eq!(subscriber.ask("receive s").kind(), "PublisherGone");
    assert_eq!(
        stage
            .files()
            .iter()
            .filter(|file| file.ends_with(".sock"))
            .count(),
        0
    );
}

#[test]
fn a_subscriber_that_was_asked_to_finds_the_next_epoch() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "", "reconnect=1");
    let mut polled = stage.peer();
    polled.must("subscribe s name=cam reconnect=1");
    let mut last = 0;
    for round in 1..=5 {
        publisher.must("frame p count=3");
        let frame = subscriber.must("receive s");
        assert_eq!(sequence(&frame), if round == 1 { 3 } else { 4 });
        assert!(frame.number("epoch") > last, "epochs go up");
        last = frame.number("epoch");
        let newest = frame.get("sequence").to_owned();
        assert_eq!(polled.must("poll s").get("sequences"), newest);
        publisher.kill();
        // Nobody there: that is no error, it waits.
        assert_eq!(
            subscriber.ask("receive s timeout=20"),
            Answer::Nothing,
            "round {round}"
        );
        assert_eq!(
            polled.ask("poll s timeout=20"),
            Answer::Nothing,
            "round {round}"
        );
        subscriber.say("receive s");
        publisher = stage.peer();
        publisher.must("publish p name=cam");
        publisher.must("frame p");
        let frame = subscriber.answer().expect("it lives");
        assert_eq!(sequence(&frame), 1);
        assert_eq!(polled.must("poll s").get("sequences"), "1");
    }
    assert_eq!(subscriber.must("received s").number("reconnects"), 5);
}

#[test]
fn a_subscriber_reconnects_even_if_it_never_saw_the_dead_one_s_pixels() {
    for options in ["", "queue=4"] {
        let stage = stage();
        // Connected before there are any pixels, and gone before anybody fetched them.
        let (mut publisher, mut subscriber) = pair(&stage, "", &format!("reconnect=1 {options}"));
        publisher.must("frame p");
        publisher.kill();
        let mut next = stage.peer();
        next.must("publish p name=cam");
        next.must("frame p count=2");
        // It may say that the first publisher is gone, but not for ever.
        let frame = eventually("the next epoch", || match subscriber.ask("receive s") {
            frame @ Answer::Done(_) => Some(frame),
            _ => None,
        });
        assert_eq!(
            (sequence(&frame), frame.number("epoch")),
            (2, 2),
            "{options}"
        );
    }
}

#[test]
fn a_subscriber_waits_for_a_publisher_to_appear() {
    let stage = stage();
    let (mut publisher, mut subscriber) = (stage.peer(), stage.peer());
    subscriber.say("subscribe s name=late patience=10000");
    publisher.must("publish p name=late");
    publisher.must("frame p");
    let connected = subscriber.answer().expect("it lives");
    assert_eq!(connected.number("pid"), u64::from(publisher.pid()));
    assert_eq!(sequence(&subscriber.must("receive s")), 1);
}

#[test]
fn an_event_loop_is_woken_and_finds_everything() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "", "queue=16");
    assert_eq!(subscriber.ask("poll s timeout=1"), Answer::Nothing);
    for round in 0..20 {
        subscriber.say("poll s");
        publisher.must("frame p");
        let seen = subscriber.answer().expect("it lives");
        assert_eq!(seen.get("sequences"), (round + 1).to_string());
    }
    publisher.must("frame p count=3");
    assert_eq!(subscriber.must("poll s").get("sequences"), "21,22,23");
    subscriber.say("poll s");
    publisher.kill();
    assert_eq!(
        subscriber.answer().expect("it lives").kind(),
        "PublisherGone"
    );
}

#[test]
fn a_subscriber_is_a_stream_for_any_executor() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "", "queue=16");
    subscriber.say("stream s count=6");
    for _ in 0..3 {
        publisher.must("frame p count=2");
    }
    let seen = subscriber.answer().expect("it lives");
    assert_eq!(seen.get("sequences"), "1,2,3,4,5,6");
    subscriber.must("subscribe s name=cam");
    subscriber.say("stream s count=100");
    publisher.kill();
    let seen = subscriber.answer().expect("it lives");
    assert_eq!(
        (seen.get("error"), seen.get("ended")),
        ("PublisherGone", "true")
    );
}

#[test]
fn every_way_to_wait_gets_every_frame() {
    let stage = stage();
    let (mut publisher, mut subscriber) = pair(&stage, "lossless=10000", "");
    for how in ["spin", "block", "adaptive"] {
        subscriber.must(&format!("subscribe {how} name=cam lossless=1 how={how}"));
        // The newest of before, if there was one.
        let _ = subscriber.ask(&format!("try {how}"));
        publisher.say("frame p count=50");
        let mut last = 0;
        for _ in 0..50 {
            let seen = sequence(&subscriber.must(&format!("receive {how}")));
            assert!(last == 0 || seen == last + 1, "{how}: {seen} after {last}");
            last = seen;
        }
        publisher.answer().expect("it lives");
        subscriber.must(&format!("close {how}"));
    }
}
