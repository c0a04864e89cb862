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

impl Out<'_> {
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
    /// A fault of the payload; the samples written are as good as the payload is.
    pub fault: Option<Error>,
}

/// Decode all samples of a record into the front of `out`.
///
/// The declared number of samples must fit `out`. A payload that holds fewer gives those that
/// are there, and the fault says so. The offset of a fault is inside the record.
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
    let npts = record.npts;
    if out.len() < npts {
        return Err(Error::new(
            Kind::Argument("the buffer is shorter than the number of samples of the record"),
            0,
        ));
    }
    let payload = record.payload();
    let big_endian = record.data_big_endian;
    let (decoded, kind) = match (record.encoding, out) {
        (Encoding::Text, Out::Text(out)) => (plain::text(payload, &mut out[..npts]), None),
        (Encoding::Int16, Out::Int32(out)) => (
            plain::int16(path, payload, big_endian, &mut out[..npts]),
            None,
        ),
        (Encoding::Int24, Out::Int32(out)) => (
            plain::int24(path, payload, big_endian, &mut out[..npts]),
            None,
        ),
        (Encoding::Int32, Out::Int32(out)) => (
            plain::int32(path, payload, big_endian, &mut out[..npts]),
            None,
        ),
        (Encoding::Float32, Out::Float32(out)) => (
            plain::float32(path, payload, big_endian, &mut out[..npts]),
            None,
        ),
        (Encoding::Float64, Out::Float64(out)) => (
            plain::float64(path, payload, big_endian, &mut out[..npts]),
            None,
        ),
        (Encoding::Geoscope24, Out::Float32(out)) => (
            legacy::geoscope24(payload, big_endian, &mut out[..npts]),
            None,
        ),
        (Encoding::Geoscope16Exponent3, Out::Float32(out)) => (
            legacy::geoscope16_3(payload, big_endian, &mut out[..npts]),
            None,
        ),
        (Encoding::Geoscope16Exponent4, Out::Float32(out)) => (
            legacy::geoscope16_4(payload, big_endian, &mut out[..npts]),
            None,
        ),
        (Encoding::Cdsn, Out::Int32(out)) => {
            (legacy::cdsn(payload, big_endian, &mut out[..npts]), None)
        }
        (Encoding::Sro, Out::Int32(out)) => legacy::sro(payload, big_endian, &mut out[..npts]),
        (Encoding::Dwwssn, Out::Int32(out)) => {
            (legacy::dwwssn(payload, big_endian, &mut out[..npts]), None)
        }
        (Encoding::Steim1, Out::Int32(out)) => {
            steim::decode(path, Version::Steim1, payload, big_endian, &mut out[..npts])
        }
        (Encoding::Steim2, Out::Int32(out)) => {
            steim::decode(path, Version::Steim2, payload, big_endian, &mut out[..npts])
        }
        (encoding, _) => {
            encoding.sample_type()?;
            return Err(Error::new(
                Kind::Argument("the buffer has another type than the samples of the record"),
                0,
            ));
        }
    };
    let short = (decoded < npts).then_some(Kind::ShortPayload {
        declared: npts,
        decoded,
    });
    Ok(Decoded {
        npts: decoded,
        fault: kind.or(short).map(|k| Error::new(k, record.payload_start)),
    })
}
