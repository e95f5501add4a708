//! What tests of several processes are made of: peers that do as a test says, pictures that
//! show whether they were torn, peers that break the protocol on purpose, the conformance
//! suite of the platform layer, and the harness that kills.
//!
//! Never published; nothing but tests depends on it.

pub mod child;
pub mod conformance;
pub mod harness;
pub mod numbers;
pub mod pattern;
pub mod peer;
pub mod raw;
pub mod stage;
pub mod sys;
