//! The runs of one channel that a later record may continue.
//!
//! Runs are kept by the time at which each goes on, so that a record costs a logarithm of their
//! number: thousands of overlapping records, or a clock that stands still, are nothing special.

use std::collections::{BTreeMap, BTreeSet};

use mseed_core::time::{period_ns, same_rate};

use super::plan::{Piece, Run};

/// Open runs; records must be asked for in the order of their starts.
#[derive(Debug, Default)]
pub(super) struct OpenRuns {
    /// The only one, as long as there is only one: most windows need no map.
    sole: Option<usize>,
    /// Runs by the rate (bits of a positive number are in its order) and the type of their last
    /// record.
    kinds: BTreeMap<(u64, u8), Kind>,
    /// No run of `kinds` goes on with a record that begins later.
    all_closed_ns: i64,
    /// Whether some run stands at a leap second.
    near_leap_second: bool,
}

impl OpenRuns {
    /// Close all: the next record is of another channel.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Take out the run that `piece` continues: of several the first one, those of its own file
    /// before others.
    pub(super) fn take(&mut self, piece: &Piece, runs: &[Run]) -> Option<usize> {
        if self.kinds.is_empty() {
            return self
                .sole
                .take_if(|at| runs[*at].last().is_followed_by(piece));
        }
        if piece.start_ns > self.all_closed_ns {
            self.clear();
            return None;
        }
        if piece.rate_hz <= 0.0 {
            return None;
        }
        let (mut same_file, mut any) = (None, None);
        let mut behind_leap_second = None;
        let first = |a: Option<usize>, b: Option<usize>| a.into_iter().chain(b).min();
        // A little more than the relative tolerance of rates.
        let from = (piece.rate_hz * (1.0 - 2e-4)).to_bits();
        let to = (piece.rate_hz * (1.0 + 2e-4)).to_bits();
        for ((rate, sample_type), kind) in self.kinds.range_mut((from, 0)..=(to, u8::MAX)) {
            let fits = *sample_type == piece.sample_type as u8
                && same_rate(f64::from_bits(*rate), piece.rate_hz);
            if fits {
                kind.advance(piece.start_ns, runs);
                same_file = first(same_file, kind.of_file(piece.buffer).next());
                any = first(any, kind.near.first().copied());
                if self.near_leap_second {
                    let next = next_in_file(kind.of_file(piece.buffer), piece, runs);
                    behind_leap_second = behind_leap_second.or(next);
                }
            }
        }
        let chosen = behind_leap_second.or(same_file).or(any)?;
        let last = runs[chosen].last();
        let key = key_of(last);
        if let Some(kind) = self.kinds.get_mut(&key) {
            kind.close(chosen, last);
            if kind.is_empty() {
                self.kinds.remove(&key);
            }
        }
        Some(chosen)
    }

    /// Open a run, or open it again after its last record was added.
    pub(super) fn add(&mut self, run: usize, runs: &[Run]) {
        let last = runs[run].last();
        if last.rate_hz <= 0.0 {
            return;
        }
        if self.kinds.is_empty() {
            let waits = |at: &usize| closed_ns(runs[*at].last()) >= last.start_ns;
            match self.sole.filter(waits) {
                None => {
                    self.sole = Some(run);
                    return;
                }
                Some(other) => self.place(other, runs[other].last()),
            }
            self.sole = None;
        }
        self.place(run, last);
    }

    fn place(&mut self, run: usize, last: &Piece) {
        let kind = self.kinds.entry(key_of(last)).or_insert_with(|| Kind {
            tolerance_ns: period_ns(last.rate_hz) / 2,
            ..Kind::default()
        });
        self.near_leap_second |= last.near_leap_second;
        kind.ahead.insert((last.next_ns(), run));
        self.all_closed_ns = self.all_closed_ns.max(closed_ns(last));
    }
}

/// Behind a leap second the run that contains it fits as well as the one that begins after it, so
/// there a record goes on with the one that it stands next behind in the file. `None` when no run
/// is at a leap second.
fn next_in_file(
    near: impl Iterator<Item = usize> + Clone,
    piece: &Piece,
    runs: &[Run],
) -> Option<usize> {
    if !near.clone().any(|at| runs[at].last().near_leap_second) {
        return None;
    }
    near.max_by_key(|&at| {
        let offset = runs[at].last().offset;
        (offset < piece.offset, offset)
    })
}

fn key_of(last: &Piece) -> (u64, u8) {
    (last.rate_hz.to_bits(), last.sample_type as u8)
}

/// The latest start of a record that continues a run.
fn closed_ns(last: &Piece) -> i64 {
    last.next_ns().saturating_add(period_ns(last.rate_hz) / 2)
}

/// Open runs of one rate and type.
#[derive(Debug, Default)]
struct Kind {
    tolerance_ns: i64,
    /// Runs that go on later than the record at hand begins, by when they do.
    ahead: BTreeSet<(i64, usize)>,
    /// Runs that go on where it begins: by age, by file and age, by when they go on.
    near: BTreeSet<usize>,
    near_by_file: BTreeSet<(usize, usize)>,
    near_by_time: BTreeSet<(i64, usize)>,
}

impl Kind {
    fn is_empty(&self) -> bool {
        self.ahead.is_empty() && self.near.is_empty()
    }

    /// Go on to records that begin at `start_ns`.
    fn advance(&mut self, start_ns: i64, runs: &[Run]) {
        let until_ns = start_ns.saturating_add(self.tolerance_ns);
        let from_ns = start_ns.saturating_sub(self.tolerance_ns);
        while let Some((next_ns, run)) = self.ahead.pop_first() {
            if next_ns > until_ns {
                self.ahead.insert((next_ns, run));
                break;
            }
            if next_ns >= from_ns {
                self.near.insert(run);
                self.near_by_file.insert((runs[run].last().buffer, run));
                self.near_by_time.insert((next_ns, run));
            }
        }
        while let Some(&(next_ns, run)) = self.near_by_time.first()
            && next_ns < from_ns
        {
            self.close(run, runs[run].last());
        }
    }

    /// The near runs whose last record lies in a file, the oldest first.
    fn of_file(&self, buffer: usize) -> impl Iterator<Item = usize> + Clone {
        let of_file = (buffer, 0)..=(buffer, usize::MAX);
        self.near_by_file.range(of_file).map(|(_, run)| *run)
    }

    /// Take a near run out.
    fn close(&mut self, run: usize, last: &Piece) {
        self.near.remove(&run);
        self.near_by_file.remove(&(last.buffer, run));
        self.near_by_time.remove(&(last.next_ns(), run));
    }
}
