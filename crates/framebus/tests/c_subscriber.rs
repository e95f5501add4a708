//! A subscriber in C, written by docs/memory-layout.md alone, joins a stream of this library.

use framebus::{Answered, Extent, FrameLayout, PixelFormat, Publisher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const PATIENCE: Option<Duration> = Some(Duration::from_secs(10));

/// A folder of this test alone, removed at its end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Compiles the subscriber into the folder.
fn compile(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/subscriber.c");
    let program = folder.join("subscriber");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let output = Command::new(&compiler)
        .args(["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
        .args([&program, &source])
        .output()
        .unwrap_or_else(|error| panic!("{compiler}, which links Rust programs too: {error}"));
    assert!(output.status.success(), "{}", text(&output.stderr));
    program
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_subscriber_in_c_gets_the_newest_frame_and_a_reply_and_is_told_the_end() {
    let folder = Folder(std::env::temp_dir().join(format!("framebus-c-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0).expect("a folder");
    let program = compile(&folder.0);
    let mut publisher = Publisher::unnamed().create().expect("a publisher");
    let ticket = publisher.ticket().expect("a ticket");
    let directory = framebus_sys::runtime_dir::open().expect("a runtime directory");
    // From inside the folder: a socket address has no room for a long path.
    let mut child = Command::new(program)
        .current_dir(directory)
        .arg(format!("{ticket}.sock"))
        .arg("page 7")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the subscriber starts");

    let there = publisher.wait_subscribers(1, PATIENCE).expect("waits");
    assert!(there, "it did not connect");
    let layout = |format, width, height| {
        FrameLayout::packed(format, Extent::new(width, height).expect("a size")).expect("fits")
    };
    let mut frame = publisher
        .loan(&layout(PixelFormat::Bgra8, 500, 300))
        .expect("a slot");
    frame.bytes_mut().fill(2);
    frame.set_metadata(b"hello").expect("short");
    frame.publish();
    let request = publisher.wait_request(PATIENCE).expect("waits");
    let request = request.expect("a request within ten seconds");
    assert_eq!(request.bytes(), b"page 7");
    let mut frame = publisher
        .loan(&layout(PixelFormat::I420, 65, 33))
        .expect("a slot");
    frame.bytes_mut().fill(3);
    frame.set_metadata(request.bytes()).expect("short");
    assert_eq!(frame.reply(request), Answered::Delivered);

    // It asks for segments as it prints; only then may the publisher go.
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut line = || lines.next().map(|line| line.expect("text"));
    let sums = (500 * 300 * 4 * 2, (65 * 33 + 2 * 33 * 17) * 3);
    assert_eq!(line(), Some(format!("1 500x300 6 hello {}", sums.0)));
    assert_eq!(line(), Some(format!("1 65x33 17 page 7 {}", sums.1)));
    drop(publisher);
    assert_eq!(line(), Some("end".to_owned()));
    assert!(child.wait().expect("ends").success());
}
