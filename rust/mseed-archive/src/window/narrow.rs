//! The bytes of a window inside a run of the index: by its time index, then by its records.

use std::io;
use std::ops::Range;

use mseed_core::Record;

use crate::tsindex::IndexedRun;

/// Read on each side of a place where a record is looked for; the longest record of miniSEED 2 that
/// is usual, too.
const MARGIN: u64 = 4096;

/// The most that is read at once to find a record.
const MOST: u64 = 128 * 1024;

/// Records that are rather read than asked about.
const FEW: u64 = 8;

/// Places that are guessed from times. Where these tell so little of places, halving is quicker.
const GUESSES: usize = 3;

/// Bytes of a run, and when the records at both ends begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    begin: u64,
    end: u64,
    begin_ns: i64,
    end_ns: i64,
}

/// Bytes that are read more on each side of a guess, and the share of the guess itself.
const GUESS_MARGIN: u64 = 16 * 1024;
const GUESS_SHARE: u64 = 4;

impl Bounds {
    /// Where in these bytes a window will be, when they are as long for each second. A quarter more
    /// on each side, as they never are.
    pub(super) fn guess(&self, from_ns: i64, to_ns: i64) -> Range<u64> {
        // An index of others may have a row that ends before it begins.
        let bytes = self.end.saturating_sub(self.begin);
        let seconds = (i128::from(self.end_ns) - i128::from(self.begin_ns)).max(0);
        let place = |time_ns: i64| {
            let passed = (i128::from(time_ns) - i128::from(self.begin_ns)).clamp(0, seconds);
            match u64::try_from(i128::from(bytes) * passed / seconds.max(1)) {
                Ok(offset) if seconds > 0 => self.begin + offset,
                _ => self.begin,
            }
        };
        let (from, to) = (
            place(from_ns),
            if seconds > 0 { place(to_ns) } else { self.end },
        );
        let margin = to.saturating_sub(from) / GUESS_SHARE + GUESS_MARGIN;
        let start = from.saturating_sub(margin).max(self.begin);
        start..to.saturating_add(margin).min(self.end).max(start)
    }
}

/// The bytes of a run that a window needs: from the last entry of the time index that is not
/// behind its begin to the first one that is behind its end.
///
/// Entries bound the starts of records. That the records before an entry also end before it holds
/// only where no spans overlap; otherwise the run is read from its first byte.
pub(super) fn byte_range(run: &IndexedRun, from_ns: i64, to_ns: i64) -> Bounds {
    let (begin, end) = (run.byte_offset, run.byte_offset + run.bytes);
    let (mut first, mut behind) = ((run.start_ns, begin), (run.end_ns, end));
    if let Some(index) = run.time_index.as_ref().filter(|index| index.in_order) {
        let mut back = index.entries.iter().rev();
        let found = back.find(|(time, _)| run.spans_apart && *time <= from_ns);
        first = *found.unwrap_or(&first);
        let found = index.entries.iter().find(|(time, _)| *time > to_ns);
        behind = *found.unwrap_or(&behind);
    }
    Bounds {
        begin: first.1.clamp(begin, end),
        end: behind.1.clamp(begin, end),
        begin_ns: first.0,
        end_ns: behind.0,
    }
}

/// Bytes of a file that were read last to find a record: mostly they hold the window, too, and
/// often the next one.
#[derive(Debug, Default)]
pub(super) struct Block {
    offset: u64,
    bytes: Vec<u8>,
    /// How long the records of a run are, by its first byte.
    length: Option<(u64, u64)>,
}

impl Block {
    /// The bytes of a range, if all are here.
    pub(super) fn get(&self, range: Range<u64>) -> Option<&[u8]> {
        let from = usize::try_from(range.start.checked_sub(self.offset)?).ok()?;
        let to = usize::try_from(range.end.checked_sub(self.offset)?).ok()?;
        self.bytes.get(from..to)
    }

    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    fn load(&mut self, range: Range<u64>, read_at: &mut impl ReadAt) -> io::Result<()> {
        self.offset = range.start;
        self.bytes.resize((range.end - range.start) as usize, 0);
        let got = read_at(&mut self.bytes, self.offset);
        self.bytes.truncate(*got.as_ref().unwrap_or(&0));
        got.map(|_| ())
    }
}

/// Fills a buffer from an offset of a file and says how many bytes it got.
pub(super) trait ReadAt: FnMut(&mut [u8], u64) -> io::Result<usize> {}

impl<F: FnMut(&mut [u8], u64) -> io::Result<usize>> ReadAt for F {}

/// The part of such a range that the window needs: an hour at 100 Hz is some hundred kilobytes, a
/// window of 30 s a few. Where it begins is guessed from the times at both ends of the range, the
/// bytes around that place are read, and the times of the records there tell whether it was right,
/// or where to look next.
///
/// Only where the index says that records are in order and spans apart, and where the records that
/// are asked are of one length and of the channel: else the range stays as it is.
pub(super) fn narrowed(
    run: &IndexedRun,
    bounds: Bounds,
    window: (i64, i64),
    block: &mut Block,
    read_at: impl ReadAt,
) -> Range<u64> {
    let whole = bounds.begin..bounds.end;
    let in_order = run.time_index.as_ref().is_some_and(|index| index.in_order);
    if !in_order || !run.spans_apart || bounds.end - bounds.begin <= MARGIN {
        return whole;
    }
    let headers = Headers {
        run,
        begin: bounds.begin,
        length: 0,
        block,
        read_at,
    };
    headers.narrow(bounds, window).unwrap_or(whole)
}

/// A record by its number, and when it begins.
#[derive(Debug, Clone, Copy)]
struct Place {
    number: u64,
    start_ns: i64,
}

/// Records that can be asked when they begin.
trait Starts {
    /// When a record begins; `None` when it cannot be asked. Where it must be read, some records
    /// around it are read with it.
    fn start_of(&mut self, number: u64, around: Range<u64>) -> Option<i64>;

    /// The records that are in memory.
    fn at_hand(&self) -> Range<u64>;
}

/// The headers of records of one length, one behind the other.
struct Headers<'a, R> {
    run: &'a IndexedRun,
    begin: u64,
    length: u64,
    block: &'a mut Block,
    read_at: R,
}

impl<R: ReadAt> Headers<'_, R> {
    fn narrow(mut self, bounds: Bounds, window: (i64, i64)) -> Option<Range<u64>> {
        self.length = self.length_of_records(bounds, window)?;
        let ends = (
            Place {
                number: 0,
                start_ns: bounds.begin_ns,
            },
            Place {
                number: (bounds.end - bounds.begin) / self.length,
                start_ns: bounds.end_ns,
            },
        );
        let margin = MARGIN.div_ceil(self.length);
        let most = MOST / self.length;
        let (from, to) = around(&mut self, ends, window, (margin, most))?;
        let end = if to == ends.1.number {
            bounds.end
        } else {
            self.offset(to)
        };
        Some(self.offset(from)..end)
    }

    /// How long the records are. The record that tells so stands where the window may be: lengths
    /// are mostly powers of two and no longer than the margin.
    fn length_of_records(&mut self, bounds: Bounds, window: (i64, i64)) -> Option<u64> {
        let run_begin = self.run.byte_offset;
        if let Some((_, length)) = self.block.length.filter(|(run, _)| *run == run_begin) {
            return Some(length);
        }
        let ends = [
            (0, bounds.begin_ns),
            (bounds.end - bounds.begin, bounds.end_ns),
        ];
        let [from, to] = [window.0, window.1].map(|time_ns| guess(ends, time_ns));
        let margin = margin_of(bounds.end - bounds.begin, MARGIN);
        let from = bounds.begin + from.saturating_sub(margin) / MARGIN * MARGIN;
        let to = bounds.begin + to + margin;
        let to = to.clamp(from + MARGIN, from + MOST).min(bounds.end);
        self.block.load(from..to, &mut self.read_at).ok()?;
        let fits = |(_, length): &(i64, u64)| (from - bounds.begin).is_multiple_of(*length);
        let mut found = head(self.run, &self.block.bytes).filter(fits);
        if found.is_none() {
            let front = bounds.begin..bounds.begin + MARGIN;
            self.block.load(front, &mut self.read_at).ok()?;
            found = head(self.run, &self.block.bytes);
        }
        let (_, length) = found?;
        self.block.length = Some((run_begin, length));
        Some(length)
    }

    fn offset(&self, number: u64) -> u64 {
        self.begin + number * self.length
    }
}

impl<R: ReadAt> Starts for Headers<'_, R> {
    fn start_of(&mut self, number: u64, around: Range<u64>) -> Option<i64> {
        let record = self.offset(number)..self.offset(number + 1);
        if self.block.get(record.clone()).is_none() {
            let range = self.offset(around.start)..self.offset(around.end);
            self.block.load(range, &mut self.read_at).ok()?;
        }
        let (start_ns, length) = head(self.run, self.block.get(record)?)?;
        let run = self.run;
        let inside = run.start_ns.saturating_sub(1000) <= start_ns && start_ns <= run.end_ns;
        (length == self.length && inside).then_some(start_ns)
    }

    fn at_hand(&self) -> Range<u64> {
        let first = self.block.offset.saturating_sub(self.begin);
        let end = self.block.end().saturating_sub(self.begin);
        first.div_ceil(self.length)..end / self.length
    }
}

/// Start and length of the record at the beginning of `bytes`, when it is a sound one of the run.
fn head(run: &IndexedRun, bytes: &[u8]) -> Option<(i64, u64)> {
    let record = Record::parse_header(bytes).ok()?;
    (record.fault.is_none() && run.is_of(&record.source))
        .then_some((record.start_ns, record.bytes.len() as u64))
}

/// The place of a time between two places, as if records were equally long in time.
fn guess([from, to]: [(u64, i64); 2], time_ns: i64) -> u64 {
    let whole = (to.1 as f64 - from.1 as f64).max(1.0);
    let fraction = ((time_ns as f64 - from.1 as f64) / whole).clamp(0.0, 1.0);
    from.0 + ((to.0 - from.0) as f64 * fraction) as u64
}

/// How far a guess may be off: a little, and some of what it is a guess in.
fn margin_of(distance: u64, least: u64) -> u64 {
    least + distance / 128
}

/// Numbers of records around two times: the first begins at or before the one (or is number 0), the
/// second behind the other (or is the end). `None` when a record cannot be asked. The sizes are the
/// records that are read on each side of a guess, and the most that are read at once.
fn around(
    starts: &mut impl Starts,
    ends: (Place, Place),
    (from_ns, to_ns): (i64, i64),
    sizes: (u64, u64),
) -> Option<(u64, u64)> {
    let numbers = [ends.0, ends.1].map(|place| (place.number, place.start_ns));
    let inside = guess(numbers, to_ns) - guess(numbers, from_ns);
    let (first, _) = between(starts, ends, from_ns, sizes, inside)?;
    let (_, behind) = between(starts, (first, ends.1), to_ns, sizes, 0)?;
    Some((first.number, behind.number))
}

/// Places next to a time: the first begins at or before it or is the one that was given, the second
/// behind it or is the one that was given. They are neighbours where records are in memory, else
/// only few records lie between them. `with` more records are read behind the place of the time.
fn between(
    starts: &mut impl Starts,
    (mut before, mut behind): (Place, Place),
    time_ns: i64,
    (margin, most): (u64, u64),
    with: u64,
) -> Option<(Place, Place)> {
    let mut guesses = 0;
    loop {
        let left = behind.number.saturating_sub(before.number);
        let at_hand = starts.at_hand();
        let first = at_hand.start.max(before.number + 1);
        let last = at_hand.end.min(behind.number);
        let number = if first < last {
            first + (last - first) / 2
        } else if left <= FEW {
            return Some((before, behind));
        } else if guesses < GUESSES {
            let ends = [before, behind].map(|place| (place.number, place.start_ns));
            guess(ends, time_ns).clamp(before.number + 1, behind.number - 1)
        } else {
            before.number + left / 2
        };
        guesses += usize::from(first >= last);
        let margin = margin_of(left, margin);
        let from = number.saturating_sub(margin).max(before.number);
        let to = number + (margin + with).min(most).max(1);
        let start_ns = starts.start_of(number, from..to.min(behind.number))?;
        let found = Place { number, start_ns };
        if start_ns <= time_ns {
            before = found;
        } else {
            behind = found;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts of records, of which those are in memory that were read last.
    struct Made<'a> {
        starts: &'a [i64],
        at_hand: Range<u64>,
        reads: usize,
        read: u64,
    }

    impl Starts for Made<'_> {
        fn start_of(&mut self, number: u64, around: Range<u64>) -> Option<i64> {
            if !self.at_hand.contains(&number) {
                assert!(around.contains(&number), "{number} is not in {around:?}");
                assert!(around.end <= self.starts.len() as u64);
                self.reads += 1;
                self.read += around.end - around.start;
                self.at_hand = around;
            }
            Some(self.starts[number as usize])
        }

        fn at_hand(&self) -> Range<u64> {
            self.at_hand.clone()
        }
    }

    /// Look for many windows; mean reads, and mean records read, of a window.
    fn look_for_windows(starts: &[i64], step: usize) -> (f64, f64) {
        let (number, end_ns) = (starts.len(), starts[starts.len() - 1]);
        let ends = (
            Place {
                number: 0,
                start_ns: starts[0],
            },
            Place {
                number: number as u64,
                start_ns: end_ns,
            },
        );
        let (mut reads, mut read, mut windows) = (0, 0, 0);
        for from in (-50..end_ns + 50).step_by(step) {
            for length in [0, 1, 30, 1000, 40_000] {
                let to = from + length;
                let mut made = Made {
                    starts,
                    at_hand: 0..0,
                    reads: 0,
                    read: 0,
                };
                let (a, b) = around(&mut made, ends, (from, to), (8, 256)).expect("all answer");
                let first = starts.partition_point(|s| *s <= from).saturating_sub(1);
                let behind = starts.partition_point(|s| *s <= to);
                assert!(a as usize <= first && first < a as usize + FEW as usize);
                assert!(b as usize >= behind && b as usize <= behind + FEW as usize);
                assert!(made.reads <= 20, "{} reads", made.reads);
                reads += made.reads;
                read += made.read;
                windows += 1;
            }
        }
        (reads as f64 / windows as f64, read as f64 / windows as f64)
    }

    #[test]
    fn records_around_a_window_are_those_that_looking_at_all_finds() {
        // Records of uneven duration, with gaps.
        let mut starts = vec![0i64];
        for number in 1..3000i64 {
            let last = starts[starts.len() - 1];
            starts.push(last + 1 + (number * 7919) % 40 + if number % 500 == 0 { 9000 } else { 0 });
        }
        for number in [1, 2, 7, 8, 9, 10, 100, 3000] {
            look_for_windows(&starts[..number], 1 + number / 3);
        }
        // Places that times say nothing of.
        let jumps: Vec<i64> = (0..1000)
            .map(|n| if n < 990 { n } else { n * n * 40 })
            .collect();
        look_for_windows(&jumps, 100_003);
    }

    #[test]
    fn records_that_are_nearly_equally_long_are_found_at_once() {
        // An hour of records of 512 bytes, a tenth of it with half as many samples in each.
        let mut starts = vec![0i64];
        for number in 1..900i64 {
            let last = starts[starts.len() - 1];
            let length = if (400..490).contains(&number) {
                200
            } else {
                400
            };
            starts.push(last + length + (number * 7919) % 40);
        }
        let (reads, read) = look_for_windows(&starts, 977);
        assert!(reads < 2.5, "{reads} reads");
        assert!(read < 100.0, "{read} records");
    }

    #[test]
    fn a_record_that_does_not_answer_leaves_the_range() {
        struct Silent;
        impl Starts for Silent {
            fn start_of(&mut self, _: u64, _: Range<u64>) -> Option<i64> {
                None
            }
            fn at_hand(&self) -> Range<u64> {
                0..0
            }
        }
        let place = |number| Place {
            number,
            start_ns: number as i64,
        };
        let ends = (place(0), place(100));
        assert_eq!(around(&mut Silent, ends, (5, 6), (8, 64)), None);
    }

    #[test]
    fn a_guess_lies_around_the_window_and_within_the_bounds() {
        let bounds = Bounds {
            begin: 1_000_000,
            end: 2_000_000,
            begin_ns: 0,
            end_ns: 1000,
        };
        let margin = 100_000 / GUESS_SHARE + GUESS_MARGIN;
        assert_eq!(
            bounds.guess(400, 500),
            1_400_000 - margin..1_500_000 + margin
        );
        assert_eq!(bounds.guess(i64::MIN, i64::MAX), 1_000_000..2_000_000);
        assert_eq!(bounds.guess(-10, 0).start, 1_000_000);
        assert_eq!(bounds.guess(1000, 2000).end, 2_000_000);
        let of_one_record = Bounds {
            end_ns: 0,
            ..bounds
        };
        assert_eq!(of_one_record.guess(0, 0), 1_000_000..2_000_000);
        for backwards in [
            Bounds {
                end_ns: -9,
                ..bounds
            },
            Bounds { end: 9, ..bounds },
        ] {
            let range = backwards.guess(500, 400);
            assert!(range.start <= range.end && range.start >= bounds.begin);
        }
    }
}
