//! Streams: publishers, subscribers and the frames between them.

mod connection;
mod damage_log;
mod frame;
mod frame_mut;
pub(crate) mod handover;
pub(crate) mod protocol;
mod publisher;
mod service;
mod store;
mod subscriber;
#[cfg(feature = "async")]
mod subscriber_async;
mod subscriber_builder;

pub use frame::Frame;
pub use frame_mut::FrameMut;
pub use handover::{Export, Ticket};
pub use publisher::{MAX_SLOTS, MAX_SUBSCRIBERS, Publisher, PublisherBuilder, PublisherStats};
pub use subscriber::{Subscriber, SubscriberStats};
#[cfg(feature = "async")]
pub use subscriber_async::Frames;
pub use subscriber_builder::SubscriberBuilder;

pub(crate) use connection::Connection;
pub(crate) use publisher::wake;
pub(crate) use subscriber::Expect;
