//! One record: version detection and the fields that both versions share.

mod blockettes;
mod candidates;
mod flags;
mod judge;
mod template;
mod v2;
mod v3;
pub mod walk;

pub use blockettes::{Blockette, Timing500, blockettes};
pub(crate) use v2::nominal_rate_hz;

use crate::decode::{Encoding, Payload};
use crate::error::{Error, Kind};
use crate::leap::{self, LeapFlag};
use crate::limits;
use crate::source_id::SourceId;
use crate::time;

/// Version of the record format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatVersion {
    /// miniSEED 2.
    V2,
    /// miniSEED 3.
    V3,
}

/// A parsed record header that borrows the record's bytes.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// The whole record.
    pub bytes: &'a [u8],
    /// Format of the record.
    pub format: FormatVersion,
    /// Network, station, location, channel.
    pub source: SourceId,
    /// Publication version; for miniSEED 2 the quality letter as a number (R 1, D 2, Q 3, M 4).
    pub version: u8,
    /// Quality letter of miniSEED 2.
    pub quality: Option<u8>,
    /// Time of the first sample, corrections applied.
    pub start_ns: i64,
    /// Number of samples: as declared, but never more than the payload can hold.
    pub npts: usize,
    /// Sample rate in hertz, 0 when the record is no time series.
    pub rate_hz: f64,
    /// Rate as the index stores it: hertz, or minus the period in seconds where a miniSEED 3
    /// header declares a period.
    pub declared_rate: f64,
    /// Data encoding.
    pub encoding: Encoding,
    /// Byte order of the header.
    pub header_big_endian: bool,
    /// Byte order of the samples.
    pub data_big_endian: bool,
    /// First byte of the payload inside the record.
    pub payload_start: usize,
    /// End of the payload inside the record.
    pub payload_end: usize,
    /// Extra headers of miniSEED 3 (JSON bytes), empty otherwise.
    pub extra_headers: &'a [u8],
    /// What the activity flags of miniSEED 2 say about a leap second during the record.
    pub leap_flag: Option<LeapFlag>,
    /// A fault that leaves the record usable: a CRC that does not match, too many samples declared,
    /// a broken chain of blockettes.
    pub fault: Option<Error>,
}

impl<'a> Record<'a> {
    /// Parse the record at the beginning of `data`; what follows it may stand behind.
    ///
    /// # Errors
    /// [`Kind::NotMiniSeed`] and [`Kind::ControlHeader`] when no data record begins here,
    /// other kinds when one begins but is damaged, cut short or beyond the limits.
    pub fn parse(data: &'a [u8]) -> Result<Self, Error> {
        Self::parse_header(data).map(Self::crc_checked)
    }

    /// The same without the CRC: the work does not depend on how long a record is declared.
    ///
    /// # Errors
    /// As [`Record::parse`].
    pub fn parse_header(data: &'a [u8]) -> Result<Self, Error> {
        Self::parse_with(data, &mut Effort::new(true))
    }

    #[inline]
    fn parse_with(data: &'a [u8], effort: &mut Effort) -> Result<Self, Error> {
        effort.work += limits::WORK_HEADER;
        if v3::looks_like(data) {
            v3::parse(data)
        } else if v2::looks_like(data) {
            v2::parse(data, effort)
        } else if v2::looks_like_control_header(data) {
            Err(Error::new(Kind::ControlHeader, 0))
        } else {
            Err(Error::new(Kind::NotMiniSeed, 0))
        }
    }

    /// The record, its fault set when it has a CRC that does not match.
    fn crc_checked(mut self) -> Self {
        if let Some(fault) = self.crc_fault() {
            self.fault = Some(fault);
        }
        self
    }

    fn crc_fault(&self) -> Option<Error> {
        match self.format {
            FormatVersion::V2 => None,
            FormatVersion::V3 => v3::crc_fault(self.bytes),
        }
    }

    /// Whether a record header may begin at the start of `data` (cheap, no promise).
    #[must_use]
    #[inline]
    pub fn looks_like(data: &[u8]) -> bool {
        v3::looks_like(data) || v2::looks_like(data)
    }

    /// Samples as bytes.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.payload_start..self.payload_end]
    }

    /// Samples as they are encoded.
    #[must_use]
    pub fn encoded(&self) -> Payload<'a> {
        Payload {
            bytes: self.payload(),
            encoding: self.encoding,
            big_endian: self.data_big_endian,
            npts: self.npts,
        }
    }

    /// Time of the last sample; the start when there are none. Behind a leap second that the
    /// record contains it is a second earlier than [`Self::counted_end_ns`].
    #[must_use]
    pub fn end_ns(&self) -> i64 {
        leap::end_ns(self.start_ns, self.counted_end_ns(), self.leap_flag)
    }

    /// Time of the last sample, counted from the start as if no second were ever inserted: on the
    /// even grid that the samples of a trace have.
    #[must_use]
    pub fn counted_end_ns(&self) -> i64 {
        time::sample_time_ns(self.start_ns, self.rate_hz, (self.npts as i64 - 1).max(0))
    }

    /// Bound the declared number of samples by what the payload can hold.
    fn bounded(mut self) -> Self {
        let limit = limits::max_samples(self.encoding, self.payload_end - self.payload_start);
        if self.npts > limit {
            self.fault = Some(Error::new(
                Kind::Limit {
                    name: "number of samples",
                    found: self.npts as u64,
                    limit: limit as u64,
                },
                0,
            ));
            self.npts = limit;
        }
        self
    }
}

/// How a header is read: what is known of the bytes behind it, and what reading it cost.
struct Effort {
    /// Whether the bytes end where the file does. If not, whatever depends on bytes that are not
    /// there yet is [`Kind::Truncated`].
    complete: bool,
    /// Units of work, see [`crate::limits`].
    work: u64,
    /// Whether the header itself says how long the record is.
    length_declared: bool,
}

impl Effort {
    fn new(complete: bool) -> Self {
        Self {
            complete,
            work: 0,
            length_declared: true,
        }
    }
}

/// Read fields in one of the two byte orders; every read is checked against the end.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) big_endian: bool,
}

impl Fields<'_> {
    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut out = [0; N];
        if let Some(found) = self.bytes.get(at..at + N) {
            out.copy_from_slice(found);
        }
        if !self.big_endian {
            out.reverse();
        }
        out
    }

    pub(crate) fn u8(&self, at: usize) -> u8 {
        u8::from_be_bytes(self.array(at))
    }

    pub(crate) fn u16(&self, at: usize) -> u16 {
        u16::from_be_bytes(self.array(at))
    }

    pub(crate) fn i16(&self, at: usize) -> i16 {
        i16::from_be_bytes(self.array(at))
    }

    pub(crate) fn u32(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.array(at))
    }

    pub(crate) fn i32(&self, at: usize) -> i32 {
        i32::from_be_bytes(self.array(at))
    }

    pub(crate) fn f32(&self, at: usize) -> f32 {
        f32::from_be_bytes(self.array(at))
    }

    pub(crate) fn f64(&self, at: usize) -> f64 {
        f64::from_be_bytes(self.array(at))
    }
}
