//! Whether a record may be taken at a place, or other records stand inside it.
//!
//! A header that can be parsed may still lie about its length, or be no header at all. What
//! speaks for a record: a CRC that matches (miniSEED 3); a header, or the end of the file, where
//! it ends (miniSEED 2). What speaks against it: another record inside.

use super::{Effort, FormatVersion, Record, candidates, v2};
use crate::decode::{Encoding, Out, Path, Payload, decode_payload};
use crate::error::{Error, Kind};
use crate::limits;

/// Digits of the sequence number that a miniSEED 2 header begins with.
const SEQUENCE_DIGITS: usize = 6;

/// Why no record is taken at a place.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is none, or a damaged one.
    Error(Error),
    /// Bytes that are not there yet decide.
    NeedMore,
    /// To decide would cost more than is granted.
    TooDear,
}

/// One question: what stands at a place of `data`?
pub(super) struct Judge<'a> {
    data: &'a [u8],
    complete: bool,
    last_length: usize,
    granted: u64,
    /// Units of work done so far.
    pub(super) work: u64,
    /// Bytes at the end of the record that another one, behind it, begins with.
    pub(super) shared: usize,
}

impl<'a> Judge<'a> {
    /// `complete`: the file ends with `data`. `last_length`: length of the record before.
    /// `granted`: units of work that the answer may cost.
    #[inline]
    pub(super) fn new(data: &'a [u8], complete: bool, last_length: usize, granted: u64) -> Self {
        Self {
            data,
            complete,
            last_length,
            granted,
            work: 0,
            shared: 0,
        }
    }

    /// The record at `at`, its CRC checked, unless others stand inside it.
    #[inline]
    pub(super) fn record(&mut self, at: usize) -> Result<Record<'a>, Refusal> {
        let (mut record, length_declared) = self.header(at)?;
        let divided = match record.format {
            FormatVersion::V2 => self.is_divided_v2(at, &record, length_declared)?,
            FormatVersion::V3 => match self.crc_fault(&record)? {
                None => false,
                Some(fault) => {
                    record.fault = Some(fault);
                    self.has_record_inside(at, &record)?
                }
            },
        };
        if divided {
            return Err(Refusal::Error(Error::new(
                Kind::Field {
                    name: "record length",
                    found: record.bytes.len() as i64,
                    expected: "no other record inside the record",
                },
                0,
            )));
        }
        Ok(record)
    }

    #[inline]
    fn afford(&mut self, work: u64) -> Result<(), Refusal> {
        if self.work.saturating_add(work) > self.granted {
            return Err(Refusal::TooDear);
        }
        self.work += work;
        Ok(())
    }

    /// The header at `at`, and whether it says itself how long its record is.
    #[inline]
    fn header(&mut self, at: usize) -> Result<(Record<'a>, bool), Refusal> {
        self.afford(limits::WORK_HEADER)?;
        let mut effort = Effort::new(self.complete);
        let result = Record::parse_with(&self.data[at..], &mut effort);
        self.work += effort.work;
        match result {
            Ok(record) => Ok((record, effort.length_declared)),
            Err(error) if !self.complete && matches!(error.kind, Kind::Truncated { .. }) => {
                Err(Refusal::NeedMore)
            }
            Err(error) => Err(Refusal::Error(error)),
        }
    }

    fn crc_fault(&mut self, record: &Record<'_>) -> Result<Option<Error>, Refusal> {
        self.afford(record.bytes.len() as u64)?;
        Ok(record.crc_fault())
    }

    /// Writers align records to their length, so that a length which is too long ends behind some
    /// other record: headers are looked for in steps of the shortest record. Only a record that
    /// does not end well, or whose length is a guess, is searched byte by byte.
    fn is_divided_v2(
        &mut self,
        at: usize,
        record: &Record<'_>,
        length_declared: bool,
    ) -> Result<bool, Refusal> {
        let end = at + record.bytes.len();
        let step = limits::MIN_RECORD_LENGTH_V2;
        for place in (at + step..end).step_by(step) {
            if Record::looks_like(&self.data[place..]) && self.is_record(place, record, end)? {
                return Ok(true);
            }
        }
        if length_declared && self.ends_well(end)? {
            return Ok(false);
        }
        self.has_record_inside(at, record)
    }

    /// Whether a record stands at any byte inside the bytes of another.
    fn has_record_inside(&mut self, at: usize, record: &Record<'_>) -> Result<bool, Refusal> {
        let end = at + record.bytes.len();
        let seen = match self.complete {
            true => self.data.len(),
            false => (self.data.len() + 1).saturating_sub(limits::FIXED_HEADER_V2),
        };
        let mut from = at + limits::FIXED_HEADER_V3;
        while let Some(place) = candidates::find(self.data, from, end.min(seen)) {
            self.afford((place - from) as u64 / 2)?;
            if self.is_record(place, record, end)? {
                return Ok(true);
            }
            from = place + 1;
        }
        if seen < end {
            return Err(Refusal::NeedMore);
        }
        self.afford(end.saturating_sub(from) as u64 / 2)?;
        Ok(false)
    }

    /// Whether what looks like a header inside `outer`, which ends at `end`, is a record that
    /// counts against it.
    fn is_record(&mut self, place: usize, outer: &Record<'_>, end: usize) -> Result<bool, Refusal> {
        let record = match self.header(place) {
            Ok((record, _)) => record,
            Err(Refusal::Error(_)) => return Ok(false),
            Err(undecided) => return Err(undecided),
        };
        match record.format {
            FormatVersion::V3 => Ok(self.crc_fault(&record)?.is_none()),
            // Where the first digits of a header are lost, zeros or digits at the end of the record
            // before would pass for them, and that record would pay.
            FormatVersion::V2 if !v2::is_numbered(record.bytes) && v2::is_numbered(outer.bytes) => {
                Ok(false)
            }
            FormatVersion::V2
                if outer.format == FormatVersion::V2
                    && end - place <= limits::MAX_SHARED_BYTES
                    && self.is_rather_whole(outer, &record, end - place)? =>
            {
                self.shared = end - place;
                Ok(false)
            }
            FormatVersion::V2 => Ok(record.source == outer.source
                || record.bytes.len() == self.last_length
                || self.ends_well(place + record.bytes.len())?),
        }
    }

    /// Of two records that share some bytes, the end of `outer` and the sequence number of `inner`:
    /// whether the number lost digits, rather than `outer` some bytes. Both are kept then.
    ///
    /// Where Steim declares the last sample it tells: `outer` is whole with those bytes, and not
    /// with others. Else numbers that are counted up tell: what is left of the number are digits of the
    /// one that would follow, and with those bytes it is not that one.
    fn is_rather_whole(
        &mut self,
        outer: &Record<'_>,
        inner: &Record<'_>,
        shared: usize,
    ) -> Result<bool, Refusal> {
        if !matches!(outer.encoding, Encoding::Steim1 | Encoding::Steim2) {
            return Ok(lost_digits(outer, inner, shared));
        }
        self.afford(2 * outer.bytes.len() as u64)?;
        let payload = outer.encoded();
        let mut others = payload.bytes.to_vec();
        let own = others.len().saturating_sub(shared);
        others[own..].fill(0);
        let without = Payload {
            bytes: &others,
            ..payload
        };
        Ok(is_sound(&payload) && !is_sound(&without))
    }

    /// Whether the file ends at `end`, or another header follows.
    #[inline]
    fn ends_well(&self, end: usize) -> Result<bool, Refusal> {
        if !self.complete && end + limits::FIXED_HEADER_V2 > self.data.len() {
            return Err(Refusal::NeedMore);
        }
        let rest = &self.data[end..];
        Ok(rest.is_empty() || Record::looks_like(rest) || v2::looks_like_control_header(rest))
    }
}

/// Whether a payload has all samples that its header declares, and ends with the one that it does.
fn is_sound(payload: &Payload<'_>) -> bool {
    // Not more than the payload can hold: the header was bounded by that.
    let mut samples = vec![0; payload.npts];
    let decoded = decode_payload(Path::best(), payload, Out::Int32(&mut samples));
    decoded.is_ok_and(|decoded| decoded.fault.is_none())
}

/// Whether the sequence number of `inner`, the first `shared` digits apart, is what is left of the
/// number that follows that of `outer`.
fn lost_digits(outer: &Record<'_>, inner: &Record<'_>, shared: usize) -> bool {
    let number = |record: &Record<'_>| {
        let digits = record.bytes.get(..SEQUENCE_DIGITS)?;
        std::str::from_utf8(digits).ok()?.parse::<u32>().ok()
    };
    let (Some(last), Some(found)) = (number(outer), number(inner)) else {
        return false;
    };
    let next = last % 999_999 + 1;
    // Some writers do not count.
    if found == next || found == last {
        return false;
    }
    let expected = format!("{next:06}");
    let mut digits = expected.bytes();
    let left = inner.bytes[..SEQUENCE_DIGITS].iter().skip(shared);
    left.into_iter().all(|digit| digits.any(|d| d == *digit))
}
