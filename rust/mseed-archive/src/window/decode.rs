//! Segments → samples, one buffer each, filled in place.

use mseed_core::decode::{Out, decode_into};
use mseed_core::{Record, SampleType};

use super::plan::{Piece, Run};
use super::read::{Answer, Buffer};
use crate::memory::zeroed;
use crate::problem::Problem;

/// Decoded samples.
#[derive(Debug, Clone, PartialEq)]
pub enum Samples {
    /// Integers.
    Int32(Vec<i32>),
    /// Single precision.
    Float32(Vec<f32>),
    /// Double precision.
    Float64(Vec<f64>),
    /// Characters.
    Text(Vec<u8>),
}

impl Samples {
    fn new(sample_type: SampleType, npts: usize) -> Self {
        match sample_type {
            SampleType::Int32 => Self::Int32(zeroed(npts)),
            SampleType::Float32 => Self::Float32(zeroed(npts)),
            SampleType::Float64 => Self::Float64(zeroed(npts)),
            SampleType::Text => Self::Text(zeroed(npts)),
        }
    }

    fn out(&mut self, from: usize, npts: usize) -> Out<'_> {
        let range = from..from + npts;
        match self {
            Self::Int32(v) => Out::Int32(&mut v[range]),
            Self::Float32(v) => Out::Float32(&mut v[range]),
            Self::Float64(v) => Out::Float64(&mut v[range]),
            Self::Text(v) => Out::Text(&mut v[range]),
        }
    }

    /// Copy `npts` samples from the place `skip` of `other` to the place `to`.
    fn copy_from(&mut self, to: usize, other: &Self, skip: usize, npts: usize) {
        match (self, other) {
            (Self::Int32(a), Self::Int32(b)) => {
                a[to..to + npts].copy_from_slice(&b[skip..skip + npts])
            }
            (Self::Float32(a), Self::Float32(b)) => {
                a[to..to + npts].copy_from_slice(&b[skip..skip + npts]);
            }
            (Self::Float64(a), Self::Float64(b)) => {
                a[to..to + npts].copy_from_slice(&b[skip..skip + npts]);
            }
            (Self::Text(a), Self::Text(b)) => {
                a[to..to + npts].copy_from_slice(&b[skip..skip + npts])
            }
            // All records of a run have one type.
            _ => {}
        }
    }

    fn slice(&self, from: usize, npts: usize) -> Self {
        let range = from..from + npts;
        match self {
            Self::Int32(v) => Self::Int32(v[range].to_vec()),
            Self::Float32(v) => Self::Float32(v[range].to_vec()),
            Self::Float64(v) => Self::Float64(v[range].to_vec()),
            Self::Text(v) => Self::Text(v[range].to_vec()),
        }
    }
}

/// Gapless samples of one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Network, station, location, channel.
    pub source: mseed_core::SourceId,
    /// Quality letter of miniSEED 2.
    pub quality: Option<u8>,
    /// Time of the first sample.
    pub start_ns: i64,
    /// Sample rate in hertz.
    pub rate_hz: f64,
    /// Name of the encoding of the first record.
    pub encoding: &'static str,
    /// Number of records that it was read from.
    pub records: usize,
    /// The samples.
    pub samples: Samples,
}

/// Decode a run. A record that holds fewer samples than its header says leaves a hole: the run
/// then becomes several segments. A record that failed its own check is counted in `answer`, and
/// leaves a hole as long as it is unless `keep_failed`.
pub(super) fn decode_run(
    run: &Run,
    buffers: &[Buffer<'_>],
    keep_failed: bool,
    answer: &mut Answer,
) {
    let first = *run.first();
    let mut samples = Samples::new(first.sample_type, run.npts);
    let mut holes = Vec::new();
    let mut at = 0;
    for part in &run.parts {
        let buffer = &buffers[part.piece.buffer];
        let decoded = decode_part(&part.piece, part.skip, part.take, buffer, &mut samples, at);
        let mut good = decoded.good;
        if decoded.failed_check() {
            answer.failed_records.push(first.source);
            good = if keep_failed { good } else { 0 };
        }
        if let Some(mut place) = decoded.fault {
            // The place of a problem is its record, whatever field of it is wrong.
            place.offset = part.piece.offset + buffer.base as usize;
            let problem = Problem::bytes(&buffer.path, &place, 0).of_channel(&first.source);
            answer.problems.push(problem);
        }
        if good < part.take {
            holes.push((at + good, at + part.take));
        }
        at += part.take;
    }
    let segment = |start: usize, samples: Samples| Segment {
        source: first.source,
        quality: first.quality,
        start_ns: mseed_core::time::sample_time_ns(run.start_ns, first.rate_hz, start as i64),
        rate_hz: first.rate_hz,
        encoding: first.encoding,
        records: run.parts.len(),
        samples,
    };
    if holes.is_empty() {
        answer.segments.push(segment(0, samples));
        return;
    }
    let mut from = 0;
    holes.push((run.npts, run.npts));
    for (start, end) in holes {
        if start > from {
            let part = samples.slice(from, start - from);
            answer.segments.push(segment(from, part));
        }
        from = end;
    }
}

/// What one record gave: how many of the samples asked for are there, and what is wrong.
struct DecodedPart {
    good: usize,
    /// Of the payload, or that nothing could be decoded.
    fault: Option<mseed_core::Error>,
    /// Of the header, reported when the record was found: its CRC, its number of samples.
    header_fault: bool,
}

impl DecodedPart {
    fn none(error: mseed_core::Error) -> Self {
        Self {
            good: 0,
            fault: Some(error),
            header_fault: false,
        }
    }

    /// Whether the record contradicts itself: a wrong CRC, a last sample that is not the declared
    /// one, an undefined code, fewer samples than declared. Which of its samples are right then,
    /// nothing tells.
    fn failed_check(&self) -> bool {
        self.header_fault || self.fault.is_some()
    }
}

/// Decode one record to `at`.
fn decode_part(
    piece: &Piece,
    skip: usize,
    take: usize,
    buffer: &Buffer<'_>,
    samples: &mut Samples,
    at: usize,
) -> DecodedPart {
    let record = match Record::parse(&buffer.bytes[piece.offset..]) {
        Ok(record) => record,
        Err(error) => return DecodedPart::none(error),
    };
    let part = |good, fault| DecodedPart {
        good,
        fault,
        header_fault: record.fault.is_some(),
    };
    if skip == 0 && take == piece.npts {
        return match decode_into(&record, samples.out(at, take)) {
            Ok(decoded) => part(decoded.npts, decoded.fault),
            Err(error) => DecodedPart::none(error),
        };
    }
    // Only the records at the ends of a window are cut: they go through a buffer of their own.
    let mut whole = Samples::new(piece.sample_type, piece.npts);
    match decode_into(&record, whole.out(0, piece.npts)) {
        Ok(decoded) => {
            let good = decoded.npts.saturating_sub(skip).min(take);
            samples.copy_from(at, &whole, skip, good);
            part(good, decoded.fault)
        }
        Err(error) => DecodedPart::none(error),
    }
}
