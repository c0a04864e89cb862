//! Time spans that the records of a section cover without a gap.
//!
//! The rule is that of libmseed 3 (`mstl3_addmsr` with healing), which mseedindex uses: a record
//! that follows a span within half a sample lengthens it, records out of order are put in place,
//! spans that come to touch become one. Spans are kept in the order of their start, the longer
//! first.

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

/// The spans of a section.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpanList {
    spans: Vec<Span>,
    latest_ns: i64,
}

impl SpanList {
    /// The spans, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Span] {
        &self.spans
    }

    /// Add the coverage of one record.
    pub fn add(&mut self, new: Span) {
        let period = (1e9 / new.rate_hz) as i64;
        let tolerance = (0.5 * period as f64) as i64;
        let touches = |gap: i64| gap.abs() <= tolerance;
        let follows = |s: &Span| {
            touches(new.start_ns - s.end_ns - period) && same_rate(new.rate_hz, s.rate_hz)
        };
        let precedes = |s: &Span| {
            touches(s.start_ns - new.end_ns - period) && same_rate(new.rate_hz, s.rate_hz)
        };
        let Some(last) = self.spans.len().checked_sub(1) else {
            self.latest_ns = new.end_ns;
            self.spans.push(new);
            return;
        };
        let after_all = new.start_ns - period - tolerance > self.latest_ns;
        self.latest_ns = self.latest_ns.max(new.end_ns);
        // By far the most records continue the last span.
        if follows(&self.spans[last]) {
            self.spans[last].end_ns = new.end_ns;
            return self.settle(last);
        }
        if after_all {
            self.spans.push(new);
            return;
        }
        let before = self.spans.iter().position(follows);
        let after = self
            .spans
            .iter()
            .enumerate()
            .position(|(i, s)| Some(i) != before && precedes(s));
        match (before, after) {
            (Some(b), Some(a)) => {
                self.spans[b].end_ns = self.spans[a].end_ns;
                self.spans.remove(a);
                self.settle(if a < b { b - 1 } else { b });
            }
            (Some(b), None) => {
                self.spans[b].end_ns = new.end_ns;
                self.settle(b);
            }
            (None, Some(a)) => {
                self.spans[a].start_ns = new.start_ns;
                self.settle(a);
            }
            (None, None) => {
                self.spans.push(new);
                self.settle(self.spans.len() - 1);
            }
        }
    }

    /// Move a changed span to its place.
    fn settle(&mut self, mut at: usize) {
        let later = |a: &Span, b: &Span| {
            a.start_ns > b.start_ns || (a.start_ns == b.start_ns && a.end_ns < b.end_ns)
        };
        while at + 1 < self.spans.len() && later(&self.spans[at], &self.spans[at + 1]) {
            self.spans.swap(at, at + 1);
            at += 1;
        }
        while at > 0 && later(&self.spans[at - 1], &self.spans[at]) {
            self.spans.swap(at - 1, at);
            at -= 1;
        }
    }
}

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
        list.as_slice()
            .iter()
            .map(|x| (s(x.start_ns), s(x.end_ns)))
            .collect()
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
        assert_eq!(list.as_slice().len(), 2);
    }

    #[test]
    fn records_in_reverse_order_make_one_span() {
        let mut list = SpanList::default();
        for i in (0..5).rev() {
            list.add(span(f64::from(i), f64::from(i) + 0.9));
        }
        assert_eq!(spans(&list), [(0.0, 4.9)]);
    }
}
