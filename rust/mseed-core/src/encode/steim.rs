//! Steim1 and Steim2 packing: as many differences into each word as fit (SEED manual 2.4,
//! appendix B).

use crate::error::{Error, Kind};

const FRAME: usize = 64;

/// One way to fill a word: differences, bits of each, 2-bit code, upper bits of the word.
struct Packing {
    count: usize,
    bits: u32,
    code: u32,
    high: u32,
}

const fn packing(count: usize, bits: u32, code: u32, high: u32) -> Packing {
    Packing {
        count,
        bits,
        code,
        high,
    }
}

/// From the most differences to one.
const STEIM1: [Packing; 3] = [
    packing(4, 8, 1, 0),
    packing(2, 16, 2, 0),
    packing(1, 32, 3, 0),
];

const STEIM2: [Packing; 7] = [
    packing(7, 4, 3, 2 << 30),
    packing(6, 5, 3, 1 << 30),
    packing(5, 6, 3, 0),
    packing(4, 8, 1, 0),
    packing(3, 10, 2, 3 << 30),
    packing(2, 15, 2, 2 << 30),
    packing(1, 30, 2, 1 << 30),
];

pub(super) fn pack1(s: &[i32], from: usize, payload: &mut [u8]) -> Result<(usize, u8), Error> {
    // 32-bit differences wrap round, and the decoder's sums wrap back.
    pack(s, from, payload, &STEIM1, |_| true)
}

pub(super) fn pack2(s: &[i32], from: usize, payload: &mut [u8]) -> Result<(usize, u8), Error> {
    pack(s, from, payload, &STEIM2, |d| {
        (-(1 << 29)..1 << 29).contains(&d)
    })
}

/// Difference that leads to sample `at`; the first one of a series leads from zero distance.
fn difference(samples: &[i32], at: usize) -> i64 {
    if at == 0 {
        0
    } else {
        i64::from(samples[at]) - i64::from(samples[at - 1])
    }
}

fn pack(
    samples: &[i32],
    from: usize,
    payload: &mut [u8],
    packings: &[Packing],
    fits: impl Fn(i64) -> bool,
) -> Result<(usize, u8), Error> {
    let mut next = from;
    let mut frames = 0u8;
    let end = samples.len().min(from + 65_535);
    payload[4..8].copy_from_slice(&samples[from].to_be_bytes());
    for (number, frame) in payload.chunks_exact_mut(FRAME).take(255).enumerate() {
        if next == end {
            break;
        }
        let mut codes = 0u32;
        for at in (if number == 0 { 3 } else { 1 })..16 {
            if next == end {
                break;
            }
            if !fits(difference(samples, next)) {
                // The first difference of a record is not needed to decode it: it may be cut.
                if next != from {
                    return Err(Error::new(
                        Kind::Argument(
                            "a difference between samples does not fit the 30 bits of Steim2: use STEIM1 or INT32",
                        ),
                        0,
                    ));
                }
            }
            let (word, code, count) = best_word(samples, next, end, packings, next == from);
            frame[at * 4..at * 4 + 4].copy_from_slice(&word.to_be_bytes());
            codes |= code << (30 - 2 * at);
            next += count;
        }
        frame[..4].copy_from_slice(&codes.to_be_bytes());
        frames += 1;
    }
    payload[8..12].copy_from_slice(&samples[next - 1].to_be_bytes());
    Ok((next - from, frames))
}

/// The word that holds the most of the next differences.
fn best_word(
    samples: &[i32],
    next: usize,
    end: usize,
    packings: &[Packing],
    first_of_record: bool,
) -> (u32, u32, usize) {
    let value = |at: usize| {
        let d = difference(samples, at);
        // Only the first difference of a record may be out of range; it is never read.
        if first_of_record && at == next && !(-(1 << 29)..1 << 29).contains(&d) {
            0
        } else {
            d
        }
    };
    let chosen = packings
        .iter()
        .find(|p| {
            let half = 1i64 << (p.bits - 1);
            next + p.count <= end
                && (next..next + p.count).all(|at| (-half..half).contains(&value(at)))
        })
        .unwrap_or(&packings[packings.len() - 1]);
    let mask = u32::MAX >> (32 - chosen.bits);
    let mut word = chosen.high;
    for i in 0..chosen.count {
        let shift = chosen.bits * (chosen.count - 1 - i) as u32;
        word |= (value(next + i) as u32 & mask) << shift;
    }
    (word, chosen.code, chosen.count)
}
