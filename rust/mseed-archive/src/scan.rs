//! One file → rows of the index and problems. Reads headers, decodes no sample.

mod section;
mod spans;

pub use section::{Row, Section};
pub use spans::{Span, SpanList};

use std::fs::File;
use std::io::{self, Read, Seek};

use mseed_core::{Item, Kind, Skipped, Walker, limits};

use crate::problem::{Faults, Problem, ProblemKind};
use crate::run::Cancel;
use crate::walk::FoundFile;

/// Bytes read at once.
const CHUNK: usize = 8 * 1024 * 1024;

/// First bytes of an SQLite database.
const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

/// What one file holds.
#[derive(Debug, Default)]
pub struct Scan {
    /// Rows for the index, in the order of the file.
    pub rows: Vec<Row>,
    /// Records read.
    pub records: u64,
    /// What is wrong with the file.
    pub problems: Vec<Problem>,
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
    let result = File::open(&file.path).and_then(|mut open| {
        if is_sqlite(&mut open)? {
            // Perhaps an index that this process has open: closing any descriptor of it would
            // drop the locks that SQLite holds. This one stays open.
            std::mem::forget(open);
            return Ok(());
        }
        scan_reader(open, &file.path, file.size, cancel, &mut scan)
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
        scan.problems = vec![Problem::not_miniseed(&file.path, file.size)];
    }
}

/// Step through a file in chunks: a file of any size needs the memory of one chunk.
fn scan_reader(
    mut file: impl Read,
    path: &str,
    size: u64,
    cancel: &Cancel,
    scan: &mut Scan,
) -> io::Result<()> {
    let mut builder = section::Builder::default();
    let mut buffer = Vec::with_capacity(CHUNK.min(size as usize + 1));
    let mut base = 0usize;
    let mut wanted = CHUNK;
    loop {
        let before = buffer.len();
        file.by_ref()
            .take((wanted - before) as u64)
            .read_to_end(&mut buffer)?;
        let at_end = buffer.len() < wanted;
        let used = walk_chunk(&buffer, base, at_end, path, scan, &mut builder);
        if at_end || cancel.is_set() {
            break;
        }
        buffer.drain(..used);
        base += used;
        wanted = buffer.len() + CHUNK;
    }
    scan.rows = builder.finish();
    scan.faults.finish(&mut scan.problems);
    Ok(())
}

/// Take all items of the chunk that do not touch its end; returns the bytes done with.
fn walk_chunk(
    buffer: &[u8],
    base: usize,
    at_end: bool,
    path: &str,
    scan: &mut Scan,
    builder: &mut section::Builder,
) -> usize {
    let mut walker = Walker::new(buffer);
    let mut used = 0;
    while let Some(item) = walker.next() {
        // An item that reaches the end of the chunk may go on behind it.
        if !at_end && walker.position() == buffer.len() {
            if let Item::Skipped(skipped) = item {
                used += give_up_on(skipped, base, path, scan);
            }
            return used;
        }
        used = walker.position();
        match item {
            Item::Record(at, record) => {
                scan.records += 1;
                if let Some(fault) = &record.fault {
                    scan.faults.push(&mut scan.problems, path, base + at, fault);
                }
                builder.add(&record, (base + at) as u64);
            }
            // Control headers of a full SEED volume are no data, and no problem.
            Item::Skipped(skipped) if skipped.reason.kind == Kind::ControlHeader => {}
            Item::Skipped(skipped) => {
                let place = skipped.reason.shifted(base);
                Problem::push(
                    &mut scan.problems,
                    Problem::bytes(path, &place, skipped.length),
                );
            }
        }
    }
    used
}

/// Foreign bytes that fill the chunk: all but the longest possible record is done with, so that
/// the chunk does not grow with them. Returns the bytes done with.
fn give_up_on(skipped: Skipped, base: usize, path: &str, scan: &mut Scan) -> usize {
    let length = skipped.length.saturating_sub(limits::MAX_RECORD_LENGTH_V3);
    if length < CHUNK {
        return 0;
    }
    let place = skipped.reason.shifted(base);
    Problem::push(&mut scan.problems, Problem::bytes(path, &place, length));
    length
}
