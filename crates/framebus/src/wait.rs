//! How to wait: spin, sleep, or find out which is better.
//!
//! Waking a sleeping process costs tens of microseconds, whoever does it; seeing a
//! word change from another core a tenth of one. So not sleeping when the answer is
//! near is most of the speed, and not spinning when the peer needs this very core is
//! the rest.

use crate::sync::spin_hint;
use framebus_sys::machine;
use std::time::{Duration, Instant};

/// How a publisher or subscriber waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// Sleeps at once. Costs nothing while waiting, and a wake-up per wait.
    Block,
    /// Never sleeps. The fastest by far, at the price of a whole core.
    Spin,
    /// Spins while answers tend to come soon, and sleeps while they don't. Sleeps at
    /// once if the peer was last seen on the same core.
    #[default]
    Adaptive,
}

/// How long an adaptive wait spins that expects an answer soon.
const EAGER: Duration = Duration::from_micros(50);

/// How long a probe spins: longer than waking the peer takes, so that two sides that
/// sleep between every exchange find back to spinning.
const PROBE: Duration = Duration::from_micros(100);

/// Spins without an answer after which waits sleep at once.
const PATIENCE: u8 = 3;

/// One in so many sleeping waits probes whether spinning would pay.
const PROBE_EVERY: u8 = 32;

/// Looks between two looks at the clock.
const LOOKS: u32 = 64;

/// The memory of one waiter.
#[derive(Debug)]
pub(crate) struct Waiter {
    wait: Wait,
    failures: u8,
    sleeps: u8,
}

impl Waiter {
    pub(crate) fn new(wait: Wait) -> Waiter {
        Waiter {
            wait,
            failures: 0,
            sleeps: 0,
        }
    }

    pub(crate) fn strategy(&self) -> Wait {
        self.wait
    }

    /// Looks for `found` without sleeping, as long as the strategy allows.
    ///
    /// `None` means: sleep now, or the deadline has passed. `peer_cpu` is the
    /// processor of the peer plus 1.
    pub(crate) fn spin<T>(
        &mut self,
        peer_cpu: u32,
        deadline: &mut Deadline,
        mut look: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let budget = match self.wait {
            Wait::Block => return look(),
            Wait::Spin => None,
            Wait::Adaptive => match self.budget(cannot_run_beside_us(peer_cpu)) {
                Some(budget) => Some(budget),
                None => return look(),
            },
        };
        let mut end = None;
        // The very next answer is worth the power of looking without a pause.
        let mut spun = false;
        loop {
            for _ in 0..LOOKS {
                if let Some(found) = look() {
                    self.failures = 0;
                    return Some(found);
                }
                if spun {
                    spin_hint();
                }
            }
            spun = true;
            let now = Instant::now();
            let end = *end.get_or_insert_with(|| budget.map(|budget| now + budget));
            if end.is_some_and(|end| now >= end) {
                self.failures = self.failures.saturating_add(1);
                return None;
            }
            if deadline.left().is_err() {
                return None;
            }
        }
    }

    /// How long an adaptive wait spins this time; `None` if it sleeps at once.
    fn budget(&mut self, in_the_way: bool) -> Option<Duration> {
        if in_the_way {
            return None;
        }
        if self.failures < PATIENCE {
            return Some(EAGER);
        }
        self.sleeps += 1;
        if self.sleeps < PROBE_EVERY {
            return None;
        }
        self.sleeps = 0;
        Some(PROBE)
    }
}

/// Whether the peer cannot run while this thread spins.
fn cannot_run_beside_us(peer_cpu: u32) -> bool {
    machine::online_cpus() == 1 || peer_cpu == machine::current_cpu() + 1
}

/// The end of a wait.
///
/// The clock is not looked at before somebody asks, because asking it costs more than
/// an answer that is there already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    timeout: Option<Duration>,
    at: Option<Instant>,
}

impl Deadline {
    /// So long from the first question on; never, without a timeout.
    pub(crate) fn after(timeout: Option<Duration>) -> Deadline {
        Deadline { timeout, at: None }
    }

    /// Passed already.
    pub(crate) fn now() -> Deadline {
        Deadline::after(Some(Duration::ZERO))
    }

    /// What is left, `None` for ever; `Err` if nothing is.
    pub(crate) fn left(&mut self) -> Result<Option<Duration>, ()> {
        let Some(timeout) = self.timeout else {
            return Ok(None);
        };
        if timeout.is_zero() {
            return Err(());
        }
        let now = Instant::now();
        // A point in time that the clock cannot state is never reached.
        let Some(at) = self.at.or_else(|| now.checked_add(timeout)) else {
            return Ok(None);
        };
        self.at = Some(at);
        match at.saturating_duration_since(now) {
            Duration::ZERO => Err(()),
            left => Ok(Some(left)),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_adaptive_waiter_stops_spinning_in_vain_and_starts_again_when_it_pays() {
        let mut waiter = Waiter::new(Wait::Adaptive);
        let mut spins = 0;
        for _ in 0..PATIENCE {
            assert_eq!(
                waiter.spin(0, &mut Deadline::after(None), || None::<()>),
                None
            );
        }
        // A wait that sleeps at once looks once.
        assert_eq!(
            waiter.spin(0, &mut Deadline::after(None), || -> Option<()> {
                spins += 1;
                None
            }),
            None
        );
        assert_eq!(spins, 1);
        for _ in 0..PROBE_EVERY {
            let mut looks = 0;
            waiter.spin(0, &mut Deadline::after(None), || {
                looks += 1;
                (looks == 5).then_some(())
            });
        }
        assert_eq!(waiter.failures, 0);
    }

    #[test]
    fn nobody_spins_on_the_peer_s_own_core() {
        assert_eq!(Waiter::new(Wait::Adaptive).budget(true), None);
        assert_eq!(Waiter::new(Wait::Adaptive).budget(false), Some(EAGER));
    }
}
