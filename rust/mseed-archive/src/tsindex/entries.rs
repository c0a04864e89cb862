//! What an index has of one file: its rows, its problems, its state.

use std::collections::HashMap;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, params};

use super::contents::problem;
use super::row_texts::RowTexts;
use super::schema::seconds_text;
use super::tables::{self, RowTable};
use crate::problem::{Problem, ProblemKind};
use crate::scan::{Fingerprint, Scan};
use crate::walk::FoundFile;

/// A file and what it holds, as it goes into the index.
#[derive(Debug)]
pub struct ScannedFile {
    /// The file.
    pub file: FoundFile,
    /// Its rows.
    pub rows: Vec<RowTexts>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// Records in it.
    pub records: u64,
    /// Where the last of them ends.
    pub(crate) end: u64,
    /// When the last of them begins.
    pub(crate) last_start_ns: i64,
    pub(crate) fingerprint: Fingerprint,
    /// Whether the hashes of its rows were formed.
    hashed: bool,
    /// When it was scanned.
    scanned_ns: i64,
}

impl ScannedFile {
    /// A file that was scanned.
    #[must_use]
    pub fn new(file: FoundFile, scan: Scan, hashed: bool, scanned_ns: i64) -> Self {
        let last = scan.rows.last();
        Self {
            file,
            last_start_ns: last.map_or(0, |row| row.section.last_start_ns),
            rows: scan.rows.iter().map(RowTexts::of).collect(),
            problems: scan.problems.into_iter().collect(),
            records: scan.records,
            end: scan.end,
            fingerprint: scan.fingerprint,
            hashed,
            scanned_ns,
        }
    }
}

/// A change of the archive.
#[derive(Debug)]
pub enum Change {
    /// A file was scanned: what it holds takes the place of what the index had of it.
    Scanned(ScannedFile),
    /// A file has grown: what was scanned takes the place of its last row. That row has this number,
    /// and its last record ended here.
    Grown(ScannedFile, (i64, u64)),
    /// The system says something else of a file that is the same.
    Touched(FoundFile),
    /// A file has another name; this is the one that it had.
    Moved(FoundFile, String),
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applied {
    /// The file was not in the index.
    Added,
    /// Its rows are others now.
    Replaced,
    /// Its rows are those that it had.
    Same,
    /// They are others than those that the change goes on with, and stay: another run wrote them.
    Outdated,
}

/// What was known of a file that has grown.
#[derive(Debug)]
pub struct KnownEnd {
    /// Number of its last row.
    pub rowid: i64,
    /// Its last row.
    pub row: RowTexts,
    /// Its rows, this one included.
    pub rows: usize,
    /// Records that it held.
    pub records: u64,
    /// Where the last of them ends.
    pub end: u64,
    /// When the last of them begins.
    pub last_start_ns: i64,
}

/// Changes the entries of files. `fresh` says that the index had no row when it was opened.
pub(super) struct Entries<'a> {
    pub(super) connection: &'a Connection,
    pub(super) table: RowTable,
    pub(super) fresh: bool,
}

impl Entries<'_> {
    pub(super) fn apply(&mut self, change: &Change) -> rusqlite::Result<Applied> {
        match change {
            Change::Scanned(scanned) => self.replace(scanned),
            Change::Grown(scanned, last) => {
                let name = &scanned.file.name;
                let now = self.known_end(name)?.map(|now| (now.rowid, now.end));
                if now != Some(*last) {
                    return Ok(Applied::Outdated);
                }
                let rowid = last.0;
                self.execute("DELETE FROM {table} WHERE rowid=?", params![rowid])?;
                self.delete_state(&scanned.file.name)?;
                self.insert(scanned)?;
                self.note_time(scanned)?;
                Ok(Applied::Replaced)
            }
            Change::Touched(file) => {
                self.touch(file)?;
                Ok(Applied::Same)
            }
            Change::Moved(file, from) => {
                // Another run may have given it the new name already, or dropped it.
                let is_known = "SELECT 1 FROM credit_fast_files WHERE filename=?";
                if !self.connection.prepare_cached(is_known)?.exists([from])? {
                    return Ok(Applied::Same);
                }
                // Of the new name there may be what was wrong with another file, or rows of another
                // program.
                self.forget(&file.name)?;
                let names = params![file.name, from];
                self.execute("UPDATE {table} SET filename=? WHERE filename=?", names)?;
                for table in ["credit_fast_files", "credit_fast_problems"] {
                    let text = format!("UPDATE {table} SET filename=? WHERE filename=?");
                    self.execute(&text, names)?;
                }
                self.touch(file)?;
                Ok(Applied::Same)
            }
        }
    }

    /// Widen what the summary says of channels to what changes add to them: a run may be killed before
    /// it makes the summary anew, and readers are there meanwhile. They ask the rows while there is
    /// none: of an index with rows it stays so until all channels are known.
    pub(super) fn widen_summary(&self, changes: &[Change]) -> rusqlite::Result<()> {
        let is_made = "SELECT 1 FROM tsindex_summary LIMIT 1";
        if !self.fresh && !self.connection.prepare_cached(is_made)?.exists([])? {
            return Ok(());
        }
        let mut channels: HashMap<&[String; 4], (&str, &str, i64)> = HashMap::new();
        for change in changes {
            let (Change::Scanned(scanned) | Change::Grown(scanned, _)) = change else {
                continue;
            };
            for row in &scanned.rows {
                let (start, end) = (row.start.as_str(), row.end.as_str());
                let known = channels.entry(&row.codes);
                let known = known.or_insert((start, end, scanned.scanned_ns));
                *known = (known.0.min(start), known.1.max(end), known.2);
            }
        }
        for (codes, (start, end, scanned_ns)) in channels {
            let [network, station, location, channel] = codes;
            let now = seconds_text(scanned_ns);
            let all = params![network, station, location, channel, start, end, now];
            self.execute(tables::WIDEN_SUMMARY, &all[..6])?;
            self.execute(tables::ADD_TO_SUMMARY, all)?;
        }
        Ok(())
    }

    fn execute(&self, text: &str, parameters: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.connection
            .prepare_cached(&text.replace("{table}", self.table.name()))?
            .execute(parameters)
    }

    fn replace(&mut self, scanned: &ScannedFile) -> rusqlite::Result<Applied> {
        let name = &scanned.file.name;
        if self.fresh {
            self.insert(scanned)?;
            return Ok(Applied::Added);
        }
        let is_same = !scanned.rows.is_empty() && self.has_rows(name, &scanned.rows)?;
        if is_same && self.problems_of(name)? == scanned.problems {
            self.note_time(scanned)?;
            self.delete_state(name)?;
            self.insert_state(scanned)?;
            return Ok(Applied::Same);
        }
        let had = self.forget(name)?;
        self.insert(scanned)?;
        Ok(if had {
            Applied::Replaced
        } else {
            Applied::Added
        })
    }

    /// Note in the rows of a file, those that stayed too, when it was changed and scanned.
    fn note_time(&self, scanned: &ScannedFile) -> rusqlite::Result<usize> {
        let changed = seconds_text(scanned.file.stamp.modified_ns);
        let now = seconds_text(scanned.scanned_ns);
        self.execute(
            "UPDATE {table} SET filemodtime=?,scanned=? WHERE filename=?",
            params![changed, now, scanned.file.name],
        )
    }

    /// Whether the rows of a file are these. A row that has no sense is none of them.
    fn has_rows(&self, name: &str, rows: &[RowTexts]) -> rusqlite::Result<bool> {
        let query = format!(
            "{} WHERE filename=? ORDER BY byteoffset,rowid",
            self.table.select_texts()
        );
        let mut statement = self.connection.prepare_cached(&query)?;
        let mut found = statement.query([name])?;
        let mut expected = rows.iter();
        while let Some(row) = found.next()? {
            match (RowTexts::read(row), expected.next()) {
                (Ok(found), Some(expected)) if found == *expected => {}
                _ => return Ok(false),
            }
        }
        Ok(expected.next().is_none())
    }

    fn problems_of(&self, name: &str) -> rusqlite::Result<Vec<Problem>> {
        let query = tables::select_problems("WHERE filename=? AND kind<>?");
        let mut statement = self.connection.prepare_cached(&query)?;
        let kind = ProblemKind::Vanished.as_str();
        statement.query_map([name, kind], problem)?.collect()
    }

    /// The last row of a file; `None` unless its last record ends it, and nothing is wrong with the
    /// file but that it was cut short there.
    pub(super) fn known_end(&self, name: &str) -> rusqlite::Result<Option<KnownEnd>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT records,data_end,last_start_ns FROM credit_fast_files WHERE filename=?",
        )?;
        let state: Option<(i64, Option<i64>, Option<i64>)> = statement
            .query_row([name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((records, Some(end), Some(last_start_ns))) = state else {
            return Ok(None);
        };
        let cut_short =
            |p: &Problem| p.kind == ProblemKind::Truncated && p.offset == Some(end as u64);
        if !self.problems_of(name)?.iter().all(cut_short) {
            return Ok(None);
        }
        let query = format!(
            "SELECT {},{},rowid FROM {} WHERE filename=? ORDER BY byteoffset DESC LIMIT 1",
            super::row_texts::TEXT_COLUMNS,
            self.table.parts(),
            self.table.name()
        );
        let mut statement = self.connection.prepare_cached(&query)?;
        let mut rows = statement.query([name])?;
        let Some(found) = rows.next()? else {
            return Ok(None);
        };
        let Ok(row) = RowTexts::read(found) else {
            return Ok(None);
        };
        let rowid = found.get(15)?;
        let number: i64 = self
            .connection
            .prepare_cached(&format!(
                "SELECT count(*) FROM {} WHERE filename=?",
                self.table.name()
            ))?
            .query_row([name], |row| row.get(0))?;
        Ok((row.byte_offset + row.bytes == end).then_some(KnownEnd {
            rowid,
            row,
            rows: number as usize,
            records: records as u64,
            end: end as u64,
            last_start_ns,
        }))
    }

    /// Drop rows, problems and state of a file; returns whether there was any row or state.
    pub(super) fn forget(&self, name: &str) -> rusqlite::Result<bool> {
        let rows = self.execute("DELETE FROM {table} WHERE filename=?", [name])?;
        let known = self.delete_state(name)?;
        Ok(rows + known > 0)
    }

    /// Drop problems and state of a file.
    fn delete_state(&self, name: &str) -> rusqlite::Result<usize> {
        self.execute("DELETE FROM credit_fast_problems WHERE filename=?", [name])?;
        self.execute("DELETE FROM credit_fast_files WHERE filename=?", [name])
    }

    fn touch(&self, file: &FoundFile) -> rusqlite::Result<()> {
        let stamp = &file.stamp;
        self.execute(
            "UPDATE credit_fast_files SET modified_ns=?,changed_ns=?,inode=? WHERE filename=?",
            params![
                stamp.modified_ns,
                stamp.changed_ns,
                stamp.inode as i64,
                file.name
            ],
        )?;
        Ok(())
    }

    fn insert(&mut self, scanned: &ScannedFile) -> rusqlite::Result<()> {
        let changed = seconds_text(scanned.file.stamp.modified_ns);
        let now = seconds_text(scanned.scanned_ns);
        if scanned.rows.iter().any(|row| row.parts.is_some()) {
            self.table.take_parts(self.connection)?;
        }
        if !scanned.rows.is_empty() {
            self.insert_rows(&scanned.rows, &scanned.file.name, &changed, &now)?;
        }
        self.insert_state(scanned)
    }

    /// Insert problems and state of a file.
    fn insert_state(&self, scanned: &ScannedFile) -> rusqlite::Result<()> {
        for problem in &scanned.problems {
            insert_problem(self.connection, problem)?;
        }
        // A file that could not be read is tried again next time.
        let unreadable = |p: &Problem| p.kind == ProblemKind::Unreadable;
        if scanned.problems.iter().any(unreadable) {
            return Ok(());
        }
        let stamp = &scanned.file.stamp;
        self.execute(
            &tables::insert_into(tables::FILES, &tables::FILE_COLUMNS),
            params![
                scanned.file.name,
                stamp.size as i64,
                stamp.modified_ns,
                scanned.records as i64,
                stamp.changed_ns,
                stamp.inode as i64,
                scanned.end as i64,
                scanned.last_start_ns,
                scanned.fingerprint.0,
                scanned.hashed,
            ],
        )?;
        Ok(())
    }

    fn insert_rows(
        &self,
        rows: &[RowTexts],
        name: &str,
        changed: &str,
        now: &str,
    ) -> rusqlite::Result<()> {
        let columns = self.table.columns();
        let text = tables::insert_into(self.table.name(), columns);
        let mut statement = self.connection.prepare_cached(&text)?;
        let mut before = None;
        for row in rows {
            let values = row.values(name, changed, now);
            for (at, value) in values[..columns.len()].iter().enumerate() {
                // What stays the same from row to row stays bound: most of it does.
                if before.is_none_or(|before: [ValueRef<'_>; _]| before[at] != *value) {
                    statement.raw_bind_parameter(at + 1, ToSqlOutput::Borrowed(*value))?;
                }
            }
            statement.raw_execute()?;
            before = Some(values);
        }
        Ok(())
    }
}

pub(super) fn insert_problem(connection: &Connection, problem: &Problem) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&tables::insert_into(
            tables::PROBLEMS,
            &tables::PROBLEM_COLUMNS,
        ))?
        .execute(params![
            problem.path,
            problem.offset.map(|at| at as i64),
            problem.length as i64,
            problem.kind.as_str(),
            problem.reason,
            problem.count as i64,
        ])?;
    Ok(())
}
