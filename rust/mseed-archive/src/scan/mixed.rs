//! Files in which many channels take turns, record by record, as real-time systems write them.
//!
//! A row for each turn would make an index as large as the data. Such a file has one row for each
//! channel instead, over all of its records and those between them, and a short list of its own
//! records: docs/decisions/0011.

use std::collections::{HashMap, HashSet};

use mseed_core::SourceId;

use super::section::{Row, Stretch};

/// Fewer rows are no burden.
pub(super) const FEW_ROWS: usize = 32;

/// So many rows for each channel are turns; fewer may be files that were joined.
const TURNS: usize = 8;

/// Turns of more bytes than this are worth a row.
const LONG_TURN: u64 = 64 * 1024;

/// Rows of channels that take turns.
#[derive(Debug, Default)]
pub(super) struct Mixed {
    rows: Vec<Row>,
    places: HashMap<(SourceId, u8), usize>,
}

impl Mixed {
    /// Whether channels take turns in rows that follow each other in a file.
    pub(super) fn is_found_in(rows: &[Row]) -> bool {
        if rows.len() < FEW_ROWS {
            return false;
        }
        let bytes: u64 = rows.iter().map(|row| row.section.bytes).sum();
        let channels: HashSet<_> = rows.iter().map(|row| (row.source, row.version)).collect();
        rows.len() >= TURNS * channels.len() && bytes < LONG_TURN * rows.len() as u64
    }

    /// Add a turn of a channel.
    pub(super) fn add(&mut self, turn: Row) {
        let section = turn.section;
        let whole = Stretch {
            earliest_ns: section.earliest_ns,
            latest_ns: section.latest_ns,
            byte_offset: section.byte_offset,
            bytes: section.bytes,
        };
        let key = (turn.source, turn.version);
        let Some(at) = self.places.get(&key) else {
            self.places.insert(key, self.rows.len());
            self.rows.push(Row { section, ..turn });
            return;
        };
        let row = &mut self.rows[*at];
        let known = &mut row.section;
        let start_ns = section.time_index.first().map_or(0, |entry| entry.0);
        known.append(&whole, start_ns, section.declared_rate);
        known.in_order &= section.in_order;
        known.rates_differ |= section.rates_differ;
        known.last_start_ns = section.last_start_ns;
        for span in section.spans.iter() {
            known.spans.add(*span);
        }
        // The bytes are not one behind the other: there is no hash of them.
        known.hash = None;
        row.stretches.extend(turn.stretches);
    }

    pub(super) fn into_rows(self) -> Vec<Row> {
        self.rows
    }
}
