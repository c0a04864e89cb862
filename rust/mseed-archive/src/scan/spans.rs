//! Time spans that the records of a section cover without a gap.
//!
//! The rule is that of libmseed 3 (`mstl3_addmsr` with healing), which mseedindex uses: a record
//! that follows a span within half a sample lengthens it, records out of order are put in place,
//! spans that come to touch become one. Spans are kept in the order of their start, the longer
//! first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use mseed_core::time::same_rate;

/// A gapless run of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Time of the first sample.
    pub start_ns: i64,
    /// Time of the last sample.
    pub end_ns: i64,
    /// Sample rate.
    pub rate_hz: f64,
}

/// Place of a span in the order: by start, the longer first, the older first.
type Place = (i64, Reverse<i64>, u64);

/// The spans of a section. Each record costs the logarithm of their number: a file of a million
/// gaps, or of a stuck clock, is nothing special.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpanList {
    spans: BTreeMap<Place, Span>,
    by_end: BTreeSet<(i64, Place)>,
    /// The last span and its number, while it begins behind all others: by far the most records
    /// continue it, and need no map.
    open: Option<(Span, u64)>,
    added: u64,
    latest_ns: i64,
    step: Step,
}

/// Sample interval of the last rate that was looked at, and half of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Step {
    rate_hz: f64,
    period_ns: i64,
    tolerance_ns: i64,
}

impl Step {
    fn of(rate_hz: f64) -> Self {
        let period_ns = (1e9 / rate_hz) as i64;
        Self {
            rate_hz,
            period_ns,
            tolerance_ns: (0.5 * period_ns as f64) as i64,
        }
    }
}

impl SpanList {
    /// The spans, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Span> {
        self.spans
            .values()
            .chain(self.open.iter().map(|(span, _)| span))
    }

    /// Add the coverage of one record; returns whether it goes on with the last span.
    pub fn add(&mut self, new: Span) -> bool {
        let continues = self.continue_open(&new);
        if !continues {
            if let Some((span, number)) = self.open.take() {
                self.place(span, number);
            }
            self.add_anywhere(new);
            self.open_last();
        }
        self.latest_ns = self.latest_ns.max(new.end_ns);
        continues
    }

    fn continue_open(&mut self, new: &Span) -> bool {
        let Some((span, _)) = &mut self.open else {
            return false;
        };
        if self.step.rate_hz != new.rate_hz {
            self.step = Step::of(new.rate_hz);
        }
        let wanted_ns = new.start_ns.saturating_sub(self.step.period_ns);
        let is_near = wanted_ns.abs_diff(span.end_ns) <= self.step.tolerance_ns as u64;
        let continues =
            is_near && (new.rate_hz == span.rate_hz || same_rate(new.rate_hz, span.rate_hz));
        if continues {
            span.end_ns = new.end_ns;
        }
        continues
    }

    /// Take the last span out of the maps, when no other begins with it.
    fn open_last(&mut self) {
        let mut from_last = self.spans.keys().rev();
        let (Some(&last), before) = (from_last.next(), from_last.next()) else {
            return;
        };
        if before.is_none_or(|place| place.0 < last.0) {
            self.open = Some((self.remove(last), last.2));
        }
    }

    fn add_anywhere(&mut self, new: Span) {
        let (ends, starts) = touching(&new);
        let fits = |span: &Span| same_rate(new.rate_hz, span.rate_hz);
        let Some((&last, span)) = self.spans.last_key_value() else {
            self.latest_ns = new.end_ns;
            return self.insert(new);
        };
        let continues_last = ends.contains(&span.end_ns) && fits(span);
        let after_all = *ends.start() > self.latest_ns;
        if continues_last {
            return self.change(last, |span| span.end_ns = new.end_ns);
        }
        if after_all {
            return self.insert(new);
        }
        let before = self
            .by_end
            .range((*ends.start(), FIRST)..=(*ends.end(), LAST))
            .map(|(_, place)| *place)
            .filter(|place| fits(&self.spans[place]))
            .min();
        let from = (*starts.start(), FIRST.1, FIRST.2);
        let to = (*starts.end(), LAST.1, LAST.2);
        let after = self
            .spans
            .range(from..=to)
            .find(|(place, span)| Some(**place) != before && fits(span))
            .map(|(place, _)| *place);
        match (before, after) {
            (Some(before), Some(after)) => {
                let end_ns = self.remove(after).end_ns;
                self.change(before, |span| span.end_ns = end_ns);
            }
            (Some(before), None) => self.change(before, |span| span.end_ns = new.end_ns),
            (None, Some(after)) => self.change(after, |span| span.start_ns = new.start_ns),
            (None, None) => self.insert(new),
        }
    }

    fn insert(&mut self, span: Span) {
        self.added += 1;
        self.place(span, self.added);
    }

    fn place(&mut self, span: Span, number: u64) {
        let place = (span.start_ns, Reverse(span.end_ns), number);
        self.by_end.insert((span.end_ns, place));
        self.spans.insert(place, span);
    }

    fn remove(&mut self, place: Place) -> Span {
        let span = self.spans.remove(&place);
        self.by_end.remove(&(place.1.0, place));
        span.unwrap_or(Span {
            start_ns: place.0,
            end_ns: place.1.0,
            rate_hz: 0.0,
        })
    }

    fn change(&mut self, place: Place, change: impl FnOnce(&mut Span)) {
        let mut span = self.remove(place);
        change(&mut span);
        self.place(span, place.2);
    }
}

/// Where a span must end, and where one must begin, for a record to touch it: within half a sample.
fn touching(new: &Span) -> (RangeInclusive<i64>, RangeInclusive<i64>) {
    let step = Step::of(new.rate_hz);
    let around =
        |time: i64| time.saturating_sub(step.tolerance_ns)..=time.saturating_add(step.tolerance_ns);
    (
        around(new.start_ns.saturating_sub(step.period_ns)),
        around(new.end_ns.saturating_add(step.period_ns)),
    )
}

const FIRST: Place = (i64::MIN, Reverse(i64::MAX), 0);
const LAST: Place = (i64::MAX, Reverse(i64::MIN), u64::MAX);

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start_s: f64, end_s: f64) -> Span {
        Span {
            start_ns: (start_s * 1e9) as i64,
            end_ns: (end_s * 1e9) as i64,
            rate_hz: 10.0,
        }
    }

    fn spans(list: &SpanList) -> Vec<(f64, f64)> {
        let s = |ns: i64| ns as f64 / 1e9;
        list.iter().map(|x| (s(x.start_ns), s(x.end_ns))).collect()
    }

    #[test]
    fn records_in_order_make_one_span() {
        let mut list = SpanList::default();
        for i in 0..5 {
            list.add(span(f64::from(i), f64::from(i) + 0.9));
        }
        assert_eq!(spans(&list), [(0.0, 4.9)]);
    }

    #[test]
    fn a_record_that_fills_a_gap_joins_both_sides() {
        let mut list = SpanList::default();
        list.add(span(0.0, 0.9));
        list.add(span(2.0, 2.9));
        assert_eq!(spans(&list), [(0.0, 0.9), (2.0, 2.9)]);
        list.add(span(1.0, 1.9));
        assert_eq!(spans(&list), [(0.0, 2.9)]);
    }

    #[test]
    fn another_rate_begins_another_span() {
        let mut list = SpanList::default();
        list.add(span(0.0, 0.9));
        list.add(Span {
            rate_hz: 20.0,
            ..span(0.95, 1.9)
        });
        assert_eq!(list.iter().count(), 2);
    }

    #[test]
    fn records_in_reverse_order_make_one_span() {
        let mut list = SpanList::default();
        for i in (0..5).rev() {
            list.add(span(f64::from(i), f64::from(i) + 0.9));
        }
        assert_eq!(spans(&list), [(0.0, 4.9)]);
    }

    #[test]
    fn a_stuck_clock_and_a_million_gaps_take_no_time_to_speak_of() {
        let mut stuck = SpanList::default();
        let mut gappy = SpanList::default();
        for i in 0..200_000 {
            stuck.add(span(0.0, 0.9));
            gappy.add(span(f64::from(i) * 2.0, f64::from(i) * 2.0 + 0.9));
        }
        assert_eq!(
            (stuck.iter().count(), gappy.iter().count()),
            (200_000, 200_000)
        );
    }
}
