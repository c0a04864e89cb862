//! Walk over a file part by part: a file of any size needs the memory of one part.

use std::io::{self, Read};

use mseed_core::{Item, Progress, Walker};

/// Bytes read at once: they still stand in a cache near the core when they are walked over.
pub const PART_BYTES: usize = 256 * 1024;

/// Hand on each item of a file, with its offset in the file, in the order of the file. Parts of
/// any size give the same items. `file` is read from `from` on, and no further than `size`; `part`
/// is memory that may be used again and again. `go_on` is asked after each part.
///
/// # Errors
/// What reading gives.
pub fn walk_parts(
    mut file: impl Read,
    (from, size): (u64, u64),
    part_bytes: usize,
    part: &mut Vec<u8>,
    go_on: &mut dyn FnMut() -> bool,
    take: &mut dyn FnMut(&Item<'_>),
) -> io::Result<()> {
    let mut progress = Progress::starting_at(from as usize);
    let mut left = size.saturating_sub(from);
    let mut filled: usize = 0;
    // More than the longest record is never needed at once: a part that is not enough to decide
    // about grows to twice its size, no further than that.
    let mut wanted = part_bytes.max(1);
    loop {
        let to = wanted.min(filled.saturating_add(usize::try_from(left).unwrap_or(usize::MAX)));
        if part.len() < to {
            part.resize(to, 0);
        }
        let got = fill(&mut file, &mut part[filled..to])?;
        left -= got as u64;
        filled += got;
        let complete = filled < wanted || left == 0;
        let base = progress.position();
        let mut walker = Walker::resume(progress, &part[..filled], complete);
        walker.each(take);
        progress = walker.into_progress();
        if complete || !go_on() {
            return Ok(());
        }
        let used = progress.position() - base;
        part.copy_within(used..filled, 0);
        filled -= used;
        wanted = filled + part_bytes.max(filled);
    }
}

/// Read until `bytes` is full or the file ends; returns how many there are.
fn fill(file: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        match file.read(&mut bytes[done..]) {
            Ok(0) => break,
            Ok(got) => done += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
