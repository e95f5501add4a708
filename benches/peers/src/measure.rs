//! Clocks, percentiles, processor time and the placement of the two cores.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::Outcome;
use crate::shared::Map;

/// Round trips of one placement check; about two milliseconds on a quiet machine.
const HOPS: u32 = 4_000;
/// A placement check gives up after this long (a shared core, or a host that took one core away).
const HOP_LIMIT_NS: u64 = 200_000_000;

/// Nanoseconds of CLOCK_MONOTONIC.
pub fn now_ns() -> u64 {
    let mut t = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `t` is a valid timespec for the call to fill.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut t) };
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// Sleep until an absolute CLOCK_MONOTONIC time in nanoseconds.
pub fn sleep_until(ns: u64) {
    let t = libc::timespec {
        tv_sec: (ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (ns % 1_000_000_000) as libc::c_long,
    };
    // SAFETY: `t` is a valid timespec; no remainder is asked for.
    unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &t,
            std::ptr::null_mut(),
        )
    };
}

/// Burn the processor for `ns` nanoseconds: a peer that thinks.
pub fn think(ns: u64) {
    let end = now_ns() + ns;
    while now_ns() < end {
        std::hint::spin_loop();
    }
}

/// User and system time of this process so far, in microseconds.
pub fn cpu_us() -> u64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is large enough and is filled by the call; all-zero is a valid rusage as well.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let us = |t: libc::timeval| t.tv_sec as u64 * 1_000_000 + t.tv_usec as u64;
    us(usage.ru_utime) + us(usage.ru_stime)
}

/// Keep this thread, and the threads it will start, on one core.
pub fn pin(core: usize) -> Outcome<()> {
    if core >= libc::CPU_SETSIZE as usize {
        return Err(format!(
            "core {core} is beyond the {} of a CPU set",
            libc::CPU_SETSIZE
        )
        .into());
    }
    // SAFETY: an all-zero cpu_set_t is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `core` is below CPU_SETSIZE, checked above.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: `set` lives through the call and its size is given.
    match unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) } {
        0 => Ok(()),
        _ => Err(format!(
            "cannot pin to core {core}: {}",
            std::io::Error::last_os_error()
        )
        .into()),
    }
}

/// The cores this process may use, in ascending order.
pub fn cores() -> Vec<usize> {
    // SAFETY: an all-zero cpu_set_t is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is writable and its size is given.
    if unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) } != 0 {
        return vec![0];
    }
    // SAFETY: every index is below CPU_SETSIZE.
    (0..libc::CPU_SETSIZE as usize)
        .filter(|&core| unsafe { libc::CPU_ISSET(core, &set) })
        .collect()
}

/// Bare ping-pong on one cache line: what the placement of the two cores costs right now.
///
/// Both sides call it at the same time, one with `first`. Returns the median time of a round trip
/// in nanoseconds, or 0 where the other side did not answer in time.
pub fn hop_ns(map: &Map, offset: usize, first: bool) -> u64 {
    let (ours, theirs) = if first {
        (offset, offset + 128)
    } else {
        (offset + 128, offset)
    };
    let (ours, theirs) = (map.word(ours), map.word(theirs));
    let base = ours.load(Ordering::Relaxed);
    let limit = now_ns() + HOP_LIMIT_NS;
    let mut times = Samples::with_capacity(HOPS as usize / 16);
    for block in 0..HOPS / 16 {
        let start = now_ns();
        for hop in 1..=16 {
            let value = base.wrapping_add(block * 16 + hop);
            if first {
                ours.store(value, Ordering::Release);
            }
            if !meets(theirs, value, limit) {
                return 0;
            }
            if !first {
                ours.store(value, Ordering::Release);
            }
        }
        times.push((now_ns() - start) / 16);
    }
    times.quantile(0.5)
}

/// Spin until `word` holds `value`; false when the limit passes first.
fn meets(word: &AtomicU32, value: u32, limit: u64) -> bool {
    let mut turns = 0u32;
    while word.load(Ordering::Acquire) != value {
        turns += 1;
        if turns.is_multiple_of(4096) && now_ns() > limit {
            return false;
        }
        std::hint::spin_loop();
    }
    true
}

/// Durations in nanoseconds, kept whole so that percentiles are exact.
pub struct Samples {
    ns: Vec<u64>,
    sorted: bool,
}

impl Samples {
    /// Room for `n` durations, touched now rather than while measuring.
    pub fn with_capacity(n: usize) -> Samples {
        let mut ns = vec![1; n];
        ns.clear();
        Samples { ns, sorted: false }
    }

    /// Add one duration.
    pub fn push(&mut self, ns: u64) {
        self.ns.push(ns);
        self.sorted = false;
    }

    /// How many durations there are.
    pub fn len(&self) -> usize {
        self.ns.len()
    }

    /// The duration that a share `q` (0 to 1) of all stay at or below; 0 without any.
    pub fn quantile(&mut self, q: f64) -> u64 {
        if !self.sorted {
            self.ns.sort_unstable();
            self.sorted = true;
        }
        match self.ns.len() {
            0 => 0,
            n => self.ns[((n - 1) as f64 * q).round() as usize],
        }
    }
}

/// The median of some figures; NaN without any.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact() {
        let mut samples = Samples::with_capacity(4);
        for ns in [5, 1, 4, 2, 3] {
            samples.push(ns);
        }
        assert_eq!(samples.quantile(0.0), 1);
        assert_eq!(samples.quantile(0.5), 3);
        assert_eq!(samples.quantile(1.0), 5);
    }

    #[test]
    fn median_of_even_and_odd() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }
}
