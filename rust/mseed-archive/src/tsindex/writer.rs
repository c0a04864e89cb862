//! The one writer of an index.

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Row, Transaction, TransactionBehavior, params};

use super::connection::{names, wrap};
use super::contents::problem;
use super::opened::{self, Opened};
use super::patience::{self, BUSY};
use super::schema::{self, rate_value, seconds_text, time_text};
use crate::problem::{Problem, ProblemKind};
use crate::run::Ticker;
use crate::scan::{Row as SectionRow, Scan};
use crate::walk::FoundFile;
use crate::{Error, fork};

/// A batch is written when it has this many files or rows, or is this old. The index is locked
/// for readers only while a batch is written, and a killed run loses one batch at most.
const BATCH_FILES: usize = 2000;
const BATCH_ROWS: usize = 20_000;
const BATCH_AGE: Duration = Duration::from_millis(500);

/// What the index knows of a file from an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownFile {
    /// Size when it was scanned.
    pub size: u64,
    /// Time of its last change then.
    pub modified_ns: i64,
    /// Records that it held.
    pub records: u64,
}

/// A file and what it holds.
#[derive(Debug)]
pub struct ScannedFile {
    /// The file.
    pub file: FoundFile,
    /// Its rows and problems.
    pub scan: Scan,
    /// When it was scanned.
    pub scanned_ns: i64,
}

/// What an index holds in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows of `tsindex`.
    pub rows: u64,
    /// Channels.
    pub channels: u64,
    /// Earliest sample.
    pub start_ns: Option<i64>,
    /// Latest sample.
    pub end_ns: Option<i64>,
}

/// Writes rows in batches; what is not committed when a process dies was never there.
#[derive(Debug)]
pub struct IndexWriter {
    path: PathBuf,
    connection: Connection,
    _opened: Opened,
    pending: Vec<ScannedFile>,
    pending_rows: usize,
    last_batch: Instant,
}

impl IndexWriter {
    /// Open an index, or make a new one.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder does not exist or may not be written, [`Error::NotAnIndex`]
    /// when the file is no SQLite database, one of another program, or has a `tsindex` table of
    /// other columns; [`Error::Sqlite`] otherwise.
    pub fn open(path: &Path, ticker: &mut Ticker<'_>) -> Result<Self, Error> {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty())
            && !folder.is_dir()
        {
            return Err(Error::io(folder, std::io::ErrorKind::NotFound.into()));
        }
        let connection = {
            let _inside = fork::enter();
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection =
                Connection::open_with_flags(path, flags).map_err(|e| refused(path, e))?;
            connection
                .busy_timeout(BUSY)
                .map_err(|e| refused(path, e))?;
            connection
        };
        // SQLite opened the file, and made it when it was missing; it has locked nothing yet.
        let metadata = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
        let writer = Self {
            path: path.to_path_buf(),
            connection,
            _opened: Opened::new(opened::identity(&metadata)),
            pending: Vec::new(),
            pending_rows: 0,
            last_batch: Instant::now(),
        };
        let (tables, columns) = writer.patiently(ticker, |connection| {
            // A page that spills to the file before its commit would lock readers out.
            connection.execute_batch("PRAGMA cache_spill=OFF")?;
            Ok((
                names(
                    connection,
                    "SELECT name FROM sqlite_master WHERE type='table'",
                )?,
                names(connection, "SELECT name FROM pragma_table_info('tsindex')")?,
            ))
        })?;
        writer.check_tables(&tables, &columns)?;
        writer.patiently(ticker, |connection| {
            connection.execute_batch(schema::CREATE)?;
            connection.execute_batch(schema::CREATE_OWN)?;
            let of_problems = "SELECT name FROM pragma_table_info('credit_fast_problems')";
            if !names(connection, of_problems)?
                .iter()
                .any(|name| name == "count")
            {
                connection.execute_batch(schema::ADD_COUNT)?;
            }
            connection.execute_batch(&schema::create_slow_index())
        })?;
        Ok(writer)
    }

    /// Only an empty database or an index of the known form is added to.
    fn check_tables(&self, tables: &[String], columns: &[String]) -> Result<(), Error> {
        let reason = if columns.is_empty() && !tables.is_empty() {
            format!(
                "a database of another program, with the table {}: expected an index made by \
                 makeindex or mseedindex",
                tables[0]
            )
        } else if !columns.is_empty() && *columns != schema::COLUMNS {
            format!(
                "table tsindex has the columns {}: expected those of mseedindex 3 (schema 1.1); \
                 make a new index",
                columns.join(",")
            )
        } else {
            return Ok(());
        };
        Err(Error::NotAnIndex {
            path: self.path.clone(),
            reason,
        })
    }

    /// Do something that another program may be in the way of, for a minute; the caller is asked
    /// meanwhile whether to go on.
    fn patiently<T>(
        &self,
        ticker: &mut Ticker<'_>,
        work: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        patience::patiently(
            |e| refused(&self.path, e),
            || ticker.poll(),
            || work(&self.connection),
        )
    }

    /// Files of earlier runs.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn known_files(
        &self,
        ticker: &mut Ticker<'_>,
    ) -> Result<HashMap<String, KnownFile>, Error> {
        self.patiently(ticker, |connection| {
            let mut statement = connection
                .prepare("SELECT filename,size,modified_ns,records FROM credit_fast_files")?;
            let rows = statement.query_map([], |row| {
                let size: i64 = row.get(1)?;
                let known = KnownFile {
                    size: size as u64,
                    modified_ns: row.get(2)?,
                    records: row.get::<_, i64>(3)? as u64,
                };
                Ok((row.get(0)?, known))
            })?;
            rows.collect()
        })
    }

    /// Problems that earlier runs found in files, by file.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn known_problems(
        &self,
        ticker: &mut Ticker<'_>,
    ) -> Result<HashMap<String, Vec<Problem>>, Error> {
        self.patiently(ticker, |connection| {
            let mut statement = connection.prepare(schema::SELECT_PROBLEMS)?;
            let mut problems: HashMap<String, Vec<Problem>> = HashMap::new();
            for found in statement.query_map([], problem)? {
                let found = found?;
                // Which files are gone is found out anew.
                if found.kind != ProblemKind::Vanished {
                    problems.entry(found.path.clone()).or_default().push(found);
                }
            }
            Ok(problems)
        })
    }

    /// Take a file into the next batch.
    pub fn add(&mut self, scanned: ScannedFile) {
        self.pending_rows += scanned.scan.rows.len();
        self.pending.push(scanned);
    }

    /// Whether the next batch shall be written now.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.pending.len() >= BATCH_FILES
            || self.pending_rows >= BATCH_ROWS
            || (!self.pending.is_empty() && self.last_batch.elapsed() >= BATCH_AGE)
    }

    /// Write the batch: the rows of each file take the place of those that it had. Returns how
    /// many of the files had any entry before.
    ///
    /// # Errors
    /// [`Error::Sqlite`], a full disk for instance; the index stays as it was at the last batch.
    pub fn write_batch(&mut self, ticker: &mut Ticker<'_>) -> Result<u64, Error> {
        let batch = std::mem::take(&mut self.pending);
        self.pending_rows = 0;
        self.last_batch = Instant::now();
        if batch.is_empty() {
            return Ok(0);
        }
        self.patiently(ticker, |connection| {
            // One whole transaction inside the gate: a child that is forked in the middle of one
            // would take the locks of its parent for its own.
            let transaction =
                Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
            let mut replaced = 0;
            for scanned in &batch {
                replaced += u64::from(replace_file(&transaction, scanned)?);
            }
            transaction.commit()?;
            Ok(replaced)
        })
    }

    /// Drop all that the index has of files.
    ///
    /// # Errors
    /// [`Error::Sqlite`]; the index stays as it was.
    pub fn remove_files(&self, names: &[String], ticker: &mut Ticker<'_>) -> Result<(), Error> {
        self.patiently(ticker, |connection| {
            let transaction =
                Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
            for name in names {
                forget_file(&transaction, name)?;
            }
            transaction.commit()
        })
    }

    /// Note files that no longer exist, in the place of those noted before that do again.
    ///
    /// # Errors
    /// [`Error::Sqlite`]; the index stays as it was.
    pub fn mark_vanished(
        &self,
        problems: &[Problem],
        ticker: &mut Ticker<'_>,
    ) -> Result<(), Error> {
        let kind = ProblemKind::Vanished.as_str();
        self.patiently(ticker, |connection| {
            let transaction =
                Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
            let marked = {
                let mut statement = transaction
                    .prepare("SELECT filename FROM credit_fast_problems WHERE kind=?")?;
                let rows = statement.query_map([kind], |row| row.get::<_, String>(0))?;
                rows.collect::<rusqlite::Result<Vec<_>>>()?
            };
            let told: HashSet<_> = problems.iter().map(|problem| &problem.path).collect();
            for name in &marked {
                if told.contains(name) || Path::new(name).exists() {
                    transaction.execute(
                        "DELETE FROM credit_fast_problems WHERE filename=? AND kind=?",
                        [name, kind],
                    )?;
                }
            }
            for problem in problems {
                insert_problem(&transaction, &problem.path, problem)?;
            }
            transaction.commit()
        })
    }

    /// Write what is left, and make `tsindex_summary` anew.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn finish(mut self, now_ns: i64, ticker: &mut Ticker<'_>) -> Result<(Totals, u64), Error> {
        let replaced = self.write_batch(ticker)?;
        let totals = self.patiently(ticker, |connection| {
            let transaction = connection.unchecked_transaction()?;
            transaction.execute("DELETE FROM tsindex_summary", [])?;
            transaction.execute(
                "INSERT INTO tsindex_summary SELECT network,station,location,channel,\
                 min(starttime),max(endtime),? FROM tsindex \
                 GROUP BY network,station,location,channel",
                [time_text(now_ns - now_ns.rem_euclid(1000))],
            )?;
            let totals = transaction.query_row(
                "SELECT (SELECT count(*) FROM tsindex),count(*),min(earliest),max(latest) \
                 FROM tsindex_summary",
                [],
                totals,
            )?;
            transaction.commit()?;
            Ok(totals)
        })?;
        Ok((totals, replaced))
    }
}

fn totals(row: &Row<'_>) -> rusqlite::Result<Totals> {
    let counts: (i64, i64) = (row.get(0)?, row.get(1)?);
    let times: (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
    Ok(Totals {
        rows: counts.0 as u64,
        channels: counts.1 as u64,
        start_ns: times.0.and_then(|t| schema::parse_time(&t)),
        end_ns: times.1.and_then(|t| schema::parse_time(&t)),
    })
}

fn replace_file(connection: &Connection, scanned: &ScannedFile) -> rusqlite::Result<bool> {
    let file = &scanned.file;
    let name = file.path.as_str();
    let had = forget_file(connection, name)?;
    for row in &scanned.scan.rows {
        insert_row(connection, row, file, scanned.scanned_ns)?;
    }
    for problem in scanned.scan.problems.iter() {
        insert_problem(connection, name, problem)?;
    }
    // A file that could not be read is tried again next time.
    let unreadable = |p: &Problem| p.kind == ProblemKind::Unreadable;
    if !scanned.scan.problems.iter().any(unreadable) {
        connection
            .prepare_cached(
                "INSERT INTO credit_fast_files (filename,size,modified_ns,records) \
                 VALUES (?,?,?,?)",
            )?
            .execute(params![
                name,
                file.size as i64,
                file.modified_ns,
                scanned.scan.records as i64
            ])?;
    }
    Ok(had)
}

/// Drop rows, problems and state of a file; returns whether there was any row or state.
fn forget_file(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let rows = connection
        .prepare_cached("DELETE FROM tsindex WHERE filename=?")?
        .execute([name])?;
    connection
        .prepare_cached("DELETE FROM credit_fast_problems WHERE filename=?")?
        .execute([name])?;
    let known = connection
        .prepare_cached("DELETE FROM credit_fast_files WHERE filename=?")?
        .execute([name])?;
    Ok(rows + known > 0)
}

fn insert_problem(connection: &Connection, name: &str, problem: &Problem) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO credit_fast_problems (filename,byteoffset,bytes,kind,reason,count) \
             VALUES (?,?,?,?,?,?)",
        )?
        .execute(params![
            name,
            problem.offset.map(|at| at as i64),
            problem.length as i64,
            problem.kind.as_str(),
            problem.reason,
            problem.count as i64,
        ])?;
    Ok(())
}

fn insert_row(
    connection: &Connection,
    row: &SectionRow,
    file: &FoundFile,
    scanned_ns: i64,
) -> rusqlite::Result<()> {
    let section = &row.section;
    let changed = seconds_text(file.modified_ns);
    // quality, hash and format: mseedindex 3 leaves quality NULL; it compares the hash as text
    // when it updates a row, so an unknown one is empty, not NULL; NULL format is miniSEED.
    connection
        .prepare_cached(
            "INSERT INTO tsindex (network,station,location,channel,quality,version,starttime,\
             endtime,samplerate,filename,byteoffset,bytes,hash,timeindex,timespans,timerates,\
             format,filemodtime,updated,scanned) \
             VALUES (?,?,?,?,NULL,?,?,?,?,?,?,?,'',?,?,?,NULL,?,?,?)",
        )?
        .execute(params![
            row.source.network.as_str(),
            row.source.station.as_str(),
            row.source.location.as_str(),
            row.source.channel.as_str(),
            row.version,
            time_text(section.earliest_ns),
            time_text(section.latest_ns),
            rate_value(section.declared_rate),
            file.path,
            section.byte_offset as i64,
            section.bytes as i64,
            schema::time_index_text(section),
            schema::spans_text(&section.spans),
            schema::rates_text(section),
            changed,
            changed,
            seconds_text(scanned_ns),
        ])?;
    Ok(())
}

/// A failure of SQLite to write, with the reason of the file system where that is the cause:
/// SQLite says the same of a disk mounted read-only, a forbidden folder and a full one.
fn refused(path: &Path, error: rusqlite::Error) -> Error {
    match wrap(path, error) {
        Error::Io { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
            Error::io(path, reason_not_to_write(path).unwrap_or(source))
        }
        other => other,
    }
}

/// What the system says to a new file beside `path`. The index itself is never opened here: that
/// would drop the locks of this process on it.
fn reason_not_to_write(path: &Path) -> Option<std::io::Error> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".probe");
    let made = std::fs::File::create_new(&beside);
    if made.is_ok() {
        let _ = std::fs::remove_file(&beside);
    }
    made.err().filter(|e| {
        matches!(
            e.kind(),
            ErrorKind::ReadOnlyFilesystem | ErrorKind::StorageFull
        )
    })
}
