//! Windows of an exact number of samples, straight into the caller's array: for machine learning.

use std::collections::HashSet;

use mseed_core::time::{nearest_sample, period_ns, sample_time_ns};

use super::archive::Archive;
use super::bulk::place;
use super::choice::Choice;
use super::crew::each;
use super::decode::{Decoding, Segment, decode_run};
use super::edge::Edge;
use super::files::Files;
use super::overlaps::Dropped;
use super::plan::{Piece, Run};
use super::read::{Answer, FoundRun, Gathered, Request, find_runs};
use super::samples::Samples;
use crate::Error;
use crate::problem::{Problem, ProblemKind, ProblemList};
use crate::run::{Cancel, Ticker};
use crate::tsindex::Selection;

/// Where a rate is not known yet, a window is looked for as if it had so many samples a second, one
/// after the other until there are rows.
const GUESSED_RATES_HZ: [f64; 4] = [1.0, 1e-2, 1e-4, 1e-6];

/// What is said of samples that an array of integers does not hold.
const WRONG_TYPE: &str = "float samples: expected integers for this array";

/// A window that is wanted.
#[derive(Debug)]
pub struct Wanted {
    /// Channel; of several the first that has data.
    pub selection: Selection,
    /// The first sample is the one nearest to this time.
    pub start_ns: i64,
}

/// What became of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    /// Time of the first sample, there or not: on the grid of the samples that are there. The time
    /// asked for when there are none.
    pub start_ns: i64,
    /// Sample rate; NaN when there are no samples.
    pub rate_hz: f64,
    /// Samples that are there.
    pub covered: usize,
    /// Samples that were left out for others of the same times.
    pub dropped: u64,
}

/// A number type of the caller's array.
pub trait Number: Copy + Send {
    /// From an integer.
    fn from_int32(value: i32) -> Self;
    /// From a number of single precision; `None` when the type does not hold such numbers.
    fn from_float32(value: f32) -> Option<Self>;
    /// The same of double precision.
    fn from_float64(value: f64) -> Option<Self>;
}

impl Number for f32 {
    fn from_int32(value: i32) -> Self {
        value as Self
    }
    fn from_float32(value: f32) -> Option<Self> {
        Some(value)
    }
    fn from_float64(value: f64) -> Option<Self> {
        Some(value as Self)
    }
}

impl Number for f64 {
    fn from_int32(value: i32) -> Self {
        Self::from(value)
    }
    fn from_float32(value: f32) -> Option<Self> {
        Some(Self::from(value))
    }
    fn from_float64(value: f64) -> Option<Self> {
        Some(value)
    }
}

impl Number for i32 {
    fn from_int32(value: i32) -> Self {
        value
    }
    fn from_float32(_: f32) -> Option<Self> {
        None
    }
    fn from_float64(_: f64) -> Option<Self> {
        None
    }
}

/// Cut windows of `npts` samples, one behind the other in `out`; samples that are not there leave
/// `out` as it is. Read in the order of files and offsets by several threads.
///
/// Overlapping data: what `choice` says decides. Where nothing does, the run of records that begins
/// first counts, of those that begin together the one of the first index and file. Records of
/// another rate than the first ones of a window are left out, and so are samples that `T` does not
/// hold; both are problems.
///
/// # Errors
/// [`Error::Argument`] when `out` has another length, [`Error::Cancelled`], failures of an index.
pub fn cut_windows<T: Number>(
    archive: &Archive,
    wanted: &[Wanted],
    choice: &Choice,
    npts: usize,
    out: &mut [T],
    threads: usize,
    ticker: &mut Ticker<'_>,
) -> Result<(Vec<Cut>, Vec<Problem>), Error> {
    if npts == 0 || wanted.len().checked_mul(npts) != Some(out.len()) {
        return Err(Error::Argument(
            "the array has not as many samples as the windows".into(),
        ));
    }
    let plans = Plan::of_all(archive, wanted, choice, npts, ticker)?;
    let mut jobs: Vec<_> = plans
        .into_iter()
        .zip(out.chunks_mut(npts))
        .enumerate()
        .collect();
    jobs.sort_by_cached_key(|(_, (plan, _))| {
        let start_ns = plan.request_start_ns;
        (place(plan.first(), start_ns), start_ns)
    });
    let none = Cut {
        start_ns: 0,
        rate_hz: f64::NAN,
        covered: 0,
        dropped: 0,
    };
    let mut cuts = vec![none; wanted.len()];
    let mut problems = ProblemList::default();
    let mut failure = None;
    each(
        jobs,
        threads,
        ticker,
        || Files::new(archive),
        |files, (number, (plan, to)), cancel| (number, plan.cut(files, to, cancel)),
        |(number, result)| match result {
            Ok((cut, told)) => {
                cuts[number] = cut;
                told.into_iter().for_each(|problem| problems.push(problem));
            }
            Err(error) => failure = Some(error),
        },
    )?;
    failure.map_or_else(|| Ok((cuts, problems.into_iter().collect())), Err)
}

/// A window and the rows for it.
struct Plan<'a> {
    selection: &'a Selection,
    choice: &'a Choice,
    request_start_ns: i64,
    /// The rows of each channel, in the order of their codes, and until when they are needed.
    channels: Vec<(Vec<FoundRun>, i64)>,
}

impl<'a> Plan<'a> {
    /// Plans of all windows: their rows are looked up together.
    fn of_all(
        archive: &Archive,
        wanted: &'a [Wanted],
        choice: &'a Choice,
        npts: usize,
        ticker: &mut Ticker<'_>,
    ) -> Result<Vec<Self>, Error> {
        let end_at = |number: usize, rate_hz| {
            sample_time_ns(wanted[number].start_ns, rate_hz, npts as i64 - 1)
        };
        let mut found = vec![Vec::new(); wanted.len()];
        // Find the rows of some windows again, each until a time of its own.
        let mut find = |found: &mut Vec<Vec<FoundRun>>, ends_ns: &[(usize, i64)]| {
            let requests: Vec<_> = ends_ns
                .iter()
                .map(|(number, end_ns)| {
                    let window = &wanted[*number];
                    request(&window.selection, choice, window.start_ns, *end_ns)
                })
                .collect();
            let rows = find_runs(archive, &requests, ticker)?;
            for ((number, _), rows) in ends_ns.iter().zip(rows) {
                found[*number] = rows;
            }
            Ok::<_, Error>(())
        };
        // How long a window is depends on the rate, which the rows tell.
        let mut looked_until_ns: Vec<_> = wanted.iter().map(|window| window.start_ns).collect();
        for rate_hz in GUESSED_RATES_HZ {
            let without = (0..wanted.len()).filter(|number| found[*number].is_empty());
            let ends_ns: Vec<_> = without.map(|n| (n, end_at(n, rate_hz))).collect();
            for (number, end_ns) in &ends_ns {
                looked_until_ns[*number] = *end_ns;
            }
            find(&mut found, &ends_ns)?;
        }
        let slowest = |found: &[FoundRun]| {
            let rates = found.iter().map(|f| f.run.lowest_rate_hz);
            rates.filter(|rate| *rate > 0.0).reduce(f64::min)
        };
        let longer: Vec<_> = (0..wanted.len())
            .filter_map(|n| Some((n, end_at(n, slowest(&found[n])?))))
            .filter(|(number, end_ns)| *end_ns > looked_until_ns[*number])
            .collect();
        find(&mut found, &longer)?;
        let plan = |(number, mut rows): (usize, Vec<FoundRun>)| {
            let start_ns = wanted[number].start_ns;
            rows.sort_by(|a, b| a.run.codes.cmp(&b.run.codes));
            let channels = rows
                .chunk_by(|a, b| a.run.codes == b.run.codes)
                .map(|rows| {
                    let end_ns = slowest(rows).map_or(start_ns, |rate| end_at(number, rate));
                    (rows.to_vec(), end_ns)
                })
                .collect();
            Self {
                selection: &wanted[number].selection,
                choice,
                request_start_ns: start_ns,
                channels,
            }
        };
        Ok(found.into_iter().enumerate().map(plan).collect())
    }

    /// The rows of the first channel.
    fn first(&self) -> &[FoundRun] {
        self.channels.first().map_or(&[], |(rows, _)| rows)
    }

    fn cut<T: Number>(
        &self,
        files: &mut Files<'_>,
        out: &mut [T],
        cancel: &Cancel,
    ) -> Result<(Cut, Vec<Problem>), Error> {
        let mut go_on = || !cancel.is_set();
        let mut ticker = Ticker::new(&mut go_on);
        let mut problems = Vec::new();
        let mut target = Target {
            out,
            there: Vec::new(),
            covered: 0,
            start_ns: self.request_start_ns,
            rate_hz: f64::NAN,
            dropped: 0,
            told: HashSet::new(),
        };
        let start_ns = self.request_start_ns;
        let last = target.out.len() as i64 - 1;
        let in_window = |piece: &Piece, rate_hz| {
            let (base_ns, own_rate_hz) = (piece.grid_start_ns, piece.rate_hz);
            let end_ns = sample_time_ns(start_ns, rate_hz, last);
            let edge = Edge::default();
            let first = edge.first(base_ns, own_rate_hz, start_ns);
            (first, edge.last(base_ns, own_rate_hz, end_ns))
        };
        for (rows, end_ns) in &self.channels {
            let request = request(self.selection, self.choice, start_ns, *end_ns);
            let mut gathered = Gathered::read(files, &request, rows, &mut ticker)?;
            problems.append(&mut gathered.problems);
            let runs = gathered.chain(&request, &in_window, &mut ticker)?;
            target.dropped = gathered.dropped.iter().map(Dropped::total).sum();
            target.told.clear();
            for run in runs {
                ticker.poll()?;
                // A sample more on each side: the window has a grid of its own, that of its
                // first run.
                let margin_ns = period_ns(run.first().rate_hz);
                let until_ns = end_ns.saturating_add(margin_ns);
                let from_ns = start_ns.saturating_sub(margin_ns);
                if let Some(run) = run.cut(from_ns, until_ns, Edge::default()) {
                    target.put(&run, &gathered, &mut problems);
                }
            }
            if !target.there.is_empty() {
                break;
            }
        }
        let cut = Cut {
            start_ns: target.start_ns,
            rate_hz: target.rate_hz,
            covered: target.covered,
            dropped: target.dropped,
        };
        Ok((cut, problems))
    }
}

fn request<'a>(
    selection: &'a Selection,
    choice: &'a Choice,
    start_ns: i64,
    end_ns: i64,
) -> Request<'a> {
    Request {
        selection,
        start_ns,
        end_ns,
        edge: Edge::default(),
        choice,
        join_files: true,
        // Which samples of a record that failed its own check are right, nothing tells.
        keep_failed: false,
        threads: 1,
    }
}

/// The place of a window in the caller's array.
struct Target<'a, T> {
    out: &'a mut [T],
    /// Which samples are there; empty before the first.
    there: Vec<bool>,
    /// How many of them.
    covered: usize,
    start_ns: i64,
    rate_hz: f64,
    /// Samples that were left out for others.
    dropped: u64,
    /// Records that are known to have failed.
    told: HashSet<(usize, usize)>,
}

impl<T: Number> Target<'_, T> {
    /// Decode a run, and put those of its samples into the window that are not there yet.
    fn put(&mut self, run: &Run, gathered: &Gathered, problems: &mut Vec<Problem>) {
        let decoding = Decoding {
            keep_failed: false,
            threads: 1,
        };
        let mut answer = Answer {
            told: std::mem::take(&mut self.told),
            ..Answer::default()
        };
        decode_run(run, &gathered.buffers, decoding, &mut answer);
        self.told = answer.told;
        problems.append(&mut answer.problems);
        for segment in &answer.segments {
            if let Err(reason) = self.put_segment(segment) {
                let path = &gathered.buffers[run.first().buffer].path;
                let problem = Problem::file(path, ProblemKind::Unsupported, reason);
                problems.push(problem.of_channel(&segment.source));
            }
        }
    }

    fn put_segment(&mut self, segment: &Segment) -> Result<(), String> {
        let rate_hz = segment.rate_hz;
        if self.there.is_empty() {
            let npts = segment.samples.len();
            let from = nearest_sample(segment.start_ns, rate_hz, self.start_ns);
            if from >= npts as i64 || from.saturating_add(self.out.len() as i64) <= 0 {
                return Ok(());
            }
            self.start_ns = sample_time_ns(segment.start_ns, rate_hz, from);
            self.rate_hz = rate_hz;
            self.there = vec![false; self.out.len()];
        } else if !mseed_core::time::same_rate(self.rate_hz, rate_hz) {
            return Err(format!(
                "sample rate {rate_hz} Hz: expected {} as at the begin of the window",
                self.rate_hz
            ));
        }
        let first = nearest_sample(self.start_ns, self.rate_hz, segment.start_ns);
        match &segment.samples {
            Samples::Int32(v) => self.fill(first, v, |value| Some(T::from_int32(value))),
            Samples::Float32(v) => self.fill(first, v, T::from_float32),
            Samples::Float64(v) => self.fill(first, v, T::from_float64),
            Samples::Text(_) => Ok(()),
        }
    }

    fn fill<S: Copy>(
        &mut self,
        first: i64,
        samples: &[S],
        convert: impl Fn(S) -> Option<T>,
    ) -> Result<(), String> {
        let skip = usize::try_from(-first).unwrap_or(0);
        let at = usize::try_from(first).unwrap_or(0);
        let samples = samples.get(skip..).unwrap_or_default();
        let to = self.out.get_mut(at..).unwrap_or_default();
        let there = self.there.get_mut(at..).unwrap_or_default();
        let npts = samples.len().min(to.len());
        let places = to[..npts].iter_mut().zip(&samples[..npts]);
        let there = &mut there[..npts];
        // Mostly nothing is there yet: a loop without a question for each sample is much quicker.
        if there.iter().fold(true, |none, there| none & !there) {
            for (to, value) in places {
                *to = convert(*value).ok_or(WRONG_TYPE)?;
            }
            there.fill(true);
            self.covered += npts;
            return Ok(());
        }
        for ((to, value), there) in places.zip(there) {
            if *there {
                self.dropped += 1;
            } else {
                *to = convert(*value).ok_or(WRONG_TYPE)?;
                *there = true;
                self.covered += 1;
            }
        }
        Ok(())
    }
}
