//! Historical gain-ranged encodings: a mantissa and a power of two in each sample.
//!
//! The bit layouts are those of blockette 1000, field 3, and of the dictionary of data formats
//! (blockette 30) in the SEED manual 2.4; where the manual leaves a choice, what libmseed
//! (`unpackdata.c`) does decides, as ObsPy decodes by it too. Words stand in the byte order that
//! blockette 1000 names. Each function returns how many samples it wrote.

use super::plain::each;
use crate::error::Kind;

/// Mantissa of GEOSCOPE and SRO words: the low twelve bits.
const TWELVE_BITS: u16 = 0x0FFF;

/// GEOSCOPE 24-bit (code 12): two's complement, no gain range. Single precision holds it exactly.
pub(super) fn geoscope24(payload: &[u8], big_endian: bool, out: &mut [f32]) -> usize {
    each(payload, big_endian, out, |[a, b, c]: [u8; 3]| {
        (i32::from_be_bytes([a, b, c, 0]) >> 8) as f32
    })
}

/// GEOSCOPE 16-bit with a 3-bit exponent (code 13): `.EEE MMMM MMMM MMMM`, the sample is
/// (M − 2048) / 2^E. The highest bit means nothing.
pub(super) fn geoscope16_3(payload: &[u8], big_endian: bool, out: &mut [f32]) -> usize {
    words(payload, big_endian, out, |word| geoscope16(word & 0x7FFF))
}

/// GEOSCOPE 16-bit with a 4-bit exponent (code 14): `EEEE MMMM MMMM MMMM`, the sample is
/// (M − 2048) / 2^E.
pub(super) fn geoscope16_4(payload: &[u8], big_endian: bool, out: &mut [f32]) -> usize {
    words(payload, big_endian, out, geoscope16)
}

fn geoscope16(word: u16) -> f32 {
    let mantissa = f32::from((word & TWELVE_BITS) as i16 - 2048);
    // Twelve bits over a power of two: exact in single precision.
    mantissa / f32::from(1u16 << (word >> 12))
}

/// CDSN (code 16): `KKMM MMMM MMMM MMMM`, the sample is (M − 8191) times 1, 4, 16 or 128 by the
/// key K.
pub(super) fn cdsn(payload: &[u8], big_endian: bool, out: &mut [i32]) -> usize {
    words(payload, big_endian, out, |word| {
        let shift = [0, 2, 4, 7][usize::from(word >> 14)];
        (i32::from(word & 0x3FFF) - 8191) << shift
    })
}

/// DWWSSN (code 32): 16-bit two's complement, no gain range.
pub(super) fn dwwssn(payload: &[u8], big_endian: bool, out: &mut [i32]) -> usize {
    words(payload, big_endian, out, |word| i32::from(word as i16))
}

/// SRO (code 30): `GGGG MMMM MMMM MMMM`, M in two's complement, the sample is M · 2^(10 − G).
/// Gains above 10 do not exist: the samples end before the first one, as nothing tells its value.
pub(super) fn sro(payload: &[u8], big_endian: bool, out: &mut [i32]) -> (usize, Option<Box<Kind>>) {
    const LARGEST_GAIN: u16 = 10;
    let mut gains = 0;
    let npts = words(payload, big_endian, out, |word| {
        let gain = word >> 12;
        gains |= u16::from(gain > LARGEST_GAIN);
        let mantissa = i32::from((word << 4) as i16 >> 4);
        mantissa << LARGEST_GAIN.saturating_sub(gain)
    });
    if gains == 0 {
        return (npts, None);
    }
    let (found, _) = payload.as_chunks::<2>();
    let gain_of = |bytes: &[u8; 2]| bytes[usize::from(!big_endian)] >> 4;
    let good = found[..npts]
        .iter()
        .position(|bytes| u16::from(gain_of(bytes)) > LARGEST_GAIN)
        .unwrap_or(npts);
    let fault = found.get(good).map(|bytes| {
        Box::new(Kind::SroGain {
            found: gain_of(bytes),
            decoded: good,
        })
    });
    (good, fault)
}

fn words<T>(
    payload: &[u8],
    big_endian: bool,
    out: &mut [T],
    mut sample: impl FnMut(u16) -> T,
) -> usize {
    each(payload, big_endian, out, |bytes| {
        sample(u16::from_be_bytes(bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number that a row of bit letters spells.
    fn number(bits: &str) -> i32 {
        bits.chars()
            .fold(0, |value, bit| value * 2 + i32::from(bit == '1'))
    }

    /// The same in two's complement: the first bit counts negative.
    fn signed(bits: &str) -> i32 {
        number(bits)
            - if bits.starts_with('1') {
                1 << bits.len()
            } else {
                0
            }
    }

    /// The bits of every 16-bit word, and the payload of all of them in one byte order.
    fn all_words(big_endian: bool) -> (Vec<String>, Vec<u8>) {
        let bits = (0..=u16::MAX).map(|word| format!("{word:016b}")).collect();
        let payload = (0..=u16::MAX).flat_map(|word| {
            let (high, low) = ((word / 256) as u8, (word % 256) as u8);
            if big_endian { [high, low] } else { [low, high] }
        });
        (bits, payload.collect())
    }

    type Decoder<T> = fn(&[u8], bool, &mut [T]) -> usize;

    fn check_all<T>(decode: Decoder<T>, oracle: impl Fn(&str) -> T)
    where
        T: Copy + Default + PartialEq + std::fmt::Debug,
    {
        for big_endian in [true, false] {
            let (bits, payload) = all_words(big_endian);
            let mut out = vec![T::default(); bits.len()];
            assert_eq!(decode(&payload, big_endian, &mut out), 65_536);
            for (bits, found) in bits.iter().zip(out) {
                assert_eq!(found, oracle(bits), "word {bits}");
            }
        }
    }

    #[test]
    fn geoscope_16_bit_is_right_for_every_word() {
        let value = |exponent: &str, mantissa: &str| {
            (f64::from(number(mantissa) - 2048) * 0.5f64.powi(number(exponent))) as f32
        };
        check_all(geoscope16_3, |bits| value(&bits[1..4], &bits[4..]));
        check_all(geoscope16_4, |bits| value(&bits[..4], &bits[4..]));
    }

    #[test]
    fn cdsn_is_right_for_every_word() {
        check_all(cdsn, |bits| {
            let multiplier = match &bits[..2] {
                "00" => 1,
                "01" => 4,
                "10" => 16,
                _ => 128,
            };
            (number(&bits[2..]) - 8191) * multiplier
        });
    }

    #[test]
    fn dwwssn_is_right_for_every_word() {
        check_all(dwwssn, signed);
    }

    #[test]
    fn sro_is_right_for_every_word_and_reports_gains_that_do_not_exist() {
        for big_endian in [true, false] {
            let (bits, payload) = all_words(big_endian);
            for (bits, bytes) in bits.iter().zip(payload.chunks(2)) {
                let gain = number(&bits[..4]);
                let expected = signed(&bits[4..]) * (0..10 - gain).fold(1, |value, _| value * 2);
                // A good sample, the word, a good sample.
                let padded = [&[0, 0], bytes, &[0, 0]].concat();
                let mut out = [1; 3];
                let (npts, fault) = sro(&padded, big_endian, &mut out);
                if gain <= 10 {
                    assert_eq!((npts, fault, out[1]), (3, None, expected), "word {bits}");
                } else {
                    let (found, decoded) = (gain as u8, 1);
                    assert_eq!(npts, 1, "word {bits}");
                    assert_eq!(fault, Some(Box::new(Kind::SroGain { found, decoded })));
                }
            }
        }
    }

    #[test]
    fn geoscope_24_bit_is_two_s_complement_at_every_width() {
        for power in 0..24 {
            for near in -1..=1 {
                for sign in [1, -1] {
                    let value = sign * ((1i32 << power) + near);
                    if !(-(1 << 23)..1 << 23).contains(&value) {
                        continue;
                    }
                    let [_, high, middle, low] = value.to_be_bytes();
                    let mut out = [0.0; 2];
                    let big = [high, middle, low, 0, 0, 1];
                    assert_eq!(geoscope24(&big, true, &mut out), 2);
                    assert_eq!(out, [value as f32, 1.0]);
                    let little = [low, middle, high, 1, 0, 0];
                    assert_eq!(geoscope24(&little, false, &mut out), 2);
                    assert_eq!(out, [value as f32, 1.0]);
                }
            }
        }
    }

    #[test]
    fn a_payload_or_buffer_that_ends_early_ends_the_samples() {
        let payload = [0x20, 0, 0x20, 0, 0x20];
        assert_eq!(cdsn(&payload, true, &mut [0; 9]), 2);
        assert_eq!(cdsn(&payload, true, &mut [0; 1]), 1);
        assert_eq!(sro(&payload, true, &mut [0; 9]), (2, None));
        assert_eq!(sro(&[0xF0, 0], true, &mut []), (0, None));
        assert_eq!(geoscope24(&payload, true, &mut [0.0; 9]), 1);
    }
}
