//! Headers of both versions: byte orders, blockettes, rates, corrections, lengths, checks.
#![allow(missing_docs, clippy::unwrap_used)]

mod made;

use made::V2;
use mseed_core::decode::{Out, decode_into};
use mseed_core::record::blockettes;
use mseed_core::time::from_ordinal;
use mseed_core::{Class, Encoding, FormatVersion, Item, Kind, Record, Walker};

fn start() -> i64 {
    from_ordinal(2012, 61, 13, 22, 11, 123_400_000)
}

fn decoded(record: &Record<'_>) -> Vec<i32> {
    let mut out = vec![0; record.npts];
    let result = decode_into(record, Out::Int32(&mut out)).unwrap();
    assert_eq!((result.npts, result.fault), (record.npts, None));
    out
}

#[test]
fn both_byte_orders_of_header_and_data_are_detected() {
    for big_endian in [true, false] {
        for data_big_endian in [true, false] {
            let mut made = V2 {
                big_endian,
                data_big_endian,
                ..V2::default()
            };
            if !data_big_endian {
                made.payload = vec![7, 0, 0, 0, 255, 255, 255, 255];
            }
            let bytes = made.bytes();
            let record = Record::parse(&bytes).unwrap();
            assert_eq!(record.format, FormatVersion::V2);
            assert_eq!(record.header_big_endian, big_endian);
            assert_eq!(record.source.to_string(), "XX.AAA.00.HHZ");
            assert_eq!(
                (record.start_ns, record.rate_hz, record.npts),
                (start(), 100.0, 2)
            );
            assert_eq!(decoded(&record), [7, -1]);
        }
    }
}

#[test]
fn microseconds_of_blockette_1001_are_added() {
    for (micro, expected) in [(99i8, 99_000), (-50, -50_000)] {
        let made = V2 {
            blockettes: vec![(1001, vec![100, micro as u8, 0, 1])],
            ..V2::default()
        };
        assert_eq!(
            Record::parse(&made.bytes()).unwrap().start_ns,
            start() + expected
        );
    }
}

#[test]
fn the_rate_of_blockette_100_wins_over_the_header() {
    let mut body = 99.5f32.to_be_bytes().to_vec();
    body.extend([0; 4]);
    let made = V2 {
        blockettes: vec![(100, body)],
        ..V2::default()
    };
    assert_eq!(Record::parse(&made.bytes()).unwrap().rate_hz, 99.5);
}

#[test]
fn the_flags_of_both_versions_have_names() {
    let mut bytes = V2 {
        activity: 0x12,
        ..V2::default()
    }
    .bytes();
    bytes[37] = 0x20;
    bytes[38] = 0x81;
    let flags: Vec<_> = Record::parse(&bytes).unwrap().flags().collect();
    let expected = [
        "time correction applied",
        "positive leap second",
        "clock locked",
        "amplifier saturation",
        "time tag questionable",
    ];
    assert_eq!(flags, expected);
    let mut bytes = v3(IDENTIFIER, b"", 100.0, 0);
    bytes[3] = 0x06;
    let flags: Vec<_> = Record::parse(&bytes).unwrap().flags().collect();
    assert_eq!(flags, ["time tag questionable", "clock locked"]);
}

#[test]
fn blockette_500_is_read_and_shifts_nothing() {
    let mut body = vec![0; 196];
    body[..4].copy_from_slice(&50.5f32.to_be_bytes());
    body[14] = (-3i8) as u8;
    body[15] = 80;
    body[16..20].copy_from_slice(&9u32.to_be_bytes());
    let made = V2 {
        length: 512,
        blockettes: vec![(500, body)],
        ..V2::default()
    };
    let bytes = made.bytes();
    let record = Record::parse(&bytes).unwrap();
    assert_eq!(record.start_ns, start());
    let timing = blockettes(&record)
        .find_map(|b| b.timing_500(record.header_big_endian))
        .unwrap();
    assert_eq!(timing.vco_correction, 50.5);
    assert_eq!((timing.microsecond, timing.reception_quality), (-3, 80));
    assert_eq!(timing.exception_count, 9);
}

#[test]
fn a_time_correction_is_applied_unless_the_flag_says_it_is() {
    let pending = V2 {
        correction: -15_000,
        ..V2::default()
    };
    let applied = V2 {
        activity: 0x02,
        ..pending.clone()
    };
    assert_eq!(
        Record::parse(&pending.bytes()).unwrap().start_ns,
        start() - 1_500_000_000
    );
    assert_eq!(Record::parse(&applied.bytes()).unwrap().start_ns, start());
}

#[test]
fn the_last_sample_behind_a_leap_second_is_a_second_earlier() {
    // 3 s of data at 100 Hz from 23:59:58 on.
    for (year, day, flags, seconds) in [
        (2016, 366, 0x00, 2),
        (2016, 366, 0x10, 2),
        // The list knows better.
        (2016, 366, 0x20, 2),
        (2016, 365, 0x00, 3),
        (2015, 181, 0x00, 2),
        // Behind the list only the flag can tell; no month ends on 2 March.
        (2031, 181, 0x00, 3),
        (2031, 181, 0x10, 2),
        (2031, 181, 0x20, 4),
        (2031, 181, 0x30, 3),
        (2031, 61, 0x10, 3),
    ] {
        let made = V2 {
            time: (year, day, 23, 59, 58),
            activity: flags,
            npts: 301,
            encoding: 10,
            length: 512,
            ..V2::default()
        };
        let mut bytes = made.bytes();
        // Room for so many samples.
        bytes[44..46].copy_from_slice(&64u16.to_be_bytes());
        let record = Record::parse(&bytes).unwrap();
        assert_eq!(record.npts, 301);
        assert_eq!(record.end_ns() - record.start_ns, seconds * 1_000_000_000);
        assert_eq!(record.counted_end_ns() - record.start_ns, 3_000_000_000);
    }
}

#[test]
fn without_blockette_1000_the_next_header_tells_the_length() {
    let made = V2 {
        with_1000: false,
        length: 512,
        encoding: 10,
        npts: 0,
        payload: vec![],
        ..V2::default()
    };
    let mut bytes = made.bytes();
    bytes.extend(made.bytes());
    bytes.extend(V2::default().bytes());
    let lengths: Vec<_> = Walker::new(&bytes)
        .map(|item| match item {
            Item::Record(at, record) => (at, record.bytes.len(), record.encoding),
            Item::Skipped(skipped) => panic!("{skipped:?}"),
        })
        .collect();
    let expected = [
        (0, 512, Encoding::Steim1),
        (512, 512, Encoding::Steim1),
        (1024, 256, Encoding::Int32),
    ];
    assert_eq!(lengths, expected);
}

#[test]
fn plain_encodings_give_their_samples() {
    let cases: [(u8, &[u8], &[i32]); 3] = [
        (1, &[0, 5, 0xFF, 0xFE], &[5, -2]),
        (2, &[0, 1, 0, 0xFF, 0xFF, 0xFD], &[256, -3]),
        (
            3,
            &[0x80, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF],
            &[i32::MIN, i32::MAX],
        ),
    ];
    for (encoding, payload, expected) in cases {
        let made = V2 {
            encoding,
            payload: payload.to_vec(),
            ..V2::default()
        };
        assert_eq!(decoded(&Record::parse(&made.bytes()).unwrap()), expected);
    }
    let float = |encoding, payload: Vec<u8>| V2 {
        encoding,
        npts: 1,
        payload,
        ..V2::default()
    };
    let bytes = float(4, 1.5f32.to_be_bytes().to_vec()).bytes();
    let mut single = [0.0];
    decode_into(&Record::parse(&bytes).unwrap(), Out::Float32(&mut single)).unwrap();
    let bytes = float(5, (-2.25f64).to_be_bytes().to_vec()).bytes();
    let mut double = [0.0];
    decode_into(&Record::parse(&bytes).unwrap(), Out::Float64(&mut double)).unwrap();
    let bytes = float(0, b"x".to_vec()).bytes();
    let mut text = [0];
    decode_into(&Record::parse(&bytes).unwrap(), Out::Text(&mut text)).unwrap();
    assert_eq!((single, double, text), ([1.5], [-2.25], [b'x']));
}

#[test]
fn more_samples_than_the_payload_holds_are_never_promised() {
    let made = V2 {
        npts: 65_535,
        ..V2::default()
    };
    let bytes = made.bytes();
    let record = Record::parse(&bytes).unwrap();
    assert_eq!(record.npts, 16);
    let fault = record.fault.clone().unwrap();
    assert_eq!(fault.class(), Class::LimitExceeded);
    assert!(
        fault
            .to_string()
            .contains("number of samples 65535: expected at most 16")
    );
    assert_eq!(decoded(&record)[..2], [7, -1]);
}

#[test]
fn a_steim_payload_holds_no_samples_in_its_control_words() {
    for (encoding, most) in [(10, 13 * 4), (11, 13 * 7)] {
        let made = V2 {
            encoding,
            npts: 65_535,
            payload: vec![],
            ..V2::default()
        };
        let bytes = made.bytes();
        let record = Record::parse(&bytes).unwrap();
        assert_eq!((record.payload().len(), record.npts), (64, most));
        assert_eq!(record.fault.clone().unwrap().class(), Class::LimitExceeded);
    }
    use mseed_core::limits::max_samples;
    for (bytes, frames_of_two) in [
        (0, 0),
        (11, 0),
        (12, 0),
        (16, 1),
        (64, 13),
        (128, 28),
        (132, 28),
        (136, 29),
    ] {
        assert_eq!(
            max_samples(Encoding::Steim2, bytes),
            7 * frames_of_two,
            "{bytes}"
        );
        assert_eq!(
            max_samples(Encoding::Steim1, bytes),
            4 * frames_of_two,
            "{bytes}"
        );
    }
}

#[test]
fn a_steim_payload_that_ends_early_gives_what_is_there() {
    let made = V2 {
        encoding: 10,
        npts: 40,
        // One word of four 8-bit differences, then nothing.
        payload: [1u32 << 24, 5, 5, 0x0001_0101]
            .iter()
            .flat_map(|word| word.to_be_bytes())
            .collect(),
        ..V2::default()
    };
    let bytes = made.bytes();
    let mut out = vec![0; 40];
    let result = decode_into(&Record::parse(&bytes).unwrap(), Out::Int32(&mut out)).unwrap();
    assert_eq!((result.npts, &out[..4]), (4, &[5, 6, 7, 8][..]));
    let (declared, decoded) = (40, 4);
    assert_eq!(
        result.fault.unwrap().kind,
        Kind::ShortPayload { declared, decoded }
    );
}

#[test]
fn a_damaged_length_does_not_swallow_the_records_behind() {
    let good = V2 {
        length: 512,
        ..V2::default()
    }
    .bytes();
    let mut bytes = good.repeat(20);
    bytes[512 * 3 + 54] = 12;
    let mut records = 0;
    let mut skipped = Vec::new();
    for item in Walker::new(&bytes) {
        match item {
            Item::Record(..) => records += 1,
            Item::Skipped(s) => skipped.push((s.offset, s.length)),
        }
    }
    assert_eq!((records, skipped), (19, vec![(512 * 3, 512)]));

    let good = v3(IDENTIFIER, b"", 100.0, 0);
    let mut bytes = good.repeat(20);
    bytes[good.len() * 3 + 36] ^= 0x80;
    let records = Walker::new(&bytes).filter(|item| matches!(item, Item::Record(..)));
    assert_eq!(records.count(), 19);
}

#[test]
fn control_headers_with_padded_lengths_are_recognised() {
    for (text, is_control) in [
        (&b"000001V 010009202.3122010,037,"[..], true),
        (b"000001V 010  922.31220 10,037,", true),
        (b"000005T 070  54P2010,037,04:52", true),
        (b"000002A*.2616850E-04 3.4919900", true),
        (b"000001V 010    2.3122010,037,0", false),
        (b"000001V 0109 2 2.3122010,037,0", false),
        (
            b"000001V AAA  00HHZXX\x07\xDC\x00\x3D\r\x16\x0B\0\0\0",
            false,
        ),
    ] {
        let mut bytes = text.to_vec();
        bytes.resize(256, b' ');
        let kind = Record::parse(&bytes).unwrap_err().kind;
        assert_eq!(
            kind == Kind::ControlHeader,
            is_control,
            "{}",
            text.escape_ascii()
        );
    }
}

#[test]
fn a_record_whose_quality_letter_is_damaged_is_reported() {
    let mut bytes = V2::default().bytes().repeat(3);
    bytes[256 + 6] = b'T';
    let skipped: Vec<_> = Walker::new(&bytes)
        .filter_map(|item| match item {
            Item::Skipped(s) => Some((s.offset, s.length, s.reason.kind)),
            Item::Record(..) => None,
        })
        .collect();
    assert_eq!(skipped, [(256, 256, Kind::NotMiniSeed)]);
}

#[test]
fn impossible_lengths_and_payload_places_are_refused() {
    let mut bytes = V2::default().bytes();
    bytes[54] = 5;
    let error = Record::parse(&bytes).unwrap_err();
    assert!(
        error.to_string().contains("record length exponent 5"),
        "{error}"
    );
    let mut bytes = V2::default().bytes();
    bytes[44..46].copy_from_slice(&7u16.to_be_bytes());
    let error = Record::parse(&bytes).unwrap_err();
    assert_eq!((error.class(), error.offset), (Class::Corrupt, 44));
}

/// A miniSEED 3 record of two little-endian 32-bit integers.
fn v3(identifier: &[u8], extra: &[u8], rate: f64, ns: u32) -> Vec<u8> {
    let mut record = vec![0; 40];
    record[..4].copy_from_slice(b"MS\x03\x00");
    record[4..8].copy_from_slice(&ns.to_le_bytes());
    record[8..10].copy_from_slice(&2012u16.to_le_bytes());
    record[10..12].copy_from_slice(&61u16.to_le_bytes());
    record[12..15].copy_from_slice(&[13, 22, 11]);
    record[15] = 3;
    record[16..24].copy_from_slice(&rate.to_le_bytes());
    record[24..28].copy_from_slice(&2u32.to_le_bytes());
    record[32] = 4;
    record[33] = identifier.len() as u8;
    record[34..36].copy_from_slice(&(extra.len() as u16).to_le_bytes());
    record[36..40].copy_from_slice(&8u32.to_le_bytes());
    record.extend(identifier);
    record.extend(extra);
    record.extend([7, 0, 0, 0, 255, 255, 255, 255]);
    let crc = crc32c::crc32c(&record);
    record[28..32].copy_from_slice(&crc.to_le_bytes());
    record
}

const IDENTIFIER: &[u8] = b"FDSN:XX_AAA_00_H_H_Z";

#[test]
fn version_3_fields_are_read() {
    let extra = br#"{"FDSN":{"Time":{"Quality":100}}}"#;
    let bytes = v3(IDENTIFIER, extra, 100.0, 123_456_789);
    let record = Record::parse(&bytes).unwrap();
    assert_eq!((record.format, record.version), (FormatVersion::V3, 4));
    assert_eq!(record.source.to_string(), "XX.AAA.00.HHZ");
    assert_eq!(
        record.start_ns,
        from_ordinal(2012, 61, 13, 22, 11, 123_456_789)
    );
    assert_eq!(
        (record.extra_headers, record.fault.as_ref()),
        (&extra[..], None)
    );
    assert_eq!(decoded(&record), [7, -1]);
}

#[test]
fn a_period_of_version_3_is_a_rate() {
    let bytes = v3(IDENTIFIER, b"", -60.0, 0);
    let record = Record::parse(&bytes).unwrap();
    assert!((record.rate_hz - 1.0 / 60.0).abs() < 1e-15);
    assert_eq!(record.declared_rate, -60.0);
}

#[test]
fn a_wrong_crc_is_reported_and_the_samples_are_read() {
    let mut bytes = v3(IDENTIFIER, b"", 100.0, 0);
    let last = bytes.len() - 8;
    bytes[last] = 8;
    let record = Record::parse(&bytes).unwrap();
    assert!(matches!(
        record.fault.as_ref().unwrap().kind,
        Kind::Crc { .. }
    ));
    assert_eq!(decoded(&record), [8, -1]);
}

#[test]
fn declared_sizes_of_version_3_are_bounded() {
    let mut bytes = v3(IDENTIFIER, b"", 100.0, 0);
    bytes[36..40].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(
        Record::parse(&bytes).unwrap_err().class(),
        Class::LimitExceeded
    );
    let mut bytes = v3(IDENTIFIER, b"", 100.0, 0);
    bytes[24..28].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Record::parse(&bytes).unwrap().npts, 2);
    let bytes = v3(b"IU_ANMO_00_BHZ", b"", 100.0, 0);
    assert_eq!(
        Record::parse(&bytes).unwrap_err().class(),
        Class::Unsupported
    );
}

#[test]
fn versions_and_lengths_may_be_mixed() {
    let mut bytes = V2::default().bytes();
    bytes.extend(v3(IDENTIFIER, b"", 100.0, 0));
    let long = V2 {
        length: 4096,
        big_endian: false,
        ..V2::default()
    };
    bytes.extend(long.bytes());
    let versions: Vec<_> = Walker::new(&bytes)
        .map(|item| match item {
            Item::Record(_, record) => record.format,
            Item::Skipped(skipped) => panic!("{skipped:?}"),
        })
        .collect();
    use FormatVersion::{V2 as Two, V3 as Three};
    assert_eq!(versions, [Two, Three, Two]);
}
