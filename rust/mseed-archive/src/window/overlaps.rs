//! Which of several records of the same times counts: that of the higher publication version, then
//! that of the row that was scanned later, then that of the file that was changed later. Where nothing
//! decides all stay.
//!
//! Each record is looked at by its own times, whatever the window: a record that lost samples then
//! stands for those that it has left, and is chained like any other.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use mseed_core::SourceId;
use mseed_core::time::{nearest_sample, same_rate, sample_time_ns};

use super::cover::{At, Cover, Extent};
use super::decode::Whole;
use super::near::{Reach, near_others};
use super::plan::{Part, Piece};
use super::read::Buffer;
use super::samples::Samples;
use crate::Error;
use crate::run::Ticker;
use crate::tsindex::Age;

/// Samples of decoded records that are kept while others are compared with them: neighbours, that stay
/// in a cache near the core.
const MOST_SAMPLES: usize = 1 << 17;

/// Samples of records that are kept until they are decoded for the answer, as they have several parts
/// in it; one record may have more.
const MOST_IN_PARTS: usize = 1 << 24;

/// Samples of a channel that were left out of an answer, by what decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// The channel.
    pub source: SourceId,
    /// The sample that stands for it is the same.
    pub identical: u64,
    /// It differs, and has a higher publication version.
    pub version: u64,
    /// It differs, and was scanned later, or its file was changed later.
    pub scan: u64,
}

impl Dropped {
    /// All together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.identical + self.version + self.scan
    }
}

/// How overlaps are decided.
pub(super) struct Policy<'a> {
    /// How new the data of each buffer are.
    pub(super) ages: &'a [Age],
    /// Whether samples of records that failed their own check are samples.
    pub(super) keep_failed: bool,
    /// The first and last sample of a record that a window has, the window being as long as one of
    /// a rate: what is dropped outside of it does not count.
    pub(super) in_window: &'a dyn Fn(&Piece, f64) -> (i64, i64),
}

/// What was decided.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub(super) dropped: Vec<Dropped>,
    /// Records of which several parts are left, by buffer and offset: they were decoded, and are not
    /// decoded again for each part.
    pub(super) wholes: Vec<(usize, usize, Arc<Whole>)>,
    /// Their samples.
    in_parts: usize,
}

/// Version, and number of the age: a record of a higher class counts, and between those of one class
/// nothing decides.
type Class = (u8, u32);

impl Policy<'_> {
    /// Decide all overlaps of a window: the records then are those that are left.
    pub(super) fn decide(
        &self,
        pieces: &mut Vec<Piece>,
        buffers: &[Buffer<'_>],
        ticker: &mut Ticker<'_>,
    ) -> Result<Decided, Error> {
        let mut ages = self.ages.to_vec();
        ages.sort_unstable();
        ages.dedup();
        let rank = |age: &Age| ages.partition_point(|other| other < age) as u32;
        let ranks: Vec<u32> = self.ages.iter().map(rank).collect();
        pieces.sort_by_key(Piece::order);
        let mut decided = Decided::default();
        let mut records = Records::new(buffers);
        let mut left = Left::default();
        let mut number = 0;
        for of_channel in pieces.chunk_by(|a, b| a.source == b.source) {
            let from = number;
            number += of_channel.len();
            let class = |piece: &Piece| (piece.version, ranks[piece.buffer]);
            let classes: Vec<Class> = of_channel.iter().map(class).collect();
            let reaches = of_channel.iter().map(Reach::of);
            let mut near = near_others(reaches.zip(classes.iter().copied()));
            // What has no rate has no times to be covered.
            near.retain(|&at| of_channel[at].rate_hz > 0.0);
            if near.is_empty() {
                continue;
            }
            let channel = Channel {
                policy: self,
                pieces: of_channel,
                classes: &classes,
                records: &mut records,
                decided: &mut decided,
                dropped: Dropped {
                    source: of_channel[0].source,
                    identical: 0,
                    version: 0,
                    scan: 0,
                },
                covering: Vec::new(),
            };
            let rest = channel.decide(near, ticker)?;
            left.extend(rest.into_iter().map(|(at, rest)| (from + at, rest)));
        }
        if !left.is_empty() {
            let all = std::mem::take(pieces);
            pieces.reserve(all.len() + left.len());
            for (at, piece) in all.into_iter().enumerate() {
                match left.get(&at) {
                    Some(rest) => pieces.extend_from_slice(rest),
                    None => pieces.push(piece),
                }
            }
        }
        Ok(decided)
    }
}

/// What is left of the records that lost samples, by their number.
type Left = HashMap<usize, Vec<Piece>>;

/// Records that were decoded, by buffer and offset.
struct Records<'a> {
    buffers: &'a [Buffer<'a>],
    known: HashMap<(usize, usize), Arc<Whole>>,
    samples: usize,
    /// The one that others were compared with last: it may be longer than all that is kept, and
    /// cover thousands of short ones.
    last: Option<((usize, usize), Arc<Whole>)>,
}

impl<'a> Records<'a> {
    fn new(buffers: &'a [Buffer<'a>]) -> Self {
        Self {
            buffers,
            known: HashMap::new(),
            samples: 0,
            last: None,
        }
    }

    /// The record that covers others.
    fn covering(&mut self, piece: &Piece) -> Option<Arc<Whole>> {
        let place = (piece.buffer, piece.offset);
        if self.last.as_ref().is_none_or(|last| last.0 != place) {
            self.last = Some((place, self.of(piece)?));
        }
        self.last.as_ref().map(|last| Arc::clone(&last.1))
    }

    /// The record of a piece; `None` when nothing can be decoded.
    fn of(&mut self, piece: &Piece) -> Option<Arc<Whole>> {
        let place = (piece.buffer, piece.offset);
        if let Some(known) = self.known.get(&place) {
            return Some(Arc::clone(known));
        }
        let part = Part::record(piece);
        let whole = Arc::new(Whole::decode(&part, &self.buffers[piece.buffer]).ok()?);
        if self.samples + piece.record_npts > MOST_SAMPLES {
            self.known.clear();
            self.samples = 0;
        }
        self.samples += piece.record_npts;
        self.known.insert(place, Arc::clone(&whole));
        Some(whole)
    }
}

/// Samples of a record that a piece covers.
#[derive(Debug, PartialEq)]
struct Loss {
    samples: Range<usize>,
    /// Number of the piece.
    owner: usize,
}

/// The overlaps of one channel.
struct Channel<'a, 'b> {
    policy: &'a Policy<'a>,
    pieces: &'a [Piece],
    classes: &'a [Class],
    records: &'a mut Records<'b>,
    decided: &'a mut Decided,
    dropped: Dropped,
    /// What covers others: records, or what is left of them. A sample that was dropped itself
    /// covers nothing.
    covering: Vec<Piece>,
}

impl Channel<'_, '_> {
    /// Go through the records that have others near them, class by class, the highest first.
    fn decide(mut self, mut near: Vec<usize>, ticker: &mut Ticker<'_>) -> Result<Left, Error> {
        let (pieces, classes) = (self.pieces, self.classes);
        near.sort_by_key(|&at| (std::cmp::Reverse(classes[at]), at));
        let lowest = near.last().map(|&at| classes[at]);
        let mut cover = Cover::default();
        let mut left = Left::default();
        for of_class in near.chunk_by(|a, b| classes[*a] == classes[*b]) {
            for &at in of_class {
                ticker.poll()?;
                let losses = losses(&pieces[at], &cover);
                if !losses.is_empty() {
                    left.insert(at, self.drop_samples(at, &losses));
                }
            }
            if Some(classes[of_class[0]]) == lowest {
                break;
            }
            for &at in of_class {
                ticker.poll()?;
                let good = self.good(&pieces[at]);
                let rest = left.get(&at).map_or(&pieces[at..=at], Vec::as_slice);
                for part in rest {
                    let npts = good.saturating_sub(part.skip).min(part.npts);
                    if npts > 0 {
                        let extent = Extent::new(part.start_ns, part.rate_hz, npts);
                        cover.add(extent, self.covering.len());
                        self.covering.push(part.part(0, npts));
                    }
                }
            }
        }
        if self.dropped.total() > 0 {
            self.decided.dropped.push(self.dropped);
        }
        Ok(left)
    }

    /// Number of samples, from the first on, that a record really has.
    fn good(&mut self, piece: &Piece) -> usize {
        let keep_failed = self.policy.keep_failed;
        let whole = self.records.of(piece);
        whole.map_or(0, |whole| whole.good(keep_failed))
    }

    /// What is left of a record that others cover. Samples that are no data are dropped, too, but
    /// do not count.
    fn drop_samples(&mut self, at: usize, losses: &[Loss]) -> Vec<Piece> {
        let piece = &self.pieces[at];
        let whole = self.records.of(piece);
        let keep_failed = self.policy.keep_failed;
        let good = whole.as_ref().map_or(0, |whole| whole.good(keep_failed));
        let mut rest = Vec::new();
        let mut from = 0;
        for Loss { samples, owner } in losses {
            if from < samples.start {
                rest.push(piece.part(from, samples.start - from));
            }
            from = samples.end;
            if let Some(whole) = &whole {
                let counted = samples.start..samples.end.min(good);
                self.count(piece, whole, counted, *owner);
            }
        }
        if from < piece.npts {
            rest.push(piece.part(from, piece.npts - from));
        }
        let Decided {
            wholes, in_parts, ..
        } = &mut *self.decided;
        let has_room = wholes.is_empty() || *in_parts + piece.npts <= MOST_IN_PARTS;
        if let Some(whole) = whole.filter(|_| rest.len() > 1 && has_room) {
            *in_parts += piece.npts;
            wholes.push((piece.buffer, piece.offset, whole));
        }
        rest
    }

    /// Count those dropped samples of a record that lie in the window.
    fn count(&mut self, piece: &Piece, whole: &Whole, samples: Range<usize>, owner: usize) {
        let other = self.covering[owner];
        let (first, last) = (self.policy.in_window)(piece, other.rate_hz);
        let index = |at: i64| usize::try_from(at).unwrap_or(0);
        let from = samples.start.max(index(first));
        let to = samples.end.min(index(last.saturating_add(1)));
        if from >= to {
            return;
        }
        let identical = self.records.covering(&other).map_or(0, |of_other| {
            identical((piece, whole), from..to, (&other, &of_other))
        }) as u64;
        let differing = (to - from) as u64 - identical;
        self.dropped.identical += identical;
        if other.version == piece.version {
            self.dropped.scan += differing;
        } else {
            self.dropped.version += differing;
        }
    }
}

/// The samples of a record that are covered.
fn losses(piece: &Piece, cover: &Cover) -> Vec<Loss> {
    let (start_ns, rate_hz) = (piece.start_ns, piece.rate_hz);
    let time_ns = |at: usize| sample_time_ns(start_ns, rate_hz, at as i64);
    // The first sample at a time or behind it, and always a later one than that at hand.
    let first_behind = |at: usize, until_ns: i64| {
        let near = nearest_sample(start_ns, rate_hz, until_ns);
        let before = sample_time_ns(start_ns, rate_hz, near) < until_ns;
        let next = near.saturating_add(i64::from(before));
        usize::try_from(next).map_or(at + 1, |next| next.clamp(at + 1, piece.npts))
    };
    let mut losses: Vec<Loss> = Vec::new();
    let mut at = 0;
    while at < piece.npts {
        match cover.at(time_ns(at)) {
            At::Free { until_ns } => at = first_behind(at, until_ns),
            At::Covered { owner, until_ns } => {
                let end = first_behind(at, until_ns);
                match losses.last_mut() {
                    Some(last) if last.owner == owner && last.samples.end == at => {
                        last.samples.end = end;
                    }
                    _ => losses.push(Loss {
                        samples: at..end,
                        owner,
                    }),
                }
                at = end;
            }
        }
    }
    losses
}

/// How many samples of a record a piece of another one has, too, at the nearest of its times.
fn identical(
    (piece, whole): (&Piece, &Whole),
    samples: Range<usize>,
    (other, of_other): (&Piece, &Whole),
) -> usize {
    if !same_rate(piece.rate_hz, other.rate_hz) {
        return 0;
    }
    let nearest = |at: usize| {
        let time_ns = sample_time_ns(piece.start_ns, piece.rate_hz, at as i64);
        nearest_sample(other.start_ns, other.rate_hz, time_ns)
    };
    let is_exact = piece.rate_hz.to_bits() == other.rate_hz.to_bits();
    fn equal<T: PartialEq>(
        mine: &[T],
        samples: Range<usize>,
        others: &[T],
        nearest: impl Fn(usize) -> i64,
        is_exact: bool,
    ) -> usize {
        if is_exact {
            // Side by side from the first on.
            let first = nearest(samples.start);
            let skip = usize::try_from(first.saturating_neg()).unwrap_or(0);
            let others = others.get(usize::try_from(first).unwrap_or(0)..);
            let mine = mine[samples].iter().skip(skip);
            let pairs = mine.zip(others.unwrap_or_default());
            return pairs.filter(|(a, b)| a == b).count();
        }
        let other = |at| {
            usize::try_from(nearest(at))
                .ok()
                .and_then(|at| others.get(at))
        };
        samples.filter(|&at| other(at) == Some(&mine[at])).count()
    }
    let left = other.skip..other.skip + other.npts;
    match (&whole.samples, &of_other.samples) {
        (Samples::Int32(a), Samples::Int32(b)) => equal(a, samples, &b[left], nearest, is_exact),
        (Samples::Float32(a), Samples::Float32(b)) => {
            equal(a, samples, &b[left], nearest, is_exact)
        }
        (Samples::Float64(a), Samples::Float64(b)) => {
            equal(a, samples, &b[left], nearest, is_exact)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
