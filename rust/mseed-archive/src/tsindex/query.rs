//! Questions to an index: which channels, which runs of bytes for a window.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use mseed_core::SourceId;
use mseed_core::time::{NS_PER_S, period_ns};
use rusqlite::{Row, params_from_iter};

use super::connection::{Handle, IndexReader};
use super::globs::Selection;
use super::rows::{Codes, KeptRows};
use super::schema::{self, TimeIndex};
use super::tables::{self, RowTable};
use crate::Error;

/// Rows that end this long before a window are looked at: the nearest sample may be in them. Rows
/// of which a sample lasts longer are looked for by their rates.
const MARGIN_NS: i64 = 3600 * NS_PER_S;

/// Times of the index are text with microseconds.
const MICROSECOND: i64 = 1000;

/// How far from a window a record may lie to matter to it, for its rate and the lowest one of its
/// channel.
///
/// Half a sample, as each end goes to the nearest one, and half a sample, as records scatter around
/// their grid. Whether such a sample stays may hang on one of another record up to a sample interval
/// away, whose sample may hang on another one in turn: four intervals more, of the slowest.
pub(crate) fn margin_ns(rate_hz: f64, lowest_rate_hz: f64) -> i64 {
    let own_ns = period_ns(rate_hz);
    let slowest_ns = period_ns(lowest_rate_hz).min(MARGIN_NS).max(own_ns);
    own_ns
        .saturating_add(slowest_ns.saturating_mul(4))
        .saturating_add(MICROSECOND)
}

/// Columns that are read where a `tsindex` has them; else they are NULL.
const SCANNED: &str = "scanned";
const CHANGED: &str = "filemodtime";

/// What [`run`] reads, of a table with these columns.
pub(super) fn select_runs(table: RowTable, columns: &[String]) -> String {
    let known = |name: &'static str| match columns.iter().any(|column| column == name) {
        true => name,
        false => "NULL",
    };
    format!(
        "SELECT network,station,location,channel,starttime,endtime,samplerate,filename,byteoffset,\
         bytes,timeindex,timespans,timerates,{},{},{} FROM {}",
        known(SCANNED),
        known(CHANGED),
        table.version_among_others(),
        table.name()
    )
}

/// The channel that is asked for.
pub(super) const OF_CHANNEL: &str = "WHERE network=? AND station=? AND location=? AND channel=?";

/// A channel of the index and its extent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Network, station, location, channel.
    pub codes: [String; 4],
    /// Earliest sample.
    pub start_ns: i64,
    /// Latest sample.
    pub end_ns: i64,
}

/// A window of some channels: which rows may hold samples of it?
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Channels.
    pub selection: &'a Selection,
    /// Begin of the window.
    pub start_ns: i64,
    /// End of the window.
    pub end_ns: i64,
}

/// A row of the index: a run of records of one channel in one file.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexedRun {
    /// Network, station, location, channel.
    pub codes: [String; 4],
    /// File as the index names it.
    pub filename: String,
    /// Whether the name is exactly that of the file; otherwise `path#2` may be version 2 of `path`.
    pub exact_name: bool,
    /// First byte.
    pub byte_offset: u64,
    /// Number of bytes.
    pub bytes: u64,
    /// Earliest sample.
    pub start_ns: i64,
    /// Latest sample.
    pub end_ns: i64,
    /// Lowest sample rate of its records in hertz, 0 when none is a time series.
    pub lowest_rate_hz: f64,
    /// Times and offsets inside the run, when the index has them.
    pub time_index: Option<TimeIndex>,
    /// Gapless spans, start and end.
    pub spans: Vec<(i64, i64)>,
    /// Rates of the spans in hertz, where they are not all the same.
    pub span_rates_hz: Vec<f64>,
    /// Whether each span begins behind the end of the one before.
    pub spans_apart: bool,
    /// Publication version of its records, where those of other channels and versions stand between
    /// them.
    pub version_among_others: Option<u8>,
    /// How new its data are.
    pub age: Age,
}

/// How new the data of a row are: newer is greater, and what is not known is oldest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age {
    /// When the file was scanned.
    pub scanned_ns: Option<i64>,
    /// When the file was last changed.
    pub changed_ns: Option<i64>,
}

impl IndexedRun {
    /// Whether a record belongs to the channel of this run.
    #[must_use]
    pub fn is_of(&self, source: &SourceId) -> bool {
        let [network, station, location, channel] = &self.codes;
        source.network.as_str() == network
            && source.station.as_str() == station
            && source.location.as_str() == location
            && names_channel(channel, source.channel.as_str())
    }
}

/// Whether the channel code of a row is that of a record. mseedindex writes a code of two letters
/// as three parts of a source identifier: `Z_H_`.
pub(crate) fn names_channel(row: &str, record: &str) -> bool {
    row == record || (row.contains('_') && row.replace('_', "") == record.replace('_', ""))
}

impl IndexReader {
    /// Channels of a selection, in the order of their codes.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn channels(&self, selection: &Selection) -> Result<Vec<Channel>, Error> {
        self.with(|handle| channels_of(handle, selection))
    }

    /// Runs that may hold samples of a window, by channel, then by time.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn runs(
        &self,
        selection: &Selection,
        start_ns: i64,
        end_ns: i64,
    ) -> Result<Vec<Arc<IndexedRun>>, Error> {
        let question = Question {
            selection,
            start_ns,
            end_ns,
        };
        let answers = self.runs_of(&[question])?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// The same for many windows, in their order: one look at the index for all of them.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn runs_of(&self, questions: &[Question<'_>]) -> Result<Vec<Vec<Arc<IndexedRun>>>, Error> {
        self.with(|handle| {
            // One transaction: all of it is true at one time.
            let transaction = handle.connection.unchecked_transaction()?;
            let mut kept = handle.kept.borrow_mut();
            if handle.has_rowids {
                kept.check(&transaction)?;
            }
            let mut channels = HashMap::new();
            let rows = |question| rows_of(handle, &mut kept, &mut channels, question);
            questions.iter().map(rows).collect()
        })
    }
}

/// The rows of a question; `channels` are those that selections were found to have.
fn rows_of<'a>(
    handle: &Handle,
    kept: &mut KeptRows,
    channels: &mut HashMap<&'a Selection, Vec<Codes>>,
    question: &Question<'a>,
) -> rusqlite::Result<Vec<Arc<IndexedRun>>> {
    let selection = question.selection;
    let codes = match selection.exact() {
        Some(codes) => std::slice::from_ref(codes),
        None => match channels.entry(selection) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let found = channels_of(handle, selection)?;
                place.insert(found.into_iter().map(|channel| channel.codes).collect())
            }
        },
    };
    let (start_ns, end_ns) = (question.start_ns, question.end_ns);
    let mut runs = Vec::new();
    for codes in codes {
        let times = if handle.has_rowids {
            kept.times_of(&handle.connection, handle.table, codes)?
        } else {
            None
        };
        match times {
            Some(times) => {
                for rowid in times.rows(start_ns, end_ns) {
                    runs.push(kept.run(handle, rowid)?);
                }
            }
            None => {
                let from = schema::time_text(start_ns.saturating_sub(MARGIN_NS));
                let to = schema::time_text(end_ns.saturating_add(MARGIN_NS));
                rows_between(handle, codes, (&from, &to), &mut runs)?;
            }
        }
    }
    Ok(runs)
}

/// Channels of a selection, in the order of their codes.
fn channels_of(handle: &Handle, selection: &Selection) -> rusqlite::Result<Vec<Channel>> {
    let (condition, parameters) = selection.condition();
    // A selection without wildcards asks the rows themselves: quick by their index, and
    // right even when another program added rows since the summary was made.
    let (from, start, end) = if handle.has_summary && selection.exact().is_none() {
        ("tsindex_summary", "earliest", "latest")
    } else {
        (handle.table.name(), "starttime", "endtime")
    };
    let mut statement = handle.connection.prepare_cached(&format!(
        "SELECT network,station,location,channel,min({start}),max({end}) FROM {from} \
         WHERE {condition} GROUP BY network,station,location,channel"
    ))?;
    let rows = statement.query_map(params_from_iter(&parameters), |row| {
        Ok(Channel {
            codes: codes(row)?,
            start_ns: time(row, 4)?,
            end_ns: time(row, 5)?,
        })
    })?;
    rows.collect()
}

/// Rows of a channel that may hold samples between two times.
fn rows_between(
    handle: &Handle,
    codes: &[String; 4],
    between: (&str, &str),
    runs: &mut Vec<Arc<IndexedRun>>,
) -> rusqlite::Result<()> {
    let of_channel = runs.len();
    near_runs(handle, codes, between, runs)?;
    let near = runs.len();
    slow_runs(handle, codes, between, runs)?;
    if runs.len() > near {
        runs[of_channel..].sort_by(|a, b| {
            (a.start_ns, &a.filename, a.byte_offset).cmp(&(b.start_ns, &b.filename, b.byte_offset))
        });
    }
    Ok(())
}

/// Rows of a channel between two times.
fn near_runs(
    handle: &Handle,
    codes: &[String; 4],
    (from, to): (&str, &str),
    runs: &mut Vec<Arc<IndexedRun>>,
) -> rusqlite::Result<()> {
    let select = &handle.select_runs;
    let mut statement = handle.connection.prepare_cached(&format!(
        "{select} {OF_CHANNEL} AND starttime<=? AND endtime>=? \
         ORDER BY starttime,filename,byteoffset"
    ))?;
    let [network, station, location, channel] = codes;
    let parameters = [network, station, location, channel, to, from];
    for found in statement.query_map(parameters, run)? {
        runs.push(Arc::new(IndexedRun {
            exact_name: handle.is_own,
            ..found?
        }));
    }
    Ok(())
}

/// Rows of a channel that are not between two times, but may reach over the margin: a sample of
/// theirs lasts about an hour or longer.
fn slow_runs(
    handle: &Handle,
    codes: &[String; 4],
    (from, to): (&str, &str),
    runs: &mut Vec<Arc<IndexedRun>>,
) -> rusqlite::Result<()> {
    let by = if handle.has_slow_index {
        format!("INDEXED BY {}", tables::SLOW_INDEX)
    } else if has_slow_rows(handle, codes)? {
        String::new()
    } else {
        return Ok(());
    };
    let (select, is_slow) = (&handle.select_runs, schema::IS_SLOW);
    let mut statement = handle.connection.prepare_cached(&format!(
        "{select} {by} {OF_CHANNEL} AND {is_slow} AND NOT (starttime<=? AND endtime>=?)"
    ))?;
    let [network, station, location, channel] = codes;
    let parameters = [network, station, location, channel, to, from];
    for found in statement.query_map(parameters, run)? {
        runs.push(Arc::new(IndexedRun {
            exact_name: handle.is_own,
            ..found?
        }));
    }
    Ok(())
}

/// Whether a channel has slow rows, in an index of another program: its rows are looked through
/// once, and again when the database changed.
fn has_slow_rows(handle: &Handle, codes: &[String; 4]) -> rusqlite::Result<bool> {
    let connection = &handle.connection;
    let version = connection
        .prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))?;
    let mut channels = handle.slow_channels.borrow_mut();
    if channels.version != version {
        channels.known.clear();
        channels.version = version;
    }
    if let Some(known) = channels.known.get(codes) {
        return Ok(*known);
    }
    let found = connection
        .prepare_cached(&format!(
            "SELECT 1 FROM {} {OF_CHANNEL} AND {} LIMIT 1",
            handle.table.name(),
            schema::IS_SLOW
        ))?
        .exists(codes.each_ref())?;
    channels.known.insert(codes.clone(), found);
    Ok(found)
}

fn codes(row: &Row<'_>) -> rusqlite::Result<[String; 4]> {
    let code = |at| {
        row.get::<_, Option<String>>(at)
            .map(Option::unwrap_or_default)
    };
    Ok([code(0)?, code(1)?, code(2)?, code(3)?])
}

pub(super) fn time(row: &Row<'_>, at: usize) -> rusqlite::Result<i64> {
    let text: String = row.get(at)?;
    schema::parse_time(&text).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(
            at,
            rusqlite::types::Type::Text,
            format!("time {text:?}: expected YYYY-MM-DDTHH:MM:SS.ffffff").into(),
        )
    })
}

pub(super) fn run(row: &Row<'_>) -> rusqlite::Result<IndexedRun> {
    let time_index: Option<String> = row.get(10)?;
    let spans: Option<String> = row.get(11)?;
    let rates: Option<String> = row.get(12)?;
    let byte_offset: i64 = row.get(8)?;
    let bytes: i64 = row.get(9)?;
    let spans = spans
        .as_deref()
        .map(schema::parse_spans)
        .unwrap_or_default();
    Ok(IndexedRun {
        codes: codes(row)?,
        filename: row.get(7)?,
        exact_name: false,
        byte_offset: byte_offset.max(0) as u64,
        bytes: bytes.max(0) as u64,
        start_ns: time(row, 4)?,
        end_ns: time(row, 5)?,
        lowest_rate_hz: schema::lowest_rate_hz(row.get(6)?, rates.as_deref()),
        time_index: time_index.as_deref().and_then(schema::parse_time_index),
        span_rates_hz: rates
            .as_deref()
            .map(schema::parse_rates)
            .unwrap_or_default(),
        version_among_others: row.get(15)?,
        spans_apart: spans.windows(2).all(|pair| pair[0].1 < pair[1].0),
        spans,
        age: Age {
            scanned_ns: known_time(row, 13)?,
            changed_ns: known_time(row, 14)?,
        },
    })
}

/// A time that may be missing, or be of a form that is not known.
fn known_time(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<i64>> {
    let text = row.get_ref(at)?.as_str().ok();
    Ok(text.and_then(schema::parse_time))
}
