//! The oracle of the Steim packing: every way to fill a word is tried on every word. It shares no
//! code with the fast packing, which must give the same bytes.

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

/// Samples and frames of a record, or the number of the sample that does not fit.
type Packed = Result<(usize, usize), usize>;

/// Fill a Steim1 payload with the samples from `from` on, at most `most` of them: samples and
/// frames written.
///
/// # Errors
/// None: every difference fits.
pub fn pack1(s: &[i32], from: usize, most: usize, payload: &mut [u8]) -> Packed {
    // 32-bit differences wrap round, and the decoder's sums wrap back.
    pack(s, from, most, payload, &STEIM1, |_| true)
}

/// The same for Steim2.
///
/// # Errors
/// The number of the first sample whose difference is beyond 30 bits.
pub fn pack2(s: &[i32], from: usize, most: usize, payload: &mut [u8]) -> Packed {
    pack(s, from, most, payload, &STEIM2, |d| {
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
    most: usize,
    payload: &mut [u8],
    packings: &[Packing],
    fits: impl Fn(i64) -> bool,
) -> Packed {
    let mut next = from;
    let mut frames = 0;
    let end = samples.len().min(from + most);
    payload[4..8].copy_from_slice(&samples[from].to_be_bytes());
    for (number, frame) in payload.chunks_exact_mut(FRAME).enumerate() {
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
                    return Err(next);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::steim::{Packer, Steim1, Steim2};
    use super::*;
    use crate::error::Kind;

    /// Steps of every width, in stretches long enough for words of one kind and short enough for
    /// all changes between kinds; some jump anywhere.
    fn series(widest: u32) -> impl Strategy<Value = Vec<i32>> {
        let stretch = (1..=widest, prop::collection::vec(any::<i32>(), 1..12));
        let jump = (prop::bool::weighted(0.01), any::<i32>());
        prop::collection::vec((stretch, jump), 0..600).prop_map(|parts| {
            let mut value = 0i32;
            let mut samples = Vec::new();
            for ((bits, raw), (jumps, to)) in parts {
                for step in raw {
                    value = value.wrapping_add(step >> (32 - bits));
                    samples.push(value);
                }
                if jumps {
                    value = to;
                }
            }
            samples
        })
    }

    /// Pack a whole series into payloads of `size` bytes with both, and compare.
    fn compare(samples: &[i32], size: usize, most: usize, steim2: bool) {
        let mut packer = Packer::new(samples);
        let (mut fast, mut slow) = (vec![0; size], vec![0; size]);
        let mut at = 0;
        while at < samples.len() {
            fast.fill(0);
            slow.fill(0);
            let (found, expected) = if steim2 {
                (
                    packer.pack::<Steim2>(at, most, &mut fast),
                    pack2(samples, at, most, &mut slow),
                )
            } else {
                (
                    packer.pack::<Steim1>(at, most, &mut fast),
                    pack1(samples, at, most, &mut slow),
                )
            };
            match (found, expected) {
                (Ok(found), Ok(expected)) => {
                    assert_eq!((found.npts, found.frames), expected);
                    assert_eq!(found.bytes, found.frames * FRAME);
                    assert!(fast == slow, "record from sample {at}");
                    at += found.npts;
                }
                (Err(error), Err(expected)) => {
                    let Kind::Unfit { sample, value, .. } = error.kind else {
                        panic!("{error}")
                    };
                    assert_eq!((sample, value), (expected, samples[expected]));
                    return;
                }
                (found, expected) => panic!("{:?} {expected:?}", found.map(|p| p.npts)),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn fast_packing_gives_the_bytes_of_the_naive_one(
            samples in (1u32..=32).prop_flat_map(series),
            frames in 1usize..70,
            most in prop::sample::select(vec![1, 2, 3, 50, 65_535]),
            steim2 in any::<bool>(),
        ) {
            compare(&samples, frames * FRAME, most, steim2);
        }
    }

    #[test]
    fn every_length_up_to_two_blocks_is_packed_the_same() {
        let samples: Vec<i32> = (0..4500i32)
            .map(|i| i.wrapping_mul(2_654_435_761u32 as i32) >> (32 - 1 - (i / 40) % 29))
            .collect();
        for length in (0..40).chain(2020..2080).chain([4095, 4096, 4104, 4500]) {
            for steim2 in [true, false] {
                compare(&samples[..length], 448, 65_535, steim2);
            }
        }
    }
}
