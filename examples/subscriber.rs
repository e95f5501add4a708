//! Receives the newest frames of `cam`, or of the stream named on the command line.
//!
//! `cargo run --release -p framebus --example subscriber`, while `publisher` runs

use framebus::{ErrorKind, Subscriber};

fn main() -> framebus::Result<()> {
    let name = std::env::args().nth(1).unwrap_or("cam".to_owned());
    let mut subscriber = Subscriber::connect(&name)?;
    loop {
        let frame = match subscriber.recv() {
            Err(error) if matches!(error.kind(), ErrorKind::PublisherGone { .. }) => break,
            frame => frame?,
        };
        let (sequence, extent) = (frame.sequence(), frame.layout().extent());
        let middle = frame.row(0, extent.height() / 2).map(|row| row.to_vec());
        let first = middle.unwrap_or_default()[..4.min(frame.pixels().len())].to_vec();
        println!("{sequence}: {extent}, {first:?}, {:?} old", frame.latency());
    } // the frame is dropped here, and its slot may be painted again
    println!("the publisher has ended: {:?}", subscriber.stats());
    Ok(())
}
