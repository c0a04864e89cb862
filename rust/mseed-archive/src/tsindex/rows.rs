//! Rows of channels that are asked for again and again, kept in memory.
//!
//! SQLite finds the rows of a channel that begin before a window at once, but must look at each of
//! them to see which reach into it: a thousand for three years of day files. So from the second
//! question on, the times of all rows of a channel are kept, and some rows as a whole. All of it
//! belongs to one connection, and is forgotten when the database changed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rusqlite::Connection;

use super::connection::Handle;
use super::query::{self, IndexedRun};
use super::schema;
use super::tables::RowTable;

/// Rows of which the times are kept for a connection: 40 bytes each.
const MOST_TIMES: usize = 1 << 20;

/// Rows that are kept as a whole: about a kilobyte each.
const MOST_RUNS: usize = 4096;

/// Spans, rates and entries of time indexes in them, 24 bytes at the most each: rows of a day without
/// gaps have 25, others may have thousands.
const MOST_ENTRIES: usize = 1 << 18;

/// Channels that are remembered to have been asked for.
const MOST_ASKED: usize = 1 << 16;

/// Codes of network, station, location and channel.
pub(super) type Codes = [String; 4];

/// What is kept.
#[derive(Debug, Default)]
pub(super) struct KeptRows {
    /// The database that it is true of.
    version: i64,
    asked: HashSet<Codes>,
    channels: HashMap<Codes, Arc<ChannelTimes>>,
    times: usize,
    runs: HashMap<i64, Arc<IndexedRun>>,
    /// Spans, rates and entries of time indexes in all of them.
    entries: usize,
}

impl KeptRows {
    /// Forget all, unless the database is still the same for this connection.
    pub(super) fn check(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let version = connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        if version != self.version {
            *self = Self {
                version,
                ..Self::default()
            };
        }
        Ok(())
    }

    /// The times of a channel's rows, from the second question on; `None` when there are too many.
    pub(super) fn times_of(
        &mut self,
        connection: &Connection,
        table: RowTable,
        codes: &Codes,
    ) -> rusqlite::Result<Option<Arc<ChannelTimes>>> {
        if let Some(times) = self.channels.get(codes) {
            return Ok(Some(Arc::clone(times)));
        }
        if self.asked.len() >= MOST_ASKED {
            self.asked.clear();
        }
        if self.asked.insert(codes.clone()) {
            return Ok(None);
        }
        let Some(times) = ChannelTimes::read(connection, table, codes)? else {
            return Ok(None);
        };
        if self.times + times.rowids.len() > MOST_TIMES {
            self.channels.clear();
            self.times = 0;
        }
        self.times += times.rowids.len();
        let times = Arc::new(times);
        self.channels.insert(codes.clone(), Arc::clone(&times));
        Ok(Some(times))
    }

    /// A row by its number.
    pub(super) fn run(&mut self, handle: &Handle, rowid: i64) -> rusqlite::Result<Arc<IndexedRun>> {
        if let Some(run) = self.runs.get(&rowid) {
            return Ok(Arc::clone(run));
        }
        let question = format!("{} WHERE rowid=?", handle.select_runs);
        let mut statement = handle.connection.prepare_cached(&question)?;
        let found = statement.query_row([rowid], query::run)?;
        let run = Arc::new(IndexedRun {
            exact_name: handle.is_own,
            ..found
        });
        let of_index = run
            .time_index
            .as_ref()
            .map_or(0, |index| index.entries.len());
        let entries = run.spans.len() + run.span_rates_hz.len() + of_index;
        if self.runs.len() >= MOST_RUNS || self.entries + entries > MOST_ENTRIES {
            self.runs.clear();
            self.entries = 0;
        }
        self.entries += entries;
        self.runs.insert(rowid, Arc::clone(&run));
        Ok(run)
    }
}

/// When the rows of a channel may hold a sample of a window, in the order of their start, file and
/// place.
#[derive(Debug, Default)]
pub(super) struct ChannelTimes {
    rowids: Vec<i64>,
    /// First and last time of a window that the row reaches.
    reaches: Vec<(i64, i64)>,
    /// The latest end of this row and all before it.
    latest: Vec<i64>,
    /// The earliest begin of this row and all behind it.
    earliest: Vec<i64>,
}

impl ChannelTimes {
    /// Of all rows of a channel; `None` when there are more than can be kept.
    fn read(
        connection: &Connection,
        table: RowTable,
        codes: &Codes,
    ) -> rusqlite::Result<Option<Self>> {
        let mut statement = connection.prepare_cached(&format!(
            "SELECT rowid,starttime,endtime,samplerate,timerates FROM {} {} \
             ORDER BY starttime,filename,byteoffset LIMIT ?",
            table.name(),
            query::OF_CHANNEL
        ))?;
        let [network, station, location, channel] = codes;
        let limit = MOST_TIMES as i64 + 1;
        let mut rows = statement.query((network, station, location, channel, limit))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (start_ns, end_ns) = (query::time(row, 1)?, query::time(row, 2)?);
            let rates: Option<String> = row.get(4)?;
            let rate_hz = schema::lowest_rate_hz(row.get(3)?, rates.as_deref());
            found.push((row.get(0)?, (start_ns, end_ns), rate_hz));
        }
        let rates = found.iter().map(|(_, _, rate_hz)| *rate_hz);
        let lowest_hz = rates.filter(|rate| *rate > 0.0).reduce(f64::min);
        let reach = |(rowid, (start_ns, end_ns), rate_hz): (i64, (i64, i64), f64)| {
            let margin_ns = query::margin_ns(rate_hz, lowest_hz.unwrap_or(0.0));
            let from_ns = start_ns.saturating_sub(margin_ns);
            (rowid, (from_ns, end_ns.saturating_add(margin_ns)))
        };
        Ok((found.len() <= MOST_TIMES).then(|| Self::of(found.into_iter().map(reach))))
    }

    fn of(rows: impl IntoIterator<Item = (i64, (i64, i64))>) -> Self {
        let (rowids, reaches): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let mut times = Self {
            latest: vec![0; rowids.len()],
            earliest: vec![0; rowids.len()],
            rowids,
            reaches,
        };
        let (mut latest, mut earliest) = (i64::MIN, i64::MAX);
        for (at, (_, until)) in times.reaches.iter().enumerate() {
            latest = latest.max(*until);
            times.latest[at] = latest;
        }
        for (at, (from, _)) in times.reaches.iter().enumerate().rev() {
            earliest = earliest.min(*from);
            times.earliest[at] = earliest;
        }
        times
    }

    /// Numbers of the rows that may hold a sample between two times.
    pub(super) fn rows(&self, start_ns: i64, end_ns: i64) -> impl Iterator<Item = i64> {
        let first = self.latest.partition_point(|latest| *latest < start_ns);
        let behind = self.earliest.partition_point(|from| *from <= end_ns);
        (first..behind).filter_map(move |at| {
            let (from, until) = self.reaches[at];
            (from <= end_ns && until >= start_ns).then_some(self.rowids[at])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_window_are_those_that_looking_at_all_finds() {
        let mut state = 7u64;
        let mut draw = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ((state >> 33) % below) as i64
        };
        for _ in 0..200 {
            let number = draw(30) as usize;
            let mut reaches: Vec<_> = (0..number)
                .map(|_| {
                    let from = draw(1000);
                    (from, from + draw(300))
                })
                .collect();
            // In the order of their starts, and begins differ from those by the sample interval.
            reaches.sort_unstable();
            for (from, _) in &mut reaches {
                *from -= draw(20);
            }
            let times = ChannelTimes::of((0..).zip(reaches.iter().copied()));
            for _ in 0..20 {
                let start = draw(1300) - 100;
                let end = start + draw(200);
                let expected: Vec<i64> = (0..)
                    .zip(&reaches)
                    .filter(|(_, (from, until))| *from <= end && *until >= start)
                    .map(|(at, _)| at)
                    .collect();
                assert_eq!(times.rows(start, end).collect::<Vec<_>>(), expected);
            }
        }
    }
}
