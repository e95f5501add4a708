//! Requests on the subscriber's side.

use crate::error::{ErrorKind, Result};
use crate::ring::page::{INLINE_REQUEST, MAX_REQUEST};
use crate::ring::subscriber::{Answer, Refused, SubscriberRing};
use crate::stream::{Connection, Expect, Frame, Subscriber};
use crate::sync::Ordering;
use crate::wait::Deadline;
use std::time::Duration;

impl Subscriber {
    /// Asks for a frame, without waiting for it; replaces a request that is not answered
    /// yet. Gives the request's id.
    ///
    /// Up to 4096 bytes say which frame. Fails with [`ErrorKind::PublisherGone`], or
    /// [`ErrorKind::QuotaExceeded`] if too many frames are held to take the answer.
    #[inline]
    pub fn send_request(&mut self, bytes: &[u8]) -> Result<u32> {
        if bytes.len() > MAX_REQUEST {
            return Err(ErrorKind::RequestTooLong {
                len: bytes.len(),
                limit: MAX_REQUEST,
            }
            .into());
        }
        if self.connection.has_ended() && !self.revive(&mut Deadline::now())? {
            return Err(ErrorKind::PublisherGone {
                pid: self.connection.publisher_pid(),
            }
            .into());
        }
        let Connection { page, control, .. } = &*self.connection;
        let held = control.leases[..self.terms.quota as usize].iter();
        if held
            .filter(|word| word.load(Ordering::Relaxed) != 0)
            .count()
            >= self.terms.quota as usize
        {
            return Err(ErrorKind::QuotaExceeded {
                quota: self.terms.quota,
            }
            .into());
        }
        let id = self.ring.begin_request(control);
        if bytes.len() <= INLINE_REQUEST {
            self.ring.write_inline(control, bytes);
        } else {
            control.write_request(bytes);
        }
        framebus_sys::fault_point!("request.before_id");
        let sleeps = self.ring.send_request(page, control, bytes.len() as u32);
        framebus_sys::fault_point!("request.after_id");
        if sleeps {
            self.connection.publisher_bell.ring();
        }
        self.pending = Some(id);
        Ok(id)
    }

    /// The reply to the request that was sent last, if it has come. Never waits.
    ///
    /// Fails with [`ErrorKind::Declined`].
    #[inline]
    pub fn try_reply(&mut self) -> Result<Option<Frame>> {
        let Some(id) = self.pending else {
            return Ok(None);
        };
        match self.ring.take_answer(&self.connection.control, id) {
            Ok(Answer::Frame(leased)) => {
                self.pending = None;
                framebus_sys::fault_point!("request.after_take");
                self.frame(leased, Expect::Reply(id)).map(Some)
            }
            Ok(Answer::Declined(len)) => {
                self.pending = None;
                let reason = self.connection.control.read_reason(len as usize);
                Err(ErrorKind::Declined {
                    reason: String::from_utf8_lossy(&reason).into_owned(),
                }
                .into())
            }
            Err(Refused::Nothing) if self.connection.has_ended() => {
                if self.ring.is_answered(&self.connection.control, id) {
                    return self.try_reply();
                }
                self.pending = None;
                Err(ErrorKind::PublisherGone {
                    pid: self.connection.publisher_pid(),
                }
                .into())
            }
            Err(refused) => self.refused(refused),
        }
    }

    /// Waits for the reply to the request that was sent last; `None` after `timeout`, or
    /// if there is no request. The request stands until it is cancelled or replaced.
    #[inline]
    pub fn wait_reply(&mut self, timeout: Option<Duration>) -> Result<Option<Frame>> {
        let mut deadline = Deadline::after(timeout);
        loop {
            if let Some(frame) = self.try_reply()? {
                return Ok(Some(frame));
            }
            let Some(id) = self.pending else {
                return Ok(None);
            };
            self.stats.waits += 1;
            let look =
                move |ring: &SubscriberRing, it: &Connection| ring.is_answered(&it.control, id);
            if !self.wait_until(&mut deadline, look)? {
                return self.try_reply();
            }
        }
    }

    /// Asks for a frame and waits for it. Without a timeout, waits for ever.
    ///
    /// Fails with [`ErrorKind::TimedOut`] (the request is cancelled then),
    /// [`ErrorKind::Declined`], [`ErrorKind::PublisherGone`].
    #[inline]
    pub fn request(&mut self, bytes: &[u8], timeout: Option<Duration>) -> Result<Frame> {
        self.send_request(bytes)?;
        loop {
            if let Some(frame) = self.wait_reply(timeout)? {
                return Ok(frame);
            }
            if let Some(waited) = timeout {
                self.cancel_request();
                return Err(ErrorKind::TimedOut { waited }.into());
            }
        }
    }

    /// Gives up the request that was sent last; a late reply is dropped by its publisher.
    pub fn cancel_request(&mut self) {
        self.pending = None;
        self.ring.cancel_request(&self.connection.control);
    }
}
