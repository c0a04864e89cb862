//! Every bound on a size that comes from a file, with its reason.

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

/// Sample rates outside of this range are damage: time arithmetic stays inside `i64` nanoseconds
/// for every record that respects it.
pub const MAX_RATE_HZ: f64 = 1e9;

/// No encoding packs more than seven samples into four bytes (Steim2, 4-bit differences).
#[must_use]
pub fn max_samples(payload_bytes: usize) -> usize {
    payload_bytes.saturating_mul(2)
}
