//! Typed views of shared memory: the two kinds of word pages, slots, and rows of pixels.
//!
//! All of the crate's unsafe code about foreign memory is in this folder.

mod page;
mod row;
mod slot;

pub(crate) use page::{ControlPage, StreamPage};
pub use row::Row;
pub(crate) use slot::{PixelSegment, SlotView, slot_bytes};
