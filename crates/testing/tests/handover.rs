//! How streams are found and handed over: by name, by inheritance, by ticket, by handle.

use framebus::{Extent, FrameLayout, PixelFormat, Publisher, Subscriber};
use framebus_testing::child::{Answer, Peer};
use framebus_testing::stage::Stage;

fn stage() -> Stage {
    Stage::new(env!("CARGO_BIN_EXE_framebus-peer"))
}

fn publish_one(publisher: &mut Publisher) -> framebus::Result<u64> {
    let layout = FrameLayout::packed(PixelFormat::Gray8, Extent::new(64, 48)?)?;
    let seed = framebus_testing::pattern::frame_seed(publisher.epoch(), publisher.sequence() + 1);
    let mut frame = publisher.loan(&layout)?;
    framebus_testing::pattern::paint(frame.bytes_mut(), seed);
    Ok(frame.publish())
}

#[test]
fn a_child_inherits_a_stream_and_nobody_else_does() -> framebus::Result<()> {
    let stage = stage();
    let mut publisher = Publisher::unnamed().create()?;
    let mut command = stage.command();
    publisher.export()?.inherit(&mut command);
    let mut child = Peer::start(command);
    let mut other = stage.peer();
    child.must("subscribe s");
    publish_one(&mut publisher)?;
    let frame = child.must("receive s");
    assert_eq!((frame.number("sequence"), frame.get("whole")), (1, "true"));
    // Once is once.
    let refused = child.ask("subscribe t");
    assert_eq!(refused.kind(), "InvalidTicket");
    assert!(refused.text().contains("taken before"), "{refused:?}");
    let refused = other.ask("subscribe s");
    assert!(refused.text().contains("FRAMEBUS_STREAM"), "{refused:?}");
    child.kill();
    framebus_testing::child::eventually("its end", || {
        (publisher.subscriber_count() == 0).then_some(())
    });
    Ok(())
}

#[test]
fn a_handle_is_passed_on_like_any_other() -> framebus::Result<()> {
    let mut publisher = Publisher::unnamed().create()?;
    let handle = publisher.export()?.into_handle();
    let mut subscriber = Subscriber::import(handle.into()).connect()?;
    publish_one(&mut publisher)?;
    assert_eq!(subscriber.recv()?.sequence(), 1);
    // An offer that is dropped is no subscriber.
    drop(publisher.export()?);
    assert_eq!(publisher.subscriber_count(), 1);
    Ok(())
}

#[test]
fn a_ticket_lets_one_in_once() {
    let stage = stage();
    let (mut publisher, mut one, mut other) = (stage.peer(), stage.peer(), stage.peer());
    // Once for what stays: the watcher and its handles.
    publisher.must("publish p");
    publisher.must("ticket p");
    publisher.must("close p");
    let before = publisher.must("count -");
    publisher.must("publish p");
    let ticket = publisher.must("ticket p").get("ticket").to_owned();
    assert_eq!(ticket.len(), 39);
    one.must(&format!("subscribe s ticket={ticket}"));
    publisher.must("frame p");
    assert_eq!(one.must("receive s").get("whole"), "true");
    let refused = other.ask(&format!("subscribe s ticket={ticket}"));
    assert_eq!(refused.kind(), "InvalidTicket");
    let refused = other.ask("subscribe s ticket=ticket-of-no-form");
    assert_eq!(refused.kind(), "InvalidTicket");
    // A used ticket leaves nothing behind, and an unused one goes with its publisher.
    for _ in 0..5 {
        let ticket = publisher.must("ticket p").get("ticket").to_owned();
        other.must(&format!("subscribe s ticket={ticket}"));
        other.must("close s");
    }
    publisher.must("ticket p");
    one.must("close s");
    framebus_testing::child::eventually("the end of all", || {
        (publisher.must("subscribers p").number("count") == 0).then_some(())
    });
    publisher.must("close p");
    framebus_testing::child::eventually("every handle closed", || {
        (publisher.must("count -") == before).then_some(())
    });
    assert_eq!(stage.files(), [""; 0]);
}

#[test]
fn looking_around_does_not_use_up_a_ticket() {
    let stage = stage();
    let (mut publisher, mut other) = (stage.peer(), stage.peer());
    publisher.must("publish p");
    let ticket = publisher.must("ticket p").get("ticket").to_owned();
    for _ in 0..3 {
        assert_eq!(
            other.must("list -").number("count"),
            0,
            "a ticket is no name"
        );
    }
    other.must(&format!("subscribe s ticket={ticket}"));
    publisher.must("frame p");
    assert_eq!(other.must("receive s").get("whole"), "true");
}

#[test]
fn a_name_belongs_to_one_publisher() {
    let stage = stage();
    let (mut one, mut other) = (stage.peer(), stage.peer());
    one.must("publish p name=lab/cam.0");
    for peer in [&mut other, &mut one] {
        let refused = peer.ask("publish q name=lab/cam.0");
        assert_eq!(refused.kind(), "AlreadyExists");
    }
    let refused = other.ask("publish q name=lab/cam.0");
    assert!(
        refused.text().contains(&one.pid().to_string()),
        "{refused:?}"
    );
    assert!(refused.text().contains("lab/cam.0"), "{refused:?}");
    // Others are free, whatever their case.
    other.must("publish q name=lab/Cam.0");
    one.must("close p");
    assert_eq!(other.must("publish r name=lab/cam.0").number("epoch"), 2);
    other.kill();
    assert_eq!(one.must("publish p name=lab/cam.0").number("epoch"), 3);
}

#[test]
fn a_listing_shows_what_lives_now() {
    let stage = stage();
    let (mut one, mut other) = (stage.peer(), stage.peer());
    assert_eq!(other.must("list -").number("count"), 0);
    one.must("publish p name=a");
    one.must("publish q name=b/c");
    one.must("frame q size=320x200 count=3");
    other.must("subscribe s name=b/c");
    let pid = one.pid();
    let listed = other.must("list -");
    let expected = format!("a:{pid}:1:none:0:0:true b/c:{pid}:1:320x200:3:1:true");
    assert_eq!(listed.get("text"), expected);
    // The same from within the publisher's own process.
    assert_eq!(one.must("list -").get("text"), expected);
    assert_eq!(
        one.must("list -").number("count"),
        2,
        "and it has not lost its names"
    );
    assert_eq!(other.ask("publish p name=a").kind(), "AlreadyExists");
    // One that is stopped is listed, and says nothing.
    one.stop();
    assert_eq!(
        other.must("list -").get("text"),
        format!("a:{pid}:1:none:0:0:false b/c:{pid}:1:none:0:0:false")
    );
    one.go_on();
    one.kill();
    assert_eq!(other.must("list -").number("count"), 0);
    assert_eq!(other.ask("subscribe t name=a").kind(), "NotFound");
}

#[test]
fn a_killed_publisher_leaves_nothing_to_trip_over() {
    let stage = stage();
    for epoch in 1..=10 {
        let mut publisher = stage.peer();
        assert_eq!(publisher.must("publish p name=cam").number("epoch"), epoch);
        publisher.must("ticket p");
        publisher.kill();
    }
    let mut other = stage.peer();
    assert_eq!(other.ask("list -").get("count"), "0");
    // One lock file, and one dead socket that the next publisher replaces.
    let files = stage.files();
    assert_eq!(files.len(), 2, "{files:?}");
    other.must("publish p name=cam");
    other.must("close p");
    assert_eq!(stage.files().len(), 1, "the lock file stays");
}

#[test]
fn handles_and_memory_go_when_streams_do() {
    let stage = stage();
    let (mut publisher, mut subscriber) = (stage.peer(), stage.peer());
    let cycle = |publisher: &mut Peer, subscriber: &mut Peer| {
        publisher.must("publish p name=cam");
        subscriber.must("subscribe s name=cam queue=4");
        publisher.must("frame p size=640x480 count=5");
        assert!(matches!(
            subscriber.ask("poll s timeout=10000"),
            Answer::Done(_)
        ));
        subscriber.say("request s text=?");
        publisher.must("accept p timeout=10000");
        publisher.must("answer p size=800x600");
        subscriber.answer().expect("it lives");
        subscriber.must("close s");
        publisher.must("close p");
    };
    // Once for what stays: the watcher and its handles.
    cycle(&mut publisher, &mut subscriber);
    let (ours, theirs) = (publisher.must("count -"), subscriber.must("count -"));
    assert_eq!((ours.number("mappings"), theirs.number("mappings")), (0, 0));
    for _ in 0..20 {
        cycle(&mut publisher, &mut subscriber);
    }
    framebus_testing::child::eventually("all handles closed", || {
        (publisher.must("count -") == ours && subscriber.must("count -") == theirs).then_some(())
    });
}
