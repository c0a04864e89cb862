//! Files of small records, each of which can be told from all others.

use mseed_core::encode::{Header, Samples, write_v2};
use mseed_core::limits::MAX_SHARED_BYTES;
use mseed_core::{Encoding, Item, Skipped, Walker};

const START_NS: i64 = 1_330_560_000_000_000_000;

/// A file put together from records.
#[derive(Clone, Default)]
pub struct Records {
    pub bytes: Vec<u8>,
    /// First byte and length of each record.
    pub places: Vec<(usize, usize)>,
}

impl Records {
    pub fn push(&mut self, record: &[u8]) {
        self.places.push((self.bytes.len(), record.len()));
        self.bytes.extend(record);
    }

    pub fn record(&self, number: usize) -> &[u8] {
        let (at, length) = self.places[number];
        &self.bytes[at..at + length]
    }
}

/// Bytes that look like noise, always the same for a seed.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

/// Samples that fill most of one record, and tell its number.
fn samples(number: usize, npts: usize) -> Vec<i32> {
    let random = noise(npts, number as u64 + 1);
    let mut value = 1000 * number as i32;
    random
        .iter()
        .map(|step| {
            value += i32::from(*step as i8) / 4;
            value
        })
        .collect()
}

/// One miniSEED 2 record of 100 Hz.
pub fn v2(number: usize, station: &str, length: usize) -> Vec<u8> {
    let header = Header {
        network: "XX",
        station,
        location: "",
        channel: "HHZ",
        quality: b'D',
        start_ns: START_NS + number as i64 * 1_000_000_000,
        rate_hz: 100.0,
        encoding: Encoding::Steim2,
        record_length: length,
        sequence: number as u32 + 1,
    };
    let mut bytes = Vec::new();
    let samples = samples(number, length / 2);
    write_v2(&header, Samples::Int32(&samples), &mut bytes).unwrap();
    assert_eq!(bytes.len(), length);
    bytes
}

/// One miniSEED 3 record of 100 Hz, of 32-bit integers.
pub fn v3(number: usize, station: &str, npts: usize) -> Vec<u8> {
    let identifier = format!("FDSN:XX_{station}__H_H_Z");
    let extra = br#"{"FDSN":{"Time":{"Quality":100}}}"#;
    let mut record = vec![0; 40];
    record[..3].copy_from_slice(b"MS\x03");
    record[8..10].copy_from_slice(&2012u16.to_le_bytes());
    record[10..12].copy_from_slice(&61u16.to_le_bytes());
    record[13] = (number / 60) as u8;
    record[14] = (number % 60) as u8;
    record[15] = 3;
    record[16..24].copy_from_slice(&100f64.to_le_bytes());
    record[24..28].copy_from_slice(&(npts as u32).to_le_bytes());
    record[32] = 1;
    record[33] = identifier.len() as u8;
    record[34..36].copy_from_slice(&(extra.len() as u16).to_le_bytes());
    record[36..40].copy_from_slice(&(4 * npts as u32).to_le_bytes());
    record.extend(identifier.bytes());
    record.extend(extra);
    for sample in samples(number, npts) {
        record.extend(sample.to_le_bytes());
    }
    sign(&mut record);
    record
}

/// Give a miniSEED 3 record the CRC of its bytes.
pub fn sign(record: &mut [u8]) {
    record[28..32].fill(0);
    let crc = crc32c::crc32c(record);
    record[28..32].copy_from_slice(&crc.to_le_bytes());
}

/// Some files of several kinds: one length, many channels, both versions, mixed lengths.
pub fn files() -> Vec<(&'static str, Records)> {
    let mut files = Vec::new();
    let mut add = |name, make: &dyn Fn(usize) -> Vec<u8>| {
        let mut records = Records::default();
        (0..9).for_each(|number| records.push(&make(number)));
        files.push((name, records));
    };
    const STATIONS: [&str; 9] = ["A", "B", "C", "D", "E", "F", "G", "H", "I"];
    add("512 bytes", &|n| v2(n, "AAA", 512));
    add("256 bytes, each of another station", &|n| {
        v2(n, STATIONS[n], 256)
    });
    add("4096 bytes", &|n| v2(n, "AAA", 4096));
    add("mixed lengths", &|n| v2(n, "AAA", [512, 4096, 256][n % 3]));
    add("version 3", &|n| v3(n, "AAA", 60 + 7 * n));
    add("version 3, each of another station", &|n| {
        v3(n, STATIONS[n], 100)
    });
    add("both versions", &|n| match n % 2 {
        0 => v2(n, "AAA", 512),
        _ => v3(n, "AAA", 40 + 5 * n),
    });
    files
}

/// What a walk gives: the places of the records, and what was skipped. Checks that all bytes are
/// accounted for, in order.
pub fn walked(bytes: &[u8]) -> (Vec<(usize, usize)>, Vec<Skipped>) {
    let (mut records, mut skips) = (Vec::new(), Vec::new());
    let mut position = 0;
    for item in Walker::new(bytes) {
        let (offset, length) = match item {
            Item::Record(at, record) => {
                records.push((at, record.bytes.len()));
                (at, record.bytes.len())
            }
            Item::Skipped(skipped) => {
                let place = (skipped.offset, skipped.length);
                skips.push(skipped);
                place
            }
        };
        // The end of a record may be the begin of the next one's number, too.
        assert!(offset <= position && position - offset <= MAX_SHARED_BYTES);
        assert!(length > 0);
        position = offset + length;
    }
    assert_eq!(position, bytes.len());
    (records, skips)
}
