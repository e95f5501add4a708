//! One loop that waits for frames and for the keyboard: a subscriber is a file descriptor too.
//!
//! `cargo run --release -p framebus --example event_loop`, while `publisher` runs

use framebus::{ErrorKind, Subscriber};
use rustix::event::{PollFd, PollFlags, poll};
use std::io::stdin;
use std::os::fd::AsFd;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut subscriber = Subscriber::connect("cam")?;
    // From here on the publisher rings; before, nobody would make it readable.
    subscriber.pollable()?;
    println!("receiving \"cam\"; Enter ends it");
    loop {
        // Only wait for the descriptor. Its bytes mean nothing, and reading them is not our job.
        let (frames, keyboard) = (subscriber.as_fd(), stdin());
        let mut ready = [
            PollFd::from_borrowed_fd(frames, PollFlags::IN),
            PollFd::new(&keyboard, PollFlags::IN),
        ];
        poll(&mut ready, None)?;
        if !ready[1].revents().is_empty() {
            println!("{:?}", subscriber.stats());
            return Ok(());
        }
        // Until there is nothing left, or the descriptor stays silent.
        loop {
            match subscriber.try_recv() {
                Ok(Some(frame)) => println!("{}: {:?} old", frame.sequence(), frame.latency()),
                Ok(None) => break,
                Err(error) if matches!(error.kind(), ErrorKind::PublisherGone { .. }) => {
                    println!("the publisher has ended: {:?}", subscriber.stats());
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
