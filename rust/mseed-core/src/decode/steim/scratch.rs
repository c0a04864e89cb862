//! Differences of some frames, and their running sums.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_alignr_epi8, _mm256_loadu_si256, _mm256_permute2x128_si256,
    _mm256_set1_epi32, _mm256_setzero_si256, _mm256_storeu_si256,
};
use std::mem::MaybeUninit;

use super::layout::MOST;
use super::{Progress, WORDS};

/// Frames between two runs of sums: 7 KiB of differences, so that these, the samples and the
/// tables stay in the first-level cache.
pub(super) const CHUNK: usize = 16;

/// The most numbers that are stored with one word or group of words, those too many included.
pub(super) const STRIDE: usize = 16;

/// Numbers in a vector of the sums.
const LANES: usize = 8;

/// The most differences of a frame.
const FRAME_DIFFERENCES: usize = (WORDS - 1) * MOST;

/// All lanes of the last word are stored, those too many included.
const ROOM: usize = CHUNK * FRAME_DIFFERENCES + STRIDE;

/// Differences to be summed. Places behind those that are filled may hold anything.
pub(super) struct Scratch {
    numbers: [MaybeUninit<i32>; ROOM],
    filled: usize,
}

impl Scratch {
    /// An empty one.
    #[inline]
    pub(super) fn new() -> Self {
        Self {
            numbers: [const { MaybeUninit::uninit() }; ROOM],
            filled: 0,
        }
    }

    /// Where the differences of the next frame go. A frame is one of at most [`CHUNK`].
    #[inline]
    pub(super) fn next_frame(&mut self) -> *mut i32 {
        assert!(self.filled <= (CHUNK - 1) * FRAME_DIFFERENCES);
        self.numbers[self.filled..].as_mut_ptr().cast()
    }

    /// Count the differences of a frame in.
    ///
    /// # Safety
    /// That many numbers have been written from [`Scratch::next_frame`] on.
    #[inline]
    pub(super) unsafe fn add(&mut self, differences: usize) {
        debug_assert!(differences <= FRAME_DIFFERENCES);
        self.filled += differences;
    }

    /// Write the running sums to `out` from `progress` on, and empty the scratch.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn sum_into(&mut self, progress: &mut Progress, out: &mut [i32]) {
        let filled = std::mem::take(&mut self.filled);
        if filled == 0 {
            return;
        }
        if progress.done == 0 {
            // The first sample is given; the difference that leads to it is not needed.
            self.numbers[0].write(0);
        }
        let rest = &mut out[progress.done..];
        let npts = filled.min(rest.len());
        progress.value = sum(&self.numbers[..filled], progress.value, &mut rest[..npts]);
        progress.done += npts;
    }
}

/// Running sums of the differences, from `value` on; returns the last.
///
/// Each vector is turned into sums over windows of 2, 4 and 8 differences that reach back into the
/// vector before it; a sum over 8 is what leads from the sum 8 places before. So no vector waits for
/// the last lane of another.
#[target_feature(enable = "avx2")]
#[inline]
fn sum(differences: &[MaybeUninit<i32>], value: i32, out: &mut [i32]) -> i32 {
    let zero = _mm256_setzero_si256();
    let (mut ones, mut twos, mut fours) = (zero, zero, zero);
    let mut sums = _mm256_set1_epi32(value);
    let (sources, rest_of_sources) = differences.as_chunks::<LANES>();
    let (whole, rest) = out.as_chunks_mut::<LANES>();
    for (to, from) in whole.iter_mut().zip(sources) {
        // SAFETY: 32 readable bytes that were written before, 32 writable ones; neither needs to
        // be aligned.
        let one = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
        let two = _mm256_add_epi32(one, one_before(ones, one));
        let four = _mm256_add_epi32(two, two_before(twos, two));
        let eight = _mm256_add_epi32(four, four_before(fours, four));
        sums = _mm256_add_epi32(sums, eight);
        // SAFETY: as above.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), sums) };
        (ones, twos, fours) = (one, two, four);
    }
    let mut value = whole.last().map_or(value, |last| last[LANES - 1]);
    let left = sources.get(whole.len()).map_or(rest_of_sources, |s| s);
    for (to, from) in rest.iter_mut().zip(left) {
        // SAFETY: what stands before `filled` was written.
        value = value.wrapping_add(unsafe { from.assume_init() });
        *to = value;
    }
    value
}

/// The lanes of `this` one place on, behind the last one of `before`.
#[target_feature(enable = "avx2")]
#[inline]
fn one_before(before: __m256i, this: __m256i) -> __m256i {
    let middle = _mm256_permute2x128_si256(before, this, 0x21);
    _mm256_alignr_epi8(this, middle, 12)
}

/// The same two places on.
#[target_feature(enable = "avx2")]
#[inline]
fn two_before(before: __m256i, this: __m256i) -> __m256i {
    let middle = _mm256_permute2x128_si256(before, this, 0x21);
    _mm256_alignr_epi8(this, middle, 8)
}

/// The same four places on.
#[target_feature(enable = "avx2")]
#[inline]
fn four_before(before: __m256i, this: __m256i) -> __m256i {
    _mm256_permute2x128_si256(before, this, 0x21)
}
