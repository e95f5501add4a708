//! A painter that paints only what changed, and a viewer that copies only what changed.
//!
//! `cargo run --release -p framebus --example incremental_painter`
//!
//! A slot of a stream holds an older picture. `loan_preserving` brings it up to date, and the
//! damage tells viewers which areas differ from the frame before; `damage_since` adds up what a
//! viewer has skipped.

use framebus::{
    Damage, ErrorKind, Extent, Frame, FrameLayout, FrameMut, PixelFormat, Publisher, Rect,
    Subscriber,
};
use std::time::Duration;

const SIZE: (u32, u32) = (1280, 720);
const FRAMES: u32 = 300;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let layout = FrameLayout::packed(PixelFormat::Gray8, Extent::new(SIZE.0, SIZE.1)?)?;
    let mut publisher = Publisher::unnamed().create()?;
    // Usually in another process; a thread will do to show it.
    let subscriber = Subscriber::import(publisher.export()?).connect()?;
    let viewer = std::thread::spawn(move || watch(subscriber));

    let mut before = box_at(0);
    for number in 0..FRAMES {
        let now = box_at(number);
        let mut frame = publisher.loan_preserving(&layout)?;
        if frame.age() == 0 {
            // There was no picture to start from: everything is painted, once.
            frame.bytes_mut().fill(0);
        } else {
            fill(&mut frame, before, 0);
            frame.set_damage(Damage::from_rects(&[before, now]));
        }
        fill(&mut frame, now, 255);
        frame.publish();
        before = now;
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(publisher);
    let report = viewer.join().map_err(|_| "the viewer panicked")??;
    println!("{report}");
    Ok(())
}

/// The place of a moving box.
fn box_at(number: u32) -> Rect {
    Rect::new(number * 4 % (SIZE.0 - 64), number % (SIZE.1 - 64), 64, 64)
}

fn fill(frame: &mut FrameMut<'_>, area: Rect, value: u8) {
    for y in area.y..area.y + area.height {
        if let Some(row) = frame.row_mut(0, y) {
            row[area.x as usize..(area.x + area.width) as usize].fill(value);
        }
    }
}

/// Keeps a copy of the picture, up to date by what changed alone.
fn watch(mut subscriber: Subscriber) -> framebus::Result<String> {
    let mut copy = vec![0; (SIZE.0 * SIZE.1) as usize];
    let (mut seen, mut copied) = (0, 0);
    loop {
        let frame = match subscriber.recv() {
            Ok(frame) => frame,
            Err(error) if matches!(error.kind(), ErrorKind::PublisherGone { .. }) => break,
            Err(error) => return Err(error),
        };
        copied += match subscriber.damage_since(&frame, seen) {
            Damage::All => frame.copy_to(&mut copy),
            damage => damage
                .rects()
                .iter()
                .map(|area| copy_area(&frame, *area, &mut copy))
                .sum(),
        };
        assert_eq!(copy, frame.to_vec(), "what did not change is still right");
        seen = frame.sequence();
    }
    let stats = subscriber.stats();
    let whole = stats.received as usize * copy.len();
    Ok(format!(
        "{} frames seen, {} skipped; {copied} bytes copied instead of {whole}",
        stats.received, stats.skipped
    ))
}

fn copy_area(frame: &Frame, area: Rect, copy: &mut [u8]) -> usize {
    for y in area.y..area.y + area.height {
        let start = (y * SIZE.0 + area.x) as usize;
        if let Some(row) = frame.row(0, y) {
            row.copy_from(
                area.x as usize,
                &mut copy[start..start + area.width as usize],
            );
        }
    }
    (area.width * area.height) as usize
}
