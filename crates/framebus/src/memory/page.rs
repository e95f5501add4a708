//! The stream page and the control pages, laid over their mappings.

use crate::ring::page::{
    CONTROL_BYTES, ControlWords, MAX_REASON, MAX_REQUEST, REASON_OFFSET, REQUEST_OFFSET,
    STREAM_BYTES, StreamWords,
};
use framebus_sys::segment::Mapping;
use framebus_sys::volatile;
use std::ops::Deref;
use std::sync::Arc;

/// A stream page in this process.
#[derive(Clone, Debug)]
pub(crate) struct StreamPage(Arc<Mapping>);

impl StreamPage {
    pub(crate) fn new(mapping: Mapping) -> StreamPage {
        assert_eq!(
            mapping.len() as u64,
            STREAM_BYTES,
            "the size was checked before"
        );
        StreamPage(Arc::new(mapping))
    }
}

impl Deref for StreamPage {
    type Target = StreamWords;

    #[inline]
    fn deref(&self) -> &StreamWords {
        // SAFETY: the mapping is as long as `StreamWords` is at least, aligned to a page,
        // and lives as long as `self`. The words are atomics, so that others may write
        // them; subscribers, whose mapping is read-only, only load them.
        unsafe { &*self.0.as_ptr().cast::<StreamWords>() }
    }
}

/// A subscriber's control page in this process.
#[derive(Clone, Debug)]
pub(crate) struct ControlPage(Arc<Mapping>);

impl ControlPage {
    pub(crate) fn new(mapping: Arc<Mapping>) -> ControlPage {
        assert!(
            mapping.is_writable() && mapping.len() as u64 == CONTROL_BYTES,
            "the size was checked before"
        );
        ControlPage(mapping)
    }

    /// The bytes of a long request; `len` is not trusted.
    pub(crate) fn read_request(&self, len: usize) -> Vec<u8> {
        self.read(REQUEST_OFFSET, len.min(MAX_REQUEST))
    }

    pub(crate) fn write_request(&self, bytes: &[u8]) {
        self.write(REQUEST_OFFSET, &bytes[..bytes.len().min(MAX_REQUEST)]);
    }

    /// The reason of a declined request; `len` is not trusted.
    pub(crate) fn read_reason(&self, len: usize) -> Vec<u8> {
        self.read(REASON_OFFSET, len.min(MAX_REASON))
    }

    pub(crate) fn write_reason(&self, bytes: &[u8]) {
        self.write(REASON_OFFSET, &bytes[..bytes.len().min(MAX_REASON)]);
    }

    fn read(&self, offset: usize, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        // SAFETY: offset + len is inside the page: both limits were applied by the
        // callers and add up to less than its size (asserted where they are defined).
        unsafe { volatile::copy_out(self.0.as_ptr().add(offset), bytes.as_mut_ptr(), len) };
        bytes
    }

    fn write(&self, offset: usize, bytes: &[u8]) {
        // SAFETY: as in `read`; the mapping is writable.
        unsafe { volatile::copy_in(bytes.as_ptr(), self.0.as_ptr().add(offset), bytes.len()) };
    }
}

impl Deref for ControlPage {
    type Target = ControlWords;

    #[inline]
    fn deref(&self) -> &ControlWords {
        // SAFETY: as for the stream page; this mapping is writable on both sides.
        unsafe { &*self.0.as_ptr().cast::<ControlWords>() }
    }
}
