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
        match self {
            Self::Io { path, source } => write!(f, "{}: {source}", path.display()),
            Self::NotAnIndex { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::Sqlite { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Argument(text) => f.write_str(text),
            Self::Cancelled => f.write_str("cancelled"),
        }
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
