//! Records → gapless traces, as they stand in the file, and what parts them in time.

use std::collections::{BTreeSet, HashMap};

use mseed_core::time::{period_ns, same_rate};
use mseed_core::{FormatVersion, Record, SampleType, SourceId};

/// Records of one channel and version that follow each other without a gap.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Network, station, location, channel.
    pub source: SourceId,
    /// `2` or `3`.
    pub format: u8,
    /// Quality letter, or publication version of miniSEED 3.
    pub version: String,
    /// Time of the first sample.
    pub start_ns: i64,
    /// Time of the last sample.
    pub end_ns: i64,
    /// Sample rate in hertz.
    pub rate_hz: f64,
    /// Number of samples that the headers declare.
    pub npts: u64,
    /// Number of records.
    pub records: u64,
    /// Names of the encodings.
    pub encodings: BTreeSet<&'static str>,
    /// Lengths of the records.
    pub record_lengths: BTreeSet<usize>,
    sample_type: Option<SampleType>,
}

/// A place in time where the traces of a channel do not join.
#[derive(Debug, Clone, PartialEq)]
pub struct Break {
    /// Network, station, location, channel.
    pub source: SourceId,
    /// Quality letter, or publication version of miniSEED 3.
    pub version: String,
    /// Last sample before it.
    pub before_ns: i64,
    /// First sample behind it; not later than `before_ns` in an overlap.
    pub after_ns: i64,
    /// Samples that are missing, or, when negative, there twice.
    pub samples: i64,
}

/// Number of the format.
pub(super) fn format_number(record: &Record<'_>) -> u8 {
    match record.format {
        FormatVersion::V2 => 2,
        FormatVersion::V3 => 3,
    }
}

/// Quality letter of miniSEED 2, publication version of miniSEED 3.
pub(super) fn version_text(record: &Record<'_>) -> String {
    match record.quality {
        Some(letter) => char::from(letter).to_string(),
        None => record.version.to_string(),
    }
}

/// Collects records into traces.
#[derive(Default)]
pub(super) struct Builder {
    traces: Vec<Trace>,
    /// The last trace of each channel and version.
    open: HashMap<(SourceId, u8, u8), usize>,
}

impl Builder {
    pub(super) fn add(&mut self, record: &Record<'_>) {
        let key = (
            record.source,
            format_number(record),
            record.quality.unwrap_or(record.version),
        );
        let last = self.open.get(&key).map(|at| &mut self.traces[*at]);
        if let Some(trace) = last.filter(|trace| trace.is_followed_by(record)) {
            trace.end_ns = record.end_ns();
            trace.npts += record.npts as u64;
            trace.records += 1;
            trace.encodings.insert(record.encoding.name());
            trace.record_lengths.insert(record.bytes.len());
            return;
        }
        self.open.insert(key, self.traces.len());
        self.traces.push(Trace {
            source: record.source,
            format: key.1,
            version: version_text(record),
            start_ns: record.start_ns,
            end_ns: record.end_ns(),
            rate_hz: record.rate_hz,
            npts: record.npts as u64,
            records: 1,
            encodings: BTreeSet::from([record.encoding.name()]),
            record_lengths: BTreeSet::from([record.bytes.len()]),
            sample_type: record.encoding.sample_type().ok(),
        });
    }

    /// The traces, by channel in the order in which the file names them, then as they stand.
    pub(super) fn finish(self) -> Vec<Trace> {
        let mut first = HashMap::new();
        for (number, trace) in self.traces.iter().enumerate() {
            first
                .entry((trace.source, trace.format, trace.version.clone()))
                .or_insert(number);
        }
        let mut traces = self.traces;
        traces.sort_by_key(|t| first[&(t.source, t.format, t.version.clone())]);
        traces
    }
}

impl Trace {
    /// The rule of `read`: within half a sample.
    fn is_followed_by(&self, record: &Record<'_>) -> bool {
        let period = period_ns(self.rate_hz);
        self.rate_hz > 0.0
            && same_rate(self.rate_hz, record.rate_hz)
            && self.sample_type == record.encoding.sample_type().ok()
            && record
                .start_ns
                .saturating_sub(self.end_ns.saturating_add(period))
                .saturating_abs()
                <= period / 2
    }
}

/// Where the traces of a channel and version do not join, in the order of time.
pub(super) fn breaks(traces: &[Trace]) -> Vec<Break> {
    let mut in_time: Vec<&Trace> = traces.iter().filter(|t| t.rate_hz > 0.0).collect();
    in_time.sort_by(|a, b| {
        let key = |t: &Trace| (t.source, t.format, t.start_ns, t.end_ns);
        a.version.cmp(&b.version).then(key(a).cmp(&key(b)))
    });
    let mut found = Vec::new();
    let mut before: Option<(&Trace, i64)> = None;
    for trace in in_time {
        let same = |t: &Trace| {
            (t.source, t.format) == (trace.source, trace.format) && t.version == trace.version
        };
        let Some((_, end_ns)) = before.filter(|(t, _)| same(t)) else {
            before = Some((trace, trace.end_ns));
            continue;
        };
        let period = period_ns(trace.rate_hz).max(1);
        let next_ns = end_ns.saturating_add(period);
        let missing_ns = trace.start_ns.saturating_sub(next_ns);
        if missing_ns.saturating_abs() > period / 2 {
            found.push(Break {
                source: trace.source,
                version: trace.version.clone(),
                before_ns: end_ns,
                after_ns: trace.start_ns,
                samples: samples_between(next_ns, trace, period),
            });
        }
        before = Some((trace, end_ns.max(trace.end_ns)));
    }
    found.sort_by_key(|b| (b.source, b.after_ns));
    found
}

/// Samples that are missing before a trace, or the negative number of those that are there twice.
fn samples_between(next_ns: i64, trace: &Trace, period: i64) -> i64 {
    let missing_ns = trace.start_ns.saturating_sub(next_ns);
    let count = (missing_ns as f64 / period as f64).round() as i64;
    count.max(-(trace.npts.min(i64::MAX as u64) as i64))
}
