//! The command `framebus`.
fn main() {}
