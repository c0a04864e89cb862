//! Walk over a file part by part: a file of any size needs the memory of one part.

use std::io::{self, Read};

use mseed_core::{Item, Progress, Walker};

/// Bytes read at once.
pub const PART_BYTES: usize = 8 * 1024 * 1024;

/// Hand on each item of a file, with its offset in the file, in the order of the file. Parts of
/// any size give the same items. `size` is what the file is thought to have, so that its memory is
/// taken at once. `go_on` is asked after each part.
///
/// # Errors
/// What reading gives.
pub fn walk_parts(
    mut file: impl Read,
    size: u64,
    part_bytes: usize,
    go_on: &mut dyn FnMut() -> bool,
    take: &mut dyn FnMut(Item<'_>),
) -> io::Result<()> {
    let mut progress = Progress::default();
    let mut part = Vec::new();
    // More than the longest record is never needed at once: a part that is not enough to decide
    // about grows to twice its size, no further than that.
    let mut wanted = part_bytes.max(1);
    loop {
        let kept = part.len();
        let left = size.saturating_sub((progress.position() + kept) as u64);
        part.reserve_exact((wanted - kept).min(left as usize + 1));
        file.by_ref()
            .take((wanted - kept) as u64)
            .read_to_end(&mut part)?;
        let complete = part.len() < wanted;
        let base = progress.position();
        let mut walker = Walker::resume(progress, &part, complete);
        for item in walker.by_ref() {
            take(item);
        }
        progress = walker.into_progress();
        if complete || !go_on() {
            return Ok(());
        }
        let used = progress.position() - base;
        part.drain(..used);
        wanted = part.len() + part_bytes.max(part.len());
    }
}
