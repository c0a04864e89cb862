//! Large zeroed buffers, on huge pages where the system has them.
//!
//! A day of one channel is 35 MB: on pages of 4 KiB the first touch of each costs more than reading
//! and decoding what goes into it.

/// From this size on huge pages (2 MiB on most systems) pay.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

/// `length` zeros in one allocation.
pub(crate) fn zeroed<T: Zero>(length: usize) -> Vec<T> {
    let buffer = vec![T::ZERO; length];
    #[cfg(target_os = "linux")]
    advise_huge_pages(&buffer);
    buffer
}

/// Ask for huge pages under a buffer that is not touched yet. Where the system has none, or does
/// not give them, nothing changes.
#[cfg(target_os = "linux")]
fn advise_huge_pages<T>(buffer: &[T]) {
    const PAGE: usize = 4096;
    let bytes = std::mem::size_of_val(buffer);
    if bytes < LARGE {
        return;
    }
    let start = (buffer.as_ptr() as usize).next_multiple_of(PAGE);
    let end = (buffer.as_ptr() as usize + bytes) / PAGE * PAGE;
    // SAFETY: the range lies inside the buffer, and the advice does not change what it holds.
    #[allow(unsafe_code)]
    unsafe {
        libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE);
    }
}

/// Numbers that zero bits are the zero of.
pub(crate) trait Zero: Copy {
    const ZERO: Self;
}

impl Zero for u8 {
    const ZERO: Self = 0;
}

impl Zero for i32 {
    const ZERO: Self = 0;
}

impl Zero for f32 {
    const ZERO: Self = 0.0;
}

impl Zero for f64 {
    const ZERO: Self = 0.0;
}
