//! Records → segments → the cut. Reads no data and decodes no sample.

use std::collections::HashMap;

use mseed_core::time::{NS_PER_S, period_ns, same_rate, sample_time_ns};
use mseed_core::{Encoding, Error, Kind, Record, SampleType, SourceId, leap};

use super::edge::Edge;
use super::open_runs::OpenRuns;
use crate::run::Ticker;

/// The caller is asked whether to go on after each so many records.
const PIECES_PER_TICK: usize = 1024;

/// A record of a window, or a part of one, by its place in the buffers that were read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    pub(super) source: SourceId,
    pub(super) quality: Option<u8>,
    /// Publication version.
    pub(super) version: u8,
    pub(super) start_ns: i64,
    /// Time of the last sample on the even grid of the first one: leap seconds do not count.
    pub(super) end_ns: i64,
    /// Whether the record contains a leap second or may begin inside one.
    pub(super) near_leap_second: bool,
    pub(super) rate_hz: f64,
    pub(super) npts: usize,
    /// Samples of the record before these, and of all of it.
    pub(super) skip: usize,
    pub(super) record_npts: usize,
    pub(super) sample_type: SampleType,
    pub(super) encoding: Encoding,
    pub(super) big_endian: bool,
    /// Whether the header says of itself that its record cannot be right: a wrong CRC, more
    /// samples than the payload can hold.
    pub(super) header_fault: bool,
    /// Which buffer, and where in it.
    pub(super) buffer: usize,
    pub(super) offset: usize,
    /// Place and length of the payload in the buffer.
    pub(super) payload: (usize, usize),
    /// Time that the first sample would have on the grid of the gapless span it belongs to.
    pub(super) grid_start_ns: i64,
}

impl Piece {
    /// A record at `offset` of buffer `buffer`; an error when its encoding is not decoded.
    pub(super) fn new(record: &Record<'_>, buffer: usize, offset: usize) -> Result<Self, Error> {
        Ok(Self {
            source: record.source,
            quality: record.quality,
            version: record.version,
            start_ns: record.start_ns,
            end_ns: record.counted_end_ns(),
            near_leap_second: is_near_leap_second(record),
            rate_hz: record.rate_hz,
            npts: record.npts,
            skip: 0,
            record_npts: record.npts,
            sample_type: record.encoding.sample_type()?,
            encoding: record.encoding,
            big_endian: record.data_big_endian,
            header_fault: record.fault.as_ref().is_some_and(spoils_samples),
            buffer,
            offset,
            payload: (offset + record.payload_start, record.payload().len()),
            grid_start_ns: record.start_ns,
        })
    }

    /// Samples from the place `from` on, as a piece of their own.
    pub(super) fn part(&self, from: usize, npts: usize) -> Self {
        let time_ns = |base_ns, at: usize| sample_time_ns(base_ns, self.rate_hz, at as i64);
        let end_ns = match from + npts == self.npts {
            true => self.end_ns,
            false => time_ns(self.start_ns, from + npts - 1),
        };
        Self {
            start_ns: time_ns(self.start_ns, from),
            end_ns,
            grid_start_ns: time_ns(self.grid_start_ns, from),
            npts,
            skip: self.skip + from,
            ..*self
        }
    }

    /// The order of time, in each channel.
    pub(super) fn order(&self) -> (SourceId, i64, usize, usize) {
        (self.source, self.start_ns, self.buffer, self.offset)
    }

    pub(super) fn is_text(&self) -> bool {
        self.sample_type == SampleType::Text
    }

    pub(super) fn next_ns(&self) -> i64 {
        self.end_ns.saturating_add(period_ns(self.rate_hz))
    }

    /// Whether `other` follows without a gap: within half a sample, as in libmseed and ObsPy.
    pub(super) fn is_followed_by(&self, other: &Self) -> bool {
        self.sample_type == other.sample_type
            && self.rate_hz > 0.0
            && same_rate(self.rate_hz, other.rate_hz)
            && other.start_ns.abs_diff(self.next_ns()) <= period_ns(self.rate_hz) as u64 / 2
    }
}

/// Whether a fault of a header leaves open which samples are right. A broken chain of blockettes
/// does not.
fn spoils_samples(fault: &Error) -> bool {
    matches!(fault.kind, Kind::Crc { .. } | Kind::Limit { .. })
}

/// Whether a record contains a leap second, or may begin inside one: its times, counted from its
/// start, then run up to a second into those of the records that follow.
fn is_near_leap_second(record: &Record<'_>) -> bool {
    let counted_ns = record.counted_end_ns();
    record.end_ns() != counted_ns
        || leap::between(record.start_ns.saturating_sub(NS_PER_S), counted_ns)
}

/// The part of a record that a segment takes, and how to decode it: a day has tens of thousands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    /// Which buffer, and where the record and its payload stand in it.
    pub(super) buffer: usize,
    pub(super) offset: usize,
    pub(super) payload: (usize, usize),
    pub(super) encoding: Encoding,
    pub(super) big_endian: bool,
    pub(super) header_fault: bool,
    /// Samples of the whole record, and which of them are taken.
    pub(super) npts: usize,
    pub(super) skip: usize,
    pub(super) take: usize,
}

impl Part {
    /// What a piece has.
    fn of(piece: &Piece) -> Self {
        Self {
            skip: piece.skip,
            take: piece.npts,
            ..Self::record(piece)
        }
    }

    /// The whole record of a piece.
    pub(super) fn record(piece: &Piece) -> Self {
        Self {
            buffer: piece.buffer,
            offset: piece.offset,
            payload: piece.payload,
            encoding: piece.encoding,
            big_endian: piece.big_endian,
            header_fault: piece.header_fault,
            npts: piece.record_npts,
            skip: 0,
            take: piece.record_npts,
        }
    }
}

/// A gapless run of records of one channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) start_ns: i64,
    pub(super) npts: usize,
    pub(super) parts: Vec<Part>,
    first: Piece,
    last: Piece,
}

impl Run {
    fn new(piece: Piece) -> Self {
        Self {
            start_ns: piece.grid_start_ns,
            npts: piece.npts,
            parts: vec![Part::of(&piece)],
            first: piece,
            last: piece,
        }
    }

    fn push(&mut self, piece: Piece) {
        self.npts += piece.npts;
        self.parts.push(Part::of(&piece));
        self.last = piece;
    }

    /// The piece that tells source, rate and type.
    pub(super) fn first(&self) -> &Piece {
        &self.first
    }

    pub(super) fn last(&self) -> &Piece {
        &self.last
    }

    /// The samples inside a window; `None` when there are none.
    pub(super) fn cut(mut self, start_ns: i64, end_ns: i64, edge: Edge) -> Option<Self> {
        let rate = self.first().rate_hz;
        let from = edge.first(self.start_ns, rate, start_ns).max(0);
        let last = edge
            .last(self.start_ns, rate, end_ns)
            .min(self.npts as i64 - 1);
        if from > last {
            return None;
        }
        self.start_ns = sample_time_ns(self.start_ns, rate, from);
        let npts = (last - from + 1) as usize;
        let mut skip = from as usize;
        let mut left = npts;
        self.parts.retain_mut(|part| {
            let skipped = skip.min(part.take);
            skip -= skipped;
            part.skip += skipped;
            part.take = (part.take - skipped).min(left);
            left -= part.take;
            part.take > 0
        });
        self.npts = npts;
        Some(self)
    }
}

/// What parts the runs of a file: channel, quality, buffer, and whether it is text.
type FileChannel = (SourceId, Option<u8>, usize, bool);

/// Chains records as they stand in a file, each to the last run of its channel: `obspy.read`.
/// Channels come in the order in which the file names them first; pieces of different files, or
/// of different rows of the index, stay apart, and so does text: a log between the records of a
/// channel does not part them.
#[derive(Debug, Default)]
pub(super) struct FileChain {
    channels: Vec<Vec<Run>>,
    places: HashMap<FileChannel, usize>,
    last: Option<(FileChannel, usize)>,
}

impl FileChain {
    pub(super) fn push(&mut self, piece: Piece) {
        let channel = (piece.source, piece.quality, piece.buffer, piece.is_text());
        // Most records follow one of their own channel.
        let place = match self.last {
            Some((same, place)) if same == channel => place,
            _ => *self.places.entry(channel).or_insert_with(|| {
                self.channels.push(Vec::new());
                self.channels.len() - 1
            }),
        };
        self.last = Some((channel, place));
        match self.channels[place].last_mut() {
            Some(run) if run.last().is_followed_by(&piece) => run.push(piece),
            _ => self.channels[place].push(Run::new(piece)),
        }
    }

    pub(super) fn finish(self) -> Vec<Run> {
        self.channels.into_iter().flatten().collect()
    }
}

impl FromIterator<Piece> for FileChain {
    fn from_iter<T: IntoIterator<Item = Piece>>(pieces: T) -> Self {
        let mut chain = Self::default();
        pieces.into_iter().for_each(|piece| chain.push(piece));
        chain
    }
}

/// Chain records of a window by their times, over the borders of files and days. Where the same
/// time is there twice, each file makes a run of its own.
pub(super) fn chain_in_time(
    mut pieces: Vec<Piece>,
    ticker: &mut Ticker<'_>,
) -> Result<Vec<Run>, crate::Error> {
    pieces.sort_by_key(Piece::order);
    let mut runs: Vec<Run> = Vec::new();
    let mut open = OpenRuns::default();
    let mut source = None;
    for (number, piece) in pieces.into_iter().enumerate() {
        if number % PIECES_PER_TICK == 0 {
            ticker.poll()?;
        }
        if source.replace(piece.source) != Some(piece.source) {
            open.clear();
        }
        let at = match open.take(&piece, &runs) {
            Some(at) => {
                runs[at].push(piece);
                at
            }
            None => {
                runs.push(Run::new(piece));
                runs.len() - 1
            }
        };
        open.add(at, &runs);
    }
    runs.sort_by_key(|run| (run.first().source, run.start_ns));
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(start_ms: i64, npts: usize, buffer: usize) -> Piece {
        let start_ns = start_ms * 1_000_000;
        Piece {
            source: SourceId::default(),
            quality: None,
            version: 2,
            start_ns,
            end_ns: sample_time_ns(start_ns, 100.0, npts as i64 - 1),
            near_leap_second: false,
            rate_hz: 100.0,
            npts,
            skip: 0,
            record_npts: npts,
            sample_type: SampleType::Int32,
            encoding: Encoding::Steim2,
            big_endian: true,
            header_fault: false,
            buffer,
            offset: start_ms as usize,
            payload: (0, 0),
            grid_start_ns: start_ns,
        }
    }

    fn chain(pieces: Vec<Piece>) -> Vec<Run> {
        chain_in_time(pieces, &mut Ticker::new(&mut || true)).expect("nobody cancels")
    }

    fn shape(runs: &[Run]) -> Vec<(i64, usize)> {
        runs.iter()
            .map(|r| (r.start_ns / 1_000_000, r.npts))
            .collect()
    }

    #[test]
    fn records_of_two_files_chain_over_the_border() {
        let runs = chain(vec![piece(1000, 100, 1), piece(0, 100, 0)]);
        assert_eq!(shape(&runs), [(0, 200)]);
    }

    #[test]
    fn the_same_time_in_two_files_makes_two_runs() {
        let pieces = [0, 1000, 2000]
            .iter()
            .flat_map(|t| [piece(*t, 100, 0), piece(*t, 100, 1)]);
        let runs = chain(pieces.collect());
        assert_eq!(shape(&runs), [(0, 300), (0, 300)]);
        assert!(
            runs.iter()
                .all(|r| r.parts.iter().all(|p| p.buffer == r.first().buffer))
        );
    }

    #[test]
    fn a_gap_begins_a_new_run() {
        let runs = chain(vec![piece(0, 100, 0), piece(1006, 100, 0)]);
        assert_eq!(runs.len(), 2);
        let runs = chain(vec![piece(0, 100, 0), piece(1005, 100, 0)]);
        assert_eq!(runs.len(), 1);
    }

    #[test]
    fn records_after_a_leap_second_go_on_with_the_run_that_begins_after_it() {
        // One record over the leap second, then the next ones of a second each: they begin at
        // 1.5 s, as their clock was set back, and the second of them fits the first record, too.
        let mut over = piece(0, 250, 0);
        over.near_leap_second = true;
        let after = [1500, 2500, 3500].map(|t| piece(t, 100, 0));
        let runs = chain([vec![over], after.to_vec()].concat());
        assert_eq!(shape(&runs), [(0, 250), (1500, 300)]);
    }

    #[test]
    fn text_neither_joins_nor_parts_the_waveform() {
        let mut text = piece(1000, 80, 0);
        text.sample_type = SampleType::Text;
        let pieces = vec![piece(0, 100, 0), text, piece(1000, 100, 0)];
        let in_file_order: FileChain = pieces.iter().copied().collect();
        for runs in [in_file_order.finish(), chain(pieces)] {
            assert_eq!(shape(&runs), [(0, 200), (1000, 80)]);
        }
    }

    #[test]
    fn a_cut_takes_parts_of_records() {
        let run = chain(vec![piece(0, 100, 0), piece(1000, 100, 0)]).remove(0);
        let cut = run
            .clone()
            .cut(990_000_000, 1_010_000_000, Edge::default())
            .expect("inside");
        assert_eq!((cut.start_ns, cut.npts), (990_000_000, 3));
        let parts: Vec<_> = cut.parts.iter().map(|p| (p.skip, p.take)).collect();
        assert_eq!(parts, [(99, 1), (0, 2)]);
        assert_eq!(
            run.clone()
                .cut(5_000_000_000, 6_000_000_000, Edge::default()),
            None
        );
        assert_eq!(
            run.clone().cut(-9_000_000, -6_000_000, Edge::default()),
            None
        );
        let ends = run
            .cut(-9_000_000, -4_000_000, Edge::default())
            .expect("nearest to the first sample");
        assert_eq!((ends.start_ns, ends.npts), (0, 1));
    }

    /// What [`chain_in_time`] does, each record compared with every run.
    fn chain_slowly(mut pieces: Vec<Piece>) -> Vec<Run> {
        pieces.sort_by_key(Piece::order);
        let mut runs: Vec<Run> = Vec::new();
        for piece in pieces {
            let fits =
                |run: &Run| run.first().source == piece.source && run.last().is_followed_by(&piece);
            let same_file = |run: &Run| fits(run) && run.last().buffer == piece.buffer;
            match runs
                .iter()
                .position(same_file)
                .or(runs.iter().position(fits))
            {
                Some(at) => runs[at].push(piece),
                None => runs.push(Run::new(piece)),
            }
        }
        runs.sort_by_key(|run| (run.first().source, run.start_ns));
        runs
    }

    #[test]
    fn chains_are_those_that_comparing_all_with_all_gives() {
        let mut state = 1u64;
        let mut draw = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        };
        let rates = [100.0, 100.005, 99.995, 50.0, 0.0];
        let types = [SampleType::Int32, SampleType::Int32, SampleType::Float32];
        let mut joined = 0;
        for _ in 0..400 {
            let few = 1 + draw(60);
            let kinds = (1 + draw(5), 1 + draw(3), 1 + draw(3));
            let pieces: Vec<_> = (0..few)
                .map(|_| {
                    let jitter_ms = draw(13) as i64 - 6;
                    let npts = 100 * (1 + draw(2) as usize);
                    let mut piece = piece(1000 * draw(12) as i64 + jitter_ms, npts, 0);
                    piece.rate_hz = rates[draw(kinds.0) as usize];
                    piece.end_ns =
                        sample_time_ns(piece.start_ns, piece.rate_hz, piece.npts as i64 - 1);
                    piece.sample_type = types[draw(kinds.1) as usize];
                    piece.buffer = draw(kinds.2) as usize;
                    piece.offset = draw(1000) as usize;
                    if draw(20) == 0 {
                        piece.source = SourceId::parse(b"FDSN:XX_B__B_H_Z").expect("valid");
                    }
                    piece
                })
                .collect();
            let expected = chain_slowly(pieces.clone());
            joined += expected.iter().filter(|run| run.parts.len() > 1).count();
            assert_eq!(chain(pieces), expected);
        }
        assert!(joined > 1000, "{joined}");
    }

    #[test]
    fn a_stuck_clock_and_a_lot_of_gaps_take_no_time_to_speak_of() {
        let began = std::time::Instant::now();
        let stuck = (0..200_000).map(|at| Piece {
            offset: at,
            ..piece(0, 100, 0)
        });
        // Every one of them goes on, at one and the same time.
        let on = (0..200_000).map(|at| Piece {
            offset: at,
            ..piece(1000, 100, 0)
        });
        assert_eq!(chain(stuck.chain(on).collect()).len(), 200_000);
        let gappy = chain((0..200_000).map(|at| piece(at * 2000, 100, 0)).collect());
        assert_eq!(gappy.len(), 200_000);
        // All overlap, and all go on at times of their own.
        let shifted = (0..200_000).map(|at| Piece {
            start_ns: at,
            end_ns: at + 1_000_000_000,
            rate_hz: 1.0,
            ..piece(0, 2, at as usize)
        });
        assert_eq!(chain(shifted.collect()).len(), 200_000);
        // Comparing all with all takes minutes.
        let seconds = began.elapsed().as_secs_f64();
        assert!(seconds < 10.0, "{seconds} s");
    }

    #[test]
    fn a_caller_who_gives_up_is_heard_while_records_are_chained() {
        let mut give_up = || false;
        let mut ticker = Ticker::new(&mut give_up);
        std::thread::sleep(crate::run::TICK);
        let chained = chain_in_time(vec![piece(0, 100, 0)], &mut ticker);
        assert!(matches!(chained, Err(crate::Error::Cancelled)));
    }

    #[test]
    fn times_at_the_ends_of_what_numbers_hold_are_compared() {
        let at = |start_ns, end_ns| Piece {
            start_ns,
            end_ns,
            ..piece(0, 100, 0)
        };
        let runs = chain(vec![at(i64::MIN, i64::MIN + 1), at(i64::MAX - 1, i64::MAX)]);
        assert_eq!(runs.len(), 2);
    }
}
