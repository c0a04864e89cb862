//! The one writer of an index.

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior};

use super::connection::{Gated, names, wrap};
use super::contents::problem;
use super::entries::{Applied, Change, Entries, KnownEnd, insert_problem};
use super::known::KnownFiles;
use super::opened::{self, Opened};
use super::patience::{self, BUSY};
use super::schema::{self, time_text};
use super::tables::{self, RowTable};
use crate::names::Names;
use crate::problem::{Problem, ProblemKind};
use crate::run::Ticker;
use crate::walk::{FoundFile, Whereabouts};
use crate::{Error, fork};

/// A batch is written when it has this many files or rows, or is this old. The index is locked
/// for readers only while a batch is written, and a killed run loses one batch at most.
const BATCH_FILES: usize = 2000;
const BATCH_ROWS: usize = 10_000;
const BATCH_AGE: Duration = Duration::from_millis(500);

/// Memory for pages while SQL indexes are made of many rows: they are sorted in it.
const CACHE_KIB: u32 = 6 * 1024;

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

/// What became of the changes that were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Files that the index did not have.
    pub added: u64,
    /// Files of which the rows are others now.
    pub replaced: u64,
    /// Files of which the rows are those that they had.
    pub same: u64,
}

impl Written {
    fn note(&mut self, applied: Applied) {
        match applied {
            Applied::Added => self.added += 1,
            Applied::Replaced => self.replaced += 1,
            Applied::Same => self.same += 1,
            Applied::Outdated => {}
        }
    }

    fn add(&mut self, other: Self) {
        self.added += other.added;
        self.replaced += other.replaced;
        self.same += other.same;
    }
}

/// What came of a batch.
struct Done {
    table: RowTable,
    written: Written,
    outdated: Vec<FoundFile>,
}

/// Writes changes in batches; what is not committed when a process dies was never there.
#[derive(Debug)]
pub struct IndexWriter {
    path: PathBuf,
    connection: Gated,
    _opened: Opened,
    names: Names,
    /// The version of the database in which it had no table, if that was so when it was opened: its
    /// SQL indexes are made at the end, of sorted rows, and until another run writes to it each file
    /// is new.
    fresh: Option<i64>,
    pending: Vec<Change>,
    pending_rows: usize,
    last_batch: Instant,
    written: Written,
}

impl IndexWriter {
    /// Open an index, or make a new one. `relative` says whether it is to name files relative to its
    /// folder; when not given, as it does already, a new one by absolute paths.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder does not exist or may not be written, [`Error::NotAnIndex`]
    /// when the file is no SQLite database, one of another program, or has a `tsindex` table of
    /// other columns; [`Error::Argument`] when it names files in the other way;
    /// [`Error::Sqlite`] otherwise.
    pub fn open(
        path: &Path,
        relative: Option<bool>,
        ticker: &mut Ticker<'_>,
    ) -> Result<Self, Error> {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty())
            && !folder.is_dir()
        {
            return Err(Error::io(folder, ErrorKind::NotFound.into()));
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
            Gated::new(connection)
        };
        // SQLite opened the file, and made it when it was missing; it has locked nothing yet.
        let metadata = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
        let mut writer = Self {
            path: path.to_path_buf(),
            connection,
            _opened: Opened::new(opened::identity(&metadata)),
            names: Names::Absolute,
            fresh: None,
            pending: Vec::new(),
            pending_rows: 0,
            last_batch: Instant::now(),
            written: Written::default(),
        };
        let (tables, columns) = writer.patiently(ticker, |connection| {
            // A page that spills to the file before its commit would lock readers out.
            // Pages of 8 KiB, of a new index: half as many to be moved as of SQLite's own choice.
            connection.execute_batch("PRAGMA page_size=8192;PRAGMA cache_spill=OFF")?;
            Ok((
                table_names(connection)?,
                names(connection, "SELECT name FROM pragma_table_info('tsindex')")?,
            ))
        })?;
        writer.check_tables(&tables, &columns)?;
        let (named_relatively, fresh) = writer.prepare(relative, ticker)?;
        writer.fresh = fresh;
        if let Some(wanted) = relative.filter(|wanted| *wanted != named_relatively) {
            let way = |relative| {
                if relative {
                    "relative to its folder"
                } else {
                    "absolute"
                }
            };
            return Err(Error::Argument(format!(
                "{}: its file names are {}: expected {}; make a new index, or go on without \
                 saying how files are named",
                path.display(),
                way(named_relatively),
                way(wanted)
            )));
        }
        if named_relatively {
            writer.names = Names::below_index(path)?;
        }
        Ok(writer)
    }

    /// Make what is missing; returns whether files are named relative to the index, and the version
    /// of the database if it had no table.
    fn prepare(
        &self,
        relative: Option<bool>,
        ticker: &mut Ticker<'_>,
    ) -> Result<(bool, Option<i64>), Error> {
        self.patiently(ticker, |connection| {
            let transaction =
                Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
            // Only inside of it: another run may just have made the tables.
            let found = table_names(&transaction)?;
            let table = RowTable::of(&found);
            if table == RowTable::Plain {
                transaction.execute_batch(tables::CREATE)?;
            }
            transaction.execute_batch(tables::CREATE_OWN)?;
            tables::add_columns(&transaction)?;
            let mut fresh = None;
            if found.is_empty() {
                fresh = Some(data_version(&transaction)?);
                if relative == Some(true) {
                    tables::name_relatively(&transaction)?;
                }
            } else {
                table.create_channel_index(&transaction)?;
            }
            table.create_file_indexes(&transaction)?;
            let is_relative = tables::are_names_relative(&transaction)?;
            transaction.commit()?;
            Ok((is_relative, fresh))
        })
    }

    /// The entries of files as another run may have left them, in a transaction if they are changed.
    fn entries<'a>(&self, connection: &'a Connection) -> rusqlite::Result<Entries<'a>> {
        Ok(Entries {
            connection,
            table: RowTable::of(&table_names(connection)?),
            fresh: self.fresh.is_some() && self.fresh == Some(data_version(connection)?),
        })
    }

    /// How the index names files.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Only an empty database or an index of the known form is added to.
    fn check_tables(&self, tables: &[String], columns: &[String]) -> Result<(), Error> {
        let reason = if columns.is_empty() && !tables.is_empty() {
            format!(
                "a database of another program, with the table {}: expected an index made by \
                 makeindex or mseedindex",
                tables[0]
            )
        } else if !columns.is_empty() && *columns != tables::COLUMNS {
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
    pub fn known_files(&self, ticker: &mut Ticker<'_>) -> Result<KnownFiles, Error> {
        self.patiently(ticker, KnownFiles::read)
    }

    /// The name of a file by the number of its state; `None` when there is no such state any more.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn name_of(&self, rowid: i64, ticker: &mut Ticker<'_>) -> Result<Option<String>, Error> {
        self.patiently(ticker, |connection| {
            connection
                .prepare_cached("SELECT filename FROM credit_fast_files WHERE rowid=?")?
                .query_row([rowid], |row| row.get(0))
                .optional()
        })
    }

    /// Where to go on with a file that has grown; `None` when it is to be scanned as a whole.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn known_end(
        &self,
        name: &str,
        ticker: &mut Ticker<'_>,
    ) -> Result<Option<KnownEnd>, Error> {
        self.patiently(ticker, |connection| {
            self.entries(connection)?.known_end(name)
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
            let mut statement = connection.prepare(&tables::select_problems(""))?;
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

    /// Take a change into the next batch.
    pub fn add(&mut self, change: Change) {
        self.pending_rows += match &change {
            Change::Scanned(scanned) | Change::Grown(scanned, _) => scanned.rows.len(),
            Change::Touched(_) | Change::Moved(..) => 0,
        };
        self.pending.push(change);
    }

    /// Whether the next batch shall be written now.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.pending.len() >= BATCH_FILES
            || self.pending_rows >= BATCH_ROWS
            || (!self.pending.is_empty() && self.last_batch.elapsed() >= BATCH_AGE)
    }

    /// Whether the next batch has a file that has grown, of which another run may write the rows.
    #[must_use]
    pub fn has_grown(&self) -> bool {
        let is_grown = |change: &Change| matches!(change, Change::Grown(..));
        self.pending.iter().any(is_grown)
    }

    /// Write the batch: all of it is in the index then, or none. Returns the files that have grown,
    /// and of which another run wrote the rows meanwhile: they are to be scanned as a whole.
    ///
    /// # Errors
    /// [`Error::Sqlite`], a full disk for instance; the index stays as it was at the last batch.
    pub fn write_batch(&mut self, ticker: &mut Ticker<'_>) -> Result<Vec<FoundFile>, Error> {
        let batch = std::mem::take(&mut self.pending);
        self.pending_rows = 0;
        let mut outdated = Vec::new();
        if !batch.is_empty() {
            let done = self.patiently(ticker, |connection| {
                // One whole transaction inside the gate: a child that is forked in the middle of one
                // would take the locks of its parent for its own.
                let transaction =
                    Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
                let done = self.apply(&transaction, &batch)?;
                self.entries(&transaction)?.widen_summary(&batch)?;
                transaction.commit()?;
                Ok(done)
            })?;
            self.written.add(done.written);
            outdated = done.outdated;
        }
        self.last_batch = Instant::now();
        Ok(outdated)
    }

    fn apply(&self, transaction: &Transaction<'_>, batch: &[Change]) -> rusqlite::Result<Done> {
        let mut entries = self.entries(transaction)?;
        let mut written = Written::default();
        let mut outdated = Vec::new();
        for change in batch {
            let applied = entries.apply(change)?;
            written.note(applied);
            if let (Applied::Outdated, Change::Grown(scanned, _)) = (applied, change) {
                outdated.push(scanned.file.clone());
            }
        }
        Ok(Done {
            table: entries.table,
            written,
            outdated,
        })
    }

    /// Drop all that the index has of files.
    ///
    /// # Errors
    /// [`Error::Sqlite`]; the index stays as it was.
    pub fn remove_files(&self, names: &[String], ticker: &mut Ticker<'_>) -> Result<(), Error> {
        if names.is_empty() {
            return Ok(());
        }
        self.patiently(ticker, |connection| {
            let transaction =
                Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
            let entries = self.entries(&transaction)?;
            for name in names {
                entries.forget(name)?;
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
        if self.fresh.is_some() {
            return Ok(());
        }
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
                let is_there = || Whereabouts::of(&self.names.path(name)) == Whereabouts::There;
                if told.contains(name) || is_there() {
                    transaction.execute(
                        "DELETE FROM credit_fast_problems WHERE filename=? AND kind=?",
                        [name, kind],
                    )?;
                }
            }
            for problem in problems {
                insert_problem(&transaction, problem)?;
            }
            transaction.commit()
        })
    }

    /// Write what is left, make the SQL indexes of a new index, and `tsindex_summary` anew. Files that
    /// have grown, and of which another run wrote the rows meanwhile, keep those.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn finish(
        mut self,
        now_ns: i64,
        ticker: &mut Ticker<'_>,
    ) -> Result<(Totals, Written), Error> {
        let batch = std::mem::take(&mut self.pending);
        let (totals, written) = self.patiently(ticker, |connection| {
            if self.fresh.is_some() {
                connection
                    .execute_batch(&format!("PRAGMA cache_size=-{CACHE_KIB};PRAGMA threads=2"))?;
            }
            let transaction =
                Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
            let Done { table, written, .. } = self.apply(&transaction, &batch)?;
            table.create_channel_index(&transaction)?;
            transaction.execute("DELETE FROM tsindex_summary", [])?;
            transaction.execute(
                &format!(
                    "INSERT INTO tsindex_summary SELECT network,station,location,channel,\
                     min(starttime),max(endtime),? FROM {} \
                     GROUP BY network,station,location,channel",
                    table.name()
                ),
                [time_text(now_ns - now_ns.rem_euclid(1000))],
            )?;
            let totals = transaction.query_row(
                &format!(
                    "SELECT (SELECT count(*) FROM {}),count(*),min(earliest),max(latest) \
                     FROM tsindex_summary",
                    table.name()
                ),
                [],
                totals,
            )?;
            transaction.commit()?;
            Ok((totals, written))
        })?;
        self.written.add(written);
        Ok((totals, self.written))
    }
}

fn table_names(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    names(
        connection,
        "SELECT name FROM sqlite_master WHERE type='table'",
    )
}

/// What changes when another connection changes the database.
fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA data_version", [], |row| row.get(0))
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
