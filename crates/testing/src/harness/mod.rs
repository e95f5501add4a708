//! The harness that kills: short-lived victims die at every point of the protocol and at any
//! time, and long-lived survivors must not notice more than that.
//!
//! Five lanes run at once, each with a stream of its own. In the lanes of subscribers a
//! publisher lives on while its subscribers and requesters are killed; the lossless lane is
//! the same with a publisher that waits for them; in the lanes of publishers, subscribers and
//! requesters live on while one publisher after the other is killed. A victim dies by a named
//! fault point, by SIGKILL out of the blue, or after (or during) a stop.
//!
//! Survivors check every pixel, every sequence and every epoch. A publisher that survives has
//! exactly the slots that its subscribers may hold, so that one leaked slot ends it. At the
//! end, all handles must be closed and no files left but one lock for each name.

mod deaths;
mod publishers;
mod record;
mod subscribers;
mod survivors;
mod victims;

use crate::stage::Stage;
use crate::sys;
use deaths::Deaths;
use record::Record;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Points at which a publisher can be killed.
pub const PUBLISHER_POINTS: &[&str] = &[
    "create.before_listen",
    "admit.before_welcome",
    "loan.after",
    "publish.in_header",
    "publish.before_word",
    "publish.after_word",
    "publish.after_wake",
    "publisher.before_sleep",
    "reply.before_word",
    "reply.after_word",
];

/// Points at which a subscriber can be killed.
pub const SUBSCRIBER_POINTS: &[&str] = &["subscriber.after_lease", "subscriber.before_sleep"];

/// Points at which a requester can be killed.
pub const REQUESTER_POINTS: &[&str] = &[
    "request.before_id",
    "request.after_id",
    "request.after_take",
    "subscriber.before_sleep",
];

const USAGE: &str = "fault-harness [--kills N] [--seed S] [--points]
  --kills N   how many processes to kill (300)
  --seed S    decides who dies when (chosen anew each time, and printed)
  --points    kill at named points of the protocol only";

/// What the harness was asked for.
#[derive(Clone, Copy, Debug)]
struct Options {
    kills: u64,
    seed: u64,
    points_only: bool,
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        kills: 300,
        seed: framebus_sys::random().map_err(|e| e.to_string())? as u64,
        points_only: false,
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || {
            let text = rest.next().ok_or(format!("{argument} needs a number"))?;
            text.parse().map_err(|_| format!("{text:?} is no number"))
        };
        match argument.as_str() {
            "--kills" => options.kills = number()?,
            "--seed" => options.seed = number()?,
            "--points" => options.points_only = true,
            other => return Err(format!("{other:?} is no option\n{USAGE}")),
        }
    }
    Ok(options)
}

/// Runs the harness, or one of its victims.
pub fn run(arguments: &[String]) -> ExitCode {
    if let Some((first, rest)) = arguments.split_first()
        && first == "victim"
    {
        return victims::run(rest);
    }
    match parse(arguments) {
        Ok(options) => kill_them(options),
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}

/// How long nothing may happen anywhere before that is called a hang.
const HANG: Duration = Duration::from_secs(20);

/// The streams of the lanes.
const NAMES: [&str; 5] = [
    "subscribers/0",
    "subscribers/1",
    "lossless",
    "publishers/0",
    "publishers/1",
];

fn kill_them(options: Options) -> ExitCode {
    let program = std::env::current_exe().expect("the path of this program");
    let stage = Stage::new(program);
    // SAFETY: no other thread has been started yet.
    unsafe { std::env::set_var(framebus_sys::runtime_dir::VARIABLE, stage.directory()) };
    println!("seed {}", options.seed);
    // The watcher and its handles stay for good.
    warm_up();
    let handles = settled_handles();
    let record = Record::new(options.kills);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let (stage, record) = (&stage, &record);
        let deaths = |lane: u64| {
            Deaths::new(
                stage,
                record,
                options.seed ^ lane << 56,
                options.points_only,
            )
        };
        let patience = Some(Duration::from_millis(150));
        let lanes = [
            scope.spawn(move || subscribers::run(NAMES[0], None, deaths(1))),
            scope.spawn(move || subscribers::run(NAMES[1], None, deaths(2))),
            scope.spawn(move || subscribers::run(NAMES[2], patience, deaths(3))),
            scope.spawn(move || publishers::run(NAMES[3], deaths(4))),
            scope.spawn(move || publishers::run(NAMES[4], deaths(5))),
        ];
        let done = || lanes.iter().all(std::thread::ScopedJoinHandle::is_finished);
        watch_over(record, done);
    });
    println!("{}", record.summary(start.elapsed()));
    check_leaks(&stage, handles, &record);
    let failures = record.failures();
    for failure in &failures {
        println!("FAILED: {failure}");
    }
    ExitCode::from(u8::from(!failures.is_empty()))
}

fn warm_up() {
    let publisher = framebus::Publisher::unnamed()
        .create()
        .expect("a publisher");
    let offer = publisher.export().expect("an offer");
    let subscriber = framebus::Subscriber::import(offer).connect();
    drop(subscriber.expect("a subscriber"));
}

/// How many handles are open once the watcher has closed what it had to close.
fn settled_handles() -> usize {
    let mut fewest = sys::open_handles();
    let mut same = 0;
    while same < 20 {
        std::thread::sleep(Duration::from_millis(5));
        let now = sys::open_handles();
        same = if now == fewest { same + 1 } else { 0 };
        fewest = now;
    }
    fewest
}

/// Shows how far it is, and ends everything when somebody hangs.
fn watch_over(record: &Record, done: impl Fn() -> bool) {
    let mut shown = 0;
    while !done() {
        std::thread::sleep(Duration::from_millis(50));
        let tenth = record.kills() * 10 / record.wanted().max(1);
        if tenth > shown {
            shown = tenth;
            println!("{} kills", record.kills());
            let _ = std::io::stdout().flush();
        }
        if let Some(who) = record.silent_for(HANG) {
            println!("FAILED: {who} hangs");
            for failure in record.failures() {
                println!("FAILED: {failure}");
            }
            // Threads that hang cannot be joined.
            std::process::exit(1);
        }
    }
}

/// Everything the lanes had is gone by now, or about to be.
fn check_leaks(stage: &Stage, before: usize, record: &Record) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut now = sys::open_handles();
    while (now > before || sys::mappings() > 0) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
        now = sys::open_handles();
    }
    let files = stage.files();
    println!(
        "handles {before} before and {now} after, {} mappings, files {files:?}",
        sys::mappings()
    );
    if now > before || sys::mappings() > 0 {
        record.fail(format!(
            "leaked: {now} handles after {before}, {} mappings",
            sys::mappings()
        ));
    }
    // For each name a lock, and what the publishers that were killed last have left: their
    // sockets, or those that they were about to put there.
    let locks = files.iter().filter(|file| file.ends_with(".lock")).count();
    if locks > NAMES.len() || files.len() > locks + 4 {
        record.fail(format!("leaked files: {files:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_wrong_ones_refused() {
        let parse = |text: &str| {
            let words: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
            parse(&words)
        };
        let options = parse("--kills 7 --seed 9 --points").expect("options");
        assert_eq!(
            (options.kills, options.seed, options.points_only),
            (7, 9, true)
        );
        assert_eq!(parse("").expect("defaults").kills, 300);
        assert!(parse("--kills many").unwrap_err().contains("many"));
        assert!(parse("--kill 7").unwrap_err().contains("--kill"));
        assert!(parse("--seed").is_err());
    }
}
