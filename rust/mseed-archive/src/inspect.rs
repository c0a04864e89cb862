//! One file → what it holds, record by record: headers and payloads, nothing kept of the samples.

mod traces;

pub use traces::{Break, Trace};

use std::path::Path;

use mseed_core::decode::{Out, decode_into};
use mseed_core::{Encoding, Item, Kind, Record, SampleType};

use crate::Error;
use crate::problem::{Problem, ProblemKind, ProblemList};
use crate::run::Ticker;
use crate::scan::{PART_BYTES, open_data, walk_parts};

/// What one file holds.
#[derive(Debug, Default)]
pub struct Inspection {
    /// Size of the file.
    pub bytes: u64,
    /// Number of records.
    pub records: u64,
    /// Number of records without samples.
    pub records_without_samples: u64,
    /// Number of opaque records: no samples, and no problem.
    pub opaque_records: u64,
    /// Number of samples that could be decoded.
    pub samples: u64,
    /// Bytes of SEED control headers.
    pub control_bytes: u64,
    /// Bytes that belong to no readable record.
    pub skipped_bytes: u64,
    /// Gapless runs of records, as `read` gives them.
    pub traces: Vec<Trace>,
    /// Gaps and overlaps between the traces of a channel.
    pub breaks: Vec<Break>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Each record, when that was asked for.
    pub list: Vec<Line>,
}

/// One record.
#[derive(Debug, Clone)]
pub struct Line {
    /// First byte in the file.
    pub offset: u64,
    /// Length in bytes.
    pub length: usize,
    /// `2` or `3`.
    pub format: u8,
    /// Quality letter, or publication version of miniSEED 3.
    pub version: String,
    /// `NET.STA.LOC.CHA`.
    pub id: String,
    /// Time of the first sample.
    pub start_ns: i64,
    /// Number of samples.
    pub npts: usize,
    /// Sample rate in hertz.
    pub rate_hz: f64,
    /// Name of the encoding.
    pub encoding: &'static str,
    /// Names of the flags that are set.
    pub flags: Vec<&'static str>,
    /// What is wrong with it.
    pub fault: Option<String>,
}

/// Inspect a file. What is wrong with it is in [`Inspection::problems`].
///
/// # Errors
/// [`Error::Io`] when the file cannot be opened, [`Error::Cancelled`] when the ticker says so.
pub fn inspect_file(path: &Path, list: bool, ticker: &mut Ticker<'_>) -> Result<Inspection, Error> {
    let name = path.to_string_lossy();
    let open = open_data(path).map_err(|e| Error::io(path, e))?;
    let size = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
    let mut inspector = Inspector::new(&name, list);
    inspector.found.bytes = size.len();
    let mut cancelled = Ok(());
    if let Some(open) = open {
        let mut go_on = || {
            cancelled = ticker.poll();
            cancelled.is_ok()
        };
        let mut take = |item: &Item<'_>| inspector.take(item);
        let mut part = Vec::new();
        let read = walk_parts(
            open,
            (0, size.len()),
            PART_BYTES,
            &mut part,
            &mut go_on,
            &mut take,
        );
        if let Err(error) = read {
            let problem = Problem::file(&name, ProblemKind::Unreadable, error.to_string());
            inspector.problems.push(problem);
        }
    }
    cancelled?;
    Ok(inspector.finish())
}

/// The same for bytes in memory; `name` stands for the file in problems.
#[must_use]
pub fn inspect_bytes(bytes: &[u8], name: &str, list: bool) -> Inspection {
    let mut inspector = Inspector::new(name, list);
    inspector.found.bytes = bytes.len() as u64;
    for item in mseed_core::Walker::new(bytes) {
        inspector.take(&item);
    }
    inspector.finish()
}

struct Inspector<'a> {
    name: &'a str,
    list: bool,
    found: Inspection,
    traces: traces::Builder,
    samples: Buffers,
    problems: ProblemList,
}

impl<'a> Inspector<'a> {
    fn new(name: &'a str, list: bool) -> Self {
        Self {
            name,
            list,
            found: Inspection::default(),
            traces: traces::Builder::default(),
            samples: Buffers::default(),
            problems: ProblemList::default(),
        }
    }

    fn take(&mut self, item: &Item<'_>) {
        match item {
            Item::Record(at, record) => self.record(*at, record),
            Item::Skipped(skipped) if skipped.reason.kind == Kind::ControlHeader => {
                self.found.control_bytes += skipped.length as u64;
            }
            Item::Skipped(skipped) => {
                self.found.skipped_bytes += skipped.length as u64;
                let problem = Problem::skipped(self.name, skipped, 0);
                self.problems.push(problem);
            }
        }
    }

    fn record(&mut self, at: usize, record: &Record<'_>) {
        let found = &mut self.found;
        found.records += 1;
        let mut faults: Vec<_> = record.fault.iter().cloned().collect();
        if record.encoding == Encoding::Opaque {
            found.opaque_records += 1;
        } else if record.npts == 0 {
            found.records_without_samples += 1;
        } else {
            let (decoded, fault) = self.samples.decode(record);
            found.samples += decoded as u64;
            faults.extend(fault);
            self.traces.add(record);
        }
        let text = faults.iter().map(|fault| fault.kind.to_string());
        let text = text.collect::<Vec<_>>().join("; ");
        for mut fault in faults {
            // The place of a problem is its record, whatever field of it is wrong.
            fault.offset = at;
            let lost = match fault.kind {
                Kind::Encoding { .. } => record.bytes.len(),
                _ => 0,
            };
            let problem = Problem::bytes(self.name, &fault, lost).of_channel(&record.source);
            self.problems.push(problem);
        }
        if self.list {
            found.list.push(Line::new(at, record, text));
        }
    }

    fn finish(mut self) -> Inspection {
        self.found.problems = self.problems.into_iter().collect();
        self.found.traces = self.traces.finish();
        self.found.breaks = traces::breaks(&self.found.traces);
        let none = self.found.records == 0;
        let told = self
            .found
            .problems
            .iter()
            .any(|p| !matches!(p.kind, ProblemKind::Skipped | ProblemKind::Corrupt));
        if none && !told {
            // One problem, not one for each stretch of a file of another kind.
            self.found.problems = vec![Problem::not_miniseed(self.name, self.found.bytes)];
        }
        self.found
    }
}

impl Line {
    fn new(at: usize, record: &Record<'_>, fault: String) -> Self {
        Self {
            offset: at as u64,
            length: record.bytes.len(),
            format: traces::format_number(record),
            version: traces::version_text(record),
            id: record.source.to_string(),
            start_ns: record.start_ns,
            npts: record.npts,
            rate_hz: record.rate_hz,
            encoding: record.encoding.name(),
            flags: record.flags().collect(),
            fault: (!fault.is_empty()).then_some(fault),
        }
    }
}

/// Memory for the samples of one record, used again for the next.
#[derive(Default)]
struct Buffers {
    int32: Vec<i32>,
    float32: Vec<f32>,
    float64: Vec<f64>,
    text: Vec<u8>,
}

impl Buffers {
    /// The first `npts` of a buffer, made longer where needed.
    fn first<T: Clone + Default>(buffer: &mut Vec<T>, npts: usize) -> &mut [T] {
        if buffer.len() < npts {
            buffer.resize(npts, T::default());
        }
        &mut buffer[..npts]
    }

    /// How many samples of a record can be decoded, and what is wrong with its payload.
    fn decode(&mut self, record: &Record<'_>) -> (usize, Option<mseed_core::Error>) {
        let npts = record.npts;
        let decoded = record.encoding.sample_type().and_then(|kind| {
            let out = match kind {
                SampleType::Int32 => Out::Int32(Self::first(&mut self.int32, npts)),
                SampleType::Float32 => Out::Float32(Self::first(&mut self.float32, npts)),
                SampleType::Float64 => Out::Float64(Self::first(&mut self.float64, npts)),
                SampleType::Text => Out::Text(Self::first(&mut self.text, npts)),
            };
            decode_into(record, out)
        });
        match decoded {
            Ok(decoded) => (decoded.npts, decoded.fault.map(|fault| *fault)),
            Err(error) => (0, Some(error)),
        }
    }
}
