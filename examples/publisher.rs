//! Publishes a moving gradient as `cam`, about 60 frames a second, until Ctrl-C.
//!
//! `cargo run --release -p framebus --example publisher`

use framebus::{Extent, FrameLayout, PixelFormat, Publisher};
use std::time::Duration;

fn main() -> framebus::Result<()> {
    let layout = FrameLayout::packed(PixelFormat::Bgra8, Extent::new(640, 480)?)?;
    let mut publisher = Publisher::create("cam")?;
    println!("publishing \"cam\"; Ctrl-C ends it");
    loop {
        let shift = publisher.sequence() as usize;
        let mut frame = publisher.loan(&layout)?;
        for (number, pixel) in frame.bytes_mut().chunks_exact_mut(4).enumerate() {
            let (x, y) = (number % 640 + shift, number / 640);
            pixel.copy_from_slice(&[x as u8, y as u8, (x ^ y) as u8, 255]);
        }
        frame.publish();
        std::thread::sleep(Duration::from_millis(16));
    }
}
