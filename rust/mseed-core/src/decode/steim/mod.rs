//! Steim1 and Steim2 (SEED manual 2.4, appendix B).
//!
//! A payload is a row of 64-byte frames. The first word of a frame holds sixteen 2-bit codes,
//! one for each word; words 1 and 2 of the first frame are the first sample and, for checking,
//! the last one. All other words hold differences. The first difference of a record leads from
//! the last sample of the record before: it is not needed, as the first sample is given.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod groups;
mod layout;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod scratch;

use super::path::Path;
use crate::error::Kind;
pub(super) use layout::Version;

/// Bytes of a frame.
const FRAME: usize = 64;

/// Words of a frame, that of the codes included.
const WORDS: usize = FRAME / 4;

/// Bytes before the first difference: codes, first and last sample.
const HEAD: usize = 12;

/// How far a payload is decoded.
#[derive(Debug)]
struct Progress {
    /// Frames decoded to their end.
    frames: usize,
    /// Samples written.
    done: usize,
    /// The last sample written; before that, the first one as it is given.
    value: i32,
}

/// Decode into all of `out`; returns the samples written and what is wrong with the payload.
pub(super) fn decode(
    path: Path,
    version: Version,
    payload: &[u8],
    big_endian: bool,
    out: &mut [i32],
) -> (usize, Option<Box<Kind>>) {
    if out.is_empty() || payload.len() < HEAD {
        return (0, None);
    }
    let number = |at: usize| {
        let bytes = [
            payload[at],
            payload[at + 1],
            payload[at + 2],
            payload[at + 3],
        ];
        if big_endian {
            i32::from_be_bytes(bytes)
        } else {
            i32::from_le_bytes(bytes)
        }
    };
    let (first, last) = (number(4), number(8));
    let mut progress = Progress {
        frames: 0,
        done: 0,
        value: first,
    };
    #[cfg(target_arch = "x86_64")]
    match path {
        Path::Avx2 => {
            avx2::decode_whole_frames(version, big_endian, payload, &mut progress, out);
        }
        Path::Scalar => {}
    }
    #[cfg(not(target_arch = "x86_64"))]
    let Path::Scalar = path;
    // What is left: a frame that is cut, or has an undefined code somewhere.
    if let Err(fault) = scalar::decode_frames(version, big_endian, payload, &mut progress, out) {
        return (progress.done, Some(fault));
    }
    let mismatch = progress.done == out.len() && progress.value != last;
    let fault = mismatch.then(|| {
        Box::new(Kind::SteimLastSample {
            expected: last,
            decoded: progress.value,
        })
    });
    (progress.done, fault)
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
            let (done, fault) = decode(
                Path::Scalar,
                Version::Steim1,
                &payload,
                big_endian,
                &mut out,
            );
            assert_eq!((done, fault), (6, None));
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn an_undefined_code_ends_the_samples() {
        let payload = frame(3 << 24, 7, 0, &[[0xC0, 0, 0, 0]], true);
        let mut out = [0; 4];
        let (done, fault) = decode(Path::Scalar, Version::Steim2, &payload, true, &mut out);
        assert_eq!(
            (done, fault),
            (0, Some(Box::new(Kind::SteimCode { decoded: 0 })))
        );
    }
}
