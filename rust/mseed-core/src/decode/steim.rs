//! Steim1 and Steim2 (SEED manual 2.4, appendix B).
//!
//! A payload is a row of 64-byte frames. The first word of a frame holds sixteen 2-bit codes,
//! one for each word; words 1 and 2 of the first frame are the first sample and, for checking,
//! the last one. All other words hold differences. The first difference of a record leads from
//! the last sample of the record before: it is not needed, as the first sample is given.

use crate::error::Kind;

const FRAME: usize = 64;

/// Differences of one word: how many, and their values. `None` for an undefined code.
type Word = Option<(usize, [i32; 7])>;

/// `bits` bits of `word` that begin `shift` bits from its lowest, as a signed number.
#[inline]
fn signed(word: u32, shift: u32, bits: u32) -> i32 {
    ((word >> shift) << (32 - bits)) as i32 >> (32 - bits)
}

/// `count` differences of `bits` bits, the first in the highest bits in use.
#[inline]
fn split(word: u32, count: usize, bits: u32) -> Word {
    let mut differences = [0; 7];
    for (i, difference) in differences.iter_mut().take(count).enumerate() {
        *difference = signed(word, bits * (count - 1 - i) as u32, bits);
    }
    Some((count, differences))
}

#[inline]
pub(super) fn steim1_word(code: u32, word: u32) -> Word {
    match code {
        0 => Some((0, [0; 7])),
        1 => split(word, 4, 8),
        2 => split(word, 2, 16),
        _ => split(word, 1, 32),
    }
}

#[inline]
pub(super) fn steim2_word(code: u32, word: u32) -> Word {
    match (code, word >> 30) {
        (0, _) => Some((0, [0; 7])),
        (1, _) => split(word, 4, 8),
        (2, 1) => split(word, 1, 30),
        (2, 2) => split(word, 2, 15),
        (2, 3) => split(word, 3, 10),
        (3, 0) => split(word, 5, 6),
        (3, 1) => split(word, 6, 5),
        (3, 2) => split(word, 7, 4),
        _ => None,
    }
}

/// Decode into all of `out`; returns the samples written and what is wrong with the payload.
pub(super) fn decode(
    payload: &[u8],
    big_endian: bool,
    split_word: impl Fn(u32, u32) -> Word,
    out: &mut [i32],
) -> (usize, Option<Kind>) {
    if out.is_empty() {
        return (0, None);
    }
    let read = |bytes: &[u8; 4]| {
        if big_endian {
            u32::from_be_bytes(*bytes)
        } else {
            u32::from_le_bytes(*bytes)
        }
    };
    let mut done = 0;
    let mut value = 0i32;
    let mut last_stored = 0i32;
    for (number, frame) in payload.chunks(FRAME).enumerate() {
        let (words, _) = frame.as_chunks::<4>();
        let Some(codes) = words.first().map(read) else {
            break;
        };
        let mut from = 1;
        if number == 0 {
            if words.len() < 3 {
                break;
            }
            value = read(&words[1]) as i32;
            last_stored = read(&words[2]) as i32;
            from = 3;
        }
        for (at, bytes) in words.iter().enumerate().skip(from) {
            let code = (codes >> (30 - 2 * at)) & 3;
            let Some((count, differences)) = split_word(code, read(bytes)) else {
                return (done, Some(Kind::SteimCode { decoded: done }));
            };
            for difference in &differences[..count] {
                if done == out.len() {
                    break;
                }
                if done > 0 {
                    value = value.wrapping_add(*difference);
                }
                out[done] = value;
                done += 1;
            }
        }
        if done == out.len() {
            break;
        }
    }
    let mismatch = done == out.len() && value != last_stored;
    let fault = mismatch.then_some(Kind::SteimLastSample {
        expected: last_stored,
        decoded: value,
    });
    (done, fault)
}
