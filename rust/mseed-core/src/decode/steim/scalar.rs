//! Word by word, on any machine; also where a payload is damaged, since it knows the exact place.
//!
//! As many samples are written for each word as any word may give, so that no branch depends on the
//! data: behind the differences of a word come zeros, and what they give is overwritten by the next
//! word.

use super::layout::{MOST, MOST_STEIM1, Table, Version};
use super::{FRAME, Progress, WORDS};
use crate::error::Kind;

/// Decode frames until `out` is full or they end. A last frame may be cut: its whole words count.
///
/// # Errors
/// [`Kind::SteimCode`] at a word whose code is not defined.
pub(super) fn decode_frames(
    version: Version,
    big_endian: bool,
    payload: &[u8],
    progress: &mut Progress,
    out: &mut [i32],
) -> Result<(), Box<Kind>> {
    let frames = match version {
        Version::Steim1 => frames::<MOST_STEIM1>,
        Version::Steim2 => frames::<MOST>,
    };
    frames(
        Table::of(version, big_endian),
        big_endian,
        payload,
        progress,
        out,
    )
}

/// The same for a version whose words hold up to `N` differences.
fn frames<const N: usize>(
    table: &Table,
    big_endian: bool,
    payload: &[u8],
    progress: &mut Progress,
    out: &mut [i32],
) -> Result<(), Box<Kind>> {
    for frame in payload[progress.frames * FRAME..].chunks(FRAME) {
        if progress.done == out.len() {
            break;
        }
        let (bytes, _) = frame.as_chunks::<4>();
        let mut words = [0u32; WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes) {
            *word = if big_endian {
                u32::from_be_bytes(*bytes)
            } else {
                u32::from_le_bytes(*bytes)
            };
        }
        let from = if progress.frames == 0 { 3 } else { 1 };
        let end = bytes.len().max(from);
        let codes = words[0] << (2 * from);
        decode_frame::<N>(table, big_endian, codes, &words[from..end], progress, out)?;
        progress.frames += 1;
    }
    Ok(())
}

/// Decode words; the code of the first is at the top of `codes`.
#[inline]
fn decode_frame<const N: usize>(
    table: &Table,
    big_endian: bool,
    codes: u32,
    words: &[u32],
    progress: &mut Progress,
    out: &mut [i32],
) -> Result<(), Box<Kind>> {
    let (mut done, mut value) = (progress.done, progress.value);
    if done == 0 {
        // The first difference leads to the first sample, which is given.
        value = value.wrapping_sub(first_difference(table, big_endian, codes, words));
    }
    let mut undefined = false;
    for (entry, word) in entries(codes, words) {
        undefined = table.undefined >> entry & 1 != 0;
        if undefined || done == out.len() {
            break;
        }
        let differences = Differences::of(table, big_endian, entry, word);
        let count = usize::from(table.count[entry]);
        if let Some(room) = out[done..].first_chunk_mut::<N>() {
            value = differences.sum_into(value, room);
            done += count;
        } else {
            let mut sums = [0; N];
            differences.sum_into(value, &mut sums);
            let count = count.min(out.len() - done);
            out[done..done + count].copy_from_slice(&sums[..count]);
            done += count;
            value = sums[..count].last().copied().unwrap_or(value);
        }
    }
    if done > 0 {
        (progress.done, progress.value) = (done, value);
    }
    if undefined && done < out.len() {
        return Err(Box::new(Kind::SteimCode { decoded: done }));
    }
    Ok(())
}

/// Table entry of each word, and the word.
#[inline]
fn entries(mut codes: u32, words: &[u32]) -> impl Iterator<Item = (usize, u32)> {
    words.iter().map(move |&word| {
        let entry = (codes >> 30) << 2 | word >> 30;
        codes <<= 2;
        (entry as usize, word)
    })
}

/// The first difference that words hold; 0 when they hold none.
fn first_difference(table: &Table, big_endian: bool, codes: u32, words: &[u32]) -> i32 {
    entries(codes, words)
        .find(|(entry, _)| table.count[*entry] > 0)
        .map_or(0, |(entry, word)| {
            Differences::of(table, big_endian, entry, word).first()
        })
}

/// A word of a little-endian payload as a big-endian one would have it. Byte order is a matter of
/// the differences, not of the word: where these are whole bytes they stand in their order.
fn first_on_top(word: u32, bits: u32) -> u32 {
    match bits {
        8 => word.swap_bytes(),
        16 => word.rotate_left(16),
        _ => word,
    }
}

/// The differences of a word, and zeros without end behind them.
#[derive(Debug, Clone, Copy)]
struct Differences {
    /// The next difference at the top, zeros behind the last.
    left: u64,
    /// Bits of each.
    bits: u32,
}

impl Differences {
    /// Of a word that ends with them.
    #[inline]
    fn of(table: &Table, big_endian: bool, entry: usize, word: u32) -> Self {
        let bits = table.bits[entry];
        let word = if big_endian {
            word
        } else {
            first_on_top(word, bits)
        };
        Self {
            // Two shifts: all 64 bits are shifted out where there is no difference.
            left: u64::from(word) << 1 << table.free[entry],
            bits,
        }
    }

    #[inline]
    fn first(self) -> i32 {
        (self.left as i64 >> (64 - self.bits)) as i32
    }

    /// Sums from `value` on; returns the last.
    #[inline]
    fn sum_into<const N: usize>(mut self, mut value: i32, out: &mut [i32; N]) -> i32 {
        for sum in out {
            value = value.wrapping_add(self.first());
            self.left <<= self.bits;
            *sum = value;
        }
        value
    }
}
