//! What can be wrong with bytes, and at which byte.

use std::fmt;

use crate::decode::Encoding;

/// A failure: what, and where in the slice that was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    /// What was found and what was expected.
    pub kind: Kind,
    /// Byte offset in the slice (of the field, or of the record that is refused).
    pub offset: usize,
}

/// Who is at fault; a caller decides by this, not by the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The bytes contradict the format.
    Corrupt,
    /// The bytes end before the record does.
    Truncated,
    /// The bytes are right, but this library does not decode them.
    Unsupported,
    /// A declared size is above a bound of [`crate::limits`].
    LimitExceeded,
    /// The caller asked for something impossible.
    InvalidArgument,
}

/// What exactly is wrong.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// No record header is recognisable.
    NotMiniSeed,
    /// A SEED control header (volume, abbreviation, station or time span), no data record.
    ControlHeader,
    /// A header field has an impossible value.
    Field {
        /// Name of the field.
        name: &'static str,
        /// Value found.
        found: i64,
        /// Values that would be right.
        expected: &'static str,
    },
    /// A miniSEED 2 record without blockette 1000 whose end cannot be found.
    UnknownLength,
    /// A miniSEED 2 header whose sequence number lost digits: the end of the record before stands in
    /// their place.
    LostDigits {
        /// How many.
        lost: usize,
    },
    /// A chain of miniSEED 2 blockettes that goes on at an impossible place.
    BlocketteChain {
        /// Byte of the record where the offset of the next blockette stands.
        named_at: usize,
        /// Offset found there.
        found: usize,
        /// First byte that would be possible.
        from: usize,
        /// First byte behind what would be possible.
        to: usize,
    },
    /// The bytes end before the record does.
    Truncated {
        /// Bytes that the record needs.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// The CRC-32C of a miniSEED 3 record does not match its bytes.
    Crc {
        /// Value in the header.
        stored: u32,
        /// Value of the bytes.
        computed: u32,
    },
    /// A source identifier that is not an FDSN one.
    SourceIdentifier,
    /// An encoding that is not decoded.
    Encoding {
        /// Code in the header.
        code: u8,
    },
    /// The payload ends before the declared number of samples.
    ShortPayload {
        /// Samples that the header declares.
        declared: usize,
        /// Samples that the payload holds.
        decoded: usize,
    },
    /// A Steim word with a code that the format does not define.
    SteimCode {
        /// Samples decoded before it.
        decoded: usize,
    },
    /// An SRO word with a gain that does not exist.
    SroGain {
        /// Gain range factor found.
        found: u8,
        /// Samples decoded before it.
        decoded: usize,
    },
    /// The last sample of a Steim payload is not the one stored for checking.
    SteimLastSample {
        /// Reverse integration constant, as stored.
        expected: i32,
        /// Last sample, as decoded.
        decoded: i32,
    },
    /// A declared size is above its bound.
    Limit {
        /// Name of the size.
        name: &'static str,
        /// Value found.
        found: u64,
        /// Bound.
        limit: u64,
    },
    /// A sample that the encoding asked for cannot hold.
    Unfit {
        /// The encoding.
        encoding: Encoding,
        /// Number of the sample in the series, from 0.
        sample: usize,
        /// Its value.
        value: i32,
        /// Difference from the sample before, where it is that which does not fit.
        difference: Option<i64>,
    },
    /// The caller's buffer or option does not fit.
    Argument(&'static str),
}

impl Error {
    pub(crate) fn new(kind: Kind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// Who is at fault.
    #[must_use]
    pub fn class(&self) -> Class {
        match self.kind {
            Kind::Truncated { .. } => Class::Truncated,
            Kind::Encoding { .. } | Kind::SourceIdentifier => Class::Unsupported,
            Kind::Limit { .. } => Class::LimitExceeded,
            Kind::Argument(_) | Kind::Unfit { .. } => Class::InvalidArgument,
            _ => Class::Corrupt,
        }
    }

    /// The same failure, seen from a slice that starts `base` bytes earlier.
    #[must_use]
    pub fn shifted(mut self, base: usize) -> Self {
        self.offset += base;
        self
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::NotMiniSeed => write!(f, "no miniSEED record header"),
            Kind::ControlHeader => write!(f, "SEED control header, no data record"),
            Kind::Field {
                name,
                found,
                expected,
            } => write!(f, "{name} {found}: expected {expected}"),
            Kind::UnknownLength => write!(
                f,
                "record without blockette 1000: expected another header behind it to tell its length"
            ),
            Kind::LostDigits { lost } => write!(
                f,
                "sequence number: expected six digits, {lost} of them are lost; the end of the \
                 record before stands in their place"
            ),
            Kind::BlocketteChain {
                named_at,
                found,
                from,
                to,
            } => {
                if *found == 0 {
                    // The chain is said to end where a blockette 1000 stands.
                    return write!(
                        f,
                        "broken chain of blockettes: none, as byte {named_at} of the record says: \
                         expected blockette 1000 at {from}"
                    );
                }
                write!(
                    f,
                    "broken chain of blockettes: the next one at {found}, as byte {named_at} of \
                     the record says: expected none"
                )?;
                if from < to {
                    write!(f, " or {from} to {to}")?;
                }
                Ok(())
            }
            Kind::Truncated { needed, available } => write!(
                f,
                "cut short: the record needs {needed} bytes, {available} are there"
            ),
            Kind::Crc { stored, computed } => write!(
                f,
                "CRC-32C 0x{computed:08X} of the bytes: expected 0x{stored:08X} as stored in the header"
            ),
            Kind::SourceIdentifier => write!(
                f,
                "source identifier is not of the form FDSN:NET_STA_LOC_B_S_SS"
            ),
            Kind::Encoding { code } => {
                write!(
                    f,
                    "encoding {code} ({}) is not decoded",
                    encoding_name(*code)
                )
            }
            Kind::ShortPayload { declared, decoded } => write!(
                f,
                "payload holds {decoded} samples: expected {declared} as the header says"
            ),
            Kind::SteimCode { decoded } => {
                write!(f, "undefined Steim code after {decoded} samples")
            }
            Kind::SroGain { found, decoded } => write!(
                f,
                "SRO gain {found} after {decoded} samples: expected 0 to 10"
            ),
            Kind::SteimLastSample { expected, decoded } => write!(
                f,
                "last sample {decoded}: expected {expected} as stored for checking"
            ),
            Kind::Limit { name, found, limit } => {
                write!(f, "{name} {found}: expected at most {limit}")
            }
            Kind::Unfit {
                encoding,
                sample,
                value,
                difference: Some(difference),
            } => write!(
                f,
                "sample {sample} is {value}: its difference {difference} from the sample before \
                 does not fit the 30 bits of {}: use STEIM1 or INT32, or allow the fall-back",
                encoding.name()
            ),
            Kind::Unfit {
                encoding,
                sample,
                value,
                difference: None,
            } => write!(
                f,
                "sample {sample} is {value}: expected -32768 to 32767 for {}: use STEIM2 or INT32, \
                 or allow the fall-back",
                encoding.name()
            ),
            Kind::Argument(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

impl std::error::Error for Error {}

/// Name of a data encoding by its code (SEED 2.4 blockette 1000 field 3; FDSN miniSEED 3, section
/// "Data payload encodings").
#[must_use]
pub(crate) fn encoding_name(code: u8) -> &'static str {
    match code {
        0 => "text",
        1 => "int16",
        2 => "int24",
        3 => "int32",
        4 => "float32",
        5 => "float64",
        10 => "Steim1",
        11 => "Steim2",
        12 => "GEOSCOPE 24-bit",
        13 => "GEOSCOPE 16-bit, 3-bit exponent",
        14 => "GEOSCOPE 16-bit, 4-bit exponent",
        15 => "US National Network",
        16 => "CDSN 16-bit gain ranged",
        17 => "Graefenberg 16-bit gain ranged",
        18 => "IPG Strasbourg 16-bit gain ranged",
        19 => "Steim3",
        30 => "SRO",
        31 => "HGLP",
        32 => "DWWSSN",
        33 => "RSTN 16-bit gain ranged",
        100 => "opaque",
        _ => "unknown",
    }
}
