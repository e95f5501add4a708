//! `demo`, `bench` and `generate` do what they promise.

mod common;

use common::Bus;

#[test]
fn the_demo_checks_every_frame() {
    let bus = Bus::new();
    let ended = bus.run(&["demo", "--png", "seen.png"]).ok();
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    for part in [
        "request/reply, 500 a second",
        "request/reply, back to back",
        "stream, 500 a second",
        "stream, as fast as it goes",
        "pipe request/reply, 500 a second",
        "pipe request/reply, back to back",
        "pipe stream, 500 a second",
        "pipe stream, as fast as it goes",
        "CPU/10,000",
        "bytes copied/frame",
        "1,200,000",
        "all were right",
        "seen.png",
    ] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    assert_eq!(
        common::read_png(&bus.path("seen.png")).dimensions(),
        (500, 300)
    );
}

#[test]
fn the_benchmark_runs_once() {
    let bus = Bus::new();
    let ended = bus.run(&["bench", "--once"]).ok();
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    for part in [
        "64 bytes, spin",
        "every byte, block",
        "3840x2160 adaptive",
        "\n64  ",
    ] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

#[test]
fn man_pages_and_completions_are_generated() {
    let bus = Bus::new();
    bus.run(&["generate", "man", "deep/man"]).ok();
    bus.run(&["generate", "completions", "completions"]).ok();
    let page = std::fs::read_to_string(bus.path("deep/man/framebus-pub.1")).expect("a page");
    assert!(page.contains("on\\-demand"), "{page}");
    assert!(!bus.path("deep/man/framebus-painter.1").exists());
    let bash = std::fs::read_to_string(bus.path("completions/framebus.bash")).expect("a script");
    assert!(bash.contains("--print-ffmpeg-args"));
    bus.write("file", b"");
    bus.run(&["generate", "man", "file"]).failed(&["file"]);
}

#[test]
fn usage_is_told() {
    let bus = Bus::new();
    bus.run(&[]).refused(&["Usage: framebus"]);
    bus.run(&["dance"]).refused(&["dance"]);
    bus.run(&["pub"]).refused(&["<NAME>"]);
    bus.run(&["pub", "x", "--pattern", "--image", "y"])
        .refused(&["--image"]);
    bus.run(&["sub", "x", "--queue", "65"]).refused(&["65"]);
    bus.run(&["sub", "x", "--count", "0"]).refused(&["0"]);
    bus.run(&["pub", "x", "--fps", "fast"]).refused(&["fast"]);
    bus.run(&["pub", "x", "--format", "nv99"])
        .refused(&["nv99", "bgra8"]);
}
