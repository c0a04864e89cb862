//! Word by word, on any machine; also where a payload is damaged, since it knows the exact place.

use super::layout::Table;
use super::{FRAME, Progress, WORDS};
use crate::error::Kind;

/// Decode frames until `out` is full or they end. A last frame may be cut: its whole words count.
///
/// # Errors
/// [`Kind::SteimCode`] at a word whose code is not defined.
pub(super) fn decode_frames(
    table: &Table,
    big_endian: bool,
    payload: &[u8],
    progress: &mut Progress,
    out: &mut [i32],
) -> Result<(), Kind> {
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
        decode_frame(table, words[0], &words[from..end], from, progress, out)?;
        progress.frames += 1;
    }
    Ok(())
}

fn decode_frame(
    table: &Table,
    codes: u32,
    words: &[u32],
    from: usize,
    progress: &mut Progress,
    out: &mut [i32],
) -> Result<(), Kind> {
    let (mut done, mut value) = (progress.done, progress.value);
    for (at, &word) in (from..).zip(words) {
        if done == out.len() {
            break;
        }
        let entry = ((codes >> (30 - 2 * at) & 3) << 2 | word >> 30) as usize;
        if table.undefined >> entry & 1 != 0 {
            (progress.done, progress.value) = (done, value);
            return Err(Kind::SteimCode { decoded: done });
        }
        let (left, right) = (&table.left[entry], &table.right[entry]);
        let count = usize::from(table.count[entry]).min(out.len() - done);
        for item in 0..count {
            let difference = ((word << left[item]) as i32) >> right[item];
            if done + item > 0 {
                value = value.wrapping_add(difference);
            }
            out[done + item] = value;
        }
        done += count;
    }
    (progress.done, progress.value) = (done, value);
    Ok(())
}
