//! Chains of blockettes, whole and broken: the record stays readable.
#![allow(missing_docs, clippy::unwrap_used)]

mod made;

use made::V2;
use mseed_core::decode::{Out, decode_into};
use mseed_core::record::blockettes;
use mseed_core::{Class, Encoding, Item, Kind, Record, Walker};

/// Where the payload of the records here begins.
const DATA_AT: u16 = 448;

/// 1000 at 48, 100 (99.5 Hz) at 56, 1001 (+42 µs) at 68.
fn whole(big_endian: bool) -> V2 {
    let mut rate = 99.5f32.to_be_bytes();
    if !big_endian {
        rate.reverse();
    }
    V2 {
        big_endian,
        length: 512,
        blockettes: vec![(100, [rate, [0; 4]].concat()), (1001, vec![100, 42, 0, 1])],
        ..V2::default()
    }
}

fn put(made: &V2, bytes: &mut [u8], at: usize, value: u16) {
    let value = if made.big_endian {
        value.to_be_bytes()
    } else {
        value.to_le_bytes()
    };
    bytes[at..at + 2].copy_from_slice(&value);
}

fn samples(record: &Record<'_>) -> Vec<i32> {
    let mut out = vec![0; record.npts];
    let decoded = decode_into(record, Out::Int32(&mut out)).unwrap();
    assert_eq!(decoded.fault, None);
    out
}

fn kinds(record: &Record<'_>) -> Vec<u16> {
    blockettes(record).map(|b| b.kind).collect()
}

#[test]
fn a_whole_chain_has_no_fault() {
    for big_endian in [true, false] {
        let made = whole(big_endian);
        let bytes = made.bytes();
        let record = Record::parse(&bytes).unwrap();
        assert_eq!(record.fault, None);
        assert_eq!(record.rate_hz, 99.5);
        assert_eq!(record.start_ns % 100_000, 42_000);
        assert_eq!(kinds(&record), [1000, 100, 1001]);
        assert_eq!(samples(&record), [7, -1]);
    }
}

#[test]
fn a_wrong_first_offset_costs_nothing_when_blockette_1000_is_there() {
    // In the fixed header, past the record, past any record, into the data, one byte off.
    for big_endian in [true, false] {
        let made = whole(big_endian);
        for first in [1, 40, 47, 512, 9_999, u16::MAX, DATA_AT, DATA_AT + 4] {
            let mut bytes = made.bytes();
            put(&made, &mut bytes, 46, first);
            let record = Record::parse(&bytes).unwrap();
            let fault = record.fault.clone().unwrap();
            assert_eq!(
                fault.kind,
                Kind::BlocketteChain {
                    named_at: 46,
                    found: usize::from(first),
                    from: 48,
                    to: usize::from(DATA_AT),
                }
            );
            assert_eq!(fault.class(), Class::Corrupt);
            assert_eq!(record.bytes.len(), 512);
            assert_eq!((record.rate_hz, samples(&record)), (99.5, vec![7, -1]));
            assert_eq!(record.start_ns % 100_000, 42_000);
            assert_eq!(kinds(&record), [1000, 100, 1001]);
        }
    }
}

#[test]
fn a_first_offset_that_passes_over_blockette_1000_costs_nothing() {
    // None, or somewhere before the data: what stands there may look like a chain of its own.
    for big_endian in [true, false] {
        let made = whole(big_endian);
        for first in (49..DATA_AT).chain([0]) {
            let mut bytes = made.bytes();
            put(&made, &mut bytes, 46, first);
            let record = Record::parse(&bytes).unwrap();
            let fault = record.fault.clone().unwrap();
            let Kind::BlocketteChain {
                named_at: 46,
                found,
                from: 48,
                ..
            } = fault.kind
            else {
                panic!("{first}: {fault}");
            };
            assert_eq!(found, usize::from(first));
            assert_eq!(
                (record.bytes.len(), record.encoding),
                (512, Encoding::Int32)
            );
            assert_eq!((record.rate_hz, samples(&record)), (99.5, vec![7, -1]));
            assert_eq!(record.start_ns % 100_000, 42_000);
            // Each once, and in their order.
            assert_eq!(kinds(&record), [1000, 100, 1001], "{first}");
        }
    }
}

#[test]
fn what_stands_before_a_break_counts_and_the_record_is_read() {
    // Itself, into itself, backwards, into the data, past the record.
    for big_endian in [true, false] {
        let made = whole(big_endian);
        for next in [48, 50, 55, 4, DATA_AT, 511, 512, 9_999, u16::MAX] {
            let mut bytes = made.bytes();
            put(&made, &mut bytes, 50, next);
            let record = Record::parse(&bytes).unwrap();
            let text = record.fault.clone().unwrap().to_string();
            let expected = format!("at {next}, as byte 50 of the record says: expected none or 56");
            assert!(text.contains(&expected), "{text}");
            assert_eq!((record.rate_hz, samples(&record)), (100.0, vec![7, -1]));
            assert_eq!(kinds(&record), [1000]);

            // The same break behind blockette 100.
            let mut bytes = made.bytes();
            put(&made, &mut bytes, 58, next);
            let record = Record::parse(&bytes).unwrap();
            assert!(record.fault.is_some(), "{next}");
            assert_eq!((record.rate_hz, samples(&record)), (99.5, vec![7, -1]));
            assert_eq!(record.start_ns % 100_000, 0);
            assert_eq!(kinds(&record), [1000, 100]);
        }
    }
}

#[test]
fn blockette_1000_may_come_last_and_is_found_behind_a_break() {
    let made = V2 {
        with_1000: false,
        length: 512,
        blockettes: vec![
            (1001, vec![100, 42, 0, 1]),
            (777, vec![1; 22]),
            (1000, vec![3, 1, 9, 0]),
        ],
        ..V2::default()
    };
    let mut bytes = made.bytes();
    // What follows tells no length: only blockette 1000 does.
    bytes.extend([0xEE; 300]);
    let record = Record::parse(&bytes).unwrap();
    assert_eq!((record.fault.as_ref(), record.bytes.len()), (None, 512));
    assert_eq!(samples(&record), [7, -1]);
    for (at, next) in [(50, 50), (50, 9_999), (58, 56), (58, DATA_AT), (58, 9)] {
        let mut broken = bytes.clone();
        // Blockettes of other lengths than a multiple of four are not searched behind.
        broken[82..84].copy_from_slice(&1234u16.to_be_bytes());
        broken[84..92].copy_from_slice(&[0x03, 0xE8, 0, 0, 3, 1, 9, 0]);
        broken[58..60].copy_from_slice(&84u16.to_be_bytes());
        put(&made, &mut broken, at, next);
        let record = Record::parse(&broken).unwrap();
        assert!(record.fault.is_some());
        assert_eq!(
            (record.bytes.len(), record.encoding),
            (512, Encoding::Int32)
        );
        assert_eq!(samples(&record), [7, -1]);
        assert_eq!(record.start_ns % 100_000, 42_000);
    }
}

#[test]
fn a_lost_blockette_1000_leaves_the_length_to_the_next_header() {
    let made = V2 {
        with_1000: false,
        length: 512,
        encoding: 10,
        blockettes: vec![(1001, vec![100, 42, 0, 1])],
        payload: [1u32 << 24, 5, 8, 0x0001_0101]
            .iter()
            .flat_map(|word| word.to_be_bytes())
            .collect(),
        npts: 4,
        ..V2::default()
    };
    let mut broken = made.bytes();
    put(&made, &mut broken, 50, 30);
    let mut bytes = broken.repeat(3);
    bytes.extend(whole(true).bytes());
    let mut lengths = Vec::new();
    for item in Walker::new(&bytes) {
        let Item::Record(at, record) = item else {
            panic!("{item:?}");
        };
        if at < 3 * 512 {
            assert_eq!(samples(&record), [5, 6, 7, 8]);
            assert!(record.fault.is_some());
        }
        lengths.push(record.bytes.len());
    }
    assert_eq!(lengths, [512; 4]);
}

#[test]
fn samples_that_look_like_a_blockette_1000_are_none() {
    let made = V2 {
        with_1000: false,
        length: 512,
        encoding: 10,
        npts: 8,
        payload: vec![0x03, 0xE8, 0, 0, 3, 1, 7, 0],
        ..V2::default()
    };
    let mut bytes = made.bytes();
    put(&made, &mut bytes, 46, 30);
    let record = Record::parse(&bytes).unwrap();
    assert_eq!(
        (record.bytes.len(), record.encoding),
        (512, Encoding::Steim1)
    );
    assert!(record.fault.is_some());
}

#[test]
fn a_record_without_samples_may_have_any_chain_and_data_offset() {
    for (first, next, data_at) in [(48, 0, 0), (48, 9_999, 0), (0, 0, 7), (40, 0, 60_000)] {
        let made = V2 {
            npts: 0,
            ..whole(true)
        };
        let mut bytes = made.bytes();
        put(&made, &mut bytes, 46, first);
        put(&made, &mut bytes, 50, next);
        put(&made, &mut bytes, 44, data_at);
        bytes.extend(whole(true).bytes());
        let records: Vec<_> = Walker::new(&bytes)
            .map(|item| match item {
                Item::Record(_, record) => (record.npts, record.bytes.len()),
                Item::Skipped(skipped) => panic!("{skipped:?}"),
            })
            .collect();
        assert_eq!(records, [(0, 512), (2, 512)], "{first} {next} {data_at}");
    }
}

#[test]
fn events_and_calibrations_are_stepped_over() {
    // Types of the SEED manual with their lengths; the payload of an opaque one is its own.
    let body = |kind: u16| match kind {
        200 => vec![9; 48],
        201 | 300 | 310 => vec![9; 56],
        320 => vec![9; 60],
        390 => vec![9; 24],
        395 | 400 => vec![9; 12],
        2000 => [vec![0, 36], vec![9; 30]].concat(),
        _ => vec![9; 8],
    };
    for kind in [200, 201, 300, 310, 320, 390, 395, 400, 2000] {
        let made = V2 {
            blockettes: vec![(kind, body(kind)), (1001, vec![100, 42, 0, 1])],
            ..whole(true)
        };
        let bytes = made.bytes();
        let record = Record::parse(&bytes).unwrap();
        assert_eq!(
            (kinds(&record), &record.fault),
            (vec![1000, kind, 1001], &None)
        );
        assert_eq!(record.start_ns % 100_000, 42_000);
    }
}
