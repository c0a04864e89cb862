//! Windows of samples: from records in memory, from a file, or from the archive by its index.
//!
//! `plan` chains records into gapless segments and cuts them, without looking at a sample, by the
//! rules of `edge`, and `open_runs` finds the one that a record continues. Before that `overlaps`
//! decides which of several records of the same times counts, with `near` and `cover`, where the
//! rows of the index tell; `choice` is what the caller wants to have. `archive` is what is asked, several indexes
//! as one; `file` and `read` get the bytes, of a file and by the index, `narrow` says which, and
//! `files` opens them; `glean` tells what a walk over them meets; `decode` fills one buffer a
//! segment. `bulk` answers many questions at once and `cut` fills the caller's array with windows of
//! one length, both on the threads of `crew`. `ahead` has the system read what will be asked for.

mod ahead;
mod archive;
mod bulk;
mod choice;
mod cover;
mod crew;
mod cut;
mod decode;
mod edge;
mod file;
mod files;
mod glean;
mod narrow;
mod near;
mod open_runs;
mod overlaps;
mod plan;
mod read;
mod samples;

pub use ahead::read_ahead;
pub use archive::{Archive, ChannelSpan, PathMap, Rename, Source, Stored};
pub use bulk::read_windows;
pub use choice::Choice;
pub use cut::{Cut, Number, Wanted, cut_windows};
pub use decode::Segment;
pub use edge::{Edge, EdgeRule};
pub use file::{read_bytes, read_file};
pub(crate) use files::locate;
pub use overlaps::Dropped;
pub use read::{Answer, Request, read_window};
pub use samples::Samples;
