//! Segments → samples, one buffer each, filled in place.

use mseed_core::decode::{Out, decode_into};
use mseed_core::{Record, SampleType};

use super::plan::{Piece, Run};
use super::read::Buffer;
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
/// then becomes several segments.
pub(super) fn decode_run(
    run: &Run,
    buffers: &[Buffer<'_>],
    problems: &mut Vec<Problem>,
) -> Vec<Segment> {
    let first = *run.first();
    let mut samples = Samples::new(first.sample_type, run.npts);
    let mut holes = Vec::new();
    let mut at = 0;
    for part in &run.parts {
        let buffer = &buffers[part.piece.buffer];
        let (good, error) =
            decode_part(&part.piece, part.skip, part.take, buffer, &mut samples, at);
        if let Some(mut place) = error {
            // The place of a problem is its record, whatever field of it is wrong.
            place.offset = part.piece.offset + buffer.base as usize;
            problems.push(Problem::bytes(&buffer.path, &place, 0).of_channel(&first.source));
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
        return vec![segment(0, samples)];
    }
    let mut segments = Vec::new();
    let mut from = 0;
    holes.push((run.npts, run.npts));
    for (start, end) in holes {
        if start > from {
            segments.push(segment(from, samples.slice(from, start - from)));
        }
        from = end;
    }
    segments
}

/// Decode one record to `at`; returns how many of the samples asked for are good, and the fault.
fn decode_part(
    piece: &Piece,
    skip: usize,
    take: usize,
    buffer: &Buffer<'_>,
    samples: &mut Samples,
    at: usize,
) -> (usize, Option<mseed_core::Error>) {
    let record = match Record::parse(&buffer.bytes[piece.offset..]) {
        Ok(record) => record,
        Err(error) => return (0, Some(error)),
    };
    if skip == 0 && take == piece.npts {
        return match decode_into(&record, samples.out(at, take)) {
            Ok(decoded) => (decoded.npts, decoded.fault),
            Err(error) => (0, Some(error)),
        };
    }
    // Only the records at the ends of a window are cut: they go through a buffer of their own.
    let mut whole = Samples::new(piece.sample_type, piece.npts);
    match decode_into(&record, whole.out(0, piece.npts)) {
        Ok(decoded) => {
            let good = decoded.npts.saturating_sub(skip).min(take);
            samples.copy_from(at, &whole, skip, good);
            (good, decoded.fault)
        }
        Err(error) => (0, Some(error)),
    }
}
