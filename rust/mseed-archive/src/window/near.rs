//! Which records have one of another class so near that one may cover a sample of the other: in the
//! usual answer none.

use mseed_core::time::period_ns;

use super::plan::Piece;
use crate::tsindex::Age;

/// Times of the index and of most records are rounded to microseconds: so much is no overlap.
const MICROSECOND: i64 = 1000;

/// The times that records cover, but for what rounding may have added at the ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reach {
    from_ns: i64,
    until_ns: i64,
}

impl Reach {
    pub(super) fn of(piece: &Piece) -> Self {
        Self::with(piece, half_ns(piece.rate_hz))
    }

    fn with(piece: &Piece, half_ns: i64) -> Self {
        Self {
            from_ns: piece.start_ns.saturating_sub(half_ns),
            until_ns: piece.end_ns.saturating_add(half_ns),
        }
    }
}

/// How far the times of a record reach beyond its first and last sample.
fn half_ns(rate_hz: f64) -> i64 {
    let period_ns = period_ns(rate_hz);
    period_ns / 2 - (period_ns / 100).min(MICROSECOND)
}

/// The records of one row of the index, as far as overlaps are concerned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lot {
    reach: Reach,
    /// The lowest and the highest.
    versions: (u8, u8),
    age: Age,
    /// Of the record at hand: a division less for each of the next ones.
    rate_hz: f64,
    half_ns: i64,
}

impl Lot {
    pub(super) fn new(piece: &Piece, age: Age) -> Self {
        let half_ns = half_ns(piece.rate_hz);
        Self {
            reach: Reach::with(piece, half_ns),
            versions: (piece.version, piece.version),
            age,
            rate_hz: piece.rate_hz,
            half_ns,
        }
    }

    pub(super) fn add(&mut self, piece: &Piece) {
        if piece.rate_hz.to_bits() != self.rate_hz.to_bits() {
            (self.rate_hz, self.half_ns) = (piece.rate_hz, half_ns(piece.rate_hz));
        }
        let reach = Reach::with(piece, self.half_ns);
        self.reach.from_ns = self.reach.from_ns.min(reach.from_ns);
        self.reach.until_ns = self.reach.until_ns.max(reach.until_ns);
        let (low, high) = self.versions;
        self.versions = (low.min(piece.version), high.max(piece.version));
    }

    /// Whether records of some rows of a channel may have to be decided between.
    pub(super) fn may_overlap(lots: &mut [Self]) -> bool {
        lots.sort_unstable_by_key(|lot| lot.reach);
        let class = |lot: &Self| (lot.versions, lot.age);
        let is_mixed = |lot: &Self| lot.versions.0 < lot.versions.1;
        let found = || near_others(lots.iter().map(|lot| (lot.reach, class(lot))));
        lots.iter().any(is_mixed) || (lots.len() > 1 && !found().is_empty())
    }
}

/// Numbers of those that reach into one of another class; they must come in the order of time.
pub(super) fn near_others<C: Copy + Ord>(
    items: impl DoubleEndedIterator<Item = (Reach, C)> + ExactSizeIterator + Clone,
) -> Vec<usize> {
    let mut is_near = vec![false; items.len()];
    let mut before = Furthest::new();
    for (at, (reach, class)) in items.clone().enumerate() {
        is_near[at] |= before.of_others(class) > Some(reach.from_ns);
        before.add(class, reach.until_ns);
    }
    // Where none reaches into one before it, none reaches into one behind it.
    if is_near.iter().any(|near| *near) {
        let mut behind = Furthest::new();
        for (at, (reach, class)) in items.enumerate().rev() {
            is_near[at] |= behind.of_others(class) > Some(!reach.until_ns);
            behind.add(class, !reach.from_ns);
        }
    }
    (0..is_near.len()).filter(|&at| is_near[at]).collect()
}

/// The furthest that any record of a class reaches, and any of the other classes.
struct Furthest<C> {
    first: Option<(i64, C)>,
    second: Option<(i64, C)>,
}

impl<C: Copy + Ord> Furthest<C> {
    fn new() -> Self {
        Self {
            first: None,
            second: None,
        }
    }

    fn of_others(&self, class: C) -> Option<i64> {
        let first = self.first.filter(|first| first.1 != class);
        first.or(self.second).map(|(reach, _)| reach)
    }

    fn add(&mut self, class: C, reach: i64) {
        let found = Some((reach, class));
        if self.first.is_none_or(|first| first.1 == class) {
            self.first = self.first.max(found);
        } else if self.first < found {
            self.second = self.first;
            self.first = found;
        } else {
            self.second = self.second.max(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_near_others_are_what_comparing_all_with_all_finds() {
        let mut state = 5u64;
        let mut draw = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ((state >> 33) % below) as i64
        };
        let mut found = 0;
        for _ in 0..2000 {
            let number = draw(12) as usize;
            let mut items: Vec<_> = (0..number)
                .map(|_| {
                    let from_ns = draw(100);
                    let until_ns = from_ns + 1 + draw(20);
                    (Reach { from_ns, until_ns }, draw(4))
                })
                .collect();
            items.sort_unstable();
            let is_near = |a: &(Reach, i64)| {
                items
                    .iter()
                    .any(|b| a.1 != b.1 && a.0.from_ns < b.0.until_ns && b.0.from_ns < a.0.until_ns)
            };
            let expected: Vec<_> = (0..number).filter(|&at| is_near(&items[at])).collect();
            assert_eq!(near_others(items.iter().copied()), expected);
            found += expected.len();
        }
        assert!(found > 2000, "{found}");
    }
}
