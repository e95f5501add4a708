//! Shared-memory segments: memory without a name, sealed so that no peer can take
//! it away or write where it must not.
//!
//! Uses sealed memfds on Linux.

use crate::sys::platform::segment as leaf;
use crate::{BorrowedHandle, Handle, Result};
use std::ops::Range;
use std::ptr::NonNull;

/// Who may write a segment, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    /// Written by its creator through the one mapping that existed when it was
    /// sealed; everybody else can only read.
    Live,
    /// Written until [`Segment::freeze`], by nobody afterwards.
    Frozen,
    /// Written by everybody who holds it; its size is fixed.
    Shared,
}

/// One shared-memory object of a fixed size, held by a handle and without a name.
#[derive(Debug)]
pub struct Segment {
    leaf: leaf::SegmentLeaf,
    kind: SegmentKind,
    size: u64,
}

/// What a platform has to provide for [`Segment`] and [`Mapping`].
pub(crate) trait SegmentOps: Sized {
    fn create(label: &str, size: u64) -> Result<Self>;
    fn seal(&self, kind: SegmentKind) -> Result<()>;
    fn freeze(&self) -> Result<()>;
    fn from_handle(handle: Handle) -> Self;
    fn check(&self, kind: SegmentKind, size: u64) -> Result<()>;
    fn map(&self, size: usize, writable: bool) -> Result<NonNull<u8>>;
    fn commit(&self, range: Range<u64>) -> Result<()>;
    fn handle(&self) -> BorrowedHandle<'_>;
    /// # Safety
    ///
    /// `start` and `len` are those of a mapping that `map` made and nobody uses any more.
    unsafe fn unmap(start: NonNull<u8>, len: usize);
    /// Backs `range` of a writable mapping with pages now, not at first touch.
    fn populate(start: NonNull<u8>, range: Range<usize>) -> Result<()>;
}

impl Segment {
    /// Makes a segment of `size` bytes and maps it for writing.
    ///
    /// Seals it as `kind` says. `label` shows up in the kernel's listings of a
    /// process's mappings and means nothing else. No memory is committed yet.
    pub fn create(kind: SegmentKind, size: u64, label: &str) -> Result<(Segment, Mapping)> {
        let leaf = leaf::SegmentLeaf::create(label, size)?;
        let segment = Segment { leaf, kind, size };
        // The kernel refuses new writable mappings of a live segment after the
        // seal, so the only one there will ever be has to exist before it.
        let mapping = segment.map(true)?;
        segment.leaf.seal(kind)?;
        Ok((segment, mapping))
    }

    /// Takes a segment that came from a peer, if it is of `kind` and `size`.
    ///
    /// Checks what the kernel guarantees about it, so that no peer can shrink it
    /// under a reader.
    pub fn from_handle(handle: Handle, kind: SegmentKind, size: u64) -> Result<Segment> {
        let leaf = leaf::SegmentLeaf::from_handle(handle);
        leaf.check(kind, size)?;
        Ok(Segment { leaf, kind, size })
    }

    /// Ends all writing, for ever. Fails while anybody has it mapped for writing.
    pub fn freeze(&self) -> Result<()> {
        self.leaf.freeze()
    }

    /// Maps the whole segment for reading.
    pub fn map_read(&self) -> Result<Mapping> {
        self.map(false)
    }

    /// Maps the whole segment for writing, where its kind still allows that.
    pub fn map_write(&self) -> Result<Mapping> {
        self.map(true)
    }

    fn map(&self, writable: bool) -> Result<Mapping> {
        let len = usize::try_from(self.size).map_err(|_| crate::Error::NoSpace {
            bytes: self.size,
            source: std::io::ErrorKind::OutOfMemory.into(),
        })?;
        let start = self.leaf.map(len, writable)?;
        Ok(Mapping {
            start,
            len,
            writable,
        })
    }

    /// Reserves memory for a range of bytes, so that touching it cannot fail later.
    pub fn commit(&self, range: Range<u64>) -> Result<()> {
        self.leaf.commit(range)
    }

    /// The handle, to be passed to a peer.
    pub fn handle(&self) -> BorrowedHandle<'_> {
        self.leaf.handle()
    }

    /// How it is sealed.
    pub fn kind(&self) -> SegmentKind {
        self.kind
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
}

/// A segment mapped into this process; unmapped on drop.
///
/// A writable mapping is not inherited by a forked child.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    len: usize,
    writable: bool,
}

// SAFETY: a mapping is an address range; it belongs to the process, not to a thread.
unsafe impl Send for Mapping {}
// SAFETY: as above; whoever dereferences the pointer answers for races.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Its first byte. Valid for [`Mapping::len`] bytes while the mapping lives.
    pub fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Its length in bytes.
    #[allow(clippy::len_without_is_empty)] // there are no empty mappings
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether this process may write through it.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// Backs `range` of a writable mapping with pages now, not at first touch.
    pub fn populate(&self, range: Range<usize>) -> Result<()> {
        assert!(
            self.writable && range.start <= range.end && range.end <= self.len,
            "range inside a writable mapping"
        );
        leaf::SegmentLeaf::populate(self.start, range)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `map` made this range, and no reference into it outlives the owner.
        unsafe { leaf::SegmentLeaf::unmap(self.start, self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn a_live_segment_refuses_every_second_writer() {
        let (segment, mapping) = Segment::create(SegmentKind::Live, 65536, "test").unwrap();
        assert!(mapping.is_writable());
        assert!(segment.map_write().is_err());
        let reader = segment.map_read().unwrap();
        // SAFETY: both mappings live and nobody else knows this segment.
        unsafe {
            mapping.as_ptr().add(7).write_volatile(42);
            assert_eq!(reader.as_ptr().add(7).read_volatile(), 42);
        }
    }

    #[test]
    fn a_peer_s_segment_is_checked_for_kind_and_size() {
        let (segment, _mapping) = Segment::create(SegmentKind::Live, 65536, "test").unwrap();
        let copy = || segment.handle().try_clone_to_owned().unwrap();
        Segment::from_handle(copy(), SegmentKind::Live, 65536).unwrap();
        for (kind, size) in [(SegmentKind::Frozen, 65536), (SegmentKind::Live, 65537)] {
            let error = Segment::from_handle(copy(), kind, size).unwrap_err();
            assert!(matches!(error, Error::BadSegment { .. }), "{error}");
        }
    }

    #[test]
    fn a_frozen_segment_waits_for_its_writer_to_go() {
        let (segment, mapping) = Segment::create(SegmentKind::Frozen, 4096, "test").unwrap();
        assert!(segment.freeze().is_err());
        drop(mapping);
        segment.freeze().unwrap();
        assert!(segment.map_write().is_err());
        segment.map_read().unwrap();
    }

    #[test]
    fn a_shared_segment_is_written_by_everybody() {
        let (segment, mapping) = Segment::create(SegmentKind::Shared, 4096, "test").unwrap();
        let other = segment.map_write().unwrap();
        // SAFETY: both mappings live and nobody else knows this segment.
        unsafe {
            other.as_ptr().write_volatile(1);
            assert_eq!(mapping.as_ptr().read_volatile(), 1);
        }
    }

    #[test]
    fn more_than_the_machine_has_is_an_error_with_the_size() {
        // Far more than any machine has, and still an address range that can be mapped.
        let (segment, _mapping) = Segment::create(SegmentKind::Shared, 1 << 46, "test").unwrap();
        let error = segment.commit(0..1 << 46).unwrap_err();
        assert!(
            matches!(error, Error::NoSpace { bytes, .. } if bytes == 1 << 46),
            "{error}"
        );
        // More than there are addresses.
        let error = Segment::create(SegmentKind::Shared, 1 << 48, "test").unwrap_err();
        assert!(
            matches!(error, Error::NoSpace { bytes, .. } if bytes == 1 << 48),
            "{error}"
        );
    }
}
