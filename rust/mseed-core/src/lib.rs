//! miniSEED 2 and 3: bytes to values and back.
//!
//! No I/O, no threads, no Python, no SQLite: a caller brings the bytes and the buffers.
//!
//! * [`Walker`] steps through a byte slice from record to record and says what it skipped.
//! * [`Record`] is one parsed header that borrows its bytes.
//! * [`decode::decode_into`] turns a payload into samples in a buffer that the caller owns.
//! * [`encode`] writes records.
#![deny(unsafe_code)]

pub mod decode;
pub mod encode;
mod error;
pub mod leap;
pub mod limits;
pub mod record;
mod source_id;
pub mod time;

pub use decode::{Encoding, SampleType};
pub use error::{Class, Error, Kind};
pub use record::walk::{Item, Progress, Skipped, Walker};
pub use record::{FormatVersion, Record};
pub use source_id::{Code, SourceId};
