//! Damage over several frames, for viewers that skip some.

use super::frame::Frame;
use super::subscriber::Subscriber;
use crate::ring::page::{DAMAGE_RECTS, LOG_LEN};
use crate::sync::{Ordering, fence, load_acquire};
use framebus_frame::{Damage, DamageSummary, Rect};

impl Subscriber {
    /// What differs between `frame` and the picture with the sequence `since`: the union
    /// of all damage in between, or All where that is not known.
    pub fn damage_since(&self, frame: &Frame, since: u64) -> Damage {
        let newest = frame.sequence();
        if frame.epoch() != self.connection.epoch
            || frame.request_id().is_some()
            || since == 0
            || since > newest
        {
            return Damage::All;
        }
        if since == newest {
            return Damage::None;
        }
        if newest - since >= LOG_LEN as u64 {
            return Damage::All;
        }
        (since + 1..newest).fold(frame.damage(), |all, sequence| {
            all.union(&self.logged_damage(sequence))
        })
    }

    /// The damage of a frame that was skipped, as its publisher has left it.
    fn logged_damage(&self, sequence: u64) -> Damage {
        let record = &self.connection.page.damage[sequence as usize % LOG_LEN];
        if load_acquire(&record.sequence) != sequence as u32 {
            return Damage::All;
        }
        let kind = record.kind.load(Ordering::Relaxed);
        let mut rects = [Rect::default(); DAMAGE_RECTS];
        for (rect, words) in rects.iter_mut().zip(&record.rects) {
            let (at, size) = (
                words[0].load(Ordering::Relaxed),
                words[1].load(Ordering::Relaxed),
            );
            *rect = Rect::new(at & 0xFFFF, at >> 16, size & 0xFFFF, size >> 16);
        }
        // Pairs with the release fence of `FrameMut::log_damage`: if any word above was of
        // a later record, this sees that record's sequence.
        fence(Ordering::Acquire);
        if record.sequence.load(Ordering::Relaxed) != sequence as u32 {
            return Damage::All;
        }
        match DamageSummary::from_codes(kind as u16, (kind >> 16) as u16) {
            Ok(DamageSummary::None) => Damage::None,
            Ok(DamageSummary::Rects(count)) => Damage::from_rects(&rects[..usize::from(count)]),
            Ok(DamageSummary::All) | Err(_) => Damage::All,
        }
    }
}
