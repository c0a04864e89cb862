//! Big-endian Steim1: four words at a time with AVX2.
//!
//! The codes of four words are one byte. A table says for each such byte how to bring the
//! differences of the four words, one behind the other, to the tops of 16 lanes; a shift to the
//! right brings them down. (In Steim2 the words themselves say what they hold: such a table would be
//! too large.)
#![allow(unsafe_code)]

use std::arch::x86_64::{
    _mm_loadu_si128, _mm256_broadcastsi128_si256, _mm256_loadu_si256, _mm256_shuffle_epi8,
    _mm256_srav_epi32, _mm256_storeu_si256,
};

use super::layout::{Version, contents};
use super::scratch::{STRIDE, Scratch};
use super::{FRAME, WORDS};

/// Words of a group.
const GROUP: usize = 4;

/// What a group holds, by the byte of its codes.
#[repr(align(64))]
struct Groups {
    /// For each byte of the 16 lanes the byte of the group that it comes from.
    gather: [[u8; 4 * STRIDE]; 256],
    /// Shift of each lane to the right.
    right: [[u32; STRIDE]; 256],
    /// Number of differences.
    count: [u8; 256],
}

static GROUPS: Groups = Groups::new();

impl Groups {
    const fn new() -> Self {
        let mut groups = Self {
            // An index with the highest bit set gives zero.
            gather: [[0x80; 4 * STRIDE]; 256],
            right: [[0; STRIDE]; 256],
            count: [0; 256],
        };
        let mut codes = 0;
        while codes < 256 {
            let mut word = 0;
            while word < GROUP {
                groups.add_word(codes, word);
                word += 1;
            }
            codes += 1;
        }
        groups
    }

    const fn add_word(&mut self, codes: usize, word: usize) {
        let code = codes >> (6 - 2 * word) & 3;
        let Some((items, bits)) = contents(Version::Steim1, (code << 2) as u8) else {
            return;
        };
        let bytes = bits as usize / 8;
        let mut item = 0;
        while item < items {
            let lane = self.count[codes] as usize;
            let mut byte = 0;
            while byte < bytes {
                // The first byte is the highest: it goes to the top of the lane.
                self.gather[codes][4 * lane + 3 - byte] = (4 * word + item * bytes + byte) as u8;
                byte += 1;
            }
            self.right[codes][lane] = 32 - bits;
            self.count[codes] += 1;
            item += 1;
        }
    }
}

/// Differences of a frame to the scratch; `from` is its first word that holds any.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn expand(frame: &[u8; FRAME], from: usize, scratch: &mut Scratch) {
    let codes = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
    // The words before the first difference hold none, whatever their codes say.
    let codes = codes & (u32::MAX >> (2 * from));
    let place = scratch.next_frame();
    let mut filled = 0;
    let (groups, _) = frame.as_chunks::<{ 4 * GROUP }>();
    debug_assert!(groups.len() * GROUP == WORDS);
    for (words, codes) in groups.iter().zip(codes.to_be_bytes()) {
        let codes = usize::from(codes);
        let (gather, right) = (&GROUPS.gather[codes], &GROUPS.right[codes]);
        // SAFETY: 16 readable bytes of words, 64 of each line of the tables; the scratch has room
        // for `STRIDE` numbers behind the differences of any group of a frame. No alignment is
        // asked for.
        unsafe {
            let words = _mm_loadu_si128(words.as_ptr().cast());
            let words = _mm256_broadcastsi128_si256(words);
            for half in [0, STRIDE / 2] {
                let gather = _mm256_loadu_si256(gather.as_ptr().add(4 * half).cast());
                let right = _mm256_loadu_si256(right.as_ptr().add(half).cast());
                let lanes = _mm256_srav_epi32(_mm256_shuffle_epi8(words, gather), right);
                _mm256_storeu_si256(place.add(filled + half).cast(), lanes);
            }
        }
        filled += usize::from(GROUPS.count[codes]);
    }
    // SAFETY: they were just written.
    unsafe { scratch.add(filled) };
}
