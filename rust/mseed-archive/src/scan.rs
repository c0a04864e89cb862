//! One file → rows of the index and problems. Reads headers, decodes no sample.

mod fingerprint;
pub(crate) mod hash;
mod mixed;
mod parts;
mod section;
mod spans;

pub use fingerprint::Fingerprint;
pub use parts::{PART_BYTES, walk_parts};
pub(crate) use section::next_hour;
pub use section::{Row, Section, Stretch};
pub use spans::{Span, SpanList};

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use mseed_core::{Item, Kind};

use crate::problem::{Faults, Problem, ProblemKind, ProblemList};
use crate::read_at::read_at;
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
    /// Where the last of them ends.
    pub end: u64,
    /// What tells the file from others.
    pub fingerprint: Fingerprint,
    /// What is wrong with the file.
    pub problems: ProblemList,
    faults: Faults,
}

/// What is known of a file that has grown since.
#[derive(Debug, Clone, PartialEq)]
pub struct Grown {
    /// Where its last record ended.
    pub end: u64,
    /// Its last row.
    pub last_row: Row,
    /// Its rows, this one included.
    pub rows: usize,
}

/// Scans files, one after the other, in the same memory.
#[derive(Debug, Default)]
pub struct Scanner {
    rows: section::Rule,
    part: Vec<u8>,
}

impl Scanner {
    /// A scanner that also forms the MD5 of rows, if asked to.
    #[must_use]
    pub fn new(hash: bool) -> Self {
        Self {
            rows: section::Rule::Ours { hash },
            part: Vec::new(),
        }
    }

    /// A scanner that gives the rows that mseedindex makes: each run of bytes of one channel is one,
    /// whatever the times in it, and however many there are.
    #[must_use]
    pub(crate) fn of_runs() -> Self {
        Self {
            rows: section::Rule::Runs,
            part: Vec::new(),
        }
    }

    /// Scan a file. Never fails: what is wrong is in [`Scan::problems`]. When `cancel` is set the
    /// scan ends early and its result means nothing.
    #[must_use]
    pub fn scan(&mut self, file: &FoundFile, cancel: &Cancel) -> Scan {
        let mut scan = Scan::default();
        if file.stamp.size == 0 {
            scan.problems.push(Problem::not_miniseed(&file.name, 0));
            return scan;
        }
        let result = open_data(Path::new(&file.path)).and_then(|open| {
            let Some(open) = open else {
                return Ok(());
            };
            let builder = section::Builder::new(self.rows);
            self.read(&open, file, 0, builder, cancel, &mut scan)
        });
        if let Err(error) = result {
            scan.problems.push(Problem::file(
                &file.name,
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

    /// Scan what a file has gained. The first row of the scan stands in the place of the last one
    /// that was known. `None` when nothing tells that the new bytes go on with the old ones, or when
    /// something is wrong: the file is to be scanned as a whole then.
    #[must_use]
    pub fn scan_new(&mut self, file: &FoundFile, known: Grown, cancel: &Cancel) -> Option<Scan> {
        let mut open = open_data(Path::new(&file.path)).ok()??;
        open.seek(SeekFrom::Start(known.end)).ok()?;
        let mut scan = Scan::default();
        let rows_before = known.rows.saturating_sub(1);
        let builder = section::Builder::behind(known.last_row);
        self.read(&open, file, known.end, builder, cancel, &mut scan)
            .ok()?;
        let cut_short =
            |p: &Problem| p.kind == ProblemKind::Truncated && p.offset >= Some(known.end);
        // Whether channels take turns is seen of all rows only.
        let whole_rows = scan.rows.iter().all(|row| row.stretches.is_empty())
            && rows_before + scan.rows.len() < mixed::FEW_ROWS;
        (whole_rows && scan.problems.iter().all(cut_short)).then_some(scan)
    }

    fn read(
        &mut self,
        open: &File,
        file: &FoundFile,
        from: u64,
        builder: section::Builder,
        cancel: &Cancel,
        scan: &mut Scan,
    ) -> io::Result<()> {
        let part = (PART_BYTES, &mut self.part);
        let place = (file.name.as_str(), from, file.stamp.size);
        scan_reader(open, place, part, builder, cancel, scan)?;
        let size = file.stamp.size as usize;
        scan.fingerprint = match self.part.get(..size) {
            // All of it was one part, and is still there.
            Some(whole) if from == 0 && size < PART_BYTES => Fingerprint::of_bytes(whole)?,
            _ => Fingerprint::of(open, file.stamp.size)?,
        };
        Ok(())
    }
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
    let open = File::open(path)?;
    if is_sqlite(&open)? {
        // Perhaps another thread opened it as an index since.
        opened::close(open);
        return Ok(None);
    }
    Ok(Some(open))
}

fn is_sqlite(file: &File) -> io::Result<bool> {
    let mut magic = [0; SQLITE_MAGIC.len()];
    let got = read_at(file, &mut magic, 0)?;
    Ok(&magic[..got] == SQLITE_MAGIC)
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
            .push(Problem::not_miniseed(&file.name, file.stamp.size));
    }
}

/// The same for bytes in memory, read `part_bytes` at a time: parts of any size give the same.
#[must_use]
pub fn scan_bytes(bytes: &[u8], path: &str, part_bytes: usize) -> Scan {
    let mut scan = Scan::default();
    // Reading from memory cannot fail.
    let _ = scan_reader(
        bytes,
        (path, 0, bytes.len() as u64),
        (part_bytes, &mut Vec::new()),
        section::Builder::new(section::Rule::default()),
        &Cancel::default(),
        &mut scan,
    );
    scan
}

fn scan_reader(
    file: impl Read,
    (path, from, size): (&str, u64, u64),
    (part_bytes, part): (usize, &mut Vec<u8>),
    mut builder: section::Builder,
    cancel: &Cancel,
    scan: &mut Scan,
) -> io::Result<()> {
    scan.end = from;
    let read = walk_parts(
        file,
        (from, size),
        part_bytes,
        part,
        &mut || !cancel.is_set(),
        &mut |item| match item {
            Item::Record(at, record) => {
                scan.records += 1;
                scan.end = (*at + record.bytes.len()) as u64;
                if let Some(fault) = &record.fault {
                    scan.faults.push(&mut scan.problems, path, *at, fault);
                }
                builder.add(record, *at as u64);
            }
            // Control headers of a full SEED volume are no data, and no problem.
            Item::Skipped(skipped) if skipped.reason.kind == Kind::ControlHeader => {}
            Item::Skipped(skipped) => {
                scan.problems.push(Problem::skipped(path, skipped, 0));
            }
        },
    );
    // What was read before a failure stands.
    scan.rows = builder.finish();
    scan.faults.finish(&mut scan.problems);
    read
}
