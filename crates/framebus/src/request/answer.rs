//! Requests on the publisher's side.

use super::{Answered, Request, RequestBytes};
use crate::error::Result;
use crate::ring::page::{INLINE_REQUEST, MAX_REASON};
use crate::ring::publisher::Replied;
use crate::ring::word::SlotRef;
use crate::stream::{Publisher, wake};
use crate::sync::Ordering;
use crate::wait::Deadline;
use std::time::Duration;

impl Publisher {
    /// The next request, `None` if there is none now.
    #[inline]
    pub fn try_request(&mut self) -> Result<Option<Request>> {
        self.sync();
        // A subscriber that keeps changing its mind gets a turn, not all of them.
        for _ in 0..=self.ring.members.len() {
            let Some((at, id)) = self.ring.poll_request() else {
                break;
            };
            let member = &self.ring.members[at];
            let words = &member.words;
            // Copied once, then checked: the subscriber can still change it.
            let len = words.request_len.load(Ordering::Relaxed) as usize;
            let bytes = if len <= INLINE_REQUEST {
                let mut bytes = [0; INLINE_REQUEST];
                for (room, word) in bytes.chunks_exact_mut(4).zip(&words.inline) {
                    room.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
                }
                RequestBytes::Short(bytes, len as u8)
            } else {
                RequestBytes::Long(words.0.control.read_request(len))
            };
            let request = Request {
                key: member.key,
                id,
                pid: words.0.process.identity().pid,
                bytes,
            };
            if self.ring.request_stands(at, id) {
                return Ok(Some(request));
            }
        }
        Ok(None)
    }

    /// Waits for a request; `None` once `timeout` is over. Without one, waits for ever.
    pub fn wait_request(&mut self, timeout: Option<Duration>) -> Result<Option<Request>> {
        let mut deadline = Deadline::after(timeout);
        loop {
            if let Some(request) = self.try_request()? {
                return Ok(Some(request));
            }
            if self.ring.slots.needs_refill() {
                self.refill();
            }
            self.prepare();
            if !self.wait_until(&mut deadline, |ring| ring.has_request())? {
                return self.try_request();
            }
            if let Some(request) = self.try_request()? {
                return Ok(Some(request));
            }
            // Requests that are withdrawn before they can be read must not keep this here.
            if deadline.left().is_err() {
                return Ok(None);
            }
        }
    }

    /// Declines a request. The requester gets [`ErrorKind::Declined`](crate::ErrorKind::Declined) with the first 512
    /// bytes of `reason`.
    pub fn decline(&mut self, request: Request, reason: &str) -> Result<Answered> {
        self.sync();
        let end = (0..=reason.len().min(MAX_REASON))
            .rev()
            .find(|&end| reason.is_char_boundary(end))
            .unwrap_or(0);
        if let Some(member) = self
            .ring
            .members
            .iter()
            .find(|member| member.key == request.key)
        {
            member
                .words
                .0
                .control
                .write_reason(&reason.as_bytes()[..end]);
        }
        let wakes = &mut self.stats.wakes;
        let replied = self
            .ring
            .decline(request.key, request.id, end as u32, |member, bits| {
                wake(wakes, member, bits)
            });
        self.stats.declined += 1;
        Ok(answered(replied))
    }

    /// Gives what was painted into `slot` to one requester. Called by the frame.
    #[inline]
    pub(crate) fn reply(&mut self, slot: SlotRef, request: &Request) -> Answered {
        self.note_cpu();
        framebus_sys::fault_point!("reply.before_word");
        let wakes = &mut self.stats.wakes;
        let replied = self
            .ring
            .reply(request.key, request.id, slot, |member, bits| {
                wake(wakes, member, bits)
            });
        framebus_sys::fault_point!("reply.after_word");
        self.stats.replied += 1;
        answered(replied)
    }
}

fn answered(replied: Replied) -> Answered {
    match replied {
        Replied::Delivered => Answered::Delivered,
        Replied::Abandoned => Answered::Abandoned,
    }
}
