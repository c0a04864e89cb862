//! Records that follow each other in a file and belong together become one row.

use mseed_core::time::{NS_PER_S, same_rate};
use mseed_core::{Record, SourceId, leap};

use super::hash::Hash;
use super::mixed::Mixed;
use super::spans::{Span, SpanList};

/// Interval of the entries of the time index (mseedindex default).
const SUBINDEX_NS: i64 = 3600 * NS_PER_S;

/// After so many rows a file is looked at for channels that take turns; again after twice as many.
const MANY_ROWS: usize = 1024;

/// A row of the index: a run of bytes with one source and version.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Network, station, location, channel.
    pub source: SourceId,
    /// Publication version.
    pub version: u8,
    /// What the run of records holds.
    pub section: Section,
    /// Where the records stand, when those of other channels stand between them; else empty.
    pub stretches: Vec<Stretch>,
}

/// Records of one channel without a gap, and without any other record between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Earliest sample.
    pub earliest_ns: i64,
    /// Latest sample.
    pub latest_ns: i64,
    /// First byte.
    pub byte_offset: u64,
    /// Number of bytes.
    pub bytes: u64,
}

/// What a run of records holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Earliest sample.
    pub earliest_ns: i64,
    /// Latest sample.
    pub latest_ns: i64,
    /// Start of the last record.
    pub last_start_ns: i64,
    /// Rate of the first record as the header declares it.
    pub declared_rate: f64,
    /// First byte.
    pub byte_offset: u64,
    /// Number of bytes.
    pub bytes: u64,
    /// Times and offsets: the first record, then each record whose end crosses the next hour.
    pub time_index: Vec<(i64, u64)>,
    /// Whether the records are in time order.
    pub in_order: bool,
    /// Gapless spans; empty when the rate is 0.
    pub spans: SpanList,
    /// Whether the rate changes inside the run.
    pub rates_differ: bool,
    /// MD5 of the bytes, as hexadecimal digits, where it was asked for.
    pub hash: Option<String>,
    /// The end behind which the next record is an entry of the time index.
    pub next_index_ns: i64,
}

/// The first hour, counted from the first record, that no record reached over yet.
pub(crate) fn next_hour(first_ns: i64, latest_ns: i64) -> i64 {
    let behind = latest_ns.saturating_sub(first_ns);
    let hours = behind.saturating_add(SUBINDEX_NS - 1) / SUBINDEX_NS;
    first_ns.saturating_add(hours.max(1).saturating_mul(SUBINDEX_NS))
}

impl Section {
    /// Begin with a stretch of records.
    fn new(first: &Stretch, start_ns: i64, declared_rate: f64) -> Self {
        Self {
            earliest_ns: first.earliest_ns,
            latest_ns: first.latest_ns,
            last_start_ns: start_ns,
            declared_rate,
            byte_offset: first.byte_offset,
            bytes: first.bytes,
            time_index: vec![(start_ns, first.byte_offset)],
            in_order: true,
            spans: SpanList::default(),
            rates_differ: false,
            hash: None,
            next_index_ns: next_hour(start_ns, first.latest_ns),
        }
    }

    /// Add what stands behind: one record, or a stretch of them.
    pub(super) fn append(&mut self, behind: &Stretch, start_ns: i64, declared_rate: f64) {
        self.in_order &= start_ns > self.last_start_ns;
        self.earliest_ns = self.earliest_ns.min(behind.earliest_ns);
        self.latest_ns = self.latest_ns.max(behind.latest_ns);
        let same =
            self.declared_rate == declared_rate || same_rate(self.declared_rate, declared_rate);
        self.rates_differ |= !same;
        self.bytes = behind.byte_offset + behind.bytes - self.byte_offset;
        if behind.latest_ns > self.next_index_ns {
            self.time_index.push((start_ns, behind.byte_offset));
            self.next_index_ns = next_hour(self.time_index[0].0, behind.latest_ns);
        }
    }
}

/// Whether a record begins before the end of those before it. A row ends there: so its bytes can be
/// searched by time, and its spans lie apart. Behind a leap second the numbers of time go back, and
/// time does not.
fn goes_back(record: &Record<'_>, latest_ns: i64) -> bool {
    if record.rate_hz <= 0.0 || record.start_ns > latest_ns {
        return false;
    }
    let near_ns = 2 * NS_PER_S;
    let over_leap_second = latest_ns.saturating_sub(record.start_ns) < near_ns
        && leap::between(
            record.start_ns.saturating_sub(near_ns),
            latest_ns.saturating_add(near_ns),
        );
    !over_leap_second
}

/// What becomes a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Rows of this library, and whether their hashes are formed.
    Ours { hash: bool },
    /// Runs of bytes of one channel, as mseedindex has them.
    Runs,
}

impl Default for Rule {
    fn default() -> Self {
        Self::Ours { hash: false }
    }
}

/// Collects records into rows.
#[derive(Debug, Default)]
pub(super) struct Builder {
    rule: Rule,
    rows: Vec<Row>,
    /// The next number of rows at which to look for channels that take turns.
    look_at: usize,
    mixed: Option<Mixed>,
    /// Of the bytes of the last row.
    hash: Option<Hash>,
}

impl Builder {
    /// With nothing yet.
    pub(super) fn new(rule: Rule) -> Self {
        let hash = rule == Rule::Ours { hash: true };
        Self {
            rule,
            look_at: MANY_ROWS,
            hash: hash.then(Hash::default),
            ..Self::default()
        }
    }

    /// Go on behind a row that was read before.
    pub(super) fn behind(row: Row) -> Self {
        Self {
            rows: vec![row],
            ..Self::new(Rule::default())
        }
    }

    pub(super) fn add(&mut self, record: &Record<'_>, offset: u64) {
        let this = Stretch {
            earliest_ns: record.start_ns,
            latest_ns: record.end_ns(),
            byte_offset: offset,
            bytes: record.bytes.len() as u64,
        };
        let continued = self.rows.last_mut().filter(|row| {
            row.source == record.source
                && row.version == record.version
                && row.section.byte_offset + row.section.bytes == offset
                && (self.rule == Rule::Runs || !goes_back(record, row.section.latest_ns))
        });
        if let Some(row) = continued {
            row.section
                .append(&this, record.start_ns, record.declared_rate);
        } else {
            self.end_row();
            self.rows.push(Row {
                source: record.source,
                version: record.version,
                section: Section::new(&this, record.start_ns, record.declared_rate),
                stretches: Vec::new(),
            });
        }
        let Some(row) = self.rows.last_mut() else {
            return;
        };
        row.section.last_start_ns = record.start_ns;
        let continues = record.rate_hz > 0.0
            && row.section.spans.add(Span {
                start_ns: this.earliest_ns,
                end_ns: this.latest_ns,
                rate_hz: record.rate_hz,
            });
        match row.stretches.last_mut() {
            Some(last) if continues => {
                last.latest_ns = this.latest_ns;
                last.bytes += this.bytes;
            }
            _ => row.stretches.push(this),
        }
        if let Some(hash) = &mut self.hash {
            hash.add(record.bytes);
        }
    }

    /// No record continues the last row.
    fn end_row(&mut self) {
        if let (Some(row), Some(hash)) = (self.rows.last_mut(), &mut self.hash) {
            row.section.hash = Some(std::mem::take(hash).hex());
        }
        let may_be_mixed = self.rule != Rule::Runs && self.mixed.is_none();
        if may_be_mixed && self.rows.len() >= self.look_at {
            self.look_at *= 2;
            self.mixed = Mixed::is_found_in(&self.rows).then(Mixed::default);
        }
        if let Some(mixed) = &mut self.mixed {
            self.rows.drain(..).for_each(|row| mixed.add(row));
        }
    }

    pub(super) fn finish(mut self) -> Vec<Row> {
        self.look_at = 0;
        self.end_row();
        self.rows.iter_mut().for_each(|row| row.stretches.clear());
        self.mixed.map_or(self.rows, Mixed::into_rows)
    }
}
