//! The index file: EarthScope's `tsindex` schema in SQLite.
//!
//! `schema` is the only place where names and text forms stand; `writer`, `query`, `rows`,
//! `contents` and `connection` are the only ones with SQL.

mod connection;
mod contents;
mod globs;
pub(crate) mod opened;
mod patience;
mod query;
mod rows;
pub mod schema;
mod writer;

pub use connection::IndexReader;
pub use contents::Contents;
pub use globs::Selection;
pub use query::{Channel, IndexedRun};
pub use writer::{IndexWriter, KnownFile, ScannedFile, Totals};
