//! Samples → miniSEED 2 and 3 records.

#[cfg(any(test, feature = "oracle"))]
pub mod naive;
mod plain;
mod rate;
mod series;
mod steim;
mod v2;
mod v3;

pub use v2::{Header, write_v2};
pub use v3::{HeaderV3, write_v3};

use crate::decode::Encoding;
use crate::error::{Error, Kind};
use crate::limits;
use crate::time;

/// Samples to be written.
#[derive(Debug, Clone, Copy)]
pub enum Samples<'a> {
    /// For Int16, Int32, Steim1 and Steim2.
    Int16(&'a [i16]),
    /// For Int16, Int32, Steim1 and Steim2.
    Int32(&'a [i32]),
    /// For Float32.
    Float32(&'a [f32]),
    /// For Float64.
    Float64(&'a [f64]),
    /// For Text.
    Text(&'a [u8]),
}

impl Samples<'_> {
    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Int16(s) => s.len(),
            Self::Int32(s) => s.len(),
            Self::Float32(s) => s.len(),
            Self::Float64(s) => s.len(),
            Self::Text(s) => s.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What one record took.
struct Packed {
    npts: usize,
    bytes: usize,
    /// Frames of a Steim payload, 0 for others.
    frames: usize,
}

/// Write with `encoding`, and where a value does not fit it, with the next one that holds more:
/// Steim2, Steim1, int32; int16, int32. `write` appends nothing when it fails.
///
/// # Errors
/// What `write` returns, when it is something else or there is no next encoding.
pub fn with_fallback<T>(
    mut encoding: Encoding,
    mut write: impl FnMut(Encoding) -> Result<T, Error>,
) -> Result<T, Error> {
    loop {
        let error = match write(encoding) {
            Err(error) if matches!(error.kind, Kind::Unfit { .. }) => error,
            other => return other,
        };
        encoding = match encoding {
            Encoding::Steim2 => Encoding::Steim1,
            Encoding::Steim1 | Encoding::Int16 => Encoding::Int32,
            _ => return Err(error),
        };
    }
}

fn argument(text: &'static str) -> Error {
    Error::new(Kind::Argument(text), 0)
}

/// Refuse a rate that no header holds. Text has no sampling: its rate may be 0.
fn check_rate(rate_hz: f64, encoding: Encoding) -> Result<(), Error> {
    let silent = rate_hz == 0.0 && encoding == Encoding::Text;
    if silent || (limits::MIN_RATE_HZ..=limits::MAX_RATE_HZ).contains(&rate_hz) {
        return Ok(());
    }
    Err(argument(
        "sample rate: expected 1e-9 to 1e9 Hz (0 for text)",
    ))
}

/// Refuse a series that begins or ends outside of the years.
fn check_years(
    start_ns: i64,
    rate_hz: f64,
    npts: usize,
    years: std::ops::RangeInclusive<i64>,
    text: &'static str,
) -> Result<(), Error> {
    let end_ns = time::sample_time_ns(start_ns, rate_hz, (npts as i64 - 1).max(0));
    if [start_ns, end_ns]
        .iter()
        .all(|at| years.contains(&time::to_civil(*at).year))
    {
        Ok(())
    } else {
        Err(argument(text))
    }
}

fn all_graphic(codes: &[&str]) -> bool {
    codes
        .iter()
        .all(|code| code.bytes().all(|b| b.is_ascii_graphic()))
}
