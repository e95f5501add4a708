//! The bodies of the fuzz targets, one file each.
//!
//! A file uses the crate it tests and nothing else, so that the tests of that crate can include
//! it and run it with made-up bytes on a stable compiler.

mod frame_header;
mod handshake;
mod y4m;

pub use frame_header::frame_header;
pub use handshake::handshake;
pub use y4m::y4m;
