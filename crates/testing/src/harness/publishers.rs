//! The lane in which publishers die and their subscribers live on.

use super::PUBLISHER_POINTS;
use super::deaths::Deaths;
use super::survivors;
use framebus::{ErrorKind, Subscriber, SubscriberBuilder};
use std::time::{Duration, Instant};

/// Runs the lane until enough have been killed.
pub(super) fn run(name: &str, mut deaths: Deaths<'_>) {
    let record = deaths.record;
    std::thread::scope(|scope| {
        let subscribe = || -> SubscriberBuilder {
            let builder = Subscriber::builder(name).expect("a name");
            builder
                .reconnect(true)
                .wait_for_publisher(Duration::from_secs(10))
        };
        let who = |number: u32| format!("survivor {number} of {name}");
        scope.spawn(move || survivors::receive(&who(0), record, subscribe(), 1));
        scope.spawn(move || {
            survivors::receive(&who(1), record, subscribe().queue(8).quota(3), 2);
        });
        scope.spawn(move || survivors::request(&who(2), record, subscribe()));
        let director = format!("death of {name}");
        while !record.is_over() {
            record.beat(&director);
            kill_one(name, &mut deaths);
        }
        record.rest(&director);
    });
}

/// Starts a publisher, kills it, and sees when a subscriber of its knows.
fn kill_one(name: &str, deaths: &mut Deaths<'_>) {
    let kind = deaths.numbers.choose(&["steady", "growing", "serving"]);
    let victim = deaths.start(&["publish", name, kind], PUBLISHER_POINTS);
    // Half of them are looked at from here; the other half are left to die in peace.
    let witness = if deaths.numbers.below(2) == 0 && !victim.may_stop() {
        let builder = Subscriber::builder(name).expect("a name");
        let patience = Duration::from_millis(20);
        // It may be dead before it opens.
        builder.wait_for_publisher(patience).connect().ok()
    } else {
        None
    };
    let dead = deaths.finish(victim);
    let Some(mut witness) = witness else {
        return;
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        match witness.recv_timeout(Duration::from_secs(1)) {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::PublisherGone { .. }) => {
                if let Some(at) = dead.at {
                    deaths.record.told(at.elapsed());
                }
                return;
            }
            Err(error) => {
                return deaths
                    .record
                    .fail(format!("the witness of {name}: {error}"));
            }
        }
    }
    let failure = format!("{name}: nobody said that the publisher was dead");
    deaths.record.fail(failure);
}
