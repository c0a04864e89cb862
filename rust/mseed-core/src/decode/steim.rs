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

/// Four bytes as they stand in the payload, and the byte order of what they hold.
///
/// Byte order is a matter of the items, not of the word: little-endian payloads hold four 8-bit
/// differences in their order, and two 16-bit ones each swapped in itself (libmseed swaps so).
#[derive(Clone, Copy)]
pub(super) struct Bytes {
    bytes: [u8; 4],
    big_endian: bool,
}

impl Bytes {
    fn word(self) -> u32 {
        if self.big_endian {
            u32::from_be_bytes(self.bytes)
        } else {
            u32::from_le_bytes(self.bytes)
        }
    }

    fn four_bytes(self) -> u32 {
        u32::from_be_bytes(self.bytes)
    }

    fn two_halves(self) -> u32 {
        let [a, b, c, d] = self.bytes;
        if self.big_endian {
            u32::from_be_bytes([a, b, c, d])
        } else {
            u32::from_be_bytes([b, a, d, c])
        }
    }
}

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
pub(super) fn steim1_word(code: u32, bytes: Bytes) -> Word {
    match code {
        0 => Some((0, [0; 7])),
        1 => split(bytes.four_bytes(), 4, 8),
        2 => split(bytes.two_halves(), 2, 16),
        _ => split(bytes.word(), 1, 32),
    }
}

#[inline]
pub(super) fn steim2_word(code: u32, bytes: Bytes) -> Word {
    let word = bytes.word();
    match (code, word >> 30) {
        (0, _) => Some((0, [0; 7])),
        (1, _) => split(bytes.four_bytes(), 4, 8),
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
    split_word: impl Fn(u32, Bytes) -> Word,
    out: &mut [i32],
) -> (usize, Option<Kind>) {
    if out.is_empty() {
        return (0, None);
    }
    let item = |bytes: &[u8; 4]| Bytes {
        bytes: *bytes,
        big_endian,
    };
    let mut done = 0;
    let mut value = 0i32;
    let mut last_stored = 0i32;
    for (number, frame) in payload.chunks(FRAME).enumerate() {
        let (words, _) = frame.as_chunks::<4>();
        let Some(codes) = words.first().map(|first| item(first).word()) else {
            break;
        };
        let mut from = 1;
        if number == 0 {
            if words.len() < 3 {
                break;
            }
            value = item(&words[1]).word() as i32;
            last_stored = item(&words[2]).word() as i32;
            from = 3;
        }
        for (at, bytes) in words.iter().enumerate().skip(from) {
            let code = (codes >> (30 - 2 * at)) & 3;
            let Some((count, differences)) = split_word(code, item(bytes)) else {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// One frame: the codes of words 3 and 4, first and last sample, then the words.
    fn frame(codes: u32, first: i32, last: i32, words: &[[u8; 4]], big_endian: bool) -> Vec<u8> {
        let order = |v: u32| {
            if big_endian {
                v.to_be_bytes()
            } else {
                v.to_le_bytes()
            }
        };
        let mut out = Vec::new();
        for v in [codes, first as u32, last as u32] {
            out.extend(order(v));
        }
        out.extend(words.iter().flatten());
        out.resize(FRAME, 0);
        out
    }

    #[test]
    fn little_endian_items_keep_their_order() {
        // Four 8-bit differences as they stand, then two 16-bit ones swapped each in itself.
        let codes = (1 << 24) | (2 << 22);
        let little = frame(
            codes,
            10,
            10 + 2 + 3 + 4 + 256 - 512,
            &[[1, 2, 3, 4], [0, 1, 0, 254]],
            false,
        );
        let big = frame(
            codes,
            10,
            10 + 2 + 3 + 4 + 256 - 512,
            &[[1, 2, 3, 4], [1, 0, 254, 0]],
            true,
        );
        let expected = [10, 12, 15, 19, 275, -237];
        for (payload, big_endian) in [(little, false), (big, true)] {
            let mut out = [0; 6];
            let (done, fault) = decode(&payload, big_endian, steim1_word, &mut out);
            assert_eq!((done, fault), (6, None));
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn an_undefined_code_ends_the_samples() {
        let payload = frame(3 << 24, 7, 0, &[[0xC0, 0, 0, 0]], true);
        let mut out = [0; 4];
        let (done, fault) = decode(&payload, true, steim2_word, &mut out);
        assert_eq!((done, fault), (0, Some(Kind::SteimCode { decoded: 0 })));
    }
}
