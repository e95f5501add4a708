//! Which areas of a picture differ from the one before.

use core::fmt;

use crate::{DamageSummary, Extent, HeaderError, Rect};

/// Most areas that one frame can name; the frame header has room for this many.
pub const MAX_DAMAGE_RECTS: usize = 16;

/// The areas that changed against the frame with the sequence number before.
///
/// It may name more than what changed, never less. Nothing here is on the heap.
///
/// ```
/// use framebus_frame::{Damage, Extent, Rect};
/// let cursor = Damage::from_rects(&[Rect::new(10, 10, 16, 16)]);
/// let clock = Damage::from_rects(&[Rect::new(600, 0, 40, 8)]);
/// let both = cursor.union(&clock);
/// assert_eq!(both.rects().len(), 2);
/// assert_eq!(both.bounds(Extent::new(640, 480)?), Rect::new(10, 0, 630, 26));
/// # Ok::<(), framebus_frame::LayoutError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[doc(alias = "dirty")]
#[expect(
    clippy::large_enum_variant,
    reason = "260 bytes in place, so that no frame costs an allocation"
)]
pub enum Damage {
    /// Everything may have changed, or nobody knows.
    #[default]
    All,
    /// Nothing changed.
    None,
    /// Only these areas changed.
    Rects(DamageRects),
}

/// One to sixteen areas, none of them empty; reads like a slice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DamageRects {
    // Entries from `count` on are zero, so that comparing compares what is used.
    rects: [Rect; MAX_DAMAGE_RECTS],
    count: u8,
}

impl DamageRects {
    const EMPTY: DamageRects = DamageRects {
        rects: [Rect::new(0, 0, 0, 0); MAX_DAMAGE_RECTS],
        count: 0,
    };

    /// The areas.
    pub fn as_slice(&self) -> &[Rect] {
        &self.rects[..usize::from(self.count)]
    }

    /// Adds an area that is not empty; two of them become one where there is no more room.
    fn add(&mut self, mut new: Rect) {
        loop {
            if self.as_slice().iter().any(|old| old.contains(new)) {
                return;
            }
            self.retain(|old| !new.contains(old));
            if usize::from(self.count) < MAX_DAMAGE_RECTS {
                self.rects[usize::from(self.count)] = new;
                self.count += 1;
                return;
            }
            // One round merges two of seventeen, so the next finds room or merges further.
            new = self.merge_cheapest(new);
        }
    }

    /// Makes one of the two areas (`new` among them) that waste the least when merged.
    ///
    /// Leaves one place free and returns the area that has to be added.
    fn merge_cheapest(&mut self, new: Rect) -> Rect {
        let mut all = [new; MAX_DAMAGE_RECTS + 1];
        all[..MAX_DAMAGE_RECTS].copy_from_slice(&self.rects);
        let pairs = (0..all.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
        let waste = |&(a, b): &(usize, usize)| {
            let (a, b): (Rect, Rect) = (all[a], all[b]);
            i128::from(a.union(b).area()) - i128::from(a.area()) - i128::from(b.area())
        };
        let (a, b) = pairs.min_by_key(waste).unwrap_or((0, MAX_DAMAGE_RECTS));
        let merged = all[a].union(all[b]);
        *self = DamageRects::EMPTY;
        let others = all.iter().enumerate().filter(|&(i, _)| i != a && i != b);
        for (place, (_, &rect)) in self.rects.iter_mut().zip(others) {
            *place = rect;
            self.count += 1;
        }
        merged
    }

    fn retain(&mut self, keep: impl Fn(Rect) -> bool) {
        let before = *self;
        *self = DamageRects::EMPTY;
        let kept = before.as_slice().iter().filter(|&&rect| keep(rect));
        for (place, &rect) in self.rects.iter_mut().zip(kept) {
            *place = rect;
            self.count += 1;
        }
    }

    fn into_damage(self) -> Damage {
        if self.count == 0 {
            Damage::None
        } else {
            Damage::Rects(self)
        }
    }
}

impl core::ops::Deref for DamageRects {
    type Target = [Rect];

    fn deref(&self) -> &[Rect] {
        self.as_slice()
    }
}

impl fmt::Debug for DamageRects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
    }
}

impl Damage {
    /// Collects areas; empty ones count for nothing, and no areas are `None`.
    ///
    /// Areas inside others are dropped. Where more than [`MAX_DAMAGE_RECTS`] remain, those two
    /// become one that waste the least, again and again.
    pub fn from_rects(rects: &[Rect]) -> Damage {
        let mut collected = DamageRects::EMPTY;
        for &rect in rects.iter().filter(|rect| !rect.is_empty()) {
            collected.add(rect);
        }
        collected.into_damage()
    }

    /// Everything that changed in either.
    pub fn union(&self, other: &Damage) -> Damage {
        match (self, other) {
            (Damage::All, _) | (_, Damage::All) => Damage::All,
            (Damage::None, some) | (some, Damage::None) => *some,
            (Damage::Rects(a), Damage::Rects(b)) => {
                let mut collected = *a;
                for &rect in b.as_slice() {
                    collected.add(rect);
                }
                collected.into_damage()
            }
        }
    }

    /// The part inside a picture; areas that lie wholly outside are dropped.
    pub fn clip(&self, extent: Extent) -> Damage {
        match self {
            Damage::All | Damage::None => *self,
            Damage::Rects(rects) => {
                let mut clipped = [Rect::default(); MAX_DAMAGE_RECTS];
                for (place, rect) in clipped.iter_mut().zip(rects.as_slice()) {
                    *place = rect.clip(extent);
                }
                Damage::from_rects(&clipped)
            }
        }
    }

    /// The smallest area of a picture that holds everything that changed; may be empty.
    pub fn bounds(&self, extent: Extent) -> Rect {
        match self {
            Damage::All => extent.rect(),
            Damage::None => Rect::default(),
            Damage::Rects(rects) => {
                let all = rects.iter().copied();
                all.fold(Rect::default(), Rect::union).clip(extent)
            }
        }
    }

    /// The areas; empty for `All` and `None`.
    pub fn rects(&self) -> &[Rect] {
        match self {
            Damage::Rects(rects) => rects.as_slice(),
            Damage::All | Damage::None => &[],
        }
    }

    /// What the first cache line of the frame header says about it.
    #[inline]
    pub fn summary(&self) -> DamageSummary {
        match self {
            Damage::All => DamageSummary::All,
            Damage::None => DamageSummary::None,
            Damage::Rects(rects) => DamageSummary::Rects(rects.count),
        }
    }

    /// Reads the areas of a frame header: four words each, as many as the summary says.
    ///
    /// Words behind them are ignored. The areas are taken as they are, not merged.
    ///
    /// # Errors
    /// [`HeaderError::DamageCount`] if the summary's count is none of 1 to
    /// [`MAX_DAMAGE_RECTS`], [`HeaderError::DamageWords`] if there are too few words, and
    /// [`HeaderError::DamageRect`] if an area is empty or reaches out of the picture.
    pub fn from_words(
        summary: DamageSummary,
        words: &[u32],
        extent: Extent,
    ) -> Result<Damage, HeaderError> {
        let count = match summary {
            DamageSummary::All => return Ok(Damage::All),
            DamageSummary::None => return Ok(Damage::None),
            DamageSummary::Rects(count) => count,
        };
        summary.check()?;
        let needed = usize::from(count) * 4;
        let words = words.get(..needed).ok_or(HeaderError::DamageWords {
            needed,
            found: words.len(),
        })?;
        let mut rects = DamageRects::EMPTY;
        for (index, four) in words.chunks_exact(4).enumerate() {
            let rect = Rect::new(four[0], four[1], four[2], four[3]);
            if rect.is_empty() || !extent.rect().contains(rect) {
                return Err(HeaderError::DamageRect {
                    index,
                    rect,
                    extent,
                });
            }
            rects.rects[index] = rect;
            rects.count += 1;
        }
        Ok(Damage::Rects(rects))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn small() -> Extent {
        Extent::new(64, 48).unwrap()
    }

    #[test]
    fn nothing_and_everything() {
        assert_eq!(Damage::from_rects(&[]), Damage::None);
        assert_eq!(Damage::from_rects(&[Rect::new(3, 3, 0, 9)]), Damage::None);
        let some = Damage::from_rects(&[Rect::new(1, 2, 3, 4)]);
        assert_eq!(some.union(&Damage::None), some);
        assert_eq!(Damage::None.union(&some), some);
        assert_eq!(some.union(&Damage::All), Damage::All);
        assert_eq!(Damage::All.bounds(small()), small().rect());
        assert!(Damage::None.bounds(small()).is_empty());
    }

    #[test]
    fn contained_areas_are_dropped_both_ways() {
        let outer = Rect::new(0, 0, 20, 20);
        let inner = Rect::new(5, 5, 2, 2);
        for order in [[outer, inner], [inner, outer]] {
            assert_eq!(Damage::from_rects(&order).rects(), &[outer]);
        }
    }

    #[test]
    fn the_two_nearest_are_merged_when_there_are_too_many() {
        // 17 columns far apart but for the last two, which touch.
        let mut rects: Vec<Rect> = (0..16).map(|i| Rect::new(i * 100, 0, 2, 2)).collect();
        rects.push(Rect::new(1502, 0, 2, 2));
        let damage = Damage::from_rects(&rects);
        assert_eq!(damage.rects().len(), 16);
        assert!(damage.rects().contains(&Rect::new(1500, 0, 4, 2)));
        assert!(damage.rects().contains(&Rect::new(0, 0, 2, 2)));
    }

    #[test]
    fn clipping_drops_what_is_outside() {
        let damage = Damage::from_rects(&[Rect::new(60, 40, 10, 10), Rect::new(64, 0, 5, 5)]);
        assert_eq!(damage.clip(small()).rects(), &[Rect::new(60, 40, 4, 8)]);
        let outside = Damage::from_rects(&[Rect::new(64, 0, 5, 5)]);
        assert_eq!(outside.clip(small()), Damage::None);
    }

    #[test]
    fn lying_words_are_refused_with_what_they_said() {
        let words = [60, 40, 5, 8];
        let error = Damage::from_words(DamageSummary::Rects(1), &words, small());
        assert_eq!(
            error,
            Err(HeaderError::DamageRect {
                index: 0,
                rect: Rect::new(60, 40, 5, 8),
                extent: small(),
            })
        );
        let error = Damage::from_words(DamageSummary::Rects(2), &words, small());
        assert_eq!(
            error,
            Err(HeaderError::DamageWords {
                needed: 8,
                found: 4
            })
        );
        for count in [0, 17, 255] {
            let error = Damage::from_words(DamageSummary::Rects(count), &[0; 64], small());
            assert_eq!(
                error,
                Err(HeaderError::DamageCount {
                    kind: 2,
                    count: count.into()
                })
            );
        }
    }

    fn any_rect() -> impl Strategy<Value = Rect> {
        (0u32..80, 0u32..60, 0u32..30, 0u32..30).prop_map(|(x, y, w, h)| Rect::new(x, y, w, h))
    }

    fn covers(damage: &Damage, x: u32, y: u32) -> bool {
        let pixel = Rect::new(x, y, 1, 1);
        damage.rects().iter().any(|rect| rect.contains(pixel))
    }

    proptest! {
        #[test]
        fn no_changed_pixel_is_ever_lost(
            first in proptest::collection::vec(any_rect(), 0..40),
            second in proptest::collection::vec(any_rect(), 0..40),
        ) {
            let union = Damage::from_rects(&first).union(&Damage::from_rects(&second));
            prop_assert!(union.rects().len() <= MAX_DAMAGE_RECTS);
            prop_assert!(union.rects().iter().all(|rect| !rect.is_empty()));
            let clipped = union.clip(small());
            let bounds = union.bounds(small());
            for rect in first.iter().chain(&second) {
                for y in rect.y..rect.y + rect.height {
                    for x in rect.x..rect.x + rect.width {
                        prop_assert!(covers(&union, x, y));
                        if x < 64 && y < 48 {
                            prop_assert!(covers(&clipped, x, y));
                            prop_assert!(bounds.contains(Rect::new(x, y, 1, 1)));
                        }
                    }
                }
            }
        }

        #[test]
        fn words_come_back(rects in proptest::collection::vec(any_rect(), 0..40)) {
            let damage = Damage::from_rects(&rects).clip(small());
            let words: Vec<u32> = damage.rects().iter().flat_map(|r| r.to_words()).collect();
            prop_assert_eq!(Damage::from_words(damage.summary(), &words, small()), Ok(damage));
        }
    }
}
