//! Whatever is wrong is told in one line that names it, and nothing hangs or panics.

mod common;

use common::{Bus, Running, gray_y4m};
use std::process::Stdio;

#[test]
fn a_name_in_use_names_who_uses_it() {
    let bus = Bus::new();
    let mut first = bus.start(&["pub", "cam", "--size", "32x32"]);
    bus.wait_for_stream("cam");
    let pid = first.child().id().to_string();
    bus.run(&["pub", "cam", "--size", "32x32"])
        .failed(&["cam", &pid]);
    // The first one goes on.
    bus.run(&["sub", "cam", "--count", "2"]).ok();
    first.interrupt();
    first.end().ok();
}

#[test]
fn a_name_can_be_used_again_after_a_kill() {
    let bus = Bus::new();
    let mut first = bus.start(&["pub", "cam", "--size", "32x32"]);
    bus.wait_for_stream("cam");
    first.child().kill().expect("killed");
    drop(first);
    let mut second = bus.start(&["pub", "cam", "--size", "48x32"]);
    bus.run(&["sub", "cam", "--wait", "10", "--png", "a.png"])
        .ok();
    assert_eq!(common::read_png(&bus.path("a.png")).width(), 48);
    second.interrupt();
    second.end().ok();
}

#[test]
fn unknown_and_impossible_names_are_told() {
    let bus = Bus::new();
    bus.run(&["sub", "nobody"])
        .failed(&["nobody", "framebus ls"]);
    bus.run(&["sub", "nobody", "--wait", "0.2"])
        .failed(&["nobody"]);
    bus.run(&["pub", "../escape"]).failed(&["../escape"]);
    bus.run(&["sub", "a b"]).failed(&["a b"]);
    let long = "x".repeat(129);
    bus.run(&["pub", &long]).failed(&[]);
}

#[test]
fn impossible_sizes_are_refused() {
    let bus = Bus::new();
    for size in ["0x0", "70000x70000", "1280", "-1x-1"] {
        bus.run(&["pub", "cam", &format!("--size={size}")])
            .refused(&[size]);
    }
    // Every side is allowed, but not so many bytes.
    bus.run(&["pub", "cam", "--size", "65535x65535"])
        .failed(&["65535x65535"]);
}

#[test]
fn wrong_images_are_told() {
    let bus = Bus::new();
    bus.write("text.png", b"this is no picture");
    bus.write("cut.png", &PNG[..40]);
    std::fs::create_dir(bus.path("empty")).expect("a folder");
    std::fs::create_dir(bus.path("broken")).expect("a folder");
    bus.write("broken/a.png", b"no");
    for (path, part) in [
        ("text.png", "no picture"),
        ("cut.png", "cut.png"),
        ("absent.png", "absent.png"),
        ("empty", "no pictures"),
        ("broken", "no pictures"),
    ] {
        bus.run(&["pub", "logo", "--image", path])
            .failed(&[path, part]);
    }
}

/// The start of a PNG of 1x1 pixels.
const PNG: [u8; 45] = *b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\x0dIDAT\x78\x9c\x63\0";

#[test]
fn wrong_y4m_is_told() {
    let bus = Bus::new();
    let whole = gray_y4m(8, 4, 3);
    let cut = bus.write("cut.y4m", &whole[..whole.len() - 5]);
    let ended = bus.run(&["pub", "film", "--y4m", &cut]);
    ended.failed(&["cut.y4m", "frame 2 has 27 of 32 bytes"]);
    // The whole frames were published.
    assert!(ended.stderr.contains("2 frames published"), "{ended:?}");

    for (name, text, part) in [
        ("chroma.y4m", "YUV4MPEG2 W8 H4 C420p10\n", "420p10"),
        ("size.y4m", "YUV4MPEG2 W0 H4\n", "0x4"),
        ("large.y4m", "YUV4MPEG2 W70000 H70000\n", "70000x70000"),
        ("riff.y4m", "RIFF....AVI LIST", "RIFF"),
        ("empty.y4m", "", "empty"),
    ] {
        let path = bus.write(name, text.as_bytes());
        bus.run(&["pub", "film", "--y4m", &path])
            .failed(&[name, part]);
        let ended = bus.start_with(&["pub", "film", "--y4m", "-"], text.as_bytes());
        ended.end().failed(&["-: ", part]);
    }
}

#[test]
fn raw_video_that_does_not_fit_is_told() {
    let bus = Bus::new();
    let args = [
        "pub", "raw", "--raw", "-", "--size", "4x4", "--format", "gray8",
    ];
    let ended = bus.start_with(&args, &[0; 40]).end();
    ended.failed(&["frame 2 has 8 of 16 bytes", "--size"]);
    bus.run(&["pub", "raw", "--raw", "-"]).refused(&["--size"]);
    bus.run(&["pub", "raw", "--y4m", "-", "--loop"])
        .failed_usage(&["--loop"]);
}

impl common::Ended {
    /// Arguments that do not go together, found after they were read.
    fn failed_usage(&self, parts: &[&str]) {
        self.refused(&["framebus: error: "]);
        self.refused(parts);
    }
}

#[test]
fn a_format_that_changes_cannot_stay_in_one_file() {
    let bus = Bus::new();
    std::fs::create_dir(bus.path("slides")).expect("a folder");
    for (name, size) in [("a.png", 10), ("b.png", 20)] {
        image::RgbImage::new(size, 5)
            .save(bus.path("slides").join(name))
            .expect("saved");
    }
    let publisher = bus.start(&[
        "pub",
        "slides",
        "--image",
        "slides",
        "--fps",
        "20",
        "--loop",
        "--subscribers",
        "1",
    ]);
    bus.run(&["sub", "slides", "--wait", "10", "--raw", "out.raw"])
        .failed(&["out.raw", "10x5", "20x5"]);
    drop(publisher);
}

#[test]
fn files_that_cannot_be_written_are_told() {
    let bus = Bus::new();
    let mut publisher = bus.start(&["pub", "cam", "--size", "32x32"]);
    bus.wait_for_stream("cam");
    for option in ["--png", "--y4m", "--raw"] {
        bus.run(&["sub", "cam", option, "absent/out"])
            .failed(&["absent/out"]);
    }
    bus.run(&["sub", "cam", "--png", "%d-%d.png"])
        .refused(&["%d-%d.png"]);
    publisher.interrupt();
    publisher.end().ok();
}

#[test]
fn a_closed_pipe_ends_a_recorder_well() {
    let bus = Bus::new();
    let mut publisher = bus.start(&["pub", "cam", "--size", "320x180", "--format", "i420"]);
    bus.wait_for_stream("cam");
    for args in [
        &["sub", "cam", "--y4m", "-"][..],
        &["sub", "cam", "--raw", "-"][..],
    ] {
        let ended = closed(&bus, args).end().ok();
        assert!(ended.stderr.contains("received in"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("error"), "{}", ended.stderr);
    }
    publisher.interrupt();
    publisher.end().ok();
}

#[test]
fn a_closed_pipe_ends_lists_well() {
    let bus = Bus::new();
    let mut publisher = bus.start(&["pub", "cam", "--size", "32x32"]);
    bus.wait_for_stream("cam");
    for args in [&["ls"][..], &["ls", "--json"], &["top", "--json"], &["top"]] {
        closed(&bus, args).end().ok();
    }
    publisher.interrupt();
    publisher.end().ok();
}

#[test]
fn a_reader_that_sleeps_does_not_hold_ctrl_c() {
    let bus = Bus::new();
    let mut publisher = bus.start(&["pub", "cam", "--size", "320x180"]);
    bus.wait_for_stream("cam");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = bus.command(&["sub", "cam", "--raw", "-"]);
    command.stdin(Stdio::null()).stdout(writer);
    let mut subscriber = Running::start_as_is(&mut command);
    drop(command);
    // Linux gives a pipe 64 KiB; a frame is larger.
    common::wait_until("the pipe is full", || {
        rustix::io::ioctl_fionread(&reader).expect("a pipe") >= 65_536
    });
    subscriber.interrupt();
    let ended = subscriber.end();
    assert_eq!(ended.code(), 130);
    assert!(ended.stderr.contains("nobody reads"), "{}", ended.stderr);
    drop(reader);
    publisher.interrupt();
    publisher.end().ok();
}

#[test]
fn a_stream_that_ends_without_a_frame_gives_no_picture() {
    let bus = Bus::new();
    let publisher = bus.start(&["pub", "cam", "--count", "0", "--subscribers", "1"]);
    bus.run(&["sub", "cam", "--wait", "10", "--png", "a.png"])
        .failed(&["cam", "without a frame"]);
    assert!(!bus.path("a.png").exists());
    publisher.end().ok();
}

/// Starts the command with a standard output that nobody reads.
fn closed(bus: &Bus, args: &[&str]) -> Running {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = bus.command(args);
    command.stdin(Stdio::null()).stdout(writer);
    Running::start_as_is(&mut command)
}
