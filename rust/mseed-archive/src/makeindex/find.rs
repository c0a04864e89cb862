//! Which files are to be worked on, and the work of the threads.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender};

use super::Shared;
use crate::problem::Problem;
use crate::scan::{Fingerprint, Scanner, open_data};
use crate::tsindex::{KnownFile, ScannedFile};
use crate::walk::{FileWalk, Found, FoundFile};

/// What is to be done with a file.
#[derive(Debug)]
pub(super) enum Task {
    /// Scan it.
    Scan(FoundFile),
    /// Size and time of change are those that the index knows, something else is not: look whether
    /// it is the same file, and scan it if not.
    Check(FoundFile),
    /// The index does not know the name, but a file of the same size and time of change: look whether
    /// it is that one, and scan it if not.
    Recognise(FoundFile),
}

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Message {
    Scanned(Box<ScannedFile>),
    Unchanged(FoundFile),
    /// It is longer than the index knows.
    Longer(FoundFile),
    /// It is the same, and the system says something else of it.
    Touched(FoundFile),
    /// It has the bytes of a known file of another name, or of several: their fingerprint.
    Alike(FoundFile, Fingerprint),
    Problem(Problem),
}

/// Walk over the roots, and say what is to be done with each file.
pub(super) fn find_files(
    mut walk: FileWalk,
    roots: &[PathBuf],
    tasks: &SyncSender<Task>,
    results: &SyncSender<Message>,
    shared: &Shared<'_>,
) {
    let mut hand_on = |found| {
        let sent = match found {
            Found::Problem(problem) => results.send(Message::Problem(problem)).is_ok(),
            Found::LedTo(place) => {
                shared.led_to().insert(place);
                true
            }
            Found::File(file) => {
                shared
                    .counts
                    .found
                    .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                match next_step(file, shared) {
                    Step::Work(task) => tasks.send(task).is_ok(),
                    Step::Tell(message) => results.send(message).is_ok(),
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

enum Step {
    Work(Task),
    Tell(Message),
}

fn next_step(file: FoundFile, shared: &Shared<'_>) -> Step {
    let Some(known) = shared.known.get(&file.name) else {
        return Step::Work(if !shared.hash && shared.known.has_alike(&file) {
            Task::Recognise(file)
        } else {
            Task::Scan(file)
        });
    };
    known.see();
    if shared.hash && !known.hashed {
        return Step::Work(Task::Scan(file));
    }
    if known.is_unchanged(&file.stamp) {
        return Step::Tell(Message::Unchanged(file));
    }
    let can_tell = known.fingerprint.is_some();
    if can_tell && known.has_same_bytes(&file.stamp) {
        return Step::Work(Task::Check(file));
    }
    let grew = file.stamp.size > known.stamp.size && known.has_records;
    if can_tell && grew && !known.hashed {
        return Step::Tell(Message::Longer(file));
    }
    Step::Work(Task::Scan(file))
}

/// Work on files until there are no more.
pub(super) fn work_on_files(
    tasks: &Mutex<Receiver<Task>>,
    results: &SyncSender<Message>,
    shared: &Shared<'_>,
) {
    let mut scanner = Scanner::new(shared.hash);
    loop {
        // A poisoned lock means that another thread panicked: this one ends too.
        let Ok(next) = tasks.lock().map(|receiver| receiver.recv()) else {
            return;
        };
        let Ok(task) = next else {
            return;
        };
        if shared.cancel.is_set() {
            return;
        }
        let message = match task {
            Task::Scan(file) => scanned(file, &mut scanner, shared),
            Task::Check(file) => {
                let known = shared.known.get(&file.name);
                if known.is_some_and(|known| is_same(&file, known)) {
                    Message::Touched(file)
                } else {
                    scanned(file, &mut scanner, shared)
                }
            }
            Task::Recognise(file) => {
                let found = fingerprint(&file, file.stamp.size);
                match found.filter(|found| shared.known.alike(&file, *found).len() > 0) {
                    Some(found) => Message::Alike(file, found),
                    None => scanned(file, &mut scanner, shared),
                }
            }
        };
        if results.send(message).is_err() {
            return;
        }
    }
}

/// Whether a file begins with the bytes that the index knows, as far as it looked at them.
pub(super) fn is_same(file: &FoundFile, known: &KnownFile) -> bool {
    let found = fingerprint(file, known.stamp.size);
    found.is_some() && found == known.fingerprint
}

/// The fingerprint of the first bytes of a file, where it can be read.
fn fingerprint(file: &FoundFile, size: u64) -> Option<Fingerprint> {
    let open = open_data(Path::new(&file.path)).ok().flatten()?;
    Fingerprint::of(&open, size).ok()
}

pub(super) fn scanned(file: FoundFile, scanner: &mut Scanner, shared: &Shared<'_>) -> Message {
    let scan = scanner.scan(&file, &shared.cancel);
    let scanned = ScannedFile::new(file, scan, shared.hash, shared.began_ns);
    Message::Scanned(Box::new(scanned))
}
