//! Large buffers, on huge pages where the system has them.
//!
//! A day of one channel is 35 MB: on pages of 4 KiB the first touch of each costs more than reading
//! and decoding what goes into it.

#[cfg(target_os = "linux")]
pub(crate) use pages::Pages;
#[cfg(not(target_os = "linux"))]
pub(crate) use vector::Pages;

/// Size of a huge page on most systems.
const HUGE_PAGE: usize = 2 << 20;

/// From this size on they pay.
const LARGE: usize = 2 * HUGE_PAGE;

/// `length` zeros in one allocation. A large one ends with a huge page, not with hundreds of small
/// ones: its capacity is the larger for it.
pub(crate) fn zeroed<T: Zero>(length: usize) -> Vec<T> {
    let bytes = length.saturating_mul(size_of::<T>());
    if bytes < LARGE {
        return vec![T::ZERO; length];
    }
    let mut buffer = vec![T::ZERO; whole_pages(bytes) / size_of::<T>()];
    #[cfg(target_os = "linux")]
    advise_huge_pages(&buffer);
    buffer.truncate(length);
    buffer
}

/// Bytes up to the end of the last huge page.
fn whole_pages(bytes: usize) -> usize {
    bytes.checked_next_multiple_of(HUGE_PAGE).unwrap_or(bytes)
}

/// Ask for huge pages under a buffer that is not touched yet. Where the system has none, or does
/// not give them, nothing changes.
#[cfg(target_os = "linux")]
fn advise_huge_pages<T>(buffer: &[T]) {
    const PAGE: usize = 4096;
    let bytes = size_of_val(buffer);
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

/// Memory from the system itself. An allocator keeps what it once had and gives it back in pieces,
/// so that a buffer as long as a file stands on small pages, some of them returned in between.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
mod pages {
    use std::io;
    use std::ops::{Deref, DerefMut};
    use std::ptr::{self, NonNull};

    /// Zeroed bytes in pages of their own.
    #[derive(Debug)]
    pub(crate) struct Pages {
        start: NonNull<u8>,
        length: usize,
        /// The same, up to the end of the last page.
        mapped: usize,
    }

    // SAFETY: the pages belong to the value alone, as those of a `Vec` do.
    unsafe impl Send for Pages {}
    // SAFETY: shared references only read.
    unsafe impl Sync for Pages {}

    impl Pages {
        /// `length` zeros.
        ///
        /// # Errors
        /// When the system has no memory left.
        pub(crate) fn new(length: usize) -> io::Result<Self> {
            if length == 0 {
                let start = NonNull::dangling();
                return Ok(Self {
                    start,
                    length,
                    mapped: 0,
                });
            }
            let mapped = match length < super::LARGE {
                true => length,
                false => super::whole_pages(length),
            };
            // SAFETY: a private mapping of no file at a place that the system chooses touches
            // nothing that exists.
            let place = unsafe {
                libc::mmap(
                    ptr::null_mut(),
                    mapped,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                    -1,
                    0,
                )
            };
            let start = NonNull::new(place.cast()).filter(|_| place != libc::MAP_FAILED);
            let start = start.ok_or_else(io::Error::last_os_error)?;
            let mut pages = Self {
                start,
                length: mapped,
                mapped,
            };
            if mapped >= super::LARGE {
                super::advise_huge_pages(&pages);
            }
            pages.length = length;
            Ok(pages)
        }
    }

    impl Deref for Pages {
        type Target = [u8];

        fn deref(&self) -> &[u8] {
            // SAFETY: the mapping has that many bytes, zeroed by the system.
            unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
        }
    }

    impl DerefMut for Pages {
        fn deref_mut(&mut self) -> &mut [u8] {
            // SAFETY: as above, and the borrow is unique.
            unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
        }
    }

    impl Drop for Pages {
        fn drop(&mut self) {
            if self.mapped > 0 {
                // SAFETY: the mapping was made with this length, and nothing borrows it any more.
                unsafe { libc::munmap(self.start.as_ptr().cast(), self.mapped) };
            }
        }
    }
}

/// The same from the allocator.
#[cfg(not(target_os = "linux"))]
mod vector {
    use std::io;
    use std::ops::{Deref, DerefMut};

    /// Zeroed bytes.
    #[derive(Debug)]
    pub(crate) struct Pages(Vec<u8>);

    impl Pages {
        /// `length` zeros.
        pub(crate) fn new(length: usize) -> io::Result<Self> {
            Ok(Self(vec![0; length]))
        }
    }

    impl Deref for Pages {
        type Target = [u8];

        fn deref(&self) -> &[u8] {
            &self.0
        }
    }

    impl DerefMut for Pages {
        fn deref_mut(&mut self) -> &mut [u8] {
            &mut self.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_zeroed_and_of_their_length() {
        for length in [0, 1, 4095, 4097, (4 << 20) + 3] {
            let vector: Vec<i32> = zeroed(length);
            assert_eq!(vector, vec![0; length]);
            let mut pages = Pages::new(length).expect("memory");
            assert!(pages.len() == length && pages.iter().all(|b| *b == 0));
            if let Some(last) = pages.last_mut() {
                *last = 7;
            }
            assert_eq!(pages.last().copied(), (length > 0).then_some(7));
        }
    }
}
