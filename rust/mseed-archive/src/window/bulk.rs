//! Many windows at once, read in the order of files and offsets.

use super::archive::Archive;
use super::crew::each;
use super::files::Files;
use super::read::{Answer, FoundRun, Request, answer, find_runs};
use crate::Error;
use crate::run::Ticker;

/// Answer many requests, in the order in which they were asked. They are read in the order of files
/// and offsets, each by one of `threads` threads.
///
/// # Errors
/// As [`super::read_window`].
pub fn read_windows(
    archive: &Archive,
    requests: &[Request<'_>],
    threads: usize,
    ticker: &mut Ticker<'_>,
) -> Result<Vec<Answer>, Error> {
    let found = find_runs(archive, requests, ticker)?;
    let mut jobs: Vec<_> = found.into_iter().enumerate().collect();
    let start_ns = |number: usize| requests[number].start_ns;
    jobs.sort_by_cached_key(|(number, runs)| (place(runs, start_ns(*number)), start_ns(*number)));
    let mut failure = None;
    let mut answers: Vec<Answer> = requests.iter().map(|_| Answer::default()).collect();
    each(
        jobs,
        threads,
        ticker,
        || Files::new(archive),
        |files, (number, runs), cancel| {
            let mut go_on = || !cancel.is_set();
            let mut ticker = Ticker::new(&mut go_on);
            let request = &requests[number];
            (number, answer(files, request, &runs, &mut ticker))
        },
        |(number, result)| match result {
            Ok(answer) => answers[number] = answer,
            Err(error) => failure = Some(error),
        },
    )?;
    failure.map_or(Ok(answers), Err)
}

/// Where the first row stands that reaches into a window that begins at `start_ns`. Rows are found
/// from an hour before it on, and in an archive of small files most of these are not read.
pub(super) fn place(runs: &[FoundRun], start_ns: i64) -> Option<(usize, String, u64)> {
    let reaching = runs.iter().find(|found| found.run.end_ns >= start_ns);
    let FoundRun { source, run } = reaching.or(runs.first())?;
    Some((*source, run.filename.clone(), run.byte_offset))
}
