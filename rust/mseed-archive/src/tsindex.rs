//! The index file: EarthScope's `tsindex` schema in SQLite.
//!
//! `tables` is the only place where names of tables stand, `schema` and `row_texts` those where text
//! forms do; `writer`, `entries`, `known`, `query`, `rows`, `contents`, `listing` and `connection` are
//! the only ones with SQL.

mod connection;
mod contents;
mod entries;
mod globs;
mod known;
pub(crate) mod listing;
pub(crate) mod opened;
mod patience;
pub(crate) mod query;
mod row_texts;
mod rows;
pub mod schema;
pub(crate) mod tables;
mod writer;

pub use connection::IndexReader;
pub use contents::Contents;
pub use entries::{Change, KnownEnd, ScannedFile};
pub use globs::Selection;
pub use known::{KnownFile, KnownFiles};
pub(crate) use query::margin_ns;
pub use query::{Age, Channel, IndexedRun, Question};
pub use row_texts::RowTexts;
pub use writer::{IndexWriter, Totals, Written};
