//! The chain of blockettes of a miniSEED 2 record (SEED manual 2.4, chapter 8), broken ones too.

use super::{Fields, Record};
use crate::decode::Encoding;
use crate::error::{Error, Kind};
use crate::limits;

/// Place of the offset of the first blockette in the fixed header.
const FIRST_BLOCKETTE_AT: usize = 46;

/// Where all writers put blockette 1000: right behind the fixed header.
const USUAL_1000_AT: usize = limits::FIXED_HEADER_V2;

/// Behind a break, a lost blockette 1000 is looked for in so many bytes, at every fourth: writers
/// put it first or behind a few short ones.
const SEARCHED_BYTES: usize = 512;

/// Bytes of a blockette that are read while the chain is followed.
const LONGEST_READ: usize = 8;

/// A blockette of a record.
#[derive(Debug, Clone, Copy)]
pub struct Blockette<'a> {
    /// Number that tells its type.
    pub kind: u16,
    /// Offset inside the record.
    pub offset: usize,
    /// Bytes from its start to the next blockette, the data, or the end of the record.
    pub bytes: &'a [u8],
}

/// Blockette 500: state of the clock. It describes the clock and never shifts a sample time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing500 {
    /// Oscillator correction, percent of its control range.
    pub vco_correction: f32,
    /// Microseconds of the time of exception.
    pub microsecond: i8,
    /// Reception quality, percent.
    pub reception_quality: u8,
    /// Exception count.
    pub exception_count: u32,
}

impl Blockette<'_> {
    /// The fields of a blockette 500, `None` for another type or a short one.
    #[must_use]
    pub fn timing_500(&self, header_big_endian: bool) -> Option<Timing500> {
        let fields = Fields {
            bytes: self.bytes,
            big_endian: header_big_endian,
        };
        (self.kind == 500 && self.bytes.len() >= 200).then(|| Timing500 {
            vco_correction: fields.f32(4),
            microsecond: fields.u8(18) as i8,
            reception_quality: fields.u8(19),
            exception_count: fields.u32(20),
        })
    }
}

/// Step through the chain of blockettes. A chain that points backwards, into the data or past the
/// record ends there: what was read before stays valid.
pub fn blockettes<'a>(record: &Record<'a>) -> impl Iterator<Item = Blockette<'a>> {
    let fields = Fields {
        bytes: record.bytes,
        big_endian: record.header_big_endian,
    };
    // A miniSEED 3 record has none.
    let chain = Chain::new(fields);
    chain.take(match record.format {
        super::FormatVersion::V2 => usize::MAX,
        super::FormatVersion::V3 => 0,
    })
}

/// Length of a blockette by its type; of an unknown type only the head, type and next offset.
fn least_length(kind: u16, fields: Fields<'_>, at: usize) -> usize {
    match kind {
        100 => 12,
        200 => 52,
        201 | 300 | 310 => 60,
        320 => 64,
        390 => 28,
        395 | 400 => 16,
        405 => 6,
        500 => 200,
        1000 | 1001 => 8,
        2000 => usize::from(fields.u16(at + 4)).max(6),
        _ => 4,
    }
}

/// Record length of a blockette 1000 by its exponent, when it is a possible one.
pub(super) fn possible_length(exponent: u8) -> Option<usize> {
    let lengths = limits::MIN_RECORD_LENGTH_V2..=limits::MAX_RECORD_LENGTH_V2;
    1usize
        .checked_shl(u32::from(exponent))
        .filter(|length| lengths.contains(length))
}

/// Walks over a chain; `fault` says where it broke.
pub(super) struct Chain<'a> {
    fields: Fields<'a>,
    /// Offset of the next blockette, 0 at the end, and the place where that offset stands.
    next: usize,
    named_at: usize,
    /// The next blockette begins here or later, and ends before `end`.
    floor: usize,
    end: usize,
    /// First byte of the samples, when there are any.
    data_at: Option<usize>,
    left: usize,
    found_1000: bool,
    /// Bytes of the record that decide how the chain goes on, while no length bounds it.
    pub(super) reach: usize,
    pub(super) fault: Option<Error>,
}

impl<'a> Chain<'a> {
    /// The chain of a header. One that is sound in itself may still begin at a wrong place, or be
    /// none, and so pass over a blockette 1000 at its usual place: then it begins there.
    pub(super) fn new(fields: Fields<'a>) -> Self {
        let mut chain = Self::as_named(fields);
        let at = USUAL_1000_AT;
        if chain.next == at {
            return chain;
        }
        let is_before_data = chain.data_at.is_none_or(|data_at| at + 8 <= data_at);
        if is_before_data && chain.is_1000_at(at) {
            let mut named = Self::as_named(fields);
            while named.next().is_some() {}
            chain.reach = named.reach;
            if !named.found_1000 {
                chain.note_break();
                chain.next = at;
            }
        }
        // Without these bytes nothing is known of it.
        chain.reach = chain.reach.max(at + LONGEST_READ);
        chain
    }

    /// The chain as the header has it.
    fn as_named(fields: Fields<'a>) -> Self {
        let data_at = usize::from(fields.u16(44));
        let has_data = fields.u16(30) > 0 && data_at >= limits::FIXED_HEADER_V2;
        Self {
            fields,
            next: usize::from(fields.u16(FIRST_BLOCKETTE_AT)),
            named_at: FIRST_BLOCKETTE_AT,
            floor: limits::FIXED_HEADER_V2,
            end: fields.bytes.len(),
            data_at: has_data.then_some(data_at),
            left: limits::MAX_BLOCKETTES,
            found_1000: false,
            reach: 0,
            fault: None,
        }
    }

    /// Whether the first `length` bytes of a blockette are inside the record.
    pub(super) fn has_room(&self, blockette: &Blockette<'_>, length: usize) -> bool {
        blockette.offset + length <= self.end
    }

    /// Whether a blockette may stand at `at`: behind the one before, inside the record, and not
    /// among the samples, unless it is a blockette 1000 beyond doubt.
    fn may_stand_at(&self, at: usize) -> bool {
        at >= self.floor
            && at + 4 <= self.end
            && self.left > 0
            && (self.data_at.is_none_or(|data_at| at < data_at) || self.is_1000_at(at))
    }

    /// Whether these bytes are a blockette 1000 whose every field is possible.
    fn is_1000_at(&self, at: usize) -> bool {
        let fields = self.fields;
        let next = usize::from(fields.u16(at + 2));
        fields.u16(at) == 1000
            && at + 8 <= self.end
            && (next == 0 || next >= at + 8)
            && !matches!(Encoding::from_code(fields.u8(at + 4)), Encoding::Other(_))
            && fields.u8(at + 5) <= 1
            && possible_length(fields.u8(at + 6))
                .is_some_and(|length| self.data_at.is_none_or(|data_at| data_at < length))
    }

    /// Where the chain goes on behind a break: only at a blockette 1000 that it lost.
    fn lost_1000(&self) -> Option<usize> {
        if self.found_1000 || self.left == 0 {
            return None;
        }
        let bound = self
            .data_at
            .unwrap_or(self.end)
            .min(self.floor + SEARCHED_BYTES);
        // Blockettes stand at multiples of four in every file known.
        (self.floor.next_multiple_of(4)..bound)
            .step_by(4)
            .find(|&at| self.is_1000_at(at))
    }

    fn note_break(&mut self) {
        let expected_end = self.data_at.unwrap_or(self.end).min(self.end);
        self.fault.get_or_insert(Error::new(
            Kind::BlocketteChain {
                named_at: self.named_at,
                found: self.next,
                from: self.floor,
                to: expected_end,
            },
            0,
        ));
    }
}

impl<'a> Iterator for Chain<'a> {
    type Item = Blockette<'a>;

    fn next(&mut self) -> Option<Blockette<'a>> {
        if self.next == 0 {
            return None;
        }
        if self.next >= self.floor && self.end == self.fields.bytes.len() {
            self.reach = self.reach.max(self.next + LONGEST_READ);
        }
        if !self.may_stand_at(self.next) {
            self.note_break();
            let Some(at) = self.lost_1000() else {
                self.next = 0;
                return None;
            };
            self.next = at;
        }
        let at = self.next;
        let fields = self.fields;
        let kind = fields.u16(at);
        self.left -= 1;
        if kind == 1000 && at + 8 <= self.end {
            self.found_1000 = true;
            // An impossible length is refused by who asks for it; the chain does not end by it.
            if let Some(length) = possible_length(fields.u8(at + 6)) {
                self.end = self.end.min(length);
            }
        }
        self.next = usize::from(fields.u16(at + 2));
        self.named_at = at + 2;
        self.floor = at + least_length(kind, fields, at);
        let behind = if self.next >= self.floor {
            self.next.min(self.end)
        } else {
            self.data_at.filter(|&d| d > at).unwrap_or(self.end)
        };
        Some(Blockette {
            kind,
            offset: at,
            bytes: &fields.bytes[at..behind.clamp(at, fields.bytes.len())],
        })
    }
}
