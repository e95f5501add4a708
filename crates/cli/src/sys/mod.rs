//! The little that the command asks of the system itself.
//!
//! Everything else goes through the library; what is here is about this process and its
//! standard streams, and each system has its own leaf.

use std::fs::File;
use std::io;
use std::time::Duration;

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod leaf;

/// The CPU time this process has used so far, all threads, user and system together.
///
/// `CLOCK_PROCESS_CPUTIME_ID` on Linux: nanoseconds, where `getrusage` may count in ticks.
pub fn cpu_time() -> Duration {
    leaf::cpu_time()
}

/// Standard input without the buffer that the standard library puts before it.
///
/// # Errors
/// When the descriptor cannot be duplicated: it is closed, or there are too many.
pub fn stdin() -> io::Result<File> {
    leaf::stdin()
}

/// Standard output without the line buffer that the standard library puts before it, which
/// would search pictures for line ends.
///
/// # Errors
/// As [`stdin`].
pub fn stdout() -> io::Result<File> {
    leaf::stdout()
}

/// Waits until `file` has something to read or has ended; false after `timeout` or when a signal
/// came first.
///
/// `poll` on Linux: made for pipes and terminals; plain files are always ready.
///
/// # Errors
/// What the system says.
pub fn wait_readable(file: &File, timeout: Duration) -> io::Result<bool> {
    leaf::wait_readable(file, timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_cpu_time() {
        let before = cpu_time();
        let mut sum = 0_u64;
        while cpu_time() == before {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(cpu_time() > before);
    }
}
