//! How far a long work is: a line on a terminal, nothing in a pipe.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Redraws per second.
const REDRAW: u8 = 10;

/// A line on standard error that says how many frames passed, and how fast.
///
/// Shows nothing when standard error is no terminal. The line is gone when this is dropped.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Starts; `total` is the number of frames there will be, when that is known.
    pub fn new(what: &str, total: Option<u64>) -> Self {
        let template = match total {
            Some(_) => "{msg} {bar:30} {pos}/{len} frames, {fps}, {eta} left",
            None => "{spinner} {msg} {pos} frames, {fps}, {elapsed}",
        };
        Self::with_template(what, total, template)
    }

    /// Starts for a work of `total` parts that are no frames.
    pub fn parts(what: &str, total: u64) -> Self {
        Self::with_template(what, Some(total), "{msg} {bar:30} {pos} of {len} parts")
    }

    fn with_template(what: &str, total: Option<u64>, template: &str) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(REDRAW);
        let bar = ProgressBar::with_draw_target(total, target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key(
                "fps",
                |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                    let _ = write!(out, "{:.1} fps", state.per_sec());
                },
            ));
        }
        bar.set_message(what.to_owned());
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bar }
    }

    /// One more frame or part passed.
    pub fn tick(&self) {
        self.bar.inc(1);
    }

    /// Writes a line to standard error without breaking into the progress line.
    pub fn say(&self, line: &str) {
        if self.bar.is_hidden() {
            eprintln!("{line}");
        } else {
            self.bar.suspend(|| eprintln!("{line}"));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
