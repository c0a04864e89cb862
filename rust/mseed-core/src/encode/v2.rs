//! miniSEED 2 records (SEED manual 2.4, chapter 8): big-endian, blockettes 1000 and 1001, and
//! blockette 100 for rates that factor and multiplier cannot give.

use super::rate::{self, RateV2};
use super::series::Series;
use super::{Samples, all_graphic, argument, check_rate, check_years};
use crate::decode::Encoding;
use crate::error::Error;
use crate::limits;
use crate::time;

/// Fixed header, blockettes 1000 and 1001.
const HEAD: usize = 64;

/// The same with blockette 100, filled up to a multiple of 8 bytes.
const HEAD_WITH_RATE: usize = 80;

/// A Steim frame; payloads of Steim begin at a multiple of it.
const FRAME: usize = 64;

/// A header counts samples in 16 bits.
const MOST_SAMPLES: usize = 65_535;

/// What stands in the header of every miniSEED 2 record.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// Network code, up to 2 characters.
    pub network: &'a str,
    /// Station code, up to 5 characters.
    pub station: &'a str,
    /// Location code, up to 2 characters.
    pub location: &'a str,
    /// Channel code, up to 3 characters.
    pub channel: &'a str,
    /// Quality letter: D, R, Q or M.
    pub quality: u8,
    /// Time of the first sample. The format holds microseconds: the rest is rounded, for each
    /// record from the start of the series.
    pub start_ns: i64,
    /// Sample rate in hertz; 0 is possible for text.
    pub rate_hz: f64,
    /// Data encoding.
    pub encoding: Encoding,
    /// Record length in bytes, a power of two from 128 to 131072.
    pub record_length: usize,
    /// Sequence number of the first record.
    pub sequence: u32,
}

/// Write a series as big-endian miniSEED 2 records, appended to `out`.
///
/// # Errors
/// [`crate::Kind::Argument`] when a code is too long or an option is impossible,
/// [`crate::Kind::Unfit`] when a value does not fit the encoding; nothing is appended then.
pub fn write_v2(header: &Header<'_>, samples: Samples<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    check(header, samples.len())?;
    let rate = rate::v2(header.rate_hz);
    let template = template(header, rate);
    let payload_at = payload_at(header, rate)?;
    let mut wide = Vec::new();
    let mut series = Series::new(header.encoding, samples, &mut wide, true)?;
    let before = out.len();
    let mut done = 0;
    let mut sequence = header.sequence;
    while done < samples.len() {
        let start = out.len();
        out.resize(start + header.record_length, 0);
        let (head, payload) = out[start..].split_at_mut(payload_at);
        let packed = match series.pack(done, MOST_SAMPLES, payload) {
            Ok(packed) => packed,
            Err(error) => {
                out.truncate(before);
                return Err(error);
            }
        };
        let length = template.len().min(payload_at);
        head[..length].copy_from_slice(&template[..length]);
        write_sequence(head, sequence);
        let at_ns = time::sample_time_ns(header.start_ns, header.rate_hz, done as i64);
        write_time(head, at_ns);
        head[30..32].copy_from_slice(&(packed.npts as u16).to_be_bytes());
        head[44..46].copy_from_slice(&(payload_at as u16).to_be_bytes());
        head[63] = packed.frames.min(255) as u8;
        sequence = if sequence >= 999_999 { 1 } else { sequence + 1 };
        done += packed.npts;
    }
    Ok(())
}

fn check(header: &Header<'_>, npts: usize) -> Result<(), Error> {
    let codes = [
        (header.network, 2),
        (header.station, 5),
        (header.location, 2),
        (header.channel, 3),
    ];
    if codes.iter().any(|(code, room)| code.len() > *room) || !all_graphic(&codes.map(|c| c.0)) {
        return Err(argument(
            "network, station, location and channel codes: expected at most 2, 5, 2 and 3 ASCII characters",
        ));
    }
    let range = limits::MIN_RECORD_LENGTH_V2..=limits::MAX_RECORD_LENGTH_V2;
    if !header.record_length.is_power_of_two() || !range.contains(&header.record_length) {
        return Err(argument(
            "record length: expected a power of two from 128 to 131072",
        ));
    }
    if !matches!(header.quality, b'D' | b'R' | b'Q' | b'M') {
        return Err(argument("quality: expected one of D, R, Q, M"));
    }
    if !(1..=999_999).contains(&header.sequence) {
        return Err(argument("sequence number: expected 1 to 999999"));
    }
    check_rate(header.rate_hz, header.encoding)?;
    check_years(
        header.start_ns,
        header.rate_hz,
        npts,
        i64::from(*limits::YEARS.start())..=i64::from(*limits::YEARS.end()),
        "times of the samples: expected years from 1900 to 2100",
    )
}

/// First byte of the payload.
fn payload_at(header: &Header<'_>, rate: RateV2) -> Result<usize, Error> {
    let steim = matches!(header.encoding, Encoding::Steim1 | Encoding::Steim2);
    match (rate.actual.is_some(), steim) {
        (false, _) => Ok(HEAD),
        (true, false) => Ok(HEAD_WITH_RATE),
        (true, true) if header.record_length > 2 * FRAME => Ok(2 * FRAME),
        (true, true) => Err(argument(
            "record length 128: expected 256 or more for Steim with a sample rate that needs blockette 100",
        )),
    }
}

/// All that the headers of the records have in common.
fn template(header: &Header<'_>, rate: RateV2) -> [u8; HEAD_WITH_RATE] {
    let mut head = [0; HEAD_WITH_RATE];
    head[6] = header.quality;
    head[7..20].fill(b' ');
    for (code, place) in [
        (header.station, 8),
        (header.location, 13),
        (header.channel, 15),
        (header.network, 18),
    ] {
        head[place..place + code.len()].copy_from_slice(code.as_bytes());
    }
    head[32..34].copy_from_slice(&rate.factor.to_be_bytes());
    head[34..36].copy_from_slice(&rate.multiplier.to_be_bytes());
    head[39] = 2;
    head[46..48].copy_from_slice(&48u16.to_be_bytes());
    let exponent = header.record_length.trailing_zeros() as u8;
    head[48..56].copy_from_slice(&[0x03, 0xE8, 0, 56, header.encoding.code(), 1, exponent, 0]);
    head[56..61].copy_from_slice(&[0x03, 0xE9, 0, 0, 0]);
    if let Some(actual) = rate.actual {
        head[39] = 3;
        head[58..60].copy_from_slice(&64u16.to_be_bytes());
        head[64..68].copy_from_slice(&[0, 100, 0, 0]);
        head[68..72].copy_from_slice(&actual.to_be_bytes());
    }
    head
}

fn write_sequence(head: &mut [u8], sequence: u32) {
    let mut rest = sequence;
    for digit in head[..6].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Round to microseconds, then split into tenths of milliseconds and the rest (-50 to 49).
fn write_time(head: &mut [u8], at_ns: i64) {
    let micros = at_ns.saturating_add(500).div_euclid(1000);
    let tenths = (micros + 50).div_euclid(100);
    let rest = (micros - tenths * 100) as i8;
    let at = time::to_civil(tenths * 100_000);
    head[20..22].copy_from_slice(&(at.year as u16).to_be_bytes());
    head[22..24].copy_from_slice(&at.day_of_year.to_be_bytes());
    head[24..28].copy_from_slice(&[at.hour, at.minute, at.second, 0]);
    head[28..30].copy_from_slice(&((at.ns / 100_000) as u16).to_be_bytes());
    head[61] = rest as u8;
}
