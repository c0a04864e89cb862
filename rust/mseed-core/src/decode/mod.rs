//! Payload → samples, into a buffer that the caller owns.

mod legacy;
#[cfg(feature = "oracle")]
pub mod naive;
mod path;
mod plain;
mod steim;

pub use path::Path;

use crate::error::{Error, Kind, encoding_name};
use crate::record::Record;
use steim::Version;

/// How the samples of a payload are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Text, one byte a character.
    Text,
    /// 16-bit integers.
    Int16,
    /// 24-bit integers.
    Int24,
    /// 32-bit integers.
    Int32,
    /// IEEE single precision.
    Float32,
    /// IEEE double precision.
    Float64,
    /// Steim1 compressed differences.
    Steim1,
    /// Steim2 compressed differences.
    Steim2,
    /// GEOSCOPE, 24-bit integers.
    Geoscope24,
    /// GEOSCOPE, 16 bits with a 3-bit exponent.
    Geoscope16Exponent3,
    /// GEOSCOPE, 16 bits with a 4-bit exponent.
    Geoscope16Exponent4,
    /// China Digital Seismic Network, 16 bits, gain ranged.
    Cdsn,
    /// Seismic Research Observatories, 16 bits, gain ranged.
    Sro,
    /// Digital World-Wide Standardized Seismograph Network, 16-bit integers.
    Dwwssn,
    /// Bytes that are no samples: what they mean is between writer and reader.
    Opaque,
    /// A code that is not decoded.
    Other(u8),
}

/// Type of decoded samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SampleType {
    /// 32-bit integers.
    Int32,
    /// IEEE single precision.
    Float32,
    /// IEEE double precision.
    Float64,
    /// Characters.
    Text,
}

impl Encoding {
    /// Encoding of a header code.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Text,
            1 => Self::Int16,
            2 => Self::Int24,
            3 => Self::Int32,
            4 => Self::Float32,
            5 => Self::Float64,
            10 => Self::Steim1,
            11 => Self::Steim2,
            12 => Self::Geoscope24,
            13 => Self::Geoscope16Exponent3,
            14 => Self::Geoscope16Exponent4,
            16 => Self::Cdsn,
            30 => Self::Sro,
            32 => Self::Dwwssn,
            100 => Self::Opaque,
            other => Self::Other(other),
        }
    }

    /// Header code of the encoding.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Text => 0,
            Self::Int16 => 1,
            Self::Int24 => 2,
            Self::Int32 => 3,
            Self::Float32 => 4,
            Self::Float64 => 5,
            Self::Steim1 => 10,
            Self::Steim2 => 11,
            Self::Geoscope24 => 12,
            Self::Geoscope16Exponent3 => 13,
            Self::Geoscope16Exponent4 => 14,
            Self::Cdsn => 16,
            Self::Sro => 30,
            Self::Dwwssn => 32,
            Self::Opaque => 100,
            Self::Other(code) => code,
        }
    }

    /// Name of the encoding.
    #[must_use]
    pub fn name(self) -> &'static str {
        encoding_name(self.code())
    }

    /// Type of the decoded samples.
    ///
    /// # Errors
    /// [`Kind::Encoding`] when the encoding is not decoded, or opaque; it names the encoding.
    pub fn sample_type(self) -> Result<SampleType, Error> {
        match self {
            Self::Text => Ok(SampleType::Text),
            Self::Int16
            | Self::Int24
            | Self::Int32
            | Self::Steim1
            | Self::Steim2
            | Self::Cdsn
            | Self::Sro
            | Self::Dwwssn => Ok(SampleType::Int32),
            Self::Float32
            | Self::Geoscope24
            | Self::Geoscope16Exponent3
            | Self::Geoscope16Exponent4 => Ok(SampleType::Float32),
            Self::Float64 => Ok(SampleType::Float64),
            Self::Opaque | Self::Other(_) => {
                Err(Error::new(Kind::Encoding { code: self.code() }, 0))
            }
        }
    }
}

/// The caller's buffer, of the type that [`Encoding::sample_type`] names.
#[derive(Debug)]
pub enum Out<'a> {
    /// For [`SampleType::Int32`].
    Int32(&'a mut [i32]),
    /// For [`SampleType::Float32`].
    Float32(&'a mut [f32]),
    /// For [`SampleType::Float64`].
    Float64(&'a mut [f64]),
    /// For [`SampleType::Text`].
    Text(&'a mut [u8]),
}

impl<'a> Out<'a> {
    /// Two buffers: the first `npts` samples, and the rest.
    ///
    /// # Panics
    /// When the buffer has fewer samples.
    #[must_use]
    pub fn split_at(self, npts: usize) -> (Self, Self) {
        fn two<'a, T>(
            all: &'a mut [T],
            npts: usize,
            kind: fn(&'a mut [T]) -> Out<'a>,
        ) -> (Out<'a>, Out<'a>) {
            let (front, rest) = all.split_at_mut(npts);
            (kind(front), kind(rest))
        }
        match self {
            Self::Int32(out) => two(out, npts, Out::Int32),
            Self::Float32(out) => two(out, npts, Out::Float32),
            Self::Float64(out) => two(out, npts, Out::Float64),
            Self::Text(out) => two(out, npts, Out::Text),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Int32(out) => out.len(),
            Self::Float32(out) => out.len(),
            Self::Float64(out) => out.len(),
            Self::Text(out) => out.len(),
        }
    }
}

/// What a payload gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Samples written to the front of the buffer.
    pub npts: usize,
    /// A fault of the payload; the samples written are as good as the payload is. In a box, so
    /// that what is returned for a sound record fits registers.
    pub fault: Option<Box<Error>>,
}

/// Encoded samples, and what a header says of them.
#[derive(Debug, Clone, Copy)]
pub struct Payload<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Data encoding.
    pub encoding: Encoding,
    /// Byte order.
    pub big_endian: bool,
    /// Number of samples.
    pub npts: usize,
}

/// Decode all samples of a record into the front of `out`.
///
/// The declared number of samples must fit `out`. A payload that holds fewer gives those that
/// are there, and the fault says so; anything may stand behind them. The offset of a fault is inside
/// the record.
///
/// # Errors
/// [`Kind::Encoding`] for an encoding that is not decoded, [`Kind::Argument`] when `out` is too
/// short or of another type than [`Encoding::sample_type`].
pub fn decode_into(record: &Record<'_>, out: Out<'_>) -> Result<Decoded, Error> {
    decode_into_by(Path::best(), record, out)
}

/// The same by one of [`Path::available`]; another path than the machine can take is no fault, it
/// goes the plain way.
///
/// # Errors
/// Those of [`decode_into`].
pub fn decode_into_by(path: Path, record: &Record<'_>, out: Out<'_>) -> Result<Decoded, Error> {
    let mut decoded = decode_payload(path, &record.encoded(), out)?;
    if let Some(fault) = &mut decoded.fault {
        fault.offset += record.payload_start;
    }
    Ok(decoded)
}

/// The same for a payload whose record was parsed before. The offset of a fault is inside the
/// payload.
///
/// # Errors
/// Those of [`decode_into`].
pub fn decode_payload(
    path: Path,
    payload: &Payload<'_>,
    mut out: Out<'_>,
) -> Result<Decoded, Error> {
    let npts = payload.npts;
    if out.len() < npts {
        return Err(Error::new(
            Kind::Argument("the buffer is shorter than the number of samples of the record"),
            0,
        ));
    }
    if out.len() > npts {
        (out, _) = out.split_at(npts);
    }
    let (decoded, kind) = dispatch(path, payload, out)?;
    let fault = match kind {
        None if decoded == npts => None,
        kind => {
            let short = || {
                Box::new(Kind::ShortPayload {
                    declared: npts,
                    decoded,
                })
            };
            let kind = kind.unwrap_or_else(short);
            Some(Box::new(Error::new(*kind, 0)))
        }
    };
    Ok(Decoded {
        npts: decoded,
        fault,
    })
}

/// Decode into all of `out`; returns the samples written and what else is wrong.
fn dispatch(
    path: Path,
    payload: &Payload<'_>,
    out: Out<'_>,
) -> Result<(usize, Option<Box<Kind>>), Error> {
    let (bytes, big_endian) = (payload.bytes, payload.big_endian);
    let steim = |version, out| steim::decode(path, version, bytes, big_endian, out);
    let npts = match (payload.encoding, out) {
        (Encoding::Text, Out::Text(out)) => plain::text(bytes, out),
        (Encoding::Int16, Out::Int32(out)) => plain::int16(path, bytes, big_endian, out),
        (Encoding::Int24, Out::Int32(out)) => plain::int24(path, bytes, big_endian, out),
        (Encoding::Int32, Out::Int32(out)) => plain::int32(path, bytes, big_endian, out),
        (Encoding::Float32, Out::Float32(out)) => plain::float32(path, bytes, big_endian, out),
        (Encoding::Float64, Out::Float64(out)) => plain::float64(path, bytes, big_endian, out),
        (Encoding::Geoscope24, Out::Float32(out)) => legacy::geoscope24(bytes, big_endian, out),
        (Encoding::Geoscope16Exponent3, Out::Float32(out)) => {
            legacy::geoscope16_3(bytes, big_endian, out)
        }
        (Encoding::Geoscope16Exponent4, Out::Float32(out)) => {
            legacy::geoscope16_4(bytes, big_endian, out)
        }
        (Encoding::Cdsn, Out::Int32(out)) => legacy::cdsn(bytes, big_endian, out),
        (Encoding::Dwwssn, Out::Int32(out)) => legacy::dwwssn(bytes, big_endian, out),
        (Encoding::Sro, Out::Int32(out)) => return Ok(legacy::sro(bytes, big_endian, out)),
        (Encoding::Steim1, Out::Int32(out)) => return Ok(steim(Version::Steim1, out)),
        (Encoding::Steim2, Out::Int32(out)) => return Ok(steim(Version::Steim2, out)),
        (encoding, _) => {
            encoding.sample_type()?;
            return Err(Error::new(
                Kind::Argument("the buffer has another type than the samples of the record"),
                0,
            ));
        }
    };
    Ok((npts, None))
}
