//! `ls` and `top` see what lives, and Ctrl-C ends everything with a summary.

mod common;

use common::Bus;
use serde_json::Value;

#[test]
fn ls_shows_what_lives() {
    let bus = Bus::new();
    let empty = bus.run(&["ls", "--json"]).ok();
    assert_eq!(empty.stdout, b"[]\n");
    let mut first = bus.start(&["pub", "a/cam", "--size", "64x48", "--format", "nv12"]);
    let mut second = bus.start(&["pub", "b", "--size", "32x32"]);
    bus.wait_for_stream("a/cam");
    bus.wait_for_stream("b");
    bus.run(&["sub", "a/cam", "--count", "1"]).ok();

    let list = bus.run(&["ls", "--json"]).ok();
    let list: Value = serde_json::from_slice(&list.stdout).expect("JSON");
    let streams = list.as_array().expect("an array");
    assert_eq!(streams.len(), 2);
    let cam = streams
        .iter()
        .find(|stream| stream["name"] == "a/cam")
        .expect("listed");
    assert_eq!(cam["pid"], first.child().id());
    assert_eq!((&cam["width"], &cam["height"]), (&64.into(), &48.into()));
    assert_eq!(cam["format"], "nv12");
    assert!(cam["published"].as_u64() > Some(0));

    let text = bus.run(&["ls"]).ok();
    let text = String::from_utf8(text.stdout).expect("UTF-8");
    assert!(text.starts_with("NAME"), "{text}");
    assert!(text.contains("64x48") && text.contains("nv12"), "{text}");

    first.interrupt();
    first.end().ok();
    let list = bus.run(&["ls"]).ok();
    let text = String::from_utf8(list.stdout).expect("UTF-8");
    assert!(!text.contains("a/cam"), "{text}");
    second.interrupt();
    second.end().ok();
}

#[test]
fn top_measures_what_flows() {
    let bus = Bus::new();
    let mut publisher = bus.start(&["pub", "cam", "--size", "100x50", "--fps", "50"]);
    bus.wait_for_stream("cam");
    let ended = bus.run(&["top", "--json", "--count", "3"]).ok();
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 3, "{text}");
    for line in &lines {
        assert_eq!(line["name"], "cam");
        for number in ["skipped", "waited", "subscribers", "pid"] {
            assert!(line[number].is_u64(), "{number}: {line}");
        }
    }
    // A loaded machine is slow, but something arrived.
    let last = &lines[2];
    assert!(last["fps"].as_f64() > Some(0.0), "{last}");
    let pixels = last["mpixel_per_s"].as_f64().expect("a number");
    let expected = last["fps"].as_f64().expect("a number") * 5000.0 / 1e6;
    assert!((pixels - expected).abs() < 0.02, "{last}");
    let latency = |name: &str| last[name].as_f64().expect("a number");
    assert!(latency("latency_p50_us") <= latency("latency_p99_us"));
    assert!(last["subscribers"].as_u64() >= Some(1));

    let ended = bus.run(&["top", "--count", "1", "other"]).ok();
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    assert!(
        text.starts_with("STREAM") && !text.contains("cam"),
        "{text}"
    );
    publisher.interrupt();
    publisher.end().ok();
}

#[test]
fn ctrl_c_ends_every_endless_verb_with_its_summary() {
    let bus = Bus::new();
    let mut publisher = bus.start(&["pub", "cam", "--size", "32x32", "--fps", "100"]);
    bus.wait_for_stream("cam");
    let mut subscriber = bus.start(&["sub", "cam", "--raw", "out.raw"]);
    let mut top = bus.start(&["top", "--json"]);
    let file = bus.path("out.raw");
    common::wait_until("frames are written", || {
        std::fs::metadata(&file).is_ok_and(|file| file.len() > 0)
    });

    subscriber.interrupt();
    let ended = subscriber.end().ok();
    assert!(ended.stderr.contains("cam: "), "{}", ended.stderr);
    assert!(ended.stderr.contains(" received in "), "{}", ended.stderr);
    let written = std::fs::metadata(&file).expect("written").len();
    assert_eq!(written % (32 * 32 * 4), 0, "half a frame");

    top.interrupt();
    top.end().ok();
    publisher.interrupt();
    let ended = publisher.end().ok();
    assert!(ended.stderr.contains(" published in "), "{}", ended.stderr);
}

#[test]
fn ctrl_c_ends_waits_for_things_that_do_not_come() {
    let bus = Bus::new();
    // Each sits in another wait: for input, for a subscriber, for a request, for a stream.
    for args in [
        &["pub", "a", "--y4m", "-"][..],
        &["pub", "b", "--size", "8x8", "--subscribers", "1"],
        &["pub", "c", "--size", "8x8", "--on-demand"],
        &["sub", "d", "--wait", "1000"],
    ] {
        let mut command = bus.command(args);
        command.stdin(std::process::Stdio::piped());
        let mut running = common::Running::start(&mut command);
        let stdin = running.child().stdin.take();
        common::wait_until("Ctrl-C is watched for", || catches_interrupt(&mut running));
        running.interrupt();
        let ended = running.end().ok();
        assert!(ended.stderr.contains(": 0 frames "), "{}", ended.stderr);
        drop(stdin);
    }
}

/// Whether the process has a handler for SIGINT, which is signal 2.
fn catches_interrupt(running: &mut common::Running) -> bool {
    let path = format!("/proc/{}/status", running.child().id());
    let status = std::fs::read_to_string(path).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & (1 << 1) != 0)
}

#[test]
fn a_pipe_shows_no_progress() {
    let bus = Bus::new();
    let publisher = bus.start(&[
        "pub",
        "cam",
        "--size",
        "32x32",
        "--count",
        "20",
        "--subscribers",
        "1",
    ]);
    let ended = bus.run(&["sub", "cam", "--wait", "10"]).ok();
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stdout.is_empty());
    let ended = publisher.end().ok();
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}
