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

/// The column of [`ROWS_WITH_PARTS`] that `tsindex` does not have.
const PARTS: &str = "parts";

/// The columns of the table that the rows stand in, in their order; the last one is not in `tsindex`.
pub(crate) const ROW_COLUMNS: [&str; COLUMNS.len() + 1] = {
    let mut all = [PARTS; COLUMNS.len() + 1];
    let mut at = 0;
    while at < COLUMNS.len() {
        all[at] = COLUMNS[at];
        at += 1;
    }
    all
};

/// Place of a column in [`ROW_COLUMNS`]; a name that is not there does not compile in a constant.
pub(crate) const fn place(name: &str) -> usize {
    let mut at = 0;
    while at < ROW_COLUMNS.len() {
        if same_text(ROW_COLUMNS[at], name) {
            return at;
        }
        at += 1;
    }
    panic!("no such column")
}

const fn same_text(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// Tables of our own.
pub(super) const FILES: &str = "credit_fast_files";
pub(super) const PROBLEMS: &str = "credit_fast_problems";
pub(super) const SETTINGS: &str = "credit_fast_settings";

/// The columns of [`FILES`], in their order.
pub(super) const FILE_COLUMNS: [&str; 10] = [
    "filename",
    "size",
    "modified_ns",
    "records",
    "changed_ns",
    "inode",
    "data_end",
    "last_start_ns",
    "fingerprint",
    "hashed",
];

/// Those without which nothing is known of a file; the others were added later.
const FILE_COLUMNS_NEEDED: &[&str] = FILE_COLUMNS.split_at(4).0;

/// The columns of [`PROBLEMS`], in their order.
pub(super) const PROBLEM_COLUMNS: [&str; 6] =
    ["filename", "byteoffset", "bytes", "kind", "reason", "count"];

/// The setting that says how files are named.
const NAMES: &str = "names";
const RELATIVE: &str = "relative";

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

/// Let a channel of the summary, if it is there, reach from one time to another.
pub(super) const WIDEN_SUMMARY: &str = "UPDATE tsindex_summary \
SET earliest=min(earliest,?5),latest=max(latest,?6) \
WHERE network=?1 AND station=?2 AND location=?3 AND channel=?4 AND (earliest>?5 OR latest<?6)";

/// Add a channel to the summary, if it is not there.
pub(super) const ADD_TO_SUMMARY: &str = "INSERT INTO tsindex_summary \
SELECT ?1,?2,?3,?4,?5,?6,?7 WHERE NOT EXISTS (SELECT 1 FROM tsindex_summary \
WHERE network=?1 AND station=?2 AND location=?3 AND channel=?4)";

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

/// Problems under a condition, by file.
pub(super) fn select_problems(condition: &str) -> String {
    let columns = PROBLEM_COLUMNS.join(",");
    format!("SELECT {columns} FROM {PROBLEMS} {condition} ORDER BY filename,rowid")
}

/// A statement that inserts values of columns into a table.
pub(super) fn insert_into(table: &str, columns: &[&str]) -> String {
    format!(
        "INSERT INTO {table} ({}) VALUES ({})",
        columns.join(","),
        vec!["?"; columns.len()].join(",")
    )
}

/// Tables that are in each index that makeindex made, with these columns at least.
pub(super) fn needed_by_writer(rows: RowTable) -> Vec<(&'static str, &'static [&'static str])> {
    let mut tables: Vec<(_, &'static [_])> = vec![
        (RowTable::Plain.name(), &COLUMNS),
        (FILES, FILE_COLUMNS_NEEDED),
        (PROBLEMS, &PROBLEM_COLUMNS),
    ];
    if rows == RowTable::WithParts {
        tables.push((rows.name(), rows.columns()));
    }
    tables
}

/// Whether the next run of makeindex adds a column where it lacks.
pub(super) fn is_added(table: &str, column: &str) -> bool {
    ADDED.iter().any(|(of, definition)| {
        *of == table
            && definition
                .split(' ')
                .next()
                .is_some_and(|name| name == column)
    })
}

/// Keep that files are named relative to the index.
pub(super) fn name_relatively(connection: &Connection) -> rusqlite::Result<()> {
    let text = insert_into(SETTINGS, &["key", "value"]);
    connection.execute(&text, [NAMES, RELATIVE]).map(drop)
}

/// Whether files are named relative to the index.
pub(super) fn are_names_relative(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare(&format!("SELECT 1 FROM {SETTINGS} WHERE key=? AND value=?"))?
        .exists([NAMES, RELATIVE])
}

/// SQL index by channel and time, under the name that mseedindex gives it.
pub(super) const CHANNEL_INDEX: &str = "tsindex_nslcse_idx";

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

    /// Its columns.
    pub(super) fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &COLUMNS,
            Self::WithParts => &ROW_COLUMNS,
        }
    }

    /// The version of a row that has parts, else NULL, as a column of a query.
    pub(super) fn version_among_others(self) -> &'static str {
        match self {
            Self::Plain => "NULL",
            Self::WithParts => "iif(parts IS NULL,NULL,version)",
        }
    }

    /// The parts of a row, as a column of a query.
    pub(super) fn parts(self) -> &'static str {
        match self {
            Self::Plain => "NULL",
            Self::WithParts => PARTS,
        }
    }

    /// Make the SQL index by channel and time, if it is missing.
    pub(super) fn create_channel_index(self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(&format!(
            "CREATE INDEX IF NOT EXISTS {CHANNEL_INDEX} ON {} \
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_its_place() {
        for (at, name) in ROW_COLUMNS.iter().enumerate() {
            assert_eq!(place(name), at);
        }
    }
}
