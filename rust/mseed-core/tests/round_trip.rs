//! What we write, we read back: every encoding, random samples of every width, any record length.
#![allow(missing_docs, clippy::unwrap_used)]

use mseed_core::decode::{Out, decode_into};
use mseed_core::encode::{Header, Samples, write_v2};
use mseed_core::{Encoding, Item, Record, Walker};
use proptest::prelude::*;

fn header(encoding: Encoding, record_length: usize) -> Header<'static> {
    Header {
        network: "XX",
        station: "TEST",
        location: "00",
        channel: "HHZ",
        quality: b'D',
        start_ns: 1_330_608_131_123_456_000,
        rate_hz: 100.0,
        encoding,
        record_length,
        sequence: 1,
    }
}

fn records(bytes: &[u8]) -> Vec<Record<'_>> {
    Walker::new(bytes)
        .map(|item| match item {
            Item::Record(_, record) => record,
            Item::Skipped(skipped) => panic!("skipped {skipped:?}"),
        })
        .collect()
}

fn read_back(bytes: &[u8]) -> Vec<i32> {
    let mut all = Vec::new();
    for record in records(bytes) {
        let mut out = vec![0; record.npts];
        let decoded = decode_into(&record, Out::Int32(&mut out)).unwrap();
        assert_eq!(decoded.fault, None);
        assert_eq!(decoded.npts, record.npts);
        all.extend(out);
    }
    all
}

/// Random walks whose steps have `bits` bits, mixed with jumps.
fn series(max_bits: u32) -> impl Strategy<Value = Vec<i32>> {
    prop::collection::vec((1..=max_bits, any::<i32>()), 0..3000).prop_map(|steps| {
        let mut value = 0i64;
        steps
            .into_iter()
            .map(|(bits, raw)| {
                let step = i64::from(raw) >> (32 - bits);
                value = (value + step).clamp(-(1 << 28), 1 << 28);
                value as i32
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn steim2_returns_the_samples(samples in series(29), exponent in 7u32..13) {
        let mut bytes = Vec::new();
        write_v2(&header(Encoding::Steim2, 1 << exponent), Samples::Int32(&samples), &mut bytes).unwrap();
        prop_assert_eq!(read_back(&bytes), samples);
    }

    #[test]
    fn steim1_returns_any_samples(samples in prop::collection::vec(any::<i32>(), 0..2000), exponent in 7u32..13) {
        let mut bytes = Vec::new();
        write_v2(&header(Encoding::Steim1, 1 << exponent), Samples::Int32(&samples), &mut bytes).unwrap();
        prop_assert_eq!(read_back(&bytes), samples);
    }

    #[test]
    fn int32_returns_any_samples(samples in prop::collection::vec(any::<i32>(), 0..2000)) {
        let mut bytes = Vec::new();
        write_v2(&header(Encoding::Int32, 512), Samples::Int32(&samples), &mut bytes).unwrap();
        prop_assert_eq!(read_back(&bytes), samples);
    }

    #[test]
    fn any_bytes_never_panic_and_are_all_accounted_for(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        let mut end = 0;
        for item in Walker::new(&bytes) {
            match item {
                Item::Record(at, record) => { assert_eq!(at, end); end += record.bytes.len(); }
                Item::Skipped(s) => { assert_eq!(s.offset, end); end += s.length; }
            }
        }
        prop_assert_eq!(end, bytes.len());
    }

    #[test]
    fn damaged_records_never_panic(
        samples in series(29),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        prop_assume!(!samples.is_empty());
        let mut bytes = Vec::new();
        write_v2(&header(Encoding::Steim2, 256), Samples::Int32(&samples), &mut bytes).unwrap();
        for (at, value) in hits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        for item in Walker::new(&bytes) {
            if let Item::Record(_, record) = item {
                let mut out = vec![0; record.npts];
                let _ = decode_into(&record, Out::Int32(&mut out));
            }
        }
    }
}

#[test]
fn header_fields_come_back() {
    let samples: Vec<i32> = (0..5000).map(|i| i * i % 1017).collect();
    for (rate, ns) in [
        (100.0, 0),
        (0.1, 50_000),
        (330.6, 99_000),
        (1.0 / 3600.0, 149_000),
        (62.5, 1_000),
    ] {
        let mut h = header(Encoding::Steim2, 512);
        h.rate_hz = rate;
        h.start_ns += ns;
        h.location = "";
        let mut bytes = Vec::new();
        write_v2(&h, Samples::Int32(&samples), &mut bytes).unwrap();
        let all = records(&bytes);
        assert_eq!(all[0].source.to_string(), "XX.TEST..HHZ");
        assert_eq!(all[0].start_ns, h.start_ns);
        assert!((all[0].rate_hz / rate - 1.0).abs() < 1e-6, "{rate}");
        for pair in all.windows(2) {
            let gap = pair[1].start_ns - pair[0].end_ns();
            assert!((gap - (1e9 / rate) as i64).abs() <= 2_000, "{gap}");
        }
    }
}

#[test]
fn a_difference_beyond_thirty_bits_is_refused_by_steim2() {
    let mut bytes = Vec::new();
    let samples = [0, i32::MAX, i32::MIN];
    let error = write_v2(
        &header(Encoding::Steim2, 512),
        Samples::Int32(&samples),
        &mut bytes,
    )
    .unwrap_err();
    assert!(error.to_string().contains("30 bits"), "{error}");
    assert!(bytes.is_empty());
}

#[test]
fn a_wrong_last_sample_is_reported() {
    let mut bytes = Vec::new();
    write_v2(
        &header(Encoding::Steim2, 512),
        Samples::Int32(&[1, 2, 3, 4]),
        &mut bytes,
    )
    .unwrap();
    bytes[64 + 11] ^= 1;
    let record = &records(&bytes)[0];
    let mut out = [0; 4];
    let decoded = decode_into(record, Out::Int32(&mut out)).unwrap();
    assert_eq!(out, [1, 2, 3, 4]);
    assert!(
        decoded
            .fault
            .unwrap()
            .to_string()
            .contains("last sample 4: expected 5")
    );
}

#[test]
fn noise_between_records_is_skipped_and_reported() {
    let mut one = Vec::new();
    write_v2(
        &header(Encoding::Steim2, 128),
        Samples::Int32(&[1, 2, 3]),
        &mut one,
    )
    .unwrap();
    let mut bytes = one.clone();
    bytes.extend([0x55; 77]);
    bytes.extend(&one);
    bytes.extend(&one[..100]);
    let items: Vec<_> = Walker::new(&bytes).collect();
    let offsets: Vec<_> = items
        .iter()
        .map(|item| match item {
            Item::Record(at, r) => (*at, r.bytes.len(), true),
            Item::Skipped(s) => (s.offset, s.length, false),
        })
        .collect();
    assert_eq!(
        offsets,
        [
            (0, 128, true),
            (128, 77, false),
            (205, 128, true),
            (333, 100, false)
        ]
    );
    let Item::Skipped(tail) = &items[3] else {
        panic!()
    };
    assert_eq!(tail.reason.class(), mseed_core::Class::Truncated);
    assert_eq!(tail.reason.offset, 333);
}

#[test]
fn an_encoding_that_is_not_decoded_is_named() {
    let mut bytes = Vec::new();
    write_v2(
        &header(Encoding::Int32, 512),
        Samples::Int32(&[1, 2, 3]),
        &mut bytes,
    )
    .unwrap();
    bytes[52] = 30;
    let record = &records(&bytes)[0];
    let error = decode_into(record, Out::Int32(&mut [0; 3])).unwrap_err();
    assert_eq!(error.class(), mseed_core::Class::Unsupported);
    assert!(error.to_string().contains("SRO"), "{error}");
}
