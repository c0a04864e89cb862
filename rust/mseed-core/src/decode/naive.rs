//! The oracle of the tests and of the fuzzer: slow, obvious, and without a line in common with the
//! fast paths. Each function follows the words of the SEED manual 2.4 and of the miniSEED 3
//! definition, one bit or byte after the other.

/// Bits `from..from + count` of a word, counted from its highest bit, as a signed number.
fn signed_bits(word: &[u8; 4], from: usize, count: usize) -> i64 {
    let mut number = 0i64;
    for bit in from..from + count {
        let set = word[bit / 8] >> (7 - bit % 8) & 1;
        number = 2 * number + i64::from(set);
    }
    let negative = word[from / 8] >> (7 - from % 8) & 1 == 1;
    if negative {
        number - (1 << count)
    } else {
        number
    }
}

/// The differences of one word; `None` when its code is not defined.
fn differences(version: u8, code: u8, stored: &[u8; 4], big_endian: bool) -> Option<Vec<i64>> {
    // In a little-endian payload each item is swapped in itself: bytes are as they were, 16-bit
    // items by two, all others by four.
    let [a, b, c, d] = *stored;
    let by_four = if big_endian {
        [a, b, c, d]
    } else {
        [d, c, b, a]
    };
    let by_two = if big_endian {
        [a, b, c, d]
    } else {
        [b, a, d, c]
    };
    let highest = by_four[0] >> 6;
    let (word, first, count, bits) = match (version, code) {
        (_, 0) => return Some(Vec::new()),
        (_, 1) => (*stored, 0, 4, 8),
        (1, 2) => (by_two, 0, 2, 16),
        (1, 3) => (by_four, 0, 1, 32),
        (2, 2) if highest == 1 => (by_four, 2, 1, 30),
        (2, 2) if highest == 2 => (by_four, 2, 2, 15),
        (2, 2) if highest == 3 => (by_four, 2, 3, 10),
        (2, 3) if highest == 0 => (by_four, 2, 5, 6),
        (2, 3) if highest == 1 => (by_four, 2, 6, 5),
        (2, 3) if highest == 2 => (by_four, 4, 7, 4),
        _ => return None,
    };
    let each = (0..count).map(|item| signed_bits(&word, first + item * bits, bits));
    Some(each.collect())
}

/// Samples of a Steim payload of version 1 or 2, at most `npts`; whether an undefined code ended
/// them; and the last sample as it is stored for checking.
#[must_use]
pub fn steim(version: u8, payload: &[u8], big_endian: bool, npts: usize) -> (Vec<i32>, bool, i32) {
    let word = |at: usize| -> Option<[u8; 4]> { payload.get(4 * at..4 * at + 4)?.try_into().ok() };
    let number = |bytes: [u8; 4]| {
        if big_endian {
            i32::from_be_bytes(bytes)
        } else {
            i32::from_le_bytes(bytes)
        }
    };
    let (Some(first), Some(last)) = (word(1), word(2)) else {
        return (Vec::new(), false, 0);
    };
    let mut samples: Vec<i32> = Vec::new();
    for at in 3..payload.len() / 4 {
        if at % 16 == 0 {
            continue;
        }
        if samples.len() == npts {
            break;
        }
        let codes = word(at - at % 16).map_or(0, number) as u32;
        let code = (codes >> (30 - 2 * (at % 16)) & 3) as u8;
        let Some(found) = word(at).and_then(|w| differences(version, code, &w, big_endian)) else {
            return (samples, true, number(last));
        };
        for difference in found {
            let next = match samples.last() {
                None => i64::from(number(first)),
                Some(before) => i64::from(*before) + difference,
            };
            if samples.len() < npts {
                // 32-bit numbers wrap round, as the differences of the writer did.
                samples.push(next as i32);
            }
        }
    }
    (samples, false, number(last))
}

/// The bytes of each sample, the highest first.
fn items(payload: &[u8], bytes: usize, big_endian: bool, npts: usize) -> Vec<Vec<u8>> {
    let each = payload.chunks_exact(bytes).take(npts);
    each.map(|item| {
        let mut item = item.to_vec();
        if !big_endian {
            item.reverse();
        }
        item
    })
    .collect()
}

/// Samples of 16, 24 or 32-bit integers.
#[must_use]
pub fn integers(payload: &[u8], bytes: usize, big_endian: bool, npts: usize) -> Vec<i32> {
    let number = |item: Vec<u8>| {
        let unsigned = item.iter().fold(0i64, |n, b| n * 256 + i64::from(*b));
        let negative = item[0] >= 128;
        (unsigned - if negative { 1 << (8 * bytes) } else { 0 }) as i32
    };
    let all = items(payload, bytes, big_endian, npts);
    all.into_iter().map(number).collect()
}

/// Bit patterns of 32 or 64-bit floats.
#[must_use]
pub fn float_bits(payload: &[u8], bytes: usize, big_endian: bool, npts: usize) -> Vec<u64> {
    let number = |item: Vec<u8>| item.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
    let all = items(payload, bytes, big_endian, npts);
    all.into_iter().map(number).collect()
}
