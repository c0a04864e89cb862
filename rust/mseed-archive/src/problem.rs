//! One thing that is wrong with one data file: a line of a report, never the end of a run.

use std::collections::HashMap;

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

/// Faults of records that are used all the same. A writer with a habit repeats it in each of its
/// records: what is said once is counted from then on.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Faults {
    /// Place in the list of problems, and how many records more say the same.
    seen: HashMap<String, (usize, u64)>,
}

impl Faults {
    /// Add the fault of the record at `offset`, unless the list has it already.
    pub(crate) fn push(
        &mut self,
        list: &mut Vec<Problem>,
        path: &str,
        offset: usize,
        fault: &mseed_core::Error,
    ) {
        let place = mseed_core::Error {
            offset,
            ..fault.clone()
        };
        let problem = Problem::bytes(path, &place, 0);
        if let Some((_, more)) = self.seen.get_mut(&problem.reason) {
            *more += 1;
            return;
        }
        self.seen.insert(problem.reason.clone(), (list.len(), 0));
        list.push(problem);
    }

    /// Say how often each came again.
    pub(crate) fn finish(&mut self, list: &mut [Problem]) {
        for (at, more) in std::mem::take(&mut self.seen).into_values() {
            if let Some(problem) = list.get_mut(at).filter(|_| more > 0) {
                let records = if more == 1 { "record" } else { "records" };
                problem.reason += &format!(" (and so in {more} {records} behind it)");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_fault_of_many_records_is_one_problem() {
        let record = |at: usize| {
            let mut header = vec![0; 128];
            header[..20].copy_from_slice(b"000001D AAA    HHZXX");
            header[20..24].copy_from_slice(&[7, 220, 0, 61]);
            // The chain of blockettes begins inside the header.
            header[44..56].copy_from_slice(&[0, 64, 0, 40, 3, 232, 0, 0, 3, 1, 7, 0]);
            header[47] += u8::from(at == 2);
            header
        };
        let mut faults = Faults::default();
        let mut list = vec![Problem::not_miniseed("other", 0)];
        for at in 0..4 {
            let bytes = record(at);
            let fault = mseed_core::Record::parse(&bytes).map(|r| r.fault);
            let fault = fault.ok().flatten().unwrap_or_else(|| panic!("no fault"));
            faults.push(&mut list, "a", 128 * at, &fault);
        }
        faults.finish(&mut list);
        assert_eq!(list.len(), 3);
        assert_eq!((list[1].offset, list[2].offset), (Some(0), Some(256)));
        assert!(list[1].reason.ends_with("(and so in 2 records behind it)"));
        assert!(!list[2].reason.contains("and so"));
        assert_eq!(list[1].kind, ProblemKind::Corrupt);
    }
}
