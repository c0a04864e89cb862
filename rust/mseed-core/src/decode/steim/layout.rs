//! How the words of Steim1 and Steim2 hold differences (SEED manual 2.4, appendix B), as tables.
//!
//! A word has a 2-bit code in the first word of its frame; in Steim2 the two highest bits of the
//! word itself say more. Both together index the tables: `code << 2 | two highest bits`.

/// The two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) enum Version {
    /// 4 × 8, 2 × 16 or 1 × 32 bits in a word.
    Steim1,
    /// Also 1 × 30, 2 × 15, 3 × 10, 5 × 6, 6 × 5 and 7 × 4 bits.
    Steim2,
}

/// Entries of a table.
const ENTRIES: usize = 16;

/// The most differences in a word.
pub(super) const MOST: usize = 7;

/// The most differences in a word of Steim1.
pub(super) const MOST_STEIM1: usize = 4;

/// What the words of a version hold in one byte order, by index.
#[derive(Debug)]
pub(super) struct Table {
    /// The shifts.
    pub(super) shifts: [Shifts; ENTRIES],
    /// Number of differences.
    pub(super) count: [u8; ENTRIES],
    /// Bits of each.
    pub(super) bits: [u32; ENTRIES],
    /// Bits that are left of 63 beside all of them.
    pub(super) free: [u32; ENTRIES],
    /// Bit `i` is set when entry `i` is not defined.
    pub(super) undefined: u16,
}

/// Shifts that bring difference `i` of a word, read as one number in its byte order, into lane `i`:
/// both in one line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Shifts {
    /// To the left, to bring the highest bit of the difference to bit 31.
    pub(super) left: [u32; 8],
    /// To the right, with the sign, to bring its lowest bit down to bit 0.
    pub(super) right: [u32; 8],
}

impl Table {
    /// The table of a version and byte order.
    pub(super) fn of(version: Version, big_endian: bool) -> &'static Self {
        static TABLES: [Table; 4] = [
            Table::new(Version::Steim1, true),
            Table::new(Version::Steim1, false),
            Table::new(Version::Steim2, true),
            Table::new(Version::Steim2, false),
        ];
        let version = match version {
            Version::Steim1 => 0,
            Version::Steim2 => 2,
        };
        &TABLES[version + usize::from(!big_endian)]
    }

    const fn new(version: Version, big_endian: bool) -> Self {
        let mut table = Self {
            shifts: [Shifts {
                left: [0; 8],
                right: [0; 8],
            }; ENTRIES],
            count: [0; ENTRIES],
            bits: [32; ENTRIES],
            free: [63; ENTRIES],
            undefined: 0,
        };
        let mut index = 0;
        while index < ENTRIES {
            match contents(version, index as u8) {
                Some((count, bits)) => table.set(index, count, bits, big_endian),
                None => table.undefined |= 1 << index,
            }
            index += 1;
        }
        table
    }

    const fn set(&mut self, index: usize, count: usize, bits: u32, big_endian: bool) {
        self.count[index] = count as u8;
        if count > 0 {
            self.bits[index] = bits;
            self.free[index] = 63 - count as u32 * bits;
        }
        let mut item = 0;
        while item < count {
            let before = item as u32 * bits;
            // Byte order is a matter of the items, not of the word: in a little-endian payload four
            // 8-bit differences stand in their order and two 16-bit ones are swapped each in itself
            // (libmseed swaps so): read as one little-endian number, the first one is the lowest.
            let whole_bytes = bits == 8 || bits == 16;
            self.shifts[index].left[item] = if whole_bytes && !big_endian {
                32 - bits - before
            } else {
                // The differences end at the lowest bit.
                32 - count as u32 * bits + before
            };
            self.shifts[index].right[item] = 32 - bits;
            item += 1;
        }
    }
}

/// Number of differences and bits of each; `None` where the format defines nothing.
pub(super) const fn contents(version: Version, index: u8) -> Option<(usize, u32)> {
    match (version, index >> 2, index & 3) {
        (_, 0, _) => Some((0, 0)),
        (_, 1, _) => Some((4, 8)),
        (Version::Steim1, 2, _) => Some((2, 16)),
        (Version::Steim1, _, _) => Some((1, 32)),
        (Version::Steim2, 2, 1) => Some((1, 30)),
        (Version::Steim2, 2, 2) => Some((2, 15)),
        (Version::Steim2, 2, 3) => Some((3, 10)),
        (Version::Steim2, 3, 0) => Some((5, 6)),
        (Version::Steim2, 3, 1) => Some((6, 5)),
        (Version::Steim2, 3, 2) => Some((7, 4)),
        (Version::Steim2, _, _) => None,
    }
}
