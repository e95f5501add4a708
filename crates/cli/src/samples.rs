//! Times measured, and what share of them was below what.

/// Durations in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    nanos: Vec<u64>,
}

impl Samples {
    /// Later ones are left out: 32 MB hold ten seconds of the fastest stream.
    const MOST: usize = 4_000_000;

    /// Adds one.
    pub fn push(&mut self, nanos: u64) {
        if self.nanos.len() < Self::MOST {
            self.nanos.push(nanos);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.nanos.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nanos.is_empty()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.nanos.clear();
    }

    /// The smallest sample that at least `percent` of all do not exceed; nothing without samples.
    pub fn percentile(&mut self, percent: f64) -> Option<u64> {
        let last = self.nanos.len().checked_sub(1)?;
        let rank = (percent / 100.0 * self.nanos.len() as f64).ceil() as usize;
        let index = rank.saturating_sub(1).min(last);
        let (_, value, _) = self.nanos.select_nth_unstable(index);
        Some(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let mut samples = Samples::default();
        assert_eq!(samples.percentile(50.0), None);
        for nanos in (1..=100).rev() {
            samples.push(nanos);
        }
        assert_eq!(samples.percentile(50.0), Some(50));
        assert_eq!(samples.percentile(99.0), Some(99));
        assert_eq!(samples.percentile(100.0), Some(100));
        assert_eq!(samples.percentile(0.0), Some(1));
        assert_eq!(samples.len(), 100);
    }
}
