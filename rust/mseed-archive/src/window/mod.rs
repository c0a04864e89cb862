//! Windows of samples: from records in memory, from a file, or from the archive by its index.
//!
//! `plan` chains records into gapless segments and cuts them, without looking at a sample, and
//! `open_runs` finds the one that a record continues;
//! `read` gets the bytes; `decode` fills one buffer a segment.

mod decode;
mod open_runs;
mod plan;
mod read;
mod samples;

pub use decode::Segment;
pub use read::{Answer, Request, read_bytes, read_file, read_window};
pub use samples::Samples;
