//! miniSEED 3: fixed header, FDSN source identifier, extra headers, CRC-32C (FDSN miniSEED 3.0).

use super::{Fields, FormatVersion, Record};
use crate::decode::Encoding;
use crate::error::{Error, Kind};
use crate::limits;
use crate::source_id::SourceId;
use crate::time;

/// Offset of the CRC in the fixed header.
const CRC_AT: usize = 28;

/// Whether a miniSEED 3 record may begin here.
#[inline]
pub(super) fn looks_like(data: &[u8]) -> bool {
    data.len() >= limits::FIXED_HEADER_V3
        && data.starts_with(b"MS\x03")
        && data[12] <= 23
        && data[13] <= 59
        && data[14] <= 60
}

/// Parse all but the CRC.
pub(super) fn parse(data: &[u8]) -> Result<Record<'_>, Error> {
    let fields = Fields {
        bytes: data,
        big_endian: false,
    };
    let id_length = usize::from(fields.u8(33));
    let extra_length = usize::from(fields.u16(34));
    let payload_length = fields.u32(36) as usize;
    let length = limits::FIXED_HEADER_V3 + id_length + extra_length + payload_length;
    if length > limits::MAX_RECORD_LENGTH_V3 {
        return Err(Error::new(
            Kind::Limit {
                name: "record length",
                found: length as u64,
                limit: limits::MAX_RECORD_LENGTH_V3 as u64,
            },
            0,
        ));
    }
    check_time(fields)?;
    let extra_start = limits::FIXED_HEADER_V3 + id_length;
    // A wrong identifier is told before the rest of a long record is asked for.
    let source = match data.get(limits::FIXED_HEADER_V3..extra_start) {
        Some(id) => Some(SourceId::parse(id).ok_or(Error::new(Kind::SourceIdentifier, 0))?),
        None => None,
    };
    let (Some(source), true) = (source, length <= data.len()) else {
        return Err(Error::new(
            Kind::Truncated {
                needed: length,
                available: data.len(),
            },
            0,
        ));
    };
    let bytes = &data[..length];
    let payload_start = extra_start + extra_length;
    let npts = fields.u32(24) as usize;
    let declared_rate = fields.f64(16);
    Ok(Record {
        bytes,
        format: FormatVersion::V3,
        source,
        version: fields.u8(32),
        quality: None,
        start_ns: time::from_ordinal(
            fields.u16(8),
            fields.u16(10),
            fields.u8(12),
            fields.u8(13),
            fields.u8(14),
            fields.u32(4),
        ),
        npts,
        rate_hz: hertz(declared_rate),
        declared_rate: if hertz(declared_rate) == 0.0 {
            0.0
        } else {
            declared_rate
        },
        encoding: Encoding::from_code(fields.u8(15)),
        header_big_endian: false,
        // Payloads are little-endian, but Steim frames stay big-endian as they always were.
        data_big_endian: matches!(fields.u8(15), 10 | 11 | 19),
        payload_start,
        payload_end: length,
        extra_headers: &bytes[extra_start..payload_start],
        leap_flag: None,
        fault: None,
    }
    .bounded())
}

/// A declared rate is hertz when positive, seconds per sample when negative; one out of all
/// bounds, either way, is none.
fn hertz(declared: f64) -> f64 {
    let rate_hz = if declared < 0.0 {
        -1.0 / declared
    } else {
        declared
    };
    if (limits::MIN_RATE_HZ..=limits::MAX_RATE_HZ).contains(&rate_hz) {
        rate_hz
    } else {
        0.0
    }
}

fn check_time(fields: Fields<'_>) -> Result<(), Error> {
    let checks = [
        (
            "year",
            8,
            i64::from(fields.u16(8)),
            1..=65_535,
            "1 to 65535",
        ),
        (
            "day of year",
            10,
            i64::from(fields.u16(10)),
            1..=366,
            "1 to 366",
        ),
        (
            "nanosecond",
            4,
            i64::from(fields.u32(4)),
            0..=999_999_999,
            "0 to 999999999",
        ),
    ];
    for (name, offset, found, range, expected) in checks {
        if !range.contains(&found) {
            return Err(Error::new(
                Kind::Field {
                    name,
                    found,
                    expected,
                },
                offset,
            ));
        }
    }
    // i64 nanoseconds end in the years 1677 and 2262.
    if !(1678..=2261).contains(&fields.u16(8)) {
        return Err(Error::new(
            Kind::Limit {
                name: "year",
                found: u64::from(fields.u16(8)),
                limit: 2261,
            },
            8,
        ));
    }
    Ok(())
}

/// The CRC is that of the whole record with the CRC field set to zero.
pub(super) fn crc_fault(bytes: &[u8]) -> Option<Error> {
    let stored = Fields {
        bytes,
        big_endian: false,
    }
    .u32(CRC_AT);
    let head = crc32c::crc32c(&bytes[..CRC_AT]);
    let zeroed = crc32c::crc32c_append(head, &[0; 4]);
    let computed = crc32c::crc32c_append(zeroed, &bytes[CRC_AT + 4..]);
    (computed != stored).then(|| Error::new(Kind::Crc { stored, computed }, CRC_AT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_periods_out_of_all_bounds_are_none() {
        assert_eq!(hertz(100.0), 100.0);
        assert_eq!(hertz(-0.01), 100.0);
        assert_eq!(hertz(-60.0), 1.0 / 60.0);
        let tiny = f64::from_bits(1);
        for declared in [
            0.0,
            -0.0,
            tiny,
            -tiny,
            -1e-10,
            1e10,
            -1e10,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ] {
            assert_eq!(hertz(declared), 0.0, "{declared}");
        }
    }
}
