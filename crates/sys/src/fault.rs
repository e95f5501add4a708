//! Fault injection: kills or stops this process at a named point of the protocol.
//!
//! `FRAMEBUS_FAULT=point:action:count` acts when the point is reached for the
//! `count`th time; the action is `kill` (as by SIGKILL) or `stop` (as by SIGSTOP).
//! Several are separated by commas. `FRAMEBUS_FAULT_TRACE=1` counts instead and can
//! be asked with [`seen`].

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Kill,
    Stop,
}

#[derive(Debug)]
struct Plan {
    point: String,
    action: Action,
    countdown: u64,
}

fn parse(text: &str) -> Option<Plan> {
    let mut parts = text.split(':');
    let point = parts.next()?.to_owned();
    let action = match parts.next()? {
        "kill" => Action::Kill,
        "stop" => Action::Stop,
        _ => return None,
    };
    let countdown = parts.next()?.parse().ok().filter(|&count| count > 0)?;
    Some(Plan {
        point,
        action,
        countdown,
    })
}

#[derive(Default)]
struct State {
    plans: Vec<Plan>,
    counts: Option<BTreeMap<&'static str, u64>>,
}

fn state() -> &'static Mutex<State> {
    static STATE: OnceLock<Mutex<State>> = OnceLock::new();
    STATE.get_or_init(|| {
        let plans = std::env::var("FRAMEBUS_FAULT").unwrap_or_default();
        let plans = plans.split(',').filter(|text| !text.is_empty());
        let plans = plans
            .map(|text| parse(text).unwrap_or_else(|| panic!("FRAMEBUS_FAULT: {text:?}")))
            .collect();
        let counts = std::env::var_os("FRAMEBUS_FAULT_TRACE").map(|_| BTreeMap::new());
        Mutex::new(State { plans, counts })
    })
}

/// Called at the point `name`; see [`crate::fault_point!`].
pub fn hit(name: &'static str) {
    let mut state = state()
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(counts) = &mut state.counts {
        *counts.entry(name).or_default() += 1;
    }
    let mut due = None;
    for plan in state
        .plans
        .iter_mut()
        .filter(|plan| plan.point == name && plan.countdown > 0)
    {
        plan.countdown -= 1;
        if plan.countdown == 0 {
            due = Some(plan.action);
        }
    }
    drop(state);
    match due {
        Some(Action::Kill) => crate::sys::platform::process::kill_self(),
        Some(Action::Stop) => crate::sys::platform::process::stop_self(),
        None => {}
    }
}

/// The points that were reached so far and how often, if tracing is on.
pub fn seen() -> BTreeMap<&'static str, u64> {
    state()
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .counts
        .clone()
        .unwrap_or_default()
}
