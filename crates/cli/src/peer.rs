//! The painter process as `demo` and `bench` see it, and what the work with it costs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use framebus::{Frame, FrameLayout, Subscriber, SubscriberBuilder};

use crate::error::CliError;
use crate::rate::Fps;
use crate::samples::Samples;
use crate::sys;
use crate::verbs::painter::{
    Done, END, Order, PATIENCE, PIPE_HEADER, WAITS, each_frame, record_of,
};
use crate::work::{self, Checker, SEED_LEN, Seed, Touch};

/// A painter process that waits for orders.
#[derive(Debug)]
pub struct Painter {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    checker: Checker,
}

/// What one piece of work took, in both processes together.
#[derive(Debug, Default)]
pub struct Measured {
    /// From asking to having, or from publishing to having.
    pub times: Samples,
    /// Frames received and checked.
    pub frames: u64,
    /// Frames painted.
    pub painted: u64,
    /// Frames that were not what they should be.
    pub wrong: u64,
    /// How long the work took.
    pub elapsed: Duration,
    /// CPU time of both processes.
    pub cpu: Duration,
    /// The pixels of the last frame.
    pub last: Vec<u8>,
}

impl Measured {
    /// Frames received per second.
    pub fn fps(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 {
            self.frames as f64 / seconds
        } else {
            0.0
        }
    }

    /// CPU seconds of both processes for 10,000 frames.
    pub fn cpu_per_10_000(&self) -> f64 {
        self.cpu.as_secs_f64() * 10_000.0 / self.frames.max(1) as f64
    }
}

impl Painter {
    /// Starts the process: this program again, with a hidden verb.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start() -> Result<Self, CliError> {
        let cannot = || CliError::io("cannot start the painter");
        let program = std::env::current_exe().map_err(cannot())?;
        let mut child = Command::new(program)
            .arg("painter")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(cannot())?;
        let (orders, answers) = (child.stdin.take(), child.stdout.take());
        let answers = answers.ok_or_else(|| CliError::Peer("it has no output".into()))?;
        Ok(Self {
            child,
            orders,
            answers: BufReader::new(answers),
            checker: Checker::default(),
        })
    }

    /// Gives an order that another process works on while this one goes on.
    fn order(&mut self, order: &Order) -> Result<(), CliError> {
        self.send(format!("{order}\n").as_bytes())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        let gone = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        let orders = self.orders.as_mut().ok_or_else(gone);
        orders
            .and_then(|orders| orders.write_all(bytes))
            .map_err(|error| CliError::Peer(format!("it takes no orders: {error}")))
    }

    /// Waits until an order is done.
    fn done(&mut self) -> Result<Done, CliError> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        match read.map_err(CliError::io("cannot hear the painter"))? {
            0 => Err(CliError::Peer("it ended early".into())),
            _ => line.trim_end().parse(),
        }
    }

    /// Makes a stream of pictures of `size` whose publisher waits as [`WAITS`] `[wait]` says, and
    /// gives what it takes to connect to it in the same manner.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(
        &mut self,
        name: &str,
        size: (u32, u32),
        wait: usize,
        lossless: bool,
    ) -> Result<SubscriberBuilder, CliError> {
        self.order(&Order::Open {
            name: name.to_owned(),
            size,
            wait,
            lossless,
        })?;
        self.done()?;
        Ok(Subscriber::builder(name)?.wait(WAITS[wait % WAITS.len()].0))
    }

    /// Requests one picture after the other for some time, and checks each.
    ///
    /// # Errors
    /// When the stream fails. Wrong pictures are counted, not an error.
    pub fn requests(
        &mut self,
        subscriber: &mut Subscriber,
        layout: &FrameLayout,
        (fps, time, touch): (Fps, Duration, Touch),
    ) -> Result<Measured, CliError> {
        self.order(&Order::Requests(touch))?;
        let mut work = Work::start();
        each_frame(fps, time, |seed| {
            let asked = Instant::now();
            let frame = subscriber.request(&seed.0, Some(PATIENCE))?;
            work.measured.times.push(nanos(asked.elapsed()));
            let right = is_right(&mut self.checker, &frame, &seed, layout, touch);
            work.count(right);
            work.keep(&frame);
            Ok(())
        })?;
        work.stop();
        drop(subscriber.request(&END, Some(PATIENCE))?);
        let done = self.done()?;
        Ok(work.end(done))
    }

    /// Receives what the painter publishes for some time, and checks each frame.
    ///
    /// # Errors
    /// As [`Painter::requests`].
    pub fn stream(
        &mut self,
        subscriber: &mut Subscriber,
        layout: &FrameLayout,
        (fps, time, touch): (Fps, Duration, Touch),
    ) -> Result<Measured, CliError> {
        self.order(&Order::Stream(fps, time, touch))?;
        let mut work = Work::start();
        let mut before = None;
        loop {
            let frame = subscriber.recv_timeout(PATIENCE)?;
            let Some(frame) = frame else {
                return Err(CliError::Peer(format!("no frame came within {PATIENCE:?}")));
            };
            let Some(seed) = Seed::read(frame.metadata()) else {
                work.count(false);
                continue;
            };
            if seed.0 == END {
                break;
            }
            work.measured.times.push(nanos(frame.latency()));
            let newer = before.replace(frame.sequence()) < Some(frame.sequence());
            let right = is_right(&mut self.checker, &frame, &seed, layout, touch);
            work.count(newer && right);
            work.keep(&frame);
        }
        work.stop();
        let done = self.done()?;
        Ok(work.end(done))
    }

    /// Lets the painter publish `count` frames as fast as it goes, while nobody waits for any;
    /// gives the time one took.
    ///
    /// # Errors
    /// When the stream fails.
    pub fn cost(&mut self, count: u64, touch: Touch) -> Result<Duration, CliError> {
        self.order(&Order::Cost(count, touch))?;
        let done = self.done()?;
        Ok(done.elapsed / u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// As [`Painter::requests`], through pipes with copies.
    ///
    /// # Errors
    /// When the painter ends early.
    pub fn pipe_requests(&mut self, (fps, time): (Fps, Duration)) -> Result<Measured, CliError> {
        self.order(&Order::PipeRequests)?;
        let layout = work::layout(work::SIZE)?;
        let mut record = record_of(&layout);
        let mut work = Work::start();
        each_frame(fps, time, |seed| {
            let asked = Instant::now();
            self.send(&seed.0)?;
            self.read(&mut record)?;
            work.measured.times.push(nanos(asked.elapsed()));
            let right = self.is_record_right(&record, &seed, &layout);
            work.count(right);
            Ok(())
        })?;
        work.stop();
        self.send(&END)?;
        let done = self.done()?;
        Ok(work.end(done))
    }

    /// As [`Painter::stream`], through a pipe with copies.
    ///
    /// # Errors
    /// When the painter ends early.
    pub fn pipe_stream(&mut self, fps: Fps, time: Duration) -> Result<Measured, CliError> {
        self.order(&Order::PipeStream(fps, time))?;
        let layout = work::layout(work::SIZE)?;
        let mut record = record_of(&layout);
        let mut work = Work::start();
        for number in 0.. {
            self.read(&mut record)?;
            if record[..SEED_LEN] == END {
                break;
            }
            let mut sent = [0; 8];
            sent.copy_from_slice(&record[SEED_LEN..PIPE_HEADER]);
            let sent = u64::from_le_bytes(sent);
            work.measured
                .times
                .push(framebus::now_ns().saturating_sub(sent));
            let right = self.is_record_right(&record, &Seed::new(number), &layout);
            work.count(right);
        }
        work.stop();
        let done = self.done()?;
        Ok(work.end(done))
    }

    fn read(&mut self, record: &mut [u8]) -> Result<(), CliError> {
        self.answers
            .read_exact(record)
            .map_err(|error| CliError::Peer(format!("its pipe ended: {error}")))
    }

    fn is_record_right(&mut self, record: &[u8], seed: &Seed, layout: &FrameLayout) -> bool {
        let (header, pixels) = record.split_at(PIPE_HEADER);
        header[..SEED_LEN] == seed.0
            && self.checker.is_right(seed, Touch::All, layout, |y, row| {
                if let Some(range) = layout.row_range(0, y) {
                    row.copy_from_slice(&pixels[range]);
                }
            })
    }
}

/// Whether header, metadata and pixels of a frame are what was asked for.
fn is_right(
    checker: &mut Checker,
    frame: &Frame,
    seed: &Seed,
    layout: &FrameLayout,
    touch: Touch,
) -> bool {
    frame.layout() == layout
        && frame.metadata() == seed.0
        && checker.is_right(seed, touch, layout, |y, row| {
            if let Some(found) = frame.row(0, y) {
                found.copy_to(row);
            }
        })
}

impl Drop for Painter {
    fn drop(&mut self) {
        // It ends with its orders; if it hangs it must not outlive us.
        drop(self.orders.take());
        let deadline = Instant::now() + Duration::from_secs(1);
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                _ => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One piece of work while it is measured.
struct Work {
    start: Instant,
    cpu: Duration,
    measured: Measured,
}

impl Work {
    fn start() -> Self {
        Self {
            start: Instant::now(),
            cpu: sys::cpu_time(),
            measured: Measured::default(),
        }
    }

    fn count(&mut self, right: bool) {
        self.measured.frames += 1;
        self.measured.wrong += u64::from(!right);
    }

    /// Keeps the first picture, to be shown.
    fn keep(&mut self, frame: &Frame) {
        if self.measured.last.is_empty() {
            self.measured.last = frame.to_vec();
        }
    }

    fn stop(&mut self) {
        self.measured.elapsed = self.start.elapsed();
        self.measured.cpu = sys::cpu_time().saturating_sub(self.cpu);
    }

    fn end(mut self, done: Done) -> Measured {
        self.measured.painted = done.frames;
        self.measured.cpu += done.cpu;
        self.measured
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
