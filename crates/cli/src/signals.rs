//! Ctrl-C as a question that loops can ask, so that every verb ends with its summary.

use std::io::Write as _;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::error::CliError;

/// Set once, by the first Ctrl-C.
static STOPPED: OnceLock<()> = OnceLock::new();
/// Wakes those who sleep between frames.
static SLEEPERS: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());

/// How long a loop may sit in a call that nothing can interrupt before the process ends
/// without it.
const GRACE: Duration = Duration::from_secs(3);
/// How often a blocking wait looks whether it should end.
pub const TICK: Duration = Duration::from_millis(100);
/// Exit code when a loop did not end by itself: 128 + SIGINT, as shells expect.
const FORCED: i32 = 130;

/// Makes Ctrl-C (and a request to terminate) end the verb with its summary.
///
/// A second Ctrl-C, or a verb that hangs in a write for three seconds, ends the process at once.
pub fn install() -> Result<(), CliError> {
    ctrlc::set_handler(|| {
        if stopped() {
            std::process::exit(FORCED);
        }
        stop();
        std::thread::spawn(|| {
            std::thread::sleep(GRACE);
            let _ = writeln!(
                std::io::stderr(),
                "framebus: stopped: nobody reads the output"
            );
            std::process::exit(FORCED);
        });
    })
    .map_err(|error| CliError::Signals(error.to_string()))
}

/// Ends every loop of this process, as Ctrl-C does.
pub fn stop() {
    let guard = SLEEPERS.0.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = STOPPED.set(());
    drop(guard);
    SLEEPERS.1.notify_all();
}

/// Whether Ctrl-C was pressed.
pub fn stopped() -> bool {
    STOPPED.get().is_some()
}

/// Sleeps until `deadline`; false when Ctrl-C ended the sleep.
pub fn sleep_until(deadline: Instant) -> bool {
    let mut guard = SLEEPERS.0.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if stopped() {
            return false;
        }
        let now = Instant::now();
        if now >= deadline {
            return true;
        }
        guard = SLEEPERS
            .1
            .wait_timeout(guard, deadline - now)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
}

/// Sleeps for `time`; false when Ctrl-C ended the sleep.
pub fn sleep(time: Duration) -> bool {
    sleep_until(Instant::now() + time)
}
