//! The index file: EarthScope's `tsindex` schema in SQLite.
//!
//! `schema` is the only place where names and text forms stand, `writer` and `query` the only
//! ones with SQL.

mod globs;
mod query;
pub mod schema;
mod writer;

pub use globs::Selection;
pub use query::{Channel, IndexReader, IndexedRun};
pub use writer::{IndexWriter, KnownFile, ScannedFile, Totals};
