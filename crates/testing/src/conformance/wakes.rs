//! Bells and pollables.

use super::{Case, Linked};
use crate::stage::Stage;
use framebus_sys::bell::{self, Bell};
use framebus_sys::pollable::{Pollable, Ringer};
use framebus_sys::segment::{Mapping, Segment, SegmentKind};
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(10);

pub(super) const CASES: &[Case] = &[
    ("a_bell_wakes_another_process", bell_wakes_peer),
    ("a_bell_is_rung_by_another_process", bell_is_rung_by_peer),
    (
        "one_of_many_bells_is_rung_by_another_process",
        any_bell_is_rung,
    ),
    ("a_pollable_is_rung_by_another_process", pollable_is_rung),
    ("no_peer_makes_a_ringer_block", ringer_never_blocks),
];

/// A page with bells, which the peer has mapped as `m`.
fn shared_page(linked: &mut Linked) -> Arc<Mapping> {
    let (segment, mapping) =
        Segment::create(SegmentKind::Shared, 4096, "framebus-conformance").expect("a segment");
    linked.hand_over("page", segment.handle());
    linked
        .peer
        .must("map page kind=shared size=4096 as=m write=1");
    Arc::new(mapping)
}

fn bell_wakes_peer(stage: &Stage) {
    let mut linked = Linked::new(stage);
    let page = shared_page(&mut linked);
    let bell = Bell::create(&page, 64).expect("a bell");
    let seen = bell.value();
    linked.peer.say(&format!("sleep m at=64 value={seen}"));
    // Late or early: the value decides, so that no ring is lost either way.
    std::thread::sleep(Duration::from_millis(5));
    bell.ring();
    let woken = linked.peer.answer().expect("it lives");
    assert_eq!(woken.number("value"), u64::from(seen) + 1);
}

fn bell_is_rung_by_peer(stage: &Stage) {
    let mut linked = Linked::new(stage);
    let page = shared_page(&mut linked);
    let bell = Bell::create(&page, 128).expect("a bell");
    let seen = bell.value();
    linked.peer.say("ring m at=128");
    bell.wait(seen, Some(LONG)).expect("waited");
    linked.peer.answer().expect("it lives");
    assert_eq!(bell.value(), seen + 1);
}

fn any_bell_is_rung(stage: &Stage) {
    let mut linked = Linked::new(stage);
    let page = shared_page(&mut linked);
    let bells: Vec<Bell> = (0..bell::MAX_BELLS)
        .map(|at| Bell::create(&page, at * 4).expect("a bell"))
        .collect();
    let seen: Vec<_> = bells.iter().map(|bell| (bell, bell.value())).collect();
    linked.peer.say(&format!("ring m at={}", 4 * 99));
    while bells[99].value() == seen[99].1 {
        bell::wait_any(&seen, Some(LONG)).expect("waited");
    }
    linked.peer.answer().expect("it lives");
}

fn pollable_is_rung(stage: &Stage) {
    let mut linked = Linked::new(stage);
    let (pollable, handle) = Pollable::pair().expect("a pollable");
    linked.hand_over("ringer", std::os::fd::AsFd::as_fd(&handle));
    assert!(!pollable.wait(Duration::ZERO).expect("waited"));
    linked.peer.must("ring ringer");
    assert!(pollable.wait(LONG).expect("waited"));
    pollable.clear();
    assert!(!pollable.wait(Duration::ZERO).expect("waited"));
}

fn ringer_never_blocks(stage: &Stage) {
    let mut linked = Linked::new(stage);
    let (pollable, handle) = Pollable::pair().expect("a pollable");
    let ringer = Ringer::from_handle(handle).expect("a ringer");
    linked.hand_over("ringer", ringer.handle());
    linked.hand_over("pollable", pollable.handle());
    // The peer makes both ends block, and fills them to the brim.
    assert!(linked.peer.must("fill ringer").number("bytes") > 0);
    linked.peer.must("fill pollable");
    for _ in 0..10_000 {
        ringer.ring();
    }
    assert!(pollable.wait(LONG).expect("waited"));
    pollable.clear();
    assert!(
        !pollable.wait(Duration::ZERO).expect("waited"),
        "clear ends, too"
    );
    ringer.ring();
    assert!(pollable.wait(LONG).expect("waited"));
}
