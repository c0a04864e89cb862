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
    /// How many problems this line stands for: more than 1 in a line that says "and N more".
    pub count: u64,
}

/// The most problems of one file that are told one by one: a file may have a million bad records,
/// and nobody reads on after a thousand.
pub const MAX_TOLD: usize = 1000;

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
    /// The index itself is damaged, or lacks tables or columns.
    Database,
    /// `tsindex_summary` is not what the rows say.
    Summary,
    /// A row of the index cannot be right, whatever the file holds.
    Row,
    /// A row is in the index twice.
    Duplicate,
    /// Rows of a file share bytes.
    Overlap,
    /// What the index keeps of a file beside its rows does not fit them.
    State,
    /// A file of the archive that the index does not know.
    NotIndexed,
    /// The file has records of which the index has no row.
    MissingRow,
    /// The index has a row of which the file has no records.
    ExtraRow,
    /// A row says something else than the records of the file.
    DifferentRow,
    /// The bytes of a row do not have the check sum that it states.
    Hash,
    /// The problems that the index keeps of a file are not those that it has.
    StoredProblems,
}

impl ProblemKind {
    const ALL: [Self; 21] = [
        Self::NotMiniSeed,
        Self::Unreadable,
        Self::Corrupt,
        Self::Truncated,
        Self::Unsupported,
        Self::Integrity,
        Self::Skipped,
        Self::Changed,
        Self::Vanished,
        Self::Database,
        Self::Summary,
        Self::Row,
        Self::Duplicate,
        Self::Overlap,
        Self::State,
        Self::NotIndexed,
        Self::MissingRow,
        Self::ExtraRow,
        Self::DifferentRow,
        Self::Hash,
        Self::StoredProblems,
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
            Self::Database => "database",
            Self::Summary => "summary",
            Self::Row => "row",
            Self::Duplicate => "duplicate",
            Self::Overlap => "overlap",
            Self::State => "state",
            Self::NotIndexed => "not-indexed",
            Self::MissingRow => "missing-row",
            Self::ExtraRow => "extra-row",
            Self::DifferentRow => "different-row",
            Self::Hash => "hash",
            Self::StoredProblems => "stored-problems",
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
            count: 1,
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
            count: 1,
        }
    }

    /// Bytes that were passed over: place and length are theirs; a field that was the reason is
    /// named with its own place. `base` is where the walk began in the file.
    #[must_use]
    pub fn skipped(path: &str, skipped: &mseed_core::Skipped, base: usize) -> Self {
        let at = skipped.reason.offset;
        let problem = Self::bytes(path, &skipped.reason, skipped.length);
        let offset = Some((base + skipped.offset) as u64);
        if at == skipped.offset {
            return Self { offset, ..problem };
        }
        Self {
            offset,
            reason: format!("{} (at byte {})", problem.reason, base + at),
            ..problem
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

    /// A file that ends before bytes that the index names.
    #[must_use]
    pub(crate) fn too_short(path: &str, size: u64, named: u64, remedy: &str) -> Self {
        Self {
            offset: Some(size),
            ..Self::file(
                path,
                ProblemKind::Changed,
                format!(
                    "file has {size} bytes: expected at least {named} as the index says; \
                     the file changed, {remedy}"
                ),
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
        match list.last_mut() {
            Some(last) if last.goes_on_with(&problem) => last.length += problem.length,
            _ => list.push(problem),
        }
    }

    fn goes_on_with(&self, next: &Self) -> bool {
        self.length > 0
            && self.offset.map(|at| at + self.length) == next.offset
            && self.path == next.path
            && self.kind == next.kind
            && self.reason == next.reason
    }

    /// The line for problems of a kind that are counted only; `first` is the first of them.
    fn and_more(first: &Self) -> Self {
        Self {
            reason: more_text(1),
            ..first.clone()
        }
    }
}

fn more_text(count: u64) -> String {
    format!("and {count} more of this kind from here on")
}

/// The problems of one file: the first [`MAX_TOLD`] one by one, then one line for each kind that
/// says how many more there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProblemList {
    lines: Vec<Problem>,
    /// The last one that was counted only.
    last_counted: Option<Problem>,
}

impl ProblemList {
    /// Add a problem; one that goes on where the last one ends is part of that.
    pub fn push(&mut self, problem: Problem) {
        if self.lines.len() < MAX_TOLD {
            return Problem::push(&mut self.lines, problem);
        }
        let last = self.last_counted.as_mut().or(self.lines.last_mut());
        if let Some(last) = last.filter(|last| last.goes_on_with(&problem)) {
            last.length += problem.length;
            return;
        }
        let more = self.lines[MAX_TOLD..]
            .iter_mut()
            .find(|line| line.kind == problem.kind);
        match more {
            Some(line) => {
                line.count += 1;
                line.reason = more_text(line.count);
            }
            None => self.lines.push(Problem::and_more(&problem)),
        }
        self.last_counted = Some(problem);
    }

    /// The lines.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.lines.iter()
    }

    /// Problems of several files, each with as many lines as a list has.
    #[must_use]
    pub fn bound(problems: Vec<Problem>) -> Vec<Problem> {
        if problems.len() <= MAX_TOLD {
            return problems;
        }
        let mut places = HashMap::new();
        let mut lists: Vec<Self> = Vec::new();
        for problem in problems {
            let place = *places.entry(problem.path.clone()).or_insert_with(|| {
                lists.push(Self::default());
                lists.len() - 1
            });
            lists[place].push(problem);
        }
        lists.into_iter().flat_map(|list| list.lines).collect()
    }
}

impl IntoIterator for ProblemList {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.lines.into_iter()
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
        list: &mut ProblemList,
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
        if list.lines.len() < MAX_TOLD {
            self.seen
                .insert(problem.reason.clone(), (list.lines.len(), 0));
        }
        list.push(problem);
    }

    /// Say how often each came again.
    pub(crate) fn finish(&mut self, list: &mut ProblemList) {
        for (at, more) in std::mem::take(&mut self.seen).into_values() {
            if let Some(problem) = list.lines.get_mut(at).filter(|_| more > 0) {
                let records = if more == 1 { "record" } else { "records" };
                problem.count += more;
                problem.reason += &format!(" (and so in {more} {records} behind it)");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(offset: u64, length: u64, kind: ProblemKind) -> Problem {
        Problem {
            offset: Some(offset),
            length,
            ..Problem::file("a", kind, "bad")
        }
    }

    #[test]
    fn a_list_tells_a_thousand_problems_and_counts_the_rest_by_kind() {
        let mut list = ProblemList::default();
        for at in 0..5000 {
            list.push(problem(at * 512, 256, ProblemKind::Corrupt));
            // Goes on where that one ends: no problem of its own.
            list.push(problem(at * 512 + 256, 100, ProblemKind::Corrupt));
            if at % 2 == 0 {
                list.push(problem(at * 512 + 400, 0, ProblemKind::Integrity));
            }
        }
        let lines: Vec<_> = list.iter().collect();
        assert_eq!(lines.len(), MAX_TOLD + 2);
        for (kind, expected) in [(ProblemKind::Corrupt, 5000), (ProblemKind::Integrity, 2500)] {
            let count: u64 = lines
                .iter()
                .filter(|p| p.kind == kind)
                .map(|p| p.count)
                .sum();
            assert_eq!(count, expected);
        }
        let last = lines[MAX_TOLD + 1];
        assert!(last.reason.starts_with("and "), "{}", last.reason);
        assert!(last.reason.contains(&last.count.to_string()));
    }

    #[test]
    fn each_file_of_an_answer_has_its_thousand() {
        let of = |path: &str, at: u64| Problem {
            path: path.to_owned(),
            ..problem(at * 512, 0, ProblemKind::Corrupt)
        };
        let all = (0..4000)
            .flat_map(|at| [of("a", at), of("b", at)])
            .collect();
        let told = ProblemList::bound(all);
        assert_eq!(told.len(), 2 * (MAX_TOLD + 1));
        assert_eq!(told.iter().map(|p| p.count).sum::<u64>(), 8000);
    }

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
        let mut list = ProblemList::default();
        list.push(Problem::not_miniseed("other", 0));
        for at in 0..4 {
            let bytes = record(at);
            let fault = mseed_core::Record::parse(&bytes).map(|r| r.fault);
            let fault = fault.ok().flatten().unwrap_or_else(|| panic!("no fault"));
            faults.push(&mut list, "a", 128 * at, &fault);
        }
        faults.finish(&mut list);
        let list: Vec<_> = list.iter().collect();
        assert_eq!(list.len(), 3);
        assert_eq!((list[1].count, list[2].count), (3, 1));
        assert_eq!((list[1].offset, list[2].offset), (Some(0), Some(256)));
        assert!(list[1].reason.ends_with("(and so in 2 records behind it)"));
        assert!(!list[2].reason.contains("and so"));
        assert_eq!(list[1].kind, ProblemKind::Corrupt);
    }
}
