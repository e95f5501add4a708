//! The parts of the command `framebus` that stand on their own.
//!
//! The command is one file per verb in [`verbs`], and everything it understands is in [`args`].
//! What the verbs share is beside them, so that tests and fuzzers reach it: the [`y4m`] reader
//! and writer, the test [`pattern`], [`source`]s and [`sink`]s of frames, small pictures in a
//! terminal ([`preview`]).
#![forbid(unsafe_code)]

pub mod args;
pub mod error;
pub mod input;
pub mod pattern;
pub mod peer;
pub mod preview;
pub mod progress;
pub mod rate;
pub mod samples;
pub mod signals;
pub mod sink;
pub mod source;
pub mod summary;
pub mod sys;
pub mod table;
pub mod verbs;
pub mod work;
pub mod y4m;
