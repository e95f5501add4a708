//! Those who die: what they do until then.

use super::deaths::WRONG;
use super::subscribers::{answer, publish_one};
use crate::{pattern, sys};
use framebus::{Error, ErrorKind, Frame, Publisher, Subscriber};
use std::process::ExitCode;
use std::time::Duration;

/// Works until it is killed; ends by itself only when it sees what must not be.
pub(super) fn run(arguments: &[String]) -> ExitCode {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        ["publish", name, kind] => publish(name, kind),
        ["subscribe", name, "request"] => request(name),
        ["subscribe", name, kind] => subscribe(name, kind),
        _ => return ExitCode::from(2),
    };
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    eprintln!("victim {words:?}: {error}");
    ExitCode::from(WRONG)
}

fn publish(name: &str, kind: &str) -> Result<(), Error> {
    let mut publisher = Publisher::create(name)?;
    let mut edge = 40;
    loop {
        publish_one(&mut publisher, edge, 60)?;
        let within = match kind {
            // Each segment lasts for a few frames.
            "growing" => {
                edge = if edge < 6000 { edge * 2 } else { 40 };
                Duration::ZERO
            }
            "serving" => Duration::from_millis(1),
            _ => Duration::from_micros(200),
        };
        answer(&mut publisher, within)?;
    }
}

/// What has to hold for a frame that a victim gets; it has no other way to complain than this.
fn check(frame: &Frame, seed: u64) {
    let wrong = pattern::frame_first_wrong(frame, seed, &mut Vec::new());
    assert_eq!(wrong, None, "torn: {frame:?}");
}

fn check_in_stream(frame: &Frame) {
    check(frame, pattern::frame_seed(frame.epoch(), frame.sequence()));
}

fn subscribe(name: &str, kind: &str) -> Result<(), Error> {
    let builder = Subscriber::builder(name)?.quota(2);
    let builder = match kind {
        "queue" => builder.queue(4),
        "lossless" => builder.queue(4).lossless(),
        _ => builder,
    };
    let mut subscriber = builder.connect()?;
    let mut held = None;
    loop {
        let next = if kind == "event-loop" {
            subscriber.pollable()?;
            sys::poll_readable(&subscriber, Duration::from_secs(10));
            subscriber.try_recv()
        } else {
            subscriber.recv().map(Some)
        };
        match next {
            Ok(Some(frame)) => {
                check_in_stream(&frame);
                // Always one in hand, so that every one dies with a lease.
                held = Some(frame);
            }
            Ok(None) => {}
            Err(error) if matches!(error.kind(), ErrorKind::Demoted) => {}
            // The harness has ended.
            Err(error) if matches!(error.kind(), ErrorKind::PublisherGone { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    drop(held);
    park()
}

fn request(name: &str) -> Result<(), Error> {
    let mut subscriber = Subscriber::builder(name)?.quota(2).connect()?;
    for number in 0_u64.. {
        let mut bytes = vec![9; if number % 3 == 0 { 300 } else { 10 }];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        match subscriber.request(&bytes, Some(Duration::from_millis(20))) {
            Ok(frame) => check(&frame, pattern::reply_seed(&bytes)),
            Err(error) => match error.kind() {
                ErrorKind::TimedOut { .. } => {}
                ErrorKind::PublisherGone { .. } => break,
                _ => return Err(error),
            },
        }
    }
    park()
}

/// Waits to be killed: a victim that ends by itself is a failure.
fn park() -> ! {
    loop {
        std::thread::park();
    }
}
