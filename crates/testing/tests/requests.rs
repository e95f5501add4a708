//! Requests and replies between processes.

use framebus_testing::child::{Answer, Peer};
use framebus_testing::stage::Stage;

/// A publisher `p` that serves and a subscriber `s` that asks, in two processes.
fn pair(publisher: &str, subscriber: &str) -> (Stage, Peer, Peer) {
    let stage = Stage::new(env!("CARGO_BIN_EXE_framebus-peer"));
    let (mut one, mut other) = (stage.peer(), stage.peer());
    one.must(&format!("publish p name=desk {publisher}"));
    other.must(&format!("subscribe s name=desk {subscriber}"));
    (stage, one, other)
}

#[test]
fn a_request_is_answered_with_the_picture_it_asks_for() {
    let (_stage, mut publisher, mut subscriber) = pair("", "");
    let pid = u64::from(subscriber.pid());
    let texts = ["", "x", "a request with words", &"long ".repeat(500)];
    for (number, text) in texts.into_iter().enumerate() {
        subscriber.say(&format!("request s text={text}"));
        let request = publisher.must("accept p timeout=10000");
        assert_eq!((request.get("text"), request.number("pid")), (text, pid));
        let answered = publisher.must("answer p size=500x300 format=bgra8 metadata=mine");
        assert_eq!(answered.get("delivered"), "true");
        let frame = subscriber.answer().expect("it lives");
        assert_eq!(
            frame.get("whole"),
            "true",
            "painted after the bytes of {text:?}"
        );
        assert_eq!(frame.number("request"), request.number("id"));
        assert_eq!(frame.number("sequence"), number as u64 + 1);
        assert_eq!(frame.get("text"), "mine");
    }
    assert_eq!(publisher.must("published p").number("replied"), 4);
    // A reply is no publication.
    assert_eq!(subscriber.ask("try s"), Answer::Nothing);
}

#[test]
fn requests_have_a_longest_length() {
    let (_stage, mut publisher, mut subscriber) = pair("", "");
    subscriber.say("request s bytes=4096");
    let request = publisher.must("accept p timeout=10000");
    assert_eq!(request.get("text").len(), 4096);
    publisher.must("answer p");
    assert_eq!(subscriber.answer().expect("it lives").get("whole"), "true");
    let refused = subscriber.ask("request s bytes=4097");
    assert_eq!(refused.kind(), "RequestTooLong");
    assert!(refused.text().contains("4097") && refused.text().contains("4096"));
}

#[test]
fn a_request_without_an_answer_times_out_and_a_late_answer_is_dropped() {
    let (_stage, mut publisher, mut subscriber) = pair("", "");
    let late = subscriber.ask("request s timeout=20 text=first");
    assert_eq!(late.kind(), "TimedOut");
    assert!(late.text().contains("20ms"), "{late:?}");
    // It was cancelled before anybody saw it.
    assert_eq!(publisher.ask("accept p timeout=1"), Answer::Nothing);
    // One that was seen and is cancelled then.
    subscriber.must("send s text=second");
    publisher.must("accept p timeout=10000");
    subscriber.must("cancel s");
    assert_eq!(publisher.must("answer p").get("delivered"), "false");
    assert_eq!(subscriber.ask("reply s timeout=1"), Answer::Nothing);
    // The next is not confused with it.
    subscriber.must("send s text=third");
    publisher.must("accept p timeout=10000");
    publisher.must("answer p");
    assert_eq!(subscriber.must("reply s text=third").get("whole"), "true");
}

#[test]
fn a_new_request_replaces_the_one_before() {
    let (_stage, mut publisher, mut subscriber) = pair("", "");
    subscriber.must("send s text=old");
    publisher.must("accept p timeout=10000");
    subscriber.must("send s text=new");
    // The answer to the old one comes too late.
    assert_eq!(publisher.must("answer p").get("delivered"), "false");
    assert_eq!(publisher.must("accept p timeout=10000").get("text"), "new");
    publisher.must("answer p");
    assert_eq!(subscriber.must("reply s text=new").get("whole"), "true");
    // Replaced after it was answered, before it was taken.
    subscriber.must("send s text=taken by nobody");
    publisher.must("accept p timeout=10000");
    assert_eq!(publisher.must("answer p").get("delivered"), "true");
    subscriber.must("send s text=final");
    publisher.must("accept p timeout=10000");
    publisher.must("answer p");
    assert_eq!(subscriber.must("reply s text=final").get("whole"), "true");
}

#[test]
fn a_declined_request_says_why() {
    let (_stage, mut publisher, mut subscriber) = pair("", "");
    for reason in ["no such picture", "", &"ä".repeat(400)] {
        subscriber.say("request s text=?");
        publisher.must("accept p timeout=10000");
        publisher.must(&format!("decline p text={reason}"));
        let declined = subscriber.answer().expect("it lives");
        assert_eq!(declined.kind(), "Declined");
        // 512 bytes at most, and no character cut in two.
        let told = &reason[..reason.len().min(512)];
        assert!(declined.text().ends_with(told), "{declined:?}");
        assert!(!declined.text().contains('\u{FFFD}'));
    }
    assert_eq!(publisher.must("published p").number("declined"), 3);
}

#[test]
fn a_reply_waits_untouched_until_it_is_taken() {
    let (_stage, mut publisher, mut subscriber) = pair("slots=5", "quota=1");
    subscriber.must("send s text=mine");
    publisher.must("accept p timeout=10000");
    publisher.must("answer p");
    publisher.must("frame p count=500");
    assert_eq!(
        subscriber.must("reply s keep=f text=mine").get("whole"),
        "true"
    );
    publisher.must("frame p count=500");
    // While it is held, it uses up the quota: for frames and for further replies.
    assert_eq!(subscriber.ask("receive s").kind(), "QuotaExceeded");
    assert_eq!(subscriber.ask("send s text=more").kind(), "QuotaExceeded");
    subscriber.must("close f");
    assert_eq!(subscriber.must("receive s").number("sequence"), 1000);
}

#[test]
fn many_requesters_get_each_their_own() {
    let (_stage, mut publisher, mut subscriber) = pair("", "");
    subscriber.must("subscribe r name=desk count=20");
    for number in 0..20 {
        subscriber.must(&format!("send r{number} text=for {number}"));
    }
    for _ in 0..20 {
        publisher.must("accept p timeout=10000");
        assert_eq!(publisher.must("answer p").get("delivered"), "true");
    }
    for number in (0..20).rev() {
        let frame = subscriber.must(&format!("reply r{number} text=for {number}"));
        assert_eq!(frame.get("whole"), "true", "{number}");
    }
    assert_eq!(publisher.ask("accept p timeout=1"), Answer::Nothing);
}

#[test]
fn the_death_of_either_side_is_told() {
    let (stage, mut publisher, mut subscriber) = pair("", "");
    subscriber.say("request s text=?");
    publisher.must("accept p timeout=10000");
    publisher.kill();
    assert_eq!(
        subscriber.answer().expect("it lives").kind(),
        "PublisherGone"
    );
    let mut publisher = stage.peer();
    publisher.must("publish p name=desk");
    subscriber.must("subscribe s name=desk");
    subscriber.must("send s text=?");
    publisher.must("accept p timeout=10000");
    subscriber.kill();
    framebus_testing::child::eventually("the end of the requester", || {
        (publisher.must("subscribers p").number("count") == 0).then_some(())
    });
    assert_eq!(publisher.must("answer p").get("delivered"), "false");
    publisher.must("frame p count=20");
}

#[test]
fn requests_and_frames_share_a_stream() {
    let (_stage, mut publisher, mut subscriber) = pair("", "queue=8 quota=4");
    for round in 0..10 {
        subscriber.must(&format!("send s text=round {round}"));
        publisher.must("frame p count=2");
        publisher.must("accept p timeout=10000");
        publisher.must("answer p size=640x480");
        let reply = subscriber.must(&format!("reply s text=round {round}"));
        assert_eq!((reply.get("whole"), reply.get("size")), ("true", "640x480"));
        for sequence in 2 * round + 1..=2 * round + 2 {
            let frame = subscriber.must("receive s");
            assert_eq!(
                (frame.get("whole"), frame.number("sequence")),
                ("true", sequence)
            );
        }
    }
}
