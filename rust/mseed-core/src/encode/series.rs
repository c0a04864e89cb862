//! A series of samples on its way into the payloads of records.

use super::{Packed, Samples, argument, plain, steim};
use crate::decode::Encoding;
use crate::error::Error;

/// Samples in the type that their encoding takes.
enum Source<'a> {
    Steim1(steim::Packer<'a>),
    Steim2(steim::Packer<'a>),
    Int16(&'a [i16]),
    /// 32-bit samples that must fit 16 bits.
    Narrow(&'a [i32]),
    Int32(&'a [i32]),
    Float32(&'a [f32]),
    Float64(&'a [f64]),
    Text(&'a [u8]),
}

/// Samples, and how they are written.
pub(super) struct Series<'a> {
    source: Source<'a>,
    /// Byte order of all but Steim, which is always big-endian.
    big_endian: bool,
}

impl<'a> Series<'a> {
    /// `wide` takes 16-bit samples that are written in an encoding for 32-bit ones.
    ///
    /// # Errors
    /// [`crate::Kind::Argument`] when the encoding is not written, or holds other samples.
    pub(super) fn new(
        encoding: Encoding,
        samples: Samples<'a>,
        wide: &'a mut Vec<i32>,
        big_endian: bool,
    ) -> Result<Self, Error> {
        let samples = match samples {
            Samples::Int16(s) if encoding != Encoding::Int16 => {
                wide.extend(s.iter().map(|v| i32::from(*v)));
                Samples::Int32(wide)
            }
            other => other,
        };
        let source = match (encoding, samples) {
            (Encoding::Steim1, Samples::Int32(s)) => Source::Steim1(steim::Packer::new(s)),
            (Encoding::Steim2, Samples::Int32(s)) => Source::Steim2(steim::Packer::new(s)),
            (Encoding::Int16, Samples::Int16(s)) => Source::Int16(s),
            (Encoding::Int16, Samples::Int32(s)) => Source::Narrow(s),
            (Encoding::Int32, Samples::Int32(s)) => Source::Int32(s),
            (Encoding::Float32, Samples::Float32(s)) => Source::Float32(s),
            (Encoding::Float64, Samples::Float64(s)) => Source::Float64(s),
            (Encoding::Text, Samples::Text(s)) => Source::Text(s),
            (
                Encoding::Steim1
                | Encoding::Steim2
                | Encoding::Int16
                | Encoding::Int32
                | Encoding::Float32
                | Encoding::Float64
                | Encoding::Text,
                _,
            ) => {
                return Err(argument(
                    "the samples have another type than the encoding holds",
                ));
            }
            _ => {
                return Err(argument(
                    "encoding: expected STEIM1, STEIM2, INT16, INT32, FLOAT32, FLOAT64 or TEXT",
                ));
            }
        };
        Ok(Self { source, big_endian })
    }

    /// Fill `payload` with the samples from `from` on, at most `most` of them.
    ///
    /// # Errors
    /// [`crate::Kind::Unfit`] when a value does not fit the encoding.
    pub(super) fn pack(
        &mut self,
        from: usize,
        most: usize,
        payload: &mut [u8],
    ) -> Result<Packed, Error> {
        let big = self.big_endian;
        macro_rules! plain {
            ($samples:expr, $payload:expr) => {{
                let samples = &$samples[from..];
                let samples = &samples[..samples.len().min(most)];
                if big {
                    plain::each(samples, $payload, |v| v.to_be_bytes())
                } else {
                    plain::each(samples, $payload, |v| v.to_le_bytes())
                }
            }};
        }
        Ok(match &mut self.source {
            Source::Steim1(packer) => packer.pack::<steim::Steim1>(from, most, payload)?,
            Source::Steim2(packer) => packer.pack::<steim::Steim2>(from, most, payload)?,
            Source::Narrow(s) => {
                let samples = &s[..s.len().min(from.saturating_add(most))];
                if big {
                    plain::int16(samples, from, payload, i16::to_be_bytes)?
                } else {
                    plain::int16(samples, from, payload, i16::to_le_bytes)?
                }
            }
            Source::Int16(s) => plain!(s, payload),
            Source::Int32(s) => plain!(s, payload),
            Source::Float32(s) => plain!(s, payload),
            Source::Float64(s) => plain!(s, payload),
            Source::Text(s) => plain!(s, payload),
        })
    }
}
