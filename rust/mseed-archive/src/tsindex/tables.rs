//! Tables and SQL indexes of an index.
//!
//! The rows stand in `tsindex`, as mseedindex makes it. Once an index holds a file in which
//! channels take turns they stand in [`ROWS_WITH_PARTS`], and `tsindex` is a view of it with a row
//! for each turn, for the sake of other programs: docs/decisions/0011.

use rusqlite::Connection;

use super::connection::names;
use super::schema::IS_SLOW;

/// Table with a row for each channel of a file in which channels take turns.
const ROWS_WITH_PARTS: &str = "credit_fast_rows";

/// The columns of `tsindex`, in their order.
pub(super) const COLUMNS: [&str; 20] = [
    "network",
    "station",
    "location",
    "channel",
    "quality",
    "version",
    "starttime",
    "endtime",
    "samplerate",
    "filename",
    "byteoffset",
    "bytes",
    "hash",
    "timeindex",
    "timespans",
    "timerates",
    "format",
    "filemodtime",
    "updated",
    "scanned",
];

/// The columns that a program needs to find in `tsindex` to read it; `version` and `quality` are
/// missing in some.
pub(super) const NEEDED: [&str; 13] = [
    "network",
    "station",
    "location",
    "channel",
    "starttime",
    "endtime",
    "samplerate",
    "filename",
    "byteoffset",
    "bytes",
    "timeindex",
    "timespans",
    "timerates",
];

/// Tables that other programs read. The column order is part of the schema, and so is TEXT in the
/// summary: portable-fdsnws-dataselect refuses any other type, `ObsPy` asks for none.
pub(super) const CREATE: &str = "
CREATE TABLE IF NOT EXISTS tsindex (network TEXT,station TEXT,location TEXT,channel TEXT,\
quality TEXT,version INTEGER,starttime TEXT,endtime TEXT,samplerate REAL,filename TEXT,\
byteoffset INTEGER,bytes INTEGER,hash TEXT,timeindex TEXT,timespans TEXT,timerates TEXT,\
format TEXT,filemodtime TEXT,updated TEXT,scanned TEXT);
CREATE TABLE IF NOT EXISTS tsindex_summary (network TEXT NOT NULL,station TEXT NOT NULL,\
location TEXT NOT NULL,channel TEXT NOT NULL,earliest TEXT NOT NULL,\
latest TEXT NOT NULL,updt TEXT,\
PRIMARY KEY (network,station,location,channel,earliest,latest));
";

/// Tables of our own; other programs pass them over.
///
/// `credit_fast_files` tells which files are unchanged, and where to go on with those that grew:
/// what the system said of them when they were scanned, where their last record ends and begins in
/// time, a fingerprint, and whether the hashes of their rows were formed. `credit_fast_problems`
/// keeps what was wrong with them, `credit_fast_settings` how the index names files.
pub(super) const CREATE_OWN: &str = "
CREATE TABLE IF NOT EXISTS credit_fast_files (filename TEXT PRIMARY KEY,size INTEGER NOT NULL,\
modified_ns INTEGER NOT NULL,records INTEGER NOT NULL,changed_ns INTEGER,inode INTEGER,\
data_end INTEGER,last_start_ns INTEGER,fingerprint INTEGER,hashed INTEGER);
CREATE TABLE IF NOT EXISTS credit_fast_problems (filename TEXT NOT NULL,byteoffset INTEGER,\
bytes INTEGER NOT NULL,kind TEXT NOT NULL,reason TEXT NOT NULL,count INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS credit_fast_problems_idx ON credit_fast_problems (filename);
CREATE TABLE IF NOT EXISTS credit_fast_settings (key TEXT PRIMARY KEY,value TEXT NOT NULL);
";

/// Columns that indexes made before them lack.
const ADDED: [(&str, &str); 7] = [
    ("credit_fast_problems", "count INTEGER NOT NULL DEFAULT 1"),
    ("credit_fast_files", "changed_ns INTEGER"),
    ("credit_fast_files", "inode INTEGER"),
    ("credit_fast_files", "data_end INTEGER"),
    ("credit_fast_files", "last_start_ns INTEGER"),
    ("credit_fast_files", "fingerprint INTEGER"),
    ("credit_fast_files", "hashed INTEGER"),
];

/// All problems, by file.
pub(super) const SELECT_PROBLEMS: &str = "SELECT filename,byteoffset,bytes,kind,reason,count FROM credit_fast_problems \
     ORDER BY filename,rowid";

/// SQL index of the rows of slow channels: nearly always empty. Its name is ours, so that other
/// programs see the ones that they know unchanged.
pub(super) const SLOW_INDEX: &str = "credit_fast_slow_idx";

/// Add to our own tables what an earlier version did not know.
pub(super) fn add_columns(connection: &Connection) -> rusqlite::Result<()> {
    for (table, column) in ADDED {
        let name = column.split(' ').next().unwrap_or(column);
        let known = names(
            connection,
            &format!("SELECT name FROM pragma_table_info('{table}')"),
        )?;
        if !known.iter().any(|known| known == name) {
            connection.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN {column}"))?;
        }
    }
    Ok(())
}

/// The table that the rows stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowTable {
    /// `tsindex` itself.
    Plain,
    /// [`ROWS_WITH_PARTS`].
    WithParts,
}

impl RowTable {
    /// That of an index with these tables.
    pub(super) fn of(tables: &[String]) -> Self {
        if tables.iter().any(|table| table == ROWS_WITH_PARTS) {
            Self::WithParts
        } else {
            Self::Plain
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "tsindex",
            Self::WithParts => ROWS_WITH_PARTS,
        }
    }

    /// Whether a row has parts, as a column of a query.
    pub(super) fn has_parts(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::WithParts => "parts IS NOT NULL",
        }
    }

    /// The parts of a row, as a column of a query.
    pub(super) fn parts(self) -> &'static str {
        match self {
            Self::Plain => "NULL",
            Self::WithParts => "parts",
        }
    }

    /// Make the SQL index by channel and time, if it is missing.
    pub(super) fn create_channel_index(self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(&format!(
            "CREATE INDEX IF NOT EXISTS tsindex_nslcse_idx ON {} \
             (network,station,location,channel,starttime,endtime)",
            self.name()
        ))
    }

    /// Make the other SQL indexes that are missing: rows of a file stand side by side in them.
    pub(super) fn create_file_indexes(self, connection: &Connection) -> rusqlite::Result<()> {
        let table = self.name();
        connection.execute_batch(&format!(
            "CREATE INDEX IF NOT EXISTS tsindex_filename_idx ON {table} (filename);
             CREATE INDEX IF NOT EXISTS tsindex_updated_idx ON {table} (updated);
             CREATE INDEX IF NOT EXISTS {SLOW_INDEX} ON {table} \
             (network,station,location,channel) WHERE {IS_SLOW};"
        ))
    }

    /// Move the rows to the table that holds parts, and make `tsindex` a view of it.
    pub(super) fn take_parts(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if *self == Self::WithParts {
            return Ok(());
        }
        connection.execute_batch(&format!(
            "ALTER TABLE tsindex RENAME TO {ROWS_WITH_PARTS};
             ALTER TABLE {ROWS_WITH_PARTS} ADD COLUMN parts TEXT;
             {};",
            create_view()
        ))?;
        *self = Self::WithParts;
        Ok(())
    }
}

/// `tsindex` as a view: rows with parts become one for each part, others stay as they are.
///
/// One join, no union: SQLite then looks for the rows of a channel by their SQL index, as in a table.
fn create_view() -> String {
    let part = |at: usize| format!("json_extract(part.value,'$[{at}]')");
    // A part is [seconds and microseconds of its begin and of its end, offset, bytes].
    let time = |at: usize| {
        format!(
            "strftime('%Y-%m-%dT%H:%M:%S',{},'unixepoch')||CASE {1} WHEN 0 THEN '' \
             ELSE printf('.%06d',{1}) END",
            part(at),
            part(at + 1)
        )
    };
    let epoch = |at: usize| format!("printf('%d.%06d',{},{})", part(at), part(at + 1));
    let column = |name: &&str| {
        let of_part = match *name {
            "starttime" => time(0),
            "endtime" => time(2),
            "byteoffset" => part(4),
            "bytes" => part(5),
            "timeindex" => format!("{}||'=>'||{}||',latest=>1'", epoch(0), part(4)),
            "timespans" => format!(
                "CASE WHEN timespans IS NULL THEN NULL ELSE '['||{}||':'||{}||']' END",
                epoch(0),
                epoch(2)
            ),
            "timerates" => "NULL".to_owned(),
            name => return name.to_owned(),
        };
        format!("CASE WHEN parts IS NULL THEN {name} ELSE {of_part} END AS {name}")
    };
    let columns: Vec<_> = COLUMNS.iter().map(column).collect();
    format!(
        "CREATE VIEW tsindex AS SELECT {} FROM {ROWS_WITH_PARTS},\
         json_each(ifnull(parts,'[null]')) AS part",
        columns.join(",")
    )
}
