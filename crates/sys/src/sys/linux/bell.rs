//! Bells as futexes. The flag for private futexes is never set: the words are shared.

use crate::bell::{BellOps, Word};
use crate::{BorrowedHandle, Error, Handle, Result};
use rustix::fs::Timespec;
use rustix::io::Errno;
use rustix::thread::futex;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct BellLeaf(Word);

fn timespec(duration: Duration) -> Timespec {
    // A wait of 68 years is as good as one without end.
    Timespec {
        tv_sec: duration.as_secs().min(i32::MAX as u64) as _,
        tv_nsec: duration.subsec_nanos().into(),
    }
}

/// What the kernel's answer to a wait means: woken, changed and timed out are all fine.
fn settle<T>(call: &'static str, result: std::result::Result<T, Errno>) -> Result<()> {
    match result {
        Ok(_) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT) => Ok(()),
        Err(e) => Err(Error::system(call, e)),
    }
}

impl BellOps for BellLeaf {
    fn create(word: Word) -> Result<Self> {
        Ok(BellLeaf(word))
    }

    fn share(&self) -> Vec<BorrowedHandle<'_>> {
        Vec::new()
    }

    fn open(word: Word, _handles: &mut dyn Iterator<Item = Handle>) -> Result<Self> {
        Ok(BellLeaf(word))
    }

    fn value(&self) -> u32 {
        self.0.atomic().load(Ordering::Acquire)
    }

    fn ring(&self) {
        let word = self.0.atomic();
        // Release: whoever wakes by the new value sees what was written before the ring.
        word.fetch_add(1, Ordering::Release);
        let _ = futex::wake(word, futex::Flags::empty(), i32::MAX as u32);
    }

    fn wait(&self, seen: u32, timeout: Option<Duration>) -> Result<()> {
        let timeout = timeout.map(timespec);
        settle(
            "FUTEX_WAIT",
            futex::wait(
                self.0.atomic(),
                futex::Flags::empty(),
                seen,
                timeout.as_ref(),
            ),
        )
    }

    fn wait_any(bells: &[(&Self, u32)], timeout: Option<Duration>) -> Result<()> {
        let waits: Vec<futex::Wait> = bells
            .iter()
            .map(|(bell, seen)| {
                let mut wait = futex::Wait::new();
                wait.val = u64::from(*seen);
                wait.uaddr = futex::WaitPtr::new(bell.0.atomic().as_ptr().cast());
                wait.flags = futex::WaitFlags::SIZE_U32;
                wait
            })
            .collect();
        // futex_waitv takes a point in time, not a span.
        let deadline = timeout.map(|span| {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
            let now = Duration::new(now.tv_sec as u64, now.tv_nsec as u32);
            timespec(now.saturating_add(span))
        });
        let flags = futex::WaitvFlags::empty();
        settle(
            "futex_waitv",
            futex::waitv(
                &waits,
                flags,
                deadline.as_ref(),
                rustix::time::ClockId::Monotonic,
            ),
        )
    }
}
