//! Step through bytes from record to record, and say what was skipped.

use super::judge::{Judge, Refusal};
use super::template::Template;
use super::{Record, candidates};
use crate::error::{Error, Kind};
use crate::limits;

/// What stands at a place.
#[derive(Debug)]
pub enum Item<'a> {
    /// A record and its offset.
    Record(usize, Record<'a>),
    /// Bytes that are no readable record.
    Skipped(Skipped),
}

/// A run of bytes that were passed over.
#[derive(Debug, Clone, PartialEq)]
pub struct Skipped {
    /// First byte.
    pub offset: usize,
    /// Number of bytes.
    pub length: usize,
    /// Why; its own offset names the field that is wrong.
    pub reason: Error,
}

/// How far a walk is: all that it needs to go on in the next part of a file.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Next byte to look at; the ones before it are not needed any more.
    position: usize,
    last_length: usize,
    skip: Option<Skip>,
    /// Bytes of the last record that the next one begins with.
    shared: usize,
    /// Work done in vain so far.
    vain: u64,
}

impl Progress {
    /// A walk that begins at an offset of the file, as if nothing stood before it.
    #[must_use]
    pub fn starting_at(position: usize) -> Self {
        Self {
            position,
            ..Self::default()
        }
    }

    /// Offset in the file of the next byte to look at.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }
}

/// Bytes that are being passed over.
#[derive(Debug, Clone)]
struct Skip {
    offset: usize,
    reason: Error,
    begins_like_a_header: bool,
}

/// Iterator over the records of a byte slice: mixed lengths, mixed versions, damage in between.
///
/// After damage the walk goes on at the next byte where a whole record stands that no other
/// speaks against. Two records may share up to five bytes, where the sequence number of the second
/// lost digits and the last bytes of the first are some. The work is linear in the length of the slice, whatever it holds: see
/// [`limits::VAIN_WORK_PER_BYTE`].
#[derive(Debug, Clone)]
pub struct Walker<'a> {
    data: &'a [u8],
    /// Offset of the first byte of `data` in the file.
    base: usize,
    /// Whether the file ends with `data`.
    complete: bool,
    progress: Progress,
    /// The record behind the bytes that were just said to be skipped.
    found: Option<Record<'a>>,
    /// What the last header was like.
    template: Option<Template>,
    /// Bytes of the record that was judged last that belong to the next one, too.
    shared: usize,
}

impl<'a> Walker<'a> {
    /// Walk over `data` from its first byte.
    #[must_use]
    pub fn new(data: &'a [u8]) -> Self {
        Self::resume(Progress::default(), data, true)
    }

    /// Go on with a walk over a file: `data` is what stands from [`Progress::position`] on, and
    /// `complete` says that the file ends with it.
    ///
    /// The parts of a file give the same items as the whole, with offsets in the file. When a
    /// walk over a part that is not complete ends, it needs more bytes behind it: keep those
    /// from [`Progress::position`] on, add to them, and resume.
    #[must_use]
    pub fn resume(progress: Progress, data: &'a [u8], complete: bool) -> Self {
        Self {
            data,
            base: progress.position,
            complete,
            progress,
            found: None,
            template: None,
            shared: 0,
        }
    }

    /// Hand on all items. The same as iterating; where most records are like the one before, each is
    /// looked at where it was made, and a record is a quarter of a kilobyte to copy.
    pub fn each(&mut self, take: &mut dyn FnMut(&Item<'a>)) {
        loop {
            let is_between = self.found.is_none() && self.progress.skip.is_none();
            if is_between && let Some(item) = self.alike() {
                take(&item);
            } else if let Some(item) = self.next() {
                take(&item);
            } else {
                return;
            }
        }
    }

    /// Bytes of the file walked over so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.progress.position
    }

    /// How far the walk is, for [`Walker::resume`].
    #[must_use]
    pub fn into_progress(self) -> Progress {
        self.progress
    }

    /// Units of work spent so far on what was then refused.
    #[must_use]
    pub fn work_in_vain(&self) -> u64 {
        self.progress.vain
    }

    /// What stands at the position; an error of `None` when more bytes are needed to say. What is
    /// refused is paid for here.
    #[inline]
    fn judge(&mut self, expected: bool) -> Result<Record<'a>, Option<Error>> {
        let progress = &mut self.progress;
        let earned = limits::VAIN_WORK_PER_BYTE.saturating_mul(progress.position as u64);
        let left = limits::VAIN_WORK_START
            .saturating_add(earned)
            .saturating_sub(progress.vain);
        // Half of it: something is always left for the candidates that follow.
        let mut granted = left / 2;
        if expected {
            granted = granted.max(limits::VAIN_WORK_SURE);
        }
        let at = progress.position - self.base;
        let mut judge = Judge::new(self.data, self.complete, progress.last_length, granted);
        match judge.record(at) {
            Ok(record) => {
                self.template = Template::of(&record);
                self.shared = judge.shared;
                Ok(record)
            }
            Err(Refusal::NeedMore) => Err(None),
            Err(refusal) => {
                progress.vain = progress.vain.saturating_add(judge.work);
                Err(Some(match refusal {
                    Refusal::Error(error) => error,
                    _ => Error::new(
                        Kind::Limit {
                            name: "work to check a doubtful record",
                            found: judge.work,
                            limit: granted,
                        },
                        0,
                    ),
                }))
            }
        }
    }

    #[inline]
    fn take(&mut self, mut record: Record<'a>) -> Item<'a> {
        let offset = self.progress.position;
        let shared = std::mem::take(&mut self.shared);
        let lost = std::mem::replace(&mut self.progress.shared, shared);
        if lost > 0 {
            let fault = Error::new(Kind::LostDigits { lost }, 0);
            record.fault.get_or_insert(fault);
        }
        self.progress.last_length = record.bytes.len();
        self.progress.position += record.bytes.len() - shared;
        Item::Record(offset, record)
    }

    /// The next record, when its header is like the one before and nothing speaks against it: no
    /// header in it, and one behind it, or the end of the file. All else is for the judge.
    #[inline]
    fn alike(&mut self) -> Option<Item<'a>> {
        if self.progress.shared > 0 {
            return None;
        }
        let data = &self.data[self.progress.position - self.base..];
        let template = self.template.as_ref()?;
        let head = template.head_of(data)?;
        let (bytes, rest) = data.split_at_checked(template.record_length())?;
        let mut inner = bytes.chunks(limits::MIN_RECORD_LENGTH_V2).skip(1);
        let ends_well = Record::looks_like(rest) || (rest.is_empty() && self.complete);
        if !ends_well || inner.any(Record::looks_like) {
            return None;
        }
        let offset = self.progress.position;
        self.progress.last_length = bytes.len();
        self.progress.position += bytes.len();
        Some(Item::Record(offset, template.record(head, bytes)))
    }

    /// Begin to pass over bytes.
    fn begin_skip(&mut self, reason: Error) {
        self.progress.shared = 0;
        let offset = self.progress.position;
        self.progress.skip = Some(Skip {
            offset,
            begins_like_a_header: begins_like_a_header(&self.data[offset - self.base..]),
            reason,
        });
        self.progress.position += 1;
    }

    /// Look for the end of the bytes that are passed over; `None` when more bytes are needed.
    fn end_skip(&mut self, skip: Skip) -> Option<Item<'a>> {
        if skip.reason.kind == Kind::ControlHeader {
            return self.end_control_headers(skip);
        }
        let seen = match self.complete {
            true => self.data.len(),
            false => (self.data.len() + 1).saturating_sub(limits::FIXED_HEADER_V2),
        };
        loop {
            let from = self.progress.position - self.base;
            let Some(place) = candidates::find(self.data, from, seen) else {
                self.progress.position = self.base + seen.max(from);
                break;
            };
            self.progress.position = self.base + place;
            let distance = self.progress.position - skip.offset;
            match self.judge(distance.is_multiple_of(limits::MIN_RECORD_LENGTH_V2)) {
                Ok(record) => {
                    self.found = Some(record);
                    return Some(self.skipped(skip));
                }
                Err(Some(_)) => self.progress.position += 1,
                Err(None) => break,
            }
        }
        if self.complete {
            return Some(self.skipped(skip));
        }
        self.progress.skip = Some(skip);
        None
    }

    /// Control headers are text and end where that does, in steps of the shortest record: whatever
    /// stands behind them is not passed over with them.
    fn end_control_headers(&mut self, skip: Skip) -> Option<Item<'a>> {
        const STEP: usize = limits::MIN_RECORD_LENGTH_V2;
        loop {
            let from = self.progress.position - self.base;
            let done = self.progress.position - skip.offset;
            let to = from + STEP - done % STEP;
            // A header that begins at the end of the block must be there, too.
            if to + limits::FIXED_HEADER_V2 > self.data.len() && !self.complete {
                self.progress.skip = Some(skip);
                return None;
            }
            let block = &self.data[from..to.min(self.data.len())];
            // Where bytes are missing in a control header, a record begins anywhere in its blocks.
            match self.record_in(from, from + block.len()) {
                Ok(Some(record)) => {
                    self.found = Some(record);
                    return Some(self.skipped(skip));
                }
                Ok(None) => {}
                Err(()) => {
                    self.progress.skip = Some(skip);
                    return None;
                }
            }
            // The first block has the header itself. A log record is mostly text, too.
            let behind = done >= STEP && (!is_text(block) || Record::looks_like(block));
            if behind || block.is_empty() {
                return Some(self.skipped(skip));
            }
            self.progress.position += block.len();
        }
    }

    /// The first record that begins in a part of the data, with the position on it; otherwise the
    /// position stays. An error when more bytes are needed to say.
    fn record_in(&mut self, from: usize, to: usize) -> Result<Option<Record<'a>>, ()> {
        let before = self.progress.position;
        let mut place = from;
        while let Some(at) = candidates::find(self.data, place, to) {
            self.progress.position = self.base + at;
            match self.judge(false) {
                Ok(record) => return Ok(Some(record)),
                Err(Some(_)) => place = at + 1,
                Err(None) => {
                    self.progress.position = before;
                    return Err(());
                }
            }
        }
        self.progress.position = before;
        Ok(None)
    }

    fn skipped(&self, skip: Skip) -> Item<'a> {
        let length = self.progress.position - skip.offset;
        Item::Skipped(Skipped {
            offset: skip.offset,
            length,
            reason: skip.describe(length).shifted(skip.offset),
        })
    }
}

impl<'a> Iterator for Walker<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        if let Some(record) = self.found.take() {
            return Some(self.take(record));
        }
        if self.progress.skip.is_none() {
            let left = self.data.len() - (self.progress.position - self.base);
            if left == 0 || (!self.complete && left < limits::FIXED_HEADER_V2) {
                return None;
            }
            if let Some(item) = self.alike() {
                return Some(item);
            }
            match self.judge(true) {
                Ok(record) => return Some(self.take(record)),
                Err(None) => return None,
                Err(Some(error)) => self.begin_skip(error),
            }
        }
        let skip = self.progress.skip.take()?;
        self.end_skip(skip)
    }
}

/// Whether a block is text, perhaps with some foreign letters in it or zeros behind it.
fn is_text(block: &[u8]) -> bool {
    let printable = block.iter().filter(|b| (b' '..=b'~').contains(b)).count();
    let zeros = block.iter().filter(|b| **b == 0).count();
    printable > 3 * (block.len() - printable - zeros)
}

/// Whether bytes begin like a record; the sequence number tells.
fn begins_like_a_header(bytes: &[u8]) -> bool {
    bytes.starts_with(b"MS\x03")
        || (bytes.len() > 6
            && bytes[..6].iter().all(u8::is_ascii_digit)
            && matches!(bytes[6], b'D' | b'R' | b'Q' | b'M'))
}

impl Skip {
    /// A tail too short for any header is a cut record only when it begins like one.
    fn describe(&self, length: usize) -> Error {
        let cut_header = self.reason.kind == Kind::NotMiniSeed
            && length < limits::FIXED_HEADER_V2
            && self.begins_like_a_header;
        if cut_header {
            return Error::new(
                Kind::Truncated {
                    needed: limits::FIXED_HEADER_V2,
                    available: length,
                },
                0,
            );
        }
        self.reason.clone()
    }
}
