//! Every path of the decoder gives what the oracle gives: samples, counts and faults.

#![allow(clippy::unwrap_used)]

use mseed_core::decode::{Decoded, Out, Path, decode_into_by, naive};
use mseed_core::{Kind, Record};
use proptest::prelude::*;

/// A miniSEED 3 record around a payload: it may have any length.
fn record(encoding: u8, payload: &[u8], npts: u32) -> Vec<u8> {
    let id = b"FDSN:XX_TEST__H_H_Z";
    let mut out = b"MS\x03\x00".to_vec();
    out.extend([0; 4]);
    out.extend(2020u16.to_le_bytes());
    out.extend(1u16.to_le_bytes());
    out.extend([0, 0, 0, encoding]);
    out.extend(100f64.to_le_bytes());
    out.extend(npts.to_le_bytes());
    out.extend([0; 4]);
    out.extend([1, id.len() as u8]);
    out.extend(0u16.to_le_bytes());
    out.extend((payload.len() as u32).to_le_bytes());
    out.extend(id);
    out.extend(payload);
    out
}

fn decode_steim(path: Path, record: &Record<'_>) -> (Vec<i32>, Decoded) {
    let mut out = vec![i32::MIN; record.npts];
    let decoded = decode_into_by(path, record, Out::Int32(&mut out)).unwrap();
    out.truncate(decoded.npts);
    (out, decoded)
}

/// What the oracle says of a Steim record: samples and the kind of fault.
fn expected_steim(version: u8, record: &Record<'_>) -> (Vec<i32>, Option<Kind>) {
    let payload = record.payload();
    let (samples, undefined, last) =
        naive::steim(version, payload, record.data_big_endian, record.npts);
    let fault = if undefined {
        Some(Kind::SteimCode {
            decoded: samples.len(),
        })
    } else if samples.len() < record.npts {
        Some(Kind::ShortPayload {
            declared: record.npts,
            decoded: samples.len(),
        })
    } else {
        samples
            .last()
            .filter(|decoded| **decoded != last)
            .map(|decoded| Kind::SteimLastSample {
                expected: last,
                decoded: *decoded,
            })
    };
    (samples, fault)
}

fn check_steim(version: u8, bytes: &[u8], big_endian: bool) {
    let mut record = Record::parse(bytes).unwrap();
    record.data_big_endian = big_endian;
    let (samples, fault) = expected_steim(version, &record);
    for path in Path::available() {
        let (found, decoded) = decode_steim(path, &record);
        assert_eq!(found, samples, "{path:?}");
        assert_eq!(decoded.fault.map(|f| f.kind), fault, "{path:?}");
    }
}

/// Words of a frame: codes that are mostly defined, words of all kinds.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let code = prop_oneof![8 => 1u32..4, 1 => Just(0u32)];
    let frame = (
        prop::collection::vec(code, 15),
        prop::collection::vec((any::<u32>(), 0u32..8), 15),
    );
    (prop::collection::vec(frame, 0..40), 0usize..64).prop_map(|(frames, cut)| {
        let mut out = Vec::new();
        for (codes, words) in frames {
            let control = codes.iter().fold(0, |all, code| all << 2 | code);
            out.extend(control.to_be_bytes());
            for (word, top) in words {
                // Most words have two highest bits that are defined with code 2 and code 3.
                let top = if top == 7 { word >> 30 } else { 1 + top % 2 };
                out.extend((word << 2 >> 2 | top << 30).to_be_bytes());
            }
        }
        out.truncate(out.len().saturating_sub(cut));
        out
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn steim_paths_equal_the_oracle(
        payload in payload(), version in 1u8..3, big_endian: bool, share in 0.0f64..1.3,
    ) {
        let most = payload.len() / 4 * 7;
        let npts = (most as f64 * share * 0.6) as u32;
        check_steim(version, &record(9 + version, &payload, npts), big_endian);
    }

    #[test]
    fn steim_paths_equal_the_oracle_on_any_bytes(
        payload in prop::collection::vec(any::<u8>(), 0..1500),
        version in 1u8..3, big_endian: bool, npts in 0u32..3000,
    ) {
        check_steim(version, &record(9 + version, &payload, npts), big_endian);
    }

    #[test]
    fn plain_paths_equal_the_oracle(
        payload in prop::collection::vec(any::<u8>(), 0..700),
        encoding in 1u8..6, big_endian: bool, npts in 0u32..400,
    ) {
        let bytes = record(encoding, &payload, npts);
        let mut record = Record::parse(&bytes).unwrap();
        record.data_big_endian = big_endian;
        for path in Path::available() {
            let n = record.npts;
            let (found, expected): (Vec<u64>, Vec<u64>) = match encoding {
                1..=3 => {
                    let mut out = vec![0; n];
                    let decoded = decode_into_by(path, &record, Out::Int32(&mut out)).unwrap();
                    let size = [2, 3, 4][usize::from(encoding) - 1];
                    let expected = naive::integers(&payload, size, big_endian, n);
                    (
                        out[..decoded.npts].iter().map(|v| *v as u64).collect(),
                        expected.into_iter().map(|v| v as u64).collect(),
                    )
                }
                4 => {
                    let mut out = vec![0.0; n];
                    let decoded = decode_into_by(path, &record, Out::Float32(&mut out)).unwrap();
                    (
                        out[..decoded.npts].iter().map(|v| u64::from(v.to_bits())).collect(),
                        naive::float_bits(&payload, 4, big_endian, n),
                    )
                }
                _ => {
                    let mut out = vec![0.0; n];
                    let decoded = decode_into_by(path, &record, Out::Float64(&mut out)).unwrap();
                    (
                        out[..decoded.npts].iter().map(|v| v.to_bits()).collect(),
                        naive::float_bits(&payload, 8, big_endian, n),
                    )
                }
            };
            prop_assert_eq!(&found, &expected, "{:?}", path);
        }
    }
}

/// Each word of a frame at each place, with every code and every two highest bits.
#[test]
fn every_kind_of_word_at_every_place_equals_the_oracle() {
    for version in [1, 2] {
        for big_endian in [true, false] {
            for (at, kind) in (1..16).flat_map(|at| (0..16u32).map(move |kind| (at, kind))) {
                let mut words = [0x0123_4567u32; 32];
                // All others hold four 8-bit differences.
                let mut codes = 0x1555_5555u32;
                codes = codes & !(3 << (30 - 2 * at)) | (kind >> 2) << (30 - 2 * at);
                words[0] = 0x0055_5555;
                words[16] = codes;
                words[16 + at] = kind << 30 | 0x2F0F_5A3C;
                let payload: Vec<u8> = words
                    .iter()
                    .flat_map(|w| {
                        if big_endian {
                            w.to_be_bytes()
                        } else {
                            w.to_le_bytes()
                        }
                    })
                    .collect();
                let bytes = record(9 + version, &payload, 110);
                check_steim(version, &bytes, big_endian);
            }
        }
    }
}
