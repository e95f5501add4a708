//! Segments of all three kinds in the hands of a peer that wants more than it was given.

use super::{Case, Linked};
use crate::raw::{get, put};
use crate::stage::Stage;
use crate::sys;
use framebus_sys::Error;
use framebus_sys::segment::{Mapping, Segment, SegmentKind};

const SIZE: u64 = 0x20000;

pub(super) const CASES: &[Case] = &[
    ("a_live_segment_yields_to_no_attack", live_is_read_only),
    (
        "a_peer_sees_what_the_owner_of_a_live_segment_writes",
        live_is_shared,
    ),
    (
        "a_shared_segment_is_written_by_both_and_keeps_its_size",
        shared_keeps_its_size,
    ),
    ("a_frozen_segment_changes_no_more", frozen_is_frozen),
    (
        "a_segment_with_a_writer_cannot_be_frozen",
        writer_prevents_freezing,
    ),
    (
        "handles_that_are_no_proper_segment_are_refused",
        impostors_are_refused,
    ),
];

fn create(kind: SegmentKind) -> (Segment, Mapping) {
    Segment::create(kind, SIZE, "framebus-conformance").expect("a segment")
}

/// Which attacks of the peer worked.
fn attack(linked: &mut Linked, segment: &Segment) -> Vec<String> {
    linked.hand_over("victim", segment.handle());
    let tried = linked.peer.must("attack victim");
    let attacks = [
        "map",
        "mprotect",
        "reopen-map",
        "reopen-write",
        "write",
        "punch",
        "shrink",
        "grow",
        "seal",
    ];
    let worked = attacks.into_iter().filter(|name| tried.get(name) == "true");
    worked.map(str::to_owned).collect()
}

fn live_is_read_only(stage: &Stage) {
    let (segment, mapping) = create(SegmentKind::Live);
    put(&mapping, 0, 42);
    let mut linked = Linked::new(stage);
    assert_eq!(attack(&mut linked, &segment), [""; 0]);
    assert_eq!(get(&mapping, 0), 42);
    put(&mapping, 0, 43);
    assert_eq!(get(&mapping, 0), 43, "its owner goes on writing");
}

fn live_is_shared(stage: &Stage) {
    let (segment, mapping) = create(SegmentKind::Live);
    let mut linked = Linked::new(stage);
    linked.hand_over("it", segment.handle());
    linked
        .peer
        .must(&format!("map it kind=live size={SIZE} as=m"));
    for value in [1, 200] {
        put(&mapping, SIZE as usize - 4, value);
        let seen = linked.peer.must(&format!("peek m at={}", SIZE - 4));
        assert_eq!(seen.number("value"), u64::from(value));
    }
    // Memory outlives its maker's handle and mapping.
    drop((segment, mapping));
    let seen = linked.peer.must(&format!("peek m at={}", SIZE - 4));
    assert_eq!(seen.number("value"), 200);
}

fn shared_keeps_its_size(stage: &Stage) {
    let (segment, mapping) = create(SegmentKind::Shared);
    let mut linked = Linked::new(stage);
    linked.hand_over("it", segment.handle());
    linked
        .peer
        .must(&format!("map it kind=shared size={SIZE} as=m write=1"));
    linked.peer.must("poke m at=9 value=77");
    put(&mapping, 16, 5);
    assert_eq!(get(&mapping, 8), 77 << 8);
    assert_eq!(linked.peer.must("peek m at=16").number("value"), 5);
    let worked = attack(&mut linked, &segment);
    let may = [
        "map",
        "mprotect",
        "reopen-map",
        "reopen-write",
        "write",
        "punch",
    ];
    assert_eq!(
        worked, may,
        "the content is everybody's, the size and the seals nobody's"
    );
    // Whatever was done to it, all of it is still there to be read.
    assert_eq!(get(&mapping, SIZE as usize - 4), 0);
}

fn frozen_is_frozen(stage: &Stage) {
    let (segment, mapping) = create(SegmentKind::Frozen);
    put(&mapping, 0, 42);
    drop(mapping);
    segment.freeze().expect("nobody writes");
    let mut linked = Linked::new(stage);
    assert_eq!(attack(&mut linked, &segment), [""; 0]);
    assert_eq!(get(&segment.map_read().expect("mapped"), 0), 42);
    linked
        .peer
        .must(&format!("map victim kind=frozen size={SIZE} as=m"));
    assert_eq!(linked.peer.must("peek m at=0").number("value"), 42);
}

fn writer_prevents_freezing(stage: &Stage) {
    let (segment, mapping) = create(SegmentKind::Frozen);
    drop(mapping);
    let mut linked = Linked::new(stage);
    linked.hand_over("it", segment.handle());
    linked.peer.must("grip it");
    segment.freeze().expect_err("the peer still writes");
    let before = segment.map_read().expect("mapped");
    assert_eq!(get(&before, 0), u32::from(crate::sys::GRIP));
    drop(before);
    linked.peer.kill();
    // Its mapping went with it.
    segment.freeze().expect("the writer is dead");
}

fn impostors_are_refused(_stage: &Stage) {
    let refused = |handle, what: &str| match Segment::from_handle(handle, SegmentKind::Live, SIZE)
        .expect_err(what)
    {
        Error::BadSegment { what, .. } => what,
        Error::System { call, .. } => call,
        other => panic!("{what}: {other}"),
    };
    let nothing = refused(sys::foreign_handle(), "no memory at all");
    assert_eq!(nothing, "F_GET_SEALS");
    assert_eq!(refused(sys::plain_memory(SIZE, false), "no seals"), "seals");
    assert_eq!(refused(sys::plain_memory(SIZE, true), "few seals"), "seals");
    for size in [SIZE - 1, SIZE + 1, 4096] {
        let (segment, _mapping) =
            Segment::create(SegmentKind::Live, size, "framebus-conformance").expect("a segment");
        let copy = segment.handle().try_clone_to_owned().expect("a copy");
        assert_eq!(refused(copy, "another size"), "size", "{size}");
    }
}
