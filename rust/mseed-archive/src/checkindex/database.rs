//! What the index says of itself: pages, tables, summary; and its files, one by one.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::columns::same_time;
use super::{NEW_INDEX, OTHER_PROGRAM, Shared, Work};
use crate::Error;
use crate::problem::{Problem, ProblemKind};
use crate::tsindex::IndexReader;
use crate::tsindex::listing::{Extents, Missing, Tables};

/// Files that a thread takes at once.
const MOST_AT_ONCE: usize = 64;

/// Read the index, check what concerns it as a whole, and hand its files on.
pub(super) fn read(shared: &Shared, hand_on: &dyn Fn(Work) -> bool) -> Result<(), Error> {
    let reading = Reading {
        shared,
        reader: &shared.source.index,
        hand_on,
    };
    match reading.all() {
        // Nothing can be read before the batch is taken back, and that would change the file.
        Err(error @ Error::Unfinished { .. }) => {
            reading.tell(ProblemKind::Database, 1, error.reason());
            Ok(())
        }
        Err(error) if error.is_damage() => {
            let reason = format!("cannot be read ({}); {NEW_INDEX}", error.reason());
            reading.tell(ProblemKind::Database, 1, reason);
            Ok(())
        }
        result => result,
    }
}

struct Reading<'a> {
    shared: &'a Shared,
    reader: &'a IndexReader,
    hand_on: &'a dyn Fn(Work) -> bool,
}

impl Reading<'_> {
    /// Tell of a problem of the index as a whole.
    fn tell(&self, kind: ProblemKind, count: u64, reason: impl Into<String>) {
        let path: &Path = self.reader.path();
        (self.hand_on)(Work::Problem(Problem {
            count,
            ..Problem::file(&path.to_string_lossy(), kind, reason)
        }));
    }

    fn all(&self) -> Result<(), Error> {
        let before = self.reader.state()?;
        for line in self.reader.damage(self.shared.deep)? {
            let reason = format!("SQLite finds damage: {line}; {NEW_INDEX}");
            self.tell(ProblemKind::Database, 1, reason);
        }
        let tables = self.reader.tables()?;
        let tables = self.shared.tables.get_or_init(|| tables);
        self.tell_of_tables(tables);
        // Damage that hides some rows still leaves the summary to be looked at.
        let files = self.files(tables);
        if files.as_ref().is_err_and(|error| !error.is_damage()) {
            return files;
        }
        self.summary(tables)?;
        files?;
        if self.reader.state()? != before {
            (self.hand_on)(Work::Note(
                "the index was changed during the check: what is said of it may have been true \
                 for a moment only; check again when nobody writes"
                    .into(),
            ));
        }
        Ok(())
    }

    fn tell_of_tables(&self, tables: &Tables) {
        for missing in &tables.missing {
            let Missing { table, columns } = missing;
            let remedy = match missing.is_mended() {
                true => "run makeindex again",
                false => NEW_INDEX,
            };
            let reason = if columns.is_empty() {
                format!("no table {table}: expected it of makeindex; {remedy}")
            } else {
                let columns = columns.join(", ");
                format!("table {table} lacks what makeindex needs: {columns}; {remedy}")
            };
            self.tell(ProblemKind::Database, 1, reason);
        }
        if tables.lacks_view {
            let reason = format!(
                "tsindex is no view: expected one, which shows other programs the rows; {NEW_INDEX}"
            );
            self.tell(ProblemKind::Database, 1, reason);
        }
        if tables.is_own && !tables.has_channel_index {
            (self.hand_on)(Work::Note(
                "the first run of makeindex is still at work, or did not come to its end: what is in \
                 the index is whole, other files may be missing, and questions take longer; run \
                 makeindex again, which goes on"
                    .into(),
            ));
        }
        let number = tables.nameless_rows;
        if number > 0 {
            let reason =
                format!("rows without a name of a file: {number}, expected none; {NEW_INDEX}");
            self.tell(ProblemKind::Row, number, reason);
        }
    }

    fn files(&self, tables: &Tables) -> Result<(), Error> {
        let mut after = Vec::new();
        loop {
            let page = self.reader.files_behind(&after, tables)?;
            if page.files.is_empty() {
                return Ok(());
            }
            // So that all threads have something to do, and are not woken for each file.
            let block = (page.files.len() / (4 * self.shared.threads)).clamp(1, MOST_AT_ONCE);
            let mut files = page.files.into_iter();
            while files.len() > 0 {
                let some = files.by_ref().take(block).collect();
                if !(self.hand_on)(Work::Files(some)) {
                    return Ok(());
                }
            }
            let Some(next) = page.next else {
                let reason = format!("names of files come out of order; {NEW_INDEX}");
                self.tell(ProblemKind::Database, 1, reason);
                return Ok(());
            };
            after = next;
        }
    }

    fn summary(&self, tables: &Tables) -> Result<(), Error> {
        let remedy = match tables.is_own {
            true => "run makeindex again",
            false => OTHER_PROGRAM,
        };
        let tell = |text: String| self.tell(ProblemKind::Summary, 1, format!("{text}; {remedy}"));
        if !tables.has_summary {
            if tables.is_own {
                tell("no table tsindex_summary: expected it of makeindex".into());
            } else {
                (self.hand_on)(Work::Note(
                    "no table tsindex_summary: questions with wildcards look at all rows".into(),
                ));
            }
            return Ok(());
        }
        let (rows, summary) = self.reader.extents()?;
        if summary.is_empty() && !rows.is_empty() {
            let number = rows.len();
            tell(format!(
                "tsindex_summary is empty: expected the {number} channels of the rows"
            ));
            return Ok(());
        }
        compare_summary(&rows, &summary, &tell);
        Ok(())
    }
}

fn compare_summary(rows: &Extents, summary: &Extents, tell: &dyn Fn(String)) {
    let expected: HashMap<_, _> = rows.iter().map(|(codes, ends)| (codes, ends)).collect();
    for (codes, [earliest, latest]) in summary {
        let id = codes.join(".");
        match expected.get(codes) {
            None => tell(format!(
                "tsindex_summary names {id}: expected no channel that has no row"
            )),
            Some([start, end]) if !same_time(earliest, start) || !same_time(latest, end) => {
                let text = super::columns::shown;
                tell(format!(
                    "tsindex_summary has {id} from {} to {}: expected {} to {} as the rows say",
                    text(earliest),
                    text(latest),
                    text(start),
                    text(end)
                ));
            }
            Some(_) => {}
        }
    }
    let named: HashSet<_> = summary.iter().map(|(codes, _)| codes).collect();
    for (codes, _) in rows.iter().filter(|(codes, _)| !named.contains(codes)) {
        let id = codes.join(".");
        tell(format!(
            "tsindex_summary lacks {id}: expected each channel that has rows"
        ));
    }
}
