//! Hands a stream without a name to two children: one inherits it, one gets a ticket over a pipe.
//!
//! `cargo run --release -p framebus --example handover`

use framebus::{Extent, FrameLayout, PixelFormat, Publisher, Subscriber, Ticket};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    match std::env::args().nth(1).as_deref() {
        Some("heir") => receive("the heir", Subscriber::inherited()?.connect()?),
        Some("guest") => {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            let ticket: Ticket = line.parse()?;
            receive("the guest", Subscriber::import_ticket(&ticket).connect()?)
        }
        _ => hand_over(),
    }
}

fn hand_over() -> Outcome {
    let mut publisher = Publisher::unnamed().create()?;
    let program = std::env::current_exe()?;

    // A connected end goes along when the child is started. Nobody else can get hold of it.
    let mut command = Command::new(&program);
    publisher.export()?.inherit(command.arg("heir"));
    let mut heir = command.spawn()?;

    // A ticket is text: it goes over whatever connects the two already, and works once.
    let mut guest = Command::new(&program)
        .arg("guest")
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(pipe) = &mut guest.stdin {
        writeln!(pipe, "{}", publisher.ticket()?)?;
    }

    if !publisher.wait_subscribers(2, Some(Duration::from_secs(10)))? {
        return Err("a child did not come".into());
    }
    let layout = FrameLayout::packed(PixelFormat::Gray8, Extent::new(256, 256)?)?;
    let mut frame = publisher.loan(&layout)?;
    frame.bytes_mut().fill(42);
    frame.set_metadata(b"from your parent")?;
    frame.publish();
    if heir.wait()?.success() && guest.wait()?.success() {
        Ok(())
    } else {
        Err("a child has failed".into())
    }
}

fn receive(who: &str, mut subscriber: Subscriber) -> Outcome {
    let frame = subscriber.recv()?;
    let note = String::from_utf8_lossy(frame.metadata());
    if frame.to_vec().iter().any(|&byte| byte != 42) {
        return Err("a pixel is wrong".into());
    }
    println!(
        "{who} has {}, every pixel right, and the note {note:?}",
        frame.layout().extent()
    );
    Ok(())
}
