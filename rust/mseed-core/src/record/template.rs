//! Headers that repeat.
//!
//! The records of a channel differ in number, time and samples, and in nothing else that stands in
//! their first 64 bytes. So a header that is like the one before is compared, not parsed again.

use super::{Fields, Record, v2};
use crate::leap::LeapFlag;
use crate::limits;

/// Bytes of the fixed header, a blockette 1000 and a blockette 1001.
const HEAD: usize = 64;

/// Bytes in which records with the same template may differ: sequence number, time, number of
/// samples, flags, time correction; timing quality, microseconds and frames of blockette 1001.
const VARIES: [std::ops::Range<usize>; 6] = [0..6, 20..32, 36..39, 40..44, 60..62, 63..64];

const MASK: [u64; HEAD / 8] = mask();

const fn mask() -> [u64; HEAD / 8] {
    let mut bytes = [0xFF; HEAD];
    let mut range = 0;
    while range < VARIES.len() {
        let mut at = VARIES[range].start;
        while at < VARIES[range].end {
            bytes[at] = 0;
            at += 1;
        }
        range += 1;
    }
    let (words, _) = bytes.as_chunks::<8>();
    let mut mask = [0; HEAD / 8];
    let mut word = 0;
    while word < mask.len() {
        mask[word] = u64::from_ne_bytes(words[word]);
        word += 1;
    }
    mask
}

/// A miniSEED 2 header with nothing but a blockette 1000 and perhaps a 1001 behind it, big-endian.
#[derive(Debug, Clone)]
pub(super) struct Template {
    head: [u64; HEAD / 8],
    has_1001: bool,
    /// The most samples that the payload can hold.
    most_samples: usize,
    record: Record<'static>,
}

/// What differs from record to record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    start_ns: i64,
    npts: usize,
    leap_flag: Option<LeapFlag>,
}

impl Template {
    /// The template of a record, if it has one.
    pub(super) fn of(record: &Record<'_>) -> Option<Self> {
        let head = record.bytes.first_chunk::<HEAD>()?;
        let fields = Fields {
            bytes: head,
            big_endian: true,
        };
        let is_1000 = fields.u16(46) == 48 && fields.u16(48) == 1000;
        let (next, has_1001) = (fields.u16(50), fields.u16(56) == 1001);
        let is_simple = match next {
            0 => record.payload_start >= 56,
            56 => has_1001 && fields.u16(58) == 0 && record.payload_start >= HEAD,
            _ => false,
        };
        let is_usual = record.quality.is_some()
            && record.header_big_endian
            && record.fault.is_none()
            && record.npts > 0;
        (is_1000 && is_simple && is_usual).then(|| Self {
            head: masked(head),
            has_1001: next == 56,
            most_samples: limits::max_samples(record.encoding, record.payload().len()),
            record: Record {
                bytes: &[],
                extra_headers: &[],
                ..record.clone()
            },
        })
    }

    /// Length of the records.
    #[inline]
    pub(super) fn record_length(&self) -> usize {
        self.record.payload_end
    }

    /// What the header at the beginning of `data` says, if it has this template; what it is
    /// otherwise is not said here.
    #[inline]
    pub(super) fn head_of(&self, data: &[u8]) -> Option<Head> {
        let head = data.first_chunk::<HEAD>()?;
        if !self.is_like(head) || !v2::looks_like(data) {
            return None;
        }
        let fields = Fields {
            bytes: head,
            big_endian: true,
        };
        // The byte order that is tried first must be the right one.
        let is_big_endian =
            limits::YEARS.contains(&fields.u16(20)) && (1..=366).contains(&fields.u16(22));
        let npts = usize::from(fields.u16(30));
        if !is_big_endian || !(1..=self.most_samples).contains(&npts) {
            return None;
        }
        let microsecond = if self.has_1001 {
            fields.u8(61) as i8
        } else {
            0
        };
        Some(Head {
            start_ns: v2::start_ns(fields, microsecond),
            npts,
            leap_flag: v2::leap_flag(fields.u8(36)),
        })
    }

    /// The record of such a header.
    #[inline]
    pub(super) fn record<'a>(&self, head: Head, bytes: &'a [u8]) -> Record<'a> {
        let like = &self.record;
        Record {
            bytes,
            format: like.format,
            source: like.source,
            version: like.version,
            quality: like.quality,
            start_ns: head.start_ns,
            npts: head.npts,
            rate_hz: like.rate_hz,
            declared_rate: like.declared_rate,
            encoding: like.encoding,
            header_big_endian: true,
            data_big_endian: like.data_big_endian,
            payload_start: like.payload_start,
            payload_end: like.payload_end,
            extra_headers: &[],
            leap_flag: head.leap_flag,
            fault: None,
        }
    }

    #[inline]
    fn is_like(&self, head: &[u8; HEAD]) -> bool {
        let (words, _) = head.as_chunks::<8>();
        let mut differ = 0;
        for ((bytes, mask), own) in words.iter().zip(MASK).zip(self.head) {
            differ |= u64::from_ne_bytes(*bytes) & mask ^ own;
        }
        differ == 0
    }
}

#[inline]
fn masked(head: &[u8; HEAD]) -> [u64; HEAD / 8] {
    let (words, _) = head.as_chunks::<8>();
    let mut masked = MASK;
    for (word, bytes) in masked.iter_mut().zip(words) {
        *word &= u64::from_ne_bytes(*bytes);
    }
    masked
}
