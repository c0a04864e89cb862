//! Read an index: which channels, which runs of bytes for a window.
//!
//! Each thread of each process has a connection of its own: nothing crosses a fork, and no lock
//! is held. A connection that a child inherited is left alone, never closed: closing it would
//! drop the locks of the parent.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row, params_from_iter};

use super::globs::Selection;
use super::schema::{self, TimeIndex};
use crate::Error;
use mseed_core::SourceId;
use mseed_core::time::NS_PER_S;

/// Connections that a thread keeps open.
const OPEN_PER_THREAD: usize = 8;

/// Rows that end this long before a window are looked at: the nearest sample may be in them.
const MARGIN_NS: i64 = 3600 * NS_PER_S;

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static OPEN: RefCell<Vec<Handle>> = const { RefCell::new(Vec::new()) };
}

struct Handle {
    reader: u64,
    process: u32,
    connection: Connection,
    has_summary: bool,
}

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

/// A row of the index: a run of records of one channel in one file.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexedRun {
    /// Network, station, location, channel.
    pub codes: [String; 4],
    /// File as the index names it.
    pub filename: String,
    /// First byte.
    pub byte_offset: u64,
    /// Number of bytes.
    pub bytes: u64,
    /// Earliest sample.
    pub start_ns: i64,
    /// Latest sample.
    pub end_ns: i64,
    /// Sample rate in hertz, 0 for records that are no time series.
    pub rate_hz: f64,
    /// Times and offsets inside the run, when the index has them.
    pub time_index: Option<TimeIndex>,
    /// Gapless spans, start and end.
    pub spans: Vec<(i64, i64)>,
}

/// An index opened for reading. Cheap to clone, safe to share between threads and forks.
#[derive(Debug, Clone)]
pub struct IndexReader {
    path: PathBuf,
    id: u64,
}

impl IndexedRun {
    /// Whether a record belongs to the channel of this run.
    #[must_use]
    pub fn is_of(&self, source: &SourceId) -> bool {
        let [network, station, location, channel] = &self.codes;
        source.network.as_str() == network
            && source.station.as_str() == station
            && source.location.as_str() == location
            && source.channel.as_str() == channel
    }
}

impl IndexReader {
    /// Open an index. Creates nothing.
    ///
    /// # Errors
    /// [`Error::Io`] when the file is missing or forbidden, [`Error::NotAnIndex`] when it is no
    /// SQLite database or has no `tsindex` table with the needed columns.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let metadata = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
        if metadata.is_dir() {
            return Err(Error::NotAnIndex {
                path: path.to_path_buf(),
                reason: "a folder: expected an index file made by makeindex".into(),
            });
        }
        std::fs::File::open(path).map_err(|e| Error::io(path, e))?;
        let reader = Self {
            path: path.to_path_buf(),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
        };
        reader.with(|_| Ok(()))?;
        Ok(reader)
    }

    /// The index file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Channels of a selection, in the order of their codes.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn channels(&self, selection: &Selection) -> Result<Vec<Channel>, Error> {
        let (condition, parameters) = selection.condition();
        self.with(|handle| {
            let from = if handle.has_summary {
                "tsindex_summary"
            } else {
                "tsindex"
            };
            let (start, end) = if handle.has_summary {
                ("earliest", "latest")
            } else {
                ("starttime", "endtime")
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
        })
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
    ) -> Result<Vec<IndexedRun>, Error> {
        let from = schema::time_text(start_ns.saturating_sub(MARGIN_NS));
        let to = schema::time_text(end_ns.saturating_add(MARGIN_NS));
        let channels = self.channels(selection)?;
        let mut runs = Vec::new();
        self.with(|handle| {
            let mut statement = handle.connection.prepare_cached(
                "SELECT network,station,location,channel,starttime,endtime,samplerate,filename,\
                 byteoffset,bytes,timeindex,timespans FROM tsindex \
                 WHERE network=? AND station=? AND location=? AND channel=? \
                 AND starttime<=? AND endtime>=? ORDER BY starttime,filename,byteoffset",
            )?;
            for channel in &channels {
                let [network, station, location, code] = &channel.codes;
                let found =
                    statement.query_map([network, station, location, code, &to, &from], run)?;
                for run in found {
                    runs.push(run?);
                }
            }
            Ok(())
        })?;
        Ok(runs)
    }

    /// Use the connection of this thread in this process.
    fn with<T>(&self, work: impl FnOnce(&Handle) -> rusqlite::Result<T>) -> Result<T, Error> {
        let process = std::process::id();
        OPEN.with_borrow_mut(|open| {
            // Handles of a parent process: forget them without closing.
            for handle in open.extract_if(.., |h| h.process != process) {
                std::mem::forget(handle);
            }
            let at = match open.iter().position(|h| h.reader == self.id) {
                Some(at) => at,
                None => {
                    if open.len() >= OPEN_PER_THREAD {
                        open.remove(0);
                    }
                    open.push(self.connect(process)?);
                    open.len() - 1
                }
            };
            work(&open[at]).map_err(|e| self.wrap(e))
        })
    }

    fn connect(&self, process: u32) -> Result<Handle, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || -> rusqlite::Result<(Connection, Vec<String>, bool)> {
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(Duration::from_secs(60))?;
            let columns = {
                let mut statement =
                    connection.prepare("SELECT name FROM pragma_table_info('tsindex')")?;
                statement
                    .query_map([], |row| row.get(0))?
                    .collect::<rusqlite::Result<Vec<String>>>()?
            };
            let has_summary = connection
                .prepare("SELECT 1 FROM tsindex_summary LIMIT 1")
                .and_then(|mut s| s.exists([]))
                .unwrap_or(false);
            Ok((connection, columns, has_summary))
        };
        let (connection, columns, has_summary) = open().map_err(|e| self.wrap(e))?;
        let missing: Vec<_> = schema::NEEDED
            .iter()
            .filter(|name| !columns.iter().any(|c| c == *name))
            .copied()
            .collect();
        if !missing.is_empty() {
            let reason = if columns.is_empty() {
                "no table tsindex: expected an index made by makeindex or mseedindex".to_owned()
            } else {
                format!("table tsindex lacks the columns {}", missing.join(", "))
            };
            return Err(Error::NotAnIndex {
                path: self.path.clone(),
                reason,
            });
        }
        Ok(Handle {
            reader: self.id,
            process,
            connection,
            has_summary,
        })
    }

    fn wrap(&self, error: rusqlite::Error) -> Error {
        super::writer::wrap(&self.path, error)
    }
}

fn codes(row: &Row<'_>) -> rusqlite::Result<[String; 4]> {
    let code = |at| {
        row.get::<_, Option<String>>(at)
            .map(Option::unwrap_or_default)
    };
    Ok([code(0)?, code(1)?, code(2)?, code(3)?])
}

fn time(row: &Row<'_>, at: usize) -> rusqlite::Result<i64> {
    let text: String = row.get(at)?;
    schema::parse_time(&text).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(
            at,
            rusqlite::types::Type::Text,
            format!("time {text:?}: expected YYYY-MM-DDTHH:MM:SS.ffffff").into(),
        )
    })
}

fn run(row: &Row<'_>) -> rusqlite::Result<IndexedRun> {
    let time_index: Option<String> = row.get(10)?;
    let spans: Option<String> = row.get(11)?;
    let rate: Option<f64> = row.get(6)?;
    let byte_offset: i64 = row.get(8)?;
    let bytes: i64 = row.get(9)?;
    Ok(IndexedRun {
        codes: codes(row)?,
        filename: row.get(7)?,
        byte_offset: byte_offset.max(0) as u64,
        bytes: bytes.max(0) as u64,
        start_ns: time(row, 4)?,
        end_ns: time(row, 5)?,
        // A miniSEED 3 header may declare a period, as a negative number.
        rate_hz: match rate.unwrap_or(0.0) {
            r if r < 0.0 => -1.0 / r,
            r => r,
        },
        time_index: time_index.as_deref().and_then(schema::parse_time_index),
        spans: spans
            .as_deref()
            .map(schema::parse_spans)
            .unwrap_or_default(),
    })
}
