//! Paints a picture whenever somebody asks for one; the request says in which colour.
//!
//! `cargo run --release -p framebus --example painter`, then `viewer` in another terminal

use framebus::{Extent, FrameLayout, PixelFormat, Publisher};

fn main() -> framebus::Result<()> {
    let layout = FrameLayout::packed(PixelFormat::Bgra8, Extent::new(500, 300)?)?;
    let mut publisher = Publisher::create("on-demand")?;
    println!("waiting for requests at \"on-demand\"; Ctrl-C ends it");
    loop {
        let Some(request) = publisher.wait_request(None)? else {
            continue;
        };
        // What a peer sends is checked like any input; a request that makes no sense is declined.
        let Ok(colour) = <[u8; 4]>::try_from(request.bytes()) else {
            let reason = format!("{} bytes are no colour", request.bytes().len());
            // Somebody who no longer waits needs no reason.
            let _ = publisher.decline(request, &reason)?;
            continue;
        };
        let mut frame = publisher.loan(&layout)?;
        for pixel in frame.bytes_mut().chunks_exact_mut(4) {
            pixel.copy_from_slice(&colour);
        }
        frame.set_metadata(&colour)?;
        // Goes to the one who asked, and to nobody else; dropped if that one has given up.
        let _ = frame.reply(request);
    }
}
