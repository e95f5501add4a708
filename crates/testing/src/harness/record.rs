//! What the harness has done and seen.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How a victim died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// At a named point of the protocol.
    Point(&'static str),
    /// Out of the blue.
    Random,
    /// While it was stopped, or soon after it went on.
    Stopped,
}

#[derive(Default)]
struct State {
    random: u64,
    stopped: u64,
    points: BTreeMap<&'static str, u64>,
    /// How long it took until a survivor knew of a death.
    told: Vec<Duration>,
    frames: u64,
    replies: u64,
    demotions: u64,
    epochs: u64,
    failures: Vec<String>,
    /// When each thread was last seen doing something.
    beats: BTreeMap<String, Instant>,
}

impl State {
    fn kills(&self) -> u64 {
        self.random + self.stopped + self.points.values().sum::<u64>()
    }
}

/// Shared by all lanes.
pub(super) struct Record {
    wanted: u64,
    state: Mutex<State>,
}

/// Failures that are kept; more say no more.
const MAX_FAILURES: usize = 20;

impl Record {
    pub(super) fn new(wanted: u64) -> Record {
        Record {
            wanted,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wanted(&self) -> u64 {
        self.wanted
    }

    pub(super) fn kills(&self) -> u64 {
        self.state().kills()
    }

    /// Whether enough have been killed, or enough has gone wrong.
    pub(super) fn is_over(&self) -> bool {
        let state = self.state();
        state.kills() >= self.wanted || state.failures.len() >= MAX_FAILURES
    }

    pub(super) fn killed(&self, cause: Cause) {
        let mut state = self.state();
        match cause {
            Cause::Point(name) => *state.points.entry(name).or_default() += 1,
            Cause::Random => state.random += 1,
            Cause::Stopped => state.stopped += 1,
        }
    }

    pub(super) fn told(&self, after: Duration) {
        self.state().told.push(after);
    }

    pub(super) fn frame(&self) {
        self.state().frames += 1;
    }

    pub(super) fn reply(&self) {
        self.state().replies += 1;
    }

    pub(super) fn demotion(&self) {
        self.state().demotions += 1;
    }

    pub(super) fn epoch(&self) {
        self.state().epochs += 1;
    }

    pub(super) fn fail(&self, what: String) {
        let mut state = self.state();
        if state.failures.len() < MAX_FAILURES {
            state.failures.push(what);
        }
    }

    pub(super) fn failures(&self) -> Vec<String> {
        self.state().failures.clone()
    }

    /// A thread is alive and does something.
    pub(super) fn beat(&self, who: &str) {
        let mut state = self.state();
        let now = Instant::now();
        match state.beats.get_mut(who) {
            Some(beat) => *beat = now,
            None => drop(state.beats.insert(who.to_owned(), now)),
        }
    }

    /// A thread has ended, and is not expected to do anything.
    pub(super) fn rest(&self, who: &str) {
        self.state().beats.remove(who);
    }

    /// Somebody who has done nothing for so long.
    pub(super) fn silent_for(&self, span: Duration) -> Option<String> {
        let state = self.state();
        let silent = state.beats.iter().find(|(_, beat)| beat.elapsed() > span);
        silent.map(|(who, _)| who.clone())
    }

    pub(super) fn summary(&self, elapsed: Duration) -> String {
        let mut state = self.state();
        state.told.sort_unstable();
        let told = &state.told;
        let percentile = |percent: usize| {
            let at = (told.len() * percent / 100).min(told.len().saturating_sub(1));
            let span = told.get(at).copied().unwrap_or_default();
            format!("{:.1} ms", span.as_secs_f64() * 1e3)
        };
        let kills = state.kills();
        let points: u64 = state.points.values().sum();
        let mut text = format!(
            "{kills} kills, {points} of them at {} points, {} at random, {} stopped before; \
             {:.1} s, {:.0} a second\n\
             survivors checked {} frames and {} replies of {} publishers; {} were demoted\n\
             {} deaths told after p50 {}, p99 {}, at most {}",
            state.points.len(),
            state.random,
            state.stopped,
            elapsed.as_secs_f64(),
            kills as f64 / elapsed.as_secs_f64(),
            state.frames,
            state.replies,
            state.epochs,
            state.demotions,
            told.len(),
            percentile(50),
            percentile(99),
            percentile(100),
        );
        for (point, count) in &state.points {
            text.push_str(&format!("\n  {point:28}{count:6}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_summed_up() {
        let record = Record::new(3);
        record.killed(Cause::Point("a.b"));
        record.killed(Cause::Random);
        assert!(!record.is_over());
        record.killed(Cause::Stopped);
        assert!(record.is_over());
        record.told(Duration::from_millis(3));
        record.told(Duration::from_millis(1));
        let text = record.summary(Duration::from_secs(1));
        assert!(text.contains("3 kills, 1 of them at 1 points"), "{text}");
        assert!(text.contains("at most 3.0 ms"), "{text}");
    }

    #[test]
    fn whoever_says_nothing_for_long_is_named() {
        let record = Record::new(1);
        record.beat("one");
        record.beat("other");
        assert_eq!(record.silent_for(Duration::from_secs(10)), None);
        record.rest("one");
        assert_eq!(record.silent_for(Duration::ZERO).as_deref(), Some("other"));
    }
}
