//! One file → rows of the index and problems. Reads headers, decodes no sample.

mod parts;
mod section;
mod spans;

pub use parts::{PART_BYTES, walk_parts};
pub use section::{Row, Section};
pub use spans::{Span, SpanList};

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use mseed_core::{Item, Kind};

use crate::problem::{Faults, Problem, ProblemKind, ProblemList};
use crate::run::Cancel;
use crate::tsindex::opened;
use crate::walk::{FoundFile, NOT_A_FILE};

/// First bytes of an SQLite database.
const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

/// What one file holds.
#[derive(Debug, Default, PartialEq)]
pub struct Scan {
    /// Rows for the index, in the order of the file.
    pub rows: Vec<Row>,
    /// Records read.
    pub records: u64,
    /// What is wrong with the file.
    pub problems: ProblemList,
    faults: Faults,
}

/// Scan a file. Never fails: what is wrong is in [`Scan::problems`]. When `cancel` is set the scan
/// ends early and its result means nothing.
#[must_use]
pub fn scan_file(file: &FoundFile, cancel: &Cancel) -> Scan {
    let mut scan = Scan::default();
    if file.size == 0 {
        scan.problems.push(Problem::not_miniseed(&file.path, 0));
        return scan;
    }
    let result = open_data(Path::new(&file.path)).and_then(|open| {
        let Some(open) = open else {
            return Ok(());
        };
        scan_reader(open, (&file.path, file.size), PART_BYTES, cancel, &mut scan)
    });
    if let Err(error) = result {
        scan.problems.push(Problem::file(
            &file.path,
            ProblemKind::Unreadable,
            error.to_string(),
        ));
    }
    let unreadable = |p: &Problem| p.kind == ProblemKind::Unreadable;
    if scan.records == 0 && !scan.problems.iter().any(unreadable) {
        describe_foreign(&mut scan, file);
    }
    scan
}

/// Open a file of data; `None` for an SQLite database.
///
/// Closing any descriptor of an index that this process has open would drop the locks that SQLite
/// holds: such a file is not opened. Nor is a pipe: it might never give a byte.
pub(crate) fn open_data(path: &Path) -> io::Result<Option<File>> {
    let kind = std::fs::metadata(path)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::other(NOT_A_FILE));
    }
    if opened::is_open(path) {
        return Ok(None);
    }
    let mut open = File::open(path)?;
    if is_sqlite(&mut open)? {
        // Perhaps another thread opened it as an index since.
        opened::close(open);
        return Ok(None);
    }
    Ok(Some(open))
}

fn is_sqlite(file: &mut File) -> io::Result<bool> {
    let mut magic = Vec::with_capacity(SQLITE_MAGIC.len());
    file.by_ref()
        .take(SQLITE_MAGIC.len() as u64)
        .read_to_end(&mut magic)?;
    file.rewind()?;
    Ok(magic == SQLITE_MAGIC)
}

/// A file without any record is one problem, not one for each of its bytes.
fn describe_foreign(scan: &mut Scan, file: &FoundFile) {
    let cut_or_damaged = scan
        .problems
        .iter()
        .any(|p| matches!(p.kind, ProblemKind::Truncated | ProblemKind::Unsupported));
    if !cut_or_damaged {
        scan.problems = ProblemList::default();
        scan.problems
            .push(Problem::not_miniseed(&file.path, file.size));
    }
}

/// The same for bytes in memory, read `part_bytes` at a time: parts of any size give the same.
#[must_use]
pub fn scan_bytes(bytes: &[u8], path: &str, part_bytes: usize) -> Scan {
    let mut scan = Scan::default();
    // Reading from memory cannot fail.
    let size = bytes.len() as u64;
    let _ = scan_reader(
        bytes,
        (path, size),
        part_bytes,
        &Cancel::default(),
        &mut scan,
    );
    scan
}

fn scan_reader(
    file: impl Read,
    (path, size): (&str, u64),
    part_bytes: usize,
    cancel: &Cancel,
    scan: &mut Scan,
) -> io::Result<()> {
    let mut builder = section::Builder::default();
    let read = walk_parts(
        file,
        size,
        part_bytes,
        &mut || !cancel.is_set(),
        &mut |item| match item {
            Item::Record(at, record) => {
                scan.records += 1;
                if let Some(fault) = &record.fault {
                    scan.faults.push(&mut scan.problems, path, at, fault);
                }
                builder.add(&record, at as u64);
            }
            // Control headers of a full SEED volume are no data, and no problem.
            Item::Skipped(skipped) if skipped.reason.kind == Kind::ControlHeader => {}
            Item::Skipped(skipped) => {
                scan.problems.push(Problem::skipped(path, &skipped, 0));
            }
        },
    );
    // What was read before a failure stands.
    scan.rows = builder.finish();
    scan.faults.finish(&mut scan.problems);
    read
}
