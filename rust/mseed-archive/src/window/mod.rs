//! Windows of samples: from records in memory, from a file, or from the archive by its index.
//!
//! `plan` chains records into gapless segments and cuts them, without looking at a sample, and
//! `open_runs` finds the one that a record continues;
//! `file` and `read` get the bytes, of a file and by the index, and `narrow` says which; `glean` tells what a walk over them
//! meets; `decode` fills one buffer a segment.

mod decode;
mod file;
mod glean;
mod narrow;
mod open_runs;
mod plan;
mod read;
mod samples;

pub use decode::Segment;
pub use file::{read_bytes, read_file};
pub use read::{Answer, Request, read_window};
pub use samples::Samples;
