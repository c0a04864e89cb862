//! The run of checkindex: index and archive compared, without a change to either.

mod columns;
mod database;
mod deep;
mod file;
mod findings;
mod rows;

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::Error;
use crate::names::Names;
use crate::problem::{Problem, ProblemKind};
use crate::run::{Cancel, Ticker, pipeline, sane_threads};
use crate::scan::Scanner;
use crate::tsindex::IndexReader;
use crate::tsindex::listing::{FileEntry, Tables};
use crate::walk::{FileWalk, Found, Pattern, index_files};
use crate::window::{PathMap, Source};

use file::{Checked, Checking};
use findings::Findings;

/// What to check.
#[derive(Debug, Clone)]
pub struct Job {
    /// Index file.
    pub index: PathBuf,
    /// Where its files have moved to since it was made.
    pub paths: PathMap,
    /// Folders and files of which the index shall know all files.
    pub roots: Vec<PathBuf>,
    /// Pattern for the names of files in folders, as makeindex was given it.
    pub pattern: Option<String>,
    /// Whether files are scanned again and their rows compared.
    pub deep: bool,
    /// Checking threads; one a core when not given.
    pub threads: Option<NonZeroUsize>,
}

/// How far a check is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files of the index, about, as far as known.
    pub files: u64,
    /// Files done with.
    pub done: u64,
    /// Bytes read of the files done with.
    pub bytes: u64,
}

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Files of the index that were looked at.
    pub files: u64,
    /// Rows that were looked at.
    pub rows: u64,
    /// Bytes read of data files.
    pub bytes: u64,
    /// Files found below the roots.
    pub files_found: u64,
    /// What is wrong: of each kind the first thousand by file and place, and one line for the rest.
    pub problems: Vec<Problem>,
    /// What is no fault, and should be known.
    pub notes: Vec<String>,
    /// Duration.
    pub seconds: f64,
}

/// What the thread that reads the index hands on.
enum Work {
    Files(Vec<FileEntry>),
    Problem(Problem),
    Note(String),
}

enum Outcome {
    Files(Vec<Checked>),
    Problem(Problem),
    Note(String),
}

/// What the threads of a check know.
struct Shared {
    source: Source,
    cancel: Arc<Cancel>,
    deep: bool,
    threads: usize,
    /// What there is in the index; known before the first file is.
    tables: OnceLock<Tables>,
}

impl Shared {
    /// Whether makeindex of this library wrote the index.
    fn is_own(&self) -> bool {
        self.tables.get().is_some_and(|tables| tables.is_own)
    }

    /// How the index names files.
    fn names(&self) -> &Names {
        self.tables
            .get()
            .map_or(&Names::Absolute, |tables| &tables.names)
    }

    /// What gives the rows that the index should have.
    fn scanner(&self) -> Scanner {
        match self.is_own() {
            true => Scanner::new(false),
            false => Scanner::of_runs(),
        }
    }
}

/// What to do about what makeindex leaves as it is.
const NEW_INDEX: &str = "make a new index";

/// What to do about an index of another program.
const OTHER_PROGRAM: &str =
    "update the index with the program that made it, or make a new one with makeindex";

/// Check an index. `on_tick` is called on this thread about ten times a second; when it returns
/// false the check ends with [`Error::Cancelled`].
///
/// # Errors
/// A root or index that does not exist ([`Error::Io`]), a bad pattern, a file that is no index.
/// What is wrong with an index is in the report instead.
pub fn check_index(job: &Job, on_tick: &mut dyn FnMut(&Progress) -> bool) -> Result<Report, Error> {
    let began = Instant::now();
    let threads = sane_threads(job.threads)?;
    let pattern = job.pattern.as_deref().map(Pattern::new).transpose()?;
    for root in &job.roots {
        std::fs::metadata(root).map_err(|e| Error::io(root, e))?;
    }
    let cancel = Arc::new(Cancel::default());
    let shared = Shared {
        source: Source {
            index: IndexReader::untouched(&job.index, &cancel)?,
            paths: job.paths.clone(),
        },
        cancel,
        deep: job.deep,
        threads,
        tables: OnceLock::new(),
    };
    let (done, bytes) = (AtomicU64::default(), AtomicU64::default());
    let progress = || Progress {
        files: shared.tables.get().map_or(0, |tables| tables.files),
        done: done.load(Ordering::Relaxed),
        bytes: bytes.load(Ordering::Relaxed),
    };
    let mut told = || on_tick(&progress());
    let mut ticker = Ticker::new(&mut told);
    let mut report = Report::default();
    let mut findings = Findings::default();
    let mut places = HashSet::new();
    pipeline(
        threads,
        &shared.cancel,
        &mut ticker,
        |hand_on| database::read(&shared, hand_on),
        |work| match work {
            Work::Files(entries) => {
                let mut scanner = shared.scanner();
                let check = |entry: &FileEntry| check_file(&shared, job, entry, &mut scanner);
                Outcome::Files(entries.iter().map(check).collect())
            }
            Work::Problem(problem) => Outcome::Problem(problem),
            Work::Note(text) => Outcome::Note(text),
        },
        |outcome| match outcome {
            Outcome::Files(all) => {
                for checked in all {
                    report.rows += checked.rows;
                    done.fetch_add(1, Ordering::Relaxed);
                    bytes.fetch_add(checked.bytes, Ordering::Relaxed);
                    places.extend(checked.place);
                    checked.problems.into_iter().for_each(|p| findings.add(p));
                }
            }
            Outcome::Problem(problem) => findings.add(problem),
            Outcome::Note(text) => report.notes.push(text),
        },
    )?;
    let is_own = shared.is_own();
    let mut walk = FileWalk::new(pattern, index_files(&job.index), shared.names().clone());
    let mut look = |found: Found, findings: &mut Findings| match found {
        Found::Problem(problem) => findings.add(problem),
        Found::LedTo(_) => {}
        Found::File(file) => {
            report.files_found += 1;
            if !places.contains(Path::new(&file.path)) {
                findings.add(not_indexed(&file.name, is_own));
            }
        }
    };
    for root in &job.roots {
        let mut going_on = Ok(());
        walk.root(root, &mut |found| {
            look(found, &mut findings);
            going_on = ticker.poll();
            going_on.is_ok()
        });
        going_on?;
    }
    if !job.roots.is_empty() && report.files_found == 0 {
        report.notes.push("no file found below the roots".into());
    }
    let Progress { done, bytes, .. } = progress();
    (report.files, report.bytes) = (done, bytes);
    report.problems = findings.into_lines(&job.index.to_string_lossy());
    report.seconds = began.elapsed().as_secs_f64();
    on_tick(&progress());
    Ok(report)
}

fn check_file(shared: &Shared, job: &Job, entry: &FileEntry, scanner: &mut Scanner) -> Checked {
    let checking = Checking {
        source: &shared.source,
        is_own: shared.is_own(),
        keeps_problems: shared.tables.get().is_some_and(Tables::keeps_problems),
        names: shared.names(),
        deep: shared.deep,
        wants_place: !job.roots.is_empty(),
        cancel: &shared.cancel,
    };
    file::check(entry, &checking, scanner)
}

fn not_indexed(name: &str, is_own: bool) -> Problem {
    let remedy = match is_own {
        true => "run makeindex again",
        false => OTHER_PROGRAM,
    };
    let reason = format!("not in the index: expected all files below the roots; {remedy}");
    Problem::file(name, ProblemKind::NotIndexed, reason)
}
