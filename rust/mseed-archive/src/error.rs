//! Failures that end a call. What is wrong with one data file is a [`crate::Problem`] instead.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A failure that ends the call.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused; names the path.
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no index, or an index of a form that is not written.
    NotAnIndex {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        reason: String,
    },
    /// A writer of the index was killed in the middle of a batch, and the caller wants nothing
    /// changed, or may change nothing: SQLite takes the batch back before anything can be read.
    Unfinished {
        /// The index file.
        path: PathBuf,
        /// Whether the system forbids the change.
        is_forbidden: bool,
    },
    /// SQLite refused.
    Sqlite {
        /// The index file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The caller asked for something impossible.
    Argument(String),
    /// The caller cancelled.
    Cancelled,
}

impl Error {
    /// The file or folder that it is about.
    fn path(&self) -> Option<&Path> {
        match self {
            Self::Io { path, .. }
            | Self::NotAnIndex { path, .. }
            | Self::Unfinished { path, .. }
            | Self::Sqlite { path, .. } => Some(path),
            Self::Argument(_) | Self::Cancelled => None,
        }
    }

    /// What is wrong, without the path.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Io { source, .. } => source.to_string(),
            Self::NotAnIndex { reason, .. } => reason.clone(),
            Self::Unfinished { is_forbidden, .. } => {
                let remedy = match is_forbidden {
                    true => {
                        "who may write the index and its folder is to run makeindex again, or to open \
                         the index once with any other command"
                    }
                    false => "run makeindex again, or open the index with any other command",
                };
                format!(
                    "a program was killed while it wrote, and left its journal: \
                     expected none; {remedy}, which takes back what was half written"
                )
            }
            Self::Sqlite { source, .. } => source.to_string(),
            Self::Argument(text) => text.clone(),
            Self::Cancelled => "cancelled".into(),
        }
    }

    /// Whether SQLite says that pages of the index contradict each other.
    pub(crate) fn is_damage(&self) -> bool {
        let code = match self {
            Self::Sqlite { source, .. } => source.sqlite_error_code(),
            _ => None,
        };
        code == Some(rusqlite::ErrorCode::DatabaseCorrupt)
    }

    /// An I/O failure at `path`.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_path_buf(),
            source,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.path() {
            write!(f, "{}: ", path.display())?;
        }
        f.write_str(&self.reason())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Sqlite { source, .. } => Some(source),
            _ => None,
        }
    }
}
