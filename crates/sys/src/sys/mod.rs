//! The leaves: one folder per platform, and the only place that asks which one it is.

#[cfg(target_os = "linux")]
pub mod linux;
#[cfg(target_os = "linux")]
pub use linux as platform;
