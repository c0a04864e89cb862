//! miniSEED 2: fixed header and blockettes (SEED manual 2.4, chapter 8).

use super::blockettes::{Chain, possible_length};
use super::{Effort, Fields, FormatVersion, Record};
use crate::decode::Encoding;
use crate::error::{Error, Kind};
use crate::leap::LeapFlag;
use crate::limits;
use crate::source_id::{Code, SourceId};
use crate::time;

/// Activity flag bit 1: the time correction is already in the start time.
const TIME_CORRECTION_APPLIED: u8 = 0x02;

/// Activity flag bit 4: a positive leap second occurred during the record.
const POSITIVE_LEAP_SECOND: u8 = 0x10;

/// Activity flag bit 5: a negative leap second occurred during the record.
const NEGATIVE_LEAP_SECOND: u8 = 0x20;

/// Shortest step in which a record without blockette 1000 may end.
const LENGTH_STEP: usize = limits::MIN_RECORD_LENGTH_V2;

/// Whether the first 48 bytes may be a fixed data header.
#[inline]
pub(super) fn looks_like(data: &[u8]) -> bool {
    let Some(header) = data.first_chunk::<{ limits::FIXED_HEADER_V2 }>() else {
        return false;
    };
    // The letter first: it tells most other bytes apart at once.
    matches!(header[6], b'D' | b'R' | b'Q' | b'M')
        && matches!(header[7], b' ' | 0)
        && is_number_or_blank(header)
        && header[24] <= 23
        && header[25] <= 59
        && header[26] <= 60
        && header_big_endian(header).is_some()
}

/// Whether the sequence number is digits, blanks or zeros; without branches, as it nearly always is.
#[inline]
fn is_number_or_blank(header: &[u8; limits::FIXED_HEADER_V2]) -> bool {
    header[..6].iter().fold(true, |all, b| {
        all & (b.is_ascii_digit() | (*b == b' ') | (*b == 0))
    })
}

/// Whether a SEED control header (volume, abbreviation, station, time span) begins here: behind its
/// type stand the three digits of a blockette type and the four of its length, or the rest of the
/// blockette before. A data record whose quality letter is damaged has a station code there.
pub(super) fn looks_like_control_header(data: &[u8]) -> bool {
    data.len() >= 15
        && data[..6].iter().all(u8::is_ascii_digit)
        && matches!(data[6], b'V' | b'A' | b'S' | b'T')
        && match data[7] {
            b'*' => true,
            b' ' => data[8..11].iter().all(u8::is_ascii_digit) && is_padded_number(&data[11..15]),
            _ => false,
        }
}

/// Digits, perhaps with blanks before them: some writers pad the length of a blockette so.
fn is_padded_number(field: &[u8]) -> bool {
    let digits = field.trim_ascii_start();
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// Whether the sequence number is six digits, as the standard says; some writers leave it blank.
pub(super) fn is_numbered(data: &[u8]) -> bool {
    data.len() >= 6 && data[..6].iter().all(u8::is_ascii_digit)
}

/// Byte order of the header: the one in which year and day of the year are possible.
fn header_big_endian(data: &[u8]) -> Option<bool> {
    [true, false].into_iter().find(|&big_endian| {
        let fields = Fields {
            bytes: data,
            big_endian,
        };
        limits::YEARS.contains(&fields.u16(20)) && (1..=366).contains(&fields.u16(22))
    })
}

/// What the blockettes say that the reader needs.
#[derive(Default)]
struct FromBlockettes {
    encoding: Option<u8>,
    data_big_endian: Option<bool>,
    length_exponent: Option<u8>,
    actual_rate_hz: Option<f64>,
    microsecond: i8,
    /// Bytes that the chain looked at, or would have.
    reach: usize,
    fault: Option<Error>,
}

fn read_blockettes(fields: Fields<'_>, effort: &mut Effort) -> FromBlockettes {
    let mut found = FromBlockettes::default();
    let mut chain = Chain::new(fields);
    while let Some(blockette) = chain.next() {
        effort.work += limits::WORK_LOOK;
        // The bytes behind the blockette's place count, not where it says that the next one is:
        // a broken chain must not cost what stands before the break.
        let inside = Fields {
            bytes: &fields.bytes[blockette.offset..],
            ..fields
        };
        if !chain.has_room(&blockette, 8) {
            continue;
        }
        match blockette.kind {
            1000 => {
                found.encoding = Some(inside.u8(4));
                found.data_big_endian = Some(inside.u8(5) != 0);
                found.length_exponent = Some(inside.u8(6));
            }
            1001 => found.microsecond = inside.u8(5) as i8,
            100 => found.actual_rate_hz = Some(f64::from(inside.f32(4))),
            _ => {}
        }
    }
    found.reach = chain.reach;
    found.fault = chain.fault;
    found
}

/// Sample rate from factor and multiplier, in all four sign cases (SEED manual 2.4, fixed header
/// fields 10 and 11): a positive factor is hertz, a negative one seconds per sample; a positive
/// multiplier multiplies, a negative one divides.
pub(crate) fn nominal_rate_hz(factor: i16, multiplier: i16) -> f64 {
    let base = match factor {
        0 => return 0.0,
        f if f > 0 => f64::from(f),
        f => -1.0 / f64::from(f),
    };
    match multiplier {
        0 => base,
        m if m > 0 => base * f64::from(m),
        m => -base / f64::from(m),
    }
}

#[inline]
pub(super) fn parse<'a>(data: &'a [u8], effort: &mut Effort) -> Result<Record<'a>, Error> {
    let big_endian = header_big_endian(data).ok_or(Error::new(Kind::NotMiniSeed, 0))?;
    // The chain of blockettes is followed before the length is known: never further than the
    // longest record.
    let head = &data[..data.len().min(limits::MAX_RECORD_LENGTH_V2)];
    let fields = Fields {
        bytes: head,
        big_endian,
    };
    let mut found = read_blockettes(fields, effort);
    let available = data.len();
    if !effort.complete && found.reach > available {
        // Whether the chain is broken there depends on bytes that are not there yet.
        let needed = found.reach;
        return Err(Error::new(Kind::Truncated { needed, available }, 0));
    }
    let length = record_length(data, &found, effort)?;
    if let Some(Kind::BlocketteChain { to, .. }) = found.fault.as_mut().map(|f| &mut f.kind) {
        // It was noted before the length was known.
        *to = length.min(*to);
    }
    if length > data.len() {
        return Err(Error::new(
            Kind::Truncated {
                needed: length,
                available: data.len(),
            },
            0,
        ));
    }
    let bytes = &data[..length];
    let npts = usize::from(fields.u16(30));
    let payload_start = payload_start(fields, npts, length)?;
    let rate_hz = found
        .actual_rate_hz
        .filter(|r| r.is_finite() && *r > 0.0 && *r <= limits::MAX_RATE_HZ)
        .unwrap_or_else(|| nominal_rate_hz(fields.i16(32), fields.i16(34)));
    // The largest factor and multiplier give more than any clock: then there is no rate.
    let rate_hz = if rate_hz <= limits::MAX_RATE_HZ {
        rate_hz
    } else {
        0.0
    };
    Ok(Record {
        bytes,
        format: FormatVersion::V2,
        source: SourceId {
            network: Code::from_field(&data[18..20]),
            station: Code::from_field(&data[8..13]),
            location: Code::from_field(&data[13..15]),
            channel: Code::from_field(&data[15..18]),
        },
        version: match data[6] {
            b'R' => 1,
            b'D' => 2,
            b'Q' => 3,
            _ => 4,
        },
        quality: Some(data[6]),
        start_ns: start_ns(fields, found.microsecond),
        npts,
        rate_hz,
        declared_rate: rate_hz,
        // Data from before blockette 1000 is nearly always Steim1 (libmseed assumes the same).
        encoding: Encoding::from_code(found.encoding.unwrap_or(10)),
        header_big_endian: big_endian,
        data_big_endian: found.data_big_endian.unwrap_or(big_endian),
        payload_start,
        payload_end: length,
        extra_headers: &[],
        leap_flag: leap_flag(fields.u8(36)),
        fault: found.fault,
    }
    .bounded())
}

pub(super) fn leap_flag(activity: u8) -> Option<LeapFlag> {
    match activity & (POSITIVE_LEAP_SECOND | NEGATIVE_LEAP_SECOND) {
        POSITIVE_LEAP_SECOND => Some(LeapFlag::Positive),
        NEGATIVE_LEAP_SECOND => Some(LeapFlag::Negative),
        _ => None,
    }
}

fn payload_start(fields: Fields<'_>, npts: usize, length: usize) -> Result<usize, Error> {
    let start = usize::from(fields.u16(44));
    if npts > 0 && !(limits::FIXED_HEADER_V2..length).contains(&start) {
        return Err(Error::new(
            Kind::Field {
                name: "beginning of data",
                found: start as i64,
                expected: "48 to the record length",
            },
            44,
        ));
    }
    Ok(start.clamp(limits::FIXED_HEADER_V2, length))
}

pub(super) fn start_ns(fields: Fields<'_>, microsecond: i8) -> i64 {
    let start = time::from_ordinal(
        fields.u16(20),
        fields.u16(22),
        fields.u8(24),
        fields.u8(25),
        fields.u8(26),
        0,
    ) + i64::from(fields.u16(28)) * 100_000;
    let correction = fields.i32(40);
    let applied = fields.u8(36) & TIME_CORRECTION_APPLIED != 0;
    let correction_ns = if applied {
        0
    } else {
        i64::from(correction) * 100_000
    };
    start + correction_ns + i64::from(microsecond) * 1000
}

/// Length from blockette 1000, else from the place of the next header.
fn record_length(data: &[u8], found: &FromBlockettes, effort: &mut Effort) -> Result<usize, Error> {
    if let Some(exponent) = found.length_exponent {
        return possible_length(exponent).ok_or(Error::new(
            Kind::Field {
                name: "record length exponent",
                found: i64::from(exponent),
                expected: "7 to 17 (128 to 131072 bytes)",
            },
            0,
        ));
    }
    effort.length_declared = false;
    let available = data.len();
    let needed = match effort.complete {
        true => limits::MIN_RECORD_LENGTH_V2,
        false => limits::MAX_RECORD_LENGTH_V2 + limits::FIXED_HEADER_V2,
    };
    if available < needed {
        return Err(Error::new(Kind::Truncated { needed, available }, 0));
    }
    let bound = data.len().min(limits::MAX_RECORD_LENGTH_V2);
    let next = (LENGTH_STEP..bound).step_by(LENGTH_STEP).find(|&at| {
        effort.work += limits::WORK_LOOK;
        looks_like(&data[at..]) || looks_like_control_header(&data[at..])
    });
    match next {
        Some(length) => Ok(length),
        // The last record of a file: its end is the end of the file, if that is a possible length.
        None if data.len() <= limits::MAX_RECORD_LENGTH_V2 && data.len().is_power_of_two() => {
            Ok(data.len())
        }
        None => Err(Error::new(Kind::UnknownLength, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_is_right_in_all_four_sign_cases() {
        assert_eq!(nominal_rate_hz(33, 10), 330.0);
        assert_eq!(nominal_rate_hz(330, 1), 330.0);
        assert_eq!(nominal_rate_hz(3306, -10), 330.6);
        assert!((nominal_rate_hz(-60, 1) - 1.0 / 60.0).abs() < 1e-15);
        assert!((nominal_rate_hz(-10, 5) - 0.5).abs() < 1e-15);
        assert!((nominal_rate_hz(-10, -6) - 1.0 / 60.0).abs() < 1e-15);
        assert_eq!(nominal_rate_hz(0, 1), 0.0);
        assert_eq!(nominal_rate_hz(100, 0), 100.0);
    }
}
