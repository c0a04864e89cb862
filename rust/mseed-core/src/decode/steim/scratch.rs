//! Differences of some frames, and their running sums.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_alignr_epi8, _mm256_blendv_epi8, _mm256_cmpgt_epi32,
    _mm256_extract_epi32, _mm256_loadu_si256, _mm256_permute2x128_si256,
    _mm256_permutevar8x32_epi32, _mm256_set1_epi32, _mm256_setr_epi32, _mm256_setzero_si256,
    _mm256_storeu_si256,
};
use std::mem::MaybeUninit;
use std::slice;

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

/// Zeros before the differences: sums over a window reach back to them.
const FRONT: usize = LANES;

/// All lanes of the last word are stored, those too many included.
const ROOM: usize = FRONT + CHUNK * FRAME_DIFFERENCES + STRIDE;

/// Differences to be summed. Places behind those that are filled may hold anything.
pub(super) struct Scratch {
    numbers: [MaybeUninit<i32>; ROOM],
    filled: usize,
}

impl Scratch {
    /// An empty one.
    #[inline]
    pub(super) fn new() -> Self {
        let mut numbers = [const { MaybeUninit::uninit() }; ROOM];
        numbers[..FRONT].fill(MaybeUninit::new(0));
        Self { numbers, filled: 0 }
    }

    /// Where the differences of the next frame go. A frame is one of at most [`CHUNK`].
    #[inline]
    pub(super) fn next_frame(&mut self) -> *mut i32 {
        assert!(self.filled <= (CHUNK - 1) * FRAME_DIFFERENCES);
        self.numbers[FRONT + self.filled..].as_mut_ptr().cast()
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
            self.numbers[FRONT].write(0);
        }
        let rest = &mut out[progress.done..];
        let npts = filled.min(rest.len());
        self.numbers[FRONT + filled..][..LANES].fill(MaybeUninit::new(0));
        let numbers = &self.numbers[..FRONT + filled + LANES];
        // SAFETY: the front and what is behind were written here, all between by the frames.
        let numbers = unsafe { slice::from_raw_parts(numbers.as_ptr().cast(), numbers.len()) };
        progress.value = sum(numbers, progress.value, &mut rest[..npts]);
        progress.done += npts;
    }
}

/// Running sums of the differences behind the [`FRONT`], from `value` on; returns the last. Behind
/// the differences that `out` has room for stand [`LANES`] numbers more.
///
/// Each vector is turned into sums over windows of 2, 4 and 8 differences that reach back into the
/// vector before it; a sum over 8 is what leads from the sum 8 places before. So no vector waits for
/// the last lane of another.
#[target_feature(enable = "avx2")]
#[inline]
fn sum(numbers: &[i32], value: i32, out: &mut [i32]) -> i32 {
    let npts = out.len();
    let differences = &numbers[FRONT..][..npts + LANES];
    // Of all numbers: the front is read through it, too.
    let first = numbers.as_ptr().wrapping_add(FRONT);
    if npts < LANES {
        let mut value = value;
        for (to, from) in out.iter_mut().zip(differences) {
            value = value.wrapping_add(*from);
            *to = value;
        }
        return value;
    }
    let mut windows = Windows::new(value);
    let mut at = 0;
    while at + LANES <= npts {
        // SAFETY: `FRONT` numbers stand before the differences, `LANES` behind them; there is room
        // for a vector in `out`.
        unsafe {
            windows.advance(first.add(at));
            store(out.as_mut_ptr().add(at), windows.sums);
        }
        at += LANES;
    }
    // The last vector of `out` has lanes of the last two sums.
    let whole = windows.sums;
    // SAFETY: as above.
    unsafe { windows.advance(first.add(at)) };
    let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let lanes = _mm256_add_epi32(lanes, _mm256_set1_epi32((npts - at) as i32));
    let last = _mm256_blendv_epi8(
        _mm256_permutevar8x32_epi32(whole, lanes),
        _mm256_permutevar8x32_epi32(windows.sums, lanes),
        _mm256_cmpgt_epi32(lanes, _mm256_set1_epi32(LANES as i32 - 1)),
    );
    // SAFETY: there is room for a vector in `out`.
    unsafe { store(out.as_mut_ptr().add(npts - LANES), last) };
    _mm256_extract_epi32(last, 7)
}

/// Sums that end at each lane of a vector.
struct Windows {
    /// Over two differences.
    twos: __m256i,
    /// Over four.
    fours: __m256i,
    /// Over all.
    sums: __m256i,
}

impl Windows {
    #[target_feature(enable = "avx2")]
    #[inline]
    fn new(value: i32) -> Self {
        Self {
            twos: _mm256_setzero_si256(),
            fours: _mm256_setzero_si256(),
            sums: _mm256_set1_epi32(value),
        }
    }

    /// Go on by a vector of differences.
    ///
    /// # Safety
    /// It must be readable, and the number before it.
    #[target_feature(enable = "avx2")]
    #[inline]
    unsafe fn advance(&mut self, differences: *const i32) {
        // SAFETY: the caller says so, and the loads ask for no alignment.
        let (ones, ones_before) = unsafe {
            (
                _mm256_loadu_si256(differences.cast()),
                _mm256_loadu_si256(differences.sub(1).cast()),
            )
        };
        let twos = _mm256_add_epi32(ones, ones_before);
        let fours = _mm256_add_epi32(twos, two_before(self.twos, twos));
        let eights = _mm256_add_epi32(fours, four_before(self.fours, fours));
        self.sums = _mm256_add_epi32(self.sums, eights);
        (self.twos, self.fours) = (twos, fours);
    }
}

/// # Safety
/// A vector must be writable there.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn store(to: *mut i32, numbers: __m256i) {
    // SAFETY: the caller says so, and the store asks for no alignment.
    unsafe { _mm256_storeu_si256(to.cast(), numbers) };
}

/// The lanes of `this` two places on, behind the last two of `before`.
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
