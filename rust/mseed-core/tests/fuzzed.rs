//! Cases that the fuzzer found, each made small and named by what holds since.
#![allow(missing_docs, clippy::unwrap_used)]

use mseed_core::encode::{Header, HeaderV3, Samples, write_v2, write_v3};
use mseed_core::{Class, Encoding, Record, limits};

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
