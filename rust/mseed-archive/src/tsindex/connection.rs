//! Connections of readers: one for each thread of each process.
//!
//! A connection that a child inherited is left alone, never closed: SQLite would work on what it
//! remembers of the locks and the transactions of the parent. Nothing here opens the index file but
//! SQLite itself: closing any other descriptor of a file drops all locks that the process has on it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::SystemTime;

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::opened::{self, FileIdentity, Opened};
use super::patience::{BUSY, patiently};
use super::query;
use super::rows::KeptRows;
use super::tables::{self, RowTable};
use crate::Error;
use crate::fork::{self, Inside};
use crate::run::Cancel;

/// Connections that every thread may keep open.
const OPEN_PER_THREAD: usize = 64;

/// Connections of all threads up to which a thread keeps more: each is a file that is open, of which
/// a process may have a thousand, and opening one anew costs as much as ten windows.
const OPEN_IN_ALL: usize = 256;

/// Steps of SQLite's machine between two looks at whether to go on: well below a millisecond.
const STEPS: i32 = 10_000;

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// Connections that are open.
static NUMBER_OPEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static OPEN: RefCell<OpenHandles> = const { RefCell::new(OpenHandles(Vec::new())) };
}

/// A connection that is closed inside the gate, whatever ends its use: closing takes SQLite's own locks.
#[derive(Debug)]
pub(super) struct Gated {
    connection: Connection,
    /// Fields are dropped in their order: this one when the connection is closed.
    inside: Option<Inside>,
}

impl Gated {
    /// Of a connection that was opened inside the gate.
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            inside: None,
        }
    }
}

impl Deref for Gated {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Gated {
    fn drop(&mut self) {
        self.inside = Some(fork::enter());
    }
}

/// A connection and what it found.
pub(super) struct Handle {
    reader: u64,
    process: u32,
    file: IndexFile,
    pub(super) connection: Gated,
    _opened: Opened,
    pub(super) has_summary: bool,
    /// The question for rows, by the columns that there are.
    pub(super) select_runs: String,
    /// Whether the rows of slow channels have an SQL index of their own.
    pub(super) has_slow_index: bool,
    /// Channels of which it is known whether they have slow rows, where no SQL index tells.
    pub(super) slow_channels: RefCell<SlowChannels>,
    /// Whether makeindex of this library wrote the index.
    pub(super) is_own: bool,
    /// Where the rows stand.
    pub(super) table: RowTable,
    /// Whether that is a table whose rows have numbers; another program may make a view.
    pub(super) has_rowids: bool,
    /// Tables, views and SQL indexes.
    pub(super) names: Vec<String>,
    /// Rows in memory.
    pub(super) kept: RefCell<KeptRows>,
}

/// Codes → whether the channel has slow rows, as of a version of the database.
#[derive(Debug, Default)]
pub(super) struct SlowChannels {
    pub(super) version: i64,
    pub(super) known: HashMap<[String; 4], bool>,
}

impl Handle {
    fn close(self) {
        NUMBER_OPEN.fetch_sub(1, Ordering::Relaxed);
        if self.process == std::process::id() {
            drop(self);
        } else {
            std::mem::forget(self);
        }
    }
}

struct OpenHandles(Vec<Handle>);

impl Drop for OpenHandles {
    fn drop(&mut self) {
        self.0.drain(..).for_each(Handle::close);
    }
}

/// An index opened for reading. Cheap to clone, safe to share between threads and over forks.
#[derive(Debug, Clone)]
pub struct IndexReader {
    path: PathBuf,
    id: u64,
    /// Of a reader that changes nothing, and whose questions this ends.
    untouched: Option<Arc<Cancel>>,
}

impl IndexReader {
    /// Open an index. Creates nothing.
    ///
    /// # Errors
    /// [`Error::Io`] when the file is missing, a folder or forbidden, [`Error::NotAnIndex`] when it
    /// is no SQLite database or has no `tsindex` table with the needed columns.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let reader = Self::new(path, None)?;
        reader.with(|_| Ok(()))?;
        Ok(reader)
    }

    /// A reader that leaves an index as it is, even one whose writer was killed: its questions give
    /// [`Error::Unfinished`] then. They end when `cancel` is set. The first one opens the index.
    ///
    /// # Errors
    /// [`Error::Io`] when the file is missing, a folder or forbidden.
    pub(crate) fn untouched(path: &Path, cancel: &Arc<Cancel>) -> Result<Self, Error> {
        Self::new(path, Some(Arc::clone(cancel)))
    }

    fn new(path: &Path, untouched: Option<Arc<Cancel>>) -> Result<Self, Error> {
        let metadata = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
        if metadata.is_dir() {
            return Err(Error::io(path, io::ErrorKind::IsADirectory.into()));
        }
        Ok(Self {
            // The working folder may change; the index does not.
            path: std::path::absolute(path).map_err(|e| Error::io(path, e))?,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            untouched,
        })
    }

    /// The index file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Use the connection of this thread in this process; a new one when the file was replaced.
    pub(super) fn with<T>(
        &self,
        work: impl Fn(&Handle) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let process = std::process::id();
        let file = IndexFile::at(&self.path)?;
        OPEN.with_borrow_mut(|OpenHandles(open)| {
            let stale =
                |h: &mut Handle| h.process != process || (h.reader == self.id && h.file != file);
            for handle in open.extract_if(.., stale) {
                handle.close();
            }
            let at = match open.iter().position(|h| h.reader == self.id) {
                Some(at) => at,
                None => {
                    if open.len() >= OPEN_PER_THREAD
                        && NUMBER_OPEN.load(Ordering::Relaxed) >= OPEN_IN_ALL
                    {
                        open.remove(0).close();
                    }
                    open.push(self.connect(process, file)?);
                    NUMBER_OPEN.fetch_add(1, Ordering::Relaxed);
                    open.len() - 1
                }
            };
            self.patiently(|| work(&open[at]))
        })
    }

    fn connect(&self, process: u32, file: IndexFile) -> Result<Handle, Error> {
        let opened = Opened::new(file.identity);
        let (connection, columns, names) = self.patiently(|| {
            let read = self.read_schema();
            let is_read_only =
                matches!(&read, Err(e) if e.sqlite_error_code() == Some(ErrorCode::ReadOnly));
            if !is_read_only || self.untouched.is_some() {
                return read;
            }
            // A writer was killed in the middle of a batch. SQLite takes the batch back as soon
            // as somebody who may write opens the file.
            match self.take_back() {
                Ok(()) => self.read_schema(),
                // What reading says tells more.
                Err(error) if is_refusal(&error) => read,
                Err(error) => Err(error),
            }
        })?;
        let missing: Vec<_> = tables::NEEDED
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
        let has = |name: &str| names.iter().any(|found| found == name);
        let has_summary = has("tsindex_summary")
            && self.patiently(|| {
                let mut statement = connection.prepare("SELECT 1 FROM tsindex_summary LIMIT 1")?;
                statement.exists([])
            })?;
        let table = RowTable::of(&names);
        let has_rowids = self.patiently(|| {
            let mut statement = connection
                .prepare("SELECT 1 FROM pragma_table_list(?) WHERE type='table' AND wr=0")?;
            statement.exists([table.name()])
        })?;
        Ok(Handle {
            reader: self.id,
            process,
            file,
            connection,
            _opened: opened,
            has_summary,
            select_runs: query::select_runs(table, &columns),
            has_slow_index: has(tables::SLOW_INDEX),
            slow_channels: RefCell::default(),
            is_own: has("credit_fast_files"),
            table,
            has_rowids,
            names,
            kept: RefCell::default(),
        })
    }

    /// Let SQLite take back what a killed writer left.
    fn take_back(&self) -> rusqlite::Result<()> {
        let writing = Gated::new(Connection::open_with_flags(&self.path, write_flags())?);
        writing.busy_timeout(BUSY)?;
        writing.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))
    }

    fn read_schema(&self) -> rusqlite::Result<(Gated, Vec<String>, Vec<String>)> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY)?;
        if let Some(cancel) = self.untouched.clone() {
            connection.progress_handler(STEPS, Some(move || cancel.is_set()))?;
        }
        let columns = names(&connection, "SELECT name FROM pragma_table_info('tsindex')")?;
        let names = names(&connection, "SELECT name FROM sqlite_master")?;
        Ok((Gated::new(connection), columns, names))
    }

    fn patiently<T>(&self, work: impl FnMut() -> rusqlite::Result<T>) -> Result<T, Error> {
        let go_on = || match &self.untouched {
            Some(cancel) if cancel.is_set() => Err(Error::Cancelled),
            _ => Ok(()),
        };
        let explain = |error: rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Error::Cancelled,
            Some(ErrorCode::ReadOnly) if is_unfinished(&error) => Error::Unfinished {
                path: self.path.clone(),
                is_forbidden: self.untouched.is_none(),
            },
            _ => wrap(&self.path, error),
        };
        patiently(explain, go_on, work)
    }
}

/// Whether SQLite would have to take back, or to take up, what a killed writer left.
fn is_unfinished(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|e| e.extended_code);
    matches!(
        code,
        Some(ffi::SQLITE_READONLY_ROLLBACK | ffi::SQLITE_READONLY_RECOVERY)
    )
}

/// Whether a file or folder may not be written to: an index, its journal, or the folder, out of which
/// the journal is deleted in the end.
fn is_refusal(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|e| e.extended_code);
    code == Some(ffi::SQLITE_IOERR_DELETE)
        || matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied)
        )
}

fn write_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// The first column of a query.
pub(super) fn names(connection: &Connection, query: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(query)?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// The file of an index as it is now. One that was written over in place, by a copy of another, may
/// look unchanged to SQLite: a connection is made anew when size or time of change differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct IndexFile {
    identity: Option<FileIdentity>,
    size: u64,
    modified: Option<SystemTime>,
}

impl IndexFile {
    fn at(path: &Path) -> Result<Self, Error> {
        let metadata = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
        Ok(Self {
            identity: opened::identity(&metadata),
            size: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}

/// A failure of SQLite as one of ours: where it is one of the file system, as that.
pub(super) fn wrap(path: &Path, error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Error::NotAnIndex {
            path: path.to_path_buf(),
            reason: "not an SQLite database: expected an index made by makeindex or mseedindex"
                .into(),
        },
        Some(ErrorCode::CannotOpen) if path.is_dir() => {
            Error::io(path, io::ErrorKind::IsADirectory.into())
        }
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            Error::io(path, io::ErrorKind::PermissionDenied.into())
        }
        _ => Error::Sqlite {
            path: path.to_path_buf(),
            source: error,
        },
    }
}
