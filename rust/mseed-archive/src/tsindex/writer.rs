//! The one writer of an index.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};

use super::schema::{self, rate_value, seconds_text, time_text};
use crate::Error;
use crate::problem::{Problem, ProblemKind};
use crate::scan::{Row, Scan};
use crate::walk::FoundFile;

/// Another program may hold the file for as long as it writes one batch.
const BUSY: Duration = Duration::from_secs(60);

/// Files written in one transaction: each commit waits for the disk.
const FILES_PER_TRANSACTION: usize = 2000;

/// What the index knows of a file from an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownFile {
    /// Size when it was scanned.
    pub size: u64,
    /// Time of its last change then.
    pub modified_ns: i64,
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

/// Writes rows in transactions; what is not committed when a process dies was never there.
#[derive(Debug)]
pub struct IndexWriter {
    path: PathBuf,
    connection: Connection,
    pending: usize,
}

impl IndexWriter {
    /// Open an index, or make a new one.
    ///
    /// # Errors
    /// [`Error::NotAnIndex`] when the file is no SQLite database or its `tsindex` table has other
    /// columns; [`Error::Sqlite`] when it cannot be opened or written.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty())
            && !folder.is_dir()
        {
            return Err(Error::io(folder, std::io::ErrorKind::NotFound.into()));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|e| wrap(path, e))?;
        connection.busy_timeout(BUSY).map_err(|e| wrap(path, e))?;
        check_columns(path, &connection)?;
        connection
            .execute_batch(schema::CREATE)
            .and_then(|()| connection.execute_batch(schema::CREATE_OWN))
            .map_err(|e| wrap(path, e))?;
        Ok(Self {
            path: path.to_path_buf(),
            connection,
            pending: 0,
        })
    }

    fn sql<T>(&self, result: rusqlite::Result<T>) -> Result<T, Error> {
        result.map_err(|e| wrap(&self.path, e))
    }

    /// Files of earlier runs.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn known_files(&self) -> Result<HashMap<String, KnownFile>, Error> {
        let read = || {
            let mut statement = self
                .connection
                .prepare("SELECT filename,size,modified_ns FROM credit_fast_files")?;
            let rows = statement.query_map([], |row| {
                let size: i64 = row.get(1)?;
                let known = KnownFile {
                    size: size as u64,
                    modified_ns: row.get(2)?,
                };
                Ok((row.get(0)?, known))
            })?;
            rows.collect()
        };
        self.sql(read())
    }

    /// Problems that an earlier run found in a file.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn known_problems(&self, filename: &str) -> Result<Vec<Problem>, Error> {
        let read = || {
            let mut statement = self.connection.prepare_cached(
                "SELECT byteoffset,bytes,kind,reason FROM credit_fast_problems \
                 WHERE filename=? ORDER BY rowid",
            )?;
            let rows = statement.query_map([filename], |row| {
                let offset: Option<i64> = row.get(0)?;
                let length: i64 = row.get(1)?;
                let kind: String = row.get(2)?;
                Ok(Problem {
                    path: filename.to_owned(),
                    offset: offset.map(|at| at as u64),
                    length: length as u64,
                    kind: ProblemKind::from_text(&kind),
                    reason: row.get(3)?,
                })
            })?;
            rows.collect()
        };
        self.sql(read())
    }

    /// Put the rows of a file in the place of those that it had. Returns whether it had any
    /// entry before.
    ///
    /// # Errors
    /// [`Error::Sqlite`], a full disk for instance; the index stays as it was at the last commit.
    pub fn write(&mut self, scanned: &ScannedFile) -> Result<bool, Error> {
        if self.pending == 0 {
            self.sql(self.connection.execute_batch("BEGIN IMMEDIATE"))?;
        }
        let replaced = self.sql(replace_file(&self.connection, scanned))?;
        self.pending += 1;
        if self.pending >= FILES_PER_TRANSACTION {
            self.commit()?;
        }
        Ok(replaced)
    }

    fn commit(&mut self) -> Result<(), Error> {
        if self.pending > 0 {
            self.sql(self.connection.execute_batch("COMMIT"))?;
            self.pending = 0;
        }
        Ok(())
    }

    /// Commit, and make `tsindex_summary` anew.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn finish(mut self, now_ns: i64) -> Result<Totals, Error> {
        self.commit()?;
        let summarise = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
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
                |row| {
                    let counts: (i64, i64) = (row.get(0)?, row.get(1)?);
                    let times: (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
                    Ok(Totals {
                        rows: counts.0 as u64,
                        channels: counts.1 as u64,
                        start_ns: times.0.and_then(|t| schema::parse_time(&t)),
                        end_ns: times.1.and_then(|t| schema::parse_time(&t)),
                    })
                },
            )?;
            transaction.commit()?;
            Ok(totals)
        };
        let result = summarise(&mut self.connection);
        self.sql(result)
    }
}

pub(super) fn wrap(path: &Path, error: rusqlite::Error) -> Error {
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) {
        return Error::NotAnIndex {
            path: path.to_path_buf(),
            reason: "not an SQLite database: expected an index made by makeindex or mseedindex"
                .into(),
        };
    }
    Error::Sqlite {
        path: path.to_path_buf(),
        source: error,
    }
}

/// An index that some other version wrote with other columns cannot be added to.
fn check_columns(path: &Path, connection: &Connection) -> Result<(), Error> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info('tsindex')")?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    let found = read().map_err(|e| wrap(path, e))?;
    let full = 20;
    if found.is_empty() || found.len() == full {
        return Ok(());
    }
    Err(Error::NotAnIndex {
        path: path.to_path_buf(),
        reason: format!(
            "table tsindex has {} columns: expected the {full} of mseedindex 3 (schema 1.1); \
             make a new index",
            found.len()
        ),
    })
}

fn replace_file(connection: &Connection, scanned: &ScannedFile) -> rusqlite::Result<bool> {
    let file = &scanned.file;
    let name = file.path.as_str();
    let rows = connection
        .prepare_cached("DELETE FROM tsindex WHERE filename=?")?
        .execute([name])?;
    connection
        .prepare_cached("DELETE FROM credit_fast_problems WHERE filename=?")?
        .execute([name])?;
    let known = connection
        .prepare_cached("DELETE FROM credit_fast_files WHERE filename=?")?
        .execute([name])?;
    for row in &scanned.scan.rows {
        insert_row(connection, row, file, scanned.scanned_ns)?;
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO credit_fast_problems (filename,byteoffset,bytes,kind,reason) \
         VALUES (?,?,?,?,?)",
    )?;
    for problem in &scanned.scan.problems {
        insert.execute(params![
            name,
            problem.offset.map(|at| at as i64),
            problem.length as i64,
            problem.kind.as_str(),
            problem.reason,
        ])?;
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
    Ok(rows + known > 0)
}

fn insert_row(
    connection: &Connection,
    row: &Row,
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
            schema::spans_text(section.spans.as_slice()),
            schema::rates_text(section),
            changed,
            changed,
            seconds_text(scanned_ns),
        ])?;
    Ok(())
}
