//! Starting victims and ending them.

use super::record::{Cause, Record};
use crate::numbers::Numbers;
use crate::stage::Stage;
use crate::sys;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How long a victim may take to reach the point at which it shall die. Then it dies there
/// and then.
const REACH: Duration = Duration::from_millis(80);

/// The exit status of a victim that saw what must not be.
pub(super) const WRONG: u8 = 3;

/// How a victim shall die.
#[derive(Clone, Copy, Debug)]
enum Plan {
    /// By itself, at the n-th pass of a point; stopped there first, if so wished.
    Point(&'static str, u64, bool),
    /// So long after its start.
    After(Duration),
    /// Stopped after the first span; after the second, killed or first let go on.
    Stop(Duration, Duration, bool),
}

/// A victim that has died.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dead {
    /// When it was killed, where that is known.
    pub(super) at: Option<Instant>,
}

/// A victim that lives, and how it shall die.
pub(super) struct Victim {
    child: Child,
    plan: Plan,
}

impl Victim {
    /// Whether it may stop by itself, and then answers nobody until it is killed.
    pub(super) fn may_stop(&self) -> bool {
        matches!(self.plan, Plan::Point(_, _, true))
    }
}

/// Death, for one lane.
pub(super) struct Deaths<'a> {
    stage: &'a Stage,
    pub(super) record: &'a Record,
    pub(super) numbers: Numbers,
    points_only: bool,
}

impl<'a> Deaths<'a> {
    pub(super) fn new(stage: &'a Stage, record: &'a Record, seed: u64, points_only: bool) -> Self {
        Deaths {
            stage,
            record,
            numbers: Numbers::new(seed),
            points_only,
        }
    }

    fn plan(&mut self, points: &[&'static str]) -> Plan {
        let numbers = &mut self.numbers;
        let mut span = |millis: u64| Duration::from_micros(numbers.below(millis * 1000));
        let (early, late) = (span(25), span(12));
        match if self.points_only {
            0
        } else {
            numbers.below(100)
        } {
            0..45 => {
                // Most die at one of the first passes, some in full swing.
                let most = numbers.choose(&[1, 3, 30]);
                let pass = 1 + numbers.below(most);
                Plan::Point(numbers.choose(points), pass, numbers.below(5) == 0)
            }
            45..85 => Plan::After(early),
            _ => Plan::Stop(early, late, numbers.below(2) == 0),
        }
    }

    /// Starts a victim that will die at one of `points`, or at any time.
    pub(super) fn start(&mut self, arguments: &[&str], points: &[&'static str]) -> Victim {
        let plan = self.plan(points);
        let mut command = self.stage.command();
        command.arg("victim").args(arguments).stdin(Stdio::null());
        if let Plan::Point(name, pass, stops) = plan {
            let action = if stops { "stop" } else { "kill" };
            // A point that others reach first must not be passed over for ever.
            command.env("FRAMEBUS_FAULT", format!("{name}:{action}:{pass}"));
        }
        Victim {
            child: command.spawn().expect("a victim"),
            plan,
        }
    }

    /// Sees to it that the victim dies as planned, and is gone.
    pub(super) fn finish(&mut self, mut victim: Victim) -> Dead {
        let (cause, at) = match victim.plan {
            Plan::Point(name, _, stops) => self.at_point(&mut victim, name, stops),
            Plan::After(span) => {
                std::thread::sleep(span);
                (Cause::Random, None)
            }
            Plan::Stop(before, during, goes_on) => {
                std::thread::sleep(before);
                sys::stop(victim.child.id());
                std::thread::sleep(during);
                if goes_on {
                    sys::go_on(victim.child.id());
                    std::thread::sleep(before / 2);
                }
                (Cause::Stopped, None)
            }
        };
        let killed_at = Instant::now();
        let _ = victim.child.kill();
        let status = victim.child.wait().expect("a child of ours");
        // At the end there is nobody left to subscribe to.
        if let Some(code) = status.code()
            && !self.record.is_over()
        {
            let plan = victim.plan;
            self.record
                .fail(format!("a victim ({plan:?}) ended by itself with {code}"));
        }
        self.record.killed(cause);
        Dead {
            at: at
                .or(Some(killed_at))
                .filter(|_| !matches!(cause, Cause::Point(_)) || at.is_some()),
        }
    }

    /// Waits until a victim has died, or stopped, at its point.
    fn at_point(
        &mut self,
        victim: &mut Victim,
        name: &'static str,
        stops: bool,
    ) -> (Cause, Option<Instant>) {
        let deadline = Instant::now() + REACH;
        while Instant::now() < deadline {
            if stops && sys::is_stopped(victim.child.id()) {
                std::thread::sleep(Duration::from_micros(self.numbers.below(5000)));
                return (Cause::Point(name), Some(Instant::now()));
            }
            if let Ok(Some(_)) = victim.child.try_wait() {
                return (Cause::Point(name), None);
            }
            std::thread::sleep(Duration::from_micros(300));
        }
        (Cause::Random, Some(Instant::now()))
    }
}
