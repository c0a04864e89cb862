//! Whole frames at a time with AVX2.
//!
//! A word is spread over 8 lanes; two shifts by amounts that differ from lane to lane cut out its
//! differences; all 8 lanes are stored and the place advances by the true number, so that the next
//! word overwrites the lanes too many. Nothing depends on the data but that place. The sums follow,
//! 8 at a time, from a scratch that stays in the first-level cache.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_castsi256_ps, _mm256_loadu_si256, _mm256_movemask_ps,
    _mm256_or_si256, _mm256_set1_epi32, _mm256_setr_epi8, _mm256_setr_epi32, _mm256_shuffle_epi8,
    _mm256_slli_epi32, _mm256_sllv_epi32, _mm256_srav_epi32, _mm256_srli_epi32, _mm256_srlv_epi32,
    _mm256_storeu_si256,
};

use super::groups;
use super::layout::{Table, Version};
use super::scratch::{CHUNK, Scratch};
use super::{FRAME, Progress, WORDS};
use crate::decode::path::Path;

/// Numbers in a vector.
const LANES: usize = 8;

/// Decode the whole frames of a payload until `out` is full or one has an undefined code.
pub(super) fn decode_whole_frames(
    version: Version,
    big_endian: bool,
    payload: &[u8],
    progress: &mut Progress,
    out: &mut [i32],
) {
    let (frames, _) = payload.as_chunks::<FRAME>();
    let table = Table::of(version, big_endian);
    if Path::best() != Path::Scalar {
        // SAFETY: the machine has the features that the function is compiled for.
        unsafe {
            if version == Version::Steim1 && big_endian {
                decode_frames::<true>(table, big_endian, frames, progress, out);
            } else {
                decode_frames::<false>(table, big_endian, frames, progress, out);
            }
        }
    }
}

/// Decode frames until `out` is full, the frames end, or one has an undefined code; by groups of
/// words where the version and byte order have them.
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn decode_frames<const GROUPS: bool>(
    table: &Table,
    big_endian: bool,
    frames: &[[u8; FRAME]],
    progress: &mut Progress,
    out: &mut [i32],
) {
    let mut scratch = Scratch::new();
    let mut sound = true;
    while sound && progress.frames < frames.len() && progress.done < out.len() {
        for frame in frames[progress.frames..].iter().take(CHUNK) {
            let from = if progress.frames == 0 { 3 } else { 1 };
            if GROUPS {
                groups::expand(frame, from, &mut scratch);
            } else {
                sound = match from {
                    3 => expand::<3>(table, big_endian, frame, &mut scratch),
                    _ => expand::<1>(table, big_endian, frame, &mut scratch),
                };
            }
            if !sound {
                break;
            }
            progress.frames += 1;
        }
        scratch.sum_into(progress, out);
    }
}

/// Differences of a frame to the scratch; `false`, and none, when one of its codes is undefined.
#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn expand<const FROM: usize>(
    table: &Table,
    big_endian: bool,
    frame: &[u8; FRAME],
    scratch: &mut Scratch,
) -> bool {
    let mut words = [0u32; WORDS];
    let mut entries = [0u32; WORDS];
    let (low, high) = swapped(frame, big_endian);
    store(&mut words, low, high);
    let codes = _mm256_set1_epi32(words[0] as i32);
    let low = entries_of(
        codes,
        low,
        _mm256_setr_epi32(30, 28, 26, 24, 22, 20, 18, 16),
    );
    let high = entries_of(codes, high, _mm256_setr_epi32(14, 12, 10, 8, 6, 4, 2, 0));
    store(&mut entries, low, high);
    let undefined = undefined(table, low) | undefined(table, high) << LANES;
    if undefined >> FROM != 0 {
        return false;
    }
    let place = scratch.next_frame();
    let mut filled = 0;
    for at in FROM..WORDS {
        let entry = (entries[at] & 15) as usize;
        let word = _mm256_set1_epi32(words[at] as i32);
        let word = _mm256_sllv_epi32(word, load(&table.left[entry]));
        let word = _mm256_srav_epi32(word, load(&table.right[entry]));
        // SAFETY: the scratch has room for 8 numbers behind the differences of any word of a frame.
        unsafe { _mm256_storeu_si256(place.add(filled).cast(), word) };
        filled += usize::from(table.count[entry]);
    }
    // SAFETY: they were just written.
    unsafe { scratch.add(filled) };
    true
}

/// The words of a frame as numbers.
#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn swapped(frame: &[u8; FRAME], big_endian: bool) -> (__m256i, __m256i) {
    let (words, _) = frame.as_chunks::<{ FRAME / 2 }>();
    let (low, high) = (load_bytes(&words[0]), load_bytes(&words[1]));
    if !big_endian {
        return (low, high);
    }
    let order = _mm256_setr_epi8(
        3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, //
        3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12,
    );
    (
        _mm256_shuffle_epi8(low, order),
        _mm256_shuffle_epi8(high, order),
    )
}

/// Table entry of each word: its code, then its two highest bits.
#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn entries_of(codes: __m256i, words: __m256i, shifts: __m256i) -> __m256i {
    let code = _mm256_and_si256(_mm256_srlv_epi32(codes, shifts), _mm256_set1_epi32(3));
    _mm256_or_si256(_mm256_slli_epi32(code, 2), _mm256_srli_epi32(words, 30))
}

/// A bit for each lane whose entry is not defined.
#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn undefined(table: &Table, entries: __m256i) -> u32 {
    // The bit of the entry, shifted to the sign.
    let all = _mm256_set1_epi32(i32::from(table.undefined));
    let bit = _mm256_slli_epi32(_mm256_srlv_epi32(all, entries), 31);
    _mm256_movemask_ps(_mm256_castsi256_ps(bit)) as u32
}

/// Eight numbers.
#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn load(numbers: &[u32; LANES]) -> __m256i {
    // SAFETY: 32 readable bytes, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(numbers.as_ptr().cast()) }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn load_bytes(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: 32 readable bytes, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn store(numbers: &mut [u32; WORDS], low: __m256i, high: __m256i) {
    let place = numbers.as_mut_ptr();
    // SAFETY: 64 writable bytes, any bits are a number, and no alignment is asked for.
    unsafe {
        _mm256_storeu_si256(place.cast(), low);
        _mm256_storeu_si256(place.add(LANES).cast(), high);
    }
}
