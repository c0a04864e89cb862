//! The times that records cover, each told by one record.

use std::collections::BTreeMap;

use mseed_core::time::{period_ns, sample_time_ns};

/// The times for which a series of samples stands: from half a sample before the first to half a
/// sample behind the last, the end not included. So of two series, one shifted against the other, each
/// sample of the one is in the times of as many samples of the other as it has itself, and where one
/// series is left for the other, no sample is lost and none is there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) from_ns: i64,
    pub(super) until_ns: i64,
    period_ns: i64,
}

impl Extent {
    pub(super) fn new(start_ns: i64, rate_hz: f64, npts: usize) -> Self {
        let period_ns = period_ns(rate_hz);
        let end_ns = sample_time_ns(start_ns, rate_hz, npts as i64 - 1);
        Self {
            from_ns: start_ns.saturating_sub(period_ns / 2),
            until_ns: end_ns.saturating_add((period_ns + 1) / 2),
            period_ns,
        }
    }
}

/// Who covers a time, and until when that is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Covered { owner: usize, until_ns: i64 },
    Free { until_ns: i64 },
}

/// Times and the record that each belongs to: the one that was added first.
#[derive(Debug, Default)]
pub(super) struct Cover {
    /// By their begin; they do not overlap.
    spans: BTreeMap<i64, Span>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    until_ns: i64,
    period_ns: i64,
    owner: usize,
}

impl Cover {
    pub(super) fn at(&self, time_ns: i64) -> At {
        if let Some((_, span)) = self.spans.range(..=time_ns).next_back()
            && span.until_ns > time_ns
        {
            return At::Covered {
                owner: span.owner,
                until_ns: span.until_ns,
            };
        }
        let next = self.spans.range(time_ns..).next();
        At::Free {
            until_ns: next.map_or(i64::MAX, |(from_ns, _)| *from_ns),
        }
    }

    /// Add what is free of the times of a record.
    ///
    /// A gap to a neighbour of at most half a sample is covered, too: by such gaps records join,
    /// and nothing lies between two samples that follow each other.
    pub(super) fn add(&mut self, extent: Extent, owner: usize) {
        let Extent {
            mut from_ns,
            mut until_ns,
            period_ns,
        } = extent;
        let is_join = |gap_ns: i64, other: &Span| gap_ns <= period_ns.min(other.period_ns) / 2;
        if let Some((_, before)) = self.spans.range(..=from_ns).next_back()
            && before.until_ns < from_ns
            && is_join(from_ns.saturating_sub(before.until_ns), before)
        {
            from_ns = before.until_ns;
        }
        if let Some((next_ns, next)) = self.spans.range(until_ns..).next()
            && is_join(next_ns.saturating_sub(until_ns), next)
            && self.at(until_ns.saturating_sub(1)) == (At::Free { until_ns: *next_ns })
        {
            until_ns = *next_ns;
        }
        while from_ns < until_ns {
            match self.at(from_ns) {
                At::Covered { until_ns, .. } => from_ns = until_ns,
                At::Free { until_ns: next_ns } => {
                    let until_ns = next_ns.min(until_ns);
                    let span = Span {
                        until_ns,
                        period_ns,
                        owner,
                    };
                    self.spans.insert(from_ns, span);
                    from_ns = until_ns;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples of 1 Hz, in milliseconds.
    fn extent(start_ms: i64, npts: usize) -> Extent {
        Extent::new(start_ms * 1_000_000, 1.0, npts)
    }

    fn spans(cover: &Cover) -> Vec<(i64, i64, usize)> {
        let ms = |ns| ns / 1_000_000;
        let spans = cover.spans.iter();
        spans
            .map(|(from, s)| (ms(*from), ms(s.until_ns), s.owner))
            .collect()
    }

    #[test]
    fn the_first_keeps_its_times_and_the_second_gets_those_around() {
        let mut cover = Cover::default();
        cover.add(extent(2000, 3), 0);
        cover.add(extent(8000, 1), 1);
        cover.add(extent(0, 12), 2);
        let expected = [
            (-500, 1500, 2),
            (1500, 4500, 0),
            (4500, 7500, 2),
            (7500, 8500, 1),
            (8500, 11_500, 2),
        ];
        assert_eq!(spans(&cover), expected);
        let ms = 1_000_000;
        let covered = |owner, until| At::Covered {
            owner,
            until_ns: until * ms,
        };
        assert_eq!(cover.at(1499 * ms), covered(2, 1500));
        assert_eq!(cover.at(1500 * ms), covered(0, 4500));
        let free = At::Free {
            until_ns: -500 * ms,
        };
        assert_eq!(cover.at(-501 * ms), free);
        assert_eq!(cover.at(11_500 * ms), At::Free { until_ns: i64::MAX });
    }

    #[test]
    fn records_that_join_leave_nothing_between_them() {
        let mut cover = Cover::default();
        cover.add(extent(0, 2), 0);
        cover.add(extent(2500, 2), 1);
        cover.add(extent(4501, 1), 2);
        cover.add(extent(-1400, 1), 3);
        let expected = [
            (-1900, -500, 3),
            (-500, 1500, 0),
            (1500, 4000, 1),
            (4000, 5001, 2),
        ];
        assert_eq!(spans(&cover), expected);
        // A sample and a half is the most.
        cover = Cover::default();
        cover.add(extent(0, 1), 0);
        cover.add(extent(1501, 1), 1);
        assert_eq!(spans(&cover), [(-500, 500, 0), (1001, 2001, 1)]);
    }

    #[test]
    fn times_at_the_ends_of_what_numbers_hold_are_covered() {
        let mut cover = Cover::default();
        cover.add(Extent::new(i64::MAX - 5, 1.0, 10), 0);
        cover.add(Extent::new(i64::MIN, 1.0, 10), 1);
        assert!(matches!(cover.at(i64::MIN), At::Covered { owner: 1, .. }));
        assert_eq!(
            cover.at(i64::MAX - 1),
            At::Covered {
                owner: 0,
                until_ns: i64::MAX
            }
        );
    }
}
