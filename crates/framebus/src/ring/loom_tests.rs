//! Every interleaving of small scenes, by loom.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p framebus --lib --release ring`

use super::page::{ControlWords, StreamWords, WAKE_BELL, owned};
use super::publisher::{PublisherRing, Replied, Terms};
use super::subscriber::{Answer, Leased, SubscriberRing, end_lease};
use crate::sync::Ordering;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use std::ops::Deref;

const TERMS: Terms = Terms {
    quota: 1,
    depth: 1,
    lossless: false,
    sleeps: true,
};

/// A handle on a control page; loom's `Arc` in place of the mapping.
#[derive(Clone)]
struct Control(Arc<ControlWords>);

impl Deref for Control {
    type Target = ControlWords;
    fn deref(&self) -> &ControlWords {
        &self.0
    }
}

/// What both sides share. loom reports a race if a slot is painted while it is read.
struct Scene {
    page: StreamWords,
    pixels: Vec<UnsafeCell<u64>>,
}

// SAFETY: the pixels are what the protocol under test protects; loom checks every access.
unsafe impl Sync for Scene {}
// SAFETY: as above.
unsafe impl Send for Scene {}

fn scene(slots: usize) -> Arc<Scene> {
    Arc::new(Scene {
        page: owned::stream(),
        pixels: (0..slots).map(|_| UnsafeCell::new(0)).collect(),
    })
}

fn publisher(control: &Control, terms: Terms, slots: u32) -> PublisherRing<Control> {
    let mut ring = PublisherRing::new();
    ring.slots.add_segment(1, slots);
    ring.set_members([(1, terms)].into_iter(), |_| control.clone());
    ring
}

/// One loan and what is painted, as `stream` does it; `None` when all slots are held.
fn paint(
    ring: &mut PublisherRing<Control>,
    scene: &Scene,
    value: u64,
) -> Option<super::word::SlotRef> {
    if ring.slots.needs_refill() {
        ring.begin_refill();
        ring.refill();
    }
    let slot = ring.slots.loan_free().or_else(|| ring.slots.loan_fresh())?;
    // SAFETY: the slot is loaned; loom checks that nobody reads it.
    scene.pixels[slot.slot() as usize].with_mut(|pixel| unsafe { *pixel = value });
    Some(slot)
}

fn read(scene: &Scene, leased: Leased) -> u64 {
    // SAFETY: the slot is leased; loom checks that nobody paints it.
    scene.pixels[leased.slot.slot() as usize].with(|pixel| unsafe { *pixel })
}

/// Takes up to two frames of a queue, and checks what it reads.
fn take_two(scene: &Scene, control: &Control, terms: Terms) {
    let mut ring = SubscriberRing::new(&scene.page, control, terms);
    let mut dropped = 0;
    for _ in 0..2 {
        if let Ok(leased) = ring.next(&scene.page, control, &mut dropped) {
            let value = read(scene, leased);
            assert!(
                ring.delivered(value).is_some(),
                "{value} after {}",
                ring.last()
            );
            end_lease(control, leased.entry);
        }
    }
}

#[test]
fn the_latest_frame_is_whole_and_never_goes_back() {
    loom::model(|| {
        let (scene, control) = (scene(3), Control(Arc::new(owned::control())));
        let mut ring = publisher(&control, TERMS, 3);
        let subscriber = loom::thread::spawn({
            let (scene, control) = (scene.clone(), control.clone());
            move || {
                let mut ring = SubscriberRing::new(&scene.page, &control, TERMS);
                for _ in 0..2 {
                    if let Ok(leased) = ring.latest(&scene.page, &control, false) {
                        let value = read(&scene, leased);
                        assert!(
                            ring.delivered(value).is_some(),
                            "{value} after {}",
                            ring.last()
                        );
                        end_lease(&control, leased.entry);
                    }
                }
            }
        });
        for value in 1..=4 {
            let slot = paint(&mut ring, &scene, value).expect("a loan always finds a slot");
            assert_eq!(ring.publish(&scene.page, slot), value);
        }
        subscriber.join().unwrap();
    });
}

#[test]
fn a_queue_is_in_order_and_its_window_is_kept() {
    loom::model(|| {
        let terms = Terms { depth: 2, ..TERMS };
        let (scene, control) = (scene(4), Control(Arc::new(owned::control())));
        let mut ring = publisher(&control, terms, 4);
        let subscriber = loom::thread::spawn({
            let (scene, control) = (scene.clone(), control.clone());
            move || take_two(&scene, &control, terms)
        });
        for value in 1..=4 {
            let slot = paint(&mut ring, &scene, value).expect("a loan always finds a slot");
            ring.publish(&scene.page, slot);
        }
        subscriber.join().unwrap();
    });
}

#[test]
fn a_lossless_subscriber_misses_nothing() {
    loom::model(|| {
        let terms = Terms {
            depth: 1,
            lossless: true,
            ..TERMS
        };
        let (scene, control) = (scene(4), Control(Arc::new(owned::control())));
        let mut ring = publisher(&control, terms, 4);
        let publisher = loom::thread::spawn({
            let scene = scene.clone();
            move || {
                for value in 1..=2 {
                    while ring.held_back_by().is_some() {
                        loom::thread::yield_now();
                    }
                    let slot = paint(&mut ring, &scene, value).expect("a loan always finds a slot");
                    ring.publish(&scene.page, slot);
                }
            }
        });
        let mut ring = SubscriberRing::new(&scene.page, &control, terms);
        let mut dropped = 0;
        for value in 1..=2 {
            let leased = loop {
                match ring.next(&scene.page, &control, &mut dropped) {
                    Ok(leased) => break leased,
                    Err(_) => loom::thread::yield_now(),
                }
            };
            assert_eq!(
                (read(&scene, leased), ring.delivered(value)),
                (value, Some(0))
            );
            end_lease(&control, leased.entry);
        }
        assert_eq!(dropped, 0);
        publisher.join().unwrap();
    });
}

#[test]
fn a_demoted_subscriber_never_reads_what_is_painted() {
    loom::model(|| {
        let terms = Terms {
            lossless: true,
            ..TERMS
        };
        let (scene, control) = (scene(4), Control(Arc::new(owned::control())));
        let mut ring = publisher(&control, terms, 4);
        let subscriber = loom::thread::spawn({
            let (scene, control) = (scene.clone(), control.clone());
            move || take_two(&scene, &control, terms)
        });
        for value in 1..=3 {
            // It never waits: whoever would hold it back is demoted at once.
            if let Some(at) = ring.held_back_by() {
                ring.demote(at);
            }
            let Some(slot) = paint(&mut ring, &scene, value) else {
                break;
            };
            ring.publish(&scene.page, slot);
        }
        subscriber.join().unwrap();
    });
}

#[test]
fn no_wake_is_lost() {
    loom::model(|| {
        let (scene, control) = (scene(3), Control(Arc::new(owned::control())));
        let mut ring = publisher(&control, TERMS, 3);
        let subscriber = loom::thread::spawn({
            let (scene, control) = (scene.clone(), control.clone());
            move || {
                let ring = SubscriberRing::new(&scene.page, &control, TERMS);
                let seen = control.bell.load(Ordering::Acquire);
                ring.announce(&control, WAKE_BELL);
                // It would sleep on the value it has seen.
                if ring.has_news(&scene.page) {
                    None
                } else {
                    Some(seen)
                }
            }
        });
        let slot = paint(&mut ring, &scene, 1).unwrap();
        ring.publish(&scene.page, slot);
        ring.take_sleepers(|member, bits| {
            assert_eq!(bits, WAKE_BELL);
            member.words.bell.fetch_add(1, Ordering::Release);
        });
        if let Some(seen) = subscriber.join().unwrap() {
            assert_ne!(
                control.bell.load(Ordering::Acquire),
                seen,
                "it sleeps, and nobody rang"
            );
        }
    });
}

#[test]
fn no_request_is_slept_through() {
    loom::model(|| {
        let (scene, control) = (scene(3), Control(Arc::new(owned::control())));
        let mut ring = publisher(&control, TERMS, 3);
        let subscriber = loom::thread::spawn({
            let (scene, control) = (scene.clone(), control.clone());
            move || {
                let mut ring = SubscriberRing::new(&scene.page, &control, TERMS);
                ring.begin_request(&control);
                ring.send_request(&scene.page, &control, 0)
            }
        });
        ring.announce(&scene.page);
        let sleeps = ring.poll_request().is_none();
        let rung = subscriber.join().unwrap();
        assert!(!sleeps || rung, "the publisher sleeps, and nobody rang");
    });
}

#[test]
fn a_reply_is_read_before_its_slot_is_painted_again() {
    loom::model(|| {
        let (scene, control) = (scene(2), Control(Arc::new(owned::control())));
        let mut ring = publisher(&control, TERMS, 2);
        let subscriber = loom::thread::spawn({
            let (scene, control) = (scene.clone(), control.clone());
            move || {
                let mut ring = SubscriberRing::new(&scene.page, &control, TERMS);
                let id = ring.begin_request(&control);
                ring.send_request(&scene.page, &control, 0);
                for _ in 0..2 {
                    if let Ok(Answer::Frame(leased)) = ring.take_answer(&control, id) {
                        assert_eq!(read(&scene, leased), 77);
                        end_lease(&control, leased.entry);
                        return;
                    }
                    loom::thread::yield_now();
                }
                ring.cancel_request(&control);
            }
        });
        if let Some((_, id)) = ring.poll_request() {
            let slot = paint(&mut ring, &scene, 77).unwrap();
            let replied = ring.reply(1, id, slot, |_, _| {});
            assert!(matches!(replied, Replied::Delivered | Replied::Abandoned));
        }
        // Paints everything it may, twice: never the reply while it is held or read.
        for value in 1..=3 {
            if let Some(slot) = paint(&mut ring, &scene, value) {
                ring.publish(&scene.page, slot);
            }
        }
        subscriber.join().unwrap();
    });
}
