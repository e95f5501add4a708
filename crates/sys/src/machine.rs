//! What matters about the machine: where a thread runs, and how big its caches are.

use crate::sys::platform::machine as leaf;
use std::sync::OnceLock;

/// The number of the processor that runs the caller right now.
#[inline]
pub fn current_cpu() -> u32 {
    leaf::current_cpu()
}

/// Cache sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caches {
    /// The second level, per core.
    pub l2: u64,
    /// The last level, shared by several cores.
    pub l3: u64,
}

/// The caches of this machine, or usual sizes where it does not tell.
pub fn caches() -> Caches {
    static CACHES: OnceLock<Caches> = OnceLock::new();
    *CACHES.get_or_init(|| {
        leaf::caches().unwrap_or(Caches {
            l2: 1 << 20,
            l3: 16 << 20,
        })
    })
}

/// How many processors the machine has running, as of the first call.
///
/// Not how many this process may use: a process bound to one of them still runs beside
/// a peer that is bound to another.
pub fn online_cpus() -> usize {
    static CPUS: OnceLock<usize> = OnceLock::new();
    *CPUS.get_or_init(leaf::online_cpus)
}
