//! A file scanned again: its rows, its problems and its check sums against those of the index.

use std::fs::File;
use std::io;
use std::iter;

use super::columns::{HASH, difference, differing, differing_in_meaning, row_name, shown, text};
use super::file::{Checking, Place};
use super::findings::OfFile;
use super::rows::Placed;
use crate::problem::{Problem, ProblemKind};
use crate::read_at::read_at;
use crate::run::Cancel;
use crate::scan::hash::Hash;
use crate::scan::{Scanner, open_data};
use crate::tsindex::ScannedFile;
use crate::tsindex::listing::{FileEntry, FileState, value};
use crate::tsindex::schema::seconds_text;
use crate::walk::FoundFile;

/// Bytes that are hashed at once.
const PART_BYTES: u64 = 1 << 20;

/// Files that mseedindex may have been given at once, as many as a command takes.
const MOST_ENDS: usize = 1 << 15;

/// A file that is scanned again.
pub(super) struct Scanning<'a> {
    pub(super) entry: &'a FileEntry,
    pub(super) place: &'a Place,
    /// Whether it is as it was when it was scanned before.
    pub(super) is_same: bool,
    pub(super) checking: &'a Checking<'a>,
}

impl Scanning<'_> {
    /// Scan the file and compare. Returns the number of bytes read.
    pub(super) fn check(
        &self,
        placed: &[Placed<'_>],
        scanner: &mut Scanner,
        told: &mut OfFile<'_>,
    ) -> u64 {
        let Self {
            entry,
            place,
            checking,
            ..
        } = self;
        let file = FoundFile {
            path: place.path.to_string_lossy().into_owned(),
            name: entry.name.clone(),
            stamp: place.stamp,
        };
        let scan = scanner.scan(&file, checking.cancel);
        if checking.cancel.is_set() {
            return 0;
        }
        let scanned = ScannedFile::new(file, scan, false, 0);
        let is_unreadable = |problem: &&Problem| problem.kind == ProblemKind::Unreadable;
        if let Some(problem) = scanned.problems.iter().find(is_unreadable) {
            let reason = format!("{}: expected a file that can be read", problem.reason);
            told.add_plain(ProblemKind::Unreadable, reason);
            return 0;
        }
        self.compare_rows(placed, &scanned, told);
        if checking.keeps_problems {
            compare_problems(entry, &scanned.problems, told);
        }
        if let Some(known) = entry.known.filter(|_| self.is_same) {
            compare_state(&known, &scanned, told);
        }
        let is_hashed = entry.known.is_some_and(|known| known.hashed);
        place.stamp.size + check_hashes(placed, place, is_hashed, checking.cancel, told)
    }

    /// Compare rows, both in the order of the file.
    fn compare_rows(&self, placed: &[Placed<'_>], scanned: &ScannedFile, told: &mut OfFile<'_>) {
        // Only of files that it keeps an entry of is it sure that makeindex wrote their rows.
        let compare = match self.entry.known {
            Some(_) => differing,
            None => differing_in_meaning,
        };
        // That the file changed since is said already.
        let known_ns = self.entry.known.map(|known| known.modified_ns);
        let changed = seconds_text(known_ns.unwrap_or(self.place.stamp.modified_ns));
        let mut left = placed.iter().peekable();
        for row in &scanned.rows {
            let begin = row.byte_offset as u64;
            while let Some(extra) = left.next_if(|placed| placed.begin < begin) {
                tell_of_extra(extra, told);
            }
            let expected = row.values(&self.entry.name, &changed, "").map(value);
            let mut here: Vec<_> = iter::from_fn(|| left.next_if(|placed| placed.begin == begin))
                .map(|placed| (compare(placed.row, &expected), placed))
                .collect();
            // Of several rows at one place, the one that is most alike is meant.
            here.sort_by_key(|(columns, _)| columns.len());
            let mut here = here.into_iter();
            match here.next() {
                None => {
                    let reason = format!(
                        "no {}, {} bytes: expected it, as a scan of the file gives it",
                        row_name(&expected),
                        row.bytes
                    );
                    told.add(ProblemKind::MissingRow, Some(begin), reason);
                }
                Some((columns, found)) if !columns.is_empty() => {
                    let texts = columns
                        .iter()
                        .map(|at| difference(*at, found.row, &expected));
                    let texts: Vec<_> = texts.collect();
                    let reason = format!(
                        "{}: {}, as a scan of the file gives it",
                        row_name(found.row),
                        texts.join("; ")
                    );
                    told.add(ProblemKind::DifferentRow, Some(begin), reason);
                }
                Some(_) => {}
            }
            here.for_each(|(_, extra)| tell_of_extra(extra, told));
        }
        left.for_each(|extra| tell_of_extra(extra, told));
    }
}

fn tell_of_extra(placed: &Placed<'_>, told: &mut OfFile<'_>) {
    let reason = format!(
        "{}, {} bytes: expected none that begins here, as a scan of the file gives none",
        row_name(placed.row),
        placed.end - placed.begin
    );
    told.add(ProblemKind::ExtraRow, Some(placed.begin), reason);
}

/// Whether what makeindex goes by when it runs again is what a scan gives. An index that was made before
/// some of it lacks that.
fn compare_state(known: &FileState, scanned: &ScannedFile, told: &mut OfFile<'_>) {
    let mut different = Vec::new();
    let mut compare = |name: &str, known: Option<i64>, expected: i64| {
        if let Some(known) = known.filter(|known| *known != expected) {
            different.push(format!("{name} {known}, expected {expected}"));
        }
    };
    let number = |number: u64| number as i64;
    compare(
        "records",
        Some(number(known.records)),
        number(scanned.records),
    );
    compare("data_end", known.data_end.map(number), number(scanned.end));
    compare("last_start_ns", known.last_start_ns, scanned.last_start_ns);
    if !different.is_empty() {
        let reason = format!(
            "credit_fast_files has {}, as a scan of the file gives it",
            different.join("; ")
        );
        told.add(ProblemKind::State, None, reason);
    }
    let found = scanned.fingerprint;
    if let Some(known) = known.fingerprint.filter(|known| *known != found) {
        let reason = format!(
            "other bytes than when the file was scanned, at the same size and time of change: \
             fingerprint {}, expected {} as in credit_fast_files",
            found.0, known.0
        );
        told.add(ProblemKind::Changed, None, reason);
    }
}

/// Whether the problems that the index keeps are those that the file has. Their words may differ:
/// those of an older version are no fault of the index.
fn compare_problems(entry: &FileEntry, found: &[Problem], told: &mut OfFile<'_>) {
    let key = |problem: &Problem| (problem.kind, problem.offset, problem.length, problem.count);
    let is_of_data = |problem: &&Problem| problem.kind != ProblemKind::Vanished;
    let kept: Vec<_> = entry.problems.iter().filter(is_of_data).collect();
    let found: Vec<_> = found.iter().collect();
    let pairs = kept.iter().zip(&found);
    let alike = pairs.take_while(|(a, b)| key(a) == key(b)).count();
    if alike == kept.len() && alike == found.len() {
        return;
    }
    let first = |list: &[&Problem]| {
        list.get(alike).map_or("none".to_owned(), |problem| {
            format!("{} ({})", problem.reason, problem.kind.as_str())
        })
    };
    let reason = format!(
        "the index keeps {} problems of the file: expected {}, as a scan finds; the first that \
         differs: {}, expected {}",
        kept.len(),
        found.len(),
        first(&kept),
        first(&found)
    );
    let offset = found.get(alike).or(kept.get(alike)).and_then(|p| p.offset);
    told.add(ProblemKind::StoredProblems, offset, reason);
}

/// Compare the check sums of rows that have one, or that were to have one. Returns the number of bytes
/// read.
fn check_hashes(
    placed: &[Placed<'_>],
    place: &Place,
    is_hashed: bool,
    cancel: &Cancel,
    told: &mut OfFile<'_>,
) -> u64 {
    // That the file is too short for a row is said already.
    let can_be_hashed = |row: &&Placed<'_>| {
        (is_hashed || !hash_of(row).is_empty()) && !row.has_parts() && row.end <= place.stamp.size
    };
    let mut hashed = placed.iter().filter(can_be_hashed).peekable();
    if hashed.peek().is_none() {
        return 0;
    }
    let mut read = 0;
    let compare = || -> io::Result<()> {
        let Some(file) = open_data(&place.path)? else {
            return Ok(());
        };
        for row in hashed {
            let hash = hash_between(&file, row, cancel)?;
            if cancel.is_set() {
                return Ok(());
            }
            read += row.end - row.begin;
            let (stated, found) = (hash_of(row).to_ascii_lowercase(), hash.hex());
            if stated != found && !is_ended_again(hash, row.end - row.begin, &stated) {
                let reason = format!(
                    "{}: hash {}, expected {found}, the MD5 of its bytes",
                    row_name(row.row),
                    shown(&row.row[HASH]),
                );
                told.add(ProblemKind::Hash, Some(row.begin), reason);
            }
        }
        Ok(())
    };
    if let Err(error) = compare() {
        let reason = format!("{error}: expected a file that can be read");
        told.add_plain(ProblemKind::Unreadable, reason);
    }
    read
}

/// The sum that a row states, empty when none.
fn hash_of<'a>(placed: &Placed<'a>) -> &'a str {
    text(placed.row, HASH).unwrap_or_default()
}

/// The sum of the bytes of a row; of fewer when the file lost some, or `cancel` is set.
fn hash_between(file: &File, row: &Placed<'_>, cancel: &Cancel) -> io::Result<Hash> {
    let mut hash = Hash::default();
    let mut at = row.begin;
    let mut part = vec![0; (row.end - row.begin).min(PART_BYTES) as usize];
    while at < row.end && !cancel.is_set() {
        let wanted = (row.end - at).min(PART_BYTES) as usize;
        let got = read_at(file, &mut part[..wanted], at)?;
        hash.add(&part[..got]);
        if got < wanted {
            break;
        }
        at += got as u64;
    }
    Ok(hash)
}

/// Whether a sum is one that mseedindex 3.0.8 forms when it is given several files at once: it ends
/// that of the first row anew for each of them, and what a sum ends with is hashed, too.
fn is_ended_again(mut hash: Hash, length: u64, stated: &str) -> bool {
    let mut length = length;
    (0..MOST_ENDS).any(|_| {
        // One bit, zeros up to a whole block of 64 bytes, and the number of bits before.
        let zeros = (119 - length % 64) % 64;
        hash.add(&[0x80]);
        hash.add(&[0; 64][..zeros as usize]);
        hash.add(&(length.wrapping_mul(8)).to_le_bytes());
        length += 1 + zeros + 8;
        hash.hex() == stated
    })
}
