//! Whole frames at a time with AVX2.
//!
//! A word is spread over 8 lanes; two shifts by amounts that differ from lane to lane cut out its
//! differences; all 8 lanes are stored, and the next word overwrites the lanes too many. Nothing
//! depends on the data but the place of each word, and these are summed up for all words of a frame
//! at once. The sums follow, 8 at a time, from a scratch that stays in the first-level cache.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi8, _mm_loadu_si128, _mm_packus_epi16, _mm_shuffle_epi8,
    _mm_slli_epi16, _mm_slli_si128, _mm_srli_si128, _mm256_and_si256, _mm256_broadcastd_epi32,
    _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_loadu_si256,
    _mm256_movemask_ps, _mm256_or_si256, _mm256_packus_epi32, _mm256_permute4x64_epi64,
    _mm256_set1_epi32, _mm256_setr_epi8, _mm256_setr_epi32, _mm256_shuffle_epi8, _mm256_slli_epi32,
    _mm256_sllv_epi32, _mm256_srav_epi32, _mm256_srli_epi32, _mm256_srlv_epi32,
    _mm256_storeu_si256,
};
use std::mem::MaybeUninit;

use super::groups;
use super::layout::{Shifts, Table, Version};
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
        // SAFETY: the machine has the features that the functions are compiled for.
        unsafe {
            if version == Version::Steim1 && big_endian {
                decode_groups(frames, progress, out);
            } else {
                decode_words(table, big_endian, frames, progress, out);
            }
        }
    }
}

/// The next frames to decode, at most [`CHUNK`]; none when all are, or `out` is full. With them the
/// first word that holds differences in the first of these frames.
#[inline]
fn next_chunk<'a>(
    frames: &'a [[u8; FRAME]],
    progress: &Progress,
    out: &[i32],
) -> (&'a [[u8; FRAME]], usize) {
    let left = if progress.done < out.len() {
        &frames[progress.frames..]
    } else {
        &[]
    };
    let from = if progress.frames == 0 { 3 } else { 1 };
    (&left[..left.len().min(CHUNK)], from)
}

/// Big-endian Steim1, by groups of words: no code of it is undefined.
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn decode_groups(frames: &[[u8; FRAME]], progress: &mut Progress, out: &mut [i32]) {
    let mut scratch = Scratch::new();
    while let (chunk @ [_, ..], mut from) = next_chunk(frames, progress, out) {
        for frame in chunk {
            groups::expand(frame, from, &mut scratch);
            from = 1;
        }
        progress.frames += chunk.len();
        scratch.sum_into(progress, out);
    }
}

/// Word by word, until a frame has an undefined code.
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn decode_words(
    table: &Table,
    big_endian: bool,
    frames: &[[u8; FRAME]],
    progress: &mut Progress,
    out: &mut [i32],
) {
    let mut scratch = Scratch::new();
    let mut known = [const { MaybeUninit::uninit() }; CHUNK];
    while let (chunk @ [_, ..], mut from) = next_chunk(frames, progress, out) {
        // All of them before the first is spread: what was just stored is slow to load.
        let mut sound = 0;
        for (bytes, known) in chunk.iter().zip(&mut known) {
            let Some(frame) = Frame::of(table, big_endian, bytes, from) else {
                break;
            };
            known.write(frame);
            from = 1;
            sound += 1;
        }
        for frame in &known[..sound] {
            // SAFETY: it was written just now.
            unsafe { frame.assume_init_ref() }.spread(table, &mut scratch);
        }
        progress.frames += sound;
        scratch.sum_into(progress, out);
        if sound < chunk.len() {
            break;
        }
    }
}

/// What is known of a frame before any of its words is spread.
#[repr(C)]
struct Frame {
    /// All words, that of the codes included.
    words: [__m256i; 2],
    /// Table entry of each word from the second on, a byte each, times the numbers in an entry.
    entries: __m128i,
    /// Where the differences of each word from the second on begin, a byte each; the last byte is
    /// the end of all.
    places: __m128i,
}

impl Frame {
    /// A frame whose word `from` is the first that holds differences; `None` when one of its codes
    /// is undefined.
    #[target_feature(enable = "avx2,bmi1,bmi2")]
    #[inline]
    fn of(table: &Table, big_endian: bool, bytes: &[u8; FRAME], from: usize) -> Option<Self> {
        let words = swapped(bytes, big_endian);
        // Words before the first hold none, whatever their codes say.
        let known = _mm256_set1_epi32((u32::MAX >> (2 * from)) as i32);
        let codes = _mm256_broadcastd_epi32(_mm256_castsi256_si128(words[0]));
        let codes = _mm256_and_si256(codes, known);
        let low = _mm256_setr_epi32(30, 28, 26, 24, 22, 20, 18, 16);
        let low = entries_of(codes, words[0], low);
        let high = _mm256_setr_epi32(14, 12, 10, 8, 6, 4, 2, 0);
        let high = entries_of(codes, words[1], high);
        if undefined(table, low) | undefined(table, high) != 0 {
            return None;
        }
        // The instruction packs by halves; the numbers between them change places.
        let entries = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, high), 0b11_01_10_00);
        let (low, high) = (
            _mm256_castsi256_si128(entries),
            _mm256_extracti128_si256(entries, 1),
        );
        let entries = _mm_packus_epi16(low, high);
        // SAFETY: 16 readable bytes, and the load asks for no alignment.
        let counts = unsafe { _mm_loadu_si128(table.count.as_ptr().cast()) };
        let count = _mm_shuffle_epi8(counts, entries);
        let sum = _mm_add_epi8(count, _mm_slli_si128(count, 1));
        let sum = _mm_add_epi8(sum, _mm_slli_si128(sum, 2));
        let sum = _mm_add_epi8(sum, _mm_slli_si128(sum, 4));
        let sum = _mm_add_epi8(sum, _mm_slli_si128(sum, 8));
        const { assert!(size_of::<Shifts>() == 16 * size_of::<u32>()) };
        Some(Self {
            words,
            entries: _mm_slli_epi16(_mm_srli_si128(entries, 1), 4),
            places: sum,
        })
    }

    /// Differences of the frame to the scratch.
    #[target_feature(enable = "avx2,bmi1,bmi2")]
    #[inline]
    fn spread(&self, table: &Table, scratch: &mut Scratch) {
        // SAFETY: the types are as large, ask for no more alignment, and any bits are numbers.
        let (words, entries, places) = unsafe {
            (
                &*(&raw const self.words).cast::<[u32; WORDS]>(),
                &*(&raw const self.entries).cast::<[u64; 2]>(),
                &*(&raw const self.places).cast::<[u64; 2]>(),
            )
        };
        let to = scratch.next_frame();
        let shifts = table.shifts.as_ptr().cast::<u32>();
        let mut filled = 0;
        for (half, words) in [&words[1..9], &words[9..]].into_iter().enumerate() {
            let (mut entries, mut places) = (entries[half], places[half]);
            for &word in words {
                // SAFETY: an entry of the table; the scratch has room for 8 numbers behind the
                // differences of any word of a frame.
                unsafe {
                    let shifts = shifts.add(usize::from(entries as u8)).cast::<Shifts>();
                    let word = _mm256_set1_epi32(word as i32);
                    let word = _mm256_sllv_epi32(word, load(&(*shifts).left));
                    let word = _mm256_srav_epi32(word, load(&(*shifts).right));
                    _mm256_storeu_si256(to.add(usize::from(places as u8)).cast(), word);
                }
                entries >>= 8;
                places >>= 8;
            }
            filled = places as usize;
        }
        // SAFETY: they were just written.
        unsafe { scratch.add(filled) };
    }
}

/// The words of a frame as numbers.
#[target_feature(enable = "avx2,bmi1,bmi2")]
#[inline]
fn swapped(frame: &[u8; FRAME], big_endian: bool) -> [__m256i; 2] {
    let (halves, _) = frame.as_chunks::<{ FRAME / 2 }>();
    let (low, high) = (load_bytes(&halves[0]), load_bytes(&halves[1]));
    if !big_endian {
        return [low, high];
    }
    let order = _mm256_setr_epi8(
        3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, //
        3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12,
    );
    [
        _mm256_shuffle_epi8(low, order),
        _mm256_shuffle_epi8(high, order),
    ]
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
