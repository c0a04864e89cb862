//! Telling the system which bytes of the archive will be read, in the order of files and offsets.

use std::ops::Range;
use std::sync::Arc;

use super::archive::{Archive, Source, touches};
use super::narrow::byte_range;
use super::read::LOOKED_UP_AT_ONCE;
use crate::Error;
use crate::tsindex::{IndexedRun, Question};

/// Ranges with less between them are one: a disk reads on as quickly as it skips so little.
const GAP: u64 = 64 * 1024;

/// Have the system read what some windows will need, file by file and each from its begin to its
/// end, whatever the order of the windows. Returns the ranges in that order, by file as the index
/// names it.
///
/// Only a hint: places are guessed from times, and a file that cannot be opened is left to whoever
/// reads the window. Nothing but the ranges where the system takes no such hint.
///
/// # Errors
/// [`Error::Sqlite`].
pub fn read_ahead(
    archive: &Archive,
    questions: &[Question<'_>],
) -> Result<Vec<(String, Range<u64>)>, Error> {
    let mut told = Vec::new();
    for source in archive.sources() {
        let mut ranges = Vec::new();
        for questions in questions.chunks(LOOKED_UP_AT_ONCE) {
            for (question, runs) in questions.iter().zip(source.index.runs_of(questions)?) {
                let runs = runs.iter().filter(|run| touches(run, question));
                ranges.extend(runs.map(|run| {
                    let bounds = byte_range(run, question.start_ns, question.end_ns);
                    let range = bounds.guess(question.start_ns, question.end_ns);
                    (Arc::clone(run), range)
                }));
            }
        }
        ranges.sort_by(|(a, one), (b, other)| {
            (&a.filename, one.start, one.end).cmp(&(&b.filename, other.start, other.end))
        });
        for of_file in ranges.chunk_by(|(a, _), (b, _)| a.filename == b.filename) {
            let joined = join(of_file.iter().map(|(_, range)| range.clone()));
            advise(source, &of_file[0].0, &joined);
            let name = &of_file[0].0.filename;
            told.extend(joined.into_iter().map(|range| (name.clone(), range)));
        }
    }
    Ok(told)
}

/// Sorted ranges, those together that lie near each other.
fn join(ranges: impl Iterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP) => {
                last.end = last.end.max(range.end);
            }
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(target_os = "linux")]
fn advise(source: &Source, run: &IndexedRun, ranges: &[Range<u64>]) {
    use std::fs::File;
    use std::os::fd::AsRawFd;

    use super::files::locate;

    let Ok(file) = locate(source, &run.filename, run.exact_name, |path| {
        File::open(path)
    }) else {
        return;
    };
    for range in ranges {
        let (Ok(start), Ok(length)) = (
            libc::off_t::try_from(range.start),
            libc::off_t::try_from(range.end - range.start),
        ) else {
            continue;
        };
        // SAFETY: a call about an open file that touches no memory of ours.
        #[allow(unsafe_code)]
        unsafe {
            libc::posix_fadvise(file.as_raw_fd(), start, length, libc::POSIX_FADV_WILLNEED);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn advise(_: &Source, _: &IndexedRun, _: &[Range<u64>]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_lie_near_each_other_are_one() {
        let joined = |ranges: &[Range<u64>]| join(ranges.iter().cloned());
        assert_eq!(joined(&[]), []);
        let far = 200_000..200_001;
        let near = [0..10, 5..7, 10 + GAP..90_000, far.clone()];
        assert_eq!(joined(&near), [0..90_000, far]);
        let apart = [0..10, 11 + GAP..90_000];
        assert_eq!(joined(&apart), apart);
    }
}
