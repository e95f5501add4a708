//! The last line of a verb that ran for a while.

use std::fmt;
use std::time::{Duration, Instant};

use crate::table::grouped;

/// Counts frames and says in the end how many there were.
#[derive(Debug)]
pub struct Summary {
    name: String,
    did: &'static str,
    start: Option<Instant>,
    last: Option<Instant>,
    /// Frames so far.
    pub frames: u64,
    notes: Vec<String>,
}

impl Summary {
    /// For the stream `name`, whose frames were `did` (`published`, `received`).
    pub fn new(name: &str, did: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            did,
            start: None,
            last: None,
            frames: 0,
            notes: Vec::new(),
        }
    }

    /// One more frame.
    pub fn frame(&mut self) {
        let now = Instant::now();
        self.start.get_or_insert(now);
        self.last = Some(now);
        self.frames += 1;
    }

    /// Adds something worth telling, as `3 skipped`.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// From the first frame to the last one.
    fn elapsed(&self) -> Duration {
        match (self.start, self.last) {
            (Some(start), Some(last)) => last - start,
            _ => Duration::ZERO,
        }
    }
}

impl fmt::Display for Summary {
    /// `framebus: cam: 120 frames received in 1.98 s (60.1 fps), 0 skipped`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed().as_secs_f64();
        let plural = if self.frames == 1 { "" } else { "s" };
        write!(
            f,
            "framebus: {}: {} frame{plural} {} in {seconds:.2} s",
            self.name,
            grouped(self.frames),
            self.did
        )?;
        if seconds > 0.0 {
            // Between n frames there are n - 1 intervals.
            write!(f, " ({:.1} fps)", (self.frames - 1) as f64 / seconds)?;
        }
        for note in &self.notes {
            write!(f, ", {note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_a_summary_too() {
        let mut summary = Summary::new("cam", "received");
        assert_eq!(
            summary.to_string(),
            "framebus: cam: 0 frames received in 0.00 s"
        );
        summary.frame();
        summary.note("0 skipped");
        assert_eq!(
            summary.to_string(),
            "framebus: cam: 1 frame received in 0.00 s, 0 skipped"
        );
    }
}
