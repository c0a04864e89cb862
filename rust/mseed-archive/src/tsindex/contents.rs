//! What an index holds as a whole.

use rusqlite::Row;

use super::connection::IndexReader;
use super::tables;
use crate::Error;
use crate::problem::{Problem, ProblemKind};

/// Figures of an index, and what was wrong with the files that it was made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Rows of `tsindex`.
    pub rows: u64,
    /// Files that have rows.
    pub files: u64,
    /// Bytes of the records that the rows name.
    pub data_bytes: u64,
    /// When one of the files was last changed, as the index has it.
    pub changed: Option<String>,
    /// Problems; an index of another program keeps none.
    pub problems: Vec<Problem>,
}

impl IndexReader {
    /// Count what is in the index.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn contents(&self) -> Result<Contents, Error> {
        self.with(|handle| {
            let transaction = handle.connection.unchecked_transaction()?;
            let mut contents = transaction.query_row(
                &format!(
                    "SELECT count(*),count(DISTINCT filename),\
                     sum(CASE WHEN {0} IS NULL THEN bytes ELSE \
                     (SELECT sum(json_extract(value,'$[5]')) FROM json_each({0})) END),\
                     max(filemodtime) FROM {1}",
                    handle.table.parts(),
                    handle.table.name()
                ),
                [],
                counted,
            )?;
            if handle.is_own {
                let mut statement = transaction.prepare(&tables::select_problems(""))?;
                let problems = statement.query_map([], problem)?;
                contents.problems = problems.collect::<rusqlite::Result<_>>()?;
            }
            Ok(contents)
        })
    }
}

/// A row of `credit_fast_problems`.
pub(super) fn problem(row: &rusqlite::Row<'_>) -> rusqlite::Result<Problem> {
    let offset: Option<i64> = row.get(1)?;
    let kind: String = row.get(3)?;
    Ok(Problem {
        path: row.get(0)?,
        offset: offset.map(|at| at as u64),
        length: row.get::<_, i64>(2)? as u64,
        kind: ProblemKind::from_text(&kind),
        reason: row.get(4)?,
        count: row.get::<_, i64>(5)? as u64,
    })
}

fn counted(row: &Row<'_>) -> rusqlite::Result<Contents> {
    Ok(Contents {
        rows: row.get::<_, i64>(0)? as u64,
        files: row.get::<_, i64>(1)? as u64,
        data_bytes: row.get::<_, Option<i64>>(2)?.unwrap_or_default() as u64,
        changed: row.get(3)?,
        problems: Vec::new(),
    })
}
