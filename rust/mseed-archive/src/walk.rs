//! Which files a run looks at. Opens none of them.
//!
//! The rule for links and hidden names: links to files and folders are followed, and each real
//! file is taken once, under its canonical path; names that begin with a dot are passed over
//! unless they are given by name. A loop of links is a problem, not an endless walk.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use globset::{Glob, GlobMatcher};
use walkdir::{DirEntry, WalkDir};

use crate::Error;
use crate::names::{Digest, Digests, Names};
use crate::problem::{Problem, ProblemKind};

/// What is said of something that has a name and no bytes of its own.
pub(crate) const NOT_A_FILE: &str = "not a regular file (pipe, socket or device)";

/// A file to be scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Canonical absolute path.
    pub path: String,
    /// What the index calls it.
    pub name: String,
    /// What the system says of it.
    pub stamp: Stamp,
}

/// What the system says of a file; another one after each change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Size in bytes.
    pub size: u64,
    /// Time of the last change of its bytes, nanoseconds since 1970. Programs can set it back.
    pub modified_ns: i64,
    /// Time of the last change of bytes, name or rights, which nobody can set; 0 where the system
    /// has none.
    pub changed_ns: i64,
    /// Number of the file in its file system, 0 where the system has none: another one when
    /// another file took its name.
    pub inode: u64,
}

impl Stamp {
    /// From what the system says.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let modified_ns = metadata
            .modified()
            .ok()
            .and_then(|t| t.duration_since(UNIX_EPOCH).ok())
            .map_or(0, |d| d.as_nanos() as i64);
        #[cfg(unix)]
        let (changed_ns, inode) = {
            use std::os::unix::fs::MetadataExt;
            let ns = metadata
                .ctime()
                .saturating_mul(1_000_000_000)
                .saturating_add(metadata.ctime_nsec());
            (ns, metadata.ino())
        };
        #[cfg(not(unix))]
        let (changed_ns, inode) = (0, 0);
        Self {
            size: metadata.len(),
            modified_ns,
            changed_ns,
            inode,
        }
    }
}

/// Pattern for file names: shell wildcards, matched against the name, or against the path below
/// the root when the pattern has a `/`.
#[derive(Debug, Clone)]
pub struct Pattern {
    glob: GlobMatcher,
    whole_path: bool,
}

impl Pattern {
    /// Compile a pattern.
    ///
    /// # Errors
    /// [`Error::Argument`] when the pattern is no glob.
    pub fn new(text: &str) -> Result<Self, Error> {
        let glob = Glob::new(text)
            .map_err(|e| Error::Argument(format!("pattern {text:?}: {}", e.kind())))?;
        Ok(Self {
            glob: glob.compile_matcher(),
            whole_path: text.contains('/'),
        })
    }

    fn matches(&self, below_root: &Path) -> bool {
        if self.whole_path {
            self.glob.is_match(below_root)
        } else {
            below_root
                .file_name()
                .is_some_and(|name| self.glob.is_match(name))
        }
    }
}

/// Walks over roots and hands on each file once.
#[derive(Debug)]
pub struct FileWalk {
    pattern: Option<Pattern>,
    leave_out: HashSet<PathBuf>,
    names: Names,
    /// Paths that were taken, by their digests: an archive has millions of them.
    seen: HashSet<Digest>,
    digests: Digests,
}

/// What a walk hands on.
#[derive(Debug)]
pub enum Found {
    /// A file to be scanned.
    File(FoundFile),
    /// Where a link leads, if that is a folder or is not there: files below it belong to the root.
    LedTo(PathBuf),
    /// A name that cannot be followed.
    Problem(Problem),
}

impl FileWalk {
    /// Walk with a pattern; `leave_out` are files that are never taken (the index itself), `names`
    /// say what an index calls a file.
    #[must_use]
    pub fn new(pattern: Option<Pattern>, leave_out: HashSet<PathBuf>, names: Names) -> Self {
        Self {
            pattern,
            leave_out,
            names,
            seen: HashSet::new(),
            digests: Digests::default(),
        }
    }

    /// Walk over one root, a folder or a file; stops early when `hand_on` returns false.
    pub fn root(&mut self, root: &Path, hand_on: &mut dyn FnMut(Found) -> bool) -> bool {
        let named_file = root.is_file();
        // Canonical from the root on: below it, only links need the system's help.
        let start = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
        let visible = |entry: &DirEntry| {
            entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
        };
        let mut linked = Vec::new();
        let walk = WalkDir::new(&start).follow_links(true).into_iter();
        for entry in walk.filter_entry(visible) {
            let found = match entry {
                Err(error) => {
                    let target = error.path().and_then(missing_target);
                    if !target.is_none_or(|target| hand_on(Found::LedTo(target))) {
                        return false;
                    }
                    Found::Problem(walk_problem(&start, &error))
                }
                Ok(entry) => {
                    linked.truncate(entry.depth());
                    let is_link = entry.path_is_symlink();
                    let through_link = linked.last().copied().unwrap_or(false) || is_link;
                    linked.push(through_link);
                    if entry.file_type().is_dir() {
                        let target = is_link.then(|| entry.path().canonicalize());
                        if let Some(Ok(target)) = target
                            && !hand_on(Found::LedTo(target))
                        {
                            return false;
                        }
                        continue;
                    }
                    let below = entry.path().strip_prefix(&start).unwrap_or(entry.path());
                    let wanted =
                        named_file || self.pattern.as_ref().is_none_or(|p| p.matches(below));
                    if !wanted {
                        continue;
                    }
                    match self.take(&entry, through_link) {
                        Some(found) => found,
                        None => continue,
                    }
                }
            };
            if !hand_on(found) {
                return false;
            }
        }
        true
    }

    fn take(&mut self, entry: &DirEntry, through_link: bool) -> Option<Found> {
        let shown = entry.path().to_string_lossy().into_owned();
        let problem = |reason: String| {
            Some(Found::Problem(Problem::file(
                &shown,
                ProblemKind::Unreadable,
                reason,
            )))
        };
        let path = if through_link {
            match entry.path().canonicalize() {
                Ok(path) => path,
                Err(error) => return problem(error.to_string()),
            }
        } else {
            entry.path().to_path_buf()
        };
        let digest = self.digests.of(path.as_os_str().as_encoded_bytes());
        if self.leave_out.contains(&path) || !self.seen.insert(digest) {
            return None;
        }
        let metadata = match entry.metadata() {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return problem(NOT_A_FILE.into()),
            Err(error) => return problem(error.to_string()),
        };
        match path.into_os_string().into_string() {
            Ok(path) => Some(Found::File(FoundFile {
                name: self.names.of(&path),
                path,
                stamp: Stamp::of(&metadata),
            })),
            // The index holds text: a name that is no text could not be found again.
            Err(_) => problem("file name is not valid UTF-8: rename the file".into()),
        }
    }
}

/// Where the canonical path of a file leads now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// To the file or folder itself.
    There,
    /// To nothing.
    Gone,
    /// Through a link: what is there has another canonical path.
    Linked,
    /// Nobody may look: that is not to be gone.
    Unknown,
}

impl Whereabouts {
    /// Where a path that was canonical leads now.
    pub(crate) fn of(path: &Path) -> Self {
        match path.canonicalize() {
            Ok(found) if found == path => Self::There,
            Ok(_) => Self::Linked,
            // A link to itself, or to nothing.
            Err(_) if path.is_symlink() => Self::Linked,
            Err(error) if is_absence(&error) => Self::Gone,
            Err(_) => Self::Unknown,
        }
    }

    /// Whether no file of its own is there any more.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Gone | Self::Linked)
    }
}

/// Whether the system says that there is no such file.
pub(crate) fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The index and what lies beside it, of SQLite and of makeindex, are no data.
pub(crate) fn index_files(index: &Path) -> HashSet<PathBuf> {
    ["", "-journal", "-wal", "-shm", LOCK]
        .iter()
        .map(|suffix| beside(index, suffix))
        .collect()
}

/// What the name of an index is followed by in that of the file that a run locks.
const LOCK: &str = "-lock";

/// The file that a run of makeindex locks.
pub(crate) fn lock_file(index: &Path) -> PathBuf {
    beside(index, LOCK)
}

/// A file beside an index, which need not be there yet, whatever links lead to it.
fn beside(index: &Path, suffix: &str) -> PathBuf {
    let path = index.canonicalize().or_else(|_| {
        let whole = std::path::absolute(index)?;
        let folder = whole.parent().unwrap_or(&whole).canonicalize()?;
        io::Result::Ok(folder.join(whole.file_name().unwrap_or_default()))
    });
    let mut name = path
        .unwrap_or_else(|_| index.to_path_buf())
        .into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

/// Links that are followed one after the other, as Linux does: more are a loop.
const MOST_LINKS: usize = 40;

/// What a link leads to, through other links and folders that need not be there; `None` for all but
/// links, and for loops.
fn missing_target(link: &Path) -> Option<PathBuf> {
    link.read_link().ok()?;
    let parts_of =
        |path: &Path| -> Vec<OsString> { path.iter().rev().map(OsStr::to_os_string).collect() };
    let mut ahead = parts_of(link);
    let mut found = PathBuf::new();
    let mut links = 0;
    while let Some(part) = ahead.pop() {
        if part == ".." {
            found.pop();
        } else if part != "." {
            found.push(part); // of what is absolute, the root comes first and takes the place of all
        }
        if let Ok(target) = found.read_link() {
            links += 1;
            if links > MOST_LINKS {
                return None;
            }
            found.pop();
            ahead.extend(parts_of(&target));
        }
    }
    Some(found)
}

fn walk_problem(root: &Path, error: &walkdir::Error) -> Problem {
    let path = error.path().unwrap_or(root).to_string_lossy();
    let reason = match (error.loop_ancestor(), error.io_error()) {
        (Some(ancestor), _) => format!("link back to {}", ancestor.display()),
        (None, Some(io)) => io.to_string(),
        (None, None) => error.to_string(),
    };
    Problem::file(&path, ProblemKind::Unreadable, reason)
}
