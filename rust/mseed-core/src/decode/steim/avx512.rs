//! Whole frames at a time with AVX-512, big-endian payloads.
//!
//! Some words at a time, chosen so that one byte tells what they hold: in Steim1 four words (eight
//! bits of codes), in Steim2 two (four bits of codes, twice two bits of the words). A table says
//! for each such byte how to bring the differences, one behind the other, to the tops of 16 lanes;
//! a shift to the right brings them down. As in the AVX2 path all lanes are stored, the place
//! advances by the true number, and sums follow.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    _mm_loadu_si128, _mm512_broadcast_i32x4, _mm512_loadu_si512, _mm512_multishift_epi64_epi8,
    _mm512_set1_epi64, _mm512_set4_epi32, _mm512_shuffle_epi8, _mm512_srav_epi32,
    _mm512_storeu_si512, _pext_u64,
};

use super::layout::{Version, contents};
use super::scratch::{CHUNK, STRIDE, Scratch};
use super::{FRAME, Progress};
use crate::decode::path::Path;

/// What a group of words holds, by the byte that tells it.
#[repr(align(64))]
struct Groups {
    /// For each byte of the 16 lanes where it comes from: in Steim1 a byte of the group, in Steim2
    /// a bit of the two words.
    gather: [[u8; 64]; 256],
    /// Shift of each lane to the right.
    right: [[u32; STRIDE]; 256],
    /// Number of differences.
    count: [u8; 256],
    /// 1 where the code of a word is not defined.
    undefined: [u8; 256],
}

static STEIM1: Groups = Groups::new(Version::Steim1);
static STEIM2: Groups = Groups::new(Version::Steim2);

impl Groups {
    const fn new(version: Version) -> Self {
        let mut groups = Self {
            gather: [[0; 64]; 256],
            right: [[0; STRIDE]; 256],
            count: [0; 256],
            undefined: [0; 256],
        };
        let mut key = 0;
        while key < 256 {
            let mut word = 0;
            let words = match version {
                Version::Steim1 => 4,
                Version::Steim2 => 2,
            };
            while word < words {
                groups.add_word(version, key, word);
                word += 1;
            }
            key += 1;
        }
        groups
    }

    /// Add word number `word` of the group `key`.
    const fn add_word(&mut self, version: Version, key: usize, word: usize) {
        let entry = match version {
            // Two bits of code each.
            Version::Steim1 => (key >> (6 - 2 * word) & 3) << 2,
            // Two bits of code each, then the two highest bits of each word.
            Version::Steim2 => (key >> (6 - 2 * word) & 3) << 2 | (key >> (2 - 2 * word) & 3),
        };
        let Some((items, bits)) = contents(version, entry as u8) else {
            self.undefined[key] = 1;
            return;
        };
        let mut item = 0;
        while item < items {
            let lane = self.count[key] as usize;
            // Bits of the word below the difference.
            let below = bits as usize * (items - 1 - item);
            let mut byte = 0;
            while byte < 4 {
                // The highest byte of the lane holds the highest bits of the difference.
                let up_to = below + bits as usize + 8 * byte;
                self.gather[key][4 * lane + byte] = match version {
                    Version::Steim1 if up_to >= 32 => (4 * word + 3 - (up_to - 32) / 8) as u8,
                    // Below the difference: shifted out.
                    Version::Steim1 => 0x80,
                    // The first word is the upper half of the 64 bits.
                    Version::Steim2 => ((32 * (1 - word) + up_to + 64 - 32) % 64) as u8,
                };
                byte += 1;
            }
            self.right[key][lane] = 32 - bits;
            self.count[key] += 1;
            item += 1;
        }
    }
}

/// Decode the whole frames of a payload until `out` is full or one has an undefined code.
pub(super) fn decode_whole_frames(
    version: Version,
    payload: &[u8],
    progress: &mut Progress,
    out: &mut [i32],
) {
    let (frames, _) = payload.as_chunks::<FRAME>();
    if Path::best() == Path::Avx512 {
        // SAFETY: the machine has the features that the function is compiled for.
        unsafe {
            match version {
                Version::Steim1 => decode_frames::<1>(frames, progress, out),
                Version::Steim2 => decode_frames::<2>(frames, progress, out),
            }
        }
    }
}

#[target_feature(enable = "avx2,bmi2,avx512f,avx512bw,avx512vbmi")]
fn decode_frames<const VERSION: u8>(
    frames: &[[u8; FRAME]],
    progress: &mut Progress,
    out: &mut [i32],
) {
    let mut scratch = Scratch::new();
    let mut sound = true;
    while sound && progress.frames < frames.len() && progress.done < out.len() {
        for frame in frames[progress.frames..].iter().take(CHUNK) {
            // The codes of the words that hold no differences count as none.
            let words = if progress.frames == 0 {
                u32::MAX >> 6
            } else {
                u32::MAX >> 2
            };
            let codes = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]) & words;
            sound = if VERSION == 1 {
                expand_steim1(frame, codes, &mut scratch)
            } else {
                expand_steim2(frame, codes, &mut scratch)
            };
            if !sound {
                break;
            }
            progress.frames += 1;
        }
        scratch.sum_into(progress, out);
    }
}

/// Differences of a frame to the scratch; all codes of Steim1 are defined.
#[target_feature(enable = "avx2,bmi2,avx512f,avx512bw,avx512vbmi")]
#[inline]
fn expand_steim1(frame: &[u8; FRAME], codes: u32, scratch: &mut Scratch) -> bool {
    let place = scratch.next_frame();
    let mut filled = 0;
    for (group, key) in codes.to_be_bytes().into_iter().enumerate() {
        let key = usize::from(key);
        // SAFETY: a group is 16 bytes of the frame, a line of the tables 64 bytes; loads and
        // stores ask for no alignment. The scratch has room for all groups of a frame, of at most
        // `STRIDE` numbers each.
        unsafe {
            let words =
                _mm512_broadcast_i32x4(_mm_loadu_si128(frame[16 * group..].as_ptr().cast()));
            let gather = _mm512_loadu_si512(STEIM1.gather[key].as_ptr().cast());
            let right = _mm512_loadu_si512(STEIM1.right[key].as_ptr().cast());
            let lanes = _mm512_srav_epi32(_mm512_shuffle_epi8(words, gather), right);
            _mm512_storeu_si512(place.add(filled).cast(), lanes);
        }
        filled += usize::from(STEIM1.count[key]);
    }
    // SAFETY: they were just written.
    unsafe { scratch.add(filled) };
    true
}

/// Differences of a frame to the scratch; `false`, and none, when one of its codes is undefined.
#[target_feature(enable = "avx2,bmi2,avx512f,avx512bw,avx512vbmi")]
#[inline]
fn expand_steim2(frame: &[u8; FRAME], codes: u32, scratch: &mut Scratch) -> bool {
    const HIGHEST_TWO: u64 = 0xC000_0000_C000_0000;
    let pairs = pairs(frame);
    let place = scratch.next_frame();
    let mut filled = 0;
    let mut undefined = 0;
    for (at, words) in pairs.iter().enumerate() {
        let code = (codes >> (28 - 4 * at) & 15) as usize;
        let key = (code << 4 | _pext_u64(*words, HIGHEST_TWO) as usize) & 0xFF;
        // SAFETY: a line of the tables is 64 bytes; loads and stores ask for no alignment. The
        // scratch has room for all pairs of a frame, of at most `STRIDE` numbers each.
        unsafe {
            let gather = _mm512_loadu_si512(STEIM2.gather[key].as_ptr().cast());
            let right = _mm512_loadu_si512(STEIM2.right[key].as_ptr().cast());
            let words = _mm512_set1_epi64(*words as i64);
            let lanes = _mm512_srav_epi32(_mm512_multishift_epi64_epi8(gather, words), right);
            _mm512_storeu_si512(place.add(filled).cast(), lanes);
        }
        filled += usize::from(STEIM2.count[key]);
        undefined |= STEIM2.undefined[key];
    }
    if undefined != 0 {
        return false;
    }
    // SAFETY: they were just written.
    unsafe { scratch.add(filled) };
    true
}

/// The words of a frame, two in each number, the first one in its upper half.
#[target_feature(enable = "avx2,bmi2,avx512f,avx512bw,avx512vbmi")]
#[inline]
fn pairs(frame: &[u8; FRAME]) -> [u64; 8] {
    let order = _mm512_set4_epi32(0x0809_0A0B, 0x0C0D_0E0F, 0x0001_0203, 0x0405_0607);
    let mut out = [0; 8];
    // SAFETY: 64 readable and 64 writable bytes; neither needs to be aligned.
    unsafe {
        let bytes = _mm512_loadu_si512(frame.as_ptr().cast());
        _mm512_storeu_si512(out.as_mut_ptr().cast(), _mm512_shuffle_epi8(bytes, order));
    }
    out
}
