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
        // Four 8-bit differences in a word.
        Encoding::Text | Encoding::Steim1 => payload_bytes,
        // What a sample is there, nothing says: the number is kept, and nothing is decoded by it.
        Encoding::Opaque => usize::MAX,
        // Seven 4-bit differences in a word; unknown encodings may pack as densely.
        Encoding::Steim2 | Encoding::Other(_) => payload_bytes.saturating_mul(2),
    }
}
