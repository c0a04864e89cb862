//! The files that SQLite has open in this process.
//!
//! Closing any descriptor of a file drops all locks that the process has on it, those of SQLite
//! too. So a scan asks here before it opens a file of the archive that may be an index, and
//! before it closes one.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::path::Path;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crate::fork::{self, Inside};

/// What tells one file from another that took its name.
pub(crate) type FileIdentity = (u64, u64);

/// Open files, and how many connections each has.
static OPEN: LazyLock<Mutex<HashMap<FileIdentity, usize>>> = LazyLock::new(Mutex::default);

/// The list, inside the gate: a child that is forked meanwhile would find it locked for ever.
struct OpenFiles {
    counts: MutexGuard<'static, HashMap<FileIdentity, usize>>,
    _inside: Inside,
}

fn open_files() -> OpenFiles {
    let inside = fork::enter();
    OpenFiles {
        counts: OPEN.lock().unwrap_or_else(PoisonError::into_inner),
        _inside: inside,
    }
}

/// A connection of this process to a file; made before SQLite locks the file, dropped after it
/// was closed.
#[derive(Debug)]
pub(super) struct Opened(Option<FileIdentity>);

impl Opened {
    /// Count a connection.
    pub(super) fn new(file: Option<FileIdentity>) -> Self {
        if let Some(file) = file {
            *open_files().counts.entry(file).or_default() += 1;
        }
        Self(file)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let Some(file) = self.0 else {
            return;
        };
        let mut open = open_files();
        if let Some(count) = open.counts.get_mut(&file) {
            *count -= 1;
            if *count == 0 {
                open.counts.remove(&file);
            }
        }
    }
}

/// Whether the file of a path is one that SQLite has open in this process. Opens nothing.
pub(crate) fn is_open(path: &Path) -> bool {
    std::fs::metadata(path)
        .ok()
        .and_then(|metadata| identity(&metadata))
        .is_some_and(|file| open_files().counts.contains_key(&file))
}

/// Close a file, unless SQLite has it open by now: that descriptor stays.
pub(crate) fn close(file: File) {
    // Held until the file is closed: no connection is counted meanwhile.
    let open = open_files();
    let file_identity = file.metadata().ok().and_then(|m| identity(&m));
    if file_identity.is_some_and(|identity| open.counts.contains_key(&identity)) {
        std::mem::forget(file);
    }
}

/// Device and inode. Locks of other systems belong to a descriptor: nothing to be told apart.
pub(crate) fn identity(metadata: &Metadata) -> Option<FileIdentity> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Some((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
}
