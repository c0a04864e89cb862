//! All that an index has, file by file, for a check: values as they stand, whatever they are.
//!
//! Pages are read by the names of files, each in one transaction: no reader keeps a writer waiting
//! for longer than a page, and all that belongs to a file is true at one time.

use std::collections::BTreeMap;
use std::time::SystemTime;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Row, params};

use super::connection::{Handle, IndexReader};
use super::contents::problem;
use super::tables::{self, FILE_COLUMNS, FILES, PROBLEMS, ROW_COLUMNS, RowTable, SETTINGS};
use crate::Error;
use crate::names::Names;
use crate::problem::Problem;
use crate::scan::Fingerprint;

const NAME: usize = tables::place("filename");

/// A page has about as many entries, all tables counted, unless one file has more.
const PAGE_ENTRIES: i64 = 20_000;

/// A page has at most as many files.
const PAGE_FILES: i64 = 2000;

/// Codes of channels, and their first and last times as they stand.
pub(crate) type Extents = Vec<([String; 4], [Value; 2])>;

/// The values of a row, in the order of [`ROW_COLUMNS`]; a column that is not there is NULL.
pub(crate) type Values = [Value; ROW_COLUMNS.len()];

/// What an index knows of a file beside its rows. The last three are missing in indexes that were made
/// before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileState {
    /// Size in bytes.
    pub(crate) size: u64,
    /// Time of the last change.
    pub(crate) modified_ns: i64,
    /// Records in it.
    pub(crate) records: u64,
    /// Whether the hashes of its rows were formed.
    pub(crate) hashed: bool,
    /// Where the last record ends.
    pub(crate) data_end: Option<u64>,
    /// When the last record begins.
    pub(crate) last_start_ns: Option<i64>,
    /// What tells the file from others.
    pub(crate) fingerprint: Option<Fingerprint>,
}

/// What an index has of a file.
#[derive(Debug, Default)]
pub(crate) struct FileEntry {
    /// Its name; what is no UTF-8 in it is replaced.
    pub(crate) name: String,
    /// Whether the name is UTF-8.
    pub(crate) is_text: bool,
    /// Its rows.
    pub(crate) rows: Vec<Values>,
    /// How it was when it was scanned.
    pub(crate) known: Option<FileState>,
    /// What was wrong with it then.
    pub(crate) problems: Vec<Problem>,
    /// Entries of the last two that have no sense.
    pub(crate) broken: u64,
}

/// Names of files as SQLite orders them: by their bytes.
type Files = BTreeMap<Vec<u8>, FileEntry>;

/// Some files, in the order of their names.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The files.
    pub(crate) files: Vec<FileEntry>,
    /// The name behind which the next page begins; `None` when there is none.
    pub(crate) next: Option<Vec<u8>>,
}

/// What there is to be read.
#[derive(Debug)]
pub(crate) struct Tables {
    /// Whether makeindex of this library wrote the index.
    pub(crate) is_own: bool,
    /// How the index names files.
    pub(crate) names: Names,
    /// Whether rows stand in a table of their own, and `tsindex`, which shows them to other programs,
    /// is no view of it.
    pub(crate) lacks_view: bool,
    /// Whether there is a table of extents.
    pub(crate) has_summary: bool,
    /// Whether there is the SQL index by channel and time, which the first run of makeindex makes last.
    pub(crate) has_channel_index: bool,
    /// Columns that makeindex needs and does not find.
    pub(crate) missing: Vec<Missing>,
    /// Rows that name no file.
    pub(crate) nameless_rows: u64,
    /// About how many files the index knows.
    pub(crate) files: u64,
    /// Whether SQLite finds the rows of a file without looking at all others.
    has_file_index: bool,
}

/// Columns that a table lacks, or a table that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Name of the table.
    pub(crate) table: &'static str,
    /// The columns; none when there is no such table at all.
    pub(crate) columns: Vec<&'static str>,
}

impl Missing {
    /// Whether makeindex makes them when it runs again, and the index is whole then.
    pub(crate) fn is_mended(&self) -> bool {
        match self.columns.as_slice() {
            // All files are scanned again.
            [] => self.table == FILES,
            columns => columns
                .iter()
                .all(|name| tables::is_added(self.table, name)),
        }
    }
}

impl Tables {
    /// Whether the index keeps what was wrong with its files.
    pub(crate) fn keeps_problems(&self) -> bool {
        self.has(PROBLEMS)
    }

    fn has(&self, table: &str) -> bool {
        self.is_own && !self.missing.iter().any(|missing| missing.table == table)
    }
}

/// What tells one state of an index from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    size: u64,
    modified: Option<SystemTime>,
    version: i64,
}

impl IndexReader {
    /// The state of the index now, for this thread.
    pub(crate) fn state(&self) -> Result<State, Error> {
        let version = self.with(|handle| {
            let query = "PRAGMA data_version";
            handle.connection.query_row(query, [], |row| row.get(0))
        })?;
        let metadata = std::fs::metadata(self.path()).map_err(|e| Error::io(self.path(), e))?;
        Ok(State {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            version,
        })
    }

    /// What SQLite finds wrong with the file, a hundred lines at most: its pages, or when it is to
    /// be thorough whether its SQL indexes hold what the tables do, too.
    pub(crate) fn damage(&self, thorough: bool) -> Result<Vec<String>, Error> {
        let query = match thorough {
            true => "PRAGMA integrity_check",
            false => "PRAGMA quick_check",
        };
        self.with(|handle| {
            let lines = super::connection::names(&handle.connection, query)?;
            Ok(lines.into_iter().filter(|line| line != "ok").collect())
        })
    }

    /// Which tables and columns there are.
    pub(crate) fn tables(&self) -> Result<Tables, Error> {
        let (mut tables, is_relative) = self.with(|handle| {
            let connection = &handle.connection;
            let has = |name: &str| handle.names.iter().any(|found| found == name);
            let rows = handle.table;
            let is_own =
                rows == RowTable::WithParts || [FILES, PROBLEMS, SETTINGS].into_iter().any(has);
            let mut missing = Vec::new();
            if is_own {
                for (table, columns) in tables::needed_by_writer(rows) {
                    missing.extend(missing_of(connection, table, columns)?);
                }
            }
            let is_view = connection
                .prepare("SELECT 1 FROM sqlite_master WHERE type='view' AND name=?")?
                .exists([RowTable::Plain.name()])?;
            let is_relative = has(SETTINGS) && tables::are_names_relative(connection)?;
            let rows = rows.name();
            let nameless_rows: i64 = connection.query_row(
                &format!(
                    "SELECT count(*) FROM {rows} \
                     WHERE filename IS NULL OR filename='' OR typeof(filename)<>'text'"
                ),
                [],
                |row| row.get(0),
            )?;
            let count = |query: &str| -> rusqlite::Result<i64> {
                connection.query_row(query, [], |row| row.get(0))
            };
            let mut files = count(&format!("SELECT count(DISTINCT filename) FROM {rows}"))?;
            if handle.is_own {
                files = files.max(count(&format!("SELECT count(*) FROM {FILES}"))?);
            }
            let has_file_index = connection
                .prepare(
                    "SELECT 1 FROM pragma_index_list(?) AS i,pragma_index_info(i.name) AS c \
                     WHERE c.seqno=0 AND c.name='filename' AND i.partial=0",
                )?
                .exists([rows])?;
            let tables = Tables {
                is_own,
                names: Names::Absolute,
                lacks_view: handle.table == RowTable::WithParts && !is_view,
                has_summary: has("tsindex_summary"),
                has_channel_index: has(tables::CHANNEL_INDEX),
                missing,
                nameless_rows: nameless_rows as u64,
                files: files as u64,
                has_file_index,
            };
            Ok((tables, is_relative))
        })?;
        if is_relative {
            tables.names = Names::below_index(self.path())?;
        }
        Ok(tables)
    }

    /// The next files behind a name.
    pub(crate) fn files_behind(&self, after: &[u8], tables: &Tables) -> Result<Page, Error> {
        self.with(|handle| page(handle, after, tables))
    }

    /// The extents of all channels, of the rows and as `tsindex_summary` has them.
    pub(crate) fn extents(&self) -> Result<(Extents, Extents), Error> {
        let of_summary =
            "SELECT network,station,location,channel,earliest,latest FROM tsindex_summary";
        self.with(|handle| {
            let of_rows = format!(
                "SELECT network,station,location,channel,min(starttime),max(endtime) FROM {} \
                 GROUP BY 1,2,3,4",
                handle.table.name()
            );
            let transaction = handle.connection.unchecked_transaction()?;
            Ok((
                extents(&transaction, &of_rows)?,
                extents(&transaction, of_summary)?,
            ))
        })
    }
}

fn columns_of(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?)")?;
    statement.query_map([table], |row| row.get(0))?.collect()
}

fn missing_of(
    connection: &Connection,
    table: &'static str,
    columns: &[&'static str],
) -> rusqlite::Result<Option<Missing>> {
    let found = columns_of(connection, table)?;
    let lacks = |name: &&&str| !found.iter().any(|column| column == **name);
    let lacking: Vec<_> = columns.iter().filter(lacks).copied().collect();
    let columns = match found.is_empty() {
        true => Vec::new(),
        false if lacking.is_empty() => return Ok(None),
        false => lacking,
    };
    Ok(Some(Missing { table, columns }))
}

fn extents(connection: &Connection, query: &str) -> rusqlite::Result<Extents> {
    let mut statement = connection.prepare(query)?;
    let found = statement.query_map([], |row| {
        let code = |at| row.get_ref(at).map(text);
        let codes = [code(0)?, code(1)?, code(2)?, code(3)?];
        Ok((codes, [value(row.get_ref(4)?), value(row.get_ref(5)?)]))
    })?;
    found.collect()
}

fn page(handle: &Handle, after: &[u8], tables: &Tables) -> rusqlite::Result<Page> {
    let transaction = handle.connection.unchecked_transaction()?;
    let rows = handle.table.name();
    let names = next_names(&transaction, rows, after, tables)?;
    let Some(last) = names.last_key_value().map(|(name, _)| name.clone()) else {
        return Ok(Page::default());
    };
    let range = (after, last.as_slice());
    let mut files = names;
    read_rows(&transaction, rows, range, &mut files)?;
    if tables.has(FILES) {
        read_states(&transaction, range, &mut files)?;
    }
    if tables.keeps_problems() {
        read_problems(&transaction, range, &mut files)?;
    }
    Ok(Page {
        // A damaged file may give names out of their order: no page is read twice.
        next: (last.as_slice() > after).then_some(last),
        files: files.into_values().collect(),
    })
}

/// The names of a page, whichever table has them.
fn next_names(
    connection: &Connection,
    rows: &str,
    after: &[u8],
    tables: &Tables,
) -> rusqlite::Result<Files> {
    // Without an SQL index each page would look at all rows: then all is one page.
    let (most_files, most_entries) = match tables.has_file_index {
        true => (PAGE_FILES, PAGE_ENTRIES),
        false => (-1, i64::MAX),
    };
    let mut entries: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
    let mut until: Option<Vec<u8>> = None;
    for table in [rows, FILES, PROBLEMS] {
        if table != rows && !tables.has(table) {
            continue;
        }
        let mut statement = connection.prepare_cached(&format!(
            "SELECT filename,count(*) FROM {table} WHERE filename>? \
             GROUP BY filename ORDER BY filename LIMIT ?"
        ))?;
        let mut found = statement.query(params![name_value(after), most_files])?;
        let (mut number, mut last) = (0, None);
        while let Some(row) = found.next()? {
            if let ValueRef::Text(name) = row.get_ref(0)? {
                *entries.entry(name.to_owned()).or_default() += row.get::<_, i64>(1)?;
                last = Some(name.to_owned());
            }
            number += 1;
        }
        // There may be more names of this table behind its last one here.
        if number == most_files {
            until = until.into_iter().chain(last).min();
        }
    }
    let mut files = Files::new();
    let mut taken = 0i64;
    for (name, number) in entries {
        let is_behind = until.as_ref().is_some_and(|until| name > *until);
        if is_behind || (taken > 0 && taken.saturating_add(number) > most_entries) {
            break;
        }
        taken = taken.saturating_add(number);
        let text = String::from_utf8_lossy(&name).into_owned();
        let entry = FileEntry {
            is_text: text.as_bytes() == name,
            name: text,
            ..FileEntry::default()
        };
        files.insert(name, entry);
    }
    Ok(files)
}

type NameRange<'a> = (&'a [u8], &'a [u8]);

/// Hand on each row of a query for names behind one and up to another, with its file; `name` is the
/// place of the name in it.
fn each_row(
    connection: &Connection,
    (query, name): (&str, usize),
    (after, last): NameRange<'_>,
    files: &mut Files,
    mut take: impl FnMut(&Row<'_>, &mut FileEntry) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query([name_value(after), name_value(last)])?;
    while let Some(row) = rows.next()? {
        if let ValueRef::Text(name) = row.get_ref(name)?
            && let Some(file) = files.get_mut(name)
        {
            take(row, file)?;
        }
    }
    Ok(())
}

/// A query for columns of a table, those that it lacks as NULL, for names behind one and up to another.
fn select(connection: &Connection, table: &str, columns: &[&str]) -> rusqlite::Result<String> {
    let found = columns_of(connection, table)?;
    let columns = columns
        .iter()
        .map(|name| match found.iter().any(|c| c == name) {
            true => (*name).to_owned(),
            false => format!("NULL AS {name}"),
        });
    let columns: Vec<_> = columns.collect();
    Ok(format!(
        "SELECT {} FROM {table} {OF_PAGE}",
        columns.join(",")
    ))
}

/// The names of a page.
const OF_PAGE: &str = "WHERE filename>? AND filename<=?";

fn read_rows(
    connection: &Connection,
    table: &str,
    range: NameRange<'_>,
    files: &mut Files,
) -> rusqlite::Result<()> {
    let query = select(connection, table, &ROW_COLUMNS)?;
    each_row(connection, (&query, NAME), range, files, |row, file| {
        let mut values = [const { Value::Null }; ROW_COLUMNS.len()];
        for (at, found) in values.iter_mut().enumerate() {
            *found = value(row.get_ref(at)?);
        }
        file.rows.push(values);
        Ok(())
    })
}

fn read_states(
    connection: &Connection,
    range: NameRange<'_>,
    files: &mut Files,
) -> rusqlite::Result<()> {
    let query = select(connection, FILES, &FILE_COLUMNS)?;
    each_row(connection, (&query, 0), range, files, |row, file| {
        match state(row) {
            Ok(state) => file.known = Some(state),
            Err(_) => file.broken += 1,
        }
        Ok(())
    })
}

fn read_problems(
    connection: &Connection,
    range: NameRange<'_>,
    files: &mut Files,
) -> rusqlite::Result<()> {
    let query = tables::select_problems(OF_PAGE);
    each_row(connection, (&query, 0), range, files, |row, file| {
        match problem(row) {
            Ok(problem) => file.problems.push(problem),
            Err(_) => file.broken += 1,
        }
        Ok(())
    })
}

/// A row of [`FILE_COLUMNS`].
fn state(row: &Row<'_>) -> rusqlite::Result<FileState> {
    Ok(FileState {
        size: row.get::<_, i64>("size")? as u64,
        modified_ns: row.get("modified_ns")?,
        records: row.get::<_, i64>("records")? as u64,
        hashed: row.get::<_, Option<bool>>("hashed")?.unwrap_or(false),
        data_end: row.get::<_, Option<i64>>("data_end")?.map(|end| end as u64),
        last_start_ns: row.get("last_start_ns")?,
        fingerprint: row.get::<_, Option<i64>>("fingerprint")?.map(Fingerprint),
    })
}

/// A name as it stands in the index, UTF-8 or not.
fn name_value(name: &[u8]) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(ValueRef::Text(name))
}

fn text(found: ValueRef<'_>) -> String {
    match value(found) {
        Value::Text(text) => text,
        Value::Null => String::new(),
        other => format!("{other:?}"),
    }
}

/// A value of its own; what is no UTF-8 in a text is replaced.
pub(crate) fn value(found: ValueRef<'_>) -> Value {
    match found {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_owned()),
    }
}
