//! The protocol of a stream as a pure state machine over shared 32-bit words.
//!
//! No files, names, clocks or system calls, so that loom can run every
//! interleaving. The publisher's half is [`publisher::PublisherRing`], a
//! subscriber's is [`subscriber::SubscriberRing`], and [`page`] says where the
//! words lie. docs/memory-layout.md is the same for other languages.
//!
//! Two arguments carry everything; each place that relies on one names it.
//!
//! **Lease.** A subscriber stores its lease, fences (SeqCst), and then reads what is
//! published. The publisher stores what is published, fences (SeqCst), and then
//! reads the leases. Of two such fences one comes first. If the subscriber's does,
//! the publisher sees the lease. If the publisher's does, the subscriber sees the
//! newer publication and gives the slot up unread. Acquire and release alone would
//! let both sides miss each other (a store may pass a later load).
//!
//! **Wake.** A waiter stores its flag, fences, and looks once more before it sleeps.
//! The other side stores the news, fences, and then reads the flag. The same two
//! cases: either the waiter sees the news or the other side sees the flag.

pub(crate) mod page;
pub(crate) mod publisher;
pub(crate) mod slots;
pub(crate) mod subscriber;
pub(crate) mod word;

#[cfg(all(test, loom))]
mod loom_tests;
