//! A frame while it is read.

use super::connection::Connection;
use crate::memory::{PixelSegment, Row, SlotView};
use crate::ring::subscriber::end_lease;
use framebus_frame::{AlphaMode, ClockDomain, Colour, Damage, Descriptor, FrameLayout, HotLine};
use framebus_sys::clock::monotonic_ns;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A mapped segment, and the connection that its leases go through.
#[derive(Debug)]
pub(crate) struct MappedSegment {
    pub(crate) serial: u32,
    pub(crate) pixels: PixelSegment,
    pub(crate) connection: Arc<Connection>,
}

/// A published frame, in the memory it was painted in. While it lives, its slot is not
/// painted again; dropping it ends that lease.
///
/// The header was copied out and checked when the frame was received. The pixels were
/// not: they are read where they are, as [`Row`]s or by copies, because a publisher that
/// breaks the protocol could still change them. [`Frame::bytes`] gives a slice where
/// that has been ruled out.
#[doc(alias = "sample")]
#[doc(alias = "image buffer")]
pub struct Frame {
    pub(crate) segment: Arc<MappedSegment>,
    pub(crate) view: SlotView,
    pub(crate) entry: usize,
    pub(crate) hot: HotLine,
    pub(crate) descriptor: Descriptor,
    /// In a box because it is large and rare.
    pub(crate) rects: Option<Box<Damage>>,
    pub(crate) metadata: Box<[u8]>,
    pub(crate) trusted: bool,
}

impl Frame {
    /// Format, size and where the rows lie.
    pub fn layout(&self) -> &FrameLayout {
        &self.descriptor.layout
    }

    /// Its place in the stream, from 1. Of a reply: its place among the replies.
    pub fn sequence(&self) -> u64 {
        self.hot.sequence
    }

    /// Which start of the publisher it is from.
    pub fn epoch(&self) -> u32 {
        self.hot.epoch
    }

    /// The request that it answers, if it is a reply.
    pub fn request_id(&self) -> Option<u32> {
        self.hot.request_id
    }

    /// When it was published, in nanoseconds of [`now_ns`](crate::now_ns).
    pub fn publish_time_ns(&self) -> u64 {
        self.hot.publish_time_ns
    }

    /// How long ago it was published.
    pub fn latency(&self) -> Duration {
        Duration::from_nanos(monotonic_ns().saturating_sub(self.hot.publish_time_ns))
    }

    /// When the source took the picture, if it said: nanoseconds, and of which clock.
    pub fn source_time(&self) -> Option<(u64, ClockDomain)> {
        self.hot
            .source_time_ns
            .map(|ns| (ns, self.hot.clock_domain))
    }

    /// What differs from the frame with the sequence before this one's. For what differs
    /// from the frame you saw last, ask
    /// [`Subscriber::damage_since`](crate::Subscriber::damage_since).
    pub fn damage(&self) -> Damage {
        match (&self.rects, self.hot.damage) {
            (Some(rects), _) => **rects,
            (None, framebus_frame::DamageSummary::None) => Damage::None,
            (None, _) => Damage::All,
        }
    }

    /// The user's metadata.
    pub fn metadata(&self) -> &[u8] {
        &self.metadata
    }

    /// What the sample values mean.
    pub fn colour(&self) -> Colour {
        self.descriptor.colour
    }

    /// What the alpha samples mean.
    pub fn alpha(&self) -> AlphaMode {
        self.descriptor.alpha
    }

    /// Row `y` of a plane, without padding; `None` if there is no such row.
    pub fn row(&self, plane: usize, y: u32) -> Option<Row<'_>> {
        let range = self.layout().row_range(plane, y)?;
        // SAFETY: the layout fits the slot (checked when the frame was received), and the
        // segment is mapped while `self` lives.
        Some(unsafe { Row::new(self.view.pixels().add(range.start), range.len()) })
    }

    /// All pixel bytes, planes and padding, as one row.
    pub fn pixels(&self) -> Row<'_> {
        // SAFETY: as in `row`.
        unsafe { Row::new(self.view.pixels(), self.layout().byte_len() as usize) }
    }

    /// Copies all pixel bytes, planes and padding, into `target`; gives how many were
    /// copied: [`FrameLayout::byte_len`], or less if `target` is shorter.
    pub fn copy_to(&self, target: &mut [u8]) -> usize {
        self.pixels().copy_to(target)
    }

    /// All pixel bytes, planes and padding, as bytes of this process.
    pub fn to_vec(&self) -> Vec<u8> {
        self.pixels().to_vec()
    }

    /// All pixel bytes as a slice, without a copy; `None` unless the subscriber was told
    /// to trust its publisher
    /// ([`SubscriberBuilder::trust_publisher`](crate::SubscriberBuilder::trust_publisher)).
    pub fn bytes(&self) -> Option<&[u8]> {
        // SAFETY: as in `row`; and whoever set `trusted` has promised that the publisher
        // follows the protocol, so nobody writes these bytes while the lease lasts.
        self.trusted.then(|| unsafe {
            std::slice::from_raw_parts(
                self.view.pixels(),
                self.descriptor.layout.byte_len() as usize,
            )
        })
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        end_lease(&self.segment.connection.control, self.entry);
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("sequence", &self.sequence())
            .field("layout", self.layout())
            .field("damage", &self.damage())
            .field("metadata", &self.metadata.len())
            .finish_non_exhaustive()
    }
}
