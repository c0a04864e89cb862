//! Places where a record header may begin, found at the speed of memory.

use super::Record;

/// Places that one pass of the filter decides about.
const BLOCK: usize = 64;

/// Bytes behind the last place of a block that the filter looks at.
const REACH: usize = 8;

/// First place in `from..to` where a header may begin (as [`Record::looks_like`] says).
pub(super) fn find(data: &[u8], from: usize, to: usize) -> Option<usize> {
    let mut at = from;
    while at < to {
        let end = to.min(at + BLOCK);
        let window = data[at..].first_chunk::<{ BLOCK + REACH }>();
        if window.is_none_or(has_mark) {
            let found = (at..end).find(|&place| Record::looks_like(&data[place..]));
            if found.is_some() {
                return found;
            }
        }
        at = end;
    }
    None
}

/// Whether any of the places of a block has a quality letter with a blank or NUL behind it where
/// miniSEED 2 has them, or the first three bytes of miniSEED 3. Without branches, so that the
/// compiler makes vector code of it.
fn has_mark(window: &[u8; BLOCK + REACH]) -> bool {
    let mut hit = false;
    for at in 0..BLOCK {
        let (letter, behind) = (window[at + 6], window[at + 7]);
        let quality = (letter == b'D') | (letter == b'R') | (letter == b'Q') | (letter == b'M');
        hit |= quality & ((behind == b' ') | (behind == 0));
        hit |= (window[at] == b'M') & (window[at + 1] == b'S') & (window[at + 2] == 3);
    }
    hit
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Just enough of a header for the filter and [`Record::looks_like`].
    fn header_v2() -> [u8; 48] {
        let mut header = [0xEE; 48];
        header[..8].copy_from_slice(b"000001Q ");
        header[20..24].copy_from_slice(&[7, 0xDC, 0, 61]);
        header[24..27].copy_from_slice(&[13, 22, 11]);
        header
    }

    #[test]
    fn a_header_is_found_at_every_place() {
        let mut v3 = [0xEE; 48];
        v3[..15].copy_from_slice(b"MS\x03\0\0\0\0\0\xDC\x07\x3D\0\x0D\x16\x0B");
        for header in [header_v2(), v3] {
            for place in 0..300 {
                let mut bytes = vec![b'D'; 400];
                bytes[place..place + 48].copy_from_slice(&header);
                for from in [0, place / 2, place] {
                    assert_eq!(find(&bytes, from, 400), Some(place));
                }
                assert_eq!(find(&bytes, 0, place), None);
                assert_eq!(find(&bytes, place + 1, 400), None);
                assert_eq!(find(&bytes[..place + 48], 0, place + 48), Some(place));
            }
        }
    }

    #[test]
    fn the_filter_passes_what_a_search_byte_by_byte_finds() {
        let mut state = 1u64;
        let mut bytes: Vec<u8> = Vec::new();
        for _ in 0..200 {
            for _ in 0..state % 97 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                bytes.push(b"0D \0MS\x03R"[(state >> 33) as usize % 8]);
            }
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            bytes.extend(header_v2());
        }
        let mut slow = (0..bytes.len()).filter(|&at| Record::looks_like(&bytes[at..]));
        let mut from = 0;
        while let Some(at) = find(&bytes, from, bytes.len()) {
            assert_eq!(Some(at), slow.next());
            from = at + 1;
        }
        assert_eq!(slow.next(), None);
    }
}
