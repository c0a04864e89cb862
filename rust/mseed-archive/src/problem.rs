//! One thing that is wrong with one data file: a line of a report, never the end of a run.

use mseed_core::{Class, Kind, SourceId};

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// File, as it was named or found.
    pub path: String,
    /// Byte offset in the file.
    pub offset: Option<u64>,
    /// Number of bytes that were passed over; 0 when samples were read all the same.
    pub length: u64,
    /// Sort of problem.
    pub kind: ProblemKind,
    /// What was found and what was expected.
    pub reason: String,
}

/// Sorts of problems; the texts are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// The file holds no miniSEED record.
    NotMiniSeed,
    /// The file or folder cannot be read, or vanished.
    Unreadable,
    /// Bytes contradict the format.
    Corrupt,
    /// A record is cut short.
    Truncated,
    /// An encoding or identifier that is not read.
    Unsupported,
    /// Samples were read, but a check value does not match them.
    Integrity,
    /// Bytes between records that belong to none.
    Skipped,
    /// The file is not what the index says.
    Changed,
    /// The file is in the index and no longer exists.
    Vanished,
}

impl ProblemKind {
    const ALL: [Self; 9] = [
        Self::NotMiniSeed,
        Self::Unreadable,
        Self::Corrupt,
        Self::Truncated,
        Self::Unsupported,
        Self::Integrity,
        Self::Skipped,
        Self::Changed,
        Self::Vanished,
    ];

    /// Text of the kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotMiniSeed => "not-mseed",
            Self::Unreadable => "unreadable",
            Self::Corrupt => "corrupt",
            Self::Truncated => "truncated",
            Self::Unsupported => "unsupported",
            Self::Integrity => "integrity",
            Self::Skipped => "skipped",
            Self::Changed => "changed",
            Self::Vanished => "vanished",
        }
    }

    /// Kind of a text that [`Self::as_str`] wrote.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .unwrap_or(Self::Corrupt)
    }

    /// Kind of a failure of the record parser or decoder.
    #[must_use]
    pub fn of(error: &mseed_core::Error) -> Self {
        match (&error.kind, error.class()) {
            (Kind::NotMiniSeed, _) => Self::Skipped,
            (Kind::Crc { .. } | Kind::SteimLastSample { .. }, _) => Self::Integrity,
            (_, Class::Truncated) => Self::Truncated,
            (_, Class::Unsupported) => Self::Unsupported,
            _ => Self::Corrupt,
        }
    }
}

impl Problem {
    /// A problem of a whole file.
    #[must_use]
    pub fn file(path: &str, kind: ProblemKind, reason: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            offset: None,
            length: 0,
            kind,
            reason: reason.into(),
        }
    }

    /// A problem of the bytes of a file; the error's own offset is the place in the file.
    #[must_use]
    pub fn bytes(path: &str, error: &mseed_core::Error, length: usize) -> Self {
        Self {
            path: path.to_owned(),
            offset: Some(error.offset as u64),
            length: length as u64,
            kind: ProblemKind::of(error),
            reason: error.kind.to_string(),
        }
    }

    /// A file without a single record.
    #[must_use]
    pub fn not_miniseed(path: &str, size: u64) -> Self {
        Self {
            offset: Some(0),
            length: size,
            ..Self::file(
                path,
                ProblemKind::NotMiniSeed,
                if size == 0 {
                    "empty file: expected miniSEED records"
                } else {
                    "no miniSEED record found: not a miniSEED file"
                },
            )
        }
    }

    /// The same problem, with the channel that it concerns.
    #[must_use]
    pub fn of_channel(mut self, source: &SourceId) -> Self {
        self.reason = format!("{source}: {}", self.reason);
        self
    }

    /// Add a problem to a list; one that goes on where the last one ends lengthens that.
    pub fn push(list: &mut Vec<Self>, problem: Self) {
        if let Some(last) = list.last_mut() {
            let end = last.offset.map(|at| at + last.length);
            if end == problem.offset
                && last.path == problem.path
                && last.kind == problem.kind
                && last.reason == problem.reason
                && last.length > 0
            {
                last.length += problem.length;
                return;
            }
        }
        list.push(problem);
    }
}
