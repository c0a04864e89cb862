//! Get the bytes of a window by the index, and decode them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use mseed_core::time::{nearest_sample, period_ns, sample_time_ns};
use mseed_core::{SourceId, Walker, leap};

use super::archive::{Archive, Source};
use super::choice::Choice;
use super::decode::{Decoding, Segment, Whole, decode_run};
use super::edge::{Edge, EdgeRule};
use super::files::{Files, Part};
use super::glean::{Gleaned, Place};
use super::near::Lot;
use super::overlaps::{Dropped, Policy};
use super::plan::{FileChain, Piece, Run, chain_in_time};
use crate::Error;
use crate::problem::{Problem, ProblemKind, ProblemList};
use crate::run::Ticker;
use crate::tsindex::schema::time_text;
use crate::tsindex::{Age, IndexedRun, Question, Selection, margin_ns};

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
    /// Records that are taken in several parts, by their offset, decoded before.
    pub(super) wholes: HashMap<usize, Arc<Whole>>,
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
    /// What overlaps cost the channels that lost samples in the window.
    pub dropped: Vec<Dropped>,
    /// Records that are known to have failed, by buffer and offset.
    pub(super) told: HashSet<(usize, usize)>,
}

/// A window of some channels.
#[derive(Debug)]
pub struct Request<'a> {
    /// Channels.
    pub selection: &'a Selection,
    /// Begin of the window, included.
    pub start_ns: i64,
    /// End of the window, included unless `edge` says otherwise.
    pub end_ns: i64,
    /// Which samples the ends of the window take.
    pub edge: Edge,
    /// Which records are taken, and whether overlaps are decided.
    pub choice: &'a Choice,
    /// Whether runs of different files are joined where no sample lies between them; else overlaps
    /// are not decided either.
    pub join_files: bool,
    /// Whether samples of records that failed their own check are given; else they are a gap.
    pub keep_failed: bool,
    /// Threads that decode, at the most.
    pub threads: usize,
}

impl Request<'_> {
    /// Whether a record may hold a sample of the window: half a sample away, as each end goes to the
    /// nearest one, or a whole one, to that outside; and half a sample, as records scatter around
    /// their grid.
    fn may_have(&self, piece: &Piece) -> bool {
        let period = period_ns(piece.rate_hz);
        let margin_ns = match self.edge.rule {
            EdgeRule::Nearest | EdgeRule::Inside => period,
            EdgeRule::Outside => period.saturating_add(period / 2),
        }
        .saturating_add(MICROSECOND);
        piece.end_ns >= self.start_ns.saturating_sub(margin_ns)
            && piece.start_ns <= self.end_ns.saturating_add(margin_ns)
    }
}

/// A window of the archive. A file that vanished, changed or is damaged is a problem; the rest of
/// the answer stands.
///
/// # Errors
/// [`Error::Argument`] when the window ends before it begins, [`Error::Cancelled`] when the ticker
/// says so, and failures of the index.
pub fn read_window(
    archive: &Archive,
    request: &Request<'_>,
    ticker: &mut Ticker<'_>,
) -> Result<Answer, Error> {
    let found = find_runs(archive, std::slice::from_ref(request), ticker)?.concat();
    answer(&mut Files::new(archive), request, &found, ticker)
}

/// A row of one of the indexes.
#[derive(Debug, Clone)]
pub(super) struct FoundRun {
    /// Number of the index.
    pub(super) source: usize,
    pub(super) run: Arc<IndexedRun>,
}

/// Windows of which the rows are looked up at once: a fork of the process waits so long.
pub(super) const LOOKED_UP_AT_ONCE: usize = 256;

/// The rows that each of some windows may need, index after index. By this thread alone: it has the
/// indexes open already.
pub(super) fn find_runs(
    archive: &Archive,
    requests: &[Request<'_>],
    ticker: &mut Ticker<'_>,
) -> Result<Vec<Vec<FoundRun>>, Error> {
    if requests.iter().any(|r| r.end_ns < r.start_ns) {
        return Err(Error::Argument(
            "the end time is before the start time".into(),
        ));
    }
    let questions: Vec<_> = requests
        .iter()
        .map(|request| Question {
            selection: request.selection,
            start_ns: request.start_ns,
            end_ns: request.end_ns,
        })
        .collect();
    let mut found = vec![Vec::new(); requests.len()];
    for (source, Source { index, .. }) in archive.sources().iter().enumerate() {
        let chunks = found.chunks_mut(LOOKED_UP_AT_ONCE);
        for (found, questions) in chunks.zip(questions.chunks(LOOKED_UP_AT_ONCE)) {
            ticker.poll()?;
            for (found, runs) in found.iter_mut().zip(index.runs_of(questions)?) {
                found.extend(runs.into_iter().map(|run| FoundRun { source, run }));
            }
        }
    }
    Ok(found)
}

/// The samples of a window, from the rows that were found for it.
pub(super) fn answer(
    files: &mut Files<'_>,
    request: &Request<'_>,
    found: &[FoundRun],
    ticker: &mut Ticker<'_>,
) -> Result<Answer, Error> {
    let mut gathered = Gathered::read(files, request, found, ticker)?;
    let mut answer = Answer {
        problems: std::mem::take(&mut gathered.problems),
        ..Answer::default()
    };
    let decoding = Decoding {
        keep_failed: request.keep_failed,
        threads: request.threads,
    };
    let in_window = |piece: &Piece, _| {
        let (base_ns, rate_hz) = (piece.grid_start_ns, piece.rate_hz);
        let first = request.edge.first(base_ns, rate_hz, request.start_ns);
        (first, request.edge.last(base_ns, rate_hz, request.end_ns))
    };
    let runs = gathered.chain(request, &in_window, ticker)?;
    answer.dropped = std::mem::take(&mut gathered.dropped);
    for run in runs {
        ticker.poll()?;
        if let Some(run) = run.cut(request.start_ns, request.end_ns, request.edge) {
            decode_run(&run, &gathered.buffers, decoding, &mut answer);
        }
    }
    answer.problems = ProblemList::bound(answer.problems);
    Ok(answer)
}

/// What the rows of the index led to.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) buffers: Vec<Buffer<'static>>,
    /// How new the data of each buffer are.
    ages: Vec<Age>,
    pieces: Vec<Piece>,
    /// Whether records of several versions or ages may overlap.
    may_overlap: bool,
    pub(super) problems: Vec<Problem>,
    /// Samples that lost against others, known when the records are chained.
    pub(super) dropped: Vec<Dropped>,
}

impl Gathered {
    /// Read the bytes of a window.
    pub(super) fn read(
        files: &mut Files<'_>,
        request: &Request<'_>,
        found: &[FoundRun],
        ticker: &mut Ticker<'_>,
    ) -> Result<Self, Error> {
        let mut gathered = Self::default();
        let mut channels: BTreeMap<_, Channel> = BTreeMap::new();
        for FoundRun { run, .. } in found {
            if run.lowest_rate_hz > 0.0 {
                let channel = channels.entry(&run.codes).or_default();
                let lowest_hz = channel.lowest_hz.get_or_insert(run.lowest_rate_hz);
                *lowest_hz = lowest_hz.min(run.lowest_rate_hz);
            }
        }
        for FoundRun { source, run } in found {
            ticker.poll()?;
            let Some(channel) = channels.get_mut(&run.codes) else {
                continue;
            };
            let asked = Asked {
                request,
                lowest_hz: channel.lowest_hz.unwrap_or(run.lowest_rate_hz),
            };
            let lot = gathered.gather(*source, run, &asked, files);
            channel.lots.extend(lot);
        }
        let mut lots = channels.values_mut().map(|channel| &mut channel.lots);
        gathered.may_overlap = lots.any(|lots| Lot::may_overlap(lots));
        Ok(gathered)
    }

    /// The gapless runs of the records, over the borders of files, overlaps decided, or in each file
    /// alone. `in_window` tells which samples of a record the window has, see [`Policy`].
    pub(super) fn chain(
        &mut self,
        request: &Request<'_>,
        in_window: &dyn Fn(&Piece, f64) -> (i64, i64),
        ticker: &mut Ticker<'_>,
    ) -> Result<Vec<Run>, Error> {
        let mut pieces = std::mem::take(&mut self.pieces);
        if !request.join_files {
            pieces.retain(|piece| request.may_have(piece));
            return Ok(pieces.into_iter().collect::<FileChain>().finish());
        }
        if self.may_overlap && !request.choice.keeps_overlaps {
            let policy = Policy {
                ages: &self.ages,
                keep_failed: request.keep_failed,
                in_window,
            };
            let decided = policy.decide(&mut pieces, &self.buffers, ticker)?;
            self.dropped = decided.dropped;
            for (buffer, offset, whole) in decided.wholes {
                self.buffers[buffer].wholes.insert(offset, whole);
            }
        }
        // Those further away only decided overlaps. The window has not their grid, and whether they
        // have lost samples themselves may hang on others that were not read.
        pieces.retain(|piece| request.may_have(piece));
        chain_in_time(pieces, ticker)
    }

    /// Read the part of a run that a window needs, and keep the records that it may touch. Returns
    /// what overlaps need to know of them.
    fn gather(
        &mut self,
        source: usize,
        run: &IndexedRun,
        asked: &Asked<'_>,
        files: &mut Files<'_>,
    ) -> Option<Lot> {
        let (from_ns, to_ns) = asked.reach(run.lowest_rate_hz);
        if run.lowest_rate_hz <= 0.0 || run.end_ns < from_ns || run.start_ns > to_ns {
            return None;
        }
        let number = self.buffers.len();
        let mut told = Vec::new();
        let part = Part::Between(from_ns, to_ns);
        let mut found = match files.read(source, run, part, &mut told) {
            Ok(buffer) => Found::of(run, asked, buffer, number),
            Err(problem) => {
                self.problems.push(problem);
                return None;
            }
        };
        if found.is_part_of(run) && !found.has_all(run, asked.request) {
            // The file is not what the index says: what it lacks may stand anywhere in it.
            told.clear();
            found = match files.read(source, run, Part::All, &mut told) {
                Ok(buffer) => Found::of(run, asked, buffer, number),
                Err(problem) => {
                    self.problems.push(problem);
                    return None;
                }
            };
        }
        self.problems.append(&mut told);
        self.problems.append(&mut found.problems);
        // Only now: what the caller does not want is no sign that the file changed.
        let choice = asked.request.choice;
        if !choice.takes_all() {
            found.pieces.retain(|piece| choice.takes(piece));
        }
        self.pieces.append(&mut found.pieces);
        self.buffers.push(found.buffer);
        self.ages.push(run.age);
        found.lot
    }
}

/// What is known of one channel of a window.
#[derive(Default)]
struct Channel {
    lowest_hz: Option<f64>,
    /// Of each of its rows.
    lots: Vec<Lot>,
}

/// A request, as one channel sees it.
struct Asked<'a> {
    request: &'a Request<'a>,
    /// The lowest rate of the channel.
    lowest_hz: f64,
}

impl Asked<'_> {
    /// The times between which a record of a rate may matter to the window.
    fn reach(&self, rate_hz: f64) -> (i64, i64) {
        let margin_ns = margin_ns(rate_hz, self.lowest_hz);
        (
            self.request.start_ns.saturating_sub(margin_ns),
            self.request.end_ns.saturating_add(margin_ns),
        )
    }
}

/// What was found in the bytes of a run.
struct Found {
    buffer: Buffer<'static>,
    pieces: Vec<Piece>,
    lot: Option<Lot>,
    problems: Vec<Problem>,
}

impl Found {
    /// Keep the records that a window may touch; `number` is that of the buffer.
    fn of(run: &IndexedRun, asked: &Asked<'_>, buffer: Buffer<'static>, number: usize) -> Self {
        let (mut inside, mut stranger, mut outside) = (0, None, None);
        let mut pieces = Vec::new();
        let mut lot: Option<Lot> = None;
        // Of the rate of the record before: most have the same.
        let mut reach = (None, (0, 0));
        let mut hand_on = |offset, mut piece: Piece| {
            let extent =
                run.start_ns.saturating_sub(MICROSECOND)..=run.end_ns.saturating_add(MICROSECOND);
            let is_of_channel = run.is_of(&piece.source);
            if run
                .version_among_others
                .is_some_and(|version| !is_of_channel || version != piece.version)
            {
                return;
            }
            if !is_of_channel {
                stranger.get_or_insert((offset, piece.source.to_string()));
            } else if piece.end_ns < *extent.start() || piece.start_ns > *extent.end() {
                outside.get_or_insert((offset, "other times".to_owned()));
            } else {
                inside += 1;
                // Logs are no waveforms: `read_file` gives them.
                if piece.is_text() {
                    return;
                }
                let rate = piece.rate_hz.to_bits();
                if reach.0 != Some(rate) {
                    reach = (Some(rate), asked.reach(piece.rate_hz));
                }
                let (from_ns, to_ns) = reach.1;
                if piece.end_ns >= from_ns && piece.start_ns <= to_ns {
                    match &mut lot {
                        Some(lot) => lot.add(&piece),
                        None => lot = Some(Lot::new(&piece, run.age)),
                    }
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
        let mut problems: Vec<_> = gleaned.finish().into_iter().collect();
        if let Some((offset, found)) = stranger.or(outside.filter(|_| inside == 0)) {
            problems.push(changed(&buffer, offset, &found, run));
        }
        Self {
            buffer,
            pieces,
            lot,
            problems,
        }
    }

    /// Whether the run has more bytes than were read.
    fn is_part_of(&self, run: &IndexedRun) -> bool {
        (self.buffer.bytes.len() as u64) < run.bytes
    }

    /// Whether the records are there that the spans of the index promise for the window.
    fn has_all(&self, run: &IndexedRun, request: &Request<'_>) -> bool {
        let period = period_ns(run.lowest_rate_hz);
        let mut pieces: Vec<_> = self
            .pieces
            .iter()
            .map(|p| (p.start_ns, p.next_ns()))
            .collect();
        pieces.sort_unstable();
        let is_there = |(start_ns, end_ns): (i64, i64)| {
            let mut reached_ns = start_ns;
            for (from_ns, next_ns) in &pieces {
                if *from_ns > reached_ns.saturating_add(period) {
                    break;
                }
                reached_ns = reached_ns.max(*next_ns);
            }
            reached_ns >= end_ns
        };
        run.spans
            .iter()
            .map(|(start, end)| ((*start).max(request.start_ns), (*end).min(request.end_ns)))
            .filter(|(start_ns, end_ns)| start_ns <= end_ns)
            .all(is_there)
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
    if piece.start_ns > span_end_ns.saturating_add(MICROSECOND) {
        return piece.start_ns;
    }
    // Spans are written with microseconds, the first sample of the run with all its digits.
    let near = run.start_ns.abs_diff(span_start_ns) < MICROSECOND as u64;
    let grid_ns = if near { run.start_ns } else { span_start_ns };
    if leap::between(grid_ns, piece.start_ns) {
        return piece.start_ns;
    }
    let index = nearest_sample(grid_ns, piece.rate_hz, piece.start_ns);
    let time_ns = sample_time_ns(grid_ns, piece.rate_hz, index);
    // miniSEED 3: where only the rounding of the span is between them, the record knows better.
    let is_finer = piece.start_ns % MICROSECOND != 0;
    if !near && is_finer && time_ns.abs_diff(piece.start_ns) < MICROSECOND as u64 {
        return piece.start_ns;
    }
    time_ns
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
