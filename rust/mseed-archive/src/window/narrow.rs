//! The bytes of a window inside a run of the index: by its time index, then by its records.

use std::io;

use mseed_core::Record;

use crate::tsindex::IndexedRun;

/// The longest record of miniSEED 2 that is usual: what is read to learn how long records are.
const FIRST_READ: usize = 4096;

/// Records that are rather read than asked about one by one.
const FEW: u64 = 8;

/// The bytes of a run that a window needs: from the last entry of the time index that is not
/// behind its begin to the first one that is behind its end.
///
/// Entries bound the starts of records. That the records before an entry also end before it holds
/// only where no spans overlap; otherwise the run is read from its first byte.
pub(super) fn byte_range(run: &IndexedRun, from_ns: i64, to_ns: i64) -> (u64, u64) {
    let (begin, end) = (run.byte_offset, run.byte_offset + run.bytes);
    let Some(index) = run.time_index.as_ref().filter(|index| index.in_order) else {
        return (begin, end);
    };
    let from = index
        .entries
        .iter()
        .rev()
        .find(|(time, _)| run.spans_apart && *time <= from_ns)
        .map_or(begin, |(_, offset)| *offset);
    let to = index
        .entries
        .iter()
        .find(|(time, _)| *time > to_ns)
        .map_or(end, |(_, offset)| *offset);
    (from.clamp(begin, end), to.clamp(begin, end))
}

/// The part of such a range that the window needs, found by asking single records for their
/// start, as the index of a page is bisected: an hour at 100 Hz is some hundred kilobytes, a window
/// of 30 s a few.
///
/// Only where the index says that records are in order and spans apart, and where the records that
/// are asked are of one length and of the channel: else the range stays as it is. `read_at` fills a
/// buffer from an offset of the file and says how many bytes it got.
pub(super) fn narrowed(
    run: &IndexedRun,
    (begin, end): (u64, u64),
    (from_ns, to_ns): (i64, i64),
    mut read_at: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
) -> (u64, u64) {
    let in_order = run.time_index.as_ref().is_some_and(|index| index.in_order);
    if !in_order || !run.spans_apart || end - begin <= FIRST_READ as u64 {
        return (begin, end);
    }
    let mut bytes = vec![0; FIRST_READ];
    let mut head_at = |bytes: &mut Vec<u8>, offset: u64| {
        let got = read_at(bytes, offset).ok()?;
        let record = Record::parse_header(&bytes[..got]).ok()?;
        (record.fault.is_none() && run.is_of(&record.source))
            .then_some((record.start_ns, record.bytes.len()))
    };
    let Some((_, length)) = head_at(&mut bytes, begin) else {
        return (begin, end);
    };
    bytes.resize(length, 0);
    let records = Records {
        begin,
        length: length as u64,
        number: (end - begin) / length as u64,
    };
    let mut start_of = |number: u64| {
        let (start_ns, found) = head_at(&mut bytes, begin + number * length as u64)?;
        let inside = run.start_ns.saturating_sub(1000) <= start_ns && start_ns <= run.end_ns;
        (found == length && inside).then_some(start_ns)
    };
    records
        .around(from_ns, to_ns, &mut start_of)
        .map_or((begin, end), |(from, to)| {
            let end = if to == records.number {
                end
            } else {
                records.offset(to)
            };
            (records.offset(from), end)
        })
}

/// Records of one length, one behind the other.
struct Records {
    begin: u64,
    length: u64,
    number: u64,
}

impl Records {
    fn offset(&self, number: u64) -> u64 {
        self.begin + number * self.length
    }

    /// Numbers of records around two times: the first begins at or before `from_ns` (or is number
    /// 0), the second behind `to_ns` (or is the end). `None` when a record cannot be asked.
    fn around(
        &self,
        from_ns: i64,
        to_ns: i64,
        start_of: &mut impl FnMut(u64) -> Option<i64>,
    ) -> Option<(u64, u64)> {
        let (mut before, mut behind) = (0, self.number);
        while behind - before > FEW {
            let middle = before + (behind - before) / 2;
            if start_of(middle)? <= from_ns {
                before = middle;
            } else {
                behind = middle;
            }
        }
        // A window is mostly short: its end is looked for from its begin on, in longer and longer
        // steps.
        let (from, mut step, mut last) = (before, FEW, before);
        let mut behind = loop {
            let next = last.saturating_add(step).min(self.number);
            if next == self.number || start_of(next)? > to_ns {
                break next;
            }
            (last, step) = (next, 2 * step);
        };
        while behind - last > FEW {
            let middle = last + (behind - last) / 2;
            if start_of(middle)? > to_ns {
                behind = middle;
            } else {
                last = middle;
            }
        }
        Some((from, behind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_around_a_window_are_those_that_looking_at_all_finds() {
        // Records of uneven duration, with gaps.
        let mut starts = vec![0i64];
        for number in 1..3000i64 {
            let last = starts[starts.len() - 1];
            starts.push(last + 1 + (number * 7919) % 40 + if number % 500 == 0 { 9000 } else { 0 });
        }
        let mut asked = 0;
        let mut windows = 0;
        for number in [1, 2, 7, 8, 9, 10, 100, 3000] {
            let starts = &starts[..number];
            let records = Records {
                begin: 0,
                length: 1,
                number: number as u64,
            };
            let end = starts[number - 1];
            for from in (-50..end + 50).step_by(1 + number / 3) {
                for length in [0, 1, 30, 1000, 40_000] {
                    let to = from + length;
                    let mut start_of = |at: u64| {
                        asked += 1;
                        Some(starts[at as usize])
                    };
                    let (a, b) = records.around(from, to, &mut start_of).expect("all answer");
                    windows += 1;
                    let first = starts.partition_point(|s| *s <= from).saturating_sub(1);
                    let behind = starts.partition_point(|s| *s <= to);
                    assert!(a as usize <= first && first < a as usize + FEW as usize);
                    assert!(b as usize >= behind && (b as usize) < behind + FEW as usize + 1);
                }
            }
        }
        assert!(asked / windows < 25, "{asked} in {windows}");
    }

    #[test]
    fn a_record_that_does_not_answer_leaves_the_range() {
        let records = Records {
            begin: 0,
            length: 1,
            number: 100,
        };
        assert_eq!(records.around(5, 6, &mut |_| None), None);
    }
}
