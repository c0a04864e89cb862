//! Archives of miniSEED files: find and scan files, the `tsindex` database, windows, HDF5 chunks.
//!
//! Files and threads live here; samples are decoded by `mseed-core`, and nothing here knows
//! Python.
#![deny(unsafe_code)]

pub mod checkindex;
pub mod chunk;
mod error;
pub mod fork;
pub mod inspect;
pub mod makeindex;
mod memory;
pub mod names;
pub mod problem;
mod read_at;
pub mod run;
pub mod scan;
pub mod tsindex;
pub mod walk;
pub mod window;

pub use error::Error;
pub use problem::Problem;
