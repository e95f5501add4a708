//! Receives a hundred frames of `cam` in an async task, on any executor.
//!
//! `cargo run --release -p framebus --features async --example async_stream`, while `publisher`
//! runs

use framebus::Subscriber;
use futures_lite::{StreamExt, future};

fn main() -> framebus::Result<()> {
    future::block_on(receive())
}

async fn receive() -> framebus::Result<()> {
    let mut frames = Subscriber::connect("cam")?.into_stream()?;
    let mut left = 100;
    // Ends by itself after the error which says that the publisher is gone.
    while let Some(frame) = frames.next().await {
        let frame = frame?;
        println!("{}: {:?} old", frame.sequence(), frame.latency());
        left -= 1;
        if left == 0 {
            break;
        }
    }
    println!("{:?}", frames.subscriber().stats());
    Ok(())
}
