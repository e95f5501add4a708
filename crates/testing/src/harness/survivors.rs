//! Those who live on, and look closely.

use super::record::Record;
use crate::pattern;
use framebus::{ErrorKind, Frame, Subscriber, SubscriberBuilder};
use std::time::Duration;

/// How long a survivor waits before it looks whether all is over.
const LOOK: Duration = Duration::from_millis(100);

/// What one survivor has seen last.
pub(super) struct Witness<'a> {
    who: String,
    record: &'a Record,
    epoch: u32,
    sequence: u64,
    /// Every frame must follow the one before it.
    gapless: bool,
    scratch: Vec<u8>,
}

impl<'a> Witness<'a> {
    pub(super) fn new(who: String, record: &'a Record, gapless: bool) -> Self {
        Witness {
            who,
            record,
            epoch: 0,
            sequence: 0,
            gapless,
            scratch: Vec::new(),
        }
    }

    fn wrong(&self, what: &str) {
        self.record.fail(format!("{}: {what}", self.who));
    }

    /// Checks a frame of the stream: whole, in order, once.
    pub(super) fn see(&mut self, frame: &Frame) {
        self.record.beat(&self.who);
        let (epoch, sequence) = (frame.epoch(), frame.sequence());
        if epoch < self.epoch {
            self.wrong(&format!("epoch {epoch} after {}", self.epoch));
        }
        if epoch != self.epoch {
            self.record.epoch();
            (self.epoch, self.sequence) = (epoch, 0);
        } else if sequence <= self.sequence {
            self.wrong(&format!("sequence {sequence} after {}", self.sequence));
        } else if self.gapless && self.sequence != 0 && sequence != self.sequence + 1 {
            self.wrong(&format!("gap: {sequence} after {}", self.sequence));
        }
        self.sequence = sequence;
        self.look(frame, pattern::frame_seed(epoch, sequence));
        if frame.metadata() != sequence.to_le_bytes() {
            self.wrong(&format!("frame {epoch}/{sequence} has other metadata"));
        }
        self.record.frame();
    }

    /// Checks every pixel.
    pub(super) fn look(&mut self, frame: &Frame, seed: u64) {
        if let Some(at) = pattern::frame_first_wrong(frame, seed, &mut self.scratch) {
            let (epoch, sequence) = (frame.epoch(), frame.sequence());
            let bytes = self.scratch.len();
            self.wrong(&format!("torn: {epoch}/{sequence} at byte {at} of {bytes}"));
        }
    }

    /// After a demotion nobody waits for this one any more: there may be gaps from now on.
    fn allow_gaps(&mut self) {
        self.gapless = false;
    }
}

/// Receives until all is over; keeps the newest `hold` frames and looks at them again.
pub(super) fn receive(who: &str, record: &Record, builder: SubscriberBuilder, hold: usize) {
    let mut subscriber = match builder.connect() {
        Ok(subscriber) => subscriber,
        Err(error) => return record.fail(format!("{who}: {error}")),
    };
    let gapless = who.contains("lossless");
    let mut witness = Witness::new(who.to_owned(), record, gapless);
    let mut held = std::collections::VecDeque::new();
    while !record.is_over() {
        match subscriber.recv_timeout(LOOK) {
            Ok(Some(frame)) => {
                witness.see(&frame);
                held.push_back(frame);
                while held.len() > hold {
                    held.pop_front();
                }
                if let Some(oldest) = held.front() {
                    let seed = pattern::frame_seed(oldest.epoch(), oldest.sequence());
                    witness.look(oldest, seed);
                }
            }
            Ok(None) => {}
            Err(error) if matches!(error.kind(), ErrorKind::Demoted) => {
                record.demotion();
                witness.allow_gaps();
            }
            // At the end everybody leaves.
            Err(_) if record.is_over() => break,
            Err(error) => record.fail(format!("{who}: {error}")),
        }
    }
    record.rest(who);
}

/// Requests until all is over; every reply must be the one that was asked for.
pub(super) fn request(who: &str, record: &Record, builder: SubscriberBuilder) {
    let mut subscriber: Subscriber = match builder.connect() {
        Ok(subscriber) => subscriber,
        Err(error) => return record.fail(format!("{who}: {error}")),
    };
    let mut witness = Witness::new(who.to_owned(), record, false);
    let mut number = 0_u64;
    while !record.is_over() {
        number += 1;
        // Short ones travel elsewhere than long ones.
        let mut bytes = vec![7; if number.is_multiple_of(4) { 900 } else { 16 }];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        match subscriber.request(&bytes, Some(Duration::from_millis(40))) {
            Ok(frame) => {
                record.beat(who);
                witness.look(&frame, pattern::reply_seed(&bytes));
                record.reply();
            }
            // Whoever should have answered is dead, or stopped.
            Err(error) => match error.kind() {
                ErrorKind::TimedOut { .. } | ErrorKind::PublisherGone { .. } => {
                    std::thread::sleep(Duration::from_micros(500));
                }
                _ => record.fail(format!("{who}: {error}")),
            },
        }
    }
    record.rest(who);
}
