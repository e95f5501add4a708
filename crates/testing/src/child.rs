//! A peer process as its test sees it: one line to it, one line back.

use crate::sys;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long a test waits for anything at all.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What a peer answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It did it, and found these values.
    Done(BTreeMap<String, String>),
    /// There was nothing.
    Nothing,
    /// The library refused: the kind of the error, and its text.
    Refused(String, String),
}

impl Answer {
    fn parse(line: &str) -> Answer {
        if line == "none" {
            return Answer::Nothing;
        }
        if let Some(rest) = line.strip_prefix("err ") {
            let (kind, text) = rest.split_once(' ').unwrap_or((rest, ""));
            return Answer::Refused(kind.to_owned(), text.to_owned());
        }
        let values = line
            .strip_prefix("ok")
            .unwrap_or_else(|| panic!("a peer said {line:?}"));
        Answer::Done(crate::peer::values(values))
    }

    /// A value of a command that was done.
    pub fn get(&self, key: &str) -> &str {
        match self {
            Answer::Done(values) => values
                .get(key)
                .unwrap_or_else(|| panic!("no {key} in {values:?}")),
            other => panic!("no {key}: {other:?}"),
        }
    }

    /// A value that is a number.
    pub fn number(&self, key: &str) -> u64 {
        let text = self.get(key);
        text.parse()
            .unwrap_or_else(|_| panic!("{key}={text} is no number"))
    }

    /// The kind of the error that the library gave.
    pub fn kind(&self) -> &str {
        match self {
            Answer::Refused(kind, _) => kind,
            other => panic!("no error: {other:?}"),
        }
    }

    /// The text of the error that the library gave.
    pub fn text(&self) -> &str {
        match self {
            Answer::Refused(_, text) => text,
            other => panic!("no error: {other:?}"),
        }
    }
}

/// A running peer. Killed on drop.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Peer {
    /// Starts `command`, which speaks line by line.
    pub fn start(mut command: Command) -> Peer {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the peer starts");
        let output = child.stdout.take().expect("piped");
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Peer {
            child,
            input,
            lines,
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a line without waiting for the answer.
    pub fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("its input is open");
        // One that has died is noticed by whoever waits for its answer.
        let _ = writeln!(input, "{line}");
    }

    /// The answer to a line that was sent; `None` if the peer has died.
    pub fn answer(&mut self) -> Option<Answer> {
        match self.lines.recv_timeout(PATIENCE * 2) {
            Ok(line) => Some(Answer::parse(&line)),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no answer from peer {}", self.pid()),
        }
    }

    /// Sends a line and waits for the answer, whatever it is.
    pub fn ask(&mut self, line: &str) -> Answer {
        self.say(line);
        self.answer()
            .unwrap_or_else(|| panic!("peer {} died of {line:?}", self.child.id()))
    }

    /// Sends a line that has to be done.
    pub fn must(&mut self, line: &str) -> Answer {
        match self.ask(line) {
            done @ Answer::Done(_) => done,
            other => panic!("{line:?}: {other:?}"),
        }
    }

    /// Kills it as by SIGKILL and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        self.wait();
    }

    /// Stops it; it goes on after [`Peer::go_on`].
    pub fn stop(&self) {
        sys::stop(self.pid());
        eventually("a stop", || sys::is_stopped(self.pid()).then_some(()));
    }

    /// Lets it go on after a stop.
    pub fn go_on(&self) {
        sys::go_on(self.pid());
    }

    /// Closes its input and waits for its end.
    pub fn finish(mut self) -> ExitStatus {
        self.input = None;
        self.wait()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return status;
            }
            assert!(Instant::now() < deadline, "peer {} lives on", self.pid());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `look` finds something; panics with `what` when that takes too long.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
