//! Segments → samples, one buffer each, filled in place, by several threads where it is long.

use std::sync::Arc;
use std::thread;

use mseed_core::decode::{Decoded, Out, Path, Payload, decode_payload};

use super::plan::{Part, Run};
use super::read::{Answer, Buffer};
use super::samples::Samples;
use crate::problem::Problem;

/// Samples that keep a thread busy for a few hundred microseconds: below that starting it costs
/// more than it gives.
const SAMPLES_PER_THREAD: usize = 1 << 20;

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

/// How runs are decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decoding {
    /// Whether the samples of a record that failed its own check are kept.
    pub(super) keep_failed: bool,
    /// Threads at the most.
    pub(super) threads: usize,
}

/// Decode a run. A record that holds fewer samples than its header says leaves a hole: the run
/// then becomes several segments. A record that failed its own check is counted in `answer`, and
/// leaves a hole as long as it is unless it is to be kept.
pub(super) fn decode_run(
    run: &Run,
    buffers: &[Buffer<'_>],
    decoding: Decoding,
    answer: &mut Answer,
) {
    let first = *run.first();
    let mut samples = Samples::new(first.sample_type, run.npts);
    let mut holes = Vec::new();
    for blemish in decode_all(
        &run.parts,
        run.npts,
        buffers,
        samples.out(),
        decoding.threads,
    ) {
        let part = &run.parts[blemish.part];
        let mut good = blemish.good;
        // A record of which two parts are in the answer failed once.
        let is_new = answer.told.insert((part.buffer, part.offset));
        if blemish.failed_check {
            if is_new {
                answer.failed_records.push(first.source);
            }
            good = if decoding.keep_failed { good } else { 0 };
        }
        if let Some(mut place) = blemish.fault.filter(|_| is_new) {
            let buffer = &buffers[part.buffer];
            // The place of a problem is its record, whatever field of it is wrong.
            place.offset = part.offset + buffer.base as usize;
            let problem = Problem::bytes(&buffer.path, &place, 0).of_channel(&first.source);
            answer.problems.push(problem);
        }
        if good < part.take {
            holes.push((blemish.at + good, blemish.at + part.take));
        }
    }
    let records = number_of_records(&run.parts);
    let segment = |start: usize, samples: Samples| Segment {
        source: first.source,
        quality: first.quality,
        start_ns: mseed_core::time::sample_time_ns(run.start_ns, first.rate_hz, start as i64),
        rate_hz: first.rate_hz,
        encoding: first.encoding.name(),
        records,
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

/// Parts of one record count once.
fn number_of_records(parts: &[Part]) -> usize {
    let cut = parts.iter().filter(|part| part.take < part.npts);
    let mut places: Vec<_> = cut.map(|part| (part.buffer, part.offset)).collect();
    let all = places.len();
    places.sort_unstable();
    places.dedup();
    parts.len() - (all - places.len())
}

/// What is wrong with one part of a run.
struct Blemish {
    /// Number of the part.
    part: usize,
    /// Place of its first sample.
    at: usize,
    /// Samples that are there.
    good: usize,
    /// Of the payload, or that nothing could be decoded.
    fault: Option<Box<mseed_core::Error>>,
    /// Whether the record contradicts itself: a wrong CRC, a last sample that is not the declared
    /// one, an undefined code, fewer samples than declared. Which of its samples are right then,
    /// nothing tells.
    failed_check: bool,
}

/// Decode all parts, in stretches of about the same length, one for each thread.
fn decode_all(
    parts: &[Part],
    npts: usize,
    buffers: &[Buffer<'_>],
    mut out: Out<'_>,
    threads: usize,
) -> Vec<Blemish> {
    let stretches = (npts / SAMPLES_PER_THREAD).clamp(1, threads.max(1));
    if stretches == 1 {
        return decode_parts(parts, 0, 0, buffers, out);
    }
    thread::scope(|scope| {
        let mut workers = Vec::new();
        let (mut from, mut at) = (0, 0);
        for stretch in 1..=stretches {
            let wanted = npts * stretch / stretches;
            let (mut to, mut end) = (from, at);
            while to < parts.len() && (end < wanted || stretch == stretches) {
                end += parts[to].take;
                to += 1;
            }
            let (front, rest) = out.split_at(end - at);
            out = rest;
            let work = move || decode_parts(&parts[from..to], from, at, buffers, front);
            workers.push(scope.spawn(work));
            (from, at) = (to, end);
        }
        let join = |worker: thread::ScopedJoinHandle<'_, Vec<Blemish>>| match worker.join() {
            Ok(blemishes) => blemishes,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        workers.into_iter().flat_map(join).collect()
    })
}

/// Decode parts of a run, one behind the other; `number` and `at` are those of the first.
fn decode_parts(
    parts: &[Part],
    number: usize,
    mut at: usize,
    buffers: &[Buffer<'_>],
    mut out: Out<'_>,
) -> Vec<Blemish> {
    let path = Path::best();
    let mut blemishes = Vec::new();
    for (part, number) in parts.iter().zip(number..) {
        let (this, rest) = out.split_at(part.take);
        out = rest;
        let decoded = decode_part(path, part, &buffers[part.buffer], this);
        let (good, fault) = match decoded {
            Ok(decoded) => (decoded.npts, decoded.fault),
            Err(error) => (0, Some(Box::new(error))),
        };
        let failed_check = part.header_fault || fault.is_some();
        if failed_check || good < part.take {
            blemishes.push(Blemish {
                part: number,
                at,
                good,
                fault,
                failed_check,
            });
        }
        at += part.take;
    }
    blemishes
}

/// A record that was decoded as a whole.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) samples: Samples,
    pub(super) decoded: Decoded,
    header_fault: bool,
}

impl Whole {
    pub(super) fn decode(part: &Part, buffer: &Buffer<'_>) -> Result<Self, mseed_core::Error> {
        let mut samples = Samples::new(part.encoding.sample_type()?, part.npts);
        let decoded = decode_payload(Path::best(), &payload(part, buffer), samples.out())?;
        Ok(Self {
            samples,
            decoded,
            header_fault: part.header_fault,
        })
    }

    /// Number of samples, from the first on, that count.
    pub(super) fn good(&self, keep_failed: bool) -> usize {
        let failed = self.header_fault || self.decoded.fault.is_some();
        if failed && !keep_failed {
            return 0;
        }
        self.decoded.npts
    }
}

fn payload<'a>(part: &Part, buffer: &'a Buffer<'_>) -> Payload<'a> {
    let (from, bytes) = part.payload;
    Payload {
        bytes: &buffer.bytes[from..from + bytes],
        encoding: part.encoding,
        big_endian: part.big_endian,
        npts: part.npts,
    }
}

/// Decode one record, or a part of it, into all of `out`.
fn decode_part(
    path: Path,
    part: &Part,
    buffer: &Buffer<'_>,
    out: Out<'_>,
) -> Result<Decoded, mseed_core::Error> {
    if part.skip == 0 && part.take == part.npts {
        return decode_payload(path, &payload(part, buffer), out);
    }
    // Only the records at the ends of a window are cut, and those that others cover: they go
    // through a buffer of their own.
    let whole = match buffer.wholes.get(&part.offset) {
        Some(whole) => Arc::clone(whole),
        None => Arc::new(Whole::decode(part, buffer)?),
    };
    let Decoded { npts, fault } = &whole.decoded;
    let npts = npts.saturating_sub(part.skip).min(part.take);
    whole.samples.copy_to(part.skip, npts, out);
    Ok(Decoded {
        npts,
        fault: fault.clone(),
    })
}
