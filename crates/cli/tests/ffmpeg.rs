//! The pipeline that people use: ffmpeg at both ends.

mod common;

use common::{Bus, Running};
use std::process::{Command, Stdio};

/// ffmpeg, which these tests cannot do without.
fn ffmpeg() -> Command {
    let found = Command::new("ffmpeg").arg("-version").output();
    assert!(
        found.is_ok_and(|output| output.status.success()),
        "ffmpeg is missing: install it with `apt-get install -y ffmpeg`"
    );
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"]);
    command
}

/// The hashes of the frames that ffmpeg decodes from what `args` name.
fn hashes(bus: &Bus, args: &[&str]) -> Vec<String> {
    let output = ffmpeg()
        .args(args)
        .args(["-f", "framehash", "-"])
        .current_dir(bus.path("."))
        .output()
        .expect("ffmpeg runs");
    assert!(output.status.success(), "{args:?}: {output:?}");
    read_hashes(&output.stdout)
}

/// The hashes in a list of ffmpeg's: the last field of every line that is no comment.
fn read_hashes(list: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(list);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit(',').next().map(|hash| hash.trim().to_owned()))
        .collect()
}

/// `ffmpeg <source> - | framebus pub <name> <args>`; both processes.
fn publish(bus: &Bus, source: &[&str], args: &[&str]) -> (Running, Running) {
    let mut source_command = ffmpeg();
    source_command
        .args(source)
        .arg("-")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut source = Running::start_as_is(&mut source_command);
    let pipe = source.child().stdout.take().expect("piped");
    let mut command = bus.command(args);
    command.stdin(pipe);
    (source, Running::start(&mut command))
}

/// `framebus sub <args> | ffmpeg <sink>`; both processes.
fn record(bus: &Bus, args: &[&str], sink: &[&str]) -> (Running, Running) {
    let mut command = bus.command(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut subscriber = Running::start_as_is(&mut command);
    let pipe = subscriber.child().stdout.take().expect("piped");
    let mut sink_command = Command::new("ffmpeg");
    sink_command
        .args(["-hide_banner", "-loglevel", "error", "-y"])
        .args(sink)
        .current_dir(bus.path("."))
        .stdin(pipe);
    (subscriber, Running::start(&mut sink_command))
}

#[test]
fn ffmpeg_to_pub_to_sub_to_ffmpeg() {
    let bus = Bus::new();
    let (source, mut publisher) = publish(
        &bus,
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=1280x720:rate=60",
            "-f",
            "yuv4mpegpipe",
        ],
        &["pub", "cam", "--y4m", "-"],
    );
    bus.wait_for_stream("cam");
    let (subscriber, sink) = record(
        &bus,
        &["sub", "cam", "--y4m", "-"],
        &[
            "-i",
            "-",
            "-frames:v",
            "120",
            "-preset",
            "ultrafast",
            "out.mp4",
        ],
    );
    sink.end().ok();
    assert_eq!(hashes(&bus, &["-i", "out.mp4"]).len(), 120);
    // ffmpeg closed the pipe: the recorder ends well by itself.
    let ended = subscriber.end().ok();
    assert!(ended.stderr.contains(" received in "), "{}", ended.stderr);
    publisher.interrupt();
    publisher.end().ok();
    drop(source);
}

#[test]
fn a_whole_film_passes_unchanged() {
    let bus = Bus::new();
    let film = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=176x144:rate=25:duration=2",
        "-pix_fmt",
        "yuv422p",
    ];
    let direct = hashes(&bus, &film);
    assert_eq!(direct.len(), 50);
    let source = [&film[..], &["-f", "yuv4mpegpipe"]].concat();
    let (source, publisher) = publish(
        &bus,
        &source,
        &[
            "pub",
            "film",
            "--y4m",
            "-",
            "--fps",
            "max",
            "--lossless",
            "--subscribers",
            "1",
        ],
    );
    let (subscriber, sink) = record(
        &bus,
        &["sub", "film", "--wait", "10", "--y4m", "-"],
        &["-i", "-", "-f", "framehash", "-"],
    );
    let passed = sink.end().ok();
    assert_eq!(read_hashes(&passed.stdout), direct);
    for process in [source, publisher, subscriber] {
        process.end().ok();
    }
}

#[test]
fn printed_arguments_are_understood_by_ffmpeg() {
    let bus = Bus::new();
    let mut publisher = bus.start(&["pub", "cam", "--size", "64x48", "--format", "bgra8"]);
    bus.wait_for_stream("cam");
    for (option, file) in [("--raw", "out.raw"), ("--y4m", "out.y4m")] {
        let ended = bus
            .run(&[
                "sub",
                "cam",
                option,
                file,
                "--count",
                "5",
                "--print-ffmpeg-args",
            ])
            .ok();
        let args = ended
            .stderr
            .lines()
            .find(|line| line.starts_with("-f "))
            .unwrap_or_else(|| panic!("{}", ended.stderr));
        let args: Vec<&str> = args.split(' ').collect();
        assert_eq!(hashes(&bus, &args).len(), 5, "{args:?}");
    }
    publisher.interrupt();
    publisher.end().ok();
}
