//! miniSEED 3 records (FDSN miniSEED 3.0): as long as they need to be, CRC-32C, nanoseconds.

use super::series::Series;
use super::{Samples, all_graphic, argument, check_rate, check_years, rate};
use crate::decode::Encoding;
use crate::error::Error;
use crate::limits;
use crate::source_id::CODE_BYTES;
use crate::time;

const CRC_AT: usize = 28;

/// The least payload: a Steim frame.
const LEAST_PAYLOAD: usize = 64;

/// What stands in the header of every miniSEED 3 record.
#[derive(Debug, Clone, Copy)]
pub struct HeaderV3<'a> {
    /// Network code.
    pub network: &'a str,
    /// Station code.
    pub station: &'a str,
    /// Location code.
    pub location: &'a str,
    /// Channel code: three letters, or band, source and subsource with underscores between.
    pub channel: &'a str,
    /// Publication version, 0 for unknown.
    pub version: u8,
    /// Time of the first sample.
    pub start_ns: i64,
    /// Sample rate in hertz; 0 is possible for text.
    pub rate_hz: f64,
    /// Data encoding.
    pub encoding: Encoding,
    /// Longest record in bytes; a record is as long as it needs to be.
    pub max_record_length: usize,
    /// Extra headers (JSON), the same in every record; empty for none.
    pub extra_headers: &'a [u8],
}

/// Write a series as miniSEED 3 records, appended to `out`.
///
/// # Errors
/// [`crate::Kind::Argument`] when a code or an option is impossible, [`crate::Kind::Unfit`] when a
/// value does not fit the encoding; nothing is appended then.
pub fn write_v3(
    header: &HeaderV3<'_>,
    samples: Samples<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let head = head(header, samples.len())?;
    let room = header.max_record_length - head.len();
    let mut wide = Vec::new();
    let mut series = Series::new(header.encoding, samples, &mut wide, false)?;
    let before = out.len();
    let mut done = 0;
    while done < samples.len() {
        let start = out.len();
        out.extend_from_slice(&head);
        // Never more than the samples that are left can take: a frame and 8 bytes for each.
        let left = (samples.len() - done).saturating_mul(8);
        out.resize(out.len() + room.min(left.saturating_add(LEAST_PAYLOAD)), 0);
        let record = &mut out[start..];
        let (head, payload) = record.split_at_mut(head.len());
        let packed = match series.pack(done, u32::MAX as usize, payload) {
            Ok(packed) => packed,
            Err(error) => {
                out.truncate(before);
                return Err(error);
            }
        };
        let at_ns = time::sample_time_ns(header.start_ns, header.rate_hz, done as i64);
        write_time(head, at_ns);
        head[24..28].copy_from_slice(&(packed.npts as u32).to_le_bytes());
        head[36..40].copy_from_slice(&(packed.bytes as u32).to_le_bytes());
        let length = head.len() + packed.bytes;
        out.truncate(start + length);
        let crc = crc32c::crc32c(&out[start..]);
        out[start + CRC_AT..start + CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
        done += packed.npts;
    }
    Ok(())
}

/// The checked header of all records: fixed part, source identifier, extra headers.
fn head(header: &HeaderV3<'_>, npts: usize) -> Result<Vec<u8>, Error> {
    let identifier = source_identifier(header)?;
    let Ok(extra_length) = u16::try_from(header.extra_headers.len()) else {
        return Err(argument("extra headers: expected at most 65535 bytes"));
    };
    check_rate(header.rate_hz, header.encoding)?;
    check_years(
        header.start_ns,
        header.rate_hz,
        npts,
        1678..=2261,
        "times of the samples: expected years from 1678 to 2261",
    )?;
    let mut head = vec![0; limits::FIXED_HEADER_V3];
    head[..3].copy_from_slice(b"MS\x03");
    head[15] = header.encoding.code();
    head[16..24].copy_from_slice(&rate::v3(header.rate_hz).to_le_bytes());
    head[32] = header.version;
    // Four codes of bounded length.
    head[33] = identifier.len() as u8;
    head[34..36].copy_from_slice(&extra_length.to_le_bytes());
    head.extend(identifier.as_bytes());
    head.extend(header.extra_headers);
    let range = head.len() + LEAST_PAYLOAD..=limits::MAX_RECORD_LENGTH_V3;
    if !range.contains(&header.max_record_length) {
        return Err(argument(
            "record length: expected room for the header and 64 bytes of samples, and at most 10485760",
        ));
    }
    Ok(head)
}

/// `FDSN:NET_STA_LOC_B_S_SS` (FDSN Source Identifiers 1.0).
fn source_identifier(header: &HeaderV3<'_>) -> Result<String, Error> {
    let codes = [
        header.network,
        header.station,
        header.location,
        header.channel,
    ];
    // What is longer is not read back, or not as a whole.
    if codes.iter().any(|code| code.len() > CODE_BYTES) {
        return Err(argument(
            "network, station, location and channel codes: expected at most 15 characters each",
        ));
    }
    let parts = |code: &str| code.split('_').count();
    let channel_parts = parts(header.channel);
    if !all_graphic(&codes)
        || codes[..3].iter().any(|code| parts(code) != 1)
        || !matches!(channel_parts, 1 | 3)
        || (channel_parts == 1 && header.channel.len() != 3)
    {
        return Err(argument(
            "codes: expected printable ASCII without underscores, and a channel of three letters or BAND_SOURCE_SUBSOURCE",
        ));
    }
    let mut identifier = format!(
        "FDSN:{}_{}_{}",
        header.network, header.station, header.location
    );
    if channel_parts == 1 {
        for letter in header.channel.chars() {
            identifier.push('_');
            identifier.push(letter);
        }
    } else {
        identifier.push('_');
        identifier.push_str(header.channel);
    }
    Ok(identifier)
}

fn write_time(head: &mut [u8], at_ns: i64) {
    let at = time::to_civil(at_ns);
    head[4..8].copy_from_slice(&at.ns.to_le_bytes());
    head[8..10].copy_from_slice(&(at.year as u16).to_le_bytes());
    head[10..12].copy_from_slice(&at.day_of_year.to_le_bytes());
    head[12..15].copy_from_slice(&[at.hour, at.minute, at.second]);
}
