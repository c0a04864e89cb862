//! Step through bytes from record to record, and say what was skipped.

use super::Record;
use crate::error::{Error, Kind};

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
}

impl<'a> Walker<'a> {
    /// Walk over `data` from its first byte.
    #[must_use]
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, position: 0 }
    }

    /// Bytes walked over so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
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
        match Record::parse(&self.data[start..]) {
            Ok(record) => {
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
        && skipped.len() < crate::limits::FIXED_HEADER_V2
        && (skipped.starts_with(b"MS\x03")
            || (skipped.len() > 6
                && skipped[..6].iter().all(u8::is_ascii_digit)
                && matches!(skipped[6], b'D' | b'R' | b'Q' | b'M')));
    if cut_header {
        return Error::new(
            Kind::Truncated {
                needed: crate::limits::FIXED_HEADER_V2,
                available: skipped.len(),
            },
            0,
        );
    }
    error
}
