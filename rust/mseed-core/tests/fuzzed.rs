//! Cases that the fuzzer found, each made small and named by what holds since.
#![allow(missing_docs, clippy::unwrap_used)]

use mseed_core::encode::{Header, HeaderV3, Samples, write_v2, write_v3};
use mseed_core::{Class, Encoding, Error, Item, Kind, Progress, Record, Walker, limits};

fn header(rate_hz: f64) -> Header<'static> {
    Header {
        network: "XX",
        station: "TEST",
        location: "00",
        channel: "HHZ",
        quality: b'D',
        start_ns: 1_330_608_131_123_456_000,
        rate_hz,
        encoding: Encoding::Int32,
        record_length: 128,
        sequence: 1,
    }
}

fn header_v3(rate_hz: f64) -> HeaderV3<'static> {
    let of = header(rate_hz);
    HeaderV3 {
        network: of.network,
        station: of.station,
        location: of.location,
        channel: of.channel,
        version: 1,
        start_ns: of.start_ns,
        rate_hz,
        encoding: of.encoding,
        max_record_length: 512,
        extra_headers: b"",
    }
}

/// Target `round_trip`: a series of one sample at 2e-200 Hz was written, and read as one without
/// a rate.
#[test]
fn a_rate_is_written_only_where_it_is_read_back() {
    let one = Samples::Int32(&[7]);
    for rate_hz in [limits::MIN_RATE_HZ, 1.5e-9, limits::MAX_RATE_HZ] {
        for v3 in [false, true] {
            let mut out = Vec::new();
            match v3 {
                false => write_v2(&header(rate_hz), one, &mut out).unwrap(),
                true => write_v3(&header_v3(rate_hz), one, &mut out).unwrap(),
            }
            let found = Record::parse(&out).unwrap().rate_hz;
            assert!((found / rate_hz - 1.0).abs() < 6e-8, "{rate_hz}: {found}");
        }
    }
    for rate_hz in [2.165_667_032_224_743_3e-200, 9.9e-10, 1.1e9] {
        let mut out = Vec::new();
        let refused = [
            write_v2(&header(rate_hz), one, &mut out).unwrap_err(),
            write_v3(&header_v3(rate_hz), one, &mut out).unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.class(), Class::InvalidArgument);
            assert!(error.to_string().contains("1e-9 to 1e9 Hz"), "{error}");
        }
        assert!(out.is_empty());
    }
}

/// Seen while the target `walk` was written: factor and multiplier together are 1.07e9 Hz, which is
/// beyond the limit that blockette 100 and miniSEED 3 are held to.
#[test]
fn factor_and_multiplier_beyond_all_bounds_are_no_rate() {
    let mut out = Vec::new();
    write_v2(&header(100.0), Samples::Int32(&[7, 8]), &mut out).unwrap();
    for (factor, multiplier, expected) in [
        (i16::MAX, i16::MAX, 0.0),
        (31_250, 32_001, 0.0),
        (31_250, 32_000, limits::MAX_RATE_HZ),
    ] {
        out[32..34].copy_from_slice(&factor.to_be_bytes());
        out[34..36].copy_from_slice(&multiplier.to_be_bytes());
        let record = Record::parse(&out).unwrap();
        assert_eq!((record.rate_hz, record.declared_rate), (expected, expected));
        assert!(record.end_ns() >= record.start_ns);
    }
}

/// Target `round_trip`: a network code of 30 characters was written in miniSEED 3, and such a
/// record refused by the reader.
#[test]
fn codes_are_written_only_as_long_as_they_are_read() {
    let one = Samples::Int32(&[7]);
    let longest = "ABCDEFGHIJKLMNO";
    let parts = "LONG_GEO_SOURCE";
    for (code, channel, fits) in [
        (longest, parts, true),
        ("ABCDEFGHIJKLMNOP", parts, false),
        (longest, "LONG_GEO_SOURCES", false),
    ] {
        let header = HeaderV3 {
            network: code,
            station: longest,
            location: longest,
            channel,
            ..header_v3(100.0)
        };
        let mut out = Vec::new();
        let result = write_v3(&header, one, &mut out);
        assert_eq!(result.is_ok(), fits, "{code} {channel}");
        if fits {
            let source = Record::parse(&out).unwrap().source;
            let expected = format!("{code}.{longest}.{longest}.{channel}");
            assert_eq!(source.to_string(), expected);
        } else {
            let text = result.unwrap_err().to_string();
            assert!(text.contains("at most 15 characters"), "{text}");
            assert!(out.is_empty());
        }
    }
}

/// Offset, length and fault of each item of a walk that gets `size` more bytes whenever it has no
/// more to say.
fn walked(bytes: &[u8], size: usize) -> Vec<(usize, usize, Option<Error>)> {
    let mut progress = Progress::default();
    let mut items = Vec::new();
    let mut end = 0;
    while end < bytes.len() {
        end = bytes.len().min(end + size);
        let part = &bytes[progress.position()..end];
        let mut walker = Walker::resume(progress, part, end == bytes.len());
        items.extend(walker.by_ref().map(|item| match item {
            Item::Record(at, record) => (at, record.bytes.len(), record.fault),
            Item::Skipped(skipped) => (skipped.offset, skipped.length, Some(skipped.reason)),
        }));
        progress = walker.into_progress();
    }
    items
}

/// Target `walk`: a chain of blockettes that leads behind the bytes at hand was broken there, and
/// in the whole file it went on.
#[test]
fn a_chain_that_leads_far_is_the_same_in_parts_and_in_the_whole() {
    let mut bytes = Vec::new();
    let samples = Samples::Int32(&[0; 300]);
    write_v2(&header(100.0), samples, &mut bytes).unwrap();
    // The first record has no samples, and its blockettes are said to begin at 1000.
    bytes[30..32].fill(0);
    bytes[46..48].copy_from_slice(&1000u16.to_be_bytes());
    let whole = walked(&bytes, bytes.len());
    // There stand zeros, in another record: a blockette of no type, and the end of the chain, which
    // has passed over the blockette 1000 at its usual place.
    assert_eq!((whole[0].0, whole[0].1), (0, 128));
    let kind = whole[0].2.as_ref().map(|fault| &fault.kind);
    let Some(Kind::BlocketteChain {
        named_at: 46,
        found: 1000,
        ..
    }) = kind
    else {
        panic!("{kind:?}");
    };
    for size in [48, 128, 500, 1000, 1003, 1007, 1200] {
        assert_eq!(walked(&bytes, size), whole, "parts of {size}");
    }
    // A blockette 1000 there has a say in the length.
    bytes[1000..1008].copy_from_slice(&[3, 232, 0, 0, 3, 1, 8, 0]);
    let whole = walked(&bytes, bytes.len());
    for size in [48, 128, 500, 1000, 1003, 1007, 1200] {
        assert_eq!(walked(&bytes, size), whole, "parts of {size}");
    }
}

/// Target `walk`: the same, where the chain is told to go on behind the end of the file.
#[test]
fn a_broken_chain_names_places_inside_its_record() {
    let mut bytes = Vec::new();
    let samples = Samples::Int32(&[0; 300]);
    write_v2(&header(100.0), samples, &mut bytes).unwrap();
    bytes[30..32].fill(0);
    bytes[46..48].copy_from_slice(&16_944u16.to_be_bytes());
    let kind = Kind::BlocketteChain {
        named_at: 46,
        found: 16_944,
        from: 48,
        to: 128,
    };
    for size in [48, 500, 1000, bytes.len()] {
        let items = walked(&bytes, size);
        let fault = items[0].2.clone();
        assert_eq!(fault.map(|f| f.kind), Some(kind.clone()), "parts of {size}");
        assert_eq!(items.len(), bytes.len() / 128);
    }
}
