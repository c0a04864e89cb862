//! The run of makeindex: walk, scan in parallel, one writer.

mod collect;
mod find;
mod turn;

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::Error;
use crate::problem::{Problem, ProblemKind};
use crate::run::{self, Cancel, QUEUE, Ticker};
use crate::tsindex::{IndexWriter, KnownFiles, Totals};
use crate::walk::{FileWalk, Pattern, Whereabouts, index_files};
use collect::Collecting;
use find::{find_files, work_on_files};
use turn::Turn;

/// What to index.
#[derive(Debug, Clone, Default)]
pub struct Job {
    /// Folders and files.
    pub roots: Vec<PathBuf>,
    /// Index file, made when missing.
    pub index: PathBuf,
    /// Pattern for the names of files in folders.
    pub pattern: Option<String>,
    /// Scanning threads; one a core when not given.
    pub threads: Option<NonZeroUsize>,
    /// Whether the rows of files that no longer exist are dropped; else they are marked.
    pub prune: bool,
    /// Whether the MD5 of each row is formed, as mseedindex does. Files that have none are scanned
    /// again.
    pub hash: bool,
    /// Whether files are named relative to the folder of the index; when not given, as the index
    /// does already, a new one by absolute paths.
    pub relative: Option<bool>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files found so far.
    pub found: u64,
    /// Files done with.
    pub done: u64,
    /// Bytes of the files done with.
    pub bytes: u64,
    /// Whether another run is at work on the index, and is waited for.
    pub is_waiting: bool,
}

/// What a run did.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Files found.
    pub files_found: u64,
    /// Files new in the index.
    pub files_added: u64,
    /// Files with other rows than they had.
    pub files_replaced: u64,
    /// Those of them of which only what they had gained was read.
    pub files_grown: u64,
    /// Files that have another name, and were not read again.
    pub files_moved: u64,
    /// Files with another time of change or another place on the disk, and the rows that they had.
    pub files_touched: u64,
    /// Files passed over because they did not change.
    pub files_unchanged: u64,
    /// Files of the index below the roots that no longer exist.
    pub files_vanished: u64,
    /// Those of them whose rows were dropped.
    pub files_pruned: u64,
    /// Scanned files that hold no record.
    pub files_without_records: u64,
    /// Records read in this run.
    pub records: u64,
    /// Bytes read in this run.
    pub bytes: u64,
    /// What the index holds after the run.
    pub totals: Totals,
    /// What is wrong with the archive, files passed over included.
    pub problems: Vec<Problem>,
    /// Duration.
    pub seconds: f64,
}

/// How far the run is; read by whoever tells the caller.
#[derive(Default)]
struct Counts {
    found: AtomicU64,
    done: AtomicU64,
    bytes: AtomicU64,
    is_waiting: AtomicBool,
}

impl Counts {
    fn now(&self) -> Progress {
        Progress {
            found: self.found.load(Ordering::Relaxed),
            done: self.done.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            is_waiting: self.is_waiting.load(Ordering::Relaxed),
        }
    }

    fn one_done(&self, size: u64) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(size, Ordering::Relaxed);
    }
}

/// Shared by the threads of a run.
struct Shared<'a> {
    cancel: Cancel,
    counts: &'a Counts,
    known: KnownFiles,
    /// Where links below the roots lead.
    led_to: Mutex<HashSet<PathBuf>>,
    hash: bool,
    /// When the run began: the time of scanning of all its files. Which of two files was scanned later
    /// decides between their data, and no order of threads may do that.
    began_ns: i64,
}

impl Shared<'_> {
    fn led_to(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.led_to.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now_ns() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos() as i64)
}

/// Index an archive. `on_tick` is called on this thread about ten times a second; when it
/// returns false the run ends with [`Error::Cancelled`], and whole files stay indexed. While another
/// run is at work on the index, in whatever process, this one waits.
///
/// # Errors
/// A root that does not exist ([`Error::Io`]), a bad pattern, an index that cannot be written or
/// names files in the other way. What is wrong with a data file is in the report instead.
pub fn make_index(job: &Job, on_tick: &mut dyn FnMut(&Progress) -> bool) -> Result<Report, Error> {
    let began = Instant::now();
    check(job)?;
    let pattern = job.pattern.as_deref().map(Pattern::new).transpose()?;
    let counts = Counts::default();
    let mut told = || on_tick(&counts.now());
    let mut ticker = Ticker::new(&mut told);
    let wait = || counts.is_waiting.store(true, Ordering::Relaxed);
    let _turn = Turn::take(&job.index, &wait, &mut ticker)?;
    counts.is_waiting.store(false, Ordering::Relaxed);
    let mut writer = IndexWriter::open(&job.index, job.relative, &mut ticker)?;
    let names = writer.names().clone();
    let shared = Shared {
        cancel: Cancel::default(),
        counts: &counts,
        known: writer.known_files(&mut ticker)?,
        led_to: Mutex::default(),
        hash: job.hash,
        began_ns: now_ns(),
    };
    let walk = FileWalk::new(pattern, index_files(&job.index), names.clone());
    let mut report = Report::default();
    let mut collecting = Collecting::new(&mut writer, &shared, &mut report, &mut ticker)?;
    let result = run_threads(job, walk, &shared, &mut collecting, &mut ticker);
    let homes = collecting.into_homes();
    if matches!(result, Err(Error::Cancelled)) {
        // What was scanned stays in the index, unless another program is in the way.
        writer.finish(now_ns(), &mut Ticker::new(&mut || false))?;
        return Err(Error::Cancelled);
    }
    result?;
    let mut vanished = Vec::new();
    let mut roots = std::mem::take(&mut *shared.led_to());
    roots.extend(places(&job.roots));
    for rowid in shared.known.unseen() {
        // Another run may have dropped its state since.
        let name = writer.name_of(rowid, &mut ticker)?;
        let Some(name) = name else { continue };
        let path = names.path(&name);
        if path.ancestors().any(|place| roots.contains(place)) {
            let now = Whereabouts::of(&path);
            if now.is_gone() {
                vanished.push((name, now));
            }
        }
    }
    vanished.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    report.files_vanished = vanished.len() as u64;
    let (pruned, kept): (Vec<_>, Vec<_>) = vanished
        .into_iter()
        .partition(|(name, _)| job.prune && is_beside_data(&names.path(name), &homes));
    let pruned: Vec<_> = pruned.into_iter().map(|(name, _)| name).collect();
    writer.remove_files(&pruned, &mut ticker)?;
    report.files_pruned = pruned.len() as u64;
    let problem = |(name, gone): (String, Whereabouts)| {
        Problem::file(&name, ProblemKind::Vanished, why_kept(&gone, job.prune))
    };
    let kept: Vec<_> = kept.into_iter().map(problem).collect();
    writer.mark_vanished(&kept, &mut ticker)?;
    report.problems.extend(kept);
    let (totals, written) = writer.finish(now_ns(), &mut ticker)?;
    report.files_found = counts.now().found;
    report.files_added = written.added;
    report.files_replaced = written.replaced;
    report.files_touched = written.same - report.files_moved;
    report.totals = totals;
    report
        .problems
        .sort_by(|a, b| (&a.path, a.offset).cmp(&(&b.path, b.offset)));
    report.seconds = began.elapsed().as_secs_f64();
    on_tick(&counts.now());
    Ok(report)
}

fn check(job: &Job) -> Result<(), Error> {
    if job.roots.is_empty() {
        return Err(Error::Argument("no data folder or file given".into()));
    }
    for root in &job.roots {
        std::fs::metadata(root).map_err(|e| Error::io(root, e))?;
    }
    run::sane_threads(job.threads).map(drop)
}

/// Walk, scan and write, each in threads of its own; this thread writes.
fn run_threads(
    job: &Job,
    walk: FileWalk,
    shared: &Shared<'_>,
    collecting: &mut Collecting<'_>,
    ticker: &mut Ticker<'_>,
) -> Result<(), Error> {
    thread::scope(|scope| {
        let (tasks_in, tasks_out) = sync_channel(QUEUE);
        let (results_in, results_out) = sync_channel(QUEUE);
        let tasks_out = Arc::new(Mutex::new(tasks_out));
        for _ in 0..run::threads(job.threads) {
            let (tasks, results) = (Arc::clone(&tasks_out), results_in.clone());
            scope.spawn(move || work_on_files(&tasks, &results, shared));
        }
        // Only the scanning threads may keep the receiver alive: when they are gone, the walk ends.
        drop(tasks_out);
        let roots = &job.roots;
        scope.spawn(move || find_files(walk, roots, &tasks_in, &results_in, shared));
        let written = collecting.until_done(&results_out, ticker);
        if written.is_err() {
            shared.cancel.set();
        }
        // Dropping the receiver lets threads that wait to send give up.
        drop(results_out);
        written
    })
}

/// Where the roots are, and what they are called: one of them may be a link by now in the place of
/// the folder that an earlier run was given.
fn places(roots: &[PathBuf]) -> Vec<PathBuf> {
    roots
        .iter()
        .flat_map(|root| [root.canonicalize(), std::path::absolute(root)])
        .flatten()
        .collect()
}

/// What is said of a file of the index that is gone, and whose rows stay.
fn why_kept(gone: &Whereabouts, prune: bool) -> String {
    let found = match gone {
        Whereabouts::Linked => "in the index, but now a link, or below one",
        _ => "in the index, but no longer there",
    };
    let why = match prune {
        true => ", as its folder holds no data at all: perhaps a disk is not mounted",
        false => "",
    };
    format!("{found}; its rows are kept{why}")
}

/// Whether the nearest folder of a file that is still there holds files with records, itself or below
/// it. One that holds none is rather the place where a disk is mounted, without the disk.
fn is_beside_data(file: &Path, homes: &HashSet<PathBuf>) -> bool {
    file.ancestors()
        .skip(1)
        .find(|folder| folder.is_dir())
        .and_then(|folder| folder.canonicalize().ok())
        .is_some_and(|folder| homes.contains(&folder))
}
