//! The run of makeindex: walk, scan in parallel, one writer.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::Error;
use crate::problem::{Problem, ProblemKind};
use crate::run::{self, Cancel, TICK, Ticker};
use crate::scan::scan_file;
use crate::tsindex::{IndexWriter, KnownFile, ScannedFile, Totals};
use crate::walk::{FileWalk, Found, FoundFile, Pattern};

/// Results that may wait for the writer: bounds the memory of a run.
const QUEUE: usize = 256;

/// More threads than any machine has cores are a slip of the pen.
const MAX_THREADS: usize = 1024;

/// What to index.
#[derive(Debug, Clone)]
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
}

/// What a run did.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Files found.
    pub files_found: u64,
    /// Files new in the index.
    pub files_added: u64,
    /// Files scanned again because they changed.
    pub files_replaced: u64,
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
    /// Bytes of the files scanned in this run.
    pub bytes: u64,
    /// What the index holds after the run.
    pub totals: Totals,
    /// What is wrong with the archive, files passed over included.
    pub problems: Vec<Problem>,
    /// Duration.
    pub seconds: f64,
}

enum Message {
    Scanned(Box<ScannedFile>),
    Unchanged(FoundFile),
    Problem(Problem),
}

/// How far the run is; read by whoever tells the caller.
#[derive(Default)]
struct Counts {
    found: AtomicU64,
    done: AtomicU64,
    bytes: AtomicU64,
}

impl Counts {
    fn now(&self) -> Progress {
        Progress {
            found: self.found.load(Ordering::Relaxed),
            done: self.done.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
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
    known: HashMap<String, KnownFile>,
    /// Known files that the walk found.
    seen: Mutex<HashSet<String>>,
}

fn now_ns() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos() as i64)
}

/// Index an archive. `on_tick` is called on this thread about ten times a second; when it
/// returns false the run ends with [`Error::Cancelled`], and whole files stay indexed.
///
/// # Errors
/// A root that does not exist ([`Error::Io`]), a bad pattern, an index that cannot be written.
/// What is wrong with a data file is in the report instead.
pub fn make_index(job: &Job, on_tick: &mut dyn FnMut(&Progress) -> bool) -> Result<Report, Error> {
    let began = Instant::now();
    check(job)?;
    let pattern = job.pattern.as_deref().map(Pattern::new).transpose()?;
    let counts = Counts::default();
    let mut told = || on_tick(&counts.now());
    let mut ticker = Ticker::new(&mut told);
    let mut writer = IndexWriter::open(&job.index, &mut ticker)?;
    let shared = Shared {
        cancel: Cancel::default(),
        counts: &counts,
        known: writer.known_files(&mut ticker)?,
        seen: Mutex::default(),
    };
    let mut known_problems = writer.known_problems(&mut ticker)?;
    let walk = FileWalk::new(pattern, index_files(job));
    let mut report = Report::default();
    let mut homes = HashSet::new();
    let collecting = Collecting {
        writer: &mut writer,
        known: &shared.known,
        homes: &mut homes,
        known_problems: &mut known_problems,
        report: &mut report,
        counts: &counts,
    };
    let result = run_threads(job, walk, &shared, collecting, &mut ticker);
    if matches!(result, Err(Error::Cancelled)) {
        // What was scanned stays in the index, unless another program is in the way.
        writer.finish(now_ns(), &mut Ticker::new(&mut || false))?;
        return Err(Error::Cancelled);
    }
    result?;
    let vanished = vanished_files(job, &shared);
    report.files_vanished = vanished.len() as u64;
    let (pruned, kept): (Vec<_>, Vec<_>) = vanished
        .into_iter()
        .partition(|name| job.prune && is_beside_data(Path::new(name), &homes));
    writer.remove_files(&pruned, &mut ticker)?;
    report.files_pruned = pruned.len() as u64;
    let reason = if job.prune {
        "in the index, but no longer there; its rows are kept, as its folder holds no data at all: \
         perhaps a disk is not mounted"
    } else {
        "in the index, but no longer there; its rows are kept"
    };
    let problem = |name: String| Problem::file(&name, ProblemKind::Vanished, reason);
    let kept: Vec<_> = kept.into_iter().map(problem).collect();
    writer.mark_vanished(&kept, &mut ticker)?;
    report.problems.extend(kept);
    let (totals, replaced) = writer.finish(now_ns(), &mut ticker)?;
    report.files_found = counts.now().found;
    report.files_replaced += replaced;
    report.files_added -= report.files_replaced;
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
    match run::threads(job.threads) {
        threads if threads > MAX_THREADS => Err(Error::Argument(format!(
            "threads {threads}: expected 1 to {MAX_THREADS}"
        ))),
        _ => Ok(()),
    }
}

/// Walk, scan and write, each in threads of its own; this thread writes.
fn run_threads(
    job: &Job,
    walk: FileWalk,
    shared: &Shared<'_>,
    mut collecting: Collecting<'_>,
    ticker: &mut Ticker<'_>,
) -> Result<(), Error> {
    thread::scope(|scope| {
        let (files_in, files_out) = sync_channel(QUEUE);
        let (results_in, results_out) = sync_channel(QUEUE);
        let files_out = Arc::new(Mutex::new(files_out));
        for _ in 0..run::threads(job.threads) {
            let (files, results) = (Arc::clone(&files_out), results_in.clone());
            scope.spawn(move || scan_files(&files, &results, shared));
        }
        // Only the scanning threads may keep the receiver alive: when they are gone, the walk ends.
        drop(files_out);
        let roots = &job.roots;
        scope.spawn(move || find_files(walk, roots, &files_in, &results_in, shared));
        let written = collecting.until_done(&results_out, ticker);
        if written.is_err() {
            shared.cancel.set();
        }
        // Dropping the receiver lets threads that wait to send give up.
        drop(results_out);
        written
    })
}

/// Files that the index knows below the roots, that the walk did not find, and that are gone.
fn vanished_files(job: &Job, shared: &Shared<'_>) -> Vec<String> {
    let roots: Vec<_> = job.roots.iter().flat_map(|r| r.canonicalize()).collect();
    let seen = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
    let mut gone: Vec<_> = shared
        .known
        .keys()
        .filter(|name| !seen.contains(name.as_str()))
        .filter(|name| roots.iter().any(|root| Path::new(name).starts_with(root)))
        // Who may not look into a folder does not know that its files are gone.
        .filter(|name| matches!(Path::new(name).try_exists(), Ok(false)))
        .cloned()
        .collect();
    gone.sort();
    gone
}

/// Whether the nearest folder of a file that is still there holds files with records, itself or below
/// it. One that holds none is rather the place where a disk is mounted, without the disk.
fn is_beside_data(file: &Path, homes: &HashSet<PathBuf>) -> bool {
    file.ancestors()
        .skip(1)
        .find(|folder| folder.is_dir())
        .is_some_and(|folder| homes.contains(folder))
}

/// The index and SQLite's files beside it are no data.
fn index_files(job: &Job) -> HashSet<PathBuf> {
    let path = job
        .index
        .canonicalize()
        .unwrap_or_else(|_| job.index.clone());
    ["", "-journal", "-wal", "-shm"]
        .iter()
        .map(|suffix| {
            let mut name = path.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        })
        .collect()
}

fn find_files(
    mut walk: FileWalk,
    roots: &[PathBuf],
    files: &SyncSender<FoundFile>,
    results: &SyncSender<Message>,
    shared: &Shared<'_>,
) {
    let mut hand_on = |found| {
        let sent = match found {
            Found::Problem(problem) => results.send(Message::Problem(problem)).is_ok(),
            Found::File(file) => {
                shared.counts.found.fetch_add(1, Ordering::Relaxed);
                let known = shared.known.get(&file.path);
                if known.is_some() {
                    let mut seen = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.insert(file.path.clone());
                }
                let same = |known: &KnownFile| {
                    known.size == file.size && known.modified_ns == file.modified_ns
                };
                if known.is_some_and(same) {
                    results.send(Message::Unchanged(file)).is_ok()
                } else {
                    files.send(file).is_ok()
                }
            }
        };
        sent && !shared.cancel.is_set()
    };
    for root in roots {
        if !walk.root(root, &mut hand_on) {
            return;
        }
    }
}

fn scan_files(
    files: &Mutex<Receiver<FoundFile>>,
    results: &SyncSender<Message>,
    shared: &Shared<'_>,
) {
    loop {
        // A poisoned lock means that another thread panicked: this one ends too.
        let Ok(next) = files.lock().map(|receiver| receiver.recv()) else {
            return;
        };
        let Ok(file) = next else {
            return;
        };
        if shared.cancel.is_set() {
            return;
        }
        let scan = scan_file(&file, &shared.cancel);
        let scanned = ScannedFile {
            file,
            scan,
            scanned_ns: now_ns(),
        };
        if results.send(Message::Scanned(Box::new(scanned))).is_err() {
            return;
        }
    }
}

/// The writing side of a run.
struct Collecting<'a> {
    writer: &'a mut IndexWriter,
    known: &'a HashMap<String, KnownFile>,
    /// Folders with files that hold records, and all folders above them.
    homes: &'a mut HashSet<PathBuf>,
    known_problems: &'a mut HashMap<String, Vec<Problem>>,
    report: &'a mut Report,
    counts: &'a Counts,
}

impl Collecting<'_> {
    /// Write what the threads found, until all of them are done.
    fn until_done(
        &mut self,
        results: &Receiver<Message>,
        ticker: &mut Ticker<'_>,
    ) -> Result<(), Error> {
        loop {
            match results.recv_timeout(TICK) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if self.writer.is_due() {
                self.report.files_replaced += self.writer.write_batch(ticker)?;
            }
            ticker.poll()?;
        }
    }

    fn take(&mut self, message: Message) {
        let report = &mut *self.report;
        match message {
            Message::Problem(problem) => report.problems.push(problem),
            Message::Unchanged(file) => {
                report.files_unchanged += 1;
                let known = self.known.get(&file.path);
                note_home(self.homes, &file, known.map_or(0, |known| known.records));
                let known = self.known_problems.remove(&file.path);
                report.problems.extend(known.into_iter().flatten());
                self.counts.one_done(file.size);
            }
            Message::Scanned(scanned) => {
                // New until the writer says that the index had it.
                report.files_added += 1;
                report.files_without_records += u64::from(scanned.scan.records == 0);
                report.records += scanned.scan.records;
                note_home(self.homes, &scanned.file, scanned.scan.records);
                report.bytes += scanned.file.size;
                report
                    .problems
                    .extend(scanned.scan.problems.iter().cloned());
                self.counts.one_done(scanned.file.size);
                self.writer.add(*scanned);
            }
        }
    }
}

/// Note where a file with records is.
fn note_home(homes: &mut HashSet<PathBuf>, file: &FoundFile, records: u64) {
    if records == 0 {
        return;
    }
    for folder in Path::new(&file.path).ancestors().skip(1) {
        if !homes.insert(folder.to_owned()) {
            // Those above it are known.
            return;
        }
    }
}
