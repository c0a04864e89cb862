//! One file of the index: whether it is there, and as it was when it was scanned.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use mseed_core::time::NS_PER_S;

use super::columns::{MODIFIED, row_name, text};
use super::findings::OfFile;
use super::rows::Placed;
use super::{NEW_INDEX, OTHER_PROGRAM, deep, rows};
use crate::names::Names;
use crate::problem::{Problem, ProblemKind, ProblemList};
use crate::run::Cancel;
use crate::scan::Scanner;
use crate::tsindex::listing::FileEntry;
use crate::tsindex::schema::{parse_time, seconds_text, time_text};
use crate::walk::{NOT_A_FILE, Stamp, Whereabouts, is_absence};
use crate::window::{Source, locate};

/// What to do when makeindex would scan the file again.
const AGAIN: &str = "run makeindex again";

/// What to do when it would not.
const UNCHANGED: &str = "makeindex takes the file for unchanged: touch it and run makeindex \
     again, or make a new index";

/// What to do when it would take the file for another one.
const MOVED: &str = "make a new index of the archive where it is now";

/// What is found in the place of a file that was moved and linked.
const LINKED: &str = "the path is a link now, or leads through one";

/// What a check of a file needs to know.
pub(super) struct Checking<'a> {
    pub(super) source: &'a Source,
    pub(super) is_own: bool,
    pub(super) keeps_problems: bool,
    pub(super) names: &'a Names,
    pub(super) deep: bool,
    pub(super) wants_place: bool,
    pub(super) cancel: &'a Cancel,
}

/// What a check of a file found.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) problems: ProblemList,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// The name that a walk has for it.
    pub(super) place: Option<PathBuf>,
}

/// A file where it is now.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
}

/// Check all that the index has of a file.
pub(super) fn check(entry: &FileEntry, checking: &Checking<'_>, scanner: &mut Scanner) -> Checked {
    let mut checked = Checked {
        rows: entry.rows.len() as u64,
        ..Checked::default()
    };
    if !entry.is_text {
        let reason = "the name of the file is no UTF-8: expected text, as no reader finds it by \
             this name; rename the file and make a new index";
        let problem = Problem::file(&entry.name, ProblemKind::Row, reason);
        checked.problems.push(problem);
        return checked;
    }
    let look = |path: &Path| std::fs::metadata(path).map(|found| (path.to_path_buf(), found));
    let located = locate(checking.source, &entry.name, checking.is_own, look);
    let is_moved = checking.source.paths.apply(&entry.name).is_some();
    let place =
        located
            .and_then(as_file)
            .and_then(|place| match is_linked(entry, checking, is_moved) {
                true => Err(io::Error::new(ErrorKind::NotFound, LINKED)),
                false => Ok(place),
            });
    if checking.wants_place {
        let path = place.as_ref().ok().map(|place| &place.path);
        checked.place = path.and_then(|path| path.canonicalize().ok());
    }
    let is_same = place
        .as_ref()
        .is_ok_and(|place| is_unchanged(entry, place, is_moved));
    let remedy = match checking.is_own {
        false => OTHER_PROGRAM,
        true if is_moved && place.is_ok() => MOVED,
        true if is_same => UNCHANGED,
        true => AGAIN,
    };
    let mut told = OfFile::new(&entry.name, remedy);
    let placed = rows::check(&entry.rows, &mut told);
    match &place {
        Err(error) => tell_of_absence(entry, error, checking, &mut told),
        Ok(place) if is_same => check_reach(&placed, place, &mut told),
        Ok(place) => check_change(entry, &placed, place, &mut told),
    }
    if checking.is_own {
        check_name(entry, checking.names, &mut told);
        check_state(entry, place.is_ok() && !is_moved, &mut told);
    }
    if let (true, Ok(place)) = (checking.deep, &place) {
        let scanning = deep::Scanning {
            entry,
            place,
            is_same,
            checking,
        };
        checked.bytes = scanning.check(&placed, scanner, &mut told);
    }
    checked.problems = told.into_problems();
    checked
}

/// Whether only a link leads to a file now, which makeindex knows by a path without one.
fn is_linked(entry: &FileEntry, checking: &Checking<'_>, is_moved: bool) -> bool {
    checking.is_own
        && !is_moved
        && entry.known.is_some()
        && Whereabouts::of(&checking.names.path(&entry.name)) == Whereabouts::Linked
}

fn as_file((path, found): (PathBuf, Metadata)) -> io::Result<Place> {
    if !found.is_file() {
        return Err(io::Error::other(NOT_A_FILE));
    }
    Ok(Place {
        path,
        stamp: Stamp::of(&found),
    })
}

/// Whether a file is as it was when it was scanned; false where the index does not say. Copies of
/// an archive often keep the second of a change only.
fn is_unchanged(entry: &FileEntry, place: &Place, is_moved: bool) -> bool {
    entry.known.is_some_and(|known| {
        let same_time = match is_moved {
            true => second(known.modified_ns) == second(place.stamp.modified_ns),
            false => known.modified_ns == place.stamp.modified_ns,
        };
        known.size == place.stamp.size && same_time
    })
}

fn second(time_ns: i64) -> i64 {
    time_ns.div_euclid(NS_PER_S)
}

/// A file that is not there, or that nobody may look at.
fn tell_of_absence(
    entry: &FileEntry,
    error: &io::Error,
    checking: &Checking<'_>,
    told: &mut OfFile<'_>,
) {
    if !is_absence(error) {
        let reason = format!("{error}: expected a file that can be read");
        return told.add_plain(ProblemKind::Unreadable, reason);
    }
    if entry.rows.is_empty() && entry.known.is_none() {
        // It could not be read when it was there: nothing of it is in the index.
        return;
    }
    let is_marked = entry
        .problems
        .iter()
        .any(|p| p.kind == ProblemKind::Vanished);
    let remedy = match (checking.is_own, is_marked) {
        (false, _) => OTHER_PROGRAM,
        (true, true) => {
            "marked as vanished by makeindex already: makeindex --prune drops its rows (if its \
             folder holds data: one that is empty may be a disk that is not mounted)"
        }
        (true, false) => {
            "not yet marked as vanished: run makeindex again, with --prune to drop its rows"
        }
    };
    let rows = entry.rows.len();
    let reason = format!("{error}: expected the file of {rows} rows of the index; {remedy}");
    told.add_plain(ProblemKind::Vanished, reason);
}

/// The rows of a file that did not change lie inside of it.
fn check_reach(placed: &[Placed<'_>], place: &Place, told: &mut OfFile<'_>) {
    for row in placed.iter().filter(|row| row.end > place.stamp.size) {
        let reason = format!(
            "{} ends at byte {}: expected at most {}, where the file ends, which did not change",
            row_name(row.row),
            row.end,
            place.stamp.size
        );
        told.add(ProblemKind::Row, Some(row.begin), reason);
    }
}

/// A file that changed since, or of which the index does not say how it was.
fn check_change(entry: &FileEntry, placed: &[Placed<'_>], place: &Place, told: &mut OfFile<'_>) {
    let named = placed.iter().map(|row| row.end).max().unwrap_or(0);
    if let Some(known) = entry.known {
        let reason = format!(
            "the file has {} bytes and was changed at {}: expected {} bytes and {}, as when it was \
             scanned",
            place.stamp.size,
            time_text(place.stamp.modified_ns),
            known.size,
            time_text(known.modified_ns)
        );
        told.add(ProblemKind::Changed, None, reason);
    } else if named > place.stamp.size {
        told.too_short(place.stamp.size, named);
    } else if let Some(scanned) = changed_since(entry, place) {
        let reason = format!(
            "the file was changed at {}: expected {scanned} as in filemodtime, when it was scanned",
            seconds_text(place.stamp.modified_ns)
        );
        told.add(ProblemKind::Changed, None, reason);
    }
}

/// The first time of change of the rows, to the second, that is not that of the file.
fn changed_since<'a>(entry: &'a FileEntry, place: &Place) -> Option<&'a str> {
    let differs = |text: &&str| {
        parse_time(text).is_some_and(|time_ns| second(time_ns) != second(place.stamp.modified_ns))
    };
    let mut times = entry.rows.iter().filter_map(|row| text(row, MODIFIED));
    times.find(differs)
}

/// Whether a file that makeindex scanned has a name of the kind that the index gives.
fn check_name(entry: &FileEntry, names: &Names, told: &mut OfFile<'_>) {
    let is_named_relatively = Path::new(&entry.name).is_relative();
    if entry.known.is_some() && is_named_relatively && *names == Names::Absolute {
        let reason = format!(
            "a relative name: expected an absolute one, as credit_fast_settings has no other rule; \
             {NEW_INDEX}"
        );
        told.add_plain(ProblemKind::State, reason);
    }
}

/// What makeindex keeps of a file beside its rows.
fn check_state(entry: &FileEntry, is_there: bool, told: &mut OfFile<'_>) {
    if entry.broken > 0 {
        let reason = format!(
            "{} entries of credit_fast_files or credit_fast_problems that are no numbers and \
             texts: expected none; {NEW_INDEX}",
            entry.broken
        );
        return told.add_plain(ProblemKind::State, reason);
    }
    let has_problem = |kind| entry.problems.iter().any(|problem| problem.kind == kind);
    let rows = entry.rows.len();
    let mut say = |text: String| told.add(ProblemKind::State, None, text);
    match entry.known {
        // Of what could not be read to its end there are rows only.
        None if rows > 0 && !has_problem(ProblemKind::Unreadable) => say(format!(
            "{rows} rows, and no entry in credit_fast_files: expected one with size and time of \
             change; perhaps another program added the rows"
        )),
        Some(known) if known.records > 0 && rows == 0 => say(format!(
            "no row: expected some, as credit_fast_files has {} records of this file",
            known.records
        )),
        Some(known) if known.records == 0 && rows > 0 => say(format!(
            "{rows} rows: expected none, as credit_fast_files has 0 records of this file"
        )),
        _ => {}
    }
    if is_there && has_problem(ProblemKind::Vanished) {
        let reason = format!("marked as vanished: expected no mark, as the file is there; {AGAIN}");
        told.add_plain(ProblemKind::State, reason);
    }
}
