//! Records that follow each other in a file and belong together become one row.

use mseed_core::time::{NS_PER_S, same_rate};
use mseed_core::{Record, SourceId};

use super::spans::{Span, SpanList};

/// Interval of the entries of the time index (mseedindex default).
const SUBINDEX_NS: i64 = 3600 * NS_PER_S;

/// A row of the index: a run of bytes with one source and version.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Network, station, location, channel.
    pub source: SourceId,
    /// Publication version.
    pub version: u8,
    /// What the run of records holds.
    pub section: Section,
}

/// What a run of records holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Earliest sample.
    pub earliest_ns: i64,
    /// Latest sample.
    pub latest_ns: i64,
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
}

/// Collects records into rows.
#[derive(Debug, Default)]
pub(super) struct Builder {
    rows: Vec<Row>,
    previous_start_ns: i64,
    next_index_ns: i64,
}

impl Builder {
    pub(super) fn add(&mut self, record: &Record<'_>, offset: u64) {
        let length = record.bytes.len() as u64;
        let (start_ns, end_ns) = (record.start_ns, record.end_ns());
        let continues = self.rows.last().is_some_and(|row| {
            row.source == record.source
                && row.version == record.version
                && row.section.byte_offset + row.section.bytes == offset
        });
        if !continues {
            self.next_index_ns = start_ns.saturating_add(SUBINDEX_NS);
            self.rows.push(Row {
                source: record.source,
                version: record.version,
                section: Section {
                    earliest_ns: start_ns,
                    latest_ns: end_ns,
                    declared_rate: record.declared_rate,
                    byte_offset: offset,
                    bytes: 0,
                    time_index: vec![(start_ns, offset)],
                    in_order: true,
                    spans: SpanList::default(),
                    rates_differ: false,
                },
            });
        }
        let Some(row) = self.rows.last_mut() else {
            return;
        };
        let section = &mut row.section;
        if continues {
            section.earliest_ns = section.earliest_ns.min(start_ns);
            section.latest_ns = section.latest_ns.max(end_ns);
            section.in_order &= start_ns > self.previous_start_ns;
            section.rates_differ |= !same_rate(section.declared_rate, record.declared_rate);
            if end_ns > self.next_index_ns {
                section.time_index.push((start_ns, offset));
            }
        }
        if end_ns > self.next_index_ns {
            // The first multiple of the interval at or behind the end.
            let behind = end_ns.saturating_sub(self.next_index_ns);
            let steps = behind.saturating_add(SUBINDEX_NS - 1) / SUBINDEX_NS;
            let later_ns = steps.saturating_mul(SUBINDEX_NS);
            self.next_index_ns = self.next_index_ns.saturating_add(later_ns);
        }
        section.bytes += length;
        if record.rate_hz > 0.0 {
            section.spans.add(Span {
                start_ns,
                end_ns,
                rate_hz: record.rate_hz,
            });
        }
        self.previous_start_ns = start_ns;
    }

    pub(super) fn finish(self) -> Vec<Row> {
        self.rows
    }
}
