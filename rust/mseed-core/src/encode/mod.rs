//! Samples → miniSEED 2 records.

mod steim;

use crate::decode::Encoding;
use crate::error::{Error, Kind};
use crate::limits;
use crate::time;

/// First byte of the payload: fixed header, blockettes 1000 and 1001, filled up to a frame.
const PAYLOAD_AT: usize = 64;

/// Samples to be written.
#[derive(Debug, Clone, Copy)]
pub enum Samples<'a> {
    /// For Int16, Int32, Steim1 and Steim2.
    Int32(&'a [i32]),
    /// For Float32.
    Float32(&'a [f32]),
    /// For Float64.
    Float64(&'a [f64]),
}

impl Samples<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Int32(s) => s.len(),
            Self::Float32(s) => s.len(),
            Self::Float64(s) => s.len(),
        }
    }
}

/// What stands in the header of every record.
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
    /// Time of the first sample. The format holds microseconds: the rest is rounded.
    pub start_ns: i64,
    /// Sample rate in hertz.
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
/// [`Kind::Argument`] when a code is too long, the rate or record length cannot be written, or a
/// value does not fit the encoding; nothing is appended then.
pub fn write_v2(header: &Header<'_>, samples: Samples<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    check(header)?;
    let (factor, multiplier) = rate_fields(header.rate_hz).ok_or(argument(
        "sample rate cannot be written in a miniSEED 2 header",
    ))?;
    let before = out.len();
    let mut done = 0;
    let mut sequence = header.sequence;
    while done < samples.len() {
        let start = out.len();
        out.resize(start + header.record_length, 0);
        let record = &mut out[start..];
        let (head, payload) = record.split_at_mut(PAYLOAD_AT);
        let written = match pack(header.encoding, samples, done, payload) {
            Ok((written, frames)) => {
                head[63] = frames;
                written
            }
            Err(error) => {
                out.truncate(before);
                return Err(error);
            }
        };
        let at_ns = time::sample_time_ns(header.start_ns, header.rate_hz, done as i64);
        write_head(head, header, at_ns, written, sequence, (factor, multiplier));
        sequence = if sequence >= 999_999 { 1 } else { sequence + 1 };
        done += written;
    }
    Ok(())
}

fn argument(text: &'static str) -> Error {
    Error::new(Kind::Argument(text), 0)
}

fn check(header: &Header<'_>) -> Result<(), Error> {
    let codes = [
        (header.network, 2),
        (header.station, 5),
        (header.location, 2),
        (header.channel, 3),
    ];
    if codes
        .iter()
        .any(|(code, room)| code.len() > *room || !code.bytes().all(|b| b.is_ascii_graphic()))
    {
        return Err(argument(
            "network, station, location and channel codes have at most 2, 5, 2 and 3 ASCII characters",
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
    let year = time::to_civil(header.start_ns).year;
    if !limits::YEARS.contains(&u16::try_from(year).unwrap_or(0)) {
        return Err(argument("start time: expected a year from 1900 to 2100"));
    }
    Ok(())
}

/// Fill `payload` with the samples from `from` on; returns how many, and the number of frames.
fn pack(
    encoding: Encoding,
    samples: Samples<'_>,
    from: usize,
    payload: &mut [u8],
) -> Result<(usize, u8), Error> {
    match (encoding, samples) {
        (Encoding::Steim1, Samples::Int32(s)) => steim::pack1(s, from, payload),
        (Encoding::Steim2, Samples::Int32(s)) => steim::pack2(s, from, payload),
        (Encoding::Int32, Samples::Int32(s)) => {
            Ok((plain(&s[from..], payload, |v| v.to_be_bytes()), 0))
        }
        (Encoding::Int16, Samples::Int32(s)) => {
            let room = &s[from..(from + payload.len() / 2).min(s.len())];
            if room.iter().any(|v| i16::try_from(*v).is_err()) {
                return Err(argument("a sample does not fit 16 bits"));
            }
            Ok((plain(room, payload, |v| (*v as i16).to_be_bytes()), 0))
        }
        (Encoding::Float32, Samples::Float32(s)) => {
            Ok((plain(&s[from..], payload, |v| v.to_be_bytes()), 0))
        }
        (Encoding::Float64, Samples::Float64(s)) => {
            Ok((plain(&s[from..], payload, |v| v.to_be_bytes()), 0))
        }
        (Encoding::Other(_) | Encoding::Text | Encoding::Int24, _) => Err(argument(
            "encoding: expected STEIM1, STEIM2, INT16, INT32, FLOAT32 or FLOAT64",
        )),
        _ => Err(argument(
            "the samples have another type than the encoding holds",
        )),
    }
}

fn plain<T, const N: usize>(
    samples: &[T],
    payload: &mut [u8],
    to_be: impl Fn(&T) -> [u8; N],
) -> usize {
    // A header counts samples in 16 bits.
    let npts = (payload.len() / N).min(samples.len()).min(65_535);
    for (bytes, value) in payload.chunks_exact_mut(N).zip(&samples[..npts]) {
        bytes.copy_from_slice(&to_be(value));
    }
    npts
}

/// Sample rate factor and multiplier that give exactly this rate, or the nearest to 1e-6.
fn rate_fields(rate_hz: f64) -> Option<(i16, i16)> {
    if !rate_hz.is_finite() || rate_hz <= 0.0 {
        return None;
    }
    let near = |value: f64| (value.round() - value).abs() < 1e-6 * value;
    let fits = |value: f64| (1.0..=32_767.0).contains(&value.round());
    for divisor in [1.0, 10.0, 100.0, 1000.0, 10_000.0] {
        let scaled = rate_hz * divisor;
        if fits(scaled) && near(scaled) {
            let multiplier = if divisor > 1.0 { -divisor } else { 1.0 };
            return Some((scaled.round() as i16, multiplier as i16));
        }
        let period = divisor / rate_hz;
        if fits(period) && near(period) {
            return Some((-period.round() as i16, divisor as i16));
        }
    }
    None
}

fn write_head(
    head: &mut [u8],
    header: &Header<'_>,
    start_ns: i64,
    npts: usize,
    sequence: u32,
    (factor, multiplier): (i16, i16),
) {
    // Round to microseconds, then split into tenths of milliseconds and the rest (-50 to 49).
    let micros = (start_ns + 500).div_euclid(1000);
    let tenths = (micros + 50).div_euclid(100);
    let rest = (micros - tenths * 100) as i8;
    let at = time::to_civil(tenths * 100_000);
    head[..6].copy_from_slice(format!("{sequence:06}").as_bytes());
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
    head[20..22].copy_from_slice(&(at.year as u16).to_be_bytes());
    head[22..24].copy_from_slice(&at.day_of_year.to_be_bytes());
    head[24..28].copy_from_slice(&[at.hour, at.minute, at.second, 0]);
    head[28..30].copy_from_slice(&((at.ns / 100_000) as u16).to_be_bytes());
    head[30..32].copy_from_slice(&(npts as u16).to_be_bytes());
    head[32..34].copy_from_slice(&factor.to_be_bytes());
    head[34..36].copy_from_slice(&multiplier.to_be_bytes());
    head[39] = 2;
    head[44..46].copy_from_slice(&(PAYLOAD_AT as u16).to_be_bytes());
    head[46..48].copy_from_slice(&48u16.to_be_bytes());
    let exponent = header.record_length.trailing_zeros() as u8;
    head[48..56].copy_from_slice(&[0x03, 0xE8, 0, 56, header.encoding.code(), 1, exponent, 0]);
    head[56..61].copy_from_slice(&[0x03, 0xE9, 0, 0, 0]);
    head[61] = rest as u8;
}
