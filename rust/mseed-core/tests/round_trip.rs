//! What we write, we read back: every encoding, random samples of every width, any record length.
#![allow(missing_docs, clippy::unwrap_used)]

use mseed_core::decode::{Out, decode_into};
use mseed_core::encode::{Header, HeaderV3, Samples, with_fallback, write_v2, write_v3};
use mseed_core::{Encoding, FormatVersion, Item, Kind, Record, Walker};
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

/// The same for miniSEED 3.
fn header_v3<'a>(of: &Header<'a>) -> HeaderV3<'a> {
    HeaderV3 {
        network: of.network,
        station: of.station,
        location: of.location,
        channel: of.channel,
        version: 3,
        start_ns: of.start_ns,
        rate_hz: of.rate_hz,
        encoding: of.encoding,
        max_record_length: of.record_length,
        extra_headers: b"",
    }
}

fn write(
    header: &Header<'_>,
    v3: bool,
    samples: Samples<'_>,
) -> Result<Vec<u8>, mseed_core::Error> {
    let mut bytes = Vec::new();
    if v3 {
        write_v3(&header_v3(header), samples, &mut bytes)?;
    } else {
        write_v2(header, samples, &mut bytes)?;
    }
    Ok(bytes)
}

fn records(bytes: &[u8]) -> Vec<Record<'_>> {
    Walker::new(bytes)
        .map(|item| match item {
            Item::Record(_, record) => {
                assert_eq!(record.fault, None);
                record
            }
            Item::Skipped(skipped) => panic!("skipped {skipped:?}"),
        })
        .collect()
}

/// All samples, decoded into buffers that `out` wraps.
fn read_all<T: Clone + Default>(bytes: &[u8], out: impl Fn(&mut [T]) -> Out<'_>) -> Vec<T> {
    let mut all = Vec::new();
    for record in records(bytes) {
        let mut samples = vec![T::default(); record.npts];
        let decoded = decode_into(&record, out(&mut samples)).unwrap();
        assert_eq!(decoded.fault, None);
        assert_eq!(decoded.npts, record.npts);
        all.extend(samples);
    }
    all
}

fn read_back(bytes: &[u8]) -> Vec<i32> {
    read_all(bytes, |samples| Out::Int32(samples))
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

fn any_values<T: Arbitrary + Clone>() -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(any::<T>(), 0..2000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn steim2_returns_the_samples(samples in series(29), exponent in 7u32..18, v3 in any::<bool>()) {
        let bytes = write(&header(Encoding::Steim2, 1 << exponent), v3, Samples::Int32(&samples)).unwrap();
        prop_assert_eq!(read_back(&bytes), samples);
    }

    #[test]
    fn steim1_returns_any_samples(samples in any_values::<i32>(), exponent in 7u32..18, v3 in any::<bool>()) {
        let bytes = write(&header(Encoding::Steim1, 1 << exponent), v3, Samples::Int32(&samples)).unwrap();
        prop_assert_eq!(read_back(&bytes), samples);
    }

    #[test]
    fn int32_returns_any_samples(samples in any_values::<i32>(), exponent in 7u32..18, v3 in any::<bool>()) {
        let bytes = write(&header(Encoding::Int32, 1 << exponent), v3, Samples::Int32(&samples)).unwrap();
        prop_assert_eq!(read_back(&bytes), samples);
    }

    #[test]
    fn int16_returns_any_samples(samples in any_values::<i16>(), exponent in 7u32..18, v3 in any::<bool>()) {
        let wide: Vec<i32> = samples.iter().map(|v| i32::from(*v)).collect();
        for encoding in [Encoding::Int16, Encoding::Int32, Encoding::Steim1, Encoding::Steim2] {
            let header = header(encoding, 1 << exponent);
            let bytes = write(&header, v3, Samples::Int16(&samples)).unwrap();
            prop_assert_eq!(&bytes, &write(&header, v3, Samples::Int32(&wide)).unwrap());
            prop_assert_eq!(read_back(&bytes), wide.clone());
        }
    }

    #[test]
    fn float32_returns_all_bits(bits in any_values::<u32>(), exponent in 7u32..18, v3 in any::<bool>()) {
        let samples: Vec<f32> = bits.iter().map(|b| f32::from_bits(*b)).collect();
        let bytes = write(&header(Encoding::Float32, 1 << exponent), v3, Samples::Float32(&samples)).unwrap();
        let back = read_all(&bytes, |samples| Out::Float32(samples));
        prop_assert_eq!(back.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), bits);
    }

    #[test]
    fn float64_returns_all_bits(bits in any_values::<u64>(), exponent in 7u32..18, v3 in any::<bool>()) {
        let samples: Vec<f64> = bits.iter().map(|b| f64::from_bits(*b)).collect();
        let bytes = write(&header(Encoding::Float64, 1 << exponent), v3, Samples::Float64(&samples)).unwrap();
        let back = read_all(&bytes, |samples| Out::Float64(samples));
        prop_assert_eq!(back.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), bits);
    }

    #[test]
    fn text_returns_all_bytes(samples in any_values::<u8>(), exponent in 7u32..18, v3 in any::<bool>()) {
        let bytes = write(&header(Encoding::Text, 1 << exponent), v3, Samples::Text(&samples)).unwrap();
        prop_assert_eq!(read_all(&bytes, |samples| Out::Text(samples)), samples);
    }

    #[test]
    fn start_and_rate_come_back_to_what_the_format_holds(
        start_ns in -2_208_000_000_000_000_000i64..4_102_000_000_000_000_000,
        rate_hz in prop_oneof![1e-6..1e-2, 1e-2..1e3, 1e3..1e8, (1u32..1000, 1u32..1000).prop_map(|(a, b)| f64::from(a) / f64::from(b))],
        npts in 1usize..2000,
        v3 in any::<bool>(),
    ) {
        let samples: Vec<i32> = (0..npts as i32).map(|i| i % 50).collect();
        let mut h = header(Encoding::Steim2, 256);
        (h.start_ns, h.rate_hz) = (start_ns, rate_hz);
        let Ok(bytes) = write(&h, v3, Samples::Int32(&samples)) else {
            // The last sample lies beyond the years.
            prop_assert!(start_ns as f64 + npts as f64 / rate_hz * 1e9 > 4.1e18);
            return Ok(());
        };
        let mut done = 0;
        for record in records(&bytes) {
            let (rate_off, time_off_ns) = if v3 { (1e-15, 0) } else { (6e-8, 500) };
            prop_assert!((record.rate_hz / rate_hz - 1.0).abs() < rate_off);
            let at_ns = mseed_core::time::sample_time_ns(start_ns, rate_hz, done);
            let off_ns = (record.start_ns - at_ns).abs();
            prop_assert!(off_ns <= time_off_ns, "record from sample {} is off by {} ns", done, off_ns);
            done += record.npts as i64;
        }
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
            // The writer counts time evenly; the series of hours runs over leap seconds.
            let gap = pair[1].start_ns - pair[0].counted_end_ns();
            assert!((gap - (1e9 / rate) as i64).abs() <= 2_000, "{gap}");
        }
    }
}

#[test]
fn a_value_that_does_not_fit_is_named() {
    let samples = [0, 5, i32::MAX, i32::MIN];
    for v3 in [false, true] {
        let error =
            write(&header(Encoding::Steim2, 512), v3, Samples::Int32(&samples)).unwrap_err();
        assert_eq!(
            error.kind,
            Kind::Unfit {
                encoding: Encoding::Steim2,
                sample: 2,
                value: i32::MAX,
                difference: Some(i64::from(i32::MAX) - 5)
            }
        );
        assert_eq!(error.class(), mseed_core::Class::InvalidArgument);
        assert!(error.to_string().contains("sample 2 is 2147483647"));
        assert!(error.to_string().contains("use STEIM1 or INT32"));

        let many: Vec<i32> = (0..1000)
            .map(|i| if i == 777 { 32_768 } else { i })
            .collect();
        let error = write(&header(Encoding::Int16, 512), v3, Samples::Int32(&many)).unwrap_err();
        assert!(error.to_string().contains("sample 777 is 32768"), "{error}");
    }
}

#[test]
fn a_failure_leaves_what_was_written_before() {
    let mut samples = vec![0; 1990];
    samples.push(i32::MAX);
    let mut bytes = b"before".to_vec();
    let h = header(Encoding::Steim2, 128);
    write_v2(&h, Samples::Int32(&samples), &mut bytes).unwrap_err();
    write_v3(&header_v3(&h), Samples::Int32(&samples), &mut bytes).unwrap_err();
    assert_eq!(bytes, b"before");
}

#[test]
fn the_fall_back_is_the_next_encoding_that_holds_the_values() {
    for (asked, samples, used) in [
        (Encoding::Steim2, [1, i32::MAX, i32::MIN], Encoding::Steim1),
        (Encoding::Steim2, [1, 2, 3], Encoding::Steim2),
        (Encoding::Int16, [1, 40_000, 3], Encoding::Int32),
    ] {
        for v3 in [false, true] {
            let bytes = with_fallback(asked, |encoding| {
                write(&header(encoding, 512), v3, Samples::Int32(&samples))
            })
            .unwrap();
            assert_eq!(records(&bytes)[0].encoding, used);
            assert_eq!(read_back(&bytes), samples);
        }
    }
}

#[test]
fn samples_of_another_type_are_refused() {
    for encoding in [
        Encoding::Steim2,
        Encoding::Int16,
        Encoding::Float64,
        Encoding::Text,
    ] {
        let error = write(&header(encoding, 512), true, Samples::Float32(&[1.0])).unwrap_err();
        assert!(matches!(error.kind, Kind::Argument(_)), "{encoding:?}");
    }
}

#[test]
fn impossible_headers_are_refused() {
    let good = header(Encoding::Steim2, 512);
    let cases: [(Header<'_>, bool, bool); 11] = [
        (
            Header {
                network: "XXX",
                ..good
            },
            true,
            false,
        ),
        (
            Header {
                station: "A B",
                ..good
            },
            true,
            true,
        ),
        (
            Header {
                location: "é",
                ..good
            },
            true,
            true,
        ),
        (
            Header {
                channel: "HH_Z",
                ..good
            },
            true,
            true,
        ),
        (
            Header {
                network: "X_",
                ..good
            },
            false,
            true,
        ),
        (
            Header {
                quality: b'X',
                ..good
            },
            true,
            false,
        ),
        (
            Header {
                record_length: 500,
                ..good
            },
            true,
            false,
        ),
        (
            Header {
                record_length: 64,
                ..good
            },
            true,
            true,
        ),
        (
            Header {
                rate_hz: 0.0,
                ..good
            },
            true,
            true,
        ),
        (
            Header {
                rate_hz: f64::NAN,
                ..good
            },
            true,
            true,
        ),
        (
            Header {
                start_ns: i64::MAX,
                ..good
            },
            true,
            true,
        ),
    ];
    for (header, in_v2, in_v3) in cases {
        for (v3, refused) in [(false, in_v2), (true, in_v3)] {
            let answer = write(&header, v3, Samples::Int32(&[1]));
            assert_eq!(answer.is_err(), refused, "{header:?} version 3: {v3}");
        }
    }
    let h = Header {
        rate_hz: 99.999,
        record_length: 128,
        ..good
    };
    let error = write(&h, false, Samples::Int32(&[1])).unwrap_err();
    assert!(error.to_string().contains("blockette 100"), "{error}");
}

#[test]
fn a_rate_without_fraction_stands_in_blockette_100() {
    let samples: Vec<i32> = (0..3000).map(|i| i % 100).collect();
    for (encoding, payload_start) in [(Encoding::Steim2, 128), (Encoding::Int32, 80)] {
        let mut h = header(encoding, 256);
        h.rate_hz = 99.999;
        let bytes = write(&h, false, Samples::Int32(&samples)).unwrap();
        for record in records(&bytes) {
            assert_eq!(record.rate_hz, f64::from(99.999f32));
            assert_eq!(record.payload_start, payload_start);
            let kinds: Vec<_> = mseed_core::record::blockettes(&record)
                .map(|b| b.kind)
                .collect();
            assert_eq!(kinds, [1000, 1001, 100]);
            assert_eq!(record.bytes[39], 3);
        }
        assert_eq!(read_back(&bytes), samples);
    }
}

#[test]
fn version_3_records_are_as_long_as_they_need_to_be() {
    let mut h = header_v3(&header(Encoding::Steim2, 4096));
    h.extra_headers = br#"{"FDSN":{"Time":{"Quality":100}}}"#;
    h.channel = "L_H_ZZ";
    h.start_ns = -1;
    let samples: Vec<i32> = (0..9000).map(|i| i * 7 % 60).collect();
    let mut bytes = Vec::new();
    write_v3(&h, Samples::Int32(&samples), &mut bytes).unwrap();
    let all = records(&bytes);
    for record in &all {
        assert_eq!(record.format, FormatVersion::V3);
        assert_eq!(record.extra_headers, h.extra_headers);
        assert_eq!(record.source.to_string(), "XX.TEST.00.L_H_ZZ");
        assert_eq!((record.version, record.declared_rate), (3, 100.0));
        assert!(record.bytes.len() <= 4096);
    }
    assert_eq!(all[0].start_ns, -1);
    let last = all.last().unwrap();
    assert!(last.bytes.len() < all[0].bytes.len());
    assert_eq!(read_back(&bytes), samples);
}

#[test]
fn long_records_are_filled_to_the_end() {
    let samples = vec![7; 400_000];
    let bytes = write(
        &header(Encoding::Steim2, 131_072),
        false,
        Samples::Int32(&samples),
    )
    .unwrap();
    // 65,535 samples are all that a header can count.
    assert_eq!(records(&bytes)[0].npts, 65_535);
    assert_eq!(read_back(&bytes), samples);
    let bytes = write(
        &header(Encoding::Steim2, 131_072),
        true,
        Samples::Int32(&samples),
    )
    .unwrap();
    assert!(records(&bytes)[0].npts > 200_000);
    assert_eq!(read_back(&bytes), samples);
}

#[test]
fn no_samples_make_no_record() {
    for v3 in [false, true] {
        let bytes = write(&header(Encoding::Steim2, 512), v3, Samples::Int32(&[])).unwrap();
        assert!(bytes.is_empty());
    }
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
fn encodings_that_are_not_decoded_are_named() {
    let mut bytes = Vec::new();
    write_v2(
        &header(Encoding::Int32, 512),
        Samples::Int32(&[1, 2, 3]),
        &mut bytes,
    )
    .unwrap();
    for (code, name) in [
        (15, "US National Network"),
        (17, "Graefenberg"),
        (18, "IPG Strasbourg"),
        (19, "Steim3"),
        (31, "HGLP"),
        (33, "RSTN"),
        (77, "unknown"),
        (100, "opaque"),
    ] {
        bytes[52] = code;
        let record = &records(&bytes)[0];
        assert_eq!(record.encoding.code(), code);
        let error = decode_into(record, Out::Int32(&mut [0; 3])).unwrap_err();
        assert_eq!(error.class(), mseed_core::Class::Unsupported);
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_buffer_of_another_type_is_refused() {
    let mut bytes = Vec::new();
    let written = Samples::Int32(&[1, 2, 3]);
    write_v2(&header(Encoding::Int32, 512), written, &mut bytes).unwrap();
    for code in [3, 12, 13, 14, 16, 30, 32] {
        bytes[52] = code;
        let error = decode_into(&records(&bytes)[0], Out::Float64(&mut [0.0; 3])).unwrap_err();
        assert_eq!(error.class(), mseed_core::Class::InvalidArgument);
    }
}
