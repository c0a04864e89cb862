//! Records → segments → the cut. Reads no data and decodes no sample.
//!
//! The window rule: both ends are included, and each end goes to the sample nearest to it; half
//! way between two samples goes to the one inside the window. This is what ObsPy's `Stream.slice`
//! and `Stream.trim` with `nearest_sample=True` give on the whole file.

use std::collections::HashMap;

use mseed_core::time::{
    NS_PER_S, nearest_earlier_sample, nearest_sample, period_ns, same_rate, sample_time_ns,
};
use mseed_core::{Encoding, Error, Kind, Record, SampleType, SourceId, leap};

/// A record of a window, by its place in the buffers that were read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    pub(super) source: SourceId,
    pub(super) quality: Option<u8>,
    pub(super) start_ns: i64,
    /// Time of the last sample on the even grid of the first one: leap seconds do not count.
    pub(super) end_ns: i64,
    /// Whether the record contains a leap second or may begin inside one.
    pub(super) near_leap_second: bool,
    pub(super) rate_hz: f64,
    pub(super) npts: usize,
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
            start_ns: record.start_ns,
            end_ns: record.counted_end_ns(),
            near_leap_second: is_near_leap_second(record),
            rate_hz: record.rate_hz,
            npts: record.npts,
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

    pub(super) fn is_text(&self) -> bool {
        self.sample_type == SampleType::Text
    }

    fn next_ns(&self) -> i64 {
        self.end_ns.saturating_add(period_ns(self.rate_hz))
    }

    /// Whether `other` follows without a gap: within half a sample, as in libmseed and ObsPy.
    fn is_followed_by(&self, other: &Self) -> bool {
        self.sample_type == other.sample_type
            && self.rate_hz > 0.0
            && same_rate(self.rate_hz, other.rate_hz)
            && other
                .start_ns
                .saturating_sub(self.next_ns())
                .saturating_abs()
                <= period_ns(self.rate_hz) / 2
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

/// Part of a record that a segment takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    pub(super) piece: Piece,
    pub(super) skip: usize,
    pub(super) take: usize,
}

/// A gapless run of records of one channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) start_ns: i64,
    pub(super) npts: usize,
    pub(super) parts: Vec<Part>,
}

impl Run {
    fn new(piece: Piece) -> Self {
        let mut run = Self {
            start_ns: piece.grid_start_ns,
            npts: 0,
            parts: Vec::new(),
        };
        run.push(piece);
        run
    }

    fn push(&mut self, piece: Piece) {
        self.npts += piece.npts;
        self.parts.push(Part {
            piece,
            skip: 0,
            take: piece.npts,
        });
    }

    /// The piece that tells source, rate and type.
    pub(super) fn first(&self) -> &Piece {
        &self.parts[0].piece
    }

    fn last(&self) -> &Piece {
        &self.parts[self.parts.len() - 1].piece
    }

    /// The samples inside a window; `None` when there are none.
    pub(super) fn cut(mut self, start_ns: i64, end_ns: i64) -> Option<Self> {
        let rate = self.first().rate_hz;
        let from = nearest_sample(self.start_ns, rate, start_ns).max(0);
        let last = nearest_earlier_sample(self.start_ns, rate, end_ns).min(self.npts as i64 - 1);
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
pub(super) fn chain_in_time(mut pieces: Vec<Piece>) -> Vec<Run> {
    pieces.sort_by_key(|p| (p.source, p.start_ns, p.buffer, p.offset));
    let mut runs: Vec<Run> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for piece in pieces {
        open.retain(|&at| {
            let last = runs[at].last();
            last.source == piece.source
                && last.next_ns().saturating_add(period_ns(last.rate_hz)) >= piece.start_ns
        });
        let chosen = chosen_run(&runs, &open, &piece);
        match chosen {
            Some(at) => runs[at].push(piece),
            None => {
                open.push(runs.len());
                runs.push(Run::new(piece));
            }
        }
    }
    runs.sort_by_key(|run| (run.first().source, run.start_ns));
    runs
}

/// The open run that a record goes on with: one of its own file first.
///
/// Behind a leap second the run that contains it fits as well as the one that begins after it, so
/// there the record goes on with the one that it stands next behind in the file.
fn chosen_run(runs: &[Run], open: &[usize], piece: &Piece) -> Option<usize> {
    let mut fitting = open
        .iter()
        .copied()
        .filter(|&at| runs[at].last().is_followed_by(piece));
    let mut in_file = fitting
        .clone()
        .filter(|&at| runs[at].last().buffer == piece.buffer);
    if in_file.clone().any(|at| runs[at].last().near_leap_second) {
        return in_file.max_by_key(|&at| {
            let offset = runs[at].last().offset;
            (offset < piece.offset, offset)
        });
    }
    in_file.next().or_else(|| fitting.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(start_ms: i64, npts: usize, buffer: usize) -> Piece {
        let start_ns = start_ms * 1_000_000;
        Piece {
            source: SourceId::default(),
            quality: None,
            start_ns,
            end_ns: sample_time_ns(start_ns, 100.0, npts as i64 - 1),
            near_leap_second: false,
            rate_hz: 100.0,
            npts,
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

    fn shape(runs: &[Run]) -> Vec<(i64, usize)> {
        runs.iter()
            .map(|r| (r.start_ns / 1_000_000, r.npts))
            .collect()
    }

    #[test]
    fn records_of_two_files_chain_over_the_border() {
        let runs = chain_in_time(vec![piece(1000, 100, 1), piece(0, 100, 0)]);
        assert_eq!(shape(&runs), [(0, 200)]);
    }

    #[test]
    fn the_same_time_in_two_files_makes_two_runs() {
        let pieces = [0, 1000, 2000]
            .iter()
            .flat_map(|t| [piece(*t, 100, 0), piece(*t, 100, 1)]);
        let runs = chain_in_time(pieces.collect());
        assert_eq!(shape(&runs), [(0, 300), (0, 300)]);
        assert!(
            runs.iter()
                .all(|r| r.parts.iter().all(|p| p.piece.buffer == r.first().buffer))
        );
    }

    #[test]
    fn a_gap_begins_a_new_run() {
        let runs = chain_in_time(vec![piece(0, 100, 0), piece(1006, 100, 0)]);
        assert_eq!(runs.len(), 2);
        let runs = chain_in_time(vec![piece(0, 100, 0), piece(1005, 100, 0)]);
        assert_eq!(runs.len(), 1);
    }

    #[test]
    fn records_after_a_leap_second_go_on_with_the_run_that_begins_after_it() {
        // One record over the leap second, then the next ones of a second each: they begin at
        // 1.5 s, as their clock was set back, and the second of them fits the first record, too.
        let mut over = piece(0, 250, 0);
        over.near_leap_second = true;
        let after = [1500, 2500, 3500].map(|t| piece(t, 100, 0));
        let runs = chain_in_time([vec![over], after.to_vec()].concat());
        assert_eq!(shape(&runs), [(0, 250), (1500, 300)]);
    }

    #[test]
    fn text_neither_joins_nor_parts_the_waveform() {
        let mut text = piece(1000, 80, 0);
        text.sample_type = SampleType::Text;
        let pieces = vec![piece(0, 100, 0), text, piece(1000, 100, 0)];
        let in_file_order: FileChain = pieces.iter().copied().collect();
        for runs in [in_file_order.finish(), chain_in_time(pieces)] {
            assert_eq!(shape(&runs), [(0, 200), (1000, 80)]);
        }
    }

    #[test]
    fn a_cut_takes_parts_of_records() {
        let run = chain_in_time(vec![piece(0, 100, 0), piece(1000, 100, 0)]).remove(0);
        let cut = run.clone().cut(990_000_000, 1_010_000_000).expect("inside");
        assert_eq!((cut.start_ns, cut.npts), (990_000_000, 3));
        let parts: Vec<_> = cut.parts.iter().map(|p| (p.skip, p.take)).collect();
        assert_eq!(parts, [(99, 1), (0, 2)]);
        assert_eq!(run.clone().cut(5_000_000_000, 6_000_000_000), None);
        assert_eq!(run.clone().cut(-9_000_000, -6_000_000), None);
        let ends = run
            .cut(-9_000_000, -4_000_000)
            .expect("nearest to the first sample");
        assert_eq!((ends.start_ns, ends.npts), (0, 1));
    }
}
