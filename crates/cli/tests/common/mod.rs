//! Runs the command as people do, in a runtime directory of its own.

// Every test file is a program of its own and uses another part of this.
#![allow(dead_code)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long anything may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A runtime directory and a folder for files.
pub struct Bus {
    folder: TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ended {
    pub fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| panic!("killed: {self:?}"))
    }

    /// Fails unless the command ended well.
    pub fn ok(self) -> Self {
        assert_eq!(self.code(), 0, "{}", self.stderr);
        self
    }

    /// Fails unless the command ended with one line that starts as errors do and has these parts.
    pub fn failed(&self, parts: &[&str]) {
        assert_eq!(self.code(), 1, "{}", self.stderr);
        let mut lines = self
            .stderr
            .lines()
            .filter(|line| line.contains(": error: "));
        let line = lines.next().unwrap_or_else(|| panic!("{}", self.stderr));
        assert!(line.starts_with("framebus: error: "), "{line}");
        assert_eq!(lines.next(), None);
        for part in parts {
            assert!(line.contains(part), "{part:?} is not in: {line}");
        }
    }

    /// Fails unless the arguments were refused for a reason that has these parts.
    pub fn refused(&self, parts: &[&str]) {
        assert_eq!(self.code(), 2, "{}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?}: {}", self.stderr);
        }
    }
}

impl Bus {
    pub fn new() -> Self {
        Self {
            folder: TempDir::new().expect("a folder"),
        }
    }

    /// A path in a folder that goes away with the test.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text, for arguments.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.path(name), bytes).expect("written");
        self.text(name)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let runtime = self.path("runtime");
        std::fs::create_dir_all(&runtime).expect("a folder");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&runtime, private).expect("private");
        let mut command = Command::new(env!("CARGO_BIN_EXE_framebus"));
        command
            .args(args)
            .env("FRAMEBUS_RUNTIME_DIR", runtime)
            .current_dir(self.folder.path());
        command
    }

    /// Starts the command with nothing to read, and with what it says caught.
    pub fn start(&self, args: &[&str]) -> Running {
        let mut command = self.command(args);
        command.stdin(Stdio::null());
        Running::start(&mut command)
    }

    /// Starts the command with `input` to read.
    pub fn start_with(&self, args: &[&str], input: &[u8]) -> Running {
        let mut command = self.command(args);
        command.stdin(Stdio::piped());
        let mut running = Running::start(&mut command);
        let mut stdin = running.child().stdin.take().expect("piped");
        let input = input.to_vec();
        // The command may end before it has read everything: that is what some tests are about.
        std::thread::spawn(move || {
            let _ = stdin.write_all(&input);
        });
        running
    }

    /// Runs the command to its end.
    pub fn run(&self, args: &[&str]) -> Ended {
        self.start(args).end()
    }

    /// Waits until a stream of that name is there.
    pub fn wait_for_stream(&self, name: &str) {
        let entry = format!("\"name\":\"{name}\"");
        wait_until(&entry, || {
            let list = self.run(&["ls", "--json"]).ok();
            String::from_utf8_lossy(&list.stdout).contains(&entry)
        });
    }
}

/// A command that runs; killed when the test gives up on it.
pub struct Running {
    child: Option<Child>,
    stdout: Option<std::thread::JoinHandle<Vec<u8>>>,
    stderr: Option<std::thread::JoinHandle<Vec<u8>>>,
}

impl Running {
    /// Starts a command; its standard output is caught unless it was set before.
    pub fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped());
        let mut running = Self::start_as_is(command);
        running.stdout = running.child().stdout.take().map(collect);
        running
    }

    /// As `start`, with standard output where the caller sent it; if that is a pipe, it is the
    /// caller's to read.
    pub fn start_as_is(command: &mut Command) -> Self {
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stderr = child.stderr.take().map(collect);
        Self {
            child: Some(child),
            stdout: None,
            stderr,
        }
    }

    pub fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("running")
    }

    /// What Ctrl-C sends.
    pub fn interrupt(&mut self) {
        let pid = Pid::from_child(self.child());
        kill_process(pid, Signal::INT).expect("running");
    }

    /// Waits until the command has ended.
    pub fn end(mut self) -> Ended {
        let mut status = None;
        wait_until("the command ended", || {
            status = self.child().try_wait().expect("a status");
            status.is_some()
        });
        self.child = None;
        let text = |thread: Option<std::thread::JoinHandle<Vec<u8>>>| {
            thread.map_or_else(Vec::new, |thread| thread.join().expect("collected"))
        };
        Ended {
            status: status.expect("ended"),
            stdout: text(self.stdout.take()),
            stderr: String::from_utf8_lossy(&text(self.stderr.take())).into_owned(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn collect(mut pipe: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

/// Waits until something is true, and fails when it does not become so.
pub fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "it never came true that {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A PNG as RGBA.
pub fn read_png(path: &Path) -> image::RgbaImage {
    image::open(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .into_rgba8()
}

/// A y4m stream of gray frames, each filled with its number.
pub fn gray_y4m(width: usize, height: usize, frames: u8) -> Vec<u8> {
    let mut bytes = format!("YUV4MPEG2 W{width} H{height} F100:1 Ip A1:1 Cmono\n").into_bytes();
    for frame in 0..frames {
        bytes.extend_from_slice(b"FRAME\n");
        bytes.extend(std::iter::repeat_n(frame, width * height));
    }
    bytes
}
