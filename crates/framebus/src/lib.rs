//! Moves pictures between processes without copying them.
//!
//! A [`Publisher`] paints frames into memory that its [`Subscriber`]s have mapped
//! already; publishing one is a store and, for those who sleep, a wake. See the README
//! for a tour, ARCHITECTURE.md for why it is built this way, and docs/memory-layout.md
//! for the bytes, which other languages can follow without this crate.
//!
//! ```no_run
//! use framebus::{Extent, FrameLayout, PixelFormat, Publisher};
//!
//! let layout = FrameLayout::packed(PixelFormat::Bgra8, Extent::new(500, 300)?)?;
//! let mut publisher = Publisher::create("cam")?;
//! loop {
//!     let mut frame = publisher.loan(&layout)?;
//!     frame.bytes_mut().fill(0x40); // paint, straight into shared memory
//!     frame.publish();
//! }
//! # #[allow(unreachable_code)]
//! # Ok::<(), framebus::Error>(())
//! ```
//!
//! ```no_run
//! use framebus::Subscriber;
//!
//! let mut subscriber = Subscriber::connect("cam")?;
//! loop {
//!     let frame = subscriber.recv()?; // the newest one, where it was painted
//!     println!("{} after {:?}", frame.sequence(), frame.latency());
//! }
//! # #[allow(unreachable_code)]
//! # Ok::<(), framebus::Error>(())
//! ```

#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
#[doc(hidden)]
pub mod layout_facts;
#[cfg(not(loom))]
mod memory;
#[cfg(not(loom))]
pub mod registry;
#[cfg(not(loom))]
mod request;
mod ring;
#[cfg(not(loom))]
mod stream;
mod sync;
#[cfg(not(loom))]
mod wait;

#[cfg(not(loom))]
mod api {
    pub use crate::error::{Error, ErrorKind, Result};
    pub use crate::memory::Row;
    pub use crate::request::{Answered, Request};
    #[cfg(feature = "async")]
    pub use crate::stream::Frames;
    pub use crate::stream::{
        Export, Frame, FrameMut, MAX_SLOTS, MAX_SUBSCRIBERS, Publisher, PublisherBuilder,
        PublisherStats, Subscriber, SubscriberBuilder, SubscriberStats, Ticket,
    };
    pub use crate::wait::Wait;
    pub use framebus_frame::*;

    /// Nanoseconds of the clock that publish times are given in; the same in every process.
    pub fn now_ns() -> u64 {
        framebus_sys::clock::monotonic_ns()
    }

    #[doc(hidden)]
    pub use crate::stream::protocol::fuzz_message;
}
#[cfg(not(loom))]
pub use api::*;

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
