//! Copies out of and into memory that another process may be changing meanwhile.
//!
//! The compiler must not assume that such memory keeps its value between two reads,
//! and must not read it twice. On x86-64 the copy is one instruction the compiler
//! cannot see into; elsewhere it is a loop of volatile words.

/// Copies `len` bytes out of shared memory.
///
/// # Safety
///
/// `from` is readable and `to` writable for `len` bytes; `to` is memory of this
/// process alone, and the two do not overlap.
#[inline]
pub unsafe fn copy_out(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the caller's promise is the one asked for.
    unsafe { copy(from, to, len) }
}

/// Copies `len` bytes into shared memory.
///
/// # Safety
///
/// `from` is readable and `to` writable for `len` bytes; `from` is memory of this
/// process alone, and the two do not overlap.
#[inline]
pub unsafe fn copy_in(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the caller's promise is the one asked for.
    unsafe { copy(from, to, len) }
}

/// Asks the processor to have the line at `address` ready for writing, off the path on
/// which it will be written. Changes nothing; any address will do.
#[inline]
pub fn prefetch_for_write(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a hint, which does not fault whatever the address.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) address, options(nostack, preserves_flags));
    }
    #[cfg(any(not(target_arch = "x86_64"), miri))]
    let _ = address;
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: reads and writes exactly the two ranges that the caller vouches for. The
    // direction flag is clear by the calling convention.
    unsafe {
        std::arch::asm!(
            "rep movsb",
            inout("rcx") len => _,
            inout("rsi") from => _,
            inout("rdi") to => _,
            options(nostack, preserves_flags)
        );
    }
}

#[cfg(any(not(target_arch = "x86_64"), miri))]
#[inline]
unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    const WORD: usize = size_of::<usize>();
    let mut at = 0;
    if from.align_offset(WORD) == to.align_offset(WORD) {
        let head = from.align_offset(WORD).min(len);
        // SAFETY: all offsets stay below `len`; the words are aligned after the head.
        unsafe {
            while at < head {
                to.add(at).write_volatile(from.add(at).read_volatile());
                at += 1;
            }
            while at + WORD <= len {
                let word = from.add(at).cast::<usize>().read_volatile();
                to.add(at).cast::<usize>().write_volatile(word);
                at += WORD;
            }
        }
    }
    while at < len {
        // SAFETY: `at` is below `len`.
        unsafe { to.add(at).write_volatile(from.add(at).read_volatile()) };
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_alignment_and_length_is_copied_exactly() {
        let source: Vec<u8> = (0..=255).collect();
        for offset in 0..9 {
            for to_offset in 0..9 {
                for len in [0, 1, 7, 8, 9, 31, 64, 200] {
                    let mut target = vec![0u8; 256];
                    // SAFETY: offset + len <= 209 < 256 on both sides.
                    unsafe {
                        super::copy_out(
                            source.as_ptr().add(offset),
                            target.as_mut_ptr().add(to_offset),
                            len,
                        )
                    };
                    assert_eq!(
                        target[to_offset..to_offset + len],
                        source[offset..offset + len]
                    );
                    assert!(target[to_offset + len..].iter().all(|&byte| byte == 0));
                }
            }
        }
    }
}
