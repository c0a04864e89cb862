//! Get the bytes of a window by the index, and decode them.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use mseed_core::time::{nearest_sample, period_ns, sample_time_ns};
use mseed_core::{SourceId, Walker, leap};

use super::decode::{Decoding, Segment, decode_run};
use super::glean::{Gleaned, Place};
use super::narrow::{byte_range, narrowed};
use super::plan::{FileChain, Piece, chain_in_time};
use crate::Error;
use crate::problem::{Problem, ProblemKind, ProblemList};
use crate::run::Ticker;
use crate::tsindex::schema::time_text;
use crate::tsindex::{IndexReader, IndexedRun, Selection};

/// Times of the index are text with microseconds.
const MICROSECOND: i64 = 1000;

/// Bytes in memory and where they come from.
#[derive(Debug)]
pub(super) struct Buffer<'a> {
    pub(super) path: Cow<'a, str>,
    /// Offset of the first byte in the file.
    pub(super) base: u64,
    pub(super) bytes: Cow<'a, [u8]>,
    /// Whether the file ends before the range that was asked for.
    pub(super) short: bool,
}

/// Segments, and what was wrong on the way.
#[derive(Debug, Default)]
pub struct Answer {
    /// Gapless segments, by channel, then by time.
    pub segments: Vec<Segment>,
    /// What was wrong; the segments are the rest.
    pub problems: Vec<Problem>,
    /// The channel of each record with samples of the answer that failed its own check.
    pub failed_records: Vec<SourceId>,
}

/// A window of some channels.
#[derive(Debug)]
pub struct Request<'a> {
    /// Channels.
    pub selection: &'a Selection,
    /// Begin of the window, included.
    pub start_ns: i64,
    /// End of the window, included.
    pub end_ns: i64,
    /// Whether runs of different files are joined where no sample lies between them.
    pub join_files: bool,
    /// Whether samples of records that failed their own check are given; else they are a gap.
    pub keep_failed: bool,
    /// Threads that decode, at the most.
    pub threads: usize,
}

impl Request<'_> {
    /// The times between which a record may hold a sample of the window: half a sample, as each
    /// end goes to the nearest one, and half a sample, as records scatter around their grid.
    fn reach(&self, rate_hz: f64) -> (i64, i64) {
        let margin_ns = period_ns(rate_hz).saturating_add(MICROSECOND);
        (
            self.start_ns.saturating_sub(margin_ns),
            self.end_ns.saturating_add(margin_ns),
        )
    }
}

/// A window of the archive. A file that vanished, changed or is damaged is a problem; the rest of
/// the answer stands.
///
/// # Errors
/// [`Error::Argument`] when the window ends before it begins, [`Error::Cancelled`] when the ticker
/// says so, and failures of the index.
pub fn read_window(
    index: &IndexReader,
    request: &Request<'_>,
    ticker: &mut Ticker<'_>,
) -> Result<Answer, Error> {
    if request.end_ns < request.start_ns {
        return Err(Error::Argument(
            "the end time is before the start time".into(),
        ));
    }
    let mut found = Gathered::default();
    let mut files = Files::new(index.path());
    for run in index.runs(request.selection, request.start_ns, request.end_ns)? {
        ticker.poll()?;
        found.gather(&run, request, &mut files);
    }
    let runs = if request.join_files {
        chain_in_time(found.pieces, ticker)?
    } else {
        found.pieces.into_iter().collect::<FileChain>().finish()
    };
    let mut answer = Answer {
        problems: found.problems,
        ..Answer::default()
    };
    let decoding = Decoding {
        keep_failed: request.keep_failed,
        threads: request.threads,
    };
    for run in runs {
        ticker.poll()?;
        if let Some(run) = run.cut(request.start_ns, request.end_ns) {
            decode_run(&run, &found.buffers, decoding, &mut answer);
        }
    }
    answer.problems = ProblemList::bound(answer.problems);
    Ok(answer)
}

/// What the rows of the index led to.
#[derive(Default)]
struct Gathered {
    buffers: Vec<Buffer<'static>>,
    pieces: Vec<Piece>,
    problems: Vec<Problem>,
}

impl Gathered {
    /// Read the part of a run that a window needs, and keep the records that it may touch.
    fn gather(&mut self, run: &IndexedRun, request: &Request<'_>, files: &mut Files) {
        let (from_ns, to_ns) = request.reach(run.lowest_rate_hz);
        if run.lowest_rate_hz <= 0.0 || run.end_ns < from_ns || run.start_ns > to_ns {
            return;
        }
        let buffer = match files.read(run, (from_ns, to_ns), &mut self.problems) {
            Ok(buffer) => buffer,
            Err(problem) => return self.problems.push(problem),
        };
        let (mut inside, mut stranger, mut outside) = (0, None, None);
        let (pieces, number) = (&mut self.pieces, self.buffers.len());
        let mut hand_on = |offset, mut piece: Piece| {
            let extent =
                run.start_ns.saturating_sub(MICROSECOND)..=run.end_ns.saturating_add(MICROSECOND);
            if !run.is_of(&piece.source) {
                stranger.get_or_insert((offset, piece.source.to_string()));
            } else if piece.end_ns < *extent.start() || piece.start_ns > *extent.end() {
                outside.get_or_insert((offset, "other times".to_owned()));
            } else {
                inside += 1;
                // Logs are no waveforms: `read_file` gives them.
                if piece.is_text() {
                    return;
                }
                let (from_ns, to_ns) = request.reach(piece.rate_hz);
                if piece.end_ns >= from_ns && piece.start_ns <= to_ns {
                    piece.grid_start_ns = on_grid(run, &piece);
                    pieces.push(piece);
                }
            }
        };
        let place = Place {
            path: &buffer.path,
            base: buffer.base as usize,
            buffer: number,
            short: buffer.short,
        };
        let mut gleaned = Gleaned::default();
        for item in Walker::new(&buffer.bytes) {
            gleaned.take(item, place, &mut hand_on);
        }
        self.problems.extend(gleaned.finish());
        if let Some((offset, found)) = stranger.or(outside.filter(|_| inside == 0)) {
            self.problems.push(changed(&buffer, offset, &found, run));
        }
        self.buffers.push(buffer);
    }
}

/// Time of the first sample of a record on the grid of its span.
///
/// The times of records scatter around the grid of the samples, by up to half a sample. A file
/// read as a whole has the grid of its first record; so that a window out of the middle has the
/// same times and samples, its first record goes to the grid of the span that the index names.
/// Where spans overlap nothing tells which one a record belongs to: it keeps its own time. So does a
/// record behind a leap second inside the span: no even grid leads over it.
fn on_grid(run: &IndexedRun, piece: &Piece) -> i64 {
    if !run.spans_apart {
        return piece.start_ns;
    }
    let behind = run
        .spans
        .partition_point(|(start, _)| *start <= piece.start_ns);
    let Some((span_start_ns, span_end_ns)) = behind.checked_sub(1).map(|at| run.spans[at]) else {
        return piece.start_ns;
    };
    if piece.start_ns > span_end_ns {
        return piece.start_ns;
    }
    // Spans are written with microseconds, the first sample of the run with all its digits.
    let near = run.start_ns.abs_diff(span_start_ns) < MICROSECOND as u64;
    let grid_ns = if near { run.start_ns } else { span_start_ns };
    if leap::between(grid_ns, piece.start_ns) {
        return piece.start_ns;
    }
    let index = nearest_sample(grid_ns, piece.rate_hz, piece.start_ns);
    sample_time_ns(grid_ns, piece.rate_hz, index)
}

fn changed(buffer: &Buffer<'_>, offset: usize, found: &str, run: &IndexedRun) -> Problem {
    Problem {
        offset: Some(buffer.base + offset as u64),
        ..Problem::file(
            &buffer.path,
            ProblemKind::Changed,
            format!(
                "record of {found}: expected {} from {} to {} as the index says; the file \
                 changed, run makeindex again",
                run.codes.join("."),
                time_text(run.start_ns),
                time_text(run.end_ns),
            ),
        )
    }
}

/// The files of one answer; the last one stays open, as runs of one file follow each other.
struct Files {
    index_folder: PathBuf,
    last: Option<(String, File, u64)>,
}

impl Files {
    fn new(index: &Path) -> Self {
        Self {
            index_folder: index.parent().map(Path::to_path_buf).unwrap_or_default(),
            last: None,
        }
    }

    /// Read what a window needs of a run. A file that is too short gives what it has, and a
    /// problem.
    fn read(
        &mut self,
        run: &IndexedRun,
        (from_ns, to_ns): (i64, i64),
        problems: &mut Vec<Problem>,
    ) -> Result<Buffer<'static>, Problem> {
        let unreadable = |error: io::Error| {
            Problem::file(&run.filename, ProblemKind::Unreadable, error.to_string())
        };
        if self
            .last
            .as_ref()
            .is_none_or(|(name, ..)| *name != run.filename)
        {
            let file = self.open(run).map_err(unreadable)?;
            let size = file.metadata().map_err(unreadable)?.len();
            self.last = Some((run.filename.clone(), file, size));
        }
        let Some((_, file, size)) = &self.last else {
            return Err(unreadable(io::ErrorKind::NotFound.into()));
        };
        let range = byte_range(run, from_ns, to_ns);
        let read_some = |bytes: &mut [u8], offset| read_at(file, bytes, offset);
        let (from, to) = narrowed(run, range, (from_ns, to_ns), read_some);
        if *size < to {
            problems.push(Problem {
                offset: Some(*size),
                ..Problem::file(
                    &run.filename,
                    ProblemKind::Changed,
                    format!(
                        "file has {size} bytes: expected at least {to} as the index says; \
                         the file changed, run makeindex again"
                    ),
                )
            });
        }
        let mut bytes = vec![0; to.min(*size).saturating_sub(from) as usize];
        let got = read_at(file, &mut bytes, from).map_err(unreadable)?;
        bytes.truncate(got);
        Ok(Buffer {
            path: Cow::Owned(run.filename.clone()),
            base: from,
            bytes: Cow::Owned(bytes),
            short: *size < to,
        })
    }

    /// Open a file as the index names it: a relative name is looked for in the folder of the
    /// index, then in the working folder; `path#N` may be version N of `path` (mseedindex).
    fn open(&self, run: &IndexedRun) -> io::Result<File> {
        let name = run.filename.as_str();
        let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let base = name
            .rsplit_once('#')
            .filter(|(_, version)| !run.exact_name && is_number(version))
            .map(|(base, _)| base);
        let mut first_error = None;
        for name in std::iter::once(name).chain(base) {
            for path in [self.index_folder.join(name), PathBuf::from(name)] {
                match File::open(path) {
                    Ok(file) => return Ok(file),
                    Err(error) => {
                        first_error.get_or_insert(error);
                    }
                }
            }
        }
        Err(first_error.unwrap_or(io::ErrorKind::NotFound.into()))
    }
}

/// Fill `bytes` from `offset` on, as far as the file goes; the position of the file stays free
/// for other threads.
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        #[cfg(unix)]
        let got =
            std::os::unix::fs::FileExt::read_at(file, &mut bytes[done..], offset + done as u64);
        #[cfg(windows)]
        let got = std::os::windows::fs::FileExt::seek_read(
            file,
            &mut bytes[done..],
            offset + done as u64,
        );
        match got {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
