//! Asks a painter for pictures, and looks at every pixel of them.
//!
//! `cargo run --release -p framebus --example viewer`, while `painter` runs

use framebus::Subscriber;
use std::time::{Duration, Instant};

const PICTURES: u32 = 1000;
const PATIENCE: Option<Duration> = Some(Duration::from_secs(5));

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut subscriber = Subscriber::connect("on-demand")?;
    let mut pixels = Vec::new();
    let start = Instant::now();
    for number in 0..PICTURES {
        let colour = number.to_le_bytes();
        let frame = subscriber.request(&colour, PATIENCE)?;
        pixels.resize(frame.layout().byte_len() as usize, 0);
        frame.copy_to(&mut pixels);
        if !pixels.chunks_exact(4).all(|pixel| pixel == colour) {
            return Err(format!("picture {number} has a pixel of another colour").into());
        }
    }
    let each = start.elapsed() / PICTURES;
    println!("{PICTURES} pictures, all of them right, {each:?} each");
    if let Err(error) = subscriber.request(b"no colour", PATIENCE) {
        println!("and one that makes no sense: {error}");
    }
    Ok(())
}
