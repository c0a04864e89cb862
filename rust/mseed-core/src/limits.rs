//! Every bound on a size that comes from a file, with its reason.

use crate::decode::Encoding;

/// Shortest miniSEED 2 record: SEED 2.4 allows 256, in practice 128 is written and read
/// (libmseed `MINRECLEN`). A blockette 1000 exponent below 7 is damage.
pub const MIN_RECORD_LENGTH_V2: usize = 128;

/// Longest miniSEED 2 record: the largest exponent that any writer uses is 17 (128 KiB).
pub const MAX_RECORD_LENGTH_V2: usize = 131_072;

/// Fixed part of a miniSEED 2 record.
pub const FIXED_HEADER_V2: usize = 48;

/// Fixed part of a miniSEED 3 record, before the source identifier.
pub const FIXED_HEADER_V3: usize = 40;

/// Longest miniSEED 3 record that is read: the payload length is a 32-bit field, so a damaged
/// one could name 4 GiB. 10 MiB is the limit of libmseed 3.
pub const MAX_RECORD_LENGTH_V3: usize = 10 * 1024 * 1024;

/// Longest chain of blockettes that is followed: the count in the header is one byte.
pub const MAX_BLOCKETTES: usize = 255;

/// Years that make a header plausible; the byte order is recognised by them.
pub const YEARS: std::ops::RangeInclusive<u16> = 1900..=2100;

/// Sample rates above this are damage: a sample would last less than a nanosecond.
pub const MAX_RATE_HZ: f64 = 1e9;

/// Rates below this are damage: a sample would last more than thirty years.
pub const MIN_RATE_HZ: f64 = 1e-9;

/// Work that a walk may spend in vain, whatever the file: on candidates for a record that are then
/// refused. A unit is about one byte summed for a CRC or searched. Six records of the greatest
/// length: honest damage never comes near it.
pub const VAIN_WORK_START: u64 = 64 * 1024 * 1024;

/// Vain work that each byte of the file adds: the whole is linear in the file, whatever it holds.
/// A damaged record costs about twice its length, so eight times is plenty.
pub const VAIN_WORK_PER_BYTE: u64 = 8;

/// Vain work that is granted even when all else is spent, to a record that stands where one is
/// expected and to each place of the format's alignment ([`MIN_RECORD_LENGTH_V2`]): what hostile
/// bytes cost does not make the walk blind for the records behind them.
pub const VAIN_WORK_SURE: u64 = 4096;

/// Units of work of parsing one header, its names and times.
pub const WORK_HEADER: u64 = 256;

/// Units of work of one blockette of a chain, or of one look for a header.
pub const WORK_LOOK: u64 = 8;

/// Bytes of a Steim frame: sixteen words, the first of which holds codes.
const STEIM_FRAME: usize = 64;

/// Words of a Steim payload that hold differences: all but the codes of each frame and the first
/// and last sample.
fn steim_words(payload_bytes: usize) -> usize {
    let words = payload_bytes / 4;
    words.saturating_sub(payload_bytes.div_ceil(STEIM_FRAME) + 2)
}

/// The most samples that a payload can hold: what a header declares beyond it is damage, and must
/// not make anybody take memory for it.
#[must_use]
pub fn max_samples(encoding: Encoding, payload_bytes: usize) -> usize {
    match encoding {
        Encoding::Int16
        | Encoding::Geoscope16Exponent3
        | Encoding::Geoscope16Exponent4
        | Encoding::Cdsn
        | Encoding::Sro
        | Encoding::Dwwssn => payload_bytes / 2,
        Encoding::Int24 | Encoding::Geoscope24 => payload_bytes / 3,
        Encoding::Int32 | Encoding::Float32 => payload_bytes / 4,
        Encoding::Float64 => payload_bytes / 8,
        Encoding::Text => payload_bytes,
        // Four 8-bit differences in a word.
        Encoding::Steim1 => 4 * steim_words(payload_bytes),
        // Seven 4-bit differences in a word.
        Encoding::Steim2 => 7 * steim_words(payload_bytes),
        // What a sample is there, nothing says: the number is kept, and nothing is decoded by it.
        Encoding::Opaque => usize::MAX,
        // Unknown encodings may pack as densely as any.
        Encoding::Other(_) => payload_bytes.saturating_mul(2),
    }
}

/// The most bytes that two records share: all digits of a sequence number but one. The end of a record
/// may look like digits that the number of the next one lost.
pub const MAX_SHARED_BYTES: usize = 5;
