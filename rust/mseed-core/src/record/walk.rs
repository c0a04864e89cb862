//! Step through bytes from record to record, and say what was skipped.

use super::{FormatVersion, Record};
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

/// Iterator over the records of a byte slice: mixed lengths, mixed versions, damage in between.
///
/// After damage the walk goes on at the next byte where a whole record can be parsed. The work
/// is linear in the length of the slice: each byte is looked at once as a possible header.
#[derive(Debug, Clone)]
pub struct Walker<'a> {
    data: &'a [u8],
    position: usize,
    last_length: usize,
}

impl<'a> Walker<'a> {
    /// Walk over `data` from its first byte.
    #[must_use]
    pub fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            position: 0,
            last_length: 0,
        }
    }

    /// Bytes walked over so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// A record, unless its length is damaged and other records stand inside it.
    ///
    /// Asked only where there is reason: a miniSEED 2 record of another length than the one
    /// before, a miniSEED 3 record whose CRC does not match.
    fn undivided(&self, record: Record<'a>) -> Result<Record<'a>, Error> {
        let length = record.bytes.len();
        let inside = match record.format {
            FormatVersion::V2 if length != self.last_length => {
                let step = limits::MIN_RECORD_LENGTH_V2;
                (step..length).step_by(step).any(|at| {
                    let rest = &record.bytes[at..];
                    Record::looks_like(rest)
                        && Record::parse(rest).is_ok_and(|r| r.source == record.source)
                })
            }
            FormatVersion::V3 if record.fault.is_some() => {
                (limits::FIXED_HEADER_V3..length).any(|at| {
                    let rest = &record.bytes[at..];
                    Record::looks_like(rest) && Record::parse(rest).is_ok_and(|r| r.fault.is_none())
                })
            }
            _ => false,
        };
        if inside {
            return Err(Error::new(
                Kind::Field {
                    name: "record length",
                    found: length as i64,
                    expected: "no other record inside the record",
                },
                0,
            ));
        }
        Ok(record)
    }

    /// Offset of the next parsable record at or after `from`.
    fn resync(&self, from: usize) -> Option<usize> {
        (from..self.data.len()).find(|&at| {
            let rest = &self.data[at..];
            Record::looks_like(rest) && Record::parse(rest).is_ok()
        })
    }
}

impl<'a> Iterator for Walker<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let start = self.position;
        if start >= self.data.len() {
            return None;
        }
        match Record::parse(&self.data[start..]).and_then(|record| self.undivided(record)) {
            Ok(record) => {
                self.last_length = record.bytes.len();
                self.position += record.bytes.len();
                Some(Item::Record(start, record))
            }
            Err(error) => {
                let end = self.resync(start + 1).unwrap_or(self.data.len());
                self.position = end;
                Some(Item::Skipped(Skipped {
                    offset: start,
                    length: end - start,
                    reason: describe(error, &self.data[start..end]).shifted(start),
                }))
            }
        }
    }
}

/// A tail too short for any header is a cut record only when it begins like one; the sequence
/// number tells.
fn describe(error: Error, skipped: &[u8]) -> Error {
    let cut_header = error.kind == Kind::NotMiniSeed
        && skipped.len() < limits::FIXED_HEADER_V2
        && (skipped.starts_with(b"MS\x03")
            || (skipped.len() > 6
                && skipped[..6].iter().all(u8::is_ascii_digit)
                && matches!(skipped[6], b'D' | b'R' | b'Q' | b'M')));
    if cut_header {
        return Error::new(
            Kind::Truncated {
                needed: limits::FIXED_HEADER_V2,
                available: skipped.len(),
            },
            0,
        );
    }
    error
}
