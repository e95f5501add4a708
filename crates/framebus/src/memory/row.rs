//! Rows of pixels in memory that another process may still be writing.

use framebus_sys::volatile;
use std::marker::PhantomData;

/// A row of pixel bytes in shared memory.
///
/// Not a slice: a publisher that breaks the protocol could change the bytes between
/// two looks, which the compiler assumes a slice's cannot. Every access reads the
/// memory once.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    start: *const u8,
    len: usize,
    frame: PhantomData<&'a [u8]>,
}

// SAFETY: reading shared memory by volatile copies is allowed from any thread.
unsafe impl Send for Row<'_> {}
// SAFETY: as above.
unsafe impl Sync for Row<'_> {}

impl<'a> Row<'a> {
    /// # Safety
    ///
    /// `start` is readable for `len` bytes during `'a`.
    pub(crate) unsafe fn new(start: *const u8, len: usize) -> Row<'a> {
        Row {
            start,
            len,
            frame: PhantomData,
        }
    }

    /// Bytes in the row.
    #[allow(clippy::len_without_is_empty)] // no row is empty
    pub fn len(&self) -> usize {
        self.len
    }

    /// The byte at `index`, `None` beyond the row.
    #[inline]
    pub fn get(&self, index: usize) -> Option<u8> {
        // SAFETY: the index is inside the row, which is readable by construction.
        (index < self.len).then(|| unsafe { self.start.add(index).read_volatile() })
    }

    /// Copies bytes from `offset` on into `target`; gives how many there were.
    pub fn copy_from(&self, offset: usize, target: &mut [u8]) -> usize {
        let len = target.len().min(self.len.saturating_sub(offset));
        if len > 0 {
            // SAFETY: offset + len is inside the row; the target is ours and long enough.
            unsafe { volatile::copy_out(self.start.add(offset), target.as_mut_ptr(), len) };
        }
        len
    }

    /// Copies the row into `target`; gives how many bytes were copied, the shorter length of both.
    pub fn copy_to(&self, target: &mut [u8]) -> usize {
        self.copy_from(0, target)
    }

    /// The row as bytes of this process.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        self.copy_to(&mut bytes);
        bytes
    }
}
